"""Driver of a program: generate the Python functions that check, read, run and hand over.

A loop over parameters costs as much as the arithmetic of a small layer, so this code is
generated too, one line for each thing that is checked, read or written.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import hooks as watches
from ..core.containers import refill
from ..core.doors import BorrowedGradient
from ..core.modes import recording
from ..core.tensor import Tensor, gradient_of, wrap
from .errors import CalledAgainError
from .state import restore_generators
from .statements import Var

if TYPE_CHECKING:
    from .emitters.numpy_source import Emitted
    from .program import Input, Output, Program
    from .signature import Call
    from .surroundings import Surroundings

_FEW = 4  # arrays, that are compared in pairs


class Driver:
    """Writer of the functions that a `Variant` calls.

    Attributes:
        runs: the emitted function; where gradients lie in its memory, twice, each with other
            memory for these. They take turns, so that a call that fails leaves the gradients of
            the call before as they were.
        names: the objects that the generated text refers to, by name.
    """

    def __init__(self, program: Program, emitted: Emitted, runs: list[Any]) -> None:
        self.program = program
        self.emitted = emitted
        self.runs = runs
        self.names: dict[str, Any] = {
            "wrap": wrap, "ndarray": np.ndarray, "empty": np.empty, "refill": refill,
            "refs": sys.getrefcount, "own": _own, "gradient": gradient_of, "mode": recording.get,
            "watches": watches, "hooks": _hooks, "restore": restore_generators,
            "again": CalledAgainError(),
        }  # fmt: skip

    def _ref(self, value: Any) -> str:
        """Return a name for an object."""
        name = f"o{len(self.names)}"
        self.names[name] = value
        return name

    def _function(self, name: str, parameters: str, lines: list[str]) -> Any:
        """Make a function of lines of Python."""
        text = "\n".join([f"def {name}({parameters}):", *_indented(lines)])
        exec(compile(text, f"<driver of {self.emitted.name}>", "exec"), self.names)
        return self.names[name]

    # --- is it the program for this call? -------------------------------------------------------

    def accepts(self, call: Call) -> Any:
        """Make a fast test of the arguments, always false where only the signature can tell."""
        args = call.args
        arrays = [k for k, a in enumerate(args) if isinstance(a, (np.ndarray, Tensor))]
        if call.kwargs or len({id(args[k]) for k in arrays}) < len(arrays):
            return _never
        tests = [f"len(args) == {len(args)}"]
        tests.append("mode()" if call.grad_enabled else "not mode()")
        for k, value in enumerate(args):
            more = self._argument_tests(f"args[{k}]", value)
            if more is None:
                return _never
            tests += more
        if len(arrays) > _FEW:
            tests.append(f"len(set(map(id, args))) == {len({id(value) for value in args})}")
        else:
            pairs = itertools.combinations(arrays, 2)
            tests += [f"args[{j}] is not args[{k}]" for j, k in pairs]
        return self._function("accepts", "args", [f"return {' and '.join(tests)}"])

    def _argument_tests(self, argument: str, value: Any) -> list[str] | None:
        """Return tests that an argument is like this value; None if only the signature can tell."""
        kind = type(value)
        if kind in (int, float, bool, str, type(None)):
            return [f"{argument} is {self._ref(value)}"]
        if kind is np.ndarray:
            return [f"type({argument}) is ndarray", *self._layout_tests(argument, value)]
        if not isinstance(value, Tensor) or value.requires_grad:
            return None
        node = f"{argument}._node"
        return [
            f"type({argument}) is {self._ref(kind)}",
            f"({node} is None or not {node}.needs_grad)",
            *self._layout_tests(f"{argument}._data", value._data),
        ]

    def _layout_tests(self, name: str, array: np.ndarray) -> list[str]:
        return [
            f"{name}.shape == {array.shape} and {name}.strides == {array.strides}",
            f"{name}.dtype is {self._ref(array.dtype)}",
        ]

    def fits(self, surroundings: Surroundings, without_gradient: list[Any]) -> Any:
        """Make a test of all that the program takes for granted in its surroundings."""
        inputs = self.program.inputs
        live = {id(entry.source) for entry in inputs if entry.kind == "array"}
        tests = list(surroundings.tests(self._ref, live))
        tensors: set[int] = set()
        for entry in inputs:
            if entry.kind != "tensor" or id(entry.source) not in tensors:
                tests += self._input_tests(entry)
            if entry.kind == "tensor":
                tensors.add(id(entry.source))
        tests += [f"{self._ref(leaf)}.grad is None" for leaf in without_gradient]
        tests += [f"{self._ref(t)}._data is {self._ref(array)}" for t, array in self.program.pinned]
        leaves = [output.source for output in self.program.outputs if output.kind == "grad"]
        if leaves:  # hooks that were registered since are not in the program
            known = self._ref([(leaf, _hooks(leaf)) for leaf in leaves])
            same = f"all(hooks(leaf) == known for leaf, known in {known})"
            tests.append(f"(not watches.used or {same})")
        lines = [
            "try:",
            f"    return {' and '.join(tests) or 'True'}",
            "except (AttributeError, LookupError, TypeError, ValueError):",
            "    return False",
        ]
        return self._function("fits", "", lines)

    def _input_tests(self, entry: Input) -> list[str]:
        source = entry.source
        if entry.kind == "tensor":
            tests = [f"not {self._ref(source)}.requires_grad"]
            if source.requires_grad:
                tests = [f"{self._ref(source)}._node is {self._ref(source._node)}"]
            if source.ndim > 1:  # NumPy adds in the order in which elements lie in memory
                tests.append(f"{self._ref(source)}._data.strides == {entry.var.value.strides}")
            return tests
        if entry.kind == "grad":
            return [f"{self._ref(source)}.grad is not None"]
        if entry.kind == "array":
            name = self._ref(source)
            same_shape = f"{name}.shape == {source.shape}"
            return [same_shape, f"{name}.dtype is {self._ref(source.dtype)}"]
        return []

    # --- the call -------------------------------------------------------------------------------

    def call(self, tensors: list[bool], states: Any) -> Any:
        """Make the function that runs the program on the arrays of the arguments.

        The new values of Tensors are written into spare arrays s0, s1 ...; then Tensor and spare
        change places. An array that somebody else still refers to is left to them.

        All that a call leaves changed is put into place by one line of plain assignments. Python
        looks for interrupts at calls and loops alone, so that line runs as a whole, or not.

        Args:
            states: gives random generators with their states; None if none is drawn from.
        """
        setup = [f"turn, waiting = {', '.join(map(self._ref, self._turns()))}", "busy = False"]
        names, done, stores = ["turn", "waiting", "busy"], [], []
        start = ["if busy: raise again"]  # in a function that it calls, or a signal's handler
        for k, output in enumerate(self.emitted.fresh):
            var, tensor = output.var, self._ref(output.source)
            assert var is not None
            new = f"empty({var.shape}, {self._ref(var.dtype)})"
            names += [f"s{k}", f"last{k}"]
            setup += [f"s{k} = {new}", f"last{k} = None"]
            # Two references are ours: the name's and the question's.
            start += [f"if refs(s{k}) > 2: s{k} = {new}", f"else: s{k}.setflags(True)"]
            done += [f"s{k}.setflags(False)", f"old{k} = {tensor}._data"]
            done.append(f"if old{k} is not last{k}: old{k} = own(old{k})")
            stores += [f"{tensor}._data = last{k} = s{k}", f"s{k} = old{k}"]
        spare = [f"s{k}" for k in range(len(self.emitted.fresh))]
        run = [f"returned = turn[0]({', '.join([*self._reads(tensors), *spare])})"]
        self._hand_over(done, stores)
        done.append(f"result = {self._result()}")
        if len(self.runs) > 1:
            stores.append("turn, waiting = waiting, turn")
        failed = ["busy = False"]
        if states is not None:
            start.append(f"drawn = {self._ref(states)}()")
            stores.append("drawn = ()")
            failed.append("restore(drawn)")
        work = ["busy = True", *run, *done, "; ".join([*stores, "busy = False"])]
        failed.append("raise")
        work = ["try:", *_indented(work), "except BaseException:", *_indented(failed)]
        lines = [f"nonlocal {', '.join(names)}", *start, *work, "return result"]
        body = [*setup, "def call(arguments):", *_indented(lines), "return call"]
        return self._function("make", "", body)()

    def _turns(self) -> tuple[Any, Any]:
        """Return the two functions that take turns, each with the gradients in its memory."""
        turns = []
        for run in self.runs:
            names = self.emitted.static.values()
            gradients = [BorrowedGradient(run.__globals__[name]) for name in names]
            turns.append((run, *gradients))
        return turns[0], turns[-1]

    def read(self, tensors: list[bool]) -> Any:
        """Make a function of the arguments that returns the program's operands, without spares."""
        operands = ", ".join(self._reads(tensors))
        return self._function("read", "arguments", [f"return [{operands}]"])

    def _reads(self, tensors: list[bool]) -> list[str]:
        return [self._read(entry, tensors) for entry in self.program.parameters()]

    def _read(self, entry: Input, tensors: list[bool]) -> str:
        """Return an expression for the present value of an input."""
        source = entry.source
        if entry.kind == "argument":
            data = "._data" if tensors[source] else ""
            return f"arguments[{source}]{data}"
        if entry.kind == "argument_grad":
            return f"gradient(arguments[{source}]._node)._data"
        name = self._ref(source)
        if entry.kind == "tensor":
            return f"{name}._data"
        if entry.kind == "number":
            return f"{name}.value"
        if entry.kind == "grad":
            return f"gradient({name})._data"
        if entry.kind == "generator" and callable(source):
            return f"{name}()"
        return name

    def _hand_over(self, done: list[str], stores: list[str]) -> None:
        """Add the lines that make what a call leaves changed, and the assignments that do it."""
        places = {leaf: k for k, leaf in enumerate(self.emitted.static, start=1)}
        for output in self.program.outputs:
            if output.var is None:
                stores.append(f"{self._target(output)}.grad = None")
            elif output.source in places:
                stores.append(f"{self._target(output)}.grad = turn[{places[output.source]}]")
        results = sum(isinstance(leaf, Var) for leaf in self.program.results)
        for k, output in enumerate(self.emitted.returned, start=results):
            value = f"returned[{k}]"
            target = self._target(output)
            if output.kind == "number":
                stores.append(f"{target}.value = {value}")
            elif output.kind.endswith("grad"):
                done.append(f"g{k} = wrap({value}, None)")
                stores.append(f"{target}.grad = g{k}")
            else:
                done.append(f"{value}.setflags(False)")
                stores.append(f"{target}._data = {value}")

    def _target(self, output: Output) -> str:
        """Return an expression for the object that an output belongs to."""
        if output.kind == "argument":
            return f"arguments[{output.source}]"
        if output.kind == "argument_grad":
            return f"arguments[{output.source}]._node"
        return self._ref(output.source)

    def _result(self) -> str:
        """Return an expression for what the function returns."""
        program = self.program
        items, k = [], 0
        for leaf, boxed in zip(program.results, program.boxed, strict=True):
            if isinstance(leaf, Var):
                value = f"returned[{k}]"
                items.append(f"wrap({value}, None)" if boxed else value)
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
        return f"refill({self._ref(template)}, [{', '.join(items)}])"


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _hooks(leaf: Any) -> tuple[Any, ...]:
    """Return the hooks on the gradient of a leaf."""
    return tuple(leaf.watch.hooks) if leaf.watch is not None else ()


def _never(args: tuple) -> bool:
    return False


def _own(old: Any) -> Any:
    """Return the array that a Tensor had, to write to later; a new one if it is a part."""
    if type(old) is np.ndarray and old.base is None and old.flags.c_contiguous:
        return old
    return np.empty(old.shape, old.dtype)
