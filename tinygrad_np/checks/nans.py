"""`debug()`: stop at the first op that makes a nan or an infinity, or whose arrays changed."""

from __future__ import annotations

import hashlib
import sys
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.callsite import INSIDE, name_of, outside, short_place
from ..core.node import Node
from ..core.tensor import Tensor
from ..ops.labels import first_place
from ..ops.pieces import where as selection
from ..recording.reading import bare
from ..recording.recorder import Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SELECTION: str = selection.op.name  # type: ignore[attr-defined]
MODERATE = 1e6  # an argument whose polynomials are far from overflow
GROWTH = 1e4  # of a parameter: far beyond what training does

_LOOK_FOR = (
    "Gradients would not be those of the values that were used. Tensors' arrays are read-only: "
    "look for setflags or flags.writeable, in a forward of your own too"
)


class _Mark(NamedTuple):
    """The digest of an array when it was last looked at."""

    array: np.ndarray  # kept, so that its id belongs to nobody else
    digest: bytes
    seen: str  # the op that used it


def _quiet_errors() -> tuple[ContextVar, Any]:
    """Return NumPy's variable for the handling of errors of floats, and its value for silence.

    `np.errstate` runs in Python: an interrupt in the middle of it would leave errors silent.
    """
    context = copy_context()
    context.run(np.seterr, divide="ignore", over="ignore", invalid="ignore")
    before = copy_context()
    changed = (item for item in context.items() if before.get(item[0]) is not item[1])
    return next(changed)


