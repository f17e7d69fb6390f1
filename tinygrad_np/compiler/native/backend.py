"""The C backend: from a program that runs as NumPy statements to one that runs in C."""

from __future__ import annotations

import ctypes
import threading
from typing import TYPE_CHECKING, Any

from ..errors import report_of, tell
from ..proof import DifferenceError
from .library import NativeError, load
from .source import NativeWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..assembly import Options
    from ..emitters.numpy_source import Emitted
    from ..memory import Memory
    from ..program import Program
    from ..variant import Variant


def emit_native(program: Program, memory: Memory, title: str) -> Emitted:
    """Write a program as functions of C, and Python lines between them.

    Raises:
        NativeError: nothing of it can be C.
    """
    emitted = NativeWriter(program, memory).write(title)
    if not emitted.native.functions:
        raise NativeError("no statement of it gives the same bits in C")
    return emitted


def link(emitted: Emitted, *, exact: bool) -> str:
    """Compile the functions of a program, and load them.

    Returns:
        A note on what is not as it should be; "" if all is.

    Raises:
        NativeError: they can't be compiled.
    """
    native = emitted.native
    library, note = load(native.text, exact=exact)
    functions: dict[str, Any] = {}
    for name, numbers in native.functions.items():
        function = functions[name] = getattr(library, name)
        function.restype = ctypes.c_int
        function.argtypes = [ctypes.py_object, *[ctypes.c_double] * numbers]
    native.library = functions
    return note


def _attempt(name: str, work: Callable[[], Variant]) -> tuple[Variant | None, str]:
    """Return what `work` makes, or None and why the NumPy program has to do."""
    try:
        return work(), ""
    except NativeError as error:
        return None, f"{name} runs as NumPy statements, not in C: {error}"
    except DifferenceError as error:
        return None, (
            f"{name} runs as NumPy statements: in C {error}. This is a bug of tinygrad_np: please "
            "report this text with the function's code."
        )
    except Exception as error:
        return None, f"{name} runs as NumPy statements, not in C: {report_of(error)}"


def with_native(
    numpy: Variant, title: str, options: Options, proved: Callable[[Emitted, bool], Variant]
) -> Variant:
    """Return a variant that runs in C, or the one of NumPy statements, which may change later.

    Args:
        proved: makes a variant of an emitted text, and proves that it gives NumPy's bits, or, with
            False, its numbers; or raises.
    """

    def finish(emitted: Emitted, note: str) -> Variant:
        try:
            variant = proved(emitted, options.exact)
        except DifferenceError:
            if options.exact:
                raise
            # Sums in another order can come out quite differently where numbers cancel.
            link(emitted, exact=True)
            variant = proved(emitted, True)
        variant.sources = {"c": emitted.native.text, "lines": emitted.source, **numpy.sources}
        variant.portable = numpy.emitted
        variant.note = note
        return variant

    def begin() -> Variant:
        emitted = emit_native(numpy.program, numpy.memory, title)
        if options.backend == "c":
            return finish(emitted, link(emitted, exact=options.exact))
        _change_when_ready(numpy, emitted, options.exact, finish)
        return numpy

    native, note = _attempt(numpy.emitted.name, begin)
    if native is None:
        numpy.note = note
        return numpy
    return native


def _change_when_ready(
    variant: Variant, emitted: Emitted, exact: bool, finish: Callable[[Emitted, str], Variant]
) -> None:
    """Compile in another thread, and let a variant become what is made of it."""
    name = emitted.name
    notes: list[str] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            notes.append(link(emitted, exact=exact))
        except Exception as error:
            errors.append(error)

    def result() -> Variant:
        if errors:
            raise errors[0]
        return finish(emitted, notes[0])

    thread = threading.Thread(target=work, daemon=True, name=f"C of {name}")
    as_before = variant.run

    def run(arguments: Any) -> Any:
        if thread.is_alive():
            return as_before(arguments)
        variant.run = as_before
        native, note = _attempt(name, result)
        variant.program.forget_values()
        if native is not None:
            variant.become(native)
            note = native.note
        results = variant.run(arguments)
        tell(note)
        return results

    variant.run = run
    thread.start()
