"""Right rules written by hand, and right functions at kinks, ties and far scales."""

import numpy as np
from planted_rules import I, correlate, n, normed, normed_gradient, pos, scattered, sigmoid, softmax

import tinygrad_np as tg

ANY, POSITIVE, UNIT = (
    (n(5), 1e-3 * n(3, 2), 30 * n(4)),
    (pos(5), 1e-5 * pos(4), 1e5 * pos(3)),
    (n(5) / 4,),
)

# (forward, rule, inputs)
UNARY = {
    "exp": (np.exp, lambda g, out: g * out, ANY),
    "expm1": (np.expm1, lambda g, out: g * (out + 1), ANY[:2]),
    "log": (np.log, lambda g, x: g / x, POSITIVE),
    "log1p": (np.log1p, lambda g, x: g / (1 + x), POSITIVE),
    "log2": (np.log2, lambda g, x: g / (x * np.log(2)), POSITIVE),
    "sqrt": (np.sqrt, lambda g, out: g / (2 * out), (*POSITIVE, np.array([0.0, 1.0]))),
    "square": (lambda x: x * x, lambda g, x: 2 * g * x, (*ANY, np.array([1e-9, 1.0, 1e9]))),
    "cube": (lambda x: x**3, lambda g, x: 3 * g * x * x, (*ANY, np.array([1e-5, 1e5]))),
    "x^10": (lambda x: x**10, lambda g, x: 10 * g * x**9, ANY),
    "reciprocal": (lambda x: 1 / x, lambda g, out: -g * out * out, POSITIVE),
    "sin": (np.sin, lambda g, x: g * np.cos(x), ANY),
    "sin-steep": (lambda x: np.sin(1e4 * x), lambda g, x: 1e4 * g * np.cos(1e4 * x), ANY[:2]),
    "cos": (np.cos, lambda g, x: -g * np.sin(x), ANY),
    "tan": (np.tan, lambda g, out: g * (1 + out * out), UNIT),
    "arcsin": (np.arcsin, lambda g, x: g / np.sqrt(1 - x * x), UNIT),
    "arctan": (np.arctan, lambda g, x: g / (1 + x * x), ANY),
    "sinh": (np.sinh, lambda g, x: g * np.cosh(x), ANY[:2]),
    "tanh": (np.tanh, lambda g, out: g * (1 - out * out), ANY),
    "sigmoid": (sigmoid, lambda g, out: g * out * (1 - out), ANY),
    "softplus": (lambda x: np.logaddexp(0, x), lambda g, x: g * sigmoid(x), ANY),
    "swish": (
        lambda x: x * sigmoid(x),
        lambda g, x: g * sigmoid(x) * (1 + x * (1 - sigmoid(x))),
        ANY,
    ),
    "abs": (np.abs, lambda g, x: g * np.sign(x), (*ANY, np.array([0.0, 1.0]), np.zeros(3))),
    "abs-where": (np.abs, lambda g, x: np.where(x >= 0, g, -g), (np.array([0.0, -1.0]),)),
    "relu": (
        lambda x: np.maximum(x, 0),
        lambda g, x: g * (x > 0),
        (*ANY, np.array([0.0, 1e-9, 1.0])),
    ),
    "relu-ge": (
        lambda x: np.maximum(x, 0),
        lambda g, x: g * (x >= 0),
        (np.array([0.0, -1e-12, 1.0]),),
    ),
    "leaky": (lambda x: np.where(x > 0, x, 0.1 * x), lambda g, x: g * np.where(x > 0, 1, 0.1), ANY),
    "elu": (
        lambda x: np.where(x > 0, x, np.expm1(x)),
        lambda g, x: g * np.where(x > 0, 1, np.exp(x)),
        ANY,
    ),
    "clip": (
        lambda x: np.clip(x, -1, 1),
        lambda g, x: g * (np.abs(x) <= 1),
        (*ANY, np.array([-1.0, 1.0, 0])),
    ),
    "huber": (
        lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5),
        lambda g, x: g * np.clip(x, -1, 1),
        (*ANY, np.array([1.0, 0.0])),
    ),
    "x-abs-x": (
        lambda x: x * np.abs(x),
        lambda g, x: 2 * g * np.abs(x),
        (*ANY, np.array([0.0, 1.0])),
    ),
    "round": (lambda x: np.round(x), lambda g: 0 * g, (n(5),)),
    "sum": (lambda x: x.sum(), lambda g, x: g + 0 * x, (*ANY, np.array([1e-9, 1.0, 1e9]))),
    "mean-rows": (lambda x: x.mean(1), lambda g, x: g[:, None] / x.shape[1] + 0 * x, (n(3, 4),)),
    "var": (lambda x: x.var(), lambda g, x: 2 * g * (x - x.mean()) / x.size, (*ANY, 1e3 + n(5))),
    "std": (
        lambda x: x.std(),
        lambda g, x, out: g * (x - x.mean()) / (x.size * out),
        (*ANY, 1e3 + n(5)),
    ),
    "norm": (
        lambda x: np.sqrt((x * x).sum()),
        lambda g, x, out: g * x / out if out else 0 * x,
        (*ANY, np.zeros(3)),
    ),
    "max": (
        lambda x: x.max(),
        lambda g, x, out: g * (x == out) / (x == out).sum(),
        (*ANY, np.array([1.0, 3, 3])),
    ),
    "max-first": (
        lambda x: x.max(),
        lambda g, x: g * (np.arange(x.size) == x.argmax()),
        (np.array([3.0, 3, 1]),),
    ),
    "min-rows": (
        lambda x: x.min(1),
        lambda g, x: g[:, None] * (np.arange(x.shape[1]) == x.argmin(1)[:, None]),
        (n(3, 4), np.zeros((2, 3))),
    ),
    "sort": (
        lambda x: np.sort(x),
        lambda g, x: g[np.argsort(np.argsort(x, kind="stable"))],
        (n(6), np.array([2.0, 1, 2])),
    ),
    "softmax": (
        softmax,
        lambda g, out: out * (g - (g * out).sum(-1, keepdims=True)),
        (n(3, 4), 20 * n(3, 4), np.zeros((2, 3))),
    ),
    "logsumexp": (
        lambda x: np.log(np.exp(x - x.max()).sum()) + x.max(),
        lambda g, x, out: g * np.exp(x - out),
        (n(5), 100 * n(5)),
    ),
    "layer-norm": (normed, normed_gradient, (n(3, 5), 1e3 * n(3, 5), 50 + n(3, 5))),
    "cumsum": (lambda x: np.cumsum(x), lambda g: np.cumsum(g[::-1])[::-1], (n(6),)),
    "flip": (lambda x: x[::-1] * 1.0, lambda g: g[::-1], (n(6),)),
    "roll": (lambda x: np.roll(x, 2), lambda g: np.roll(g, -2), (n(6),)),
    "transpose": (
        lambda x: np.transpose(x, (1, 2, 0)),
        lambda g: np.transpose(g, (2, 0, 1)),
        (n(3, 3, 3),),
    ),
    "float32-rule": (np.exp, lambda g, out: (g * out).astype(np.float32), (n(5),)),
    "float32-forward": (lambda x: np.exp(x.astype(np.float32)), lambda g, out: g * out, (n(5),)),
    "large": (lambda x: np.tanh(x), lambda g, out: g * (1 - out * out), (n(30, 20),)),
}

