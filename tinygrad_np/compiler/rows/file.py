"""Text of a file that computes a program for any number of rows, and imports NumPy alone."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.callsite import short_place
from ..emitters.numpy_file import result_text
from ..emitters.numpy_literals import dtype_text, header, note
from ..emitters.numpy_source import Writer
from ..memory import Memory
from ..statements import Statement, Var
from .arrays import Rows

if TYPE_CHECKING:
    from ..program import Program

# Names of the file, besides RESERVED, and those of Python that it uses.
_NAMES = (
    *("n", "predict", "rows_of", "is_number", "sys", "digest", "result", "row"),
    *("any", "complex", "dict", "float", "int", "len", "map", "open", "print", "set", "slice"),
    *("str", "OSError", "RuntimeError", "TypeError", "ValueError"),
)

_CHECKED = '''

def checked(name, value, shape, dtype):
    """Return an argument as an array of rows of this shape and dtype, if it can be one."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array: .filled(number) has no hidden numbers")
    array = np.asarray(value)
    whole = {array.dtype.kind, np.dtype(dtype).kind} <= set("biu")
    fits = whole or np.can_cast(array.dtype, dtype, "same_kind")
    if array.shape[1:] != shape or not array.ndim or not fits:
        wanted = f"(n{''.join(f', {length}' for length in shape)}) {np.dtype(dtype)}"
        raise ValueError(f"{name} is {array.shape} {array.dtype}, but this file takes {wanted}")
    rows = array.astype(dtype, copy=False)
    if whole and not np.array_equal(rows, array):
        raise ValueError(f"{name} has numbers that {np.dtype(dtype)} can't hold")
    return rows
'''

_ROWS_OF = '''

