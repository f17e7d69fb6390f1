"""What the errors of foreign functions recommend: it is there, and does the same.

All public functions of NumPy, and of SciPy's `special`, are called on Tensors. Each one works, or
its error names no function but those that the table of counterparts has for it; and each expression
of the table gives what the function gives on arrays.
"""

import re
import statistics
import sys
import warnings

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg
from tinygrad_np.core.counterparts import COUNTERPARTS
from tinygrad_np.core.protocols import FUNCTIONS, UFUNCS

V = np.array([1.0, 4.0, 9.0, 16.0, 2.5])
M = np.array([[2.0, 1.0, 0.5], [1.0, 3.0, 0.7], [0.2, 0.1, 4.0]])
ENDS = {"start": np.array(1.5), "stop": np.array(2.0), "num": 4}
TALL = np.random.default_rng(0).normal(size=(5, 3))

# The call that each counterpart stands for, and the values of its names.
CALLS = {
    "np.nanstd": ("np.nanstd(t)", {"t": np.array([1.0, np.nan, 4.0])}),
    "np.nanvar": ("np.nanvar(t)", {"t": np.array([1.0, np.nan, 4.0])}),
    "np.nancumsum": ("np.nancumsum(t)", {"t": np.array([1.0, np.nan, 4.0])}),
    "np.nancumprod": ("np.nancumprod(t)", {"t": np.array([2.0, np.nan, 4.0])}),
    "np.unique_values": ("np.unique_values(t)", {"t": np.array([2.0, 1.0, 2.0])}),
    "np.convolve": ("np.convolve(a, v)", {"a": V, "v": V[:3]}),
    "np.correlate": ("np.correlate(a, v)", {"a": V, "v": V[:3]}),
    "np.linalg.lstsq": ("np.linalg.lstsq(a, b, rcond=None)[0]", {"a": TALL, "b": V}),
    "np.linalg.pinv": ("np.linalg.pinv(t)", {"t": TALL}),
    "np.modf": ("np.modf(t)", {"t": np.array([1.5, -2.25])}),
    "np.polyval": ("np.polyval(p, x)", {"p": V, "x": np.array([0.5, 2.0])}),
    "np.vander": ("np.vander(x)", {"x": V}),
    "np.empty_like": ("np.zeros_like(t)", {"t": M}),
    "np.full": ("np.full(shape, t)", {"t": np.array(2.5), "shape": (2, 3)}),
    "np.linspace": ("np.linspace(start, stop, num)", ENDS),
    "np.logspace": ("np.logspace(start, stop, num)", ENDS),
    "np.geomspace": ("np.geomspace(start, stop, num)", ENDS),
    "np.copyto": ("np.copyto(dst, t)", {"dst": M, "t": M * 2}),
    "np.fill_diagonal": ("np.fill_diagonal(t, val)", {"t": M, "val": 7.0}),
    "np.place": ("np.place(t, mask, v)", {"t": M, "mask": M > 1, "v": 7.0}),
    "np.put": ("np.put(t, ind, v)", {"t": V, "ind": np.array([0, 3]), "v": 7.0}),
    "np.putmask": ("np.putmask(t, mask, v)", {"t": M, "mask": M > 1, "v": 7.0}),
    "np.apply_along_axis": ("np.apply_along_axis(f, 1, t)", {"f": np.sort, "t": M}),
    "np.bincount": ("np.bincount(t, weights)", {"t": np.array([1, 0, 1, 3, 1]), "weights": V}),
    "np.fft.fftshift": ("np.fft.fftshift(t)", {"t": V}),
    "np.fft.ifftshift": ("np.fft.ifftshift(t)", {"t": V}),
    "np.lib.stride_tricks.sliding_window_view": (
        "np.lib.stride_tricks.sliding_window_view(t, n)",
        {"t": V, "n": 3},
    ),
}
POSITIVE = {"x": np.array([[0.3, 0.9], [0.5, 0.2]]), "y": np.array([0.6, 1.7])}
SCIPY_ARGUMENTS = {  # of those that take more than x
    "boxcox": "x, lmbda",
    "inv_boxcox": "x, lmbda",
    "kl_div": "x, y",
    "log_softmax": "x, axis",
    "logsumexp": "x, axis",
    "polygamma": "n, x",
    "rel_entr": "x, y",
    "softmax": "x, axis",
    "xlog1py": "x, y",
    "xlogy": "x, y",
}


