"""The arguments of a compiled function: what tells calls apart, and stand-ins for a recording."""

from __future__ import annotations

import inspect
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import leaves, refill
from ..core.modes import is_grad_enabled
from ..core.tensor import Tensor
from .errors import CompileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .tape import Tape

__all__ = ["recorded", "signature"]


def signature(args: Any, kwargs: Any, arrays: list[Any], tensors: list[bool]) -> Any:
    """A key for the arguments; arrays and Tensors among them are collected in order."""
    key: list[Any] = [is_grad_enabled(), len(args)]
    for value in args:
        _nested(value, arrays, tensors, key)
    for name in kwargs:
        key.append(name)
        _nested(kwargs[name], arrays, tensors, key)
    ids = [id(array) for array in arrays]
    if len(set(ids)) < len(ids):  # which of them are the same Tensor or array
        key.append(tuple(map(ids.index, ids)))
    return tuple(key)


def _tensor(value: Tensor, arrays: list[Any], tensors: list[bool], key: list[Any]) -> None:
    needs = value.requires_grad
    if needs and not value.is_leaf and is_grad_enabled():
        raise CompileError(
            f"a compiled function was given {value._title()}, the result of an operation: no "
            "gradient would flow back through the program. Give it value.detach()"
        )
    arrays.append(value)
    tensors.append(True)
    has_gradient = needs and value.is_leaf and value.grad is not None
    key.append((value.shape, value.dtype, value.data.strides, needs, has_gradient))


def _nested(value: Any, arrays: list[Any], tensors: list[bool], key: list[Any]) -> None:
    if isinstance(value, (dict, list, tuple)):
        key.append((type(value), tuple(value) if isinstance(value, dict) else len(value)))
        for item in value.values() if isinstance(value, dict) else value:
            _nested(item, arrays, tensors, key)
    elif isinstance(value, np.ndarray):
        arrays.append(value)
        tensors.append(False)
        key.append((value.shape, value.dtype, value.strides))
    elif isinstance(value, Tensor):
        _tensor(value, arrays, tensors, key)
    elif isinstance(value, np.generic):
        arrays.append(np.asarray(value))
        tensors.append(False)
        key.append(((), value.dtype))
    else:
        try:
            hash(value)
        except TypeError:
            key.append((type(value), id(value)))
        else:
            # 0.0 and -0.0 are equal, and nan is not: floats are told apart by their text.
            key.append((type(value), repr(value) if isinstance(value, float) else value))


def recorded(tape: Tape, f: Callable, args: tuple, kwargs: dict) -> Any:
    """Record f on stand-ins for the arrays among its arguments."""
    count = 0

    def stand_in(tree: Any, name: str) -> Any:
        nonlocal count
        values = []
        for path, leaf in leaves(tree, name):
            if isinstance(leaf, (np.ndarray, np.generic, Tensor)):
                values.append(tape.state.argument(leaf, count, path))
                count += 1
            else:
                values.append(leaf)
        return refill(tree, values)

    words = _parameter_names(f, len(args))
    given = tuple(stand_in(a, word) for a, word in zip(args, words))
    named = {key: stand_in(value, key) for key, value in kwargs.items()}
    before = list(leaves((given, named)))
    result = tape.run(f, given, named)
    after = leaves((given, named))
    for (path, one), (other, now) in itertools.zip_longest(before, after, fillvalue=("", None)):
        if path != other or one is not now:
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
