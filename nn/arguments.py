"""Checks of arguments: what was given, what was expected, and what to write instead."""

from __future__ import annotations

import inspect
import math
import operator
from typing import Any

import numpy as np

from tinygrad_np import Tensor, describe


def plain_number(value: Any) -> Any:
    """Return a single number as Python's own, whatever held it; all else as it is.

    A NumPy scalar would decide the dtype of what it is multiplied with; Python's numbers do not.
    """
    if type(value) is float:  # as most are: what a schedule gives at every step
        return value
    holds_one = isinstance(value, (np.generic, np.ndarray, Tensor)) and value.size == 1
    return plain_array("a number", value).item() if holds_one else value


def plain_array(name: str, value: Any) -> np.ndarray:
    """Return a Tensor, an array or nested lists as an array, but no masked one."""
    part = value[0] if isinstance(value, (list, tuple)) and value else value
    if isinstance(part, np.ndarray) and hasattr(part, "mask"):
        raise TypeError(
            f"{name} is a masked array, whose hidden numbers would count: .filled(value) has "
            "others in their place"
        )
    return value.numpy() if isinstance(value, Tensor) else np.asarray(value)


def check_not_negative(name: str, value: Any) -> Any:
    """Return a finite number of at least 0 as a plain number.

    Raises:
        TypeError: no number.
        ValueError: a negative number, nan, or an infinite one.
    """
    value = plain_number(value)
    try:
        if not value >= 0:
            raise ValueError(f"{name} must not be negative, it is {value!r}")
        if not value < math.inf:
            raise ValueError(f"{name} must be finite, it is {value!r}")
    except TypeError:
        raise TypeError(f"{name} must be a number, not {value!r}") from None
    return value


def check_positive(name: str, value: Any) -> Any:
    """Return a finite number above 0 as a plain number.

    Raises:
        TypeError: no number.
        ValueError: another number, nan, or an infinite one.
    """
    value = check_not_negative(name, value)
    if not value:
        raise ValueError(f"{name} must be above 0, it is {value!r}")
    return value


def check_fraction(name: str, value: Any) -> Any:
    """Return a number of at least 0 and below 1 as a plain number.

    Raises:
        TypeError: no number.
        ValueError: a number outside of that.
    """
    value = plain_number(value)
    try:
        fits = 0 <= value < 1
    except TypeError:
        raise TypeError(f"{name} must be a number, not {value!r}") from None
    if not fits:
        raise ValueError(f"{name} must be in [0, 1), it is {value!r}")
    return value


def check_betas(betas: Any) -> tuple[float, float]:
    """Return two numbers of at least 0 and below 1 as plain numbers.

    Raises:
        TypeError: no pair of numbers.
        ValueError: numbers outside of that.
    """
    if np.shape(betas) != (2,):
        raise TypeError(f"betas must be a pair of numbers, not {betas!r}")
    return check_fraction("beta1", betas[0]), check_fraction("beta2", betas[1])


def whole_number(name: str, value: Any, least: int) -> int:
    """Return a whole number of at least `least`.

    Raises:
        TypeError: no whole number.
        ValueError: one that is too small.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if number < least:
        wanted = "not be negative" if least == 0 else f"be at least {least}"
        raise ValueError(f"{name} must {wanted}, it is {number}")
    return number


def check_generator(owner: str, rng: Any) -> None:
    """Raise unless `rng` is a NumPy Generator or None.

    A seed is refused: whether it would start anew at each call is anybody's guess.
    """
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{owner}: rng must be a NumPy Generator, such as np.random.default_rng(0), not {rng!r}"
        )


def check_callable(name: str, value: Any, wanted: str) -> None:
    """Raise unless `value` can be called; `wanted` says what it should be."""
    if not callable(value):
        raise TypeError(f"{name} must be {wanted}, not {value!r}")


def parameter_list(owner: str, params: Any) -> list[Any]:
    """Return the parameters, or the groups of them, that an optimizer is given, as a list.

    Raises:
        TypeError: what can't be updated, such as a model, an array, a result.
    """
    call = f"{owner}(model.parameters(), ...)"
    if isinstance(params, Tensor):
        raise TypeError(f"{owner} takes a list of parameters, not a single Tensor: [w]")
    if callable(getattr(params, "parameters", None)):
        raise TypeError(f"{owner} takes a list of parameters, not the Module: write {call}")
    if callable(params):
        raise TypeError(f"{owner} takes a list of parameters, not a function: write {call}")
    if isinstance(params, dict) and "params" in params:
        raise TypeError(f"{owner} takes a list of groups, not a single one: [{{...}}]")
    if isinstance(params, (set, frozenset)):
        raise TypeError(f"{owner} takes a list of parameters, not a set, which has no order")
    try:
        parameters = list(params)
    except TypeError:
        raise TypeError(
            f"{owner} takes a list of parameters, not {describe(params)}: write {call}"
        ) from None
    groups = sum(isinstance(p, dict) for p in parameters)
    if 0 < groups < len(parameters):
        raise TypeError(f"{owner} takes a list of parameters or one of groups, not of both")
    if groups:
        return parameters
    for p in parameters:
        if not isinstance(p, Tensor) or not p.is_leaf or p.dtype.kind != "f":
            raise TypeError(f"{owner} updates leaf Tensors of floats, not {describe(p)}: {call}")
    return parameters


# Names of options in the book and elsewhere: the option here, and how to write it.
_OTHER_NAMES = {
    "learning_rate": ("lr", "lr"),
    "decay": ("lr", "lr=nn.InverseTimeDecay(lr, decay)"),
    "epsilon": ("eps", "eps"),
    "rho": ("alpha", "alpha"),
    "beta_1": ("betas", "betas=(beta_1, beta_2)"),
    "beta_2": ("betas", "betas=(beta_1, beta_2)"),
}


def check_option_names(optimizer: type, options: Any) -> None:
    """Raise for an option by a name from elsewhere, with how to write it here."""
    own = inspect.signature(optimizer).parameters
    for name in options:
        option, text = _OTHER_NAMES.get(name, (None, ""))
        if name not in own and option in own:
            raise TypeError(f"{optimizer.__name__} has no option {name}, it is written {text} here")


# --- what `fit` and `evaluate` are given ----------------------------------------------------------


def check_optimizer(optimizer: Any) -> None:
    """Raise unless this is an optimizer, or does what one does."""
    wanted = "optimizer must be an optimizer, such as nn.Adam(model.parameters(), lr=0.01)"
    if isinstance(optimizer, type):
        raise TypeError(f"{wanted}, not the class {optimizer.__name__}")
    if not all(hasattr(optimizer, name) for name in ("step", "zero_grad")):
        raise TypeError(f"{wanted}, not {optimizer!r}")
