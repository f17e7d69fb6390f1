"""Causes that show beside the arrays that a rule has read: a factor, a term, a mask made of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .factors import named, times
from .trials import Trial, at_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Explanations = Iterator[tuple[Any, str]]

MASKS: dict[str, Callable[[np.ndarray], Any]] = {
    "> 0": lambda v: v > 0,
    "< 0": lambda v: v < 0,
    ">= 0": lambda v: v >= 0,
    "<= 0": lambda v: v <= 0,
    "!= 0": lambda v: v != 0,
}

# Factors that derivatives are made of, in the order of plausibility; each may divide, too.
FACTORS: dict[str, Callable[[np.ndarray], Any]] = {
    "{}": lambda v: v,
    "(1 - {})": lambda v: 1 - v,
    "{}²": lambda v: v * v,
    "(1 - {}²)": lambda v: 1 - v * v,
    "(1 + {}²)": lambda v: 1 + v * v,
    "{}³": lambda v: v * v * v,
    "(1 + {})": lambda v: 1 + v,
    "|{}|": np.abs,
    "√{}": np.sqrt,
    "√(1 - {}²)": lambda v: np.sqrt(1 - v * v),
    "√(1 + {}²)": lambda v: np.sqrt(1 + v * v),
    "sign({})": np.sign,
    "exp({})": np.exp,
    "log({})": np.log,
    "cos({})": np.cos,
    "sin({})": np.sin,
    "tanh({})": np.tanh,
    "(1 - tanh({})²)": lambda v: 1 - np.tanh(v) ** 2,
    "sigmoid({})": lambda v: 1 / (1 + np.exp(-v)),
    "(sigmoid({0}) · (1 - sigmoid({0})))": lambda v: 1 / (2 + np.exp(v) + np.exp(-v)),
    "cosh({})": np.cosh,
}


def _aligned(trial: Trial, with_g: bool = True) -> dict[str, np.ndarray]:
    """Return the arrays that can be multiplied with the gradient, in its shape."""
    arrays = dict(trial.reads)
    if with_g and trial.g is not None:
        arrays[trial.g_name] = np.asarray(trial.g)
    shape = trial.right.shape
    aligned = {}
    for name, values in arrays.items():
        fits = values.ndim <= len(shape) and values.dtype.kind == "f"
        lengths = zip(values.shape[::-1], shape[::-1])
        if fits and all(have in (1, want) for have, want in lengths):
            aligned[name] = np.broadcast_to(values, shape)
    return aligned


def _is_varied(values: np.ndarray) -> bool:
    return values.size >= 3 and bool(np.isfinite(values).all()) and np.ptp(values) > 0


def _factors(arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield factors with their texts, plain arrays first."""
    for text, function in FACTORS.items():
        for name, values in arrays.items():
            factor = function(values)
            if _is_varied(factor):
                yield text.format(name), factor


# --- masks and other gradients --------------------------------------------------------------------


def mask_of_another_array(trial: Trial) -> Explanations:
    """Recognise the right numbers under the mask of an array that was read instead of another."""
    got, right, known = trial.got, trial.right, trial.target.known
    small = trial.target.tolerance.max(initial=0.0)
    have = np.abs(got) > small
    want = np.abs(right) > small
    have, want = have & known, want & known
    both = have & want
    if np.array_equal(have, want) or not both.any() or trial.target.off(got)[both].any():
        return
    arrays = _aligned(trial)
    for name, values in arrays.items():
        for text, mask in MASKS.items():
            if np.array_equal(have, mask(values) & known) and not mask(values)[known].all():
                should = _mask_name(arrays, want, known)
                count = f"{int((have != want).sum())} of {int(known.sum())} elements are wrong"
                yield (name, text), f"its mask is that of {name} {text}{should}: {count}"


def _mask_name(arrays: dict[str, np.ndarray], mask: np.ndarray, known: np.ndarray) -> str:
    for name, values in arrays.items():
        for text, of in MASKS.items():
            if np.array_equal(mask, of(values) & known) and not mask[known].all():
                return f", and should be that of {name} {text}"
    return ""


