"""Selection of the statements that C computes with NumPy's bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lowering.formulas import FORMULAS
from ..lowering.loops import Gather, Guard, Loop, Map, Reduce, dense_strides
from ..lowering.memory import Unsupported
from ..lowering.translation import lower_statement, needs_no_loop
from . import products
from .places import Loops
from .scalars import is_exact
from .ufuncs import call_of

if TYPE_CHECKING:
    from ..memory import Memory as Plan
    from ..program import Program
    from ..statements import Statement, Var
    from .places import Places

_KINDS = ("ufunc", "method", "function", "getitem", "setitem", "guard")


class Selection:
    """The statements that become loops of C.

    Attributes:
        places: the memory that they work in.
        loops: by the statement's id.
    """

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program = program
        self.plan = plan
        self.loops: dict[int, list[Loop]] = {}
        resident = _checked_scalars(program)
        while True:
            self.places = self._lower(resident)
            outside = self._read_outside(resident)
            if not outside:
                break
            resident -= outside

    def _lower(self, resident: set[Var]) -> Places:
        """Lower every statement that C can compute when these scalars never leave it."""
        builder = Loops(self.program, self.plan)
        builder.planned.resident = resident
        self.loops = {}
        for k, statement in enumerate(self.program.statements):
            builder.position, builder.statement = k, statement
            builder.loops = []
            try:
                self._statement(builder, statement)
            except Unsupported:
                continue
            self.loops[id(statement)] = builder.loops
        return builder.planned

    def _statement(self, builder: Loops, statement: Statement) -> None:
        outs = statement.outs
        scalar = any(not out.is_array and out not in builder.planned.resident for out in outs)
        if statement.kind not in _KINDS or statement.is_view() or scalar:
            raise Unsupported("a NumPy line")
        if set(statement.errstate.values()) - {"ignore"}:
            raise Unsupported("errors of numbers, which C does not see")
        is_formula = getattr(statement.target, "__name__", "") in FORMULAS
        if is_formula or statement.method == "accumulate":
            raise Unsupported("a formula, whose steps round differently, or a running sum")
        if any(map(needs_no_loop, outs)):
            raise Unsupported("a view")
        if products.is_product(statement):
            products.lower_product(builder, statement)
        else:
            lower_statement(builder, statement)
        loops = [loop for loop in builder.loops if not _is_settled(loop, builder.planned)]
        builder.loops = [_checked(loop, builder.planned) for loop in loops]

    def _read_outside(self, resident: set[Var]) -> set[Var]:
        """Return the scalars that C does not make, or that NumPy lines read."""
        outside = set()
        for statement in self.program.statements:
            if id(statement) not in self.loops:
                outside.update(resident.intersection((*statement.reads(), *statement.outs)))
        return outside


def _checked_scalars(program: Program) -> set[Var]:
    """Return the NumPy scalars that serve a check of a value, and nothing else."""
    kept = set(program.kept())
    readers: dict[Var, list[Statement]] = {}
    for statement in program.statements:
        for var in statement.reads():
            readers.setdefault(var, []).append(statement)
    checked: set[Var] = set()
    for statement in reversed(program.statements):
        for out in statement.outs:
            uses = readers.get(out, [])
            serve = all(s.kind == "guard" or checked.issuperset(s.outs) for s in uses)
            if not out.is_array and out.shape == () and uses and serve and out not in kept:
                checked.add(out)
    return checked


def _is_settled(loop: Loop, places: Places) -> bool:
    """Say whether a loop checks a constant, which is as it was in the recording."""
    return isinstance(loop, Guard) and places.buffers[loop.view.buffer].role == "constant"


def _checked(loop: Loop, places: Places) -> Loop:
    """Return a loop of which C gives NumPy's bits, by calling NumPy's own if need be, or raise."""
    if not isinstance(loop, (Gather, Guard, Map, Reduce, products.Product)):
        raise Unsupported(type(loop).__name__)
    if not isinstance(loop, Map) and any(map(places.is_number, loop.reads)):
        raise Unsupported("a number in the place of an array")
    if isinstance(loop, Map):
        numbers = [view for view in loop.operands if places.is_number(view)]
        if not is_exact(loop):
            if numbers:
                raise Unsupported(f"{loop.function} of a number")
            return call_of(loop)
        if any(view.dtype.kind != "f" or loop.dtype.kind != "f" for view in numbers):
            raise Unsupported("a number that is none of C's")
    elif isinstance(loop, Reduce):
        if not _has_order(loop):
            raise Unsupported("a sum in another order")
    elif isinstance(loop, Gather):
        if loop.mode not in ("get", "set", "add", "subtract"):
            raise Unsupported(loop.mode)
        if loop.base.dtype != loop.other.dtype:
            raise Unsupported("a conversion on the way")
        if any(pick.index.dtype.kind == "b" for pick in loop.picks):
            raise Unsupported("a truth as an index")
    return loop


def _has_order(loop: Reduce) -> bool:
    """Say whether the order of a reduction is known, or changes nothing."""
    source, out = loop.source, loop.out
    if loop.function in ("any", "all"):
        return True
    if source.dtype != out.dtype:
        return False
    if loop.function in ("maximum", "minimum"):
        return source.dtype.kind != "b"
    if loop.function != "add" or len(source.shape) != len(out.shape) + 1:
        return False
    if source.dtype.kind in "iu":
        return True
    if source.dtype.kind != "f":
        return False
    if loop.pairwise:
        return source.strides == dense_strides(source.shape)
    kept = source.shape[:-1]
    rows = source.strides[-1]  # whole rows are added, one behind the other
    return len(kept) == 1 and source.strides[0] == 1 and rows >= kept[0] and rows > 1
