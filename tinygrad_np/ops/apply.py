"""Calls of ops: compute, and record a node if a gradient is wanted.

Each function here makes, from an op, the function that users call. Those of elementwise ops are
short (`unary`, `binary`), since that is where a Python framework spends its time; `general` makes
all others. The node itself is made by `core.node.record`.
"""

from __future__ import annotations

import inspect
import operator
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import exits
from ..core.doors import NoArrayError, as_array, beside
from ..core.modes import recording
from ..core.node import Constant, Node, flat, part, record
from ..core.tensor import Tensor, as_operand, node_of, wrap
from ..core.tracebacks import shorten_traceback
from ..core.views import look_into
from .mistakes import forward_failed, unknown_argument
from .powers import power_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..core.op import Op

_FAILURES = (ValueError, TypeError, IndexError, ZeroDivisionError, np.linalg.LinAlgError)
_new = object.__new__
_array, _scalar = np.ndarray, np.generic
_mode = recording.get  # looked up once: asked by every op

# Python's operators do what the ufuncs do, and are ten times faster on NumPy scalars.
_OPERATORS: dict[np.ufunc, Any] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.negative: operator.neg,
    np.power: power_of,
    np.matmul: operator.matmul,
}


def _computation(op: Op) -> Callable:
    """Return the function that computes an elementwise op: an operator, or the forward."""
    forward: Any = op.forward
    if isinstance(forward, np.ufunc):
        return _OPERATORS.get(forward, forward)

    def compute(*arrays):
        out = forward(*arrays)
        if type(out) is _array or isinstance(out, _scalar):
            return out
        if isinstance(out, tuple):
            raise TypeError("an elementwise forward returns one array, not a tuple")
        return as_array(out)

    return compute


def unary(op: Op) -> Callable:
    """Make the function that calls an elementwise op of one input."""
    compute = _computation(op)
    read = op.readers[0]
    flows = read is not None

    def call(x):
        try:
            if not isinstance(x, Tensor):
                try:
                    array = as_operand(x)
                except NoArrayError as error:
                    return error.stand_in.answer(op, (x,))
                return op.forward(array)
            data = x._data
            try:
                out = compute(data)
            except _FAILURES as error:
                raise forward_failed(op, error, (x,)) from error
            result = _new(Tensor)
            node = None
            parent = x._node
            needs = flows and parent is not None and parent.needs_grad
            if needs and (mode := _mode()):
                values = (data, out)
                saved = (read(values),)
                node = record(mode, op, (parent,), saved, out, values)
            elif parent is not None and parent.has_leaf and _mode():
                node = flat(op, (parent,), out)
            elif needs and mode is not False:
                mode.watcher.unrecorded(op, (x,))
            if not isinstance(out, _scalar):  # numbers are immutable anyway
                out.setflags(False)
            result._data = out
            result._node = node
            return result
        except Exception as error:
            shorten_traceback(error)
            raise

    return call


def binary(op: Op) -> Callable:
    """Make the function that calls an elementwise op of two inputs, or `matmul`."""
    compute = _computation(op)
    x_read, y_read = op.readers
    x_flows, y_flows = x_read is not None, y_read is not None
    reads_shapes = op.reads_shapes

    def call(x, y, /):  # the op may call them otherwise
        try:
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
                raise forward_failed(op, error, (x, y)) from error
            except NoArrayError as error:
                return error.stand_in.answer(op, (x, y))
            try:
                out = compute(x_data, y_data)
            except _FAILURES as error:
                raise forward_failed(op, error, (x, y)) from error
            result = _new(Tensor)
            node = None
            if (x_needs or y_needs) and (mode := _mode()):
                if x_node is None:
                    x_node, x_data = _constant(x, x_data, 0 in op.read_inputs)
                if y_node is None:
                    y_node, y_data = _constant(y, y_data, 1 in op.read_inputs)
                values: tuple = (x_data, y_data, out)
                if reads_shapes:
                    values += (x_data.shape, y_data.shape)
                saved = (x_read(values) if x_needs else None, y_read(values) if y_needs else None)
                node = record(mode, op, (x_node, y_node), saved, out, values)
            elif (x_node is not None or y_node is not None) and _mode():
                node = flat(op, (x_node, y_node), out)
            elif (x_needs or y_needs) and mode is not False:
                mode.watcher.unrecorded(op, (x, y))
            if not isinstance(out, _scalar):  # numbers are immutable anyway
                out.setflags(False)
            result._data = out
            result._node = node
            return result
        except Exception as error:
            shorten_traceback(error)
            raise

    return call