def evaluate(text, values):
    """Compute an expression of the table: `condition: expression, with name = value and ...`."""
    names = {"np": np, "tinygrad_np": tg, **values}
    expression, _, assignments = text.rpartition(": ")[2].partition(", with ")
    for assignment in re.split(r" and (?=\w+ = )", assignments):
        name, is_one, value = assignment.partition(" = ")
        if is_one:
            names[name] = eval(value, names)
    if "] = " not in expression:
        return eval(expression, names)
    exec(expression, names)
    return names[expression.partition("[")[0]]  # what was written to


def as_tensors(values):
    """Arrays of floats as Tensors that need a gradient, other ones as Tensors, the rest as is."""
    tensors = {}
    for name, value in values.items():
        tensors[name] = value
        if isinstance(value, np.ndarray) and value.dtype.kind != "b":
            tensors[name] = tg.Tensor(value)
    return tensors


def calls_of_the_table():
    for function in COUNTERPARTS:
        if function in CALLS:
            yield function, *CALLS[function]
        else:
            name = function.removeprefix("scipy.special.")
            values = {**POSITIVE, "lmbda": 0.7, "axis": 1, "n": 1}
            yield function, f"special.{name}({SCIPY_ARGUMENTS.get(name, 'x')})", values


@folded
@pytest.mark.parametrize(
    ("function", "call", "values"), [pytest.param(*c, id=c[0]) for c in calls_of_the_table()]
)
def test_each_counterpart_does_the_same(function, call, values):
    names = {"np": np, **{k: np.copy(v) if np.ndim(v) else v for k, v in values.items()}}
    if function.startswith("scipy"):
        special = names["special"] = pytest.importorskip("scipy.special")
        if not hasattr(special, function.rpartition(".")[2]):
            pytest.skip("not in this SciPy")
    elif not hasattr(np, function.split(".")[1]):
        pytest.skip("not in this NumPy")
    want = eval(call, names)
    if want is None:  # it wrote to its first argument
        want = names[re.match(r"[\w.]+\((\w+)", call)[1]]
    got = evaluate(COUNTERPARTS[function], as_tensors(values))
    assert isinstance(got, (tg.Tensor, tuple))
    pairs = zip(got, want, strict=True) if isinstance(got, tuple) else [(got, want)]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-9, atol=1e-12)


@folded
@pytest.mark.parametrize("function", [name for name in COUNTERPARTS if name.startswith("np.")])
def test_the_table_has_no_function_that_works(function):
    value = np
    for part in function.split(".")[1:]:
        value = getattr(value, part, None)
    assert value not in FUNCTIONS
    assert (value, "__call__") not in UFUNCS


def named(text):
    """The functions that a message names."""
    return set(re.findall(r"\b(?:np|numpy|tg|tinygrad_np|scipy)\.(?:\w+\.)*\w+", text))


def check_message(function, text):
    """The message names the function, and others only as far as the table has them for it."""
    general = {"tinygrad_np.define_op", "tinygrad_np.stack", "tinygrad_np.permutation"}
    far = named(text) - general - {function} - named(COUNTERPARTS.get(function, ""))
    assert not far, text
    for name in named(text) - {function}:
        value = {"np": np, "tinygrad_np": tg}[name.partition(".")[0]]
        for part in name.split(".")[1:]:
            value = getattr(value, part)  # it is there


T = tg.Tensor(np.linspace(0.2, 0.9, 9).reshape(3, 3), requires_grad=True)
ARGUMENTS = [
    (T,),
    (T, T),
    (T, 1),
    (1, T),
    ([T, T],),
    (T, T, T),
    (T, 1, T),
    ((3, 3), T),
    (sum, 0, T),
]


def numpy_functions():
    untried = {"test", "info", "show_config", "show_runtime"}
    for prefix, module in (
        ("np", np),
        ("np.linalg", np.linalg),
        ("np.fft", np.fft),
        ("np.char", np.char),
        ("np.strings", getattr(np, "strings", None)),
        ("np.lib.stride_tricks", np.lib.stride_tricks),
    ):
        for name in dir(module):
            function = getattr(module, name, None)
            is_type = isinstance(function, type)
            if callable(function) and not is_type and name[0] != "_" and name not in untried:
                yield f"{prefix}.{name}", function


@folded
@pytest.mark.parametrize(
    ("name", "function"), [pytest.param(*p, id=p[0]) for p in numpy_functions()]
)
def test_each_numpy_function_works_or_names_what_does_the_same(name, function, tmp_path):
    if "save" in name:
        function(tmp_path / "values", T)
        return
    works = isinstance(function, np.ufunc) and (function, "__call__") in UFUNCS
    works = works or function in FUNCTIONS
    for arguments in ARGUMENTS:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                function(*arguments)
        except NotImplementedError as error:
            spelled = str(error).partition(" ")[0]  # name, or a function that it calls
            if arguments is ARGUMENTS[0]:
                assert not works
                assert name == spelled or getattr(function, "__name__", "") in spelled
            check_message(spelled, str(error))
        except Exception as error:
            if "define_op" in str(error) or "gradient" in str(error):
                first = str(error).partition(" ")[0]
                check_message(first if first in named(str(error)) else name, str(error))


