"""Scores against scikit-learn; and metrics over an epoch, which are not averages of batches."""

from functools import partial

import numpy as np
import pytest

import nn
import tinygrad_np as tg

RNG = np.random.default_rng(0)


def cases():
    """Outputs, targets and predictions: few classes, many, one that is missing, one never hit."""
    for classes, rows in ((2, 40), (3, 40), (7, 25), (4, 1)):
        outputs = RNG.standard_normal((rows, classes))
        target = RNG.integers(0, max(classes - 1, 2), rows)
        yield outputs, target, outputs.argmax(axis=1)
    constant = np.zeros((9, 3))
    yield constant, RNG.integers(0, 3, 9), constant.argmax(axis=1)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
def test_scores_are_those_of_scikit_learn(name, average):
    sklearn = pytest.importorskip("sklearn.metrics")
    theirs, ours = getattr(sklearn, f"{name}_score"), getattr(nn, name)
    for outputs, target, predicted in cases():
        for given, classes in ((outputs, outputs.shape[1]), (predicted, None)):
            classes = classes or max(predicted.max(), target.max(), 1) + 1
            options = {"average": average, "zero_division": 0}
            if average is None:
                options["labels"] = range(classes)
            expected = theirs(target, predicted, **options)
            assert np.allclose(ours(given, target, average), expected, rtol=1e-12)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_binary_scores_are_those_of_scikit_learn(name):
    sklearn = pytest.importorskip("sklearn.metrics")
    theirs, ours = getattr(sklearn, f"{name}_score"), getattr(nn, name)
    p, target = RNG.random(50).astype(np.float32), RNG.integers(0, 2, 50)
    for limit in (0.5, 0.9, 1.5):
        expected = theirs(target, p > limit, zero_division=0)
        assert ours(p, target, threshold=limit) == pytest.approx(expected, rel=1e-12)
        assert ours(p[:, None], target[:, None].astype(float), threshold=limit) == ours(
            tg.Tensor(p), tg.Tensor(target), threshold=limit
        )
        assert ours(p > limit, target) == pytest.approx(expected, rel=1e-12)
    both = np.stack([1 - p, p], axis=1)
    assert ours(both, target) == pytest.approx(theirs(target, p > 0.5, zero_division=0))


@pytest.mark.oracle
def test_other_metrics_are_those_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics")
    for outputs, target, predicted in cases():
        labels = range(outputs.shape[1])
        theirs = sklearn.confusion_matrix(target, predicted, labels=labels)
        assert np.array_equal(nn.confusion_matrix(outputs, target), theirs)
        if len(np.unique(outputs)) > 1 and outputs.shape[1] > 2:
            for k in range(1, outputs.shape[1]):
                expected = sklearn.top_k_accuracy_score(target, outputs, k=k, labels=labels)
                assert nn.top_k_accuracy(outputs, target, k) == pytest.approx(expected)
        assert nn.top_k_accuracy(outputs, target, 1) == nn.accuracy(outputs, target)
        assert nn.top_k_accuracy(outputs, target, outputs.shape[1]) == 1
    for shape in ((30,), (30, 1), (30, 3)):
        y, out = RNG.standard_normal(shape), RNG.standard_normal(shape)
        out[4] = y[4]
        if shape == (30, 3):
            y[:, 1] = 2  # no spread
        assert nn.r2(out, y) == pytest.approx(sklearn.r2_score(y, out))
        assert nn.mse(out, y) == pytest.approx(sklearn.mean_squared_error(y, out))
        assert nn.mae(out, y) == pytest.approx(sklearn.mean_absolute_error(y, out))
        assert nn.rmse(out, y) == pytest.approx(nn.mse(out, y) ** 0.5)
    assert nn.r2(np.ones(5), np.ones(5)) == sklearn.r2_score(np.ones(5), np.ones(5)) == 1


