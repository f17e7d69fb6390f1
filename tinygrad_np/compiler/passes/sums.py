"""Sums as products with ones, which the BLAS adds several times faster, in another order.

Measured on 300×64 and 300×3 float32 (µs): a row sum of three numbers 5.5, as a product 0.3; a sum
over the rows 6.3, as a product 1.0; a sum of 300 numbers 0.9, as a product 0.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..statements import Statement, Var, constant
from .rewriting import Builder, is_reduction, rewrite

if TYPE_CHECKING:
    from ..program import Program


def sums_as_products(program: Program) -> None:
    """Replace sums of vectors, and of matrices along either axis.

    Not those that are compared for equality later: which element equals the largest one must not
    depend on the order of adding.
    """
    compared = _compared(program)

    def rule(statement: Statement, build: Builder) -> Var | None:
        return None if statement.out in compared else _product(statement, build)

    rewrite(program, rule)


def _compared(program: Program) -> set[Var]:
    """Collect everything that a comparison for equality depends on."""
    sources: set[Var] = set()
    for statement in reversed(program.statements):
        if statement.is_ufunc(np.equal, np.not_equal) or not sources.isdisjoint(statement.outs):
            sources.update(statement.reads())
            sources.update(var.root for var in statement.reads())
        elif statement.writes is not None and statement.writes.root in sources:
            sources.update(statement.reads())
    return sources


def _product(statement: Statement, build: Builder) -> Var | None:
    """Build the product for a sum; None where a sum stays one."""
    if not is_reduction(statement, np.add):
        return None
    x = statement.args[0]
    axis = statement.kwargs.get("axis", 0)
    rank = len(x.shape)
    if rank == 2 and axis == 0:
        return build("method", "dot", (_ones(x.shape[0], x), x))
    if rank == 2 and axis in (-1, 1):
        if not x.value.flags.c_contiguous:
            return None
        return build("method", "dot", (x, _ones(x.shape[1], x)))
    if axis is None or rank == 1:
        flat = x if rank == 1 else build("method", "reshape", (x, -1))
        if flat.root is x.root:  # a copy would cost more than it saves
            return build("method", "dot", (flat, _ones(flat.shape[0], x)))
    return None


def _ones(n: int, like: Var) -> Var:
    return constant(np.ones(n, like.dtype), "ones")
