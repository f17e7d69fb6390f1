"""Export of a program: a Python file that imports NumPy alone, with an .npz of arrays beside it."""

from __future__ import annotations

import ast
import itertools
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CompileError
from ..files import draft
from ..statements import Var
from .names import RESERVED, Names
from .numpy_literals import dtype_text, number_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..program import Output
    from ..variant import Variant

_IMPORTS = """from pathlib import Path

import numpy as np

constants = dict(np.load(Path(__file__).with_suffix(".npz")))
"""

_CHECKED = '''

def checked(name, value, shape, dtype):
    """Return an argument as an array; raise unless it is like the one this was written for."""
    array = np.asarray(value)
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"{name} is {array.shape} {array.dtype}, but this file computes with {shape} "
            f"{np.dtype(dtype)}: every shape and dtype needs a file of its own"
        )
    return array
'''


def export(variant: Variant, path: Path) -> None:
    """Write the program, and its state as it is now, to `path` and an .npz beside it.

    Raises:
        CompileError: the program calls a Python function, leaves arguments changed, or returns
            something that text can't say.
        OSError: the files can't be written; those that were there are as they were.
    """
    file = _File(variant)
    file.check()
    text = file.text()
    with draft(path) as own:
        write_arrays(own.with_suffix(".npz"), file.arrays)
        own.write_text(text, encoding="utf-8")


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Write an .npz, whatever the names of the arrays are."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


