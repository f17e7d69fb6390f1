"""What shares memory in a program: states, views of parts, copies, results of passes."""

import numpy as np
import pytest
from pass_sets import EXACT

import nn
import tinygrad_np as tg

SETS = [None, EXACT, (), *((name,) for name in tg.PASSES), ("fold", "buffers"), EXACT[:-4]]


def arrays(value):
    """Every array of nested results, copied."""
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in arrays(item)]
    return [np.array(getattr(value, "data", value))]


def assert_same_calls(world, passes, *, calls=6, exact=True):
    """Run a step of a fresh world compiled and uncompiled; compare results and states."""
    logs = []
    for compiled in (False, True):
        step, states = world()
        run = tg.compile(step, passes=passes) if compiled else step
        log = []
        for k in range(calls):
            x = np.random.default_rng(k).standard_normal((4, 6))
            before = x.copy()
            log.append(arrays([run(x), [t.data for t in states]]))
            np.testing.assert_array_equal(x, before)  # the caller's array is the caller's
        logs.append(log)
    for want, got in zip(*logs, strict=True):
        for a, b in zip(want, got, strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            if exact:
                np.testing.assert_array_equal(b, a)
            else:
                np.testing.assert_allclose(b, a, rtol=1e-12)


def states(*shapes):
    return [tg.Tensor(np.zeros(shape)) for shape in shapes]


def two_states_of_one_value():
    a, b, c = states((4, 6), (4, 6), (4, 6))

    def step(x):
        mean = x * 0.1 + a * 0.9
        a.assign(mean)
        b.assign(mean)
        c.assign(a)
        return mean.sum()

    return step, [a, b, c]


def a_state_that_follows_a_parameter():
    w, follower = nn.Parameter(np.ones((4, 6))), tg.Tensor(np.zeros((4, 6)))
    gradient = tg.Tensor(np.zeros((4, 6)))
    optimizer = nn.SGD([w], lr=0.1)

    def step(x):
        loss = (w * w * x).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with tg.no_grad():
            follower.assign(w)
            gradient.assign(w.grad)
        return loss, w.grad

    return step, [w, follower, gradient]


def a_copy_before_a_write():
    (kept,) = states((4, 6))

    def step(x):
        a = x * 2
        old = a.copy()
        a += 1
        kept.assign(old)
        return (a * 2).sum()

    return step, [kept]


def a_view_that_nobody_reads():
    def step(x):
        a = np.tanh(x)
        a.T  # noqa: B018
        b, c = x + 1, x - 1
        d = b * c
        return d - b

    return step, []


def views_of_parts():
    def step(x):
        a, b = np.split(x * 2, 2, axis=1)
        q, k, v = tg.split(tg.Tensor(x) * 3, 3, axis=-1)
        one = tg.split(tg.Tensor(x) + 1, 1)[0]
        return a.T + 1, b[1:].reshape(-1) * 2, q @ k.swapaxes(0, 1) @ v.reshape(4, 2), one.T * 2

    return step, []


def parts_in_another_order():
    def step(x):
        a, b = x[0] * 2, x[1] * 3
        whole = np.concatenate([a[::-1], b])
        changed = np.concatenate([a * 1.5, b + 1])
        changed *= 2.0
        return whole + 1, a + 5.0, changed + 1, b + 1

    return step, []


def joined_rows():
    def step(x):
        number = (x[:1, 0] * 2).reshape(()).copy()
        row, rows = x[0] * 3, x[:2] * 4
        vector = np.concatenate([number.reshape(1), row, row + 1])
        turned = rows.reshape(6, 2).T.copy()
        matrix = np.concatenate([rows, row.reshape(1, 6), turned])
        halves = [row.reshape(2, 3), rows[0].reshape(3, 2).T, (x[1] + x[2]).reshape(2, 3)]
        stacked = np.stack(halves)
        return vector + 1, matrix + 1, stacked + 1, number * 2, row.sum(), np.stack([row, row]) + 1

    return step, []


def products_of_broadcast_operands():
    w = tg.Tensor(np.random.default_rng(9).standard_normal((6, 1)), requires_grad=True)

    def step(x):
        w.grad = None
        (x @ w).sum().backward()
        return w.grad, np.broadcast_to(x[:1], (5, 6)) @ x.T, x.T @ np.broadcast_to(x[:, :1], (4, 3))

    return step, []


def copies_in_another_layout():
    def step(x):
        copied = x.T.copy()
        return copied.sum(axis=0), (copied * 3).reshape(-1).sum(), (copied * 3).ravel() * 2

    return step, []


def zeros_with_a_sign():
    def step(x):
        zeros = x[:, :3] * 0.0
        rows = np.stack([zeros, -abs(zeros)]).reshape(8, 3)
        extremes = [np.maximum.reduce(rows, axis=1), np.minimum.reduce(rows, axis=1)]
        return [np.signbit(a) for a in (np.add.reduce(rows, axis=1), *extremes)]

    return step, []


WORLDS = [
    two_states_of_one_value,
    a_state_that_follows_a_parameter,
    a_copy_before_a_write,
    a_view_that_nobody_reads,
    views_of_parts,
    parts_in_another_order,
    joined_rows,
    products_of_broadcast_operands,
    copies_in_another_layout,
    zeros_with_a_sign,
]


@pytest.mark.parametrize("passes", SETS, ids=lambda p: "all" if p is None else "+".join(p) or "0")
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_programs_share_no_memory_that_eager_does_not(world, passes):
    names = tg.PASSES if passes is None else passes
    assert_same_calls(world, passes, exact=not set(names) & set(tg.REORDERING_PASSES))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_dot_takes_the_place_of_matmul_only_where_the_bits_are_the_same(dtype):
    """Of all layouts that operands may have, and in all sizes at which NumPy takes another way."""
    rng = np.random.default_rng(0)
    layouts = [
        lambda a: a,
        lambda a: a.copy(order="F"),
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: np.broadcast_to(a[:1], a.shape),
        lambda a: np.broadcast_to(a[:, :1], a.shape),
        lambda a: a[::-1],
    ]
    for _ in range(60):
        m, k, n = rng.choice([1, 2, 3, 7, 20], 3)
        left, right = rng.choice(len(layouts), 2)

        def step(x, y, left=layouts[left], right=layouts[right]):
            return left(x) @ right(y)

        program = tg.compile(step, passes=("cheaper",))
        for _ in range(3):
            x = rng.standard_normal((m, k)).astype(dtype)
            y = rng.standard_normal((k, n)).astype(dtype)
            np.testing.assert_array_equal(program(x, y), step(x, y))


def test_results_lie_in_memory_as_those_of_the_function():
    """Sums of what the caller does with them depend on it, to the last bit."""
    w = tg.Tensor(np.random.default_rng(3).standard_normal((4, 6)), requires_grad=True)

    def step(x):
        w.grad = None
        turned = tg.Tensor(x.T)
        (turned * w.T * x.T).sum().backward()
        return x.T, turned, tg.tanh(turned), w.T, w.grad.T, x.swapaxes(0, 1)[1:]

    compiled = tg.compile(step)
    x = np.random.default_rng(4).standard_normal((4, 6))
    for _ in range(3):
        for want, got in zip(step(x), compiled(x), strict=True):
            a, b = (getattr(value, "data", value) for value in (want, got))
            assert np.argsort(a.strides).tolist() == np.argsort(b.strides).tolist()
            assert np.mean(a) == np.mean(b)


@pytest.mark.parametrize("lay_out", [np.asfortranarray, np.copy, lambda a: a[::-1].copy()[::-1]])
def test_captured_tensors_may_lie_otherwise_in_memory_later(lay_out):
    """NumPy adds in the order in which elements lie there: the last bits depend on it."""
    values = np.random.default_rng(0).normal(size=(120, 50))
    w = tg.Tensor(values, requires_grad=True)
    exact = tuple(name for name in tg.PASSES if name not in tg.REORDERING_PASSES)
    for f in (lambda: (w * 3).sum(axis=0), lambda: (w * 1.5).var(), lambda: (w.T * 2).sum(axis=1)):
        compiled = tg.compile(f, passes=exact)
        with tg.no_grad():
            w.assign(values.copy())
            for _ in range(3):
                compiled()
            w.assign(lay_out(values + 1))
        np.testing.assert_array_equal(compiled().data, f().data)


class Box:
    pass


def in_a_list(t):
    rows = [t[0], t[1]]
    rows[0] += 1.0


def in_a_dict(t):
    rows = {"first": t[0]}
    rows["first"] *= 2.0


def in_an_attribute(t):
    box = Box()
    box.row = t[0]
    box.row -= 1.0


def in_a_loop(t):
    rows = [t[k] for k in range(4)]
    for k in range(4):
        rows[k] += rows[k] * 0.5


@pytest.mark.parametrize("write", [in_a_list, in_a_dict, in_an_attribute, in_a_loop])
def test_writes_to_kept_views_are_refused_as_outside(write):
    def step(x):
        t = tg.Tensor(x)
        write(t)
        return t * 1.0

    for run in (step, tg.compile(step)):
        with pytest.raises(RuntimeError, match="would not reach that one"):
            run(np.ones((4, 6)))


def test_items_of_kept_tensors_may_be_written():
    def step(x):
        t = tg.Tensor(x)
        t[0] += 1.0
        kept, box = [tg.Tensor(x) * 2], Box()
        kept[0][1] += 1.0
        box.total = t[0] * 1.0
        box.total += kept[0][1]
        return t, kept[0], box.total

    compiled = tg.compile(step)
    x = np.ones((4, 6))
    for _ in range(3):
        for want, got in zip(step(x), compiled(x), strict=True):
            np.testing.assert_array_equal(got, want)
