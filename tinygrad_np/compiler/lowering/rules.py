"""The rules by which NumPy's functions become loops: a rule has the function's own signature.

A call with an argument that the rule has not is refused. Methods of arrays share the rules of the
functions of the same name.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from .memory import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from .builder import Builder

RULES: dict[str, Callable[..., None]] = {}


def rule(*names: str) -> Callable[[Callable], Callable]:
    """Make a function the rule for NumPy functions: rule(builder, *args, **kwargs).

    It writes into `builder.out`, the memory of the call's result or of what the call changes.
    """

    def register(function: Callable) -> Callable:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def apply_rule(function: Callable, builder: Builder, args: tuple, kwargs: dict[str, Any]) -> None:
    """Write the loops of a call, if its arguments are among those of the rule."""
    check_arguments(function, (builder, *args), kwargs)
    function(builder, *args, **kwargs)


def check_arguments(function: Callable, args: tuple, kwargs: dict[str, Any]) -> None:
    """Raise unless a rule has these arguments."""
    signature = _signature(function)
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        unknown = [name for name in kwargs if name not in signature.parameters]
        more = f"the argument {', '.join(unknown)}" if unknown else "these arguments"
        raise Unsupported(more) from None


_signature = functools.lru_cache(maxsize=None)(inspect.signature)
