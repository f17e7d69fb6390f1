"""Three derivatives by hand: each of them lacks something.

Each function takes an array of numbers x and returns the value and the derivative at each of them.
The values are right.
"""

import numpy as np


def wave(x):
    """sin(x²): a function of a function."""
    value = np.sin(x**2)
    derivative = np.cos(x**2) * 2 * x
    return value, derivative


def swing(x):
    """x · sin(x): a product."""
    value = x * np.sin(x)
    derivative = np.sin(x) + x * np.cos(x)
    return value, derivative


def hill(x):
    """1 / (1 + x²): a quotient."""
    value = 1 / (1 + x**2)
    derivative = -2 * x * value**2
    return value, derivative


if __name__ == "__main__":
    x = np.linspace(-2, 2, 9)
    for f in (wave, swing, hill):
        nudged = (f(x + 1e-5)[0] - f(x - 1e-5)[0]) / 2e-5
        print(f.__name__, np.round(f(x)[1], 4), "and by nudging", np.round(nudged, 4), sep="\n  ")
