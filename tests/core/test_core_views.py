"""Writes to a part of a Tensor: they reach the whole, as in NumPy, or are refused; never neither.

Right programs are as important here as wrong ones: each does to a Tensor what it does to an array.
"""

import contextlib
import functools
import gc
import operator
import sys

import numpy as np
import pytest

import nn
import tinygrad_np as tg

START = np.arange(1.0, 13).reshape(3, 4)


def leaf(values=START):
    return tg.Tensor(values, requires_grad=True)


class Box:
    """Something with attributes."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


# --- programs that NumPy would let through to t --------------------------------------------------


def row_in_a_variable(t):
    row = t[0]
    row += 1


def row_in_a_loop(t):
    for row in t:
        row *= 2


def update_of_rows(t):
    for row, g in zip(t, np.ones((3, 4))):
        row -= 0.1 * g


def transposed(t):
    columns = t.T
    columns *= 5


def flattened(t):
    flat = t.reshape(-1)
    flat -= 1


def view_of_a_view(t):
    element = t.T[0]
    element /= 2


def element_of_a_row(t):
    t[0][1] = 5


def element_of_a_row_in_place(t):
    t[0][1] += 5


def elements_in_two_loops(t):
    for row in t:
        for j in range(4):
            row[j] = 0


def list_of_rows(t):
    rows = list(t)
    rows[0] += 1


def dict_of_rows(t):
    rows = {"first": t[0]}
    rows["first"] += 1


def attribute(t):
    box = Box(row=t[0])
    box.row += 1


def argument(t):
    def add(row):
        row += 1

    add(t[0])


def closure(t):
    row = t[0]

    def add():
        nonlocal row
        row += 1

    add()


def function_that_rebinds(t):
    def shifted(x):
        x = x.reshape(-1)
        x += 1
        return x

    shifted(t)


def generator(t):
    def rows():
        for i in range(3):
            yield t[i]

    for row in rows():
        row *= 2


def sum_from_the_first_row(t):
    total = t[0]
    for row in t[1:]:
        total += row


def function_of_operator(t):
    operator.iadd(t[0], 1)


def mapped(t):
    list(map(operator.iadd, t, [1, 2, 3]))


def reduced(t):
    functools.reduce(operator.iadd, t)


def executed(t):
    exec("row = t[0]\nrow += 1", {"t": t})


def in_an_attribute(t):
    box = Box(weight=t)
    row = box.weight[0]
    row += 1


def in_containers(t):
    layers = {"first": [(t,)]}
    del t
    row = layers["first"][0][0][0]
    row += 1
    return layers


def written_in_between(t):
    row = t[0]
    t += 1
    row += 1


def no_axis_to_squeeze(t):
    same = np.squeeze(t)
    same += 1


def half(t):
    left, _ = np.split(t, 2, axis=1)
    left += 1


def turned(t):
    backwards = np.flip(t)
    backwards += 1


def with_ellipsis(t):
    number = t[0, 0, ...]
    number += 1


def floored(t):
    row = t[0]
    row //= 2


LOST = [
    row_in_a_variable, row_in_a_loop, update_of_rows, transposed, flattened, view_of_a_view,
    element_of_a_row, element_of_a_row_in_place, elements_in_two_loops, list_of_rows, dict_of_rows,
    attribute, argument, closure, function_that_rebinds, generator, sum_from_the_first_row,
    function_of_operator, mapped, reduced, executed, in_an_attribute, in_containers,
    written_in_between, no_axis_to_squeeze, half, turned, with_ellipsis, floored,
]  # fmt: skip
HELD_BY_CONTAINERS = {list_of_rows, dict_of_rows, attribute}


@pytest.mark.parametrize("program", LOST, ids=lambda f: f.__name__)
def test_writes_that_would_not_reach_the_whole(program):
    array = START.copy()
    program(array)
    assert not np.array_equal(array, START), "NumPy lets it through"
    t = tg.Tensor(START)
    with pytest.raises(RuntimeError, match="is a view of"):
        program(t)
    expected = START + 1 if program is written_in_between else START
    np.testing.assert_array_equal(t.data, expected)


@pytest.mark.parametrize("program", LOST, ids=lambda f: f.__name__)
def test_the_same_in_a_compiled_function(program):
    if program in HELD_BY_CONTAINERS | {executed}:
        pytest.skip("a recording holds references itself")

    @tg.compile
    def step(x):
        t = x * 1
        program(t)
        return t.sum()

    with pytest.raises(RuntimeError, match="is a view of"):
        step(tg.Tensor(START))


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (row_in_a_variable, r"t \+= v: .*a view of 't', Tensor \(3, 4\) .* t = t \+ v, or take"),
        (transposed, r"t \*= v: .*a view of 't'"),
        (floored, r"t //= v: .* t = t // v"),
        (element_of_a_row, r"write t\[0, 1\] = v instead of t\[0\]\[1\] = v"),
    ],
    ids=["+=", "*=", "//=", "item"],
)
def test_the_message_names_the_base_and_the_remedy(write, said):
    with pytest.raises(RuntimeError, match=said):
        write(tg.Tensor(START))
    weight = tg.Tensor(START, name="W")
    with pytest.raises(RuntimeError, match=r"is a view of Tensor 'W' \(3, 4\)"):
        write(weight)


def test_parameters_and_gradients_are_bases_too():
    layer = nn.Linear(3, 2)
    before = layer.weight.tolist()
    (layer(np.ones((1, 3), np.float32)) ** 2).sum().backward()
    with tg.no_grad():
        row = layer.weight[0]
        with pytest.raises(RuntimeError, match="a view of Tensor 'weight'"):
            row -= 1
        for parameter in layer.parameters():
            flat = parameter.reshape(-1)
            with pytest.raises(RuntimeError, match="view"):
                flat -= 1
    g = layer.weight.grad[0]
    with pytest.raises(RuntimeError, match="view"):
        g *= 2
    assert layer.weight.tolist() == before


def test_booleans():
    mask = tg.Tensor([[True, False]])
    row = mask[0]
    with pytest.raises(RuntimeError, match=r"t &= v: .*a view of 'mask'.* t = t & v"):
        row &= False
    assert mask.tolist() == [[True, False]]


# --- programs that are right --------------------------------------------------------------------


def items(t):
    t[0] += 1
    t[1:] *= 2
    t[:, 0] -= 1
    t[0, 1] += 5
    t[[0, 2]] += 1
    t[::-1] /= 2
    t[...] += 1
    t[np.eye(3, 4) > 0] *= 2
    return t


def items_in_containers(t):
    box, tree = Box(w=t), {"k": [t]}
    box.w[0] += 1
    tree["k"][0][1] -= 2
    tree["k"][0][1, 2] -= 2
    return t


def items_by_a_key(t):
    for i in range(len(t)):
        t[i] -= 0.1 * i
        t[i, i] += 1
    return t


class Rows:
    """A container that passes items on."""

    def __init__(self, t):
        self.t = t

    def __getitem__(self, i):
        return self.t[i]

    def __setitem__(self, i, row):
        self.t[i] = row

    @property
    def first(self):
        return self.t[0]

    @first.setter
    def first(self, row):
        self.t[0] = row


def passed_on(t):
    rows = Rows(t)
    rows[0] += 1
    rows.first *= 3
    return t


def executed_items(t):
    exec("t[0] += 1\nfor i in range(3): t[i] *= 2", {"t": t})
    return t


def nested_function(t):
    def add():
        t[0] += 1
        [operator.setitem(t, i, t[i] * 2) for i in range(2)]

    add()
    t[1] = operator.iadd(t[1], 1)
    return t


def rebound(t):
    x = t * 2
    x = x.reshape(-1)
    x += 1
    x = x.reshape(4, 3).T
    x *= x
    x[0] = 1.0
    return x


def rebound_in_one_line(t):
    x = t * 2; x = x.reshape(-1); x += 1; return x  # fmt: skip # noqa: E702


def after_locals(t):
    x = t * 2
    assert "x" in locals()
    x = x.reshape(-1)
    x += 1
    return x


def bump(x):
    x = x.reshape(-1)
    x += 1
    return x


def values_on_their_way(t):
    parts = [bump(t * 2), bump(x=t * 3), bump(*(t * 4,)), functools.partial(bump, t * 5)()]
    parts += [bump(part * 1) for part in parts]
    return np.stack(parts)


def replaced_by_the_result(t):
    x = t * 1
    for _ in range(3):
        x = bump(x)
    x, n = bump(x), 1
    return x * n


class Shift:
    """A layer that writes to its own copy of the shape."""

    def __call__(self, *args):
        return self.forward(*args)

    def forward(self, x):
        x = x.reshape(len(x), -1)
        x += 1
        return x


class Net:
    """Layers one after another, each result in a variable."""

    def forward(self, x):
        hidden = Shift()(x)
        hidden = np.tanh(hidden / 20)
        return Shift()(hidden)


def layers(t):
    x = t * 1
    for layer in [Shift(), Shift()]:
        x = layer(x)
    return Net().forward(x)


def rows_of_a_result(t):
    rows = []
    for row in t * 2:
        row += 1
        rows.append(row)
    for _, row in enumerate(reversed(list(t * 3))):
        row *= 2
        rows.append(row)
    for row, other in zip((t * 2).T, (t * 4).T):
        row -= other
    return np.stack(rows)


def base_deleted(t):
    t = t * 1
    row = t[0]
    del t
    row += 1
    row[1] = 0.0
    return row


def parts_of_a_result(t):
    q, k, v = np.split(np.concatenate([t, t, t], axis=1), 3, axis=1)
    q *= 2
    k += q
    v -= k
    return q + k + v


def sums(t):
    column = t[:, 0]
    total = column[0]
    total += column[1]
    for number in column[2:]:
        total += number
    mean = column[0]
    for i in range(1, 3):
        mean += (column[i] - mean) / (i + 1)
    return np.stack([total, mean])


def running_means(t):
    mean, average = np.zeros_like(t[0]), np.zeros_like(t[0]) * t[0]
    for count, row in enumerate(t, 1):
        mean = mean * 1
        mean += (row - mean) / count
        average *= 0.9
        average += 0.1 * row
    return mean + average


def accumulated(t):
    total = t * 0
    for i in range(3):
        total += t * i
    return functools.reduce(operator.iadd, [total, t * 1, t * 2])


def nothing(t):
    none = t[3:]
    none += 1
    none[...] = 5.0
    return none


def matrix_of_arrays(t):
    blocks = [[t * 1, t * 2], [t * 3, t * 4]]
    blocks[0][1] += 1
    blocks[1][0][2] -= 1
    return blocks[0][1] + blocks[1][0]


RIGHT = [
    items, items_in_containers, items_by_a_key, passed_on, executed_items, nested_function, rebound,
    rebound_in_one_line, after_locals, values_on_their_way, replaced_by_the_result, layers,
    rows_of_a_result, base_deleted, parts_of_a_result, sums, running_means, accumulated,
    matrix_of_arrays, nothing,
]  # fmt: skip


@contextlib.contextmanager
def tracing():
    def trace(*_):
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


@contextlib.contextmanager
def profiling():
    before = sys.getprofile()
    sys.setprofile(lambda *_: None)
    try:
        yield
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize(
    "context",
    [contextlib.nullcontext, tracing, profiling, tg.record, tg.debug, tg.no_grad],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("program", RIGHT, ids=lambda f: f.__name__)
def test_programs_that_are_right(program, context):
    expected = program(START.copy())
    with context():
        result = program(tg.Tensor(START))
    np.testing.assert_allclose(result.data, expected)


@pytest.mark.parametrize("program", RIGHT, ids=lambda f: f.__name__)
def test_programs_that_are_right_with_gradients(program):
    """What the graph keeps for backward are arrays that look into bases which are gone."""
    x = leaf()
    result = program(np.exp(x / 12))
    np.testing.assert_allclose(result.data, program(np.exp(START / 12)))
    weights = np.random.default_rng(0).normal(size=result.shape)
    (result * weights).sum().backward()
    direction = np.random.default_rng(1).normal(size=START.shape)
    ends = [program(np.exp((START + h * direction) / 12)) for h in (1e-6, -1e-6)]
    slope = ((ends[0] - ends[1]) * weights).sum() / 2e-6
    np.testing.assert_allclose((x.grad.data * direction).sum(), slope, rtol=1e-6)


COMPILED = [p for p in RIGHT if p not in (executed_items, after_locals)]  # no NumPy in these


@pytest.mark.parametrize("program", COMPILED, ids=lambda f: f.__name__)
def test_programs_that_are_right_compiled(program):
    step = tg.compile(lambda x: program(x * 1))
    for _ in range(3):
        np.testing.assert_allclose(step(tg.Tensor(START)).data, program(START.copy()))


class ShiftModule(nn.Module):
    def forward(self, x):
        x = x.reshape(x.shape[0], -1)
        x += 1.0
        x = x.T
        x *= 2.0
        return x.T


def test_who_holds_the_base_is_looked_for_once(monkeypatch):
    searches = []

    def get_referrers(value):
        searches.append(1)
        return real(value)

    real = gc.get_referrers
    monkeypatch.setattr(gc, "get_referrers", get_referrers)

    def batches():
        for k in range(5):
            data = tg.Tensor(START) * k
            yield data.reshape(-1)

    counts = []
    for batch in batches():
        batch += 1  # only the generator has the data
        counts.append(len(searches))
    assert counts[0] > 0
    assert counts[1:] == counts[:1] * 4


@pytest.mark.parametrize("compiled", [False, None], ids=["eager", "compiled"])
def test_layers_that_write_to_what_they_were_given(compiled):
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), ShiftModule(), nn.Linear(4, 1))
    optimizer = nn.SGD(model.parameters(), lr=1e-3)
    history = nn.fit(
        model, START, START[:, :1], loss=nn.mse_loss, optimizer=optimizer, epochs=2,
        batch_size=2, progress=False, compile=compiled,
    )  # fmt: skip
    assert np.isfinite(history["loss"]).all()


def test_functions_that_are_transformed():
    def f(x):
        return (bump(x) ** 2).sum()

    np.testing.assert_allclose(tg.grad(f)(START).data, 2 * (START + 1))
    np.testing.assert_allclose(
        tg.jvp(f, (START,), (START,))[1].data, (2 * (START + 1) * START).sum()
    )
    np.testing.assert_allclose(tg.hessian(f)(START[0]).data, 2 * np.eye(4))
    np.testing.assert_allclose(tg.checkpoint(bump)(leaf() * 1).data, START.reshape(-1) + 1)


def test_updates_by_hand():
    w, velocity = leaf(), tg.zeros((3, 4))
    expected, momentum = START.copy(), np.zeros((3, 4))
    for _ in range(3):
        (w * w).sum().backward()
        with tg.no_grad():
            velocity *= 0.9
            velocity += w.grad
            for i in range(3):
                w[i] -= 0.01 * velocity[i]
        w.grad = None
        momentum = 0.9 * momentum + 2 * expected
        expected -= 0.01 * momentum
    np.testing.assert_allclose(w.data, expected)


FRESH = {
    "roll": lambda t: np.roll(t, 1),
    "tile": lambda t: np.tile(t, 2),
    "tensordot": lambda t: np.tensordot(t, t.T, 1),
    "columns": lambda t: t[:, [0, 1]],
    "mask": lambda t: t[np.asarray(t) > 3],
    "copy": lambda t: t.T.copy(),
    "norm": lambda t: np.linalg.norm(t, axis=1),
    "max": lambda t: np.max(t, axis=1),
    "pad": lambda t: np.pad(t, 1),
    "repeat": lambda t: np.repeat(t, 2),
    "kron": lambda t: np.kron(t, t),
    "take": lambda t: np.take(t, [0, 1], axis=0),
    "delete": lambda t: np.delete(t, 0, 0),
    "where": lambda t: np.where(t > 3, t, 0),
    "reshape that copies": lambda t: t.T.reshape(-1),
}


@pytest.mark.parametrize("make", FRESH.values(), ids=FRESH)
def test_what_numpy_computes_anew_is_no_view(make):
    array = START.copy()
    expected = make(array)
    t = tg.Tensor(START)
    result = make(t)
    for values in (result, expected):
        values += 1
        values[0] = 7.0
    np.testing.assert_allclose(result.data, expected)
    np.testing.assert_array_equal(t.data, START)


def test_pools_and_logsumexp_are_no_views():
    y = tg.logsumexp(tg.Tensor(START), axis=1)
    y[0] = 7.0
    assert y.tolist()[0] == 7.0
    images = tg.Tensor(START.reshape(1, 1, 3, 4))
    for pool in (tg.max_pool2d, tg.avg_pool2d):
        same = pool(images, 1)
        same += 1
        np.testing.assert_array_equal(images.data.reshape(3, 4), START)


def test_what_a_shell_has_shown_is_not_in_use():
    """IPython keeps results in `_`, `_12` and the dict `Out`."""
    shell = {"tg": tg, "_oh": {}, "__name__": "__main__"}
    program = "x = tg.ones((2, 3)) * 2\n_ = _1 = x\nx = x.T\nx += 1"
    exec(program, shell)
    assert shell["x"].tolist() == [[3, 3]] * 3


def test_in_place_operators_that_had_made_another_tensor():
    t, mask = tg.Tensor([5, 6, 7]), tg.Tensor([True, False, True])
    alias, other = t, mask
    t //= 2
    t %= 2
    mask &= np.array([True, True, False])
    mask |= np.array([False, True, False])
    mask ^= True
    assert alias is t
    assert other is mask
    assert t.tolist() == [0, 1, 1]
    assert mask.tolist() == [False, False, True]
