"""Numeric checks of gradients: the rules against central differences in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.modes import enable_grad
from ..core.tensor import Tensor
from .differences import central
from .values import as_double, index_text, is_float

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# (f(x + h) - f(x - h)) / 2h has an error of about h² + eps/h, smallest near the cube root of eps.
_STEP = np.finfo(np.float64).eps ** (1 / 3)


class GradcheckError(AssertionError):
    """A gradient that does not agree with finite differences.

    `kind` is the kind of mistake, where `check_backward` knows it: see `diagnose`.
    """

    def __init__(self, text: str, kind: str = "other") -> None:
        super().__init__(text)
        self.kind = kind


def gradcheck(
    f: Callable[..., Any],
    inputs: Sequence[Any],
    order: int = 1,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-7,
) -> bool:
    """Compare the gradients of `f` with central differences, in float64.

    Args:
        f: a function of Tensors that returns a Tensor of floats, or a tuple of them.
        inputs: the arguments of `f`. Floats (Tensors, arrays, numbers) are checked, as float64;
            everything else is handed on as it is. Choose points where `f` is smooth.
        order: 1 checks the gradient; 2 checks also the gradient of the gradient.
        rtol, atol: the numeric and the computed value may differ by `atol + rtol * |numeric|`.

    Returns:
        True; a disagreement is an error.

    Raises:
        GradcheckError: names the input, the element, both values, and the ratio between them.
        ValueError: no float among the inputs, or `f` gives different values for the same inputs.
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, not {order!r}")
    arguments = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    checked = [k for k, value in enumerate(arguments) if is_float(value)]
    if not checked:
        raise ValueError("gradcheck needs at least one input of floats")
    names = _names(f, arguments)
    point = _Point([names[k] for k in checked], [as_double(arguments[k]) for k in checked])

    def call(leaves: list[Tensor]) -> tuple[Tensor, ...]:
        replaced = dict(zip(checked, leaves, strict=True))
        with enable_grad():
            out = f(*(replaced.get(k, value) for k, value in enumerate(arguments)))
        results = out if isinstance(out, tuple) else (out,)
        for r in results:
            if not isinstance(r, Tensor) or r.dtype.kind != "f":
                raise TypeError(f"f must return Tensors of floats, not {r!r}")
        return results

    def value(arrays: list[np.ndarray]) -> float:
        results = call([Tensor(a) for a in arrays])
        return float(sum(np.sum(r.data * w) for r, w in zip(results, weights, strict=True)))

    def differentiate(arrays: list[np.ndarray], create_graph: bool = False) -> list[Tensor]:
        """Return leaves that have their gradients."""
        leaves = [Tensor(a, requires_grad=True) for a in arrays]
        _backward(_weighted(call(leaves), weights), create_graph)
        return leaves

    weights = _weights([r.shape for r in call([Tensor(a) for a in point.arrays])])
    if not np.array_equal(value(point.arrays), value(point.arrays), equal_nan=True):
        raise ValueError("f gives different values for the same inputs: fix its random numbers")
    gradients = [leaf.grad for leaf in differentiate(point.arrays)]
    _compare("gradient", point, value, gradients, rtol, atol)
    if order == 1:
        return True

    directions = _weights([a.shape for a in point.arrays], seed=1)

    def slope(arrays: list[np.ndarray]) -> float:
        pairs = zip(differentiate(arrays), directions, strict=True)
        return float(sum(np.sum(x.grad.data * d) for x, d in pairs if x.grad is not None))

    leaves = differentiate(point.arrays, create_graph=True)
    gradients = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    _backward(_weighted(gradients, directions))
    second = [leaf.grad for leaf in leaves]
    _compare("second derivative", point, slope, second, rtol * 10, atol * 10)
    return True


class _Point(NamedTuple):
    """The inputs of floats, and the words that messages have for them."""

    names: list[str]
    arrays: list[np.ndarray]


def _weighted(values: Iterable[Tensor | None], weights: list[np.ndarray]) -> Tensor:
    """Return the weighted sum of all elements of the values that need a gradient."""
    pairs = zip(values, weights, strict=True)
    with enable_grad():
        sums = [(v * w).sum() for v, w in pairs if v is not None and v.requires_grad]
        return sum(sums, start=Tensor(0.0))


def _backward(total: Tensor, create_graph: bool = False) -> None:
    if total.requires_grad:
        total.backward(create_graph=create_graph)


def _compare(
    quantity: str,
    point: _Point,
    value: Callable[[list[np.ndarray]], float],
    gradients: list[Any],
    rtol: float,
    atol: float,
) -> None:
    """Raise for the element with the largest disagreement."""
    worst, text = -1.0, ""
    for position, (name, array) in enumerate(zip(*point, strict=True)):
        grad = gradients[position]
        for index in np.ndindex(array.shape):
            numeric = _slope(point, value, position, index)
            computed = 0.0 if grad is None else float(grad.data[index])
            error = abs(computed - numeric)
            if error <= atol + rtol * abs(numeric):  # False for nan: reported below
                continue
            size = error if np.isfinite(error) else np.inf
            if size <= worst:
                continue
            ratio = f"ratio {computed / numeric:.6g}" if numeric else "numeric value is 0"
            reached = " (no gradient reached it)" if grad is None else ""
            place = f" at index {index_text(index)}" if index else ""
            worst = size
            text = (
                f"{quantity} of {name}{place}: computed {computed:.8g}{reached}, "
                f"numeric {numeric:.8g}, {ratio}"
            )
    if text:
        raise GradcheckError(text)


def _slope(
    point: _Point,
    value: Callable[[list[np.ndarray]], float],
    position: int,
    index: tuple[int, ...],
) -> float:
    """Return the numeric derivative for one element of one input."""

    def line(distance: float) -> float:
        moved = [array.copy() for array in point.arrays]
        moved[position][index] += distance
        return value(moved)

    size = abs(float(point.arrays[position][index]))
    return central(line, _STEP * max(1.0, size))


def _weights(shapes: list[tuple[int, ...]], seed: int = 0) -> list[np.ndarray]:
    """Draw fixed numbers from 0.5 to 1.5, a different weight for each element of each output.

    A single number needs no weight: then a message shows the derivatives as they are.
    """
    if shapes == [()] or shapes == [(1,)]:
        return [np.ones(shapes[0], np.float64)]
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 1.5, shape) for shape in shapes]


def _names(f: Callable[..., Any], inputs: list[Any]) -> list[str]:
    """Name each input by its position, with its own name or the parameter's."""
    code = getattr(f, "__code__", None)
    parameters = code.co_varnames[: code.co_argcount] if code is not None else ()
    parameters = f.op.inputs if hasattr(f, "op") else parameters
    names = []
    for k, value in enumerate(inputs):
        own = value.name if isinstance(value, Tensor) else None
        parameter = parameters[k] if k < len(parameters) else None
        names.append(f"input {k}" + (f" ({own or parameter})" if own or parameter else ""))
    return names
