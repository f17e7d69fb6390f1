"""The table of forms: for each op, a function that adds its nodes to a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# By the name of the op, or by np. and the name of a function of NumPy that no op answers for.
# A form takes the graph and the arguments of the call: `Value`s in the place of what depends on the
# graph's inputs, arrays and numbers for what does not. It returns a value, or several as a tuple.
FORMS: dict[str, Callable[..., Any]] = {}

# For ops without a form, the reason or what to do.
NO_FORM: dict[str, str] = {}


def form(*names: str) -> Callable[[Callable], Callable]:
    """Register a function as the form of these ops (decorator)."""

    def register(function: Callable) -> Callable:
        FORMS.update(dict.fromkeys(names, function))
        return function

    return register
