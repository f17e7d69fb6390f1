"""`Op`: one declared operation, and what can be derived from its declaration."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd import Node, OutputGradients, next_serial
from .mistakes import describe_call, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Op", "part"]


class Op:
    """One declared operation; `exp.op` is the one behind the function `exp`.

    Attributes:
        name: what messages, pictures and the reference call it.
        forward: the NumPy function: arrays in, array (or tuple of arrays) out.
        inputs: names of the array inputs, in order.
        params: names of the other parameters.
        defaults: default of each input and parameter (`inspect.Parameter.empty`: required).
        rules: one derivative rule per input, None where no gradient flows.
        keeps: names of the hidden outputs of forward, which only the rules read.
        kept_texts: what they are, by name, as far as that was declared.
        formulas: rules of several steps as one expression, by input.
        text: the formula, with the inputs in braces.
        doc, kinks, domain, samples, numpy, variadic, elementwise, flops: as given to `define_op`.
    """

    def __init__(
        self,
        forward: Callable,
        name: str,
        rules: dict[str, Callable | None],
        *,
        keeps: tuple[str, ...] | Mapping[str, str],
        variadic: bool,
        elementwise: bool,
        **about: Any,
    ) -> None:
        self.name = name
        self.forward = forward
        self.keeps = tuple(keeps)
        self.kept_texts = dict(keeps) if isinstance(keeps, Mapping) else {}
        self.formulas: dict[str, Callable] = about.get("formulas") or {}
        self.variadic = variadic
        self.elementwise = elementwise
        self.text: str = about["text"]
        self.doc: str = about["doc"]
        self.kinks: str = about["kinks"]
        self.domain: tuple[float, float] = about["domain"]
        self.samples: Callable | None = about["samples"]
        self.numpy: tuple[Callable | tuple[np.ufunc, str], ...] = about["numpy"]
        self.flops: Callable | None = about.get("flops")
        self.inputs = tuple(rules)
        self.defaults, self.positional = _parameters(forward, name, self.inputs)
        self.params = tuple(self.defaults)[len(rules) :]
        self.rule = rules
        self.rules: Any = tuple(rules.values())
        # What each rule reads, as positions in the tuple (inputs, out, params, keeps, shapes).
        self.layout = self.inputs + ("out",) + self.params + self.keeps
        self.layout += tuple(f"{i}_shape" for i in self.inputs) + (("i",) if variadic else ())
        self.slots = tuple(self._slots(i, rule) for i, rule in rules.items())
        self.readers = tuple(map(_reader, self.slots))
        unknown = [input_name for input_name in self.formulas if input_name not in rules]
        if unknown:
            raise TypeError(f"{name}: formulas for {', '.join(unknown)}, which are no inputs")
        for input_name, formula in self.formulas.items():
            self._slots(input_name, formula)
        self.read_inputs = {s for slots in self.slots for s in slots if s < len(self.inputs)}
        self.reads_shapes = any("_shape" in self.layout[s] for slots in self.slots for s in slots)
        if variadic:
            if len(self.inputs) != 1:
                raise TypeError(f"{name}: a variadic op has one rule, for its sequence of inputs")
            self.rules = repeat(self.rules[0])

    def _slots(self, input_name: str, rule: Callable | None) -> tuple[int, ...]:
        if rule is None:
            return ()
        code = getattr(rule, "__code__", None)
        if code is None:
            raise TypeError(
                f"{self.name}: the rule for {input_name!r} must be a Python function, or None, "
                f"not {rule!r}"
            )
        reads = code.co_varnames[: code.co_argcount]
        if not reads or reads[0] != "g":
            raise TypeError(f"{self.name}: the rule for {input_name!r} must take g first")
        unknown = [r for r in reads[1:] if r not in self.layout]
        if unknown:
            raise TypeError(
                f"{self.name}: the rule for {input_name!r} reads {', '.join(unknown)}; a rule can "
                f"read g, {', '.join(self.layout)}"
            )
        return tuple(self.layout.index(r) for r in reads[1:])

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join((*self.inputs, *self.params))})>"

    def input_name(self, position: int) -> str:
        return f"{self.inputs[0]}[{position}]" if self.variadic else self.inputs[position]

    def failed(self, error: Exception, operands: Sequence[Any]) -> Exception:
        """The error of a forward, retold with the op, what it was given, and a fix that fits."""
        called = describe_call(
            self.name, **{self.input_name(k): value for k, value in enumerate(operands)}
        )
        text = f"{called}: {str(error).rstrip()}{suggestion(self, operands)}"
        for kind in (np.exceptions.AxisError, np.linalg.LinAlgError, IndexError, ZeroDivisionError):
            if isinstance(error, kind):
                return kind(text)
        return TypeError(text) if isinstance(error, TypeError) else ValueError(text)

    def lifted(self, node: Node, lift: Callable) -> Iterator[tuple[Any, ...] | None]:
        """What the rules of `node` read, as Tensors that are recorded from here on."""
        assert node.saved is not None
        n = len(self.inputs)

        def lift_input(array: Any, parent: Any) -> Any:
            # Labels, masks and numbers stay what they are.
            floats = isinstance(parent, Node) and parent.dtype.kind in "fc"
            return lift(array, parent) if floats else array

        def lift_read(value: Any, slot: int) -> Any:
            if slot < n:
                if self.variadic:
                    return tuple(map(lift_input, value, node.parents))
                return lift_input(value, node.parents[slot])
            if slot == n:
                if isinstance(value, tuple):
                    return tuple(lift(o, part(node, k, value)) for k, o in enumerate(value))
                return lift(value, node)
            return value

        keeps: tuple = ()
        if self.keeps:
            # Hidden outputs depend on the inputs too: compute them again, recorded.
            inputs = tuple(map(lift_read, node.saved[-1][:n], range(n)))
            keeps = self.forward(*inputs, **self._named(node.saved[-1][n + 1 :]))
            keeps = keeps[-len(self.keeps) :]
        first_keep = self.layout.index(self.keeps[0]) if self.keeps else 0
        slots = repeat(self.slots[0]) if self.variadic else self.slots
        for reads, where in zip(node.saved, slots):
            if reads is None:
                yield None
                continue
            yield tuple(
                keeps[slot - first_keep]
                if 0 <= slot - first_keep < len(keeps)
                else lift_read(value, slot)
                for value, slot in zip(reads, where, strict=True)
            )

    def _named(self, values: Sequence[Any]) -> dict[str, Any]:
        """Parameter values by name."""
        return dict(zip(self.params, values))


def _reader(slots: tuple[int, ...]) -> Callable[[tuple], tuple]:
    """A function that picks these positions out of a tuple, as a tuple."""
    if len(slots) > 1:
        return operator.itemgetter(*slots)
    start = slots[0] if slots else 0
    return operator.itemgetter(slice(start, start + len(slots)))


def _parameters(
    forward: Callable, name: str, inputs: tuple[str, ...]
) -> tuple[dict[str, Any], int]:
    """The default of each parameter of forward, and how many of them can be positional."""
    empty = inspect.Parameter.empty
    if isinstance(forward, np.ufunc):
        if forward.nin != len(inputs):
            raise TypeError(f"{name} has {forward.nin} inputs, but {len(inputs)} rules were given")
        return dict.fromkeys(inputs, empty), forward.nin
    # Ten times faster than inspect.signature, which would cost milliseconds of import time.
    code = getattr(forward, "__code__", None)
    if code is None:
        raise TypeError(
            f"{name}: forward must be a ufunc or a Python function, not {forward!r}; wrap it in one"
        )
    optional = forward.__defaults__ or ()
    positional = code.co_varnames[: code.co_argcount]
    keyword_only = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    if not inputs or positional[: len(inputs)] != inputs:
        raise TypeError(
            f"{name}: give one rule per array input, in the order of forward's parameters "
            f"({', '.join(positional)}); given: {', '.join(inputs) or 'none'}"
        )
    defaults = dict.fromkeys(positional, empty)
    defaults.update(zip(positional[len(positional) - len(optional) :], optional))
    defaults.update(dict.fromkeys(keyword_only, empty))
    defaults.update(forward.__kwdefaults__ or {})
    return defaults, code.co_argcount


# --- one of several outputs ---------------------------------------------------------------------


def _pick(outs, k, n):
    """One output of an op that has several."""
    return outs[k]


def _pick_rule(g, k, n):
    return OutputGradients(g if j == k else None for j in range(n))


_PART = Op(
    _pick,
    "output",
    {"outs": _pick_rule},
    keeps=(),
    variadic=False,
    elementwise=False,
    text="{outs}",
    doc="One output of an op that has several.",
    kinks="",
    domain=(-np.inf, np.inf),
    samples=None,
    numpy=(),
)


def part(node: Node, k: int, outs: tuple) -> Node | None:
    """The node of output k of an op that has several, or None if it is not of floats."""
    if outs[k].dtype.kind not in "fc":
        return None
    node_k = object.__new__(Node)
    node_k.op = _PART
    node_k.parents = (node,)
    node_k.saved = ((k, len(outs)),)
    node_k.serial = next_serial()
    node_k.shape = outs[k].shape
    node_k.dtype = outs[k].dtype
    node_k.name = None
    node_k.code = node.code
    node_k.lasti = node.lasti
    return node_k
