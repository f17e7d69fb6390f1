"""Assembly of a variant from a recording: program, passes, memory, text, and the proof."""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any

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

    from .signature import Call
    from .surroundings import Surroundings
    from .tape import Tape


def assemble(
    f: Callable,
    tape: Tape,
    fixed: set[int],
    surroundings: Surroundings,
    call: Call,
    passes: tuple[str, ...],
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
    recorded = proof.Recorded(program)
    guards_first(program)
    terms = None
    if not set(REORDERING).isdisjoint(passes):
        terms = proof.longest_sum(program.statements)
    run_passes(program, passes)
    plan = memory.plan(program, reuse="buffers" in passes, in_place="in_place" in passes)
    emitted = emit(program, plan, _title(f))
    variant = Variant(program, plan, emitted, surroundings, tape.state.without_gradient, call, lock)
    if proof.ENABLED:
        proof.prove(program, emitted, variant.namespace, recorded, tape.state, terms)
    variant.arguments = array_arguments(f, call)
    variant.fits()  # its text is Python too
    program.forget_values()
    return variant


def _title(f: Callable) -> str:
    """Return the docstring of the program's text."""
    name = function_name(f).rpartition(".")[2]
    try:
        file = os.path.basename(inspect.getsourcefile(f) or "")
        line = inspect.getsourcelines(f)[1]
    except (OSError, TypeError):
        return f"{name} as NumPy statements."
    return f"{name} ({file}:{line}) as NumPy statements."
