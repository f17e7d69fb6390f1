"""The user's line that called the library, and the user's names for values.

"The user" is whoever calls this package, `nn` or NumPy from outside of them.
"""

from __future__ import annotations

import dis
import inspect
import os
import sys
import warnings
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable)


class _Inside(dict[str, bool]):
    """True for the files of the library, by name: looked up once per file."""

    def __missing__(self, file: str) -> bool:
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        nn = os.path.join(os.path.dirname(here), "nn")
        numpy = os.path.dirname(np.__file__)
        folders = tuple(root + os.sep for root in (here, nn, numpy))
        extensions = "numpy/"  # NumPy's files in Cython are known by their place in its sources
        self[file] = inside = file.startswith((*folders, extensions))
        return inside


INSIDE = _Inside()


def outside(frame: FrameType) -> FrameType:
    """Return the user's innermost frame, from `frame` outwards; the outermost if there is none."""
    while INSIDE[frame.f_code.co_filename]:
        caller = frame.f_back
        if caller is None:
            return frame
        frame = caller
    return frame


# Modules that ask for values on behalf of their callers.
_PASSING = tuple(f"{__package__}.{name}" for name in ("tensor", "protocols", "tracebacks"))


def asks_inside(frame: FrameType, asking: str) -> bool:
    """Say whether library code asks for something, and not the user's, from `frame` outwards.

    The module or package `asking` does so on behalf of its callers.
    """
    here: FrameType | None = frame
    passing = (*_PASSING, asking)
    while here is not None and here.f_globals.get("__name__", "").startswith(passing):
        here = here.f_back
    return here is not None and INSIDE[here.f_code.co_filename]


def warn(message: str, category: type[Warning]) -> None:
    """Give a warning at the user's line that led here."""
    level, frame = 1, sys._getframe()
    while INSIDE[frame.f_code.co_filename] and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def variables(frame: FrameType) -> list[tuple[str, Any]]:
    """Return the variables of a function or module that is running, and their values."""
    namespace = frame.f_locals
    pairs = list(namespace.items())
    is_copy = frame.f_code.co_flags & inspect.CO_OPTIMIZED and type(namespace) is dict
    if is_copy and sys.getrefcount(namespace) <= 3:
        # Up to Python 3.12 the frame keeps this copy of a function's variables, and with it every
        # value. Nobody but the frame and this function has it: the user did not call locals().
        namespace.clear()
    return pairs


def name_of(frame: FrameType, is_it: Callable[[Any], bool]) -> str | None:
    """Return the user's name for a value: a variable, an attribute of `self`, or a global."""
    pairs = variables(frame)
    for name, value in pairs:
        if is_it(value):
            return name
    owner = dict(pairs).get("self")
    for name, value in getattr(owner, "__dict__", {}).items():
        if is_it(value):
            return f"self.{name}"
    for name, value in list(frame.f_globals.items()):
        if is_it(value):
            return name
    return None


def _once(function: Function) -> Function:
    """Decorate a function of a place in code, so that it looks once at each.

    Places are known by the code's id: its hash is computed anew from all that it holds.
    """
    answers: dict[tuple[int, int], tuple[CodeType, Any]] = {}  # with the code, so that it lives

    def answer(code: CodeType, lasti: int) -> Any:
        place = (id(code), lasti)
        known = answers.get(place)
        if known is None:
            if len(answers) >= _MOST_PLACES:
                answers.clear()
            known = answers[place] = (code, function(code, lasti))
        return known[1]

    return answer  # type: ignore[return-value]


_MOST_PLACES = 4096


@_once
def line_of(code: CodeType, lasti: int) -> int:
    """Return the number of the line that the instruction at offset `lasti` belongs to."""
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= lasti < end and number is not None:
            line = number
    return line


@_once
def place_of(code: CodeType, lasti: int) -> tuple[str, int]:
    """Return the file and line of the instruction at offset `lasti`."""
    return code.co_filename, line_of(code, lasti)


