"""Arguments of transforms: checks, and results in the structure of the arguments."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from ..core.containers import refill
from ..core.tensor import Tensor
from .kinds import take_over
from .run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence


def like_arguments(
    run: Run, raw: list[Any], args: Sequence[Any], argnums: int | Sequence[int]
) -> Any:
    """Return one value for each variable, in the structure and of the kind of the arguments."""
    kinds = [isinstance(leaf, Tensor) for leaf in run.originals]
    values = iter(take_over(raw, kinds))
    if isinstance(argnums, int):
        return refill(args[argnums], values)
    return tuple(refill(args[k], values) for k in argnums)


def check_function(what: str, f: Any) -> None:
    """Raise unless a transform was called with a function."""
    if not callable(f):
        hint = f": write {what}(f)(x), not {what}(f(x))" if isinstance(f, Tensor) else ""
        raise TypeError(f"{what} needs a function, not {type(f).__name__}{hint}")


def check_argnums(what: str, argnums: Any) -> None:
    """Raise unless `argnums` is the position of an argument, or several."""
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


def positions(what: str, argnums: int | Sequence[int], args: tuple) -> list[int]:
    """Return the positions that `argnums` means, counted from the start."""
    numbers = [argnums] if isinstance(argnums, int) else argnums
    for k in numbers:
        if not -len(args) <= k < len(args):
            raise ValueError(
                f"{what}: argnums {k} is out of range: the function was called with "
                f"{len(args)} positional argument{'s' * (len(args) != 1)}"
            )
    from_start = [k % len(args) for k in numbers]
    if len(set(from_start)) != len(from_start):
        raise ValueError(f"{what}: argnums {argnums!r} names an argument twice")
    return from_start


def as_arguments(what: str, name: str, values: Any) -> tuple[Any, ...]:
    """Return a tuple or list of arguments as a tuple.

    Raises:
        TypeError: it is neither.
    """
    if not isinstance(values, (tuple, list)):
        raise TypeError(
            f"{what}: {name} must be a tuple or list with one entry for each argument, such as "
            f"(x,), not {type(values).__name__}"
        )
    return tuple(values)
