"""The buffer plan: which memory each value of the program lives in.

Values that are not needed after the call live in buffers that every call uses again. A value
takes over the buffer of one that nobody reads any more: in place, where the statement allows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .statements import Statement, Var

if TYPE_CHECKING:
    from .program import Program

__all__ = ["Memory", "is_copy", "plan", "takes_out"]

_OUT_METHODS = frozenset({"dot", "copy", "astype"})
_OUT_DRAWS = frozenset({"random", "standard_normal", "standard_exponential"})
_OUT_FUNCTIONS = frozenset({np.concatenate, np.stack})


def takes_out(statement: Statement) -> bool:
    """Whether the statement can write its result into memory that it is given."""
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
    return statement.kind == "function" and statement.target in _OUT_FUNCTIONS


@dataclass
class Memory:
    """The plan.

    Attributes:
        holder: for each value in reused memory, the first value that lived in the same place.
        fresh: the values that get memory of their own for the Tensors that take them over.
        allocated: what the buffers hold, by their first value.
    """

    holder: dict[Var, Var] = field(default_factory=dict)
    fresh: dict[Var, int] = field(default_factory=dict)

    @property
    def allocated(self) -> list[Var]:
        return [var for var, first in self.holder.items() if var is first]

    def has(self, var: Var) -> bool:
        """Whether the value lies in memory that is the same in every call."""
        return var.constant is not None or var.root in self.holder

    @property
    def nbytes(self) -> int:
        """How many bytes the buffers take."""
        return sum(var.nbytes for var in self.allocated)


def plan(program: Program, *, reuse: bool, in_place: bool) -> Memory:
    """Choose the memory of every value. Without `reuse` each statement allocates its result."""
    memory = Memory()
    returned = {r.root for r in program.results if isinstance(r, Var)}
    for k, output in enumerate(program.outputs):
        var = output.var
        if output.kind != "tensor" or var is None or var.root is not var or not var.is_array:
            continue
        if var not in returned and var not in memory.fresh:
            memory.fresh[var] = k
    if not reuse:
        memory.fresh.clear()
        return memory
    kept = {o.var.root for o in program.outputs if o.var is not None}
    last: dict[Var, int] = {}
    for k, statement in enumerate(program.statements):
        for var in (*statement.reads(), *statement.outs):
            last[var.root] = k
    end = len(program.statements)
    last.update(dict.fromkeys(kept | returned, end))
    free: dict[Any, list[Var]] = {}
    wholes = {whole for whole, _ in program.placed.values()}
    makers = {out for s in program.statements if takes_out(s) for out in s.outs}
    memory.fresh = {var: k for var, k in memory.fresh.items() if var in makers}
    fixed = wholes | set(program.placed)  # never free
    for var in fixed:
        memory.holder[var] = var
    for k, statement in enumerate(program.statements):
        dying = [v for v in statement.reads() if v.root in memory.holder and last[v.root] == k]
        if takes_out(statement):
            out = statement.out
            if out not in returned and out not in memory.fresh and out not in fixed:
                _house(statement, out, dying if in_place else [], free, memory, fixed)
        for root in {v.root for v in dying}:
            first = memory.holder[root]
            taken = any(memory.holder.get(out) is first for out in statement.outs)
            if not taken and root not in fixed:
                free.setdefault(_form(first), []).append(first)
        for out in statement.outs:  # never read at all
            if last[out.root] == k and out.root in memory.holder and out.root not in fixed:
                first = memory.holder[out.root]
                free.setdefault(_form(first), []).append(first)
    return memory


def _house(
    statement: Statement,
    out: Var,
    dying: list[Var],
    free: dict[Any, list[Var]],
    memory: Memory,
    fixed: set[Var],
) -> None:
    """Find memory for the result of a statement."""
    elementwise = statement.is_ufunc() and statement.target.signature is None
    if elementwise or is_copy(statement):
        for var in dying:
            root = var.root
            others = [v for v in statement.reads() if v.root is root and v is not var]
            same = _form(var) == _form(out) and _whole(var)
            if same and not others and root not in fixed:
                memory.holder[out] = memory.holder[root]
                return
    waiting = free.get(_form(out))
    memory.holder[out] = waiting.pop() if waiting else out


def _form(var: Var) -> Any:
    """Shape, dtype and order in memory: buffers are laid out as in the recording."""
    return var.shape, var.dtype, var.value.strides


def _whole(var: Var) -> bool:
    """Whether the value is all of its memory, in the same order."""
    a, b = var.value, var.root.value
    return a.size == b.size and (
        a.strides == b.strides or bool(a.flags.c_contiguous and b.flags.c_contiguous)
    )


def is_copy(statement: Statement) -> bool:
    """Whether the statement copies an array and does nothing else."""
    return statement.kind == "method" and statement.target == "copy"
