"""Calls of NumPy's functions for all rows of a batch: by a rule, or one row after the other.

Rules belong to functions of NumPy, not to ops: the forwards and the derivative rules of ops are
made of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import doors
from ..core.containers import flatten, rebuild

if TYPE_CHECKING:
    from collections.abc import Callable

    from .batch import Batch

# By function of NumPy, or by ufunc and name of its method.
RULES: dict[Any, Callable[[Call], Any]] = {}

# Functions that write into their first argument, and so can't be called on one array many times.
_WRITERS = {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}


class NeedsLoopError(BaseException):
    """Raised where code of the library, or of an op, needs the rows one by one.

    Whoever runs the batch catches it, and runs the function once for each row. No `except
    Exception` on the way may take it for an error.
    """


def needs_loop(error: BaseException | None) -> bool:
    """Say whether an error is NumPy's or the library's about a `NeedsLoopError`."""
    seen: set[int] = set()  # an error that is raised again may be among its own causes
    while error is not None and id(error) not in seen:
        if isinstance(error, NeedsLoopError):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


class OfBatch(doors.StandIn):
    """A value of each row of a batch.

    Attributes:
        batch: the `Batch` that it belongs to.
        values: the arrays of all rows (size of the batch, *shape).
    """

    __slots__ = ("batch", "values")

    batch: Batch
    values: Any


class Call:
    """A call of a NumPy function that has Rows of a batch among its arguments.

    Attributes:
        batch, function: these.
        args, named: its arguments, by position and by name.
    """

    def __init__(self, batch: Batch, function: Callable, args: tuple, named: dict) -> None:
        self.batch = batch
        self.function = function
        self.args = args
        self.named = named

    @property
    def values(self) -> Any:
        """The arrays of all rows of the first argument."""
        return self.args[0].values

    @property
    def only_first(self) -> bool:
        """True if the first argument is a Row, and no other one has any."""
        others = (self.args[1:], self.named)
        return self.batch.holds_row(self.args[0]) and not self.batch.has_rows(others)

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """Return an argument that is given by position or by name."""
        if position < len(self.args):
            return self.args[position]
        return self.named.get(name, default)

    def ndim(self, value: Any) -> int:
        """Return how many axes a value has in each row."""
        return value.ndim if self.batch.holds_row(value) else np.ndim(value)

    def aligned(self, value: Any, ndim: int) -> Any:
        """Return the arrays of a Row with axes of length 1 behind the first, to broadcast as rows.

        Anything else is returned as it is: it broadcasts against each row.
        """
        if not self.batch.holds_row(value):
            return value
        missing = ndim - value.ndim
        if missing <= 0:
            return value.values
        return value.values.reshape(self.batch.size, *(1,) * missing, *value.shape)

    def rows(self, outs: Any) -> Any:
        """Make Rows of what a function gave for all rows."""
        if not isinstance(outs, tuple):
            return self.batch.row(outs)
        rows = [self.batch.row(out) for out in outs]
        return type(outs)(*rows) if hasattr(outs, "_fields") else tuple(rows)

    def example(self, k: int) -> tuple[tuple, dict]:
        """Return the arguments of one row."""

        def of_row(leaf: Any) -> Any:
            return leaf.values[k, ...] if self.batch.holds_row(leaf) else leaf

        return rebuild((self.args, self.named), of_row)

    def any_example(self) -> tuple[tuple, dict]:
        """Return arguments of the shapes and dtypes of any row, also of a batch without rows."""
        if self.batch.size:
            return self.example(0)

        def empty(leaf: Any) -> Any:
            return np.zeros(leaf.shape, leaf.dtype) if self.batch.holds_row(leaf) else leaf

        return rebuild((self.args, self.named), empty)

    def one_by_one(self) -> Any:
        """Call the function once for each row, and make one Row of the results."""
        results = []
        for k in range(self.batch.size):
            args, named = self.example(k)
            results.append(self.function(*args, **named))
        if not results:
            raise ValueError(f"{self.batch.what} of no rows: {self._name} needs at least one")
        return self._joined(results)

    @property
    def _name(self) -> str:
        return getattr(self.function, "__name__", "a function")

    def _joined(self, results: list[Any]) -> Any:
        first = results[0]
        if first is None:
            return None
        if isinstance(first, (tuple, list)):
            parts = [self._joined(list(part)) for part in zip(*results, strict=True)]
            return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
        shapes = sorted(set(map(np.shape, results)))
        if len(shapes) > 1:
            raise TypeError(
                f"{self._name} gives the rows of {self.batch.what} results of different shapes, "
                f"such as {shapes[0]} and {shapes[1]}: loop over the rows"
            )
        return self.batch.row(np.stack(results))


def compute(key: Any, function: Callable, args: tuple, kwargs: dict) -> Any:
    """Call a function on Rows, for all rows at once if there is a rule."""
    call = Call(innermost((args, kwargs) if kwargs else args), function, args, kwargs)
    rule = RULES.get(key)
    if rule is not None:
        return rule(call)
    writes = key in _WRITERS or (type(key) is tuple and key[1] == "at")
    if writes and not call.batch.holds_row(args[0]):
        raise NeedsLoopError
    return call.one_by_one()


def innermost(tree: Any) -> Batch:
    """Return the batch of the Rows in nested arguments, the innermost one of several."""
    batches = {leaf.batch for leaf in flatten(tree) if issubclass(type(leaf), OfBatch)}
    batch = max(batches, key=lambda batch: batch.depth)
    if not batch.running:
        raise RuntimeError(
            f"a value of one row of {batch.what} is used after the function has returned: return "
            "such values instead of keeping them"
        )
    return batch
