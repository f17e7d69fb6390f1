"""Comparison of two recordings: a function is only compiled if they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import leaves
from .errors import CompileError
from .places import same as same_value
from .statements import Var

if TYPE_CHECKING:
    from .program import Input
    from .statements import Statement
    from .tape import Tape

_NUMBERS = (bool, int, float, complex)
_FIXED = (np.dtype, range, slice)


class Unlike(Exception):  # noqa: N818 - seen by nobody: one more recording is made
    """Two recordings differ in more than a number."""


def compare_recordings(before: Tape, now: Tape) -> set[int]:
    """Compare two recordings, and return the ids of equal arrays that only the second one has.

    Raises:
        CompileError: a number or an array that the function makes in plain Python differs.
        Unlike: the two are built differently.
    """
    sizes = [(len(tape.state.inputs), len(tape.statements)) for tape in (before, now)]
    if sizes[0] != sizes[1]:
        raise Unlike("another number of operations")
    same: dict[Var, Var] = {}
    equal_arrays = set()
    for a, b in zip(before.state.inputs, now.state.inputs, strict=True):
        if not _same_input(a, b, now):
            raise Unlike("other inputs")
        if b.kind == "array" and a.source is not b.source:
            equal_arrays.add(id(b.source))
        same[a.var] = b.var
    for one, other in zip(before.statements, now.statements, strict=True):
        _check_statement(one, other, same)
        same.update(zip(one.outs, other.outs, strict=True))
    _check_results(before, now, same)
    return equal_arrays


def _same_input(a: Input, b: Input, now: Tape) -> bool:
    """Say whether two inputs are the same; raises where an array of plain NumPy differs."""
    if a.kind != b.kind:
        return False
    if a.source is b.source:
        return True
    if a.kind != "array":
        return isinstance(a.source, int)  # a position
    if not _equal(a.source, b.source):
        places = (s.place for s in now.statements if b.var in s.reads())
        raise _changing("a NumPy array", next(places, None))
    return True


def _check_results(before: Tape, now: Tape, same: dict[Var, Var]) -> None:
    """Raise unless the two return the same, in the same structure."""
    a, b = list(leaves(before.template)), list(leaves(now.template))
    if [path for path, _ in a] != [path for path, _ in b]:
        raise Unlike("another structure of results")
    last = next((s.place for s in reversed(now.statements) if s.place), None)
    for (_, one), (path, other) in zip(a, b, strict=True):
        if isinstance(one, Var) or isinstance(other, Var):
            if not _alike(one, other, same, last):
                raise Unlike("other results")
        elif one is not other and type(one) in _NUMBERS and type(other) in _NUMBERS:
            if not same_value(one, other):
                raise _changing(f"the Python number {one!r}, later {other!r}, returned", last)
        elif not same_value(one, other) and not _fixed(one, other):
            raise CompileError(
                f"{place_text(last)}the function returns{path and ' at '}{path} an object of type "
                f"{type(other).__name__}, made anew in each call: the program could only return "
                "that of the recording. Instead: return the Tensors and arrays in it, alone or in "
                "tuples, lists and dicts."
            )


def _fixed(a: Any, b: Any) -> bool:
    """Say whether two objects that never change are equal."""
    return type(a) is type(b) and isinstance(a, _FIXED) and bool(a == b)


def _check_statement(a: Statement, b: Statement, same: dict[Var, Var]) -> None:
    """Raise unless two statements call the same with operands that are the same."""
    same_method = a.kind == b.kind and a.method == b.method
    if not same_method or not same_target(a.target, b.target):
        raise Unlike(f"another operation at {b.place}")
    same_arguments = _alike(a.args, b.args, same, b.place)
    if not same_arguments or not _alike(a.kwargs, b.kwargs, same, b.place):
        raise Unlike(f"other operands at {b.place}")


def _alike(a: Any, b: Any, same: dict[Var, Var], place: Any) -> bool:
    """Say whether nested arguments are the same; raises where only a number differs."""
    kind = type(a)
    if kind is not type(b):
        return False
    if kind is Var:
        if a.constant is None or b.constant is None:
            return same.get(a) is b
        if not _equal(a.constant, b.constant):
            raise _changing("a number", place)
        return True
    if isinstance(a, (tuple, list)):
        if len(a) != len(b):
            return False
        return all(_alike(x, y, same, place) for x, y in zip(a, b))
    if isinstance(a, dict):
        if not a and not b:
            return True
        a_items, b_items = sorted(a.items()), sorted(b.items())
        return _alike(a_items, b_items, same, place)
    if isinstance(a, slice):
        a_ends = (a.start, a.stop, a.step)
        b_ends = (b.start, b.stop, b.step)
        return _alike(a_ends, b_ends, same, place)
    if isinstance(a, (int, float, complex, bool)):
        if not _equal(a, b):
            raise _changing(f"the Python number {a!r}, later {b!r},", place)
        return True
    return bool(a is b or a == b)


def same_target(a: Any, b: Any) -> bool:
    """Say whether two statements call the same; a function may be made anew in each call."""
    if a is b:
        return True
    code = getattr(a, "__code__", None)
    if code is None:
        return bool(a == b)
    if code is not getattr(b, "__code__", None):
        return False
    closures = [[cell.cell_contents for cell in f.__closure__ or ()] for f in (a, b)]
    return all(x is y or x == y for x, y in zip(*closures))


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        nan = a.dtype.kind in "fc"
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=nan)
    return bool(a == b or (a != a and b != b))


def place_text(place: tuple[str, int] | None) -> str:
    """Return the beginning of a message about a line."""
    return f"{place[0]}:{place[1]}: " if place else ""


def _changing(what: str, place: tuple[str, int] | None) -> CompileError:
    return CompileError(
        f"{place_text(place)}{what} differs from call to call, but would be fixed in a compiled "
        "function. Instead: give it as an argument (arrays and Tensors may change), keep a number "
        "that changes in a tinygrad_np.Number, draw random numbers with tinygrad_np's functions."
    )
