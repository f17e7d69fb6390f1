"""Calls of a recording: the ops that a function called, and NumPy's functions between them.

The tape takes down every NumPy call, inside of ops too. Where an op was recorded as a whole (it led
from something that wants a gradient) the op stands for its statements; elsewhere these stand for
themselves, each as the op that answers for that function of NumPy.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ops import TABLE, normalization
from ..comparison import place_text
from ..errors import CompileError
from ..lowering.recording import StepTape
from ..standins import StandIn
from ..statements import Var, map_arguments, vars_in

if TYPE_CHECKING:
    from collections.abc import Collection

    from ...core.op import Op
    from ..statements import Statement


@dataclass(eq=False)
class Call:
    """A call that the result depends on.

    Attributes:
        name: of the op, or of NumPy's function.
        arguments: by name of the op's inputs and parameters; `Var`s in the place of arrays.
        outs: the values that it makes.
        place: file and line of the user's code.
    """

    name: str
    arguments: dict[Any, Any]
    outs: tuple[Var, ...]
    place: tuple[str, int] | None

    def reads(self) -> list[Var]:
        """List the values among the arguments."""
        return vars_in(self.arguments)


class OpTape(StepTape):
    """A tape that keeps which ops were called.

    Attributes:
        ops: each call, behind the number of statements that were there after it.
    """

    def __init__(self, names: dict[int, str]) -> None:
        super().__init__(names)
        self.ops: list[tuple[int, Call]] = []

    def made(
        self, node: Any, value: Any, operands: tuple[Any, ...], params: tuple[Any, ...] = ()
    ) -> None:
        super().made(node, value, operands, params)
        op = node.op
        if not _is_of_the_library(op):
            return
        outs = map_arguments(value, _symbol)
        inputs = [operands] if op.variadic else operands
        arguments = dict(zip((*op.inputs, *op.params), (*inputs, *params)))
        call = Call(op.name, map_arguments(arguments, _symbol), outs, node.place)
        call.outs = outs if isinstance(outs, tuple) else (outs,)
        self.ops.append((len(self.statements), call))


def _is_of_the_library(op: Op) -> bool:
    """Say whether an op is known by its name: users may give theirs any."""
    return (
        TABLE.get(op.name) is op or getattr(op.forward, "__module__", "") == normalization.__name__
    )


def _symbol(leaf: Any) -> Any:
    return leaf.symbol if issubclass(type(leaf), StandIn) else leaf


def calls_of(
    tape: OpTape, inputs: Collection[Var], known: Collection[str]
) -> tuple[list[Call], set[Var]]:
    """List the calls that the results of a recording depend on, in order.

    Args:
        inputs: what the function was given.
        known: names of calls that are taken as a whole; an op without one is its statements.

    Returns:
        The calls, and all values that depend on the inputs: others are constants.

    Raises:
        CompileError: a statement that is no call of the table; the message names the line.
    """
    depending = _depending(tape, inputs)
    makers: list[tuple[int, int, Any]] = []
    makers += [(order, 1, call) for order, call in tape.ops if call.name in known]
    makers += [(order, 0, statement) for order, statement in enumerate(tape.statements, start=1)]
    makers.sort(key=lambda entry: entry[:2])
    needed = depending.intersection(vars_in(tape.template))
    calls = []
    for _, _, maker in reversed(makers):
        made = maker.outs
        if not isinstance(maker, Call) and maker.writes is not None:
            made = (maker.writes,)
            _check_write(maker, needed)
        if needed.isdisjoint(made):
            continue
        call = maker if isinstance(maker, Call) else _call_of(maker)
        needed.difference_update(made)
        needed.update(depending.intersection(call.reads()))
        calls.append(call)
    return calls[::-1], depending


def _check_write(statement: Statement, needed: Collection[Var]) -> None:
    """Raise unless a write changes one value as a whole that is needed, and no view of it."""
    target = statement.writes
    assert target is not None
    part = any(var is not target and var.root is target.root for var in needed)
    if statement.kind == "ufunc" and target in needed:
        shapes = [np.shape(x.value if isinstance(x, Var) else x) for x in statement.args]
        part = part or np.broadcast_shapes(*shapes) != target.shape
    if part:
        raise CompileError(
            f"{place_text(statement.place)}a part of an array is written to in place, which has no "
            "form in ONNX. Instead: compute a new one, as by tinygrad_np.where or concatenate."
        )


def _depending(tape: OpTape, inputs: Collection[Var]) -> set[Var]:
    """Return the values that depend on the inputs, or are written to: others are constants."""
    depending = set(inputs)
    depending |= {s.writes.root for s in tape.statements if s.writes is not None}
    for statement in tape.statements:
        if statement.kind == "guard" and not statement.method:
            _check_guard(statement, depending)
        looks_at_shape = statement.target in _OF_SHAPES
        if not looks_at_shape and any(var.root in depending for var in statement.reads()):
            depending.update(statement.outs)
    return depending


def _check_guard(statement: Statement, depending: set[Var]) -> None:
    """Raise if a number was read from a value: the file would hold it fast.

    A truth is a check of values, or a choice between ways to the same numbers.
    """
    value, expected = statement.args
    if value in depending and not isinstance(expected, bool):
        raise CompileError(
            f"{place_text(statement.place)}a number is read from a value that is computed from the "
            "inputs, and decides on the size of others: the file would hold that of the example. "
            "Instead: give a number."
        )


# --- statements as calls --------------------------------------------------------------------------

# The op that answers for a ufunc, or for a method of one.
_BY_UFUNC = {(op.forward, ""): op for op in TABLE.values()}
_BY_UFUNC |= {
    function: op for op in TABLE.values() for function in op.numpy if isinstance(function, tuple)
}
_BY_METHOD = {"reduce": {"axis": 0}, "accumulate": {"axis": 0}}  # NumPy's defaults


def _call_of(statement: Statement) -> Call:
    """Return a statement as the call of an op, or of NumPy's function if no op answers for it.

    Of the latter, arguments by position have integers for names.
    """
    name, args, outs = statement.target, statement.args, statement.outs
    named = {key: value for key, value in statement.kwargs.items() if key not in _OF_MEMORY}
    if statement.writes is not None:
        outs = (statement.writes,)
    op = None
    if statement.kind == "ufunc":
        op = _BY_UFUNC.get((name, statement.method))
        named = _BY_METHOD.get(statement.method, {}) | named
        name = f"{name.__name__}.{statement.method}".rstrip(".")
    elif statement.kind == "setitem":
        op, args = TABLE["setitem"], (args[0], args[2], args[1])
    elif statement.kind == "method":
        op = TABLE.get(name)
        if name in ("reshape", "transpose") and len(args) != 2:
            args = (args[0], args[1:] or None)
    else:
        name = getattr(name, "__name__", name)
        op = TABLE.get(_OPERATORS.get(name, name))
    if op is None:
        by_place: dict[Any, Any] = dict(enumerate(args))
        return Call(f"np.{name}", {**by_place, **named}, outs, statement.place)
    names = (*op.inputs, *op.params)
    defaults = {key: value for key, value in op.defaults.items() if value is not _REQUIRED}
    arguments = {**defaults, **dict(zip(names, args)), **named}
    unknown = [key for key, value in named.items() if key not in names and value is not None]
    if unknown:
        raise CompileError(
            f"{place_text(statement.place)}np.{name} with {unknown[0]}= has no form in ONNX. "
            "Instead: leave it out, and cast by astype."
        )
    return Call(op.name, {key: arguments[key] for key in names}, outs, statement.place)


_OF_MEMORY = ("copy", "order", "out")  # arguments that change no number
_OF_SHAPES = (np.empty_like, np.ones_like, np.zeros_like)
_REQUIRED = inspect.Parameter.empty
_OPERATORS = {"pow": "power"}  # Python's operator between numbers of NumPy