class _File:
    """The parts of the file: the program, its state, and a function that keeps that.

    Attributes:
        arrays: what goes into the .npz: constants and present values, by name.
    """

    def __init__(self, variant: Variant) -> None:
        self.emitted = variant.portable
        self.program = variant.program
        inputs = self.program.parameters()
        parameters = self.emitted.parameters
        self.fresh = parameters[len(inputs) :]
        self.pairs = list(zip(inputs, parameters))
        self.arrays: dict[str, Any] = dict(self.emitted.constants)
        self.owners = {id(entry.source): name for entry, name in self.pairs}
        self._only_written()
        names = Names({"np", "constants", "checked", self.emitted.name})
        self.arguments = [(names.new(a.name), a.shape, a.dtype) for a in variant.arguments]
        self.dict = names.new("state")  # an argument may have that name

    def _only_written(self) -> None:
        """Name the Tensors and Numbers that the program writes and never reads."""
        self.written: list[tuple[str, Any]] = []
        names = Names({*RESERVED, *self.owners.values(), *self.arrays})
        for output in self.program.outputs:
            if output.kind in ("tensor", "number") and id(output.source) not in self.owners:
                name = names.new(getattr(output.source, "name", None) or output.kind)
                self.owners[id(output.source)] = name
                self.written.append((name, output.source))

    def check(self) -> None:
        """Raise if a file of NumPy statements can't hold the program."""
        name, objects = self.emitted.name, self.emitted.objects
        if objects:
            raise CompileError(
                f"{name} calls Python functions in each step ({', '.join(objects)}): a file of "
                "NumPy statements can't hold them. A learning rate that is a number, or arithmetic "
                "on the number of steps, can be exported."
            )
        if any(output.kind.startswith("argument") for output in self.program.outputs):
            raise CompileError(f"{name} changes its arguments: that can't be exported")
        if any(entry.kind in ("grad", "argument_grad") for entry, _ in self.pairs):
            raise CompileError(f"{name} adds to gradients of earlier calls")

    def text(self) -> str:
        """Return the whole file; its arrays are known then."""
        source = self.emitted.source.replace("import numpy as np\n", _IMPORTS, 1)
        check = _CHECKED if self.arguments else ""
        return source + self._state() + check + self._call()

    # --- state ----------------------------------------------------------------------------------

    def _named(self, *kinds: str) -> list[tuple[str, Any]]:
        """List the names and sources of the inputs of these kinds."""
        return [(name, entry.source) for entry, name in self.pairs if entry.kind in kinds]

    def _state(self) -> str:
        """Return the lines that read the state."""
        written = self.written
        contents = [*self._named("tensor", "array", "number"), *written]
        for name, source in contents:
            if not isinstance(source, np.ndarray):  # a Tensor, or a Number
                source = source.data if hasattr(source, "data") else source.value
            self.arrays[name] = np.asarray(source)
        names = [name for name, _ in contents]
        lines = ["", "", "# What the calls read and leave changed."]
        lines.append(f"state = {{name: constants[name] for name in {names!r}}}")
        for name, source in contents:
            if hasattr(source, "value"):
                lines.append(f"state[{name!r}] = state[{name!r}].item()")
        for name, source in self._named("generator"):
            lines += self._generator(name, source() if callable(source) else source)
        if self.dict != "state":
            lines.append(f"{self.dict} = state")
        return "\n".join(lines) + "\n"

    def _generator(self, name: str, generator: Any) -> list[str]:
        """Return the lines that make a random generator and put it where this one is."""
        bits = generator.bit_generator
        kind = type(bits).__name__
        if getattr(np.random, kind, None) is not type(bits):
            raise CompileError(f"{kind}, a bit generator that NumPy has not, can't be exported")
        return [
            f"state[{name!r}] = np.random.Generator(np.random.{kind}())",
            f"state[{name!r}].bit_generator.state = {self._generator_state(bits.state, name)}",
        ]

    def _generator_state(self, state: Any, path: str) -> str:
        """Return the text of a generator's state; its arrays go into the .npz."""
        if isinstance(state, dict):
            items = [f"{k!r}: {self._generator_state(v, f'{path}_{k}')}" for k, v in state.items()]
            return f"{{{', '.join(items)}}}"
        if isinstance(state, np.ndarray):
            self.arrays[path] = state
            return f"constants[{path!r}]"
        return repr(state.item() if isinstance(state, np.generic) else state)

    # --- the call -------------------------------------------------------------------------------

    def _call(self) -> str:
        """Return the text of a function that runs the program and keeps the new state."""
        emitted, state = self.emitted, self.dict
        owner = {id(output): self.owners.get(id(output.source)) for output in self._changed()}
        names = [name for name, _, _ in self.arguments]
        lines = [f"def call({', '.join(names)}):"]
        lines.append('    """One call; `state` is what it leaves changed."""')
        for name, shape, dtype in self.arguments:
            lines.append(f"    {name} = checked({name!r}, {name}, {shape}, {dtype_text(dtype)})")
        for new, output in zip(self.fresh, emitted.fresh):
            lines.append(f"    {new} = np.empty_like({state}[{owner[id(output)]!r}])")
        operands = []
        for entry, name in self.pairs:
            given = entry.kind == "argument"
            operands.append(names[entry.source] if given else f"{state}[{name!r}]")
        run = f"{emitted.name}({', '.join([*operands, *self.fresh])})"
        returned = emitted.returned or self._results()
        lines.append(f"    returned = {run}" if returned else f"    {run}")
        for new, output in zip(self.fresh, emitted.fresh):
            lines.append(f"    {state}[{owner[id(output)]!r}] = {new}")
        for k, output in enumerate(emitted.returned, start=self._results()):
            if owner[id(output)] is not None:  # gradients are left out
                lines.append(f"    {state}[{owner[id(output)]!r}] = returned[{k}]")
        count = itertools.count()
        result = result_text(self.program.template, lambda _: f"returned[{next(count)}]")
        lines.append(f"    return {result}")
        return "\n".join(["", "", *lines]) + "\n"

    def _changed(self) -> list[Output]:
        return [*self.emitted.fresh, *self.emitted.returned]

    def _results(self) -> int:
        """Return how many values of the program belong to its result."""
        return sum(isinstance(leaf, Var) for leaf in self.program.results)


def result_text(tree: Any, text: Callable[[Var], str]) -> str:
    """Return an expression for what a function returns, with `text(value)` for its values."""
    if isinstance(tree, Var):
        return text(tree)
    if isinstance(tree, dict):
        items = [f"{_literal(key)}: {result_text(value, text)}" for key, value in tree.items()]
        return f"{{{', '.join(items)}}}"
    if isinstance(tree, (list, tuple)):
        items = [result_text(value, text) for value in tree]
        if isinstance(tree, list):
            return f"[{', '.join(items)}]"
        return f"({', '.join(items)}{',' * (len(items) == 1)})"
    return _literal(tree)


def _literal(value: Any) -> str:
    """Return the text of a constant of Python.

    Raises:
        CompileError: there is none.
    """
    if isinstance(value, (float, complex)) and not isinstance(value, np.generic):
        return number_text(value)
    text = repr(value)
    try:
        same = type(ast.literal_eval(text)) is type(value)
    except (ValueError, SyntaxError):
        same = False
    if not same:
        raise CompileError(
            f"a {type(value).__name__} is returned: a file of NumPy statements can't hold that. "
            "Instead: return arrays and numbers, in dicts, lists and tuples."
        )
    return text
