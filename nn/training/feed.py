"""The data of a training: arrays cut into mini-batches, or batches from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor, describe

from ..arguments import whole_number
from ..module import Module, cast_like

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .weights import Weights

    Batch = tuple[Tensor, ...]  # x, y, and the rows' weights if there are any


class Rows:
    """Arrays, cut into mini-batches in a new order each epoch.

    Attributes:
        part: a function from the number of rows of a batch to those of them that come, a slice;
            None for all.
    """

    part: Callable[[int], slice] | None = None

    def __init__(
        self,
        arrays: Batch,
        batch_size: int | None,
        shuffle: bool,
        rng: np.random.Generator | None,
    ) -> None:
        self.arrays = arrays
        rows = len(arrays[0])
        self.batch_size = min(batch_size or rows, rows)
        self.shuffle = shuffle and self.batch_size < rows
        self.rng = rng

    def __len__(self) -> int:
        return -(-len(self.arrays[0]) // self.batch_size)

    def order(self) -> np.ndarray | None:
        """Draw the order of an epoch; None for that of the arrays."""
        rows = len(self.arrays[0])
        if self.batch_size == rows:
            return None
        order = np.arange(rows)
        if self.shuffle:
            (self.rng or tg.default_generator()).shuffle(order)
        return order

    def batches(self, order: np.ndarray | None, first: int = 0) -> Iterator[Batch]:
        """Return the batches of an epoch in an order, from a number on."""
        if order is None and self.part is None:
            return iter(() if first else (self.arrays,))
        if order is None:
            order = np.arange(self.batch_size)
        return self._cut(order, first * self.batch_size)

    def _cut(self, order: np.ndarray, start: int) -> Iterator[Batch]:
        for k in range(start, len(order), self.batch_size):
            rows = order[k : k + self.batch_size]
            if self.part is not None:
                rows = rows[self.part(len(rows))]
            yield tuple([array[rows] for array in self.arrays])

    def description(self) -> dict[str, Any]:
        """Return what a checkpoint notes of the data, to know them again."""
        shapes = {name: str(array.shape) for name, array in zip("xyw", self.arrays)}
        return {**shapes, "batch_size": self.batch_size, "shuffle": self.shuffle}


class Stream:
    """Batches (x, y) or (x, y, weights) from something that can be looped over."""

    shuffle = False  # by fit

    def __init__(self, model: Module, source: Iterable[Any], weights: Weights | None) -> None:
        self.model = model
        self.source = source
        self.weights = weights
        self.rng = getattr(source, "rng", None)

    def __len__(self) -> int:
        """The number of batches; 0 if it is not known."""
        return len(self.source) if isinstance(self.source, Sized) else 0

    def order(self) -> None:
        """Return None: the order is that of the source."""

    def batches(self, order: Any = None, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch."""
        number = 0
        for number, batch in enumerate(self.source, 1):
            name = f"batch {number}"
            if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
                raise TypeError(
                    f"{name} of the data must be a pair (x, y), or (x, y, weights), not "
                    f"{describe(batch)}"
                )
            x, y = pair(self.model, batch[0], batch[1], f"x and y of {name}")
            yield (x, y, *(self.weights.of_rows(x, y, *batch[2:]) if self.weights else ()))
        if not number:
            raise ValueError(
                "the data gave no batches: an iterator can be looped over only once; pass what "
                "begins anew, such as nn.data.batches(x, y)"
            )

    def description(self) -> dict[str, Any]:
        """Return what a checkpoint notes of the data, to know them again."""
        return {"batches": len(self)}


def feed(
    model: Any,
    x: Any,
    y: Any,
    batch_size: int | None,
    shuffle: bool = False,
    rng: np.random.Generator | None = None,
    weights: Weights | None = None,
) -> Rows | Stream:
    """Return the data of a training; x are inputs, or batches of inputs and targets if y is None.

    Raises:
        TypeError: a model or data of another kind.
        ValueError: lengths that differ, or no data.
    """
    if batch_size is not None:
        batch_size = whole_number("batch_size", batch_size, 1)
    if y is None and x is not None:
        if batch_size is not None:
            raise ValueError("batch_size is for arrays: without y, x must be batches already")
        if weights:
            weights.check_for_batches()
        return stream(
            model, x, "without y, x must be batches, such as nn.data.batches(x, y)", weights
        )
    x, y = pair(model, x, y, "x and y")
    of_rows = weights.of_rows(x, y) if weights else ()
    if of_rows and not of_rows[0].numpy().any():
        raise ValueError("the weights of all rows are 0: there is nothing to learn from")
    return Rows((x, y, *of_rows), batch_size, shuffle, rng)


def stream(model: Any, source: Any, wanted: str, weights: Weights | None = None) -> Stream:
    """Return batches from elsewhere; `wanted` says what they should be."""
    check_model(model)
    is_array = isinstance(source, Tensor) or hasattr(source, "__array__")
    if is_array or isinstance(source, (str, dict)) or not isinstance(source, Iterable):
        raise TypeError(f"{wanted}, not {describe(source)}")
    return Stream(model, source, weights)


def pair(model: Any, x: Any, y: Any, name: str) -> tuple[Tensor, Tensor]:
    """Return inputs and targets as Tensors of one length; `name` is theirs in errors."""
    check_model(model)
    x, y = cast_like(model, x), cast_like(model, y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ValueError(f"{name} must have the same length: their shapes are {x.shape}, {y.shape}")
    if len(x) == 0:
        raise ValueError(f"{name} are empty")
    return x, y


def check_model(model: Any) -> None:
    """Raise unless this is a Module."""
    if not isinstance(model, Module):
        raise TypeError(f"model must be an nn.Module, such as nn.Sequential(...), not {model!r}")
