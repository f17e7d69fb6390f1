"""A program as Python text: first its memory, then one function of NumPy statements."""

from __future__ import annotations

import linecache
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.callsite import short_place
from ..memory import Memory, is_copy, takes_out
from ..statements import Statement, Var
from .names import Names
from .numpy_expressions import WIDTH, Expressions
from .numpy_literals import about, empty, signature

if TYPE_CHECKING:
    from ..program import Output, Program

__all__ = ["Emitted", "emit"]


_GUARD = (
    "class GuardFailed(Exception):",
    '    """What held when this was recorded does not hold in this call."""',
)

_IN_PLACE = {np.add: "+=", np.subtract: "-=", np.multiply: "*=", np.divide: "/="}


@dataclass
class Emitted:
    """The text, and how its function is to be called.

    Attributes:
        source: the text; running it defines the function `name`.
        constants: arrays that the text takes from `constants`, by name.
        objects: other things that it uses: Python functions of numbers.
        parameters: names of the function's parameters: the inputs, then the fresh memory.
        fresh: the outputs that are written into memory given as the last parameters.
        returned: the outputs that come back behind the results.
        static: outputs (gradients) that lie in buffers, with the names of these.
        lines: for each line of the function, by number, its statement.
    """

    name: str
    source: str = ""
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    fresh: list[Output] = field(default_factory=list)
    returned: list[Output] = field(default_factory=list)
    static: dict[Any, str] = field(default_factory=dict)
    lines: dict[int, Statement] = field(default_factory=dict)


def emit(program: Program, memory: Memory, title: str) -> Emitted:
    """Write the program down."""
    return _Writer(program, memory).write(title)


