"""The Python around a program, written out for it: checks, reading, running, handing over.

A loop over parameters costs as much as the arithmetic of a small layer, so this code is
generated too, one line for each thing that is checked, read or written.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import hooks as watches
from ..core.doors import BorrowedGradient
from ..core.modes import recording
from ..core.tensor import Tensor, gradient_of, wrap
from .statements import Var

if TYPE_CHECKING:
    from .emitters.numpy_source import Emitted
    from .program import Program

__all__ = ["Driver"]


class Driver:
    """Writes the functions that a `Variant` calls.

    Attributes:
        names: what the generated text refers to.
    """

    def __init__(self, program: Program, emitted: Emitted, run: Any) -> None:
        self.program = program
        self.emitted = emitted
        self.names: dict[str, Any] = {
            "run": run, "wrap": wrap, "ndarray": np.ndarray, "empty": np.empty, "Tensor": Tensor,
            "refs": sys.getrefcount, "own": _own, "gradient": gradient_of, "mode": recording.get,
        }  # fmt: skip

    def _ref(self, value: Any) -> str:
        """A name for an object."""
        name = f"o{len(self.names)}"
        self.names[name] = value
        return name

    # --- is it the program for this call? -------------------------------------------------------

    def accepts(self, args: tuple, kwargs: dict, mode: bool) -> Any:
        """A fast test of the arguments; always false where only the signature can tell."""
        arrays = [a for a in args if isinstance(a, (np.ndarray, Tensor))]
        if kwargs or len({id(a) for a in arrays}) < len(arrays):
            return _never
        tests = [f"len(args) == {len(args)}", "mode()" if mode else "not mode()"]
        for k, value in enumerate(args):
            kind = type(value)
            if kind is np.ndarray:
                array = f"args[{k}]"
                tests.append(f"type({array}) is ndarray")
            elif isinstance(value, Tensor):
                if value.requires_grad:
                    return _never
                array = f"args[{k}]._data"
                tests += [
                    f"type(args[{k}]) is {self._ref(kind)}",
                    f"(args[{k}]._node is None or not args[{k}]._node.needs_grad)",
                ]
            elif kind in (int, float, bool, str, type(None)):
                tests.append(f"args[{k}] is {self._ref(value)}")
                continue
            else:
                return _never
            held = value._data if isinstance(value, Tensor) else value
            tests.append(f"{array}.shape == {held.shape} and {array}.strides == {held.strides}")
            tests.append(f"{array}.dtype is {self._ref(held.dtype)}")
        tensors = [f"args[{k}]" for k, value in enumerate(args) if isinstance(value, Tensor)]
        tests += [f"{a} is not {b}" for a, b in itertools.combinations(tensors, 2)]
        return self._made("accepts", "args", [f"return {' and '.join(tests)}"])

    def fits(self, captured: Any, nothing: list[Any]) -> Any:
        """A test of everything that the program took for granted in its surroundings."""
        tests = list(captured.tests(self._ref))
        read = {id(i.source) for i in self.program.inputs if i.kind == "array"}
        for array in captured.arrays:
            # Not read by the program: what plain NumPy made of it in the recording is a constant.
            if id(array) not in read and array.flags.writeable:
                tests.append(f"{self._ref(array)}.tobytes() == {self._ref(array.tobytes())}")
        seen = set()
        for given in self.program.inputs:
            source = given.source
            if given.kind == "tensor" and id(source) not in seen:
                seen.add(id(source))
                node = source._node
                if source.requires_grad:
                    tests.append(f"{self._ref(source)}._node is {self._ref(node)}")
                else:
                    tests.append(f"not {self._ref(source)}.requires_grad")
            elif given.kind == "array":
                name = self._ref(source)
                tests.append(f"{name}.shape == {source.shape}")
                tests.append(f"{name}.dtype is {self._ref(source.dtype)}")
            elif given.kind == "grad":
                tests.append(f"{self._ref(source)}.grad is not None")
        tests += [f"{self._ref(leaf)}.grad is None" for leaf in nothing]
        tests += [f"{self._ref(t)}._data is {self._ref(array)}" for t, array in self.program.pinned]
        leaves = [o.source for o in self.program.outputs if o.kind == "grad"]
        if leaves:  # hooks that were registered since are not in the program
            self.names.update(watches=watches, hooks=_hooks)
            watched = self._ref([(leaf, _hooks(leaf)) for leaf in leaves])
            same = f"all(hooks(leaf) == known for leaf, known in {watched})"
            tests.append(f"(not watches.used or {same})")
        lines = ["try:", f"    return {' and '.join(tests) or 'True'}",
                 "except (KeyError, ValueError, IndexError):", "    return False"]  # fmt: skip
        return self._made("fits", "", lines)

    # --- the call -------------------------------------------------------------------------------

    def call(self, as_tensors: list[bool]) -> Any:
        """The function that runs the program on the arrays of the arguments."""
        fresh = self.emitted.fresh
        setup, lines = [], []
        for k, output in enumerate(fresh):
            var = output.var
            assert var is not None
            new = f"empty({var.shape}, {self._ref(var.dtype)})"
            setup += [f"s{k} = {new}", f"last{k} = None"]
            # Two references are ours: the name's and the question's.
            lines += [f"if refs(s{k}) > 2: s{k} = {new}", f"else: s{k}.setflags(True)"]
        reads = self._reads(as_tensors)
        spare = [f"s{k}" for k in range(len(fresh))]
        lines.append(f"returned = run({', '.join(reads + spare)})")
        for k, output in enumerate(fresh):
            tensor = self._ref(output.source)
            lines += [
                f"s{k}.setflags(False)",
                f"old = {tensor}._data",
                f"{tensor}._data = s{k}",
                f"s{k}, last{k} = (old if old is last{k} else own(old)), s{k}",
            ]
        if fresh:
            lines.append("old = None")
        lines += self._hand_over()
        lines.append(f"return {self._result()}")
        shared = [name for k in range(len(fresh)) for name in (f"s{k}", f"last{k}")]
        if shared:
            lines.insert(0, f"nonlocal {', '.join(shared)}")
        body = [*setup, "def call(arguments):", *("    " + line for line in lines), "return call"]
        return self._made("make", "", body)()

    def read(self, as_tensors: list[bool]) -> Any:
        """A function of the arguments: what the program is given, new memory apart."""
        return self._made("read", "arguments", [f"return [{', '.join(self._reads(as_tensors))}]"])

    def _reads(self, as_tensors: list[bool]) -> list[str]:
        reads = []
        for given in self.program.parameters():
            source = given.source
            if given.kind == "argument":
                data = "._data" if as_tensors[source] else ""
                reads.append(f"arguments[{source}]{data}")
            elif given.kind == "argument_grad":
                reads.append(f"gradient(arguments[{source}]._node)._data")
            elif given.kind == "tensor":
                reads.append(f"{self._ref(source)}._data")
            elif given.kind == "number":
                reads.append(f"{self._ref(source)}.value")
            elif given.kind == "grad":
                reads.append(f"gradient({self._ref(source)})._data")
            elif given.kind == "generator":
                reads.append(f"{self._ref(source)}()" if callable(source) else self._ref(source))
            else:
                reads.append(self._ref(source))
        return reads

    def _hand_over(self) -> list[str]:
        lines = []
        for output in self.program.outputs:
            if output.var is None or output.source in self.emitted.static:
                leaf = self._target(output)
                name = self.emitted.static.get(output.source)
                held = self._ref(BorrowedGradient(self.emitted_value(name))) if name else "None"
                lines.append(f"{leaf}.grad = {held}")
        results = sum(isinstance(r, Var) for r in self.program.results)
        for k, output in enumerate(self.emitted.returned):
            value = f"returned[{results + k}]"
            target = self._target(output)
            if output.kind == "number":
                lines.append(f"{target}.value = {value}")
            elif output.kind.endswith("grad"):
                lines.append(f"{target}.grad = wrap({value}, None)")
            else:
                lines += [f"{value}.setflags(False)", f"{target}._data = {value}"]
        return lines

    def emitted_value(self, name: str) -> Any:
        """What the program calls by a name."""
        return self.names["run"].__globals__[name]

    def _target(self, output: Any) -> str:
        if output.kind == "argument":
            return f"arguments[{output.source}]"
        if output.kind == "argument_grad":
            return f"arguments[{output.source}]._node"
        return self._ref(output.source)

    def _result(self) -> str:
        """An expression for what the function returns."""
        from ..core.containers import refill

        program = self.program
        items, k = [], 0
        for leaf, boxed in zip(program.results, program.boxed, strict=True):
            if isinstance(leaf, Var):
                items.append(f"wrap(returned[{k}], None)" if boxed else f"returned[{k}]")
                k += 1
            else:
                items.append(self._ref(leaf))
        template = program.template
        if template is None:
            return "None"
        if not isinstance(template, (dict, list, tuple)):
            return items[0]
        flat = type(template) is tuple and len(template) == len(items)
        if flat and all(a is b for a, b in zip(template, program.results)):
            return f"({', '.join(items)},)"
        self.names["refill"] = refill
        return f"refill({self._ref(template)}, [{', '.join(items)}])"

    def _made(self, name: str, parameters: str, lines: list[str]) -> Any:
        text = "\n".join([f"def {name}({parameters}):", *("    " + line for line in lines)])
        exec(compile(text, f"<driver of {self.emitted.name}>", "exec"), self.names)
        return self.names[name]


def _hooks(leaf: Any) -> tuple[Any, ...]:
    """The hooks on the gradient of a leaf."""
    return tuple(leaf.watch.hooks) if leaf.watch is not None else ()


def _never(args: tuple) -> bool:
    return False


def _own(old: Any) -> Any:
    """The array that a Tensor had, to write to later; another one if it is a part of something."""
    if type(old) is np.ndarray and old.base is None and old.flags.c_contiguous:
        return old
    return np.empty(old.shape, old.dtype)
