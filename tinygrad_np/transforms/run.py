"""One run of a function on fresh variables: the base of all transforms.

A variable is a Tensor of its own with the value of an argument. Where the argument is itself
computed from something that needs a gradient, the variable is recorded as a copy of it: then
gradients of the transform's result flow on to there, and transforms can be nested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.backward import backward_to, fit
from ..core.containers import leaves, match, rebuild, refill
from ..core.modes import enable_grad, recording
from ..core.node import Node, next_serial
from ..core.tensor import Tensor, as_array, node_of, wrap
from .subgraph import outside, path_to, variable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

__all__ = ["Run", "called", "hand_back"]


def called(f: Any) -> str:
    """How messages name a function."""
    name = getattr(f, "__name__", type(f).__name__)
    return "the function" if name == "<lambda>" else f"{name}()"


def described(value: Any) -> str:
    """How messages name a value that is not what it should be."""
    if isinstance(value, Tensor):
        return value._title()
    if isinstance(value, (np.ndarray, np.generic)):
        return f"an array of shape {value.shape} and dtype {value.dtype}, not a Tensor"
    if value is None:
        return "None (is there a return missing?)"
    shown = repr(value)
    return f"{shown if len(shown) < 50 else 'a value'} ({type(value).__name__})"


class Run:
    """`f(*args)` run on fresh variables, and the gradients of its results.

    Attributes:
        given: the leaves of the arguments that were replaced by variables.
        variables: these Tensors, in the same order.
        results, template: the leaves of what `f` returned (Tensors), and all of it.
        aux: the second thing that `f` returned, with `has_aux`.
        recorded: whether recording was on where the transform was called.
        connected: whether the results are wanted by something outside: they are recorded, and
            depend on a Tensor that needs a gradient, as an argument or captured by `f`.

    Args:
        what: the transform, for messages.
        places: positions of the arguments to be replaced.
    """

    def __init__(
        self,
        what: str,
        f: Callable,
        args: Sequence[Any],
        places: Sequence[int],
        kwargs: dict[str, Any] | None = None,
        *,
        has_aux: bool = False,
    ) -> None:
        self.what = what
        self.f = f
        self.since = next_serial()
        self._linear: Any = None
        self.given: list[Any] = []
        self.variables: list[Tensor] = []
        replaced = list(args)
        self.recorded = record = recording.get()
        for k in places:
            pairs = list(leaves(args[k], f"argument {k}"))
            fresh = [self._variable(leaf, path, record) for path, leaf in pairs]
            replaced[k] = refill(args[k], fresh)
            self.given += [leaf for _, leaf in pairs]
            self.variables += map(_same, fresh)
        if not self.variables:
            raise ValueError(f"{what} needs an array to differentiate with respect to, none given")
        self.ends = set(map(node_of, self.variables))
        self.as_tensors = any(isinstance(leaf, Tensor) for a in args for _, leaf in leaves(a))
        with enable_grad():
            out = f(*replaced, **(kwargs or {}))
        self.aux: Any = None
        if has_aux:
            if not isinstance(out, tuple) or len(out) != 2:
                raise TypeError(
                    f"with has_aux=True {called(f)} must return a pair (value, aux), "
                    f"but it returned {described(out)}"
                )
            out, self.aux = out
        self.template = out
        self.results = [self._checked(path, leaf) for path, leaf in leaves(out, "[...]")]
        if not self.results:
            raise TypeError(self._no_tensor(out))
        roots = [node_of(r) for r in self.results if r.requires_grad]
        self.connected = record and bool(outside(roots, self.since))
        self.path = path_to(self.ends, roots, self.since)

    def _variable(self, leaf: Any, path: str, record: bool) -> Tensor:
        if isinstance(leaf, Tensor):
            data, source = leaf._data, leaf._node if record and leaf.requires_grad else None
        else:
            try:
                data, source = as_array(leaf, None, copy=True), None
            except TypeError as error:
                raise TypeError(f"{self.what}: {path}: {error}") from error
        if data.dtype.kind != "f":
            remedy = (
                "complex gradients are not supported"
                if data.dtype.kind == "c"
                else "give floats, such as 3.0 or x.astype(float)"
            )
            raise TypeError(
                f"{self.what} needs floats to differentiate with respect to, but {path} is "
                f"{data.dtype}: {remedy}"
            )
        return variable(data, source, leaf.name if isinstance(leaf, Tensor) else None)

    def _checked(self, path: str, leaf: Any) -> Tensor:
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
        return _same(leaf)

    def _no_tensor(self, value: Any) -> str:
        return (
            f"{self.what} needs {called(self.f)} to return a Tensor computed from its arguments, "
            f"but it returned {described(value)}"
        )

    def scalar(self) -> None:
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
        """The leaves of `tree`, arrays or Tensors in the shapes and dtypes of the template's.

        Raises:
            ValueError: another structure or another shape.
            TypeError: no numbers.
        """
        made: list[Any] = []
        for path, like, value in match(template, tree, name):
            if not isinstance(value, Tensor):
                try:
                    value = as_array(value, None, copy=True)
                except TypeError as error:
                    raise TypeError(f"{self.what}: {path}: {error}") from error
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
            made.append(fit(value, shape, dtype))
        return made

    def pull(self, seeds: Sequence[Any], *, keep: bool = True) -> list[Any]:
        """The gradients of the variables, given those of the results: the rules, once.

        Arrays, or Tensors where the gradients are wanted by something outside.
        `keep=False` frees the graph; it can't be pulled a second time.
        """
        pairs = [(node_of(r), seed) for r, seed in zip(self.results, seeds, strict=True)]
        return self._backward(self.variables, self.path, pairs, keep)

    def push(self, tangents: Sequence[Any]) -> list[Any]:
        """The directional derivatives of the results, along the tangents of the variables.

        The gradients are linear in the gradient u of the results: x̄ = Jᵀu. They are recorded as
        a function of u once, and pulling a tangent t back through that function gives Jt.
        """
        if self._linear is None:
            self._linear = self._transposed()
        dummies, rows, path = self._linear
        pairs = [
            (node_of(row), t) for row, t in zip(rows, tangents, strict=True) if row is not None
        ]
        return self._backward(dummies, path, pairs, True)

    def _transposed(self) -> tuple[list[Tensor], list[Any], set[Node]]:
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
        """The gradients of `ends`: arrays, or Tensors that something outside needs."""
        pairs = list(pairs)
        others = {node_of(seed) for _, seed in pairs if isinstance(seed, Tensor)}
        record = recording.get() and (self.connected or bool(others))
        reached = _backward(set(map(node_of, ends)), path, pairs, record, keep)
        gradients = []
        for end in ends:
            g = reached.get(node_of(end))
            if g is None:
                g = np.zeros(end.shape, end.dtype)
            gradients.append(self._settled(g, others) if record else g)
        return gradients

    def _settled(self, value: Any, others: Collection[Any] = ()) -> Any:
        """A Tensor only where its gradient is wanted by something outside, else the array."""
        if not isinstance(value, Tensor):
            return value
        wanted = value.requires_grad and outside([node_of(value)], self.since, others)
        return value if wanted else value._data

    def _own(self, value: Any) -> Any:
        settled = self._settled(value) if self.recorded else value._data
        return hand_back(settled, self.as_tensors)

    def value(self) -> Any:
        """All that the function returned, as the caller is to have it."""
        return rebuild(self.template, self._own)

    def auxiliary(self) -> Any:
        """The `aux` of the function; Tensors in it as the caller is to have them."""
        return rebuild(self.aux, lambda a: self._own(a) if isinstance(a, Tensor) else a)


def _same(tensor: Tensor) -> Tensor:
    """The same value as another object, which no write of the user's reaches."""
    return wrap(tensor._data, tensor._node)


def _backward(
    ends: Collection[Any],
    path: set[Node],
    pairs: Iterable[tuple[Node, Any]],
    record: bool,
    keep: bool,
) -> dict[Node, Any]:
    seeds: dict[Node, Any] = {}
    with enable_grad():  # adds up the seeds of a value that was returned twice
        for node, seed in pairs:
            if node in path:
                if not isinstance(seed, Tensor):
                    seed = as_array(seed, None)
                    seed = wrap(seed, None) if record else seed
                seeds[node] = seeds[node] + seed if node in seeds else seed
    return backward_to(ends, path, seeds, retain_graph=keep, create_graph=record, lift=wrap)


def hand_back(value: Any, as_tensor: bool) -> Any:
    """A value as the caller is to have it: a Tensor or an array, as the arguments were.

    A Tensor stays one in any case: something outside needs its gradient, which an array would
    silently lose.
    """
    if isinstance(value, Tensor):
        return value
    if as_tensor:
        return wrap(value, None)
    return value.copy() if value.ndim else value[()]
