"""Assembly of a variant from a recording: program, passes, memory, text, and the proof."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.callsite import short_place
from . import memory, proof
from .callers import function_name
from .effects import guards_first
from .emitters.numpy_source import emit
from .passes import REORDERING
from .passes import run as run_passes
from .program import program_of
from .signature import array_arguments
from .variant import Variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from .emitters.numpy_source import Emitted
    from .signature import Call
    from .surroundings import Surroundings
    from .tape import Tape


BACKENDS = ("numpy", "c", "auto")


@dataclass(frozen=True)
class Options:
    """Choices for programs.

    Attributes:
        passes: names of the rewrites.
        fallback: whether a function that can't be compiled runs as it is.
        backend: "numpy"; "c"; or "auto", NumPy until the C is ready.
        exact: whether C gives the same bits as NumPy.
    """

    passes: tuple[str, ...]
    fallback: bool = False
    backend: str = "numpy"
    exact: bool = True


def assemble(
    f: Callable,
    tape: Tape,
    fixed: set[int],
    surroundings: Surroundings,
    call: Call,
    options: Options,
    lock: Any,
    *,
    pin: bool,
) -> Variant:
    """Make the program of a recording of `f`, and prove it.

    Nothing of what the recording changes must be in place yet. Arguments as of `program_of`,
    `run` (of the passes) and `Variant`.

    Raises:
        DifferenceError: the program is wrong.
    """
    program = program_of(function_name(f).rpartition(".")[2], tape, fixed, pin=pin)
    right = proof.recorded(program)
    passes = options.passes
    guards_first(program)
    terms = None
    if not set(REORDERING).isdisjoint(passes):
        terms = proof.longest_sum(program.statements)
    run_passes(program, passes)
    plan = memory.plan(program, reuse="buffers" in passes, in_place="in_place" in passes)
    title = f"{named_with_line(f)} as NumPy statements."

    def make(emitted: Emitted) -> Variant:
        variant = Variant(
            program, plan, emitted, surroundings, tape.state.without_gradient, call, lock
        )
        variant.arguments = array_arguments(f, call)
        variant.fits()  # its text is Python too
        return variant

    def prove(variant: Variant, right: proof.Recorded, terms: int | None) -> proof.Recorded:
        if not proof.ENABLED:
            return right
        state, namespace = tape.state, variant.namespace
        return proof.prove(program, variant.emitted, namespace, right, state, terms)

    variant = make(emit(program, plan, title))
    given = prove(variant, right, terms)
    if options.backend == "numpy":
        program.forget_values()
        return variant
    from .native.backend import with_native

    if options.backend == "auto":
        given = given.copy()
    loose = proof.longest_sum(program.statements)

    def proved(emitted: Emitted, exact: bool) -> Variant:
        native = make(emitted)
        prove(native, given, None if exact else loose)
        return native

    variant = with_native(variant, title, options, proved)
    waits = options.backend == "auto" and not variant.note
    program.forget_values(but_inputs=waits)
    return variant


def named_with_line(f: Callable) -> str:
    """Return the name of a function, with file and line if they are known."""
    name = function_name(f).rpartition(".")[2]
    try:
        place = (inspect.getsourcefile(f) or "", inspect.getsourcelines(f)[1])
    except (OSError, TypeError):
        return name
    return f"{name} ({short_place(place)})"
