"""What a statement of a program, and the values in it, are in Python text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..statements import Statement, Var
from .numpy_literals import about, array_text, dtype_text, number_text

if TYPE_CHECKING:
    from .names import Names

__all__ = ["WIDTH", "Expressions"]

WIDTH = 58  # where the comments with shapes begin

# On numbers and NumPy scalars Python's operators do the same as the ufuncs, several times faster.
_SCALAR: dict[np.ufunc, str] = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.less: "<",
    np.less_equal: "<=", np.greater: ">", np.greater_equal: ">=", np.equal: "==",
    np.not_equal: "!=", np.bitwise_and: "&",
}  # fmt: skip
_MODULES = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft,
            "np.lib.stride_tricks": np.lib.stride_tricks}  # fmt: skip


class Expressions:
    """Text of values and calls; collects what the text needs from outside.

    Attributes:
        names: gives new names.
        name: the names that values have; `inline`, the text of those that have none.
        setup: lines that run once, before the program's function.
        constants: arrays that the text takes from `constants`, by name.
        objects: other things that it uses, by name.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self.name: dict[Var, str] = {}
        self.inline: dict[Var, str] = {}
        self.setup: list[str] = []
        self.constants: dict[str, np.ndarray] = {}
        self.objects: dict[str, Any] = {}
        self._known: dict[Any, str] = {}  # names of constant arrays, by content

    def set_up(self, line: str, note: str, var: Var | None) -> None:
        """A line that runs once, with a comment: a note, or the shape and dtype of a value."""
        note = note or (about(var) if var is not None else "")
        self.setup.append(f"{line:<{WIDTH}}  # {note}" if note else line)

    def call(self, statement: Statement) -> str:
        """The statement as an expression that gives its result."""
        kind, target, args = statement.kind, statement.target, statement.args
        if kind == "getitem":
            return f"{self.expr(args[0])}[{self.index(args[1])}]"
        if kind == "setitem":
            return f"{self.expr(args[0])}[{self.index(args[1])}] = {self.expr(args[2])}"
        if kind == "operator":
            left, right = (self._operand(a) for a in args)
            return f"{left} {target} {right}"
        if kind == "method" and target == "transpose" and len(args) == 1:
            return f"{self.expr(args[0])}.T"
        if kind == "ufunc" and not statement.method and not statement.kwargs and statement.outs:
            symbol = _SCALAR.get(target)
            values = [*statement.outs, *(a for a in args if isinstance(a, Var))]
            if symbol and len(args) == 2 and not any(v.is_array for v in values):
                return f"{self._operand(args[0])} {symbol} {self._operand(args[1])}"
        if kind in ("method", "draw"):
            return f"{self.expr(args[0])}.{target}({self._arguments(statement, args[1:])})"
        return f"{self._function(statement)}({self._arguments(statement, args)})"

    def into(self, statement: Statement, name: str) -> str:
        """The statement with its result written into memory."""
        kind, target, args = statement.kind, statement.target, statement.args
        if kind == "method" and target in ("copy", "astype"):
            casts = target == "astype" and not np.can_cast(args[0].dtype, statement.out.dtype)
            unsafe = ', casting="unsafe"' if casts else ""
            return f"np.copyto({name}, {self.expr(args[0])}{unsafe})"
        if kind == "draw":
            rest = self._arguments(statement, ())
            return f"{self.expr(args[0])}.{target}({rest + ', ' if rest else ''}out={name})"
        if kind == "method":
            rest = self._arguments(statement, args[1:])
            return f"{self.expr(args[0])}.{target}({rest}, out={name})"
        return f"{self._function(statement)}({self._arguments(statement, args)}, out={name})"

    def _function(self, statement: Statement) -> str:
        target: Any = statement.target
        if statement.kind == "ufunc":
            name = f"np.{target.__name__}"
            if getattr(np, target.__name__, None) is not target:
                name = self._object(target)
            return f"{name}.{statement.method}" if statement.method else name
        for path, module in _MODULES.items():
            name = getattr(target, "__name__", "")
            if getattr(module, name, None) is target:
                return f"{path}.{name}"
        return self._object(target)

    def _object(self, value: Any) -> str:
        """The name of something that the text can't spell."""
        for name, known in self.objects.items():
            if known is value:
                return name
        name = self.names.new(getattr(value, "__name__", type(value).__name__))
        self.objects[name] = value
        return name

    def _arguments(self, statement: Statement, args: tuple) -> str:
        named = [f"{key}={self.expr(value)}" for key, value in statement.kwargs.items()]
        return ", ".join([*map(self.expr, args), *named])

    def index(self, index: Any) -> str:
        """What stands between the brackets."""
        parts = index if type(index) is tuple else (index,)
        text = ", ".join(self._slice(p) if isinstance(p, slice) else self.expr(p) for p in parts)
        if type(index) is tuple and len(parts) == 1:
            text += ","
        return text or "()"

    def _slice(self, s: slice) -> str:
        ends = ["" if end is None else self.expr(end) for end in (s.start, s.stop, s.step)]
        return ":".join(ends if ends[2] else ends[:2])

    def expr(self, value: Any) -> str:
        """A value: its name, or how it is written."""
        if isinstance(value, Var):
            if value in self.name:
                return self.name[value]
            if value in self.inline:
                return self.inline[value]
            assert value.constant is not None, value
            return self._constant(value)
        if isinstance(value, bool) or value is None or value is Ellipsis:
            return str(value) if value is not Ellipsis else "..."
        if isinstance(value, (int, float, complex)):
            return number_text(value)
        if isinstance(value, str):
            return repr(value)
        if isinstance(value, slice):
            return (
                f"slice({', '.join(self.expr(e) for e in (value.start, value.stop, value.step))})"
            )
        if isinstance(value, tuple):
            return f"({', '.join(map(self.expr, value))}{',' if len(value) == 1 else ''})"
        if isinstance(value, list):
            return f"[{', '.join(map(self.expr, value))}]"
        if isinstance(value, np.dtype) or (
            isinstance(value, type) and issubclass(value, np.generic)
        ):
            return dtype_text(np.dtype(value))
        if value in (int, float, bool, complex):
            return value.__name__
        return self._object(value)

    def _operand(self, value: Any) -> str:
        """An expression as a part of a larger one."""
        text = self.expr(value)
        plain = text.replace("_", "").replace(".", "").isalnum() or text.endswith(")")
        return text if plain and " " not in text else f"({text})"

    def _constant(self, var: Var) -> str:
        value = var.constant
        if not isinstance(value, np.ndarray) or value.ndim == 0:
            number = value.item() if hasattr(value, "item") else value
            return (
                f"{dtype_text(var.dtype)}({number_text(number)})"
                if var.shape == ()
                else number_text(number)
            )
        key = (value.dtype, value.shape, value.strides, value.tobytes())
        if key in self._known:
            return self._known[key]
        self._known[key] = name = self.names.new(var.hint or "constant")
        text = array_text(value)
        if text is None:
            self.constants[name] = value
            text = f"constants[{name!r}]"
        self.set_up(f"{name} = {text}", "", var)
        return name
