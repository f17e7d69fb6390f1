"""The checks of lesson 6."""

import copy
from types import SimpleNamespace

import numpy as np

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, compare_value

CURVATURE = np.array([[1.0, 25.0]])


def compare_optimizer(optimizer, solution, like):
    """Compare three steps along the valley; the verdict is that of `diagnose_optimizer`."""
    ends = [walked(copy.deepcopy(each)).weights for each in (optimizer, solution)]
    mistake = nn.nnfs.diagnose_optimizer(optimizer, like)
    try:
        compare_value("layer.weights after 3 steps from (10, 1)", *ends)
    except Wrong as wrong:
        if mistake is not None:
            wrong.kind = mistake.kind
            wrong.verdict = f"{type(optimizer).__name__}: {mistake.text}"
        raise
    if mistake is not None:
        raise Wrong("the first steps are right, but not those for other gradients.", mistake.text)


def walked(optimizer, start=((10.0, 1.0),)):
    """Return a layer after three steps down the valley ½ (x² + 25 y²)."""
    layer = SimpleNamespace(weights=tg.Tensor(start, name="start").numpy(), biases=np.zeros((1, 1)))
    if isinstance(start, tg.Tensor):
        layer.weights = start
    for _ in range(3):
        layer.dweights = CURVATURE * layer.weights
        layer.dbiases = layer.biases
        optimizer.update_params(layer)
        if hasattr(optimizer, "post_update_params"):
            optimizer.post_update_params()
    return layer


# --- momentum -------------------------------------------------------------------------------------


def check_momentum(program, solution):
    for rate, part in ((0.04, 0.9), (0.1, 0.5)):
        compare_optimizer(
            program.Momentum(rate, part),
            solution.Momentum(rate, part),
            lambda params, rate=rate, part=part: nn.SGD(params, lr=rate, momentum=part),
        )


def see_momentum(program, path):
    rate = tg.Tensor(0.04, requires_grad=True, name="learning_rate")
    momentum = tg.Tensor(0.5, requires_grad=True, name="momentum")
    return _page_of_steps(program.Momentum(rate, momentum), path)


def _page_of_steps(optimizer, path):
    start = tg.Tensor([[10.0, 1.0]], name="start")
    with tg.record() as run:
        weights = walked(optimizer, start).weights
        loss = (CURVATURE * weights**2).sum() / 2
        loss.backward()
    title = "Three steps as one graph: how the learning rate changes the loss behind them"
    return tg.graph(loss, record=run).html(path, title=title)


# --- adam -----------------------------------------------------------------------------------------


def check_adam(program, solution):
    for rate, betas in ((0.05, (0.9, 0.999)), (0.02, (0.8, 0.95))):
        compare_optimizer(
            program.Adam(rate, *betas),
            solution.Adam(rate, *betas),
            lambda params, rate=rate, betas=betas: nn.Adam(params, lr=rate, betas=betas, eps=1e-7),
        )


def see_adam(program, path):
    rate = tg.Tensor(0.05, requires_grad=True, name="learning_rate")
    return _page_of_steps(program.Adam(rate), path)


# --- limit ----------------------------------------------------------------------------------------


def saddle_free(w):
    """A loss of three weights, curved in each direction in another way."""
    return 2 * w[0] ** 2 + w[0] * w[1] + w[1] ** 2 + tg.cosh(w[2]) - w[1] * w[2] / 2


def check_limit(program, solution):
    for loss, w in ((solution.bowl, np.array([1.0, -2.0])), (saddle_free, np.zeros(3))):
        curvatures = np.linalg.eigvalsh(tg.hessian(loss)(w))
        least, most = curvatures.min(), curvatures.max()
        causes = {
            "1 / c goes to the minimum in one step; twice as far is still no further away": 1
            / most,
            "that is the limit along the flattest direction; the steepest bursts first": 2 / least,
            "a large curvature allows a small rate: the rate is in the denominator": most / 2,
            "the diagonal of the Hessian is not its eigenvalues": (
                2 / np.diag(tg.hessian(loss)(w)).max()
            ),
        }
        name = f"limit for a loss with the curvatures {np.array2string(curvatures, precision=3)}"
        compare_value(name, program.limit(loss, w), solution.limit(loss, w), causes=causes)


def see_limit(program, path):
    minimum = np.array([1.0, -2.0])
    rate = float(program.limit(program.bowl, minimum))
    w = tg.Tensor(minimum + 0.1, requires_grad=True, name="w")
    optimizer = nn.SGD([w], lr=0.9 * rate)
    with tg.record() as run:
        loss = program.bowl(w)
        loss.backward()
        optimizer.step()
    return tg.graph(loss, record=run).html(path, title=f"A step at 0.9 of your limit, {rate:.3g}")


EXERCISES = [
    Exercise(
        "momentum",
        check_momentum,
        see_momentum,
        hints=[
            "Think of two steps with the same gradient. Should the second be longer or shorter?",
            "The velocity is subtracted from the parameters, as the gradient is: which sign has "
            "the part of it that goes on?",
        ],
        right="Steps in one direction add up, steps to and fro cancel: that is momentum.",
    ),
    Exercise(
        "adam",
        check_adam,
        see_adam,
        hints=[
            "After the first step m is 0.1 g and v is 0.001 g². What is m / √v then, and what "
            "should it be?",
            "After t steps m has the part 1 - beta_1**t of its size, v the part 1 - beta_2**t.",
            "Divide m and v by these parts before the step is computed; t is 1 in the first step.",
        ],
        right="A mean that starts at 0 is corrected by the part of it that is there.",
    ),
    Exercise(
        "limit",
        check_limit,
        see_limit,
        hints=[
            "A step leads away when |1 - rate · c| is above 1. For which rate is it just 1?",
            "It is enough that one direction bursts. Which one is the first?",
        ],
        right="The steepest direction sets the rate, the flattest waits for it: hence momentum and "
        "Adam.",
    ),
]
