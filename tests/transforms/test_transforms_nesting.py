"""Transforms and their surroundings: captured Tensors, recording, kinds, outer graphs."""

import gc
import weakref
from collections import OrderedDict, namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tinygrad_np as tg

x0 = np.array([0.5, -1.0, 2.0])


def weight():
    return tg.Tensor([1.0, 2.0, 3.0], requires_grad=True, name="w")


# --- kinds --------------------------------------------------------------------------------------


def test_they_return_the_kind_that_they_were_given():
    f = lambda x: (x * x).sum()  # noqa: E731
    assert type(tg.grad(f)(x0)) is np.ndarray
    assert type(tg.grad(f)(tg.Tensor(x0))) is tg.Tensor
    assert isinstance(tg.grad(lambda x: x * x)(3.0), np.float64)
    value, gradient = tg.value_and_grad(f)(x0)
    assert isinstance(value, np.float64)
    value, gradient = tg.value_and_grad(f)(tg.Tensor(x0))
    assert isinstance(value, tg.Tensor)
    assert not value.requires_grad
    assert not gradient.requires_grad
    a, b = tg.grad(lambda x, y: (x * y).sum(), (0, 1))(x0, tg.Tensor(x0))
    assert type(a) is np.ndarray
    assert type(b) is tg.Tensor
    assert type(tg.jacobian(lambda x: x * x)(tg.Tensor(x0))) is tg.Tensor
    assert all(type(r) is tg.Tensor for r in tg.jvp(tg.exp, (tg.Tensor(x0),), (x0,)))


def test_arrays_that_come_back_are_the_callers_own():
    x = x0.copy()
    gradient = tg.grad(lambda x: (x * 1.0).sum())(x)
    gradient[0] = 7
    _, (gx, gy) = tg.value_and_grad(lambda x, y: (x + y).sum(), (0, 1))(x, x)
    gx[0] = 7
    assert gy.tolist() == [1, 1, 1]
    same, pull = tg.vjp(lambda x: x, x)
    same[0] = 100
    cotangent = np.ones(3)
    (back,) = pull(cotangent)
    back[:] = 5
    assert x.tolist() == x0.tolist()
    assert cotangent.tolist() == [1, 1, 1]
    cotangent[0] = 2  # not locked by the call


def test_the_function_sees_tensors_and_the_rest_as_given():
    def f(x, mode, table):
        assert isinstance(x, tg.Tensor)
        assert x.requires_grad
        assert mode == "square"
        assert table is labels
        return (x * x).sum()

    labels = np.array([1, 2])
    assert tg.grad(f)(x0, "square", table=labels).tolist() == (2 * x0).tolist()


def test_nested_containers():
    Pair = namedtuple("Pair", "a b")
    tree = {
        "p": Pair(np.array(1.0), [2.0, tg.Tensor(3.0)]),
        "none": None,
        "o": OrderedDict(z=(np.array([4.0]),), a=()),
    }

    def f(t):
        return t["p"].a * 2 + t["p"].b[0] * 3 + t["p"].b[1] * 4 + (t["o"]["z"][0] * 5).sum()

    g = tg.grad(f)(tree)
    assert isinstance(g["p"], Pair)
    assert g["p"].a == 2
    assert g["p"].b[0] == 3
    assert isinstance(g["p"].b[1], tg.Tensor)
    assert g["p"].b[1].item() == 4
    assert g["none"] is None
    assert isinstance(g["o"], OrderedDict)
    assert g["o"]["z"][0].tolist() == [5]
    assert tree["p"].b[0] == 2.0


def test_has_aux():
    def f(x):
        y = x * 2
        return (y * y).sum(), {"y": y, "n": 3}

    gradient, aux = tg.grad(f, has_aux=True)(x0)
    assert gradient.tolist() == (8 * x0).tolist()
    assert type(aux["y"]) is np.ndarray
    assert aux["n"] == 3
    (_, aux), _ = tg.value_and_grad(f, has_aux=True)(tg.Tensor(x0))
    assert type(aux["y"]) is tg.Tensor
    assert not aux["y"].requires_grad
    _, pull, aux = tg.vjp(f, x0, has_aux=True)
    assert pull(1.0)[0].tolist() == (8 * x0).tolist()
    jacobian, aux = tg.jacobian(f, has_aux=True)(x0)
    assert jacobian.tolist() == (8 * x0).tolist()


