"""Text of loops in C: one function for each, whose arrays are parameters that share no memory."""

from __future__ import annotations

import functools
import linecache
from typing import TYPE_CHECKING, Any

from ...core.callsite import short_place
from ..emitters.names import Names
from ..emitters.numpy_literals import is_uniform
from ..lowering.axes import merge_neighbours
from ..lowering.loops import Gather, Guard, Map, Matmul, Reduce, View
from ..lowering.reductions import memory_order
from .fusion import Group
from .scalars import FUNCTIONS, ctype, formula, literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..lowering.loops import Buffer

_WORDS = """
auto bool break case char const continue default do double else enum extern false float for
goto if inline int int64_t long register restrict return short signed sizeof static struct
switch true typedef union unsigned void volatile while NAN INFINITY INT64_C total sums linux
unix step printf atol
"""
INDICES = "ijklmnop"
_PICKS = [f"at_{k}" for k in range(8)]
_RESERVED = {*FUNCTIONS, *_WORDS.split(), *INDICES, *_PICKS}

PRELUDE = """\
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if FLT_EVAL_METHOD != 0
#error "this machine computes in other precisions than NumPy"
#endif
#define LOOP static __attribute__((noinline))
"""

_SUMS = """
/* NumPy's sum of numbers side by side: in pairs of blocks of at most 128, each in eight parts. */
static {type} sum_{name}(const {type} *a, int64_t n) {{
  if (n < 8) {{
    {type} total = 0;
    for (int64_t i = 0; i < n; i++) total += a[i];
    return total;
  }}
  if (n > 128) {{
    const int64_t half = n / 2 - n / 2 % 8;
    return sum_{name}(a, half) + sum_{name}(a + half, n - half);
  }}
  {type} sums[8];
  for (int k = 0; k < 8; k++) sums[k] = a[k];
  int64_t i = 8;
  for (; i < n - n % 8; i += 8)
    for (int k = 0; k < 8; k++) sums[k] += a[i + k];
  {type} total = ((sums[0] + sums[1]) + (sums[2] + sums[3]))
               + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  for (; i < n; i++) total += a[i];
  return total;
}}
"""

_EXTREMES = """
/* The {function} of numbers side by side, {lanes} at a time; nan comes first. */
static {type} {function}_{name}_{lanes}(const {type} *a, int64_t n) {{
  int has_nan = 0;
  for (int64_t i = 0; i < n; i++) has_nan |= a[i] != a[i];
  if (has_nan) return NAN;
  {type} best[{lanes}];
  int64_t i = 0;
  for (int k = 0; k < {lanes}; k++) best[k] = a[k < n ? k : 0];
  for (; i + {lanes} <= n; i += {lanes})
    for (int k = 0; k < {lanes}; k++) best[k] = best[k] {sign} a[i + k] ? best[k] : a[i + k];
  for (; i < n; i++) best[0] = best[0] {sign} a[i] ? best[0] : a[i];
  for (int k = 1; k < {lanes}; k++) best[0] = best[0] {sign} best[k] ? best[0] : best[k];
  return best[0];
}}
"""
_SIGNS = {"maximum": ">", "minimum": "<"}
_LONG = 64  # numbers that are worth many lanes


def helper(function: str, dtype: Any, n: int) -> tuple[str, str]:
    """Return the name of a function that reduces n numbers side by side, and its text."""
    names = {"type": ctype(dtype), "name": dtype.str[1:]}
    if function == "sum":
        return f"sum_{names['name']}", _SUMS.format(**names)
    lanes = 32 if n >= _LONG else 8
    text = _EXTREMES.format(function=function, lanes=lanes, sign=_SIGNS[function], **names)
    return f"{function}_{names['name']}_{lanes}", text


