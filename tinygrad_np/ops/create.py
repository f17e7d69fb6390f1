"""New Tensors: constant, evenly spaced, and random values.

All take `dtype=`, `requires_grad=` and `name=`; dtypes are NumPy's own by default (float64 for
floats). Random ones take `rng=`, a `numpy.random.Generator`, and use the default generator, which
`manual_seed` restarts, without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.doors import draw
from ..core.tensor import Tensor, as_array, as_operand, needs_grad
from .axes import checked_integers
from .define import answers
from .index import take
from .random import generator_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import ArrayLike, DTypeLike

__all__ = [
    "arange",
    "eye",
    "full",
    "full_like",
    "linspace",
    "normal",
    "ones",
    "ones_like",
    "permutation",
    "rand",
    "randint",
    "randn",
    "uniform",
    "zeros",
    "zeros_like",
]


def _lengths(name: str, shape: Any) -> tuple[int, ...]:
    """Return a shape as a tuple of lengths, none of them negative."""
    lengths = checked_integers(name, "shape", shape)
    if any(n < 0 for n in lengths):
        raise ValueError(f"{name}: lengths must not be negative, shape is {shape!r}")
    return lengths


def _dtype(name: str, shape: Any, dtype: Any) -> Any:
    """Return the dtype, float64 by default; an integer is a second length, as PyTorch has it."""
    if isinstance(dtype, (int, np.integer)):
        raise TypeError(
            f"{name}: the shape is one argument, {name}(({shape}, {dtype})), not two: the second "
            "one is the dtype"
        )
    return dtype or np.float64


def _value(name: str, value: Any) -> Any:
    """Return a number or an array that no gradient flows to."""
    if needs_grad(value):
        raise TypeError(
            f"{name}: no gradient flows to {value._title()}: use .detach() where that is meant, "
            "or compute with the new Tensor, such as start + t * step"
        )
    return as_operand(value)


def zeros(
    shape: int | Sequence[int],
    dtype: DTypeLike | None = None,
    *,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Zeros in the given shape."""
    array = np.zeros(_lengths("zeros", shape), _dtype("zeros", shape, dtype))
    return Tensor(array, requires_grad=requires_grad, name=name)


