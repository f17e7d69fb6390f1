"""The operations that `lint` knows by name, and how it finds its way between them.

Its findings are about particular operations: which ones stands here, and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ADDS",
    "EXPONENTIALS",
    "LOGARITHMS",
    "LOG_PLUS_ONE",
    "MAXIMUM",
    "MEETINGS",
    "NEGATIONS",
    "NEVER_POSITIVE",
    "PRODUCTS",
    "QUOTIENTS",
    "RECIPROCALS",
    "RECTIFIERS",
    "SATURATING",
    "SELECTIONS",
    "SIGMOIDS",
    "SOFTMAXES",
    "SUBTRACTS",
    "SUMS",
    "TAKES_LOGITS",
    "UNSQUEEZES",
    "is_op",
    "origin",
    "parents",
]

TAKES_LOGITS = ("cross_entropy", "binary_cross_entropy_with_logits")  # as their first input
SOFTMAXES = ("softmax",)
SIGMOIDS = ("sigmoid",)
SATURATING = ("sigmoid", "tanh")
RECTIFIERS = ("relu",)
MAXIMUM = ("maximum",)
LOGARITHMS = ("log", "log2", "log10")
LOG_PLUS_ONE = ("log1p",)
EXPONENTIALS = ("exp", "exp2", "expm1")
NEGATIONS = ("negative",)
NEVER_POSITIVE = ("minimum", "clip", "subtract")  # what bounds the argument of an exponential
SUBTRACTS = ("subtract",)
ADDS = ("add",)
SUMS = ("sum",)
QUOTIENTS = ("divide",)
RECIPROCALS = ("reciprocal",)
SELECTIONS = ("where",)
PRODUCTS = ("matmul", "contract", "conv2d", "conv_transpose2d")
# Where prediction and target meet, element by element.
MEETINGS = ("subtract", "multiply", "divide", "abs", "maximum", "minimum")
# What gives a column or a row on purpose.
UNSQUEEZES = ("expand_dims", "getitem", "reshape", "broadcast_to", "transpose")

# The same numbers, or some of them, in another arrangement.
_REARRANGE = (
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


def is_op(node: Any, names: tuple[str, ...]) -> bool:
    """Whether a node is the result of one of these ops."""
    return isinstance(node, Node) and node.op is not None and node.op.name in names


def parents(node: Node) -> Iterator[Node]:
    """The inputs of a node that are nodes, and not numbers."""
    return (parent for parent in node.parents if isinstance(parent, Node))


def origin(node: Any) -> Any:
    """What computed the numbers of a node, before they were only rearranged."""
    while is_op(node, _REARRANGE):
        node = node.parents[0]
    return node
