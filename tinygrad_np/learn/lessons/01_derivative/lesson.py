"""The checks of lesson 1."""

import math

import numpy as np

import tinygrad_np as tg
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, compare_gradient, compare_value

# --- slope ----------------------------------------------------------------------------------------

CURVES = [  # title, function, derivative
    ("math.sin", math.sin, math.cos),
    ("math.exp", math.exp, math.exp),
    ("lambda x: x**4", lambda x: x**4, lambda x: 4 * x**3),
]


def check_slope(program, solution):
    x = 1.0
    for title, f, df in CURVES:
        got, right = program.slope(f, x), df(x)
        try:
            compare_value(f"slope({title}, {x})", got, right, rtol=1e-9)
        except Wrong as wrong:
            wrong.verdict = wrong.verdict or _cause_of_slope(program, f, x, right)
            raise


def _cause_of_slope(program, f, x, right):
    """Name the cause, from the places at which the program asks for f."""
    places = []

    def asked(z):
        places.append(z)
        return f(z)

    got = program.slope(asked, x)
    if len(places) < 2:
        return "f has to be asked at two places, a little apart"
    if max(places) == min(places):
        return "both places are the same number: the nudge is smaller than the rounding of x"
    width = max(places) - min(places)
    rise = f(max(places)) - f(min(places))
    if math.isclose(got, rise):
        return "it is the rise of f between the two places, not yet divided by the run"
    if not math.isclose(got, rise / width, rel_tol=1e-3):
        times = got / (rise / width)
        return f"it is {times:.4g} times the rise divided by the run: how far are the places apart?"
    if x in (max(places), min(places)):
        return "it is the slope on one side of x: its error falls with h, that of both with h²"
    if width > 1e-3:
        return "the nudge is too large: the curve bends on the way"
    return "the nudge is too small: what f rounds away is divided by it"


def see_slope(program, path):
    x = tg.Tensor(1.0, requires_grad=True, name="x")
    with tg.record() as run:
        y = tg.sin(x)
        y.backward()
    slope = program.slope(math.sin, 1.0)
    note = f"your slope here: {slope:.10g}"
    return tg.graph(y, record=run).html(path, title="The slope of sin at 1", notes={x: note})


# --- chain ----------------------------------------------------------------------------------------


def check_chain(program, solution):
    x = np.array([-1.3, -0.6, 0.4, 0.9, 1.7])
    candidates = {
        "wave": {"2x": 2 * x},
        "swing": {"x": x, "sin(x)": np.sin(x), "x · cos(x)": x * np.cos(x)},
        "hill": {"x": x, "value": 1 / (1 + x * x)},
    }
    for name, reads in candidates.items():
        answer = getattr(program, name)(x)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise Wrong(f"{name} should return two arrays, the value and the derivative.")
        value, derivative = getattr(solution, name)(x)
        compare_value(f"the value of {name}", answer[0], value)
        compare_gradient(f"the derivative of {name}", answer[1], derivative, reads=reads)


def see_chain(program, path):
    x = tg.Tensor(np.array([0.4, 0.9, 1.7]), requires_grad=True, name="x")
    with tg.record() as run:
        y, derivative = program.wave(x)
        loss = y.sum()
        loss.backward()
    note = f"your derivative: {np.array2string(derivative.numpy(), precision=4)}"
    title = "sin(x²) at three places"
    return tg.graph(loss, record=run).html(path, title=title, notes={x: note})


# --- newton ---------------------------------------------------------------------------------------


def check_newton(program, solution):
    cases = [
        ("x² - 2", lambda x: x * x - 2, lambda x: 2 * x, 1.5, 2**0.5),
        ("cos(x) - x", lambda x: math.cos(x) - x, lambda x: -math.sin(x) - 1, 1.2, 0.7390851332),
    ]
    for title, f, df, x, right in cases:
        got = program.step(f, df, x)
        try:
            compare_value(f"the step from {x} for {title}", got, solution.step(f, df, x))
        except Wrong as wrong:
            wrong.verdict = wrong.verdict or _cause_of_step(f(x), df(x), x, got)
            raise
        compare_value(f"the root of {title}", program.root(f, df, x), right, rtol=1e-9)


def _cause_of_step(y, slope, x, got):
    candidates = {
        x + y / slope: "it walks the other way: up the line, where it has to come down to 0",
        x - y * slope: "it multiplies by the slope: the steeper the curve, the shorter the way",
        x - slope / y: "it divides the slope by the height; the way is the height over the slope",
        -y / slope: "it is the way to go, and should be the place where that ends",
        x - y: "the slope is not in it: the way is f(x) / f'(x)",
    }
    for value, cause in candidates.items():
        if isinstance(got, float) and math.isclose(got, value):
            return cause
    return ""


def see_newton(program, path):
    x = tg.Tensor(1.0, requires_grad=True, name="x")
    with tg.record() as run:
        y = x * x - 2
        y.backward()
        with tg.no_grad():
            x.assign(program.step(lambda x: x * x - 2, lambda x: 2 * x, 1.0))
    title = "One step from 1 to the root of 2"
    return tg.graph(y, record=run).html(path, title=title)


EXERCISES = [
    Exercise(
        "slope",
        check_slope,
        see_slope,
        hints=[
            "Print x + h - x for h = 1e-16. What is left of the nudge?",
            "Ask f on both sides of x: most of the two errors cancels. How far apart are they?",
            "Try h = 1e-1, 1e-3, 1e-5, 1e-7, 1e-9: the error falls, and rises again.",
        ],
        right="A nudge of 1e-5 to both sides: so the gradients of this course are checked.",
    ),
    Exercise(
        "chain",
        check_chain,
        see_chain,
        hints=[
            "wave: when x moves by a bit, x² moves by 2x bits, and the sine by cos(x²) of these.",
            "swing: a product moves because the one factor does, and because the other one does.",
            "hill: 1/u falls where u rises.",
        ],
        right="Slopes of functions in a row multiply: that one rule is all of backpropagation.",
    ),
    Exercise(
        "newton",
        check_newton,
        see_newton,
        hints=[
            "The tangent at x is at the height f(x), and falls by df(x) for each 1 to the left.",
            "How far is it to the left until the tangent has come down by f(x)?",
        ],
        right="A derivative says which way, and how far. Training a network is that, many times.",
    ),
]
