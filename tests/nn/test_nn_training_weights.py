"""fit: weights of rows and classes, several batches per update, and batches as data."""

from functools import partial

import numpy as np
import pytest

import nn

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

RNG = np.random.default_rng(0)
X = RNG.standard_normal((23, 2))
Y = RNG.integers(0, 3, 23)
W = RNG.random(23) * (RNG.random(23) > 0.3)
COMPILE = pytest.mark.parametrize("compile", [None, True, False])


def train(*data, loss="cross_entropy", outputs=3, penalty=0.01, **options):
    """Train a small network in float64; its history and its parameters."""
    rng = np.random.default_rng(1)
    model = nn.Sequential(
        nn.Linear(2, 5, rng=rng, dtype=np.float64, weight_l2=penalty),
        nn.Tanh(),
        nn.Linear(5, outputs, rng=rng, dtype=np.float64),
    )
    history = nn.fit(
        model, *data, loss=loss, optimizer=nn.Adam(model.parameters(), lr=0.05), epochs=4,
        progress=False, rng=np.random.default_rng(2), **options,
    )  # fmt: skip
    return history.metrics, model.state_dict()


def close(one, other, rtol=1e-9):
    assert one[0].keys() == other[0].keys()
    for a, b in zip(one, other, strict=True):
        for name, values in a.items():
            assert np.allclose(values, b[name], rtol=rtol, atol=1e-12), name


# --- accumulation ---------------------------------------------------------------------------------


@COMPILE
@pytest.mark.parametrize("weights", [None, W])
@pytest.mark.parametrize(("size", "accumulate"), [(4, 3), (2, 4), (5, 99), (23, 2)])
def test_several_batches_are_one_large_batch(size, accumulate, weights, compile):
    """23 rows: the last batch and the last group are smaller than the others."""
    options = {"sample_weight": weights, "metrics": ["accuracy", "f1_macro"]}
    large = train(X, Y, batch_size=size * accumulate, compile=False, **options)
    options["compile"] = compile
    small = train(X, Y, batch_size=size, accumulate=accumulate, **options)
    close(large, small)


def test_updates_and_hooks_are_counted_by_updates():
    seen = []

    class Note(nn.Callback):
        def on_batch(self, run):
            seen.append((run.epoch, run.batch, run.updates))

    train(X, Y, batch_size=5, accumulate=2, callbacks=[Note()])
    assert seen[:4] == [(1, 2, 1), (1, 4, 2), (1, 5, 3), (2, 2, 4)]
    assert len(seen) == 12


def test_predictions_that_do_not_count_are_not_counted_in_parts_either():
    loss = partial(nn.cross_entropy, ignore_index=2)
    large = train(X, Y, loss=loss, batch_size=12, compile=False)
    small = train(X, Y, loss=loss, batch_size=4, accumulate=3, compile=False)
    for name, values in large[1].items():
        assert np.allclose(values, small[1][name], rtol=1e-9), name


def test_a_failure_in_a_part_makes_no_update():
    calls = []

    def loss(output, target):
        calls.append(None)
        return nn.cross_entropy(output, target) * (np.nan if len(calls) == 5 else 1)

    model = nn.Linear(2, 3)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(FloatingPointError, match="epoch 1, batches 4 to 6; the parameters are"):
        nn.fit(
            model, X, Y, loss=loss, optimizer=optimizer, batch_size=4, accumulate=3,
            compile=False, progress=False,
        )  # fmt: skip
    assert optimizer.steps == 1


# --- clipping -------------------------------------------------------------------------------------


@COMPILE
@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize(("norm", "value"), [(0.1, None), (None, 0.02), (0.05, 0.02), (1e9, 1e9)])
def test_clipped_updates_are_those_of_the_formula(norm, value, accumulate, compile):
    """By gradient descent on a line of known gradient, 2·mean(x·(w·x - y))."""
    x, y = X[:12], X[:12] @ [[3.0], [-2.0]]
    model = nn.Linear(2, 1, bias=False, dtype=np.float64, rng=np.random.default_rng(0))
    w = model.weight.numpy().copy()
    nn.fit(
        model, x, y, loss="mse", optimizer=nn.SGD(model.parameters(), lr=0.5), epochs=6,
        batch_size=12 // accumulate, accumulate=accumulate, clip_norm=norm, clip_value=value,
        compile=compile, progress=False,
    )  # fmt: skip
    for _ in range(6):
        g = 2 * x.T @ (x @ w - y) / 12
        if value is not None:
            g = np.clip(g, -value, value)
        if norm is not None:
            g = g * min(1, norm / (np.linalg.norm(g) + 1e-6))
        w -= 0.5 * g
    assert np.allclose(model.weight.numpy(), w, rtol=1e-10)