def is_number(text):
    """Say whether a cell of a CSV file is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def rows_of(path, shape, dtype):
    """Read an argument from a CSV file: each line is a row; a first line of names is left out."""
    with open(path, encoding="utf-8-sig") as file:
        lines = file.read().splitlines()
    if lines:
        cells = lines[0].replace('"', ",").replace(";", ",").replace("\\t", ",").split(",")
        if not any(map(is_number, cells)):
            del lines[0]
    if not lines:
        return np.empty((0, *shape), dtype)
    whole = int if np.dtype(dtype).kind in "iu" else None  # older NumPy would cut off fractions
    table = np.loadtxt(lines, dtype, delimiter=",", ndmin=2, converters=whole)
    columns = int(np.prod(shape))
    if table.shape[1] != columns:
        raise ValueError(f"{path} has {table.shape[1]} columns, but a row is {columns} numbers")
    return table.reshape(-1, *shape)
'''


class RowsFile(Writer):
    """Writer of the file.

    Args:
        program: one for any number of rows.
        stem: the name of the file, without .py.
        about: what the file computes, such as the repr of a model.
        own_line: the line of the user's that asks for the file, which says nothing in it.
        embed: arrays are written as text, not taken from an .npz beside the file.

    Attributes:
        fewest: the number of rows that a call needs.
        counts_rows: whether a statement asks for their number n.
        digest: of the content of the .npz, which belongs to this file alone.
    """

    shares_arrays = False

    def __init__(
        self, program: Program, stem: str, about: str, own_line: Any, *, embed: bool
    ) -> None:
        super().__init__(program, Memory())
        for name in _NAMES:
            self.names.new(name)
        self.stem = stem
        self.about = about
        self.embed = embed
        self.counts_rows = False
        self.fewest = 0
        self.digest = ""
        self._own_line = own_line
        self._layer = ""
        self.section = "forward"  # the only one, which needs no heading
        self.guards = False

    # --- statements -----------------------------------------------------------------------------

    def _heading(self, statement: Statement) -> None:
        """Begin the statements of another line of the user's, or of another layer."""
        place = statement.place
        if place != self.place and place is not None and place != self._own_line:
            self._plain_line("")
            code = linecache.getline(*place).strip()
            self._plain_line(f"# {short_place(place)}: {code}".rstrip(": "))
            self._layer = ""
        self.place = place or self.place
        if statement.layer != self._layer:
            self._layer = statement.layer
            if self._layer:
                self._plain_line("")
                self._plain_line(f"# {self._layer}")

    def refusal(self, guard: Statement) -> str:
        place = guard.place if guard.place != self._own_line else None
        line = f" ({short_place(place)})" if place else ""
        return f'ValueError("values that the model refuses, or computes otherwise with{line}")'

    def _return(self) -> None:
        made = {out for s in self.program.statements for out in s.outs}
        seen: set[Var] = set()
        result = result_text(self.program.template, lambda var: self._own(var, seen, made))
        self._plain_line("")
        self._plain_line(f"return {result}")

    def expr(self, value: Any) -> str:
        self.counts_rows |= isinstance(value, Rows)
        return super().expr(value)

    # --- arrays ---------------------------------------------------------------------------------

    def long_array(self, name: str, value: np.ndarray) -> str:
        """Return an expression for an array laid out in memory as this one."""
        axes = sorted(range(value.ndim), key=lambda axis: -abs(value.strides[axis]))
        turned = np.ascontiguousarray(value.transpose(axes))
        order = tuple(axes.index(k) for k in range(len(axes)))
        back = "" if axes == sorted(axes) else f".transpose({order})"
        if self.embed:
            return array_literal(turned) + back
        return super().long_array(name, turned) + back

    # --- the whole ------------------------------------------------------------------------------

    def _text(self, title: str) -> None:
        """Leave the text to `text`, which is asked when all is known."""

    def text(self) -> str:
        """Return the whole file."""
        lines = [f'"""{self._about()}"""', "", *self._imports(), "", "import numpy as np"]
        arrays = ["", "", "# The arrays of the model.", *self.setup] if self.setup else []
        stored = self._stored()
        if stored:
            lines += [stored]
        if not self.embed:
            lines += arrays[1:]
        lines += [_CHECKED.rstrip(), "", "", *header("predict", self.out.parameters)]
        lines += [f"    {line}".rstrip() for line in (*self._checks(), *self._statements())]
        if self.embed:
            lines += arrays
        return "\n".join([*lines, *self._script()]) + "\n"

    def _statements(self) -> list[str]:
        """List the lines of the statements, with shapes and dtypes."""
        return [f"{text:<54}  # {shape}" if shape else text for text, _, shape in self.body]

    def _about(self) -> str:
        """Return the docstring of the file."""
        names = self.out.parameters
        lines = [f"predict({', '.join(names)}) as NumPy statements, for any number of rows.", ""]
        lines += [*(f"    {line}" for line in self.about.splitlines()), ""]
        beside = f", and {self.stem}.npz beside it" if self.constants else ""
        files = " ".join(f"{name}.csv" for name in names)
        lines += [self._forms(), f"It needs NumPy{beside}, and is a module and a program:", ""]
        lines += [f"    from {self.stem} import predict"] * self.stem.isidentifier()
        lines += [f"    python {self.stem}.py {files}", ""]
        return "\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')

    def _forms(self) -> str:
        """Say which shapes and dtypes go in, and which come out."""
        forms = [f"{name} is {note(var)}" for name, var in self._taken()]
        result = result_text(self.program.template, note)
        return f"{', '.join(forms)}; the result is {result}."

    def _taken(self) -> list[tuple[str, Var]]:
        inputs = self.program.parameters()
        return [(name, entry.var) for name, entry in zip(self.out.parameters, inputs)]

    def _imports(self) -> list[str]:
        lines = ["import sys"]
        return [*lines, "from pathlib import Path"] if self.constants else lines

    def _stored(self) -> str:
        """Return the lines that read the .npz."""
        if not self.constants:
            return ""
        return f'''
constants = dict(np.load(Path(__file__).with_suffix(".npz")))
if constants.pop("digest") != "{self.digest}":
    raise RuntimeError("the .npz beside this file was written for another one")'''

    def _checks(self) -> list[str]:
        """List the lines that check the arguments, and count their rows."""
        template = result_text(self.program.template, note)
        first, *others = self.out.parameters
        lines = [f'"""Return {template} for any number of rows n."""']
        for name, var in self._taken():
            form = f"{var.shape[1:]}, {dtype_text(var.dtype)}"
            lines.append(f'{name} = checked("{name}", {name}, {form})')
        if others or self.fewest or self.counts_rows:
            lines.append(f"n = len({first})")
        for name in others:
            lines += [
                f"if len({name}) != n:",
                f'    raise ValueError(f"{first} has {{n}} rows, but {name} {{len({name})}}")',
            ]
        if self.fewest:
            lines += [f"if n < {self.fewest}:", f'    raise ValueError("{first} has no rows")']
        return lines

    def _script(self) -> list[str]:
        """List the lines that read CSV files and print the predictions."""
        names = self.out.parameters
        reads = [
            f"rows_of(sys.argv[{k}], {var.shape[1:]}, {dtype_text(var.dtype)})"
            for k, (_, var) in enumerate(self._taken(), start=1)
        ]
        usage = f"usage: python {{sys.argv[0]}} {' '.join(f'{name}.csv' for name in names)}"
        return [
            *_ROWS_OF.rstrip().splitlines(),
            "",
            "",
            'if __name__ == "__main__":',
            f"    if len(sys.argv) != {len(names) + 1}:",
            f'        sys.exit(f"{usage}")',
            "    try:",
            "        result = predict(",
            *(f"            {read}," for read in reads),
            "        )",
            "    except (OSError, ValueError) as error:",
            "        sys.exit(str(error))",
            *self._printing(),
        ]

    def _printing(self) -> list[str]:
        """List the lines that print the result: one of rows line by line."""
        template = self.program.template
        if isinstance(template, Var) and template.shape[0] == Rows(1):
            return ["    for row in result:", '        print(*np.ravel(row), sep=",")']
        return ["    print(result)"]


def array_literal(value: np.ndarray) -> str:
    """Return an expression for a contiguous array, as text with all digits."""
    dtype = dtype_text(value.dtype)
    numbers = value.astype(np.uint8) if value.dtype.kind == "b" else value
    width = value.shape[-1] if value.ndim > 1 and value.shape[-1] <= 12 else 8
    cells = list(map(str, numbers.reshape(-1)))
    if not np.array_equal(np.array(cells, numbers.dtype), numbers.reshape(-1), equal_nan=True):
        cells = list(map(repr, numbers.reshape(-1).tolist()))  # all digits of a double
    lines = [" ".join(cells[k : k + width]) for k in range(0, len(cells), width)]
    text = '"""\n' + "\n".join(lines) + '\n"""'
    through = "np.uint8" if value.dtype.kind == "b" else dtype
    array = f"np.array({text}.split(), {through})"
    if through != dtype:
        array += f".astype({dtype})"
    return array if value.ndim == 1 else f"{array}.reshape({value.shape})"
