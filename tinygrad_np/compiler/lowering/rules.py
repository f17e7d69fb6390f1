"""The rules by which NumPy's functions become loops: a rule has the function's own signature.

A call with an argument that the rule has not is refused. Methods of arrays share the rules of the
functions of the same name.
"""

from __future__ import annotations

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
    signature = inspect.signature(function)
    try:
        signature.bind(builder, *args, **kwargs)
    except TypeError:
        known = set(signature.parameters)
        unknown = [name for name in kwargs if name not in known]
        more = f"the argument {', '.join(unknown)}" if unknown else "these arguments"
        raise Unsupported(more) from None
    function(builder, *args, **kwargs)