def gradient_of_another_input(trial: Trial) -> Explanations:
    if trial.others is None:
        return
    for name, right in trial.others().items():
        if np.shape(right) != trial.got.shape:
            continue
        if trial.target.known.all() and np.allclose(trial.got, right, rtol=1e-4, atol=1e-9):
            yield name, f"it is the gradient of its input {name!r}: are the two swapped?"
        elif np.allclose(trial.got, -right, rtol=1e-4, atol=1e-9):
            yield name, f"it is minus the gradient of its input {name!r}: are the two swapped?"


def derivative_missing(trial: Trial) -> Explanations:
    g = _aligned(trial).get(trial.g_name)
    if g is not None and _is_varied(g) and np.allclose(trial.got, g, rtol=1e-9):
        text = f"it is {trial.g_name} itself: the derivative of the forward is missing in it"
        yield "", text


def penalty_missing(trial: Trial) -> Explanations:
    """Recognise the right gradient but for the term of a penalty."""
    for name, penalty in trial.penalties.items():
        if trial.got.shape != penalty.shape:
            continue
        factor = _proportion(trial.got - trial.right, penalty, trial.target)
        words = {
            -1.0: "is missing",
            -0.5: "lacks its 2: half of it is there",
            -2.0: "has the wrong sign",
            1.0: "is added twice",
        }
        if factor is not None:
            wrong = words.get(factor, f"is {1 + factor:.4g} times what it should be")
            yield (name, factor), f"the term of the penalty {name} {wrong}; the rest is right"
    yield from _wrong_penalty(trial)


def _wrong_penalty(trial: Trial) -> Explanations:
    """Recognise what is right but for something that stays where the incoming gradient is 0."""
    if not trial.penalties or trial.answer is None:
        return
    rest = trial.again(trial.scaled(0.0))
    if rest is None or not trial.target.near(trial.got - rest):
        return
    penalty = np.sum(list(trial.penalties.values()), axis=0)
    name = " and ".join(trial.penalties)
    k = tuple(map(int, np.unravel_index(int(np.argmax(np.abs(rest))), rest.shape)))
    both = f"it is {rest[k] + penalty[k]:.6g}{at_index(k)}, and should be {penalty[k]:.6g}"
    yield name, f"the term of the penalty {name} is wrong: {both}; the rest is right"


# --- factors --------------------------------------------------------------------------------------


def another_power(trial: Trial) -> Explanations:
    """Recognise the right gradient times or over a function of an array that was read."""
    got, target = trial.got, trial.target
    ratio, clear = target.ratio(got)
    if clear.sum() < 3:
        return
    for text, factor in _factors(_aligned(trial)):
        for power, word in ((1, "times"), (-1, "divided by")):
            scale = np.where(clear, factor, 1.0) ** power
            constant = float(np.median((ratio / scale)[clear]))
            predicted = target.right * constant * factor**power
            if not constant or not _all_near(target, got, predicted):
                continue
            number = named(constant, trial.counts).text
            first = f"{number} times "
            if number == "1":
                first = ""
            start = f"it is {first}the right gradient {word} {text}"
            yield (text, power, number), f"{start}: {_power_advice(text, power)}"


def _power_advice(text: str, power: int) -> str:
    plain = text.isidentifier()
    if power > 0:
        return f"one power of {text} too many" if plain else "that factor is too much"
    return f"one power of {text} too few" if plain else "that factor is missing"


def _all_near(target: Any, got: np.ndarray, predicted: np.ndarray) -> bool:
    slack = target.tolerance + 1e-4 * np.abs(predicted)
    near = np.abs(got - predicted) <= slack
    return bool(near[target.known].all())


def factor_along_an_axis(trial: Trial) -> Explanations:
    ratio, clear = trial.target.ratio(trial.got)
    if not clear.all() or trial.right.ndim < 2:
        return
    for axis, n in enumerate(trial.right.shape):
        if n >= 3 and _is_constant(ratio, axis, ratio):
            text = f"it is the right gradient times a number that is the same along axis {axis}"
            yield axis, f"{text}: a factor such as a norm or a deviation is missing or too much"


# --- terms ----------------------------------------------------------------------------------------


