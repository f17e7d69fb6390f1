"""The graph of a function on arguments of one size."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.containers import flatten, leaves
from ...core.modes import enable_grad
from ...core.tensor import Tensor
from ...ops import TABLE
from ..callers import function_name
from ..comparison import place_text
from ..errors import CompileError
from ..lowering.recording import record_undone
from ..program import program_of
from ..rows.merging import check_pure
from ..statements import Var, map_arguments
from . import (  # noqa: F401 - they fill the table
    elementwise,
    functions,
    indexing,
    networks,
    reductions,
    shapes,
)
from .calls import Call, OpTape, calls_of
from .graph import INTEGER, TRUTH, Graph, NoFormError, Value, kind_of, unused
from .registry import FORMS, NO_FORM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def graph_of(f: Callable, arrays: Sequence[np.ndarray]) -> Graph:
    """Record a function of arrays, and return the graph of what it computes.

    Raises:
        CompileError: it does more than compute from its arguments, or something that has no form;
            the message names the line.
    """
    name = function_name(f)
    with enable_grad():  # so that ops are recorded as a whole
        arguments = [Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        tape = record_undone(f, *arguments, kind=OpTape)
    program = program_of(name, tape, set(), pin=False)
    check_pure(name, program)
    given = {entry.source: entry.var for entry in program.inputs if entry.kind == "argument"}
    names = [tape.state.names[id(argument)] for argument in arguments]
    return _Translation(name, tape, dict(zip(names, arrays)), given).run()


class _Translation:
    """The nodes of a recording's calls, call by call.

    Attributes:
        values: of the graph, by those of the recording.
    """

    def __init__(
        self, name: str, tape: OpTape, arguments: dict[str, np.ndarray], given: dict[int, Var]
    ) -> None:
        self.name = name
        self.graph = Graph()
        self.values: dict[Var, Value] = {}
        self.constants: dict[tuple[Var, np.dtype], Value] = {}
        self.template = tape.template
        self.calls, self.depending = calls_of(tape, given.values(), {*FORMS, *NO_FORM})
        for position, (argument, array) in enumerate(arguments.items()):
            value = self._input(argument, array)
            if position in given:
                self.values[given[position]] = value

    def _input(self, name: str, array: np.ndarray) -> Value:
        """Add an input: of float32, or of integers in their own dtype, which are int64 inside."""
        try:
            kind = kind_of(array.dtype)
        except NoFormError as error:
            raise CompileError(f"{self.name}: {error}") from None
        if array.dtype == np.uint64:
            raise CompileError(
                f"{self.name} takes uint64, but the file would compute in int64, which can't hold "
                "the largest of these numbers. Instead: an example of int64."
            )
        outside = array.dtype if kind == INTEGER else kind
        value = Value(outside, array.shape)
        self.graph.inputs[name] = value
        return self.graph.cast(value, kind)

    def run(self) -> Graph:
        for call in self.calls:
            self._translate(call)
        self.graph.place, self.graph.call = None, "output"
        taken = set(self.graph.inputs)
        for name, leaf in _result_names(self.template):
            self.graph.outputs[unused(name, taken)] = self._result(leaf)
        return self.graph

    def _translate(self, call: Call) -> None:
        """Add the nodes of a call."""
        graph = self.graph
        graph.place, graph.call = call.place, call.name
        graph.shape = call.outs[0].shape
        add = FORMS.get(call.name)
        try:
            if add is None:
                hint = NO_FORM.get(call.name, "compute it outside of the model")
                raise NoFormError(f"it; {hint}")
            arguments = self._arguments(call)
            positional = [v for key, v in arguments.items() if isinstance(key, int)]
            named = {key: v for key, v in arguments.items() if not isinstance(key, int)}
            result = add(graph, *positional, **named)
            results = result if isinstance(result, tuple) else (result,)
            for var, value in zip(call.outs, results, strict=True):
                self.values[var] = self._finished(call, var, value)
        except NoFormError as error:
            raise CompileError(
                f"{place_text(call.place)}{self.name} uses {call.name}, and ONNX has no form "
                f"for {error}."
            ) from None
        except TypeError as error:
            raise CompileError(
                f"{place_text(call.place)}{self.name} uses {call.name} with arguments that have "
                f"no form in ONNX: {error}"
            ) from error

    def _arguments(self, call: Call) -> dict[Any, Any]:
        """Return a call's arguments with values of the graph, operands in the dtype they need."""
        arguments = dict(call.arguments)
        dtypes = self._operand_dtypes(call)
        for name, tree in arguments.items():
            stand_in = functools.partial(self._value, dtype=dtypes.get(name))
            arguments[name] = map_arguments(tree, stand_in)
        return arguments

    def _operand_dtypes(self, call: Call) -> dict[str, np.dtype]:
        """Return the dtypes in which operands are needed, by name, where these are known."""
        op = TABLE.get(call.name)
        if op is None:
            names: Sequence[str] = ("x", "weight", "bias") if call.name == "layer_norm" else ()
        elif isinstance(op.forward, np.ufunc):
            operands = [call.arguments[name] for name in op.inputs]
            return dict(zip(op.inputs, _loop_dtypes(op.forward, operands)))
        else:
            names = [name for name in op.inputs if name != "condition"]
        kind = kind_of(call.outs[0].dtype)
        if kind == INTEGER:  # of booleans too, beside integers
            names = [name for name in names if _has_truths(call.arguments[name])]
        return dict.fromkeys(names, kind) if kind != TRUTH else {}

    def _value(self, x: Any, dtype: np.dtype | None) -> Any:
        """Return what stands for an argument in the graph: a value, or a constant as it is."""
        if not isinstance(x, Var):
            is_operand = dtype is not None and isinstance(x, (np.ndarray, np.generic))
            return self.graph.cast(x, dtype) if is_operand else x
        if x not in self.depending:
            return self._constant(x, dtype)
        value = self.values[x]
        return value if dtype is None else self.graph.cast(value, dtype)

    def _constant(self, var: Var, dtype: np.dtype | None) -> Any:
        """Return the content of a constant; an operand as one value, however often it is used."""
        if dtype is None or not isinstance(var.value, np.ndarray):
            return var.value
        key = (var, dtype)
        if key not in self.constants:
            value = self.graph.value(var.value.astype(dtype))
            value.name = var.hint
            self.constants[key] = value
        return self.constants[key]

    def _finished(self, call: Call, var: Var, value: Any) -> Value:
        """Return the value of a result, in its dtype and shape."""
        kind = kind_of(var.dtype)
        value = self.graph.cast(self.graph.value(value), kind)
        op = TABLE.get(call.name)
        counts = op is not None and (op.elementwise or call.name == "astype")
        if counts and kind == INTEGER and var.dtype != kind:
            value = self.graph.cast(self.graph.cast(value, var.dtype), kind)  # it may wrap around
        value.shape = var.shape
        return value

    def _result(self, leaf: Any) -> Value:
        """Return a result of its own, that is no input, constant or other result."""
        graph = self.graph
        if not isinstance(leaf, (Var, np.ndarray, np.generic, int, float)):
            raise CompileError(
                f"{self.name} returns a {type(leaf).__name__}, and only arrays and numbers "
                "have a form in ONNX"
            )
        value = graph.value(self._value(leaf, None))
        known = (*graph.inputs.values(), *graph.outputs.values())
        if value.constant is None and value not in known:
            return value
        out = graph.Identity(value)
        out.shape = value.shape
        return out


def _loop_dtypes(ufunc: np.ufunc, operands: Sequence[Any]) -> list[np.dtype]:
    """Return the kinds of numbers in which a ufunc computes with operands of these dtypes."""
    kinds = [_dtype(x) for x in operands]
    resolved = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))
    return [kind_of(dtype) for dtype in resolved[: ufunc.nin]]


def _has_truths(operand: Any) -> bool:
    return any(np.dtype(_dtype(x)) == TRUTH for x in flatten(operand))


def _dtype(x: Any) -> Any:
    """Return the dtype of an operand; of a Python number its type, which is a weaker one."""
    if isinstance(x, Var):
        return x.dtype
    return type(x) if type(x) in (int, float) else np.asarray(x).dtype


def _result_names(template: Any) -> list[tuple[str, Any]]:
    """Return the results with names: the keys of a dict, else output, with its place of several."""
    named = []
    for path, leaf in leaves(template):
        name = "_".join(re.findall(r"\w+", path))
        name = name if name.isidentifier() else f"output_{name}".rstrip("_")
        named.append((name, leaf))
    return named
