"""Errors of ops, retold: what each operand is and where it comes from, and a fix if one fits."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import assigned_name, name_of, outside, short_place
from ..core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..core.op import Op

__all__ = ["describe", "describe_call", "failed"]

_MOST = 10**6  # elements to try a fix with


def _name(value: Any) -> str | None:
    """What the user calls an operand: its name, a variable, or what it was assigned to at once."""
    if isinstance(value, Tensor) and value.name:
        return value.name
    if not isinstance(value, (Tensor, np.ndarray)):
        return None
    name = name_of(outside(sys._getframe(1)), lambda held: held is value)
    if name is None and isinstance(value, Tensor) and value._node is not None:
        node = value._node
        if node.op is not None and node.code is not None:
            name = assigned_name(node.code, node.lasti)
    return name


def describe(value: Any) -> str:
    """A value as messages show it: `Tensor 'X' (300, 2) float32 made at spiral.py:31`.

    For the errors of functions and layers of your own. The name is the Tensor's, or that of the
    variable that holds it; the line is known of Tensors that were made from data and not written
    to since, and of results that need a gradient.
    """
    named = f" {name!r}" if (name := _name(value)) else ""
    if isinstance(value, Tensor):
        place = value._node.place if value._node is not None else None
        made = f" made at {short_place(place)}" if place else ""
        return f"Tensor{named} {value.shape} {value.dtype}{made}"
    if isinstance(value, (np.ndarray, np.generic)):
        return f"array{named} {value.shape} {value.dtype}"
    if isinstance(value, (int, float, complex, type(None))):
        return repr(value)
    if isinstance(value, (list, tuple)):
        with contextlib.suppress(ValueError):  # lists of unequal lengths have no shape
            return f"{type(value).__name__} {np.shape(value)}"
    return type(value).__name__


def describe_call(name: str, /, **arguments: Any) -> str:
    """A call as messages show it: `dot(x: Tensor (2, 3) float64, y: array (2,) float64)`."""
    return f"{name}({', '.join(f'{key}: {describe(value)}' for key, value in arguments.items())})"


def failed(op: Op, error: Exception, operands: Sequence[Any]) -> Exception:
    """The error of a forward, retold with the op, what it was given, and a fix that fits."""
    called = describe_call(op.name, **{op.input_name(k): value for k, value in enumerate(operands)})
    text = f"{called}: {str(error).rstrip()}{_suggestion(op, operands)}"
    for kind in (np.exceptions.AxisError, np.linalg.LinAlgError, IndexError, ZeroDivisionError):
        if isinstance(error, kind):
            return kind(text)
    return TypeError(text) if isinstance(error, TypeError) else ValueError(text)


def _suggestion(op: Op, operands: Sequence[Any]) -> str:
    """The changes to one operand with which the op would work, as a question; "" if none does.

    Each is tried on arrays of these shapes, so what is suggested does fit. If more than two would
    do, none is worth a guess.
    """
    if op.variadic or len(operands) != 2 or op.params:
        return ""
    if not all(isinstance(value, (Tensor, np.ndarray)) for value in operands):
        return ""
    fits = list(_fitting(op, operands))
    if not 1 <= len(fits) <= 2:
        return ""
    if len(fits) == 1:
        return f". Did you mean {fits[0][0]}?"
    return ". Did you mean " + ", or ".join(f"{fix} (giving {shape})" for fix, shape in fits) + "?"


def _fitting(op: Op, operands: Sequence[Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Expressions for one operand that make the op work, and the shape of the result."""
    sizes = sorted({n for value in operands for n in value.shape if n > 1})
    # For a ufunc only equality of lengths matters: small ones, all different, do as well.
    is_ufunc = isinstance(op.forward, np.ufunc)
    if not is_ufunc and max(value.size for value in operands) > _MOST:
        return
    small = {n: k + 2 if is_ufunc else n for k, n in enumerate(sizes)}
    back = {size: n for n, size in small.items()}
    arrays = [np.ones([small.get(n, n) for n in value.shape], value.dtype) for value in operands]
    for k in (1, 0):
        name = _name(operands[k]) or op.input_name(k)
        for text, change in _POINTWISE_CHANGES if op.elementwise else _CHANGES:
            tried: list[Any] = list(arrays)
            tried[k] = change(arrays[k])
            if tried[k] is None:
                continue
            try:
                with np.errstate(all="ignore"):
                    out = op.forward(*tried)
            except (ValueError, TypeError, IndexError):
                continue
            yield text.format(name), tuple(back.get(n, n) for n in np.shape(out))


def _turned(a: np.ndarray) -> np.ndarray | None:
    return a.T if a.ndim == 2 and a.shape[0] != a.shape[1] else None


def _turned_in_stack(a: np.ndarray) -> np.ndarray | None:
    return a.swapaxes(-1, -2) if a.ndim > 2 and a.shape[-1] != a.shape[-2] else None


def _column(a: np.ndarray) -> np.ndarray | None:
    return a[:, None] if a.ndim == 1 and a.size > 1 else None


_Changes = list[tuple[str, Callable[[np.ndarray], np.ndarray | None]]]
_CHANGES: _Changes = [("{}.T", _turned), ("{}.swapaxes(-1, -2)", _turned_in_stack)]
_POINTWISE_CHANGES: _Changes = [("{}.T", _turned), ("{}[:, None]", _column)]
