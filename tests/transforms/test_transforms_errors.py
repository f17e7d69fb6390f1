"""Wrong calls of transforms: each error says what was given and what is expected."""

import math
import re

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

x0 = np.array([0.5, -1.0, 2.0])
TRANSFORMS = [tg.grad, tg.value_and_grad, tg.jacobian, tg.hessian]
CALLS = {
    "vjp": lambda f, x: tg.vjp(f, x),
    "jvp": lambda f, x: tg.jvp(f, (x,), (x,)),
    "linearize": lambda f, x: tg.linearize(f, x),
    "hvp": lambda f, x: tg.hvp(f, (x,), (x,)),
    **{t.__name__: lambda f, x, t=t: t(f)(x) for t in TRANSFORMS},
}


def raises(kind, text):
    return pytest.raises(kind, match=re.escape(text))


# --- what the function returns ------------------------------------------------------------------


def loss(x):
    return x * x


@pytest.mark.parametrize("transform", [tg.grad, tg.value_and_grad])
def test_no_single_number(transform):
    name = transform.__name__
    with raises(TypeError, f"{name} needs loss() to return one number, a Tensor of shape (), "):
        transform(loss)(x0)
    with raises(TypeError, "but it returned Tensor (3,) float64: reduce it with .sum()"):
        transform(loss)(x0)
    with raises(TypeError, "but it returned tuple: for a value with extra results, pass has_aux"):
        transform(lambda x: (x.sum(), x))(x0)
    with raises(TypeError, "but it returned dict: use vjp or jacobian"):
        transform(lambda x: {"loss": x.sum()})(x0)
    with raises(TypeError, "Tensor (1,) float64"):
        transform(lambda x: x[:1])(x0)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_or_no_tensor(name):
    call = CALLS[name]
    for value, text in [
        ("text", "'text' (str)"),
        (3.0, "3.0 (float): a value that leaves the graph (.item(), .numpy()) has no gradient"),
        (np.ones(2), "an array of shape (2,) and dtype float64, not a Tensor"),
        (object, "(type)"),
    ]:
        with raises(TypeError, "to return a Tensor computed from its arguments, but it returned"):
            call(lambda x, value=value: value, x0)
        with raises(TypeError, text):
            call(lambda x, value=value: value, x0)
    with raises(TypeError, "returned None (is there a return missing?)"):
        call(lambda x: None, x0)
    with raises(TypeError, "to return floats, but it returned Tensor () int64"):
        call(lambda x: tg.Tensor(3), x0)
    with raises(TypeError, "returned 'text' (str) at ['b'][1] of its result"):
        call(lambda x: {"a": x, "b": [x, "text"]}, x0)


def test_aux_that_is_not_there():
    for transform in (tg.grad, tg.value_and_grad, tg.jacobian):
        with raises(TypeError, "with has_aux=True the function must return a pair (value, aux)"):
            transform(lambda x: x.sum(), has_aux=True)(x0)
    with raises(TypeError, "must return a pair (value, aux), but it returned Tensor () float64"):
        tg.vjp(lambda x: x.sum(), x0, has_aux=True)


# --- arguments ----------------------------------------------------------------------------------


@folded
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "needs floats to differentiate with respect to, but argument 0 is int64"),
        (True, "argument 0 is bool: give floats"),
        (np.array([1, 2]), "argument 0 is int64: give floats, such as 3.0 or x.astype(float)"),
        (tg.Tensor([1, 2]), "argument 0 is int64"),
        (1j, "argument 0 is complex128: complex gradients are not supported"),
        ("text", "argument 0: expected numbers or an array of numbers, not str"),
        ({"a": [1.0, 2]}, "argument 0['a'][1] is int64"),
        ([object()], "argument 0[0]: expected numbers or an array of numbers, not object"),
        ({}, "needs an array to differentiate with respect to, none given"),
        (None, "needs an array to differentiate with respect to, none given"),
    ],
)
def test_no_floats(name, value, text):
    kind = ValueError if "none given" in text else TypeError
    with raises(kind, text):
        CALLS[name](lambda x: x * 1.0, value)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_argnums(transform):
    name = transform.__name__
    f = lambda x: x.sum()  # noqa: E731
    with raises(ValueError, f"{name}: argnums 1 is out of range: the function was called with 1"):
        transform(f, 1)(x0)
    with raises(
        ValueError, "argnums -2 is out of range: the function was called with 1 positional"
    ):
        transform(f, (0, -2))(x0)
    with raises(ValueError, "argnums 0 is out of range: the function was called with 0 positional"):
        transform(f)(x=x0)
    for argnums in ("x", 0.5, None, (), True, ("x",)):
        with raises(TypeError, "argnums must be the position of an argument, such as 0"):
            transform(f, argnums)
    with raises(ValueError, "argnums (0, 0) names an argument twice"):
        transform(f, (0, 0))(x0)
    with raises(ValueError, "argnums (0, -1) names an argument twice"):
        transform(f, (0, -1))(x0)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_no_function(transform):
    name = transform.__name__
    with raises(TypeError, f"{name} needs a function, not Tensor: write {name}(f)(x), not"):
        transform(tg.Tensor(1.0))
    with raises(TypeError, "needs a function, not int"):
        transform(3)


