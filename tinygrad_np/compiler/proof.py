"""Proof of a program: it runs once on what a recording read, and must give what that gave.

A mistake of the compiler may cost speed; it never costs a number.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .copies import copy_together, memory_of
from .statements import Statement, Var

if TYPE_CHECKING:
    from .emitters.numpy_source import Emitted
    from .program import Output, Program
    from .state import State

# For the tests of the compiler: False shows what the compiler does without this net. Nothing is
# compared then, and an error while a program is made, or of a program alone, is raised.
ENABLED = True


class DifferenceError(Exception):
    """A program computes something else than its recording did; the message says what."""


@dataclass
class Recorded:
    """Values that a recording gave, taken before the passes put others in their place.

    Attributes:
        results: the returned values, in the order of the template's leaves.
        outputs: what it left changed, in the order of the program's outputs.
    """

    results: list[Any]
    outputs: list[Any]

    def copy(self) -> Recorded:
        """Copy what later calls may write over."""
        copies = (list(map(copy.deepcopy, values)) for values in (self.results, self.outputs))
        return Recorded(*copies)


def recorded(program: Program) -> Recorded:
    """Return what a recording gave."""
    results = (leaf for leaf in program.results if isinstance(leaf, Var))
    outputs = [output.var and _value(output.var) for output in program.outputs]
    return Recorded(list(map(_value, results)), outputs)


def _value(var: Var) -> Any:
    return var.value if var.constant is None else var.constant


def prove(
    program: Program,
    emitted: Emitted,
    namespace: dict[str, Any],
    right: Recorded,
    state: State,
    terms: int | None,
) -> Recorded:
    """Run a program on copies of what its recording read, and compare every value.

    Returns:
        What the program gave.

    Args:
        namespace: the names of the emitted text, with the memory that it works in.
        state: of the recording; its generators are where they were at the end.
        terms: how many numbers its longest sum adds, if it adds them in another order.

    Raises:
        DifferenceError: a value is another one, or lies in memory that is written to again.
    """
    proof = _Proof(program, emitted, namespace, state)
    proof.run()
    proof.check_memory()
    given = Recorded(proof.returned[: len(right.results)], [])
    for k, result in enumerate(right.results):
        compare(f"value {k + 1} of those returned", proof.returned[k], result, terms)
    for output, value in zip(program.outputs, right.outputs, strict=True):
        new = None
        if output.var is not None:
            name = getattr(output.source, "name", None) or output.kind
            new = proof.new_value(output, name)
            compare(f"the new value of {name}", new, value, terms)
        given.outputs.append(new)
    proof.check_generators()
    return given


class _Proof:
    """One run of a program for its proof.

    Attributes:
        returned: what the emitted function returned.
        new_values: of outputs, by id.
    """

    def __init__(
        self, program: Program, emitted: Emitted, namespace: dict[str, Any], state: State
    ) -> None:
        self.program = program
        self.emitted = emitted
        self.namespace = namespace
        self.generators: dict[int, tuple[Any, Any]] = {}  # the program's own, and the recording's
        for generator, start in state.generators.values():
            twin = copy.deepcopy(generator)
            twin.bit_generator.state = start
            self.generators[id(generator)] = (twin, generator)
        self.operands = self._operands()
        self.buffers = [namespace[name] for name in emitted.buffers]
        self.fresh = []
        for output in emitted.fresh:
            assert output.var is not None
            self.fresh.append(np.empty(output.var.shape, output.var.dtype))
        self.returned: list[Any] = []
        self.new_values: dict[int, Any] = {}

    def _operands(self) -> list[Any]:
        """Return the inputs as they were read: copies of arrays, and generators of our own."""
        entries = self.program.parameters()
        values = [entry.var.value for entry in entries]
        copies = iter(copy_together([v for v in values if isinstance(v, np.ndarray)]))
        operands = []
        for entry, value in zip(entries, values):
            if entry.kind == "generator":
                source = entry.source
                generator = source() if callable(source) else source
                value = self.generators[id(generator)][0]
            elif isinstance(value, np.ndarray):
                value = next(copies)
            operands.append(value)
        return operands

    def run(self) -> None:
        """Run the program, with functions of the user's that give what they gave before."""
        for memory in (*self.buffers, *self.fresh):
            _fill(memory)
        objects = self.emitted.objects
        for name, function in objects.items():
            self.namespace[name] = _Replay(self.program, function)
        run = self.namespace[self.emitted.name]
        try:
            with np.errstate(all="ignore"):
                self.returned = list(run(*self.operands, *self.fresh) or ())
        finally:
            self.namespace.update(objects)
        results = len(self.returned) - len(self.emitted.returned)
        pairs = [*zip(self.emitted.fresh, self.fresh)]
        pairs += zip(self.emitted.returned, self.returned[results:])
        self.new_values = {id(output): value for output, value in pairs}

    def check_memory(self) -> None:
        """Raise unless all that is handed out lies in memory of its own."""
        arrays = [a for a in (*self.operands, *self.buffers) if isinstance(a, np.ndarray)]
        taken = {id(memory_of(array)) for array in arrays}
        for array in (*self.returned, *self.fresh):
            if not isinstance(array, np.ndarray):
                continue
            memory = id(memory_of(array))
            if memory in taken:
                raise DifferenceError("a value lies in memory that the next call writes to")
            taken.add(memory)

    def new_value(self, output: Output, name: str) -> Any:
        """Return what the program gives for something that it changes."""
        static = self.emitted.static
        if output.kind == "grad" and output.source in static:
            return self.namespace[static[output.source]]
        if id(output) not in self.new_values:
            raise DifferenceError(f"there is no new value of {name}")
        return self.new_values[id(output)]

    def check_generators(self) -> None:
        """Raise unless random generators are where the recording left them."""
        for ours, theirs in self.generators.values():
            if not _same_state(ours.bit_generator.state, theirs.bit_generator.state):
                raise DifferenceError("a random generator is in another state")