def scipy_ufuncs():
    special = pytest.importorskip("scipy.special")
    for name in dir(special):
        if isinstance(getattr(special, name), np.ufunc):
            yield f"scipy.special.{name}", getattr(special, name)


def test_each_scipy_ufunc_names_what_does_the_same():
    count = 0
    for name, ufunc in scipy_ufuncs():
        if (ufunc, "__call__") in UFUNCS:
            continue
        with pytest.raises(NotImplementedError) as caught:
            ufunc(*[T] * ufunc.nin)
        text = str(caught.value)
        assert text.startswith("scipy.special.")
        check_message(text.partition(" ")[0], text)
        count += name in COUNTERPARTS
    assert count > 15


def test_a_ufunc_of_somebody_else_is_no_function_of_numpy():
    mine = np.frompyfunc(lambda x: x, 1, 1)
    with pytest.raises(NotImplementedError) as caught:
        mine(T)
    assert named(str(caught.value)) == {"tinygrad_np.define_op"}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: np.full((2, 3), T[0, 0]), r"gradient\. Write np\.broadcast_to\(t, shape\)\."),
        (lambda: tg.full((2, 3), T[0, 0]), r"gradient\. Write np\.broadcast_to\(t, shape\)\."),
        (lambda: np.asarray(T), r"gradient\. Use \.numpy\(\)"),
        (lambda: np.array([T, T]), r"tinygrad_np\.stack"),
        (
            lambda: np.correlate(T, T),
            r"For 1-D arrays, write tinygrad_np\.conv1d\(a\[None, None\], v\[None, None\]\)",
        ),
        (lambda: T in [T + 1, T], r"any\(t is other for other in tensors\)"),
        (lambda: bool(T), r"ambiguous: use \.any\(\) or \.all\(\)$"),
        (lambda: statistics.mean([T[0, 0], T[0, 1]]), r"np\.mean.*\.item\(\)"),
        (lambda: np.add.outer(T, T), r"^np\.add\.outer is not supported"),
    ],
)
def test_what_to_write_instead(call, text):
    with pytest.raises((TypeError, ValueError, NotImplementedError), match=text):
        call()


def test_softmax_of_scipy():
    special = pytest.importorskip("scipy.special")
    with pytest.raises(TypeError, match=r"Write tinygrad_np\.softmax\(x, axis\)"):
        special.softmax(T, axis=1)


def test_files_texts_and_positions_just_work(tmp_path):
    t = tg.Tensor([3.0, 1.0, 2.0], requires_grad=True)
    np.save(tmp_path / "t.npy", t)
    np.savez(tmp_path / "t.npz", weights=t, others=tg.Tensor([1, 2]))
    np.savetxt(tmp_path / "t.txt", t)
    assert np.load(tmp_path / "t.npy").tolist() == [3, 1, 2]
    assert np.load(tmp_path / "t.npz")["weights"].tolist() == [3, 1, 2]
    assert np.loadtxt(tmp_path / "t.txt").tolist() == [3, 1, 2]
    assert np.array_str(t) == "[3. 1. 2.]"
    assert np.isin(t, [1, 2]).tolist() == [False, True, True]
    assert np.nanargmax(t).item() == 0
    assert np.linalg.matrix_rank(tg.Tensor(M)).item() == 3


def test_draws_and_lookups_by_tensors_without_a_gradient():
    rng = np.random.default_rng(0)
    t, places = tg.Tensor([3.0, 1.0, 2.0]), tg.Tensor([2, 0])
    assert sorted(rng.permutation(t)) == [1, 2, 3]
    assert sorted(np.random.permutation(t)) == [1, 2, 3]
    assert rng.choice(t) in (1, 2, 3)
    assert np.arange(3)[places].tolist() == [2, 0]
    assert np.arange(3)[t > 1.5].tolist() == [0, 2]
    assert np.full(2, t[0]).tolist() == [3, 3]
    assert list(range(places[0])) == [0, 1]
    assert [v.item() for v in sorted(t)] == [1, 2, 3]
    assert (t == None) is False  # noqa: E711


def test_messages_alone_read_the_table():
    import subprocess

    code = "import sys, tinygrad_np; print('tinygrad_np.core.counterparts' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
