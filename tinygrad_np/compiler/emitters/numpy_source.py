"""Source of a NumPy program: first its memory, then one function of statements."""

from __future__ import annotations

import linecache
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.callsite import short_place
from ..memory import Memory, is_copy, takes_out
from ..passes.concatenation import rows_of
from ..statements import Statement, Var
from .names import RESERVED, Names
from .numpy_expressions import WIDTH, Expressions
from .numpy_literals import copy_text, empty, header, note

if TYPE_CHECKING:
    from ..program import Output, Program

_GUARD = (
    "class GuardFailed(Exception):",
    '    """What held when this was recorded does not hold in this call."""',
)

_IN_PLACE = {np.add: "+=", np.subtract: "-=", np.multiply: "*=", np.divide: "/="}


@dataclass
class Emitted:
    """The text of a program, and the interface of its function.

    Attributes:
        source: the text; running it defines the function `name`.
        constants: arrays that the text takes from `constants`, by name.
        objects: other things that it uses: Python functions of numbers.
        parameters: names of the function's parameters: the inputs, then the fresh memory.
        fresh: the outputs that are written into the memory of the last parameters.
        returned: the outputs that come back behind the results.
        buffers: names of the memory that values are computed in.
        static: outputs (gradients) that lie in buffers, with the names of these.
        lines: for each line of the function, by number, its statement.
        native: the functions of C that it calls, if there are any.
    """

    name: str
    source: str = ""
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    fresh: list[Output] = field(default_factory=list)
    returned: list[Output] = field(default_factory=list)
    buffers: list[str] = field(default_factory=list)
    static: dict[Any, str] = field(default_factory=dict)
    lines: dict[int, Statement] = field(default_factory=dict)
    native: Any = None


def emit(program: Program, memory: Memory, title: str) -> Emitted:
    """Write a program as Python text with this docstring."""
    return Writer(program, memory).write(title)


