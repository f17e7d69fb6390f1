"""`Variant`: one emitted program, and how it is called."""

from __future__ import annotations

import linecache
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd import Pending
from ..tensor import held_gradient, wrap
from ..trees import refill
from .emit import KINDS
from .statements import Var

if TYPE_CHECKING:
    from collections.abc import Callable

    from .emit import Emitted
    from .memory import Memory
    from .program import Program
    from .tape import Input

__all__ = ["Variant"]


class Variant:
    """A program for one signature.

    Attributes:
        program, memory, emitted: what it was made of.
        holds: says whether what the function captured is as it was.
    """

    def __init__(
        self, program: Program, memory: Memory, emitted: Emitted, captured: Any, nothing: list[Any]
    ) -> None:
        self.program = program
        self.memory = memory
        self.emitted = emitted
        self.captured = captured
        self.holds: Callable[[], bool] = captured.checker()
        self.compile_seconds = 0.0
        self.failures = 0
        file = f"<compiled {emitted.name} {id(self):x}>"
        lines = emitted.source.splitlines(keepends=True)
        linecache.cache[file] = (len(emitted.source), None, lines, file)
        namespace: dict[str, Any] = {"constants": emitted.constants, **emitted.objects}
        exec(compile(emitted.source, file, "exec"), namespace)
        self.namespace = namespace
        self.guard_failed = namespace.get("GuardFailed", ())
        self._run = namespace[emitted.name]
        by_kind: dict[str, list[Input]] = {kind: [] for kind in KINDS}
        for given in program.inputs:
            by_kind[given.kind].append(given)
        self._positions = [given.source for given in by_kind["argument"]]
        self._tensors = [given.source for given in by_kind["tensor"]]
        self._arrays = [given.source for given in by_kind["array"]]
        self._shapes = [(a, a.shape, a.dtype) for a in self._arrays]
        self._numbers = [given.source for given in by_kind["number"]]
        self._generators = [given.source for given in by_kind["generator"]]
        self._accumulated = [given.source for given in by_kind["grad"]]
        self._nothing = nothing
        self._leaves = [(t, t._node if t.requires_grad else None) for t in self._tensors]
        self._new = [output.source for output in emitted.fresh]
        self._spare = [np.empty(o.var.shape, o.var.dtype) for o in emitted.fresh if o.var]
        self._cleared = [o for o in program.outputs if o.var is None]
        self._pending = [
            (leaf, Pending(namespace[name])) for leaf, name in emitted.static.items()
        ]  # fmt: skip
        self._results = sum(isinstance(r, Var) for r in program.results)
        self._leaves_out = list(zip(program.results, program.boxed, strict=True))
        self._one = isinstance(program.template, Var)
        guards = any(s.kind == "guard" for s in program.statements)
        self._rewinds = guards and bool(self._generators)

    def fits(self) -> bool:
        """Whether everything that the program took for granted is still so."""
        return (
            self.holds()
            and all(t._node is n if n else not t.requires_grad for t, n in self._leaves)
            and all(leaf.grad is None for leaf in self._nothing)
            and all(a.shape == shape and a.dtype == dtype for a, shape, dtype in self._shapes)
            and all(leaf.grad is not None for leaf in self._accumulated)
        )

    def __call__(self, arguments: list[Any], as_tensors: list[bool]) -> Any:
        """Run the program on the arrays of the arguments.

        Raises:
            self.guard_failed: something in the values is not as it was; nothing was changed.
        """
        values = [arguments[k]._data if as_tensors[k] else arguments[k] for k in self._positions]
        values += [t._data for t in self._tensors]
        values += self._arrays
        values += [n.value for n in self._numbers]
        generators = [g() if callable(g) else g for g in self._generators]
        values += generators
        if self._accumulated:
            values += [held_gradient(leaf)._data for leaf in self._accumulated]
        spare = self._spare
        for k, array in enumerate(spare):
            if getrefcount(array) > _OURS:  # somebody still looks at these values
                spare[k] = np.empty(array.shape, array.dtype)
            else:
                array.setflags(True)
        before = [g.bit_generator.state for g in generators] if self._rewinds else ()
        try:
            returned = self._run(*values, *spare)
        except BaseException:
            for generator, state in zip(generators, before):
                generator.bit_generator.state = state
            raise
        # Only now that everything is computed does anything visible change.
        for k, tensor in enumerate(self._new):
            new, old = spare[k], tensor._data
            new.setflags(False)
            tensor._data = new
            if type(old) is np.ndarray and old.base is None and old.flags.c_contiguous:
                spare[k] = old
            else:
                spare[k] = np.empty(new.shape, new.dtype)
        for leaf, pending in self._pending:
            leaf.grad = pending
        for output in self._cleared:
            source = output.source
            leaf = source if output.kind == "grad" else arguments[source]._node
            leaf.grad = None
        if self.emitted.returned:
            for output, value in zip(self.emitted.returned, returned[self._results :]):
                _deliver(output, value, arguments)
        return self._filled(returned)

    def _filled(self, returned: Any) -> Any:
        """What the function returns, with these values."""
        if self._one:
            return wrap(returned[0], None) if self._leaves_out[0][1] else returned[0]
        values = iter(returned or ())
        filled = []
        for leaf, boxed in self._leaves_out:
            value = next(values) if isinstance(leaf, Var) else leaf
            filled.append(wrap(value, None) if boxed else value)
        return refill(self.program.template, filled)


def _deliver(output: Any, value: Any, arguments: list[Any]) -> None:
    """Put a value that came back in its place."""
    kind, source = output.kind, output.source
    if kind in ("argument", "argument_grad"):
        kind, source = ("tensor" if kind == "argument" else "grad"), arguments[source]
        source = source if kind == "tensor" else source._node
    if kind == "number":
        source.value = value
    elif kind == "grad":
        source.grad = wrap(value, None)
    else:
        value.setflags(False)
        source._data = value


getrefcount = sys.getrefcount
_OURS = 3  # references to a spare array: the list's, the loop's, and the question's
