"""Connections that `check_backward` looks for: inputs that no gradient, or not all of it, reaches.

No rule is wrong then, but an op was not recorded: a value went through `.detach()`, `.data`,
`no_grad()` or plain NumPy. It shows where the results change though the gradients do not say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.backward import backward_to
from ..core.modes import enable_grad
from ..core.tensor import Tensor, node_of, wrap
from ..transforms.subgraph import path_to
from .diagnosis import Mistake
from .differences import (
    DOUBLE,
    directional_slope,
    precision_of,
    signed_weights,
    weighed_change,
)
from .leaks import leaks
from .values import is_float, same

if TYPE_CHECKING:
    from ..core.node import Node
    from .differences import Change


class Wrong(NamedTuple):
    """A mistake, and the sentence that says whose it is."""

    whose: str
    mistake: Mistake


def results_of(f: Any, arguments: list[Any]) -> tuple[Tensor, ...]:
    """Call `f` and return its results as a tuple.

    Raises:
        TypeError: one of them is no Tensor of floats.
        ValueError: the same, where no argument is of floats.
    """
    out = f(*arguments)
    results = out if isinstance(out, tuple) else (out,)
    for r in results:
        if isinstance(r, Tensor) and r.dtype.kind == "f":
            continue
        if arguments and not any(map(is_float, arguments)):
            dtypes = [str(np.asarray(a).dtype) for a in arguments]
            raise ValueError(
                "check_backward needs at least one input of floats, since only those have "
                f"gradients: these are {', '.join(dtypes)}. Write 1.0 for 1, or x.astype(float)"
            )
        raise TypeError(f"check_backward needs f to return a Tensor of floats, not {r!r}")
    return results


def cut_inputs(
    f: Any, arguments: list[Any], results: tuple[Tensor, ...], rng: np.random.Generator
) -> list[Wrong]:
    """Find the inputs that the results depend on in more ways than gradients come back."""
    return _unreached(f, arguments, results, rng) or _partly_cut(f, arguments, results, rng)


def _not_connected(f: Any, arguments: list[Any], position: int, text: str) -> Wrong:
    places = leaks(f, arguments, position)
    if places:
        text += f". Every op that was recorded is right; {' and '.join(places)}"
    else:
        text += (
            ". Every op that was recorded is right; look for .detach(), .data, no_grad(), or an "
            "op without any rule"
        )
    whose = f"input {position} of f is not connected"
    return Wrong(whose, Mistake("not connected", text))


def _unreached(
    f: Any, arguments: list[Any], results: tuple[Tensor, ...], rng: np.random.Generator
) -> list[Wrong]:
    """Find the inputs that the results depend on, but that no gradient reaches."""
    reached = _reached(results)
    before = [r.data for r in results]
    wrong = []
    for k, x in enumerate(arguments):
        node = x._node if isinstance(x, Tensor) else None
        if node is None or not node.needs_grad or not x.size or node in reached:
            continue
        moved = Tensor(x.data + 1e-3 * signed_weights(rng, x.shape))
        after = [r.data for r in results_of(f, _replaced(arguments, k, moved))]
        if not all(map(same, before, after)):
            text = "no gradient reaches it, though the result changes with it"
            wrong.append(_not_connected(f, arguments, k, text))
    return wrong


def _partly_cut(
    f: Any, arguments: list[Any], results: tuple[Tensor, ...], rng: np.random.Generator
) -> list[Wrong]:
    """Find the inputs whose gradients explain only a part of how the results change.

    A little beside the inputs: what is cut there is cut here, and there are no kinks.
    """
    if not all(map(same, [r.data for r in results], [r.data for r in results_of(f, arguments)])):
        return []  # random
    beside = list(arguments)
    for k, x in enumerate(arguments):
        if is_float(x):
            sizes = np.where(x.data == 0, 1e-2, 1e-2 * np.abs(x.data))
            beside[k] = Tensor(x.data + sizes * signed_weights(rng, x.shape), requires_grad=True)
    try:
        with enable_grad(), np.errstate(all="ignore"):
            results = results_of(f, beside)
    except (ValueError, ArithmeticError):
        return []  # f does not take these values
    weights = [rng.uniform(0.5, 1.5, r.shape) for r in results]
    ends = {node_of(x): k for k, x in enumerate(beside) if is_float(x)}
    seeds: dict[Node, Any] = {}
    for r, w in zip(results, weights):
        if r.requires_grad:
            node = node_of(r)
            seeds[node] = seeds.get(node, 0) + w
    if any(node.saved is None for node in seeds):
        return []  # it went backward itself
    path = path_to(ends, seeds, min((node.serial for node in ends), default=0))
    gradients = backward_to(ends, path, seeds, retain_graph=True, create_graph=False, lift=wrap)
    here = [r.data for r in results]
    rounding = DOUBLE * sum(float(np.sum(np.abs(r * w))) for r, w in zip(here, weights))

    def explain(k: int, g: np.ndarray) -> Wrong | None:
        """Compare the change that a gradient explains with the real one, for a small step."""
        x = beside[k].data
        direction = np.maximum(np.abs(x), 1e-3) * signed_weights(rng, x.shape)

        def change(moved: np.ndarray) -> Change:
            outs = [r.data for r in results_of(f, _replaced(beside, k, Tensor(moved)))]
            return weighed_change(outs, here, weights)

        def line(distance: Any) -> Change:
            return change(x + distance * direction)

        try:
            with np.errstate(all="ignore"):
                slope = directional_slope(line, 1.0)
                is_double = precision_of(change, x) == DOUBLE
        except (ValueError, ArithmeticError):
            return None  # f does not take these values
        if not is_double:
            return None  # rounding hides what a step changes
        expected = float((g * direction).sum())
        size = max(abs(expected), abs(float(slope.values)))
        slack = 1e-3 * size + 10 * float(slope.error) + 100 * rounding
        if not np.isfinite(expected) or not abs(expected - slope.values) > slack:
            return None
        text = (
            "a part of what leads from it to the result is cut off: the gradients that come back "
            f"explain a change of {expected:.3g} for a small step, but the result changes by "
            f"{float(slope.values):.3g}"
        )
        return _not_connected(f, arguments, k, text)

    checked = [explain(ends[node], g) for node, g in gradients.items()]
    return [wrong for wrong in checked if wrong is not None]


def _replaced(arguments: list[Any], position: int, value: Any) -> list[Any]:
    return [*arguments[:position], value, *arguments[position + 1 :]]


def _reached(results: tuple[Tensor, ...]) -> set[Node]:
    """Return all nodes that gradients flow to from the results."""
    waiting: list[Any] = [r._node for r in results if r.requires_grad]
    reached: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if node in reached:
            continue
        reached.add(node)
        # After a backward inside of f nothing is saved any more.
        reads = node.saved or node.parents
        waiting += [
            parent
            for parent, read in zip(node.parents, reads)
            if read is not None and getattr(parent, "needs_grad", False)
        ]
    return reached
