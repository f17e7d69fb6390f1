"""`vmap` against a loop over the rows."""

import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from op_cases import CASES, every_case

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.transforms.calls import Call

ROWS = 3


def row_of(args, axes, k):
    """The arguments of one row, in the place of what is mapped Tensors as `vmap` gives them."""
    pairs = zip(args, axes, strict=True)
    return [a if axis is None else tg.Tensor(np.take(a, k, axis)) for a, axis in pairs]


def looped(f, args, axes, rows):
    results = [f(*row_of(args, axes, k)) for k in range(rows)]
    return np.stack([r.data if isinstance(r, tg.Tensor) else r for r in results])


def check(f, args, axes, rows=ROWS):
    """Values, gradients inside and gradients through, against the loop."""
    expected = looped(f, args, axes, rows)
    np.testing.assert_allclose(tg.vmap(f, axes)(*args), expected, rtol=1e-12, atol=1e-13)

    floats = [k for k, a in enumerate(args) if np.asarray(a).dtype.kind == "f"]
    weights = np.random.default_rng(0).uniform(0.5, 1.5, expected.shape[1:])

    def loss(*args):
        return (f(*args) * weights).sum()

    gradient = tg.grad(loss, floats)
    single = [gradient(*row_of(args, axes, k)) for k in range(rows)]
    per_row = [np.stack([g.data for g in column]) for column in zip(*single, strict=True)]
    inside = tg.vmap(gradient, axes)(*args)
    through = tg.grad(lambda *args: (tg.vmap(f, axes)(*args) * weights).sum(), floats)(*args)
    for k, rows_of_k, a, b in zip(floats, per_row, inside, through, strict=True):
        np.testing.assert_allclose(a, rows_of_k, rtol=1e-10, atol=1e-11)
        shared = axes[k] is None
        whole = rows_of_k.sum(0) if shared else np.moveaxis(rows_of_k, 0, axes[k])
        np.testing.assert_allclose(b, whole, rtol=1e-10, atol=1e-11)


@every_case
def test_every_op(case):
    point = case.point()
    rng = np.random.default_rng(case.number)
    mapped = rng.choice([True, False], len(point))
    mapped[rng.integers(len(point))] = True
    args, axes = [], []
    for x, is_mapped in zip(point, mapped, strict=True):
        axis = int(rng.integers(x.ndim + 1)) if is_mapped else None
        factor = 0.01 if x.dtype.kind == "f" else 0
        rows = [x + (factor * k * x).astype(x.dtype) for k in range(ROWS)]
        args.append(np.stack(rows, axis) if is_mapped else x)
        axes.append(axis)

    def f(*values):
        return case.call(case.function, [x if hasattr(x, "grad") else tg.Tensor(x) for x in values])

    if len(case.differentiable) == len(point):
        check(f, args, axes)
    else:
        expected = looped(f, args, axes, ROWS)
        np.testing.assert_allclose(tg.vmap(f, axes)(*args), expected, rtol=1e-12, atol=1e-13)


def test_the_documented_ops_run_row_by_row(monkeypatch):
    names = set()
    one_by_one = Call.one_by_one

    def noted(call):
        names.add(op.name)
        return one_by_one(call)

    monkeypatch.setattr(Call, "one_by_one", noted)
    for case in CASES:
        op = case.op
        args = [np.stack([x, x]) for x in case.point()]
        tg.vmap(lambda *values, case=case: case.call(case.function, values))(*args)
    assert names == {"digitize", "searchsorted", "take", "norm"}  # as docs/transforms.md says


rng = np.random.default_rng(5)
X, M, W = rng.standard_normal((ROWS, 5)), rng.standard_normal((ROWS, 3, 4)), rng.random((4, 5))
K, J = rng.integers(0, 3, ROWS), rng.integers(0, 3, (ROWS, 2))


def written(x, i):
    out = tg.zeros(5)
    out[0] = x[1] * 2
    out[1:3] = x[i] ** 2
    x[i] = x[i] * 3
    x += out
    return x


