"""`Variant`: the program of a compiled function for one signature, ready to be called."""

from __future__ import annotations

import contextlib
import linecache
import types
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tensor import Tensor
from .copies import memory_of
from .driver import Driver
from .errors import CalledAgainError
from .slots import SLOT_NAMES
from .state import restore_generators

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .emitters.numpy_source import Emitted
    from .memory import Memory
    from .program import Program
    from .signature import Argument, Call
    from .surroundings import Surroundings


class Variant:
    """The program for one signature.

    Attributes:
        program, memory, emitted: what it was made of.
        namespace: the names of the emitted text: its function, and the memory that it works in.
        surroundings: what the function used besides its arguments.
        fits: test that everything that the program takes for granted is still so.
        accepts: test of positional arguments; false where only the signature can tell.
        arguments: the arrays and Tensors among the arguments of the call that was recorded.
        guard_failed: what the program raises when a value is not as it was.
        has_effect: whether it calls something that must not be called twice.
        sources: the text for each backend.
        portable: the text that needs NumPy alone.
        note: why it runs otherwise than was asked for; "" if it does not.
        run: what a call does, with the lock held.
    """

    def __init__(
        self,
        program: Program,
        memory: Memory,
        emitted: Emitted,
        surroundings: Surroundings,
        without_gradient: list[Any],
        call: Call,
        lock: Any,
    ) -> None:
        self.program = program
        self.memory = memory
        self.emitted = emitted
        self.portable = emitted
        self.note = ""
        self.sources = {"numpy": emitted.source}
        self.arguments: list[Argument] = []
        self._lock = lock
        self._generators = [i.source for i in program.inputs if i.kind == "generator"]
        runs = self._runs()
        guard_failed = self.namespace.get("GuardFailed", CalledAgainError)
        self.guard_failed = (guard_failed, CalledAgainError)
        driver = Driver(program, emitted, runs)
        args = call.args
        positions = [k for k, a in enumerate(args) if isinstance(a, (np.ndarray, Tensor))]
        self._positions = None if len(positions) == len(args) else positions
        self.accepts = driver.accepts(call)
        self.fits = driver.fits(surroundings, without_gradient)
        self.run = driver.call(call.tensors, self._random_states if self._generators else None)
        self._read = driver.read(call.tensors)
        self.surroundings = surroundings  # the tests compare with these very objects
        self.has_effect = any(s.kind == "effect" for s in program.statements)

    def _runs(self) -> list[Any]:
        """Run the text, and return the function, or two of them that take turns."""
        emitted, source = self.emitted, self.emitted.source
        file = f"<compiled {emitted.name} {id(self):x}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        weakref.finalize(self, linecache.cache.pop, file, None)
        code = compile(source, file, "exec")
        first = self.namespace = self.new_namespace(code)
        if not emitted.static:
            return [first[emitted.name]]
        # The other one shares all memory but that in which gradients are left.
        gradients = {id(memory_of(first[name])) for name in emitted.static.values()}
        second = self.new_namespace(code)
        for name, value in first.items():
            own = isinstance(value, np.ndarray) and id(memory_of(value)) in gradients
            if not own and name != emitted.name:
                second[name] = value
        run = first[emitted.name]
        if emitted.native is not None:
            emitted.native.bind(second)
        # With code of its own: Python remembers in the code where it has found global names.
        return [run, types.FunctionType(run.__code__.replace(), second, emitted.name)]

    def new_namespace(self, code: Any) -> dict[str, Any]:
        """Run the text, and return its names: the function, and memory of its own."""
        emitted = self.emitted
        namespace: dict[str, Any] = {"constants": emitted.constants, **emitted.objects}
        exec(code, namespace)
        if emitted.native is not None:
            emitted.native.bind(namespace)
        return namespace

    def become(self, other: Variant) -> None:
        """Run as another variant of the same program from now on."""
        self.__dict__.update(other.__dict__)
        self._other = other  # its text is shown in tracebacks as long as it lives

    @contextlib.contextmanager
    def borrowed(self, arguments: Any) -> Iterator[list[Any]]:
        """Lend the operands of the emitted function, and put random generators back afterwards."""
        new = [o.var for o in self.emitted.fresh if o.var is not None]
        before = self._random_states()
        try:
            yield [*self._read(arguments), *(np.empty(var.shape, var.dtype) for var in new)]
        finally:
            restore_generators(before)

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Undo afterwards what the function changes inside."""
        contents = []
        for output in self.program.outputs:
            name = SLOT_NAMES.get(output.kind)
            if name is not None:
                contents.append((output.source, name, getattr(output.source, name)))
        before = self._random_states()
        try:
            yield
        finally:
            for source, name, value in contents:
                setattr(source, name, value)
            restore_generators(before)

    def _random_states(self) -> list[tuple[Any, Any]]:
        """Return the generators that the program draws from, and their states."""
        generators = [g() if callable(g) else g for g in self._generators]
        return [(g, g.bit_generator.state) for g in generators]

    def pick(self, args: tuple) -> Any:
        """Return the arrays and Tensors among arguments that `accepts` has let pass."""
        return args if self._positions is None else [args[k] for k in self._positions]

    def __call__(self, arguments: Any) -> Any:
        """Run the program on the arrays and Tensors among the arguments.

        Raises:
            self.guard_failed: something in the values is not as it was. After this or any other
                error nothing is changed.
        """
        with self._lock:  # the memory is for one call at a time
            return self.run(arguments)
