"""`debug()`: stop at the first op that makes a nan or an infinity, or whose arrays were changed."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .recorder import Record
from .tensor import Tensor

if TYPE_CHECKING:
    from .autograd import Node

__all__ = ["debug"]


class _Debug(Record):
    """A Record that looks at every value and gradient as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self._marks: dict[Node, list[tuple[str, Any, bytes]]] = {}

    def made(
        self, node: Node, value: Any, operands: tuple[Any, ...], params: tuple[Any, ...] = ()
    ) -> None:
        super().made(node, value, operands, params)
        outs = value if isinstance(value, tuple) else (value,)
        for out in outs:
            where = _first_bad(out)
            if where is not None:
                raise FloatingPointError(self._forward_text(node, out, operands, where))
        assert node.op is not None
        held = [(f"its input {node.op.input_name(k)!r}", a) for k, a in enumerate(operands)]
        held += [("its result", out) for out in outs]
        self._marks[node] = [
            (what, array, _mark(array)) for what, array in held if isinstance(array, np.ndarray)
        ]

    def reached(self, node: Node, g: Any) -> None:
        super().reached(node, g)
        for what, array, mark in self._marks.get(node, ()):
            if _mark(array) != mark:
                raise RuntimeError(
                    f"{self._called(node)}: {what} was changed in place after it was used, so its "
                    "gradient would be wrong. Tensors' arrays are read-only; look for setflags, or "
                    "for a forward of your own that writes to its inputs"
                )

    def flowed(
        self, node: Node, position: int, parent: Node, contribution: Any, total: Any
    ) -> None:
        super().flowed(node, position, parent, contribution, total)
        array = _bare(contribution)
        where = _first_bad(array)
        if where is not None:
            raise FloatingPointError(self._backward_text(node, position, array, where))

    # --- what it says ----------------------------------------------------------------------------

    def _called(self, node: Node) -> str:
        made = node.op.name if node.op else "leaf"
        return f"{made}{_place(node)}"

    def _operand(self, node: Node, position: int, array: Any, where: tuple[int, ...]) -> str:
        """One operand with its name, its value at a place, and where it was made."""
        assert node.op is not None
        parent = node.parents[position]
        known = self.forward.get(parent)
        name = getattr(parent, "name", None) or (known.variable if known else None)
        text = node.op.input_name(position) + (f" ({name})" if name else "")
        if isinstance(array, (np.ndarray, np.generic)):
            text += f" = {_at(array, where)}"
        elif isinstance(array, (int, float)):
            text += f" = {array}"
        made = _place(parent) if hasattr(parent, "place") else ""
        return text + (f", made{made}" if made else "")

    def _operands(self, node: Node, operands: tuple[Any, ...], where: tuple[int, ...]) -> str:
        return "; ".join(self._operand(node, k, a, where) for k, a in enumerate(operands))

    def _forward_text(self, node: Node, out: Any, operands: Any, where: tuple[int, ...]) -> str:
        given = [k for k, a in enumerate(operands) if _first_bad(a) is not None]
        place = f" at {where}" if where else ""
        if given:
            bad = operands[given[0]]
            at = _first_bad(bad) or ()
            shown = self._operand(node, given[0], bad, at)
            return f"{self._called(node)} was given {_at(bad, at)} at {at}: {shown}"
        return (
            f"{self._called(node)} made {_at(out, where)}{place}, from "
            f"{self._operands(node, operands, where)}"
        )

    def _backward_text(self, node: Node, position: int, array: Any, where: tuple[int, ...]) -> str:
        assert node.op is not None
        made = self.forward.get(node)
        operands = made.operands if made else ()
        g = _bare(self.gradients[node])
        place = f" at {where}" if where else ""
        text = (
            f"backward of {self._called(node)} made {_at(array, where)} in the gradient of its "
            f"input {node.op.input_name(position)!r}{place}, from "
            f"{self._operands(node, operands, where)}; the incoming gradient there is "
            f"{_at(g, where)}"
        )
        masked = g.shape == np.shape(array) and _at(g, where) == 0
        if masked:
            text += (
                ". A branch that is not taken is computed too, and 0 times inf is nan: give the op "
                "a harmless value where its result is not used, such as "
                f"{node.op.name}(where(mask, x, 1))"
            )
        return text


def debug() -> Record:
    """Inside `with tg.debug():` the first op that makes a nan or an infinity raises.

    Forward and backward. The message has the op, the user's line, the place in the array, the
    operands there with their names and the lines that made them, and for the gradient of a masked
    branch (0 times inf) what to do. In backward each op's arrays are compared with what they were
    when it ran. It keeps everything, as `record()` does, and takes time: for looking, not training.

    Raises:
        FloatingPointError: inside, by the first nan or infinity.
        RuntimeError: inside, by backward, if an array was changed since.
    """
    return _Debug()


def _bare(value: Any) -> Any:
    """The array of a gradient, which is a Tensor where it is recorded."""
    return value.data if isinstance(value, Tensor) else value


def _first_bad(value: Any) -> tuple[int, ...] | None:
    """Where the first nan or infinity is, if there is one."""
    array = np.asarray(value) if isinstance(value, (np.ndarray, np.generic, float)) else None
    if array is None or array.dtype.kind not in "fc":
        return None
    bad = ~np.isfinite(array)
    return tuple(map(int, np.argwhere(bad)[0])) if bad.any() else None


def _at(array: Any, where: tuple[int, ...]) -> Any:
    """The element that belongs to this place of the result, for an operand that was broadcast."""
    array = np.asarray(array)
    own = where[len(where) - array.ndim :] if array.ndim <= len(where) else None
    if own is None or any(k >= n and n != 1 for k, n in zip(own, array.shape)):
        return f"an array {array.shape}"
    return array[tuple(0 if n == 1 else k for k, n in zip(own, array.shape))]


def _place(node: Any) -> str:
    return f" at {os.path.basename(node.place[0])}:{node.place[1]}" if node.place else ""


def _mark(array: Any) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).digest()
