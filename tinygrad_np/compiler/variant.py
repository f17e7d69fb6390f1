"""`Variant`: the program of a compiled function for one signature, ready to be called."""

from __future__ import annotations

import contextlib
import linecache
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.doors import BorrowedGradient
from ..core.tensor import Tensor
from .driver import Driver
from .slots import SLOT_NAMES
from .state import restore_generators

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .emitters.numpy_source import Emitted
    from .memory import Memory
    from .program import Program
    from .signature import Call
    from .surroundings import Surroundings

__all__ = ["Variant"]


class Variant:
    """The program for one signature.

    Attributes:
        program, memory, emitted: what it was made of.
        run: the emitted function.
        surroundings: what the function used besides its arguments.
        fits: test that everything that the program takes for granted is still so.
        accepts: test of positional arguments; false where only the signature can tell.
        guard_failed: what the program raises when a value is not as it was.
    """

    def __init__(
        self,
        program: Program,
        memory: Memory,
        emitted: Emitted,
        surroundings: Surroundings,
        without_gradient: list[Any],
        call: Call,
    ) -> None:
        self.program = program
        self.memory = memory
        self.emitted = emitted
        self._lock = threading.Lock()
        file = f"<compiled {emitted.name} {id(self):x}>"
        lines = emitted.source.splitlines(keepends=True)
        linecache.cache[file] = (len(emitted.source), None, lines, file)
        namespace = self.new_namespace(emitted.source, file)
        self.guard_failed = namespace.get("GuardFailed", ())
        self.run = namespace[emitted.name]
        driver = Driver(program, emitted, self.run)
        args = call.args
        positions = [k for k, a in enumerate(args) if isinstance(a, (np.ndarray, Tensor))]
        self._positions = None if len(positions) == len(args) else positions
        self.accepts = driver.accepts(call)
        self.fits = driver.fits(surroundings, without_gradient)
        self._call = driver.call(call.tensors)
        self._read = driver.read(call.tensors)
        self.surroundings = surroundings  # the tests compare with these very objects
        guards = any(s.kind == "guard" for s in program.statements)
        self._generators = [i.source for i in program.inputs if i.kind == "generator"]
        self._rewinds = guards and bool(self._generators)

    def new_namespace(self, source: str, file: str = "<program>") -> dict[str, Any]:
        """Run the text, and return its names: the function, and buffers of its own."""
        emitted = self.emitted
        namespace: dict[str, Any] = {"constants": emitted.constants, **emitted.objects}
        exec(compile(source, file, "exec"), namespace)
        return namespace

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
            self.guard_failed: something in the values is not as it was; nothing was changed.
        """
        before = self._random_states() if self._rewinds else ()
        try:
            with self._lock:  # the buffers are for one call at a time
                return self._call(arguments)
        except BaseException as error:
            restore_generators(before)
            if not isinstance(error, self.guard_failed):
                # The memory of gradients may be half written by now.
                for leaf in self.emitted.static:
                    if type(leaf.grad) is BorrowedGradient:
                        leaf.grad = None
            raise
