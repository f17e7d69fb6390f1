"""Ownership of code: the user's, this library's, or of others, which is not looked into."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
import types

from ..core.callsite import INSIDE

__all__ = ["is_engine", "is_foreign", "is_foreign_module", "is_ours", "is_user_class", "package_of"]

_PACKAGES = ("tinygrad_np", "nn")
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}", "<frozen", "<__")
_STANDARD = tuple(
    sysconfig.get_path(name) + os.sep
    for name in ("stdlib", "platstdlib")
    if sysconfig.get_path(name)
)


@functools.lru_cache(maxsize=4096)
def is_foreign(file: str) -> bool:
    """Say whether a file is this library's, the standard library's or an installed package's."""
    installed = any(part in file for part in _INSTALLED)
    return INSIDE[file] or installed or file.startswith(_STANDARD)


def is_user_class(kind: type) -> bool:
    """Say whether a class is the user's own."""
    module = sys.modules.get(kind.__module__)
    if module is None or kind.__module__ == "__main__":
        return True
    file = getattr(module, "__file__", None)
    return file is not None and not is_foreign(file)


def is_ours(kind: type) -> bool:
    """Say whether a class, or one that it is derived from, is this library's."""
    return any(package_of(c.__module__) in _PACKAGES for c in kind.__mro__)


def is_engine(kind: type) -> bool:
    """Say whether a class is this package's own: compiled functions, graphs ..."""
    return package_of(kind.__module__) == _PACKAGES[0]


def is_foreign_module(module: types.ModuleType) -> bool:
    """Say whether a module is not the user's own."""
    file = getattr(module, "__file__", None)
    return is_foreign(file) if file else module.__name__ in sys.builtin_module_names


def package_of(name: str) -> str:
    """Return the package of a dotted name."""
    return name.partition(".")[0]
