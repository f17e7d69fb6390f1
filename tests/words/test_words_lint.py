"""`lint`: each planted mistake is found, with its op, line and remedy; its correct twin is not."""

import inspect
import math
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
import tinygrad_np as tg

EXAMPLES = Path(__file__).parents[2] / "examples"
RNG = np.random.default_rng(0)
X = tg.Tensor(RNG.standard_normal((30, 4)).astype(np.float32), name="X")
Y = tg.Tensor(RNG.integers(0, 3, 30), name="y")
ROWS = np.arange(30)
T = tg.Tensor(RNG.standard_normal(30).astype(np.float32), name="t")


@pytest.fixture(autouse=True)
def _seed():
    tg.manual_seed(0)


def network(*layers):
    return nn.Sequential(*(layers or (nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))))


def leaf(*values):
    return tg.Tensor(values, requires_grad=True, name="x")


# Each case: a mistake and its correct twin, functions that return what lint takes. The line of the
# mistake ends with "# here".
CASES = []


def case(kind, op, remedy, record=False):
    """Declare the next class, with `wrong` and `right`, to be a case."""

    def add(cls):
        CASES.append(pytest.param(cls, kind, op, remedy, record, id=cls.__name__))
        return cls

    return add


@case("probabilities as logits", "cross_entropy", "categorical_crossentropy")
class SoftmaxIntoCrossEntropy:
    def wrong():
        model = network()
        probs = tg.softmax(model(X))
        return nn.cross_entropy(probs, Y), model  # here

    def right():
        model = network()
        return nn.cross_entropy(model(X), Y), model


@case("probabilities as logits", "cross_entropy", "categorical_crossentropy")
class SoftmaxLayerIntoCrossEntropy:
    def wrong():
        model = network(nn.Linear(4, 3), nn.Softmax())
        return nn.cross_entropy(model(X).reshape(30, 3), Y), model  # here

    def right():
        model = network(nn.Linear(4, 3), nn.Softmax())
        return nn.categorical_crossentropy(model(X), Y), model


@case("probabilities as logits", "cross_entropy", "categorical_crossentropy")
class ProbabilitiesByHandIntoCrossEntropy:
    def wrong():
        model = network()
        z = model(X)
        e = tg.exp(z - z.max(axis=1, keepdims=True))
        return nn.cross_entropy(e / e.sum(axis=1, keepdims=True), Y), model  # here

    def right():
        model = network()
        z = model(X)
        return nn.cross_entropy(z - z.max(axis=1, keepdims=True), Y), model


@case("probabilities as logits", "binary_cross_entropy_with_logits", "binary_cross_entropy")
class SigmoidIntoLogitsLoss:
    def wrong():
        model = network(nn.Linear(4, 1), nn.Sigmoid())
        target = (T.numpy() > 0).astype(np.float32)
        return nn.binary_cross_entropy_with_logits(model(X)[:, 0], target), model  # here

    def right():
        model = network(nn.Linear(4, 1), nn.Sigmoid())
        target = (T.numpy() > 0).astype(np.float32)
        return nn.binary_cross_entropy(model(X)[:, 0], target), model


@case("targets", "cross_entropy", "tg.one_hot")
class ScoresAsTargets:
    def wrong():
        model = network()
        scores = RNG.normal(size=(30, 3)).astype(np.float32)
        return nn.cross_entropy(model(X), scores), model  # here

    def right():
        model = network()
        rows = np.eye(3, dtype=np.float32)[Y.numpy()] * 0.9 + 0.1 / 3
        rows[4] = 0  # a row that is not to count
        return nn.cross_entropy(model(X), rows), model


@case("targets", "cross_entropy", "divided by their sum")
class CountsAsTargets:
    def wrong():
        model = network()
        counts = RNG.integers(1, 9, (30, 3)).astype(np.float32)
        return nn.cross_entropy(model(X), tg.Tensor(counts)), model  # here

    def right():
        model = network()
        counts = RNG.integers(1, 9, (30, 3)).astype(np.float32)
        shares = counts / counts.sum(axis=1, keepdims=True)
        return nn.cross_entropy(model(X).T, tg.Tensor(shares.T), axis=0), model


