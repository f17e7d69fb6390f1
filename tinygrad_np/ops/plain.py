"""NumPy functions whose results are positions, counts or truths: they carry no gradient.

On Tensors they compute with the arrays; arrays among the results come back as Tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..tensor import FUNCTIONS, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = (
    np.all,
    np.allclose,
    np.any,
    np.argmax,
    np.argmin,
    np.argsort,
    np.argwhere,
    np.array2string,
    np.array_equal,
    np.count_nonzero,
    np.flatnonzero,
    np.isclose,
    np.nonzero,
    np.result_type,
)


def _data(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value


def _boxed(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_boxed, value))
    return Tensor(value) if isinstance(value, (np.ndarray, np.generic)) else value


def _plain(function: Callable) -> Callable:
    def answer(*args: Any, **kwargs: Any) -> Any:
        named = {name: _data(value) for name, value in kwargs.items()}
        return _boxed(function(*map(_data, args), **named))

    return answer


FUNCTIONS.update({function: _plain(function) for function in PLAIN})
