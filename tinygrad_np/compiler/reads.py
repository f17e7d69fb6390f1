"""Reads of a recording: the places from which the function has got what it uses.

`Reads` knows the objects that were there before, by the path on which the function has come to
them. Whatever it reads of one of these is noted as a `Place`, and is known too from there on.
"""

from __future__ import annotations

import contextlib
import functools
import random
import sys
import types
from collections import defaultdict
from inspect import getattr_static
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import line_of, outside
from ..core.doors import Number, tracer
from ..core.op import Op
from ..core.tensor import Tensor
from .errors import CompileError
from .objects import (
    attributes_in_slots,
    defaults,
    functions_of,
    object_dict,
    reachable,
    words,
)  # fmt: skip
from .ownership import is_engine, is_foreign, is_ours, is_user_class
from .places import (
    ABSENT,
    BYTES,
    CELL,
    CONTAINERS,
    CONTENTS,
    ITEM,
    PLAIN,
    SIZE,
    Place,
    attribute,
    contents,
    joined,
)
from .standins import StandIn
from .telling import reading
from .twins import BY_CODE, global_names, replace, restore

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAVES = (Tensor, Number, np.ndarray, np.generic)
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial)
GENERATORS = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)
VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_ATOMS = (*_LEAVES, *_FUNCTIONS, type, types.ModuleType)
_MOST = 20_000  # things in one object that is read as a whole