def test_aux_keeps_its_gradients_too():
    w = weight()
    gradient, aux = tg.grad(lambda x: ((x * x).sum(), w * x), has_aux=True)(x0)
    assert type(gradient) is np.ndarray
    aux.sum().backward()
    assert w.grad.tolist() == x0.tolist()
    with tg.no_grad():
        _, aux = tg.grad(lambda x: ((x * x).sum(), w * x), has_aux=True)(x0)
    assert type(aux) is np.ndarray


def test_negative_argnums_and_names():
    def product(x, y):
        """Multiply."""
        return x * y

    assert tg.grad(product, -1)(3.0, 4.0) == 3
    assert tg.grad(product).__name__ == "product"
    assert not hasattr(tg.grad(tg.exp), "op")
    assert tg.grad(product)(3.0, y=5.0) == 5


# --- recording ----------------------------------------------------------------------------------


def test_no_grad_is_touched():
    w = weight()
    w.grad = before = tg.Tensor(np.ones(3))
    f = lambda x: (w * x * x).sum()  # noqa: E731
    for call in (
        lambda: tg.grad(f)(w),
        lambda: tg.value_and_grad(f)(x0),
        lambda: tg.hessian(f)(w),
        lambda: tg.hvp(f, (w,), (x0,)),
        lambda: tg.jvp(f, (w,), (x0,)),
        lambda: tg.vjp(f, w)[1](1.0),
    ):
        call()
        assert w.grad is before
        assert before.tolist() == [1, 1, 1]


def test_they_record_under_no_grad():
    w = weight()
    with tg.no_grad():
        gradient = tg.grad(lambda x: (w * x * x).sum())(w)
        second = tg.hessian(lambda x: (x**3).sum())(x0)
        assert type(tg.grad(lambda x: (w * x * x).sum())(x0)) is np.ndarray
    assert not gradient.requires_grad
    assert gradient.tolist() == [2, 8, 18]
    assert second.tolist() == np.diag(6 * x0).tolist()


def test_no_grad_inside_makes_a_constant():
    f = lambda x: x**3  # noqa: E731

    def g(x):
        with tg.no_grad():
            slope = tg.grad(f)(x)
        return slope * x

    assert tg.grad(g)(2.0) == 12  # 3 x^2, held constant


def test_a_result_is_recorded_where_something_needs_its_gradient():
    w = weight()
    gradient = tg.grad(lambda w: (w**3).sum())(w)
    gradient.sum().backward()
    assert w.grad.tolist() == (6 * w.data).tolist()


def test_a_captured_weight_keeps_its_gradient_even_if_arrays_were_given():
    """As an array the gradient penalty would lose what it owes the weight."""
    w = weight()
    gradient = tg.grad(lambda x: (w * x * x).sum())(x0)
    assert isinstance(gradient, tg.Tensor)
    (gradient * gradient).sum().backward()
    np.testing.assert_allclose(w.grad, 8 * w.data * x0**2)


def test_what_does_not_depend_on_a_weight_is_an_array():
    w = weight()
    value, gradient = tg.value_and_grad(lambda x: (x * x).sum() + w.sum())(x0)
    assert isinstance(value, tg.Tensor)
    assert value.requires_grad
    assert type(gradient) is np.ndarray


def test_captured_variables_of_an_outer_transform():
    f = lambda w: tg.grad(lambda x: w**2 * x**3)(2.0)  # 12 w^2  # noqa: E731
    assert tg.grad(f)(3.0) == 72
    both = tg.grad(lambda x: tg.grad(lambda y: x * y * y)(x))  # d/dx 2 x x
    assert both(5.0) == 20
    assert tg.grad(lambda x: tg.vjp(lambda y: y * y * x, x)[1](x)[0])(3.0) == 6 * 9
    assert tg.grad(lambda x: tg.jvp(lambda y: y**3, (x,), (x,))[1])(2.0) == 36


def test_pull_and_push_are_differentiable_in_what_they_are_given():
    _, pull = tg.vjp(lambda x: x**3, 2.0)
    assert tg.grad(lambda u: pull(u)[0] ** 2)(1.0) == 2 * 12 * 12
    _, push = tg.linearize(lambda x: x**3, 2.0)
    assert tg.grad(lambda t: push(t) ** 2)(1.0) == 2 * 12 * 12
    u = tg.Tensor(1.0, requires_grad=True)
    (pull(u)[0] * 5).backward()
    assert u.grad.item() == 60
    assert pull(1.0)[0] == 12


