"""Ownership of code: the user's, this library's, or of others, which is not looked into."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
import types
from typing import Any

from ..core.callsite import INSIDE

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
    name = _module_of(kind)
    module = sys.modules.get(name)
    if module is None or name == "__main__":
        return True
    file = getattr(module, "__file__", None)
    return file is not None and not is_foreign(file)


def is_ours(kind: type) -> bool:
    """Say whether a class, or one that it is derived from, is this library's."""
    return any(package_of(_module_of(c)) in _PACKAGES for c in kind.__mro__)


def is_engine(kind: type) -> bool:
    """Say whether a class is this package's own: compiled functions, graphs ..."""
    return package_of(_module_of(kind)) == _PACKAGES[0]


def is_foreign_module(module: types.ModuleType) -> bool:
    """Say whether a module is not the user's own."""
    file = getattr(module, "__file__", None)
    return is_foreign(file) if file else module.__name__ in sys.builtin_module_names


def _module_of(kind: type) -> str:
    name: Any = kind.__module__
    return name if isinstance(name, str) else "builtins"  # as of functions that Cython makes


def package_of(name: str) -> str:
    """Return the package of a dotted name."""
    return name.partition(".")[0]
