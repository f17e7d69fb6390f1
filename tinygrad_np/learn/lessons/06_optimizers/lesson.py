"""The checks of lesson 6."""

import copy
import functools
from types import SimpleNamespace

import numpy as np

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, cause_of, compare_value

CURVATURE = np.array([[1.0, 25.0]])


def compare_optimizer(optimizer, solution, like, causes):
    """Compare three steps along the valley; else the verdict is that of `diagnose_optimizer`.

    Args:
        optimizer: the learner's.
        solution: the right one.
        like: makes the library's, which steps as the solution does.
        causes: wrong methods in the place of one of the solution's, by what is wrong with them.
    """
    with np.errstate(invalid="ignore"):
        ends = [walked(copy.deepcopy(each)) for each in (optimizer, solution)]
    variants = {cause: walked(_with(solution, *method)).weights for cause, method in causes.items()}
    mistake = nn.nnfs.diagnose_optimizer(optimizer, like)
    weights = [layer.weights for layer in ends]
    try:
        compare_value("layer.weights after 3 steps from (10, 1)", *weights, causes=variants)
    except Wrong as wrong:
        if wrong.verdict:
            wrong.kind = "slip"
        elif mistake is not None:
            wrong.kind = mistake.kind
            verdict = f"{type(optimizer).__name__}: {mistake.text}"
            wrong.verdict = cause_of(verdict, mistake.kind)
        raise
    compare_value("layer.biases, whose gradients are 0,", *(layer.biases for layer in ends))
    if mistake is not None:
        raise Wrong("the first steps are right, but not those for other gradients.", mistake.text)


def _with(optimizer, name, function):
    """Return a copy of an optimizer with another function in the place of a method."""
    other = copy.deepcopy(optimizer)
    setattr(other, name, functools.partial(function, other))
    return other


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


VELOCITIES = {  # wrong ones of an optimizer, from the velocity before and the gradient
    "the gradient has the part 1 - momentum: a running mean, whose steps don't grow": (
        lambda o, v, g: o.learning_rate * (1 - o.momentum) * g + o.momentum * v
    ),
    "what was subtracted has the learning rate in it, and is multiplied by it again": (
        lambda o, v, g: o.learning_rate * (g + o.momentum * v)
    ),
    "momentum is the part that goes on, not the part that is lost": (
        lambda o, v, g: o.learning_rate * g + (1 - o.momentum) * v
    ),
    "all of the velocity goes on: momentum is missing": lambda o, v, g: o.learning_rate * g + v,
    "learning rate and momentum are swapped": lambda o, v, g: o.momentum * g + o.learning_rate * v,
}


def check_momentum(program, solution):
    causes = {cause: ("velocity", velocity) for cause, velocity in VELOCITIES.items()}
    for rate, part in ((0.04, 0.9), (0.1, 0.5)):
        compare_optimizer(
            program.Momentum(rate, part),
            solution.Momentum(rate, part),
            lambda params, rate=rate, part=part: nn.SGD(params, lr=rate, momentum=part),
            causes,
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


def _step(correct_m, correct_v):
    """Return a step with other corrections: functions of β and t."""

    def step(o, m, v):
        t = o.iterations + 1
        m = m * correct_m(o.beta_1, t)
        v = v * correct_v(o.beta_2, t)
        return -o.learning_rate * m / (np.sqrt(v) + o.epsilon)

    return step


def _right(beta, t):
    return 1 / (1 - beta**t)


STEPS = {
    "only m is corrected; v is too small as well": _step(_right, lambda beta, t: 1),
    "only v is corrected; m is too small as well": _step(lambda beta, t: 1, _right),
    "1 - β has no power: after t steps it is 1 - βᵗ": _step(*[lambda beta, t: 1 / (1 - beta)] * 2),
    "m and v are too small: divide by 1 - βᵗ": _step(*[lambda beta, t: 1 - beta**t] * 2),
}


def check_adam(program, solution):
    causes = {cause: ("step", step) for cause, step in STEPS.items()}
    with np.errstate(all="ignore"):
        first = program.Adam(0.05).step(np.array([0.1]), np.array([0.001]))
    if not np.isfinite(first).all():
        raise Wrong(
            f"the first step, for a gradient of 1, is {first[0]}; it should be -0.05.",
            "`iterations` is 0 in the first step, and 1 - β⁰ is 0: t counts from 1",
            "not finite",
        )
    for rate, betas in ((0.05, (0.9, 0.999)), (0.02, (0.8, 0.95))):
        compare_optimizer(
            program.Adam(rate, *betas),
            solution.Adam(rate, *betas),
            lambda params, rate=rate, betas=betas: nn.Adam(params, lr=rate, betas=betas, eps=1e-7),
            causes,
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
