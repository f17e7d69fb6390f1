"""The estimators of nn.sklearn: scikit-learn's own checks, its tools, labels, tables, bad input."""

import functools
import pickle

import numpy as np
import pytest

import nn
import tinygrad_np as tg

pytest.importorskip("sklearn", minversion="1.6")
pytestmark = pytest.mark.oracle

from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from nn.sklearn import Classifier, Regressor  # noqa: E402


@parametrize_with_checks([Classifier(), Regressor()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture
def moons():
    X, y = nn.data.moons(100, rng=np.random.default_rng(0))
    order = np.random.default_rng(1).permutation(len(y))
    return X[order], np.array(["north", "south"])[y[order]]


def same(first, second, X):
    return np.array_equal(first.predict_proba(X), second.predict_proba(X))


def test_in_a_pipeline_and_a_search(moons):
    X, labels = moons
    model = make_pipeline(StandardScaler(), Classifier(epochs=30, random_state=0))
    assert cross_val_score(model, X, labels, cv=3).mean() > 0.9
    grid = {"classifier__hidden": [(4,), (32,)], "classifier__optimizer": [nn.Adam, nn.SGD]}
    search = GridSearchCV(model, grid, cv=2, n_jobs=2).fit(X, labels)
    assert set(search.best_params_) == set(grid)
    assert search.best_estimator_.predict(X[:3]).dtype == labels.dtype
    assert list(search.classes_) == ["north", "south"]


def test_a_seed_says_everything(moons):
    X, labels = moons
    tg.manual_seed(5)
    first = Classifier(epochs=3, random_state=1).fit(X, labels)
    tg.manual_seed(6)
    before = tg.default_generator().bit_generator.state
    second = clone(first).fit(X, labels)
    assert same(first, second, X)
    assert tg.default_generator().bit_generator.state == before
    assert not same(first, Classifier(epochs=3, random_state=2).fit(X, labels), X)
    assert same(first, pickle.loads(pickle.dumps(first)), X)


def test_the_network_is_at_hand(moons):
    X, labels = moons
    model = Classifier(hidden=(8,), epochs=20, random_state=0).fit(X, labels)
    assert [p.shape for p in model.module_.parameters()] == [(2, 8), (8,), (8, 2), (2,)]
    assert len(model.history_) == 20
    model.module_.zero_grad()
    with tg.record() as run:
        loss = nn.cross_entropy(model.module_(X.astype("f4")), (labels == "south").astype(int))
        loss.backward()
    assert not tg.lint(loss, model.module_, record=run)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-12)


class Net(nn.Module):
    def __init__(self, inputs, outputs):
        self.conv = nn.Conv2d(inputs, 4, 3)
        self.out = nn.Linear(4, outputs)

    def forward(self, x):
        return self.out(tg.relu(self.conv(x)).mean(axis=(2, 3)))


def test_a_module_of_ones_own():
    """Images too, which it takes as they are."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 1, 6, 6))
    X[::2] += 1
    model = Classifier(
        module=Net, optimizer=functools.partial(nn.AdamW, weight_decay=0.01), random_state=0
    ).fit(X, np.arange(60) % 2)
    assert model.score(X, np.arange(60) % 2) > 0.95
    with pytest.raises(TypeError, match=r"makes an nn\.Module anew .* a str"):
        Classifier(module=lambda inputs, outputs: "net").fit([[1.0], [2.0]], [0, 1])
    with pytest.raises(TypeError, match=r"makes an nn\.Module anew .* not a Linear itself"):
        Classifier(module=nn.Linear(1, 2)).fit([[1.0], [2.0]], [0, 1])
    with pytest.raises(ValueError, match=r"logits of shape \(1, 3\) for a row, not \(1, 2\)"):
        Classifier(module=lambda inputs, _: nn.Linear(inputs, 3)).fit([[1.0], [2.0]], [0, 1])
    with pytest.raises(TypeError, match=r"hidden must be widths of layers, \(64,\), not 64"):
        Classifier(hidden=64).fit([[1.0], [2.0]], [0, 1])
    Classifier(hidden=np.array([4, 4]), epochs=1).fit([[1.0], [2.0]], [0, 1])
    with pytest.raises(TypeError, match=r"optimizer must be a function of \(parameters, lr=lr\)"):
        Classifier(optimizer="adam").fit([[1.0], [2.0]], [0, 1])


def test_weights_of_classes():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 1))
    y = np.where(rng.random(200) < 0.5, "a", "b")  # nothing to learn but the weights
    fit = functools.partial(Classifier, hidden=(), epochs=30, random_state=0)
    heavy = fit(class_weight={"b": 50}).fit(X, y)
    assert (heavy.predict(X) == "b").all()
    assert (fit(class_weight={"a": 50}).fit(X, y).predict(X) == "a").all()
    with pytest.raises(ValueError, match=r"no label is 'B'; there are \['a', 'b'\]"):
        fit(class_weight={"B": 50}).fit(X, y)
    with pytest.raises(ValueError, match="class_weight has 3 weights for 2 labels"):
        fit(class_weight=[1, 2, 3]).fit(X, y)
    fit(class_weight={"a": 1, "b": 1, "c": 50}, epochs=1).fit(X, y)  # of a fold without any c
    few = np.where(np.arange(200) < 190, "a", "b")
    balanced = fit(class_weight="balanced", batch_size=None).fit(X * 0, few)
    np.testing.assert_allclose(balanced.predict_proba([[0.0]])[0], 0.5, atol=0.02)


def test_regression():
    X = np.linspace(-1, 1, 200).reshape(-1, 1)
    model = Regressor(hidden=(32,), epochs=60, random_state=0).fit(X, X[:, 0] ** 2)
    assert model.score(X, X[:, 0] ** 2) > 0.97
    both = np.hstack([X**2, -X])
    model = Regressor(epochs=60, loss="huber_loss", random_state=0).fit(X, both)
    assert model.predict(X).shape == (200, 2)
    assert model.score(X, both) > 0.97


def test_one_class_only():
    with pytest.raises(ValueError, match="one class only"):
        Classifier().fit([[1.0], [2.0]], ["a", "a"])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables(library):
    tables = pytest.importorskip(library)
    good = tables.DataFrame({"width": [1.0, 2.0, 3.0, 4.0], "height": [4, 3, 2, 1]})
    model = Classifier(epochs=2).fit(good, [0, 1, 0, 1])
    assert list(model.feature_names_in_) == ["width", "height"]
    assert tg.Tensor(good).shape == (4, 2)
    bad = tables.DataFrame({"width": [1.0, 2.0], "city": ["Rome", "Oslo"]})
    for use in (tg.Tensor, lambda table: Classifier().fit(table, [0, 1])):
        with pytest.raises(TypeError, match="a DataFrame whose column 'city' is of"):
            use(bad)
    hole = tables.DataFrame({"width": [1.0, 2.0], "height": [None, 3.0]})
    with pytest.raises(ValueError, match="column 'height' of X: Input X contains NaN"):
        Classifier().fit(hole, [0, 1])


def test_tables_of_several_kinds():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"width": [1.0, 2.0], "height": pandas.array([1, 3], dtype="Int64")})
    Classifier(epochs=1).fit(table, [0, 1])
    with pytest.raises(TypeError, match=r"whose columns of several kinds .*\.astype\('float64'\)"):
        tg.Tensor(table)
    assert tg.Tensor(table.astype("float64")).shape == (2, 2)
    dated = table.assign(day=pandas.Timestamp("2020-01-01"))
    with pytest.raises(TypeError, match="a DataFrame whose column 'day' is of datetime64"):
        Classifier().fit(dated, [0, 1])
    with pytest.raises(TypeError, match="not a Series of datetime64"):
        tg.Tensor(dated.day)