# (forward, rules, inputs)
BINARY = {
    "divide": (
        np.divide,
        {"x": lambda g, y: g / y, "y": lambda g, x, y: -g * x / y**2},
        (n(5), pos(5)),
    ),
    "divide-small": (
        np.divide,
        {"x": lambda g, y: g / y, "y": lambda g, x, y: -g * x / y**2},
        (n(5), 1e-6 * pos(5)),
    ),
    "power": (
        np.power,
        {"x": lambda g, x, y: g * y * x ** (y - 1), "y": lambda g, x, out: g * out * np.log(x)},
        (pos(5), n(5)),
    ),
    "hypot": (
        np.hypot,
        {"x": lambda g, x, out: g * x / out, "y": lambda g, y, out: g * y / out},
        (n(5), n(5, seed=1)),
    ),
    "maximum": (
        np.maximum,
        {"x": lambda g, x, y: g * (x >= y), "y": lambda g, x, y: g * (y > x)},
        (np.array([1.0, 2]), np.array([1.0, 3])),
    ),
    "maximum-even": (
        np.maximum,
        {
            "x": lambda g, x, y: g * ((x > y) + (x == y) / 2),
            "y": lambda g, x, y: g * ((y > x) + (x == y) / 2),
        },
        (np.zeros(3), np.zeros(3)),
    ),
    "bias": (np.add, {"x": lambda g: g, "y": lambda g: g.sum(0)}, (n(4, 3), n(3))),
    "scale": (
        np.multiply,
        {"x": lambda g, y: g * y, "y": lambda g, x: (g * x).sum(0)},
        (n(4, 3), n(3)),
    ),
    "matmul": (
        np.matmul,
        {"x": lambda g, y: g @ y.T, "y": lambda g, x: x.T @ g},
        (n(3, 3), n(3, 3, seed=1)),
    ),
    "convolve": (
        lambda x, y: np.convolve(x, y, "valid"),
        {
            "x": lambda g, y: correlate(g, y),
            "y": lambda g, x: np.convolve(x, g[::-1], "valid")[::-1],
        },
        (n(8), n(3)),
    ),
    "distance": (
        lambda x, y: np.abs(x - y).sum(),
        {"x": lambda g, x, y: g * np.sign(x - y), "y": lambda g, x, y: -g * np.sign(x - y)},
        (np.array([1.0, 2]), np.array([1.0, 0])),
    ),
    "gather": (
        lambda x, i: x[i],
        {"x": lambda g, x, i: scattered(g, i, x.shape, np.add), "i": None},
        (n(4), I),
    ),
}

