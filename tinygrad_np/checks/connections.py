"""Connections that `check_backward` looks for: inputs that no gradient, or not all of it, reaches.

No rule is wrong then, but an op was not recorded: a value went through `.detach()`, `.data`,
`no_grad()` or plain NumPy. It shows where the results change though the gradients do not say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.backward import backward_to
from ..core.tensor import Tensor, node_of, wrap
from ..transforms.subgraph import path_to
from .diagnosis import Mistake
from .differences import one_sided, signed_weights
from .values import is_float, same

if TYPE_CHECKING:
    from ..core.node import Node

_LOOK_FOR = (
    "Every op that was recorded is right; look for .detach(), .data, no_grad(), or an op without "
    "any rule"
)


class Wrong(NamedTuple):
    """A mistake, and the sentence that says whose it is."""

    whose: str
    mistake: Mistake


def results_of(f: Any, arguments: list[Any]) -> tuple[Tensor, ...]:
    """Call `f` and return its results as a tuple.

    Raises:
        TypeError: one of them is no Tensor of floats.
    """
    out = f(*arguments)
    results = out if isinstance(out, tuple) else (out,)
    for r in results:
        if not isinstance(r, Tensor) or r.dtype.kind != "f":
            raise TypeError(f"check_backward needs f to return a Tensor of floats, not {r!r}")
    return results


def cut_inputs(
    f: Any, arguments: list[Any], results: tuple[Tensor, ...], rng: np.random.Generator
) -> list[Wrong]:
    """Find the inputs that the results depend on in more ways than gradients come back."""
    return _unreached(f, arguments, results, rng) or _partly_cut(f, arguments, results, rng)


def _not_connected(position: int, text: str) -> Wrong:
    mistake = Mistake("not connected", f"{text}. {_LOOK_FOR}")
    return Wrong(f"input {position} of f is not connected", mistake)


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
            wrong.append(_not_connected(k, text))
    return wrong


def _partly_cut(
    f: Any, arguments: list[Any], results: tuple[Tensor, ...], rng: np.random.Generator
) -> list[Wrong]:
    """Find the inputs whose gradients explain only a part of how the results change."""
    ends = {node_of(x): k for k, x in enumerate(arguments) if is_float(x)}
    weights = [rng.uniform(0.5, 1.5, r.shape) for r in results]

    def weighed(results: tuple[Tensor, ...]) -> float:
        return sum(float((r.data * w).sum()) for r, w in zip(results, weights))

    here = weighed(results)
    seeds: dict[Node, Any] = {}
    for r, w in zip(results, weights):
        if r.requires_grad:
            node = node_of(r)
            seeds[node] = seeds.get(node, 0) + w
    if weighed(results_of(f, arguments)) != here or any(node.saved is None for node in seeds):
        return []  # random, or it went backward itself
    path = path_to(ends, seeds, min((node.serial for node in ends), default=0))
    gradients = backward_to(ends, path, seeds, retain_graph=True, create_graph=False, lift=wrap)

    def explain(k: int, g: np.ndarray) -> Wrong | None:
        """Compare the change that a gradient explains with the real one, for a small step."""
        x = arguments[k].data
        step = 1e-6 * np.maximum(1.0, np.abs(x)) * signed_weights(rng, x.shape)

        def line(distance: float) -> float:
            moved = Tensor(x + distance * step)
            return weighed(results_of(f, _replaced(arguments, k, moved)))

        with np.errstate(all="ignore"):
            slopes = one_sided(line, here, 1.0)
        expected = float((g * step).sum())
        # At a kink the slopes on the two sides differ, and a rule may choose one between.
        low, high = sorted(slopes)
        steepest = max(abs(low), abs(high), abs(expected))
        slack = 1e-3 * steepest + 1e-9 * max(1.0, abs(here))
        if not np.isfinite([low, high, expected]).all() or low - slack <= expected <= high + slack:
            return None
        text = (
            "a part of what leads from it to the result is cut off: the gradients that come back "
            f"explain a change of {expected:.3g} for a small step, but the result changes by "
            f"{(low + high) / 2:.3g}"
        )
        return _not_connected(k, text)

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
