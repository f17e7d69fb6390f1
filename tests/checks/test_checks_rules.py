"""`check_backward` names the planted mistake, and passes the correct twin."""

import numpy as np
import pytest
from hand_layers import Dense, ReLU
from op_cases import every_smooth_case

import nn
import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

X = np.random.default_rng(0).standard_normal((4, 3))
S = np.random.default_rng(1).standard_normal((3, 3)) + 2


def squares(rule):
    return tg.define_op(lambda x: x * x, name="squares", x=rule)


def product(x, y):
    return tg.define_op(lambda x, y: x @ y, name="product", x=x, y=y)


def shifted(y):
    return tg.define_op(lambda x, y: x + y, name="shifted", x=lambda g: g, y=y)


def clipped(rule):
    return tg.define_op(lambda x: np.maximum(x, 0.1), name="clipped", x=rule)


def averaged(rule):
    return tg.define_op(lambda x: x.sum(axis=0) / 4, name="averaged", x=rule)


RIGHT = [
    (squares(lambda g, x: g * 2 * x), (X,)),
    (product(lambda g, y: g @ y.T, lambda g, x: x.T @ g), (S, S.T + 1)),
    (shifted(lambda g: g), (X, X[0])),
    (clipped(lambda g, x: g * (x > 0.1)), (X,)),
    (averaged(lambda g, x_shape: np.broadcast_to(g, x_shape) / 4), (X,)),
]
WRONG = [
    (squares(lambda g, x: g * x), (X,), "squares.*'x' is wrong: it is 1/2 times .*constant factor"),
    (squares(lambda g, x: g * 4 * x), (X,), "it is 2 times the right gradient"),
    (squares(lambda g, x: -2 * g * x), (X,), "the wrong sign"),
    (squares(lambda g, x: g * 0), (X,), "zero everywhere.*not connected"),
    (squares(None), (X,), "input 0 of f is not connected: no gradient reaches it"),
    (squares(lambda g, x: g * 2 * x * x), (X,), r"it is .* at \(\d, \d\), where the right value"),
    (squares(lambda g, x: g * 2 * x / 0), (X,), "inf at"),
    (product(lambda g, y: (g @ y.T).T, lambda g, x: x.T @ g), (S, S.T + 1), "'x' .*the transpose"),
    (product(lambda g, y: g @ y.T, lambda g, x: (x.T @ g).T), (S, S.T + 1), "'y' .*the transpose"),
    (product(lambda g, y: g @ y, lambda g, x: x.T @ g), (S, S.T + 1), "'x' is wrong"),
    (shifted(lambda g: g / 4), (X, X[0]), "1/4 times"),
    (clipped(lambda g, x: g * (x > 0.9)), (X,), "wrong mask: .*zero and should not be"),
    (clipped(lambda g, x: g), (X,), "wrong mask: .*should be zero"),
    (averaged(lambda g, x_shape: np.broadcast_to(g, x_shape)), (X,), "it is 4 times"),
    (averaged(lambda g, x_shape: np.broadcast_to(g, x_shape) / 16), (X,), "it is 1/4 times"),
]


@pytest.mark.parametrize(("op", "inputs"), RIGHT)
def test_correct_rules_pass(op, inputs):
    assert tg.check_backward(op, inputs)


@pytest.mark.parametrize(("op", "inputs", "message"), WRONG)
def test_planted_mistakes_are_named(op, inputs, message):
    with np.errstate(divide="ignore"), pytest.raises(tg.GradcheckError, match=message):
        tg.check_backward(op, inputs)


def test_the_first_wrong_op_of_a_program_with_its_line():
    wrong = squares(lambda g, x: g * x)

    def f(x):
        y = tg.tanh(x)
        z = wrong(y)  # here
        return wrong(z * 3).sum()

    line = f.__code__.co_firstlineno + 2
    with pytest.raises(tg.GradcheckError, match=rf"squares at test_checks_rules.py:{line} for"):
        tg.check_backward(f, [X])


def test_networks_and_kinks():
    layer = nn.Linear(3, 5, dtype=np.float64)
    labels = np.array([0, 4, 2, 1])
    f = lambda x, w: nn.cross_entropy(tg.relu(x @ w), labels)  # noqa: E731
    assert tg.check_backward(f, [X, layer.weight.detach()])
    kinks = np.array([[0.0, 1.0, -1.0], [0.0, 0.0, 2.0]])
    assert tg.check_backward(lambda x: (tg.relu(x) + abs(x) + tg.maximum(x, 1.0)).sum(), [kinks])


