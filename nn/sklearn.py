"""Estimators of scikit-learn that are trained by `nn`: `from nn.sklearn import Classifier`.

They are scikit-learn's in every way: pipelines, grid searches in several processes, labels of text.
The network stays at hand in `module_`, for everything that this library shows of one.
"""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg

from .arguments import check_callable, whole_number
from .containers import Sequential
from .layers.activations import ReLU
from .layers.basics import Linear
from .module import Module
from .optimizers.rules import Adam
from .training.loop import fit

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        'nn.sklearn needs scikit-learn 1.6 or newer: pip install "tinygrad-np[sklearn]"'
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Classifier", "Regressor"]


class _Estimator(BaseEstimator):
    """Base of both estimators: the network, its training, its outputs.

    Parameters are checked in `fit`, as scikit-learn has it.
    """

    def _train(self, X: np.ndarray, y: np.ndarray, outputs: int, **options: Any) -> None:
        """Make a network of so many outputs, and train it."""
        whole_number("epochs", self.epochs, 1)
        check_callable("optimizer", self.optimizer, "a function of (parameters, lr=lr), as nn.Adam")
        with _seeded(self.random_state):
            model = self._network(X, outputs)
            optimizer = self.optimizer(model.parameters(), lr=self.lr)
            size = None if self.batch_size is None else min(self.batch_size, len(X))
            self.history_ = fit(
                model,
                X,
                y,
                optimizer=optimizer,
                epochs=self.epochs,
                batch_size=size,
                progress=bool(self.verbose),
                **options,
            )
        self.module_ = model

    def _network(self, X: np.ndarray, outputs: int) -> Module:
        inputs = X.shape[1]
        wanted = "module is a function (inputs, outputs) that makes an nn.Module anew for each fit"
        if self.module is None:
            if np.ndim(self.hidden) != 1:
                raise TypeError(f"hidden must be widths of layers, (64,), not {self.hidden!r}")
            widths = [inputs, *self.hidden, outputs]
            layers: list[Module] = []
            for width, following in itertools.pairwise(widths):
                layers += [Linear(width, following), ReLU()]
            return Sequential(*layers[:-1])
        if isinstance(self.module, Module):
            raise TypeError(f"{wanted}, not a {type(self.module).__name__} itself")
        model = self.module(inputs, outputs)
        if not isinstance(model, Module):
            raise TypeError(f"{wanted}, but it made a {type(model).__name__}")
        return model

    def _checked(self, X: Any, **options: Any) -> Any:
        """Return data as arrays of float32."""
        options["allow_nd"] = self.module is not None  # it may take images
        try:
            return validate_data(self, X, dtype=np.float32, **options)
        except (TypeError, ValueError) as error:
            if hasattr(X, "columns"):
                columns = tg.Tensor(X).numpy().T  # its error names a column that is not of numbers
                for name, numbers in zip(X.columns, columns):
                    if not np.isfinite(numbers).all():
                        raise ValueError(f"column {name!r} of X: {error}") from None
            raise

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.module_.predict(self._checked(X, reset=False))


class Classifier(ClassifierMixin, _Estimator):
    """Classes by a network that is trained with cross-entropy.

        model = make_pipeline(StandardScaler(), Classifier(hidden=(64, 64), random_state=0))
        model.fit(X, y).score(X_test, y_test)

    Args:
        hidden: widths of the dense layers with ReLU before the last one.
        module: in their place, a function (inputs, outputs) that makes an nn.Module whose outputs
            are logits. X may then have more than two axes; inputs is the length of the second.
        optimizer: makes an optimizer of (parameters, lr=lr).
        lr: the learning rate.
        epochs: passes over the data.
        batch_size: rows per update; None means all of them at once.
        class_weight: weights by label, or "balanced".
        random_state: a seed, for starting weights, shuffling and dropout.
        verbose: True for a progress bar.

    Attributes:
        classes_: the labels, in the order of the outputs.
        module_: the network.
        history_: the History of `nn.fit`.
        n_features_in_, feature_names_in_: what X had in `fit`.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (64,),
        *,
        module: Callable[[int, int], Module] | None = None,
        optimizer: Callable[..., Any] = Adam,
        lr: float = 0.01,
        epochs: int = 50,
        batch_size: int | None = 32,
        class_weight: Any = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden = hidden
        self.module = module
        self.optimizer = optimizer
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Classifier:
        """Train a new network on rows X and their labels y, and return the estimator."""
        X, y = self._checked(X, y=y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"there is one class only, {self.classes_.tolist()}: nothing to learn")
        weight = self.class_weight
        if isinstance(weight, dict):
            labels = self.classes_.tolist()
            unknown = [label for label in weight if label not in labels]
            if unknown and not weight.keys() >= set(labels):
                raise ValueError(f"class_weight: no label is {unknown[0]!r}; there are {labels}")
            weight = [weight.get(label, 1.0) for label in labels]
        elif (
            weight is not None and not isinstance(weight, str) and len(weight) != len(self.classes_)
        ):
            raise ValueError(
                f"class_weight has {len(weight)} weights for {len(self.classes_)} labels"
            )
        self._train(X, numbers, len(self.classes_), loss="cross_entropy", class_weight=weight)
        return self

    def _network(self, X: np.ndarray, outputs: int) -> Module:
        model = super()._network(X, outputs)
        shape = model.predict(X[:1]).shape
        if shape != (1, outputs):
            raise ValueError(f"module makes logits of shape {shape} for a row, not {(1, outputs)}")
        return model

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes, (rows, classes)."""
        return tg.softmax(self._outputs(X).astype(np.float64))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most likely labels, (rows,)."""
        numbers = self._outputs(X).argmax(axis=1)
        return self.classes_[numbers]


class Regressor(RegressorMixin, _Estimator):
    """Numbers by a network that is trained with the mean squared error.

    Args:
        hidden, optimizer, lr, epochs, batch_size, random_state, verbose: as of `Classifier`.
        module: a function (inputs, outputs) that makes an nn.Module.
        loss: a function of (output, target), or its name, such as "huber_loss".

    Attributes:
        module_, history_, n_features_in_, feature_names_in_: as of `Classifier`.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (64,),
        *,
        module: Callable[[int, int], Module] | None = None,
        optimizer: Callable[..., Any] = Adam,
        lr: float = 0.01,
        epochs: int = 50,
        batch_size: int | None = 32,
        loss: Any = "mse_loss",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden = hidden
        self.module = module
        self.optimizer = optimizer
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.loss = loss
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Regressor:
        """Train a new network on rows X and their numbers y, and return the estimator.

        y is (rows,), or (rows, outputs) for several numbers of each.
        """
        X, y = self._checked(X, y=y, multi_output=True, y_numeric=True)
        self._single = y.ndim == 1
        self._dtype = y.dtype if y.dtype.kind == "f" else np.float32
        y = y.reshape(len(y), -1).astype(np.float32)
        self._train(X, y, y.shape[1], loss=self.loss)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Any) -> np.ndarray:
        """Return the numbers for each row, in the shape that y had, and in its dtype of floats."""
        outputs = self._outputs(X).astype(self._dtype)
        return outputs[:, 0] if self._single else outputs


@contextlib.contextmanager
def _seeded(random_state: Any) -> Iterator[None]:
    """Let the default generator begin at a seed inside, and go on after it as if it had not."""
    if random_state is None:
        yield
        return
    seed = check_random_state(random_state).randint(2**31)
    bits = tg.default_generator().bit_generator
    before = bits.state
    bits.state = np.random.PCG64(seed).state
    try:
        yield
    finally:
        bits.state = before
