"""The scalar functions of a program as JavaScript: text in the page, so that it needs no eval."""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import TYPE_CHECKING

from ...compiler.lowering.loops import COPY

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from ...compiler.lowering import Map

_LINE = re.compile(r"^(\w+): \(?([xyz, ]+)\)? => (.+)$", re.MULTILINE)
_HELPER = re.compile(r"^function (\w+)\(.*?(?:^\}|\}$)", re.MULTILINE | re.DOTALL)
_OPERANDS = (("A", "q", "v"), ("B", "r", "w"), ("C", "t", "k"))  # array, place, stride


@functools.cache
def scalars() -> dict[str, tuple[int, str]]:
    """Return the scalar functions by name: the number of operands, and the expression."""
    lines = _LINE.findall(_text())
    return {name: (len(operands.split(",")), text) for name, operands, text in lines}


@functools.cache
def _text(name: str = "scalars.js") -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def kernel_name(loop: Map) -> str:
    """Return the name of the scalar function that a loop needs, by its dtypes."""
    made, taken = loop.out.dtype, loop.operands[0].dtype
    if loop.function == COPY:
        return _conversion(made, taken)
    name = loop.function
    if loop.dtype.kind not in "iu":
        return name
    for variant in (f"{name}_int{8 * loop.dtype.itemsize}", f"{name}_int"):
        if variant in scalars():
            name = variant
            break
    # Integers of 64 bits are doubles: what may be too large for that is checked.
    checked = made.kind in "iu" and made.itemsize == 8
    return f"{name}_{made.str[1:]}" if checked else name


def _conversion(made: np.dtype, taken: np.dtype) -> str:
    if made.kind == "b" and taken.kind != "b":
        return "to_bool"
    if made.kind in "iu" and (taken.kind == "f" or taken == "u8"):
        return "to_int"
    if made == "u8" and taken.kind == "i":
        return "to_unsigned"
    return COPY


def kernels(names: Iterable[str], draws: bool = False) -> str:
    """Write the scalar functions of these names as loops, in an object K; with random draws."""
    loops = [_loop(name) for name in sorted(set(names))]
    text = ",\n".join(loops)
    helpers = "".join(f"{line}\n" for line in _helpers(text))
    written = f"const K = (() => {{\n{helpers}return {{\n{text}\n}};\n}})();"
    return f"{written}\n{_text('draws.js')}K.draws = liveDraws;" if draws else written


def _loop(name: str) -> str:
    base, _, kind = name.rpartition("_")
    if kind in ("i8", "u8"):
        count, text = scalars()[base]
        text = f"{'whole' if kind == 'i8' else 'natural'}({text})"
    else:
        count, text = scalars()[name]
    operands = _OPERANDS[:count]
    parameters = "".join(f",{array},{place},{stride}" for array, place, stride in operands)
    steps = "".join(f",{place}+={stride}" for _, place, stride in operands)
    reads = ",".join(f"{x}={array}[{place}]" for x, (array, place, _) in zip("xyz", operands))
    return f"{name}(n,O,p,u{parameters}){{for(;n--;p+=u{steps}){{const {reads};O[p]={text}}}}}"


def _helpers(text: str) -> list[str]:
    """Return the functions that some text calls, and those that these call."""
    functions = {match[1]: match[0] for match in _HELPER.finditer(_text())}
    called: dict[str, str] = {}
    waiting = [text]
    while waiting:
        words = re.findall(r"(?<![.\w])(\w+)\(", waiting.pop())
        for word in words:
            if word in functions and word not in called:
                called[word] = functions[word]
                waiting.append(functions[word].partition("{")[2])
    return list(called.values())