def _constant(value: Any, data: Any, read: bool) -> tuple[Any, Any]:
    """Return the node of an input that needs no gradient, and its data, safe from changes."""
    if isinstance(value, Tensor):
        return node_of(value), data
    if hasattr(data, "shape"):
        if exits.arrays and isinstance(value, np.ndarray):
            exits.check_array(value)
        if read and (data is value or data.base is not None):
            data = data.copy()  # the caller's own array: it may be written to before backward
        return Constant(data.shape, data.dtype), data
    return data, data  # a number (or None) stands for itself


def general(op: Op) -> Callable:
    """Make the function that calls any op: with parameters, several outputs or a sequence."""
    forward = op.forward
    n = len(op.inputs)
    positional, variadic, kept = op.positional, op.variadic, len(op.keeps)
    defaults = tuple(op.defaults.values())
    required = sum(value is inspect.Parameter.empty for value in defaults)
    is_plain = _IMMUTABLE.issuperset(map(type, defaults[n:]))
    split = positional - n  # so many parameters go to forward by position, the rest by name
    names = op.params[split:]

    def call(*args, **kwargs):
        try:
            given = len(args)
            if kwargs or not required <= given <= positional:
                args = _bind(op, defaults, args, kwargs)
                given = len(args)
            else:
                args += defaults[given:]
            params = args[n:]
            if (given > n or not is_plain) and not _IMMUTABLE.issuperset(map(type, params)):
                params = tuple(map(_freeze, params, repeat(op)))
            operands = args[:n] if not variadic else _sequence(op, args[0])
            recorded = tensors = bare = False
            arrays: list[Any] = []
            nodes: list[Any] = []
            try:
                for value in operands:
                    node = None
                    if isinstance(value, Tensor):
                        tensors = True
                        node = value._node
                        recorded = recorded or (node is not None and node.has_leaf)
                        arrays.append(value._data)
                    else:
                        bare = bare or isinstance(value, _array)
                        absent = value is None and not variadic and defaults[len(arrays)] is None
                        arrays.append(None if absent else as_operand(value))
                    nodes.append(node)
            except (TypeError, ValueError) as error:
                raise forward_failed(op, error, operands) from error
            except NoArrayError as error:
                return error.stand_in.answer(op, args)
            if bare:
                arrays = beside(arrays, params)

            inputs = (arrays,) if variadic else arrays
            try:
                if names:
                    by_name = dict(zip(names, params[split:]))
                    outs = forward(*inputs, *params[:split], **by_name)
                else:
                    outs = forward(*inputs, *params)
            except _FAILURES as error:
                raise forward_failed(op, error, operands, params) from error
            hidden = ()
            if kept:
                _check_hidden(op, outs)
                hidden = outs[-kept:]
                outs = outs[0] if len(outs) == kept + 1 else outs[:-kept]
            if type(outs) is not _array and not isinstance(outs, _scalar):
                outs = _as_arrays(op, outs, operands)
            if not tensors:
                return outs

            if bare:
                for value in operands:
                    if isinstance(value, np.ndarray):
                        outs = unshare(outs, value)
            node = None
            if recorded and (mode := _mode()):
                saved = _saved(op, operands, nodes, arrays, outs, params, hidden)
                if saved:
                    node = record(mode, op, tuple(nodes), saved, outs, arrays, params)
                elif not isinstance(outs, tuple):
                    node = flat(op, nodes, outs)
            elif recorded and mode is not False:
                mode.watcher.unrecorded(op, tuple(operands))
            if isinstance(outs, tuple):
                parts = (node and part(node, k, outs) for k in range(len(outs)))
                results = tuple(map(wrap, outs, parts))
                for result in results:
                    look_into(result, operands)
                return results
            result = wrap(outs, node)
            if outs.base is not None:
                look_into(result, operands)
            return result
        except Exception as error:
            shorten_traceback(error)
            raise

    return call


