"""`debug()` names the op that makes the first nan, and lets correct programs pass."""

import inspect

import numpy as np
import pytest

import nn
import tinygrad_np as tg

W = tg.Tensor([1.0, 0.0, 4.0], requires_grad=True, name="w")


def logarithm():
    p = W * 1.0
    return tg.log(p).sum()


def division():
    below = W - W
    return ((W - 1) / below).sum()


def overflow():
    return tg.exp(W * 1000.0).sum()


def power():
    return ((W - 2.0) ** 0.5).sum()


def given():
    x = tg.Tensor([1.0, np.nan, 2.0], name="x")
    return (W * x).sum()


def masked_root():
    return tg.where(W > 0, tg.sqrt(W), 0.0).sum()


def masked_logarithm():
    safe = tg.where(W.detach() > 0, W, 1e-320)
    return tg.where(W > 0, 1 / safe, 0.0).sum()


MISTAKES = {
    logarithm: (
        2,
        r"log at {place} made -inf at \(1,\), from x \(p\) = 0.0, made at {file}:{above}",
    ),
    division: (2, r"divide at {place} made nan at \(0,\), from x = 0.0.*; y \(below\) = 0.0"),
    overflow: (1, r"exp at {place} made inf at \(0,\), from x = 1000.0"),
    power: (1, r"power at {place} made nan at \(0,\), from x = -1.0.*; y = 0.5"),
    given: (2, r"multiply at {place} was given nan at \(1,\): y \(x\) = nan"),
    masked_root: (
        1,
        r"backward of sqrt at {place} made nan in the gradient of its input 'x' at \(1,\), from "
        r"x \(w\) = 0.0; the incoming gradient there is 0.0.*0 times inf.*"
        r"sqrt\(where\(mask, x, 1\)\)",
    ),
    masked_logarithm: (2, r"made inf at \(1,\)"),
}


@pytest.mark.parametrize("program", MISTAKES, ids=lambda f: f.__name__)
def test_the_first_nan_is_named(program):
    below, message = MISTAKES[program]
    line = inspect.getsourcelines(program)[1] + below
    file = "test_check_debug.py"
    message = message.format(place=f"{file}:{line}", file=file, above=line - 1)
    with np.errstate(all="ignore"), tg.debug(), pytest.raises(FloatingPointError, match=message):
        program().backward()
    W.grad = None


def test_correct_programs_pass():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with tg.debug() as run:
        x = W.detach().reshape(1, 3).astype(np.float32)
        nn.cross_entropy(model(x), [1]).backward()
        safe = tg.where(W > 0, W, 1.0)
        tg.where(W > 0, tg.log(safe), 0.0).sum().backward()
    assert run.flows
    W.grad = None


def test_an_array_that_was_changed_since_is_named():
    a = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.debug():
        y = tg.exp(a) * a
        held = a.numpy()
        held.setflags(write=True)
        held[0] = 5.0
        with pytest.raises(
            RuntimeError, match=r"multiply at test_check_debug.py:\d+: its input 'y'"
        ):
            y.sum().backward()


def test_outside_of_it_nothing_is_checked():
    with np.errstate(divide="ignore"):
        assert np.isinf(tg.log(tg.Tensor(0.0, requires_grad=True)).item())
