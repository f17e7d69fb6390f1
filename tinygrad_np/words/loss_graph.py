"""`LossGraph`: the computation of a loss as `lint` reads it, and the ops that `lint` knows.

The mistakes that it looks for are about particular operations: their names stand here, and nowhere
else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.node import Node
from .text import count_text, list_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .evidence import Evidence

__all__ = ["LossGraph", "is_op", "origin", "parents"]  # and the groups, read as loss_graph.SUMS

Group = tuple[str, ...]  # names of ops

LOSSES_OF_LOGITS: Group = ("cross_entropy", "binary_cross_entropy_with_logits")
SOFTMAXES: Group = ("softmax",)
SIGMOIDS: Group = ("sigmoid",)
SATURATING: Group = ("sigmoid", "tanh")
RECTIFIERS: Group = ("relu",)
MAXIMUM: Group = ("maximum",)
LOGARITHMS: Group = ("log", "log2", "log10")
LOG_PLUS_ONE: Group = ("log1p",)
EXPONENTIALS: Group = ("exp", "exp2", "expm1")
NEGATIONS: Group = ("negative",)
NEVER_POSITIVE: Group = ("minimum", "clip", "subtract")  # as the argument of an exponential
SUBTRACTIONS: Group = ("subtract",)
ADDITIONS: Group = ("add",)
SUMS: Group = ("sum",)
QUOTIENTS: Group = ("divide",)
RECIPROCALS: Group = ("reciprocal",)
SELECTIONS: Group = ("where",)
PRODUCTS: Group = ("matmul", "contract", "conv2d", "conv_transpose2d")
# Where prediction and target meet, element by element.
MEETINGS: Group = ("subtract", "multiply", "divide", "abs", "maximum", "minimum")
# What gives a column or a row on purpose.
UNSQUEEZES: Group = ("expand_dims", "getitem", "reshape", "broadcast_to", "transpose")

# The same numbers, or some of them, in another arrangement.
_REARRANGEMENTS: Group = (
    "reshape",
    "getitem",
    "squeeze",
    "expand_dims",
    "transpose",
    "astype",
    "copy",
    "take",
    "take_along_axis",
    "broadcast_to",
)

MOST_NAMES = 4  # of the parameters in one sentence


class LossGraph(NamedTuple):
    """The computation that led to a loss.

    Attributes:
        root: the node of the loss.
        nodes: those that it was computed from, oldest first, and itself.
        evidence: names and values.
        model: the `nn.Module`, or None.
    """

    root: Node
    nodes: list[Node]
    evidence: Evidence
    model: Any

    def calls(self, group: Group | None = None) -> Iterator[Node]:
        """Yield the nodes of all calls, or of those of the ops in a group."""
        for node in self.nodes:
            if node.op is not None and (group is None or node.op.name in group):
                yield node

    def names(self, nodes: Sequence[Node]) -> str:
        """Return the names of some parameters; of many, the first ones and a count."""
        names = list(map(self.evidence.called, nodes))
        if len(names) > MOST_NAMES:
            first = names[: MOST_NAMES - 1]
            rest = len(names) - len(first)
            names = [*first, count_text(rest, "other parameter")]
        return list_text(names)


def is_op(node: Any, group: Group) -> bool:
    """Return True for the result of an op of this group."""
    return isinstance(node, Node) and node.op is not None and node.op.name in group


def parents(node: Node) -> list[Node]:
    """Return the inputs of a node that are nodes, and not numbers."""
    return [parent for parent in node.parents if isinstance(parent, Node)]


def origin(node: Any) -> Any:
    """Return the node that computed these numbers, before they were only rearranged."""
    while is_op(node, _REARRANGEMENTS):
        node = node.parents[0]
    return node
