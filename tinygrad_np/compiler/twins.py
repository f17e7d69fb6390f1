"""Twins of the user's functions: the same code, in which every read is told to the recording.

`a.b` becomes `hooks.attribute(a, "b")`, `a[k]` becomes `hooks.item(a, k)`, and so on, in a copy of
the syntax tree of the function's file. While a function is recorded, it runs the twin's code. A
function whose source can't be found has no twin.
"""

from __future__ import annotations

import collections
import dis
import functools
import inspect
import linecache
import threading
from types import CodeType
from typing import Any

from .telling import HOOKS, telling_tree

BY_CODE: dict[int, Twin] = {}  # by the id of the twin's code

_GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL")


class Twin:
    """Twin of a piece of code.

    Attributes:
        code: of the twin.
        names: global names that the code reads or writes.
    """

    def __init__(self, code: CodeType, names: frozenset[str]) -> None:
        self.code = code
        self.names = names


_files: dict[str, tuple[list[str], dict[Any, Twin]]] = {}  # with the lines that they are of


def twin_of(code: CodeType, hooks: Any) -> Twin | None:
    """Return the twin of a function's code; None if there is no source that gives this code."""
    file = code.co_filename
    lines = linecache.getlines(file)
    known = _files.get(file)
    if known is None or known[0] is not lines:
        known = _files[file] = (lines, _twins("".join(lines), file, hooks))
    return known[1].get(_key(code))


@functools.lru_cache(maxsize=4096)
def global_names(code: CodeType) -> frozenset[str]:
    """Return the global names that a function's code reads or writes, inner functions apart."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname in _GLOBALS}
    for inner in _inner(code):
        comprehension = inner.co_name.startswith("<") and inner.co_name != "<lambda>"
        if comprehension or not inner.co_flags & inspect.CO_OPTIMIZED:  # or the body of a class
            names |= global_names(inner)
    return frozenset(names)


def _twins(text: str, file: str, hooks: Any) -> dict[Any, Twin]:
    """Make the twins of all functions of a file."""
    try:
        code = compile(text, file, "exec", dont_inherit=True)
        tree = telling_tree(text)
    except (SyntaxError, ValueError):  # a file of another language, or what is left of one
        return {}
    other = compile(tree, file, "exec", dont_inherit=True)
    twins: dict[Any, Twin] = {}
    pairs = [(code, _with(hooks, other))]
    for one, two in pairs:
        twin = twins.setdefault(_key(one), Twin(two, global_names(one)))
        BY_CODE[id(twin.code)] = twin
        theirs = collections.defaultdict(list)
        for inner in _inner(two):
            theirs[inner.co_name, inner.co_firstlineno].append(inner)
        for inner in _inner(one):
            same = theirs[inner.co_name, inner.co_firstlineno]
            pairs += [(inner, same.pop(0))] if same else []
    return twins


def _inner(code: CodeType) -> list[CodeType]:
    return [c for c in code.co_consts if isinstance(c, CodeType)]


def _with(hooks: Any, code: CodeType) -> CodeType:
    """Put the hooks in the place of their name among the constants."""
    constants = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            constant = _with(hooks, constant)
        elif isinstance(constant, str) and constant == HOOKS:
            constant = hooks
        constants.append(constant)
    return code.replace(co_consts=tuple(constants))


def _key(code: CodeType) -> Any:
    """Return what tells a piece of code from others of its file."""
    constants = [repr(c) for c in code.co_consts if not isinstance(c, CodeType)]
    names = (code.co_names, code.co_varnames, code.co_freevars)
    place = (code.co_name, code.co_firstlineno, code.co_linetable)
    return (*place, code.co_code, names, tuple(constants))


# --- functions that run as their twins ------------------------------------------------------------

_originals: dict[Any, tuple[CodeType, int]] = {}  # their code, and how many recordings need it
_lock = threading.Lock()


def replace(function: Any, hooks: Any) -> Twin | None:
    """Give a function the code of its twin; None if it has none."""
    with _lock:
        original, count = _originals.get(function, (function.__code__, 0))
        twin = twin_of(original, hooks)
        if twin is None or twin.code.co_freevars != original.co_freevars:
            return None
        _originals[function] = (original, count + 1)
        function.__code__ = twin.code
    return twin


def restore(function: Any) -> None:
    """Give a function its own code back, when no recording needs the other any more."""
    with _lock:
        original, count = _originals.pop(function)
        if count > 1:
            _originals[function] = (original, count - 1)
        else:
            function.__code__ = original