def _fill(memory: np.ndarray) -> None:
    """Fill memory with bytes that nothing computes, so that reading it too early shows."""
    if memory.size:
        pattern = b"\xab" * memory.itemsize
        np.copyto(memory, np.frombuffer(pattern, memory.dtype)[0])


class _Replay:
    """A function of the user's in a program under proof: it gives what it gave before."""

    def __init__(self, program: Program, function: Any) -> None:
        calls = [s for s in program.statements if s.target is function]
        self._results = iter([tuple(map(_value, statement.outs)) for statement in calls])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        values = next(self._results)
        return values[0] if len(values) == 1 else values


# --- comparing ------------------------------------------------------------------------------------


def compare(what: str, value: Any, right: Any, terms: int | None) -> None:
    """Raise if a value is not the right one: to the last bit, or to a tolerance."""
    a, b = np.ascontiguousarray(right), np.ascontiguousarray(value)
    if np.shape(value) != np.shape(right) or a.dtype != b.dtype:
        shapes = f"{np.shape(value)} {b.dtype}, not {np.shape(right)} {a.dtype}"
        raise DifferenceError(f"{what} is {shapes}")
    if a.tobytes() == b.tobytes():
        return
    if a.dtype.kind not in "fc":
        raise DifferenceError(f"{what} is another one")
    if a.dtype.kind == "c":
        a, b = a.view(a.real.dtype), b.view(b.real.dtype)
    finite = np.isfinite(a)
    x, y = a[finite], b[finite]
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        raise DifferenceError(f"{what} is infinite or nan elsewhere")
    with np.errstate(all="ignore"):
        difference = np.abs(x - y).max(initial=0.0)
    allowed = 0.0
    if terms is not None:
        largest = np.abs(x).max(initial=0.0)
        allowed = 64 * np.finfo(a.dtype).eps * np.sqrt(terms) * largest
    elif not np.array_equal(np.signbit(x), np.signbit(y)):
        difference = np.nan  # 0.0 and -0.0
    if not difference <= allowed:
        raise DifferenceError(f"{what} differs by up to {difference:.3g}")


def _same_state(a: Any, b: Any) -> bool:
    """Say whether two states of generators, nested dicts of numbers and arrays, are equal."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same_state(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b))


def longest_sum(statements: list[Statement]) -> int:
    """Return how many numbers the longest sum of a program adds, at most."""
    return max(map(_terms, statements), default=1)


def _terms(statement: Statement) -> int:
    """Return how many numbers a statement adds for each number that it makes, at most."""
    sizes = [var.size for var in statement.reads() if var.is_array]
    plain = statement.is_ufunc() and not statement.is_ufunc(np.matmul)
    return 1 if plain else max(sizes, default=1)
