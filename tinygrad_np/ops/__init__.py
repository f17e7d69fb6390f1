"""The table of operations, and the operators and methods that Tensor gets from it."""

from __future__ import annotations

import builtins
import sys
from types import FunctionType
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.tensor import Tensor, needs_grad
from ..core.tracebacks import shorten_traceback, shortened
from ..core.views import check_in_place, check_item
from . import (
    activations,
    arithmetic,
    conv,
    create,
    einsums,
    elementwise,
    gamma,
    index,
    join,
    linalg,
    losses,
    matrices,
    network,
    normalization,
    numpy_arguments,  # noqa: F401 - it answers NumPy's functions, as the next one does
    numpy_names,  # noqa: F401
    order,
    pieces,
    plain,
    pooling,
    rearrange,
    reduce,
    running,
    sampling,
    scans,
    scattering,
    shape,
    sliding,
    special,
    statistics,
    ufuncs,
)
from .define import define_op
from .index import getitem, plain_index, setitem
from .mistakes import composed
from .random import default_generator, manual_seed
from .updates import At

# In the order of the reference.
FAMILIES = (
    elementwise,
    reduce,
    shape,
    index,
    linalg,
    losses,
    ufuncs,
    arithmetic,
    pieces,
    special,
    gamma,
    activations,
    scans,
    running,
    statistics,
    plain,
    einsums,
    matrices,
    rearrange,
    join,
    order,
    scattering,
    create,
    sampling,
    sliding,
    conv,
    pooling,
    network,
    normalization,
)

for family in FAMILIES:
    for name in family.__all__:
        function = getattr(family, name)
        if hasattr(function, "op"):
            function.__module__ = family.__name__
        elif isinstance(function, FunctionType):
            call = composed(function)
            setattr(family, name, call)
            setattr(sys.modules[function.__module__], name, call)  # where pickle looks for it

FUNCTIONS_BY_NAME: dict[str, Any] = {
    name: getattr(family, name) for family in FAMILIES for name in family.__all__
}
globals().update(FUNCTIONS_BY_NAME)  # their types are in the stub, __init__.pyi

# Every declared op by name: what the reference, the tests and the tools read.
TABLE: dict[str, Op] = {
    function.op.name: function.op
    for function in FUNCTIONS_BY_NAME.values()
    if hasattr(function, "op")
}

__all__ = ["TABLE", "Op", "default_generator", "define_op", "manual_seed", *FUNCTIONS_BY_NAME]


# --- operators -----------------------------------------------------------------------------------

_OPERATORS = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "floordiv": pieces.floor_divide,
    "mod": pieces.remainder,
    "pow": elementwise.power,
    "matmul": linalg.matmul,
    "and": elementwise.bitwise_and,
    "or": elementwise.bitwise_or,
    "xor": elementwise.bitwise_xor,
    "lshift": elementwise.left_shift,
    "rshift": elementwise.right_shift,
}
_COMPARISONS = {
    "lt": elementwise.less,
    "le": elementwise.less_equal,
    "gt": elementwise.greater,
    "ge": elementwise.greater_equal,
}


def _reflected(function):
    """Make the operator for a Tensor on the right-hand side."""

    def reflected(self, other):
        try:
            return function(other, self)
        except Exception as error:
            shorten_traceback(error)
            raise

    return reflected


def _in_place(function, symbol):
    """Make the operator that gives the Tensor itself the result."""

    def in_place(self, other):
        try:
            self._check_write(symbol)
            if self._data.base is not None:
                references = sys.getrefcount(self)
                check_in_place(self, symbol, references)
            return self._become(function(self, other), symbol)
        except Exception as error:
            shorten_traceback(error)
            raise

    return in_place


_COMPARABLE = (Tensor, np.ndarray, np.generic, int, float, complex, list, tuple)


def _equality(function):
    """Make `==` or `!=`, elementwise with numbers, lists and what is an array, else by identity."""

    def compare(self, other):
        if not isinstance(other, _COMPARABLE) and not hasattr(other, "__array__"):
            return NotImplemented
        return function(self, other)

    return compare


def _round(self, ndigits=0):
    return pieces.round(self, 0 if ndigits is None else ndigits)


