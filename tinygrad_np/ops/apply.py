"""What happens when an op is called: compute, and record a node if a gradient is wanted.

Elementwise ops take the short way (`unary`, `binary`): this is where a Python framework spends
its time. All others take the general one.
"""

from __future__ import annotations

import inspect
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import rebuild
from ..core.doors import as_array, beside
from ..core.modes import recording
from ..core.node import Constant, Node, part, record
from ..core.tensor import Tensor, as_operand, node_of, wrap
from .mistakes import failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..core.op import Op

__all__ = ["binary", "general", "unary"]

_FAILURES = (ValueError, TypeError, IndexError, ZeroDivisionError, np.linalg.LinAlgError)
_new = object.__new__
_scalar = np.generic
_mode = recording.get  # looked up once: asked by every op

# Python's operators do what the ufuncs do, and are ten times faster on NumPy scalars.
_OPERATORS: dict[np.ufunc, Any] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.negative: operator.neg,
    np.power: operator.pow,
    np.matmul: operator.matmul,
}


def _runner(op: Op) -> Callable:
    """What computes an elementwise op: an operator, the ufunc, or the function, checked."""
    forward: Any = op.forward
    if isinstance(forward, np.ufunc):
        return _OPERATORS.get(forward, forward)

    def run(*arrays):
        out = forward(*arrays)
        if isinstance(out, (np.ndarray, np.generic)):
            return out
        if isinstance(out, tuple):
            raise TypeError("an elementwise forward returns one array, not a tuple")
        return as_array(out, None)

    return run


def unary(op: Op) -> Callable:
    run = _runner(op)
    differentiable = op.rules[0] is not None
    read = op.readers[0]

    def call(x):
        if not isinstance(x, Tensor):
            return op.forward(as_operand(x))
        data = x._data
        try:
            out = run(data)
        except _FAILURES as error:
            raise failed(op, error, (x,)) from error
        parent = x._node
        result = _new(Tensor)
        if differentiable and parent is not None and parent.needs_grad and (mode := _mode()):
            values = (data, out)
            result._node = record(mode, op, (parent,), (read(values),), out, values)
        else:
            result._node = None
        if not isinstance(out, _scalar):
            out.setflags(False)
        result._data = out
        return result

    return call


def binary(op: Op) -> Callable:
    run = _runner(op)
    x_rule, y_rule = op.rules
    x_read, y_read = op.readers
    x_flows, y_flows = x_rule is not None, y_rule is not None
    reads_shapes = op.reads_shapes

    def call(x, y):
        try:
            if isinstance(x, Tensor):
                x_data, x_node = x._data, x._node
                x_needs = x_flows and x_node is not None and x_node.needs_grad
            else:
                x_data, x_node, x_needs = as_operand(x), None, False
            if isinstance(y, Tensor):
                y_data, y_node = y._data, y._node
                y_needs = y_flows and y_node is not None and y_node.needs_grad
            else:
                y_data, y_node, y_needs = as_operand(y), None, False
                if not isinstance(x, Tensor):
                    return op.forward(x_data, y_data)
        except (TypeError, ValueError) as error:
            raise failed(op, error, (x, y)) from error
        try:
            out = run(x_data, y_data)
        except _FAILURES as error:
            raise failed(op, error, (x, y)) from error
        result = _new(Tensor)
        if (x_needs or y_needs) and (mode := _mode()):
            if x_node is None:
                x_node, x_data = _constant(x, x_data, 0 in op.read_inputs)
            if y_node is None:
                y_node, y_data = _constant(y, y_data, 1 in op.read_inputs)
            values: tuple = (x_data, y_data, out)
            if reads_shapes:
                values += (x_data.shape, y_data.shape)
            saved = (x_read(values) if x_needs else None, y_read(values) if y_needs else None)
            result._node = record(mode, op, (x_node, y_node), saved, out, values)
        else:
            result._node = None
        if not isinstance(out, _scalar):
            out.setflags(False)
        result._data = out
        return result

    return call


def _constant(value: Any, data: Any, read: bool) -> tuple[Any, Any]:
    """The node of an input that needs no gradient, and its data, safe from later changes."""
    if isinstance(value, Tensor):
        return node_of(value), data
    if hasattr(data, "shape"):
        if read and (data is value or data.base is not None):
            data = data.copy()  # the caller's own array: it may be written to before backward
        return Constant(data.shape, data.dtype), data
    return data, data  # a number (or None) stands for itself


