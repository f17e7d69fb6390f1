"""Parts of functions, classes and objects of the user's."""

from __future__ import annotations

import contextlib
import types
from typing import TYPE_CHECKING, Any

from .twins import global_names

if TYPE_CHECKING:
    from collections.abc import Iterator


def functions_of(member: Any) -> list[Any]:
    """List the functions behind a function, method or property of a class."""
    names = ("fget", "fset", "func", "__func__", "__wrapped__")
    parts = [member, *(getattr(member, name, None) for name in names)]
    return [part for part in parts if isinstance(part, types.FunctionType)]


def reachable(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield the globals, closures and defaults that a function can read, with their names."""
    for name in sorted(global_names(function.__code__)):
        yield name, function.__globals__.get(name)
    yield from defaults(function)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # not assigned yet
            yield name, cell.cell_contents


def defaults(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names of parameters that have a default, and these values."""
    code, values = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    yield from zip(names[len(names) - len(values) :], values, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def words(code: types.CodeType) -> set[str]:
    """Return all that a function's code names, or gives as text, as in `getattr(o, "x")`."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= words(constant)
        elif isinstance(constant, str):
            found.add(constant)
    return found


def object_dict(value: Any) -> dict[str, Any] | None:
    """Return the attributes of an object; None if it has only slots."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return own if isinstance(own, dict) else None


def attributes_in_slots(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the slots of an object that hold something, with their values."""
    for owner in type(value).__mro__:
        names = vars(owner).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if hasattr(value, name):
                yield name, getattr(value, name)
