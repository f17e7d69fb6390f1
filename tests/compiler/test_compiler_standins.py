"""A stand-in of a recording is what it stands for: an array, a NumPy number, a Python number."""

import copy as copying
import enum
import numbers
import os
import re

import numpy as np
import pytest
from folded import folded
from op_cases import every_case
from pass_sets import EXACT, every_pass_set

import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 4))


def leaves(value):
    """The kinds and values of nested results."""
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(leaf for item in value for leaf in leaves(item))]
    if isinstance(value, tg.Tensor):
        return ["Tensor", np.array(value.data)]
    return [type(value).__name__, np.array(value) if np.ndim(value) else value]


def assert_same(got, want):
    got, want = leaves(got), leaves(want)
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        assert type(a) is type(b)
        np.testing.assert_array_equal(a, b)
        assert getattr(a, "dtype", None) == getattr(b, "dtype", None)


def assert_compiles(step, *args, passes=None, refused=False):
    """Hold each call of a compiled step against the step: results, their kinds, its arguments.

    With `refused`, a CompileError that names this file is right too; true if there was one.
    """
    program = tg.compile(step, passes=passes)
    for k in range(4):
        inputs = [a + k if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in args]
        want = step(*copying.deepcopy(inputs))
        mine = copying.deepcopy(inputs)
        if refused:
            refusal = refusal_of(program, *mine)
            if refusal is not None:
                return True
            mine = copying.deepcopy(inputs)
        got = program(*mine)
        assert_same(got, want)
        for a, b in zip(mine, inputs, strict=True):
            np.testing.assert_array_equal(a, b)
    return False


def refusal_of(program, *args):
    """The CompileError of a call, which must name a line, or None."""
    try:
        program(*args)
    except tg.CompileError as error:
        if not re.search(r"\.py:\d+: ", str(error)):
            raise
        return error
    return None


# --- what it says that it is --------------------------------------------------------------------

QUESTIONS = [
    lambda x: isinstance(x, np.ndarray),
    lambda x: isinstance(x, (list, np.ndarray)),
    lambda x: isinstance(x, np.generic),
    lambda x: type(x) is np.ndarray,
    lambda x: type(x.sum()) is np.float64,
    lambda x: type(x).__name__ == "ndarray",
    lambda x: type(np.count_nonzero(x)) in (int, float),
    lambda x: isinstance(x[0, 0], np.ndarray),
    lambda x: isinstance(x[0, 0], np.floating),
    lambda x: isinstance(x.sum(), float),
    lambda x: isinstance(x.sum(), numbers.Real),
    lambda x: isinstance((x > 0).any(), np.bool_),
    lambda x: isinstance(np.count_nonzero(x), int),
    lambda x: isinstance(x.reshape(-1)[:1].reshape(()), np.ndarray),
    lambda x: isinstance(x[..., 0, 0], np.ndarray),
    lambda x: isinstance(tg.Tensor(x).data, np.ndarray),
    lambda x: isinstance(tg.Tensor(x).sum().data, np.ndarray),
    lambda x: isinstance(tg.Tensor(x).argmax(), tg.Tensor),
    lambda x: np.isscalar(x[0, 0]) and not np.isscalar(x),
    lambda x: hasattr(x, "__len__") and not hasattr(x[0, 0], "__len__"),
    lambda x: hasattr(x, "requires_grad") or hasattr(x, "detach"),
    lambda x: hasattr(x[0, 0], "is_integer"),
    lambda x: callable(x),
    lambda x: x.base is None and x.T.base is not None,
    lambda x: x.flags.c_contiguous and not x.T.flags.c_contiguous,
    lambda x: tg.Tensor(x).data.flags.writeable,
    lambda x: (x * 2).flags.writeable and not np.broadcast_to(x, (2, 3, 4)).flags.writeable,
    lambda x: x.strides == (32, 8) and x.T.strides == (8, 32),
]


