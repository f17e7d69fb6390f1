"""The checks of lesson 3."""

import numpy as np

import tinygrad_np as tg
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, compare_gradient, compare_value


def check_line(program, solution):
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 50))
    w, b = 0.7, -0.4
    compare_value("loss(w, b, x, y)", program.loss(w, b, x, y), solution.loss(w, b, x, y))
    given = program.gradient(w, b, x, y)
    if not isinstance(given, tuple) or len(given) != 2:
        raise Wrong("gradient should return two values, dw and db.")
    right = tg.grad(solution.loss, argnums=(0, 1))(w, b, x, y)
    for name, got, value in zip(("dw", "db"), given, right):
        compare_gradient(name, got, value, counts={"the number of points": len(x)})


def see_line(program, path):
    x = tg.Tensor(np.linspace(-1, 1, 5), name="x")
    y = tg.Tensor(3 * x.numpy() + 1, name="y")
    w = tg.Tensor(0.0, requires_grad=True, name="w")
    b = tg.Tensor(0.0, requires_grad=True, name="b")
    with tg.record() as run:
        loss = program.loss(w, b, x, y)
        loss.backward()
    return tg.graph(loss, record=run).html(path, title="A line through five points")


EXERCISES = [
    Exercise(
        "line",
        check_line,
        see_line,
        hints=[
            "Write the loss as (1/n) Σ eᵢ² with eᵢ = w·xᵢ + b - yᵢ. What is the derivative of eᵢ²?",
            "b is used by all n points: forward copies it, so backward sums.",
        ],
        right="Forward copies, backward sums.",
    )
]
