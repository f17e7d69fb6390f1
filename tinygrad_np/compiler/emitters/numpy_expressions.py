"""Expressions of a NumPy program: its statements and values, as Python text."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.doors import NUMERIC
from ..rows.arrays import Rows
from ..statements import Statement, Var, constant
from .numpy_literals import array_text, copy_text, dtype_text, note, number_text

if TYPE_CHECKING:
    from .names import Names

WIDTH = 58  # where the comments with shapes begin

# On numbers and NumPy scalars Python's operators do the same as the ufuncs, several times faster.
_SCALAR_OPERATORS: dict[np.ufunc, str] = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.less: "<",
    np.less_equal: "<=", np.greater: ">", np.greater_equal: ">=", np.equal: "==",
    np.not_equal: "!=", np.bitwise_and: "&",
}  # fmt: skip
_MODULES = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft,
            "np.lib.stride_tricks": np.lib.stride_tricks}  # fmt: skip


class Expressions:
    """Writer of values and calls, which collects what the text needs from outside.

    Attributes:
        names: the source of new names.
        name: the names that values have.
        inline: the text of values that have no name.
        setup: lines that run once, before the program's function.
        constants: arrays that the text takes from `constants`, by name.
        objects: other things that it uses, by name.
    """

    shares_arrays = True  # equal constants are one, whatever they are called

    def __init__(self, names: Names) -> None:
        self.names = names
        self.name: dict[Var, str] = {}
        self.inline: dict[Var, str] = {}
        self.setup: list[str] = []
        self.constants: dict[str, np.ndarray] = {}
        self.objects: dict[str, Any] = {}
        self._known: dict[Any, str] = {}  # names of constant arrays, by content

    def set_up(self, line: str, comment: str = "") -> None:
        """Add a line that runs once, with a comment."""
        self.setup.append(f"{line:<{WIDTH}}  # {comment}" if comment else line)

    def call(self, statement: Statement) -> str:
        """Return the statement as an expression that gives its result."""
        kind, target, args = statement.kind, statement.target, statement.args
        if kind == "getitem":
            return f"{self.expr(args[0])}[{self.index(args[1])}]"
        if kind == "setitem":
            return f"{self.expr(args[0])}[{self.index(args[1])}] = {self.expr(args[2])}"
        if kind == "operator":
            left, right = map(self._operand, args)
            return f"{left} {target} {right}"
        if kind == "method" and target == "transpose" and len(args) == 1:
            return f"{self.expr(args[0])}.T"
        symbol = "**" if target is operator.pow else _scalar_operator(statement)
        if symbol:
            left, right = map(self._operand, args)
            return f"{left} {symbol} {right}"
        if kind in ("method", "draw"):
            return f"{self.expr(args[0])}.{target}({self._arguments(statement, args[1:])})"
        if kind == "effect":
            lent = [self._lent(arg) for arg in args]
            named = [f"{name}={self._lent(value)}" for name, value in statement.kwargs.items()]
            return f"{self._function(statement)}({', '.join([*lent, *named])})"
        return f"{self._function(statement)}({self._arguments(statement, args)})"

    def into(self, statement: Statement, name: str) -> str:
        """Return the statement with its result written into memory."""
        kind, target, args = statement.kind, statement.target, statement.args
        if kind == "method" and target in ("copy", "astype"):
            source = self.expr(args[0])
            if target == "astype" and not np.can_cast(args[0].dtype, statement.out.dtype):
                return f'np.copyto({name}, {source}, casting="unsafe")'
            return f"np.copyto({name}, {source})"
        out = f"out={name}"
        if kind == "draw":  # the array says the size
            return f"{self.expr(args[0])}.{target}({self._arguments(statement, (), out)})"
        if kind == "method":
            return f"{self.expr(args[0])}.{target}({self._arguments(statement, args[1:], out)})"
        return f"{self._function(statement)}({self._arguments(statement, args, out)})"

    def _function(self, statement: Statement) -> str:
        """Return the text of what a statement calls."""
        name = self._path(statement.target)
        return f"{name}.{statement.method}" if statement.method else name

    def _path(self, target: Any) -> str:
        name = getattr(target, "__name__", "")
        for path, module in _MODULES.items():
            if getattr(module, name, None) is target:
                return f"{path}.{name}"
        return self._object(target)

    def _object(self, value: Any) -> str:
        """Return a name for an object that the text can't spell."""
        for name, known in self.objects.items():
            if known is value:
                return name
        name = self.names.new(getattr(value, "__name__", type(value).__name__))
        self.objects[name] = value
        return name

    def _arguments(self, statement: Statement, args: tuple, *more: str) -> str:
        named = [f"{key}={self.expr(value)}" for key, value in statement.kwargs.items()]
        return ", ".join([*map(self.expr, args), *named, *more])

    def index(self, index: Any) -> str:
        """Return the text between the brackets of an index."""
        parts = index if type(index) is tuple else (index,)
        texts = [self._slice(p) if isinstance(p, slice) else self.expr(p) for p in parts]
        text = ", ".join(texts)
        if type(index) is tuple and len(parts) == 1:
            text += ","
        return text or "()"

    def _slice(self, s: slice) -> str:
        start, stop, step = ("" if e is None else self.expr(e) for e in (s.start, s.stop, s.step))
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"

    def expr(self, value: Any) -> str:
        """Return the name of a value, or its text where it has none."""
        if isinstance(value, Var):
            known = self.name.get(value) or self.inline.get(value)
            return known or self._constant(value)
        if value is Ellipsis:
            return "..."
        if value is None or isinstance(value, (bool, Rows)):
            return repr(value)
        if isinstance(value, str):
            return str.__repr__(value)
        if isinstance(value, (int, float, complex)):
            return number_text(value)
        if isinstance(value, (tuple, list, slice)):
            return self._items(value)
        is_dtype = isinstance(value, np.dtype)
        if is_dtype or (isinstance(value, type) and issubclass(value, np.generic)):
            return dtype_text(np.dtype(value))
        if any(value is kind for kind in (int, float, bool, complex)):
            return value.__name__
        return self._object(value)

    def _items(self, value: tuple | list | slice) -> str:
        if isinstance(value, slice):
            ends = (value.start, value.stop, value.step)
            return f"slice({', '.join(map(self.expr, ends))})"
        items = ", ".join(map(self.expr, value))
        if isinstance(value, list):
            return f"[{items}]"
        return f"({items},)" if len(value) == 1 else f"({items})"

    def _lent(self, value: Any) -> str:
        """Return an argument that the called function may keep."""
        if isinstance(value, (tuple, list)):
            return f"({', '.join(map(self._lent, value))},)"
        text = self.expr(value)
        return copy_text(text, value.value) if isinstance(value, Var) and value.is_array else text

    def _operand(self, value: Any) -> str:
        """Return a value as a part of a larger expression."""
        text = self.expr(value)
        word = text.replace("_", "").replace(".", "").isalnum()
        plain = (word or text.endswith(")")) and " " not in text
        return text if plain else f"({text})"

    def _constant(self, var: Var) -> str:
        value = var.constant
        assert value is not None, var
        if isinstance(value, np.generic) and value.dtype.kind in NUMERIC:
            return f"{dtype_text(var.dtype)}({number_text(value.item())})"
        if isinstance(value, np.generic):  # a date or the like, which has no literal
            return f"{self._constant(constant(np.asarray(value), var.hint))}[()]"
        if not isinstance(value, np.ndarray):
            return number_text(value)
        name = "" if self.shares_arrays else var.hint
        key = (name, value.dtype, value.shape, value.strides, value.tobytes())
        if key in self._known:
            return self._known[key]
        self._known[key] = name = self.names.new(var.hint or "constant")
        text = array_text(value) or self.long_array(name, value)
        self.set_up(f"{name} = {text}", note(var))
        return name

    def long_array(self, name: str, value: np.ndarray) -> str:
        """Return an expression for an array that has no short one, and keep what that needs."""
        self.constants[name] = value
        return f"constants[{name!r}]"


def _scalar_operator(statement: Statement) -> str | None:
    """Return Python's operator for a ufunc of two scalars."""
    if not statement.is_ufunc() or statement.kwargs or not statement.outs:
        return None
    args = statement.args
    values = [*statement.outs, *(a for a in args if isinstance(a, Var))]
    if len(args) != 2 or any(value.shape for value in values):
        return None
    return _SCALAR_OPERATORS.get(statement.target)
