"""What a function uses besides its arguments: globals, closures, and what hangs on these.

A compiled program has the plain values among them as constants, and knows Tensors, arrays and
models by identity. `Surroundings` finds them, and tells whether they are still the same.
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
_GONE = object()  # stands for an entry that is not there
_MOST = 20_000  # things to look at; a function that captures more is not looked at to the end


class Surroundings:
    """The surroundings of a function at one moment, and what hangs on its arguments `given`.

    Attributes:
        names: what Tensors and Numbers are called, by id.
        entries: (container, key, value, what it is called); the container is a dict, or a cell of
            a closure (key None).
        sizes: (container, its length, what it is called).
        arrays: the NumPy arrays.
    """

    def __init__(self, f: Callable, given: tuple[Any, ...] = ()) -> None:
        self.names: dict[int, str] = {}
        self.entries: list[tuple[Any, Any, Any, str]] = []
        self.sizes: list[tuple[Any, int, str]] = []
        self.arrays: list[np.ndarray] = []
        self._seen: set[int] = set()
        self._alive: list[Any] = []
        self._known: dict[int, str] = {}  # parameters of models, whose names people know
        self._words: set[str] = set()
        known = -1
        while known < len(self._words):  # attributes count by the words of all functions
            known = len(self._words)
            self.entries, self.sizes, self.arrays, self._seen = [], [], [], set()
            self._waiting: list[tuple[Any, str]] = [(f, ""), *((value, "") for value in given)]
            while self._waiting and len(self._seen) < _MOST:
                self._look(*self._waiting.pop())
        self.names.update(self._known)

    def changes(self) -> Iterator[str]:
        """What is not as it was."""
        for container, key, value, path in self.entries:
            now = _read(container, key)
            if now is not value and not (type(now) is type(value) and _same(now, value)):
                yield path
        for container, size, path in self.sizes:
            if len(container) != size:
                yield path

    def tests(self, ref: Callable[[Any], str]) -> Iterator[str]:
        """Expressions that are true if everything is the very same; `ref` names objects."""
        for container, key, value, _ in self.entries:
            own = ref(container)
            read = f"{own}.cell_contents" if key is None else f"{own}[{key!r}]"
            same = f"{read} is {(held := ref(value))}"
            if value is _GONE:
                yield f"{key!r} not in {own}"
            elif isinstance(value, _PLAIN) and value is not None:
                yield f"({same} or type({read}) is {ref(type(value))} and {read} == {held})"
            else:
                yield same
        for container, size, _ in self.sizes:
            yield f"len({ref(container)}) == {size}"

    # --- looking around -------------------------------------------------------------------------

    def _enter(self, container: Any, key: Any, value: Any, path: str) -> None:
        if isinstance(key, (str, int, type(None))):
            self.entries.append((container, key, value, path))
        self._waiting.append((value, path))

    def _look(self, value: Any, path: str) -> None:
        if isinstance(value, _PLAIN) or id(value) in self._seen:
            return
        self._seen.add(id(value))
        self._alive.append(value)
        if isinstance(value, _LEAVES):
            self.names.setdefault(id(value), path)
            if isinstance(value, np.ndarray):
                self.arrays.append(value)
        elif isinstance(value, functools.partial):
            self._waiting += [(value.func, path), (value.args, path), (value.keywords, path)]
        elif isinstance(value, types.MethodType):
            self._waiting += [(value.__self__, path), (value.__func__, path)]
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, dict):
            self.sizes.append((value, len(value), path))
            for key, item in value.items():
                self._enter(value, key, item, _joined(path, str(key)))
        elif isinstance(value, (list, tuple, set, frozenset)):
            if not isinstance(value, tuple):
                self.sizes.append((value, len(value), path))
            for k, item in enumerate(value):
                if isinstance(value, list):
                    self._enter(value, k, item, _joined(path, str(k)))
                else:
                    self._waiting.append((item, _joined(path, str(k))))
        elif isinstance(value, types.ModuleType):
            if not _of_the_library(value) and not INSIDE[getattr(value, "__file__", None) or ""]:
                self._attributes(vars(value), path)
        elif type(value).__module__.split(".")[0] == "tinygrad_np":
            self._waiting.append((getattr(value, "__wrapped__", None), path))  # a compiled function
        elif isinstance(value, type):
            self._class(value, None, path)
        elif hasattr(value, "__dict__") or hasattr(value, "__slots__"):
            self._object(value, path)

    def _function(self, function: types.FunctionType) -> None:
        if INSIDE[function.__code__.co_filename]:
            return
        codes = [function.__code__]
        for code in codes:
            codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
            self._words.update(code.co_names)
            strings = (c for c in code.co_consts if isinstance(c, str))  # as in getattr(o, "x")
            self._words.update(filter(str.isidentifier, strings))
        for word in sorted({name for code in codes for name in code.co_names}):
            if word in function.__globals__:
                self._enter(function.__globals__, word, function.__globals__[word], word)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                self._enter(cell, None, cell.cell_contents, name)
            except ValueError:  # not assigned yet
                continue
        self._waiting += [(default, "") for default in function.__defaults__ or ()]

    def _object(self, value: Any, path: str) -> None:
        if hasattr(value, "named_parameters"):
            for name, parameter in value.named_parameters():
                # A layer that stands alone has a name of its own; what a model is called says
                # nothing that the names of its layers don't.
                if "." in name:
                    self._known[id(parameter)] = name
                else:
                    self._known.setdefault(id(parameter), f"{path}.{name}")
        own = vars(value) if hasattr(value, "__dict__") else _Slots(value)
        if _of_the_library(type(value)):
            self.sizes.append((own, len(own), path))
            for key, item in own.items():
                self._enter(own, key, item, _joined(path, key))
        else:
            self._attributes(own, path)
        self._class(type(value), own, path)

    def _attributes(self, own: Mapping[str, Any], path: str) -> None:
        """Of objects that are not ours only what the function's code names."""
        for key in sorted(self._words & own.keys()):
            self._enter(own, key, own[key], _joined(path, key))

    def _class(self, kind: type, own: Mapping[str, Any] | None, path: str) -> None:
        """What a class says beyond the attributes `own` of an object: its methods, and values."""
        nearer: list[Mapping[str, Any]] = [] if own is None else [own]  # would hide the class's
        for owner in kind.__mro__:
            if owner.__module__ == "builtins":
                continue
            for key, member in vars(owner).items():
                code = _code(member)
                # What operators come down to is named by nobody.
                if key in self._words or key in ("__call__", "forward", "update", "__getitem__"):
                    self._waiting += [(function, path) for function in code]
                is_slot = isinstance(member, types.MemberDescriptorType)
                hidden = any(key in held for held in nearer)
                if key in self._words and not (code or is_slot or hidden):
                    self._enter(vars(owner), key, member, _joined(path, key))
                    self.entries += [(held, key, _GONE, path) for held in nearer]
            nearer.append(vars(owner))


class _Slots(Mapping[str, Any]):
    """The slots of an object, like a dict."""

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
            for name in (names,) if isinstance(names, str) else names:
                if hasattr(self._owner, name):
                    yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _code(member: Any) -> list[types.FunctionType]:
    """The functions behind a function, method or property of a class."""
    parts = [member, *(getattr(member, n, None) for n in ("fget", "fset", "func", "__func__"))]
    return [part for part in parts if isinstance(part, types.FunctionType)]


def _joined(path: str, key: str) -> str:
    key = key.lstrip("_")
    return f"{path}.{key}" if path else key


def _of_the_library(owner: Any) -> bool:
    """Whether a class, or one that it is derived from, belongs to this package or to nn."""
    if isinstance(owner, types.ModuleType):
        return owner.__name__.split(".")[0] in ("tinygrad_np", "nn", "numpy")
    return any(c.__module__.split(".")[0] in ("tinygrad_np", "nn") for c in owner.__mro__)


def _read(container: Any, key: Any) -> Any:
    try:
        return container.cell_contents if key is None else container[key]
    except (KeyError, ValueError, IndexError):
        return _GONE


def _same(a: Any, b: Any) -> bool:
    return isinstance(a, _PLAIN) and bool(a == b or (a != a and b != b))
