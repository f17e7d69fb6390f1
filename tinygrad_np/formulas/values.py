"""The values that the rules of an op can read, by name: they decide which lines run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..ops.replay import run_again

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..core.op import Op


def values_read(
    op: Op,
    position: int,
    operands: Sequence[Any],
    params: Mapping[str, Any],
    *,
    out: Any,
    g: Any,
) -> dict[str, Any]:
    """Return the value of everything that the rule for one input can read.

    Args:
        op: a declared operation.
        position: which input.
        operands: what the op computed with, one for each input: arrays, numbers or None.
        params: its other arguments by name, all of them.
        out: its result.
        g: the gradient of that.
    """
    values = call_values(op, position, operands, params) | {"out": out, "g": g}
    if op.keeps:
        outs = run_again(op, operands, params)
        values |= dict(zip(op.keeps, outs[-len(op.keeps) :]))
    return values


def call_values(
    op: Op, position: int, operands: Sequence[Any], params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return those that come with a call: inputs, their shapes, and parameters."""
    shapes = [() if x is None else getattr(x, "shape", ()) for x in operands]
    if op.variadic:
        (name,) = op.inputs
        return {name: list(operands), f"{name}_shape": shapes, "i": position, **params}
    shaped = {f"{name}_shape": shape for name, shape in zip(op.inputs, shapes)}
    return {**dict(zip(op.inputs, operands)), **shaped, **params}
