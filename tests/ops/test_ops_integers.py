"""Integers given to functions of floats: nothing wraps around on the way."""

import numpy as np
import pytest

import tinygrad_np as tg

FUNCTIONS = ["sigmoid", "silu", "softplus", "logsigmoid", "mish", "softsign", "leaky_relu", "elu"]
FUNCTIONS += ["selu", "gelu", "softmax", "log_softmax", "logsumexp", "median", "gradient"]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64, bool])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_integers_give_what_floats_give(name, dtype):
    if name == "gradient" and dtype is bool:
        return  # NumPy does not subtract booleans
    numbers = np.array([[0, 1, 127, 128], [255, 3, 200, 8]]).astype(dtype)
    function = getattr(tg, name)
    expected = function(numbers.astype(np.float64))
    for x in (numbers, tg.Tensor(numbers)):
        for out, value in (
            zip(function(x), expected, strict=True)
            if name == "gradient"
            else [(function(x), expected)]
        ):
            np.testing.assert_allclose(np.asarray(out), value, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_losses_of_integers(dtype):
    scores = np.array([[0, 100, 3], [90, 2, 1]]).astype(dtype)
    for target in ([1, 2], [0, 0]):
        for loss in (tg.cross_entropy, tg.nll_loss):
            expected = loss(scores.astype(np.float64), np.array(target))
            np.testing.assert_allclose(loss(scores, np.array(target)), expected, rtol=2e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, bool])
def test_the_cheaper_gelu_of_integers(dtype):
    numbers = np.array([0, 1, 17, 39, 100, 127]).astype(dtype)
    expected = tg.gelu(numbers.astype(np.float64), approximate="tanh")
    np.testing.assert_allclose(tg.gelu(numbers, approximate="tanh"), expected, rtol=2e-3)
