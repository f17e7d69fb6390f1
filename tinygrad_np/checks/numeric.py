"""Numeric checks of gradients: the rules against central differences in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.modes import enable_grad
from ..core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["GradcheckError", "gradcheck"]

# (f(x + h) - f(x - h)) / 2h has an error of about h² + eps/h, smallest near the cube root of eps.
_STEP = np.finfo(np.float64).eps ** (1 / 3)


class GradcheckError(AssertionError):
    """A gradient that does not agree with finite differences.

    `kind` says what kind of mistake it is, where `check_backward` knows: see `diagnose`.
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
    held = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    names = _names(f, held)
    checked = [k for k, value in enumerate(held) if _is_float(value)]
    if not checked:
        raise ValueError("gradcheck needs at least one input of floats")
    values = [np.array(_plain(held[k]), dtype=np.float64) for k in checked]

    def call(arrays: Sequence[Any]) -> tuple[Tensor, ...]:
        arguments = list(held)
        for k, array in zip(checked, arrays, strict=True):
            arguments[k] = array
        with enable_grad():
            result = f(*arguments)
        results = result if isinstance(result, tuple) else (result,)
        for r in results:
            if not isinstance(r, Tensor) or r.dtype.kind != "f":
                raise TypeError(f"f must return Tensors of floats, not {r!r}")
        return results

    weights = _weights([r.shape for r in call(_constants(values))])

    def value(arrays: Sequence[np.ndarray]) -> float:
        results = call(_constants(arrays))
        return float(sum(np.sum(r.data * w) for r, w in zip(results, weights, strict=True)))

    if not np.array_equal(value(values), value(values), equal_nan=True):
        raise ValueError("f gives different values for the same inputs: fix its random numbers")

    def leaves_of(arrays: Sequence[np.ndarray], create_graph: bool = False) -> list[Tensor]:
        leaves = [Tensor(a, requires_grad=True) for a in arrays]
        results = call(leaves)
        with enable_grad():
            pairs = zip(results, weights, strict=True)
            total = sum(((r * w).sum() for r, w in pairs), start=Tensor(0.0))
        if total.requires_grad:
            total.backward(create_graph=create_graph)
        return leaves

    computed = [leaf.grad for leaf in leaves_of(values)]
    _compare("gradient", names, checked, values, value, computed, rtol, atol)
    if order == 1:
        return True

    directions = _weights([v.shape for v in values], seed=1)

    def slope(arrays: Sequence[np.ndarray]) -> float:
        pairs = zip(leaves_of(arrays), directions, strict=True)
        return float(sum(np.sum(x.grad.data * d) for x, d in pairs if x.grad is not None))

    leaves = leaves_of(values, create_graph=True)
    first = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    with enable_grad():
        pairs = zip(first, directions, strict=True)
        slopes = [(g * d).sum() for g, d in pairs if g is not None and g.requires_grad]
        total = sum(slopes, start=Tensor(0.0))
    if total.requires_grad:
        total.backward()
    second = [leaf.grad for leaf in leaves]
    _compare("second derivative", names, checked, values, slope, second, rtol * 10, atol * 10)
    return True


def _compare(
    what: str,
    names: list[str],
    checked: list[int],
    values: list[np.ndarray],
    value: Callable[[list[np.ndarray]], float],
    computed: list[Any],
    rtol: float,
    atol: float,
) -> None:
    """Raise for the element with the largest disagreement."""
    worst: tuple[float, str] | None = None
    for position, (k, point) in enumerate(zip(checked, values, strict=True)):
        grad = computed[position]
        for index in np.ndindex(point.shape):
            step = _STEP * max(1.0, abs(float(point[index])))
            sides = []
            for h in (step, -step):
                moved = [v.copy() for v in values]
                moved[position][index] += h
                sides.append(value(moved))
            numeric = (sides[0] - sides[1]) / (2 * step)
            analytic = 0.0 if grad is None else float(grad.data[index])
            error = abs(analytic - numeric)
            if error <= atol + rtol * abs(numeric):  # False for nan: reported below
                continue
            size = error if np.isfinite(error) else np.inf
            if worst is not None and worst[0] >= size:
                continue
            at = "" if not index else f" at index {index[0] if len(index) == 1 else index}"
            ratio = f"ratio {analytic / numeric:.6g}" if numeric else "numeric value is 0"
            reached = " (no gradient reached it)" if grad is None else ""
            worst = (
                size,
                f"{what} of {names[k]}{at}: computed {analytic:.8g}{reached}, "
                f"numeric {numeric:.8g}, {ratio}",
            )
    if worst is not None:
        raise GradcheckError(worst[1])


def _constants(values: Sequence[np.ndarray]) -> list[Tensor]:
    return [Tensor(v) for v in values]


def _weights(shapes: list[tuple[int, ...]], seed: int = 0) -> list[np.ndarray]:
    """Fixed numbers between 0.5 and 1.5 to weigh every element of every output differently.

    A single number needs no weight: then a message shows the derivatives as they are.
    """
    if shapes == [()] or shapes == [(1,)]:
        return [np.ones(shapes[0], np.float64)]
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 1.5, shape) for shape in shapes]


def _plain(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value


def _is_float(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return isinstance(value, float) if dtype is None else dtype.kind == "f"


def _names(f: Callable[..., Any], inputs: list[Any]) -> list[str]:
    """What to call each input: its own name, the parameter's, or its position."""
    code = getattr(f, "__code__", None)
    parameters = code.co_varnames[: code.co_argcount] if code is not None else ()
    parameters = f.op.inputs if hasattr(f, "op") else parameters
    names = []
    for k, value in enumerate(inputs):
        own = value.name if isinstance(value, Tensor) else None
        parameter = parameters[k] if k < len(parameters) else None
        names.append(f"input {k}" + (f" ({own or parameter})" if own or parameter else ""))
    return names
