"""One operation in words: its formula, derivative and shapes, and an example with numbers."""

from __future__ import annotations

import math
import textwrap
from contextvars import Context
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..checks.values import is_float
from ..core.printing import Text
from ..core.tensor import Tensor, as_operand
from ..formulas.derivatives import Derivative, rule_of
from ..formulas.values import values_read
from ..ops.apply import general
from ..recording.reading import bare
from .text import array_text, index_text, list_text, shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.op import Op

LARGEST_EXAMPLE = 24  # elements of an input; larger ones are hard to follow
LONGEST_ARGUMENTS = 30
MOST_SHAPES = 3


class Example(NamedTuple):
    """A call of an op on small numbers.

    Attributes:
        inputs: its arrays and numbers.
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


def op_explanation(op: Op) -> Text:
    """Explain one op."""
    names = [*op.inputs, *op.params]
    example = _example(op)
    lines = [f"{op.name}({', '.join(names)})", *_wrapped(op.doc)]
    lines += ["", f"  out = {op.text.format(**{name: name for name in names})}"]
    lines += ["", "Derivative", *_derivatives(op, _values(op, example))]
    if op.kinks:
        lines += ["", "At kinks", *_wrapped(op.kinks)]
    lines += ["", "Shapes", *_wrapped(_shapes(op))]
    lines += ["", "Kept until backward", *_wrapped(_kept(op))]
    if example is not None:
        lines += ["", "Example", *_example_lines(op, example)]
    return Text("\n".join(lines))


def _wrapped(text: str) -> list[str]:
    lines: list[str] = []
    indent = "  "
    for paragraph in text.split("\n\n"):
        line = " ".join(paragraph.split())
        lines += textwrap.wrap(line, 96, initial_indent=indent, subsequent_indent=indent)
    return lines


# --- the derivative -------------------------------------------------------------------------------


def _derivatives(op: Op, values: dict[str, Any]) -> list[str]:
    if not any(op.rule.values()):
        return ["  None: no gradient flows through it."]
    lines = ["  g is the gradient of out. The gradient of"]
    derivatives = []
    for position in range(len(op.inputs)):
        label = op.input_name(position)
        if rule_of(op, position) is None:
            lines.append(f"    {label}: none")
            continue
        derivative = Derivative(op, position, values)
        derivatives.append(derivative)
        lines += _derivative(label, derivative)
    for note in _notes(op, derivatives):
        lines += _wrapped(note)
    return lines


def _derivative(name: str, derivative: Derivative) -> list[str]:
    """Return the rule for one input, as a formula and in NumPy."""
    code = derivative.numpy()
    text = derivative.formula()
    if text is not None:
        margin = " " * len(name)
        formula = _beside(f"    {name}: ", text.split("\n"))
        return formula + _beside(f"    {margin}  NumPy: ", code)
    if code:
        return [f"    {name}, in NumPy:", *(f"        {line}" for line in code)]
    return [f"    {name}: its rule's source is not at hand"]


def _beside(label: str, lines: list[str]) -> list[str]:
    """Return the lines one below the other, to the right of a label."""
    text = ("\n" + " " * len(label)).join(lines)
    return f"{label}{text}".split("\n") if lines else []


def _notes(op: Op, derivatives: list[Derivative]) -> list[str]:
    """Return notes on the names in the rules."""
    notes = []
    if any(derivative.chosen for derivative in derivatives):
        notes.append("Where a rule branches, the lines are those that run in the example.")
    kept: dict[str, str] = {}
    helpers: dict[str, str] = {}
    for derivative in derivatives:
        helpers |= derivative.helpers()
        for name in derivative.kept():
            text = op.kept_texts.get(name)
            kept[name] = f"{name} ({text})" if text else name
    if kept:
        notes.append(f"{list_text(list(kept.values()))}: kept by forward")
    return notes + [f"{name}: {doc}" for name, doc in helpers.items()]


def _kept(op: Op) -> str:
    """Name the arrays that the rules read."""
    if not any(op.rule.values()):
        return "nothing"
    names = []
    for slot in sorted(set().union(*op.slots)):
        name = op.layout[slot]
        is_index = op.variadic and name == "i"
        if name not in op.params and not name.endswith("_shape") and not is_index:
            names.append(name)
    return list_text(names) or "no array: the rules read none"


# --- shapes ---------------------------------------------------------------------------------------


def _shapes(op: Op) -> str:
    if op.elementwise and len(op.inputs) == 1:
        return f"each element on its own: out has the shape of {op.inputs[0]}"
    if op.elementwise:
        return (
            f"element by element; {list_text(op.inputs)} are broadcast against each other, and "
            "the gradient of each is summed over the axes along which it was stretched"
        )
    lines: dict[str, None] = {}
    for args, params in _samples(op):
        inputs, rest = _split(op, args)
        values = [*map(repr, rest), *(f"{name}={value!r}" for name, value in params.items())]
        extra = ", ".join(values)
        if len(extra) > LONGEST_ARGUMENTS or "\n" in extra:
            continue
        try:
            out = general(op)(*args, **params)
        except Exception:  # a sample that needs what is not here: others will do
            continue
        before = ", ".join(shape_text(np.shape(x)) for x in inputs if x is not None)
        after = list_text([shape_text(np.shape(x)) for x in _outputs(out)])
        arguments = f" with {extra}" if extra else ""
        lines[f"{before}{arguments} → {after}"] = None
    return "; ".join(list(lines)[:MOST_SHAPES]) or "as its doc says"


def _outputs(out: Any) -> tuple[Any, ...]:
    return out if isinstance(out, tuple) else (out,)


# --- calls ----------------------------------------------------------------------------------------

Arguments = tuple[tuple, dict[str, Any]]  # by position, and by name


def _split(op: Op, args: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Separate the inputs from the other arguments by position."""
    if op.variadic:
        return list(args[0]), list(args[1:])
    count = len(op.inputs)
    return list(args[:count]), list(args[count:])