def test_a_limit_is_not_negative():
    for options in ({"clip_norm": -1}, {"clip_value": np.nan}):
        with pytest.raises(ValueError, match="clip_"):
            train(X, Y, **options)


# --- weights --------------------------------------------------------------------------------------


@COMPILE
@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_a_row_of_weight_three_counts_as_three_rows(loss, compile):
    times = np.arange(23) % 4
    rows = np.repeat(np.arange(23), times)
    y = Y if loss == "cross_entropy" else RNG.standard_normal((23, 3))
    weighted = train(X, y, loss=loss, sample_weight=times, compile=compile)
    close(weighted, train(X[rows], y[rows], loss=loss, compile=False))
    close(train(X, y, loss=loss, batch_size=4), train(X, y, loss=loss, batch_size=4,
                                                      sample_weight=np.full(23, 2.5)))  # fmt: skip


@COMPILE
def test_weights_of_classes_are_those_of_the_loss(compile):
    wanted = train(X, Y, loss=nn.CrossEntropyLoss(weight=[1.0, 0.25, 3.0]), compile=False)
    for given in ({0: 1, 1: 0.25, 2: 3}, [1, 0.25, 3], np.array([1, 0.25, 3], np.float32)):
        close(wanted, train(X, Y, class_weight=given, compile=compile))
    own = np.array([1, 0.25, 3])[Y]
    close(train(X, Y, sample_weight=own * W), train(X, Y, class_weight=given, sample_weight=W))


@pytest.mark.oracle
def test_balanced_weights_are_those_of_scikit_learn():
    utils = pytest.importorskip("sklearn.utils")
    y = np.array([0, 2, 2, 2, 5] * 4)
    weights = utils.compute_class_weight("balanced", classes=np.array([0, 2, 5]), y=y)
    given = dict(zip([0, 2, 5], weights.tolist()))
    x = X[:20]
    options = {"outputs": 6, "batch_size": 7}
    close(train(x, y, class_weight="balanced", **options),
          train(x, y, class_weight=given, **options))  # fmt: skip


def test_a_binary_target_of_floats_has_classes_too():
    y = (Y > 0).astype(float)[:, None]
    options = {"loss": nn.BCEWithLogitsLoss(), "outputs": 1}
    one = train(X, y, class_weight={0: 1, 1: 4}, **options)
    close(one, train(X, y, sample_weight=1 + 3 * y.ravel(), **options))


def test_the_average_over_an_epoch_is_the_weighted_one():
    model = nn.Linear(2, 3, dtype=np.float64)
    losses = nn.cross_entropy(model.predict(X), Y, reduction="none")
    history = nn.fit(
        model, X, Y, loss="cross_entropy", optimizer=nn.SGD(model.parameters(), lr=0.0),
        batch_size=6, sample_weight=W, progress=False,
    )  # fmt: skip
    assert history["loss"] == [pytest.approx(np.average(losses, weights=W))]


