"""Better error messages for ops: each operand with its name and line, and a fix if one fits."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import INSIDE, assigned_name, name_of, outside, short_place
from ..core.foreign_names import FUNCTIONS_ELSEWHERE, METHODS_ELSEWHERE, missing_name, remedy
from ..core.protocols import FUNCTIONS, UFUNCS
from ..core.tensor import Tensor
from ..core.tracebacks import shorten_traceback
from .numpy_messages import plain_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..core.node import Shape
    from ..core.op import Op

_MOST = 10**6  # elements to try a fix with
_LONGEST = 60  # characters of an argument in a message


def _name(value: Any) -> str | None:
    """Return the user's name for an operand: its own, or a variable that it was assigned to."""
    if isinstance(value, Tensor) and value.name:
        return value.name
    if not isinstance(value, (Tensor, np.ndarray)):
        return None
    frame = outside(sys._getframe(1))
    name = name_of(frame, lambda other: other is value)
    if name is None and isinstance(value, Tensor) and value._node is not None:
        node = value._node
        if node.op is not None and node.code is not None:
            name = assigned_name(node.code, node.lasti)
    return name


def describe(value: Any) -> str:
    """Describe a value for a message: `Tensor 'X' (300, 2) float32 made at spiral.py:31`.

    For the errors of functions and layers of your own. The name is the Tensor's, or that of the
    variable that holds it; the line is known of Tensors that were made from data and not written
    to since, and of results that need a gradient.
    """
    name = _name(value)
    title = f" {name!r}" if name else ""
    if isinstance(value, Tensor):
        place = value._node.place if value._node is not None else None
        origin = f" made at {short_place(place)}" if place else ""
        return f"Tensor{title} {value.shape} {value.dtype}{origin}"
    if isinstance(value, (np.ndarray, np.generic)):
        return f"array{title} {value.shape} {value.dtype}"
    if isinstance(value, (int, float, complex, type(None))):
        return repr(value)
    if isinstance(value, (list, tuple)):
        # Lists of unequal lengths and lists of Tensors have no shape.
        with contextlib.suppress(ValueError, TypeError):
            return f"{type(value).__name__} {np.shape(value)}"
    return type(value).__name__


def describe_call(name: str, /, **arguments: Any) -> str:
    """Describe a call for a message: `dot(x: Tensor (2, 3) float64, y: array (2,) float64)`."""
    return _call(name, {key: describe(value) for key, value in arguments.items()})


def forward_failed(
    op: Op, error: Exception, operands: Sequence[Any], params: Sequence[Any] = ()
) -> Exception:
    """Make the error for a forward that raised one: the call, its operands, a fix that fits."""
    arguments = {op.input_name(k): describe(value) for k, value in enumerate(operands)}
    for name, value in zip(op.params, params):
        if value is not op.defaults[name]:
            arguments[name] = argument_text(value)
    call = _call(op.name, arguments)
    caller = composition()
    if caller not in (None, op.name):
        call = f"{caller}: {call}"
    fix = _suggestion(op, operands) if isinstance(error, ValueError) else ""
    text = f"{call}: {plain_words(op, error, operands)}{fix}"
    for kind in (np.exceptions.AxisError, np.linalg.LinAlgError, IndexError, ZeroDivisionError):
        if isinstance(error, kind):
            return kind(text)
    return TypeError(text) if isinstance(error, TypeError) else ValueError(text)


def argument_text(value: Any) -> str:
    """Return the text of an argument that is no operand: short ones as they are written."""
    text = repr(value)
    return describe(value) if hasattr(value, "dtype") or len(text) > _LONGEST else text


def _call(name: str, arguments: dict[str, str]) -> str:
    """Return the text of a call, of the descriptions of its arguments."""
    parts = [f"{key}: {text}" for key, text in arguments.items()]
    return f"{name}({', '.join(parts)})"


def composition() -> str | None:
    """Return the name of the public function composed of ops that the user called, if any."""
    frame: Any = sys._getframe(2)
    name = None
    while frame is not None and INSIDE[frame.f_code.co_filename]:
        family = frame.f_globals
        own = frame.f_code.co_name in family.get("__all__", ())
        if own and family["__name__"].startswith(__package__):
            name = frame.f_code.co_name
        frame = frame.f_back
    return name


def _suggestion(op: Op, operands: Sequence[Any]) -> str:
    """Suggest a change to one operand with which the op would work; "" if none does.

    Each is tried on arrays of these shapes, so what is suggested does fit. If more than two would
    do, none is worth a guess.
    """
    if op.variadic or len(operands) != 2 or op.params:
        return ""
    if not all(isinstance(value, (Tensor, np.ndarray)) for value in operands):
        return ""
    fixes = list(_fixes(op, operands))
    if not 1 <= len(fixes) <= 2:
        return ""
    if len(fixes) == 1:
        only, _ = fixes[0]
        return f". Did you mean {only}?"
    choices = [f"{fix} (giving {shape})" for fix, shape in fixes]
    return f". Did you mean {', or '.join(choices)}?"


