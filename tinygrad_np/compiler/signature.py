"""Signatures, which tell calls apart, and the run of a recording on a call's arguments."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.containers import leaves, refill
from ..core.modes import is_grad_enabled
from ..core.tensor import Tensor, as_operand
from .errors import CompileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .tape import Tape


class Call(NamedTuple):
    """The call of which a program was made: its arguments, and the mode that it ran in.

    Attributes:
        tensors: for each array and Tensor among the arguments, whether it is a Tensor.
        grad_enabled: whether gradients were recorded.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: list[bool]
    grad_enabled: bool


def signature(args: Any, kwargs: Any, arrays: list[Any], tensors: list[bool]) -> Any:
    """Return a key for the arguments, and collect their arrays and Tensors in order.

    It is a pair: how the arguments are built, and the values of those that are no arrays.

    Args:
        arrays: gets the arrays and Tensors.
        tensors: gets for each of them whether it is a Tensor.
    """
    key: list[Any] = [is_grad_enabled(), len(args)]
    values: list[Any] = []
    for value in args:
        _add(value, arrays, tensors, key, values)
    for name in kwargs:
        key.append(name)
        _add(kwargs[name], arrays, tensors, key, values)
    ids = [id(array) for array in arrays]
    if len(set(ids)) < len(ids):  # which of them are the same Tensor or array
        key.append(tuple(map(ids.index, ids)))
    return tuple(key), tuple(values)


def _add(
    value: Any, arrays: list[Any], tensors: list[bool], key: list[Any], values: list[Any]
) -> None:
    """Add an argument to the key, and what it holds if it is a container."""
    if isinstance(value, (dict, list, tuple)):
        items: Any = value
        if isinstance(value, dict):
            items = value.values()
            key.append((type(value), tuple(map(_plain_key, value))))
        else:
            key.append((type(value), len(value)))
        for item in items:
            _add(item, arrays, tensors, key, values)
    elif isinstance(value, np.ndarray):
        if type(value) is not np.ndarray:
            value = _plain_array(value)
        arrays.append(value)
        tensors.append(False)
        key.append((value.shape, value.dtype, value.strides))
    elif isinstance(value, Tensor):
        arrays.append(value)
        tensors.append(True)
        key.append(_tensor_key(value))
    elif isinstance(value, np.generic):
        arrays.append(np.asarray(value))
        tensors.append(False)
        key.append(((), value.dtype))
    else:
        key.append(type(value))
        values.append(_plain_key(value))


def _plain_array(value: np.ndarray) -> np.ndarray:
    """Return an array of a subclass as the plain one that it is: no masked array, no matrix."""
    try:
        return as_operand(value)
    except TypeError as error:
        raise CompileError(str(error)) from error


def _tensor_key(value: Tensor) -> Any:
    needs = value.requires_grad
    if needs and not value.is_leaf and is_grad_enabled():
        raise CompileError(
            f"a compiled function was given {value._title()}, the result of an operation: no "
            "gradient would flow back through the program. Give it value.detach()"
        )
    has_gradient = needs and value.is_leaf and value.grad is not None
    return value.shape, value.dtype, value.data.strides, needs, has_gradient


def _plain_key(value: Any) -> Any:
    """Return a key for a value that is no array: equal keys are the same to any function."""
    kind = type(value)
    if kind is float or kind is complex:
        return kind, repr(value)  # 0.0 and -0.0 are equal, and nan is not
    if kind in (tuple, frozenset):  # what is equal may be of another type inside: 1, 1.0, True
        return kind, kind(map(_plain_key, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [getattr(value, field.name) for field in dataclasses.fields(value)]
        if kind.__hash__ not in (None, object.__hash__):  # a frozen one is compared by value
            return kind, *map(_plain_key, fields)
    try:
        hash(value)
    except TypeError:
        return kind, id(value)
    return kind, value


def check_roles(function: str, names: Mapping[int, str], arguments: list[Any]) -> None:
    """Raise if a function captures an argument too: its program could not tell them apart.

    Args:
        names: what the Tensors that it captures are called, by id.
    """
    for value in arguments:
        if isinstance(value, Tensor) and id(value) in names:
            raise CompileError(
                f"{function} was given {value._title()} as an argument and uses it as "
                f"{names[id(value)]} too: give it, or capture it, not both"
            )


class Argument(NamedTuple):
    """An array or Tensor among the arguments: what the function calls it, shape and dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype


def array_arguments(f: Callable, call: Call) -> list[Argument]:
    """List the arrays and Tensors among the arguments of a call, in the signature's order."""
    named = [*zip(_parameter_names(f, len(call.args)), call.args), *call.kwargs.items()]
    arrays = []
    for name, tree in named:
        for path, leaf in leaves(tree, name):
            if isinstance(leaf, (np.ndarray, np.generic, Tensor)):
                arrays.append(Argument(path, leaf.shape, leaf.dtype))
    return arrays


def record_call(tape: Tape, f: Callable, args: tuple, kwargs: dict) -> Any:
    """Record a call of `f` on stand-ins for the arrays among its arguments; return its result.

    Raises:
        CompileError: `f` changes a list or dict among its arguments.
    """
    positions = itertools.count()
    known: dict[int, Any] = {}  # one array that is given twice is one stand-in

    def stand_ins(tree: Any, name: str) -> Any:
        values = []
        for path, leaf in leaves(tree, name):
            if isinstance(leaf, (np.ndarray, np.generic, Tensor)):
                position = next(positions)
                if id(leaf) not in known:
                    known[id(leaf)] = tape.state.argument(leaf, position, path)
                leaf = known[id(leaf)]
            values.append(leaf)
        return refill(tree, values)

    names = _parameter_names(f, len(args))
    args = tuple(map(stand_ins, args, names))
    kwargs = {name: stand_ins(value, name) for name, value in kwargs.items()}
    before = list(leaves((args, kwargs)))
    result = tape.run(f, args, kwargs)
    after = leaves((args, kwargs))
    pairs = itertools.zip_longest(before, after, fillvalue=("", None))
    for (path, leaf), (path_now, leaf_now) in pairs:
        if path != path_now or leaf is not leaf_now:
            raise CompileError(
                f"{f.__qualname__} changes a list or dict among its arguments: the compiled "
                "function would not. Instead: return what should be kept."
            )
    return result


def _parameter_names(f: Callable, count: int) -> list[str]:
    try:
        names = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        names = []
    return [names[k] if k < len(names) else f"arg{k}" for k in range(count)]
