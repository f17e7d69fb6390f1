"""The passes: each rewrites a `Program` into one that computes the same, faster.

In this order; `compile(f, passes=[...])` takes some of their names, to see what each one does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .algebra import simplify
from .concatenation import concatenate_in_place
from .dead_code import drop_dead_code
from .folding import fold_constants
from .products import reorder_products
from .strength_reduction import reduce_strength
from .subexpressions import share_subexpressions
from .sums import sums_as_products

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..program import Program

__all__ = ["ALL", "PASSES", "REORDERING", "run"]

PASSES: dict[str, Callable[[Program], None]] = {
    "fold": fold_constants,
    "algebra": simplify,
    "common": share_subexpressions,
    "sums": sums_as_products,
    "products": reorder_products,
    "cheaper": reduce_strength,
    "dead": drop_dead_code,
    "place": concatenate_in_place,
}

# These may change the last digits: they compute in another order.
REORDERING = ("sums", "products")

# These are done by the buffer plan: memory that is used again, and work in place.
MEMORY = ("buffers", "in_place")

ALL = (*(name for name in PASSES if name != "place"), *MEMORY, "place")


def run(program: Program, names: tuple[str, ...]) -> None:
    """Run the passes of these names."""
    for name, rewrite in PASSES.items():
        # Without buffers there is no memory to place anything in.
        if name in names and (name != "place" or "buffers" in names):
            rewrite(program)