@every_smooth_case
def test_every_rule_of_the_table(case):
    assert tg.check_backward(lambda *xs: 1.0 * case.call(case.function, xs), case.point())


# --- what a plain sum at the end, or the shape of the data, would hide ---------------------------


SHARP = [
    # Non-square: the rule's result does not even fit.
    (product(lambda g, y: (g @ y.T).T, lambda g, x: x.T @ g), (X, S), "transpose", "'x' is wrong"),
    (product(lambda g, y: g @ y.T, lambda g, x: g.T @ x), (X, S[:, :2]), "transpose", "shape is"),
    (product(lambda g, y: g @ y.T, lambda g, x: 2 * (x.T @ g).T), (S, S), "transpose", "2 times"),
    (product(lambda g, y: g @ y.T, lambda g, x: x @ g), (X, S), "failed", "fails: ValueError"),
    (shifted(lambda g: g[0]), (X, X[0]), "broadcast sum", "part 0 alone: the sum over the broad"),
    (shifted(lambda g: g[-1:]), (X, X[:1]), "broadcast sum", "part 3 alone"),
    (shifted(None), (X, X[0]), "not connected", "has no rule for its input 'y'"),
    # Right for a gradient of ones, as a loss of sum() would send it back.
    (squares(lambda g, x: 2 * x), (X,), "incoming gradient", "multiply by it"),
    (averaged(lambda g, x_shape: np.ones(x_shape) / 4), (X,), "incoming gradient", "not depend"),
    (squares(lambda g, x: 2 * x * g.mean()), (X,), "incoming gradient", "is averaged first"),
]


@pytest.mark.parametrize(("op", "inputs", "kind", "text"), SHARP)
def test_mistakes_that_hide(op, inputs, kind, text):
    with pytest.raises(tg.GradcheckError) as error:
        tg.check_backward(lambda *xs: op(*xs).sum(), inputs)
    assert error.value.kind == kind
    assert text in str(error.value)


def test_large_arrays():
    x = np.random.default_rng(5).standard_normal((150, 60))
    w = np.random.default_rng(6).standard_normal((60, 70))
    right = product(lambda g, y: g @ y.T, lambda g, x: x.T @ g)
    assert tg.check_backward(lambda x, w: tg.relu(right(x, w)).mean(), [x, w])

    def one_off(g, x):
        out = x.T @ g
        out[31, 47] = 0.0
        return out

    wrong = product(lambda g, y: g @ y.T, one_off)
    with pytest.raises(tg.GradcheckError, match=r"wrong mask: 1 of \d+ .*first at \(31, 47\)"):
        tg.check_backward(wrong, [x, w])
    with pytest.raises(tg.GradcheckError, match="2 times"):
        tg.check_backward(squares(lambda g, x: 4 * g * x), [x])


def test_every_element_at_a_kink():
    """At kinks a rule may choose; beside them it is checked all the same."""
    zeros = np.zeros((3, 4))
    assert tg.check_backward(tg.relu, [zeros])
    assert tg.check_backward(lambda x: tg.maximum(x, zeros), [zeros])
    wrong = tg.define_op(lambda x: np.maximum(x, 0), name="relu2", x=lambda g, x: g * (x >= 0) * 2)
    with pytest.raises(tg.GradcheckError, match=r"relu2.*2 times"):
        tg.check_backward(wrong, [zeros])


def test_flat_points_are_no_kinks():
    """The slope of x * x at 0 is 0 on both sides: a rule that says otherwise is wrong."""
    assert tg.check_backward(squares(lambda g, x: 2 * g * x), [np.zeros(3)])
    with pytest.raises(tg.GradcheckError, match=r"at \d, where the right value is 0"):
        tg.check_backward(squares(lambda g, x: 2 * g * x + g), [np.zeros(3)])


def test_a_cut_that_no_op_shows():
    def f(x, y):
        return (x * y.detach()).sum()

    with pytest.raises(tg.GradcheckError, match=r"input 1 of f is not connected.*\.detach\(\)"):
        tg.check_backward(f, [X, X])
    assert tg.check_backward(lambda x, y: (x * 2).sum(), [X, X])  # y does not matter


def test_parameters_that_f_finds_by_itself():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    labels = np.array([0, 1, 1, 0])
    assert tg.check_backward(lambda: nn.cross_entropy(model(X.astype(np.float32)), labels))
    assert model.parameters()[0].grad is None