FUNCTIONS = {
    "one element": (lambda x, i: x[i] ** 3, (X, K), (0, 0)),
    "elements": (lambda x, j: x[j] ** 3, (X, J), (0, 0)),
    "columns": (lambda m, j: m[:, j] ** 2, (M, J), (0, 0)),
    "apart": (lambda m, j: m.reshape(3, 2, 2)[j, :, 1] ** 2, (M, J), (0, 0)),
    "pairs": (lambda m, i, j: m[j, i] ** 2, (M, K, J), (0, 0, 0)),
    "shared table": (lambda w, j: tg.take(w, j, axis=0) ** 2, (W, J), (None, 0)),
    "an array at a Tensor": (lambda w, i: tg.tanh(w)[i], (W, K), (None, 0)),
    "along an axis": (lambda x, j: tg.take_along_axis(x**2, j, 0), (X, J), (0, 0)),
    "the largest": (lambda x: x[x.argmax()] ** 2, (X,), (0,)),
    "in order": (lambda x: x[np.argsort(-x)][:2] ** 2, (X,), (0,)),
    "written": (written, (X, K), (0, 0)),
    "cross entropy": (lambda x, i: nn.cross_entropy(x[None], i[None]), (X, K), (0, 0)),
    "rows of a matrix": (lambda m: tg.stack([r.sum() ** 2 for r in m]), (M,), (0,)),
    "NumPy": (lambda x: np.exp(np.sin(x)).sum() / np.sqrt(1 + x**2), (X,), (0,)),
    "einsum": (lambda m, w: tg.einsum("ij,jk->ki", m, w) ** 2, (M, W), (0, None)),
    "axes behind": (lambda m, x: (m @ x[:4]) ** 2, (np.moveaxis(M, 0, 2), X.T), (2, 1)),
    "matrices": (lambda m, w: tg.tanh(m @ w), (M, W), (0, None)),
    "solve": (lambda m: tg.solve(m[:3, :3] + 9 * np.eye(3), m[:, 3]), (M,), (0,)),
    "scans": (lambda x: tg.cumprod(x) * tg.logcumsumexp(x), (X,), (0,)),
    "checkpoint": (tg.checkpoint(lambda x: tg.tanh(x) ** 2), (X,), (0,)),
    "vmap": (lambda m, x: tg.vmap(lambda r: (r * x[:4]).sum() ** 2)(m), (M, X), (0, 0)),
    "jvp": (lambda x: tg.jvp(lambda z: z**3, (x,), (x,))[1], (X,), (0,)),
    "jacobian": (lambda x: tg.jacobian(lambda z: tg.tanh(z[:3]) ** 2)(x), (X,), (0,)),
    "hessian": (lambda x, j: tg.hessian(lambda z: (z[j] ** 4).sum())(x), (X, J), (0, 0)),
    "nothing is mapped of it": (lambda x, w: (w**2).sum() * tg.ones(2), (X, W), (0, None)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    f, args, axes = FUNCTIONS[name]
    check(f, args, axes)


@given(st.data())
def test_axes_of_any_arguments_and_results(data):
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=3, max_side=3))
    rows = data.draw(st.integers(1, 3))
    axes = data.draw(st.tuples(*[st.none() | st.integers(-len(shape) - 1, len(shape))] * 2))
    out_axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    if axes == (None, None):
        axes = (0, None)
    values = np.random.default_rng(0).standard_normal((2, rows, *shape))
    args = [v[0] if a is None else np.moveaxis(v, 0, a) for v, a in zip(values, axes, strict=True)]

    def f(x, y):
        return tg.exp(x) * y - y.sum(axis=-1, keepdims=True)

    out = tg.vmap(f, axes, out_axis)(*args)
    expected = looped(f, args, axes, rows)
    np.testing.assert_allclose(out, np.moveaxis(expected, 0, out_axis), rtol=1e-12)


def test_derivatives_of_second_order_go_through():
    captured = tg.Tensor(W, requires_grad=True)

    def mapped(m):
        return tg.vmap(lambda row: tg.tanh(row @ captured).sum())(m)

    def unrolled(m):
        return tg.stack([tg.tanh(row @ captured).sum() for row in m])

    penalties = []
    for f in (mapped, unrolled):
        captured.grad = None
        slope = tg.grad(lambda m, f=f: (f(m) ** 2).sum())(M)
        (slope * slope).sum().backward()
        penalties.append(captured.grad.numpy())
    np.testing.assert_allclose(*penalties, rtol=1e-10)
    with tg.no_grad():
        a, b = (tg.hessian(lambda m, f=f: (f(m) ** 2).sum())(M[:, :2]) for f in (mapped, unrolled))
    np.testing.assert_allclose(a, b, rtol=1e-10)


