"""`Op`: one declared operation, and what can be derived from its declaration."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Op"]


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
