"""One run of a function on fresh variables: the base of all transforms.

A variable is a Tensor of its own with the value of an argument. Where the argument is itself
computed from something that needs a gradient, the variable is recorded as a copy of it: then
gradients of the transform's result flow on to there, and transforms can be nested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.backward import backward_to, fit
from ..core.containers import flatten, leaves, match, rebuild, refill
from ..core.exits import transforms
from ..core.modes import Recorded, recording, watcher
from ..core.node import Node, next_serial
from ..core.switch import Switch
from ..core.tensor import Tensor, as_array, needs_grad, node_of, wrap
from .forward import Forward
from .kinds import hand_back
from .subgraph import add_seed, below, depends_on, path_among, path_to, variable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence


def called(f: Any) -> str:
    """Return the name of a function in messages."""
    name = getattr(f, "__name__", type(f).__name__)
    return "the function" if name == "<lambda>" else f"{name}()"


def described(value: Any) -> str:
    """Describe in messages a value that is not what it should be."""
    if isinstance(value, Tensor):
        return value._title()
    if isinstance(value, (np.ndarray, np.generic)):
        return f"an array of shape {value.shape} and dtype {value.dtype}, not a Tensor"
    if value is None:
        return "None (is there a return missing?)"
    shown = repr(value)
    return f"{shown if len(shown) < 50 else 'a value'} ({type(value).__name__})"


def explained(error: BaseException) -> BaseException:
    """Return the error behind NumPy's own words for an element that can't be converted."""
    cause = error.__cause__
    return cause if cause is not None and getattr(cause, "explains_itself", False) else error


class _Tracing(Switch):
    """The time in which a transform runs its function: recorded, whatever the mode outside."""

    variables = (recording, watcher, transforms)

    def __init__(self, run: Run) -> None:
        self._run = run

    def _values(self) -> tuple[Any, ...]:
        told = self._run._forward or watcher.get()
        return told or True, told, (*transforms.get(), self._run)


class Run:
    """`f(*args)` run on fresh variables, and the gradients of its results.

    Attributes:
        originals: the leaves of the arguments that were replaced by variables.
        variables: these Tensors, in the same order.
        results, template: the leaves of what `f` returned (Tensors), and all of it.
        aux: the second thing that `f` returned, with `has_aux`.
        recorded: whether recording was on where the transform was called.
        connected: whether the results are wanted by something outside: they are recorded, and
            depend on a Tensor that needs a gradient, as an argument or captured by `f`.

    Args:
        what: the transform, for messages.
        positions: those of the arguments to be replaced.
        tangents: the direction for `derivatives`, built like all arguments.
    """

    def __init__(
        self,
        what: str,
        f: Callable,
        args: Sequence[Any],
        positions: Sequence[int],
        kwargs: dict[str, Any] | None = None,
        *,
        has_aux: bool = False,
        tangents: Sequence[Any] | None = None,
    ) -> None:
        self.what = what
        self.f = f
        self.since = next_serial()
        self.recorded = recording.get()
        self.originals: list[Any] = []
        self.variables: list[Tensor] = []
        arguments = list(args)
        for position in positions:
            arguments[position] = self._replace(args[position], f"argument {position}")
        if not self.variables:
            raise ValueError(f"{what} needs an array to differentiate with respect to, none given")
        self.ends = set(map(node_of, self.variables))
        self.as_tensors = any(isinstance(leaf, Tensor) for leaf in flatten(args))
        self.aux: Any = None
        self.tangents: list[Any] = []
        self._forward: Forward | None = None
        if tangents is not None:
            self.tangents = self.seeds(args, tangents, "tangents")
            known = dict(zip(map(node_of, self.variables), self.tangents, strict=True))
            self._forward = Forward(known, self.since)
        out = self._call(arguments, kwargs or {})
        if has_aux:
            out, self.aux = self._pair(out)
        self.template = out
        self.results = [self._result(path, leaf) for path, leaf in leaves(out, "[...]")]
        if not self.results:
            raise TypeError(self._no_tensor(out))
        roots = [node_of(r) for r in self.results if r.requires_grad]
        nodes = below(roots, self.since)
        self.connected = bool(self.recorded and nodes and nodes[0][0].serial < self.since)
        self.path = path_among(nodes, self.ends)
        self._linear: Any = None  # the gradients as functions of the results', see `push`

    def _call(self, arguments: list[Any], kwargs: dict[str, Any]) -> Any:
        """Run the function; what it traces may not leave the graph (see `core.exits`)."""
        try:
            with _Tracing(self):
                return self.f(*arguments, **kwargs)
        except ValueError as error:
            if explained(error) is not error:
                raise explained(error) from None
            raise

    def traces(self, node: Node) -> bool:
        """Say whether a value was computed from the variables."""
        return bool(path_to(self.ends, [node], self.since))

    def _replace(self, argument: Any, name: str) -> Any:
        """Return an argument with variables for its leaves."""
        pairs = list(leaves(argument, name))
        fresh = [self._variable(leaf, path) for path, leaf in pairs]
        self.originals += [leaf for _, leaf in pairs]
        self.variables += map(_alias, fresh)
        return refill(argument, fresh)

    def _variable(self, leaf: Any, path: str) -> Tensor:
        source = name = None
        if isinstance(leaf, Tensor):
            data, name = leaf._data, leaf.name
            if self.recorded and leaf.requires_grad:
                source = leaf._node
        else:
            data = self._array(leaf, path)
        if data.dtype.kind != "f":
            remedy = "give floats, such as 3.0 or x.astype(float)"
            if data.dtype.kind == "c":
                remedy = "complex gradients are not supported"
            raise TypeError(
                f"{self.what} needs floats to differentiate with respect to, but {path} is "
                f"{data.dtype}: {remedy}"
            )
        return variable(data, source, name)

    def _array(self, leaf: Any, path: str) -> np.ndarray:
        """Copy a leaf that is no Tensor to an array."""
        try:
            return as_array(leaf, None, copy=True)
        except TypeError as error:
            raise TypeError(f"{self.what}: {path}: {error}") from error

    def _pair(self, out: Any) -> tuple[Any, Any]:
        """Return value and aux of a function that was called with `has_aux`."""
        if not isinstance(out, tuple) or len(out) != 2:
            raise TypeError(
                f"with has_aux=True {called(self.f)} must return a pair (value, aux), "
                f"but it returned {described(out)}"
            )
        return out

    def _result(self, path: str, leaf: Any) -> Tensor:
        """Return a leaf of the value, if it is a Tensor of floats."""
        where = "" if path == "[...]" else f" at {path[5:]} of its result"
        if not isinstance(leaf, Tensor):
            cut = isinstance(leaf, (float, np.ndarray, np.generic))
            hint = ": a value that leaves the graph (.item(), .numpy()) has no gradient"
            raise TypeError(f"{self._no_tensor(leaf)}{where}{hint if cut else ''}")
        if leaf.dtype.kind != "f":
            raise TypeError(
                f"{self.what} needs {called(self.f)} to return floats, but it returned "
                f"{described(leaf)}{where}, which has no gradient"
            )
        return _alias(leaf)

    def _no_tensor(self, value: Any) -> str:
        return (
            f"{self.what} needs {called(self.f)} to return a Tensor computed from its arguments, "
            f"but it returned {described(value)}"
        )

    def check_scalar(self) -> None:
        """Raise unless the function returned one number."""
        out = self.template
        if isinstance(out, Tensor) and out.shape == ():
            return
        if isinstance(out, Tensor):
            remedy = "reduce it with .sum() or .mean(), or use jacobian"
        elif isinstance(out, tuple) and len(out) == 2:
            remedy = "for a value with extra results, pass has_aux=True"
        else:
            remedy = "use vjp or jacobian for several results"
        shown = described(out) if out is None or isinstance(out, Tensor) else type(out).__name__
        raise TypeError(
            f"{self.what} needs {called(self.f)} to return one number, a Tensor of shape (), "
            f"but it returned {shown}: {remedy}"
        )

    def seeds(self, template: Sequence[Any], tree: Any, name: str) -> list[Any]:
        """Return the leaves of `tree`, with the shapes and dtypes of the template's.

        Raises:
            ValueError: another structure or another shape.
            TypeError: no numbers.
        """
        seeds: list[Any] = []
        for path, like, value in match(template, tree, name):
            if not isinstance(value, Tensor):
                value = self._array(value, path)
            elif not (recording.get() and value.requires_grad):
                value = value._data
            shape, dtype = np.shape(like), getattr(like, "dtype", np.dtype(float))
            if value.shape != shape:
                raise ValueError(
                    f"{self.what}: {path} must have the shape of what it belongs to, {shape}, "
                    f"not {value.shape}"
                )
            if value.dtype.kind == "c":
                raise TypeError(f"{self.what}: {path} must be real, not {value.dtype}")
            seeds.append(fit(value, shape, dtype))
        return seeds

    def pull(self, seeds: Sequence[Any], *, keep: bool = True) -> list[Any]:
        """Compute the gradients of the variables from those of the results, by the rules.

        They are arrays, or Tensors where something outside needs their gradients.
        `keep=False` frees the graph; it can't be pulled a second time.
        """
        pairs = [(node_of(r), seed) for r, seed in zip(self.results, seeds, strict=True)]
        return self._backward(self.variables, self.path, pairs, keep)

    def derivatives(self) -> list[Any]:
        """Return the derivatives of the results along the tangents: by forward mode if it can.

        It gives arrays. Where something outside needs their gradients, they are pushed.
        """
        pushed = None
        if not self.connected and not any(map(needs_grad, self.tangents)):
            assert self._forward is not None
            pushed = self._forward.results([node_of(r) for r in self.results])
        if pushed is None:
            return self.push(self.tangents)
        pairs = zip(pushed, self.results, strict=True)
        return [np.zeros(r.shape, r.dtype) if t is None else t for t, r in pairs]

    def push(self, tangents: Sequence[Any]) -> list[Any]:
        """Compute the derivatives of the results along the tangents of the variables.

        The gradients are linear in the gradient u of the results: x̄ = Jᵀu. They are recorded as
        a function of u once, and pulling a tangent t back through that function gives Jt.
        """
        if self._linear is None:
            self._linear = self._transposed()
        dummies, rows, path = self._linear
        tangents_of = zip(rows, tangents, strict=True)
        pairs = [(node_of(row), t) for row, t in tangents_of if row is not None]
        return self._backward(dummies, path, pairs, True)

    def _transposed(self) -> tuple[list[Tensor], list[Any], set[Node]]:
        """Record the gradients x̄ as functions of u: return u, x̄ and the path between them."""
        since = next_serial()
        dummies = [variable(np.ones(r.shape, r.dtype), None) for r in self.results]
        pairs = [(node_of(r), dummy) for r, dummy in zip(self.results, dummies, strict=True)]
        reached = _backward(self.ends, self.path, pairs, True, True)
        rows = [reached.get(node_of(v)) for v in self.variables]
        roots = [node_of(row) for row in rows if row is not None and row.requires_grad]
        path = path_to(set(map(node_of, dummies)), roots, since)
        return dummies, rows, path

    def _backward(
        self, ends: list[Tensor], path: set[Node], pairs: Iterable[Any], keep: bool
    ) -> list[Any]:
        """Compute the gradients of `ends`, as Tensors where something outside needs these."""
        pairs = list(pairs)
        others = {node_of(seed) for _, seed in pairs if isinstance(seed, Tensor)}
        record = recording.get() and (self.connected or bool(others))
        reached = _backward(set(map(node_of, ends)), path, pairs, record, keep)
        gradients = []
        for end in ends:
            g = reached.get(node_of(end))
            if g is None:
                g = np.zeros(end.shape, end.dtype)
            gradients.append(self._needed(g, others) if record else g)
        return gradients

    def _needed(self, value: Any, others: Collection[Any] = ()) -> Any:
        """Return a Tensor only if something outside needs its gradient, else the array."""
        if not isinstance(value, Tensor):
            return value
        if value.requires_grad and depends_on([node_of(value)], self.since, others):
            return value
        return value._data

    def _convert(self, value: Any) -> Any:
        needed = self._needed(value) if self.recorded else value._data
        return hand_back(needed, self.as_tensors)

    def value(self) -> Any:
        """Convert the function's result to the kind that the caller passed in."""
        if self.connected:
            return rebuild(self.template, self._convert)
        return rebuild(self.template, lambda leaf: hand_back(leaf._data, self.as_tensors))

    def auxiliary(self) -> Any:
        """Convert the Tensors in the function's `aux` to the kind that the caller passed in."""

        def converted(leaf: Any) -> Any:
            return self._convert(leaf) if isinstance(leaf, Tensor) else leaf

        return rebuild(self.aux, converted)


def _alias(tensor: Tensor) -> Tensor:
    """Return the same value as another object, which no write of the user's reaches."""
    return wrap(tensor._data, tensor._node)


def _backward(
    ends: Collection[Any],
    path: set[Node],
    pairs: Iterable[tuple[Node, Any]],
    record: bool,
    keep: bool,
) -> dict[Node, Any]:
    """Run backward from the seeds along a path, and return the gradients of the ends."""
    seeds: dict[Node, Any] = {}
    with Recorded():  # adds up the seeds of a value that was returned twice
        for node, seed in pairs:
            if node in path:
                if not isinstance(seed, Tensor):
                    array = as_array(seed, None)
                    seed = wrap(array, None) if record else array
                add_seed(seeds, node, seed)
    return backward_to(ends, path, seeds, retain_graph=keep, create_graph=record, lift=wrap)
