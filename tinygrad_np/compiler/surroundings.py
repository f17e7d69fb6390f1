"""Surroundings of a function: the globals and closures that it uses, and what hangs on these.

A compiled program has the plain values among them as constants, and knows Tensors, arrays and
models by identity. `Surroundings` collects them, and finds out what has changed since.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import INSIDE
from ..core.doors import Number
from ..core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Surroundings"]

_PLAIN = (int, float, complex, bool, str, bytes, type(None))
_LEAVES = (Tensor, Number, np.ndarray, np.generic, np.random.Generator)
_ABSENT = object()  # stands for an entry that is not there
_MOST = 20_000  # things to visit; a function that captures more is not looked at to the end

# Methods that no code needs to name: operators and calls come down to them.
_UNNAMED = ("__call__", "forward", "update", "__getitem__")


class Surroundings:
    """The surroundings of a function at one moment, with what hangs on some of its arguments.

    Attributes:
        names: what Tensors and Numbers are called, by id.
        entries: (container, key, value, what it is called); the container is a dict, or a cell of
            a closure (key None).
        sizes: (container, its length, what it is called).
        arrays: the NumPy arrays.
    """

    def __init__(self, f: Callable, arguments: tuple[Any, ...] = ()) -> None:
        self.names: dict[int, str] = {}
        self._alive: list[Any] = []  # so that the ids stay theirs
        self._parameter_names: dict[int, str] = {}  # in models, whose names people know
        self._words: set[str] = set()  # all that the code of the functions names
        known = -1
        while known < len(self._words):  # attributes count by the words of all functions
            known = len(self._words)
            self._visit_all(f, arguments)
        self.names.update(self._parameter_names)

    def changes(self) -> Iterator[str]:
        """Yield what is not as it was, by name."""
        for container, key, value, path in self.entries:
            now = _read(container, key)
            if now is value:
                continue
            if type(now) is not type(value) or not _equal(now, value):
                yield path
        for container, size, path in self.sizes:
            if len(container) != size:
                yield path

    def tests(self, ref: Callable[[Any], str]) -> Iterator[str]:
        """Yield expressions that are true if everything is the very same.

        Args:
            ref: gives an object a name in the expressions.
        """
        for container, key, value, _ in self.entries:
            owner, expected = ref(container), ref(value)
            now = f"{owner}.cell_contents" if key is None else f"{owner}[{key!r}]"
            if value is _ABSENT:
                yield f"{key!r} not in {owner}"
            elif isinstance(value, _PLAIN) and value is not None:
                equal = f"type({now}) is {ref(type(value))} and {now} == {expected}"
                yield f"({now} is {expected} or {equal})"
            else:
                yield f"{now} is {expected}"
        for container, size, _ in self.sizes:
            yield f"len({ref(container)}) == {size}"

    # --- visiting -------------------------------------------------------------------------------

    def _visit_all(self, f: Callable, arguments: tuple[Any, ...]) -> None:
        self.entries: list[tuple[Any, Any, Any, str]] = []
        self.sizes: list[tuple[Any, int, str]] = []
        self.arrays: list[np.ndarray] = []
        self._seen: set[int] = set()
        self._waiting: list[tuple[Any, str]] = [(f, ""), *((a, "") for a in arguments)]
        while self._waiting and len(self._seen) < _MOST:
            self._visit(*self._waiting.pop())

    def _visit(self, value: Any, path: str) -> None:
        if isinstance(value, _PLAIN) or id(value) in self._seen:
            return
        self._seen.add(id(value))
        self._alive.append(value)
        if isinstance(value, _LEAVES):
            self.names.setdefault(id(value), path)
            if isinstance(value, np.ndarray):
                self.arrays.append(value)
        elif isinstance(value, (dict, list, tuple, set, frozenset)):
            self._container(value, path)
        elif isinstance(value, functools.partial):
            self._waiting += [(part, path) for part in (value.func, value.args, value.keywords)]
        elif isinstance(value, types.MethodType):
            self._waiting += [(part, path) for part in (value.__self__, value.__func__)]
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.ModuleType):
            if not _of_the_library(value) and not INSIDE[getattr(value, "__file__", None) or ""]:
                self._attributes(vars(value), path)
        elif _package(type(value).__module__) == "tinygrad_np":
            self._waiting.append((getattr(value, "__wrapped__", None), path))  # a compiled function
        elif isinstance(value, type):
            self._class(value, None, path)
        elif hasattr(value, "__dict__") or hasattr(value, "__slots__"):
            self._object(value, path)

    def _enter(self, container: Any, key: Any, value: Any, path: str) -> None:
        """Note an entry, and visit its value later."""
        if isinstance(key, (str, int, type(None))):
            self.entries.append((container, key, value, path))
        self._waiting.append((value, path))

    def _container(self, value: Any, path: str) -> None:
        if not isinstance(value, tuple):
            self.sizes.append((value, len(value), path))
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            below = _joined(path, str(key))
            if isinstance(value, (dict, list)):
                self._enter(value, key, item, below)
            else:
                self._waiting.append((item, below))

    def _function(self, function: types.FunctionType) -> None:
        if INSIDE[function.__code__.co_filename]:
            return
        codes = [function.__code__]
        for code in codes:
            codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
            strings = (c for c in code.co_consts if isinstance(c, str))  # as in getattr(o, "x")
            self._words.update(code.co_names)
            self._words.update(filter(str.isidentifier, strings))
        globals_ = function.__globals__
        words = {word for code in codes for word in code.co_names}
        for word in sorted(words & globals_.keys()):
            self._enter(globals_, word, globals_[word], word)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                self._enter(cell, None, cell.cell_contents, name)
            except ValueError:  # not assigned yet
                continue
        self._waiting += [(default, "") for default in function.__defaults__ or ()]

    def _object(self, value: Any, path: str) -> None:
        if hasattr(value, "named_parameters"):
            self._name_parameters(value, path)
        own = vars(value) if hasattr(value, "__dict__") else _Slots(value)
        if _of_the_library(type(value)):
            self.sizes.append((own, len(own), path))
            for key, item in own.items():
                self._enter(own, key, item, _joined(path, key))
        else:
            self._attributes(own, path)
        self._class(type(value), own, path)

    def _name_parameters(self, module: Any, path: str) -> None:
        for name, parameter in module.named_parameters():
            # A layer that stands alone has a name of its own; what a model is called says
            # nothing that the names of its layers don't.
            if "." in name:
                self._parameter_names[id(parameter)] = name
            else:
                self._parameter_names.setdefault(id(parameter), f"{path}.{name}")

    def _attributes(self, own: Mapping[str, Any], path: str) -> None:
        """Enter of a foreign object only the attributes that some function's code names."""
        for key in sorted(self._words & own.keys()):
            self._enter(own, key, own[key], _joined(path, key))

    def _class(self, kind: type, own: Mapping[str, Any] | None, path: str) -> None:
        """Enter methods and values of a class, beyond the attributes `own` of an object."""
        nearer: list[Mapping[str, Any]] = [] if own is None else [own]  # would hide the class's
        for owner in kind.__mro__:
            if owner.__module__ == "builtins":
                continue
            members = vars(owner)
            for key, member in members.items():
                functions = _functions(member)
                named = key in self._words
                if named or key in _UNNAMED:
                    self._waiting += [(function, path) for function in functions]
                if not named or functions or isinstance(member, types.MemberDescriptorType):
                    continue
                if not any(key in attributes for attributes in nearer):
                    self._enter(members, key, member, _joined(path, key))
                    self.entries += [(attributes, key, _ABSENT, path) for attributes in nearer]
            nearer.append(members)


