"""The checks of lesson 10."""

import re

import numpy as np

import tinygrad_np as tg
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, compare_gradient, compare_op, compare_value

# --- swish ----------------------------------------------------------------------------------------


def check_swish(program, solution):
    x = np.array([-1.3, 0.4, 2.1])
    compare_op(program.swish, solution.swish, x)
    s = solution.sigmoid(x)
    causes = {
        "what sigmoid returns does not know that it is made of x: Python's numbers, .data and "
        ".detach() forget it. So for the second derivative it is a constant; NumPy's functions are "
        "recorded": s * (1 - s),
        "the second derivative is 0: nothing that the rule makes of x is recorded": 0 * x,
    }
    right = tg.grad(lambda x: tg.grad(lambda x: solution.swish(x).sum())(x).sum())(x)
    name = "the second derivative of swish(x)"
    compare_value(name, _second_derivative(program.swish, x), right, causes=causes)


def _second_derivative(f, x):
    x = tg.Tensor(x, requires_grad=True)
    f(x).sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    if first.requires_grad:
        first.sum().backward()
    return np.zeros(x.shape) if x.grad is None else x.grad


def see_swish(program, path):
    x = tg.Tensor([-2.0, 0.0, 2.0], requires_grad=True, name="x")
    with tg.record() as run:
        loss = program.swish(x).sum()
        loss.backward(create_graph=True)
        slope = x.grad.sum()
        x.grad = None
        slope.backward()
    title = "The graph of the first derivative: what your rule has recorded"
    return tg.graph(slope, record=run).html(path, title=title)


# --- smooth ---------------------------------------------------------------------------------------


def check_smooth(program, solution):
    rng = np.random.default_rng(10)
    x, w, v = (rng.standard_normal(shape) for shape in ((5, 1), (1, 4), (4, 1)))
    value, right = (each.steepness(x, w, v) for each in (program, solution))
    causes = {
        "it is the mean of the slopes, not of their squares": _slopes(solution, x, w, v).mean(),
        "it is the sum of the squares, not their mean": (_slopes(solution, x, w, v) ** 2).sum(),
    }
    compare_value("steepness", value, right, causes=causes)
    got, right = (tg.grad(each.steepness, argnums=(1, 2))(x, w, v) for each in (program, solution))
    for name, mine, theirs in zip("wv", got, right):
        try:
            compare_gradient(f"the gradient of steepness by {name}", mine, theirs)
        except Wrong as wrong:
            if wrong.kind == "not connected":
                wrong.verdict += (
                    ". backward() leaves bare numbers in .grad, which do not know how they came "
                    "about, unless it is told to record them"
                )
            raise


def _slopes(solution, x, w, v):
    return tg.grad(lambda x: solution.net(x, w, v).sum())(x)


def see_smooth(program, path):
    x = np.array([[-1.0], [0.0], [1.0]])
    w = tg.Tensor([[1.0, 2.0]], requires_grad=True, name="w")
    v = tg.Tensor([[1.0], [-1.0]], requires_grad=True, name="v")
    with tg.record() as run:
        fit = (program.net(x, w, v) ** 2).mean()
        loss = fit + 0.1 * program.steepness(x, w, v)
        loss.backward()
    return tg.graph(loss, record=run).html(path, title="A loss with a penalty on slopes")


# --- stepped --------------------------------------------------------------------------------------


def check_stepped(program, solution):
    rng = np.random.default_rng(10)
    x = rng.standard_normal((20, 3))
    y = x @ np.array([3.0, -1.0, 2.0])
    far, near = np.zeros(3), np.array([2.9, -1.0, 2.0])
    for w, length in ((far, "longer"), (near, "shorter")):
        right = solution.step(w, x, y)
        g = (w - right) / 0.1
        loss_gradient = tg.grad(lambda w: ((x @ w - y) ** 2).mean())(w)
        causes = {
            "the gradient has its full length": w - 0.1 * loss_gradient,
            "short gradients become longer: they should stay as they are": (
                w - 0.1 * loss_gradient / np.linalg.norm(loss_gradient)
            ),
            "each number of the gradient is cut off by itself: its direction changes": (
                w - 0.1 * np.clip(loss_gradient, -1, 1)
            ),
            "it goes uphill": w + 0.1 * g,
        }
        name = f"step, where the gradient is {length} than 1,"
        compare_value(name, program.step(w, x, y), right, causes=causes)
    try:
        compiled = tg.compile(program.step)
        ends = [compiled(w, x, y) for w in (far, near, far)]
    except tg.CompileError as error:
        verdict = re.sub(r"^\S*[/\\](?=\S+:\d+: )", "", str(error))  # the folder
        raise Wrong("the step is right, but can't be compiled.", verdict) from None
    compare_value("the compiled step", ends[0], solution.step(far, x, y))
    compare_value("the compiled step", ends[1], solution.step(near, x, y))


def see_stepped(program, path):
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    y = x @ np.array([3.0, -1.0])
    w = tg.Tensor([0.0, 0.0], requires_grad=True, name="w")
    with tg.record() as run:
        after = program.step(w, x, y)
        loss = ((x @ after - y) ** 2).mean()
        loss.backward()
    title = "The loss behind a step, by the weights before it"
    return tg.graph(loss, record=run).html(path, title=title)


EXERCISES = [
    Exercise(
        "swish",
        check_swish,
        see_swish,
        hints=[
            "Which function in the file would not work in lesson 2, with numbers that remember?",
            "math.exp gives a number; np.exp gives what it was given: an array, or a Tensor.",
        ],
        right="A rule in NumPy is a function like any other: it can be differentiated, too.",
    ),
    Exercise(
        "smooth",
        check_smooth,
        see_smooth,
        hints=[
            "The slopes are computed from w and v. Where does the way from them to the result end?",
            "tg.grad(f) is a function whose result can be differentiated again.",
            "Or: backward(create_graph=True) records what backward does. Then .grad has a graph.",
        ],
        right="A gradient is a value like any other. It may stand in a loss.",
    ),
    Exercise(
        "stepped",
        check_stepped,
        see_stepped,
        hints=[
            "What should g be divided by if it is longer than 1? And if it is not?",
            "Both cases are the larger of two numbers.",
        ],
        right="A step without decisions is a list of NumPy calls; you can read it in the source.",
    ),
]