class _Debug(Record):
    """A Record that looks at every value and gradient as it comes."""

    variables = (*Record.variables, _quiet_errors()[0])  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self._marks: dict[int, _Mark] = {}
        self._names: dict[Node, str] = {}

    def _values(self) -> tuple[Any, ...]:
        # What NumPy would warn of is looked for here, with a better message.
        return (*super()._values(), _quiet_errors()[1])

    # --- called by the engine ------------------------------------------------------------------

    def made(
        self, node: Node, value: Any, operands: tuple[Any, ...], params: tuple[Any, ...] = ()
    ) -> None:
        super().made(node, value, operands, params)
        frame = outside(sys._getframe(1))
        for parent in node.parents:
            self._learn_name(parent, frame)
        called = self._called(node)
        for array, parent, whose in self._inputs(node, operands):
            new = type(array) is np.ndarray and id(array) not in self._marks
            if new and array.flags.writeable:
                if getattr(parent, "needs_grad", False):
                    raise RuntimeError(f"{called}: {whose} was made writable. {_LOOK_FOR}")
                continue  # the user's own array, which no rule reads
            self._unchanged(array, called, whose)
        outs = value if isinstance(value, tuple) else (value,)
        for out in outs:
            self._check_made(node, out, operands)
        self._unchanged(value, called, "its result")

    def reached(self, node: Node, g: Any) -> None:
        super().reached(node, g)
        made = self.forward.get(node)
        if made is not None and node.op is not None:
            called = f"backward of {self._called(node)}"
            for array, _, whose in self._inputs(node, made.operands):
                if id(array) in self._marks:
                    self._unchanged(array, called, whose)
            self._unchanged(made.value, called, "its result")
        for part in g if isinstance(g, tuple) else (g,):
            where = _first(bare(part), _bad)
            if where is not None:  # no rule made it: that would have been seen
                raise FloatingPointError(
                    f"backward of {self._called(node)} was given the gradient "
                    f"{bare(part)[where]}{_at(where)}, by a hook or as backward's argument"
                )

    def flowed(
        self, node: Node, position: int, parent: Node, contribution: Any, total: Any
    ) -> None:
        super().flowed(node, position, parent, contribution, total)
        array = bare(contribution)
        where = _first(array, _bad)
        if where is not None:
            raise FloatingPointError(self._backward_text(node, position, array, where))
        summed = bare(total)
        where = _first(summed, _bad)
        if where is not None:
            assert node.op is not None
            whose = f"its input {node.op.input_name(position)!r}{self._named(parent)}"
            raise FloatingPointError(
                f"backward of {self._called(node)}: the sum of the gradients of {whose} is "
                f"{summed[where]}{_at(where)}: too large for {parent.dtype}"
            )

    # --- looking ---------------------------------------------------------------------------------

    def _learn_name(self, node: Any, frame: FrameType) -> None:
        """Look up the user's variable for a value, while that code runs."""
        if isinstance(node, Node) and node not in self._names:
            name = name_of(frame, lambda value: isinstance(value, Tensor) and value._node is node)
            if name is not None:
                self._names[node] = name

    def _inputs(self, node: Node, operands: tuple[Any, ...]) -> Iterator[tuple[Any, Any, str]]:
        """Yield each operand with its node, and the words that messages have for it."""
        assert node.op is not None
        for k, (array, parent) in enumerate(zip(operands, node.parents, strict=True)):
            yield array, parent, f"its input {node.op.input_name(k)!r}{self._named(parent)}"

    def _unchanged(self, value: Any, called: str, whose: str) -> None:
        """Raise if an array is no longer what it was when it was last looked at."""
        for array in value if isinstance(value, tuple) else (value,):
            if type(array) is not np.ndarray:  # what stands for one in a recording is not read
                continue
            now = hashlib.blake2b(array.tobytes(), digest_size=16).digest()
            before = self._marks.get(id(array))
            if before is not None and before.digest != now:
                raise RuntimeError(
                    f"{called}: {whose} was changed in place, since {before.seen}. {_LOOK_FOR}"
                )
            self._marks[id(array)] = _Mark(array, now, called)

    def _check_made(self, node: Node, out: Any, operands: tuple[Any, ...]) -> None:
        """Raise for a nan, and for an infinity that is not one of an operand's handed on."""
        where = _first(out, np.isnan)
        if where is None:
            if any(_first(a, np.isinf) is not None for a in operands):
                return  # such as a mask of -inf before a softmax
            where = _first(out, np.isinf)
        if where is not None:
            raise FloatingPointError(self._forward_text(node, out, operands, where))

    # --- messages --------------------------------------------------------------------------------

    def _called(self, node: Node) -> str:
        return f"{node.op.name if node.op else 'leaf'}{_place(node)}"

    def _named(self, node: Any) -> str:
        """Return the user's name for a value in brackets, if it is known."""
        known = self.forward.get(node)
        name = getattr(node, "name", None) or (known.variable if known else None)
        name = name or (self._names.get(node) if isinstance(node, Node) else None)
        return f" ({name})" if name else ""

    def _operand(self, node: Node, position: int, array: Any, where: tuple[int, ...]) -> str:
        """Describe one operand: its name, its value at a place, and the line that made it."""
        assert node.op is not None
        parent = node.parents[position]
        text = node.op.input_name(position) + self._named(parent)
        if isinstance(array, (np.ndarray, np.generic)):
            text += f" = {_element(array, where)}"
        elif isinstance(array, (int, float)):
            text += f" = {array}"
        made = _place(parent) if hasattr(parent, "place") else ""
        return text + (f", made{made}" if made else "")

    def _operands(self, node: Node, operands: tuple[Any, ...], where: tuple[int, ...]) -> str:
        return "; ".join(self._operand(node, k, a, where) for k, a in enumerate(operands))

    def _forward_text(self, node: Node, out: Any, operands: Any, where: tuple[int, ...]) -> str:
        for k, operand in enumerate(operands):
            at = _first(operand, np.isnan)
            if at is not None:
                shown = self._operand(node, k, operand, at)
                return f"{self._called(node)} was given {_element(operand, at)}{_at(at)}: {shown}"
        text = (
            f"{self._called(node)} made {_element(out, where)}{_at(where)}, from "
            f"{self._operands(node, operands, where)}"
        )
        if any(_first(a, _bad) is not None for a in operands):
            return text
        elements = [_element(operand, where) for operand in operands]
        selects = _selects(outside(sys._getframe(1)))
        advice = self._growth() or _advice(node, np.isinf(out[where]), elements, selects)
        return f"{text}. {advice}" if advice else text

    def _growth(self) -> str:
        """Say which parameter has grown beyond all bounds since the first update, if one has."""
        first: dict[Node, Any] = {}
        for update in self.updates:
            start = np.abs(bare(first.setdefault(update.node, update.before))).max(initial=0)
            largest = np.abs(bare(update.after)).max(initial=0)
            if largest > GROWTH * max(start, 1):
                return (
                    f"Parameters have grown step by step{self._named(update.node)}, up to "
                    f"{largest:.3g}: a smaller learning rate keeps them"
                )
        return ""

    def _backward_text(self, node: Node, position: int, array: Any, where: tuple[int, ...]) -> str:
        assert node.op is not None
        made = self.forward.get(node)
        g = bare(self.gradients[node])
        several = isinstance(g, tuple)
        incoming = "" if several else f"; the incoming gradient there is {_element(g, where)}"
        text = (
            f"backward of {self._called(node)} made {array[where]} in the gradient of its "
            f"input {node.op.input_name(position)!r}{_at(where)}, from "
            f"{self._operands(node, made.operands if made else (), where)}{incoming}"
        )
        if not several and np.shape(g) == np.shape(array) and g[where] == 0:
            text += (
                ". A branch that where() does not take is computed too, and 0 times inf is nan: "
                f"{_safe(node)}"
            )
        return text