def _samples(op: Op) -> list[Arguments]:
    """Return the declared samples, with round numbers."""
    if op.samples is None:
        return []
    rng = np.random.default_rng(0)

    def array(*shape: int) -> Any:
        return np.round(rng.uniform(-2, 2, shape), 1) + 0.0  # which makes 0 of -0

    return op.samples(array)


def _candidates(op: Op) -> list[Arguments]:
    """Return calls to try, easy ones first: three points, small matrices."""

    def strangeness(call: Arguments) -> tuple[bool, bool, int]:
        inputs, _ = _split(op, call[0])
        arrays = [np.asarray(x) for x in inputs if x is not None]
        size = sum(array.size for array in arrays)
        axes = max(array.ndim for array in arrays)
        return size < 3, size > LARGEST_EXAMPLE, abs(axes - 2)

    samples = sorted(_samples(op), key=strangeness)
    if not op.elementwise:
        return samples
    points = tuple(_points(op.domain, k) for k in range(len(op.inputs)))
    return [(points, {}), *samples]


def _points(domain: tuple[float, float], k: int) -> np.ndarray:
    """Return three points in a domain; for a second input, others."""
    low, high = domain
    if low > -np.inf and high < np.inf:
        quarters = np.array([0.25, 0.5, 0.75])
        return np.round(low + (high - low) * quarters, 2)
    rows = ([-1.5, 0.0, 2.0], [0.5, 3.0, -1.0])
    if low > -np.inf:
        rows = ([0.5, 1.0, 4.0], [2.0, 0.5, 3.0])
    elif high < np.inf:
        rows = ([-4.0, -1.0, -0.5], [-3.0, -0.5, -2.0])
    points = np.array(rows[k % 2], np.float64)
    smallest = points.min()
    if -np.inf < low and smallest <= low:
        points += np.ceil(low - smallest)
    return points


# --- the example ----------------------------------------------------------------------------------


def _example(op: Op) -> Example | None:
    """Run the op on small numbers, with its gradients; None if no small ones are declared."""
    for args, params in _candidates(op):
        inputs, rest = _split(op, args)
        sizes = [np.size(x) for x in inputs if isinstance(x, (np.ndarray, float))]
        if 0 in sizes or max(sizes, default=0) > LARGEST_EXAMPLE:
            continue
        others = dict(zip(op.params, rest)) | params
        try:
            # Not in the user's context: no_grad() does not hold here, and record() sees nothing.
            return Context().run(_run, op, inputs, others)
        except Exception:  # no example, then
            continue
    return None


def _run(op: Op, inputs: list[Any], params: dict[str, Any]) -> Example:
    leaves = [Tensor(x, requires_grad=True) if is_float(x) else x for x in inputs]
    args = (leaves,) if op.variadic else leaves
    with np.errstate(all="ignore"):
        out = general(op)(*args, **params)
        g = _backward(op, _outputs(out)[0])
    gradients = [bare(x.grad) if isinstance(x, Tensor) else None for x in leaves]
    return Example(inputs, params, bare(out), g, gradients)


def _backward(op: Op, out: Any) -> np.ndarray | None:
    """Send a gradient back, and return it; None if none flows."""
    if not isinstance(out, Tensor) or not out.requires_grad:
        return None
    g = np.ones(out.shape, np.float64)
    if not op.elementwise and out.size > 1:
        # Of one element, so that the numbers are those of one row of the Jacobian.
        g[...] = 0
        g[(0,) * out.ndim] = 1
    out.backward(g)
    return g


def _values(op: Op, example: Example | None) -> dict[str, Any]:
    """Return what the rules read in the example, by name: it decides their branches."""
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


def _example_lines(op: Op, example: Example) -> list[str]:
    """Return the example's arrays and numbers below each other, their names to the left."""
    rows: list[tuple[str, Any]] = []
    for k, x in enumerate(example.inputs):
        rows += _matrices(op.input_name(k), x)
    for name, value in example.params.items():
        rows += _matrices(name, value)
    outputs = _outputs(example.out)
    for k, out in enumerate(outputs):
        rows += _matrices(f"out[{k}]" if len(outputs) > 1 else "out", out)
    if example.g is not None:
        rows += _matrices("g of out[0]" if len(outputs) > 1 else "g", example.g)
    for k, gradient in enumerate(example.gradients):
        if gradient is not None:
            rows += _matrices(f"gradient of {op.input_name(k)}", gradient)
    width = max(len(name) for name, _ in rows)
    lines = []
    for name, value in rows:
        label = f"  {name.rjust(width)} = "
        is_array = isinstance(value, (np.ndarray, np.generic))
        text = array_text(value, label) if is_array else repr(value)
        lines += f"{label}{text}".split("\n")
    return lines


def _matrices(name: str, value: Any) -> list[tuple[str, Any]]:
    """Return an array of more than three axes as its matrices, `x[0, 1]`; others as they are."""
    if not isinstance(value, np.ndarray) or value.ndim <= 3:
        return [(name, value)]
    outer = value.shape[:-2]
    if math.prod(outer) > LARGEST_EXAMPLE:
        return [(name, value)]
    return [(f"{name}{index_text(index)}", value[index]) for index in np.ndindex(outer)]
