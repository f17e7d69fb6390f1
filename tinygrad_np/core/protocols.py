"""The protocols of NumPy and Python: what they call when they are given a Tensor.

NumPy's ufuncs and functions work on Tensors, or say that they don't.
"""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from .exits import leave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DEFAULT_DTYPES = frozenset(np.dtype(t) for t in (float, int, bool, complex))

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

    __pandas_priority__ = 5000  # pandas leaves `series * t` to the Tensor, as NumPy does

    @property
    def _mask(self) -> Any:
        """Refuse NumPy's masked arrays, whose functions ask for this and for no __array_ufunc__."""
        if not self.requires_grad:
            raise AttributeError("a Tensor has no mask", name="")
        raise TypeError(
            f"a masked array would drop the gradient of {self._title()}: give its "
            ".filled(value), and write tinygrad_np.where(mask, t, 0) where a mask is meant"
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.requires_grad:
            raise TypeError(
                f"converting {self._title()} to an array would silently drop its gradient."
                f"{_instead(_caller())} Use .numpy() or .detach() where that is meant, "
                "tinygrad_np.stack([...]) to collect Tensors, and np functions on the Tensor "
                "itself where it is not"
            )
        if copy is False and dtype is not None and np.dtype(dtype) != self.dtype:
            raise ValueError(f"{self._title()} can't be seen as {np.dtype(dtype)} without a copy")
        data = self.data.__array__()
        if dtype is not None:
            data = data.astype(dtype, copy=False)
        return data.copy() if copy else data

    # Other libraries may write to what they are handed, read-only or not: they get copies.

    def __dlpack__(self, *, copy: bool | None = None, **options: Any) -> Any:
        if copy is False:
            raise BufferError(f"the values of {self._title()} never change: they are copied")
        return self.__array__(copy=True).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    def __bytes__(self) -> bytes:
        return self.__array__().tobytes()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        if out is not None:
            into_tensor = any(isinstance(target, NumPyProtocols) for target in out)
            if into_tensor or any(map(_needs_grad, inputs)):
                raise TypeError(
                    f"{_spelling(ufunc)} can't write a recorded result into out=, and Tensors "
                    "are never written through: assign the result instead (for `array += t`: "
                    "array = array + t, or t.numpy() where no gradient is wanted)"
                )
            if not all(target.flags.writeable for target in out if target is not None):
                raise ValueError(
                    f"{_spelling(ufunc)} can't write into this array: it is read-only, as those of "
                    "Tensors are. To change a parameter write `with tinygrad_np.no_grad(): "
                    "w -= step`, not w.data -= step, or give it other values by w.assign(values)"
                )
            return getattr(ufunc, method)(*map(_array, inputs), **kwargs)
        op = UFUNCS.get((ufunc, method))
        if op is None:
            call = "" if method == "__call__" else f".{method}"
            raise NotImplementedError(_unsupported(f"{_spelling(ufunc)}{call}"))
        if method in ("reduce", "accumulate"):
            kwargs.setdefault("axis", 0)  # as NumPy has it for ufunc.reduce
        elif kwargs and hasattr(op, "op"):
            raise TypeError(f"{_spelling(ufunc)} of a Tensor takes no {', '.join(kwargs)}=")
        return op(*inputs, **kwargs)

    def __array_function__(self, func: Callable, types: Any, args: tuple, kwargs: dict) -> Any:
        op = FUNCTIONS.get(func)
        if op is None:
            raise NotImplementedError(_unsupported(_caller() or _spelling(func)))
        if kwargs:
            names = _own_names(func, op)
            kwargs = {names.get(name, name): value for name, value in kwargs.items()}
        return op(*args, **kwargs)


class PythonProtocols:
    """The methods of a Tensor that Python calls, but for the operators."""

    __slots__ = ()

    _data: Any
    _node: Any
    data: Any
    name: Any
    ndim: Any
    dtype: Any
    requires_grad: Any

    def _title(self) -> str:
        raise NotImplementedError

    def item(self) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        parts = [np.array2string(self.data, separator=", ", prefix="Tensor(")]
        if self.dtype not in _DEFAULT_DTYPES:
            parts.append(f"dtype={self.dtype}")
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self.requires_grad:
            parts.append("requires_grad=True")
        return f"Tensor({', '.join(parts)})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d Tensor, which is one number: .item() gives it")
        return len(self._data)

    def __iter__(self: Any) -> Iterator[Any]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d Tensor")
        return self._rows()

    def _rows(self: Any) -> Iterator[Any]:
        for i in range(len(self._data)):
            yield self[i]

    def __float__(self: Any) -> float:
        if self.size != 1:
            raise ValueError(
                f"a number needs one element, and {self._title()} has {self.size}: for each of "
                "them there are NumPy's functions, such as np.exp(t) for math.exp(t)"
            )
        number = float(self.item())
        leave(self._node, number, "float(t)")
        return number

    def __int__(self) -> int:
        number = int(self.item())
        leave(self._node, number, "int(t)")
        return number

    def __complex__(self) -> complex:
        number = complex(self.item())
        leave(self._node, number, "complex(t)")
        return number

    def as_integer_ratio(self) -> Any:
        """Raise: the modules `statistics` and `fractions` ask numbers for it, and drop gradients.

        Raises:
            TypeError: always; `np.mean(t)` is a Tensor's mean, `.item()` its number.
        """
        raise TypeError(
            f"{self._title()} is no Python number: statistics and fractions would drop its "
            "gradient. Use np.mean, np.var or np.std of a Tensor, or .item() where a number is "
            "meant"
        )

    def __index__(self) -> int:
        if self.ndim or self.dtype.kind not in "iu":
            raise TypeError(f"an index or a length is one integer, not {self._title()}")
        return int(self.data.item())

    def __bool__(self) -> bool:
        if self._data.size != 1:
            search = ""
            if self.dtype.kind == "b":
                search = (
                    ". Lists compare values in `t in tensors`, index() and remove(): to look for "
                    "the Tensor itself write any(t is other for other in tensors)"
                )
            raise ValueError(
                f"the truth value of {self._title()} is ambiguous: use .any() or .all(){search}"
            )
        return bool(self._data)


