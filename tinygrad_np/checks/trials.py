"""Trials: an answer of a rule beside the right one, and all that may tell why they differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops.labels import first_place
from .values import index_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .differences import Slopes

RTOL = 1e-5  # part of itself by which a gradient may differ from finite differences


class Target:
    """The right gradient with tolerances, to compare others with.

    Args:
        right: the right gradient.
        known: a mask of the elements where it is known.
        rtol, atol: elements may differ by a part of themselves, and by a number.
        error: how far the right gradient may be off itself.
        finite: a mask of the elements that must be finite, kinks among them.
        sides: the slopes on the left and on the right.
    """

    def __init__(
        self,
        right: np.ndarray,
        known: np.ndarray,
        rtol: float,
        error: Any = 0.0,
        atol: float | None = None,
        finite: Any = None,
        sides: Any = None,
    ) -> None:
        self.right = right
        self.known = known
        self.finite = known if finite is None else finite
        self.sides = sides
        self.rtol = rtol
        sizes = np.where(known, np.abs(right), 0.0)
        self.largest = float(sizes.max(initial=0.0))
        floor = 1e-5 * rtol if atol is None else atol
        own = 10 * np.where(known, error, 0.0)
        self.tolerance = rtol * sizes + 0.01 * rtol * self.largest + floor + own

    @classmethod
    def of(cls, slopes: Slopes, atol: float) -> Target:
        """Return the target that finite differences give."""
        one_sided = np.isfinite(slopes.left) | np.isfinite(slopes.right)
        return cls(
            slopes.values,
            slopes.known,
            RTOL,
            slopes.error,
            atol,
            finite=slopes.known | one_sided,
            sides=(slopes.left, slopes.right),
        )

    def off(self, got: np.ndarray) -> np.ndarray:
        """Return a mask of the wrong elements; nan always is wrong."""
        with np.errstate(invalid="ignore"):
            wrong = self.known & ~(np.abs(got - self.right) <= self.tolerance)
        return wrong | (self.finite & ~np.isfinite(got))

    def near(self, got: Any) -> bool:
        return np.shape(got) == self.right.shape and not self.off(got).any()

    def ratio(self, got: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return `got` over the right gradient, and where that is not a ratio of noise."""
        sizes = np.abs(self.right)
        clear = self.known & (sizes > 1e-3 * self.largest) & (sizes > 100 * self.tolerance)
        return np.divide(got, self.right, out=np.zeros(got.shape), where=clear), clear

    def factor(self, got: np.ndarray) -> float | None:
        """Return the constant factor between `got` and the right gradient, if there is one."""
        ratio, clear = self.ratio(got)
        if clear.sum() < min(2, self.known.sum()) or not clear.any():
            return None  # one number of several is in proportion to anything
        factor = float(np.median(ratio[clear]))
        return factor if factor and self.near(got / factor) else None


@dataclass
class Trial:
    """An answer of a rule, and the right one.

    Attributes:
        got: the answer; None if there is none.
        target: the right one.
        counts: numbers that are forgotten or doubled easily, by name.
        reads: the arrays that the rule may have read, by name.
        gs: the incoming gradients, one for each result; None for a result of no floats.
        g_name: what the incoming gradient is called.
        dtype: of the answer as the rule gave it.
        unsummed: the right gradient before its sum over axes of broadcasting.
        answer: runs the rule for other incoming gradients.
        right_for: finds the right gradient for them.
        jacobian: finds the derivative of the results by each element, for a single result.
        others: finds the right gradients of the other inputs, by name.
        right_with: finds the right gradient with another array in the place of one.
        earlier: what an earlier run had left in the place of this gradient.
        penalties: the gradients of a layer's penalties, which are part of neither gradient.
        candidates: wrong gradients that were expected, by what is wrong with them.
        slips: finds the gradients with a slip in backward, and says which; see `backward_slips`.
        beside: another trial, with other numbers.
    """

    got: Any
    target: Target
    counts: Mapping[str, int]
    reads: Mapping[str, np.ndarray] = field(default_factory=dict)
    gs: list[Any] = field(default_factory=list)
    g_name: str = "g"
    dtype: Any = None
    unsummed: Any = None

    answer: Callable[[list[Any]], Any] | None = None
    right_for: Callable[[list[Any]], Any] | None = None
    jacobian: Callable[[], Any] | None = None
    others: Callable[[], Mapping[str, Any]] | None = None
    right_with: Callable[[str, np.ndarray], Any] | None = None
    earlier: Any = None
    penalties: Mapping[str, np.ndarray] = field(default_factory=dict)
    candidates: Mapping[str, np.ndarray] = field(default_factory=dict)
    slips: Callable[[], Iterable[tuple[str, np.ndarray]]] | None = None
    beside: Trial | None = None

    @property
    def right(self) -> np.ndarray:
        return self.target.right

    @property
    def g(self) -> Any:
        """The incoming gradient, if it is one array."""
        return self.gs[0] if len(self.gs) == 1 else None

    def again(self, gs: list[Any]) -> Any:
        """Return the answer for other incoming gradients, in the shape of the right gradient."""
        assert self.answer is not None
        with np.errstate(all="ignore"):
            answer = np.asarray(self.answer(gs), np.float64)
        return answer if answer.shape == self.right.shape else None

    def scaled(self, factor: float) -> list[Any]:
        return [None if g is None else factor * g for g in self.gs]


def at_index(index: tuple[int, ...]) -> str:
    return f" at {index_text(index)}" if index else ""


def where_text(mask: np.ndarray, known: np.ndarray, reads: Mapping[str, np.ndarray]) -> str:
    """Say of which elements of an array that was read a mask consists; "" if nothing tells."""
    for name, values in reads.items():
        if values.shape != mask.shape:
            continue
        for sign, part in ((">", values > 0), ("<", values < 0), ("==", values == 0)):
            if np.array_equal(mask, part & known):
                return f"where {name} {sign} 0; "
        low, high = values[mask].min(), values[mask].max()
        if np.array_equal(mask, (values >= low) & (values <= high) & known) and low < high:
            return f"where {name} is from {low:.3g} to {high:.3g}; "
    return ""


def element_text(got: np.ndarray, right: np.ndarray, mask: np.ndarray) -> str:
    """Show the element of a mask where two arrays differ most."""
    if np.isfinite(got[mask]).all():
        sizes = np.where(mask, np.abs(got - right), -1.0)
        k = tuple(map(int, np.unravel_index(int(np.argmax(sizes)), sizes.shape)))
    else:
        k = first_place(mask & ~np.isfinite(got))
    return f"it is {got[k]:.6g}{at_index(k)}, where the right value is {right[k]:.6g}"