def test_pull_and_push_can_be_called_again_and_again():
    _, pull = tg.vjp(lambda x: tg.tanh(x) * x, x0)
    _, push = tg.linearize(lambda x: tg.tanh(x) * x, x0)
    for k in range(3):
        np.testing.assert_allclose(pull(np.full(3, k))[0], push(np.full(3, k)))


def test_maml():
    """Differentiating through a step of gradient descent."""
    w = weight()
    loss = lambda w: ((w - 1) ** 2).sum()  # noqa: E731
    after = loss(w - 0.1 * tg.grad(loss)(w))
    after.backward()
    np.testing.assert_allclose(w.grad, 2 * 0.64 * (w.data - 1))


# --- graphs of others ---------------------------------------------------------------------------


def test_the_graph_outside_is_neither_freed_nor_run():
    runs = []

    def rule(g, x):
        runs.append(1)
        return g * 2 * x

    square = tg.define_op(lambda x: x * x, name="square", x=rule)
    w = weight()
    h = square(w)
    with tg.no_grad():
        gradient = tg.grad(lambda x: (h * x).sum())(x0)
    assert gradient.tolist() == [1, 4, 9]
    tg.grad(lambda x: (h * x).sum())(tg.Tensor(x0))
    assert not runs
    h.sum().backward()
    assert len(runs) == 1
    assert w.grad.tolist() == [2, 4, 6]


def test_rules_off_the_way_do_not_run():
    def rule(g):
        raise AssertionError("nobody asked for this gradient")

    dear = tg.define_op(lambda x: x + 0, name="dear", x=rule)
    w = weight()
    with tg.no_grad():
        assert tg.grad(lambda x: (dear(w) * x).sum())(x0).tolist() == [1, 2, 3]


def test_writing_to_the_argument_inside():
    def f(x):
        x[0] = x[1] * 3
        x += 1
        return (x * x).sum()

    x = tg.Tensor(x0)
    gradient = tg.grad(f)(x)
    assert x.tolist() == x0.tolist()
    b, c = x0[1:]
    assert gradient.tolist() == [0, 2 * (3 * b + 1) * 3 + 2 * (b + 1), 2 * (c + 1)]


def test_writing_to_the_result_later():
    w = weight()
    y, pull = tg.vjp(lambda x: w * x * x, x0)
    y += 1
    np.testing.assert_allclose(pull(np.ones(3))[0].data, 2 * w.data * x0)


def test_stop_gradient():
    assert tg.grad(lambda x: tg.stop_gradient(x) * x)(3.0) == 3
    w = weight()
    stopped = tg.stop_gradient({"w": w, "n": 2, "rest": [w, None]})
    assert not stopped["w"].requires_grad
    assert not stopped["rest"][0].requires_grad
    assert stopped["n"] == 2
    assert w.requires_grad


def test_backward_inside_a_function_still_reaches_the_leaves():
    w = weight()

    def f(x):
        y = (w * x).sum()
        y.backward(retain_graph=True)
        return y

    tg.grad(f)(x0)
    assert w.grad.tolist() == x0.tolist()


@pytest.mark.parametrize("transform", [tg.grad, tg.jacobian])
def test_an_error_of_the_function_comes_through(transform):
    def f(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        transform(f)(x0)
    assert tg.is_grad_enabled()


# --- memory -------------------------------------------------------------------------------------


def test_what_was_computed_inside_dies_at_once():
    """By reference counts alone; `pull` keeps it as long as it lives."""
    inside = []

    def f(x):
        h = tg.exp(x)
        inside.append(weakref.ref(h.data))
        return (h * h).sum()

    gc.disable()
    try:
        for transform in (tg.grad, tg.value_and_grad, tg.jacobian, tg.hessian):
            transform(f)(x0)
        tg.hvp(f, (x0,), (x0,))
        tg.jvp(f, (x0,), (x0,))
        assert [ref() for ref in inside] == [None] * len(inside)
        _, pull = tg.vjp(f, x0)
        assert inside[-1]() is not None
        del pull
        assert inside[-1]() is None
    finally:
        gc.enable()


def test_tensors_have_no_dictionary():
    assert not hasattr(tg.Tensor(1.0), "__dict__")


def test_in_threads():
    f = lambda x: (tg.tanh(x) * x).sum()  # noqa: E731
    points = [np.full(3, k / 10) for k in range(20)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(tg.hessian(f), points))
    for point, hessian in zip(points, found, strict=True):
        np.testing.assert_array_equal(hessian, tg.hessian(f)(point))
