"""Statements, a program as data: NumPy calls (`Statement`) and their values (`Var`)."""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import rebuild
from .telling import reading

if TYPE_CHECKING:
    from collections.abc import Callable

# Python's operators on numbers, by their symbols.
OPERATORS: dict[str, Any] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

NO_KWARGS: dict[str, Any] = {}  # one for all statements without any

_ERRORS_OF_VALUES = (ArithmeticError, LookupError, np.linalg.LinAlgError)  # not of shapes


class Var:
    """One value of the program.

    Attributes:
        shape, dtype: of the array; a number has shape None and its Python type as dtype.
        hint: what the user or the library calls it; names in the source are made from it.
        root: the value whose memory this one looks into; itself unless it is a view.
        constant: the value, if it is the same in every call.
        is_array: True for an array, which has memory, not for a number or a NumPy scalar.
        value: what it was in the recording, until the program is written down.
    """

    __slots__ = ("constant", "dtype", "hint", "is_array", "root", "shape", "value")

    def __init__(self, value: Any, hint: str = "", root: Var | None = None) -> None:
        self.is_array = isinstance(value, np.ndarray)
        has_dtype = self.is_array or isinstance(value, np.generic)
        self.shape: Any = value.shape if has_dtype else None
        self.dtype: Any = value.dtype if has_dtype else type(value)
        self.hint = hint
        self.root: Var = self if root is None else root
        self.constant: Any = None
        self.value = value

    @property
    def size(self) -> int:
        """The number of elements; 1 for a number."""
        return math.prod(self.shape or ())

    @property
    def nbytes(self) -> int:
        """The bytes that an array of it takes; 0 for a number."""
        return self.size * self.dtype.itemsize if self.shape is not None else 0

    def __repr__(self) -> str:
        return f"<{self.hint or 'var'} {self.shape} {self.dtype}>"


def constant(value: Any, hint: str = "") -> Var:
    """Make a value that is the same in every call."""
    var = Var(value, hint)
    var.constant = value
    return var


@dataclass(eq=False, slots=True)
class Statement:
    """One call of the program.

    Attributes:
        kind: what `target` is and how it is written down:
            "ufunc": target(*args), `method` is "" or reduce, accumulate, outer, at;
            "function": a NumPy function;
            "method": a method of the first argument, by name;
            "operator": a Python operator on numbers, by its symbol;
            "getitem", "setitem": args are (array, index) or (array, index, value);
            "draw": a method of a random generator, args[0] says where that comes from;
            "host": a Python function of numbers, called as it is;
            "effect": a Python function of arrays that does more than compute;
            "guard": raise `GuardFailed` unless args[0] is true (or equal to args[1]), or unless
                its shape is the one of the text args[1] if `method` is "shape".
        outs: the value or values that it makes.
        several: whether it returns a tuple of them.
        writes: a value whose memory it changes.
        place: file and line of the user's code.
        section: "forward", "backward" or "update".
        errstate: how floating-point errors are handled there, where that is not as outside.
        layer: name and kind of the innermost module that calls it, if the recording looks for it.
    """

    kind: str
    target: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    outs: tuple[Var, ...] = ()
    method: str = ""
    writes: Var | None = None
    several: bool = False
    place: tuple[str, int] | None = None
    section: str = "forward"
    errstate: dict[str, Any] = field(default_factory=dict)
    layer: str = ""
    # What `reads` has found, and in which arguments: these are replaced, not changed.
    _reads: list[Var] | None = field(default=None, repr=False)
    _args: Any = field(default=None, repr=False)
    _kwargs: Any = field(default=None, repr=False)

    @property
    def out(self) -> Var:
        """The result of a statement that has one."""
        return self.outs[0]

    def reads(self) -> list[Var]:
        """List the values among the arguments, in order; the list is not to be changed."""
        values, args, kwargs = self._reads, self.args, self.kwargs
        if values is None or self._args is not args or self._kwargs is not kwargs:
            values = vars_in(args)
            if kwargs:
                values += vars_in(kwargs)
            self._reads, self._args, self._kwargs = values, args, kwargs
        return values

    @property
    def acts(self) -> bool:
        """True for a statement that is carried out in any case, each time and in its place."""
        return self.kind in ("draw", "effect", "guard", "host")

    def is_view(self) -> bool:
        """Say whether it only looks at the memory of something else."""
        if not self.outs or self.writes:
            return False
        return all(out.root is not out for out in self.outs)

    def is_ufunc(self, *ufuncs: np.ufunc) -> bool:
        """Say whether it is a plain call of a ufunc (of one of these, if any are named)."""
        plain = self.kind == "ufunc" and not self.method and not self.several
        return plain and (not ufuncs or self.target in ufuncs)

    def replace(self, mapping: dict[Var, Any]) -> None:
        """Replace arguments by other values, or by constants."""
        if not mapping or mapping.keys().isdisjoint(self.reads()):
            return
        self.args = substitute(self.args, mapping)
        if self.kwargs:
            self.kwargs = substitute(self.kwargs, mapping)
        if self.writes in mapping:
            self.writes = mapping[self.writes]


