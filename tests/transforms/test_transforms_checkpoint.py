"""checkpoint: the same values and gradients, computed twice and stored once."""

import gc
import weakref

import numpy as np
import pytest

import tinygrad_np as tg

x0 = np.array([0.5, -1.0, 2.0])
W0 = np.random.default_rng(0).normal(size=(3, 3))


def weights():
    return tg.Tensor(W0, requires_grad=True, name="W"), tg.Tensor(x0, requires_grad=True, name="b")


def deep(wrapper, W, b, x):
    def layer(h):
        return tg.tanh(h @ W) * b

    layer = wrapper(layer)
    return (layer(layer(layer(x)) + b) ** 2).sum()


def same(f):
    return f


def test_gradients_of_arguments_and_captured_tensors():
    grads = []
    for wrapper in (same, tg.checkpoint):
        W, b = weights()
        x = tg.Tensor(x0, requires_grad=True)
        loss = deep(wrapper, W, b, x)
        loss.backward()
        grads.append((loss.item(), W.grad.tolist(), b.grad.tolist(), x.grad.tolist()))
    assert grads[0] == grads[1]


def test_captured_tensors_alone():
    W, b = weights()
    block = tg.checkpoint(lambda x: (x @ W * b).sum())
    block(x0).backward()
    np.testing.assert_allclose(W.grad, np.outer(x0, x0))
    np.testing.assert_allclose(b.grad, x0 @ W0)


def test_captured_intermediates_one_below_the_other():
    a = tg.Tensor(2.0, requires_grad=True)
    square = a * a
    tg.checkpoint(lambda x: x * square * a)(tg.Tensor(5.0)).backward()
    assert a.grad.item() == 5 * 3 * 4


def test_second_derivatives():
    def penalty(wrapper):
        W, b = weights()
        gradient = tg.grad(lambda x: deep(wrapper, W, b, x))(tg.Tensor(x0))
        (gradient * gradient).sum().backward()
        return W.grad.data, b.grad.data

    for plain, checkpointed in zip(penalty(same), penalty(tg.checkpoint), strict=True):
        np.testing.assert_allclose(checkpointed, plain, rtol=1e-12)


@pytest.mark.parametrize(
    "transform",
    [
        tg.grad,
        tg.hessian,
        lambda f: lambda x: tg.hvp(f, (x,), (x0,)),
        lambda f: lambda x: tg.jvp(f, (x,), (x0,))[1],
        lambda f: tg.jacobian(tg.jacobian(tg.grad(f))),
    ],
)
def test_under_transforms(transform):
    W, b = (t.detach() for t in weights())
    expected = transform(lambda x: deep(same, W, b, x))(x0)
    actual = transform(lambda x: deep(tg.checkpoint, W, b, x))(x0)
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


def test_with_create_graph():
    grads = []
    for wrapper in (same, tg.checkpoint):
        W, b = weights()
        deep(wrapper, W, b, tg.Tensor(x0)).backward(create_graph=True)
        first, W.grad, b.grad = W.grad, None, None
        (first**2).sum().backward()
        grads.append((W.grad.data, b.grad.data))
    np.testing.assert_allclose(grads[1][0], grads[0][0], rtol=1e-12)
    np.testing.assert_allclose(grads[1][1], grads[0][1], rtol=1e-12)


def test_nested():
    inner = tg.checkpoint(lambda x: tg.tanh(x) * x)
    outer = tg.checkpoint(lambda x: inner(inner(x)) + x)
    plain = lambda x: tg.tanh(x) * x  # noqa: E731
    expected = tg.grad(tg.grad(lambda x: plain(plain(x)) + x))(0.7)
    np.testing.assert_allclose(tg.grad(tg.grad(outer))(0.7), expected, rtol=1e-12)


def test_containers_and_several_results():
    def f(state, *, scale):
        return {"a": state["x"] * scale, "n": 3, "s": [state["x"].sum(), state["labels"]]}

    labels = np.array([1, 2, 3])
    x = tg.Tensor(x0, requires_grad=True)
    out = tg.checkpoint(f)({"x": x, "labels": labels}, scale=2.0)
    assert out["n"] == 3
    assert out["s"][1].tolist() == [1, 2, 3]
    assert out["a"].tolist() == (2 * x0).tolist()
    out["s"][0].backward(retain_graph=True)
    assert x.grad.tolist() == [1, 1, 1]
    (out["a"].sum() + out["s"][0]).backward()
    assert x.grad.tolist() == [4, 4, 4]
    with pytest.raises(RuntimeError, match="ran through this graph before"):
        out["a"].sum().backward()


def test_only_inputs_are_kept():
    """Values computed inside die with the forward pass, without the garbage collector."""
    inside = []

    def f(x):
        h = tg.exp(x)
        inside.append(weakref.ref(h.data))
        return (h * h).sum()

    gc.disable()
    try:
        x = tg.Tensor(x0, requires_grad=True)
        y = tg.checkpoint(f)(x)
        assert inside[0]() is None
        y.backward()
        assert inside[1]() is None
        dead = weakref.ref(y._node)
        del y
        assert dead() is None
    finally:
        gc.enable()
    assert len(inside) == 2


def test_nothing_wanted_nothing_recorded():
    runs = []
    f = tg.checkpoint(lambda x: runs.append(1) or x * 2)
    assert not f(tg.Tensor(x0)).requires_grad
    with tg.no_grad():
        assert not f(weights()[1]).requires_grad
    assert len(runs) == 2


def test_the_same_random_numbers():
    tg.manual_seed(3)
    x = tg.Tensor(np.ones(1000), requires_grad=True)
    drop = tg.checkpoint(lambda x: x * (tg.default_generator().random(1000) < 0.5))
    y = drop(x)
    after = tg.default_generator().random()
    y.sum().backward()
    assert tg.default_generator().random() != after
    assert x.grad.tolist() == y.tolist()
    tg.manual_seed(3)
    tg.default_generator().random(1000)
    assert tg.default_generator().random() == after, "backward draws nothing"


def test_arguments_written_later_do_not_matter():
    x, array = tg.Tensor(x0, requires_grad=True), np.ones(3)
    y = tg.checkpoint(lambda x, a: (x * x * a).sum())(x, array)
    array[:] = 100
    with tg.no_grad():
        x *= 100
    y.backward()
    assert x.grad.tolist() == (2 * x0).tolist()


def test_a_captured_weight_written_in_between_is_an_error():
    W, b = weights()
    y = tg.checkpoint(lambda x: (x @ W).sum())(b)
    with tg.no_grad():
        W *= 2
    with pytest.raises(RuntimeError, match="captured was changed in between"):
        y.backward()


def test_a_captured_tensor_made_anew_is_an_error():
    """The same values, but another Tensor: its gradient would be lost."""
    W, b = weights()
    held = [W * 1]
    y = tg.checkpoint(lambda x: (x @ held[0]).sum())(b)
    held[0] = W * 1
    with pytest.raises(RuntimeError, match="captured was changed in between"):
        y.backward()


def test_an_own_generator_is_an_error():
    rng = np.random.default_rng(0)
    y = tg.checkpoint(lambda x: (x * rng.random(3)).sum())(weights()[1])
    with pytest.raises(RuntimeError, match="generator of its own"):
        y.backward()


def test_not_a_function():
    with pytest.raises(TypeError, match="checkpoint needs a function, not Tensor"):
        tg.checkpoint(tg.Tensor(1.0))


def test_the_picture_shows_it():
    W, b = weights()
    y = tg.checkpoint(lambda x: (x @ W).sum())(b)
    names = {n.op for n in tg.graph(y).nodes}
    assert "checkpoint" in names