def _as_arrays(op: Op, outs: Any, operands: Sequence) -> Any:
    """Return what a forward gave as an array, or a tuple of arrays."""
    try:
        return tuple(map(as_array, outs)) if isinstance(outs, tuple) else as_array(outs)
    except (TypeError, ValueError) as error:
        raise forward_failed(op, error, operands) from error


_IMMUTABLE = frozenset({int, float, bool, str, slice, type(None), type(...)})


def _freeze(value: Any, op: Op) -> Any:
    """Return a parameter of an op that nobody can write to later: arrays and lists copied."""
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise TypeError(
                f"{op.name}: no gradient flows to a parameter ({', '.join(op.params)}), but "
                f"{value._title()} was given as one: use .detach() where that is meant, or declare "
                "it as an input with a rule"
            )
        return value.data
    if isinstance(value, np.ndarray):
        # In a recording for `compile`, positions may change; which size a mask gives may not.
        is_mask = type(value) is np.ndarray and value.dtype.kind == "b"
        return value.copy() if is_mask else as_array(value, None, copy=True)
    if isinstance(value, (list, tuple)):
        return type(value)(map(_freeze, value, repeat(op)))
    return value


def _check_hidden(op: Op, outs: Any) -> None:
    """Raise unless a forward gave a result and the hidden outputs."""
    if not isinstance(outs, tuple) or len(outs) <= len(op.keeps):
        names = ", ".join(op.keeps)
        raise TypeError(f"{op.name}: forward must return its result and then {names}")


def _saved(
    op: Op,
    operands: Sequence,
    nodes: list,
    arrays: list,
    outs: Any,
    params: tuple,
    hidden: tuple,
) -> tuple:
    """Return what the rules of a call will read; () for nothing.

    Inputs that have no node get one in `nodes`.
    """
    if not isinstance(outs, tuple) and outs.dtype.kind not in "fc":
        return ()  # integers and booleans have no gradient
    variadic = op.variadic
    if None in nodes:
        for k, node in enumerate(nodes):
            if node is None:
                is_read = variadic or k in op.read_inputs
                nodes[k], arrays[k] = _constant(operands[k], arrays[k], is_read)
    values = (tuple(arrays),) if variadic else tuple(arrays)
    values += (outs, *params, *hidden)
    if op.reads_shapes:
        shapes = tuple(map(np.shape, arrays))
        values += (shapes,) if variadic else shapes
    elif variadic:
        values += (None,)
    saved: list[Any] = []
    wanted = False
    readers = op.readers if not variadic else repeat(op.readers[0])
    for node, read in zip(nodes, readers):
        reads = None
        if read is not None and isinstance(node, Node) and node.needs_grad:
            reads = read((*values, len(saved)) if variadic else values)
            wanted = True
        saved.append(reads)
    if not wanted:
        return ()
    if hidden:
        saved.append(values)
    return tuple(saved)


def _bind(op: Op, defaults: tuple, args: tuple, kwargs: dict) -> tuple:
    """Put the arguments in the order of the op's inputs and parameters, defaults filled in."""
    names = (*op.inputs, *op.params)
    call = f"{op.name}({', '.join(names)})"
    if len(args) > op.positional:
        raise TypeError(f"{call} takes {op.positional} positional arguments")
    values = [*args, *defaults[len(args) :]]
    for key, value in kwargs.items():
        if key not in names:
            raise unknown_argument(op, key)
        position = names.index(key)
        if position < len(args):
            raise TypeError(f"{op.name}: {key!r} was given twice")
        values[position] = value
    missing = [name for name, v in zip(names, values) if v is inspect.Parameter.empty]
    if missing:
        raise TypeError(f"{call} needs {', '.join(missing)}")
    return tuple(values)


def _sequence(op: Op, values: Any) -> tuple:
    """Return the operands of a variadic op, at least one."""
    try:
        operands = tuple(values)
    except TypeError:
        operands = ()
    if not operands:
        raise ValueError(f"{op.name} needs a sequence of at least one array, not {values!r}")
    return operands


def unshare(outs: Any, array: np.ndarray) -> Any:
    """Copy those outputs that share memory with the caller's own `array`."""
    if isinstance(outs, tuple):
        return tuple(unshare(out, array) for out in outs)
    return outs.copy() if np.may_share_memory(outs, array) else outs
