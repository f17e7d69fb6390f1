"""The buffer plan of a program, which gives each value its memory.

Values that are not needed after the call live in buffers that every call uses again. A value
takes over the buffer of one that nobody reads any more: in place, where the statement allows it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .statements import Statement, Var

if TYPE_CHECKING:
    from .program import Program

_OUT_METHODS = frozenset({"dot", "copy", "astype"})
_OUT_DRAWS = frozenset({"random", "standard_normal", "standard_exponential"})
_OUT_FUNCTIONS = frozenset({np.concatenate, np.stack})


def takes_out(statement: Statement) -> bool:
    """Say whether the statement can write its result into memory that is there already."""
    if statement.several or len(statement.outs) != 1 or "out" in statement.kwargs:
        return False
    out = statement.out
    if not out.is_array or out.root is not out or not out.value.size:
        return False
    if statement.kind == "ufunc":
        casts = "dtype" in statement.kwargs or "where" in statement.kwargs
        return not casts and statement.method in ("", "reduce", "accumulate")
    if statement.kind == "method":
        return statement.target in _OUT_METHODS
    if statement.kind == "draw":
        whole = set(statement.kwargs) <= {"dtype"} and len(statement.args) == 2
        return statement.target in _OUT_DRAWS and whole
    joins = statement.kind == "function" and statement.target in _OUT_FUNCTIONS
    return joins and "dtype" not in statement.kwargs  # NumPy takes one of the two


@dataclass
class Memory:
    """The memory of the values of a program.

    Attributes:
        holder: for each value in reused memory, the first value that lived in the same place.
        fresh: the values that get memory of their own for the Tensors that take them over, with
            the positions of these outputs.
    """

    holder: dict[Var, Var] = field(default_factory=dict)
    fresh: dict[Var, int] = field(default_factory=dict)

    @property
    def allocated(self) -> list[Var]:
        """The buffers, each by the first value in it."""
        return [var for var, first in self.holder.items() if var is first]

    @property
    def nbytes(self) -> int:
        """The bytes of all buffers."""
        return sum(var.nbytes for var in self.allocated)


def plan(program: Program, *, reuse: bool, in_place: bool) -> Memory:
    """Choose the memory of every value. Without `reuse` each statement allocates its result."""
    returned = {r.root for r in program.results if isinstance(r, Var)}
    memory = Memory()
    if reuse:
        makers = {out for s in program.statements if takes_out(s) for out in s.outs}
        fresh = _fresh(program, returned)
        memory.fresh = {var: k for var, k in fresh.items() if var in makers}
        _Planner(program, memory, returned, in_place).run()
    return memory


def _fresh(program: Program, returned: set[Var]) -> dict[Var, int]:
    """Find the new values of Tensors that can be written into memory of their own."""
    fresh: dict[Var, int] = {}
    for k, output in enumerate(program.outputs):
        var = output.var
        if output.kind != "tensor" or var is None or var.root is not var or not var.is_array:
            continue
        if var not in returned:
            fresh.setdefault(var, k)
    return fresh


class _Planner:
    """One walk over the statements, with the buffers that are free at the moment."""

    def __init__(
        self, program: Program, memory: Memory, returned: set[Var], in_place: bool
    ) -> None:
        self.program = program
        self.memory = memory
        self.holder = memory.holder
        self.in_place = in_place
        wholes = {whole for whole, _ in program.placed.values()}
        self.fixed = wholes | set(program.placed)  # never free
        self.elsewhere = returned | set(memory.fresh) | self.fixed
        self.free: dict[Any, list[Var]] = defaultdict(list)
        self.last = self._last_uses(returned)

    def _last_uses(self, returned: set[Var]) -> dict[Var, int]:
        """Return for each root value the position of the last statement that uses it."""
        last: dict[Var, int] = {}
        statements = self.program.statements
        for k, statement in enumerate(statements):
            for var in (*statement.reads(), *statement.outs):
                last[var.root] = k
        kept = {o.var.root for o in self.program.outputs if o.var is not None}
        last.update(dict.fromkeys(kept | returned, len(statements)))
        return last

    def run(self) -> None:
        holder = self.holder
        holder.update((var, var) for var in self.fixed)
        for k, statement in enumerate(self.program.statements):
            reads = [var for var in statement.reads() if var.root in holder]
            dying = [var for var in reads if self.last[var.root] == k]
            if takes_out(statement) and statement.out not in self.elsewhere:
                self._house(statement, dying if self.in_place else [])
            # What is read here for the last time, and what is never read at all.
            roots = {var.root: None for var in (*reads, *statement.outs)}
            for root in roots:
                if self.last[root] == k and root in holder:
                    self._release(root, statement)

    def _house(self, statement: Statement, dying: list[Var]) -> None:
        """Choose memory for the result of a statement: in place, a free buffer, or a new one."""
        out = statement.out
        elementwise = statement.is_ufunc() and statement.target.signature is None
        if elementwise or is_copy(statement):
            for var in dying:
                if self._can_overwrite(var, statement):
                    self.holder[out] = self.holder[var.root]
                    return
        waiting = self.free[_form(out)]
        self.holder[out] = waiting.pop() if waiting else out

    def _can_overwrite(self, var: Var, statement: Statement) -> bool:
        """Say whether a statement can write its result over a value that it reads."""
        if var.root in self.fixed or _form(var) != _form(statement.out) or not _whole(var):
            return False
        return all(v is var or v.root is not var.root for v in statement.reads())

    def _release(self, root: Var, statement: Statement) -> None:
        """Let later values have the buffer of this one, unless it has passed to a result."""
        first = self.holder[root]
        heirs = [self.holder.get(out) for out in statement.outs if out is not root]
        if root not in self.fixed and first not in heirs:
            self.free[_form(first)].append(first)


def _form(var: Var) -> Any:
    """Return shape, dtype and order in memory: buffers are laid out as in the recording."""
    return var.shape, var.dtype, var.value.strides


def _whole(var: Var) -> bool:
    """Say whether the value is all of its memory, in the same order."""
    a, b = var.value, var.root.value
    if a.size != b.size:
        return False
    contiguous = a.flags.c_contiguous and b.flags.c_contiguous
    return bool(a.strides == b.strides or contiguous)


def is_copy(statement: Statement) -> bool:
    """Say whether the statement copies an array and does nothing else."""
    return statement.kind == "method" and statement.target == "copy"
