"""`compile`, and the function that it makes: two calls are recorded, later ones run a program."""

from __future__ import annotations

import functools
import inspect
import itertools
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import doors
from ..core.containers import flatten
from ..core.modes import is_grad_enabled, watcher
from ..core.tensor import Tensor
from . import memory
from .comparison import Unlike, compare_recordings
from .emitters.numpy_source import emit
from .errors import CompileError, warn
from .passes import ALL
from .passes import run as run_passes
from .program import program_of
from .signature import Call, record_call, signature
from .surroundings import Surroundings
from .tape import Tape
from .variant import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from .program import Program
    from .report import Report

__all__ = ["Compiled", "compile"]

_MOST_VARIANTS = 16
_MOST_RECORDINGS = 3
_WARN_AFTER = 8  # programs, or calls that fell back


class Compiled:
    """A function that runs as a straight-line NumPy program. Made by `compile`.

    Called as the function is. For each signature (shapes and dtypes of arrays and Tensors, all
    other arguments by value, and whether gradients are recorded) the first two calls record the
    function while running it, later ones run the program. So do calls after something that the
    function captured has changed: `model.eval()`, another `model`, another `dropout.p`.

    What it returns is always fresh; Tensors come back without a graph. Parameters, gradients,
    optimizers and random generators are left as the function itself would leave them. Threads may
    call it, one after the other; inside `with record():` the function runs as it is.
    """

    graph: Any  # the program as a `Graph`: `graphs.programs` adds it, which can draw

    def __init__(self, f: Callable, passes: tuple[str, ...], fallback: bool) -> None:
        functools.update_wrapper(self, f)
        self._f = f
        self._passes = passes
        self._fallback = fallback
        self._runs_uncompiled = False
        self._variants: dict[Any, list[Variant]] = {}
        self._recordings: dict[Any, tuple[Tape, int]] = {}  # the last one, and how many
        self._latest: Variant | None = None
        self._compiled = 0
        self._fallbacks = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, or run its program.

        Raises:
            CompileError: the function does what a straight-line program can't; nothing has
                changed then that the function changes through Tensors.
        """
        if self._runs_uncompiled or (doors.tracing and doors.tracer.get() is not None):
            return self._f(*args, **kwargs)  # in the latter case as a part of another program
        if watcher.get() is not None:  # `with record():` wants to see every value
            return self._f(*args, **kwargs)
        latest = self._latest
        if latest is not None and not kwargs and latest.accepts(args) and latest.fits():
            return self._run(latest, latest.pick(args), args, kwargs)
        arrays: list[Any] = []
        tensors: list[bool] = []
        key = signature(args, kwargs, arrays, tensors)
        for variant in self._variants.get(key, ()):
            if variant.fits():
                self._check_roles(variant.surroundings, arrays)
                self._latest = variant
                return self._run(variant, arrays, args, kwargs)
        return self._record(key, args, kwargs, tensors)

    def _run(self, variant: Variant, arrays: Any, args: tuple, kwargs: dict) -> Any:
        try:
            return variant(arrays)
        except variant.guard_failed:
            return self._eagerly(args, kwargs)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """Make a compiled method for an object, one for each."""
        if owner is None:
            return self
        bound = Compiled(self._f.__get__(owner, kind), self._passes, self._fallback)
        try:
            setattr(owner, self._f.__name__, bound)
        except AttributeError:
            raise TypeError(
                f"{type(owner).__name__} has no room for a compiled method: compile the bound "
                f"method instead, tinygrad_np.compile(object.{self._f.__name__})"
            ) from None
        return bound

    def __repr__(self) -> str:
        count = sum(map(len, self._variants.values()))
        return f"<compiled {self._f.__qualname__}: {count} program{'' if count == 1 else 's'}>"

    # --- making programs ------------------------------------------------------------------------

    def lower(self, *args: Any, **kwargs: Any) -> Compiled:
        """Compile for these arguments, leave nothing changed, and return itself.

        The function runs twice, as in the first two calls, and what it did is undone.
        """
        arrays: list[Any] = []
        tensors: list[bool] = []
        key = signature(args, kwargs, arrays, tensors)
        surroundings = self._surroundings(args, kwargs)
        before, fixed = None, None
        for count in itertools.count(1):
            tape = Tape(surroundings.names)
            record_call(tape, self._f, args, kwargs)
            tape.state.rewind()
            fixed = self._agreement(before, tape, count)
            if fixed is not None:
                break
            before = tape
        assert fixed is not None
        self._add(key, tape, fixed, surroundings, Call(args, kwargs, tensors, is_grad_enabled()))
        return self

    def _surroundings(self, args: tuple, kwargs: dict) -> Surroundings:
        """Look at what the function uses besides the arrays and Tensors of its arguments."""
        arguments = flatten([args, kwargs])
        arrays = (Tensor, np.ndarray, np.generic)
        others = tuple(a for a in arguments if not isinstance(a, arrays))
        surroundings = Surroundings(self._f, others)
        self._check_roles(surroundings, arguments)
        return surroundings

    def _check_roles(self, surroundings: Surroundings, arguments: list[Any]) -> None:
        """Raise if the function captures an argument too: the program could not tell them apart."""
        for value in arguments:
            if isinstance(value, Tensor) and id(value) in surroundings.names:
                raise CompileError(
                    f"{self._f.__qualname__} was given {value._title()} as an argument and uses "
                    f"it as {surroundings.names[id(value)]} too: give it, or capture it, not both"
                )

    def _record(self, key: Any, args: tuple, kwargs: dict, tensors: list[bool]) -> Any:
        """Record this call, and make the program if the recording before agrees."""
        surroundings = self._surroundings(args, kwargs)
        tape = Tape(surroundings.names)
        try:
            result = record_call(tape, self._f, args, kwargs)
        except CompileError as error:
            tape.state.rewind()
            if not self._fallback:
                raise
            self._give_up(error)
            return self._f(*args, **kwargs)
        try:
            fixed = self._compare(key, tape, surroundings)
        except CompileError as error:
            if not self._fallback:
                tape.state.rewind()
                raise
            self._give_up(error)
            fixed = None
        tape.state.settle()
        if fixed is not None:
            self._add(
                key, tape, fixed, surroundings, Call(args, kwargs, tensors, is_grad_enabled())
            )
        return result

    def _compare(self, key: Any, tape: Tape, surroundings: Surroundings) -> set[int] | None:
        """Compare with the recording before; return the ids of arrays that are constants."""
        key = (
            key,
            *map(id, tape.state.without_gradient),
        )  # a gradient that is added to is another program
        before, count = self._recordings.get(key, (None, 0))
        self._recordings[key] = (tape, count + 1)
        if before is None:
            return None
        changed = next(surroundings.changes(), None)
        if changed is not None:
            raise CompileError(
                f"{self._f.__qualname__} changes {changed}, a Python value: the compiled function "
                "would not. Instead: return what should be kept, hold a number in a "
                "tinygrad_np.Number, or change it outside of the compiled function."
            )
        fixed = self._agreement(before, tape, count + 1)
        if fixed is not None:
            del self._recordings[key]
        return fixed

    def _agreement(self, before: Tape | None, tape: Tape, count: int) -> set[int] | None:
        """Return the ids of arrays that are constants; None if one more recording is needed.

        Raises:
            CompileError: after so many recordings (`count`) the last two still disagree.
        """
        if before is None:
            return None
        try:
            return compare_recordings(before, tape)
        except Unlike as unlike:
            if count < _MOST_RECORDINGS:
                return None
            raise CompileError(
                f"{self._f.__qualname__} does something else in each call ({unlike}): it can't be "
                "compiled. Instead: branch outside of the compiled function."
            ) from None

    def _give_up(self, error: CompileError) -> None:
        """Run the function uncompiled from now on."""
        self._runs_uncompiled = True
        warn(f"{self._f.__qualname__} runs uncompiled: {error}")

    def _add(
        self,
        key: Any,
        tape: Tape,
        fixed: set[int],
        surroundings: Surroundings,
        call: Call,
    ) -> None:
        """Make a program of a recording, and add it to those of a signature."""
        # Data that changes makes a second program, and that one is for any data.
        program = program_of(self._f.__name__, tape, fixed, pin=key not in self._variants)
        run_passes(program, self._passes)
        plan = memory.plan(
            program, reuse="buffers" in self._passes, in_place="in_place" in self._passes
        )
        emitted = emit(program, plan, self._title())
        without_gradient = tape.state.without_gradient
        variant = Variant(program, plan, emitted, surroundings, without_gradient, call)
        program.forget_values()
        self._variants.setdefault(key, []).insert(0, variant)
        self._latest = variant
        self._compiled += 1
        if self._compiled == _WARN_AFTER + 1:
            warn(
                f"{self._f.__qualname__} was compiled {self._compiled} times, each time for other "
                "shapes, other Python arguments or other captured values. Give numbers that "
                "change as arrays or in a tinygrad_np.Number, and batches one shape.",
            )
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while sum(map(len, self._variants.values())) > _MOST_VARIANTS:
            oldest = next(iter(self._variants))
            self._variants[oldest].pop()
            if not self._variants[oldest]:
                del self._variants[oldest]

    def _title(self) -> str:
        """Return the docstring of the program's text."""
        try:
            file = os.path.basename(inspect.getsourcefile(self._f) or "")
            line = inspect.getsourcelines(self._f)[1]
        except (OSError, TypeError):
            return f"{self._f.__name__} as NumPy statements."
        return f"{self._f.__name__} ({file}:{line}) as NumPy statements."

    def _eagerly(self, args: tuple, kwargs: dict) -> Any:
        """Run the function itself, since a value is not as it was in the recordings."""
        result = self._f(*args, **kwargs)
        self._fallbacks += 1
        if self._fallbacks == _WARN_AFTER:
            warn(
                f"{self._f.__qualname__}: in {_WARN_AFTER} calls a check on values came out "
                "otherwise than in the recordings, and the function ran uncompiled.",
            )
        return result

    # --- looking at them ------------------------------------------------------------------------

    def _latest_variant(self) -> Variant:
        if self._latest is None:
            raise RuntimeError(
                f"{self._f.__qualname__} has no program yet: call it twice, or .lower(*args) once"
            )
        return self._latest

    @property
    def program(self) -> Program:
        """The program that was made last, as data.

        Raises:
            RuntimeError: none was made yet.
        """
        return self._latest_variant().program

    @property
    def source(self) -> str:
        """The text of the program that was made last.

        Raises:
            RuntimeError: none was made yet.
        """
        return self._latest_variant().emitted.source

    def report(self, *args: Any, **kwargs: Any) -> Report:
        """Measure the cost of each line of the program for these arguments.

        It runs many times, and nothing is changed by it.

        Raises:
            RuntimeError: there is no program for such arguments.
        """
        from .report import measure

        arrays: list[Any] = []
        variants = self._variants.get(signature(args, kwargs, arrays, []), ())
        variant = next((v for v in variants if v.fits()), None)
        if variant is None:
            raise RuntimeError(
                f"{self._f.__qualname__} has no program for these arguments: call it twice with "
                "them, or .lower(*args) once"
            )
        return measure(variant, arrays, lambda: self._f(*args, **kwargs))

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write the program to a .py file that needs only NumPy, its state to an .npz beside it.

        Raises:
            CompileError: it calls a Python function, which the file can't hold.
        """
        from .emitters.numpy_file import export

        return export(self._latest_variant(), path)


def compile(
    f: Callable, *, passes: Sequence[str] | None = None, fallback: bool = False
) -> Compiled:
    """Compile `f` to a straight-line NumPy program, as you would have written it by hand.

        step = tg.compile(train_step)
        for x, y in batches:
            loss = step(x, y)     # two calls record, then the program runs
        print(step.source)

    Args:
        f: any function of arrays, Tensors and Python values (nested containers are welcome) that
            computes with Tensors or NumPy functions: a training step with `backward()` and
            `optimizer.step()`, a transform, a model. It is recorded, so what it does in plain
            Python happens only while recording.
        passes: names of the rewrites to use, for study; by default all of `tinygrad_np.PASSES`.
            Without those of `tinygrad_np.REORDERING_PASSES`, which add and multiply in another
            order, results are the same to the last bit.
        fallback: a function that can't be compiled runs as it is, with a `CompileWarning` that
            says why, instead of raising a `CompileError`.

    Raises:
        TypeError: `f` can't be called.
        ValueError: an unknown pass.
    """
    if isinstance(f, Compiled):
        f = f._f
    if not callable(f):
        raise TypeError(f"compile() takes a function, not {type(f).__name__}")
    chosen = ALL if passes is None else tuple(passes)
    unknown = [name for name in chosen if name not in ALL]
    if unknown:
        raise ValueError(f"there is no pass {unknown[0]!r}; there are {', '.join(ALL)}")
    return Compiled(f, chosen, fallback)
