"""What NumPy asks of a Tensor: its ufuncs and functions work on Tensors, or say that they don't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FUNCTIONS", "UFUNCS", "NumPyProtocols"]

# NumPy's functions that accept Tensors, filled by `define_op`:
# (ufunc, "__call__" or "reduce") and plain functions, each with the op that answers for it.
UFUNCS: dict[tuple[np.ufunc, str], Callable] = {}
FUNCTIONS: dict[Callable, Callable] = {}


class NumPyProtocols:
    """The methods of a Tensor that NumPy calls."""

    __slots__ = ()

    _data: Any
    data: Any
    dtype: Any
    requires_grad: Any

    def _title(self) -> str:
        raise NotImplementedError

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.requires_grad:
            raise TypeError(
                f"converting {self._title()} to an array would silently drop its gradient. "
                "Use .numpy() or .detach() where that is meant, tinygrad_np.stack([...]) to "
                "collect Tensors, and np functions on the Tensor itself where it is not"
            )
        if copy is False and dtype is not None and np.dtype(dtype) != self.dtype:
            raise ValueError(f"{self._title()} can't be seen as {np.dtype(dtype)} without a copy")
        data = self.data.__array__()
        if dtype is not None:
            data = data.astype(dtype, copy=False)
        return data.copy() if copy else data

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        if out is not None:
            if any(isinstance(o, NumPyProtocols) for o in out) or any(map(_needs_grad, inputs)):
                raise TypeError(
                    f"np.{ufunc.__name__} can't write a recorded result into out=, and Tensors "
                    "are never written through: assign the result instead (for `array += t`: "
                    "array = array + t, or t.numpy() where no gradient is wanted)"
                )
            return getattr(ufunc, method)(*(_array(i) for i in inputs), **kwargs)
        op = UFUNCS.get((ufunc, method))
        if op is None:
            called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise NotImplementedError(_unsupported(f"np.{called}"))
        if method in ("reduce", "accumulate"):
            kwargs.setdefault("axis", 0)  # as NumPy has it for ufunc.reduce
        elif kwargs:
            raise TypeError(f"np.{ufunc.__name__} of a Tensor takes no {', '.join(kwargs)}=")
        return op(*inputs, **kwargs)

    def __array_function__(self, func: Callable, types: Any, args: tuple, kwargs: dict) -> Any:
        op = FUNCTIONS.get(func)
        if op is None:
            raise NotImplementedError(_unsupported(_spelled(func)))
        return op(*args, **kwargs)


def _needs_grad(value: Any) -> bool:
    return isinstance(value, NumPyProtocols) and value.requires_grad


def _array(value: Any) -> Any:
    return value._data if isinstance(value, NumPyProtocols) else value


def _spelled(function: Callable) -> str:
    """How users write a NumPy function: np.sum, np.linalg.inv."""
    module = (function.__module__ or "numpy").replace("numpy", "np", 1)
    return f"{module}.{function.__name__}"


def _unsupported(called: str) -> str:
    import difflib  # half a millisecond of import time that only this message needs

    known = {u.__name__: f"np.{u.__name__}" for u, method in UFUNCS if method == "__call__"}
    known |= {f.__name__: _spelled(f) for f in FUNCTIONS}
    near = difflib.get_close_matches(called.rpartition(".")[2], sorted(known), 1, 0.6)
    hint = f" The nearest supported one is {known[near[0]]}." if near else ""
    return (
        f"{called} is not supported on Tensors.{hint} Use .numpy() for the bare array (no "
        "gradient flows), or declare it with tinygrad_np.define_op."
    )