def test_arrays_are_written_in_place():
    def f(x):
        a = x.numpy().copy()
        a[a > 0] = 0
        a += 1
        a[1:3] = 7
        a.sort()
        return a

    expected = np.where(X > 0, 0, X) + 1
    expected[:, 1:3] = 7
    expected.sort()
    np.testing.assert_array_equal(tg.vmap(f)(X), expected)
    np.testing.assert_array_equal(tg.vmap(tg.vmap(f))(X[None])[0], expected)


def test_three_in_one_another():
    a, b, c = rng.random((2, 4)), rng.random((3, 4)), rng.random(5)
    inner = tg.vmap(lambda a, b, c: (tg.sin(a) * b).sum() * c, (None, None, 0))
    f = tg.vmap(tg.vmap(inner, (None, 0, None)), (0, None, None))
    losses = (lambda *x: (f(*x) ** 2).sum()), (lambda *x: (product(*x) ** 2).sum())

    def product(a, b, c):
        return tg.einsum("ia,ja,k->ijk", tg.sin(a), b, c)

    for g, expected in zip(*(tg.grad(loss, (0, 1, 2))(a, b, c) for loss in losses), strict=True):
        np.testing.assert_allclose(g, expected, rtol=1e-12)
    np.testing.assert_allclose(*(tg.hessian(loss)(a, b, c) for loss in losses), rtol=1e-10)


def test_containers_and_arguments_by_name():
    params = {"w": W, "b": [X[0], X[1]]}

    def f(params, batch, *, y, scale):
        x, m = batch
        out = tg.tanh(m @ params["w"]) + params["b"][0] * x
        return {"out": out * scale, "loss": ((out - y) ** 2).mean()}, x

    axes = (None, (0, 1))
    many = tg.vmap(f, axes, ({"out": 1, "loss": 0}, -1))
    y = rng.random((ROWS, 5))
    results, x = many(params, (X, np.moveaxis(M, 0, 1)), y=y, scale=np.ones(ROWS))
    single = [f(params, (X[k], M[k]), y=y[k], scale=1.0)[0] for k in range(ROWS)]
    np.testing.assert_allclose(results["out"], np.stack([s["out"].data for s in single], 1))
    np.testing.assert_allclose(results["loss"], [s["loss"].item() for s in single])
    np.testing.assert_array_equal(x, X.T)
    assert type(x) is np.ndarray
    assert x.flags.writeable


def test_kinds_and_dtypes():
    narrow = X.astype(np.float32)
    assert tg.vmap(lambda x: x * 2)(narrow).dtype == np.float32
    assert isinstance(tg.vmap(lambda x: x.sum())(tg.Tensor(X)), tg.Tensor)
    leaf = tg.Tensor(X, requires_grad=True)
    assert tg.vmap(lambda x: x.sum())(leaf).requires_grad
    with tg.no_grad():
        assert not tg.vmap(lambda x: x.sum())(leaf).requires_grad
    assert tg.vmap(lambda x: (x.numpy() * 2, 1.5, x.shape[0]))(X)[1].tolist() == [1.5] * ROWS
    constant = tg.Tensor(W, requires_grad=True)
    shared = tg.vmap(lambda x: constant * 2, out_axes=None)(X)
    assert shared.shape == W.shape
    assert type(tg.vmap(lambda x: tg.Tensor(W), out_axes=None)(X)) is np.ndarray
    tg.vmap(lambda x: constant * 2)(X).sum().backward()
    np.testing.assert_array_equal(constant.grad, np.full(W.shape, 2.0 * ROWS))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(W, where=x > 0),
        lambda x: np.add.reduce(W, where=x > 0),
        lambda x: np.max(W, axis=0, initial=x[0]),
        lambda x: np.diff(W, axis=0, prepend=x[None]),
        lambda x: np.diff(W[:, 0], append=x),
    ],
)
def test_only_a_later_argument_differs_from_row_to_row(f):
    rows = np.stack([f(x) for x in X])
    np.testing.assert_allclose(tg.vmap(lambda x: f(x.data))(X), rows, rtol=1e-12)


