"""Rules by which NumPy's functions compute for all rows of a batch at once.

A rule answers a `Call` with what the function gives for each row, the axis of the batch in front.
Where arguments come in a form that it does not know, the function is called row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops.axes import normal_axes
from .calls import RULES, NeedsLoopError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .calls import Call

# --- element by element --------------------------------------------------------------------------


def _elementwise(call: Call) -> Any:
    """Align the axes of the operands on the right, behind that of the batch."""
    dims = [call.ndim(x) for x in call.args]
    dims += [call.ndim(x) for name, x in call.named.items() if name != "out"]
    ndim = max(dims)
    named = {name: call.aligned(value, ndim) for name, value in call.named.items()}
    outs = named.get("out")
    if outs is not None:
        named["out"] = tuple(_target(call, out, ndim) for out in outs)
    operands = [call.aligned(x, ndim) for x in call.args]
    results = call.function(*operands, **named)
    return call.rows(results) if outs is None else outs[0]


def _target(call: Call, out: Any, ndim: int) -> Any:
    if not call.batch.holds_row(out) or out.ndim != ndim:
        raise NeedsLoopError
    return out.values


def _copyto(call: Call) -> None:
    target = call.args[0]
    if not call.batch.holds_row(target):
        raise NeedsLoopError
    sources = [call.aligned(x, target.ndim) for x in call.args[1:]]
    named = {name: call.aligned(x, target.ndim) for name, x in call.named.items()}
    call.function(target.values, *sources, **named)


def _like(call: Call) -> Any:
    """Make an array like a Row, for each row."""
    if not call.only_first:
        return call.one_by_one()
    named = dict(call.named)
    if named.get("shape") is not None:
        named["shape"] = (call.batch.size, *_lengths(named["shape"]))
    return call.rows(call.function(call.values, *call.args[1:], **named))


# --- along axes ----------------------------------------------------------------------------------


def shifted(axis: Any, ndim: int) -> Any:
    """Return an axis of a row, or several, as axes behind that of the batch."""
    axes = tuple(a + 1 for a in normal_axes(axis, ndim))
    several = axis is None or isinstance(axis, (tuple, list))
    return axes if several else axes[0]


def _along(position: int, default: Any = None, several: bool = False) -> Callable[[Call], Any]:
    """Make the rule of a function with an axis at this position among its arguments.

    Args:
        several: the function takes several axes, and None for all; else None flattens.
    """

    def rule(call: Call) -> Any:
        axis = call.argument(position, "axis", default)
        others = [x for k, x in enumerate(call.args) if k not in (0, position)]
        named = {name: x for name, x in call.named.items() if name != "axis"}
        flattens = axis is None and not several
        if not call.only_first or named.get("out") is not None:
            return call.one_by_one()
        if flattens and named.get("keepdims"):
            return call.one_by_one()
        row, values = call.args[0], call.values
        if flattens:
            values = values.reshape(call.batch.size, row.size)
            behind: Any = 1
        elif row.ndim or axis is None:
            behind = shifted(axis, row.ndim)
        else:  # NumPy takes axis 0 of a single number
            return call.one_by_one()
        return call.rows(call.function(values, *others, axis=behind, **named))

    return rule


def _roll(call: Call) -> Any:
    if call.argument(2, "axis") is not None or not call.only_first:
        return _rolled(call)
    row, shift = call.args[0], call.argument(1, "shift")
    flat = row.values.reshape(call.batch.size, row.size)
    return call.rows(np.roll(flat, shift, 1).reshape(row.values.shape))


_rolled = _along(2)


def _squeeze(call: Call) -> Any:
    row = call.args[0]
    axis = call.argument(1, "axis")
    if axis is None:
        axis = tuple(k for k, length in enumerate(row.shape) if length == 1)
    return call.rows(np.squeeze(row.values, shifted(axis, row.ndim)))


def _expand_dims(call: Call) -> Any:
    row = call.args[0]
    axis = call.argument(1, "axis")
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    return call.rows(np.expand_dims(row.values, shifted(axis, row.ndim + count)))


# --- shapes --------------------------------------------------------------------------------------


def _lengths(shape: Any) -> tuple[Any, ...]:
    return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)


def _reshape(call: Call) -> Any:
    row = call.args[0]
    shape = call.argument(1, "shape")
    if shape is None or len(call.args) > 2 or set(call.named) - {"shape"}:
        return call.one_by_one()
    if -1 in _lengths(shape):
        shape = np.empty(row.shape, bool).reshape(shape).shape
    return call.rows(row.values.reshape(call.batch.size, *_lengths(shape)))


def _ravel(call: Call) -> Any:
    row, *order = call.args
    if call.named or order not in ([], ["C"]):
        return call.one_by_one()
    return call.rows(row.values.reshape(call.batch.size, row.size))


def _transpose(call: Call) -> Any:
    row = call.args[0]
    axes = call.argument(1, "axes")
    if axes is None:
        axes = tuple(reversed(range(row.ndim)))
    return call.rows(np.transpose(row.values, (0, *shifted(axes, row.ndim))))


def _moved(call: Call) -> Any:
    """Shift the last two arguments, which are axes: of moveaxis, of swapaxes."""
    row, *axes = (*call.args, *call.named.values())
    behind = [shifted(a, row.ndim) for a in axes]
    return call.rows(call.function(row.values, *behind))


def _broadcast_to(call: Call) -> Any:
    row = call.args[0]
    lengths = _lengths(call.argument(1, "shape"))
    if row.ndim > len(lengths):
        return call.one_by_one()
    values = call.aligned(row, len(lengths))
    return call.rows(np.broadcast_to(values, (call.batch.size, *lengths)))


def _concatenate(call: Call) -> Any:
    if len(call.args) > 2 or call.named.get("out") is not None:
        return call.one_by_one()
    axis = call.argument(1, "axis", 0)
    others = {name: x for name, x in call.named.items() if name != "axis"}
    parts = [call.batch.whole(array) for array in call.args[0]]
    ndim = parts[0].ndim - 1
    if call.function is np.stack:
        ndim += 1
    if axis is None:
        parts = [part.reshape(call.batch.size, -1) for part in parts]
        axis, ndim = 0, 1
    return call.rows(call.function(parts, axis=shifted(axis, ndim), **others))


def _split(call: Call) -> Any:
    row, sections = call.args[:2]
    axis = shifted(call.argument(2, "axis", 0), row.ndim)
    return [call.rows(part) for part in call.function(row.values, sections, axis)]


def _pad(call: Call) -> Any:
    widths = call.argument(1, "pad_width")
    if not call.only_first or np.ndim(widths) != 2 or "pad_width" in call.named:
        return call.one_by_one()
    others = call.args[2:]
    return call.rows(np.pad(call.values, ((0, 0), *widths), *others, **call.named))


def _windows(call: Call) -> Any:
    row, shape = call.args[:2]
    axis = shifted(call.argument(2, "axis"), row.ndim)
    named = {name: x for name, x in call.named.items() if name != "axis"}
    return call.rows(call.function(row.values, shape, axis, **named))


# --- questions -----------------------------------------------------------------------------------


def _query(call: Call) -> Any:
    """Ask about shapes and dtypes, which are the same for all rows."""
    args, named = call.any_example()
    return call.function(*args, **named)


def _share(call: Call) -> Any:
    arrays = [x.values if call.batch.holds_row(x) else x for x in call.args]
    return call.function(*arrays, **call.named)


def _printed(call: Call) -> str:
    return repr(call.args[0])


# --- the table -----------------------------------------------------------------------------------


def register(rule: Callable[[Call], Any], names: str, module: Any = np) -> None:
    """Make a rule that of functions of NumPy, given by their names."""
    for name in names.split():
        RULES[getattr(module, name)] = rule


_ELEMENTWISE = "angle clip imag isclose iscomplex isneginf isposinf isreal nan_to_num real sinc"
_REDUCTIONS = "all any count_nonzero max mean median min prod std sum var"
_OF_NUMBERS = "nanmax nanmean nanmin nanstd nansum nanvar"
_reduction = _along(1, several=True)
register(_elementwise, _ELEMENTWISE)
register(_elementwise, "where")
register(_reduction, _REDUCTIONS)
register(_reduction, _OF_NUMBERS)
register(_reduction, "flip")
register(_along(1), "argmax argmin cumprod cumsum nanargmax nanargmin")
register(_along(1, -1), "argsort sort")
register(_along(2, -1), "argpartition partition diff")
register(_along(2), "repeat")
register(_roll, "roll")
register(_like, "copy round around zeros_like ones_like empty_like full_like")
register(_moved, "moveaxis swapaxes")
register(_squeeze, "squeeze")
register(_expand_dims, "expand_dims")
register(_reshape, "reshape")
register(_ravel, "ravel")
register(_transpose, "transpose")
register(_broadcast_to, "broadcast_to")
register(_concatenate, "concatenate stack")
register(_split, "split array_split")
register(_pad, "pad")
register(_windows, "sliding_window_view", np.lib.stride_tricks)
register(_copyto, "copyto")
register(_query, "can_cast iscomplexobj isrealobj ndim result_type shape size")
register(_share, "may_share_memory shares_memory")
register(_printed, "array2string array_repr array_str")

_reduced = _along(1, 0, several=True)
_accumulated = _along(1, 0)
_UFUNCS = {ufunc for ufunc in vars(np).values() if isinstance(ufunc, np.ufunc)}
for _ufunc in _UFUNCS:
    if _ufunc.signature is None:  # not matmul and the like
        RULES[_ufunc, "__call__"] = _elementwise
    RULES[_ufunc, "reduce"] = _reduced
    RULES[_ufunc, "accumulate"] = _accumulated