class LoopText:
    """The function of one group of loops.

    Attributes:
        pointers: its parameters that are arrays: names by buffer, offset and dtype, with a view.
        numbers: its parameters that are numbers: names by buffer.
        lines: of its body.
        can_stop: whether it says with a 1 that a check has failed.
        helpers: texts of the reductions of numbers side by side that it calls, by their names.
    """

    def __init__(
        self,
        group: Group,
        buffers: list[Buffer],
        hint: Callable[[int | Map], str],
        *,
        libm: bool = False,
    ) -> None:
        self.libm = libm
        self.group = group
        self.buffers = buffers
        self.hint = hint
        self.names = Names(_RESERVED)
        self.pointers: dict[Any, tuple[str, View]] = {}
        self.numbers: dict[int, str] = {}
        self.lines: list[str] = []
        self.can_stop = False
        self.helpers: dict[str, str] = {}
        self._written = {self._key(view) for view in (group.stores or group.writes)}
        loop = group.loops[0]
        if isinstance(loop, Map):
            self._maps()
        elif isinstance(loop, Reduce):
            self._reduce(loop)
        elif isinstance(loop, Gather):
            self._gather(loop)
        elif isinstance(loop, Matmul):
            self._matmul(loop)
        else:
            assert isinstance(loop, Guard)
            self._guard(loop)

    @staticmethod
    def _key(view: View) -> Any:
        return view.buffer, view.offset, view.dtype

    def definition(self, name: str) -> list[str]:
        """Return the lines of the function."""
        parameters = []
        for pointer, view in self.pointers.values():
            const = "" if self._key(view) in self._written else "const "
            parameters.append(f"{const}{ctype(view.dtype)} *restrict {pointer}")
        parameters += [f"double {number}" for number in self.numbers.values()]
        kind = "int" if self.can_stop else "void"
        lines = [f"LOOP {kind} {name}({', '.join(parameters) or 'void'}) {{"]
        lines += [f"  {line}" for line in self.lines]
        return [*lines, *(["  return 0;"] if self.can_stop else []), "}"]

    # --- operands -------------------------------------------------------------------------------

    def _pointer(self, view: View) -> str:
        key = self._key(view)
        if key not in self.pointers:
            self.pointers[key] = self.names.new(self.hint(view.buffer)), view
        return self.pointers[key][0]

    def _at(self, view: View, more: str = "", indices: str = INDICES) -> str:
        """Return an element of a view whose axes have the loops' indices."""
        terms = []
        for index, n, step in zip(indices, view.shape, view.strides):
            if step and n > 1:
                terms.append(index if step == 1 else f"{index} * {step}")
        place = " + ".join([*terms, *([more] if more else [])]) or "0"
        return f"{self._pointer(view)}[{place}]"

    def _load(self, view: View, dtype: Any, at: View | None = None) -> str:
        """Return an operand as a value of a dtype; `at` is the view with the loop's axes."""
        buffer = self.buffers[view.buffer]
        values = buffer.values
        if buffer.role == "number":
            name = self.numbers.get(view.buffer)
            if name is None:
                name = self.numbers[view.buffer] = self.names.new(self.hint(view.buffer))
            text = name if view.dtype.itemsize == 8 else f"({ctype(view.dtype)}){name}"
        elif buffer.role == "constant" and values is not None and is_uniform(values):
            return literal(values.flat[0], dtype)
        else:
            text = self._at(at or view)
        return text if view.dtype == dtype else cast(text, view.dtype, dtype)

    # --- loops ----------------------------------------------------------------------------------

    def _nest(self, shape: tuple[int, ...], body: list[str], first: int = 0) -> list[str]:
        """Return loops around some lines, with indices from that of an axis on."""
        lines = []
        for depth, n in enumerate(shape):
            i = INDICES[first + depth]
            opening = " {" if depth == len(shape) - 1 else ""
            line = f"for (int64_t {i} = 0; {i} < {n}; {i}++){opening}"
            lines.append("  " * depth + line)
        lines += ["  " * len(shape) + line for line in body]
        return [*lines, "  " * (len(shape) - 1) + "}"] if shape else body

    def _maps(self) -> None:
        """Write elementwise loops as one, values in variables."""
        loops = [loop for loop in self.group.loops if isinstance(loop, Map)]
        views = list(dict.fromkeys([*self.group.stores, *self.group.writes, *self.group.reads]))
        order = memory_order(views[0])
        merged = dict(zip(views, merge_neighbours([view.axes(order) for view in views])))
        values: dict[View, str] = {}
        body: list[str] = []
        for loop in loops:
            operands = []
            for k, view in enumerate(loop.operands):
                dtype = loop.dtype
                if loop.function == "where" and k == 0:
                    dtype = view.dtype
                known = values.get(view)
                text = known if known else self._load(view, dtype, merged[view])
                if known and view.dtype != dtype:
                    text = cast(known, view.dtype, dtype)
                operands.append(text)
            name = self.names.new(self.hint(loop))
            body.append(self._value(loop, name, operands))
            values[loop.out] = name
        for view in self.group.stores:
            body.append(f"{self._at(merged[view])} = {values[view]};")
        self.lines += self._nest(merged[views[0]].shape, body)

    def _value(self, loop: Map, name: str, operands: list[str]) -> str:
        """Return the line that computes a value."""
        text = formula(loop.function, loop.dtype, libm=self.libm)
        assert text is not None
        lines = []
        for k, operand in enumerate(operands):
            if text.count(f"{{{k}}}") > 1 and not operand.isidentifier():
                part = self.names.new("x")
                lines.append(f"const {ctype(loop.dtype)} {part} = {operand};")
                operands[k] = part
        value = text.format(*operands)
        out = "int" if loop.out.dtype.kind == "b" else ctype(loop.out.dtype)  # that is faster
        from_numbers = loop.out.dtype.kind == "b" and loop.function in ("copy", "positive")
        if from_numbers and loop.dtype.kind != "b":
            value = f"{value} != 0"
        elif loop.dtype.kind == "b" and loop.out.dtype.kind == "f":
            value = cast(f"({value})", loop.dtype, loop.out.dtype)
        lines.append(f"const {out} {name} = {value};")
        return " ".join(lines)

    def _reduce(self, loop: Reduce) -> None:
        out, source = loop.out, loop.source
        kept = len(out.shape)
        folded = source.shape[kept:]
        kind = ctype(out.dtype)
        if loop.pairwise and source.dtype == out.dtype and out.dtype.kind == "f":
            self._side_by_side(loop, "sum")
            return
        extreme = loop.function in ("maximum", "minimum") and out.dtype.kind == "f"
        if extreme and len(folded) == 1 and source.strides[-1] == 1:
            self._side_by_side(loop, loop.function)
            return
        value = self._load(source, out.dtype)
        step = self._step(loop.function, out.dtype)
        start = {"any": "false", "all": "true", "add": "0"}.get(loop.function)
        if kept == 1 and len(folded) == 1 and source.strides[0] == 1 and start != "false":
            self._rows(loop, step, start)
            return
        if start is None:
            start = self._at(source.axes(list(range(kept))))
        inner = self._nest(folded, [f"total = {step.format('total', value)};"], kept)
        body = [f"{kind} total = {start};", *inner, f"{self._at(out)} = total;"]
        if not out.shape:
            body = ["{", *(f"  {line}" for line in body), "}"]
        self.lines += self._nest(out.shape, body)

    def _side_by_side(self, loop: Reduce, function: str) -> None:
        """Write a reduction of numbers that lie side by side, by a function of its own."""
        out, source = loop.out, loop.source
        kept = len(out.shape)
        n = source.shape[-1]
        name, text = helper(function, out.dtype, n)
        self.helpers[name] = text
        first = source.axes(list(range(kept)))
        start = "0 + " if function == "sum" else ""
        total = f"{name}(&{self._at(first)}, {n})"
        self.lines += self._nest(out.shape, [f"{self._at(out)} = {start}{total};"])

    def _rows(self, loop: Reduce, step: str, start: str | None) -> None:
        """Write a reduction over rows that takes whole rows at a time."""
        out, source = loop.out, loop.source
        n, rows = source.shape
        begin = start if start is not None else self._at(source.axes([0]))
        here = self._at(out)
        value = f"{self._pointer(source)}[i + j * {source.strides[1]}]"
        update = f"{here} = {step.format(here, value)};"
        columns = f"for (int64_t i = 0; i < {n}; i++)"
        self.lines.append(f"{columns} {here} = {begin};")
        self.lines.append(f"for (int64_t j = 0; j < {rows}; j++)")
        self.lines.append(f"  {columns} {update}")

    @staticmethod
    def _step(function: str, dtype: Any) -> str:
        """Return how a reduction takes in one more value."""
        if function in ("any", "all"):
            return "{0} || {1}" if function == "any" else "{0} && {1}"
        text = formula(function, dtype)
        assert text is not None
        return text

    def _gather(self, loop: Gather) -> None:
        """Write reads or writes where indices say, each of which is checked."""
        self.can_stop = True
        body, moves = [], []
        for k, pick in enumerate(loop.picks):
            at = _PICKS[k]
            body.append(f"int64_t {at} = (int64_t){self._at(pick.index)};")
            body.append(f"if ({at} < 0) {at} += {pick.size};")
            body.append(f"if ({at} < 0 || {at} >= {pick.size}) return 1;")
            moves.append(at if pick.stride == 1 else f"{at} * {pick.stride}")
        place = self._at(loop.base, " + ".join(moves))
        if loop.mode == "get":
            body.append(f"{self._at(loop.other)} = {place};")
        else:
            sign = {"set": "=", "add": "+=", "subtract": "-="}[loop.mode]
            body.append(f"{place} {sign} {self._load(loop.other, loop.base.dtype)};")
        self.lines += self._nest(loop.base.shape, body)

    def _matmul(self, loop: Matmul) -> None:
        """Write a product as plain loops, that run along the rows of the right matrix."""
        out = loop.out
        depth = len(out.shape)
        batch = INDICES[: depth - 2]
        row, column, inner = list(INDICES[depth - 2 : depth + 1])
        place = self._at(out)
        left = self._at(loop.left, indices=batch + row + inner)
        right = self._at(loop.right, indices=batch + inner + column)
        columns = f"for (int64_t {column} = 0; {column} < {out.shape[-1]}; {column}++)"
        body = [
            f"{columns} {place} = 0;",
            f"for (int64_t {inner} = 0; {inner} < {loop.left.shape[-1]}; {inner}++)",
            f"  {columns} {place} += {left} * {right};",
        ]
        self.lines += self._nest(out.shape[:-1], body)

    def _guard(self, loop: Guard) -> None:
        self.can_stop = True
        value = self._load(loop.view, loop.view.dtype)
        expected = literal(loop.expected, loop.view.dtype)
        self.lines.append(f"if ({value} != {expected}) return 1;")


def cast(text: str, source: Any, dtype: Any) -> str:
    """Return a value of one dtype as one of another."""
    if source.kind == "b" and dtype.kind == "f":
        one, zero = literal(1, dtype), literal(0, dtype)
        return f"({text} ? {one} : {zero})"
    return f"({ctype(dtype)}){text}"


@functools.lru_cache(maxsize=256)
def comment(text: str) -> str:
    """Return a line of the user's as a comment of C."""
    return "/* " + text.replace("*/", "* /") + " */"


def line_of(place: tuple[str, int]) -> str:
    """Return a line of the user's, with where it stands."""
    return f"{short_place(place)}: {linecache.getline(*place).strip()}"
