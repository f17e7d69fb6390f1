"""Surroundings of a function: the globals and closures that it uses, and what hangs on these.

A compiled program has the plain values among them as constants, and knows Tensors, arrays and
models by identity. `Surroundings` has what a recording has read of them, and finds out what has
changed since.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import types
from inspect import getattr_static
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.doors import Number
from ..core.tensor import Tensor
from .hooks import HOOKS
from .objects import attributes_in_slots, functions_of, object_dict, reachable, words
from .ownership import is_engine, is_foreign, is_foreign_module, is_ours
from .places import PLAIN, joined
from .reads import Reads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LEAVES = (Tensor, Number, np.ndarray, np.generic, np.random.Generator)
_MOST = 200  # items of a container that are looked at for names
_UNNAMED = ("__call__", "forward", "update", "__getitem__")  # methods that no code needs to name


class Surroundings:
    """The surroundings of a function, with what hangs on some of its arguments.

    Attributes:
        names: what Tensors and Numbers are called, by id.
    """

    def __init__(self, f: Callable, arguments: tuple[Any, ...] = ()) -> None:
        self.names = Names(f, arguments).names
        self._roots = (f, *arguments)
        self._reads = Reads(HOOKS)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Take down what the function reads of its surroundings, while it is recorded inside."""
        with self._reads.watching():
            for value in self._roots:
                self._reads.know(value, "")
            yield

    def changes(self) -> Iterator[tuple[str, str]]:
        """Yield what is not as it was, by name, and the lines that have changed it, if known."""
        for place in sorted(self._reads.changes(), key=lambda place: not place.line):
            yield place.change(), place.line

    def undo(self) -> None:
        """Put back what is not as it was."""
        for place in self._reads.changes():
            place.restore()

    def tests(self, ref: Callable[[Any], str], live: set[int]) -> Iterator[str]:
        """Yield expressions that are true if everything is the very same.

        Args:
            ref: gives an object a name in the expressions.
            live: ids of arrays that the program reads.
        """
        for place in self._reads.places.values():
            yield place.test(ref)
        for array in self._reads.arrays:
            if id(array) not in live:
                yield f"{ref(array)}.tobytes() == {ref(array.tobytes())}"


class Names:
    """The names by which a function gets at Tensors and Numbers.

    Attributes:
        names: paths such as "model.scale", by id; parameters of models by the model's own names.
    """

    def __init__(self, f: Callable, arguments: tuple[Any, ...]) -> None:
        self.names: dict[int, str] = {}
        self._alive: list[Any] = []  # so that the ids stay theirs
        self._parameter_names: dict[int, str] = {}
        self._words: set[str] = set()  # all that the code of the functions names
        known = -1
        while known < len(self._words):  # attributes count by the words of all functions
            known = len(self._words)
            self._seen: set[int] = set()
            self._waiting: list[tuple[Any, str]] = [(f, ""), *((a, "") for a in arguments)]
            while self._waiting:
                self._visit(*self._waiting.pop())
        self.names.update(self._parameter_names)

    def _visit(self, value: Any, path: str) -> None:
        if isinstance(value, PLAIN) or id(value) in self._seen:
            return
        self._seen.add(id(value))
        self._alive.append(value)
        if isinstance(value, _LEAVES):
            self.names.setdefault(id(value), path)
        elif isinstance(value, (dict, list, tuple)):
            self._container(value, path)
        elif isinstance(value, functools.partial):
            self._waiting += [(part, path) for part in (value.func, value.args, value.keywords)]
        elif isinstance(value, types.MethodType):
            self._waiting += [(part, path) for part in (value.__self__, value.__func__)]
        elif isinstance(value, types.FunctionType):
            if not is_foreign(value.__code__.co_filename):
                self._words |= words(value.__code__)
                self._waiting += [(item, name) for name, item in reachable(value)]
        elif isinstance(value, types.ModuleType):
            if not is_foreign_module(value):
                self._attributes(vars(value), path)
        elif isinstance(value, type):
            self._methods(value)
        else:
            self._object(value, path)

    def _container(self, value: Any, path: str) -> None:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in itertools.islice(pairs, _MOST):
            self._waiting.append((item, joined(path, str(key))))

    def _object(self, value: Any, path: str) -> None:
        kind = type(value)
        if hasattr(kind, "named_parameters"):
            self._name_parameters(value, path)
        self._waiting.append((getattr_static(value, "__wrapped__", None), path))
        own = object_dict(value)
        if is_engine(kind):
            return
        if is_ours(kind):
            pairs = attributes_in_slots(value) if own is None else own.items()
            self._waiting += [(item, joined(path, key)) for key, item in pairs]
        elif own is not None:
            self._attributes(own, path)
        self._methods(kind)

    def _name_parameters(self, module: Any, path: str) -> None:
        for name, parameter in module.named_parameters():
            # A layer that stands alone has a name of its own; what a model is called says
            # nothing that the names of its layers don't.
            if "." in name:
                self._parameter_names[id(parameter)] = name
            else:
                self._parameter_names.setdefault(id(parameter), f"{path}.{name}")

    def _attributes(self, own: dict[str, Any], path: str) -> None:
        """Visit of a foreign object only the attributes that some function's code names."""
        for key in sorted(self._words & own.keys()):
            self._waiting.append((own[key], joined(path, key)))

    def _methods(self, kind: type) -> None:
        for owner in kind.__mro__:
            for key, member in list(vars(owner).items()):
                if key in self._words or key in _UNNAMED:
                    self._waiting += [(function, "") for function in functions_of(member)]
