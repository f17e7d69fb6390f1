"""Newton's way to a root: walk down the slope to where f is 0. One step is to be written.

`step(f, df, x)` returns the next x: where the tangent of f at x meets zero. f and df, its
derivative, are functions of a number.
"""


def step(f, df, x):
    return x - f(x) / df(x)


def root(f, df, x, steps=20):
    for _ in range(steps):
        x = step(f, df, x)
    return x


if __name__ == "__main__":
    print("the root of 2:", root(lambda x: x * x - 2, lambda x: 2 * x, 1.0))
