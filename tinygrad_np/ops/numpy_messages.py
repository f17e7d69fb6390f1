"""NumPy's errors about shapes in plain words: with the names and axes of the op that was called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.op import Op

# Compiled on first use: an import would pay for messages that nobody needs.
_LENGTHS = (
    r"Input operand (\d+) has a mismatch in its core dimension (\d+), "
    r"with gufunc signature (\S+) \(size (\d+) is different from (\d+)\)"
)
_AXES = (
    r"Input operand (\d+) does not have enough dimensions "
    r"\(has (\d+), gufunc core with signature \S+ requires (\d+)\)"
)
_STACKS = r"remapped shapes \[original->remapped\]: (.*\S)\s+and requested shape (\(.*\))"
_TERM = r"\(([^)]*)\)"


def plain_words(op: Op, error: Exception, operands: Sequence[Any]) -> str:
    """Return the text of an error that the forward of an op raised, in words of its operands."""
    text = str(error).rstrip()
    if match := re.search(_LENGTHS, text):
        position, axis, signature, length, other = match.groups()
        return _unequal(op, operands, int(position), int(axis), signature, length, other)
    if match := re.search(_AXES, text):
        position, count, least = map(int, match.groups())
        axes = "axis" if least == 1 else "axes"
        return f"{op.input_name(position)} must have at least {least} {axes}, not {count}"
    if match := re.search(_STACKS, text):
        shapes, wanted = match.groups()
        if "->" not in shapes:
            problem = f"the shape {shapes} does not broadcast to {wanted}"
            return re.sub(r",(?=\d)", ", ", problem)
        stacks = " and ".join(str(np.shape(value)[:-2]) for value in operands)
        return f"the axes in front of the matrices do not broadcast: {stacks}"
    if "axes don't match array" in text:
        count = np.ndim(operands[0])
        return f"the axes are all {count} in their new order; t.swapaxes(a, b) exchanges two"
    if "not supported for the input types" in text:
        kinds = (getattr(value, "dtype", type(value).__name__) for value in operands)
        return f"it is not defined for {' and '.join(map(str, kinds))}"
    return text


def _unequal(
    op: Op,
    operands: Sequence[Any],
    position: int,
    axis: int,
    signature: str,
    length: str,
    other: str,
) -> str:
    """Say which axes of two operands must have one length; the signature labels them."""
    terms = [term.split(",") for term in re.findall(_TERM, signature.partition("->")[0])]
    label = terms[position][axis].rstrip("?")
    mine = _axis(terms[position], label, operands[position])
    for k, term in enumerate(terms[:position]):
        if label in (name.rstrip("?") for name in term):
            theirs = _axis(term, label, operands[k])
            return (
                f"axis {theirs} of {op.input_name(k)} has {other} elements, but axis {mine} of "
                f"{op.input_name(position)} has {length}: they must have the same length"
            )
    return f"axis {mine} of {op.input_name(position)} has {length} elements, not {other}"


def _axis(term: list[str], label: str, operand: Any) -> int:
    """Return the axis that a label stands for, counted from the end."""
    names = [name.rstrip("?") for name in term]
    if np.ndim(operand) < len(names):  # a vector, without the axis that is optional
        names = [name for name, written in zip(names, term) if not written.endswith("?")]
    return names.index(label) - len(names)
