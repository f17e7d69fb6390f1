"""Gradients with a slip: as a recorded program would have them, if its backward had one mistake.

The right backward runs again with one rule altered, wherever the user's code makes that call: its
derivative left out, one of several contributions lost or counted twice, another array read. And it
ends too early: at a value on the way.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.backward import backward_to
from ..core.callsite import short_place
from ..core.modes import enable_grad
from ..core.tensor import Tensor, node_of, wrap
from ..recording.recorder import record
from ..transforms.subgraph import path_to
from .connections import results_of
from .linear_causes import TURNS
from .values import as_double, is_float, is_float_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..core.node import Node
    from ..core.op import Rule

MOST = 2000  # slips that are tried

_SUM = "a value that is used more than once gets the sum of all"


Edge = tuple["Node", int]  # a node, and the position of one of its inputs
Change = Callable[["Rule"], "Rule"]


class _Slip(NamedTuple):
    """A mistake in words, and what it makes of the rules at some edges of the graph."""

    text: str
    changes: Mapping[Edge, Change]


def slips(f: Callable, inputs: Any, argnum: int = 0) -> dict[str, np.ndarray]:
    """Return gradients of a function as they would be with one mistake, by its description.

    They are candidates for `diagnose`: a gradient by hand that equals one has that mistake.

    Args:
        f: a function of Tensors that returns a Tensor of floats; of more than one number, the
            gradient is that of their sum.
        inputs: the arguments of `f`.
        argnum: the position of the argument whose gradient it is.

    The mistakes: the derivative of one op is left out, or of all that comes before a value
    (`sin(x²)` without `2x`); of several contributions to one value one is lost (`=` for `+=`),
    counts twice, has the wrong sign, or is there alone; a rule reads another argument, or its
    transpose or mirror image.
    """
    arguments = [Tensor(as_double(x), requires_grad=True) if is_float(x) else x for x in inputs]
    with enable_grad():
        results = results_of(f, arguments)
    names = [
        name
        for name, parameter in inspect.signature(f).parameters.items()
        if parameter.kind is not parameter.VAR_POSITIONAL
    ]
    reads = {name: x.data for name, x in zip(names, arguments) if isinstance(x, Tensor)}
    seeds = {node_of(r): np.ones(r.shape) for r in results if r.requires_grad}
    return dict(wrong_gradients(node_of(arguments[argnum]), seeds, reads))


def run_if_possible(f: Callable, arguments: list[Any], options: dict[str, Any]) -> Any:
    """Run a function on Tensors; None if it is made of what does not take them."""
    try:
        with enable_grad(), np.errstate(all="ignore"):
            return f(*arguments, **options)
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return None


def wrong_gradients(
    leaf: Node, seeds: dict[Node, Any], reads: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the gradient of a leaf with each slip, and the slip in words.

    Args:
        leaf: whose gradient it is.
        seeds: the gradients that backward starts with.
        reads: arrays that may be taken for another, by name.
    """
    path = path_to([leaf], seeds, leaf.serial)
    for _, slip in zip(range(MOST), _slips(path, reads)):
        with _made(slip):
            gradients = backward_to(
                [leaf], path, seeds, retain_graph=True, create_graph=False, lift=wrap
            )
        if leaf in gradients:
            yield slip.text, gradients[leaf]
    yield from _gradients_on_the_way(leaf, path, seeds)


