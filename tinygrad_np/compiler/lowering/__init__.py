"""Lowering: a recorded training step as loops over typed buffers, for backends beside NumPy.

`record_step` takes a step down, `lower` resolves all that NumPy decides from shapes and dtypes.
"""

from .loops import (
    Buffer,
    Draw,
    Gather,
    Guard,
    Loop,
    Map,
    Matmul,
    Pick,
    Reduce,
    Scan,
    Sort,
    View,
)
from .memory import LoweringError
from .recording import StepRecording, record_step
from .translation import Lowered, lower

__all__ = [
    "Buffer",
    "Draw",
    "Gather",
    "Guard",
    "Loop",
    "Lowered",
    "LoweringError",
    "Map",
    "Matmul",
    "Pick",
    "Reduce",
    "Scan",
    "Sort",
    "StepRecording",
    "View",
    "lower",
    "record_step",
]
