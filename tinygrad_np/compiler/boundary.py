"""What a program reads from outside in each call, and what it leaves changed there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .statements import Var

__all__ = ["Input", "Output"]


@dataclass(eq=False)
class Input:
    """Something that the program reads anew in each call.

    Attributes:
        kind: "argument" (source: its position among the arrays of the call), "argument_grad" (its
            gradient), "tensor", "grad" (of a leaf), "number" (a `Number`), "array" (a captured
            NumPy array), "generator".
    """

    kind: str
    source: Any
    var: Var


@dataclass(eq=False)
class Output:
    """Something that the program leaves changed.

    Attributes:
        kind: "tensor", "grad" (of a leaf), "number"; "argument" and "argument_grad" for Tensors
            among the arguments.
        source: the Tensor, leaf or `Number`, or the position of the argument.
        var: the new value; None for a gradient that is cleared.
    """

    kind: str
    source: Any
    var: Var | None
