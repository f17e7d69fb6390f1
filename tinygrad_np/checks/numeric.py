"""Numeric checks of gradients: the rules against central differences in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.modes import enable_grad
from ..core.tensor import Tensor
from .differences import Change, slopes, weighed_change
from .values import as_double, index_text, is_float, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


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

    def outputs(arrays: list[np.ndarray]) -> list[Any]:
        return [r.data for r in call([Tensor(a) for a in arrays])]

    def differentiate(arrays: list[np.ndarray], create_graph: bool = False) -> list[Tensor]:
        """Return leaves that have their gradients."""
        leaves = [Tensor(a, requires_grad=True) for a in arrays]
        _backward(_weighted(call(leaves), weights), create_graph)
        return leaves

    at = outputs(point.arrays)
    weights = _weights([out.shape for out in at])
    if not all(map(same, at, outputs(point.arrays))):
        raise ValueError("f gives different values for the same inputs: fix its random numbers")
    gradients = [leaf.grad for leaf in differentiate(point.arrays)]
    _compare("gradient", point, outputs, weights, gradients, rtol, atol)
    if order == 1:
        return True

    directions = _weights([a.shape for a in point.arrays], seed=1)

    def first_gradients(arrays: list[np.ndarray]) -> list[Any]:
        grads = [leaf.grad for leaf in differentiate(arrays)]
        return [np.zeros_like(a) if g is None else g.data for a, g in zip(arrays, grads)]

    leaves = differentiate(point.arrays, create_graph=True)
    gradients = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    _backward(_weighted(gradients, directions))
    second = [leaf.grad for leaf in leaves]
    _compare("second derivative", point, first_gradients, directions, second, rtol * 10, atol * 10)
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
    outputs: Callable[[list[np.ndarray]], list[Any]],
    weights: list[np.ndarray],
    gradients: list[Any],
    rtol: float,
    atol: float,
) -> None:
    """Raise for the element with the largest disagreement."""
    worst, text = -1.0, ""
    at = outputs(point.arrays)
    for position, (name, array) in enumerate(zip(*point, strict=True)):
        grad = gradients[position]
        computed = np.zeros(array.shape) if grad is None else np.asarray(grad.data)

        def change(moved: np.ndarray, position: int = position) -> Change:
            arrays = [*point.arrays[:position], moved, *point.arrays[position + 1 :]]
            return weighed_change(outputs(arrays), at, weights)

        found = slopes(change, array, computed, most=array.size)
        # At a kink the value between is shown: no rule can be confirmed there.
        numeric = np.where(found.known, found.values, (found.left + found.right) / 2)
        error = np.asarray(np.abs(computed - numeric))
        own_error = np.where(found.known, found.error, 0.0)
        allowed = atol + rtol * np.abs(numeric) + 10 * own_error
        right = error <= allowed  # never nan
        error[~np.isfinite(error)] = np.inf
        sizes = np.where(right, -1.0, error)
        if sizes.size == 0 or sizes.max() <= worst:
            continue
        worst = float(sizes.max())
        first = np.unravel_index(np.argmax(sizes), sizes.shape)
        index = tuple(map(int, first))
        have = float(computed[index])
        want = float(numeric[index])
        ratio = "numeric value is 0"
        if want:
            ratio = f"ratio {have / want:.6g}"
        reached = " (no gradient reached it)" if grad is None else ""
        place = f" at index {index_text(index)}" if index else ""
        text = (
            f"{quantity} of {name}{place}: computed {have:.8g}{reached}, "
            f"numeric {want:.8g}, {ratio}"
        )
    if text:
        raise GradcheckError(text)


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
