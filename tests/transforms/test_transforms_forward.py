"""Forward mode: what `jvp` computes with the values, and where it leaves that to reverse mode."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.transforms import run

x = np.array([0.3, -0.7, 1.2])
t = np.array([1.0, 2.0, -0.5])
W = np.random.default_rng(0).standard_normal((3, 3))


@pytest.fixture
def pushes(monkeypatch):
    """Counts the derivatives that reverse mode computes."""
    calls = []
    push = run.Run.push
    monkeypatch.setattr(run.Run, "push", lambda *args: calls.append(1) or push(*args))
    return calls


def both(f, *primals_and_tangents):
    """The derivative by `jvp`, and by `linearize`, which is reverse mode."""
    half = len(primals_and_tangents) // 2
    primals, tangents = primals_and_tangents[:half], primals_and_tangents[half:]
    return tg.jvp(f, primals, tangents)[1], tg.linearize(f, *primals)[1](*tangents)


def affine(v):
    return 2 * v.reshape(3, 1) + 1


own = tg.define_op(affine, v=lambda g, v_shape: 2 * g.reshape(v_shape))

FORWARD = {
    "elementwise": lambda v: tg.exp(np.sin(v)) * v - 2 / (v * v + 1),
    "stretched": lambda v: v[:, None] * np.ones((1, 4)) + v[0],
    "linear": lambda v: tg.concatenate([v, v.sum(keepdims=True)]).reshape(2, 2).T[::-1].cumsum(0),
    "products": lambda v: tg.einsum("i,ij,j->j", v, W, v) + v @ W @ v,
    "others": lambda v: tg.softmax(v) * tg.norm(v) + tg.sort(v) * v.max() + tg.cumprod(v, 0),
    "an affine op of its own": lambda v: own(v) * own(v),
    "written": lambda v: written(v),
    "nothing flows": lambda v: np.sign(v) * 3 + tg.stop_gradient(v),
    "grad inside": lambda v: tg.grad(lambda z: (z**3).sum())(v) * v,
    "several outputs": lambda v: tg.split(v * 2, [1])[1] * v[0],
    "floor and ties": lambda v: np.maximum(v, [0.3, 0, 0]) + np.abs(v - 0.3) + np.floor(v),
}


def written(v):
    out = tg.zeros(3)
    out[1:] = v[:2] ** 2
    out += v
    return out


@pytest.mark.parametrize("name", FORWARD)
def test_forward_as_reverse(name, pushes):
    f = FORWARD[name]
    derivative = tg.jvp(f, (x,), (t,))[1]
    assert not pushes
    np.testing.assert_allclose(derivative, tg.linearize(f, x)[1](t), rtol=1e-12, atol=1e-14)


def test_left_to_reverse_mode(pushes):
    captured = tg.Tensor(W, requires_grad=True)

    def hooked(v):
        h = v * v
        h.register_hook(lambda g: g * 10)
        return h.sum()

    derivative = tg.jvp(lambda v: tg.tanh(v @ captured), (x,), (t,))[1]
    assert derivative.requires_grad  # for the gradient of W
    for f in (tg.checkpoint(lambda v: np.sin(v) * v), tg.vmap(lambda v: np.sin(v) * v), hooked):
        np.testing.assert_allclose(*both(f, x, t), rtol=1e-12)
    assert len(pushes) == 7


def test_dtypes_and_kinds():
    value, slope = tg.jvp(lambda v: np.exp(v).sum(), (x.astype("f"),), (t.astype("f"),))
    assert value.dtype == slope.dtype == np.float32
    slope = tg.jvp(lambda v: v * 2, (tg.Tensor(x),), (t,))[1]
    assert isinstance(slope, tg.Tensor)
    mixed = tg.jvp(lambda v, w: v.astype(np.float64) * w, (x.astype("f"), x), (t, t))[1]
    assert mixed.dtype == np.float64
    tangent = t.copy()
    slope = tg.jvp(lambda v: v + 0, (x,), (tangent,))[1]
    slope += 1  # an array of its own
    np.testing.assert_array_equal(tangent, t)


def test_second_order_compiled_and_mapped():
    def f(v):
        return np.sin(v).sum() * v

    twice = tg.jvp(lambda v: tg.jvp(f, (v,), (t,))[1], (x,), (t,))[1]
    np.testing.assert_allclose(twice, tg.hessian(f)(x) @ t @ t, rtol=1e-10)
    penalty = tg.grad(lambda v: (tg.jvp(f, (v,), (t,))[1] ** 2).sum())(x)
    J, H = tg.jacobian(f)(x), tg.hessian(f)(x)
    np.testing.assert_allclose(penalty, 2 * np.einsum("ijk,j,i->k", H, t, J @ t), rtol=1e-10)
    compiled = tg.compile(lambda v, t: tg.jvp(f, (v,), (t,)))
    for _ in range(3):
        np.testing.assert_array_equal(compiled(x, t)[1], tg.jvp(f, (x,), (t,))[1])
    assert "1 program" in repr(compiled)
    rows = tg.vmap(lambda t: tg.jvp(f, (x,), (t,))[1])(np.eye(3))
    np.testing.assert_allclose(rows.T, J, rtol=1e-12)
