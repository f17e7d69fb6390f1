"""Export of a training step: a C file with `main`, and a binary of arrays beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...core.callsite import short_place
from ..errors import CompileError
from ..files import draft
from ..lowering import lower, record_step
from ..lowering.loops import Gather, Guard, Map, Matmul, Reduce
from ..lowering.translation import call_name
from .fusion import Times, fuse
from .scalars import ctype, formula
from .text import PRELUDE, LoopText, comment, line_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..lowering.loops import Loop, View
    from ..lowering.translation import Lowered

_HEAD = """\
{title}
/* cc -O3 -ffp-contract=off {file} -lm && ./a.out      trains 1000 steps (or as many as it is told)

   Products are plain loops here, and exp, log and the like are those of libm: they round otherwise
   than NumPy's, so that losses agree with it to some digits, not to the last bit. Data and state
   come from {data}, arrays one behind the other, each as it lies in memory. */
"""

_INCLUDES = """\
#include <stdio.h>
#include <stdlib.h>
"""

_MAIN = """
int main(int count, char **words) {{
  const long steps = count > 1 ? atol(words[1]) : 1000;
  FILE *file = fopen("{data}", "rb");
  int complete = file != NULL;
{reads}
  if (!complete) {{
    fprintf(stderr, "{data} is not there, or too short\\n");
    return 1;
  }}
  for (long s = 1; s <= steps; s++) {{
    if (step()) {{
      fprintf(stderr, "step %ld: a check of a value, or an index, failed\\n", s);
      return 1;
    }}
    if (s <= 50 || s % 100 == 0) {{
      printf("step %ld", s);
{prints}
      printf("\\n");
    }}
  }}
  return 0;
}}
"""


def export(f: Callable, name: str, path: Path) -> None:
    """Write a step without arguments to a C file, and its data and state to a .bin beside it.

    Raises:
        CompileError: an operation of it is none of C's, with its line; or it needs arguments.
        OSError: the files can't be written; those that were there are as they were.
    """
    try:
        lowered = lower(record_step(f).program)
    except TypeError as error:
        raise CompileError(f"a C file holds its data: {error}") from None
    file = _File(lowered, name, path)
    text = file.text()
    with draft(path) as own:
        own.with_suffix(".bin").write_bytes(b"".join(file.contents))
        own.write_text(text, encoding="utf-8")


class _File:
    """The parts of the file.

    Attributes:
        buffers: the memory; none is an array of NumPy's.
        contents: of the binary, piece by piece.
    """

    def __init__(self, lowered: Lowered, name: str, path: Path) -> None:
        self.lowered = lowered
        self.buffers = lowered.buffers
        self.name = name
        self.path = path
        self.contents: list[bytes] = []
        self._hints: dict[int, str] = {}
        for var, view in lowered.views.items():
            if var.hint:
                self._hints.setdefault(view.buffer, var.hint)
        self._names: dict[int, str] = {}

    def text(self) -> str:
        """Return the file; its binary is known then."""
        times = Times()
        timed = []
        for loop in (*self.lowered.loops, *self.lowered.state):
            self._check(loop)
            timed.append((times.add_loop(loop), loop))
        states = [k for k, buffer in enumerate(self.buffers) if buffer.role == "state"]
        times.kept = {*states, *(view.buffer for view in self.lowered.results)}
        functions: list[str] = []
        calls: list[str] = []
        helpers: dict[str, str] = {}
        place = None
        for group in fuse(timed, times):
            for loop in group.loops:
                if loop.place is not None and loop.place != place:
                    place = loop.place
                    functions.append(comment(line_of(place)))
            text = LoopText(group, self.buffers, self._hint, libm=True)
            helpers.update(text.helpers)
            name = f"loop_{len(calls) + 1}"
            functions += text.definition(name)
            operands = [self._pointer(view) for _, view in text.pointers.values()]
            call = f"{name}({', '.join(operands)})"
            calls.append(f"  if ({call}) return 1;" if text.can_stop else f"  {call};")
        title = comment(f"{self.name}: a training step, written by tinygrad_np")
        data = self.path.with_suffix(".bin").name
        head = _HEAD.format(title=title, file=self.path.name, data=data)
        body = ["static int step(void) {", *calls, "  return 0;", "}"]
        main = _MAIN.format(data=data, prints=self._prints(), reads=self._reads())
        parts = [head, _INCLUDES + PRELUDE, *helpers.values(), *self._memory(), "", *functions]
        return "\n".join([*parts, "", *body, main])

    def _check(self, loop: Loop) -> None:
        """Raise unless a loop can be C."""
        known = isinstance(loop, (Gather, Guard, Map, Matmul, Reduce))
        if isinstance(loop, Map):
            known = formula(loop.function, loop.dtype, libm=True) is not None
        elif isinstance(loop, Reduce):
            known = not loop.function.startswith("arg")
        if known:
            return
        where = f"{short_place(loop.place)}: " if loop.place else ""
        what = type(loop).__name__.lower()
        if loop.statement is not None:
            what = call_name(self.lowered.program.statements[loop.statement])
        raise CompileError(f"{where}{what} needs NumPy: a C file of {self.name} can't be written")

    def _hint(self, what: int | Map) -> str:
        """Return what to call the array of a buffer, or the value of a loop."""
        return self._hints.get(what.out.buffer if isinstance(what, Map) else what, "value")

    # --- memory ---------------------------------------------------------------------------------

    def _pointer(self, view: View) -> str:
        """Return an expression for the first element of a view."""
        return f"{self._array(view.buffer)} + {view.offset}"

    def _array(self, buffer: int) -> str:
        return self._names.setdefault(buffer, f"memory_{buffer}")

    def _memory(self) -> list[str]:
        """Return the arrays that the loops use."""
        lines = []
        for k, name in self._names.items():
            buffer = self.buffers[k]
            kind = self._hints.get(k, "")
            note = comment(f"{kind} {buffer.role}".strip())
            lines.append(f"static {ctype(buffer.dtype)} {name}[{buffer.size}]; {note}")
        return lines

    def _reads(self) -> str:
        """Return the lines that read the binary."""
        lines = []
        for k, name in self._names.items():
            buffer = self.buffers[k]
            if buffer.values is not None:
                read = f"fread({name}, sizeof *{name}, {buffer.size}, file)"
                lines.append(f"  complete = complete && {read} == {buffer.size};")
                self.contents.append(np.ascontiguousarray(buffer.values).tobytes())
        return "\n".join(lines)

    def _prints(self) -> str:
        """Return the lines that print the numbers of the result."""
        numbers = [view for view in self.lowered.results if view.size == 1]
        lines = [f'      printf("  %.9g", (double)*({self._pointer(view)}));' for view in numbers]
        return "\n".join(lines)