def _fixes(op: Op, operands: Sequence[Any]) -> Iterator[tuple[str, Shape]]:
    """Yield expressions for one operand that make the op work, and the shape of the result."""
    if isinstance(op.forward, np.ufunc):
        # Only equality of lengths matters: small ones, all different, do as well.
        lengths = {length for value in operands for length in value.shape if length > 1}
        small = {length: k for k, length in enumerate(sorted(lengths), 2)}
    elif max(value.size for value in operands) <= _MOST:
        small = {}
    else:
        return
    back = {k: length for length, k in small.items()}
    arrays = []
    for value in operands:
        shape = [small.get(length, length) for length in value.shape]
        arrays.append(np.ones(shape, value.dtype))
    for k in (1, 0):
        name = _name(operands[k]) or op.input_name(k)
        for text, change in _ELEMENTWISE_CHANGES if op.elementwise else _CHANGES:
            trial: list[Any] = list(arrays)
            trial[k] = change(arrays[k])
            if trial[k] is None:
                continue
            try:
                with np.errstate(all="ignore"):
                    out = op.forward(*trial)
            except (ValueError, TypeError, IndexError):
                continue
            shape = [back.get(length, length) for length in np.shape(out)]
            yield text.format(name), tuple(shape)


def _transpose(a: np.ndarray) -> np.ndarray | None:
    return a.T if a.ndim == 2 and a.shape[0] != a.shape[1] else None


def _transpose_stack(a: np.ndarray) -> np.ndarray | None:
    return a.swapaxes(-1, -2) if a.ndim > 2 and a.shape[-1] != a.shape[-2] else None


def _column(a: np.ndarray) -> np.ndarray | None:
    return a[:, None] if a.ndim == 1 and a.size > 1 else None


# As text, and as a function that returns None where the change changes nothing.
_Changes = list[tuple[str, Callable[[np.ndarray], np.ndarray | None]]]
_CHANGES: _Changes = [("{}.T", _transpose), ("{}.swapaxes(-1, -2)", _transpose_stack)]
_ELEMENTWISE_CHANGES: _Changes = [("{}.T", _transpose), ("{}[:, None]", _column)]


# --- names ----------------------------------------------------------------------------------------


def missing_function(name: str) -> Exception:
    """Make the error for a name that the package does not have, with what to write if known."""
    instead = FUNCTIONS_ELSEWHERE.get(name) or METHODS_ELSEWHERE.get(name)
    if instead is None and _answers_tensors(name):
        instead = f"np.{name}"
    if instead is None and name in getattr(sys.modules.get("nn"), "__all__", ()):
        instead = f"tinygrad_np.nn.{name}"
    return missing_name("tinygrad_np", name, instead and remedy(instead))


# What PyTorch and NumPy call parameters that ops have by another name.
_PARAMETERS = {
    "a": "x",
    "attn_mask": "mask",
    "correction": "ddof",
    "diagonal": "k",
    "dim": "axis",
    "dims": "axis",
    "input": "x",
    "is_causal": "causal",
    "keepdim": "keepdims",
    "num_classes": "classes",
    "other": "y",
}


def unknown_argument(op: Op, name: str) -> TypeError:
    """Make the error for an argument that an op does not have, with its name here if known."""
    text = _no_argument(op.name, tuple(op.defaults), name)
    if _PARAMETERS.get(name) in op.defaults:
        return TypeError(text)
    for function in op.numpy:
        answer: Any = FUNCTIONS.get(function)
        if answer is not None and name in _argument_names(answer):
            return TypeError(f"{text}, but np.{function.__name__} of a Tensor has")
    return TypeError(text)


def _no_argument(function: str, names: Sequence[str], name: str) -> str:
    """Return the text for an argument that a function does not have."""
    text = f"{function}({', '.join(names)}) has no argument {name!r}"
    own = _PARAMETERS.get(name)
    return f"{text}: it is called {own} here" if own in names else text


def composed(function: Callable) -> Callable:
    """Make the public function of one composed of ops: it reports mistakes as ops do."""
    names = _argument_names(function)
    if function.__code__.co_flags & inspect.CO_VARKEYWORDS:
        return function  # which hands on what it does not know

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            for name in kwargs:
                if name not in names:
                    raise TypeError(_no_argument(function.__name__, names, name))
            return function(*args, **kwargs)
        except Exception as error:
            shorten_traceback(error)
            raise

    return call


def _argument_names(function: Any) -> tuple[str, ...]:
    """Return the names of a Python function's parameters."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _answers_tensors(name: str) -> bool:
    """Say whether NumPy has this name, as a function of Tensors, a dtype or a number."""
    value = getattr(np, name, None)
    if isinstance(value, np.ufunc):
        return (value, "__call__") in UFUNCS
    if isinstance(value, type):
        return issubclass(value, np.generic)
    return isinstance(value, float) or (callable(value) and value in FUNCTIONS)