def general(op: Op) -> Callable:
    forward = op.forward
    n = len(op.inputs)
    defaults = tuple(op.defaults.values())
    required = sum(value is inspect.Parameter.empty for value in defaults)
    keyword_only = op.params[op.positional - n :]
    end = len(defaults) - len(keyword_only)  # of what forward takes by position

    def call(*args, **kwargs):
        if kwargs or not required <= len(args) <= op.positional:
            args = _bind(op, defaults, args, kwargs)
        else:
            args += defaults[len(args) :]
        for value in args[n:]:
            if type(value) not in _ATOMS:
                args = args[:n] + tuple(map(_frozen, args[n:]))
                break
        operands = args[:n] if not op.variadic else _sequence(op, args[0])
        recorded = tensors = bare = False
        arrays = []
        try:
            for value in operands:
                if isinstance(value, Tensor):
                    tensors = True
                    recorded = recorded or (value._node is not None and value._node.needs_grad)
                    arrays.append(value._data)
                else:
                    bare = bare or isinstance(value, np.ndarray)
                    absent = value is None and not op.variadic and defaults[len(arrays)] is None
                    arrays.append(None if absent else as_operand(value))
        except (TypeError, ValueError) as error:
            raise failed(op, error, operands) from error
        if bare:
            arrays = beside(arrays, args[n:])
        given = (arrays, *args[1:end]) if op.variadic else (*arrays, *args[n:end])
        try:
            if keyword_only:
                outs = forward(*given, **dict(zip(keyword_only, args[end:])))
            else:
                outs = forward(*given)
        except _FAILURES as error:
            raise failed(op, error, operands) from error
        hidden = ()
        if op.keeps:
            if not isinstance(outs, tuple) or len(outs) <= len(op.keeps):
                raise TypeError(
                    f"{op.name}: forward must return its result and then {', '.join(op.keeps)}"
                )
            outs, hidden = outs[: -len(op.keeps)], outs[-len(op.keeps) :]
            if len(outs) == 1:
                outs = outs[0]
        if not isinstance(outs, (np.ndarray, np.generic, tuple)):
            outs = as_array(outs, None)
        if not tensors:
            return outs
        if bare:
            for value in operands:
                if isinstance(value, np.ndarray):
                    outs = _apart(outs, value)
        node = None
        if recorded and (mode := _mode()):
            parents, saved = _kept(op, operands, arrays, outs, args[n:], hidden)
            if saved:
                node = record(mode, op, parents, saved, outs, arrays, args[n:])
        if isinstance(outs, tuple):
            parts = (node and part(node, k, outs) for k in range(len(outs)))
            return tuple(map(wrap, outs, parts))
        return wrap(outs, node)

    return call


_ATOMS = frozenset({int, float, bool, str, slice, type(None), type(...)})


def _frozen(value: Any) -> Any:
    """A parameter of an op that nobody can write to later: arrays and lists copied."""
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise TypeError(
                f"no gradient flows to a parameter of an op, but {value._title()} was given as "
                "one: use .detach() where that is meant, or declare it as an input with a rule"
            )
        return value.data
    if isinstance(value, np.ndarray):
        # In a recording for `compile`, positions may change; which size a mask gives may not.
        return value.copy() if value.dtype.kind == "b" else as_array(value, None, copy=True)
    if isinstance(value, (list, tuple)):
        return rebuild(value, _frozen)
    return value


def _kept(
    op: Op, operands: Sequence, arrays: list, outs: Any, params: tuple, hidden: tuple
) -> tuple[tuple, tuple]:
    """The nodes of the inputs of a general op, and what its rules will read; () for nothing."""
    if not isinstance(outs, tuple) and outs.dtype.kind not in "fc":
        return (), ()  # integers and booleans have no gradient
    parents: list[Any] = []
    for k, value in enumerate(operands):
        parent = value._node if isinstance(value, Tensor) else None
        if parent is None:
            parent, arrays[k] = _constant(value, arrays[k], op.variadic or k in op.read_inputs)
        parents.append(parent)
    values = (tuple(arrays),) if op.variadic else tuple(arrays)
    values += (outs, *params, *hidden)
    if op.reads_shapes:
        shapes = tuple(np.shape(a) for a in arrays)
        values += (shapes,) if op.variadic else shapes
    elif op.variadic:
        values += (None,)
    saved: list[Any] = []
    for k, parent in enumerate(parents):
        wanted = isinstance(parent, Node) and parent.needs_grad
        if op.variadic:
            saved.append(op.readers[0]((*values, k)) if wanted else None)
        else:
            wanted = wanted and op.rules[k] is not None
            saved.append(op.readers[k](values) if wanted else None)
    if all(reads is None for reads in saved):
        return (), ()
    if op.keeps:
        saved.append(values)
    return tuple(parents), tuple(saved)


def _bind(op: Op, defaults: tuple, args: tuple, kwargs: dict) -> tuple:
    """The arguments in the order of the op's inputs and parameters, defaults filled in."""
    names = (*op.inputs, *op.params)
    if len(args) > op.positional:
        raise TypeError(f"{op.name}({', '.join(names)}) takes {op.positional} positional arguments")
    values = [*args, *defaults[len(args) :]]
    for key, value in kwargs.items():
        if key not in names:
            raise TypeError(f"{op.name}({', '.join(names)}) has no argument {key!r}")
        position = names.index(key)
        if position < len(args):
            raise TypeError(f"{op.name}: {key!r} was given twice")
        values[position] = value
    missing = [n for n, v in zip(names, values) if v is inspect.Parameter.empty]
    if missing:
        raise TypeError(f"{op.name}({', '.join(names)}) needs {', '.join(missing)}")
    return tuple(values)


def _sequence(op: Op, values: Any) -> tuple:
    try:
        operands = tuple(values)
    except TypeError:
        operands = ()
    if not operands:
        raise ValueError(f"{op.name} needs a sequence of at least one array, not {values!r}")
    return operands


def _apart(outs: Any, array: np.ndarray) -> Any:
    """`outs`, copied where it shares memory with the caller's own `array`."""
    if isinstance(outs, tuple):
        return tuple(_apart(o, array) for o in outs)
    return outs.copy() if np.may_share_memory(outs, array) else outs
