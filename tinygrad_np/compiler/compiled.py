"""`Compiled` functions: two calls are recorded, later ones run a program."""

from __future__ import annotations

import functools
import sys
import threading
import time
import types
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import doors
from ..core.containers import flatten
from ..core.modes import is_grad_enabled, watcher
from ..core.printing import Text
from ..core.tensor import Tensor
from ..core.tracebacks import shorten_traceback
from . import proof
from .assembly import Options, assemble
from .callers import function_name
from .errors import CompileError, comes_of_recording, report_of, tell, warn
from .passes import REORDERING
from .proof import DifferenceError
from .signature import Call, check_roles, record_call, signature
from .surroundings import Surroundings
from .tape import Tape
from .variants import Recording, Variants

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    from .program import Program
    from .report import Report
    from .variant import Variant
    from .variants import Entry

_OF_VALUES = (ArithmeticError, ValueError, IndexError, MemoryError, Warning)
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

    def __init__(self, f: Callable, options: Options) -> None:
        attributes = ("__dict__",) if isinstance(f, types.FunctionType) else ()
        functools.update_wrapper(self, f, updated=attributes)
        self._f = f
        self._name = function_name(f)
        self._options = options
        self._rest = 0  # calls for which the function runs itself; less than 0: all
        self._lock = threading.RLock()  # a call reads what the call before has left
        self._variants = Variants()
        self._latest: Variant | None = None
        self._fallbacks = 0
        self._warned = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, or run its program.

        Raises:
            CompileError: the function does what a straight-line program can't; nothing has
                changed then that the function changes through Tensors.
        """
        try:
            if self._rest or (doors.tracing and doors.tracer.get() is not None):
                self._rest -= self._rest > 0
                return self._f(*args, **kwargs)  # in the latter case as a part of another program
            if watcher.get() is not None:  # `with record():` wants to see every value
                return self._f(*args, **kwargs)
            latest = self._latest
            if latest is not None and not kwargs and latest.accepts(args) and latest.fits():
                return self._run(latest, latest.pick(args), args, kwargs)
            arrays: list[Any] = []
            tensors: list[bool] = []
            try:
                key = signature(args, kwargs, arrays, tensors)
                with self._lock:
                    variant = self._variants.fitting(key)
                    if variant is None and self._variants.admits(key):
                        call = Call(args, kwargs, tensors, is_grad_enabled())
                        return self._record(key, call)[0]
                if variant is not None:
                    check_roles(self._name, variant.surroundings.names, arrays)
            except CompileError as error:
                if not self._options.fallback:
                    raise
                self._give_up(error)
                variant = None
            if variant is None:
                if not self._rest:
                    self._rest = self._variants.rest()
                    self._warn_if_it_thrashes()
                return self._f(*args, **kwargs)
            self._latest = variant
            return self._run(variant, arrays, args, kwargs)
        except Exception as error:
            shorten_traceback(error)
            raise

    def _run(self, variant: Variant, arrays: Any, args: tuple, kwargs: dict) -> Any:
        try:
            return variant(arrays)
        except variant.guard_failed:
            failure = None
        except Exception as error:
            if variant.has_effect:
                raise
            failure = error
        return self._eagerly(failure, args, kwargs)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """Make a compiled method for an object, one for each."""
        if owner is None:
            return self
        name = f"_compiled_{self._name}"
        attributes = getattr(owner, "__dict__", None)
        if attributes is None:
            raise TypeError(
                f"{type(owner).__name__} has no room for a compiled method: compile the bound "
                f"method instead, tinygrad_np.compile(object.{self._f.__name__})"
            )
        bound = attributes.get(name)
        # A copy of an object has the attributes of the first one.
        if type(bound) is not Compiled or not bound._is_method(self._f, owner):
            f = self._f.__get__(owner, kind)
            bound = Compiled(f, self._options)
            attributes[name] = bound
        return bound

    def _is_method(self, function: Any, owner: Any) -> bool:
        """Say whether this is a function of a class as the method of an object."""
        mine = getattr(self._f, "__func__", None), getattr(self._f, "__self__", None)
        return mine[0] is function and mine[1] is owner

    def __reduce__(self) -> Any:
        """Copy or pickle the function alone: the copy makes its own programs."""
        module = sys.modules.get(self.__module__)
        if getattr(module, self._name, None) is self:
            return self._name
        return Compiled, (self._f, self._options)

    def __repr__(self) -> str:
        count = len(self._variants)
        return f"<compiled {self._name}: {count} program{'' if count == 1 else 's'}>"

    # --- making programs ------------------------------------------------------------------------

    def lower(self, *args: Any, **kwargs: Any) -> Compiled:
        """Compile for these arguments, leave nothing changed, and return itself.

        The function runs twice, as in the first two calls, and what it did is undone.
        """
        tensors: list[bool] = []
        key = signature(args, kwargs, [], tensors)
        call = Call(args, kwargs, tensors, is_grad_enabled())
        variant = None
        with self._lock:
            while variant is None and self._rest >= 0:
                _, variant = self._record(key, call, undo=True)
        return self

    def _record(self, key: Any, call: Call, undo: bool = False) -> tuple[Any, Variant | None]:
        """Record a call; return its result, and the program if one is made of it.

        Nothing that was there before is touched until the end; with `undo` it never is.
        """
        begin = time.process_time()
        arguments = flatten([call.args, call.kwargs])
        others = [a for a in arguments if not isinstance(a, (Tensor, np.ndarray, np.generic))]
        surroundings = Surroundings(self._f, tuple(others))
        check_roles(self._name, surroundings.names, arguments)
        entry = self._variants.count(key)
        waiting = entry.waiting()
        tape = Tape(surroundings.names, self._options.fallback)
        failed = False
        try:
            try:
                with surroundings.watching():
                    result = record_call(tape, self._f, call.args, call.kwargs)
            except Exception as error:
                if isinstance(error.__cause__, KeyboardInterrupt):  # in a stand-in's __class__
                    raise error.__cause__ from None
                failed = comes_of_recording(error)
                if not failed and not undo:
                    tape.state.settle()  # what the function had done before its own error
                if not failed:
                    raise
                self._give_up(error)
            variant = None
            if not failed:
                recording = Recording(tape, surroundings)
                variant = self._program(entry, call, recording, waiting)
            if failed or undo:
                tape.state.rewind()
                surroundings.undo()
            else:
                tape.state.settle()
        except BaseException:
            entry.streak -= 1  # it tells nothing about the next call
            tape.state.rewind()
            if not tape.state.settled:
                surroundings.undo()
            raise
        if failed:
            return None if undo else self._f(*call.args, **call.kwargs), None
        if variant is None:
            self._variants.trim()
        else:
            self._add(key, variant)
        self._variants.spend(begin)
        return result, variant

    def _program(
        self, entry: Entry, call: Call, recording: Recording, waiting: list[Recording]
    ) -> Variant | None:
        """Make a program of a recording if one before it agrees."""
        tape = recording.tape
        try:
            if tape.failure is not None:
                raise tape.failure
            fixed = entry.agreement(self._name, recording, waiting)
            if fixed is None:
                return None
            pin = not entry.variants  # data that changes makes a second program, for any data
            surroundings, options = recording.surroundings, self._options
            return assemble(self._f, tape, fixed, surroundings, call, options, self._lock, pin=pin)
        except DifferenceError as error:
            passes = self._options.passes
            exact = tuple(name for name in passes if name not in REORDERING)
            if exact == passes:
                self._give_up(error)
            # Sums in another order can come out quite differently where numbers cancel.
            self._options = replace(self._options, passes=exact)
        except Exception as error:
            self._give_up(error)
        return None

    def _give_up(self, error: BaseException) -> None:
        """Run the function itself from now on, or raise what its author has to see."""
        expected = isinstance(error, CompileError)
        if not (self._options.fallback if expected else proof.ENABLED):
            raise error
        self._rest = -1
        self._variants = Variants()
        reason = str(error) if expected else report_of(error)
        warn(f"{self._name} runs uncompiled: {reason}")

    def _add(self, key: Any, variant: Variant) -> None:
        """Add a program to those of a signature."""
        self._variants.add(key, variant)
        self._latest = variant
        tell(variant.note)
        programs = self._variants.programs
        if programs == _WARN_AFTER + 1:
            warn(
                f"{self._name} was compiled {programs} times, each time for other "
                "shapes, other Python arguments or other captured values. Give numbers that "
                "change as arrays or in a tinygrad_np.Number, and batches one shape.",
            )

    def _warn_if_it_thrashes(self) -> None:
        if not self._warned and self._variants.thrashes():
            self._warned = True
            warn(
                f"{self._name} runs uncompiled in most calls: shapes, Python arguments or captured "
                "values are others in each of them. Give numbers that change as arrays or in a "
                "tinygrad_np.Number, and batches one shape, or a few."
            )

    def _eagerly(self, failure: Exception | None, args: tuple, kwargs: dict) -> Any:
        """Run the function itself, since its program has failed, or a check on a value in it."""
        result = self._f(*args, **kwargs)
        # The function has no such error, or it catches it: those of numbers come of the values.
        if failure is not None and not isinstance(failure, _OF_VALUES):
            self._give_up(failure)
            return result
        self._fallbacks += 1
        if self._fallbacks == _WARN_AFTER:
            warn(
                f"{self._name}: in {_WARN_AFTER} calls a check on values came out "
                "otherwise than in the recordings, and the function ran uncompiled.",
            )
        return result

    # --- looking at them ------------------------------------------------------------------------

    def _latest_variant(self) -> Variant:
        if self._latest is None:
            raise RuntimeError(
                f"{self._name} has no program yet: call it twice, or .lower(*args) once"
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
        """The text of the program that was made last: NumPy statements, or C if that runs.

        Raises:
            RuntimeError: none was made yet.
        """
        return Text(next(iter(self.sources.values())))

    @property
    def sources(self) -> dict[str, str]:
        """The texts of that program: "numpy"; where C runs, "c", and the Python "lines" between.

        Raises:
            RuntimeError: none was made yet.
        """
        return dict(self._latest_variant().sources)

    def report(self, *args: Any, **kwargs: Any) -> Report:
        """Measure the cost of each line of the program for these arguments.

        It runs many times, and nothing is changed by it.

        Raises:
            RuntimeError: there is no program for such arguments, or it calls an op with an effect.
        """
        from .report import measure

        arrays: list[Any] = []
        variant = self._variants.fitting(signature(args, kwargs, arrays, []))
        if variant is None:
            raise RuntimeError(
                f"{self._name} has no program for these arguments: call it twice with "
                "them, or .lower(*args) once"
            )
        if variant.has_effect:
            raise RuntimeError(f"{self._name} calls an op with an effect: it can't run many times")
        return measure(variant, arrays, lambda: self._f(*args, **kwargs))

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write the program to a .py file that needs only NumPy, its state to an .npz beside it.

        Or a step without arguments to a .c file that needs only libm, with `main`, its data and
        state to a .bin beside it: `cc -O3 -ffp-contract=off step.c -lm && ./a.out` trains.

        Returns:
            The path.

        Raises:
            CompileError: it calls something that the file can't hold.
            ValueError: another suffix.
            OSError: the files can't be written; those that were there are as they were.
        """
        from .files import target

        path = target(path, "export", ".py", ".c")
        if path.suffix == ".c":
            from .native.file import export as export_c

            export_c(self, self._name, path)
        else:
            from .emitters.numpy_file import export

            export(self._latest_variant(), path)
        return path