def test_no_function_for_products():
    for call in (
        lambda: tg.vjp(3, x0),
        lambda: tg.jvp(3, (x0,), (x0,)),
        lambda: tg.linearize(3, x0),
        lambda: tg.hvp(3, (x0,), (x0,)),
    ):
        with raises(TypeError, "needs a function, not int"):
            call()


# --- tangents and cotangents --------------------------------------------------------------------


@pytest.mark.parametrize("product", [tg.jvp, tg.hvp])
def test_primals_and_tangents(product):
    f = lambda x: (x * x).sum()  # noqa: E731
    name = product.__name__
    with raises(TypeError, f"{name}: primals must be a tuple or list with one entry for each"):
        product(f, x0, (x0,))
    with raises(TypeError, f"{name}: tangents must be a tuple or list"):
        product(f, (x0,), x0)
    with raises(ValueError, "tangents must be a tuple of length 1, not 2"):
        product(f, (x0,), (x0, x0))
    with raises(
        ValueError, "tangents[0] must have the shape of what it belongs to, (3,), not (2,)"
    ):
        product(f, (x0,), (x0[:2],))
    with raises(ValueError, "tangents[0] must be an array, not a dict"):
        product(f, (x0,), ({"a": x0},))
    with raises(TypeError, "tangents[0]: expected numbers or an array of numbers, not str"):
        product(f, (x0,), ("text",))
    with raises(TypeError, "tangents[0] must be real, not complex128"):
        product(f, (x0,), (x0 * 1j,))


def test_structures():
    f = lambda t: (t["a"] * t["b"][0]).sum()  # noqa: E731
    tree = {"a": x0, "b": [x0]}
    for tangent, text in [
        ({"a": x0}, "tangents[0] must have the keys ['a', 'b'], not ['a']"),
        ({"a": x0, "b": x0}, "tangents[0]['b'] must be a list, not an array"),
        ({"a": x0, "b": (x0,)}, "tangents[0]['b'] must be a list, not a tuple"),
        ({"a": x0, "b": []}, "tangents[0]['b'] must be a list of length 1, not 0"),
        ({"a": None, "b": [x0]}, "tangents[0]['a'] must be an array, not None"),
        ({"a": x0, "b": [1.0]}, "tangents[0]['b'][0] must have the shape"),
    ]:
        with raises(ValueError, text):
            tg.jvp(f, (tree,), (tangent,))
    swapped = {"b": [2 * x0], "a": x0}  # the order of keys does not matter
    _, derivative = tg.jvp(f, (tree,), (swapped,))
    np.testing.assert_allclose(derivative, 3 * (x0 * x0).sum())


def test_cotangents():
    _, pull = tg.vjp(lambda x: (x, {"s": x.sum()}), x0)
    for cotangent, text in [
        (x0, "the cotangent must be a tuple, not an array"),
        ((x0,), "the cotangent must be a tuple of length 2, not 1"),
        ((x0, {"t": 1.0}), "the cotangent[1] must have the keys ['s'], not ['t']"),
        ((x0, {"s": x0}), "the cotangent[1]['s'] must have the shape of what it belongs to, ()"),
    ]:
        with raises(ValueError, text):
            pull(cotangent)
    assert pull((x0, {"s": 1}))[0].tolist() == (x0 + 1).tolist()


def test_wrong_number_of_tangents_for_push():
    _, push = tg.linearize(lambda x, y: x * y, x0, x0)
    with raises(ValueError, "tangents must be a tuple of length 2, not 1"):
        push(x0)


# --- values that leave the graph ------------------------------------------------------------------


def into_an_array(x):
    out = np.zeros(3)
    for i in range(3):
        out[i] = x[i] ** 2
    return (x * out).sum()


EXITS = {
    "float(t)": lambda x: (x * float(x[0])).sum(),
    "math.exp": lambda x: (x * math.exp(x[1])).sum(),
    "int(t)": lambda x: (x * int(x[2])).sum(),
    "complex(t)": lambda x: (x * complex(x.sum()).real).sum(),
    "array[i] = t": into_an_array,
    "of a later value": lambda x: (x / math.sqrt((x * x).sum())).sum(),
    "a branch": lambda x: (x if math.isnan(x.sum()) else x * 2).sum(),
}


@folded
@pytest.mark.parametrize("leave", EXITS.values(), ids=EXITS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_traced_value_may_not_leave(call, leave):
    with raises(TypeError, "differentiates would silently drop its gradient. Use t.item()"):
        call(leave, x0)


def test_what_nothing_traces_may_leave():
    weight = tg.Tensor(3.0, requires_grad=True)

    def f(x):
        with tg.no_grad():
            scale = float(x[0]) * math.exp(0)
        return (x * x[0].item() * scale * float(weight)).sum() + x[1].detach().item()

    np.testing.assert_allclose(tg.grad(f)(x0), np.full(3, 0.25 * 3.0))


def test_the_variable_of_an_outer_transform_may_not_leave_either():
    def outer(x):
        return tg.grad(lambda y: y * y * float(x))(2.0)

    with raises(TypeError, "float(t) of a value that grad differentiates"):
        tg.grad(outer)(3.0)


def test_the_error_leaves_the_function_of_the_transform():
    """And what is converted afterwards is no longer the transform's."""
    with raises(TypeError, "float(t)"):
        tg.grad(lambda x: x * float(x))(2.0)
    w = tg.Tensor(2.0, requires_grad=True)
    assert float(w * 2) == 4.0
