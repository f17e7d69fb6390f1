"""What is wrong with a gradient: the usual mistakes, recognised by comparing with the right one."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["agrees", "verdict"]

_CLOSE = 1e-4  # of the largest element: finite differences of float64 are better than that


def agrees(got: Any, right: np.ndarray) -> bool:
    """Whether a gradient is the right one, up to the errors of finite differences."""
    return np.shape(got) == right.shape and _near(np.asarray(got), right)


def verdict(got: Any, right: np.ndarray, counts: dict[str, int]) -> str:
    """One sentence on how `got` differs from the `right` gradient.

    Args:
        got: the gradient that a rule gave; None for none.
        right: the one by finite differences.
        counts: numbers that are forgotten or doubled easily, such as the number of rows, with
            what they are called.
    """
    if got is None:
        return "no gradient is there, though the result depends on it (not connected)"
    got = np.asarray(got, np.float64)
    if got.shape != right.shape:
        return _other_shape(got, right)
    if not got.any():
        return "it is zero everywhere, though the result depends on it (not connected)"
    if not np.isfinite(got).all():
        k = tuple(map(int, np.argwhere(~np.isfinite(got))[0]))
        return f"it is {got[k]} at {k}, where the right value is {right[k]:.6g}"
    if _near(-got, right):
        return "it has the wrong sign"
    factor = _factor(got, right)
    if factor is not None:
        return f"it is {_named(factor, counts)} times the right gradient (a constant factor)"
    if got.ndim == 2 and got.shape[0] == got.shape[1] and _near(got.T, right):
        return "it is the transpose of the right gradient"
    mask = _mask(got, right)
    if mask is not None:
        return mask
    k = tuple(map(int, np.unravel_index(int(np.argmax(np.abs(got - right))), got.shape)))
    return f"it is {got[k]:.6g} at {k}, where the right value is {right[k]:.6g}"


def _near(a: np.ndarray, b: np.ndarray) -> bool:
    scale = max(float(np.abs(b).max(initial=0.0)), 1e-8)
    return bool(np.all(np.abs(a - b) <= _CLOSE * scale))


def _other_shape(got: np.ndarray, right: np.ndarray) -> str:
    shapes = f"its shape is {got.shape}, not {right.shape}"
    if got.T.shape == right.shape and _near(got.T, right):
        return f"{shapes}: it is the transpose of the right gradient"
    extra = got.ndim - right.ndim
    for axis in range(got.ndim):
        summed = got.sum(axis=axis, keepdims=extra <= 0)
        if summed.shape == right.shape and _near(summed, right):
            return f"{shapes}: the sum over the broadcast axis {axis} is missing"
    if got.size == right.size and _near(got.reshape(right.shape), right):
        return f"{shapes}: the numbers are right"
    return shapes


def _factor(got: np.ndarray, right: np.ndarray) -> float | None:
    """The constant that `got` is a multiple of the right gradient by, if it is one."""
    where = np.abs(right) > 1e-3 * np.abs(right).max(initial=0.0)
    if not where.any():
        return None
    factor = float(np.median(got[where] / right[where]))
    return factor if factor and _near(got / factor, right) else None


def _named(factor: float, counts: dict[str, int]) -> str:
    for number in (2, 3, 4):
        for sign, shown in ((1, ""), (-1, "-")):
            if abs(factor - sign * number) < 1e-3 * number:
                return f"{shown}{number}"
            if abs(factor - sign / number) < 1e-3 / number:
                return f"{shown}1/{number}"
    for what, n in counts.items():
        if n > 1 and abs(factor - n) < 1e-3 * n:
            return f"{n} ({what})"
        if n > 1 and abs(factor - 1 / n) < 1e-3 / n:
            return f"1/{n} (1 / {what})"
    return f"{factor:.6g}"


def _mask(got: np.ndarray, right: np.ndarray) -> str | None:
    """Whether each element is either right, or zero on one side only."""
    scale = max(float(np.abs(right).max(initial=0.0)), 1e-8)
    wrong = np.abs(got - right) > _CLOSE * scale
    lost, extra = wrong & (np.abs(got) <= _CLOSE * scale), wrong & (np.abs(right) <= _CLOSE * scale)
    inverted = lost.any() and extra.any()
    if not np.array_equal(wrong, lost | extra) or (wrong.all() and not inverted):
        return None
    parts = []
    for here, what in ((lost, "are zero and should not be"), (extra, "should be zero")):
        if here.any():
            k = tuple(map(int, np.argwhere(here)[0]))
            parts.append(f"{int(here.sum())} of {got.size} elements {what} (the first at {k})")
    rest = "" if wrong.all() else "; the others are right"
    return f"a wrong mask: {', '.join(parts)}{rest}"