class _Writer(Expressions):
    def __init__(self, program: Program, memory: Memory) -> None:
        name = re.sub(r"\W", "_", program.name)
        super().__init__(Names({"np", "constants", "GuardFailed", name}))
        self.program = program
        self.memory = memory
        self.out = Emitted(name, constants=self.constants, objects=self.objects)
        self.body: list[tuple[str, Statement | None, str]] = []
        self.kept = set(program.kept())
        self.place: tuple[str, int] | None = None
        self.section = ""
        self.uses: dict[Var, int] = {}
        for statement in program.statements:
            for var in statement.reads():
                self.uses[var] = self.uses.get(var, 0) + 1

    # --- the whole ------------------------------------------------------------------------------

    def write(self, title: str) -> Emitted:
        program, out = self.program, self.out
        sources: dict[int, str] = {}
        for given in program.parameters():
            self.name[given.var] = self.names.new(given.var.hint or given.kind)
            out.parameters.append(self.name[given.var])
            sources[id(given.source)] = self.name[given.var]
        for output in program.outputs:
            known = sources.get(id(output.source))
            if output.kind == "number" and output.var is not None and known:
                output.var.hint = f"{known}_new"
        fresh = sorted(self.memory.fresh.items(), key=lambda pair: pair[1])
        for var, k in fresh:
            self.name[var] = self._fresh(program.outputs[k])
        self._buffers()
        skip = 0
        statements = program.statements
        for k, statement in enumerate(statements):
            if skip:
                skip -= 1
                continue
            merged = self._merged(statements[k : k + 3])
            if merged:
                self._line(merged, statements[k + 2])
                skip = 2
            else:
                self._statement(statement)
        self._return()
        self._text(title)
        return out

    def _fresh(self, output: Output) -> str:
        source = next((i for i in self.program.inputs if i.source is output.source), None)
        old = self.name[source.var] if source else (output.source.name or "state")
        name = self.names.new(f"{old}_new")
        self.out.parameters.append(name)
        self.out.fresh.append(output)
        return name

    def _buffers(self) -> None:
        """Names and memory of all values that live in buffers."""
        holder = self.memory.holder
        placed = self.program.placed
        for var in [w for w, _ in placed.values() if w in holder]:
            if var not in self.name:
                self._allocate(var)
        for statement in self.program.statements:
            for var in statement.outs:
                if var in placed and placed[var][0] in holder:
                    whole, start = placed[var]
                    self.name[var] = name = self.names.new(var.hint)
                    part = f"{self.name[whole]}[{start}:{start + var.value.size}]"
                    shape = "" if len(var.shape) == 1 else f".reshape({var.shape})"
                    self.set_up(f"{name} = {part}{shape}", "", var)
                elif var in holder and var not in self.name:
                    first = holder[var]
                    if var is first:
                        self._allocate(var)
                    else:
                        self.name[var] = name = self.names.new(var.hint)
                        shape = "" if var.shape == first.shape else f".reshape({var.shape})"
                        self.set_up(f"{name} = {self.name[first]}{shape}", "used again", None)

    def _allocate(self, var: Var) -> None:
        self.name[var] = name = self.names.new(var.hint)
        self.set_up(f"{name} = {empty(var)}", "", None)

    def _text(self, title: str) -> None:
        out = self.out
        guards = any(s.kind == "guard" for s in self.program.statements)
        lines = [f'"""{title}"""', "", "import numpy as np"]
        if guards:
            lines += ["", "", *_GUARD, ""]
        if self.setup:
            lines += ["", "# Memory that every call uses again, and views of it.", *self.setup]
        lines += ["", "", *signature(out.name, out.parameters)]
        for text, statement, note in self.body:
            if statement is not None:
                out.lines[len(lines) + 1] = statement
            lines.append(f"    {text:<{WIDTH - 4}}  # {note}" if note else f"    {text}".rstrip())
        out.source = "\n".join(lines) + "\n"

    # --- statements -----------------------------------------------------------------------------

    def _heading(self, statement: Statement) -> None:
        if statement.section != self.section:
            self.section = statement.section
            self.body += [("", None, ""), (f"# --- {self.section} ---", None, "")]
            self.place = None
        if statement.place != self.place and statement.place is not None:
            self.place = statement.place
            code = linecache.getline(*self.place).strip()
            self.body.append((f"# {short_place(self.place)}: {code}".rstrip(": "), None, ""))

    def _line(self, text: str, statement: Statement) -> None:
        self._heading(statement)
        if statement.errstate:
            handled = ", ".join(f"{k}={how!r}" for k, how in sorted(statement.errstate.items()))
            self.body.append((f"with np.errstate({handled}):", None, ""))
            text = f"    {text}"
        note = ", ".join(about(out) for out in statement.outs)
        if not note and statement.writes is not None:
            note = about(statement.writes)
        self.body.append((text, statement, note))

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
        if statement.boxed:
            call = f"np.asarray({call})[()]"
        once = statement.kind == "operator" and self.uses.get(statement.out) == 1
        if once and statement.out not in self.kept:
            self.inline[statement.out] = call
            return
        if statement.writes is not None and not statement.outs:
            self._line(call, statement)
            return
        for out in statement.outs:
            self.name[out] = self.names.new(out.hint)
        left = ", ".join(self.name[out] for out in statement.outs)
        if statement.several and len(statement.outs) == 1:
            left += ","
        self._line(f"{left} = {call}", statement)

    def _same_memory(self, statement: Statement) -> bool:
        """Whether a copy goes to where its source lies: then there is nothing to do."""
        holder, placed = self.memory.holder, self.program.placed
        source, out = statement.args[0].root, statement.out
        return source in holder and holder[source] is holder[out] and out not in placed

    def _view(self, statement: Statement) -> None:
        if not any(self.uses.get(out) or out in self.kept for out in statement.outs):
            return
        call = self.call(statement)
        fixed = all(self.memory.has(v) for v in statement.reads()) and not statement.several
        if fixed and self.memory.has(statement.out):
            self.name[statement.out] = name = self.names.new(statement.out.hint)
            self.set_up(f"{name} = {call}", "", statement.out)
            return
        short = statement.kind == "method" and statement.target == "transpose"
        if short and self.uses.get(statement.out) == 1:
            self.inline[statement.out] = call
            return
        for out in statement.outs:
            self.name[out] = self.names.new(out.hint)
        self._line(f"{', '.join(self.name[o] for o in statement.outs)} = {call}", statement)

    def _guard(self, statement: Statement) -> None:
        value, expected = statement.args
        shown = self.expr(value)
        test = f"not {shown}" if expected is True else shown
        if not isinstance(expected, bool):
            test = f"{shown} != {self.expr(expected)}"
        self._line(f"if {test}:", statement)
        self.body.append(("    raise GuardFailed", statement, ""))

    def _merged(self, three: list[Statement]) -> str | None:
        """`d[i] -= 1` for: pick t = d[i], subtract from t, write t back to d[i]."""
        if [s.kind for s in three] != ["getitem", "ufunc", "setitem"]:
            return None
        pick, change, back = three
        if change.target not in _IN_PLACE or change.writes is None or pick.is_view():
            return None
        t = pick.out
        same = back.args[:2] == pick.args and back.args[2] is t
        if not same or change.args[0] is not t or change.writes is not t or self.uses[t] != 3:
            return None
        place = f"{self.expr(pick.args[0])}[{self.index(pick.args[1])}]"
        return f"{place} {_IN_PLACE[change.target]} {self.expr(change.args[1])}"

    # --- results --------------------------------------------------------------------------------

    def _return(self) -> None:
        """Results first, then what the caller has to put in its place."""
        returned: list[str] = []
        seen: set[Var] = set()
        makers = {out for s in self.program.statements if _allocates(s) for out in s.outs}
        for value in self.program.results:
            if isinstance(value, Var):
                returned.append(self._own(value, seen, makers))
        for output in self.program.outputs:
            var = output.var
            if var is None or var in self.memory.fresh:
                continue
            if output.kind == "grad" and var.is_array and var.root in self.memory.holder:
                self.out.static[output.source] = self.expr(var)
            elif var.is_array and output.kind == "tensor" and self.memory.holder:
                name = self._fresh(output)
                self.body.append((f"np.copyto({name}, {self.expr(var)})", None, ""))
            else:
                self.out.returned.append(output)
                returned.append(self._own(var, seen, makers))
        if returned:
            tail = "," if len(returned) == 1 else ""
            self.body += [("", None, ""), (f"return {', '.join(returned)}{tail}", None, "")]
        elif not self.body:
            self.body.append(("pass", None, ""))

    def _own(self, var: Var, seen: set[Var], makers: set[Var]) -> str:
        """The value as the caller may keep it."""
        text = self.expr(var)
        if not var.is_array:
            return text
        fresh = var.root in makers and var.root not in self.memory.holder
        fresh = fresh and var.root not in self.memory.fresh and var.root not in seen
        seen.add(var.root)
        return text if fresh else f"{text}.copy()"


def _allocates(statement: Statement) -> bool:
    """Whether the result is surely new memory, whatever the layout of the operands."""
    return statement.kind in ("ufunc", "draw") or takes_out(statement)