def _read(self, key):
    try:
        return getitem(self, plain_index(key))
    except Exception as error:
        shorten_traceback(error)
        raise


def _write(self, key, value):
    try:
        self._check_write("t[...] = v")
        if self._data.base is not None:
            check_item(self)
        if needs_grad(value) and self.dtype.kind != "f":
            raise TypeError(
                f"t[...] = v would drop the gradient of {value._title()}: {self._title()} can't "
                "carry one; use t.astype(float)"
            )
        self._become(setitem(self, value, plain_index(key)), "t[...] = v")
    except Exception as error:
        shorten_traceback(error)
        raise


def _attach() -> None:
    """Give Tensor its operators and methods."""
    for name, function in _OPERATORS.items():
        text = function.op.text.replace("{x}", "t").replace("{y}", "v")
        setattr(Tensor, f"__i{name}__", _in_place(function, text.replace(" v", "= v")))
        setattr(Tensor, f"__{name}__", function)
        setattr(Tensor, f"__r{name}__", _reflected(function))
    for name, function in _COMPARISONS.items():
        setattr(Tensor, f"__{name}__", function)
    Tensor.__eq__ = _equality(elementwise.equal)  # type: ignore[method-assign, assignment]
    Tensor.__ne__ = _equality(elementwise.not_equal)  # type: ignore[method-assign, assignment]
    Tensor.__neg__ = elementwise.negative  # type: ignore[attr-defined]
    Tensor.__pos__ = ufuncs.positive  # type: ignore[attr-defined]
    Tensor.__divmod__ = pieces.divmod  # type: ignore[attr-defined]
    Tensor.__rdivmod__ = _reflected(pieces.divmod)  # type: ignore[attr-defined]
    Tensor.__round__ = _round  # type: ignore[attr-defined]
    Tensor.__abs__ = elementwise.abs  # type: ignore[attr-defined]
    Tensor.__invert__ = elementwise.invert  # type: ignore[attr-defined]
    Tensor.__getitem__ = _read  # type: ignore[attr-defined]
    Tensor.__setitem__ = _write  # type: ignore[attr-defined]
    Tensor.at = builtins.property(At)  # type: ignore[attr-defined]
    Tensor.T = builtins.property(_transposed)  # type: ignore[attr-defined]
    for name in METHODS:
        setattr(Tensor, name, FUNCTIONS_BY_NAME[name])
    Tensor.reshape = _reshape_method  # type: ignore[attr-defined]
    Tensor.transpose = _transpose_method  # type: ignore[attr-defined]


# Functions whose first argument is one array are methods too; not these.
NOT_METHODS = {
    *create.__all__,
    *sampling.__all__,
    "append",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block",
    "broadcast_arrays",
    "column_stack",
    "compress",
    "concatenate",
    "contract",
    "delete",
    "divmod",
    "dstack",
    "einsum",
    "extract",
    "getitem",
    "hstack",
    "insert",
    "meshgrid",
    "piecewise",
    "scatter",
    "scatter_max",
    "scatter_min",
    "select",
    "setitem",
    "stack",
    "trapezoid",
    "vstack",
    "where",
    "batch_norm",
    "dropout",
    "embedding",
    "layer_norm",
    "linear",
    "nll_loss",
    "one_hot",
    "scaled_dot_product_attention",
}
METHODS = tuple(name for name in FUNCTIONS_BY_NAME if name not in NOT_METHODS)


def _transposed(self):
    """The axes in reverse order."""
    return shape.transpose(self)


@shortened
def _reshape_method(self, *lengths):
    """The same elements in another shape: t.reshape(2, 3) or t.reshape((2, 3))."""
    if builtins.len(lengths) == 1 and not isinstance(lengths[0], int):
        (lengths,) = lengths
    return shape.reshape(self, lengths)


@shortened
def _transpose_method(self, *axes):
    """The axes in another order: t.transpose(), t.transpose(1, 0) or t.transpose((1, 0))."""
    if builtins.len(axes) == 1 and not isinstance(axes[0], int):
        (axes,) = axes
    return shape.transpose(self, axes or None)


_attach()
