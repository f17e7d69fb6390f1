"""`compile`: a recorded function becomes a straight-line NumPy program.

tape -> statements -> passes -> buffers -> source: a `Tape` records every NumPy call that a run of
the function makes, as `Statement`s on `Var`s; the passes rewrite that list; the buffer plan gives
each value its memory; `emit` writes it down as Python text, which is then what runs.
"""

from ..core.tracebacks import shorten_tracebacks
from .compiled import Compiled
from .decorator import compile
from .errors import CompileError, CompileWarning
from .passes import ALL as PASSES
from .passes import REORDERING as REORDERING_PASSES

__all__ = [
    "PASSES",
    "REORDERING_PASSES",
    "CompileError",
    "CompileWarning",
    "Compiled",
    "compile",
]

shorten_tracebacks(globals(), ["Compiled"])
