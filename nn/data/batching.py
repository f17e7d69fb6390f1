"""Mini-batches, splits and scales of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor, describe

from ..arguments import check_generator, plain_array, whole_number
from ..module import Buffer, Module, as_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.random import Generator

__all__ = ["Batches", "Standardizer", "batches", "split"]


def _rows(name: str, value: Any) -> Any:
    """Return a Tensor as it is, else an array of at least one axis; frames have `to_numpy`."""
    if not isinstance(value, Tensor):
        value = plain_array(name, value.to_numpy() if hasattr(value, "to_numpy") else value)
        if value.dtype.kind not in "biufc":
            raise TypeError(f"{name} must hold numbers, not {value.dtype}: {describe(value)}")
    if value.ndim == 0:
        raise ValueError(f"{name} must have an axis of rows, it is a single number")
    return value


def _pair(x: Any, y: Any) -> tuple[Any, Any]:
    """Return inputs and targets as arrays of one length; targets may be None."""
    x = _rows("x", x)
    if y is None:
        return x, None
    y = _rows("y", y)
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length, not {len(x)} and {len(y)}")
    return x, y


class Batches:
    """The rows of arrays in mini-batches, in a new order in each loop. Made by `batches`.

    `len(b)` is the number of batches of one loop.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        batch_size: int,
        shuffle: bool,
        drop_last: bool,
        transform: Callable[..., Any] | None,
        rng: Generator | None,
    ) -> None:
        self.x, self.y = _pair(x, y)
        self.batch_size = whole_number("batch_size", batch_size, 1)
        check_generator("batches", rng)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.transform = transform
        self.rng = rng

    def __len__(self) -> int:
        whole, rest = divmod(len(self.x), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        order: Any = None
        if self.shuffle:
            order = (self.rng or tg.default_generator()).permutation(len(self.x))
        for k in range(len(self)):
            rows: Any = slice(k * self.batch_size, (k + 1) * self.batch_size)
            if order is not None:
                rows = order[rows]
            batch = (self.x[rows],) if self.y is None else (self.x[rows], self.y[rows])
            if self.transform is not None:
                yield self.transform(*batch)
            else:
                yield batch[0] if self.y is None else batch

    def __repr__(self) -> str:
        return f"Batches({len(self)} of {self.batch_size} rows, {len(self.x):,} in all)"


def batches(
    x: Any,
    y: Any = None,
    batch_size: int = 32,
    *,
    shuffle: bool = True,
    drop_last: bool = False,
    transform: Callable[..., Any] | None = None,
    rng: Generator | None = None,
) -> Batches:
    """Return the rows of (x, y) in mini-batches, for any loop.

        for xb, yb in nn.data.batches(X, y, 64):
            ...

    Args:
        x: inputs: an array, a Tensor, a list, a frame of pandas or polars.
        y: targets of the same length; None to get inputs alone.
        batch_size: rows of a batch; the last one may have fewer.
        shuffle: draw a new order for each loop; without, batches are views and cost no copy.
        drop_last: leave out a last batch that has fewer rows.
        transform: called on (xb, yb), or xb alone; its result is the batch.
        rng: generator of the orders; by default `tinygrad_np.default_generator()`.

    Raises:
        TypeError: data that are no numbers.
        ValueError: lengths that differ, or a batch size below 1.
    """
    return Batches(x, y, batch_size, shuffle, drop_last, transform, rng)


def split(
    x: Any,
    y: Any = None,
    shares: Sequence[float] = (0.8, 0.2),
    *,
    shuffle: bool = True,
    stratify: bool = False,
    rng: Generator | None = None,
) -> list[Any]:
    """Divide rows at random, such as for training and testing.

        (x_train, y_train), (x_test, y_test) = nn.data.split(X, y, (0.8, 0.2))

    Args:
        x, y: as of `batches`.
        shares: of the rows, which sum to 1; as many parts as shares.
        shuffle: False to take the parts one behind the other.
        stratify: every part has each class of y in nearly its share.
        rng: generator; by default `tinygrad_np.default_generator()`.

    Returns:
        A pair (x, y) for each share, or the x alone where y is None. Within a part, rows keep
        their order.

    Raises:
        ValueError: shares that do not sum to 1, or `stratify` without classes.
    """
    x, y = _pair(x, y)
    check_generator("split", rng)
    sizes = plain_array("shares", shares).astype(np.float64)
    if sizes.ndim != 1 or (sizes < 0).any() or abs(sizes.sum() - 1) > 1e-9:
        raise ValueError(f"the shares must not be negative and sum to 1, not {shares!r}")
    labels = np.zeros(len(x), np.intp)
    if stratify:
        if y is None or y.dtype.kind not in "biu" or y.ndim != 1:
            raise ValueError("stratify needs classes, integers (n,), as y")
        labels = y.numpy() if isinstance(y, Tensor) else y
    part_of = np.empty(len(x), np.intp)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if shuffle:
            rows = (rng or tg.default_generator()).permutation(rows)
        ends = np.round(np.cumsum(sizes) * len(rows)).astype(np.intp)
        for k, part in enumerate(np.split(rows, ends[:-1])):
            part_of[part] = k
    parts = [np.flatnonzero(part_of == k) for k in range(len(sizes))]
    return [x[rows] if y is None else (x[rows], y[rows]) for rows in parts]


class Standardizer(Module):
    """(x - mean) / deviation, with the statistics of some data: a layer, saved with the model.

        scale = nn.data.Standardizer(x_train)
        model = nn.Sequential(scale, nn.Linear(4, 8), ...)

    A feature that is constant is only centred.

    Args:
        x: (rows, features), or any shape whose first axis are rows.
        dtype: of the statistics; by default that of x, float32 for integers.
    """

    def __init__(self, x: Any, *, dtype: Any = None) -> None:
        rows = _rows("x", x)
        values = plain_array("x", rows).astype(np.float64)
        if not len(values):
            raise ValueError("x has no rows")
        if not np.isfinite(values).all():
            raise ValueError("x holds nan or infinite numbers, which have no mean")
        if dtype is None:
            dtype = rows.dtype if rows.dtype.kind == "f" else np.float32
        deviation = values.std(axis=0)
        self.mean = Buffer(values.mean(axis=0), dtype=dtype, name="mean")
        self.deviation = Buffer(np.where(deviation > 0, deviation, 1.0), dtype=dtype)

    def forward(self, x: Any) -> Tensor:
        x = as_tensor(x)
        x = x if x.dtype.kind == "f" else x.astype(self.mean.dtype)
        return (x - self.mean) / self.deviation

    def inverse(self, z: Any) -> Tensor:
        """Return what the layer made z of."""
        return as_tensor(z) * self.deviation + self.mean

    def extra_repr(self) -> str:
        return "×".join(map(str, self.mean.shape)) + " features"
