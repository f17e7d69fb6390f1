"""`LossGraph`: the computation of a loss as `lint` reads it, and the ops that `lint` knows.

The mistakes that it looks for are about particular operations: their names stand here, and nowhere
else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.node import Leaf, Node
from ..core.tensor import node_of
from .text import count_text, list_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .evidence import Evidence

Group = tuple[str, ...]  # names of ops

LOSSES_OF_LOGITS: Group = ("cross_entropy", "binary_cross_entropy_with_logits")
LOSSES_OF_CLASSES: Group = ("cross_entropy",)
SOFTMAXES: Group = ("softmax",)
LOG_SOFTMAXES: Group = ("log_softmax",)
SIGMOIDS: Group = ("sigmoid",)
SATURATING: Group = ("sigmoid", "tanh")
LIMITS: Group = ("clip", "hardtanh", "hardsigmoid")
RECTIFIERS: Group = ("relu",)
LIMITING: Group = ("relu", "tanh", "softplus")
MAXIMUM: Group = ("maximum",)
LOGARITHMS: Group = ("log", "log2", "log10")
LOG_PLUS_ONE: Group = ("log1p",)
EXPONENTIALS: Group = ("exp", "exp2", "expm1")
NEGATIONS: Group = ("negative",)
NEVER_POSITIVE: Group = ("minimum", "clip", "subtract")  # as the argument of an exponential
SUBTRACTIONS: Group = ("subtract",)
ADDITIONS: Group = ("add",)
SUMS: Group = ("sum",)
AVERAGES: Group = ("mean", "sum")
MULTIPLICATIONS: Group = ("multiply",)
POWERS: Group = ("power",)
NORMALISATIONS: Group = ("standardize", "layer_norm")
QUOTIENTS: Group = ("divide",)
RECIPROCALS: Group = ("reciprocal",)
SELECTIONS: Group = ("where",)
PICKS: Group = ("getitem", "take_along_axis", "take")
PRODUCTS: Group = ("matmul", "contract", "conv2d", "conv_transpose2d")
MATRIX_PRODUCTS: Group = ("matmul",)
# What an activation can give.
NOT_NEGATIVE: Group = ("relu", "softplus")
SHARES: Group = ("sigmoid", "softmax", "hardsigmoid")
SIGNED_SHARES: Group = ("tanh", "hardtanh")
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

    def leaves(self) -> list[Leaf]:
        """Return the leaves that the loss was computed from: of a given model, its parameters."""
        leaves = [node for node in self.nodes if isinstance(node, Leaf)]
        if self.model is None:
            return leaves
        own = set(self.parameters())
        return [leaf for leaf in leaves if leaf in own]

    def parameters(self) -> list[Node]:
        """Return the nodes of the model's parameters, of no model none."""
        return [] if self.model is None else [node_of(p) for _, p in self.model.named_parameters()]

    def hidden(self) -> set[Node]:
        """Return the nodes that a product with a parameter follows."""
        nodes: set[Node] = set()
        for node in reversed(self.evidence.order):
            operands = parents(node)
            weighted = any(isinstance(operand, Leaf) for operand in operands)
            if node in nodes or (weighted and is_op(node, PRODUCTS)):
                nodes.update(operands)
        return nodes

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


def is_layer(node: Any) -> bool:
    """Return True for the result of a product with a parameter, with or without a bias."""
    source = origin(node)
    if is_op(source, ADDITIONS):
        source, *others = sorted(parents(source), key=lambda parent: isinstance(parent, Leaf))
        if not others or not isinstance(others[0], Leaf):
            return False
    weights = parents(source) if is_op(source, PRODUCTS) else []
    return any(isinstance(weight, Leaf) for weight in weights)


def beside_number(node: Any, group: tuple[str, ...]) -> Node | None:
    """Return x of `x + 1`, `1 - x` and the like."""
    operands = parents(node) if is_op(node, group) else []
    return operands[0] if len(operands) == 1 else None
