"""`vmap`: a function of one example becomes one of a whole batch, by one run for all rows."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import flatten, leaves, refill
from ..core.modes import recording
from ..core.tensor import Tensor, as_array, node_of, wrap
from ..core.tracebacks import shortened
from ..ops import broadcast_to, expand_dims, moveaxis, stack
from . import product_rules  # noqa: F401 - fills the table of rules
from .arguments import check_function
from .batch import RANDOMNESS, Batch, Loop
from .calls import needs_loop
from .joint import joint_results
from .kinds import hand_back
from .run import called, described, explained
from .subgraph import variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@shortened
def vmap(
    f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0, *, randomness: str = "error"
) -> Callable[..., Any]:
    """Make the function that computes `f` for each row of its arguments, all rows at once.

        per_sample = tg.vmap(tg.grad(loss), in_axes=(None, 0, 0))(params, x, y)

    Args:
        f: a function of arrays without the axis of the batch, and of anything else.
        in_axes: the axis of each argument that runs over the rows; None where all rows share it.
            One for all arguments, or a tuple with one for each; in place of a number, containers
            built like the argument. Arguments given by name have theirs in front.
        out_axes: where the results get that axis; None for what does not differ from row to row.
        randomness: for the numbers that `f` draws from generators by functions of this package
            (`dropout`, `randn`): "error"; "different" numbers in each row; or the "same" in all.

    Returns:
        A function of the same arguments, each with one axis more where `in_axes` says so. It
        gives Tensors if it is given one, or if the result needs a gradient; else arrays.

    `f` runs once, with Tensors in place of the mapped arguments; what has no rule for all rows
    at once is computed row by row. If code of an op asks for single numbers, `f` is run again,
    once for each row.

    Raises:
        TypeError: `f` is no function, branches on a value that differs from row to row, makes a
            Python number of one, or draws random numbers under randomness="error".
        ValueError: axes that do not fit the arguments, or differ in length.
        RuntimeError: `f` writes such a value into a Tensor from outside.
    """
    check_function("vmap", f)
    if randomness not in RANDOMNESS:
        raise ValueError(f"vmap: randomness must be one of {RANDOMNESS}, not {randomness!r}")

    @shortened
    @functools.wraps(f, updated=())
    def mapped(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, in_axes, args, kwargs)
        batch = Batch("vmap", call.size, randomness)
        try:
            out = call.run(batch)
        except BaseException as error:
            batch.undo_writes()
            if not needs_loop(error):
                if explained(error) is not error:
                    raise explained(error) from None
                raise
            out = _FAILED
        if out is _FAILED:
            return call.loop(Loop(batch), out_axes)
        return call.finish(batch, out, out_axes)

    return mapped


_FAILED = object()


class _Call:
    """A function and its arguments with the axes of the batch.

    Attributes:
        size: the number of rows.
        as_tensors: whether there is a Tensor among the arguments.
    """

    def __init__(self, f: Callable, in_axes: Any, args: tuple, kwargs: dict) -> None:
        self.f = f
        self.arguments = (args, kwargs)
        self.leaves: list[tuple[Any, int | None]] = []
        sizes: dict[int, str] = {}
        for path, leaf, axis in _argument_axes(in_axes, args, kwargs):
            if axis is not None:
                leaf, axis = _checked(path, leaf, axis)
                sizes.setdefault(
                    leaf.shape[axis], f"{path} has {leaf.shape[axis]} along axis {axis}"
                )
            self.leaves.append((leaf, axis))
        if len(sizes) != 1:
            raise _wrong_sizes(sizes)
        (self.size,) = sizes
        self.as_tensors = any(isinstance(leaf, Tensor) for leaf, _ in self.leaves)
        self.ends: list[Any] = []  # variables of the function that need gradients,
        self.sources: list[Any] = []  # and the nodes outside that they come from

    def run(self, batch: Batch) -> Any:
        """Run the function for all rows at once."""
        fresh = [self._variable(batch, leaf, axis) for leaf, axis in self.leaves]
        args, kwargs = refill(self.arguments, fresh)
        with batch.run():
            out = self.f(*args, **kwargs)
            batch.check_writes(out)
        return out

    def _variable(self, batch: Batch, leaf: Any, axis: int | None) -> Any:
        """Make the Tensor that the function gets in the place of a mapped argument."""
        if axis is None:
            return leaf
        if isinstance(leaf, Tensor) and leaf.requires_grad and recording.get():
            in_front = moveaxis(leaf, axis, 0) if axis else leaf
            fresh = variable(batch.row(in_front._data), None, leaf.name)
            self.ends.append(node_of(fresh))
            self.sources.append(node_of(in_front))
            return fresh
        data = leaf._data if isinstance(leaf, Tensor) else as_array(leaf, None, copy=True)
        fresh = wrap(batch.row(np.moveaxis(data, axis, 0)), None)
        if isinstance(leaf, Tensor):
            fresh.name = leaf.name
        return fresh

    def finish(self, batch: Batch, out: Any, out_axes: Any) -> Any:
        """Return the results of all rows, each with the axis of the batch where it belongs."""
        pairs = list(_axes("out_axes", out_axes, out, "the result"))
        values = [leaf for _, leaf, _ in pairs]
        wholes = joint_results(batch, self.ends, self.sources, values)
        results: list[Any] = []
        for (path, leaf, axis), whole in zip(pairs, wholes, strict=True):
            data = leaf._data if isinstance(leaf, Tensor) else leaf
            if not isinstance(data, (np.ndarray, np.generic, int, float, complex)):
                raise TypeError(
                    f"vmap needs {called(self.f)} to return arrays, but {path} is {described(leaf)}"
                )
            if axis is None:
                if batch.holds_row(data):
                    raise ValueError(f"{path} differs from row to row: its out_axes can't be None")
                results.append(self._kind(leaf))
                continue
            if whole is None:
                whole = _repeated(batch, leaf)
            axis = _checked_axis(path, axis, whole.ndim)
            is_kept = data is leaf and not axis and not self.as_tensors
            if is_kept and _is_new(whole, results):
                results.append(whole)
            else:
                results.append(self._placed(whole, axis))
        return refill(out, results)

    def _placed(self, whole: Any, axis: int) -> Any:
        """Move the axis of the batch from the front, and return the kind that the caller gave."""
        if isinstance(whole, Tensor) and whole.requires_grad:
            return moveaxis(whole, 0, axis) if axis else whole
        array = whole._data if isinstance(whole, Tensor) else whole
        return self._kind(np.moveaxis(array, 0, axis))

    def _kind(self, value: Any) -> Any:
        """Return a value as the caller gave arguments, or a Tensor that needs a gradient."""
        if isinstance(value, Tensor):
            return value if value.requires_grad else hand_back(value._data, self.as_tensors)
        return hand_back(value, self.as_tensors) if hasattr(value, "shape") else value

    def loop(self, loop: Loop, out_axes: Any) -> Any:
        """Run the function once for each row, and stack the results."""
        if not self.size:
            raise ValueError(f"vmap of no rows: {called(self.f)} has to run for each of them")
        outs = []
        for k in range(self.size):
            row = [_picked(leaf, axis, k) for leaf, axis in self.leaves]
            args, kwargs = refill(self.arguments, row)
            loop.next_row()
            with loop.run():
                outs.append(self.f(*args, **kwargs))
        pairs = list(_axes("out_axes", out_axes, outs[0], "the result"))
        columns = zip(*map(flatten, outs), strict=True)
        results = []
        for (path, leaf, axis), column in zip(pairs, columns, strict=True):
            if axis is None:
                raise ValueError(f"{path} may differ from row to row: its out_axes can't be None")
            ndim = 1 + np.ndim(leaf._data if isinstance(leaf, Tensor) else leaf)
            whole = stack([x if isinstance(x, Tensor) else Tensor(x) for x in column])
            results.append(self._placed(whole, _checked_axis(path, axis, ndim)))
        return refill(outs[0], results)


def _is_new(array: Any, others: list[Any]) -> bool:
    """Say whether the function has made an array that it returns, and only once.

    What it was given, and what the graph may need, is read-only.
    """
    if type(array) is not np.ndarray or not array.flags.writeable or array.base is not None:
        return False
    return not any(array is other for other in others)


def _picked(leaf: Any, axis: int | None, k: int) -> Any:
    if axis is None:
        return leaf
    tensor = leaf if isinstance(leaf, Tensor) else Tensor(leaf)
    return tensor[(slice(None),) * axis + (k,)]


def _repeated(batch: Batch, leaf: Any) -> Any:
    """Repeat for all rows what does not differ."""
    if isinstance(leaf, Tensor):
        return broadcast_to(leaf, (batch.size, *leaf.shape))
    return batch.whole(leaf)


def over_rows(
    what: str, move: Callable[..., list[Any]], arrays: list[np.ndarray], size: int
) -> list[Any]:
    """Call a function of a list of arrays for each row of them, all at once where that works.

    It has no effect but its results: arrays, and Tensors that something outside needs.
    """
    if size == 1:
        return [expand_dims(value, 0) for value in move([array[0] for array in arrays])]
    batch = Batch(what, size)
    try:
        with batch.run():
            values = move([batch.row(array) for array in arrays])
    except BaseException as error:
        if not needs_loop(error):
            raise
        values = None
    if values is None:
        rows = [move([array[k] for array in arrays]) for k in range(size)]
        return [stack(column) for column in zip(*rows, strict=True)]
    wholes = joint_results(batch, (), (), values)
    pairs = zip(wholes, values, strict=True)
    return [_repeated(batch, value) if whole is None else whole for whole, value in pairs]


# --- axes ----------------------------------------------------------------------------------------


def _argument_axes(in_axes: Any, args: tuple, kwargs: dict) -> Iterator[tuple[str, Any, Any]]:
    """Yield each leaf of the arguments with its path and its axis."""
    if isinstance(in_axes, (tuple, list)):
        if len(in_axes) != len(args):
            raise ValueError(
                f"vmap: in_axes has {len(in_axes)} entries, but the function was called with "
                f"{len(args)} positional argument{'s' * (len(args) != 1)}"
            )
        each = list(in_axes)
    else:
        each = [in_axes] * len(args)
    for k, (axes, arg) in enumerate(zip(each, args, strict=True)):
        yield from _axes("in_axes", axes, arg, f"argument {k}")
    for name, arg in kwargs.items():
        yield from _axes("in_axes", 0, arg, f"argument {name}")


def _axes(name: str, axes: Any, tree: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the leaves of a tree with their paths, and the axes said for them or for all in one."""
    if axes is None:
        for here, leaf in leaves(tree, path):
            yield here, leaf, None
        return
    if isinstance(axes, dict) and isinstance(tree, dict) and axes.keys() == tree.keys():
        items = [(f"[{key!r}]", axes[key], value) for key, value in tree.items()]
    elif isinstance(axes, (tuple, list)) and isinstance(tree, (tuple, list)):
        if len(axes) != len(tree):
            raise ValueError(
                f"vmap: {name} has {len(axes)} entries for {path}, which has {len(tree)}"
            )
        items = [(f"[{k}]", axes[k], value) for k, value in enumerate(tree)]
    else:
        axis = _as_axis(name, axes, path)
        for here, leaf in leaves(tree, path):
            yield here, leaf, axis
        return
    for key, axis, value in items:
        yield from _axes(name, axis, value, path + key)


