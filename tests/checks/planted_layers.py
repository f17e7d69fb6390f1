"""Layers by hand in many spellings, right ones, and wrong ones with the words of their verdicts."""

import numpy as np
from hand_layers import Dense, Dropout, MeanSquaredError, ReLU, Sigmoid, Softmax, broken


def n(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


class Linear:
    """Short names, the gradient returned."""

    def __init__(self, i=3, o=4):
        self.W, self.b = n(i, o), n(o, seed=1)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = self.x.T @ d, d.sum(axis=0)
        return d @ self.W.T


class Updating(Linear):
    """Takes a step within backward, and computes with the new weights from there on."""

    def backward(self, d):
        self.dW, self.db = self.x.T @ d, d.sum(axis=0)
        self.W -= 0.1 * self.dW
        return d @ self.W.T


class Params:
    """Parameters and gradients in dicts of the same keys."""

    def __init__(self):
        self.params = {"W": n(3, 4), "b": n(4, seed=1)}
        self.grads = {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, d):
        self.grads["W"], self.grads["b"] = self.x.T @ d, d.sum(axis=0)
        return d @ self.params["W"].T


class Lists:
    """Parameters and gradients in lists, written in place."""

    def __init__(self):
        self.params = [n(3, 4), n(4, seed=1)]
        self.grads = [np.zeros((3, 4)), np.zeros(4)]

    def forward(self, x):
        self.x = x
        W, b = self.params
        return np.dot(x, W) + b

    def backward(self, d):
        self.grads[0][...] = self.x.T @ d
        self.grads[1][...] = d.sum(axis=0)
        return d @ self.params[0].T


class Block:
    """A layer made of layers, one of them used twice."""

    def __init__(self):
        self.first, self.act = Linear(3, 3), ReLU()

    def forward(self, x):
        self.act.forward(self.first.forward(x))
        return self.act.output + x

    def backward(self, d):
        self.act.backward(d)
        return self.first.backward(self.act.dinputs) + d


class LayerNorm:
    def __init__(self, k=4):
        self.gamma, self.beta = 1 + 0.1 * n(k), 0.1 * n(k, seed=1)

    def forward(self, x):
        self.mean, self.std = x.mean(1, keepdims=True), np.sqrt(x.var(1, keepdims=True) + 1e-5)
        self.xhat = (x - self.mean) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, d):
        self.dgamma, self.dbeta = (d * self.xhat).sum(0), d.sum(0)
        h = d * self.gamma
        return (
            h - h.mean(1, keepdims=True) - self.xhat * (h * self.xhat).mean(1, keepdims=True)
        ) / self.std


class Conv:
    """One channel, in one dimension."""

    def __init__(self):
        self.kernel, self.bias = n(3), n(1, seed=1)

    def forward(self, x):
        self.windows = np.stack([x[:, k : x.shape[1] - 2 + k] for k in range(3)], 2)
        self.shape = x.shape
        return self.windows @ self.kernel + self.bias

    def backward(self, d):
        self.d_kernel = np.einsum("nw,nwk->k", d, self.windows)
        self.d_bias = np.sum(d, keepdims=True).reshape(1)
        dx = np.zeros(self.shape)
        for k in range(3):
            dx[:, k : self.shape[1] - 2 + k] += d * self.kernel[k]
        return dx


class GRUCell:
    def __init__(self):
        self.Wz, self.Uz, self.h0 = n(3, 3), n(3, 3, seed=1), n(4, 3, seed=2)

    def forward(self, x):
        self.inputs = x
        self.z = 1 / (1 + np.exp(-(x @ self.Wz + self.h0 @ self.Uz)))
        self.output = self.z * self.h0 + (1 - self.z) * np.tanh(x)

    def backward(self, d):
        x = self.inputs
        a = d * (self.h0 - np.tanh(x)) * self.z * (1 - self.z)
        self.dWz, self.dUz = x.T @ a, self.h0.T @ a
        self.dh0 = d * self.z + a @ self.Uz.T
        self.dinputs = a @ self.Wz.T + d * (1 - self.z) * (1 - np.tanh(x) ** 2)


