"""Backward through step functions, whose derivative is 0 wherever there is one: it says so."""

import numpy as np
import pytest
from folded import folded

import nn
import tinygrad_np as tg

VALUES = np.array([[1.5, -2.0], [0.25, 3.0]])

STEPS = {
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
    "round": lambda x: x.round(1),
    "floor_divide": lambda x: x // 2,
    "heaviside": lambda x: np.heaviside(x, 0.5),
    "greater": lambda x: x > 0,
    "equal": lambda x: x == 1.5,
    "isnan": np.isnan,
    "argsort": lambda x: np.argsort(x, axis=1),
    "argmax": lambda x: x.argmax(axis=0),
    "argmin": lambda x: np.argmin(x, axis=1),
    "any": np.any,
    "nonzero": lambda x: np.nonzero(x)[0],
    "isclose": lambda x: np.isclose(x, 1),
    "searchsorted": lambda x: np.searchsorted([0.0, 1.0], x),
    "astype": lambda x: x.astype(int),
}

# Results of step functions, used further.
USES = {
    "itself": lambda y: y,
    "with numbers": lambda y: y * 2.0 + 1,
    "with arrays": lambda y: np.ones(y.shape) / (y + 3.0),
    "a part": lambda y: np.reshape(y, -1)[:1],
    "joined": lambda y: np.concatenate([np.reshape(y, -1), [1.0]]),
    "chosen by it": lambda y: np.where(y > 0, 1.0, 0.0),
    "rounded again": lambda y: np.floor(y * 0.5),
    "exp": lambda y: np.exp(-(y * 1.0)),
}


@folded
@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("name", STEPS)
def test_backward_names_the_step_function(name, use):
    x = tg.Tensor(VALUES, requires_grad=True)
    y = use(STEPS[name](x * 2))
    assert not y.requires_grad
    said = rf"computed through {name} at .*test_core_flat\.py:\d+, whose derivative is zero"
    with pytest.raises(RuntimeError, match=said):
        y.sum().backward()
    assert x.grad is None


def test_the_line_is_that_of_the_step_function():
    x = tg.Tensor(VALUES, requires_grad=True)
    rounded = np.round(x)
    error = ((rounded - 1) ** 2).mean()
    line = test_the_line_is_that_of_the_step_function.__code__.co_firstlineno + 2
    with pytest.raises(RuntimeError, match=rf"round at .*test_core_flat\.py:{line}, "):
        error.backward()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sign(x.detach()),
        lambda x: np.sign(tg.Tensor(VALUES)) * 2,
        lambda x: np.sign(x).detach(),
        lambda x: tg.no_grad()(np.sign)(x),
        lambda x: tg.Tensor(x.numpy()) > 0,
        lambda x: np.zeros_like(x),
    ],
)
def test_what_was_cut_off_is_not_laid_to_a_step_function(f):
    x = tg.Tensor(VALUES, requires_grad=True)
    with pytest.raises(RuntimeError, match="not computed from any Tensor with requires_grad=True"):
        f(x).sum().backward()


def test_predictions_as_one_hot_rows():
    x = tg.Tensor(VALUES, requires_grad=True)
    loss = nn.mse_loss(tg.one_hot(x.argmax(axis=1), 2), np.zeros((2, 2), np.float32))
    with pytest.raises(RuntimeError, match="computed through argmax at"):
        loss.backward()


def test_a_loss_that_has_another_way_to_the_leaf_has_its_gradient():
    x = tg.Tensor(VALUES, requires_grad=True)
    (x * np.sign(x) + np.floor(x)).sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.sign(VALUES))
    x.grad = None
    straight_through = x + (np.round(x) - x).detach()
    straight_through.sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.ones((2, 2)))


def test_transforms_give_zeros():
    for f in (np.sign, np.floor, np.round, lambda x: x > 0, lambda x: x.argmax() * 1.0):
        g = tg.grad(lambda x: (f(x) * 1.0).sum())(VALUES)  # noqa: B023
        np.testing.assert_array_equal(g, np.zeros((2, 2)))


def test_a_function_of_the_users_without_a_rule():
    f = tg.define_op(lambda x: x * 1.0, name="mine", x=None)
    with pytest.raises(RuntimeError, match=r"computed through mine at .*, which has no rule"):
        f(tg.Tensor(VALUES, requires_grad=True)).sum().backward()


def test_a_result_of_a_step_function_is_data_like_any_other():
    x = tg.Tensor(VALUES, requires_grad=True)
    y = np.sign(x)
    assert y.is_leaf
    assert y.name is None
    y.name = "signs"
    y[0] = 5.0
    y += 1
    assert y.tolist() == [[6, 6], [2, 2]]
    y.requires_grad = True
    (y * x).sum().backward()
    assert y.grad.tolist() == VALUES.tolist()
    assert x.grad.tolist() == y.tolist()


@pytest.mark.parametrize("compiled", [False, None], ids=["eager", "compiled"])
def test_fit_names_the_step_function(compiled):
    model = nn.Sequential(nn.Linear(2, 3))
    before = [p.tolist() for p in model.parameters()]

    def error_rate(output, target):
        return (output.argmax(axis=1) != target).mean()

    with pytest.raises(RuntimeError, match=r"argmax at .*, whose derivative is zero everywhere"):
        nn.fit(
            model, VALUES, np.array([0, 1]), loss=error_rate, progress=False, compile=compiled,
            optimizer=nn.SGD(model.parameters(), lr=0.1),
        )  # fmt: skip
    assert [p.tolist() for p in model.parameters()] == before