@pytest.mark.oracle
@pytest.mark.parametrize("ties", [False, True])
def test_roc_auc_is_that_of_scikit_learn(ties):
    sklearn = pytest.importorskip("sklearn.metrics")
    scores = RNG.standard_normal(60).astype(np.float32)
    scores = np.round(scores) if ties else scores
    target = RNG.integers(0, 2, 60)
    expected = sklearn.roc_auc_score(target, scores)
    assert nn.roc_auc(scores, target) == pytest.approx(expected, rel=1e-12)
    assert nn.roc_auc(scores[:, None], target[:, None]) == pytest.approx(expected, rel=1e-12)
    assert nn.roc_auc(scores[:, None], target) == pytest.approx(expected, rel=1e-12)
    assert nn.roc_auc(np.stack([0 * scores, scores], 1), target) == pytest.approx(expected)
    logits = RNG.standard_normal((60, 4))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = RNG.permutation(np.arange(60) % 4)
    expected = sklearn.roc_auc_score(target, probs, multi_class="ovr")
    assert nn.roc_auc(logits, target) == pytest.approx(expected, rel=1e-9)
    probs = np.round(probs * 8) / 8 if ties else probs
    probs /= probs.sum(axis=1, keepdims=True)
    expected = sklearn.roc_auc_score(target, probs, multi_class="ovr")
    assert nn.roc_auc(probs, target) == pytest.approx(expected, rel=1e-9)


def test_perplexity_is_the_number_of_equally_likely_classes():
    assert nn.perplexity(np.zeros((5, 7)), np.arange(5)) == pytest.approx(7)
    assert nn.perplexity(np.zeros((2, 5, 7)), np.full((2, 5), 3)) == pytest.approx(7)
    logits = np.array([[50.0, 0, 0], [0, 0, 0]])
    assert nn.perplexity(logits, [0, 9], ignore_index=9) == pytest.approx(1)


# --- what is no prediction ------------------------------------------------------------------------

ALL = [nn.precision, nn.recall, nn.f1, nn.roc_auc, nn.top_k_accuracy]


def called(metric, outputs, target):
    options = {"average": "macro"} if metric in ALL[:3] else {}
    return metric(outputs, target, **({"k": 2} if metric is nn.top_k_accuracy else options))


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("label", [-1, 3, 255, 0.5, np.nan])
def test_labels_that_are_no_class_are_refused(metric, label):
    with pytest.raises(ValueError, match=r"label .* at row 2, but"):
        called(metric, np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, label, 2]))


@pytest.mark.parametrize("metric", ALL)
def test_outputs_that_are_nan_score_nan(metric):
    outputs = np.eye(3)[[0, 1, 2, 0]]
    outputs[1, 2] = np.nan
    assert np.isnan(called(metric, outputs, [0, 1, 2, 0]))
    with pytest.raises(ValueError, match="the outputs hold a nan"):
        nn.confusion_matrix(outputs, [0, 1, 2, 0])


