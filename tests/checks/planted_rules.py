"""Wrong rules, each with the words that its verdict must have."""

import numpy as np

import tinygrad_np as tg


def n(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def pos(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 2.0, shape)


def op(forward, **rules):
    return tg.define_op(forward, name="planted", **rules)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def std(x):
    return np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)


def normed(x):
    return (x - x.mean(axis=-1, keepdims=True)) / std(x)


def normed_gradient(g, x, out):
    mean = g.mean(axis=-1, keepdims=True)
    return (g - mean - out * (g * out).mean(axis=-1, keepdims=True)) / std(x)


def scattered(g, index, shape, ufunc=None):
    d = np.zeros(shape)
    if ufunc is None:
        d[index] = g
    else:
        ufunc.at(d, index, g)
    return d


def correlate(g, w):
    return np.convolve(g, w[::-1])


OLD = n(6, seed=77)
I = np.array([2, 0, 2, 2, 3])  # noqa: E741
# (forward, wrong rule, input, words of the cause)
UNARY = {
    # factors
    "square-three": (lambda x: x * x, lambda g, x: 3 * g * x, n(5), r"3/2 times"),
    "square-quarter": (lambda x: x * x, lambda g, x: g * x / 2, n(3, 4), r"1/4 times"),
    "log2-without-ln2": (np.log2, lambda g, x: g / x, pos(6), r"0\.693147.*ln 2"),
    "log10-wrong-way": (np.log10, lambda g, x: g / (x * np.log10(np.e)), pos(6), r"5\.3019"),
    "degrees": (np.deg2rad, lambda g: g, n(5), r"1 / \(π/180\)"),
    "mean-as-sum": (lambda x: x.mean(), lambda g, x: g * np.ones_like(x), n(7), r"7 times.*number"),
    "mean-rows": (
        lambda x: x.mean(axis=1),
        lambda g, x: g[:, None] * np.ones_like(x) / len(x),
        n(4, 6),
        r"3/2 times",
    ),
    "var-n": (
        lambda x: x.var(ddof=1),
        lambda g, x: 2 * g * (x - x.mean()) / x.size,
        n(8),
        r"7/8.*\(n - 1\)/n",
    ),
    "var-n-1": (
        lambda x: x.var(),
        lambda g, x: 2 * g * (x - x.mean()) / (x.size - 1),
        n(8),
        r"8/7.*n/\(n - 1\)",
    ),
    "rms-root": (
        lambda x: np.sqrt((x * x).mean()),
        lambda g, x, out: g * x / out,
        n(9),
        r"9 times",
    ),
    "a-hundredth": (np.exp, lambda g, out: 1.01 * g * out, n(6), r"1\.01"),
    "a-ten-thousandth": (np.exp, lambda g, out: 1.0001 * g * out, n(6), r"1\.0001"),
    "half-norm": (lambda x: 0.5 * (x * x).sum(), lambda g, x: 2 * g * x, n(6), r"2 times"),
    "gelu-root": (lambda x: x / np.sqrt(2.0), lambda g: g, n(6), r"√2"),
    # signs
    "cos-sign": (np.cos, lambda g, x: g * np.sin(x), n(5), r"wrong sign"),
    "reciprocal-sign": (lambda x: 1 / x, lambda g, out: g * out * out, pos(5), r"wrong sign"),
    "abs-plain": (np.abs, lambda g: g, n(9), r"wrong sign at \d of 9.*x < 0"),
    "cube-abs": (lambda x: x**4, lambda g, x: 4 * g * np.abs(x**3), n(9), r"wrong sign at"),
    # masks
    "relu-above-half": (
        lambda x: np.maximum(x, 0),
        lambda g, x: g * (x > 0.5),
        n(12),
        r"mask.*zero",
    ),
    "relu-none": (lambda x: np.maximum(x, 0), lambda g: g, n(12), r"mask.*should be zero.*x < 0"),
    "relu-inverted": (lambda x: np.maximum(x, 0), lambda g, x: g * (x < 0), n(12), r"mask.*x < 0"),
    "relu-of-g": (lambda x: np.maximum(x, 0), lambda g: np.where(g > 0, g, 0), n(12), r"mask"),
    "clip-one-side": (lambda x: np.clip(x, -0.5, 0.5), lambda g, x: g * (x < 0.5), n(12), r"mask"),
    "leaky-slopes-swapped": (
        lambda x: np.where(x > 0, x, 0.2 * x),
        lambda g, x: g * np.where(x > 0, 0.2, 1),
        n(12),
        r"1/5|5 times|x > 0",
    ),
    "elu-of-one": (lambda x: np.where(x > 0, x, np.exp(x) - 1), lambda g: g, n(12), r"derivative"),
    # powers and factors that are missing
    "exp-of-x": (np.exp, lambda g, x, out: g * out * x, n(6), r"times x"),
    "tanh-without-square": (np.tanh, lambda g, out: g * (1 - out), n(6), r"divided by \(1 \+ out"),
    "sigmoid-half": (sigmoid, lambda g, out: g * out, n(6), r"\(1 - out\).*missing"),
    "sigmoid-other-half": (sigmoid, lambda g, out: g * (1 - out), n(6), r"power of out too few"),
    "sqrt-out": (np.sqrt, lambda g, out: g * out / 2, pos(6), r"out²|\bx\b"),
    "log-x": (np.log, lambda g, x: g * x, pos(6), r"x²|x\b.*times|times x"),
    "x5": (lambda x: x**5, lambda g, x: 5 * g * x**3, n(6), r"divided by x"),
    "reciprocal-cube": (lambda x: 1 / x, lambda g, x: -g / x**3, pos(6), r"divided by x"),
    "arctan-root": (np.arctan, lambda g, x: g / np.sqrt(1 + x * x), n(6), r"√\(1 \+ x²\)"),
    "arcsin-square": (np.arcsin, lambda g, x: g / (1 - x * x), n(6) / 4, r"√\(1 - x²\)"),
    "softplus-one": (
        lambda x: np.log1p(np.exp(x)),
        lambda g: g,
        n(6),
        r"derivative.*missing|sigmoid",
    ),
    "tanh-nothing": (np.tanh, lambda g: g, n(6), r"derivative of the forward is missing"),
    "square-x": (lambda x: x * x, lambda g, x: 2 * g * x * np.abs(x), n(6), r"\|x\||power"),
    "log-cosh-square": (
        lambda x: np.log(np.cosh(x)),
        lambda g, x: g * np.tanh(x) ** 2,
        n(6),
        r"tanh",
    ),
    # not linear in g
    "g-squared": (np.sin, lambda g, x: g * g * np.cos(x), n(5), r"twice|square"),
    "g-sign": (np.sin, lambda g, x: np.sign(g) * np.cos(x), n(5), r"sign|normalised"),
    "g-abs": (np.sin, lambda g, x: np.abs(g) * np.cos(x), n(5), r"sign.*lost"),
    "g-plus": (np.sin, lambda g, x: g + np.cos(x), n(5), r"not linear"),
    "g-clipped": (np.sin, lambda g, x: np.clip(g, -1, 1) * np.cos(x), n(9), r"not linear.*clipped"),
    "g-normed": (np.sin, lambda g, x: g / np.sqrt((g * g).sum()) * np.cos(x), n(9), r"normalised"),
    "g-unused": (np.sin, lambda g, x: np.cos(x), n(5), r"does not depend on .*g"),
    "g-ones": (lambda x: x.sum(axis=1), lambda g, x: np.ones_like(x), n(3, 4), r"does not depend"),
    "g-constant-added": (np.sin, lambda g, x: g * np.cos(x) + 0.5, n(5), r"0\.5 is added"),
    "g-x-added": (np.sin, lambda g, x: g * np.cos(x) + 0.1 * x, n(5), r"1/10 times x is added"),
    "g-root": (np.sin, lambda g, x: np.sqrt(np.abs(g)) * np.cos(x), n(5), r"power of 0\.5"),
    # g treated first
    "g-mean": (np.sin, lambda g, x: g.mean() * np.cos(x), n(6), r"averaged first"),
    "g-sum-rows": (
        np.sin,
        lambda g, x: g.sum(axis=1, keepdims=True) * np.cos(x),
        n(3, 4),
        r"summed over axis 1 first",
    ),
    "g-mean-columns": (
        np.sin,
        lambda g, x: g.mean(axis=0) * np.cos(x),
        n(4, 3),
        r"averaged over axis 0",
    ),
    "g-last-row": (
        np.sin,
        lambda g, x: np.r_[np.zeros((3, 3)), g[-1:]] * np.cos(x),
        n(4, 3),
        r"last place of axis 0|mask",
    ),
    "g-reversed": (np.sin, lambda g, x: g[::-1] * np.cos(x), n(6), r"reversed"),
    "g-rolled": (np.sin, lambda g, x: np.roll(g, 1) * np.cos(x), n(6), r"shifted by 1"),
    # other places
    "flip-columns": (lambda x: x[:, ::-1] * 2.0, lambda g: 2.0 * g, n(3, 4), r"reverse"),
    "roll-back": (
        lambda x: np.roll(x, -1, axis=1),
        lambda g: np.roll(g, -1, axis=1),
        n(3, 5),
        r"roll|order",
    ),
    "argsort": (lambda x: x[np.argsort(-x)], lambda g, x: g[np.argsort(-x)], n(8), r"order"),
    "swapaxes": (
        lambda x: np.transpose(x, (2, 0, 1)),
        lambda g: np.transpose(g, (2, 0, 1)),
        n(3, 3, 3),
        r"order|axes",
    ),
    "ravel-f": (
        lambda x: x.ravel(),
        lambda g, x: g.reshape(x.shape, order="F"),
        n(3, 4),
        r"columns|order",
    ),
    "tile": (lambda x: np.tile(x, 2), lambda g, x: g.reshape(-1, 2).sum(1), n(4), r"takes g at"),
    "repeat": (
        lambda x: np.repeat(x, 2),
        lambda g, x: g.reshape(2, -1).sum(0),
        n(4),
        r"takes g at",
    ),
    "diff-shift": (lambda x: x[1:] * 1.0, lambda g: np.r_[g, 0.0], n(8), r"rolled|shifted"),
    "pad-front": (lambda x: np.pad(x, (2, 1)), lambda g: g[1:-2], n(6), r"shifted by 1"),
    "triu": (lambda x: np.triu(x), lambda g: np.tril(g), n(4, 4), r"mask|transpose"),
    # the Jacobian
    "cumsum": (lambda x: np.cumsum(x), lambda g: np.cumsum(g), n(6), r"transpose"),
    "matrix-g": (lambda x: A @ x, lambda g: A @ g, n(4), r"Jacobian|transpose"),
    "softmax-own": (softmax, lambda g, out: g * out * (1 - out), n(3, 4), r"diagonal"),
    "norm-own": (
        lambda x: x / np.sqrt((x * x).sum()),
        lambda g, x: g * (1 / np.sqrt((x * x).sum()) - x * x / (x * x).sum() ** 1.5),
        n(5),
        r"diagonal",
    ),
    "window-overwritten": (
        lambda x: np.stack([x[:-1], x[1:]], 1),
        lambda g: np.r_[g[:, 0], g[-1, 1]],
        n(6),
        r"contribution|only the (last|first)",
    ),
    "repeat-last": (lambda x: np.repeat(x, 3), lambda g: g[2::3], n(4), r"only the last"),
    "tile-mean": (
        lambda x: np.concatenate([x, x]),
        lambda g: (g[:4] + g[4:]) / 2,
        n(4),
        r"1/2 times",
    ),
    # terms
    "residual": (lambda x: x + np.sin(x), lambda g, x: g * np.cos(x), n(6), r"identity path"),
    "residual-twice": (
        lambda x: x + np.sin(x),
        lambda g, x: g * (2 + np.cos(x)),
        n(6),
        r"g itself",
    ),
    "half-residual": (
        lambda x: 0.5 * x + x**3,
        lambda g, x: 3 * g * x * x,
        n(6),
        r"1/2 times g itself",
    ),
    "x-sin": (lambda x: x * np.sin(x), lambda g, x: g * np.sin(x), n(6), r"g · x|cos|x"),
    "x-exp": (
        lambda x: x * np.exp(x),
        lambda g, x: g * x * np.exp(x),
        n(6),
        r"exp\(x\).*missing|\(1 \+",
    ),
    "swish": (
        lambda x: x * sigmoid(x),
        lambda g, x: g * sigmoid(x),
        n(6),
        r"g · x · .*sigmoid.*missing",
    ),
    "log-softmax-g": (
        lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
        lambda g: g,
        n(3, 5),
        r"sum|derivative",
    ),
    "centre": (lambda x: x - x.mean(axis=0), lambda g: g, n(5, 3), r"mean|derivative"),
    "softmax-sum": (softmax, lambda g, out: g * out, n(3, 5), r"sum"),
    "layer-norm-mean": (
        normed,
        lambda g, x, out: (g - out * (g * out).mean(-1, keepdims=True)) / std(x),
        n(4, 6),
        r"mean",
    ),
    "layer-norm-variance": (
        normed,
        lambda g, x: (g - g.mean(-1, keepdims=True)) / std(x),
        n(4, 6),
        r"varian|norm",
    ),
    "layer-norm-both": (normed, lambda g, x: g / std(x), n(4, 6), r"mean and of the variance"),
    "layer-norm-scale": (
        normed,
        lambda g, x, out: normed_gradient(g, x, out) * std(x),
        n(4, 6),
        r"same along axis 1",
    ),
    "unit-rows": (
        lambda x: x / np.sqrt((x * x).sum(1, keepdims=True)),
        lambda g, x: g / np.sqrt((x * x).sum(1, keepdims=True)),
        n(3, 5),
        r"norm",
    ),
    # numbers
    "float16": (np.exp, lambda g, out: (g * out).astype(np.float16), n(6), r"float16"),
    "whole": (np.exp, lambda g, out: (g * out).astype(np.int32), n(6), r"int32"),
    "decimals": (np.exp, lambda g, out: np.round(g * out, 3), n(6), r"rounded to 3 decimals"),
    "old-value": (np.sin, lambda g: g * np.cos(OLD), n(6), r"stale"),
    "nan-at-0": (np.abs, lambda g, x: g * x / np.abs(x), np.array([0.0, 2.0]), r"nan.* 0\b"),
    "inf-at-0": (
        lambda x: np.maximum(x, 0),
        lambda g, x: g * (x > 0) + np.where(x == 0, np.inf, 0),
        np.array([0.0, 2.0]),
        r"inf",
    ),
    "nan-where-smooth": (
        lambda x: np.where(x > 0, x * x, 0),
        lambda g, x: 2 * g * np.exp(np.log(x)),
        np.array([-1.0, 2.0]),
        r"nan",
    ),
    "none": (np.sin, lambda g: None, n(4), r"no gradient"),
    "zero": (np.sin, lambda g: 0 * g, n(4), r"zero everywhere"),
    "shape": (lambda x: x.sum(), lambda g, x: g * x[:2], n(4), r"shape is \(2,\)"),
    # ties
    "max-all": (
        lambda x: x.max(),
        lambda g, x, out: g * (x == out),
        np.array([1.0, 3, 3]),
        r"ties",
    ),
    "min-rows": (
        lambda x: x.min(1),
        lambda g, x, out: g[:, None] * (x == out[:, None]),
        np.array([[1.0, 1, 3], [0, 2, 2]]),
        r"ties",
    ),
    "max-none": (
        lambda x: x.max(),
        lambda g, x, out: g * (x == out) * ((x == out).sum() == 1),
        np.array([1.0, 3, 3]),
        r"ties|no gradient|zero",
    ),
    "median-all": (
        lambda x: np.sort(x)[1] * 1.0,
        lambda g, x: g * (x == np.sort(x)[1]),
        np.array([2.0, 2, 3]),
        r"ties",
    ),
    # scales
    "square-1e-8": (lambda x: x * x, lambda g, x: g * x, 1e-8 * n(5), r"1/2 times"),
    "cube-1e5": (lambda x: x**3, lambda g, x: 2 * g * x * x, 1e5 * n(5), r"2/3 times"),
}
A = n(4, 4, seed=5)

