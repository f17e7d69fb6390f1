"""Export of a program: a Python file that imports NumPy alone, with an .npz of arrays beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CompileError
from ..statements import Var

if TYPE_CHECKING:
    from ..variant import Variant

__all__ = ["export"]

_IMPORTS = """from pathlib import Path

import numpy as np

constants = dict(np.load(Path(__file__).with_suffix(".npz")))
"""


def export(variant: Variant, path: str | os.PathLike[str]) -> Path:
    """Write the program, and its state as it is now, to `path` and an .npz beside it.

    Returns:
        The path.

    Raises:
        CompileError: the program calls a Python function, or leaves arguments changed.
        ValueError: a file name without .py.
    """
    path = Path(path)
    if path.suffix != ".py":
        raise ValueError(f"export() writes a .py file (and an .npz beside it), not {path.name!r}")
    file = _File(variant)
    file.check()
    np.savez(path.with_suffix(".npz"), **file.arrays())
    source = variant.emitted.source.replace("import numpy as np\n", _IMPORTS, 1)
    path.write_text(source + file.state() + file.call(), encoding="utf-8")
    return path


class _File:
    """The parts of the file besides the program: its state, and a function that keeps it."""

    def __init__(self, variant: Variant) -> None:
        self.emitted = variant.emitted
        self.program = variant.program
        self.inputs = self.program.parameters()
        self.fresh = self.emitted.parameters[len(self.inputs) :]
        self.pairs = list(zip(self.inputs, self.emitted.parameters))
        self.names = {id(entry.source): name for entry, name in self.pairs}

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
        if any(entry.kind in ("grad", "argument_grad") for entry in self.inputs):
            raise CompileError(f"{name} adds to gradients of earlier calls")

    def _named(self, *kinds: str) -> list[tuple[str, Any]]:
        """List the names and sources of the inputs of these kinds."""
        return [(name, entry.source) for entry, name in self.pairs if entry.kind in kinds]

    def arrays(self) -> dict[str, Any]:
        """Return constants and present values, by name."""
        arrays: dict[str, Any] = dict(self.emitted.constants)
        arrays.update((name, np.asarray(number.value)) for name, number in self._named("number"))
        arrays.update((name, tensor.data) for name, tensor in self._named("tensor"))
        arrays.update(self._named("array"))
        return arrays

    def state(self) -> str:
        """Return the lines that read the state."""
        names = [name for name, _ in self._named("tensor", "array", "number")]
        lines = ["", "", "# What the calls read and leave changed."]
        lines.append(f"state = {{name: constants[name] for name in {names!r}}}")
        for name, _ in self._named("number"):
            lines.append(f"state[{name!r}] = state[{name!r}].item()")
        for name, source in self._named("generator"):
            bits = (source() if callable(source) else source).bit_generator
            lines += [
                f"state[{name!r}] = np.random.Generator(np.random.{type(bits).__name__}())",
                f"state[{name!r}].bit_generator.state = {bits.state!r}",
            ]
        return "\n".join(lines) + "\n"

    def call(self) -> str:
        """Return the text of a function that runs the program and keeps the new state."""
        emitted = self.emitted
        arguments = [name for name, _ in self._named("argument")]
        operands = [
            name if entry.kind == "argument" else f"state[{name!r}]" for entry, name in self.pairs
        ]
        owners = [self.names[id(output.source)] for output in emitted.fresh]
        results = sum(isinstance(leaf, Var) for leaf in self.program.results)
        lines = [f"def call({', '.join(arguments)}):"]
        lines.append('    """One call; `state` is what it leaves changed."""')
        for new, owner in zip(self.fresh, owners):
            lines.append(f"    {new} = np.empty_like(state[{owner!r}])")
        lines.append(f"    returned = {emitted.name}({', '.join([*operands, *self.fresh])})")
        for new, owner in zip(self.fresh, owners):
            lines.append(f"    state[{owner!r}] = {new}")
        for k, output in enumerate(emitted.returned, start=results):
            if id(output.source) in self.names:
                lines.append(f"    state[{self.names[id(output.source)]!r}] = returned[{k}]")
        lines.append(f"    return {_first(results)}")
        return "\n".join(["", "", *lines]) + "\n"


def _first(results: int) -> str:
    """Return an expression for the results among all that the program returns."""
    if results == 0:
        return "None"
    return "returned[0]" if results == 1 else f"returned[:{results}]"
