"""The lowering of a program: from NumPy calls to loops over typed buffers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.callsite import short_place
from ..array_standins import stand_in
from ..errors import report_of
from ..statements import Statement, Var, map_arguments, vars_in
from ..tape import Tape
from . import arrays, draws, einsum, picks, sums, takes  # noqa: F401 - their rules
from .builder import Builder
from .elementwise import has_scan, lower_operator, lower_ufunc, without_out
from .formulas import FORMULAS, running
from .loops import COPY, Guard
from .memory import LoweringError, Unsupported
from .rules import RULES, apply_rule, check_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..program import Input, Output, Program
    from .loops import Buffer, Loop, View


@dataclass(eq=False)
class Lowered:
    """A program as loops.

    Attributes:
        program: what was lowered.
        buffers: all memory, with what is in it before the first step.
        loops: one step, in order.
        state: copies after a step: new values of parameters, optimizers and numbers.
        views: where the values of the program are.
        generators: random generators, in their state before the first step.
        results: views of the values that the step returns.
    """

    program: Program
    buffers: list[Buffer]
    loops: list[Loop]
    state: list[Loop]
    views: dict[Var, View]
    generators: list[Any]
    results: list[View]

    @property
    def work(self) -> int:
        """The number of times that the innermost lines of all loops run in one step."""
        return sum(loop.work for loop in self.loops)


def lower(program: Program) -> Lowered:
    """Write a program, of `record_step`, as loops.

    Raises:
        LoweringError: a statement can't be written as loops; the message has call, reason, line.
    """
    builder = Builder(program.changed())
    try:
        for entry in program.inputs:
            _lower_input(builder, entry)
        for k, statement in enumerate(program.statements):
            builder.position, builder.statement = k, statement
            lower_statement(builder, statement)
        builder.position = builder.statement = None
        pairs = _state(builder, program)
        returned = [r for r in program.results if isinstance(r, Var)]
        results = [_kept(builder, builder.operand(r)) for r in returned]
        loops, builder.loops = builder.loops, []
        for old, new in pairs:
            builder.map(COPY, old, new)
    except Unsupported as reason:
        what = _name_of(builder.statement, program)
        raise LoweringError(f"{what} can't be written as loops: {reason}") from None
    except Exception as error:
        what = _name_of(builder.statement, program)
        raise LoweringError(f"{what} can't be written as loops: {report_of(error)}") from error
    memory, state = builder.memory, builder.loops
    return Lowered(program, memory.buffers, loops, state, memory.views, builder.generators, results)


def _name_of(statement: Statement | None, program: Program) -> str:
    """Return line, call and section of a statement; without one it is about the outside."""
    if statement is None:
        return f"what {program.name} reads or changes"
    place = f"{short_place(statement.place)}: " if statement.place else ""
    return f"{place}{call_name(statement)} ({statement.section})"


def call_name(statement: Statement) -> str:
    """Return what is called, as NumPy spells it."""
    target = statement.target
    name = target if isinstance(target, str) else getattr(target, "__name__", "")
    if statement.kind == "ufunc":
        return f"np.{name}{statement.method and '.'}{statement.method}"
    if statement.kind == "function":
        module = getattr(target, "__module__", "") or ""
        return f"np.linalg.{name}" if module.endswith("linalg") else f"np.{name}"
    names = {"getitem": "an index", "setitem": "a write at an index", "guard": "a check of a value"}
    names |= {"draw": f"Generator.{name}", "method": f"array.{name}", "host": f"function {name}"}
    return names.get(statement.kind, f"{statement.kind} {name}")


def _lower_input(builder: Builder, entry: Input) -> None:
    if entry.kind == "array":
        builder.arrays[entry.var] = entry.source
    if entry.kind == "generator":
        source = entry.source
        draws.add_generator(builder, entry.var, source() if callable(source) else source)
    else:
        builder.memory.input(entry.var)


def lower_statement(builder: Builder, statement: Statement) -> None:
    """Write the loops of one statement."""
    kind, args = statement.kind, statement.args
    if kind == "guard":
        _guard(builder, statement)
    elif kind == "method" and statement.target == "view":
        _reinterpret(builder, statement)
    elif statement.outs and kind != "draw" and all(map(needs_no_loop, statement.outs)):
        _look(builder, statement)
    elif kind == "ufunc" and statement.method == "accumulate" and not has_scan(statement.target):
        _expand(builder, statement, partial(running, statement.target))
    elif kind == "ufunc":
        lower_ufunc(builder, statement)
    elif kind == "operator":
        lower_operator(builder, statement)
    elif kind == "getitem":
        picks.lower_getitem(builder, *args)
    elif kind == "setitem":
        picks.lower_setitem(builder, *args)
    elif kind == "draw":
        draws.lower_draw(builder, statement)
    elif kind in ("method", "function"):
        _call(builder, statement)
    elif kind == "host" and statement.target is abs:
        builder.map("absolute", builder.out, builder.operand(*args))
    elif kind == "host":
        raise Unsupported("a Python function of a number, which only Python can call")
    else:
        raise Unsupported("an op with an effect")


def needs_no_loop(out: Var) -> bool:
    """Say whether a result is a view of something else, or has no elements."""
    return out.root is not out or not out.size


def _look(builder: Builder, statement: Statement) -> None:
    """Find the views of a statement that computes nothing, unless a number decides on them."""
    memory, outs = builder.memory, statement.outs
    numbers: list[Var] = []
    if statement.kind == "getitem":
        numbers = vars_in(statement.args[1])
    elif statement.is_view():
        numbers = [v for v in statement.reads() if v.root is not outs[0].root]
    computed = any(builder.known(v) is None for v in numbers)
    if computed and statement.kind == "getitem":
        if outs[0].root in builder.changed:
            raise Unsupported("a part of an array that is written to, at a computed place")
        memory.views[outs[0]] = memory.scratch(outs[0].shape, outs[0].dtype)
        builder.moved.add(outs[0])
        picks.lower_getitem(builder, *statement.args)
        return
    if computed:
        raise Unsupported("numbers that are computed in each step, and decide on a shape")
    moved = next((v for v in statement.reads() if v in builder.moved), None)
    for out in outs:
        if moved is None or out.root is out:
            memory.view(out)
        else:
            memory.views[out] = memory.inside(memory.views[moved], moved.value, out.value)
            builder.moved.add(out)


def _call(builder: Builder, statement: Statement) -> None:
    target = statement.target
    name = target if isinstance(target, str) else target.__name__
    if statement.several or name in _REASONS:
        raise Unsupported(_REASONS.get(name, "several results"))
    if name in RULES:
        apply_rule(RULES[name], builder, statement.args, without_out(statement.kwargs))
    elif name in FORMULAS:
        _expand(builder, statement, FORMULAS[name])
    else:
        raise Unsupported("there is no rule for it")


_LAPACK = "the algorithms of LAPACK are no loops"
_ORDER = "the order of its results is NumPy's own"
_REASONS = {
    **dict.fromkeys(("cholesky", "det", "eig", "eigh", "inv", "lstsq", "pinv", "qr"), _LAPACK),
    **dict.fromkeys(("slogdet", "solve", "svd"), _LAPACK),
    **dict.fromkeys(("argpartition", "partition"), _ORDER),
}


def _expand(builder: Builder, statement: Statement, formula: Callable) -> None:
    """Write a call as the simpler calls of a formula."""
    tape = Tape({})

    def operand(leaf: Any) -> Any:
        return stand_in(tape, leaf, leaf.value) if isinstance(leaf, Var) else leaf

    def parameter(leaf: Any) -> Any:
        known = builder.known(leaf)
        return operand(leaf) if known is None else known

    first, *others = statement.args
    args = (map_arguments(first, operand), *map_arguments(others, parameter))
    kwargs = map_arguments(without_out(statement.kwargs), parameter)
    check_arguments(formula, args, kwargs)
    with np.errstate(all="ignore"):
        (result,) = tape.symbols((formula(*args, **kwargs),))
    for entry in tape.state.inputs:
        entry.var.constant = entry.source
    for call in tape.statements:
        call.place, call.section = statement.place, statement.section
        builder.statement = call
        lower_statement(builder, call)
    builder.statement = statement
    builder.map(COPY, builder.out, builder.operand(result))


def _guard(builder: Builder, statement: Statement) -> None:
    value, expected = statement.args
    if statement.method == "shape":
        return  # the shapes of values are fixed: what would change them is refused
    view = builder.operand(value)
    if view.size != 1 or not isinstance(expected, (bool, int, float)) or not isfinite(expected):
        raise Unsupported("a value that is no finite number")
    builder.append(Guard(view=view, expected=float(expected)))


def _reinterpret(builder: Builder, statement: Statement) -> None:
    """Write a view of integers as those of another sign, the one that can be a copy."""
    out, source = statement.out, builder.operand(statement.args[0])
    kinds = {np.dtype(out.dtype).kind, source.dtype.kind}
    if out.dtype == source.dtype:
        builder.memory.view(out)
        return
    if not kinds <= {"i", "u", "b"} or out.dtype.itemsize != source.dtype.itemsize:
        raise Unsupported(f"a view of {source.dtype} as {out.dtype}")
    if out.root in builder.changed:
        raise Unsupported("memory that is written to as two dtypes")
    copy = builder.memory.scratch(out.shape, out.dtype)
    builder.memory.views[out] = copy
    builder.moved.add(out)
    builder.map(COPY, copy, source)


def _state(builder: Builder, program: Program) -> list[tuple[View, View]]:
    """Pair the memory of what the next step reads with its new values."""
    memory = builder.memory
    pairs = []
    for output in program.outputs:
        entry = next((i for i in program.inputs if _same_content(i, output)), None)
        if entry is None or output.var is None:
            continue
        old, new = memory.views[entry.var], builder.operand(output.var)
        name = entry.var.hint or output.kind
        if old.shape != new.shape or old.dtype != new.dtype:
            raise Unsupported(
                f"{name} is {old.shape} {old.dtype} before a step and {new.shape} {new.dtype} after"
            )
        if old.size and any(n > 1 and not step for n, step in zip(old.shape, old.strides)):
            raise Unsupported(f"{name} is stretched over its axes by broadcasting: copy it before")
        memory.buffers[old.buffer].role = "state"
        pairs.append((old, new))
    return [(old, _kept(builder, new)) for old, new in pairs]


def _kept(builder: Builder, view: View) -> View:
    """Return a view of these values that state put in place does not change: a copy if need be."""
    is_state = builder.memory.buffers[view.buffer].role == "state"
    return builder.dense(view) if is_state else view


def _same_content(entry: Input, output: Output) -> bool:
    return entry.kind == output.kind and entry.source is output.source
