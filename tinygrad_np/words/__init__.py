"""What was recorded, in words: `explain` it, say `why` a gradient is what it is, `lint` a loss."""

from .explaining import explain

__all__ = ["explain"]
