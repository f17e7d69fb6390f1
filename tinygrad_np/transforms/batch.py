"""`Batch`: one run of a function for all rows at once."""

from __future__ import annotations

import contextlib
import gc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import doors, modes
from ..core.containers import flatten
from ..core.node import next_serial
from ..core.switch import Switch
from ..ops.random import drawn_again, draws
from .calls import Call, NeedsLoopError
from .rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


RANDOMNESS = ("error", "same", "different")


class Batch(Switch):
    """One run of a function for all rows of a batch, and a `Tracer` meanwhile.

    Attributes:
        what: the transform, for messages.
        size: the number of rows.
        running: whether the function, or backward through it, runs now.
        outer, depth: the tracer around it then, and the number of batches, this one included.
        since: the serial number from which on nodes are of the function's making.
    """

    variables = (doors.tracer, modes.watcher, modes.recording)

    def __init__(self, what: str, size: int, randomness: str = "error") -> None:
        self.what = what
        self.size = size
        self.since = next_serial()
        self.running = False
        self.outer: Any = None
        self.state: Any = None
        self.depth = 0
        self._randomness = randomness
        self._writes: list[tuple[Any, Any, Any]] = []

    def _values(self) -> tuple[Any, ...]:
        return self, None, bool(modes.recording.get())

    @contextlib.contextmanager
    def run(self) -> Iterator[None]:
        """Let Rows of this batch compute inside."""
        self.outer = doors.tracer.get()
        self.state = getattr(self.outer, "state", None)  # of a recording around this
        self.depth = 1 + getattr(self.outer, "depth", 0)
        self.running = True
        doors.begin(self)
        try:
            with self:
                yield
        finally:
            self.running = False
            doors.end(self)

    def row(self, values: Any) -> Row:
        """Make the Row of the arrays of all examples."""
        return Row(self, values)

    def holds_row(self, value: Any) -> bool:
        """Say whether a value is a Row of this batch."""
        return type(value) is Row and value.batch is self

    def has_rows(self, tree: Any) -> bool:
        """Say whether there are Rows of this batch among nested arguments."""
        return any(map(self.holds_row, flatten(tree)))

    def whole(self, value: Any) -> Any:
        """Return the arrays of all rows; those of what is the same for all are repeated."""
        if self.holds_row(value):
            return value.values
        return np.broadcast_to(value, (self.size, *np.shape(value)))

    # --- what the function writes to -----------------------------------------------------------

    def writes(self, tensor: Any, new: Any) -> None:
        """Note a write; refuse to give a Tensor from outside values that differ from row to row."""
        node = tensor._node
        if self.holds_row(new) and node is not None and node.serial < self.since:
            raise self._left(tensor)
        self._writes.append((weakref.ref(tensor), tensor._data, node))
        if self.outer is not None:
            self.outer.writes(tensor, new)

    def accumulates(self, node: Any) -> None:
        """Refuse to add to a gradient outside: each row would have one of its own."""
        if node.serial < self.since:
            name = f" {node.name!r}" if node.name else ""
            raise RuntimeError(
                f"backward() in the function would add to the .grad of a Tensor{name} {node.shape} "
                f"outside of {self.what}, once for all rows: use tinygrad_np.grad inside, or call "
                "backward() on the result"
            )
        if self.outer is not None:
            self.outer.accumulates(node)

    def undo_writes(self) -> None:
        """Give Tensors what they had before."""
        while self._writes:
            reference, data, node = self._writes.pop()
            tensor = reference()
            if tensor is not None:
                tensor._data, tensor._node = data, node

    def check_writes(self, result: Any) -> None:
        """Raise if values that differ from row to row stay in a Tensor that is no result."""
        known = {id(leaf) for leaf in flatten(result)}
        kept = self._kept(known)
        if kept:
            gc.collect()
            kept = self._kept(known)
        if kept:
            raise self._left(kept[0])

    def _kept(self, known: set[int]) -> list[Any]:
        tensors = [reference() for reference, _, _ in self._writes]
        others = [t for t in tensors if t is not None and id(t) not in known]
        return [tensor for tensor in others if self.holds_row(tensor._data)]

    def _left(self, tensor: Any) -> RuntimeError:
        return RuntimeError(
            f"the function gives {tensor._title()}, which is there when {self.what} has ended, "
            "values that differ from row to row: return them instead. (A layer that keeps running "
            "statistics does so in training: call .eval() before)"
        )

    # --- as a Tracer ---------------------------------------------------------------------------

    def takes(self, data: Any) -> bool:
        return type(data) is Row or (self.outer is not None and self.outer.takes(data))

    def holds(self, tree: Any) -> bool:
        return self.outer is not None and self.outer.holds(tree)

    def array(self, data: Any, dtype: Any, copy: bool | None) -> Any:
        if type(data) is not Row:
            return self.outer.array(data, dtype, copy)
        if dtype is not None and data.dtype != np.dtype(dtype):
            return data.astype(dtype)
        return data.__copy__() if copy else data

    def target(self, array: Any, sources: tuple[Any, ...]) -> Any:
        if self.holds_row(array) or not isinstance(array, (np.ndarray, np.generic)):
            return array  # of a Tensor, its own array will be asked for
        array = self.outside(array, sources)
        return self.row(self.whole(array)) if self.has_rows(sources) else array

    def outside(self, array: Any, sources: tuple[Any, ...]) -> Any:
        """Do as `target`, for the arrays that the Rows hold."""
        if self.outer is None:
            return array
        held = [leaf.values if self.holds_row(leaf) else leaf for leaf in flatten(sources)]
        return self.outer.target(array, tuple(held))

    def draw(self, rng: Any, name: str, args: tuple, kwargs: dict) -> Any:
        if self._randomness == "error":
            raise TypeError(
                f"the function draws random numbers: should all rows of {self.what} get the same? "
                'Say randomness="same", or randomness="different" for new ones in each row'
            )

        def once(args: tuple, kwargs: dict) -> Any:
            with self._outside():
                return doors.draw(rng, name, *args, **kwargs)

        if self._randomness == "same":
            return once(args, kwargs)
        return Call(self, once, (args, kwargs), {}).one_by_one()

    def draws(self) -> Any:
        return draws(self.outer)

    def drawn_again(self, since: Any) -> AbstractContextManager[None]:
        return drawn_again(self.outer, since)

    def apply(self, f: Callable, number: Any) -> Any:
        return f(number) if self.outer is None else self.outer.apply(f, number)

    def act(self, function: Callable, args: tuple, kwargs: dict) -> Any:
        raise NeedsLoopError

    @contextlib.contextmanager
    def _outside(self) -> Iterator[None]:
        token = doors.tracer.set(self.outer)
        try:
            yield
        finally:
            doors.tracer.reset(token)


class Loop(Batch):
    """The runs of a function for one row after the other, in the place of a batch."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch.what, batch.size, batch._randomness)
        self._drawn: list[Any] = []
        self._position = 0

    def next_row(self) -> None:
        """Begin with another row."""
        self._position = 0

    def takes(self, data: Any) -> bool:
        return self.outer is not None and self.outer.takes(data)

    def draw(self, rng: Any, name: str, args: tuple, kwargs: dict) -> Any:
        if self._randomness == "error":
            return super().draw(rng, name, args, kwargs)
        if self._randomness == "same" and self._position < len(self._drawn):
            numbers = self._drawn[self._position]
        else:
            with self._outside():
                numbers = doors.draw(rng, name, *args, **kwargs)
            self._drawn.append(numbers)
        self._position += 1
        return numbers

    def act(self, function: Callable, args: tuple, kwargs: dict) -> Any:
        with self._outside():
            return doors.act(function, args, kwargs)
