"""One operation in words: what it computes, its derivative, shapes, an example with numbers."""

from __future__ import annotations

import math
import textwrap
from contextvars import Context
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.tensor import Tensor, as_operand
from ..formulas.derivatives import Derivative, rule_of
from ..formulas.values_read import values_read
from ..ops.apply import general
from .text import Text, array_text, at_index, listed, shape_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..core.op import Op

__all__ = ["about_op"]

LARGEST_EXAMPLE = 24  # elements of an input; larger ones are hard to follow


class Example(NamedTuple):
    """A call of an op on small numbers.

    Attributes:
        inputs: the arrays and numbers that it was given.
        params: the other arguments, by name.
        out: the result: an array, or a tuple of them.
        g: the gradient of the result; None if no gradient flows.
        gradients: the gradient of each input, None where there is none.
    """

    inputs: list[Any]
    params: dict[str, Any]
    out: Any
    g: Any
    gradients: list[Any]


def about_op(op: Op) -> Text:
    """The whole explanation of one op."""
    function = general(op)
    signature = ", ".join((*op.inputs, *op.params))
    parts = [f"{op.name}({signature})", *_wrapped(op.doc, "  ")]
    if op.text:
        parts += ["", f"  out = {op.text.format(**{n: n for n in (*op.inputs, *op.params)})}"]
    example = _example(op, function)
    values = _values(op, example)
    parts += ["", "Derivative", *_derivatives(op, values)]
    if op.kinks:
        parts += ["", "At kinks", *_wrapped(op.kinks, "  ")]
    parts += ["", "Shapes", *_wrapped(_shapes(op, function), "  ")]
    parts += ["", "Kept until backward", *_wrapped(_kept(op), "  ")]
    if example is not None:
        parts += ["", "Example", *_shown(op, example)]
    return Text("\n".join(parts))