@pytest.mark.parametrize("metric", [nn.mse, nn.mae, nn.rmse, nn.r2])
def test_numbers_that_are_nan_or_would_broadcast(metric):
    assert np.isnan(metric([1.0, np.nan, 2.0], [1.0, 2.0, 3.0]))
    assert np.isnan(metric([1.0, 2.0], [np.nan, 2.0]))
    for outputs, target in ((np.ones((4, 1)), np.ones(4)), (np.ones(4), np.ones((4, 1)))):
        with pytest.raises(ValueError, match="do not fit each other"):
            metric(outputs, target)
    with pytest.raises(ValueError, match=r"no predictions|two predictions"):
        metric(np.ones((0, 2)), np.ones((0, 2)))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: nn.f1(np.eye(3), [0, 1, 2]), r"f1 of 3 classes needs an average.*f1_macro"),
        (lambda: nn.f1(np.eye(3), np.eye(3), "macro"), r"target\.argmax\(axis=-1\)"),
        (lambda: nn.f1(np.eye(2), [0, 1], "mean"), r"average must be 'binary'.*not 'mean'"),
        (
            lambda: nn.f1(np.ones((3, 1)), [0, 1, 1]),
            r"have a single class: pass outputs\[\.\.\., 0\]",
        ),
        (lambda: nn.f1(np.ones((3, 2)), [0, 1]), r"do not fit"),
        (lambda: nn.f1(np.ones((0, 2)), []), r"the f1 of no predictions"),
        (lambda: nn.roc_auc([0.1, 0.4], [1, 1]), r"all rows are of class 1"),
        (lambda: nn.roc_auc(np.eye(3)[[0, 1]], [0, 1]), r"no row is of class 2"),
        (lambda: nn.roc_auc(np.ones((3, 2)), np.ones((3, 2))), r"do not fit"),
        (
            lambda: nn.top_k_accuracy(np.eye(3), [0, 1, 2]),
            r"k is 5, but outputs .3, 3. have 3 columns",
        ),
        (lambda: nn.top_k_accuracy(np.eye(3), np.eye(3), 1), r"do not fit"),
        (lambda: nn.f1(np.array([0, -1]), [0, 1]), r"classes are numbered from 0"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# --- over an epoch --------------------------------------------------------------------------------

X = RNG.standard_normal((50, 2)).astype(np.float32)
Y = (X.sum(axis=1) + RNG.standard_normal(50) > 0).astype(np.int64)


@nn.over_epoch
def share_of_ones(outputs, target):
    return outputs.numpy().argmax(axis=1).mean() ** 2


METRICS = {
    "f1": "f1",
    "wrapped": lambda out, y: nn.f1(out, y, "macro"),
    "partial": partial(nn.recall, average="micro"),
    "roc_auc": nn.roc_auc,
    "perplexity": "perplexity",
    "own": share_of_ones,
    "accuracy": nn.accuracy,
}


@pytest.mark.parametrize("compile", [None, False])
@pytest.mark.parametrize("as_batches", [False, True])
def test_metrics_of_an_epoch_are_those_of_all_its_rows(compile, as_batches):
    """With a learning rate of 0, those of the data; a batch of one class has no ROC-AUC."""
    order = np.argsort(Y, kind="stable")
    x, y = X[order], Y[order]
    model = nn.Linear(2, 2, rng=np.random.default_rng(0))
    options = {"loss": "cross_entropy", "metrics": METRICS}
    expected = nn.evaluate(model, x, y, **options)
    data = (x, y)
    if as_batches:
        data = (nn.data.batches(x, y, 7, shuffle=False),)
    history = nn.fit(
        model, *data, **options, optimizer=nn.SGD(model.parameters(), lr=0.0), progress=False,
        batch_size=None if as_batches else 7, shuffle=False, compile=compile, epochs=3,
        validation_data=nn.data.batches(x, y, 9, shuffle=False),
    )  # fmt: skip
    assert list(history) == ["loss", *METRICS, "lr", "val_loss", *(f"val_{n}" for n in METRICS)]
    for name, value in expected.items():
        assert history[name] == [pytest.approx(value, rel=1e-6)] * 3
        assert history[f"val_{name}"] == [pytest.approx(value, rel=1e-6)] * 3
    assert nn.evaluate(model, x, y, batch_size=8, **options) == pytest.approx(expected, rel=1e-6)


def test_names_are_looked_up_and_unknown_ones_are_told_of():
    model = nn.Linear(2, 1)
    y = Y[:, None]
    loss = nn.BCEWithLogitsLoss()
    scores = nn.evaluate(model, X, y, loss=loss, metrics=["binary_accuracy", "f1"])
    out = model.predict(X)
    assert scores["binary_accuracy"] == nn.binary_accuracy(out, y, threshold=0)
    assert scores["f1"] == nn.f1(out, y, threshold=0)
    assert nn.evaluate(model, X, y, loss="mse_loss") == nn.evaluate(model, X, y, loss="mse")
    for options, said in (
        ({"loss": "msr"}, "no loss 'msr'; there are cross_entropy, nll, mse,"),
        ({"loss": "mse", "metrics": ["acc"]}, "no metric 'acc'; there are accuracy, binary_acc"),
        ({"loss": "mse", "metrics": ["mae", nn.mae]}, "two metrics are named 'mae'"),
    ):
        with pytest.raises(ValueError, match=said):
            nn.evaluate(model, X, y, **options)
    with pytest.raises(TypeError, match=r"'m' must return a number, not an array \(2, 2\)"):
        nn.evaluate(nn.Linear(2, 2), X, Y, loss="cross_entropy",
                    metrics={"m": nn.confusion_matrix})  # fmt: skip