class Writer(Expressions):
    """Writer of a program's text.

    Attributes:
        guards: whether something in the text may raise `GuardFailed`.
    """

    def __init__(self, program: Program, memory: Memory) -> None:
        name = re.sub(r"\W", "_", program.name)
        name += "_" * (name in RESERVED)
        super().__init__(Names({*RESERVED, name}))
        self.program = program
        self.memory = memory
        self.out = Emitted(name, constants=self.constants, objects=self.objects)
        self.body: list[tuple[str, Statement | None, str]] = []
        self.kept = set(program.kept())
        self.lasting: set[Var] = set()  # what is named once and for all, before the function
        self.place: tuple[str, int] | None = None
        self.section = ""
        self.guards = any(s.kind == "guard" for s in program.statements)
        self.uses = Counter(var for s in program.statements for var in s.reads())

    # --- the whole ------------------------------------------------------------------------------

    def write(self, title: str) -> Emitted:
        self._parameters()
        self._buffers()
        statements = self.program.statements
        k = 0
        while k < len(statements):
            merged = self._merged(statements[k : k + 3])
            if merged:
                self._line(merged, statements[k + 2])
                k += 3
            else:
                self._statement(statements[k])
                k += 1
        self._return()
        self._text(title)
        return self.out

    def _parameters(self) -> None:
        """Name the parameters: the inputs, then memory for the new values of Tensors."""
        program = self.program
        sources: dict[int, str] = {}
        for entry in program.parameters():
            name = self.names.new(entry.var.hint or entry.kind)
            self.name[entry.var] = sources[id(entry.source)] = name
            self.out.parameters.append(name)
        for output in program.outputs:
            old = sources.get(id(output.source))
            if output.kind == "number" and output.var is not None and old:
                output.var.hint = f"{old}_new"
        fresh = sorted(self.memory.fresh.items(), key=lambda pair: pair[1])
        for var, k in fresh:
            self.name[var] = self._fresh(program.outputs[k])

    def _fresh(self, output: Output) -> str:
        """Add a parameter for memory that a Tensor takes over."""
        entries = (i for i in self.program.inputs if i.source is output.source)
        entry = next(entries, None)
        old = self.name[entry.var] if entry else (output.source.name or "state")
        name = self.names.new(f"{old}_new")
        self.out.parameters.append(name)
        self.out.fresh.append(output)
        return name

    def _buffers(self) -> None:
        """Name the values that live in buffers, and write down their memory."""
        holder = self.memory.holder
        placed = self.program.placed
        for whole, _ in placed.values():
            if whole in holder and whole not in self.name:
                self._reserve(whole)
        for statement in self.program.statements:
            for var in statement.outs:
                if var in placed and placed[var][0] in holder:
                    self._define(var, self._part(var), note(var))
                elif var in holder and var not in self.name:
                    first = holder[var]
                    if var is first:
                        self._reserve(var)
                    else:
                        shape = "" if var.shape == first.shape else f".reshape({var.shape})"
                        self._define(var, f"{self.name[first]}{shape}", "used again")

    def _reserve(self, var: Var) -> None:
        """Name memory that values are computed in."""
        self._define(var, empty(var))
        self.out.buffers.append(self.name[var])

    def _define(self, var: Var, text: str, comment: str = "") -> None:
        """Name a value that is there once and for all."""
        self.lasting.add(var)
        self.set_up(f"{self._targets((var,))} = {text}", comment)

    def _targets(self, values: tuple[Var, ...], several: bool = False) -> str:
        """Name values, and return what stands on the left of the `=` that gives them."""
        for value in values:
            self.name[value] = self.names.new(value.hint)
        left = ", ".join(self.name[value] for value in values)
        return f"{left}," if several and len(values) == 1 else left

    def _part(self, var: Var) -> str:
        """Return the part of another's memory that a value lives in."""
        whole, start = self.program.placed[var]
        rows = rows_of(whole, var, start)
        if isinstance(rows, int):
            return f"{self.name[whole]}[{rows}]"
        part = f"{self.name[whole]}[{rows.start}:{rows.stop}]"
        same = var.shape == (rows.stop - rows.start, *whole.shape[1:])
        return part if same else f"{part}.reshape({var.shape})"

    def _text(self, title: str) -> None:
        out = self.out
        lines = [f'"""{title}"""', "", "import numpy as np"]
        if self.guards:
            lines += ["", "", *_GUARD, ""]
        if self.setup:
            lines += ["", "# Memory that every call uses again, and views of it.", *self.setup]
        lines += ["", "", *header(out.name, out.parameters)]
        for text, statement, comment in self.body:
            if statement is not None:
                out.lines[len(lines) + 1] = statement
            if comment:
                text = f"{text:<{WIDTH - 4}}  # {comment}"
            lines.append(f"    {text}".rstrip())
        out.source = "\n".join(lines) + "\n"

    # --- statements -----------------------------------------------------------------------------

    def _plain_line(self, text: str) -> None:
        self.body.append((text, None, ""))

    def _heading(self, statement: Statement) -> None:
        """Begin a section, or the statements of another line of the user's."""
        if statement.section != self.section:
            self.section = statement.section
            self._plain_line("")
            self._plain_line(f"# --- {self.section} ---")
            self.place = None
        if statement.place != self.place and statement.place is not None:
            self.place = statement.place
            code = linecache.getline(*self.place).strip()
            self._plain_line(f"# {short_place(self.place)}: {code}".rstrip(": "))

    def _line(self, text: str, statement: Statement) -> None:
        self._heading(statement)
        if statement.errstate:
            errstate = sorted(statement.errstate.items())
            handling = ", ".join(f"{kind}={how!r}" for kind, how in errstate)
            self._plain_line(f"with np.errstate({handling}):")
            text = f"    {text}"
        comment = ", ".join(map(note, statement.outs))
        if not comment and statement.writes is not None:
            comment = note(statement.writes)
        self.body.append((text, statement, comment))

    def _statement(self, statement: Statement) -> None:
        if statement.kind == "memory":
            return
        if statement.kind == "guard":
            self._guard(statement)
            return
        if statement.is_view():
            self._view(statement)
            return
        if takes_out(statement) and statement.out in self.name:
            if is_copy(statement) and self._same_memory(statement):
                return
            self._line(self.into(statement, self.name[statement.out]), statement)
            return
        call = self.call(statement)
        once = statement.kind == "operator" and self.uses[statement.out] == 1
        if once and statement.out not in self.kept:
            self.inline[statement.out] = call
            return
        if statement.writes is not None and not statement.outs:
            self._line(call, statement)
            return
        self._assignment(statement, call)

    def _assignment(self, statement: Statement, call: str) -> None:
        self._line(f"{self._targets(statement.outs, statement.several)} = {call}", statement)

    def _same_memory(self, statement: Statement) -> bool:
        """Say whether a copy goes to where its source lies: then there is nothing to do."""
        holder, placed = self.memory.holder, self.program.placed
        source, out = statement.args[0].root, statement.out
        return source in holder and holder[source] is holder.get(out) and out not in placed

    def _view(self, statement: Statement) -> None:
        if not any(self.uses[out] or out in self.kept for out in statement.outs):
            return
        call = self.call(statement)
        if all(v in self.lasting or v.constant is not None for v in statement.reads()):
            self.lasting.update(statement.outs)
            left = self._targets(statement.outs, statement.several)
            self.set_up(f"{left} = {call}", ", ".join(map(note, statement.outs)))
            return
        short = statement.kind == "method" and statement.target == "transpose"
        if short and self.uses[statement.out] == 1:
            self.inline[statement.out] = call
        else:
            self._assignment(statement, call)

    def _guard(self, statement: Statement) -> None:
        value, expected = statement.args
        test = self.expr(value)
        if statement.method == "shape":
            test = f"{test}.shape != {expected}"
        elif expected is True:
            test = f"not {test}"
        elif not isinstance(expected, bool):
            test = f"{test} != {self.expr(expected)}"
        self._line(f"if {test}:", statement)
        self.body.append((f"    raise {self.refusal(statement)}", statement, ""))

    def refusal(self, guard: Statement) -> str:
        """Return the exception of a guard that does not hold."""
        return "GuardFailed"

    def _merged(self, three: list[Statement]) -> str | None:
        """Return `d[i] -= 1` for three statements: t = d[i]; t -= 1; d[i] = t."""
        if [s.kind for s in three] != ["getitem", "ufunc", "setitem"]:
            return None
        pick, change, back = three
        if change.target not in _IN_PLACE or change.writes is None or pick.is_view():
            return None
        t = pick.out
        same_place = back.args[:2] == pick.args
        same_value = change.args[0] is t and change.writes is t and back.args[2] is t
        if not same_place or not same_value or self.uses[t] != 3:
            return None
        place = f"{self.expr(pick.args[0])}[{self.index(pick.args[1])}]"
        return f"{place} {_IN_PLACE[change.target]} {self.expr(change.args[1])}"

    # --- results --------------------------------------------------------------------------------

    def _return(self) -> None:
        """Write what comes back: the results, then what the caller has to put in its place."""
        returned: list[str] = []
        seen: set[Var] = set()
        makers = {out for s in self.program.statements if self._allocates(s) for out in s.outs}
        for value in self.program.results:
            if isinstance(value, Var):
                returned.append(self._own(value, seen, makers))
        for k, output in enumerate(self.program.outputs):
            var = output.var
            if var is None or self.memory.fresh.get(var) == k:
                continue
            if output.kind == "grad" and var.is_array and var.root in self.memory.holder:
                self.out.static[output.source] = self.expr(var)
            elif var.is_array and output.kind == "tensor" and self.memory.holder:
                name = self._fresh(output)
                self._plain_line(f"np.copyto({name}, {self.expr(var)})")
            else:
                self.out.returned.append(output)
                returned.append(self._own(var, seen, makers))
        if returned:
            tail = "," if len(returned) == 1 else ""
            self._plain_line("")
            self._plain_line(f"return {', '.join(returned)}{tail}")
        elif not self.body:
            self._plain_line("pass")

    def _own(self, var: Var, seen: set[Var], makers: set[Var]) -> str:
        """Return a value that the caller may keep: a copy of what is not new memory."""
        text = self.expr(var)
        value = var.value if var.constant is None else var.constant
        if not isinstance(value, np.ndarray):  # one of no dimension may look into memory too
            return text
        root = var.root
        reused = root in self.memory.holder or root in self.memory.fresh or root in seen
        seen.add(root)
        return text if root in makers and not reused else copy_text(text, value)

    def _allocates(self, statement: Statement) -> bool:
        """Say whether the result is surely new memory, whatever the layout of the operands."""
        return statement.kind in ("ufunc", "draw") or takes_out(statement)