def missing_term(trial: Trial) -> Explanations:
    """Recognise a multiple of something that was read as the difference to the right gradient."""
    target = trial.target
    if not target.known.all() or trial.right.size < 3:
        return
    difference = trial.got - trial.right
    arrays = _aligned(trial, with_g=False)
    g = _aligned(trial).get(trial.g_name)
    terms = [(name, values) for name, values in arrays.items() if _is_varied(values)]
    terms += [(f"sign({name})", np.sign(values)) for name, values in arrays.items()]
    if g is not None:
        name = trial.g_name
        terms.insert(0, (f"{name} itself", g))
        terms += [(f"{name} · {text}", g * factor) for text, factor in _factors(arrays)]
        terms += [(f"{name} / {text}", g / factor) for text, factor in _factors(arrays)]
        for other, values in arrays.items():
            product = g * values
            terms += [(f"{name} · {other} · {text}", product * f) for text, f in _factors(arrays)]
    for text, term in terms:
        factor = _proportion(difference, term, target)
        if factor is None:
            continue
        number = times(abs(factor), text, 1e-4)
        is_path = "the identity path: " if text.endswith("itself") and factor == -1 else ""
        word = "is missing in it" if factor < 0 else "is added to it, and should not be"
        if factor > 0 and text in trial.reads:
            word += ": a penalty's term?"
        yield (text, round(factor, 3)), f"{is_path}{number} {word}"


def _proportion(difference: np.ndarray, term: np.ndarray, target: Any) -> float | None:
    """Return the factor of a term in a difference, if it is nothing else."""
    square = float(np.sum(term * term))
    if not square or not np.isfinite(square):
        return None
    factor = float(np.sum(difference * term)) / square
    rest = np.abs(difference - factor * term)
    slack = target.tolerance + 1e-4 * np.abs(difference)
    if not factor or not np.all(rest <= slack):
        return None
    return float(np.round(factor, 6))


def term_along_an_axis(trial: Trial) -> Explanations:
    """Recognise terms of a mean and of a variance: the same along an axis, but for one array."""
    if not trial.target.known.all():
        return
    difference = trial.got - trial.right
    scale = np.abs(trial.got) + np.abs(trial.right)
    arrays = _aligned(trial, with_g=False)
    exponentials = {f"exp({name})": np.exp(values) for name, values in arrays.items()}
    for axis, n in enumerate(trial.right.shape):
        if n < 3:
            continue
        if _is_constant(difference, axis, scale):
            text = f"it is wrong by a number that is the same along axis {axis}"
            yield (axis, ""), f"{text}: the term of the mean (or of the sum) is missing or wrong"
        for name, values in {**arrays, **exponentials}.items():
            if not _is_varied(values) or _is_constant(values, axis, values):
                continue
            centred = values - values.mean(axis=axis, keepdims=True)
            for shown, factor in ((name, values), (f"{name} less its mean", centred)):
                if _is_constant(difference / factor, axis, scale / np.abs(factor)):
                    text = (
                        f"it is wrong by {shown} times a number that is the same along axis {axis}"
                    )
                    term = "the term of a sum, as of a variance, a norm or a softmax,"
                    yield (axis, name), f"{text}: {term} is missing or wrong"
                    break
            if n >= 4 and _is_line(difference, values, axis, scale):
                text = f"the terms of the mean and of the variance along axis {axis}"
                yield (axis, name, "both"), f"{text} are missing or wrong"


def _is_constant(values: np.ndarray, axis: int, scale: np.ndarray) -> bool:
    """Tell if values are the same along an axis, as far as numbers of a scale can be."""
    spread = np.ptp(values, axis=axis)
    largest = np.max(np.abs(scale), axis=axis)
    return bool(np.all(spread <= 1e-5 * largest))


def _is_line(values: np.ndarray, by: np.ndarray, axis: int, scale: np.ndarray) -> bool:
    """Tell if values along an axis are a constant and a multiple of others."""
    y, x = np.moveaxis(values, axis, 0), np.moveaxis(by, axis, 0)
    x_centred, y_centred = x - x.mean(0), y - y.mean(0)
    slope = (x_centred * y_centred).sum(0) / (x_centred**2).sum(0)
    rest = y_centred - slope * x_centred
    return bool(np.all(np.abs(rest) <= 1e-5 * np.max(np.abs(scale))))