def _needs_grad(value: Any) -> bool:
    return isinstance(value, NumPyProtocols) and value.requires_grad


def _array(value: Any) -> Any:
    return value._data if isinstance(value, NumPyProtocols) else value


@functools.cache
def _own_names(function: Callable, answer: Callable) -> dict[str, str]:
    """Return NumPy's names of the operands that its answer calls otherwise: a for x."""
    try:
        theirs = _operand_names(function)
    except ValueError:  # written in C, with a signature only in later NumPys
        return {}
    op = getattr(answer, "op", None)
    own = list(op.inputs[:2]) if op else _operand_names(answer)
    names = {}
    for name, other in zip(theirs, own):
        if name and other and name not in own and other not in theirs:
            names[name] = other
    return names


def _operand_names(function: Callable) -> list[str | None]:
    """Return the names of the first two parameters, None for one without: operands come first."""
    parameters = list(inspect.signature(function).parameters.values())
    return [p.name if p.kind is p.POSITIONAL_OR_KEYWORD else None for p in parameters[:2]]


def _caller() -> str:
    """Return the function of NumPy or SciPy that the user called, if it is written in Python."""
    frame: Any = sys._getframe(2)
    name = ""
    while frame is not None:
        package, _, inner = frame.f_globals.get("__name__", "").partition(".")
        if package == "scipy":
            name = f"scipy.{inner.partition('.')[0]}.{frame.f_code.co_name}"
        elif package == "numpy":
            part = inner.partition(".")[0]
            name = f"np.{part}." if part in ("linalg", "fft") else "np."
            name += frame.f_code.co_name
        elif name or package != "tinygrad_np":
            break
        frame = frame.f_back
    return name


def _spelling(function: Callable) -> str:
    """Return a function's name as users write it: np.sum, np.linalg.inv, scipy.special.expit."""
    name = function.__name__
    if isinstance(function, np.ufunc):  # which does not know its module
        special = sys.modules.get("scipy.special")
        if getattr(special, name, None) is function:
            return f"scipy.special.{name}"
        return f"np.{name}" if getattr(np, name, None) is function else name
    module = function.__module__ or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{name}"


def _unsupported(function: str) -> str:
    """Return the message for a function without an op, with what computes the same, if known."""
    return (
        f"{function} is not supported on Tensors.{_instead(function)} Use .numpy() for the bare "
        "array (no gradient flows), or declare it with tinygrad_np.define_op."
    )


def _instead(function: str) -> str:
    """Return a sentence that says what to write in the place of a function, or nothing."""
    from .counterparts import COUNTERPARTS  # read for messages alone

    text = COUNTERPARTS.get(function)
    if text is None:
        return ""
    condition, _, expression = text.rpartition(": ")
    if condition:
        return f" {condition[0].upper()}{condition[1:]}, write {expression}."
    return f" Write {expression}."
