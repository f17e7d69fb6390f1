"""Tracebacks that end at the user's line.

An error that the library raises on purpose is about a call of the user's: where the library has
noticed it tells them nothing. So a function that users call ends in

    except Exception as error:
        shorten_traceback(error)
        raise

The bare `raise` adds no entry for its own frame (from Python 3.11 on). `shorten_tracebacks` does it
for all public names of a package; a function says it itself where a call more would be felt, or
would count as a reference to its arguments.

An error that nobody in the library has raised on purpose is a bug of the library: its traceback
stays as it is, and so do all if the environment has TINYGRAD_NP_TRACEBACK=full.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import inspect
import os
import sys
from types import CodeType, FunctionType, TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import doors
from .callsite import INSIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Function = TypeVar("Function", bound=Callable)


def shorten_traceback(error: BaseException) -> None:
    """Take the library's frames, and the errors that it has handled, out of a traceback.

    For the end of a function that users call: `except Exception as error:
    tg.shorten_traceback(error); raise`. Nothing is done to an error that the library did not raise
    on purpose, nor where the environment has TINYGRAD_NP_TRACEBACK=full.
    """
    entries = _entries(error)
    if doors.tracing or os.environ.get("TINYGRAD_NP_TRACEBACK") == "full":
        return  # while a program is taken down, its maker reads where errors come from
    if getattr(error, "is_internal", False):
        return
    known = getattr(error, "is_shortened", False)
    if not known and _is_inside(entries[-1]) and not _is_on_purpose(error, entries[-1]):
        return
    with contextlib.suppress(AttributeError):  # an exception with slots
        error.is_shortened = True  # type: ignore[attr-defined]
    kept = [entry for entry in entries if not _is_inside(entry)]
    handled = _entries(error.__cause__ or error.__context__)
    if handled and _is_inside(handled[0]):  # by the library, which tells of it
        known_frames = [entry.tb_frame for entry in kept]
        for entry in handled:  # of a function of the user's
            if not _is_inside(entry) and entry.tb_frame not in known_frames:
                kept.append(entry)
        error.__cause__ = None
        error.__suppress_context__ = True
    trace = None
    for entry in reversed(kept):
        trace = TracebackType(trace, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    entries[0].tb_next = trace  # of the frame that raises again; up to Python 3.10 it stays
    error.__traceback__ = trace


def shortened(function: Function) -> Function:
    """Decorate a function that users call, so that its errors end at their line."""
    call: Any
    if inspect.isgeneratorfunction(function):

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                items = function(*args, **kwargs)
            except Exception as error:
                shorten_traceback(error)
                raise
            return _items(items)

    elif _takes_self_alone(function.__code__):  # for less than half of the price

        def call(self: Any) -> Any:
            try:
                return function(self)
            except Exception as error:
                shorten_traceback(error)
                raise

    else:

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                shorten_traceback(error)
                raise

    # `functools.wraps` takes four times as long, and transforms decorate what they return.
    call.__dict__.update(function.__dict__)
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(call, name, getattr(function, name))
    call.__wrapped__ = function
    return call


def shorten_tracebacks(namespace: dict[str, Any], names: Iterable[str]) -> None:
    """Have the errors of public functions and of public classes' methods end at the user's line.

    For the end of a package's `__init__`: `shorten_tracebacks(globals(), __all__)`. Classes are
    changed, functions replaced, here and in the module that defines them.
    """
    for name in names:
        value = namespace[name]
        if isinstance(value, type):
            for kind in value.__mro__:
                _shorten_members(kind)
        elif isinstance(value, FunctionType) and not _is_short(value):
            namespace[name] = call = _shortened_once(value)
            home = vars(sys.modules[value.__module__])
            if home.get(name) is value:  # where pickle looks for it
                home[name] = call


_shortened_once = functools.cache(shortened)  # a function may have several public names


def _shorten_members(kind: type) -> None:
    """Decorate the public methods of a class of the library, and properties that raise."""
    for name, member in list(vars(kind).items()):
        is_public = not name.startswith("_") or name.endswith("__")
        if not is_public or name in _QUIET:
            continue
        if isinstance(member, FunctionType):
            if not _is_short(member):
                setattr(kind, name, _shortened_once(member))
        elif isinstance(member, (classmethod, staticmethod)):
            if not _is_short(member.__func__):
                setattr(kind, name, type(member)(_shortened_once(member.__func__)))
        elif isinstance(member, property):
            get, put = member.fget, member.fset
            if get and not _is_short(get) and "Raises:" in (get.__doc__ or ""):
                get = shortened(get)  # not those of Tensors, which are read all the time
            put = shortened(put) if put and not _is_short(put) else put
            setattr(kind, name, property(get, put, member.fdel, member.__doc__))


# Methods that raise nothing of their own, that every use of an attribute asks for, and those of
# layers and optimizers that users reach through `__call__` and `step`, which shorten tracebacks.
_QUIET = {"__repr__", "__str__", "__hash__", "__new__", "__get__", "__init_subclass__"}
_QUIET |= {"forward", "update"}


def _is_short(function: Any) -> bool:
    """Say if a function shortens tracebacks already, or is none of the library's."""
    code = getattr(function, "__code__", None)
    return code is None or "shorten_traceback" in code.co_names or not INSIDE[code.co_filename]


def _takes_self_alone(code: CodeType) -> bool:
    """Say if a function is a method that takes no arguments."""
    more = code.co_kwonlyargcount or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    return code.co_argcount == 1 and code.co_varnames[0] == "self" and not more


def _items(items: Iterator[Any]) -> Iterator[Any]:
    """Yield what a generator yields."""
    try:
        yield from items
    except Exception as error:
        shorten_traceback(error)
        raise


def _entries(error: BaseException | None) -> list[TracebackType]:
    """Return the entries of a traceback, the outermost first."""
    entries = []
    entry = None if error is None else error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    return entries


def _is_inside(entry: TracebackType) -> bool:
    return INSIDE[entry.tb_frame.f_code.co_filename]


def _is_on_purpose(error: BaseException, entry: TracebackType) -> bool:
    """Return True if a `raise` statement made the entry, and no assertion.

    Or NumPy, which was handed what the user gave, or a call `f(*args)` of what they gave for f.
    """
    package = entry.tb_frame.f_globals.get("__name__", "").partition(".")[0]
    if package == "numpy" and isinstance(error, (TypeError, ValueError, IndexError)):
        return True
    code = entry.tb_frame.f_code.co_code
    opcode = dis.opname[code[entry.tb_lasti]] if code else ""  # none in Cython
    if opcode == "CALL_FUNCTION_EX":
        return isinstance(error, TypeError)
    return opcode == "RAISE_VARARGS" and not isinstance(error, AssertionError)