def test_what_is_computed_of_a_captured_array_is_an_array_like_others():
    kept = np.arange(12.0).reshape(3, 4)

    def step(x):
        a = x + kept
        b = a[0] * kept[1]
        a[0] = 2.0
        a[kept[:, 0] > 3] += 1.0
        return a.mean(axis=0), b, a[np.argsort(a[:, 0])]

    assert not assert_compiles(step, X)


@folded
@pytest.mark.parametrize("question", QUESTIONS, ids=range(len(QUESTIONS)))
def test_a_question_has_the_answer_of_the_real_value(question):
    assert not assert_compiles(lambda x: (x * 2 if question(x) else x * 100, question(x)), X)


SAMPLES = {
    "argpartition": (1,), "astype": ("f4",), "byteswap": (), "choose": ([1.0, 2.0],),
    "clip": (0, 1), "compress": ([True, False, True], 0), "dot": (np.ones((4, 2)),), "fill": (7.0,),
    "getfield": ("f4", 4), "item": (0,), "partition": (1,), "put": ([0, 1], 7.0),
    "repeat": (2, 0), "reshape": (4, 3), "resize": (4, 3), "round": (1,), "searchsorted": (0.5,),
    "setfield": (7.0, "f8"), "setflags": (), "swapaxes": (0, 1), "take": ([0, 1],),
    "to_device": ("cpu",), "tofile": (os.devnull,), "dump": (os.devnull,), "view": ("i8",),
    "is_integer": (), "fromhex": ("0x1p0",), "__round__": (1,),
}  # fmt: skip
ON_OTHER_VALUES = {
    "choose": lambda x: (x > 0).astype(int),
    "searchsorted": lambda x: np.sort(x * 1.0, axis=None),
}
GONE = {"itemset", "newbyteorder", "ptp", "tostring"}  # NumPy 2.0 still names them, to refuse them
NAMES = [n for n in dir(np.ndarray) if not n.startswith("_") and n not in GONE]
SCALAR_NAMES = [n for n in dir(np.float64) if not n.startswith("_")] + ["__round__"]


def asked(name, make):
    """A step that asks a value for an attribute, or calls its method, and then computes on."""

    def step(x):
        value = make(x)
        answer = getattr(value, name)
        if callable(answer):
            answer = answer(*SAMPLES.get(name, ()))
        if name == "flat":
            answer = [answer[3], answer[1:4], len(answer), answer.copy(), *answer]
        if name in ("flags", "device"):
            answer = str(answer)
        if name in ("dtype", "base"):
            answer = answer is None or answer == x.dtype
        return answer, value + 1

    return step


def assert_asked(name, make):
    refused = assert_compiles(asked(name, make), X, refused=True)
    assert refused == (name in REFUSED), name


NOT_OF_A_NUMBER = GONE | {
    "argpartition", "choose", "compress", "diagonal", "dot", "fill", "getfield", "nonzero",
    "partition", "put", "resize", "searchsorted", "setfield", "sort", "swapaxes", "trace",
}  # fmt: skip
REFUSED = {
    "as_integer_ratio", "byteswap", "compress", "ctypes", "data", "dump", "dumps", "fromhex",
    "hex", "is_integer", "item", "nonzero", "resize", "tobytes", "tofile", "tolist",
}  # fmt: skip


@folded
@pytest.mark.parametrize("name", NAMES)
def test_every_attribute_of_an_array_answers_or_is_refused(name):
    assert_asked(name, ON_OTHER_VALUES.get(name, lambda x: x * 2))


@folded
@pytest.mark.parametrize("name", [n for n in SCALAR_NAMES if n not in NOT_OF_A_NUMBER])
def test_every_attribute_of_a_numpy_number_answers_or_is_refused(name):
    args = {"reshape": (1,), "repeat": (2,), "take": ([0],)}

    def step(x):
        value = x.sum()
        answer = getattr(value, name)
        if callable(answer):
            answer = answer(*args.get(name, SAMPLES.get(name, ())))
        if name in ("flags", "device", "flat", "base", "data"):
            answer = name
        return answer, value + 1

    refused = assert_compiles(step, X, refused=True)
    assert refused == (name in REFUSED), name


