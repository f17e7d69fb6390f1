"""`compile`: a recorded function becomes a straight-line NumPy program.

tape -> statements -> passes -> buffers -> source: a `Tape` records every NumPy call that a run of
the function makes, as `Statement`s on `Var`s; the passes rewrite that list; the buffer plan gives
each value its memory; `emit` writes it down as Python text, which is then what runs.
"""

from .compiled import Compiled, compile
from .errors import CompileError, CompileWarning

__all__ = ["CompileError", "CompileWarning", "Compiled", "compile"]
