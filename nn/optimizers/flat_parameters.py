"""Parameters laid end to end, with their gradients and a rule's arrays; a step of some of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class FlatParameters:
    """Parameters of one dtype, and a rule's arrays for all of them, laid end to end.

    Attributes:
        params: the parameters.
        sizes: the number of elements of each.
        parts: the place of each.
        state: the rule's arrays by name.
        missed: the number of steps at which each parameter had no gradient.
        uneven: False as long as no step has missed any; a compiled step is one for either case.
    """

    def __init__(self, params: Sequence[Tensor], state_names: Iterable[str]) -> None:
        self.params = list(params)
        self.sizes = [p.size for p in params]
        self.parts = end_to_end(params)
        zeros = np.zeros(sum(self.sizes), params[0].dtype)
        self.state = {name: Tensor(zeros) for name in state_names}
        self.missed = Tensor(np.zeros(len(params)))
        self.uneven = False

    def is_even(self) -> bool:
        """Return True if all parameters have taken all steps."""
        return not self.uneven or not self.missed.data.any()

    def part(self, reached: Sequence[bool], step: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return a mask of the flat state of the reached parameters, and their step's numbers.

        The numbers are float64, so that powers of them are as exact as those of a Python number.
        """
        mask = np.repeat(reached, self.sizes)
        steps = np.repeat(step - self.missed.data, self.sizes)
        return mask, steps[mask]


def end_to_end(params: Sequence[Tensor]) -> list[slice]:
    """Return the place of each parameter where they lie end to end."""
    stops = itertools.accumulate(p.size for p in params)
    return [slice(stop - p.size, stop) for p, stop in zip(params, stops)]


def by_dtype(params: Iterable[Tensor], state_names: Iterable[str]) -> list[FlatParameters]:
    """Lay parameters end to end, those of each dtype for themselves."""
    same: dict[Any, list[Tensor]] = {}
    for p in params:
        same.setdefault(p.dtype, []).append(p)
    return [FlatParameters(of_one, state_names) for of_one in same.values()]


class Change:
    """A step that is about to be made, of parameters that lie end to end.

    Attributes:
        flat: the parameters.
        reached: for each of them, True if it has a gradient.
        params: those that have one.
        mask: marks their elements in the state; None if no step has missed any.
        new: the arrays of the rule after it, of the marked elements, in the order of `flat.state`.
        amount: the array to subtract from the parameters, end to end.
        rule: the rule as it ran, for those who watch the step.
        parts, explained: the places of `params`, and `new`, for them.
    """

    mask: np.ndarray | None = None
    new: list[Any]
    amount: Any
    rule: Any = None
    parts: list[slice]
    explained: tuple[Any, ...]

    def __init__(self, flat: FlatParameters, reached: Sequence[bool]) -> None:
        self.flat = flat
        self.reached = reached
        self.params = flat.params

    def collect(self, targets: list[Any], values: list[Any], explained: bool) -> None:
        """Add what is to change, and what it is to become.

        Args:
            targets, values: lists to add to.
            explained: whether `explain` comes afterwards.
        """
        flat, mask = self.flat, self.mask
        parts = flat.parts
        if mask is not None:
            targets.append(flat.missed)
            values.append(flat.missed + ~np.array(self.reached))
            flat.uneven = True
            if not self.params:
                return
            parts = end_to_end(self.params)
        new = self.new
        if explained:
            self.parts, self.explained = parts, tuple(new)
        for state in flat.state.values():
            targets.append(state)
            if mask is None:
                values.append(new.pop(0))  # taken over, as nobody else holds it
            else:
                after = state.copy()
                after[mask] = new.pop(0)
                values.append(after)
        amount = self.amount
        targets += self.params
        for p, part in zip(self.params, parts):
            w = p.data
            values.append(w - amount[part].reshape(w.shape))

    def explain(self, record: Any) -> None:
        """Tell those who watch the step of the rule behind it."""
        if self.params:
            for p, part in zip(self.params, self.parts):
                record.explain_update(p, self.rule, part, self.amount, self.explained)
