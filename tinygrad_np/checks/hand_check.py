"""The gradients of a layer written by hand, held against finite differences."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tensor import node_of
from .backward_slips import wrong_gradients
from .causes import find_cause
from .diagnosis import Mistake
from .differences import MOST, Change, Slopes, slopes, weighed_change
from .factors import counts_of
from .hand_twin import gradients_on_tensors, run_on_tensors
from .jacobians import jacobian
from .parameters import Parameter, is_floats, namespace
from .penalties import penalties
from .ties import wrong_ties
from .trials import RTOL, Target, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .hand_layer import HandLayer

SUSPECTS = 64  # elements that differ from the right gradient, to be looked at closely
CLIPPED = 1e-6  # probabilities beyond are near the ends where losses clip them


def mistake_of(hand: HandLayer, name: str, right: np.ndarray | None = None) -> Mistake | None:
    """Diagnose one gradient; None if it is right, or a choice at kinks.

    Args:
        name: that of the attribute.
        right: the right one, if it is known away from kinks. Then only what differs from it is
            held against finite differences.
    """
    mistake, wrong = _examine(hand, name, right)
    if mistake is not None and _is_clipped(hand, name, wrong):
        return None
    return mistake


def _examine(hand: HandLayer, name: str, right: np.ndarray | None = None) -> tuple[Any, Any]:
    """Return the mistake in one gradient, or None, and a mask of the wrong elements."""
    check = _Check(hand, name)
    got = check.net(hand.gradients[name])
    if right is None or got is None or got.shape != check.x.shape:
        slopes = check.right(hand.dvalues)
        target = check.target(slopes)
    else:
        target, slopes = check.target_near(right - check.penalty, got)
    if got is not None and target.near(got):
        return check.tie(got, slopes), None
    trial = check.trial(got, target)
    trial.beside = _trial_beside(hand, name)
    wrong = target.off(got) if np.shape(got) == check.x.shape else None
    return find_cause(trial), wrong


def _is_clipped(hand: HandLayer, name: str, wrong: Any) -> bool:
    """Tell if a loss is right but for rows whose predictions it clips: there it is flat.

    Its backward may go on as if it did not clip, as the book's does.
    """
    predictions = np.asarray(hand.inputs[0])
    if not hand.is_loss or wrong is None or wrong.shape != predictions.shape or wrong.ndim < 1:
        return False
    own: Any = getattr(hand.before, "output", None)
    shown = own if np.shape(own) == predictions.shape else predictions
    beyond = shown <= CLIPPED
    beyond |= shown >= 1 - CLIPPED
    axes = tuple(range(1, predictions.ndim))
    wrong_rows = wrong.any(axis=axes)
    clipped_rows = beyond.any(axis=axes)
    are_probabilities = np.all((shown >= 0) & (shown <= 1))
    if not are_probabilities or np.any(wrong_rows & ~clipped_rows):
        return False
    # The same rows with less confidence.
    middle = predictions.mean()
    apart = predictions - middle
    spread = np.max(np.abs(apart))
    tempered = middle + apart * min(0.5, 2 / spread)
    other = type(hand)(hand.layer, [tempered, *hand.inputs[1:]])
    other.backward()
    return other.error is None and _examine(other, name)[0] is None


def _trial_beside(hand: HandLayer, name: str) -> Trial | None:
    """Return a trial of the layer with other numbers; None if it does not take them."""
    inputs = list(hand.inputs)
    first = np.asarray(inputs[0])
    if is_floats(first):
        rng = np.random.default_rng(5)
        inputs[0] = first * rng.uniform(0.7, 1, first.shape)
    try:
        other = type(hand)(hand.layer, inputs)
    except (ValueError, ArithmeticError):
        return None
    other.backward(seed=3)
    if other.error is not None or not np.isfinite(other.output).all():
        return None
    check = _Check(other, name)
    answer = check.net(other.gradients.get(name))
    if np.shape(answer) != check.x.shape:
        return None
    right = check.right(other.dvalues)
    return check.trial(answer, check.target(right))


class _Check:
    """One gradient of a layer, and the array that it belongs to."""

    def __init__(self, hand: HandLayer, name: str) -> None:
        self.hand = hand
        self.name = name
        self.layer = layer = hand.layer
        self.dvalues = hand.dvalues
        self.parameter = parameter = hand.parameters.get(name)
        at = hand.inputs[0]
        self.penalties: dict[str, np.ndarray] = {}
        if parameter is not None:
            at = parameter.get(layer)
            self.penalties = penalties(layer, parameter)
        self.x = np.asarray(at)
        self.penalty = sum(self.penalties.values())

    def net(self, gradient: Any) -> Any:
        """Return a gradient without its penalties."""
        if gradient is None:
            return None
        values = np.asarray(gradient).astype(np.float64)
        if values.shape != self.x.shape:
            return values
        return values - self.penalty

    def output_at(self, moved: np.ndarray) -> np.ndarray:
        """Return the output for other inputs, or for another value of the parameter."""
        layer = self.layer
        inputs = self.hand.inputs
        if self.parameter is None:
            inputs = [moved, *inputs[1:]]
        else:
            layer = copy.deepcopy(layer)
            self.parameter.set(layer, moved)
        _, output = self.hand.forward(layer, inputs)
        return output

    def change(self, dvalues: np.ndarray) -> Callable[[np.ndarray], Change]:
        """Return how sum(output * dvalues) changes when the array is moved."""
        at = self.hand.output

        def difference(moved: np.ndarray) -> Change:
            output = self.output_at(moved)
            return weighed_change([output], [at], [dvalues])

        return difference

    def right(self, dvalues: np.ndarray) -> Slopes:
        own = self.hand.gradients.get(self.name)
        change = self.change(dvalues)
        return slopes(change, self.x, self.net(own))

    def target_near(self, right: np.ndarray, got: np.ndarray) -> tuple[Target, Slopes]:
        """Return a target from a gradient that is right away from kinks, and the slopes there.

        A part of the elements that differ is examined. If some are at kinks, so may be the others.
        """
        everywhere = np.ones(right.shape, bool)
        differs = Target(right, everywhere, RTOL).off(got)
        change = self.change(self.dvalues)
        found = slopes(change, self.x, among=differs, most=SUSPECTS)
        known = ~differs | found.known
        examined = found.known | np.isfinite(found.left) | np.isfinite(found.right)
        if not np.any(examined & ~found.known):
            known |= ~examined
        values = np.where(found.known, found.values, right)
        error = np.where(found.known, found.error, 0.0)
        error = np.where(known, error, np.inf)
        merged = found._replace(values=values, error=error)
        return self.target(merged), merged

    def target(self, right: Slopes) -> Target:
        largest = np.max(np.abs(self.dvalues), initial=0.0)
        return Target.of(right, atol=1e-12 * float(largest))

    def tie(self, got: np.ndarray, right: Slopes) -> Mistake | None:
        if not right.kinks.any():
            return None
        change = self.change(self.dvalues)
        tie = wrong_ties([self.x], [got], [right], lambda moved: change(moved[0]))
        return tie[1] if tie else None

    def trial(self, got: Any, target: Target) -> Trial:
        hand, name = self.hand, self.name
        trial = Trial(got, target, self._counts(), self._reads())
        trial.gs = [self.dvalues]
        trial.g_name = "dvalues"
        trial.penalties = self.penalties
        trial.dtype = getattr(hand.gradients[name], "dtype", None)
        trial.earlier = self._earlier()
        if not hand.is_loss:
            trial.answer = self._answer
            if self.parameter is not None:
                trial.unsummed = self.dvalues
        if self.x.size <= MOST:  # or it would take long
            trial.right_for = lambda gs: self.right(gs[0]).values
            trial.jacobian = functools.cache(lambda: jacobian(self.output_at, self.x))
            trial.others = self._others
            trial.right_with = self._right_with
            trial.slips = self._slips
        trial.candidates = self._after_changes()
        return trial

    def _answer(self, gs: list[Any]) -> Any:
        _, gradients, _ = self.hand.run_backward(gs[0])
        return self.net(gradients.get(self.name))

    def _counts(self) -> dict[str, int]:
        first = np.asarray(self.hand.inputs[0])
        rows = {"the number of rows": len(first)} if first.ndim else {}
        return {**rows, "the number of elements": first.size, **counts_of(first)}

    def _reads(self) -> dict[str, np.ndarray]:
        """Return the arrays that the layer has after its forward, by name."""
        hand = self.hand
        items = namespace(hand.before) or {}
        arrays = {
            name: np.asarray(value)
            for name, value in items.items()
            if is_floats(value) and name not in hand.gradients
        }
        there = set(map(id, items.values()))
        for name, value in (("inputs", hand.inputs[0]), ("output", hand.output)):
            if name not in arrays and id(value) not in there and is_floats(value):
                arrays[name] = np.asarray(value)
        return arrays

    def _earlier(self) -> Any:
        """Return what the gradient's attribute held before."""
        path: Any = (self.name,)
        if self.parameter is not None:
            path = self.parameter.gradient_path
        earlier = Parameter(path, path).get(self.layer)
        return np.asarray(earlier, np.float64) if is_floats(earlier) else None

    def _others(self) -> dict[str, np.ndarray]:
        """Return the right gradients of the other arrays, by what they belong to."""
        others = {}
        for name in self.hand.gradients:
            if name != self.name:
                check = _Check(self.hand, name)
                title = check.parameter.name if check.parameter else "inputs"
                others[title] = check.right(self.dvalues).values
        return others

    def _after_changes(self) -> dict[str, np.ndarray]:
        """Return what the gradient is with parameters that backward has changed already."""
        hand, gradients = self.hand, {}
        for parameter in hand.parameters.values():
            value = parameter.get(hand.done)
            if not np.array_equal(value, parameter.get(hand.layer), equal_nan=True):
                right = self._right_with(parameter.name, value)
                if right is not None:
                    when = "before it is computed: update after backward"
                    gradients[f"backward has changed {parameter.name} {when}"] = right
        return gradients

    def _slips(self) -> Iterator[tuple[str, np.ndarray]]:
        try:
            leaves, out = run_on_tensors(self.hand, type(self.layer).__name__)
        except (TypeError, ValueError):
            return  # no graph to make slips in
        if self.name in leaves:
            seeds = {node_of(out): self.dvalues}
            yield from wrong_gradients(node_of(leaves[self.name]), seeds, self._reads())

    def _right_with(self, title: str, value: np.ndarray) -> Any:
        """Return the right gradient for another value of another parameter."""
        for name, parameter in self.hand.parameters.items():
            if parameter.name != title or name == self.name:
                continue
            layer = copy.deepcopy(self.layer)
            parameter.set(layer, value)
            other = type(self.hand)(layer, self.hand.inputs)
            other.backward(self.dvalues)
            check = _Check(other, self.name)
            try:
                return gradients_on_tensors(other, title)[self.name] - check.penalty
            except (TypeError, ValueError):  # its forward does not run on Tensors
                return check.right(self.dvalues).values
        return None
