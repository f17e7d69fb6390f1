"""Properties of ops and of arrays that tell what happens to a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops.replay import run_again
from ..recording.reading import bare
from .text import number_text, share_text

if TYPE_CHECKING:
    from ..recording.recorder import Flow
    from .evidence import Evidence


def is_product(evidence: Evidence, flow: Flow, k: int) -> bool:
    """Return True if the op is linear in the flow's input and in operand k: they are factors."""
    node, op = flow.node, flow.node.op
    assert op is not None
    operands = [evidence.operand(node, i) for i in range(len(node.parents))]
    operands[k] = np.ones_like(operands[k])

    def result(position: int, scale: int) -> Any:
        scaled = list(operands)
        scaled[position] = scale * operands[position]
        return run_again(op, scaled, evidence.arguments(node))

    try:
        once = result(k, 1)
        for position in (k, flow.position):
            doubled = np.allclose(2 * once, result(position, 2), equal_nan=True)
            if not doubled or np.any(result(position, 0)):
                return False
    except (ValueError, TypeError):  # several outputs, or an operand that can't be doubled
        return False
    return True


def is_selection(out: np.ndarray, operands: list[np.ndarray]) -> bool:
    """Return True if each element of a result is that of one of the operands."""
    equal = np.zeros(out.shape, bool)
    for operand in operands:
        try:
            equal |= np.broadcast_to(operand, out.shape) == out
        except ValueError:
            return False
    return bool(equal.all())


def rows_text(mask: Any) -> str:
    """Return `300 of 300 rows`: those in which all elements are true."""
    if mask.ndim == 0:
        return "its only element"
    if mask.ndim == 1:
        return f"{share_text(mask)} elements"
    rows = mask.reshape(len(mask), -1).all(axis=1)
    return f"{share_text(rows)} rows"


def span_text(x: Any) -> str:
    """Return `its inputs are -3 … 5`."""
    low, high = number_text(np.min(x)), number_text(np.max(x))
    return f"its inputs are {low}" if low == high else f"its inputs are {low} … {high}"


def largest(value: Any) -> float:
    """Return the largest absolute value in an array, 0 if there is none."""
    array = np.abs(np.asarray([] if value is None else bare(value)))
    return float(array.max()) if array.size else 0.0


def is_numeric(value: Any) -> bool:
    """Return True for a number or an array of some, but not for a mask."""
    return value is not None and np.size(value) > 0 and np.asarray(value).dtype.kind in "fiu"
