"""Calls of functions that do not tell what they read: NumPy's, built-in and installed ones.

What was there before the recording and is given to them counts as read as a whole, apart from the
few functions that are known to read less.
"""

from __future__ import annotations

import contextvars
import functools
import os
import types
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.op import Op
from ..core.tensor import Tensor
from ..ops.random import manual_seed
from .attributes import note_writing, read_attribute, read_item
from .objects import object_dict
from .ownership import is_user_class, package_of
from .places import ABSENT, CONTAINERS, RESULT, SIZE, VARIABLE
from .reads import GENERATORS, VIEWS, Reads, refuse, tells
from .standins import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable

# They only pass the items on, to who tells what they read of these.
_PASSING = (
    enumerate, zip, reversed, iter, list, tuple, dict, set, frozenset, deque, map, filter,
)  # fmt: skip
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType)
_CACHED = type(functools.lru_cache(len))


def call(reads: Reads, f: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function that doesn't tell what it reads."""
    if isinstance(f, functools.partial):
        return _again(reads, f.func, *f.args, *args, **{**f.keywords, **kwargs})
    if isinstance(f, _CACHED) and id(f) in reads.paths:
        reads.read_blindly(f.__wrapped__)
    rule = _RULES.get(f) if isinstance(f, (*_FUNCTIONS, type)) else None
    if rule is not None:
        return rule(reads, *args, **kwargs)
    if isinstance(f, weakref.ref) and id(f) in reads.paths:
        reads.note(RESULT, f, args, f(*args), reads.paths[id(f)])
        return f(*args)
    owner = getattr(f, "__self__", None)
    if id(owner) in reads.paths and isinstance(owner, (*CONTAINERS, contextvars.ContextVar)):
        return _method(reads, owner, f, args, kwargs)
    given = _given(reads, f if owner is None else owner, args, kwargs)
    if not given:
        return f(*args, **kwargs)
    if _is_of_ours(f):
        _give_to_the_library(reads, given)
        return f(*args, **kwargs)
    return _give(reads, f, given, args, kwargs)


def _again(reads: Reads, f: Any, *args: Any, **kwargs: Any) -> Any:
    return f(*args, **kwargs) if tells(f) else call(reads, f, *args, **kwargs)


def _given(reads: Reads, owner: Any, args: tuple, kwargs: dict) -> list[Any]:
    """List what was there before among the operands of a call."""
    values = [owner, *args, *kwargs.values()]
    for value in (*args, *kwargs.values()):
        if type(value) in (list, tuple) and id(value) not in reads.paths:
            values += value
    known = [value for value in values if id(value) in reads.paths]
    return [v for v in known if not isinstance(v, (Tensor, types.ModuleType, type, *_FUNCTIONS))]


def _is_of_ours(f: Any) -> bool:
    """Say whether a function, method or class is this library's; each op's function is."""
    if isinstance(getattr(f, "op", None), Op):
        return True
    module = getattr(getattr(f, "__func__", f), "__module__", None)
    return package_of(module or "") in ("tinygrad_np", "nn")


def _give_to_the_library(reads: Reads, given: list[Any]) -> None:
    for value in given:
        if isinstance(value, (*CONTAINERS, tuple, np.ndarray)):
            reads.everything(value, reads.paths[id(value)])


def _give(reads: Reads, f: Any, given: list[Any], args: tuple, kwargs: dict) -> Any:
    """Call a function of somebody's with objects that were there before."""
    live = any(isinstance(v, (StandIn, Tensor)) for v in (*args, *kwargs.values()))
    foreign = []
    for value in given:
        if isinstance(value, np.ndarray) and live:
            continue  # NumPy asks the stand-in, and the program reads the array
        if _is_foreign_object(value):
            foreign.append(value)
        else:
            reads.use(value)
    result = f(*args, **kwargs)
    if result is not None:  # else nothing was read, as from a logger
        for value in foreign:
            reads.use(value)
    if isinstance(result, VIEWS) or (isinstance(result, np.ndarray) and not _is_new(result, given)):
        reads.know(result, reads.paths[id(given[0])])
    return result


def _is_new(result: np.ndarray, given: list[Any]) -> bool:
    """Say whether NumPy has made an array that looks into none of those that were given."""
    others = [value for value in given if not _is_of_numpy(value)]
    arrays = all(isinstance(value, np.ndarray) for value in others)
    return arrays and not any(np.may_share_memory(result, value) for value in others)


def _is_of_numpy(value: Any) -> bool:
    """Say whether an object is one of NumPy's functions."""
    return callable(value) and package_of(getattr(value, "__module__", None) or "") == "numpy"


def _is_foreign_object(value: Any) -> bool:
    kind = type(value)
    has_attributes = object_dict(value) is not None
    if isinstance(value, GENERATORS) or kind.__module__ == "builtins":
        return False
    return has_attributes and not is_user_class(kind)


def _method(reads: Reads, owner: Any, f: Any, args: tuple, kwargs: dict) -> Any:
    """Call a method of a container, or of a context variable, that was there before."""
    name, path = f.__name__, reads.paths[id(owner)]
    if isinstance(owner, contextvars.ContextVar):
        asked = args if name == "get" else (ABSENT,)
        reads.note(VARIABLE, owner, asked, owner.get(*asked), path)
        return f(*args, **kwargs)
    if name == "get" and args:
        try:
            return read_item(reads, owner, args[0])
        except KeyError:
            return f(*args, **kwargs)
    reads.items(owner)
    for value in _given(reads, None, args, kwargs):
        reads.use(value)
    result = f(*args, **kwargs)
    if isinstance(result, VIEWS):
        reads.know(result, path)
    return result


# --- functions that are known ---------------------------------------------------------------------


def _plain(f: Callable) -> Callable:
    return lambda reads, *args, **kwargs: f(*args, **kwargs)


def _passing(f: Callable) -> Callable:
    def rule(reads: Reads, *args: Any, **kwargs: Any) -> Any:
        told = f not in (map, filter) or not args or args[0] is None or tells(args[0])
        for value in _given(reads, None, args, kwargs):
            if told:
                reads.items(value)
            else:
                reads.use(value)
        return f(*args, **kwargs)

    return rule


def _getattr(reads: Reads, o: Any, name: str, *default: Any) -> Any:
    try:
        return read_attribute(reads, o, name)
    except AttributeError:
        if not default:
            raise
        return default[0]


def _hasattr(reads: Reads, o: Any, name: str) -> bool:
    return _getattr(reads, o, name, ABSENT) is not ABSENT


def _setattr(reads: Reads, o: Any, name: str, value: Any) -> None:
    note_writing(reads, o, name)
    setattr(o, name, value)


def _delattr(reads: Reads, o: Any, name: str) -> None:
    note_writing(reads, o, name)
    delattr(o, name)


def _vars(reads: Reads, o: Any) -> Any:
    return read_attribute(reads, o, "__dict__")


def _len(reads: Reads, o: Any) -> int:
    if id(o) in reads.paths and isinstance(o, CONTAINERS):
        reads.note(SIZE, o, None, len(o), reads.paths[id(o)])
    return len(o)


def _type(reads: Reads, *args: Any, **kwargs: Any) -> Any:
    if len(args) == 1 and isinstance(args[0], StandIn):
        return args[0].__class__  # of what it stands for
    return type(*args, **kwargs)


def _getitem(reads: Reads, o: Any, key: Any) -> Any:
    return read_item(reads, o, key) if id(o) in reads.paths else o[key]


def _getenv(reads: Reads, *args: Any) -> Any:
    value = os.getenv(*args)
    reads.note(RESULT, os.getenv, args, value, f"the environment variable {args[0]}")
    return value


def _manual_seed(reads: Reads, seed: int) -> Any:
    refuse("calls manual_seed", "seed outside of the compiled function, or give rng= to what draws")
    return manual_seed(seed)


_RULES: dict[Any, Any] = {
    **{f: _plain(f) for f in (isinstance, issubclass, id, callable, print, super)},
    **{f: _passing(f) for f in _PASSING},
    getattr: _getattr,
    hasattr: _hasattr,
    setattr: _setattr,
    delattr: _delattr,
    vars: _vars,
    len: _len,
    type: _type,
    os.getenv: _getenv,
    manual_seed: _manual_seed,
}
