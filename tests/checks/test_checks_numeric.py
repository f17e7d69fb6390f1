"""gradcheck finds wrong rules, says what is wrong with them, and accepts right ones."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import GradcheckError, gradcheck

POINT = np.array([[0.3, -0.8, 1.2], [0.5, 0.9, -0.4]])


def op(rule, forward=lambda x: x**3, name="cube"):
    return tg.define_op(forward, name=name, x=rule)


right = op(lambda g, x: g * 3 * x**2)


# --- right rules --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2])
def test_accepts_right_rules(order):
    assert gradcheck(right, [POINT], order) is True
    assert gradcheck(right, POINT, order) is True
    assert gradcheck(lambda x, y: tg.exp(x) @ y.T, [POINT, POINT * 0.5], order)
    assert gradcheck(lambda x: (tg.sum(x), x * 2), [POINT], order)
    assert gradcheck(tg.sigmoid, [0.3], order)
    assert gradcheck(tg.sigmoid, [np.zeros((0, 2))], order)


def test_inputs_of_every_kind():
    """Floats are checked, whatever holds them; everything else is handed on."""
    seen = []

    def f(a, b, c, labels, text, flag):
        seen.append((type(a), type(b), type(c), type(labels), type(text), type(flag)))
        assert a.dtype == b.dtype == c.dtype == np.float64
        return tg.cross_entropy(a * b + c, labels)

    labels = np.array([0, 2])
    assert gradcheck(f, [POINT.astype(np.float32), tg.Tensor(POINT), 0.5, labels, "mean", True])
    assert set(seen) == {(tg.Tensor, tg.Tensor, tg.Tensor, np.ndarray, str, bool)}


def test_leaves_its_inputs_alone():
    x = tg.Tensor(POINT, requires_grad=True)
    held = POINT.copy()
    assert gradcheck(right, [x], 2)
    assert x.grad is None
    assert x.tolist() == held.tolist()
    np.testing.assert_array_equal(POINT, held)


def test_works_under_no_grad():
    with tg.no_grad():
        assert gradcheck(right, [POINT], 2)
        assert not tg.is_grad_enabled()


def test_an_input_without_influence():
    assert gradcheck(lambda x, y: x * 2, [POINT, POINT])
    assert gradcheck(lambda x: tg.Tensor([1.0, 2.0]), [POINT])


# --- wrong rules --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "ratio"),
    [
        (lambda g, x: g * 6 * x**2, 2),
        (lambda g, x: -g * 3 * x**2, -1),
        (lambda g, x: g * x**2, 1 / 3),
        (lambda g, x: g * 3 * x**2 * 1.001, 1.001),
    ],
)
def test_a_wrong_factor_is_reported_as_the_ratio(rule, ratio):
    with pytest.raises(GradcheckError, match="ratio") as caught:
        gradcheck(op(rule), [POINT])
    found = float(str(caught.value).rsplit("ratio ", 1)[1])
    assert found == pytest.approx(ratio, rel=1e-4)


def test_says_which_input_which_element_and_both_values():
    def rule(g, x):
        wrong = np.ones((2, 3))
        wrong[1, 2] = 2.0
        return g * 3 * x**2 * wrong

    def f(first, second):
        return first + op(rule)(second)

    with pytest.raises(GradcheckError) as caught:
        gradcheck(f, [POINT, tg.Tensor(POINT)])
    text = str(caught.value)
    assert "gradient of input 1 (second) at index (1, 2)" in text
    assert "ratio 2" in text
    computed = float(text.split("computed ")[1].split(",")[0])
    numeric = float(text.split("numeric ")[1].split(",")[0])
    assert computed == pytest.approx(2 * numeric, rel=1e-6)


def test_names_of_tensors_win_over_names_of_parameters():
    with pytest.raises(GradcheckError, match=r"input 0 \(W\)"):
        gradcheck(op(lambda g: g), [tg.Tensor(POINT, name="W")])


@pytest.mark.parametrize(
    ("point", "where"),
    [(np.array(0.5), "gradient of input 0 (x):"), (np.array([0.5]), "(x) at index 0:")],
)
def test_where_it_is_wrong(point, where):
    wrong = op(lambda g: g)

    def f(x):
        return wrong(x)

    with pytest.raises(GradcheckError) as caught:
        gradcheck(f, [point])
    assert where in str(caught.value)


def test_a_missing_gradient():
    with pytest.raises(GradcheckError, match="no gradient reached it"):
        gradcheck(op(lambda g: None), [POINT])
    with pytest.raises(GradcheckError, match="no gradient reached it"):
        gradcheck(lambda x: tg.Tensor(x.data) ** 2, [POINT])


def test_a_gradient_where_there_is_none():
    with pytest.raises(GradcheckError, match="numeric value is 0"):
        gradcheck(op(lambda g: g, forward=lambda x: x * 0), [POINT])


def test_a_gradient_of_nan():
    with pytest.raises(GradcheckError, match="computed nan"):
        gradcheck(op(lambda g: g * np.nan), [POINT])


def test_a_transposed_gradient():
    square = np.array([[0.3, -0.8], [0.5, 0.9]])
    wrong = tg.define_op(lambda x: x @ x, name="wrong", x=lambda g, x: g @ x + x @ g)
    with pytest.raises(GradcheckError):
        gradcheck(wrong, [square])


def test_a_wrong_rule_of_one_of_several_outputs():
    wrong = tg.define_op(
        lambda x: (x**2, x**3), name="wrong", x=lambda g, x: g[0] * 2 * x + g[1] * 2 * x**2
    )
    with pytest.raises(GradcheckError):
        gradcheck(wrong, [POINT])


def test_a_wrong_second_derivative():
    """A rule that is right on arrays, but hides its own dependence on x."""

    def rule(g, x):
        return g * 3 * np.square(x.data if isinstance(x, tg.Tensor) else x)

    hiding = op(rule)
    assert gradcheck(hiding, [POINT])
    with pytest.raises(GradcheckError, match="second derivative of input 0"):
        gradcheck(hiding, [POINT], order=2)


def test_kinks_are_caught():
    with pytest.raises(GradcheckError):
        gradcheck(tg.relu, [np.array([0.0, 1.0])])


# --- bad input ----------------------------------------------------------------------------------


def test_order():
    for order in (0, 3, "2"):
        with pytest.raises(ValueError, match="order must be 1 or 2"):
            gradcheck(right, [POINT], order)


@pytest.mark.parametrize("inputs", [[], [np.array([1, 2])], ["a", None], [1]])
def test_no_floats(inputs):
    with pytest.raises(ValueError, match="at least one input of floats"):
        gradcheck(lambda *a: a, inputs)


@pytest.mark.parametrize(
    "f", [lambda x: x.data, lambda x: 1.0, lambda x: None, lambda x: x > 0, lambda x: [x]]
)
def test_functions_that_give_no_tensor_of_floats(f):
    with pytest.raises(TypeError, match="must return Tensors of floats"):
        gradcheck(f, [POINT])


def test_random_functions():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="random"):
        gradcheck(lambda x: x * rng.normal(), [POINT])


def test_an_error_of_the_function_comes_through():
    with pytest.raises(ValueError, match="matmul"):
        gradcheck(lambda x: x @ x, [POINT])


def test_tolerances():
    slightly = op(lambda g, x: g * 3 * x**2 * 1.001)
    assert gradcheck(slightly, [POINT], rtol=1e-2)
    with pytest.raises(GradcheckError):
        gradcheck(slightly, [POINT], rtol=1e-4)