class PReLU:
    def __init__(self):
        self.slope = np.array([0.1, 0.2, 0.3])

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, d):
        self.grad_slope = (d * np.minimum(self.x, 0)).sum(0)
        return d * np.where(self.x > 0, 1, self.slope)


class MaxPool:
    def forward(self, x):
        self.x = x.reshape(len(x), -1, 2)
        self.output = self.x.max(2)

    def backward(self, d):
        mask = self.x == self.output[..., None]
        share = mask / mask.sum(2, keepdims=True)
        self.dinputs = (share * d[..., None]).reshape(len(d), -1)


class Positions:
    """Integers in."""

    def __init__(self):
        self.table = n(5, 3)

    def forward(self, i):
        self.i = i
        return self.table[i]

    def backward(self, d):
        self.table_grad = np.zeros_like(self.table)
        np.add.at(self.table_grad, self.i, d)


class LogSoftmaxLoss:
    def forward(self, z, y):
        z = z - z.max(1, keepdims=True)
        self.p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        return -np.log(self.p[np.arange(len(y)), y]).mean()

    def backward(self, z, y):
        d = np.exp(z - z.max(1, keepdims=True))
        d /= d.sum(1, keepdims=True)
        d[np.arange(len(y)), y] -= 1
        return d / len(y)


X, Z = n(4, 3, seed=9), np.vstack([np.zeros((2, 3)), n(2, 3, seed=9)])
Y = np.array([0, 2, 1, 1])

RIGHT = {
    "Linear": (Linear(), [X]),
    "Params": (Params(), [X]),
    "Lists": (Lists(), [X]),
    "Block": (Block(), [X]),
    "Block-at-0": (Block(), [Z]),
    "LayerNorm": (LayerNorm(), [n(3, 4)]),
    "LayerNorm-large": (LayerNorm(), [1e4 * n(3, 4)]),
    "LayerNorm-offset": (LayerNorm(), [100 + n(3, 4)]),
    "Conv": (Conv(), [n(2, 6)]),
    "GRUCell": (GRUCell(), [X]),
    "PReLU": (PReLU(), [X]),
    "PReLU-at-0": (PReLU(), [Z]),
    "MaxPool": (MaxPool(), [n(3, 6)]),
    "MaxPool-ties": (MaxPool(), [np.array([[1.0, 1, 0, 0], [2, 3, 3, 3]])]),
    "Positions": (Positions(), [np.array([0, 2, 2, 4])]),
    "LogSoftmaxLoss": (LogSoftmaxLoss(), [X, Y]),
    "LogSoftmaxLoss-sure": (LogSoftmaxLoss(), [50 * X, Y]),
    "float32": (Dense(3, 2), [X.astype(np.float32)]),
    "Dense-tiny": (Dense(3, 2), [1e-8 * X]),
    "Dense-huge": (Dense(3, 2), [1e8 * X]),
    "Sigmoid-saturated": (Sigmoid(), [40 * X]),
    "Softmax-saturated": (Softmax(), [40 * X]),
    "Dropout": (Dropout(0.3), [X]),
    "MSE-exact": (MeanSquaredError(), [X, X]),
    "penalties": (Dense(3, 2, 0.1, 0.2, 0.3, 0.4), [X]),
}


def changed(layer, **gradients):
    """The layer whose backward then sets or returns other gradients."""
    own = type(layer)

    class Changed(own):
        def backward(self, d, *targets):
            returned = super().backward(d, *targets)
            for name, change in gradients.items():
                if name == "returned":
                    returned = change(self, d, returned)
                else:
                    setattr(self, name, change(self, d))
            return returned

    if "y" in own.backward.__code__.co_varnames[:3]:
        Changed.backward = lambda self, z, y: gradients["returned"](
            self, z, own.backward(self, z, y)
        )
    layer.__class__ = Changed
    return layer


def in_grads(key, change):
    def backward(self, d, returned):
        self.grads[key] = change(self, d)
        return returned

    return backward


def inner_weights(self, d, returned):
    self.first.dW = 3 * self.first.dW
    return returned


