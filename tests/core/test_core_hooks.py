"""Hooks on gradients, and gradients of intermediate values."""

import gc
import weakref

import numpy as np
import pytest

import tinygrad_np as tg


def leaf(*values):
    return tg.Tensor(np.array(values, float), requires_grad=True)


def test_a_hook_sees_the_whole_gradient():
    x = leaf(1.0, 2.0)
    h = x * 2
    seen = []
    h.register_hook(lambda g: seen.append(g.tolist()))
    x.register_hook(lambda g: seen.append(g.tolist()))
    (h * h + h).sum().backward()  # used twice, also before the hook's registration of x
    assert seen == [[5, 9], [10, 18]]
    assert x.grad.tolist() == [10, 18]


def test_a_hook_registered_after_use():
    x = leaf(3.0)
    h = x * x
    y = h * 2
    seen = []
    h.register_hook(seen.append)
    y.backward()
    assert seen[0].tolist() == [2]
    assert isinstance(seen[0], tg.Tensor)


@pytest.mark.parametrize("replacement", [lambda g: g * 10, lambda g: g.data * 10])
def test_a_hook_may_replace_the_gradient(replacement):
    x = leaf(1.0, 2.0)
    h = x * 2
    h.register_hook(replacement)
    h.register_hook(lambda g: g + 1)
    h.sum().backward()
    assert x.grad.tolist() == [22, 22]
    x.grad = None
    x.register_hook(lambda g: g * 0)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [0, 0]


def test_the_replacement_is_copied_and_cast():
    x = tg.Tensor(np.ones(2, np.float32), requires_grad=True)
    fixed = tg.Tensor([5.0, 6.0])
    x.register_hook(lambda g: fixed)
    (x * 2).sum().backward()
    assert x.grad.dtype == np.float32
    assert x.grad is not fixed
    y = leaf(1.0, 2.0)
    y.register_hook(lambda g: fixed)
    (y * 2).sum().backward()
    assert not np.shares_memory(y.grad.data, fixed.data)


def test_hooks_are_recorded_with_create_graph():
    x = leaf(2.0)
    h = x * x
    h.register_hook(lambda g: g * x)  # gradient of x: 2 x x
    h.sum().backward(create_graph=True)
    g, x.grad = x.grad, None
    assert g.tolist() == [8]
    g.backward()
    assert x.grad.tolist() == [8]  # d/dx 2 x^2
    y, seen = leaf(1.0), []
    y.register_hook(lambda g: seen.append(g.requires_grad))
    (y * y).backward(retain_graph=True)
    (y * y).backward(create_graph=True)
    assert seen == [False, True]


def test_remove():
    x = leaf(1.0)
    seen = []
    first = x.register_hook(lambda g: seen.append(1))
    x.register_hook(lambda g: seen.append(2))
    (x * 1).backward()
    first.remove()
    first.remove()
    (x * 1).backward()
    assert seen == [1, 2, 2]


def test_one_hook_twice_runs_twice():
    x = leaf(1.0)
    double = lambda g: g * 2  # noqa: E731
    x.register_hook(double)
    x.register_hook(double)
    x.backward([1.0])
    assert x.grad.tolist() == [4]


def test_optimizer_steps_keep_the_hooks_of_a_parameter():
    nn = pytest.importorskip("nn")
    p = nn.Parameter(np.ones(2))
    p.register_hook(lambda g: g * 0)
    for _ in range(2):
        p.grad = None
        (p * 3).sum().backward()
        assert p.grad.tolist() == [0, 0]
        with tg.no_grad():
            p -= 1.0


def test_a_written_tensor_is_another_value():
    x = leaf(1.0, 2.0)
    h = x * 2
    seen = []
    h.register_hook(lambda g: seen.append(g.tolist()))
    h[0] = 5.0
    h.sum().backward()
    assert seen == [[0, 1]]  # of the value before the write


@pytest.mark.parametrize("create_graph", [False, True])
def test_retain_grad(create_graph):
    x = leaf(1.0, 2.0)
    h = x * 3
    k = h + 1
    assert h.grad is None
    h.retain_grad()
    k.retain_grad()
    (k * k).sum().backward(create_graph=create_graph, retain_graph=True)
    assert k.grad.tolist() == [8, 14]
    assert h.grad.tolist() == [8, 14]
    assert h.grad is not k.grad
    assert x.grad.tolist() == [24, 42]
    assert h.grad.requires_grad == create_graph
    (k * k).sum().backward()
    assert h.grad.tolist() == [16, 28]  # accumulates, as for leaves
    h.grad = None
    assert h.grad is None
    assert k.grad.tolist() == [16, 28]


def test_retain_grad_sees_what_hooks_made():
    x = leaf(1.0)
    h = x * 3
    h.retain_grad()
    h.register_hook(lambda g: g * 2)
    (h * h).backward()
    assert h.grad.tolist() == [12]


def test_retain_grad_of_a_leaf_changes_nothing():
    x = leaf(1.0)
    x.retain_grad()
    (x * 2).backward()
    assert x.grad.tolist() == [2]


def test_retain_grad_as_torch():
    torch = pytest.importorskip("torch")
    for lib in (tg, torch):
        make = (
            leaf
            if lib is tg
            else lambda *v: torch.tensor(v, dtype=torch.float64, requires_grad=True)
        )
        x = make(0.5, 1.5)
        h = x * x
        h.retain_grad()
        lib.tanh(h).sum().backward()
        if lib is tg:
            ours = h.grad.data
        else:
            np.testing.assert_allclose(ours, h.grad.numpy(), rtol=1e-6)


def test_hooks_run_inside_transforms_and_nothing_is_retained():
    kept = []

    def f(x):
        h = x * 2
        h.register_hook(lambda g: g * 10)
        h.retain_grad()
        kept.append(h)
        return h.sum()

    assert tg.grad(f)(np.ones(2)).tolist() == [20, 20]
    assert kept[0].grad is None


def test_a_failing_hook_leaves_no_gradient():
    x, y = leaf(1.0), leaf(2.0)

    def hook(g):
        raise KeyError("mine")

    y.register_hook(hook)
    with pytest.raises(KeyError, match="mine"):
        (x * y).backward()
    assert x.grad is None
    assert y.grad is None


def test_hooks_make_no_cycles():
    x = leaf(1.0, 2.0)
    gc.disable()
    try:
        h = x * 2
        handle = h.register_hook(lambda g: None)
        h.retain_grad()
        h.sum().backward()
        dead = weakref.ref(h._node)
        del h, handle
        assert dead() is None
    finally:
        gc.enable()


def test_bad_hooks():
    x = leaf(1.0, 2.0)
    with pytest.raises(TypeError, match="a hook is a function of the gradient, not int"):
        x.register_hook(3)
    for method in (lambda t: t.register_hook(print), lambda t: t.retain_grad()):
        with pytest.raises(RuntimeError, match=r"Tensor 'c' \(\) float64, which needs no gradient"):
            method(tg.Tensor(1.0, name="c"))
    for answer, kind, match in [
        ("no", TypeError, "or None to keep it, not str"),
        (np.ones(3), ValueError, r"shape \(2,\), that of its Tensor, not \(3,\)"),
        (1.0, ValueError, r"shape \(2,\), that of its Tensor, not \(\)"),
    ]:
        handle = x.register_hook(lambda g, answer=answer: answer)
        with pytest.raises(kind, match=match):
            (x * 2).sum().backward()
        handle.remove()
    assert x.grad is None