class Reads:
    """Places that one recording has read and written, besides Tensors and arrays of arguments.

    Attributes:
        places: where it was, in order; the first value counts.
        paths: what the objects that were there before are called, by id.
        arrays: those that somebody uses who doesn't tell: compared, if the program doesn't read
            them.
        error: for a function that goes on after a call in it has failed.
    """

    def __init__(self, hooks: Any) -> None:
        self._hooks = hooks
        self.error: CompileError | None = None
        self.places: dict[Any, Place] = {}
        self.paths: dict[int, str] = {}
        self.arrays: list[np.ndarray] = []
        self._alive: list[Any] = []  # so that the ids stay theirs
        self._functions: dict[int, list[Any]] = defaultdict(list)  # by the id of the twin's code
        self._members: dict[int, list[tuple[type, str, Any]]] = defaultdict(list)
        self._classes: set[type] = set()
        self._replaced: list[Any] = []
        self._blind: list[Any] = []  # functions without a twin
        self._walking = False

    # --- places ---------------------------------------------------------------------------------

    def note(self, text: str, owner: Any, key: Any, value: Any, path: str, line: str = "") -> None:
        """Note what is at a place, and know what is there."""
        mark: Any = key
        if not isinstance(key, (str, int, type(None))):
            mark = id(key)
        known = self.places.get((text, id(owner), mark))
        if known is None:
            self.places[text, id(owner), mark] = Place(text, owner, key, value, path, line)
            self._alive.append(key)
        elif line and not known.line:
            self.places[text, id(owner), mark] = known._replace(line=line)
        self.know(value, path)

    def changes(self) -> Iterator[Place]:
        """Yield the places where something else is now."""
        for place in self.places.values():
            if not place.holds():
                yield place

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Let the twins of the user's functions run, and tell this recording what they read."""
        token = reading.set(self)
        try:
            yield
            if self.error is not None:
                raise self.error
        finally:
            reading.reset(token)
            for function in self._replaced:
                restore(function)
            self._replaced.clear()

    def fail(self, error: Exception) -> None:
        """Keep in mind that a call has failed, by the values that it was given."""
        self.error = CompileError(
            f"{users_line()}{type(error).__name__} ({error}) is caught, which comes or does not "
            "come by values that are computed in each call. Instead: compute the part in `try` "
            "outside of the compiled function."
        )

    # --- objects that were there before ---------------------------------------------------------

    def know(self, value: Any, path: str) -> None:
        """Know an object, and what hangs on it in a fixed way."""
        if isinstance(value, (*PLAIN, StandIn)) or value is ABSENT or id(value) in self.paths:
            return
        self.paths[id(value)] = path
        self._alive.append(value)
        if isinstance(value, (*_LEAVES, types.ModuleType)) or getattr_static(
            value, "has_effect", False
        ):
            return
        if isinstance(value, types.FunctionType):
            self._function(value, path)
        elif isinstance(value, (types.MethodType, types.BuiltinMethodType)):
            self._method(value, path)
        elif isinstance(value, functools.partial):
            self.note(CONTENTS, value.keywords, None, contents(value.keywords), path)
            for part in (value.func, *value.args, *value.keywords.values()):
                self.know(part, path)
        elif isinstance(value, (tuple, frozenset)):
            for k, item in enumerate(value):
                self.know(item, joined(path, str(k)))
        elif isinstance(value, type):
            self._class(value)
        elif is_ours(type(value)):
            if not is_engine(type(value)):
                self._object_of_ours(value, path)
        else:
            self._class(type(value))
        wrapped = getattr_static(value, "__wrapped__", None)  # of a cached or compiled function
        self.know(wrapped, path)

    def _method(self, value: Any, path: str) -> None:
        if not isinstance(value.__self__, types.ModuleType):
            self.know(value.__self__, path)
        self.know(getattr(value, "__func__", None), path)

    def _function(self, function: Any, path: str) -> None:
        """Let a function of the user's run as its twin."""
        file = function.__code__.co_filename
        op = getattr(function, "op", None)
        if isinstance(op, Op):
            self._op(op, path)
            return
        if is_foreign(file):
            for cell in function.__closure__ or ():
                with contextlib.suppress(ValueError):  # not assigned yet
                    self.know(cell.cell_contents, path)
            return
        twin = replace(function, self._hooks)
        if twin is None:
            self.read_blindly(function)
            return
        self._replaced.append(function)
        self._functions[id(twin.code)].append(function)

    def _op(self, op: Op, path: str) -> None:
        """Know forward and rules of an op."""
        for function in (op.forward, *op.rule.values()):
            self.know(function, path)

    def _class(self, kind: type) -> None:
        """Know the methods of a class of the user's."""
        if kind in self._classes:
            return
        self._classes.add(kind)
        for owner in kind.__mro__:
            if not is_user_class(owner):
                continue
            for key, member in list(vars(owner).items()):
                if is_user_class(type(member)):  # a descriptor
                    self.know(member, joined(owner.__name__, key))
                for function in functions_of(member):
                    self._members[id(function)].append((owner, key, member))
                    self.know(function, joined(owner.__name__, key))

    def _object_of_ours(self, value: Any, path: str) -> None:
        """Note all that a Module, an optimizer ... has: the library reads it itself."""
        self._class(type(value))
        own = object_dict(value)
        if own is None:
            for name, item in attributes_in_slots(value):
                self.note(attribute(name), value, name, item, joined(path, name))
            return
        self.note(SIZE, own, None, len(own), path)
        for name, item in list(own.items()):
            self.note(ITEM, own, name, item, joined(path, name))
            if not is_user_class(type(value)) or _holds_more_than_values(item):
                self.everything(item, joined(path, name))

    def everything(
        self, value: Any, path: str, words: set[str] | None = None, line: str = ""
    ) -> None:
        """Note all that hangs on an object, for somebody who doesn't tell what they read of it.

        Args:
            words: names of the only attributes that they can read.
            line: file and line of the user's that calls them.
        """
        waiting = [(value, path)]
        seen: set[int] = set()
        while waiting:
            value, path = waiting.pop()
            if isinstance(value, (*PLAIN, StandIn)) or value is ABSENT or id(value) in seen:
                continue
            self.know(value, path)
            seen.add(id(value))
            if isinstance(value, np.ndarray):
                self.arrays.append(value)
            if len(seen) > _MOST:
                refuse(
                    f"uses all of {path}, more than {_MOST} things: too much to look at before "
                    "each call",
                    "give it as an argument, or take out of it what is needed beforehand",
                )
                return
            if isinstance(value, CONTAINERS):
                self.note(CONTENTS, value, None, contents(value), path, line)
            if isinstance(value, dict):
                waiting += [(item, joined(path, str(key))) for key, item in value.items()]
            elif isinstance(value, (*CONTAINERS, *VIEWS, tuple, frozenset)):
                items: Any = value
                waiting += [(item, joined(path, str(k))) for k, item in enumerate(items)]
            elif not isinstance(value, _ATOMS) and not is_engine(type(value)):
                own = object_dict(value) or {}
                keys = own.keys() if words is None else words & own.keys()
                for key in sorted(keys):
                    self.note(ITEM, own, key, own[key], joined(path, key))
                    waiting.append((own[key], joined(path, key)))

    def use(self, value: Any) -> None:
        """Note all of an object that was there before, unless the tape sees what is done with it.

        Raises:
            CompileError: it is another one after each use: an iterator, a random generator.
        """
        path = self.paths[id(value)]
        if isinstance(value, (Tensor, Number, StandIn)):
            return
        if isinstance(value, np.ndarray):
            self.note(BYTES, value, None, value.tobytes(), path, users_line())
        elif isinstance(value, GENERATORS):
            refuse(
                f"draws random numbers in plain Python or NumPy, with {path}",
                "draw them with tinygrad_np's functions, such as tinygrad_np.rand(3, rng=rng), or "
                "outside of the compiled function",
            )
        elif hasattr(type(value), "__next__") and not is_user_class(type(value)):
            refuse(
                f"takes items of {path}, an iterator, which gives others in each call",
                "take them outside, and give them as arguments",
            )
        else:
            self.everything(value, path, line=users_line())

    def items(self, value: Any) -> None:
        """Note the items of an object that was there before, but nothing that hangs on them."""
        path = self.paths[id(value)]
        if not isinstance(value, CONTAINERS):
            self.use(value)
            return
        self.note(CONTENTS, value, None, contents(value), path, users_line())
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            self.know(item, joined(path, str(key)))

    def use_index(self, index: Any) -> None:
        """Note the arrays of an index, of which a program can have what came of them."""
        parts = index if isinstance(index, tuple) else (index,)
        known = [p for p in parts if id(p) in self.paths and not isinstance(p, StandIn)]
        self.arrays += [p for p in known if isinstance(p, np.ndarray)]

    def note_again(self, text: str, owner: Any, key: Any, value: Any, path: str) -> None:
        """Note what somebody's code gave, if it gives the same when it is asked again.

        Raises:
            CompileError: it doesn't.
        """
        if not Place(text, owner, key, value, path).holds():
            refuse(
                f"reads {path}, which gives a new object each time and can't be compared",
                "read it outside, and give what comes of it as an argument",
            )
        self.note(text, owner, key, value, path)

    def read_blindly(self, function: Any) -> None:
        """Note all that a function without a twin can read, and those that it may call."""
        self._blind.append(function)
        if len(self._blind) > 1 and self._walking:
            return
        self._walking = True
        known = -1
        while known < len(self._blind):
            known = len(self._blind)
            named = set().union(*(words(f.__code__) for f in self._blind))
            for one in list(self._blind):
                self._globals(one.__globals__, global_names(one.__code__))
                self._enter_function(one)
                for name, value in reachable(one):
                    self.everything(value, name, named)
        self._walking = False

    # --- functions that run ---------------------------------------------------------------------

    def enter(self, frame: types.FrameType) -> None:
        """Note what the code that begins to run can read by names."""
        twin = BY_CODE[id(frame.f_code)]
        self._globals(frame.f_globals, twin.names)
        for function in self._functions.get(id(frame.f_code), ()):
            self._enter_function(function)

    def _globals(self, globals_: dict[str, Any], names: frozenset[str]) -> None:
        for name in sorted(names):
            value = globals_.get(name, ABSENT)
            self.note(ITEM, globals_, name, value, name)
        self.paths.setdefault(id(globals_), "")

    def _enter_function(self, function: Any) -> None:
        names = function.__code__.co_freevars
        for name, cell in zip(names, function.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):  # not assigned yet
                self.note(CELL, cell, None, cell.cell_contents, name)
        for name in ("__defaults__", "__kwdefaults__"):
            self.note(attribute(name), function, name, getattr(function, name), function.__name__)
        keywords = function.__kwdefaults__
        if keywords is not None:
            self.note(CONTENTS, keywords, None, contents(keywords), function.__name__)
        for name, value in defaults(function):
            self.know(value, name)
        for owner, key, member in self._members.get(id(function), ()):
            self.note(ITEM, vars(owner), key, member, joined(owner.__name__, key))


