"""`nn.nnfs` and `check_backward` on layers written by hand: correct ones, and planted mistakes."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hand_layers import (
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Dropout,
    MeanSquaredError,
    ReLU,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    broken,
)

import nn
import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

RNG = np.random.default_rng(3)
X = RNG.standard_normal((7, 2)).astype(np.float32)
Y = np.array([0, 1, 2, 2, 1, 0, 1], np.uint8)
LOGITS = RNG.standard_normal((7, 3))
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
BITS = RNG.integers(0, 2, (7, 3))


def network(dense1=None, relu=None, dense2=None, loss=None):
    return [
        dense1 or Dense(2, 5),
        relu or ReLU(),
        dense2 or Dense(5, 3),
        loss or SoftmaxCrossEntropy(),
    ]


# --- correct layers -------------------------------------------------------------------------------

NETWORKS = {
    "classes": (network(), X, Y),
    "softmax and loss apart": ([Dense(2, 5), ReLU(), Dense(5, 3), Softmax(), CrossEntropy()], X, Y),
    "one-hot": ([Dense(2, 3), Softmax(), CrossEntropy()], X, np.eye(3)[Y]),
    "dropout": ([Dense(2, 5), Dropout(0.4), Dense(5, 3), SoftmaxCrossEntropy()], X, Y),
    "penalties": (network(Dense(2, 5, 0.01, 0.02, 0.03, 0.04)), X, Y),
    "binary": ([Dense(2, 3), Sigmoid(), BinaryCrossEntropy()], X, BITS),
    "regression": ([Dense(2, 4), Sigmoid(), Dense(4, 3), MeanSquaredError()], X, LOGITS),
    "no loss": ([Dense(2, 5), ReLU(), Dense(5, 3)], X, None),
}


@pytest.mark.parametrize(("layers", "x", "y"), NETWORKS.values(), ids=NETWORKS)
def test_correct_networks_agree(layers, x, y):
    comparison = nn.nnfs.compare(layers, x, y)
    assert comparison, str(comparison)
    assert len(comparison.rows) == sum(3 if isinstance(layer, Dense) else 1 for layer in layers)
    for row in comparison.rows:
        np.testing.assert_allclose(row.by_hand, row.on_tensors, rtol=1e-9, atol=1e-12)
    assert "gradients agree" in str(comparison)


LAYERS = {
    "Dense": (Dense(2, 5), [X]),
    "penalties": (Dense(2, 5, 0.1, 0.2, 0.3, 0.4), [X]),
    "ReLU": (ReLU(), [LOGITS]),
    "kink": (ReLU(), [np.array([[0.0, 1.0, -1.0]])]),
    "Sigmoid": (Sigmoid(), [LOGITS]),
    "Dropout": (Dropout(0.5), [LOGITS]),
    "Softmax": (Softmax(), [LOGITS]),
    "CrossEntropy": (CrossEntropy(), [PROBS, Y]),
    "SoftmaxCrossEntropy": (SoftmaxCrossEntropy(), [LOGITS, Y]),
    "BinaryCrossEntropy": (BinaryCrossEntropy(), [PROBS, BITS]),
    "MeanSquaredError": (MeanSquaredError(), [PROBS, LOGITS]),
    "large": (Dense(60, 50), [RNG.standard_normal((20, 60))]),
}


@pytest.mark.parametrize(("layer", "inputs"), LAYERS.values(), ids=LAYERS)
def test_check_backward_passes_correct_layers(layer, inputs):
    assert tg.check_backward(layer, inputs)


# --- planted mistakes -----------------------------------------------------------------------------

# Each: the layer to break, the gradient, what is done to it, the kind of mistake, its text.
MISTAKES = {
    "dbiases not summed": (0, "dbiases", lambda s, d: d, "broadcast sum", "over the broadcast axi"),
    "dbiases of one row": (0, "dbiases", lambda s, d: d[-1:], "broadcast sum", "it is part 6 alon"),
    "dbiases averaged": (2, "dbiases", lambda s, d: s.dbiases / 7, "factor", "1 / the number of r"),
    "dbiases flat": (2, "dbiases", lambda s, d: s.dbiases[0], "shape", "the numbers are right"),
    "dbiases missing": (0, "dbiases", lambda s, d: None, "not connected", "no gradient is there"),
    "dbiases zero": (0, "dbiases", lambda s, d: 0 * s.biases, "not connected", "zero everywhere"),
    "dweights transposed": (0, "dweights", lambda s, d: d.T @ s.inputs, "transpose", "(5, 2), not"),
    "dweights twice": (2, "dweights", lambda s, d: 2 * s.dweights, "factor", "it is 2 times"),
    "dweights by elements": (
        2,
        "dweights",
        lambda s, d: 7 * s.dweights,
        "factor",
        "number of rows",
    ),
    "dinputs negative": (2, "dinputs", lambda s, d: -s.dinputs, "sign", "the wrong sign"),
    "dinputs of wrong weights": (
        2,
        "dinputs",
        lambda s, d: s.dinputs + 0.1,
        "incoming gradient",
        "0.1 is added everywhere",
    ),
    "relu without mask": (1, "dinputs", lambda s, d: d, "mask", "should be zero"),
    "relu with a wrong mask": (
        1,
        "dinputs",
        lambda s, d: d * (s.inputs > 0.5),
        "mask",
        "should not",
    ),
    "relu by its output": (1, "dinputs", lambda s, d: d * s.output, "power", "one power of"),
    "loss not averaged": (3, "dinputs", lambda s, d: 7 * s.dinputs, "factor", "number of rows"),
    "loss with the sign of minus": (3, "dinputs", lambda s, d: -s.dinputs, "sign", "wrong sign"),
    "loss that is nan": (3, "dinputs", lambda s, d: s.dinputs / 0, "not finite", "it is "),
}


@pytest.mark.parametrize(("k", "name", "change", "kind", "text"), MISTAKES.values(), ids=MISTAKES)
def test_the_first_difference_is_named_and_diagnosed(k, name, change, kind, text):
    layers = network()
    broken(layers[k], **{name: change})
    with np.errstate(all="ignore"):
        comparison = nn.nnfs.compare(layers, X, Y)
    assert not comparison
    first = comparison.first
    assert (first.layer, first.gradient) == (f"{k + 1} {type(layers[k]).__name__}", name)
    assert first.mistake.kind == kind
    assert text in comparison.verdict()
    assert f"{first.layer}.backward: {name} is wrong" in str(comparison)


@pytest.mark.parametrize(("k", "name", "change", "kind", "text"), MISTAKES.values(), ids=MISTAKES)
def test_check_backward_finds_the_same(k, name, change, kind, text):
    layer = broken(network()[k], **{name: change})
    inputs = [[X], [RNG.standard_normal((7, 5))], [RNG.standard_normal((7, 5))], [LOGITS, Y]][k]
    with np.errstate(all="ignore"), pytest.raises(tg.GradcheckError) as error:
        tg.check_backward(layer, inputs)
    assert error.value.kind == kind
    assert text in str(error.value)
    assert str(error.value).startswith(f"{type(layer).__name__}.backward: {name} is wrong")


def test_a_wrong_element_of_a_large_layer_is_found():
    layer = Dense(60, 50)

    def one_off(self, dvalues):
        wrong = self.dweights.copy()
        wrong[41, 17] += 1
        return wrong

    broken(layer, dweights=one_off)
    with pytest.raises(tg.GradcheckError, match=r"dweights is wrong: it is .* at \(41, 17\)"):
        tg.check_backward(layer, [RNG.standard_normal((20, 60))])


def test_several_mistakes_are_listed():
    layer = broken(Dense(2, 5), dweights=lambda s, d: -s.dweights, dbiases=lambda s, d: d)
    with pytest.raises(tg.GradcheckError, match=r"And then dbiases \(broadcast sum\)"):
        tg.check_backward(layer, [X])


def test_a_backward_that_fails():
    layers = network(dense2=broken(Dense(5, 3), dinputs=lambda s, d: d @ s.weights))
    comparison = nn.nnfs.compare(layers, X, Y)
    assert "2 Dense" not in str(comparison)
    assert comparison.first.layer == "3 Dense"
    assert comparison.first.mistake.kind == "failed"
    assert "backward failed: ValueError" in comparison.verdict()
    assert comparison.rows[-1].layer == "3 Dense"  # what is below was not run


def test_a_layer_that_hands_nothing_down():
    layers = network(relu=broken(ReLU(), dinputs=lambda s, d: None))
    comparison = nn.nnfs.compare(layers, X, Y)
    assert comparison.first.layer == "2 ReLU"
    assert comparison.first.mistake.kind == "not connected"
    assert comparison.rows[-1].layer == "2 ReLU"


# --- what it leaves alone, and what it refuses ----------------------------------------------------


def test_layers_and_random_numbers_are_left_as_they_are():
    layers, dropout = network(), Dropout(0.5)
    before = copy.deepcopy([vars(layer) for layer in layers[:3]])
    state = np.random.get_state()
    nn.nnfs.compare([layers[0], layers[1], dropout, *layers[2:]], X, Y)
    tg.check_backward(layers[0], [X])
    for layer, held in zip(layers, before):
        assert vars(layer).keys() == held.keys()
        for name, value in held.items():
            np.testing.assert_array_equal(getattr(layer, name), value)
    assert not hasattr(dropout, "binary_mask")
    np.testing.assert_equal(np.random.get_state(), state)


def test_the_loss_is_that_of_the_layers():
    layers = network()
    value = X.astype(np.float64)
    for layer in layers[:-1]:
        layer.forward(value)
        value = layer.output
    expected = layers[-1].forward(value, Y)
    assert nn.nnfs.compare(network(), X, Y).loss == pytest.approx(expected, rel=1e-12)
    assert nn.nnfs.compare(network()[:-1], X).loss is None


class Unsupported:
    def forward(self, inputs):
        self.output = np.vectorize(abs)(inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues


class Silent:
    def forward(self, inputs):
        pass

    def backward(self, dvalues):
        pass


class Shaky:
    def forward(self, inputs):
        return inputs * np.random.default_rng().random()

    def backward(self, dvalues):
        self.dinputs = dvalues


@pytest.mark.parametrize(
    ("layers", "targets", "kind", "message"),
    [
        ([], None, ValueError, "at least one layer"),
        ([Dense(2, 3), object()], None, TypeError, "2 object has no forward"),
        ([Dense(2, 3), SoftmaxCrossEntropy()], None, ValueError, "takes targets, but none were"),
        ([Dense(2, 3)], Y, ValueError, "1 Dense.backward does not take any"),
        ([SoftmaxCrossEntropy(), Dense(2, 3)], Y, ValueError, "can only be the last layer"),
        ([Unsupported()], None, TypeError, r"Unsupported.forward does not run on Tensors.*check_b"),
        ([Silent()], None, TypeError, "Silent.forward neither returns nor sets output"),
        ([Shaky()], None, ValueError, "other values on Tensors"),
    ],
)
def test_what_can_not_be_compared(layers, targets, kind, message):
    with pytest.raises(kind, match=message):
        nn.nnfs.compare(layers, X, targets)


def test_a_random_layer_can_not_be_checked():
    with pytest.raises(ValueError, match=r"Shaky.forward gives different results"):
        tg.check_backward(Shaky(), [X])


# --- beside the book's own package ----------------------------------------------------------------


@pytest.mark.oracle
def test_the_package_nnfs_can_be_imported_and_initialized():
    pytest.importorskip("nnfs")
    code = """
