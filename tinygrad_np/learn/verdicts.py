"""Comparisons that the checks of exercises are made of; what differs is raised as `Wrong`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg

if TYPE_CHECKING:
    from collections.abc import Mapping


class Wrong(Exception):  # noqa: N818 - no error: the program runs, and is not right yet
    """The judgement on a program that runs, and is not right.

    Attributes:
        text: shown at once: what is wrong, and both numbers.
        verdict: the library's sentence about the cause, the first hint; may be empty.
        kind: that of `tinygrad_np.Mistake`, "value" where no gradient is wrong, or "unfinished".
    """

    def __init__(self, text: str, verdict: str = "", kind: str = "value") -> None:
        super().__init__(text)
        self.text = text
        self.verdict = verdict
        self.kind = kind


def compare_value(
    name: str,
    got: Any,
    right: Any,
    *,
    rtol: float = 1e-6,
    causes: Mapping[str, Any] | None = None,
) -> None:
    """Compare numbers or an array with the right ones.

    Args:
        name: what the learner calls them.
        got: the learner's.
        right: the right ones.
        rtol: part of the largest by which they may differ.
        causes: wrong ones that are expected, by what is wrong with them: the verdict then.

    Raises:
        Wrong: they differ.
    """
    if _equal(got, right, rtol):
        return
    found = (text for text, wrong in (causes or {}).items() if _equal(got, wrong, rtol))
    without = "nothing is returned: is a `return` missing?" if got is None else ""
    raise Wrong(both(name, got, right, rtol), next(found, without))


def _equal(got: Any, right: Any, rtol: float) -> bool:
    want = _numbers(right)
    have = _numbers(got)
    if have is None or want is None or have.shape != want.shape:
        return False
    return not _off(have, want, rtol).any()


def compare_gradient(name: str, got: Any, right: Any, **clues: Any) -> None:
    """Compare a gradient with the right one; the verdict is that of `tinygrad_np.diagnose`.

    Args:
        name: what the learner calls it: "dw".
        got: the learner's.
        right: the right one.
        clues: what helps to name the cause: `counts`, `reads` and `unsummed` of `diagnose`.

    Raises:
        Wrong: they differ.
    """
    if got is not None and _numbers(got) is None:
        raise Wrong(both(name, got, right))
    mistake = tg.diagnose(got, right, **clues)
    if mistake is not None:
        verdict = cause_of(f"{name}: {mistake.text}", mistake.kind)
        raise Wrong(both(name, got, right), verdict, mistake.kind)


def compare_layer(
    layer: Any, solution: Any, inputs: list[Any], candidates: Mapping[str, Any] | None = None
) -> None:
    """Compare a hand-written layer with the solution's, and its backward with its own forward.

    Args:
        layer: the learner's, with `forward` and `backward`.
        solution: the right one, with the same parameters.
        inputs: what forward is given: the inputs, and for a loss the targets.
        candidates: wrong gradients that are expected, by what is wrong with them: arrays, or
            functions of the incoming gradient.

    Raises:
        Wrong: another output; a gradient that is missing, or wrong by `check_backward`.
    """
    title = type(layer).__name__
    hand, right = tg.HandLayer(layer, inputs), tg.HandLayer(solution, inputs)
    compare_value(f"the output of {title}.forward", hand.output, right.output)
    right.backward()
    hand.backward(right.dvalues)
    if hand.error is not None:
        raise hand.error
    for name in right.gradients:
        if hand.gradients.get(name) is None:
            raise Wrong(f"{title}.backward leaves no {name}.", kind="not connected")
    try:
        tg.check_backward(layer, inputs)
    except tg.GradcheckError as error:
        name = str(error).partition(": ")[2].partition(" is wrong")[0]
        got = hand.gradients[name]
        text = f"{title}.backward: {both(name, got, right.gradients[name])}"
        for cause, wrong in (candidates or {}).items():
            gradient = wrong(right.dvalues) if callable(wrong) else wrong
            if np.shape(got) == np.shape(gradient) and np.allclose(got, gradient):
                raise Wrong(text, f"{name}: {cause}", "slip") from None
        raise Wrong(text, cause_of(str(error), error.kind), error.kind) from None


def cause_of(verdict: str, kind: str) -> str:
    """Return a verdict without the numbers of its example: others are told before it.

    Of the kind "other" it has numbers and nothing else.
    """
    if kind == "other":
        return ""
    return re.sub(r" \(it is \S+( at .*?)?, where the right value is [^)]*\)", "", verdict)


def compare_op(op: Any, solution: Any, x: np.ndarray) -> None:
    """Compare an operation of one input with the solution's, and its rule with its own forward.

    Raises:
        Wrong: another value; a gradient that is wrong by `check_backward`.
    """
    title = op.op.name
    compare_value(f"{title}(x)", op(x), solution(x))
    try:
        tg.check_backward(op, [x])
    except tg.GradcheckError as error:
        g = np.linspace(0.5, 1.5, np.size(op(x))).reshape(np.shape(op(x)))
        own, right = (tg.grad(lambda x, f=f: (f(x) * g).sum())(x) for f in (op, solution))
        text = both(f"the gradient of {title}(x)", own, right)
        verdict = re.sub(r" at \S+:\d+(?= for its input)", "", str(error))  # a line of the check
        raise Wrong(text, cause_of(verdict, error.kind), error.kind) from None


def _numbers(value: Any) -> np.ndarray | None:
    """Return an array of doubles; None of what is none."""
    if value is None:
        return None
    try:
        return np.asarray(value.data if isinstance(value, tg.Tensor) else value, np.float64)
    except (TypeError, ValueError):
        return None


def _off(have: np.ndarray, want: np.ndarray, rtol: float) -> np.ndarray:
    """Return a mask of the numbers that differ; nan always does."""
    largest = np.max(np.abs(want), initial=0.0)
    with np.errstate(invalid="ignore"):
        near = np.abs(have - want) <= rtol * largest + 1e-12
    return ~(near | (have == want))


def both(name: str, got: Any, right: Any, rtol: float = 1e-6) -> str:
    """Say what somebody has, and what it should be: of arrays the number that differs most."""
    have, want = _numbers(got), np.asarray(_numbers(right))
    if have is None:
        shape = f"an array of shape {want.shape}" if want.ndim else "a number"
        return f"{name} is {got!r:.60}; it should be {shape}."
    if have.shape != want.shape:
        return f"{name} has the shape {have.shape}; it should be {want.shape}."
    off = _off(have, want, rtol)
    if not off.any():  # by less than what is compared here
        off = have != want
    distance = np.where(off, np.abs(np.nan_to_num(have - want, nan=np.inf)), -1.0)
    place = np.unravel_index(int(np.argmax(distance)), want.shape)
    at = f" at {place[0] if len(place) == 1 else tuple(map(int, place))}" if place else ""
    pair = _digits(float(have[place]), float(want[place]))
    number = f" ({off.sum()} of {off.size} numbers differ)" if off.size > 1 else ""
    return f"{name}{at} is {pair[0]}; it should be {pair[1]}{number}."


def _digits(*pair: float) -> list[str]:
    """Write two numbers with six digits, or as many as tell them apart."""
    texts = [f"{number:.6g}" for number in pair]
    for digits in (9, 12, 17):
        if texts[0] != texts[1]:
            break
        texts = [f"{number:.{digits}g}" for number in pair]
    return texts