# (forward, rules, the input with the wrong one, inputs, words of the cause)
BINARY = {
    "divide-y": (
        np.divide,
        {"x": lambda g, y: g / y, "y": lambda g, x, y: -g * x / y},
        "y",
        (n(5), pos(5)),
        r"power of y|times y",
    ),
    "divide-x": (
        np.divide,
        {"x": lambda g, y: g * y, "y": lambda g, x, y: -g * x / y**2},
        "x",
        (n(5), pos(5)),
        r"y²|y",
    ),
    "multiply-own": (
        np.multiply,
        {"x": lambda g, x: g * x, "y": lambda g, y: g * y},
        "x",
        (n(5), n(5, seed=1)),
        r"swapped|gradient of its input",
    ),
    "subtract-sign": (
        np.subtract,
        {"x": lambda g: g, "y": lambda g: g},
        "y",
        (n(5), n(5, seed=1)),
        r"wrong sign",
    ),
    "power-y": (
        np.power,
        {"x": lambda g, x, y: g * y * x ** (y - 1), "y": lambda g, x, out: g * out},
        "y",
        (pos(5), n(5)),
        r"log\(x\).*missing",
    ),
    "power-x": (
        np.power,
        {"x": lambda g, x, y: g * y * x**y, "y": lambda g, x, out: g * out * np.log(x)},
        "x",
        (pos(5), n(5)),
        r"times x",
    ),
    "hypot": (
        np.hypot,
        {"x": lambda g, x: g * x, "y": lambda g, y, out: g * y / out},
        "x",
        (n(5), n(5, seed=1)),
        r"times out",
    ),
    "arctan2": (
        np.arctan2,
        {
            "x": lambda g, x, y: -g * x / (x * x + y * y),
            "y": lambda g, x, y: g * y / (x * x + y * y),
        },
        "x",
        (n(5), n(5, seed=1)),
        r"swapped|gradient of its input",
    ),
    "maximum-both": (
        np.maximum,
        {"x": lambda g, x, y: g * (x >= y), "y": lambda g, x, y: g * (y >= x)},
        "x",
        (np.array([1.0, 2.0]), np.array([1.0, 3.0])),
        r"ties",
    ),
    "minimum-mask": (
        np.minimum,
        {"x": lambda g, x, y: g * (x > y), "y": lambda g, x, y: g * (y < x)},
        "x",
        (n(9), n(9, seed=1)),
        r"mask",
    ),
    "bias-mean": (
        np.add,
        {"x": lambda g: g, "y": lambda g: g.mean(axis=0)},
        "y",
        (n(5, 3), n(3)),
        r"1/5 times.*rows",
    ),
    "bias-last": (
        np.add,
        {"x": lambda g: g, "y": lambda g: g[-1]},
        "y",
        (n(5, 3), n(3)),
        r"part 4 alone",
    ),
    "bias-axis": (
        np.add,
        {"x": lambda g: g, "y": lambda g: g.sum(axis=1)},
        "y",
        (n(3, 3), n(3)),
        r"sum over axis 1",
    ),
    "bias-all": (
        np.add,
        {"x": lambda g: g, "y": lambda g: np.full(3, g.sum())},
        "y",
        (n(4, 3), n(3)),
        r"sum|added",
    ),
    "column-axis": (
        np.add,
        {"x": lambda g: g, "y": lambda g: g.sum(axis=0)[:, None]},
        "y",
        (n(3, 3), n(3, 1)),
        r"sum over axis 0",
    ),
    "scale-no-x": (
        np.multiply,
        {"x": lambda g, y: g * y, "y": lambda g, x: g.sum(axis=0)},
        "y",
        (n(5, 3), n(3)),
        r"sum of g \* x",
    ),
    "matmul-y": (
        np.matmul,
        {"x": lambda g, y: g @ y, "y": lambda g, x: x.T @ g},
        "x",
        (n(3, 3), n(3, 3, seed=1)),
        r"should be g @ y\.T",
    ),
    "matmul-x": (
        np.matmul,
        {"x": lambda g, y: g @ y.T, "y": lambda g, x: x @ g},
        "y",
        (n(3, 3), n(3, 3, seed=1)),
        r"should be x\.T @ g",
    ),
    "matmul-order": (
        np.matmul,
        {"x": lambda g, y: y.T @ g, "y": lambda g, x: x.T @ g},
        "x",
        (n(3, 3), n(3, 3, seed=1)),
        r"should be g @ y\.T",
    ),
    "outer": (
        lambda x, y: np.outer(x, y),
        {"x": lambda g, y: g.T @ y, "y": lambda g, x: x @ g},
        "x",
        (n(4), n(4, seed=1)),
        r"transpose",
    ),
    "convolve-x": (
        lambda x, y: np.convolve(x, y, "valid"),
        {
            "x": lambda g, y: np.convolve(g, y),
            "y": lambda g, x: np.convolve(x, g[::-1], "valid")[::-1],
        },
        "x",
        (n(8), n(3, seed=1)),
        r"flipped",
    ),
    "convolve-y": (
        lambda x, y: np.convolve(x, y, "valid"),
        {"x": lambda g, y: correlate(g, y), "y": lambda g, x: np.convolve(x, g[::-1], "valid")},
        "y",
        (n(8), n(3, seed=1)),
        r"reverse|order",
    ),
    "where-sides": (
        lambda x, y: np.where(x > 0, x, y),
        {"x": lambda g, x: g * (x > 0), "y": lambda g, x: g * (x > 0)},
        "y",
        (n(9), n(9, seed=1)),
        r"mask.*x > 0",
    ),
    "concatenate": (
        lambda x, y: np.r_[x, y],
        {"x": lambda g: g[4:], "y": lambda g: g[4:]},
        "x",
        (n(4), n(4, seed=1)),
        r"gradient of its input 'y'",
    ),
    "distance": (
        lambda x, y: ((x - y) ** 2).sum(),
        {"x": lambda g, x, y: 2 * g * (x - y), "y": lambda g, x, y: 2 * g * (x - y)},
        "y",
        (n(5), n(5, seed=1)),
        r"wrong sign",
    ),
    "lerp": (
        lambda x, y: 0.3 * x + 0.7 * y,
        {"x": lambda g: 0.7 * g, "y": lambda g: 0.3 * g},
        "x",
        (n(5), n(5, seed=1)),
        r"7/3 times|swapped",
    ),
    "kl": (
        lambda x, y: (x * np.log(x / y)).sum(),
        {"x": lambda g, x, y: g * np.log(x / y), "y": lambda g, x, y: -g * x / y},
        "x",
        (pos(5), pos(5, seed=1)),
        r"g itself is missing",
    ),
    "gate": (
        lambda x, y: sigmoid(x) * y,
        {"x": lambda g, x: g * sigmoid(x) * (1 - sigmoid(x)), "y": lambda g, x: g * sigmoid(x)},
        "x",
        (n(5), n(5, seed=1)),
        r"power of y too few",
    ),
    "no-rule": (
        np.multiply,
        {"x": lambda g, y: g * y, "y": None},
        "y",
        (n(5), n(5, seed=1)),
        r"no gradient|not connected",
    ),
    "raises": (
        np.multiply,
        {"x": lambda g, y: g * y, "y": lambda g, x: g @ x[:2]},
        "y",
        (n(5), n(5, seed=1)),
        r"fails: ValueError",
    ),
    "gather": (
        lambda x, i: x[i],
        {"x": lambda g, x, i: scattered(g, i, x.shape), "i": None},
        "x",
        (n(4), I),
        r"overwrites",
    ),
    "gather-rows": (
        lambda x, i: x[:, i],
        {"x": lambda g, x, i: scattered(g.T, i, x.T.shape).T, "i": None},
        "x",
        (n(2, 4), I),
        r"overwrites",
    ),
    "gather-mean": (
        lambda x, i: x[i],
        {
            "x": lambda g, x, i: (
                scattered(g, i, x.shape, np.add) / np.maximum(np.bincount(i, minlength=4), 1)
            ),
            "i": None,
        },
        "x",
        (n(4), I),
        r"averaged|1/3",
    ),
}