@case("targets", "binary_cross_entropy_with_logits", "nn.mse_loss")
class SignsAsTargets:
    def wrong():
        model = network(nn.Linear(4, 1))
        signs = np.sign(T.numpy())[:, None]
        return nn.binary_cross_entropy_with_logits(model(X), signs), model  # here

    def right():
        model = network(nn.Linear(4, 1))
        target = (np.sign(T.numpy()) * 0.45 + 0.5)[:, None]
        return nn.binary_cross_entropy_with_logits(model(X), target), model


@case("log of probabilities", "softmax", "tg.log_softmax")
class LogOfSoftmax:
    def wrong():
        model = network()
        return -tg.log(tg.softmax(model(X)))[ROWS, Y.numpy()].mean(), model  # here

    def right():
        model = network()
        return -tg.log_softmax(model(X))[ROWS, Y.numpy()].mean(), model


@case("log of probabilities", "softmax", "tg.log_softmax")
class LogOfPickedSoftmax:
    def wrong():
        model = network()
        picked = tg.softmax(model(X))[ROWS, Y.numpy()]
        return -tg.log(picked + 1e-12).mean(), model  # here

    def right():
        model = network()
        return nn.categorical_crossentropy(tg.softmax(model(X)), Y), model


@case("log of probabilities", "sigmoid", "softplus")
class LogOfSigmoid:
    def wrong():
        model = network(nn.Linear(4, 1))
        return -tg.log(tg.sigmoid(model(X))).mean(), model  # here

    def right():
        model = network(nn.Linear(4, 1))
        return tg.softplus(-model(X)).mean(), model


@case("log of probabilities", "sigmoid", "binary_cross_entropy_with_logits")
class LogOfOneMinusSigmoid:
    def wrong():
        model = network(nn.Linear(4, 1))
        p = tg.sigmoid(model(X))
        return -tg.log(1 - p).mean(), model  # here

    def right():
        model = network(nn.Linear(4, 1))
        return nn.binary_cross_entropy(tg.sigmoid(model(X)), np.zeros((30, 1))), model


@case("column against row", "subtract", ".reshape(-1, 1)")
class ColumnMinusRow:
    def wrong():
        model = network(nn.Linear(4, 1))
        error = model(X) - T  # here
        return (error**2).mean(), model

    def right():
        model = network(nn.Linear(4, 1))
        error = model(X) - T.reshape(30, 1)
        return (error**2).mean(), model


@case("column against row", "subtract", "[:, 0]")
class RowMinusColumn:
    def wrong():
        model = network(nn.Linear(4, 1))
        column = tg.Tensor(T.numpy().reshape(30, 1))
        return abs(model(X).squeeze(1) - column).sum(), model  # here

    def right():
        """All distances, meant so."""
        model = network(nn.Linear(4, 1))
        z = model(X)[:, 0]
        return abs(z[:, None] - z).sum(), model


@case("overflow", "exp", "tg.softmax")
class SoftmaxByHand:
    def wrong():
        model = network()
        e = tg.exp(model(X))
        p = e / e.sum(axis=1, keepdims=True)  # here
        return (p * p).sum(), model

    def right():
        model = network()
        z = model(X)
        e = tg.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        return (p * p).sum(), model


@case("overflow", "exp", "tg.softmax")
class SoftmaxWithTwoExponentials:
    def wrong():
        model = network()
        z = model(X)
        p = tg.exp(z) / tg.exp(z).sum(axis=1, keepdims=True)  # here
        return (p * p).sum(), model

    def right():
        model = network()
        z = model(X)
        z = z - z.max(axis=1, keepdims=True)
        p = tg.exp(z) / tg.exp(z).sum(axis=1, keepdims=True)
        return (p * p).sum(), model


@case("overflow", "exp", "tg.sigmoid")
class SigmoidWithTwoExponentials:
    def wrong():
        model = network()
        z = model(X)
        return (tg.exp(z) / (1 + tg.exp(z))).mean(), model  # here

    def right():
        """A quotient of different exponentials."""
        z = network()(X)
        return (tg.exp(-z * z) / (1 + tg.exp(-abs(z)))).mean(), None


@case("overflow", "exp", "tg.logsumexp")
class LogSumExpByHand:
    def wrong():
        model = network()
        return tg.log(tg.exp(model(X)).sum(axis=1)).mean(), model  # here

    def right():
        model = network()
        return tg.logsumexp(model(X), axis=1).mean(), model


