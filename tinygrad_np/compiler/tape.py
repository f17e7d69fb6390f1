"""`Tape`: what a run of a function computes, call by call.

While a tape runs, Tensors hand out stand-ins for their arrays. Nothing that existed before is
touched until the run has ended well: what the function writes to Tensors, gradients and Numbers is
kept here, and `settle` hands it over.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import backward, doors, modes
from ..core.callsite import INSIDE, assigned_name, line_of, outside
from ..core.containers import leaves, rebuild, refill
from ..core.doors import BorrowedGradient
from ..core.tensor import Tensor, wrap
from .callers import asked_by_the_library, local_name, module_name
from .errors import CompileError
from .program import Input, Output
from .slots import interpose, slot_of, withdraw
from .standins import TracedArray, TracedNumber
from .statements import Statement, Var, perform, root_among, transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

__all__ = ["Tape", "put_back"]

_BACKWARD = {backward.backward.__code__, backward.backward_to.__code__}


class Tape:
    """One recording.

    Attributes:
        statements: in the order of the calls.
        inputs, outputs: what the function reads and leaves changed.
        template: what it returned, with `Var`s in the place of arrays and Tensors.
        boxed: which leaves of the template are Tensors.
        names: what the user calls Tensors and Numbers, by id.
        nothing: leaves whose gradient was found to be None before anything was written there.
    """

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.inputs: list[Input] = []
        self.outputs: list[Output] = []
        self.template: Any = None
        self.boxed: list[bool] = []
        self.nothing: list[Any] = []
        self.names: dict[int, str] = {}
        self._held: dict[tuple[str, int], Any] = {}  # what stands for it now, by kind and id
        self._sources: dict[tuple[str, int], Any] = {}  # keeps the ids' objects alive
        self._first: dict[tuple[str, int], Any] = {}
        self._made: dict[int, tuple[Any, Any]] = {}  # Tensors made by the function, and their slot
        self._arguments: dict[int, int] = {}
        self._argument_leaves: dict[Any, int] = {}
        self._nodes: dict[Any, Var] = {}
        self._generators: dict[int, tuple[Any, Any]] = {}
        self._back = False
        self._errors: dict[str, Any] = dict(np.geterr())
        self._last: Any = None

    # --- running --------------------------------------------------------------------------------

    def record(self, f: Callable, args: Any, kwargs: Any) -> Any:
        """Run `f` on this tape; what it returned, with real arrays and Tensors without a graph.

        What it wrote to Tensors, gradients and Numbers is not there before `settle()`.
        """
        with self._running():
            result = f(*args, **kwargs)
            self.outputs = list(self._changes())
            self.template = rebuild(result, _symbol)
            self.boxed = [isinstance(leaf, Tensor) for _, leaf in leaves(result)]
            values = [_real(leaf) for _, leaf in leaves(result)]
        boxed = zip(values, self.boxed, strict=True)
        return refill(result, [wrap(value, None) if box else value for value, box in boxed])

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        """Record what this thread or task does inside."""
        interpose()
        tokens = (doors.tracer.set(self), modes.watcher.set(self))
        mode = modes.recording.set(modes.recording.get() and self)
        try:
            yield
        finally:
            modes.recording.reset(mode)
            modes.watcher.reset(tokens[1])
            doors.tracer.reset(tokens[0])
            withdraw()
            for tensor, slot in self._made.values():
                held = slot.__get__(tensor)
                if isinstance(held, (TracedArray, TracedNumber)):
                    slot.__set__(tensor, _frozen(held.value))

    def argument(self, value: Any, position: int, name: str) -> Any:
        """What the function gets for an array or Tensor of its arguments."""
        if isinstance(value, Tensor):
            self._arguments[id(value)] = position
            self._sources["argument", id(value)] = value
            self.names[id(value)] = name
            if value.requires_grad:
                self._argument_leaves[value._node] = position
            return value
        return self._input("argument", position, value, name)

    def _input(self, kind: str, source: Any, value: Any, hint: str) -> Any:
        var = Var(value, hint)
        self.inputs.append(Input(kind, source, var))
        made = TracedArray if isinstance(value, (np.ndarray, np.generic)) else TracedNumber
        return made(self, var, value)

    def _changes(self) -> Iterator[Output]:
        for key, now in self._held.items():
            if now is not self._first.get(key, _MISSING):
                kind, source = key[0], self._sources[key]
                value = now._data if isinstance(now, Tensor) else now
                if kind == "tensor" and id(source) in self._arguments:
                    kind, source = "argument", self._arguments[id(source)]
                elif kind == "grad" and source in self._argument_leaves:
                    kind, source = "argument_grad", self._argument_leaves[source]
                yield Output(kind, source, None if value is None else value.symbol)

    def settle(self) -> None:
        """Leave everything as the function left it."""
        for key, now in self._held.items():
            if now is not self._first.get(key, _MISSING):
                source = self._sources[key]
                value = _frozen(now.value) if isinstance(now, (TracedArray, TracedNumber)) else now
                slot_of(key[0], source).__set__(source, value)

    def rewind(self) -> None:
        """Put the random generators back to where they were."""
        put_back(self._generators.values())

    # --- what the slots of Tensors, leaves and Numbers say --------------------------------------

    def get(self, kind: str, source: Any, slot: Any) -> Any:
        """The stand-in for what a slot holds."""
        key = (kind, id(source))
        if key in self._held:
            return self._held[key]
        value = slot.__get__(source)
        if id(source) in self._made:
            return value
        self._sources[key] = source
        if kind == "grad":
            if type(value) is BorrowedGradient:
                value = wrap(value.array.copy(), None)
            position = self._argument_leaves.get(source)
            if value is not None:
                kind, what = ("grad", source) if position is None else ("argument_grad", position)
                array = slot_of("tensor", value).__get__(value)
                made: Any = wrap(self._input(kind, what, array, "grad"), None)
            else:
                made = None
                if position is None:  # of arguments, the signature says it
                    self.nothing.append(source)
        elif kind == "number":
            name = self.names.get(id(source), "number").rpartition(".")[2]
            made = self._input("number", source, value, name)
        elif id(source) in self._arguments:
            name = self.names[id(source)]
            made = self._input("argument", self._arguments[id(source)], value, name)
        else:
            name = self.names.get(id(source), "")
            given, last = source.name, name.rpartition(".")[2]
            if not source.requires_grad:
                name = given or last
            elif given and given != last:  # the user has named it
                name = given
            made = self._input("tensor", source, value, name)
        if kind == "tensor":
            node = Tensor._node.__get__(source)  # type: ignore[union-attr]
            if node is not None:
                self._nodes[node] = made.symbol
        self._held[key] = self._first[key] = made
        return made

    def set(self, kind: str, source: Any, value: Any, slot: Any) -> None:
        """Something is written to a slot."""
        if kind != "grad" and not isinstance(value, (TracedArray, TracedNumber)):
            value = self._lifted(value)
        if id(source) not in self._made and _is_set(slot, source):
            key = (kind, id(source))
            self._sources[key] = source
            self._held[key] = value
        else:
            slot.__set__(source, value)
            self._made[id(source)] = (source, slot)

    def _lifted(self, value: Any) -> Any:
        if isinstance(value, (np.ndarray, np.generic)):
            return TracedArray(self, self._var(value), value)
        var = Var(value)
        var.constant = value
        return TracedNumber(self, var, value)

    # --- arrays that come from outside ----------------------------------------------------------

    def takes(self, data: Any) -> bool:
        """Whether `array` is to be asked for the array of `data`."""
        return isinstance(data, (TracedArray, TracedNumber, np.ndarray, np.generic))

    def holds(self, tree: Any) -> bool:
        """Whether there are stand-ins among nested arguments."""
        if isinstance(tree, (tuple, list)):
            return any(map(self.holds, tree))
        return isinstance(tree, (TracedArray, TracedNumber))

    def array(self, data: Any, dtype: Any, copy: bool | None) -> Any:
        """As `np.array(data, dtype=dtype, copy=copy)`."""
        if isinstance(data, TracedNumber):
            return data if copy is None and dtype is None else self.call(
                "function", np.asarray, (data, dtype), {}
            )  # fmt: skip
        if not isinstance(data, TracedArray):
            data = TracedArray(self, self._var(data), data)
        if dtype is not None and data.dtype != np.dtype(dtype):
            return data.astype(dtype)
        return data.copy() if copy else data

    def _var(self, array: Any) -> Var:
        key = ("array", id(array))
        if key not in self._held:
            if isinstance(array, np.ndarray):
                made = self._input("array", array, array, "")
            else:
                made = TracedArray(self, Var(array), array)
                made.symbol.constant = array
            self._sources[key] = array
            self._held[key] = self._first[key] = made
        return self._held[key].symbol

    # --- calls ----------------------------------------------------------------------------------

    def real(self, tree: Any) -> Any:
        """The same arguments with the values in the place of stand-ins."""
        return transform(
            tree, lambda a: a.value if isinstance(a, (TracedArray, TracedNumber)) else a
        )

    def symbols(self, tree: Any) -> Any:
        """The same arguments as the program has them."""

        def symbol(leaf: Any) -> Any:
            if isinstance(leaf, (TracedArray, TracedNumber)):
                if leaf.tape is not self:
                    raise CompileError(
                        "a value of an earlier call of a compiled function is used in this one: "
                        "return such values instead of keeping them"
                    )
                return leaf.symbol
            if isinstance(leaf, (np.ndarray, np.generic)):
                return self._var(leaf)
            return leaf

        return transform(tree, symbol)

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: tuple, kwargs: dict) -> Any:
        """A call of a ufunc or of a method of one."""
        out = kwargs.get("out")
        if out is not None:
            target = out[0] if isinstance(out, tuple) else out
            if len(out) != 1 or not isinstance(target, TracedArray):
                raise self.error("writes into a NumPy array that it did not make (out=, +=)")
            rest = {name: value for name, value in kwargs.items() if name != "out"}
            if isinstance(target.value, np.generic):  # as of any scalar: `x += 1` makes another
                return self.call("ufunc", ufunc, inputs, rest, method)
            return self.write("ufunc", ufunc, inputs, {**rest, "out": target}, target, method)
        if method == "at":
            return self.write("ufunc", ufunc, inputs, kwargs, inputs[0], method)
        return self.call("ufunc", ufunc, inputs, kwargs, method)

    def call(self, kind: str, target: Any, args: tuple, kwargs: dict, method: str = "") -> Any:
        """Compute, and record the call."""
        symbols, named = self.symbols(args), self.symbols(kwargs)
        result = perform(kind, target, self.real(args), self.real(kwargs), method)
        made = Statement(kind, target, symbols, named, method=method, **self._where())
        return self._recorded(made, result)

    def _recorded(self, made: Statement, result: Any) -> Any:
        several = isinstance(result, (tuple, list))
        values = list(result) if several else [result]
        if made.kind not in ("operator", "host"):
            made.boxed = isinstance(result, (bool, int, float, complex)) and not isinstance(
                result, np.generic
            )
            values = [v if isinstance(v, np.ndarray) else np.asarray(v)[()] for v in values]
        hint = str(local_name() or getattr(made.target, "__name__", made.target))
        read = [v for v in made.reads() if v.shape is not None]
        made.outs = tuple(Var(v, hint, root_among(v, read)) for v in values)
        made.several = several
        self.statements.append(made)
        kind = TracedNumber if made.kind in ("operator", "host") else TracedArray
        outs = [kind(self, var, value) for var, value in zip(made.outs, values, strict=True)]
        if not several:
            return outs[0]
        return type(result)(*outs) if hasattr(result, "_fields") else tuple(outs)

    def write(
        self, kind: str, target: Any, args: tuple, kwargs: dict, into: Any, method: str = ""
    ) -> Any:
        """Compute a call that changes the array `into`, and record it."""
        if not isinstance(into, TracedArray) or any(into.symbol.root is i.var for i in self.inputs):
            raise self.error(
                "writes into an array that it was given or captured",
                "work on a copy of it, or hold it in a Tensor and write t[...] = value",
            )
        symbols, named = self.symbols(args), self.symbols(kwargs)
        perform(kind, target, self.real(args), self.real(kwargs), method)
        where = self._where()
        self.statements.append(
            Statement(kind, target, symbols, named, method=method, writes=into.symbol, **where)
        )
        return into

    def draw(self, rng: Any, method: str, args: tuple, kwargs: dict) -> Any:
        """Random numbers, drawn anew in each call."""
        generator = rng() if callable(rng) else rng
        if id(generator) not in self._generators:
            self._generators[id(generator)] = (generator, generator.bit_generator.state)
        key = ("generator", id(rng))
        if key not in self._held:
            var = Var(None, "rng")
            self.inputs.append(Input("generator", rng, var))
            self._sources[key] = rng
            self._held[key] = self._first[key] = var
        result = getattr(generator, method)(*self.real(args), **self.real(kwargs))
        symbols = (self._held[key], *self.symbols(args))
        made = Statement("draw", method, symbols, self.symbols(kwargs), **self._where())
        return self._recorded(made, result)

    def applied(self, f: Callable, number: TracedNumber) -> Any:
        """A Python function of a number."""
        before = len(self.statements)
        try:
            return f(number)
        except CompileError:
            del self.statements[before:]
        made = Statement("host", f, (number.symbol,), **self._where())
        return self._recorded(made, f(number.value))

    # --- values that steer Python ---------------------------------------------------------------

    def decided(self, value: Any) -> bool:
        """The truth of a value: a guard in the library, an error in the user's code."""
        if not asked_by_the_library():
            raise self.error(
                "branches on a value that is computed in each call (if, while, and, or, assert)",
                "use tinygrad_np.where(condition, a, b), or branch outside of the function",
            )
        truth = bool(value.value)
        self._guard(value.symbol, truth)
        return truth

    def number(self, value: Any, what: str) -> Any:
        """A value as a Python number: fixed by a guard in the library, an error elsewhere."""
        if not asked_by_the_library():
            raise self.error(
                f"makes a Python number of a value that is computed in each call: {what}"
            )
        number = value.value.item() if hasattr(value.value, "item") else value.value
        self._guard(value.symbol, number)
        return number

    def shown(self, value: Any) -> Any:
        """A value to be printed: in an error message of the library's, an error elsewhere."""
        if doors.tracer.get() is self and not asked_by_the_library():
            raise self.error("prints (or saves) a value that is computed in each call")
        return value.value

    def _guard(self, var: Var, expected: Any) -> None:
        if var.constant is None:
            self.statements.append(Statement("guard", None, (var, expected), **self._where()))

    def error(self, what: str, remedy: str = "return it, and do that with what comes back") -> Any:
        """The CompileError for what the user's code does."""
        frame = outside(sys._getframe(1))
        line = line_of(frame.f_code, frame.f_lasti)
        name = frame.f_code.co_name
        return CompileError(f"{frame.f_code.co_filename}:{line}: {name} {what}. Instead: {remedy}.")

    def _where(self) -> dict[str, Any]:
        frame: FrameType | None = sys._getframe(2)
        back = False
        while frame is not None and INSIDE[frame.f_code.co_filename]:
            back = back or frame.f_code in _BACKWARD
            frame = frame.f_back
        self._back = self._back or back
        section = "backward" if back else "update" if self._back else "forward"
        errors = np.geterr()
        apart = {k: how for k, how in errors.items() if how != self._errors[k]}  # np.errstate
        about: dict[str, Any] = {"section": section, "errstate": apart}
        if frame is not None:
            line = line_of(frame.f_code, frame.f_lasti)
            about["place"] = (frame.f_code.co_filename, line)
        return about

    # --- names: called by the engine, as for a Record -------------------------------------------

    def made(self, node: Any, value: Any, *about: Any) -> None:
        """An op was recorded: its value has the name of a variable, or of the op."""
        if not isinstance(value, TracedArray):
            return
        call = (node.code, node.lasti)
        if self._last is not None and self._last[0] == call:
            # A step on the way to what this call of the user's returns, which has the name.
            self._last[1].hint = self._last[2]
        plain = "_".join(dict.fromkeys([*module_name(sys._getframe(2)), node.op.name]))
        self._last = (call, value.symbol, plain)
        value.symbol.hint = (node.code and assigned_name(*call)) or plain
        self._nodes[node] = value.symbol

    def reached(self, node: Any, g: Any) -> None:
        """The gradient of a node is named after its value."""
        held = g._data if isinstance(g, Tensor) else g
        if isinstance(held, TracedArray) and node in self._nodes:
            held.symbol.hint = f"d_{self._nodes[node].hint}"

    def flowed(self, *about: Any) -> None:
        """A rule has run."""

    wrote = flowed  # the descriptor of the data sees it


_MISSING = object()


def put_back(states: Iterable[tuple[Any, Any]]) -> None:
    """Give random generators, each paired with a state, these states."""
    for generator, before in states:
        generator.bit_generator.state = before


def _symbol(leaf: Any) -> Any:
    held = leaf._data if isinstance(leaf, Tensor) else leaf
    return held.symbol if isinstance(held, (TracedArray, TracedNumber)) else leaf


def _frozen(value: Any) -> Any:
    """A value as Tensors hold it: read-only."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    return value


def _real(leaf: Any) -> Any:
    """What a returned stand-in stands for; the array of a Tensor, also one that was written to."""
    if isinstance(leaf, Tensor):
        return _frozen(getattr(leaf._data, "value", leaf._data))
    return np.array(leaf.value) if isinstance(leaf, TracedArray) else getattr(leaf, "value", leaf)


def _is_set(slot: Any, source: Any) -> bool:
    try:
        slot.__get__(source)
    except AttributeError:  # an object that is being made
        return False
    return True
