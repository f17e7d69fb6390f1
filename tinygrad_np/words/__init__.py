"""Plain language on what was recorded: `explain` it, ask `why` of a gradient, `lint` a loss."""

from .explanations import explain
from .findings import lint
from .reasons import why

__all__ = ["explain", "lint", "why"]