TWO = [
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "eq", "ne",
    "and", "or", "xor", "lshift", "rshift",
]  # fmt: skip
BINARY = {f"__{prefix}{name}__" for name in TWO for prefix in ("", "r")}
UNARY = {"__abs__", "__neg__", "__pos__", "__invert__", "real", "imag"}


@pytest.mark.parametrize("kind", [int, float])
def test_arithmetic_of_a_number_answers_and_all_else_is_refused(kind):
    names = {name for name in dir(kind) if not name.startswith("_")}
    computed = (BINARY | UNARY) & set(dir(kind))
    for name in sorted(names | computed | {"__round__", "__trunc__"}):
        number = tg.Number(kind(3))
        operands = {"from_bytes": (b"1", "big"), "fromhex": ("0x1p0",), "to_bytes": (1, "big")}

        def step(x, name=name, number=number, operands=operands):
            answer = getattr(number.value, name)
            if callable(answer):
                answer = answer(*operands.get(name, (2,) if name in BINARY else ()))
            number.value += 1
            return x, answer

        assert refusal_of(tg.compile(step).lower, X) is None or name not in computed, name
        if name in computed:
            program, values = tg.compile(step), []
            for run in (program, step):
                number.value = kind(3)
                values.append([run(X)[1] for _ in range(4)])
            assert list(map(type, values[0])) == list(map(type, values[1])), name
            assert values[0] == values[1], name


# --- what writes --------------------------------------------------------------------------------

I = np.array([2, 0, 1])  # noqa: E741
M = np.arange(12).reshape(3, 4) % 2 == 0
WRITES = """
np.fill_diagonal(a, 0)
np.fill_diagonal(a[1:], 0)
np.fill_diagonal(val=3.0, a=a)
np.put(a, [0, 1], 7)
np.put(a, i, x[0])
np.place(a, m, 7)
np.place(a, a > 0, x[0])
np.putmask(a, a > 0, x)
np.putmask(a.T, m.T, 3.0)
np.copyto(a, x)
np.copyto(a, x[0])
np.copyto(dst=a, src=1.0, where=a > 0)
np.copyto(a[::2, 1:], 5.0)
np.put_along_axis(a, np.argmax(x, axis=1)[:, None], 99, 1)
np.clip(a, 0, 1, out=a)
np.clip(x, 0, 1, out=a.T.T)
a.clip(0, 1, out=a)
np.sum(x, axis=0, out=a[0])
x.sum(axis=0, out=a[1])
np.max(x, axis=1, out=a[:, 0])
np.add.reduce(x, axis=0, out=a[2])
np.cumsum(x, axis=0, out=a)
x.cumprod(1, out=a)
np.take(x, i, 0, out=a)
x.take(i, 0, out=a)
np.round(x, 1, out=a)
np.concatenate([x[:1], x[1:]], out=a)
np.stack([x[0], x[1], x[2]], out=a)
np.einsum('ij->ij', x, out=a)
np.dot(x[:, :3], x, out=a)
x[:, :3].dot(x, out=a)
np.matmul(x[:, :3], x, out=a)
np.add(x, 1, out=a)
np.add(x, 1, out=(a,))
np.add(x, 1, a)
np.exp(x, where=m, out=a)
np.add.at(a, (i, i), 2.0)
np.mean(x, axis=0, out=a[0])
np.var(x, axis=0, out=a[0])
np.choose([0, 1, 0, 1], [x, a], out=a)
a.fill(3.0)
a.sort(axis=0)
a.sort()
a[:, ::2].sort(axis=0)
a.partition(1)
a.put([0, 5], 3.0)
a.flat[1] = 100
a.T.flat[1:3] = 100
a.flat = 4.0
a.flat[i] = 1.0
a.real = 3.0
a[0] = 5.0
a[:, 1] = x[:, 0]
a[i] = 2.0
a[m] = 3.0
a[a > 0] = 3.0
a[...] = x
a[None, 1:, None] = 5
a[-1, -1] = x.sum()
a[i[0]] += 1
a += x
a **= 2
a *= a
a[1:] = a[:-1]
a @= np.eye(4)
a.T[...] *= 2
a.reshape(-1)[3] = 1.0
a.reshape(())[...] = 5.0 if a.size == 1 else 0
a.ravel()[2] = 9.0
a.T.ravel()[2] = 9.0
np.split(a, 2, axis=1)[1][...] = 4.0
np.diagonal(a)[0] = 1.0
tg.Tensor(a).data[0] = 1.0
np.broadcast_to(a, (2, 3, 4))[0] = 1.0
np.nan_to_num(a, copy=False)
np.sum(x, 0, None, a[0])
a.sum(0, None, a[0])
rng.shuffle(a)
np.median(a, overwrite_input=True)
a.setfield(1.0, 'f8')
a.byteswap(True)
a.resize((4, 3), refcheck=False)
a.shape = (4, 3)
a.dtype = 'i8'
np.divmod(x, 2.0, out=(a, a.copy()))
np.modf(x, a, a.copy())
x += 1
x[0] = 1.0
x.sort()
np.add(x, 1, out=x)
np.clip(x, 0, 1, out=x)
np.fill_diagonal(x, 1.0)
kept[0] = x[0]
np.copyto(kept, x)
np.add(x, 1, out=kept)
np.put(kept, [0], x[0, 0])
""".strip().splitlines()
# What no program does: the array is none of the function's own, or the call is not seen whole.
LEFT = """
np.nan_to_num(a, copy=False)
np.sum(x, 0, None, a[0])
a.sum(0, None, a[0])
rng.shuffle(a)
a.byteswap(True)
a.resize((4, 3), refcheck=False)
a.shape = (4, 3)
a.dtype = 'i8'
np.divmod(x, 2.0, out=(a, a.copy()))
np.modf(x, a, a.copy())
np.median(a, overwrite_input=True)
np.copyto(kept, x)
""".strip().splitlines()