def test_compiled():
    def step(w, x, y):
        loss = tg.vmap(lambda x, y: nn.cross_entropy((x @ w)[None], y[None]), (0, 0))
        per_row = tg.vmap(tg.grad(lambda w, x: tg.tanh(x @ w).sum()), (None, 0))(w, x)
        return loss(x, y), per_row

    x, y = rng.standard_normal((ROWS, 4)), K
    compiled = tg.compile(step)
    for _ in range(3):
        for a, b in zip(compiled(W, x, y), step(W, x, y), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
    assert "1 program" in repr(compiled)
    hessian = tg.compile(tg.hessian(lambda x: (tg.tanh(x @ W) ** 2).sum()))
    for k in range(3):
        np.testing.assert_allclose(
            hessian(x[k]), tg.hessian(lambda x: (tg.tanh(x @ W) ** 2).sum())(x[k]), rtol=1e-10
        )
    mapped = tg.vmap(tg.compile(lambda x: tg.exp(x).sum()))
    np.testing.assert_allclose(mapped(X), np.exp(X).sum(1))


def test_ops_that_need_numbers_run_row_by_row():
    def largest(x):
        out = np.zeros_like(x)
        if x.max() > 1:
            out[0] = float(x.max())
        return out

    steep = tg.define_op(largest, x=lambda g, x: g[0] * (x == x.max()) * (x.max() > 1))
    rows = np.array([[0.5, 0.2], [3.0, 1.0], [1.0, 4.0]])
    check(steep, (rows,), (0,))
    bare = np.zeros(2)

    def rule(g, x):
        bare_gradient = np.zeros(x.shape)
        bare_gradient[1:] = g[1:] * 2
        return bare_gradient

    odd = tg.define_op(lambda x: x * bare + 2 * x * [0, 1], name="odd", x=rule)
    check(odd, (rows,), (0,))
    np.testing.assert_array_equal(tg.jacobian(odd)(rows[0]), np.diag([0.0, 2.0]))


# --- random numbers ------------------------------------------------------------------------------


def noisy(x):
    return tg.dropout(x, 0.5) + 0 * x.sum()


def test_random_numbers_are_refused_the_same_or_different():
    ones = np.ones((64, 40))
    with pytest.raises(TypeError, match='randomness="different"'):
        tg.vmap(noisy)(ones)
    tg.manual_seed(0)
    same = tg.vmap(noisy, randomness="same")(ones)
    assert (same == same[0]).all()
    assert {*same[0]} == {0.0, 2.0}
    tg.manual_seed(0)
    different = tg.vmap(noisy, randomness="different")(ones)
    assert len({row.tobytes() for row in different}) == 64
    tg.manual_seed(0)
    np.testing.assert_array_equal(different, np.stack([noisy(tg.Tensor(r)).data for r in ones]))
    with pytest.raises(ValueError, match="randomness must be one of"):
        tg.vmap(noisy, randomness=True)


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_random_numbers_of_checkpoints_come_again(randomness):
    f = tg.vmap(tg.checkpoint(lambda x: tg.dropout(x**2, 0.5)), randomness=randomness)
    x = tg.Tensor(np.ones((4, 30)), requires_grad=True)
    out = f(x)
    out.sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * out.data)


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tg.vmap(3), "vmap needs a function"),
        (lambda: tg.vmap(tg.exp, (0, 0))(X), "in_axes has 2 entries.* 1 positional argument$"),
        (lambda: tg.vmap(tg.add)(X, W), r"argument 0 has 3 along axis 0, argument 1 has 4"),
        (lambda: tg.vmap(tg.add, None)(X, W), "needs an argument to map over"),
        (lambda: tg.vmap(tg.add)(X, 2.0), "argument 1 is a single number.* None in in_axes"),
        (lambda: tg.vmap(tg.exp, 2)(X), "argument 0 has 2 axes, and axis 2 is none of them"),
        (lambda: tg.vmap(tg.exp, "x")(X), "in_axes must be an integer or None"),
        (lambda: tg.vmap(lambda d: d["a"], ({"b": 0},))({"a": X}), "built like it"),
        (lambda: tg.vmap(lambda d: d["a"])({"a": X, "name": "x"}), r"argument 0\['name'\]"),
        (lambda: tg.vmap(tg.exp, out_axes=None)(X), "differs from row to row"),
        (lambda: tg.vmap(tg.exp, out_axes=2)(X), "axis 2 is none"),
        (lambda: tg.vmap(lambda x: "text")(X), "to return arrays, but the result is 'text'"),
        (lambda: tg.vmap(lambda x: x if x.sum() > 0 else -x)(X), "branches on a value.*where"),
        (lambda: tg.vmap(lambda x: math_exp(x[0]))(X), "makes a Python number of a value"),
        (lambda: tg.vmap(lambda x: np.array([0.0])[x[0].item()])(X), "makes a Python number"),
        (lambda: tg.vmap(lambda x: x[x > 0])(X), "mask that differs from row to row"),
        (lambda: tg.vmap(lambda x: np.unique(x[:2] > 0))(X), "results of different shapes"),
    ],
)
def test_errors(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def math_exp(x):
    import math

    return math.exp(x)


def test_nothing_is_written_to_tensors_outside():
    layer = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4))
    before = {name: value.copy() for name, value in layer.state_dict().items()}
    with pytest.raises(RuntimeError, match=r"values that differ from row to row.*\.eval\(\)"):
        tg.vmap(lambda m: layer(m))(rng.standard_normal((ROWS, 2, 5)).astype(np.float32))
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    layer.eval()
    x = rng.standard_normal((ROWS, 2, 5)).astype(np.float32)
    with tg.no_grad():
        expected = np.stack([layer(row).data for row in x])
        np.testing.assert_allclose(tg.vmap(layer)(x), expected, rtol=1e-5, atol=1e-6)

    outside = tg.Tensor([1.0]) * 2  # which has no node
    with pytest.raises(RuntimeError, match="values that differ"):
        tg.vmap(lambda x: outside.assign(x[:1]))(X)
    assert outside.tolist() == [2.0]