import nnfs, numpy as np, nn, tinygrad_np as tg
from nnfs.datasets import spiral_data
assert nn.nnfs is not nnfs and nnfs.init is not None
nnfs.init()
from test_nn_nnfs import LAYERS, MISTAKES, NETWORKS, X, Y, broken, network
for layers, x, y in NETWORKS.values():
    comparison = nn.nnfs.compare(layers, x, y)
    assert comparison, str(comparison)
for layer, inputs in LAYERS.values():
    assert tg.check_backward(layer, inputs)
for k, name, change, kind, text in MISTAKES.values():
    layers = network()
    broken(layers[k], **{name: change})
    with np.errstate(all="ignore"):
        found = nn.nnfs.compare(layers, X, Y).first
    assert (found.gradient, found.mistake.kind) == (name, kind), found
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(root)!r}, '.', '..']\n{code}"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]


# --- choices at kinks, one object twice, graders --------------------------------------------------


def zeros_first(*layers):
    """The network at rows of zeros, with biases 0: the first layer's result is 0 there."""
    layers[0].biases = np.zeros_like(layers[0].biases)
    return list(layers), np.vstack([np.zeros((2, 2)), X[2:]])


def test_a_choice_at_a_kink_is_no_difference_and_a_mistake_below_is_found():
    layers, x = zeros_first(*network())
    comparison = nn.nnfs.compare(layers, x, Y)
    assert comparison
    assert all(row.mistake is None for row in comparison.rows)
    broken(layers[1], dinputs=lambda s, d: d * (s.inputs >= 0))
    comparison = nn.nnfs.compare(layers, x, Y)
    assert comparison, str(comparison)
    assert [row.choices for row in comparison.rows if row.layer == "2 ReLU"] == [10]
    assert "10 of 35 elements of dinputs of 2 ReLU" in comparison.verdict()
    broken(layers[0], dweights=lambda s, d: 2 * s.dweights)
    comparison = nn.nnfs.compare(layers, x, Y)
    assert (comparison.first.layer, comparison.first.gradient) == ("1 Dense", "dweights")
    assert "2 times" in comparison.verdict()
    broken(layers[1], dinputs=lambda s, d: d * np.where(s.inputs == 0, np.nan, s.inputs > 0))
    assert nn.nnfs.compare(layers, x, Y).first.mistake.kind == "not finite"


