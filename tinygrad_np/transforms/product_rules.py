"""Rules for products, matrices and indices of all rows at once: see `array_rules`."""

from __future__ import annotations

import math
import operator
import string
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops.axes import normal_axes
from .array_rules import register, shifted
from .calls import RULES, NeedsLoopError

if TYPE_CHECKING:
    from .calls import Call

# --- products ------------------------------------------------------------------------------------


def _matmul(call: Call) -> Any:
    a, b = call.args
    a_ndim, b_ndim = call.ndim(a), call.ndim(b)
    if not a_ndim or not b_ndim or call.named:
        return call.one_by_one()
    if not call.batch.holds_row(b) and b_ndim <= 2:
        return call.rows(_times_matrix(a.values, b))
    if not call.batch.holds_row(a) and a_ndim <= 2 and b_ndim == 1:
        return call.rows(b.values @ a.T)
    return call.rows(_stack_product(call, a, b))


def _times_matrix(a: Any, b: Any) -> Any:
    """Multiply all rows with one matrix or vector: a single product."""
    if a.ndim == 2 or b.ndim == 1:
        return a @ b
    lengths = a.shape[:-1]
    flat = a.reshape(math.prod(lengths), a.shape[-1])
    return (flat @ b).reshape(*lengths, b.shape[-1])


def _stack_product(call: Call, a: Any, b: Any) -> Any:
    """Multiply stacks of matrices; a vector is a matrix of one row, or one column."""
    a_is_vector, b_is_vector = call.ndim(a) == 1, call.ndim(b) == 1
    if a_is_vector:
        a = np.expand_dims(a, 0)
    if b_is_vector:
        b = np.expand_dims(b, 1)
    ndim = max(call.ndim(a), call.ndim(b))
    x, y = call.aligned(a, ndim), call.aligned(b, ndim)
    is_outer = x.shape[-1] == y.shape[-2] == 1  # NumPy's matmul takes long for these
    out = x * y if is_outer else np.matmul(x, y)
    if b_is_vector:
        out = out.squeeze(-1)
    if a_is_vector:
        out = out.squeeze(-1 if b_is_vector else -2)
    return out


def _dot(call: Call) -> Any:
    known = all(1 <= call.ndim(x) <= 2 for x in call.args)
    return _matmul(call) if known and not call.named else call.one_by_one()


def _einsum(call: Call) -> Any:
    text, *operands = call.args
    if not isinstance(text, str) or "..." in text or call.named.get("out") is not None:
        return call.one_by_one()
    inputs, arrow, output = text.replace(" ", "").partition("->")
    if not arrow:
        once = [letter for letter in inputs if inputs.count(letter) == 1]
        output = "".join(sorted(once)).strip(",")
    free = [letter for letter in string.ascii_letters if letter not in text]
    if not free:
        return call.one_by_one()
    of_batch = free[0]
    letters = inputs.split(",")
    for k, x in enumerate(operands):
        if call.batch.holds_row(x):
            letters[k] = of_batch + letters[k]
            operands[k] = x.values
    new_text = f"{','.join(letters)}->{of_batch}{output}"
    return call.rows(np.einsum(new_text, *operands, **call.named))


# --- matrices in the last two axes ---------------------------------------------------------------


def _stacked(call: Call) -> Any:
    """Call a function that takes stacks of matrices."""
    if not call.only_first or call.args[0].ndim < 2:
        return call.one_by_one()
    return call.rows(call.function(call.values, *call.args[1:], **call.named))


def _solve(call: Call) -> Any:
    a, b = call.args
    if call.ndim(a) < 2 or not call.ndim(b):
        return call.one_by_one()
    is_vector = call.ndim(b) == 1
    if is_vector:
        b = np.expand_dims(b, -1)
    ndim = max(call.ndim(a), call.ndim(b))
    out = np.linalg.solve(call.aligned(a, ndim), call.aligned(b, ndim))
    return call.rows(out.squeeze(-1) if is_vector else out)


def _norm(call: Call) -> Any:
    row = call.args[0]
    order, axis = call.argument(1, "ord"), call.argument(2, "axis")
    keepdims = call.argument(3, "keepdims", False)
    values = row.values
    if axis is None and order is None and not keepdims:
        values = values.reshape(call.batch.size, row.size)
        return call.rows(np.linalg.norm(values, axis=1))
    if axis is None:
        return call.one_by_one()
    return call.rows(np.linalg.norm(values, order, shifted(axis, row.ndim), keepdims))


# --- indices -------------------------------------------------------------------------------------


def _getitem(call: Call) -> Any:
    x, index = call.args
    return _picked(call, x, index)


def _picked(call: Call, x: Any, index: Any) -> Any:
    array, places, order = _places(call, x, index)
    array = call.batch.outside(array, places)
    return call.rows(order.to_rows(array[places]))


def _setitem(call: Call) -> None:
    x, index, value = call.args
    if not call.batch.holds_row(x):
        raise NeedsLoopError
    if call.batch.holds_row(index) and index.dtype.kind == "b":
        if call.ndim(value) or index.ndim != x.ndim:
            raise NeedsLoopError
        number = call.aligned(value, x.ndim)
        np.copyto(x.values, number, where=index.values, casting="unsafe")
        return
    array, places, order = _places(call, x, index)
    array = _writable(call, x, (places, value))
    array[places] = order.from_rows(call, array[places], value)