# (layer, inputs, the gradient, words of the cause)
WRONG = {
    "W-output": (changed(Linear(3, 3), dW=lambda s, d: d.T @ s.x), [X], "dW", r"transpose"),
    "W-rows": (changed(Linear(), dW=lambda s, d: s.dW / len(d)), [X], "dW", r"1/4 times.*rows"),
    "W-of-ones": (
        changed(Linear(), dW=lambda s, d: s.x.T @ np.ones_like(d)),
        [X],
        "dW",
        r"dvalues",
    ),
    "b-mean": (changed(Linear(), db=lambda s, d: d.mean(0)), [X], "db", r"1/4 times.*rows"),
    "b-axis": (
        changed(Linear(3, 4), db=lambda s, d: d.sum(1)),
        [n(4, 3)],
        "db",
        r"sum over axis 1",
    ),
    "b-all": (changed(Linear(), db=lambda s, d: d), [X], "db", r"sum over the broadcast axis 0"),
    "b-total": (changed(Linear(), db=lambda s, d: np.full(4, d.sum())), [X], "db", r"sum"),
    "b-abs": (changed(Linear(), db=lambda s, d: np.abs(d).sum(0)), [X], "db", r"sign.*lost"),
    "x-square": (changed(Linear(3, 3), returned=lambda s, d, r: d @ s.W), [X], "dinputs", r"W\.T"),
    "x-plus-d": (
        changed(Linear(3, 3), returned=lambda s, d, r: r + d),
        [X],
        "dinputs",
        r"dvalues itself",
    ),
    "x-missing": (changed(Linear(), returned=lambda s, d, r: None), [X], "dinputs", r"no gradient"),
    "x-minus": (changed(Linear(), returned=lambda s, d, r: -r), [X], "dinputs", r"wrong sign"),
    "W-decay": (
        changed(Linear(), dW=lambda s, d: s.dW + 0.01 * s.W),
        [X],
        "dW",
        r"times W is added",
    ),
    "W-l1": (
        changed(Linear(), dW=lambda s, d: s.dW + 0.01 * np.sign(s.W)),
        [X],
        "dW",
        r"sign\(W\)",
    ),
    "W-clipped": (
        changed(Linear(), dW=lambda s, d: np.clip(s.dW, -1, 1)),
        [X],
        "dW",
        r"linear.*clipped",
    ),
    "W-rounded": (
        changed(Linear(), dW=lambda s, d: s.dW.astype(np.float16)),
        [X],
        "dW",
        r"float16",
    ),
    "dict-W": (
        changed(Params(), returned=in_grads("W", lambda s, d: 2 * s.x.T @ d)),
        [X],
        "grads['W']",
        r"2 times",
    ),
    "dict-b": (
        changed(Params(), returned=in_grads("b", lambda s, d: d[0])),
        [X],
        "grads['b']",
        r"part 0 alone",
    ),
    "block-inner": (changed(Block(), returned=inner_weights), [X], "first.dW", r"3 times"),
    "block-residual": (
        changed(Block(), returned=lambda s, d, r: r - d),
        [X],
        "dinputs",
        r"identity path",
    ),
    "norm-gamma": (
        changed(LayerNorm(), dgamma=lambda s, d: d.sum(0)),
        [n(3, 4)],
        "dgamma",
        r"dvalues \* xhat",
    ),
    "norm-gamma-x": (
        changed(LayerNorm(), dgamma=lambda s, d: (d * s.xhat * s.gamma).sum(0)),
        [n(3, 4)],
        "dgamma",
        r"gamma",
    ),
    "norm-beta": (
        changed(LayerNorm(), dbeta=lambda s, d: d.mean(0)),
        [n(3, 4)],
        "dbeta",
        r"1/3 times",
    ),
    "norm-x-plain": (
        changed(LayerNorm(), returned=lambda s, d, r: d * s.gamma / s.std),
        [n(3, 4)],
        "dinputs",
        r"mean and of the variance",
    ),
    "norm-x-gamma": (
        changed(LayerNorm(), returned=lambda s, d, r: r * s.std),
        [n(3, 4)],
        "dinputs",
        r"std|same along",
    ),
    "conv-not-flipped": (
        changed(
            Conv(),
            returned=lambda s, d, r: np.stack([np.convolve(row, s.kernel[::-1]) for row in d]),
        ),
        [n(2, 6)],
        "dinputs",
        r"kernel reversed",
    ),
    "conv-kernel-order": (
        changed(Conv(), d_kernel=lambda s, d: s.d_kernel[::-1]),
        [n(2, 6)],
        "d_kernel",
        r"reverse",
    ),
    "conv-bias": (
        changed(Conv(), d_bias=lambda s, d: d.mean(keepdims=True).reshape(1)),
        [n(2, 6)],
        "d_bias",
        r"1/8 times",
    ),
    "gru-swapped": (changed(GRUCell(), dWz=lambda s, d: s.dUz), [n(4, 3)], "dWz", r"'Uz'|h0"),
    "gru-h-path": (
        changed(GRUCell(), dh0=lambda s, d: d * s.z),
        [X],
        "dh0",
        r"contribution by way of matmul .*'x'.* is missing",
    ),
    "prelu-slope": (
        changed(PReLU(), grad_slope=lambda s, d: (d * s.x).sum(0)),
        [n(6, 3)],
        "grad_slope",
        r"derivative of where .* is missing",
    ),
    "prelu-mask": (
        changed(PReLU(), returned=lambda s, d, r: np.where(s.x > 0, d, 0)),
        [n(6, 3)],
        "dinputs",
        r"mask is that of x > 0",
    ),
    "pool-ties": (
        changed(
            MaxPool(),
            dinputs=lambda s, d: ((s.x == s.output[..., None]) * d[..., None]).reshape(len(d), -1),
        ),
        [np.array([[1.0, 1, 2, 3]])],
        "dinputs",
        r"ties",
    ),
    "positions": (
        changed(
            Positions(),
            table_grad=lambda s, d: np.array(
                [d[s.i == k][-1] if k in s.i else 0 * d[0] for k in range(5)]
            ),
        ),
        [np.array([0, 2, 2, 4])],
        "table_grad",
        r"only the last",
    ),
    "loss-sum": (
        changed(LogSoftmaxLoss(), returned=lambda s, z, r: r * len(z)),
        [X, Y],
        "dinputs",
        r"4 times.*rows",
    ),
    "loss-p": (
        changed(LogSoftmaxLoss(), returned=lambda s, z, r: s.p / len(z)),
        [X, Y],
        "dinputs",
        r"4 of 12|at \(",
    ),
    "relu-output-mask": (
        broken(ReLU(), dinputs=lambda s, d: d * (d > 0)),
        [X],
        "dinputs",
        r"dvalues",
    ),
    "sigmoid-inputs": (
        broken(Sigmoid(), dinputs=lambda s, d: d * s.output),
        [X],
        "dinputs",
        r"\(1 - output\).*missing",
    ),
    "softmax-diagonal": (
        broken(Softmax(), dinputs=lambda s, d: d * s.output * (1 - s.output)),
        [X],
        "dinputs",
        r"diagonal",
    ),
    "softmax-no-sum": (
        broken(Softmax(), dinputs=lambda s, d: d * s.output),
        [X],
        "dinputs",
        r"sum",
    ),
    "mse-no-columns": (
        broken(MeanSquaredError(), dinputs=lambda s, d: 3 * s.dinputs),
        [X, Z],
        "dinputs",
        r"3 times",
    ),
    "penalty-l1": (
        broken(Dense(3, 2, 0.1), dweights=lambda s, d: s.inputs.T @ d),
        [X],
        "dweights",
        r"weight_regularizer_l1.*missing",
    ),
    "penalty-power": (
        broken(Dense(3, 2, 0, 0.3), dweights=lambda s, d: s.inputs.T @ d + 0.6 * s.weights**2),
        [X],
        "dweights",
        r"weight_regularizer_l2 = 0.3 is wrong: it is .* at .* and should be .*; the rest is right",
    ),
    "updates-in-backward": (
        Updating(),
        [X],
        "dinputs",
        r"backward has changed W before it is computed: update after backward",
    ),
    "penalty-alone": (
        broken(Dense(3, 2, 0, 0.3), dweights=lambda s, d: 0.6 * s.weights),
        [X],
        "dweights",
        r"the term of the penalty alone",
    ),
    "penalty-bias": (
        broken(Dense(3, 2, 0, 0, 0, 0.3), dbiases=lambda s, d: d.sum(0, keepdims=True)),
        [X],
        "dbiases",
        r"bias_regularizer_l2.*missing",
    ),
}