@case("overflow", "exp", "tg.softplus")
class SoftplusByHand:
    def wrong():
        model = network()
        return tg.log(1 + tg.exp(model(X))).mean(), model  # here

    def right():
        """The stable form by hand."""
        model = network()
        z = model(X)
        return (np.maximum(z, 0) + np.log1p(np.exp(-abs(z)))).mean(), model


@case("overflow", "exp", "tg.sigmoid")
class SigmoidByHand:
    def wrong():
        model = network()
        return (1 / (1 + tg.exp(-model(X)))).mean(), model  # here

    def right():
        """A Gaussian, whose exponent is never positive."""
        z = network()(X)
        return (1 / (1 + tg.exp(-(z * z)))).mean(), None


@case("overflow", "exp", "tg.clip")
class ExpOverflows:
    def wrong():
        x = tg.Tensor(np.array([1.0, 95.0], np.float32), requires_grad=True)
        with np.errstate(over="ignore"):
            return tg.exp(x).sum(), None  # here

    def right():
        """The log of a variance, as in a variational autoencoder."""
        x = tg.Tensor(np.array([1.0, -95.0], np.float32), requires_grad=True)
        return (tg.exp(x) - x - 1).sum(), None


@case("not reached", "0.weight", "freeze")
class ParametersLeftOut:
    def wrong():
        model = network(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))  # here
        return nn.cross_entropy(model[2](tg.ones((30, 16), np.float32)), Y), model

    def right():
        model = network()
        model[0].requires_grad_(False)
        return nn.cross_entropy(model[2](tg.ones((30, 16), np.float32)), Y), model


@case("detached branch", "matmul", "Use the Tensor itself", record=True)
class Detached:
    def wrong():
        model = network()
        h = model[1](model[0](X)).detach()
        return nn.cross_entropy(model[2](h), Y), model  # here

    def right():
        """A target that is cut off on purpose: the parameters are reached another way."""
        model = network()
        z = model(X)
        return ((z - z.detach() + 1) ** 2).mean(), model


@case("detached branch", "matmul", "Use the Tensor itself", record=True)
class ThroughNumPy:
    def wrong():
        model = network()
        h = np.maximum(model[0](X).numpy(), -10)  # the same numbers
        return nn.cross_entropy(model[2](tg.Tensor(h)), Y), model  # here

    def right():
        model = network()
        return nn.cross_entropy(model[2](np.maximum(model[0](X), -10)), Y), model


@case("no graph", "loss", "requires_grad=True")
class NothingNeedsAGradient:
    def wrong():
        model = network()
        with tg.no_grad():
            loss = nn.cross_entropy(model(X), Y)
        loss.name = "loss"
        return loss, model

    def right():
        model = network()
        return nn.cross_entropy(model(X), Y), model


@case("integers", "matmul", ".astype(np.float32)")
class IntegerInputs:
    def wrong():
        model = network()
        pixels = tg.Tensor(RNG.integers(0, 255, (30, 4), dtype=np.uint8))
        first, _, last = model
        h = tg.relu(pixels @ first.weight + first.bias)  # here
        return nn.cross_entropy(last(h), Y), model

    def right():
        model = network()
        pixels = tg.Tensor(RNG.integers(0, 255, (30, 4), dtype=np.uint8))
        return nn.cross_entropy(model(pixels.astype(np.float32) / 255), Y), model


@case("integers", "subtract", ".astype(np.float32)")
class IntegerTargets:
    def wrong():
        model = network(nn.Linear(4, 1))
        error = model(X)[:, 0] - Y  # here
        return (error * error).mean(), model

    def right():
        model = network(nn.Linear(4, 1))
        error = model(X)[:, 0] - Y.astype(np.float32)
        return (error * error).mean(), model


@case("dead units", "relu", "tg.leaky_relu")
class DeadReLU:
    def wrong():
        model = network()
        with tg.no_grad():
            model[0].bias -= 100
        return nn.cross_entropy(model(X), Y), model  # here

    def right():
        """Some units are dead, as in many networks that learn well."""
        model = network()
        with tg.no_grad():
            model[0].bias[:3] = -100
        return nn.cross_entropy(model(X), Y), model


