"""Source of a program with C: functions for runs of statements, and the Python lines between."""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..emitters.numpy_literals import dtype_text, empty, note
from ..emitters.numpy_source import Emitted, Writer
from ..lowering.memory import Unsupported
from ..statements import Statement, Var, constant
from .function import Function
from .fusion import Times, fuse
from .products import Product, blas
from .selection import Selection
from .text import PRELUDE, comment, line_of

if TYPE_CHECKING:
    from ..lowering.loops import Loop, View
    from ..memory import Memory
    from ..program import Program

_HEAD = object.__basicsize__  # bytes before the fields of an array
_ITEMS = tuple.__basicsize__  # bytes before the items of a tuple

_ARRAYS = f"""
/* NumPy's array and dtype, as far as they are read here. */
typedef struct {{ char head[{_HEAD}]; void *type; char kind[4]; int number; }} Dtype;
typedef struct {{
  char head[{_HEAD} - sizeof(void *)];
  void *type;
  char *data;
  int ndim;
  intptr_t *shape, *strides;
  void *base;
  Dtype *dtype;
}} Array;
typedef struct {{ char head[{_ITEMS}]; Array *items[]; }} Tuple;

/* Whether an array is none, or lies otherwise than this text takes for granted. */
static __attribute__((noinline)) int differs(
    const Array *a, const Array *table, int number, int ndim, const intptr_t *shape,
    const intptr_t *strides) {{
  if (a->type != table->type || a->dtype->number != number || a->ndim != ndim) return 1;
  for (int k = 0; k < ndim; k++)
    if (a->shape[k] != shape[k] || (shape[k] > 1 && a->strides[k] != strides[k])) return 1;
  return 0;
}}
"""

_UFUNC = """
/* NumPy's own loop of a function, for n elements side by side. */
typedef void ufunc_t(char **, const intptr_t *, const intptr_t *, void *);
#define APPLY static __attribute__((noinline)) void
APPLY apply_1(ufunc_t *loop, void *data, intptr_t n, intptr_t size, void *x, void *out) {
  loop((char *[]){x, out}, &n, (const intptr_t[]){size, size}, data);
}
APPLY apply_2(ufunc_t *loop, void *data, intptr_t n, intptr_t size, void *x, void *y, void *out) {
  loop((char *[]){x, y, out}, &n, (const intptr_t[]){size, size, size}, data);
}
"""
_GEMM = """typedef void {letter}gemm_t(int, int, int, {n}, {n}, {n}, {t}, const {t} *, {n},
                     const {t} *, {n}, {t}, {t} *, {n});"""
_GEMV = """typedef void {letter}gemv_t(int, int, {n}, {n}, {t}, const {t} *, {n}, const {t} *, {n},
                     {t}, {t} *, {n});"""


@dataclass
class Native:
    """The C of a program, and what it works on.

    Attributes:
        text: the whole file.
        functions: names of its functions, with the number of numbers that each takes after a tuple
            of arrays.
        table: names of the arrays whose addresses the functions take from a table, and addresses.
        library: the functions, by name, once they are compiled.
    """

    text: str = ""
    functions: dict[str, int] = field(default_factory=dict)
    table: list[Any] = field(default_factory=list)
    library: Any = None

    def bind(self, namespace: dict[str, Any]) -> None:
        """Give the functions, and the table of this namespace's arrays, their names."""
        addresses = []
        for entry in self.table:
            is_name = isinstance(entry, str)
            addresses.append(namespace[entry].ctypes.data if is_name else entry)
        namespace["table"] = np.array(addresses or [0], np.uint64)
        namespace.update(self.library)


