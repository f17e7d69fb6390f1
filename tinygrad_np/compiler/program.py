"""`Program`: a list of statements with its inputs and outputs, made of a recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import flatten
from .copies import copy_together
from .statements import Statement, Var, substitute

if TYPE_CHECKING:
    from .tape import Tape

# The parameters of the emitted function come in this order; behind them the memory for new values.
_KINDS = ("argument", "argument_grad", "tensor", "array", "number", "generator", "grad")


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


@dataclass(eq=False, repr=False)
class Program:
    """The program of a function: the passes rewrite it, and emitters write it down.

    Attributes:
        name: of the function.
        statements: in order; each value is made before it is used.
        inputs: what is read anew in each call.
        outputs: what is left changed.
        results: the returned values, in the order of the template's leaves.
        template: what the function returned, with these values (or constants) as leaves.
        boxed: which of these leaves are Tensors.
        pinned: Tensors that are constants of the program, with their arrays.
        placed: values made inside of another's memory: that one, and where in it they begin.
    """

    name: str
    statements: list[Statement]
    inputs: list[Input]
    outputs: list[Output]
    template: Any
    boxed: list[bool]
    pinned: list[tuple[Any, Any]] = field(default_factory=list)
    placed: dict[Var, tuple[Var, int]] = field(default_factory=dict)

    def parameters(self) -> list[Input]:
        """Return the inputs in the order in which the emitted function takes them."""
        return sorted(self.inputs, key=lambda entry: _KINDS.index(entry.kind))

    @property
    def results(self) -> list[Any]:
        """The leaves of the template."""
        return flatten(self.template)

    def forget_values(self, *, but_inputs: bool = False) -> None:
        """Release the arrays of the recording, once everything that needs them is done.

        Those of the inputs can be kept as copies, with what the user's functions returned.
        """
        inputs = {entry.var: entry.var.value for entry in self.inputs} if but_inputs else {}
        arrays = [var for var, value in inputs.items() if isinstance(value, np.ndarray)]
        inputs.update(zip(arrays, copy_together([inputs[var] for var in arrays])))
        for statement in self.statements:
            if but_inputs and statement.kind == "host":
                inputs.update((var, var.value) for var in statement.outs)
            for var in (*statement.reads(), *statement.outs):
                var.value = None
        for entry in self.inputs:
            entry.var.value = None
        for var, value in inputs.items():
            var.value = value

    def kept(self) -> list[Var]:
        """Return the values that are needed after the last statement."""
        results = [r for r in self.results if isinstance(r, Var)]
        return results + [o.var for o in self.outputs if o.var is not None]

    def replace(self, mapping: dict[Var, Any]) -> None:
        """Replace values by others (or by constants), wherever they are used."""
        if not mapping:
            return

        def final(value: Any) -> Any:
            while type(value) is Var and value in mapping:
                value = mapping[value]
            return value

        mapping = {old: final(new) for old, new in mapping.items()}
        for statement in self.statements:
            statement.replace(mapping)
        for output in self.outputs:
            if output.var is not None:
                output.var = mapping.get(output.var, output.var)
        self.template = substitute(self.template, mapping)

    def changed(self) -> set[Var]:
        """Return the memory (root values) that statements write to after it was made."""
        return {s.writes.root for s in self.statements if s.writes is not None}


def program_of(name: str, tape: Tape, fixed: set[int], *, pin: bool) -> Program:
    """Make the program of a recording; arrays whose ids are `fixed` are constants.

    With `pin`, so are captured Tensors that the function only reads, such as data: they are
    `pinned`, and the program is for these very values.
    """
    inputs, pinned = [], []
    written = {id(output.source) for output in tape.outputs}
    for entry in tape.state.inputs:
        source = entry.source
        if entry.kind == "array" and id(source) in fixed:
            entry.var.constant = source
        elif pin and _only_read(entry, written):
            entry.var.constant = source._data
            pinned.append((source, source._data))
        else:
            inputs.append(entry)
    statements, outputs = tape.statements, tape.outputs
    return Program(name, statements, inputs, outputs, tape.template, tape.boxed, pinned)


def _only_read(entry: Input, written: set[int]) -> bool:
    """Say whether an input is a captured Tensor that is neither trained nor written to."""
    source = entry.source
    return entry.kind == "tensor" and not source.requires_grad and id(source) not in written
