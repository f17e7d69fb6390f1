"""`Variant`: one emitted program, and how it is called."""

from __future__ import annotations

import contextlib
import linecache
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd import Pending
from ..tensor import Tensor
from .driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .captured import Captured
    from .emit import Emitted
    from .memory import Memory
    from .program import Program

__all__ = ["Variant"]


class Variant:
    """A program for one signature.

    Attributes:
        program, memory, emitted: what it was made of.
        run: the emitted function.
        fits: says whether everything that the program took for granted is still so.
        accepts: says the same of positional arguments, where a fast test can tell.
        guard_failed: what the program raises when a value is not as it was.
        compile_seconds: how long the last recording, the passes and the writing took.
    """

    def __init__(
        self,
        program: Program,
        memory: Memory,
        emitted: Emitted,
        captured: Captured,
        nothing: list[Any],
        call: tuple[tuple, dict, bool, list[bool]],
    ) -> None:
        self.program = program
        self.memory = memory
        self.emitted = emitted
        self.compile_seconds = 0.0
        self._lock = threading.Lock()
        file = f"<compiled {emitted.name} {id(self):x}>"
        lines = emitted.source.splitlines(keepends=True)
        linecache.cache[file] = (len(emitted.source), None, lines, file)
        namespace = self.new_namespace(emitted.source, file)
        self.guard_failed = namespace.get("GuardFailed", ())
        self.run = namespace[emitted.name]
        driver = Driver(program, emitted, self.run)
        args, kwargs, mode, as_tensors = call
        self.accepts = driver.accepts(args, kwargs, mode)
        places = [k for k, a in enumerate(args) if isinstance(a, (np.ndarray, Tensor))]
        self._places = None if len(places) == len(args) else places
        self.fits = driver.fits(captured, nothing)
        self._call = driver.call(as_tensors)
        self._read = driver.read(as_tensors)
        self.captured = captured  # the tests compare with these very objects
        guards = any(s.kind == "guard" for s in program.statements)
        generators = [given.source for given in program.inputs if given.kind == "generator"]
        self._rewound = generators if guards else []

    def new_namespace(self, source: str, file: str = "<program>") -> dict[str, Any]:
        """What running the text gives: its function, and buffers of its own."""
        emitted = self.emitted
        namespace: dict[str, Any] = {"constants": emitted.constants, **emitted.objects}
        exec(compile(source, file, "exec"), namespace)
        return namespace

    @contextlib.contextmanager
    def borrowed(self, arguments: Any) -> Iterator[list[Any]]:
        """The operands of the emitted function; the random generators are put back afterwards."""
        operands = self._read(arguments)
        generators = [a for a in operands if isinstance(a, np.random.Generator)]
        before = [g.bit_generator.state for g in generators]
        yield [
            *operands,
            *(np.empty(o.var.shape, o.var.dtype) for o in self.emitted.fresh if o.var),
        ]
        for generator, state in zip(generators, before, strict=True):
            generator.bit_generator.state = state

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """What the function changes inside is put back afterwards."""
        held = []
        for output in self.program.outputs:
            name = {"tensor": "_data", "grad": "grad", "number": "value"}.get(output.kind)
            if name is not None:
                held.append((output.source, name, getattr(output.source, name)))
        sources = [i.source for i in self.program.inputs if i.kind == "generator"]
        generators = [g() if callable(g) else g for g in sources]
        before = [g.bit_generator.state for g in generators]
        try:
            yield
        finally:
            for source, name, value in held:
                setattr(source, name, value)
            for generator, state in zip(generators, before, strict=True):
                generator.bit_generator.state = state

    def pick(self, args: tuple) -> Any:
        """The arrays and Tensors among arguments that `accepts` has let pass."""
        return args if self._places is None else [args[k] for k in self._places]

    def __call__(self, arguments: Any) -> Any:
        """Run the program on the arrays and Tensors among the arguments.

        Raises:
            self.guard_failed: something in the values is not as it was; nothing was changed.
        """
        if self._rewound:
            generators = [g() if callable(g) else g for g in self._rewound]
            before = [g.bit_generator.state for g in generators]
            try:
                with self._lock:
                    return self._call(arguments)
            except BaseException:
                for generator, state in zip(generators, before, strict=True):
                    generator.bit_generator.state = state
                raise
        try:
            with self._lock:  # the buffers are for one call at a time
                return self._call(arguments)
        except self.guard_failed:
            raise
        except BaseException:
            # The memory of gradients may be half written by now.
            for leaf in self.emitted.static:
                if type(leaf.grad) is Pending:
                    leaf.grad = None
            raise