def _as_axis(name: str, axis: Any, path: str) -> int:
    try:
        if isinstance(axis, bool):
            raise TypeError
        return operator.index(axis)
    except TypeError:
        raise TypeError(
            f"vmap: {name} must be an integer or None for {path}, or a container that is built "
            f"like it, not {axis!r}"
        ) from None


def _checked(path: str, leaf: Any, axis: int) -> tuple[Any, int]:
    """Return a mapped leaf of the arguments, as an array if it is no Tensor, and its axis."""
    if not isinstance(leaf, Tensor):
        try:
            leaf = as_array(leaf)
        except TypeError as error:
            raise TypeError(f"vmap: {path}: {error}. Give it None in in_axes") from error
    if not leaf.ndim:
        raise ValueError(
            f"vmap: {path} is a single number, which has no axis: give it None in in_axes"
        )
    return leaf, _checked_axis(path, axis, leaf.ndim)


def _checked_axis(path: str, axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ValueError(f"vmap: {path} has {ndim} axes, and axis {axis} is none of them")
    return axis % ndim


def _wrong_sizes(sizes: dict[int, str]) -> ValueError:
    if not sizes:
        return ValueError("vmap needs an argument to map over: in_axes has None for all of them")
    return ValueError(f"vmap: the mapped axes differ in length: {', '.join(sizes.values())}")