def ones(
    shape: int | Sequence[int],
    dtype: DTypeLike | None = None,
    *,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Ones in the given shape."""
    array = np.ones(_lengths("ones", shape), _dtype("ones", shape, dtype))
    return Tensor(array, requires_grad=requires_grad, name=name)


def full(
    shape: int | Sequence[int],
    fill_value: ArrayLike,
    dtype: DTypeLike | None = None,
    *,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """The given value everywhere; no gradient flows to it (`np.broadcast_to` has one)."""
    if not isinstance(fill_value, Tensor):
        fill_value = as_array(fill_value)
    lengths = _lengths("full", shape)
    if isinstance(fill_value, Tensor) and not fill_value.requires_grad:
        values = np.broadcast_to(fill_value.data, lengths)
        return Tensor(values, dtype=dtype, requires_grad=requires_grad, name=name)
    array = np.full(lengths, fill_value, dtype)
    return Tensor(array, requires_grad=requires_grad, name=name)


def _like(x: Any, dtype: Any, shape: Any) -> tuple[tuple[int, ...], Any]:
    """Return the shape and dtype, by default those of x."""
    if not isinstance(x, Tensor):
        x = as_array(x)
    return x.shape if shape is None else shape, dtype or x.dtype


@answers(np.zeros_like)
def zeros_like(
    x: Any,
    dtype: DTypeLike | None = None,
    *,
    shape: int | Sequence[int] | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Zeros in the shape and dtype of x."""
    return zeros(*_like(x, dtype, shape), requires_grad=requires_grad, name=name)


@answers(np.ones_like)
def ones_like(
    x: Any,
    dtype: DTypeLike | None = None,
    *,
    shape: int | Sequence[int] | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Ones in the shape and dtype of x."""
    return ones(*_like(x, dtype, shape), requires_grad=requires_grad, name=name)


@answers(np.full_like)
def full_like(
    x: Any,
    fill_value: ArrayLike,
    dtype: DTypeLike | None = None,
    *,
    shape: int | Sequence[int] | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """The given value everywhere, in the shape and dtype of x."""
    lengths, dtype = _like(x, dtype, shape)
    return full(lengths, fill_value, dtype, requires_grad=requires_grad, name=name)


def eye(
    n: int,
    m: int | None = None,
    k: int = 0,
    dtype: DTypeLike | None = None,
    *,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """A matrix of n rows (and m columns) with ones on diagonal k, zeros elsewhere."""
    rows, columns = _lengths("eye", (n, n if m is None else m))
    array = np.eye(rows, columns, k, dtype or np.float64)
    return Tensor(array, requires_grad=requires_grad, name=name)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    dtype: DTypeLike | None = None,
    *,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Numbers from start up to stop, stop excluded; from 0 up to start if stop is None."""
    if step == 0:
        raise ValueError("arange: step must not be 0")
    if stop is None:
        start, stop = 0, start
    first, end, step = (_value("arange", v) for v in (start, stop, step))
    array = np.arange(first, end, step, dtype=dtype)
    return Tensor(array, requires_grad=requires_grad, name=name)


def linspace(
    start: float,
    stop: float,
    num: int = 50,
    *,
    endpoint: bool = True,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """num evenly spaced numbers from start to stop, stop included unless endpoint is False."""
    start, stop = (_value("linspace", v) for v in (start, stop))
    array = np.linspace(start, stop, num, endpoint, dtype=dtype)
    return Tensor(array, requires_grad=requires_grad, name=name)


# --- random -------------------------------------------------------------------------------------


def rand(
    *shape: int,
    dtype: DTypeLike | None = None,
    rng: Generator | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Uniform random numbers from 0 up to 1: rand(2, 3)."""
    array = draw(generator_of("rand", rng), "random", _lengths("rand", shape))
    return Tensor(array, dtype=dtype, requires_grad=requires_grad, name=name)


def randn(
    *shape: int,
    dtype: DTypeLike | None = None,
    rng: Generator | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Normal random numbers with mean 0 and standard deviation 1: randn(2, 3)."""
    array = draw(generator_of("randn", rng), "standard_normal", _lengths("randn", shape))
    return Tensor(array, dtype=dtype, requires_grad=requires_grad, name=name)


def uniform(
    low: Any = 0.0,
    high: Any = 1.0,
    size: int | Sequence[int] | None = None,
    *,
    dtype: DTypeLike | None = None,
    rng: Generator | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Uniform random numbers from low up to high; no gradient flows to these."""
    low, high = (_value("uniform", v) for v in (low, high))
    array = draw(generator_of("uniform", rng), "uniform", low, high, size)
    return Tensor(array, dtype=dtype, requires_grad=requires_grad, name=name)


def normal(
    loc: Any = 0.0,
    scale: Any = 1.0,
    size: int | Sequence[int] | None = None,
    *,
    dtype: DTypeLike | None = None,
    rng: Generator | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Normal random numbers with mean loc and standard deviation scale; no gradient to these."""
    loc, scale = (_value("normal", v) for v in (loc, scale))
    array = draw(generator_of("normal", rng), "normal", loc, scale, size)
    return Tensor(array, dtype=dtype, requires_grad=requires_grad, name=name)


def randint(
    low: int,
    high: int | None = None,
    size: int | Sequence[int] | None = None,
    *,
    dtype: DTypeLike | None = None,
    rng: Generator | None = None,
    name: str | None = None,
) -> Tensor:
    """Random integers from low up to high, high excluded; from 0 up to low if high is None."""
    array = draw(generator_of("randint", rng), "integers", low, high, size, dtype or np.int64)
    return Tensor(array, name=name)


def permutation(x: Any, *, rng: Generator | None = None) -> Tensor:
    """The numbers from 0 to x - 1 in random order; the slices of an array x along its first axis.

    Gradients flow back to an array's places.
    """
    generator = generator_of("permutation", rng)
    if np.ndim(x):
        x = x if isinstance(x, Tensor) else Tensor(x)
        return take(x, draw(generator, "permutation", len(x)), 0)
    (n,) = _lengths("permutation", x)
    return Tensor(draw(generator, "permutation", n))
