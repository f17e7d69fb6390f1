"""One function of C: a run of loops, with the arrays and numbers that a call hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..emitters.names import Names
from .products import Product
from .scalars import ctype
from .text import INDICES, LoopText
from .ufuncs import Call

if TYPE_CHECKING:
    from ..lowering.loops import View
    from ..statements import Var
    from .fusion import Group
    from .source import NativeWriter


class Function:
    """One function of C: a run of loops.

    Attributes:
        arrays, numbers: what a call hands over.
        loops: the text of the functions that it calls.
    """

    def __init__(self, writer: NativeWriter, name: str) -> None:
        self.writer = writer
        self.name = name
        self.arrays: dict[Var, str] = {}
        self.numbers: dict[Var, str] = {}
        self.loops: list[str] = []
        self._lines: list[str] = []
        self._routines: dict[str, None] = {}
        self._names = Names({"arrays", "at", "table"})
        self._count = 0

    def add(self, group: Group) -> None:
        """Add a group of loops."""
        first = group.loops[0]
        if isinstance(first, Product):
            self._lines += self.writer.heading(first)
            self._product(first)
            return
        if isinstance(first, Call):
            self._lines += self.writer.heading(first)
            self._call(first)
            return
        text = LoopText(group, self.writer.places.buffers, self.writer.hint)
        self.writer.helpers.update(text.helpers)
        key = tuple(text.definition(""))
        name = self.writer.defined.get(key)
        if name is None:  # else it is that of another step of the same
            self._count += 1
            name = self.writer.defined[key] = f"{self.name}_loop_{self._count}"
            for loop in group.loops:
                self.loops += self.writer.heading(loop)
            self.loops += text.definition(name)
        operands = [self.pointer(view) for _, view in text.pointers.values()]
        owners = self.writer.places.owners
        operands += [self._number(owners[buffer]) for buffer in text.numbers]
        call = f"{name}({', '.join(operands)})"
        self._lines.append(f"if ({call}) return 1;" if text.can_stop else f"{call};")

    def _product(self, product: Product) -> None:
        self._routines[self.writer.routine(product)] = None
        sizes = ", ".join(map(str, product.sizes))
        views = (product.left, product.right, product.out)
        starts = product.starts
        moves = [f" + {start}" if start else "" for start in starts[0]]
        if len(starts) > 1:
            moves = [f" + start[{k}]" for k in range(3)]
        x, y, out = (
            f"{self.pointer(view)}{move}, {step}"
            for view, move, step in zip(views, moves, product.steps)
        )
        call = f"{product.symbol}({sizes}, 1, {x}, {y}, 0, {out});"
        if len(starts) == 1:
            self._lines.append(call)
            return
        table = ", ".join("{" + ", ".join(map(str, start)) + "}" for start in starts)
        self._lines += [
            "{",
            f"  static const int64_t starts[][3] = {{{table}}};",
            f"  for (int s = 0; s < {len(starts)}; s++) {{",
            "    const int64_t *start = starts[s];",
            f"    {call}",
            "  }",
            "}",
        ]

    def _call(self, call: Call) -> None:
        """Write the calls of NumPy's own loop, one for each row."""
        function, data = call.addresses
        name = f"np_{call.symbol}"
        self._routines[f"ufunc_t *{name} = (ufunc_t *)at[{self.writer.slot(function)}];"] = None
        extra = f"at[{self.writer.slot(data)}]" if data else "NULL"
        *outer, n = call.rows[0].shape or (1,)
        places = []
        for view in call.rows:
            moves = [f" + {INDICES[k]} * {step}" for k, step in enumerate(view.strides[:-1])]
            places.append(self.pointer(view) + "".join(moves))
        for k, length in enumerate(outer):
            i = INDICES[k]
            self._lines.append(f"for (int64_t {i} = 0; {i} < {length}; {i}++)")
        operands = ", ".join([extra, str(n), str(call.out.dtype.itemsize), *places])
        self._lines.append(f"apply_{len(call.operands)}({name}, {operands});")

    def pointer(self, view: View) -> str:
        """Return an expression for the first element of a view."""
        buffer = view.buffer
        owner = self.writer.array_name(buffer)
        shift = view.offset - self.writer.places.origins.get(buffer, 0)
        if isinstance(owner, str):
            base = f"at[{self.writer.slot(owner)}]"
        else:
            if owner not in self.arrays:
                self.arrays[owner] = self._names.new(owner.hint or "array")
            base = f"{self.arrays[owner]}->data"
        move = f" + {shift}" if shift else ""
        return f"({ctype(view.dtype)} *){base}{move}"

    def _number(self, var: Var) -> str:
        if var not in self.numbers:
            self.numbers[var] = self._names.new(var.hint or "number")
        return self.numbers[var]

    def definition(self) -> list[str]:
        """Return the lines of the function."""
        parameters = ["const Tuple *arrays"]
        parameters += [f"double {name}" for name in self.numbers.values()]
        lines = [f"int {self.name}({', '.join(parameters)}) {{"]
        for k, name in enumerate(["table", *self.arrays.values()]):
            lines.append(f"  const Array *{name} = arrays->items[{k}];")
        lines.append("  char **at = (char **)table->data;")
        for var, name in self.arrays.items():
            if var not in self.writer.checked:
                lines.append(self._check(var, name))
        self.writer.checked.update(self.arrays)
        lines += [f"  {line}" for line in (*self._routines, *self._lines)]
        return [*lines, "  return 0;", "}"]

    def _check(self, var: Var, name: str) -> str:
        """Return the line that checks how an array lies."""
        view = self.writer.places.view(var)
        steps = tuple(step * view.dtype.itemsize for step in view.strides)
        number = var.dtype.num
        sizes = f"{number}, {len(view.shape)}, {_numbers(view.shape)}, {_numbers(steps)}"
        return f"  if (differs({name}, table, {sizes})) return 1;"


def _numbers(values: tuple[int, ...]) -> str:
    """Return sizes of an array as an array of C."""
    return f"(const intptr_t[]){{{', '.join(map(str, values or (0,)))}}}"