def test_a_loss_that_clips_confident_predictions():
    sure = network(dense2=Dense(5, 3))
    sure[2].weights = 60 * sure[2].weights
    assert nn.nnfs.compare(sure, X, Y)
    broken(sure[3], dinputs=lambda s, d: 2 * s.dinputs)
    assert nn.nnfs.compare(sure, X, Y).first.layer == "4 SoftmaxCrossEntropy"


class Stacked(Dense):
    """Keeps its inputs for each call, and adds its gradients up."""

    def forward(self, inputs):
        self.calls = [*getattr(self, "calls", []), inputs]
        super().forward(inputs)

    def backward(self, dvalues):
        self.inputs, *rest = self.calls[::-1]
        self.calls = rest[::-1]
        before = getattr(self, "total", (0, 0))
        super().backward(dvalues)
        self.total = self.dweights + before[0], self.dbiases + before[1]
        self.dweights, self.dbiases = self.total


def test_one_object_twice_is_one_set_of_parameters():
    same = Stacked(3, 3)
    comparison = nn.nnfs.compare([Dense(2, 3), same, ReLU(), same, SoftmaxCrossEntropy()], X, Y)
    assert comparison, str(comparison)
    assert "2 Stacked and 4 Stacked are one object" in comparison.verdict()
    same = Dense(3, 3)
    comparison = nn.nnfs.compare([Dense(2, 3), same, ReLU(), same, SoftmaxCrossEntropy()], X, Y)
    assert comparison.first.layer == "2 Dense"
    assert "the same object as 4 Dense" in comparison.verdict()


def test_graders_and_notebooks_read_it():
    layers = network()
    right = nn.nnfs.compare(layers, X, Y)
    broken(layers[0], dweights=lambda s, d: s.dweights / 0)
    with np.errstate(all="ignore"):
        wrong = nn.nnfs.compare(layers, X, Y)
    assert (right.exit_code, wrong.exit_code) == (0, 1)
    told = json.loads(right.json())
    assert told["right"] is True
    assert told["loss"] == pytest.approx(right.loss)
    told = json.loads(wrong.json())
    bad = [row for row in told["rows"] if not row["right"]]
    assert [(row["layer"], row["gradient"], row["kind"]) for row in bad] == [
        ("1 Dense", "dweights", "not finite")
    ]
    assert repr(wrong) == str(wrong)
    assert "<td>1 Dense</td>" in wrong._repr_html_()
    assert wrong._repr_html_().count("bold") == 1
