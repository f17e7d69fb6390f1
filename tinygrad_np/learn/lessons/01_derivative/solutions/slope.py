"""The slope of a function by nudging: it comes out as 0, and should be right to 9 digits.

`slope(f, x)` is to return the derivative of any smooth f at a number x near 1, by asking f at
places around x, with an error below 1e-9 of its size.
"""

import math


def slope(f, x):
    h = 1e-5
    return (f(x + h) - f(x - h)) / (2 * h)


if __name__ == "__main__":
    print("slope of sin at 1:", slope(math.sin, 1.0), "and it is", math.cos(1.0))