def test_batches_without_any_weight_make_no_update():
    weights = np.where(np.arange(23) < 8, 0.0, 1.0)
    options = {"batch_size": 4, "shuffle": False}
    one = train(X, Y, sample_weight=weights, **options)
    close(one, train(X[8:], Y[8:], **options))
    source = Source(X, Y, weights, size=4)
    close(one, train(source))


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"sample_weight": np.ones(22)}, ValueError, r"must be of shape \(23,\), a num"),
        ({"sample_weight": np.ones((23, 1))}, ValueError, r"must be of shape \(23,\)"),
        ({"sample_weight": -np.ones(23)}, ValueError, r"not negative: it is -1.0 at 0"),
        ({"sample_weight": np.full(23, np.nan)}, ValueError, r"it is nan at 0"),
        ({"sample_weight": np.zeros(23)}, ValueError, r"weights of all rows are 0"),
        ({"class_weight": {0: 1, 1: 1}}, ValueError, r"no class 2, that of row \d"),
        ({"class_weight": "even"}, ValueError, r"must be 'balanced' or weights, not 'even'"),
        ({"class_weight": {0: 1, 1: -1, 2: 1}}, ValueError, r"not negative"),
        ({"class_weight": [1, 2, 3], "loss": "mse"}, ValueError, r"'mse'.*|class number per row"),
        ({"sample_weight": W, "loss": lambda o, y: nn.cross_entropy(o, y)}, TypeError,
         r"need the loss of each row: a loss that takes reduction='none'"),
        ({"sample_weight": W, "loss": nn.CrossEntropyLoss(reduction="sum")}, TypeError,
         r"need the loss of each row"),
        ({"class_weight": [1, 2, 3], "loss": nn.CrossEntropyLoss(weight=[1.0, 1, 1])}, ValueError,
         r"the loss has weight= of its own"),
        ({"sample_weight": W, "loss": partial(nn.cross_entropy, ignore_index=1)}, ValueError,
         r"the loss has ignore_index= of its own"),
        ({"accumulate": 0}, ValueError, r"accumulate must be at least 1"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit(options, error, said):
    y = Y if options.get("loss") != "mse" else RNG.standard_normal((23, 3))
    with pytest.raises(error, match=said):
        train(X, y, **options)


# --- batches as data ------------------------------------------------------------------------------


class Source:
    """Batches that can be looped over again, without a length."""

    def __init__(self, *arrays, size=6):
        self.arrays, self.size = arrays, size

    def __iter__(self):
        for start in range(0, len(self.arrays[0]), self.size):
            yield tuple(a[start : start + self.size] for a in self.arrays)


@pytest.mark.parametrize(("accumulate", "compile"), [(1, None), (3, None), (3, False)])
def test_batches_train_as_arrays_do(accumulate, compile):
    options = {"accumulate": accumulate, "compile": compile, "metrics": ["accuracy"]}
    wanted = train(X, Y, batch_size=6, shuffle=False, **options)
    loader = nn.data.batches(X, Y, 6, shuffle=False)
    for source in (Source(X, Y), loader, list(Source(X, Y))):
        assert train(source, **options)[0] == wanted[0]
    weighted = train(X, Y, batch_size=6, shuffle=False, sample_weight=W, **options)
    close(train(Source(X, Y, W), **options), weighted)
    shuffled = nn.data.batches(X, Y, 6, rng=np.random.default_rng(2))
    assert train(shuffled, **options)[0] == train(X, Y, batch_size=6, **options)[0]


def test_a_run_of_batches_is_resumed(tmp_path):
    def run(epochs, **options):
        source = nn.data.batches(X, Y, 6, rng=np.random.default_rng(5))
        last = nn.Checkpoint(tmp_path / "run.npz")
        model = nn.Linear(2, 3, rng=np.random.default_rng(0))
        optimizer = nn.Adam(model.parameters())
        return nn.fit(
            model, source, loss="cross_entropy", optimizer=optimizer, epochs=epochs,
            callbacks=[last], progress=False, **options,
        ).metrics  # fmt: skip

    whole = run(5)
    run(2)
    assert run(5, resume=True) == whole
    with pytest.raises(ValueError, match="can't be gone on with in its middle"):
        train(Source(X, Y), callbacks=[nn.Checkpoint(tmp_path / "b.npz", updates=1)])


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        ((X,), TypeError, r"without y, x must be batches, such as nn\.data\.batches\(x, y\), not "),
        ((3,), TypeError, r"x must be batches.*not 3"),
        ((iter(list(Source(X, Y))),), ValueError, r"no batches: an iterator can be looped over"),
        (([],), ValueError, r"gave no batches"),
        (([X[:3], X[3:6]],), TypeError, r"batch 1 of the data must be a pair \(x, y\)"),
        (([(X[:3], Y[:3]), (X, Y[:3])],), ValueError, r"x and y of batch 2 must have the same le"),
        (([(X[:3], Y[:3]), (X[:0], Y[:0])],), ValueError, r"x and y of batch 2 are empty"),
    ],
)
def test_batches_that_do_not_fit(data, error, said):
    with pytest.raises(error, match=said):
        train(*data)


def test_a_nan_in_a_batch_is_told_of():
    x = X.copy()
    x[8, 1] = np.nan
    said = r"epoch 1, batch 2; .* row 2 of x of the batch has nan in column 1\."
    with pytest.raises(FloatingPointError, match=said):
        train(Source(x, Y), penalty=0)
    for options, said in (
        ({"batch_size": 3}, "batch_size is for arrays"),
        ({"sample_weight": W}, "sample_weight is for arrays: give batches of"),
        ({"class_weight": "balanced"}, "class_weight='balanced' counts all rows, which"),
    ):
        with pytest.raises(ValueError, match=said):
            train(Source(X, Y), **options)
    metrics = {"metrics": {"m": lambda out, y: None}}
    with pytest.raises(TypeError, match="the metric 'm' must return a number, not None"):
        train(X, Y, **metrics)


def test_the_column_of_a_frame_is_named():
    """A frame has columns, and becomes an array: as those of pandas and polars."""

    class Frame:
        columns = ("age", "income")

        def __array__(self, dtype=None, copy=None):
            return x

    x = X.copy()
    x[[17, 19], 1] = np.nan
    said = r"row 17 of x has nan in column 1 \('income'\), as another row has: clean"
    with pytest.raises(FloatingPointError, match=said):
        train(Frame(), Y)
