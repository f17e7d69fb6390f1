"""Comparison of two recordings of a function: what a program of it may take for granted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import CompileError
from .statements import Var

if TYPE_CHECKING:
    from .tape import Tape

__all__ = ["Unlike", "differences"]


def differences(a: Tape, b: Tape) -> set[int]:
    """Raise unless two recordings agree; the ids of the arrays that only the second one has.

    Raises:
        CompileError: a number or an array that the function makes in plain Python differs.
        Unlike: the two are built differently.
    """
    same: dict[Var, Var] = {}
    fixed = set()
    if len(a.state.inputs) != len(b.state.inputs) or len(a.statements) != len(b.statements):
        raise Unlike("another number of operations")
    for one, other in zip(a.state.inputs, b.state.inputs, strict=True):
        if one.kind != other.kind:
            raise Unlike("other inputs")
        if one.kind == "array" and one.source is not other.source:
            if not _equal(one.source, other.source):
                line = next((s.place for s in b.statements if other.var in s.reads()), None)
                raise _changing("a NumPy array", line)
            fixed.add(id(other.source))
        elif not (one.source is other.source or isinstance(one.source, int)):  # a position
            raise Unlike("other inputs")
        same[one.var] = other.var
    for before, now in zip(a.statements, b.statements, strict=True):
        where = f"at line {now.place[1]}" if now.place else "in the library"
        same_call = (before.kind, before.method) == (now.kind, now.method)
        if not same_call or not _same_target(before.target, now.target):
            raise Unlike(f"another operation {where}")
        if not _alike((before.args, before.kwargs), (now.args, now.kwargs), same, now.place):
            raise Unlike(f"other operands {where}")
        same.update(zip(before.outs, now.outs, strict=True))
    return fixed


class Unlike(Exception):  # noqa: N818 - seen by nobody: one more recording is made
    """Two recordings differ in more than a number."""


def _alike(a: Any, b: Any, same: dict[Var, Var], place: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, Var):
        if a.constant is not None and b.constant is not None:
            if not _equal(a.constant, b.constant):
                raise _changing("a number", place)
            return True
        return same.get(a) is b
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(_alike(x, y, same, place) for x, y in zip(a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_alike(a[k], b[k], same, place) for k in a)
    if isinstance(a, slice):
        ends = ((a.start, a.stop, a.step), (b.start, b.stop, b.step))
        return _alike(*ends, same, place)
    if isinstance(a, (int, float, complex, bool)):
        if not _equal(a, b):
            raise _changing(f"the Python number {a!r}, later {b!r},", place)
        return True
    return bool(a is b or a == b)


def _same_target(a: Any, b: Any) -> bool:
    """Whether two statements call the same; a function may be made anew in each call."""
    code = getattr(a, "__code__", None)
    if a is b or code is None:
        return bool(a == b)
    held = [[c.cell_contents for c in f.__closure__ or ()] for f in (a, b)]
    same = all(x is y or x == y for x, y in zip(*held))
    return code is getattr(b, "__code__", None) and same


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        nan = a.dtype.kind in "fc"
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=nan)
    return bool(a == b or (a != a and b != b))


def _changing(what: str, place: tuple[str, int] | None) -> CompileError:
    where = f"{place[0]}:{place[1]}: " if place else ""
    return CompileError(
        f"{where}{what} differs from call to call, but would be fixed in a compiled function. "
        "Instead: give it as an argument (arrays and Tensors may change), keep a number that "
        "changes in a tinygrad_np.Number, and draw random numbers with tinygrad_np's functions."
    )
