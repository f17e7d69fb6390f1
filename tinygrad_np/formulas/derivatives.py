"""The derivative of an op, read from its rule: as a formula, and as its NumPy lines.

    Derivative(tg.tanh.op, 0).formula()   'g · (1 − out · out)'
    Derivative(tg.tanh.op, 0).numpy()     ['g * (1 - out * out)']

The formula comes from running the rule on symbols, the lines from its source. The values of a call
say which branches of the rule are shown.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import itertools
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.op import reads_of
from .source import helpers_in, lines_that_run, names_in, renamed, with_signs
from .symbols import Symbol, TooLongError, Unrecorded, leaf, parameter
from .text import ATOM, as_python, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from ..core.op import Op

LONGEST_LINE = 90  # characters of a formula
MOST_LINES = 5
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

Names = dict[str, Any]  # texts, and for a sequence of inputs a list of texts


class Formula(NamedTuple):
    """A rule's result as text.

    Attributes:
        text: `name = ...` on each line but the last, which is the result.
        helpers: the library's own functions in it, and the first lines of their docs.
        kept: the values in it that only the op's forward knows.
    """

    text: str
    helpers: dict[str, str]
    kept: list[str]


def rule_of(op: Op, position: int) -> Callable | None:
    """Return the rule for the input at a position; None if no gradient flows there."""
    return next(iter(op.rule.values())) if op.variadic else op.rules[position]


def numbered(name: str) -> Iterator[str]:
    """Yield `d`, `d₂`, `d₃` and so on."""
    yield name
    for k in itertools.count(2):
        yield name + str(k).translate(SUBSCRIPTS)


class Derivative:
    """The rule for one input of an op, in text.

    Args:
        op: a declared operation.
        position: which input; one that has a rule.
        values: what the rule reads in a call, by name, as far as it is known.
    """

    def __init__(self, op: Op, position: int, values: Mapping[str, Any] | None = None) -> None:
        rule = rule_of(op, position)
        assert rule is not None
        self.op = op
        self.rule = rule
        self.body = getattr(rule, "joint", rule)  # the function whose lines run
        self.values = values or {}
        self.declared = op.formulas.get(op.inputs[0 if op.variadic else position])

    # --- NumPy lines -------------------------------------------------------------------------

    @functools.cached_property
    def lines(self) -> list[ast.stmt]:
        """The statements that run; none if the source is not at hand."""
        return lines_that_run(self.body, self.values)

    def computed(self, names: Names) -> Formula | None:
        """Return what the rule computes in this call as NumPy; None if no formula says it."""
        calls: dict[str, str] = {}
        try:
            text = self._text(self.rule, names, calls)
        except Exception:  # whatever a rule does that symbols can't
            return None
        if text is None:
            return None
        axes = [value.ndim for value in self.values.values() if isinstance(value, np.ndarray)]
        python = as_python(text, calls, stacked=max(axes, default=0) > 2)
        return self._formula(python, calls)

    def in_lines(self, names: Mapping[str, str]) -> Formula:
        """Return the lines that run, in these names."""
        return self._formula("\n".join(self.numpy(names)), self.helpers())

    def numpy(self, names: Mapping[str, str] | None = None) -> list[str]:
        """Return the lines as text, with these names; the last one is what the rule returns."""
        text = []
        for statement in self.lines:
            code = ast.unparse(renamed(statement, names or {}))
            text += code.split("\n")
        return [*text[:-1], text[-1].removeprefix("return ")] if text else []

    @property
    def chosen(self) -> bool:
        """True if the values decided which lines run."""
        whole = lines_that_run(self.body, {})
        return [ast.dump(s) for s in self.lines] != [ast.dump(s) for s in whole]

    @property
    def numbers(self) -> dict[str, str]:
        """The numbers that the rule has from around its definition."""
        around = inspect.getclosurevars(self.body).nonlocals
        return {n: f"{v:.8g}" for n, v in around.items() if isinstance(v, (int, float))}

    def helpers(self) -> dict[str, str]:
        """Return the functions that the lines call by name, and the first lines of their docs."""
        return helpers_in(self.lines, self.body)

    def kept(self) -> list[str]:
        """Return what the lines read of the values that only forward knows (`keeps`)."""
        reads = names_in(self.lines)
        return [name for name in self.op.keeps if name in reads]

    # --- formula -----------------------------------------------------------------------------

    def formula(self, names: Names | None = None) -> str | None:
        """Return the text of the formula, see `express`."""
        formula = self.express(names)
        return formula and formula.text

    def express(self, names: Names | None = None) -> Formula | None:
        """Return the result as a formula: in one line if that is short, else in several.

        Where the values do not decide the branches, or the rule does what a formula can't say, it
        is the rule's source if that is a single expression, and None otherwise.

        Args:
            names: how to call what the rule reads (`g`, `out`, inputs, parameters); by default so.
        """
        names = names or {}
        for function in (self.declared, self.rule):
            if function is not None and (formula := self._of(function, names)):
                return formula
        return None

    def _of(self, function: Callable, names: Names) -> Formula | None:
        calls: dict[str, str] = {}
        try:
            text = self._text(function, names, calls)
        except Exception:  # whatever a rule does that symbols can't
            text = None
            if function is self.rule:
                text = self._source(names)
                calls = self.helpers()
        return None if text is None else self._formula(text, calls)

    def _formula(self, text: str, calls: dict[str, str]) -> Formula:
        words = set(re.findall(r"\w+", text))
        helpers = {name: doc for name, doc in calls.items() if name in words}
        return Formula(text, helpers, [name for name in self.op.keeps if name in words])

    def _text(self, function: Callable, names: Names, calls: dict[str, str]) -> str | None:
        """Run a function on symbols; name its variables only if the text is long without.

        Raises:
            InexpressibleError: the text is still long, or the function does what no formula says.
        """
        arguments = [self._symbol(name, names, calls) for name in reads_of(function)]
        with contextlib.suppress(TooLongError):
            result = function(*arguments)
            text = None if result is None else written(result)
            if text is None or len(text) <= LONGEST_LINE:
                return text
        lines = _text_in_lines(function, arguments)
        if len(lines) > MOST_LINES or max(map(len, lines)) > LONGEST_LINE:
            raise TooLongError
        return "\n".join(lines)

    def _symbol(self, name: str, names: Names, calls: dict[str, str]) -> Any:
        """Return a stand-in for what the rule reads by this name."""
        text = names.get(name, name)
        if name not in self.values:
            return leaf(text, None, calls)
        value = self.values[name]
        if self.op.variadic and name in self.op.inputs and isinstance(text, list):
            return [leaf(t, part, calls) for t, part in zip(text, value, strict=True)]
        several = isinstance(value, (list, tuple)) and name in (*self.op.inputs, "out", "g")
        if several or isinstance(value, (np.ndarray, np.generic, Unrecorded)):
            return leaf(text, value, calls)
        return value if name in names else parameter(name, value, calls)

    def _source(self, names: Names) -> str | None:
        """Return the rule's source with these names, if it is a single expression."""
        lines = self.lines
        if self.body is not self.rule:
            return None  # it gives the gradients of the other inputs too
        if len(lines) != 1 or not isinstance(lines[0], ast.Return) or lines[0].value is None:
            return None
        texts = {name: text for name, text in names.items() if isinstance(text, str)}
        return with_signs(renamed(lines[0].value, texts))


def _text_in_lines(function: Callable, arguments: list[Any]) -> list[str]:
    """Run a function on symbols, and return a line for each of its variables and the result.

    Each line gives another name: where one is taken, by an earlier line or by what the formula
    calls its inputs, it gets a number.
    """
    lines: list[str] = []
    code = getattr(function, "joint", function).__code__
    symbols = [value for value in arguments if isinstance(value, Symbol)]
    taken = {word for symbol in symbols for word in re.findall(r"\w+", symbol.text)}

    def entered(frame: FrameType, event: str, arg: Any) -> Any:
        return inside if frame.f_code is code else None

    def inside(frame: FrameType, event: str, arg: Any) -> Any:
        for name, value in frame.f_locals.items():
            if not isinstance(value, Symbol) or any(value is symbol for symbol in symbols):
                continue
            symbols.append(value)
            if value.text.isidentifier():
                continue
            called = next(n for n in numbered(name) if n not in taken)
            taken.add(called)
            lines.append(f"{called} = {written(value, 0.1)}")  # `best = (x = y)`
            value.text, value.binds, value.ufunc = called, ATOM, None
        return inside

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        result = function(*arguments)
    finally:
        sys.settrace(before)
    return [*lines, written(result)]
