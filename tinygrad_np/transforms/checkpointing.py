"""`checkpoint`: compute a part of the graph again in backward instead of storing it.

In the graph it is three kinds of nodes: one that gathers the inputs (arguments, and what the
function has captured), one for the function, whose rule runs it again, and one for each result.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import cuts, doors
from ..core.backward import backward_to
from ..core.containers import flatten, rebuild
from ..core.modes import enable_grad, recording
from ..core.node import Node, OutputGradients, next_serial
from ..core.op import Op
from ..core.tensor import Tensor, needs_grad, node_of, wrap
from ..ops.random import drawn_again, draws
from .run import called
from .subgraph import add_seed, function_node, older_nodes, output_tensors, path_to, variable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Make the same function, which keeps its inputs until backward, not what it computes inside.

    Backward runs `f` again and then through it. So `f` is computed twice (a training step costs
    about a third more), and memory is needed for the inside of one checkpointed function at a
    time. Gradients of any order reach arguments and captured Tensors alike.

    Args:
        f: a function of Tensors and anything else, in nested containers too, that returns
            Tensors and anything else. It must compute the same values when it runs again: the
            default random generator is set back for it, arrays among its arguments are copied.

    Returns:
        A function of the same arguments.

    Raises:
        TypeError: `f` can't be called.
        RuntimeError: (in backward) the second run gave other values, or used other Tensors.
    """
    if not callable(f):
        raise TypeError(f"checkpoint needs a function, not {type(f).__name__}")

    @functools.wraps(f, updated=())
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if not recording.get():
            return f(*args, **kwargs)
        return _Checkpoint(f, (args, kwargs)).run()

    return checkpointed


class _Checkpoint:
    """A function with its arguments, to be run a second time in backward."""

    def __init__(self, f: Callable, arguments: tuple[tuple, dict]) -> None:
        self.f = f
        self.inputs: list[Tensor] = []
        self.arguments = rebuild(arguments, self._keep)
        self.drawn = draws(doors.tracer.get())
        self.captured: list[Node] = []
        self.values: tuple[Any, ...] = ()

    def run(self) -> Any:
        """Run `f` the first time; the node of the whole makes each Tensor that needs a gradient."""
        since = next_serial()
        out, _ = self._run([None] * len(self.inputs))
        results = _differentiable(out)
        if not results:
            return out
        self.captured = older_nodes(map(node_of, results), since)
        self.values = tuple(r._data for r in results)
        node = function_node(_CHECKPOINT, (*map(node_of, self.inputs), *self.captured), self)
        rest = iter(output_tensors(node, self.values, [result.name for result in results]))
        return rebuild(out, lambda leaf: next(rest) if needs_grad(leaf) else leaf)

    def _keep(self, leaf: Any) -> Any:
        """Copy an argument as it is now; Tensors that need a gradient become the inputs."""
        if isinstance(leaf, Tensor):
            leaf = wrap(leaf._data, node_of(leaf))  # what is written to it later is not ours
            if leaf.requires_grad:
                self.inputs.append(leaf)
        elif isinstance(leaf, np.ndarray):
            leaf = leaf.copy()
            leaf.setflags(write=False)
        return leaf

    def _run(self, sources: Sequence[Node | None]) -> tuple[Any, list[Node]]:
        """Run `f` on variables that stand for the inputs; return its result and their nodes."""
        pairs = zip(self.inputs, sources, strict=True)
        fresh = [variable(x._data, source, x.name) for x, source in pairs]
        nodes = [node_of(v) for v in fresh]  # now: the function may write to its arguments
        rest = iter(fresh)

        def argument(leaf: Any) -> Any:
            return next(rest) if needs_grad(leaf) else leaf

        args, kwargs = rebuild(self.arguments, argument)
        with enable_grad():
            out = self.f(*args, **kwargs)
        return out, nodes

    def pull(self, g: OutputGradients) -> OutputGradients:
        """Compute the gradients of inputs and captured Tensors from those of the results."""
        create_graph = any(isinstance(part_of_g, Tensor) for part_of_g in g)
        since = next_serial()
        sources = [node_of(x) if create_graph else None for x in self.inputs]
        with drawn_again(doors.tracer.get(), self.drawn):
            out, variables = self._run(sources)
        results = _differentiable(out)
        roots = [node_of(r) for r in results]
        self._check(results, {*older_nodes(roots, since)} - {*sources, *self.captured})
        ends = [*variables, *self.captured]
        path = path_to(set(ends), roots, since)
        seeds: dict[Node, Any] = {}
        for root, g_root in zip(roots, g, strict=True):
            if g_root is not None:
                add_seed(seeds, root, g_root)
        cuts.check(roots)
        gradients = backward_to(
            set(ends), path, seeds, retain_graph=False, create_graph=create_graph, lift=wrap
        )
        return OutputGradients(map(gradients.get, ends))

    def _check(self, results: list[Tensor], unknown: set[Any]) -> None:
        """Raise unless the second run gave the values of the first, from known nodes alone."""
        pairs = zip(results, self.values)
        same = all(np.array_equal(r._data, value, equal_nan=True) for r, value in pairs)
        if unknown or len(results) != len(self.values) or not same:
            raise RuntimeError(
                f"{called(self.f)} under checkpoint used other values when it was computed again "
                "in backward: something it has captured was changed in between (a weight, an "
                "array), or it draws random numbers from a generator of its own"
            )


def _differentiable(out: Any) -> list[Tensor]:
    """List the Tensors that need a gradient."""
    return [leaf for leaf in flatten(out) if needs_grad(leaf)]


# --- the nodes ------------------------------------------------------------------------------------


_CHECKPOINT = Op(
    lambda values, again: again.values,
    "checkpoint",
    {"values": lambda g, again: again.pull(g)},
    text="checkpoint({values})",
)