class NativeWriter(Writer):
    """Writer of the Python lines and of the functions in C."""

    def __init__(self, program: Program, memory: Memory) -> None:
        super().__init__(program, memory)
        self.selection = Selection(program, memory)
        self.places = self.selection.places
        self.loops = self.selection.loops
        self.native = Native()
        self.out.native = self.native
        self.guards |= bool(self.loops)
        self._run: list[tuple[int, Loop]] = []
        self._first: Statement | None = None
        self.defined: dict[tuple[str, ...], str] = {}  # names of the functions of loops
        self.checked: set[Var] = set()  # arrays of a call that an earlier function has looked at
        self._functions: list[str] = []
        self._scratch: dict[int, str] = {}
        self._slots: dict[Any, int] = {}
        self.helpers: dict[str, str] = {}
        self._routines: dict[str, None] = {}
        self._text_place: Any = None
        self.names.new("table")
        self.times = Times()
        self._times = {id(s): self._happens(s) for s in program.statements}
        self._count_uses()

    def _count_uses(self) -> None:
        """Count the Python lines that use a value; numbers are handed to C by their names."""
        self.uses = Counter(
            var
            for statement in self.program.statements
            for var in statement.reads()
            if id(statement) not in self.loops or not var.is_array
        )

    def _happens(self, statement: Statement) -> list[int]:
        """Note what a statement reads and writes; return the time of each of its loops."""
        if id(statement) in self.loops:
            return [self.times.add_loop(loop) for loop in self.loops[id(statement)]]
        if statement.is_view() or statement.kind == "memory":
            return []
        writes = [*statement.outs, *([statement.writes] if statement.writes else [])]
        views = [self._views(vars_) for vars_ in (statement.reads(), writes)]
        self.times.add(*views)
        return []

    def _views(self, variables: list[Var]) -> list[View]:
        """Return where arrays lie, whole memory for what C has no view of."""
        views = []
        for var in variables:
            for look in (var, var.root):
                try:
                    if look.is_array:
                        views.append(self.places.view(look))
                    break
                except Unsupported:
                    continue
        return views

    # --- Python lines ---------------------------------------------------------------------------

    def write(self, title: str) -> Emitted:
        self.times.kept = {view.buffer for view in self._views(self.program.kept())}
        out = super().write(title)
        self._finish(title)
        return out

    def _buffers(self) -> None:
        """Name the memory, with some for results that NumPy would make anew."""
        super()._buffers()
        kept = {var.root for var in self.program.kept()}
        for statement in self.program.statements:
            if id(statement) in self.loops:
                for out in statement.outs:
                    if out.is_array and out not in self.name and out.root not in kept:
                        self._reserve(out)

    def _statement(self, statement: Statement) -> None:
        loops = self.loops.get(id(statement))
        if loops is None:
            passes = statement.is_view() or statement.kind == "memory" or _is_of_numbers(statement)
            if not passes:
                self._flush()
            super()._statement(statement)
            return
        for out in statement.outs:
            if out.is_array and out not in self.name:
                self._heading(statement)
                line = f"{self._targets((out,))} = {empty(out)}"
                self.body.append((line, statement, note(out)))
        if self._first is None:
            self._first = statement
        self._run += zip(self._times[id(statement)], loops)

    def _merged(self, three: list[Statement]) -> str | None:
        if any(id(statement) in self.loops for statement in three):
            return None
        text = super()._merged(three)
        if text is not None:
            self._flush()
        return text

    def _allocates(self, statement: Statement) -> bool:
        return id(statement) in self.loops or super()._allocates(statement)

    def _return(self) -> None:
        self._flush()
        super()._return()

    def _flush(self) -> None:
        """Write the loops so far as one function, and the line that calls it."""
        groups = fuse(self._run, self.times)
        first = self._first
        self._run, self._first = [], None
        if not groups or first is None:
            return
        name = self.names.new(f"run_{len(self.native.functions) + 1}")
        function = Function(self, name)
        for group in groups:
            function.add(group)
        self._functions += [*function.loops, *function.definition(), ""]
        # One tuple is handed over in the time of one array.
        arrays = ", ".join(["table", *map(self.expr, function.arrays)])
        operands = [f"({arrays},)", *map(self.expr, function.numbers)]
        self.native.functions[name] = len(function.numbers)
        self._heading(first)
        self.body.append((f"if {name}({', '.join(operands)}):", first, ""))
        self.body.append(("    raise GuardFailed", first, ""))

    # --- the file -------------------------------------------------------------------------------

    def slot(self, entry: Any) -> int:
        """Return the place of an array, by name, or of an address in the table."""
        key = str(entry)
        if key not in self._slots:
            self._slots[key] = len(self.native.table)
            self.native.table.append(entry)
        return self._slots[key]

    def array_name(self, buffer: int) -> str | Var:
        """Return the name of a lasting array, or the value of one that a call hands over."""
        places = self.places
        owner = places.owners.get(buffer)
        if owner is not None:
            return self.name[owner] if owner in self.lasting else owner
        memory = places.buffers[buffer]
        if memory.role == "constant":
            return self._constant(constant(memory.values))
        if buffer not in self._scratch:
            self._scratch[buffer] = name = self.names.new("scratch")
            self.set_up(f"{name} = np.empty({memory.size}, {dtype_text(memory.dtype)})")
            self.out.buffers.append(name)
        return self._scratch[buffer]

    def heading(self, loop: Loop) -> list[str]:
        """Return the user's line over a loop, if it is another one than before."""
        place = loop.place
        if place is None or place == self._text_place:
            return []
        self._text_place = place
        return [comment(line_of(place))]

    def hint(self, what: int | Loop) -> str:
        """Return what to call the array of a buffer, or the value of a loop."""
        if isinstance(what, int):
            owner = self.places.owners.get(what)
            return "value" if owner is None else owner.hint or "number"
        if what.statement is None:
            return "value"
        statement = self.program.statements[what.statement]
        out = statement.outs[0] if statement.outs else statement.writes
        return (out and out.hint) or "value"

    def routine(self, product: Product) -> str:
        """Return the text that gives a function the address of a routine of BLAS."""
        found = blas()
        assert found is not None
        addresses, _ = found
        name = product.symbol
        self._routines[name] = None
        return f"{name}_t *{name} = ({name}_t *)at[{self.slot(addresses[name])}];"

    def _finish(self, title: str) -> None:
        """Put the file together."""
        text = title.replace("NumPy statements", "loops in C, the same bits as NumPy's")
        parts = [comment(text), PRELUDE + _ARRAYS]
        parts.append(_UFUNC)
        found = blas()
        for name in self._routines:
            assert found is not None
            shape = _GEMM if name.endswith("gemm") else _GEMV
            number = "float" if name[0] == "s" else "double"
            parts.append(shape.format(letter=name[0], n=found[1], t=number))
        self.native.text = "\n".join([*parts, *self.helpers.values(), "", *self._functions])


def _is_of_numbers(statement: Statement) -> bool:
    """Say whether a statement is arithmetic of numbers, which no loop of C can change."""
    values = [*statement.reads(), *statement.outs]
    acts = statement.acts and statement.target is not operator.pow
    return not acts and not any(v.is_array for v in values)
