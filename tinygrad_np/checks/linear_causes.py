"""Causes that show when the rule runs again: with other incoming gradients, at other values.

A right rule is linear in the incoming gradient `g`: it multiplies it with the transpose of the
Jacobian, the matrix of the derivatives of each result by each element of the input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .factors import times
from .trials import Trial, at_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Explanations = Iterator[tuple[Any, str]]

# How a rule may treat the incoming gradient before it uses it: of `g` and an axis.
ALONG: dict[str, Callable[[np.ndarray, int], Any]] = {
    "is summed over axis {} first": lambda g, k: _wide(g.sum(axis=k, keepdims=True), g),
    "is averaged over axis {} first": lambda g, k: _wide(g.mean(axis=k, keepdims=True), g),
    "is reversed along axis {} first": np.flip,
    "is added up along axis {} first (a running sum)": np.cumsum,
    "is shifted by 1 along axis {} first": lambda g, k: np.roll(g, 1, k),
    "is shifted by -1 along axis {} first": lambda g, k: np.roll(g, -1, k),
    "counts at the first place of axis {} alone": lambda g, k: _one_place(g, 0, k),
    "counts at the last place of axis {} alone": lambda g, k: _one_place(g, -1, k),
    "of the last place of axis {} is missing": lambda g, k: g - _one_place(g, -1, k),
    "of the first place of axis {} is missing": lambda g, k: g - _one_place(g, 0, k),
}


def _treatments(g: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "is added up first", np.full(g.shape, g.sum())
    yield "is averaged first", np.full(g.shape, g.mean())
    for axis in range(g.ndim):
        for text, treat in ALONG.items():
            yield text.format(axis), treat(g, axis)
    if g.ndim > 1:
        yield "is transposed first", np.swapaxes(g, -1, -2)


# How a rule may have turned another operand, of which it needs the transpose or the mirror image.
TURNS: dict[str, Callable[[np.ndarray], Any]] = {
    "reversed along its last axis (a kernel that is not flipped?)": lambda v: np.flip(v, -1),
    "reversed along its last two axes (a kernel that is not flipped?)": lambda v: np.flip(
        v, (-1, -2)
    ),
    "reversed along its first axis": lambda v: np.flip(v, 0),
    "transposed": lambda v: np.swapaxes(v, -1, -2),
    "with the other sign": np.negative,
    "without its sign": np.abs,
    "with 1 added": lambda v: v + 1,
    "with 1 taken away": lambda v: v - 1,
}


def _wide(part: np.ndarray, g: np.ndarray) -> np.ndarray:
    return np.broadcast_to(part, g.shape)


def _one_place(g: np.ndarray, k: int, axis: int) -> np.ndarray:
    kept = np.zeros(g.shape)
    place: list[Any] = [slice(None)] * g.ndim
    place[axis] = k
    kept[tuple(place)] = g[tuple(place)]
    return kept


def _close(a: Any, b: Any, rtol: float = 1e-6) -> bool:
    if a is None or b is None:
        return False
    largest = np.max(np.abs(b), initial=0.0)
    return bool(np.all(np.abs(a - b) <= rtol * largest))


# --- how it depends on g --------------------------------------------------------------------------


def _other_gs(trial: Trial) -> list[Any]:
    return [None if g is None else g * np.resize([-1.7, 0.6, 1.3], np.shape(g)) for g in trial.gs]


def independent_of_g(trial: Trial) -> Explanations:
    if trial.answer is None:
        return
    got, g = trial.got, trial.g_name
    if _close(trial.again(_other_gs(trial)), got):
        yield "", f"it does not depend on the incoming gradient {g}: multiply by it"


def not_linear_in_g(trial: Trial) -> Explanations:
    """Say how the answer depends on `g`, if not by a product."""
    if trial.answer is None:
        return
    got, g = trial.got, trial.g_name
    zero, double, minus = (trial.again(trial.scaled(c)) for c in (0.0, 2.0, -1.0))
    if zero is None or double is None or minus is None:
        return
    start = f"it is not linear in {g}"
    if not _close(zero, 0 * got, 1e-9) and np.abs(zero).max() > 1e-9 * np.abs(got).max():
        yield from _added(trial, zero, start)
        return
    if _close(minus, -got) and _close(double, 2 * got):
        other = _other_gs(trial)
        both = [None if a is None else a + b for a, b in zip(trial.gs, other)]
        apart = trial.again(other)
        if apart is not None and not _close(trial.again(both), got + apart, 1e-5):
            yield "parts", f"{start}: of two gradients, it is not the sum of what they give alone"
        return
    clear = np.abs(got) > 1e-6 * np.abs(got).max()
    powers = np.log2(np.abs(double / np.where(clear, got, 1.0)))[clear]
    if not clear.any():
        return
    power = round(float(np.median(powers)), 3)
    even = _close(minus, got)
    if np.allclose(powers, power, atol=1e-3) and power != 1:
        if power == 2:
            yield 2, f"{start}, but in its square: {g} is used twice"
        elif power == 0:
            yield 0, f"{start}: its size does not matter, {g} is normalised or only its sign used"
        else:
            yield power, f"{start}: it goes with {g} to the power of {power:g}"
        return
    if even:
        yield "even", f"{start}: it is the same for {g} and -{g}, whose sign is lost"
        return
    if _close(double, 2 * got):
        own = trial.g is not None and np.shape(trial.g) == got.shape
        if own and np.array_equal(got != 0, (trial.g > 0) & (got != 0)):
            text = f"its mask is made from {g} ({g} > 0), and should be made from the inputs"
        else:
            text = f"it depends on the signs of {g}, as by a mask that is made from {g}"
        yield "mask", f"{start}: {text}"
        return
    yield "", f"{start}: for 2 {g} it is not twice as much (is {g} clipped or normalised?)"


def _added(trial: Trial, zero: np.ndarray, start: str) -> Explanations:
    g = trial.g_name
    for name, values in trial.reads.items():
        for title, term in ((name, values), (f"sign({name})", np.sign(values))):
            if term.shape != zero.shape or not np.any(term):
                continue
            factor = float(np.sum(term * zero) / np.sum(term * term))
            if _close(factor * term, zero, 1e-5):
                what = times(factor, title)
                penalty = " (a penalty's term?)" if g == "dvalues" else ""
                text = f"{what} is added to it, whatever {g} is{penalty}"
                yield (title, round(factor, 4)), f"{start}: {text}"
                return
    if zero.size > 1 and np.ptp(zero) <= 1e-9 * np.abs(zero).max():
        yield "constant", f"{start}: {zero.flat[0]:.6g} is added everywhere, whatever {g} is"
        return
    k = tuple(map(int, np.unravel_index(int(np.argmax(np.abs(zero))), zero.shape)))
    yield "added", f"{start}: where {g} is 0, it is {zero[k]:.6g}{at_index(k)} and should be 0"


def other_incoming_gradient(trial: Trial) -> Explanations:
    J = trial.jacobian() if trial.jacobian else None
    if J is None or not trial.target.known.all():
        return
    g = np.asarray(trial.g)
    for text, other in _treatments(g):
        if other.shape != g.shape or np.allclose(other, g):
            continue
        if _close((np.ravel(other) @ J).reshape(trial.right.shape), trial.got, 1e-4):
            yield text, f"{trial.g_name} {text}, before the derivative"


# --- the Jacobian ---------------------------------------------------------------------------------


def not_transposed(trial: Trial) -> Explanations:
    J = trial.jacobian() if trial.jacobian else None
    if J is None or J.shape[0] != J.shape[1]:
        return
    if _close((J @ np.ravel(trial.g)).reshape(trial.right.shape), trial.got, 1e-4):
        moves = np.isin(np.round(J, 6), (0, 1)).all() and np.allclose(J.sum(1), 1)
        if moves:
            text = "it moves g as the forward moves its input, and should move it back: the order"
            yield "", f"{text} of its elements is wrong"
        else:
            text = "it is the product of g with the Jacobian, and not with its transpose"
            yield "", f"{text}: a matrix is not transposed, or a sum goes in the wrong order"


def diagonal_alone(trial: Trial) -> Explanations:
    J = trial.jacobian() if trial.jacobian else None
    if J is None or J.shape[0] != J.shape[1]:
        return
    diagonal = (np.diag(J) * np.ravel(trial.g)).reshape(trial.right.shape)
    if _close(diagonal, trial.got, 1e-4):
        text = "it is the diagonal of the Jacobian alone: what each element does to its own result"
        yield "", f"{text}; what it does to the other elements is missing"


def overwritten(trial: Trial) -> Explanations:
    """Recognise one of several contributions: the last, the first, or their mean."""
    J = trial.jacobian() if trial.jacobian else None
    if J is None:
        return
    each = J * np.ravel(trial.g)[:, None]
    sizes = np.abs(J)
    reads = sizes > 1e-9 * sizes.max(initial=0.0)
    counts = reads.sum(axis=0)
    if counts.max(initial=0) < 2 or np.all(counts == len(J)):
        return
    rows, columns = np.arange(len(J))[:, None], np.arange(J.shape[1])
    last = np.where(reads, rows, -1).max(axis=0)
    first = np.where(reads, rows, len(J)).min(axis=0) % len(J)
    sums = each.sum(axis=0)
    advice = "d[i] = g overwrites where indices repeat: add up, as np.add.at does"
    choices = {
        f"only the last counts; {advice}": np.where(counts, each[last, columns], 0.0),
        f"only the first counts; {advice}": np.where(counts, each[first, columns], 0.0),
        "they are averaged, and should be added up": sums / np.maximum(counts, 1),
    }
    for text, values in choices.items():
        if _close(values.reshape(trial.right.shape), trial.got, 1e-4):
            yield text, f"of the several results that read one element, {text}"


def other_operand(trial: Trial) -> Explanations:
    """Try the right gradient for another operand that was turned."""
    if trial.right_with is None:
        return
    for name, values in trial.reads.items():
        if values.ndim == 0:
            continue
        for text, turn in TURNS.items():
            try:
                turned = np.asarray(turn(values))
            except ValueError:  # it has no such axis
                continue
            if turned.shape == values.shape and not np.allclose(turned, values):
                right = trial.right_with(name, turned)
                if right is not None and _close(right, trial.got, 1e-4):
                    yield (name, text), f"it would be right with {name} {text}"


def stale(trial: Trial) -> Explanations:
    beside = trial.beside
    if beside is None or beside.answer is None or beside.right_for is None:
        return
    if not _close(beside.again(trial.gs), trial.got):
        return
    right = beside.right_for(trial.gs)
    if right is not None and not _close(right, trial.right, 1e-3):
        text = "it does not change when the inputs do, as the right gradient does"
        yield "", f"{text}: a stale value of an earlier call, or a constant?"


def wrong_places(trial: Trial) -> Explanations:
    """Say which results an element takes its gradient from, and should not, or the other way."""
    J = trial.jacobian() if trial.jacobian else None
    if J is None or trial.answer is None or len(J) > 64:
        return
    shape = np.shape(trial.g)
    units = np.eye(len(J)).reshape(-1, *shape)
    answers = [trial.again([unit]) for unit in units]
    if any(answer is None for answer in answers):
        return
    own = np.stack([np.ravel(answer) for answer in answers])
    sizes = np.abs(J)
    small = 1e-6 * sizes.max(initial=0.0)
    should = sizes > small
    takes = np.abs(own) > small
    if np.array_equal(takes, should):
        return
    extra, lost = takes & ~should, should & ~takes
    mask, words = (extra, "takes") if extra.any() else (lost, "does not take")
    row, column = (int(k) for k in np.argwhere(mask)[0])
    element = at_index(tuple(map(int, np.unravel_index(column, trial.right.shape))))
    result = tuple(map(int, np.unravel_index(row, shape)))
    why = "does not read that element" if extra.any() else "reads that element"
    g = trial.g_name
    yield (
        words,
        f"{element.strip()} it {words} {g}{at_index(result)}, though the result there {why}",
    )