def short_place(place: tuple[str, int]) -> str:
    """Shorten a file and line for messages and pictures: `spiral.py:31`, `cell [8], line 2`."""
    file, line = place
    cell = _cell(file)
    return f"cell {cell}, line {line}" if cell else f"{os.path.basename(file)}:{line}"


def _cell(file: str) -> str:
    """Return the number of the notebook cell that a file name stands for: `[8]`."""
    find_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = find_shell and find_shell()
    named = getattr(getattr(shell, "compile", None), "format_code_name", None)
    label = named(file) if named else None  # ("Cell", "In[8]")
    return label[1].removeprefix("In") if label else ""


@_once
def assigned_name(code: CodeType, lasti: int) -> str | None:
    """Return the variable or attribute that the call at `lasti` is assigned to at once.

    None where it is used in another way: as a part of an expression, as an argument. The next
    instruction is read by hand: `dis` reads all of the function for it.
    """
    text, offset, high = code.co_code, lasti + 2, 0
    # In Python 3.11 a call has two instructions, and warm code may call by the first.
    skipped = ("CACHE", "EXTENDED_ARG", "CALL" if dis.opname[text[lasti]] == "PRECALL" else "")
    while offset < len(text):
        opname, argument = dis.opname[text[offset]], text[offset + 1] | high
        high = argument << 8 if opname == "EXTENDED_ARG" else 0
        if opname not in skipped:
            name = _name_stored(code, opname, argument)
            return name if name and name.isidentifier() else None  # pytest stores other things
        offset += 2
    return None


def _name_stored(code: CodeType, opname: str, argument: int) -> str | None:
    """Return the name that an instruction stores a value under; None if it does something else."""
    if opname in ("STORE_NAME", "STORE_GLOBAL", "STORE_ATTR"):
        return code.co_names[argument]
    if opname == "STORE_FAST":
        return code.co_varnames[argument]
    if opname in ("STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST"):
        return code.co_varnames[argument >> 4]  # since Python 3.13, two instructions in one
    if opname == "STORE_DEREF":
        if sys.version_info < (3, 11):
            return (*code.co_cellvars, *code.co_freevars)[argument]
        inner = [name for name in code.co_cellvars if name not in code.co_varnames]
        return (*code.co_varnames, *inner, *code.co_freevars)[argument]
    return None


_LOOKS = ("COMPARE_OP", "TO_BOOL", "UNARY_NOT", "POP_JUMP", "JUMP_IF", "POP_TOP", "FORMAT_")
_SHUFFLES = ("SWAP", "COPY", "DUP_TOP", "ROT_")  # of a < b < c


@_once
def is_looked_at(code: CodeType, lasti: int) -> bool:
    """Return True if the number that the call at `lasti` gives is compared or formatted at once.

    `float(t) < best`, `if math.isnan(t)`, `"%.3f" % t`, `f"{float(t):.3f}"`.
    """
    names = []
    for instruction in dis.get_instructions(code):
        if instruction.offset == lasti and instruction.argrepr in ("%", "%="):
            return True
        if instruction.offset >= lasti and not instruction.opname.startswith(("CACHE", *_SHUFFLES)):
            names.append(instruction.opname)
        if len(names) == 3:
            break
    if names[0].endswith("_MODULO"):  # % up to Python 3.10
        return True
    if len(names) > 2 and names[1].startswith("LOAD_"):  # the other side, or the format
        return names[2].startswith(("COMPARE_OP", "FORMAT_"))
    return len(names) > 1 and names[1].startswith(_LOOKS)


