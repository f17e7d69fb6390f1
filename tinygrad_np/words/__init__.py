"""What was recorded, in words: `explain` it, say `why` a gradient is what it is, `lint` a loss."""

from .explaining import explain
from .finding import Finding
from .linting import lint
from .reasons import why

__all__ = ["Finding", "explain", "lint", "why"]