def _gradients_on_the_way(
    leaf: Node, path: set[Node], seeds: dict[Node, Any]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the gradients of other values, at which a backward by hand may have ended."""
    with record() as run:
        backward_to([leaf], path, seeds, retain_graph=True, create_graph=False, lift=wrap)
    for node, g in reversed(run.gradients.items()):
        if node is not leaf and node.shape == leaf.shape and node.op is not None:
            text = f"it is the gradient of the result of {_call_text(node)}"
            yield f"{text}: the derivative of that result is missing in it", g


def _call_text(node: Node) -> str:
    where = f" at {short_place(node.place)}" if node.place else ""
    return f"{node.op.name}{where}"  # type: ignore[union-attr]


@contextlib.contextmanager
def _made(slip: _Slip) -> Iterator[None]:
    """Give nodes other rules for a while."""
    ops: dict[Node, Any] = {node: node.op for node, _ in slip.changes}
    for node, op in ops.items():
        node.op = changed = copy.copy(op)
        changed.rules = [rule for rule, _ in zip(op.rules, node.parents)]
    for (node, position), change in slip.changes.items():
        rules = node.op.rules  # type: ignore[union-attr]
        rules[position] = change(rules[position])
    try:
        yield
    finally:
        for node, op in ops.items():
            node.op = op


def _slips(path: set[Node], reads: Mapping[str, np.ndarray]) -> Iterator[_Slip]:
    """Yield the slips of a graph: those of its forks first, then derivatives, then arrays."""
    calls: dict[Any, list[Edge]] = {}
    uses: dict[Node, list[Edge]] = {}
    for node in sorted(path, key=lambda node: node.serial):
        for position, parent in enumerate(node.parents):
            if parent in path and node.saved[position] is not None:  # type: ignore[index]
                call = node.code, node.lasti, node.op, position
                calls.setdefault(call, []).append((node, position))
                uses.setdefault(parent, []).append((node, position))
    titled = dict(zip(_titles(calls.values()), calls.values()))
    for title, edges in titled.items():
        yield from _at_forks(title, edges, uses)
    for title, edges in titled.items():
        if all(_keeps_shape(*edge) for edge in edges):
            text = f"the derivative of {title} is missing"
            yield _Slip(text, dict.fromkeys(edges, _left_out))
            # Of an op that has one value as two of its inputs, as x * x has: one 1, not two.
            forks = [(node, uses[node.parents[position]]) for node, position in edges]
            again = [edge for node, fork in forks for edge in fork if edge[0] is node]
            changes = dict.fromkeys(again, _lost) | dict.fromkeys(edges, _left_out)
            if len(changes) > len(edges):
                yield _Slip(text, changes)
    for title, edges in titled.items():
        yield from _other_arrays(title, edges, reads)


def _at_forks(title: str, edges: list[Edge], uses: Mapping[Node, list[Edge]]) -> Iterator[_Slip]:
    """Yield the slips of a call whose operand is used more than once."""
    way = f"the contribution by way of {title}"
    forks = {node.parents[position]: uses[node.parents[position]] for node, position in edges}
    most = max(map(len, forks.values()))
    if most > 1 and len(edges) < sum(map(len, forks.values())):
        for words, change in _FORKS.items():
            yield _Slip(f"{way} {words}", dict.fromkeys(edges, change))
        if most > 2:
            others = [edge for fork in forks.values() for edge in fork if edge not in edges]
            yield _Slip(f"{way} is there alone: {_SUM}", dict.fromkeys(others, _lost))
    if len(forks) < len(edges):  # a loop
        for k, which in ((0, "first"), (-1, "last")):
            kept = {[edge for edge in edges if edge in fork][k] for fork in forks.values()}
            lost = [edge for edge in edges if edge not in kept]
            text = f"{way} at the {which} step is there alone: {_SUM}"
            yield _Slip(text, dict.fromkeys(lost, _lost))


def _titles(calls: Iterable[list[Edge]]) -> list[str]:
    """Name calls of ops: `sin at train.py:3`, with the input and a number where it takes them."""
    titles = []
    for (node, position), *_ in calls:
        op: Any = node.op
        by = f" (its input {op.input_name(position)!r})" if len(node.parents) > 1 else ""
        titles.append(f"{_call_text(node)}{by}")
    total = Counter(titles)
    so_far: Counter[str] = Counter()
    for k, title in enumerate(titles):
        so_far[title] += 1
        if total[title] > 1:
            titles[k] = f"{title}, number {so_far[title]} of {total[title]} there,"
    return titles


def _keeps_shape(node: Node, position: int) -> bool:
    op: Any = node.op
    return op.elementwise or node.shape == node.parents[position].shape


# --- changed rules --------------------------------------------------------------------------------


def _left_out(rule: Rule) -> Rule:
    return lambda g, *reads: g


def _lost(rule: Rule) -> Rule:
    return lambda g, *reads: None


def _doubled(rule: Rule) -> Rule:
    return lambda g, *reads: 2 * rule(g, *reads)


def _negated(rule: Rule) -> Rule:
    return lambda g, *reads: -rule(g, *reads)


_FORKS: dict[str, Change] = {
    f"is missing: {_SUM}, += and not =": _lost,
    "counts twice: was it passed on before all uses had come in?": _doubled,
    "has the wrong sign": _negated,
}


def _other_arrays(
    title: str, edges: list[Edge], reads: Mapping[str, np.ndarray]
) -> Iterator[_Slip]:
    """Yield the slips where a rule reads another array of the same shape."""
    node, position = edges[0]
    saved: Any = node.saved
    for own in _arrays(saved[position]):
        name = next((n for n, values in reads.items() if np.array_equal(values, own)), None)
        if name is None:
            continue
        others = {other: values for other, values in reads.items() if other != name}
        if own.ndim > 1:
            others |= {f"{name} {text}": turn(own) for text, turn in TURNS.items()}
        for other, values in others.items():
            if values.shape == own.shape and not np.array_equal(values, own):
                text = f"the derivative of {title} is computed with {other} for {name}"
                yield _Slip(text, dict.fromkeys(edges, _reading(own, values)))


def _arrays(read: Any) -> Iterator[np.ndarray]:
    """Yield the arrays of floats in what a rule reads; an op of many operands reads a tuple."""
    if isinstance(read, tuple):
        for part in read:
            yield from _arrays(part)
    elif is_float_array(read) and read.size > 1:
        yield read


def _reading(own: np.ndarray, other: np.ndarray) -> Change:
    def swapped(read: Any) -> Any:
        if isinstance(read, tuple):
            return tuple(map(swapped, read))
        return other if np.array_equal(own, read) else read

    return lambda rule: lambda g, *reads: rule(g, *map(swapped, reads))
