"""Calls of NumPy's functions in a recording: which of them compute, which write, which only ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .statements import vars_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from .standins import StandIn

# Functions that only ask for shapes and dtypes: answered at once, they leave no trace.
_QUERIES = {
    np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.can_cast,
    np.common_type, np.min_scalar_type, np.may_share_memory, np.shares_memory, np.einsum_path,
}  # fmt: skip
_SELECTIONS = {
    np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.extract, np.compress, np.trim_zeros,
    np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, np.unique_all, np.unique_counts,
    np.unique_inverse, np.unique_values,
}  # fmt: skip
_PRINTERS = {np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez}

# Functions that write into an array, and what they call it: it comes first.
_WRITERS: dict[Callable, str] = {
    np.copyto: "dst",
    np.fill_diagonal: "a",
    np.place: "arr",
    np.put: "a",
    np.put_along_axis: "arr",
    np.putmask: "a",
}

# Functions and methods whose results may have another shape for other values of an operand that
# is not the first one, or of any.
_SHAPED_BY_ARGUMENTS = frozenset({
    "array_split", "broadcast_to", "delete", "dsplit", "histogram", "hsplit", "insert", "linspace",
    "pad", "repeat", "reshape", "resize", "split", "tile", "vsplit",
})  # fmt: skip
_SHAPED_BY_VALUES = frozenset({"bincount", "histogram_bin_edges"})


def answer(stand_in: StandIn, function: Any, args: tuple, kwargs: dict) -> Any:
    """Do what a call of a NumPy function with a stand-in among its arguments asks for."""
    tape = stand_in.tape
    if function in _QUERIES:
        return function(*tape.values(args), **tape.values(kwargs))
    if function in _PRINTERS:
        tape.printable(stand_in)
        return function(*tape.values(args), **tape.values(kwargs))
    positions = function is np.where and len(args) + len(kwargs) == 1
    if function in _SELECTIONS or positions:
        tape.refuse_size(f"np.{function.__name__}")
    if function in _WRITERS:
        into = args[0] if args else kwargs.get(_WRITERS[function])
        tape.write("function", function, args, kwargs, into)
        return None
    out = kwargs.get("out")
    if out is not None:
        return tape.write("function", function, args, kwargs, out)
    return tape.call("function", function, args, kwargs)


def is_sized_by_values(kind: str, target: Any, args: tuple, kwargs: dict) -> bool:
    """Say whether other values of the operands may give a result of another shape.

    Args:
        args, kwargs: with `Var`s for the values of the program.
    """
    if kind == "getitem":
        index = args[1] if isinstance(args[1], tuple) else (args[1],)
        parts = [part for part in index if isinstance(part, slice)]
        masks = [var for var in vars_in(args[1]) if var.dtype == bool]
        return bool(masks or vars_in(parts))
    name = target if kind == "method" else getattr(target, "__name__", "")
    if kind not in ("function", "method"):
        return False
    if name in _SHAPED_BY_VALUES:
        return True
    operands = vars_in((args[1:], kwargs)) if name in _SHAPED_BY_ARGUMENTS else []
    return any(var.constant is None for var in operands)
