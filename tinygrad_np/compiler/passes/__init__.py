"""The passes: each rewrites a `Program` into one that computes the same, faster.

In this order; `compile(f, passes=[...])` takes some of their names, to see what each one does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import algebra, cheaper, common, dead, fold, place, products, sums

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..program import Program

__all__ = ["ALL", "PASSES", "REORDERING", "run"]

PASSES: dict[str, Callable[[Program], None]] = {
    "fold": fold.constants,
    "algebra": algebra.simplify,
    "common": common.subexpressions,
    "sums": sums.as_products,
    "products": products.reordered,
    "cheaper": cheaper.statements,
    "dead": dead.code,
    "place": place.into_parts,
}

# Those that may change the last digits: they compute in another order.
REORDERING = ("sums", "products")

# What the buffer plan can do: give values memory that is used again, and work in place.
MEMORY = ("buffers", "in_place")

ALL = (*(name for name in PASSES if name != "place"), *MEMORY, "place")


def run(program: Program, names: tuple[str, ...]) -> None:
    """Run those of the passes that are named."""
    for name, rewrite in PASSES.items():
        # Without buffers there is no memory to place anything in.
        if name in names and (name != "place" or "buffers" in names):
            rewrite(program)