class _Slots(Mapping[str, Any]):
    """The slots of an object, as a mapping."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def __getitem__(self, key: str) -> Any:
        try:
            return getattr(self._owner, key)
        except AttributeError:
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[str]:
        for owner in type(self._owner).__mro__:
            names = vars(owner).get("__slots__", ())
            names = (names,) if isinstance(names, str) else names
            for name in names:
                if hasattr(self._owner, name):
                    yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _functions(member: Any) -> list[types.FunctionType]:
    """List the functions behind a function, method or property of a class."""
    names = ("fget", "fset", "func", "__func__")
    parts = [member, *(getattr(member, name, None) for name in names)]
    return [part for part in parts if isinstance(part, types.FunctionType)]


def _joined(path: str, key: str) -> str:
    key = key.lstrip("_")
    return f"{path}.{key}" if path else key


def _of_the_library(owner: Any) -> bool:
    """Say whether a module or class (or one it is derived from) is this package's or nn's."""
    if isinstance(owner, types.ModuleType):
        return _package(owner.__name__) in ("tinygrad_np", "nn", "numpy")
    packages = {_package(c.__module__) for c in owner.__mro__}
    return not packages.isdisjoint(("tinygrad_np", "nn"))


def _package(name: str) -> str:
    return name.partition(".")[0]


def _read(container: Any, key: Any) -> Any:
    """Return what a container or a cell holds now."""
    try:
        return container.cell_contents if key is None else container[key]
    except (KeyError, ValueError, IndexError):
        return _ABSENT


def _equal(a: Any, b: Any) -> bool:
    return isinstance(a, _PLAIN) and bool(a == b or (a != a and b != b))
