"""State of the outside while a function is recorded: all that it reads there and writes there.

Nothing that existed before the recording is touched until it has ended well. The writes to
Tensors, gradients and Numbers are kept in a `State`, and `settle` hands them over.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import doors
from ..core.doors import BorrowedGradient
from ..core.tensor import Tensor, wrap
from .array_standins import stand_in
from .program import Input, Output
from .slots import slot_of
from .standins import StandIn
from .statements import Var, constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..core.node import Node
    from .tape import Tape

_NEVER_READ = object()
_write_slot = types.MemberDescriptorType.__set__


class State:
    """Stand-ins for all that a recorded function reads from outside, and what it writes there.

    Contents are known by kind ("tensor", "grad", "number", "array", "generator") and id of the
    object that they belong to.

    Attributes:
        inputs: what the function reads.
        names: what the user calls Tensors and Numbers, by id.
        node_values: the values of nodes.
        generators: random generators by id, each with its state at the start.
        settled: whether everything outside is as the function left it.
        without_gradient: leaves whose gradient was None before anything was written there.
    """

    __slots__ = ("__dict__", "settled")

    def __init__(self, tape: Tape, names: Mapping[int, str]) -> None:
        self.settled = False
        self.inputs: list[Input] = []
        self.names = dict(names)
        self.node_values: dict[Node, Var] = {}
        self.without_gradient: list[Any] = []
        self._tape = tape
        self._initial: dict[tuple[str, int], Any] = {}
        self._current: dict[tuple[str, int], Any] = {}
        self._sources: dict[tuple[str, int], Any] = {}  # keeps the ids' objects alive
        self._new: dict[int, tuple[Any, Any]] = {}  # objects of the function's own, and their slot
        self._arguments: dict[int, int] = {}  # positions of Tensors, by id
        self._argument_leaves: dict[Any, int] = {}
        self.generators: dict[int, tuple[Any, Any]] = {}

    # --- reading --------------------------------------------------------------------------------

    def read(self, kind: str, source: Any, value: Any, hint: str) -> StandIn:
        """Make an input of the program, and the stand-in for its value."""
        var = Var(value, hint)
        self.inputs.append(Input(kind, source, var))
        return stand_in(self._tape, var, value)

    def argument(self, value: Any, position: int, name: str) -> Any:
        """Return what the function gets for an array or Tensor of its arguments."""
        if not isinstance(value, Tensor):
            return self.read("argument", position, value, name)
        self._arguments[id(value)] = position
        self._sources["argument", id(value)] = value
        self.names[id(value)] = name
        if value.requires_grad:
            self._argument_leaves[value._node] = position
        return value

    def get(self, kind: str, source: Any, slot: Any) -> Any:
        """Return the stand-in for the content of a slot."""
        key = (kind, id(source))
        if key in self._current:
            return self._current[key]
        value = slot.__get__(source)
        if id(source) in self._new:
            return value
        if kind == "grad":
            content = self._gradient(source, value)
        elif kind == "number":
            name = self.names.get(id(source), "number")
            content = self.read("number", source, value, _last(name))
        else:
            content = self._data(source, value)
        self._begin(key, source, content)
        return content

    def array(self, array: Any) -> Var:
        """Return the value of an array from outside, or of a NumPy scalar."""
        key = ("array", id(array))
        if key not in self._current:
            if isinstance(array, np.ndarray):
                content = self.read("array", array, array, "")
            else:
                content = stand_in(self._tape, constant(array), array)
            self._begin(key, array, content)
        return self._current[key].symbol

    def generator(self, rng: Any) -> tuple[Any, Var]:
        """Return a random generator, and the value of `rng`, the generator or what gives it."""
        generator = rng() if callable(rng) else rng
        if id(generator) not in self.generators:
            self.generators[id(generator)] = (generator, generator.bit_generator.state)
        key = ("generator", id(rng))
        if key not in self._current:
            var = Var(None, "rng")
            self.inputs.append(Input("generator", rng, var))
            self._begin(key, rng, var)
        return generator, self._current[key]

    def _begin(self, key: tuple[str, int], source: Any, content: Any) -> None:
        self._sources[key] = source
        self._current[key] = self._initial[key] = content

    def _gradient(self, leaf: Any, gradient: Any) -> Any:
        position = self._argument_leaves.get(leaf)
        if gradient is None:
            if position is None:  # of arguments, the signature says it
                self.without_gradient.append(leaf)
            return None
        if type(gradient) is BorrowedGradient:
            array = gradient.array.copy("K")
        else:
            array = slot_of("tensor", gradient).__get__(gradient)
        if position is None:
            content = self.read("grad", leaf, array, "grad")
        else:
            content = self.read("argument_grad", position, array, "grad")
        return wrap(content, None)

    def _data(self, tensor: Tensor, array: Any) -> StandIn:
        position = self._arguments.get(id(tensor))
        if position is None:
            content = self.read("tensor", tensor, array, self._captured_name(tensor))
        else:
            content = self.read("argument", position, array, self.names[id(tensor)])
        node = Tensor._node.__get__(tensor)  # type: ignore[union-attr]
        if node is not None:
            self.node_values[node] = content.symbol
        return content

    def _captured_name(self, tensor: Tensor) -> str:
        """Choose between the name that a Tensor has and the path by which the function gets it."""
        path = self.names.get(id(tensor), "")
        own, last = tensor.name or "", _last(path)
        if not tensor.requires_grad:
            return own or last
        if own and own != last:  # the user has named it
            return own
        return path

    # --- writing --------------------------------------------------------------------------------

    def set(self, kind: str, source: Any, value: Any, slot: Any) -> None:
        """Keep what is written to a slot; a new object of the function's own gets it at once."""
        if kind != "grad" and not isinstance(value, doors.StandIn):
            value = self._lifted(value)
        if id(source) not in self._new and _is_set(slot, source):
            key = (kind, id(source))
            self._sources[key] = source
            self._current[key] = value
        else:
            slot.__set__(source, value)
            self._new[id(source)] = (source, slot)

    def _lifted(self, value: Any) -> StandIn:
        if isinstance(value, (np.ndarray, np.generic)):
            return stand_in(self._tape, self.array(value), value)
        return stand_in(self._tape, constant(value), value)

    def outputs(self) -> Iterator[Output]:
        """Yield what the function leaves changed."""
        for key, content in self._changes():
            kind, source = key[0], self._sources[key]
            value = content._data if isinstance(content, Tensor) else content
            if kind == "tensor" and id(source) in self._arguments:
                kind, source = "argument", self._arguments[id(source)]
            elif kind == "grad" and source in self._argument_leaves:
                kind, source = "argument_grad", self._argument_leaves[source]
            yield Output(kind, source, None if value is None else value.symbol)

    def _changes(self) -> Iterator[tuple[tuple[str, int], Any]]:
        for key, content in self._current.items():
            if content is not self._initial.get(key, _NEVER_READ):
                yield key, content

    # --- when the recording has ended -----------------------------------------------------------

    def fill_new_objects(self) -> None:
        """Put real arrays into the Tensors that the function has made."""
        for source, slot in self._new.values():
            content = slot.__get__(source)
            if isinstance(content, StandIn):
                slot.__set__(source, frozen(content.value))

    def settle(self) -> None:
        """Leave everything outside as the function left it, all at once."""
        slots, sources, values = [], [], []
        for key, content in self._changes():
            source = self._sources[key]
            slots.append(slot_of(key[0], source))
            sources.append(source)
            values.append(frozen(content.value) if isinstance(content, StandIn) else content)
        slots.append(State.__dict__["settled"])
        sources.append(self)
        values.append(True)
        # No line of Python runs in between at which an interrupt could come.
        list(map(_write_slot, slots, sources, values))

    def forget_values(self) -> None:
        """Release all that was read and written, when nothing is to be handed over any more."""
        for entry in self.inputs:
            entry.var.value = None
        for contents in (self._current, self._initial, self._sources, self._new):
            contents.clear()
        self.node_values.clear()

    def rewind(self) -> None:
        """Put the random generators back to where they were, unless all is settled."""
        if not self.settled:
            restore_generators(self.generators.values())


def restore_generators(states: Iterable[tuple[Any, Any]]) -> None:
    """Give random generators, each paired with a state, these states."""
    for generator, state in states:
        generator.bit_generator.state = state


def frozen(value: Any) -> Any:
    """Return a value as Tensors hold it: an array is read-only from here on."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    return value


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _is_set(slot: Any, source: Any) -> bool:
    try:
        slot.__get__(source)
    except AttributeError:  # an object that is being made
        return False
    return True
