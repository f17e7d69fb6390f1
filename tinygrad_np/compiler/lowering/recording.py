"""The recording of a training step: its program, and where in it the values of the graph are.

The step runs twice, as in the first two calls of a compiled function, and what it did is undone.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.node import Node
from ...core.tensor import Tensor
from ..callers import function_name
from ..comparison import Unlike, compare_recordings, place_text
from ..compiled import Compiled
from ..errors import CompileError, comes_of_recording, report_of
from ..program import program_of
from ..signature import record_call
from ..standins import StandIn
from ..state import State
from ..statements import Var
from ..surroundings import Surroundings
from ..tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..callers import Origins
    from ..program import Program


@dataclass(eq=False)
class StepRecording:
    """One training step, taken down.

    Attributes:
        program: all that it computes, without passes: every value of the graph is in it.
        values: the value of each node of the graph, leaves included; of data that was copied, such
            as an array that a layer makes a Tensor of, what it was copied from.
        gradients: the whole gradient of each node that backward came to.
        names: what the user calls Tensors and Numbers, by id.
    """

    program: Program
    values: dict[Node, Var]
    gradients: dict[Node, Var]
    names: dict[int, str]


def record_step(step: Callable[[], Any]) -> StepRecording:
    """Record a step: a function without arguments that trains, or computes, with what it captures.

    Nothing is changed by it: parameters, gradients, optimizers and random generators are as before.
    A compiled function is taken as the function that it was made of.

    Raises:
        CompileError: the step can't be a straight-line program, or is another one in each call.
        TypeError: it is no function, or needs arguments.
    """
    f = step._f if isinstance(step, Compiled) else step
    _check_arguments(f)
    before = record_undone(f)
    tape = record_undone(f)
    name = function_name(f)
    try:
        fixed = compare_recordings(before, tape)
    except Unlike as unlike:
        raise CompileError(
            f"{name} does something else in each call ({unlike}). Instead: branch outside of it, "
            "and draw random numbers with tinygrad_np's functions."
        ) from None
    _check_gradients(name, tape)
    program = program_of(name.rpartition(".")[2], tape, fixed, pin=False)
    copied = _originals(program)
    values = tape.state.node_values
    for node, var in values.items():
        if node.op is None:
            values[node] = copied.get(var, var)
    return StepRecording(program, values, tape.gradients, tape.state.names)


def _originals(program: Program) -> dict[Var, Var]:
    """Return what others are copies of, by the copy; in another precision, too.

    A copy that is written to is none.
    """
    changed = program.changed()
    originals: dict[Var, Var] = {}
    for statement in program.statements:
        if statement.kind != "method" or statement.target not in ("copy", "astype"):
            continue
        copy = statement.out
        source = statement.args[0]
        if not isinstance(source, Var) or source.root in changed or copy in changed:
            continue
        kind = source.value.dtype.kind
        if kind == copy.value.dtype.kind:
            original = originals.get(source, source)
            originals[copy] = original
    return originals


class _StepState(State):
    """A state that knows NumPy arrays as they were when the step first used them."""

    def __init__(self, tape: Tape, names: dict[int, str]) -> None:
        super().__init__(tape, names)
        self.arrays: list[tuple[np.ndarray, bytes]] = []

    def read(self, kind: str, source: Any, value: Any, hint: str) -> StandIn:
        if kind == "array":
            self.arrays.append((source, source.tobytes()))
        return super().read(kind, source, value, hint)


class StepTape(Tape):
    """A tape that keeps which value is the gradient of which node."""

    def __init__(self, names: dict[int, str]) -> None:
        super().__init__(names)
        self.state: _StepState = _StepState(self, names)
        self.gradients: dict[Node, Var] = {}

    def check_arrays(self) -> None:
        """Raise if plain NumPy has written to an array after a Tensor was made of it."""
        for array, content in self.state.arrays:
            if array.tobytes() == content:
                continue
            read = (s for s in self.statements for v in s.reads() if v.value is array)
            place = next((s.place for s in read if s.place), None)
            raise CompileError(
                f"{place_text(place)}a NumPy array is used here and written to later in the step, "
                "so that the next step would find another one. Instead: write to a copy of it, or "
                "do all of this with Tensors."
            )

    def made(
        self, node: Any, value: Any, operands: tuple[Any, ...], params: tuple[Any, ...] = ()
    ) -> None:
        super().made(node, value, operands, params)
        for parent, array in zip(node.parents, operands):  # data that is no Tensor's
            if isinstance(parent, Node) and parent not in self.state.node_values:
                self.state.node_values[parent] = self._symbol(array)

    def reached(self, node: Any, g: Any) -> None:
        super().reached(node, g)
        array = g._data if isinstance(g, Tensor) else g
        if issubclass(type(array), StandIn):
            self.gradients[node] = array.symbol


_NO_STEPS: dict[Callable[[Any], bool], str] = {
    inspect.isgeneratorfunction: "a generator function",
    inspect.iscoroutinefunction: "a coroutine function",
    inspect.isclass: "a class",
}


def _check_arguments(f: Any) -> None:
    """Raise unless a function can be called without arguments."""
    if not callable(f):
        raise TypeError(f"a step is a function without arguments, not {type(f).__name__}")
    for is_kind, kind in _NO_STEPS.items():
        if is_kind(f):
            raise TypeError(
                f"a step is a function that trains when it is called, and {function_name(f)} is "
                f"{kind}: calling it trains nothing"
            )
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in kinds]
    if needed:
        name = function_name(f)
        texts = [f"{p.name}={p.name}" if p.kind == p.KEYWORD_ONLY else p.name for p in parameters]
        arguments = [text for text in texts if text.partition("=")[0] in needed]
        raise TypeError(
            f"a step is a function without arguments, but {name} needs {', '.join(needed)}: give "
            f"lambda: {name}({', '.join(arguments)})"
        )


def record_undone(
    f: Callable, *args: Any, origins: Origins | None = None, kind: type[StepTape] = StepTape
) -> Any:
    """Run a step on a tape of this kind, and leave everything as it was.

    Raises:
        CompileError: it can't be recorded, or changes what it would find in the next run.
    """
    surroundings = Surroundings(f)
    tape = kind(surroundings.names)
    tape.origins = origins or tape.origins
    try:
        with surroundings.watching():
            record_call(tape, f, args, {})
        tape.check_arrays()
        changed, line = next(surroundings.changes(), ("", ""))
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # in a stand-in's __class__
            raise error.__cause__ from None
        if isinstance(error, CompileError) or not comes_of_recording(error):
            raise
        raise CompileError(f"{function_name(f)} can't be recorded: {report_of(error)}") from error
    finally:
        tape.state.rewind()
        surroundings.undo()
    if changed:
        raise CompileError(
            f"{line}{function_name(f)} changes {changed}, a Python value, and would go another way "
            "in the next step. Instead: hold a number in a tinygrad_np.Number, and what the first "
            "step alone makes, make before it."
        )
    return tape


def _check_gradients(name: str, tape: Tape) -> None:
    """Raise if gradients are there after the step that it did not find, or the other way round."""
    none_before = set(map(id, tape.state.without_gradient))
    for output in tape.outputs:
        if output.kind != "grad":
            continue
        came = output.var is not None and id(output.source) in none_before
        read = any(i.kind == "grad" and i.source is output.source for i in tape.state.inputs)
        if came or (read and output.var is None):
            does = "adds to" if came else "clears"
            raise CompileError(
                f"{name} {does} a gradient that is {'None' if came else 'an array'} before the "
                "first step and otherwise before the second: these are two programs. Instead: "
                "clear the gradients before backward(), by optimizer.zero_grad()."
            )