def _write_at(call: Call) -> None:
    """Do as `np.add.at(x, index, value)`, and other ufuncs' `at`."""
    x, index, *values = call.args
    if not call.batch.holds_row(x):
        raise NeedsLoopError
    array, places, order = _places(call, x, index)
    array = _writable(call, x, (places, values))
    picked = array[places]
    operands = [order.from_rows(call, picked, value) for value in values]
    call.function(array, places, *operands)


def _take(call: Call) -> Any:
    x, positions = call.args[:2]
    axis = call.argument(2, "axis")
    if call.named.get("mode", "raise") != "raise" or len(call.args) > 3:
        return call.one_by_one()
    if axis is None:
        x, axis = np.reshape(x, -1), 0
    (axis,) = normal_axes(axis, call.ndim(x))
    if not call.batch.holds_row(positions):
        positions = np.asarray(positions)
    return _picked(call, x, (*[slice(None)] * axis, positions))


def _writable(call: Call, row: Any, sources: tuple[Any, ...]) -> Any:
    """Return the arrays of a Row, so that a batch around this one can write to each of its rows."""
    array = call.batch.outside(row.values, sources)
    if array is not row.values:
        if row.values.base is not None:  # writes would not reach what it is a view of
            raise NeedsLoopError
        row.values = array = np.copy(array)
    return array


class _Order:
    """The order of axes that NumPy's indexing gives, and how the rows have them.

    Args:
        first: where NumPy puts the axis of the batch, and those of the index arrays behind it.
        last: where the axes of the index arrays are in the rows.
        count: how many axes the index arrays have.
    """

    def __init__(self, first: int, last: int, count: int) -> None:
        self._given = list(range(first, first + 1 + count))
        self._wanted = [0, *range(last + 1, last + 1 + count)]
        self._same = self._given == self._wanted

    def to_rows(self, picked: Any) -> Any:
        """Move the axes of what was picked to where the rows have them."""
        return picked if self._same else np.moveaxis(picked, self._given, self._wanted)

    def from_rows(self, call: Call, picked: Any, value: Any) -> Any:
        """Return a value for each row as it is to be written in the place of what was picked."""
        here = self.to_rows(picked)
        ndim = here.ndim - 1
        while call.batch.holds_row(value) and value.ndim > ndim and value.shape[0] == 1:
            value = value[0]  # as NumPy does
        whole = np.broadcast_to(call.aligned(value, ndim), here.shape)
        return whole if self._same else np.moveaxis(whole, self._wanted, self._given)


def _places(call: Call, x: Any, index: Any) -> tuple[Any, Any, _Order]:
    """Return an array, the index into it that means this index into each row, and the order."""
    batch = call.batch
    parts = _parts(call, index, call.ndim(x))
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if not arrays:
        return x.values, (slice(None), *parts), _Order(0, 0, 0)
    count = max(map(call.ndim, arrays))
    fitted = [call.aligned(part, count) for part in parts]
    # NumPy keeps the axes of index arrays in their place if nothing stands between these (an
    # integer is one of them here), else it puts them in front.
    advanced = [k for k, part in enumerate(parts) if not _is_basic(part)]
    first = advanced[0]
    if advanced[-1] - first + 1 > len(advanced):
        before = 0
        joint = False
    else:
        before = first
        joint = True
    if not batch.holds_row(x):
        return x, tuple(fitted), _Order(before, before, count)
    if joint and not any(map(batch.holds_row, parts)):
        return x.values, (slice(None), *fitted), _Order(0, 0, 0)
    rows = np.arange(batch.size).reshape(batch.size, *(1,) * count)
    return x.values, (rows, *fitted), _Order(0, before, count)


def _is_basic(part: Any) -> bool:
    return part is None or isinstance(part, slice)


def _parts(call: Call, index: Any, ndim: int) -> list[Any]:
    """Return an index part by part: masks as positions, `...` as slices."""
    parts: list[Any] = []
    for part in index if type(index) is tuple else (index,):
        if isinstance(part, list):
            part = np.asarray(part) if part else np.zeros(0, int)
        is_mask = getattr(part, "dtype", np.dtype(int)).kind == "b"
        if isinstance(part, bool) or (is_mask and not np.ndim(part)):
            raise NeedsLoopError
        if is_mask and call.batch.holds_row(part):
            raise TypeError(
                f"the function picks elements with a mask that differs from row to row of "
                f"{call.batch.what}, so their number would too: write tinygrad_np.where(mask, x, 0)"
            )
        parts += part.nonzero() if is_mask else (part,)
    ellipses = [k for k, part in enumerate(parts) if part is ...]
    if ellipses:
        here = ellipses[0]
        used = sum(part is not None for part in parts) - 1
        parts[here : here + 1] = [slice(None)] * (ndim - used)
    return parts


# --- the table -----------------------------------------------------------------------------------

register(_dot, "dot")
register(_einsum, "einsum")
register(_stacked, "cholesky det eigh eigvalsh inv matrix_power pinv qr slogdet svd", np.linalg)
register(_stacked, "tril triu")
register(_solve, "solve", np.linalg)
register(_norm, "norm", np.linalg)
register(_take, "take")
RULES[np.matmul, "__call__"] = _matmul
RULES[operator.getitem] = _getitem
RULES[operator.setitem] = _setitem
for _ufunc in (np.add, np.maximum, np.minimum):
    RULES[_ufunc, "at"] = _write_at