def refuse(what: str, remedy: str) -> None:
    """Refuse what can't be looked at before each call: with an error, unless the tape forgives.

    Raises:
        CompileError: names the user's line.
    """
    tape: Any = tracer.get()
    if tape is None:
        raise CompileError(f"the function {what}. Instead: {remedy}.")
    tape.refuse(what, remedy)


def users_line() -> str:
    """Return file and line of the user's code that runs."""
    frame = outside(sys._getframe(1))
    return f"{frame.f_code.co_filename}:{line_of(frame.f_code, frame.f_lasti)}: "


def tells(f: Any) -> bool:
    """Say whether a function runs as a twin, which tells itself what it reads."""
    function = getattr(f, "__func__", f)
    if isinstance(function, types.FunctionType):
        return id(function.__code__) in BY_CODE
    kind = f if isinstance(f, type) else type(f)
    return is_user_class(kind) and not isinstance(f, (Tensor, StandIn))


def _holds_more_than_values(value: Any) -> bool:
    """Say whether a container holds Tensors, layers ..., which the library may look at."""
    if not isinstance(value, (*CONTAINERS, tuple)):
        return True
    items = value.values() if isinstance(value, dict) else value
    return any(not isinstance(i, PLAIN) and _holds_more_than_values(i) for i in items)
