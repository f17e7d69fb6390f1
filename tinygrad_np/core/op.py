"""`Op`: an operation is one declaration.

It has a NumPy forward and, for each input, one derivative rule in plain NumPy:

    Op(np.multiply, "multiply", {"x": lambda g, y: g * y, "y": lambda g, x: g * x})

A rule answers one question: if the loss changes by `g` per unit of the result, by how much does it
change per unit of this input? The names of a rule's parameters say what it reads besides `g`, and
from these names follows what must be kept alive until backward: those arrays, and no others.
`tinygrad_np.define_op` checks a declaration and makes the function that is called.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np

Rule = Callable[..., Any]  # of the gradient `g`, and of what it reads
Names = tuple[str, ...]
Slots = tuple[int, ...]


@dataclass(eq=False, repr=False)
class Op:
    """One declared operation; `exp.op` is the one behind the function `exp`.

    Attributes:
        forward: the NumPy function: arrays in, array (or tuple of arrays) out.
        name: what messages, pictures and the reference call it.
        rule: one derivative rule per input, by name; None where no gradient flows.
        keeps: names of the hidden outputs of forward, which only the rules read.
        text: the formula, with the inputs in braces.
        formulas: rules of several steps as one expression, by input.
        variadic, elementwise, doc, kinks, domain, samples, numpy, flops, effect: see
            `define_op`.

    Derived from these:
        inputs, params: names of the array inputs, and of the other parameters.
        defaults: default of each of them (`inspect.Parameter.empty`: required).
        positional: how many of them forward takes by position.
        rules: the rules in the order of the inputs.
        layout: names of all that a rule may read, in the order in which values are saved.
        slots: for each rule, the positions in the layout of what it reads.
        readers: for each rule, a function that picks these out of such a tuple of values; None
            where no gradient flows.
        kept_texts: what the hidden outputs are, as far as that was declared.
    """

    forward: Callable
    name: str
    rule: dict[str, Rule | None]
    keeps: Any = ()
    variadic: bool = False
    elementwise: bool = False
    formulas: Mapping[str, Rule] = field(default_factory=dict)
    text: str = ""
    doc: str = ""
    kinks: str = ""
    domain: tuple[float, float] = (-np.inf, np.inf)
    samples: Callable | None = None
    numpy: tuple = ()
    flops: Callable[..., int] | None = None
    effect: bool = False

    def __post_init__(self) -> None:
        self.kept_texts: dict[str, str] = {}
        if isinstance(self.keeps, Mapping):
            self.kept_texts = dict(self.keeps)
        self.keeps = keeps = tuple(self.keeps)

        self.inputs = inputs = tuple(self.rule)
        self.defaults, self.positional = parameters(self.forward, inputs)
        self.params = params = tuple(self.defaults)[len(inputs) :]
        self.layout = layout(inputs, params, keeps, self.variadic)

        rules = tuple(self.rule.values())
        self.slots = tuple(map(self._slots, rules))
        readers = zip(rules, map(_reader, self.slots))
        self.readers: Any = tuple(rule and reader for rule, reader in readers)
        self.rules: Any = rules
        if self.variadic:
            self.rules = repeat(rules[0])  # one rule for every input of the sequence

        read = set().union(*self.slots)
        self.read_inputs = read.intersection(range(len(inputs)))
        names = [self.layout[slot] for slot in read]
        self.reads_shapes = any(name.endswith("_shape") for name in names)

    def _slots(self, rule: Rule | None) -> Slots:
        """Return the positions in the layout of what a rule reads after `g`."""
        reads = reads_of(rule)[1:]
        return tuple(map(self.layout.index, reads))

    def input_name(self, position: int) -> str:
        """Return the name of an input, `arrays[2]` for one of a sequence."""
        if self.variadic:
            return f"{self.inputs[0]}[{position}]"
        return self.inputs[position]

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join((*self.inputs, *self.params))})>"


def layout(
    inputs: Names,
    params: Names,
    keeps: Names,
    variadic: bool,
) -> Names:
    """Return the names of all that a rule may read, in the order in which values are saved."""
    shapes = tuple(f"{name}_shape" for name in inputs)
    position = ("i",) if variadic else ()  # which input of the sequence the rule is for
    return (*inputs, "out", *params, *keeps, *shapes, *position)


def reads_of(rule: Any) -> Names:
    """Return the names of a rule's parameters: `g`, and then what it reads."""
    if rule is None:
        return ()
    code = getattr(rule, "joint", rule).__code__
    names = code.co_varnames
    return names[: code.co_argcount]


def _reader(slots: Slots) -> Callable[[tuple], tuple]:
    """Make a function that picks these positions out of a tuple, as a tuple."""
    if len(slots) > 1:
        return operator.itemgetter(*slots)
    first = slots[0] if slots else 0
    last = first + len(slots)
    return operator.itemgetter(slice(first, last))  # a tuple, also of one or none


def parameters(forward: Any, inputs: Names) -> tuple[dict[str, Any], int]:
    """Return the default of each parameter of forward, and how many can be positional."""
    required = inspect.Parameter.empty
    if isinstance(forward, np.ufunc):
        return dict.fromkeys(inputs, required), forward.nin
    # Ten times faster than inspect.signature, which would cost milliseconds of import time.
    code = forward.__code__
    positional = code.co_argcount
    names = code.co_varnames[: positional + code.co_kwonlyargcount]
    defaults = dict.fromkeys(names, required)
    optional = forward.__defaults__ or ()
    first_optional = positional - len(optional)
    defaults.update(zip(names[first_optional:positional], optional))
    defaults.update(forward.__kwdefaults__ or {})
    return defaults, positional
