"""The errors of backward: which op failed, for which input, and the user's line that called it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .node import Node

__all__ = ["graph_freed", "rule_failed"]


def rule_failed(node: Node, position: int, error: Exception) -> Exception:
    """Make the error for a rule that raised one; an error that explains itself stays as it is."""
    if getattr(error, "explains_itself", False):
        return error
    assert node.op is not None
    where = f" (made at {node.place[0]}:{node.place[1]})" if node.place else ""
    text = f"the rule of {node.op.name} for its input {node.op.input_name(position)!r}{where}"
    return RuntimeError(f"{text} failed: {type(error).__name__}: {error}")


def graph_freed(node: Node) -> RuntimeError:
    """Make the error for a second backward through arrays that the first one has freed."""
    assert node.op is not None
    where = f" at {node.place[0]}:{node.place[1]}" if node.place else ""
    return RuntimeError(
        f"backward ran through this graph before, and the arrays saved by {node.op.name}{where} "
        "were freed then. Compute the loss again before calling backward again, or pass "
        "retain_graph=True to the first call."
    )