def goes_into_a_container(frame: FrameType) -> bool:
    """Say whether the result of a call goes into a list, a dict or an attribute: `rows[0] += 1`.

    False where that is not known, and for an item of an array or a Tensor.
    """
    code, lasti = frame.f_code, frame.f_lasti
    stores = (i for i in dis.get_instructions(code) if i.opname.startswith("STORE_"))
    store = next((i for i in stores if i.offset > lasti), None)
    names, is_whole = ((), False) if store is None else _container_written(code, store.offset)
    if store is None or not is_whole:
        return False
    container = _value_of(names, frame)
    if store.opname == "STORE_ATTR":  # one of a property may well write back
        return store.argval in getattr(container, "__dict__", ())
    return isinstance(container, (list, dict))


def _value_of(names: tuple[str, ...], frame: FrameType) -> Any:
    """Return the value of a variable, or of its attribute; an array's attributes are its own."""
    scopes = (dict(variables(frame)), frame.f_globals)
    value = next((scope[names[0]] for scope in scopes if names[0] in scope), None)
    for name in names[1:]:
        if isinstance(value, np.ndarray):
            break  # array.flat[i], array[k][i]
        value = getattr(value, "__dict__", {}).get(name)
    return value


def array_written(frame: FrameType) -> np.ndarray | None:
    """Return the array that the frame is about to write an element of: `array[i] = t`.

    None while it does something else, and where the array is no variable nor part of one.
    """
    names, _ = _container_written(frame.f_code, frame.f_lasti)
    if not names:
        return None
    value = _value_of(names, frame)
    if not isinstance(value, np.ndarray):
        return None
    return value if not isinstance(value.base, np.ndarray) else value.base


@_once
def _container_written(code: CodeType, lasti: int) -> tuple[tuple[str, ...], bool]:
    """Return the names that the container in `container[i] = ...` begins with, and if it is these.

    Python has computed the value, the container and the index, in this order, or for `+=` the
    container, the index and the value; each is a run of instructions that leaves one more value.
    An attribute, `container.i += ...`, has no index.
    """
    before = [i for i in dis.get_instructions(code) if i.offset <= lasti and i.opname != "CACHE"]
    store = before.pop().opname if before else ""
    if store not in ("STORE_SUBSCR", "STORE_ATTR"):
        return (), False
    is_update = False
    while before and before[-1].opname in ("SWAP", "ROT_TWO", "ROT_THREE"):
        before.pop()
        is_update = True
    if is_update:
        _last_expression(before)
    index = _last_expression(before)
    attribute = store == "STORE_ATTR"
    at_once = len(index) == 1 and _pushes(index[0]) == 2
    container = index if attribute or at_once else _last_expression(before)
    if container and container[0].opname == "LOAD_CONST":  # a function of a recording's, `f(rows)`
        loads = [i for i in container[2:] if i.opname.startswith("LOAD_")]
        container = [i for i in loads if i.opname != "LOAD_CONST"]
    names = []
    for instruction in container:
        value = instruction.argval
        name = value[0] if isinstance(value, tuple) else value
        if not instruction.opname.startswith("LOAD_") or not isinstance(name, str):
            break
        names.append(name)
    return tuple(names), 0 < len(names) == len(container)


def _pushes(instruction: dis.Instruction) -> int:
    """Return by how many values an instruction makes the stack higher."""
    return dis.stack_effect(instruction.opcode, instruction.arg, jump=False)


def _last_expression(instructions: list[dis.Instruction]) -> list[dis.Instruction]:
    """Take the instructions off that left the last value on the stack, and return them."""
    height = 0
    expression: list[dis.Instruction] = []
    while instructions and height < 1:
        expression.insert(0, instructions.pop())
        height += _pushes(expression[0])
    return expression


def modules_in(frame: FrameType | None) -> tuple[Any, ...]:
    """Return the modules whose call is under way in this frame, outer ones first."""
    modules: list[Any] = []
    while frame is not None:
        if frame.f_code.co_name == "__call__":
            module = frame.f_locals.get("self")
            if hasattr(module, "named_modules"):
                modules.append(module)
        frame = frame.f_back
    return tuple(reversed(modules))
