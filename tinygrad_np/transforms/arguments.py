"""What transforms are called with: checks of it, and results in its structure."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from ..core.containers import refill
from ..core.tensor import Tensor
from .run import Run, hand_back

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["arguments", "check_argnums", "check_function", "like_arguments", "places"]


def like_arguments(
    run: Run, raw: Sequence[Any], args: Sequence[Any], argnums: int | Sequence[int]
) -> Any:
    """One value for each variable, in the structure of the arguments, as the caller gave them."""
    pairs = zip(run.given, raw, strict=True)
    values = iter([hand_back(g, isinstance(given, Tensor)) for given, g in pairs])
    if isinstance(argnums, int):
        return refill(args[argnums], values)
    return tuple(refill(args[k], values) for k in argnums)


def check_function(what: str, f: Any) -> None:
    if not callable(f):
        hint = f": write {what}(f)(x), not {what}(f(x))" if isinstance(f, Tensor) else ""
        raise TypeError(f"{what} needs a function, not {type(f).__name__}{hint}")


def check_argnums(what: str, argnums: Any) -> None:
    numbers = [argnums] if isinstance(argnums, int) else argnums
    try:
        numbers = [operator.index(k) for k in numbers if not isinstance(k, bool)]
    except TypeError:
        numbers = []
    if isinstance(argnums, bool) or not numbers:
        raise TypeError(
            f"{what}: argnums must be the position of an argument, such as 0, or several, such "
            f"as (0, 2), not {argnums!r}"
        )


def places(what: str, argnums: int | Sequence[int], args: tuple) -> list[int]:
    """Positions of the arguments to differentiate with respect to, counted from the start."""
    numbers = [argnums] if isinstance(argnums, int) else argnums
    for k in numbers:
        if not -len(args) <= k < len(args):
            raise ValueError(
                f"{what}: argnums {k} is out of range: the function was called with "
                f"{len(args)} positional argument{'s' * (len(args) != 1)}"
            )
    positions = [k % len(args) for k in numbers]
    if len(set(positions)) != len(positions):
        raise ValueError(f"{what}: argnums {argnums!r} names an argument twice")
    return positions


def arguments(what: str, name: str, values: Any) -> tuple[Any, ...]:
    if not isinstance(values, (tuple, list)):
        raise TypeError(
            f"{what}: {name} must be a tuple or list with one entry for each argument, such as "
            f"(x,), not {type(values).__name__}"
        )
    return tuple(values)