@case("dead units", "maximum", "tg.leaky_relu")
class DeadMaximum:
    def wrong():
        w = tg.Tensor(-np.ones((4, 8)), requires_grad=True)
        return np.maximum(0, abs(X.numpy()) @ w).sum(), None  # here

    def right():
        w = tg.Tensor(np.ones((4, 8)), requires_grad=True)
        return np.maximum(0, abs(X.numpy()) @ w).sum(), None


@case("saturated", "sigmoid", "Scale its inputs")
class SaturatedSigmoid:
    def wrong():
        model = network(nn.Linear(4, 16), nn.Sigmoid(), nn.Linear(16, 3))
        return nn.cross_entropy(model(X * 1e4), Y), model  # here

    def right():
        """An output may well be sure."""
        model = network(nn.Linear(4, 1))
        p = tg.sigmoid(1e4 * model(X))
        return nn.binary_cross_entropy(p, p.numpy().round()), model


@case("saturated", "tanh", "Scale its inputs")
class SaturatedTanh:
    def wrong():
        model = network(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
        return nn.cross_entropy(model(X * 1e4), Y), model  # here

    def right():
        model = network(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
        return nn.cross_entropy(model(X), Y), model


@case("masked infinity", "sqrt", "Mask the input")
class SqrtUnderWhere:
    def wrong():
        x = leaf(0.0, 1.0, 4.0)
        root = tg.sqrt(x)  # here
        return tg.where(x > 0, root, 0).sum(), None

    def right():
        x = leaf(0.0, 1.0, 4.0)
        root = tg.sqrt(tg.where(x > 0, x, 1))
        return tg.where(x > 0, root, 0).sum(), None


@case("masked infinity", "divide", "Mask the input")
class DivisionUnderWhere:
    def wrong():
        x = leaf(0.0, 1.0, 4.0)
        with np.errstate(divide="ignore"):
            ratio = 2 / x  # here
        return tg.where(x > 0, ratio * 3, 0).sum(), None

    def right():
        x = leaf(0.0, 1.0, 4.0)
        ratio = 2 / tg.where(x > 0, x, 1)
        return tg.where(x > 0, ratio * 3, 0).sum(), None


@case("infinite derivative", "sqrt", "tg.norm")
class NormByHandAtZero:
    def wrong():
        x = leaf(0.0, 0.0)
        return tg.sqrt((x * x).sum()), None  # here

    def right():
        return tg.norm(leaf(0.0, 0.0)), None


@case("infinite derivative", "log", "add a small number")
class LogOfZero:
    def wrong():
        with np.errstate(divide="ignore"):
            return tg.log(leaf(0.0, 1.0)).sum(), None  # here

    def right():
        return tg.log1p(leaf(0.0, 1.0)).sum(), None


@case("missing zero_grad", "0.weight", "zero_grad()", record=True)
class MissingZeroGrad:
    def wrong():
        model = network(nn.Linear(4, 3))
        for _ in range(2):
            loss = nn.cross_entropy(model(X), Y)  # here
            loss.backward()
        return loss, model

    def right():
        model = network(nn.Linear(4, 3))
        optimizer = nn.SGD(model.parameters(), 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            loss = nn.cross_entropy(model(X), Y)
            loss.backward()
            optimizer.step()
        return loss, model


def line_of_mistake(function):
    lines, first = inspect.getsourcelines(function)
    marked = [first + k for k, line in enumerate(lines) if line.rstrip().endswith("# here")]
    return f"{Path(__file__).name}:{marked[0]}" if marked else ""


@pytest.mark.parametrize(("cls", "kind", "op", "remedy", "record"), CASES)
def test_planted_mistakes_are_found(cls, kind, op, remedy, record):
    with tg.record() as r:
        loss, model = cls.wrong()
    found = tg.lint(loss, model, record=r)
    of_kind = [finding for finding in found if finding.kind == kind]
    assert len(of_kind) == 1, found
    (finding,) = of_kind
    assert op in finding.what
    assert finding.where == line_of_mistake(cls.wrong)
    assert remedy in finding.remedy


@pytest.mark.parametrize(("cls", "kind", "op", "remedy", "record"), CASES)
def test_planted_mistakes_are_found_without_a_record(cls, kind, op, remedy, record):
    """The graph alone has what backward will read, until it runs."""
    loss, model = cls.wrong()
    kinds = [finding.kind for finding in tg.lint(loss, model)]
    if not record:
        assert kind in kinds
    else:
        assert kind not in kinds
        assert any("need a record" in note for note in tg.lint(loss, model).not_looked_at)


@pytest.mark.parametrize(("cls", "kind", "op", "remedy", "record"), CASES)
def test_correct_twins_have_no_finding(cls, kind, op, remedy, record):
    with tg.record() as r:
        loss, model = cls.right()
        if loss.requires_grad and loss._node.saved is not None:
            loss.backward()
    assert list(tg.lint(loss, model, record=r)) == []
    if record is False:
        loss, model = cls.right()
        assert list(tg.lint(loss, model)) == []


def test_there_are_enough_cases():
    assert len(CASES) >= 18
    assert len({c.values[1] for c in CASES}) >= 10


# --- no false alarms ------------------------------------------------------------------------------


def values_of_example(name, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [name, "--out", str(tmp_path)])
    monkeypatch.setenv("TINYGRAD_NP_ENGINE", "builtin")
    return runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_no_false_alarm_in_the_graph_and_step_examples(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    pytest.importorskip("nnfs")
    for name in ("graph.py", "step.py"):
        found = values_of_example(name, tmp_path, monkeypatch)
        record = next(v for v in found.values() if isinstance(v, tg.Record))
        assert record.gradients
        assert list(tg.lint(found["loss"], found["model"], record=record)) == []
        losses = [v for v in found.values() if isinstance(v, tg.Tensor) and not v.is_leaf]
        assert losses
        assert all(list(tg.lint(v)) == [] for v in losses)


@pytest.mark.parametrize("epochs", [1, 150])
def test_no_false_alarm_in_the_spiral(epochs):
    """Its network and data, at the start and while it learns."""
    nnfs = pytest.importorskip("nnfs.datasets")
    np.random.seed(0)
    points, labels = nnfs.spiral_data(100, 3)
    start = {"weight_init": nn.init.normal(0.01), "bias_init": nn.init.zeros}
    model = nn.Sequential(nn.Linear(2, 64, **start), nn.ReLU(), nn.Linear(64, 3, **start))
    optimizer = nn.Adam(model.parameters(), 0.05)
    points = points.astype(np.float32)
    nn.fit(
        model, points, labels, loss=nn.cross_entropy, optimizer=optimizer, epochs=epochs,
        progress=False,
    )  # fmt: skip
    loss = nn.cross_entropy(model(tg.Tensor(points)), tg.Tensor(labels))
    assert list(tg.lint(loss, model)) == []
    model.zero_grad()
    with tg.record() as r:
        loss = nn.cross_entropy(model(tg.Tensor(points)), tg.Tensor(labels))
        loss.backward()
    assert list(tg.lint(loss, model, record=r)) == []


def test_no_false_alarm_in_common_programs():
    image = tg.Tensor(RNG.standard_normal((2, 1, 6, 6)))
    kernel = tg.Tensor(RNG.standard_normal((3, 1, 3, 3)), requires_grad=True)
    w, v = (tg.Tensor(RNG.standard_normal((4, 4)), requires_grad=True) for _ in range(2))
    x = X.astype(np.float64)
    q, k = x @ w, x @ v
    hidden = tg.zeros((4,))
    for row in x[:5]:
        hidden = tg.tanh(row @ w + hidden @ v)
    squares = (q * q).sum(axis=1, keepdims=True)
    programs = {
        "convolution": tg.relu(tg.conv2d(image, kernel)).mean(),
        "attention": (tg.softmax(q @ k.T / 2.0) @ x).sum(),
        "recurrent": (hidden * hidden).sum(),
        "distances": (squares + (q * q).sum(axis=1) - 2 * q @ q.T).sum(),
        "penalty": abs(w).sum() + 0.1 * (v * v).sum(),
        "normalised": ((q - q.mean(axis=0)) / (q.std(axis=0) + 1e-5)).sum(),
        "clipped": tg.log(tg.clip(tg.softmax(q), 1e-7, 1)).sum(),
        "gumbel": (q - tg.log(-tg.log(tg.Tensor(RNG.uniform(0.1, 0.9, (30, 4)))))).sum(),
    }
    for name, loss in programs.items():
        assert list(tg.lint(loss)) == [], name


def test_clipped_gradients_are_no_sum():
    model = network(nn.Linear(4, 3))
    with tg.record() as r:
        loss = nn.cross_entropy(model(X), Y)
        loss.backward()
    for p in model.parameters():
        p.grad = p.grad * 0.1
    assert list(tg.lint(loss, model, record=r)) == []


# --- the report -----------------------------------------------------------------------------------


def test_the_report():
    model = network()
    loss = nn.cross_entropy(tg.softmax(model(X)), Y)
    found = tg.lint(loss, model)
    text = str(found)
    assert text == repr(found)
    first, second = text.splitlines()[:2]
    assert first == "1 finding"
    assert second.startswith(f"1. {found[0].where}: cross_entropy takes logits")
    assert "   → " in text
    assert "not looked at:" in text
    assert max(map(len, text.splitlines())) <= 96
    assert all(isinstance(finding, tg.Finding) for finding in found)


def test_after_backward_it_says_that_the_values_are_gone():
    model = network()
    loss = nn.cross_entropy(model(X), Y)
    assert not any("freed" in note for note in tg.lint(loss, model).not_looked_at)
    loss.backward()
    found = tg.lint(loss, model)
    assert str(found).startswith("no findings\nnot looked at:")
    assert any("freed" in note for note in found.not_looked_at)


def test_an_axis_that_is_gone_is_said_to_be_gone():
    """After backward() nothing knows the axis of a softmax."""
    w = tg.Tensor(np.ones((2, 3)), requires_grad=True)
    loss = -tg.softmax(np.ones((4, 2)) @ w, axis=0)[:, 0].mean()
    assert [finding.kind for finding in tg.lint(loss)] == ["axis"]
    loss.backward()
    assert not tg.lint(loss)
    assert any("a softmax over the rows" in note for note in tg.lint(loss).not_looked_at)


def test_a_complete_record_leaves_nothing_out():
    model = network()
    with tg.record() as r:
        loss = nn.cross_entropy(model(X), Y)
        loss.backward()
        inside = tg.lint(loss, model)
    assert str(inside) == str(tg.lint(loss, model, record=r)) == "no findings"


def test_modules_are_named():
    model = network()
    with tg.no_grad():
        model[0].bias -= 100
    with tg.record() as r:
        loss = nn.cross_entropy(model(X), Y)
    assert "16 of 16 units of relu (module 1)" in tg.lint(loss, model, record=r)[0].what


def test_lint_changes_nothing():
    x = leaf(0.0, 4.0)
    loss = tg.where(x > 0, tg.sqrt(x), 0).sum()
    assert len(tg.lint(loss)) == 1
    with np.errstate(invalid="ignore"):
        loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [np.nan, 0.25])


def test_wrong_arguments():
    with pytest.raises(TypeError, match="looks at a Tensor, the loss, not float"):
        tg.lint(1.0)
    with pytest.raises(TypeError, match=r"takes an nn\.Module as model, not int"):
        tg.lint(leaf(1.0).sum(), 3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [np.zeros((0, 3)), np.array([0.0, 1.0])], ids=["empty", "inf"])
def test_gradients_that_are_empty_or_infinite(values):
    x = tg.Tensor(values, requires_grad=True)
    with tg.record() as r, np.errstate(all="ignore"):
        loss = (tg.relu(x) ** 0.5).sum()
        loss.backward()
    assert "missing zero_grad" not in [finding.kind for finding in tg.lint(loss, record=r)]


def test_a_bare_number_on_the_way():
    w = tg.Tensor(1.5, requires_grad=True, name="w")
    x = leaf(1.0, 2.5)
    with tg.record() as r:
        loss = w * w + math.exp(w) + (x / math.sqrt((x * x).sum())).sum()
        before = tg.lint(loss)
        with pytest.warns(tg.DetachedWarning):
            loss.backward()
    for findings in (before, tg.lint(loss, record=r)):
        assert [finding.kind for finding in findings] == ["bare number"] * 2
        assert "float(t) made a bare number of 'w' at" in findings[0].what
        assert "of the result of sum at" in findings[1].what
        assert "divide at" in findings[1].what
        assert ".item()" in findings[1].remedy


def test_numbers_that_are_only_looked_at_are_no_mistake():
    w = leaf(1.5)
    with tg.record() as r:
        loss = (w * w).sum()
        numbers = [float(loss), float((w * 3).sum())]
        loss.backward()
        numbers.append(float(loss))
    assert str(tg.lint(loss, record=r)) == "no findings"
