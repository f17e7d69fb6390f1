"""Parameters laid end to end, with their gradients and a rule's arrays; a step of some of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_np import Tensor

from ..arguments import check_callable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    Reduce: TypeAlias = Callable[[np.ndarray], np.ndarray]


class FlatParameters:
    """Parameters of one dtype, and a rule's arrays for all of them, laid end to end.

    Attributes:
        params: the parameters.
        sizes: the number of elements of each.
        parts: the place of each.
        state: the rule's arrays by name.
        missed: the number of steps at which each parameter had no gradient.
        reduce: a function of the flat gradient, or None.
        uneven: False as long as no step has missed any; a compiled step is one for either case.
    """

    def __init__(
        self, params: Sequence[Tensor], state_names: Iterable[str], reduce: Reduce | None
    ) -> None:
        if reduce is not None:
            check_callable("reduce", reduce, "a function of an array, such as all_sum")
        self.params = list(params)
        self.sizes = [p.size for p in params]
        self.parts = end_to_end(params)
        zeros = np.zeros(sum(self.sizes), params[0].dtype)
        self.state = {name: Tensor(zeros) for name in state_names}
        self.missed = Tensor(np.zeros(len(params)))
        self.uneven = False
        self.reduce = reduce

    def gradient(self) -> tuple[list[bool], Any]:
        """Return for each parameter if it takes part in a step, and the gradients of those.

        With `reduce`, those that are not frozen take part, the same ones in all processes.

        Raises:
            ValueError: `reduce` gives another shape.
        """
        reached, gradients = [], []
        for p in self.params:
            gradient: Any = p.grad
            if gradient is not None:
                gradient = gradient.data.ravel()
            elif self.reduce is not None and p.requires_grad:
                gradient = np.zeros(p.size, p.dtype)
            reached.append(gradient is not None)
            if gradient is not None:
                gradients.append(gradient)
        if not gradients:
            return reached, None
        g = np.concatenate(gradients)
        return reached, g if self.reduce is None else reduced(self.reduce, g)

    def has_missed(self) -> bool:
        """Return True if some parameter has not taken all steps."""
        return bool(self.missed.data.any())

    def part(self, reached: Sequence[bool], step: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return a mask of the flat state of the reached parameters, and their step's numbers.

        The numbers are float64, so that powers of them are as exact as those of a Python number.
        """
        mask = np.repeat(reached, self.sizes)
        taken = step - self.missed.data
        steps = np.repeat(taken, self.sizes)
        return mask, steps[mask]

    def miss(self, reached: Sequence[bool], targets: list[Any], values: list[Any]) -> None:
        """Add to the lists that the other parameters miss a step."""
        self.uneven = True
        targets.append(self.missed)
        is_missed = ~np.array(reached)
        values.append(self.missed + is_missed)

    def state_with(self, mask: np.ndarray, parts: Iterable[Any]) -> list[Tensor]:
        """Return the rule's arrays with other numbers in the masked places."""
        arrays = []
        for array, part in zip(self.state.values(), parts):
            new = array.copy()
            new[mask] = part
            arrays.append(new)
        return arrays


def end_to_end(params: Sequence[Tensor]) -> list[slice]:
    """Return the place of each parameter where they lie end to end."""
    stops = itertools.accumulate(p.size for p in params)
    return [slice(stop - p.size, stop) for p, stop in zip(params, stops)]


def reduced(reduce: Reduce, g: np.ndarray) -> np.ndarray:
    """Return what a function makes of the flat gradient.

    Raises:
        ValueError: an array of another shape.
    """
    result = reduce(g)
    if np.shape(result) != g.shape:
        wanted = f"reduce must return an array of the shape that it is given, {g.shape}"
        raise ValueError(f"{wanted}, not {np.shape(result)}")
    return result


def by_dtype(
    params: Iterable[Tensor], state_names: Iterable[str], reduce: Reduce | None
) -> list[FlatParameters]:
    """Lay parameters end to end, those of each dtype for themselves."""
    same: dict[Any, list[Tensor]] = {}
    for p in params:
        same.setdefault(p.dtype, []).append(p)
    return [FlatParameters(of_one, state_names, reduce) for of_one in same.values()]


class Change(NamedTuple):
    """A step of parameters that lie end to end, for those who watch it.

    Attributes:
        params: those that have a gradient.
        parts: the place of each.
        rule: the rule as it ran.
        amount: the array that was subtracted from the parameters.
        state: the arrays of the rule after it.
    """

    params: list[Tensor]
    parts: list[slice]
    rule: Any
    amount: Any
    state: tuple[Any, ...]

    def explain(self, record: Any) -> None:
        """Tell those who watch the step of the rule behind it."""
        rule, amount, state = self.rule, self.amount, self.state
        for p, part in zip(self.params, self.parts):
            record.explain_update(p, rule, part, amount, state)