def test_all_wrong_rules_are_listed_the_first_first():
    def f(x):
        y = squares(lambda g, x: -2 * g * x)(x)
        return shifted(lambda g: 3 * g)(y, x)

    message = r"squares at .* the wrong sign\. And then the rule of shifted .*'y' is wrong \(factor"
    with pytest.raises(tg.GradcheckError, match=message):
        tg.check_backward(f, [X])


def test_random_forwards_are_refused():
    noise = tg.define_op(
        lambda x: x * np.random.default_rng().random(), name="noise", x=lambda g: g
    )
    with pytest.raises(ValueError, match="the forward of noise gives different results"):
        tg.check_backward(noise, [X])
    rng = np.random.default_rng(0)
    assert tg.check_backward(lambda x: tg.dropout(x, 0.5, rng=rng), [X])


# --- layers in the book's style -------------------------------------------------------------------


def broken(base, *args, **changes):
    """The layer with other gradients after its backward."""

    class Broken(base):
        def backward(self, dvalues):
            super().backward(dvalues)
            for name, change in changes.items():
                setattr(self, name, change(self, dvalues))

    return Broken(*args)


def test_correct_layers_pass_and_are_left_alone():
    dense = Dense(3, 2)
    before = dense.weights.copy()
    assert tg.check_backward(dense, [X])
    assert tg.check_backward(ReLU(), [X])
    np.testing.assert_array_equal(dense.weights, before)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            broken(Dense, 3, 2, dbiases=lambda s, d: d),
            "dbiases .*over the broadcast axis 0 is missing",
        ),
        (broken(Dense, 3, 2, dweights=lambda s, d: s.dweights / 4), "dweights .* 1/4 times"),
        (broken(Dense, 3, 2, dweights=lambda s, d: s.dweights.T), "dweights .*transpose"),
        (broken(Dense, 3, 2, dinputs=lambda s, d: -s.dinputs), "dinputs .*wrong sign"),
        (broken(Dense, 3, 2, dbiases=lambda s, d: np.zeros((1, 2))), "dbiases .*not connected"),
        (broken(Dense, 3, 2, dinputs=lambda s, d: None), "dinputs .*no gradient is there"),
        (broken(Dense, 3, 2, dbiases=lambda s, d: s.dbiases[0]), "dbiases .*the numbers are right"),
        (broken(ReLU, dinputs=lambda s, d: d), "dinputs .*wrong mask"),
        (broken(ReLU, dinputs=lambda s, d: d * (s.inputs < 0)), "dinputs .*wrong mask"),
    ],
)
def test_planted_mistakes_of_layers_are_named(layer, message):
    with pytest.raises(tg.GradcheckError, match=message):
        tg.check_backward(layer, [X])


def test_what_cannot_be_checked():
    with pytest.raises(TypeError, match="return a Tensor of floats"):
        tg.check_backward(lambda x: 3.0, [X])
    with pytest.raises(ValueError, match="nothing to check"):
        tg.check_backward(lambda x: tg.Tensor(1.0), [X])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x.detach() * 2).sum() + x.sum(),
        lambda x: tg.Tensor(np.tanh(x.data)) * x,
        lambda x: (x * x, x.detach() * 3),
    ],
    ids=["detach", "array", "one result"],
)
def test_a_branch_that_is_cut(f):
    x = np.array([[0.5, -1.0], [2.0, 0.25]])
    with pytest.raises(tg.GradcheckError, match="input 0 of f is not connected: a part of") as e:
        tg.check_backward(f, [x])
    assert e.value.kind == "not connected"
    with pytest.raises(tg.GradcheckError):
        tg.gradcheck(f, [x])


def test_what_is_not_cut():
    """Kinks exactly at the input, values that matter in two ways, constants."""
    x = np.array([0.0, 1.0, -2.0])
    assert tg.check_backward(lambda x: tg.relu(x) + abs(x) * np.ones(3), [x])
    assert tg.check_backward(lambda x, y: (x * x.mean() + y.detach() * 0).sum(), [x, x])
    assert tg.check_backward(lambda x: tg.where(x > 0, x, 0.0) * tg.stop_gradient(x * 0 + 2), [x])


def test_a_function_that_goes_backward_itself():
    def f(x):
        y = (x * 2.0 + 1).sum()
        y.backward()
        return y

    assert tg.check_backward(f, [np.ones(3)])