# (function of Tensors, inputs)
FUNCTIONS = {
    "exp-exp": (lambda x: tg.exp(tg.exp(x)).sum(), [np.array([3.0, 1, -5])]),
    "power-sum": (lambda x: (x**8).sum() + (x**2).mean(), [np.array([40.0, 0.01])]),
    "far-apart": (lambda x, y: (x * x).sum() + (y * y).sum(), [np.array([1e-7]), np.array([1e7])]),
    "log-near-0": (lambda x: tg.log(x).sum(), [np.array([1e-8, 1.0])]),
    "sqrt-near-0": (lambda x: tg.sqrt(x), [np.array([1e-12, 1.0])]),
    "entropy": (lambda x: -(x * tg.log(x)).sum(), [np.array([1e-6, 0.3, 0.7])]),
    "clip-ends": (lambda x: tg.clip(x, 0.0, 1.0).sum() * x.mean(), [np.array([0.0, 1, 0.5, -2])]),
    "opposite-kinks": (lambda x: tg.relu(x) - abs(x) + tg.minimum(x, 0.0), [np.zeros(5)]),
    "relu-relu": (lambda x: tg.relu(tg.relu(x) - 1.0), [np.array([1.0, 0.0, 2.0])]),
    "relu-net-origin": (
        lambda w, b: tg.relu(tg.Tensor(np.eye(3) * 0) @ w + b).sum(),
        [n(3, 4), np.zeros(4)],
    ),
    "max-of-relu": (lambda x: tg.relu(x).max(axis=1), [np.array([[0.0, -1, -2], [1, 1, 0]])]),
    "sort-of-ties": (lambda x: tg.sort(x) * np.arange(3.0), [np.array([1.0, 1, 1])]),
    "dropped": (lambda x, y: x * 2, [n(3), n(3)]),
    "printed": (lambda x: tg.tanh(x) if float(x.data.sum()) < 1e9 else x, [n(3)]),
    "stopped": (lambda x: x * tg.stop_gradient(x * 0 + 3), [n(3)]),
    "float16": (lambda x: (x.astype(np.float16) * 2).astype(np.float64), [n(3)]),
    "float32": (lambda x: tg.tanh(x.astype(np.float32)), [n(4)]),
    "integer-power": (lambda x: x**2 + x**-1, [np.array([-2.0, 0.5, 1e-4])]),
    "huge": (lambda x: tg.logsumexp(x), [1e4 * n(5)]),
    "labels": (lambda z, y: tg.cross_entropy(z, y), [n(4, 3), np.array([0, 2, 1, 1])]),
    "sure": (lambda z: tg.cross_entropy(z, np.array([0, 1])), [np.array([[90.0, 0], [80, 0]])]),
}
