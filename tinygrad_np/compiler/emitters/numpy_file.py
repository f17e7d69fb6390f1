"""A program as a file of its own: Python text that imports NumPy alone, and an .npz of arrays."""

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
    emitted, program = variant.emitted, variant.program
    if emitted.objects:
        called = ", ".join(emitted.objects)
        raise CompileError(
            f"{emitted.name} calls Python functions in each step ({called}): a file of NumPy "
            "statements can't hold them. A learning rate that is a number, or arithmetic on the "
            "number of steps, can be exported."
        )
    given = program.parameters()
    if any(o.kind.startswith("argument") for o in program.outputs):
        raise CompileError(f"{emitted.name} changes its arguments: that can't be exported")
    names = {id(i.source): name for i, name in zip(given, emitted.parameters)}
    arguments = [n for i, n in zip(given, emitted.parameters) if i.kind == "argument"]
    arrays: dict[str, Any] = dict(emitted.constants)
    generators = []
    for one, name in zip(given, emitted.parameters):
        if one.kind == "generator":
            generator = one.source() if callable(one.source) else one.source
            generators.append((name, type(generator.bit_generator).__name__, generator))
        elif one.kind == "number":
            arrays[name] = np.asarray(one.source.value)
        elif one.kind in ("tensor", "array"):
            arrays[name] = one.source.data if one.kind == "tensor" else one.source
        elif one.kind in ("grad", "argument_grad"):
            raise CompileError(f"{emitted.name} adds to gradients of earlier calls")
    np.savez(path.with_suffix(".npz"), **arrays)
    text = emitted.source.replace(
        "import numpy as np\n",
        "from pathlib import Path\n\nimport numpy as np\n\n"
        'constants = dict(np.load(Path(__file__).with_suffix(".npz")))\n',
        1,
    )
    text += _state(variant, given, names, generators)
    text += _call(variant, given, arguments, names)
    path.write_text(text, encoding="utf-8")
    return path


def _state(variant: Variant, given: list[Any], names: dict, generators: list[Any]) -> str:
    lines = ["", "", "# What the calls read and leave changed."]
    kept = [names[id(i.source)] for i in given if i.kind in ("tensor", "array", "number")]
    numbers = [names[id(i.source)] for i in given if i.kind == "number"]
    lines.append(f"state = {{name: constants[name] for name in {kept!r}}}")
    lines += [f"state[{name!r}] = state[{name!r}].item()" for name in numbers]
    for name, kind, generator in generators:
        lines += [
            f"state[{name!r}] = np.random.Generator(np.random.{kind}())",
            f"state[{name!r}].bit_generator.state = {generator.bit_generator.state!r}",
        ]
    return "\n".join(lines) + "\n"


def _call(variant: Variant, given: list[Any], arguments: list[str], names: dict) -> str:
    emitted, program = variant.emitted, variant.program
    called = [
        name if i.kind == "argument" else f"state[{name!r}]"
        for i, name in zip(given, emitted.parameters)
    ]
    fresh = emitted.parameters[len(given) :]
    lines = ["", "", f"def call({', '.join(arguments)}):",
             '    """One call; `state` is what it leaves changed."""']  # fmt: skip
    owners = [names[id(o.source)] for o in emitted.fresh]
    lines += [f"    {n} = np.empty_like(state[{o!r}])" for n, o in zip(fresh, owners)]
    lines.append(f"    returned = {emitted.name}({', '.join([*called, *fresh])})")
    lines += [f"    state[{o!r}] = {n}" for n, o in zip(fresh, owners)]
    results = sum(isinstance(r, Var) for r in program.results)
    for k, output in enumerate(emitted.returned):
        if id(output.source) in names:
            lines.append(f"    state[{names[id(output.source)]!r}] = returned[{results + k}]")
    shown = "None" if not results else "returned[0]" if results == 1 else f"returned[:{results}]"
    lines.append(f"    return {shown}")
    return "\n".join(lines) + "\n"
