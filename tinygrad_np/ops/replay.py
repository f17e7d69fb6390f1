"""Run an op's forward again, as a call did before."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..core.op import Op


def run_again(op: Op, operands: Sequence[Any], arguments: Mapping[str, Any]) -> Any:
    """Return what the forward of an op gives for these operands, hidden outputs included.

    Args:
        operands: one for each input, also of an op that takes a sequence of them.
        arguments: the others, by name. They are copied, so that a random generator among them
            does not move on.
    """
    return prepared(op, operands, arguments)()


def prepared(op: Op, operands: Sequence[Any], arguments: Mapping[str, Any]) -> partial:
    """Prepare the call of `run_again`, to be made later, and once."""
    inputs = [list(operands)] if op.variadic else operands
    others = copy.deepcopy(dict(arguments))
    return partial(op.forward, *inputs, **others)
