"""Containers: modules by position or by name, and one behind the other."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from .module import Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["Lambda", "ModuleDict", "ModuleList", "Sequential"]


class Lambda(Module):
    """A function as a Module, such as `tg.relu`: it has no parameters."""

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function) or isinstance(function, type):
            raise TypeError(f"Lambda takes a function, not {function!r}")
        self.function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def extra_repr(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


class _Container(Module):
    """Modules by name, in order."""

    def __len__(self) -> int:
        return sum(1 for _ in self._entries())

    def __iter__(self) -> Iterator[Any]:
        return iter([child for child in vars(self).values() if isinstance(child, Module)])

    def _checked(self, module: Any) -> Module:
        if not isinstance(module, Module):
            fix = f": write {module.__name__}()" if isinstance(module, type) else ""
            kind = type(module).__name__
            raise TypeError(f"{type(self).__name__} holds Modules, not {kind}{fix}")
        return module

    def _add(self, name: str, module: Any) -> None:
        module = self._checked(module)
        if "." in name or hasattr(type(self), name):
            kind = type(self).__name__
            raise KeyError(f"a module can't be named {name!r}: no dots, no attributes of {kind}")
        setattr(self, name, module)


class ModuleList(_Container):
    """Modules in a list, whose parameters are found."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    def append(self, module: Module) -> None:
        """Add a module at the end."""
        names = dict(self._entries())
        free = next(k for k in itertools.count(len(names)) if str(k) not in names)
        self._add(str(free), module)

    def extend(self, modules: Iterable[Module]) -> None:
        """Add modules at the end."""
        for module in modules:
            self.append(module)

    def insert(self, index: int, module: Module) -> None:
        """Add a module in front of the one at a position; those behind it count on.

        Raises:
            TypeError: the modules have names of their own.
        """
        modules = list(self)
        names = [name for name, _ in self._entries()]
        if names != [str(k) for k in range(len(names))]:
            raise TypeError(f"insert() counts the modules, but these have the names {names}")
        modules.insert(index, self._checked(module))
        for name in names:
            delattr(self, name)
        self.extend(modules)

    def __setitem__(self, index: int, module: Module) -> None:
        """Put another module in the place of the one at a position."""
        name, _ = list(self._entries())[index]
        self._add(name, module)

    def __getitem__(self, index: Any) -> Any:
        """Return the module at a position; for a slice, a container of the same kind."""
        modules = list(self)
        if not isinstance(index, slice):
            return modules[index]
        if isinstance(self, Sequential):
            return Sequential(*modules[index])
        return ModuleList(modules[index])


class ModuleDict(_Container):
    """Modules by name, whose parameters are found; iterates over the names."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        for name, module in (modules or {}).items():
            self[name] = module

    def keys(self) -> Iterator[str]:
        """Yield the names."""
        return (name for name, _ in self._entries())

    def values(self) -> Iterator[Module]:
        """Yield the modules."""
        return (module for _, module in self._entries())

    def items(self) -> Iterator[tuple[str, Module]]:
        """Yield names and modules."""
        return self._entries()

    def __getitem__(self, name: str) -> Module:
        return dict(self._entries())[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self._add(name, module)

    def __iter__(self) -> Iterator[str]:
        return self.keys()

    def __contains__(self, name: str) -> bool:
        return name in dict(self._entries())


class Sequential(ModuleList):
    """Modules one behind the other: the output of each is the input of the next.

    `Sequential(a, b, c)` names them 0, 1, 2; `Sequential({"dense": a, "relu": b})` as given. A
    function, such as `tg.relu`, becomes a `Lambda`.
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                self._add(name, module)
        else:
            super().__init__(modules)

    def _checked(self, module: Any) -> Module:
        if callable(module) and not isinstance(module, (Module, type)):
            return Lambda(module)
        if isinstance(module, (list, tuple)):
            kind = type(module).__name__
            raise TypeError(f"Sequential holds Modules, not {kind}: write Sequential(*layers)")
        return super()._checked(module)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x