def debug() -> Record:
    """Inside `with tg.debug():` the first op that makes a nan or an infinity raises.

    Forward and backward. The message has the op, the user's line, the place in the array, the
    operands there with their names and the lines that made them, and for a branch that `where`
    does not take what to do. Infinities that were there before, as in a mask of -inf, may pass
    through. Each op's arrays are compared with what they were when they were last used, so that
    one that was written to in between is named.

    It keeps everything, as `record()` does, and takes time: for looking, not training. NumPy's
    warnings are off inside. It sees what is recorded: ops on values that need a gradient.

    Raises:
        FloatingPointError: inside, by the first nan or infinity.
        RuntimeError: inside, if an array was changed since it was used.
    """
    return _Debug()


def _advice(node: Node, is_infinite: bool, elements: list[Any], selects: bool) -> str:
    """Return what helps against a first nan or infinity: a where() only for code that has one."""
    assert node.op is not None
    if not node.op.elementwise:
        return ""
    if selects:
        safe = _safe(node)
        return (
            f"If a where() picks another value there, the gradient can be nan all the same: {safe}"
        )
    if not is_infinite or 0 in elements:
        return ""
    if len(elements) == 1 and abs(elements[0]) < MODERATE:  # an exponential
        return (
            "Subtract the largest argument first, as tg.softmax and tg.logsumexp do, or limit it: "
            "tg.clip(x, None, 50)"
        )
    limit = np.finfo(node.dtype).max
    wider = ", or compute in float64" if limit < 1e300 else ""
    return f"The largest {node.dtype} is {limit:.2g}: scale the numbers down{wider}"


def _selects(frame: FrameType | None) -> bool:
    """Say whether one of the functions that are running has a where() in it."""
    while frame is not None:
        if not INSIDE[frame.f_code.co_filename] and SELECTION in frame.f_code.co_names:
            return True
        frame = frame.f_back
    return False


def _safe(node: Node) -> str:
    assert node.op is not None
    inner = ", ".join(f"where(mask, {name}, 1)" for name in node.op.inputs[-1:])
    arguments = ", ".join([*node.op.inputs[:-1], inner])
    return (
        "give the op a harmless value where its result is not used, as in "
        f"where(mask, {node.op.name}({arguments}), 0)"
    )


def _bad(array: Any) -> Any:
    return ~np.isfinite(array)


def _first(value: Any, test: Any) -> tuple[int, ...] | None:
    """Return the index of the first nan or infinity, if there is one."""
    if not issubclass(type(value), (np.ndarray, np.generic, float)):
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        return None
    bad = np.asarray(test(array))
    return first_place(bad) if bad.any() else None


def _element(array: Any, where: tuple[int, ...]) -> Any:
    """Return the operand's element for this place of the result, broadcast or not."""
    array = np.asarray(array)
    own = where[len(where) - array.ndim :] if array.ndim <= len(where) else None
    if own is None or any(k >= n and n != 1 for k, n in zip(own, array.shape)):
        return f"an array {array.shape}"
    return array[tuple(0 if n == 1 else k for k, n in zip(own, array.shape))]


def _at(where: tuple[int, ...]) -> str:
    return f" at {where}" if where else ""


def _place(node: Any) -> str:
    return f" at {short_place(node.place)}" if node.place else ""