def vars_in(tree: Any) -> list[Var]:
    """List the values among the leaves of nested arguments, which may hold slices."""
    kind = type(tree)
    if kind is Var:
        return [tree]
    if not _is_nested(kind):
        return []
    items = tree
    if kind is slice:
        items = (tree.start, tree.stop, tree.step)
    elif issubclass(kind, dict):
        items = tree.values()
    values: list[Var] = []
    for item in items:
        if type(item) is Var:
            values.append(item)
        elif _is_nested(type(item)):
            values += vars_in(item)
    return values


def substitute(tree: Any, mapping: dict[Var, Any]) -> Any:
    """Copy nested arguments with other leaves in the place of some values."""

    def leaf(value: Any) -> Any:
        return mapping.get(value, value) if type(value) is Var else value

    return map_arguments(tree, leaf)


def map_arguments(tree: Any, function: Callable[[Any], Any]) -> Any:
    """Copy nested arguments with `function(leaf)` for each leaf, also in slices."""
    kind = type(tree)
    if not _is_nested(kind):
        return function(tree)
    if kind is tuple or kind is list:
        return kind([map_arguments(item, function) for item in tree])
    if kind is dict:
        return {key: map_arguments(item, function) for key, item in tree.items()}
    if kind is slice:
        ends = (tree.start, tree.stop, tree.step)
        return slice(*map(function, ends))
    return rebuild(tree, lambda leaf: map_arguments(leaf, function))


def _look_nested(kind: Any) -> bool:
    return issubclass(kind, (dict, list, slice, tuple))


_is_nested: Any = functools.lru_cache(maxsize=256)(_look_nested)


def root_among(value: Any, read: list[Var]) -> Var | None:
    """Return the value whose memory a result looks into, if it is one of those that were read."""
    if not isinstance(value, np.ndarray):
        return None
    owner = value.base is None  # of new memory, unless it is one of them itself
    for var in read:
        array = var.value
        if value is array or (not owner and np.may_share_memory(value, array)):
            return var.root
    return None


def perform(kind: str, target: Any, args: tuple, kwargs: dict[str, Any], method: str = "") -> Any:
    """Compute what a statement of this kind says, with real arguments."""
    reads = reading.get()
    token = reading.set(None)  # what a function reads in here, it reads in each run of a program
    try:
        return _perform(kind, target, args, kwargs, method)
    except _ERRORS_OF_VALUES as error:
        if reads is not None:
            reads.fail(error)
        raise
    finally:
        reading.reset(token)


def _perform(kind: str, target: Any, args: tuple, kwargs: dict[str, Any], method: str) -> Any:
    if kind == "method":
        return getattr(args[0], target)(*args[1:], **kwargs)
    if kind == "getitem":
        return args[0][args[1]]
    if kind == "operator":
        return OPERATORS[target](*args)
    function = getattr(target, method) if method else target
    return function(*args, **kwargs)


def execute(statement: Statement) -> Statement:
    """Compute a new statement of one result from the values of the recording, and return it."""
    target = statement.target
    args = map_arguments(statement.args, lambda a: a.value if type(a) is Var else a)
    value = perform(statement.kind, target, args, statement.kwargs, statement.method)
    hint = target if isinstance(target, str) else getattr(target, "__name__", "part")
    root = root_among(value, statement.reads())
    statement.outs = (Var(value, hint, root),)
    return statement