@every_pass_set
@pytest.mark.parametrize("line", WRITES)
def test_what_writes_is_recorded_as_a_write_or_refused(line, passes, tmp_path):
    """The copy that is written to has its new values, what it was made of the old ones."""
    file = tmp_path / "step.py"
    file.write_text(
        f"def step(x, i, m):\n    c = x.copy()\n    a = c * 1.0\n    {line}\n"
        "    return a, c, x + 0.0, np.tanh(a)\n"
    )
    space = {"np": np, "tg": tg, "rng": np.random.default_rng(0), "kept": np.zeros((3, 4))}
    exec(compile(file.read_text(), str(file), "exec"), space)
    step = space["step"]
    program = tg.compile(step, passes=passes)
    outside = re.match(r"x\b(?!\.(sum|cum|take|dot)|\[:, :3)|.*(kept|out=x\)|diagonal\(x)", line)
    for k in range(4):
        space["rng"] = np.random.default_rng(k)
        x = X + k
        try:
            want = step(x.copy(), I, M)
        except Exception as error:
            with pytest.raises((type(error), tg.CompileError)):
                program(x.copy(), I, M)
            return
        space["rng"] = np.random.default_rng(k)
        mine = x.copy()
        if outside or line in LEFT:
            with pytest.raises(tg.CompileError, match=r"step\.py:4: "):
                program(mine, I, M)
            return
        for a, b in zip(program(mine, I, M), want, strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(mine, x)


# --- what ops return ----------------------------------------------------------------------------


@every_case
def test_ops_return_the_same_kinds_eager_recorded_and_compiled(case):
    """Without gradients; with them, the tests of compiled ops see to it."""

    def step(*inputs):
        outs = case.function(*case.arguments(inputs), **case.params)
        return outs if isinstance(outs, (list, tuple)) else (outs,)

    program = tg.compile(step)
    inputs = [tg.Tensor(value) for value in case.point()]
    want = step(*inputs)
    for _ in range(3):
        got = program(*inputs)
        assert type(got) is type(want)
        for a, b in zip(got, want, strict=True):
            assert type(a) is type(b)
            assert (a.shape, a.dtype) == (b.shape, b.dtype)


T = tg.Tensor
RESULTS = """
T(x).argmax(axis=1)
T(x).argmin()
tg.any(T(x) > 0)
tg.all(T(x) > -9, axis=0)
tg.count_nonzero(T(x))
tg.argmax(x)
tg.count_nonzero(x)
tg.count_nonzero(x, axis=0)
tg.any(x > 0)
tg.one_hot(T(x).argmax(axis=1), 4)
tg.one_hot(np.argmax(x, 1), 4)
tg.argsort(T(x))
tg.topk(T(x), 2)
tg.searchsorted(T([0.0, 1]), x)
T(x).shape
T(x).size
T(x).ndim
T(x).dtype == "f8"
np.split(x, 3)
np.split(T(x), 3)
tg.split(T(x), 2, axis=1)
np.array_split(x, 2)
list(T(x))
[*x]
np.linalg.slogdet(x[:, :3] + np.eye(3) * 9)
np.linalg.eigh(x.T @ x)[0]
np.meshgrid(x[0], x[1])
np.broadcast_arrays(x, x[0])
np.divmod(x, 2)
np.modf(x)
np.histogram(x, 3, (-9, 9))
x.sum()
x[0, 0]
np.mean(x)
x.reshape(-1)[:1].reshape(())
x[0, 0] ** 3
(T(x).sum() ** 3).data
x.sum() * 2 + np.float32(1)
2 ** x.sum()
np.float32(2) * np.count_nonzero(x)
x.astype("f4") * np.count_nonzero(x)
x.astype("f4") * np.linalg.matrix_rank(x[:1])
tg.zeros_like(x) + x
round(x[0, 0] / 3, 2)
T(x).argmax(axis=1).detach() * 2
(T(x).argmax(axis=1).numpy() == 1).mean()
x.__deepcopy__({})
x.T.__copy__()
x * complex(np.inf, 1)
x * complex(-0.0, 0.0)
x + T(np.arange(244, 256, dtype="u1").reshape(3, 4))
(x.astype("i8").astype("M8[D]") + np.timedelta64(1, "D")).astype("i8")
np.repeat(x, [1, 2, 1], axis=0)
x[np.argsort(x[:, 0])]
x[M]
np.sum(x, axis=Axis.ROWS)
T(x).sum().data + T(x)[0, 0].data
isinstance(x, Axis)
""".strip().splitlines()


class Axis(enum.IntEnum):
    """Axes as numbers that print as none."""

    ROWS = 0


@every_pass_set
@folded
@pytest.mark.parametrize("expression", RESULTS)
def test_results_are_of_the_same_kind(expression, passes):
    step = eval(f"lambda x: {expression}")
    with np.errstate(all="ignore"):
        assert not assert_compiles(step, X, passes=passes)


def test_sizes_that_depend_on_values_are_checked_in_each_call():
    """A result of another size is none of the program's: the function itself runs for that call."""

    def step(x, y):
        part = x[: np.count_nonzero(y > 0)]
        return part * 2, np.repeat(x, y.astype(int), axis=0) + 1, np.bincount(y.astype(int)) * 2

    program = tg.compile(step)
    for y in ([1, 2], [1, 2], [1, 2], [0, 1], [3, 0], [1, 2]):
        x, y = np.array([1.0, 2.0]), np.array(y, float)
        for a, b in zip(program(x, y), step(x, y), strict=True):
            np.testing.assert_array_equal(a, b)


def test_powers_of_scalars_have_the_bits_of_eager():
    """The operator on a scalar, the ufunc, and the operator on an array round in three ways."""
    rng = np.random.default_rng(0)

    def step(x):
        t = tg.Tensor(x)
        total, zero_dimensional = x.sum(), tg.Tensor(x.sum()).data
        powers = [t.sum() ** p for p in (3, 1.7, -2, 0.5)]
        return [*powers, total**3, zero_dimensional**3, 1.3**total, x**total, total ** x[0]]

    for passes in (EXACT, ()):
        program = tg.compile(step, passes=passes)
        for _ in range(60):
            x = np.abs(rng.standard_normal((2, 2)))
            for a, b in zip(program(x), step(x), strict=True):
                assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
