"""Sums as products with ones, which the BLAS adds several times faster, in another order.

Measured on 300×64 and 300×3 float32 (µs): a row sum of three numbers 5.5, as a product 0.3; a sum
over the rows 6.3, as a product 1.0; a sum of 300 numbers 0.9, as a product 0.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..statements import Statement, Var
from .rewriting import Builder, reduces, rewritten

if TYPE_CHECKING:
    from ..program import Program

__all__ = ["sums_as_products"]


def sums_as_products(program: Program) -> None:
    """Replace sums of vectors, and of matrices along either axis.

    Not those that are compared for equality later: which element equals the largest one must not
    depend on the order of adding.
    """
    compared = _compared(program)

    def rule(statement: Statement, build: Builder) -> Var | None:
        return None if statement.out in compared else _product(statement, build)

    rewritten(program, rule)


def _compared(program: Program) -> set[Var]:
    """Everything that a comparison for equality depends on."""
    found: set[Var] = set()
    for statement in reversed(program.statements):
        if statement.is_ufunc(np.equal, np.not_equal) or not found.isdisjoint(statement.outs):
            found.update(statement.reads())
            found.update(var.root for var in statement.reads())
        elif statement.writes is not None and statement.writes.root in found:
            found.update(statement.reads())
    return found


def _product(statement: Statement, build: Builder) -> Var | None:
    if not reduces(statement, np.add):
        return None
    x, axis = statement.args[0], statement.kwargs.get("axis", 0)
    matrix = len(x.shape) == 2
    if matrix and axis == 0:
        return build("method", "dot", (_ones(x.shape[0], x.dtype), x))
    if matrix and axis in (-1, 1):
        contiguous = x.value.flags.c_contiguous
        return build("method", "dot", (x, _ones(x.shape[1], x.dtype))) if contiguous else None
    if axis is None or len(x.shape) == 1:
        flat = x if len(x.shape) == 1 else build("method", "reshape", (x, -1))
        if flat.root is x.root:  # a copy would cost more than it saves
            return build("method", "dot", (flat, _ones(flat.shape[0], x.dtype)))
    return None


def _ones(n: int, dtype: np.dtype) -> Var:
    ones = Var(np.ones(n, dtype), "ones")
    ones.constant = ones.value
    return ones