def _wrapped(text: str, indent: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        one = " ".join(paragraph.split())
        lines += textwrap.wrap(one, 96, initial_indent=indent, subsequent_indent=indent)
    return lines


# --- the derivative -------------------------------------------------------------------------------


def _derivatives(op: Op, values: dict[str, Any]) -> list[str]:
    if all(rule is None for rule in op.rule.values()):
        return ["  None: no gradient flows through it."]
    lines = ["  g is the gradient of out. The gradient of"]
    found = []
    for position, name in enumerate(op.inputs):
        shown = f"{name}[i]" if op.variadic else name
        if rule_of(op, position) is None:
            lines.append(f"    {shown}: none")
            continue
        found.append(Derivative(op, position, values))
        lines += _derivative(shown, found[-1])
    return lines + [line for note in _notes(found) for line in _wrapped(note, "  ")]


def _derivative(name: str, derivative: Derivative) -> list[str]:
    """The rule for one input, as a formula and in NumPy."""
    code = derivative.numpy()
    text = derivative.formula()
    if text is not None:
        indent = " " * len(name)
        return [
            *_hung(f"    {name}: ", text.split("\n")),
            *_hung(f"    {indent}  NumPy: ", code),
        ]
    if code:
        return [f"    {name}, in NumPy:", *(f"        {line}" for line in code)]
    return [f"    {name}: its rule's source is not at hand"]


def _notes(found: list[Derivative]) -> list[str]:
    """What else there is to say of the lines that are shown."""
    notes = []
    if any(derivative.chosen for derivative in found):
        notes.append("Where a rule branches, the lines are those that run in the example.")
    kept = dict.fromkeys(name for derivative in found for name in derivative.kept())
    if kept:
        texts = found[0].op.kept_texts
        told = [f"{name} ({texts[name]})" if name in texts else name for name in kept]
        notes.append(f"{listed(told)}: kept by forward")
    helpers = {name: doc for derivative in found for name, doc in derivative.helpers().items()}
    return notes + [f"{name}: {doc}" for name, doc in helpers.items()]


def _hung(label: str, lines: list[str]) -> list[str]:
    """The lines one below the other, to the right of a label."""
    return [(label if k == 0 else " " * len(label)) + line for k, line in enumerate(lines)]


def _kept(op: Op) -> str:
    read = sorted({slot for slots in op.slots for slot in slots})
    names = [op.layout[slot] for slot in read if op.layout[slot] not in op.params]
    arrays = [n for n in names if not n.endswith("_shape") and not (op.variadic and n == "i")]
    if all(rule is None for rule in op.rule.values()):
        return "nothing"
    return listed(arrays) if arrays else "no array: the rules read none"


# --- shapes ---------------------------------------------------------------------------------------


def _shapes(op: Op, function: Callable) -> str:
    if op.elementwise:
        if len(op.inputs) == 1:
            return "each element on its own: out has the shape of x".replace("x", op.inputs[0])
        names = listed(op.inputs)
        return (
            f"element by element; {names} are broadcast against each other, and the gradient of "
            "each is summed over the axes along which it was stretched"
        )
    seen: dict[str, None] = {}
    for args, params in _samples(op):
        inputs = list(args[0]) if op.variadic else list(args[: len(op.inputs)])
        extra = ", ".join(
            [repr(a) for a in args[1 if op.variadic else len(op.inputs) :]]
            + [f"{k}={v!r}" for k, v in params.items()]
        )
        if len(extra) > 30 or "\n" in extra:
            continue
        try:
            out = function(*args, **params)
        except Exception:  # a sample that needs what is not here: others will do
            continue
        shapes = ", ".join(shape_text(np.shape(x)) for x in inputs if x is not None)
        outs = [shape_text(np.shape(o)) for o in (out if isinstance(out, tuple) else (out,))]
        seen[f"{shapes}{f' with {extra}' if extra else ''} → {listed(outs)}"] = None
    return "; ".join(list(seen)[:3]) or "as its doc says"


def _samples(op: Op) -> list[tuple[tuple, dict[str, Any]]]:
    if op.samples is None:
        return []
    rng = np.random.default_rng(0)

    def r(*shape: int) -> Any:
        return np.round(rng.uniform(-2, 2, shape), 1) + 0.0  # which makes 0 of -0

    return op.samples(r)


# --- the example ----------------------------------------------------------------------------------


def _example(op: Op, function: Callable) -> Example | None:
    """The op on small numbers, with its gradients; None if nothing small enough is declared."""
    for args, params in _calls(op):
        count = 1 if op.variadic else len(op.inputs)
        inputs = list(args[0]) if op.variadic else list(args[:count])
        arrays = [x for x in inputs if isinstance(x, (np.ndarray, float))]
        if any(np.size(x) > LARGEST_EXAMPLE or np.size(x) == 0 for x in arrays):
            continue
        leaves = [_leaf(x) for x in inputs]
        given = (leaves, *args[1:]) if op.variadic else (*leaves, *args[count:])
        try:
            # Not in the user's context: no_grad() does not hold here, and record() sees nothing.
            out, g, gradients = Context().run(_computed, op, function, given, params, leaves)
        except Exception:  # no example, then
            continue
        names = dict(zip(op.params, args[count:])) | params
        outs = out if isinstance(out, tuple) else (out,)
        bare = tuple(o.data if isinstance(o, Tensor) else o for o in outs)
        shown = bare if isinstance(out, tuple) else bare[0]
        return Example(inputs, names, shown, g, gradients)
    return None


def _calls(op: Op) -> list[tuple[tuple, dict[str, Any]]]:
    """Calls to try, the one that is easiest to follow first: three points, small matrices."""

    def strangeness(call: tuple[tuple, dict[str, Any]]) -> tuple[bool, bool, int]:
        given = call[0][0] if op.variadic else call[0][: len(op.inputs)]
        arrays = [np.asarray(a) for a in given if a is not None]
        total = sum(a.size for a in arrays)
        return total < 3, total > LARGEST_EXAMPLE, abs(max(a.ndim for a in arrays) - 2)

    points: tuple[tuple, dict[str, Any]] = (
        tuple(_points(op.domain, k) for k in range(len(op.inputs))),
        {},
    )
    return [*([points] if op.elementwise else []), *sorted(_samples(op), key=strangeness)]


def _points(domain: tuple[float, float], k: int) -> np.ndarray:
    """Three points in a domain; for a second input, others."""
    low, high = domain
    if low == -np.inf and high == np.inf:
        rows = ([-1.5, 0.0, 2.0], [0.5, 3.0, -1.0])
    elif high == np.inf:
        rows = ([0.5, 1.0, 4.0], [2.0, 0.5, 3.0])
    elif low == -np.inf:
        rows = ([-4.0, -1.0, -0.5], [-3.0, -0.5, -2.0])
    else:
        width = high - low
        return np.round(low + width * np.array([0.25, 0.5, 0.75]), 2)
    at = np.array(rows[k % 2], np.float64)
    return at if low == -np.inf or at.min() > low else at + np.ceil(low - at.min())


def _leaf(x: Any) -> Any:
    floats = isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")
    return Tensor(x, requires_grad=True) if floats else x


def _computed(
    op: Op, function: Callable, given: tuple, params: dict[str, Any], leaves: list[Any]
) -> tuple[Any, Any, list[Any]]:
    with np.errstate(all="ignore"):
        out = function(*given, **params)
        return out, *_gradients(op, out, leaves)


def _gradients(op: Op, out: Any, leaves: list[Any]) -> tuple[Any, list[Any]]:
    first = out[0] if isinstance(out, tuple) else out
    if not isinstance(first, Tensor) or not first.requires_grad:
        return None, [None] * len(leaves)
    g = np.ones(first.shape, np.float64)
    if not op.elementwise and first.size > 1:
        # Of one element, so that the numbers are those of one row of the Jacobian.
        g = np.zeros(first.shape, np.float64)
        g[(0,) * first.ndim] = 1
    first.backward(g)
    found = [x.grad.data if isinstance(x, Tensor) and x.grad is not None else None for x in leaves]
    return g, found


def _values(op: Op, example: Example | None) -> dict[str, Any]:
    """What the rules read in the example, by name: it decides their branches."""
    if example is None:
        return {}
    known = op.defaults | example.params
    inputs = example.inputs
    if not op.variadic:
        known |= dict(zip(op.inputs, inputs))
        inputs = [known[name] for name in op.inputs]
    operands = [None if x is None else as_operand(x) for x in inputs]
    params = {name: known[name] for name in op.params}
    return values_read(op, 0, operands, params, out=example.out, g=example.g)


def _shown(op: Op, example: Example) -> list[str]:
    lines: list[tuple[str, Any]] = []
    for k, value in enumerate(example.inputs):
        lines.append((f"{op.input_name(k)} = ", value))
    lines += [(f"{name} = ", value) for name, value in example.params.items()]
    outs = example.out if isinstance(example.out, tuple) else (example.out,)
    lines += [(f"out{f'[{k}]' if len(outs) > 1 else ''} = ", o) for k, o in enumerate(outs)]
    if example.g is not None:
        lines.append(("g = " if len(outs) == 1 else "g of out[0] = ", example.g))
        for k, gradient in enumerate(example.gradients):
            if gradient is not None:
                lines.append((f"gradient of {op.input_name(k)} = ", gradient))
    lines = [part for name, value in lines for part in _matrices(name, value)]
    width = max(len(name) for name, _ in lines)
    shown = []
    for name, value in lines:
        prefix = "  " + name.rjust(width)
        bare = isinstance(value, (np.ndarray, np.generic))
        shown += (prefix + (array_text(value, prefix) if bare else repr(value))).split("\n")
    return shown


def _matrices(name: str, value: Any) -> list[tuple[str, Any]]:
    """An array of more than three axes as its matrices, `x[0, 1] = `; others as they are."""
    deep = isinstance(value, np.ndarray) and value.ndim > 3
    if not deep or math.prod(value.shape[:-2]) > LARGEST_EXAMPLE:
        return [(name, value)]
    called = name.removesuffix(" = ")
    places = np.ndindex(value.shape[:-2])
    return [(f"{called}{at_index(place)} = ", value[place]) for place in places]