def test_backward_inside():
    def own_leaf(x):
        w = tg.Tensor(x, requires_grad=True)
        (w**3).sum().backward()
        return w.grad

    np.testing.assert_allclose(tg.vmap(own_leaf)(X), 3 * X**2)
    weight = tg.Tensor(W, requires_grad=True, name="w")
    with pytest.raises(RuntimeError, match=r"add to the .grad of a Tensor 'w' \(4, 5\)"):
        tg.vmap(lambda m: (m @ weight).sum().backward())(M)
    assert weight.grad is None
    with pytest.raises(RuntimeError, match="values that differ"):
        tg.vmap(lambda m: tg.assign_all([weight], [m[0, :, None] * np.ones(5)]))(M)
    np.testing.assert_array_equal(weight.data, W)


def test_no_rows():
    none = np.zeros((0, 4))
    assert tg.vmap(lambda x: tg.softmax(x)[:2])(none).shape == (0, 2)
    assert tg.vmap(tg.grad(lambda x: (tg.exp(x) * x).sum()))(none).shape == (0, 4)


def test_values_that_are_kept_say_so_when_they_are_used():
    kept = []
    tg.vmap(lambda x: kept.append(x) or x)(X)
    assert "each of 3 rows of vmap: (5,) float64" in repr(kept[0].data)
    with pytest.raises(RuntimeError, match="after the function has returned"):
        kept[0] * 2


def test_views_are_guarded_as_they_are_outside():
    def f(x):
        row = x.reshape(1, 5)
        row += 1
        return x

    with pytest.raises(RuntimeError, match="view"):
        tg.vmap(f)(X)


def test_the_graph_has_one_node_for_it():
    x = tg.Tensor(X, requires_grad=True)
    with tg.record():
        loss = tg.vmap(lambda row: tg.tanh(row).sum())(x).mean()
    assert "vmap" in tg.graph(loss).dot()
    loss.backward()
    np.testing.assert_allclose(x.grad, (1 - np.tanh(X) ** 2) / ROWS)
