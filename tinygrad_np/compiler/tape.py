"""`Tape`: a recording of all that a run of a function computes, call by call.

While a tape runs, Tensors hand out stand-ins for their arrays. What these are asked to compute
becomes a statement; what they are asked to be (a truth, a Python number) becomes a guard or an
error. Reads and writes of things outside are the `State`'s.
"""

from __future__ import annotations

import contextlib
import contextvars
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import doors, modes
from ..core.callsite import assigned_name, line_of, outside
from ..core.containers import flatten, rebuild, refill
from ..core.tensor import Tensor, wrap
from .array_standins import Traced, TracedArray, stand_in
from .callers import Origins, asked_by_the_library, module_name
from .copies import locked
from .errors import CompileError
from .numpy_calls import is_sized_by_values
from .slots import interpose, withdraw
from .standins import StandIn
from .state import State, frozen
from .statements import NO_KWARGS, Statement, Var, constant, map_arguments, perform, root_among

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .program import Output

_MODES = {doors.tracer, modes.watcher, modes.recording}
_RETURN = "return it, and do that with what comes back"


class Tape(doors.Tracer, modes.Watcher):
    """One recording.

    Attributes:
        statements: in the order of the calls.
        state: what the function reads from outside, and writes there.
        outputs: what the function leaves changed.
        template: what it returned, with `Var`s in the place of arrays and Tensors.
        boxed: which leaves of the template are Tensors.
        origins: tells where a call comes from.
        failure: what can't be compiled; such a run goes on with real values if the tape forgives.
    """

    def __init__(self, names: Mapping[int, str], forgives: bool = False) -> None:
        self.failure: CompileError | None = None
        self._forgives = forgives
        self.statements: list[Statement] = []
        self.state = State(self, names)
        self.outputs: list[Output] = []
        self.template: Any = None
        self.boxed: list[bool] = []
        self.origins = Origins()
        self._own: set[Var] = set()  # what statements have made
        self._draws: list[Any] = []  # from the default generator
        self._again: list[Any] = []  # those to be given again, the last one first
        self._latest: tuple[Any, Var, str] | None = None  # call of the user's, value, other name

    # --- running --------------------------------------------------------------------------------

    def run(self, f: Callable, args: Any, kwargs: Any) -> Any:
        """Run `f` on this tape, and return its result with real arrays, in Tensors without a graph.

        What it wrote to Tensors, gradients and Numbers is not there before `state.settle()`.
        """
        context = contextvars.copy_context()  # so that nothing of the tape outlives an interrupt
        try:
            interpose(self)
            result, values = context.run(self._record_all, f, args, kwargs)
        finally:
            try:
                withdraw(self)
            finally:  # an interrupt may have come just then
                withdraw(self)
            self.state.fill_new_objects()
            for variable in context:
                if variable not in _MODES and variable.get(None) is not context[variable]:
                    variable.set(context[variable])  # as the function has left it
        boxed = zip(values, self.boxed, strict=True)
        return refill(result, [wrap(value, None) if box else value for value, box in boxed])

    def _record_all(self, f: Callable, args: Any, kwargs: Any) -> tuple[Any, list[Any]]:
        """Run `f` in a context of its own; return what it returns, and the values in that."""
        doors.tracer.set(self)
        modes.watcher.set(self)
        modes.recording.set(modes.recording.get() and self)
        result = f(*args, **kwargs)
        self.outputs = list(self.state.outputs())
        self.template = rebuild(result, self._symbol)
        leaves = flatten(result)
        self.boxed = [isinstance(leaf, Tensor) for leaf in leaves]
        return result, list(map(_value, leaves))

    def forget_values(self) -> None:
        """Release the arrays of this run; what it did can still be compared."""
        for statement in self.statements:
            for var in (*statement.reads(), *statement.outs):
                var.value = None
        self.state.forget_values()

    # --- as a Tracer: arrays and random numbers that come in ------------------------------------

    def takes(self, data: Any) -> bool:
        return isinstance(data, (StandIn, np.ndarray, np.generic))

    def holds(self, tree: Any) -> bool:
        return any(isinstance(leaf, StandIn) for leaf in flatten(tree))

    def array(self, data: Any, dtype: Any, copy: bool | None) -> Any:
        if isinstance(data, StandIn) and not isinstance(data, TracedArray):
            args = (data,) if dtype is None else (data, dtype)
            return self.call("function", np.asarray, args, {})
        if not isinstance(data, StandIn):
            array = np.asarray(data)
            var = self.state.array(data) if array is data else constant(array)
            data = stand_in(self, var, array)
        if dtype is not None and data.dtype != np.dtype(dtype):
            return data.astype(dtype)
        if not copy:
            return data
        order = {} if data.flags.c_contiguous else {"order": "K"}  # as np.array keeps it
        return self.call("method", "copy", (data,), order)

    def target(self, array: Any, sources: tuple[Any, ...]) -> Any:
        plain = type(array) is np.ndarray and self.holds(sources)
        return self.array(array, None, False) if plain else array

    def draw(self, rng: Any, method: str, args: tuple, kwargs: dict) -> Any:
        by_default = callable(rng)
        if by_default and self._again:
            self._draws.append(self._again.pop())
            return self._draws[-1]
        generator, var = self.state.generator(rng)
        result = getattr(generator, method)(*self.values(args), **self.values(kwargs))
        symbols = (var, *self.symbols(args))
        numbers = self._record("draw", method, symbols, self.symbols(kwargs), result)
        if by_default:
            self._draws.append(numbers)
        return numbers

    def draws(self) -> int:
        return len(self._draws)

    @contextlib.contextmanager
    def drawn_again(self, since: int) -> Iterator[None]:
        outer, self._again = self._again, self._draws[since:][::-1]
        try:
            yield
        finally:
            self._again = outer

    def act(self, function: Callable, args: tuple, kwargs: dict) -> Any:
        kinds = set(map(type, flatten((args, kwargs))))
        if Tensor in kinds:
            return function(*args, **kwargs)  # in a recorded backward: its ops are seen
        context = contextvars.copy_context()
        context.run(doors.tracer.set, None)  # effects inside of it are its own affair
        return context.run(self.call, "effect", function, args, kwargs)

    # --- calls ----------------------------------------------------------------------------------

    def values(self, tree: Any, lend: Callable[[Any], Any] = lambda value: value) -> Any:
        """Copy nested arguments with real values in the place of stand-ins."""

        def real(leaf: Any) -> Any:
            return lend(leaf.value) if isinstance(leaf, StandIn) else leaf

        return map_arguments(tree, real) if tree else tree

    def symbols(self, tree: Any) -> Any:
        """Copy nested arguments as the program has them, with `Var`s."""
        return map_arguments(tree, self._symbol) if tree else tree

    def _symbol(self, leaf: Any) -> Any:
        if issubclass(type(leaf), Tensor):  # of a stand-in `isinstance` asks what it stands for
            leaf = leaf._data
        if not isinstance(leaf, StandIn):
            known = isinstance(leaf, (np.ndarray, np.generic))
            return self.state.array(leaf) if known else leaf
        if leaf.tape is not self:
            raise CompileError(
                "a value of an earlier call of a compiled function is used in this one: "
                "return such values instead of keeping them"
            )
        return leaf.symbol

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: tuple, kwargs: dict) -> Any:
        """Compute and record a call of a ufunc, or of a method of one."""
        if method == "at":
            return self.write("ufunc", ufunc, inputs, kwargs, inputs[0], method)
        out = kwargs.get("out")
        if out is None:
            return self.call("ufunc", ufunc, inputs, kwargs, method)
        target, *others = out
        if others:
            self.refuse("gives out= several arrays", "give it none, and take the results")
            perform("ufunc", ufunc, self.values(inputs), self.values(kwargs), method)
            return out
        rest = {name: value for name, value in kwargs.items() if name != "out"}
        scalar = isinstance(target, Traced) and not isinstance(target, TracedArray)
        if scalar:  # `x += 1` makes another one
            return self.call("ufunc", ufunc, inputs, rest, method)
        return self.write("ufunc", ufunc, inputs, {**rest, "out": target}, target, method)

    def call(self, kind: str, target: Any, args: tuple, kwargs: dict, method: str = "") -> Any:
        """Compute and record a call, and return the stand-in for its result."""
        symbols, named = self.symbols(args), self.symbols(kwargs) if kwargs else NO_KWARGS
        if kind == "function" or (kind == "method" and len(args) > 1):
            result = self._pure(kind, target, args, kwargs)
        else:
            result = perform(kind, target, self.values(args), self.values(kwargs), method)
        return self._record(kind, target, symbols, named, result, method)

    def _pure(self, kind: str, target: Any, args: tuple, kwargs: dict) -> Any:
        """Compute a call of a function that must not write into what it is given."""
        lent, named = self.values(args, locked), self.values(kwargs, locked)
        try:
            result = perform(kind, target, lent, named)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            name = getattr(target, "__name__", target)
            self.refuse(
                f"calls {name}(), which writes into an array that it is given",
                "write the result by array[...] = result, or give the array as out=",
            )
            return perform(kind, target, self.values(args), self.values(kwargs))
        parts = result if isinstance(result, (list, tuple)) else (result,)
        views = any(isinstance(part, np.ndarray) and not part.flags.writeable for part in parts)
        return perform(kind, target, self.values(args), self.values(kwargs)) if views else result

    def apply(self, f: Callable, number: Any) -> Any:
        if not isinstance(number, StandIn):  # of a Number that the function has made
            return f(number)
        before = len(self.statements)
        try:
            return f(number)
        except CompileError:
            self._own.difference_update(v for s in self.statements[before:] for v in s.outs)
            del self.statements[before:]
        value = perform("host", f, (number.value,), {})
        return self._record("host", f, (number.symbol,), {}, value)

    def _record(
        self, kind: str, target: Any, args: Any, kwargs: Any, result: Any, method: str = ""
    ) -> Any:
        """Record a call that gave this result; return stand-ins for it."""
        statement = Statement(kind, target, args, kwargs, method=method, **self.origins.now())
        several = isinstance(result, (tuple, list))
        values = list(result) if several else [result]
        hint = str(self.origins.name or getattr(target, "__name__", target))
        arrays = [var for var in statement.reads() if var.is_array]
        statement.outs = tuple(Var(value, hint, root_among(value, arrays)) for value in values)
        statement.several = several
        self.statements.append(statement)
        self._own.update(statement.outs)
        if is_sized_by_values(kind, target, args, kwargs):
            for var in statement.outs:
                self._guard(var, str(var.shape), "shape")
        outs = [stand_in(self, var, var.value) for var in statement.outs]
        if not several:
            return outs[0]
        return type(result)(*outs) if hasattr(result, "_fields") else type(result)(outs)

    def write(
        self, kind: str, target: Any, args: tuple, kwargs: dict, into: Any, method: str = ""
    ) -> Any:
        """Compute and record a call that changes the array `into`, and return that."""
        if not isinstance(into, TracedArray) or into.symbol.root not in self._own:
            self.refuse(
                "writes into a NumPy array that it did not make, but was given or captured",
                "work on a copy of it, or hold it in a Tensor and write t[...] = value",
            )
            perform(kind, target, self.values(args), self.values(kwargs), method)
            return into
        symbols, named = self.symbols(args), self.symbols(kwargs)
        perform(kind, target, self.values(args), self.values(kwargs), method)
        origin = self.origins.now()
        statement = Statement(
            kind, target, symbols, named, method=method, writes=into.symbol, **origin
        )
        self.statements.append(statement)
        return into

    def set_flags(self, array: Traced, write: Any) -> None:
        """Make an array of the function's own writable or not; others are not written to anyway."""
        if write is not None and array.symbol.root in self._own:
            array.value.setflags(write=write)

    # --- values that steer Python ---------------------------------------------------------------

    def truth(self, value: StandIn) -> bool:
        """Return the truth of a value: fixed by a guard in the library, an error elsewhere."""
        if not asked_by_the_library():
            self.refuse(
                "branches on a value that is computed in each call (if, while, and, or, assert)",
                "use tinygrad_np.where(condition, a, b), or branch outside of the function",
            )
            return bool(value.value)
        truth = bool(value.value)
        self._guard(value.symbol, truth)
        return truth

    def number(self, value: StandIn, what: str) -> Any:
        """Return a value as a number: fixed by a guard in the library, an error elsewhere."""
        if not asked_by_the_library():
            self.refuse(f"makes a Python number of a value that is computed in each call: {what}")
        number = value.value.item() if hasattr(value.value, "item") else value.value
        self._guard(value.symbol, number)
        return number

    def printable(self, value: StandIn) -> Any:
        """Return a value for printing: in messages of the library's, an error elsewhere."""
        if doors.tracer.get() is self and not asked_by_the_library():
            self.refuse("prints (or saves) a value that is computed in each call")
        return value.value

    def _guard(self, var: Var, expected: Any, method: str = "") -> None:
        if var.constant is None:
            operands = (var, expected)
            guard = Statement("guard", None, operands, method=method, **self.origins.now())
            self.statements.append(guard)

    def refuse_size(self, what: str) -> None:
        """Refuse a call whose result has another size for other values."""
        self.refuse(
            f"asks {what} of a value that is computed in each call: the size of the result would "
            "change from call to call",
            "do that outside of the compiled function",
        )

    def refuse(self, what: str, remedy: str = _RETURN) -> None:
        """Raise the CompileError for something that the user's code does, or note it."""
        error = self.error(what, remedy)
        if not self._forgives:
            raise error
        self.failure = self.failure or error

    def error(self, what: str, remedy: str = _RETURN) -> CompileError:
        """Make the CompileError for something that the user's code does."""
        frame = outside(sys._getframe(1))
        line = line_of(frame.f_code, frame.f_lasti)
        name = frame.f_code.co_name
        return CompileError(f"{frame.f_code.co_filename}:{line}: {name} {what}. Instead: {remedy}.")

    # --- as a Watcher: names for the values -----------------------------------------------------

    def made(
        self, node: Any, value: Any, operands: tuple[Any, ...], params: tuple[Any, ...] = ()
    ) -> None:
        """Name the value of an op after the variable that takes it, or after module and op."""
        if not isinstance(value, Traced):
            return
        call = (node.code, node.lasti)
        if self._latest is not None and self._latest[0] == call:
            # A step on the way to what this call of the user's returns, which has the name.
            _, step, other_name = self._latest
            step.hint = other_name
        modules = module_name(sys._getframe(2))
        plain = "_".join(dict.fromkeys([*modules, node.op.name]))
        self._latest = (call, value.symbol, plain)
        value.symbol.hint = (node.code and assigned_name(*call)) or plain
        self.state.node_values[node] = value.symbol

    def reached(self, node: Any, g: Any) -> None:
        """Name the gradient of a node after its value."""
        array = g._data if isinstance(g, Tensor) else g
        value = self.state.node_values.get(node)
        if isinstance(array, Traced) and value is not None:
            array.symbol.hint = f"d_{value.hint}"

    def flowed(self, node: Any, position: int, parent: Any, contribution: Any, total: Any) -> None:
        """Do nothing: the statements of the rule are recorded."""

    def wrote(self, leaf: Any, new: Any) -> None:
        """Do nothing: the state sees the write."""

    def left(self, exit: Any, node: Any) -> None:
        """Do nothing: a stand-in has refused."""

    def unrecorded(self, op: Any, operands: tuple[Any, ...]) -> None:
        """Do nothing: the statements of the op are recorded."""


def _value(leaf: Any) -> Any:
    """Return the real value of a returned leaf: of a Tensor its array, also if just written."""
    if isinstance(leaf, Tensor):
        data = leaf._data
        return frozen(data.value if isinstance(data, StandIn) else data)
    if isinstance(leaf, TracedArray):
        return np.array(leaf.value)
    return leaf.value if isinstance(leaf, StandIn) else leaf
