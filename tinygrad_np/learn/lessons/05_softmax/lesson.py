"""The checks of lesson 5."""

import re

import numpy as np

import tinygrad_np as tg
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, both, compare_layer, compare_value


def check_steady(program, solution):
    rng = np.random.default_rng(5)
    logits = rng.standard_normal((4, 3))
    for title, z in (
        ("small logits", logits),
        ("logits around 1000", logits + 1000),
        ("logits around -1000", logits - 1000),
        ("logits up to 3000", 1000 * logits),
    ):
        with np.errstate(all="ignore"):
            got = program.softmax(z)
        right = solution.softmax(z)
        try:
            compare_value(f"softmax of {title}", got, right)
        except Wrong as wrong:
            wrong.kind, wrong.verdict = _cause(program, z, got, right)
            raise


def _cause(program, z, got, right):
    """Return the kind and the cause; where a number is not finite, the first op that made one."""
    if np.shape(got) == right.shape and not np.isfinite(got).all():
        try:
            with tg.debug():
                program.softmax(tg.Tensor(z, requires_grad=True, name="z"))
        except FloatingPointError as error:
            return "not finite", re.sub(r", made at \S+?:\d+", "", str(error))
    if np.shape(got) != right.shape:
        return "value", ""
    if np.allclose(np.sum(got), 1):
        return "axis", "all rows together add up to 1: the sum should go over axis 1, the classes"
    if np.allclose(np.sum(got, axis=0), 1):
        return "axis", "each column adds up to 1: the sum should go over axis 1, the classes"
    first = np.sum(got[0])
    if not np.isclose(first, 1):
        return "value", f"probabilities of a row add up to 1; those of row 0 add up to {first:.4g}"
    if np.allclose(got, tg.softmax(z - np.max(z, axis=0)), atol=1e-9):
        return "axis", "each row needs a number of its own to subtract: its largest, along axis 1"
    if np.ptp(got, axis=1).max() < 1e-9:
        return "value", "logits that were made equal have lost their differences: subtract instead"
    return "value", ""


def check_shares(program, solution):
    inputs = np.random.default_rng(5).standard_normal((4, 3))
    layer = solution.Softmax()
    layer.forward(inputs)
    p = layer.output
    sums = {
        "the sum over the classes is a mean there": lambda g: np.mean(g * p, axis=1, keepdims=True),
        "the sum is that of dvalues, and should be that of dvalues * output": lambda g: np.sum(
            g, axis=1, keepdims=True
        ),
        "the sum goes over all rows, and should be one for each": lambda g: np.sum(g * p),
        "the sum should be subtracted, and is added": lambda g: (
            -np.sum(g * p, axis=1, keepdims=True)
        ),
        "what a logit does to the other classes, the sum, is missing": lambda g: 0,
    }
    candidates = {
        cause: lambda g, sum_of=sum_of: p * (g - sum_of(g)) for cause, sum_of in sums.items()
    }
    compare_layer(program.Softmax(), layer, [inputs], candidates)


def check_entropy(program, solution):
    inputs = np.random.default_rng(5).standard_normal((5, 3))
    targets = np.array([0, 2, 1, 1, 2])
    loss = solution.SoftmaxLoss()
    loss.forward(inputs, targets)
    hits = np.eye(3)[targets]
    candidates = {
        "1 is added to the probability of the right class, and should be taken away": hits,
        "1 should be taken away from the probability of the right class": np.zeros((5, 3)),
        "the 1 of the right class is not divided by the number of rows": -5 * hits,
        "[:, targets] takes these columns of all rows; each row has one target": -np.ones((5, 3)),
    }
    candidates = {
        cause: (loss.output + change) / len(inputs) for cause, change in candidates.items()
    }
    compare_layer(program.SoftmaxLoss(), solution.SoftmaxLoss(), [inputs, targets], candidates)


# --- pages ----------------------------------------------------------------------------------------


def _logits():
    values = [[1.0, 2.0, 3.0], [0.5, 0.5, -1.0]]
    return tg.Tensor(values, requires_grad=True, name="z")


def see_steady(program, path):
    z = _logits()
    with tg.record() as run:
        loss = program.softmax(z)[:, 0].sum()
        loss.backward()
    title = "The first class's probability"
    return tg.graph(loss, record=run).html(path, title=title, findings=tg.lint(loss, record=run))


def see_shares(program, path):
    z, layer = _logits(), program.Softmax()
    with tg.record() as run:
        layer.forward(z)
        loss = (layer.output * tg.Tensor([1.0, 0.0, 0.0], name="dvalues")).sum()
        loss.backward()
    return tg.graph(loss, record=run).html(path, title="Softmax, on Tensors")


def see_entropy(program, path):
    z = _logits()
    with tg.record() as run:
        loss = program.SoftmaxLoss().forward(z, np.array([2, 0]))
        loss.backward()
    title = "Softmax and cross-entropy, on Tensors"
    return tg.graph(loss, record=run).html(path, title=title)


EXERCISES = [
    Exercise(
        "steady",
        check_steady,
        see_steady,
        hints=[
            "exp(1000) is larger than the largest float, 1.8e308. Which numbers are harmless?",
            "softmax(z) and softmax(z - c) are the same for any c. Choose one for each row.",
            "With c = the largest of the row, no exponent is above 0.",
        ],
        right="Every softmax that you will meet subtracts the row's largest logit first.",
    ),
    Exercise(
        "shares",
        check_shares,
        see_shares,
        hints=[
            "dp_i/dz_i is p_i (1 - p_i). And dp_j/dz_i, for another class j?",
            "It is -p_i p_j: the input i gets dvalues_i p_i - p_i Σ_j dvalues_j p_j.",
            "The sum over j is one number for each row: compute it once.",
        ],
        right="That was a product with the whole Jacobian, without ever making that matrix.",
    ),
    Exercise(
        "entropy",
        check_entropy,
        see_entropy,
        hints=[
            "The loss is a mean over the rows. By what is the gradient of one row divided?",
            "Not by the number of classes: they are summed over, with a single 1 among them.",
        ],
        right="Probabilities minus the truth: softmax and cross-entropy belong together.",
    ),
]
