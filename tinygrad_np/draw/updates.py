"""What an optimizer did to each parameter, for the step-through page."""

from __future__ import annotations

import ast
import copy
import inspect
from typing import TYPE_CHECKING, Any

from .rules import lines_that_run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..autograd import Node
    from ..recorder import Record, Update, UpdateRule

__all__ = ["rule_text", "updates_after_backward"]


def updates_after_backward(record: Record, ids: Mapping[Node, int]) -> list[Update]:
    """The first write to each leaf of a graph after backward went through that graph."""
    last = max((k for k, flow in enumerate(record.flows) if flow.node in ids), default=None)
    found: dict[Node, Update] = {}
    for update in record.updates:
        if update.node in ids and last is not None and update.flows > last:
            found.setdefault(update.node, update)
    return list(found.values())


def rule_text(rule: UpdateRule, name: str) -> dict[str, Any]:
    """The lines of an optimizer's rule that ran for the parameter `name`, and what they read.

    The rule's `return change, *state` is written as what the optimizer does with it: the change
    is subtracted from the parameter, and the state kept.
    """
    function = rule.function
    optimizer = getattr(function, "__self__", None)
    statements = lines_that_run(function, {**rule.values, "self": optimizer})
    own = _OwnNames(rule, optimizer)
    statements = [own.visit(copy.deepcopy(s)) for s in statements]
    lines: list[str] = []
    for statement in statements:
        if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Tuple):
            change, *state = statement.value.elts
            kept = zip(rule.state, map(ast.unparse, state))
            lines += [f"{n} = {new}" for n, new in kept if n != new]
            if isinstance(change, ast.UnaryOp) and isinstance(change.op, ast.USub):
                lines.append(f"{name} += {ast.unparse(change.operand)}")
            else:
                lines.append(f"{name} -= {ast.unparse(change)}")
        else:
            lines.append(ast.unparse(statement))
    numbers = {k: v for k, v in rule.values.items() if isinstance(v, (int, float))} | own.read
    read = {n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name)}
    doc = inspect.cleandoc(type(optimizer).__doc__ or "")
    return {
        "by": repr(optimizer),
        "doc": doc.partition("\n\nArgs:")[0].replace("\n\n", "\n"),
        "numpy": lines,
        "reads": [
            [k, f"{v:.6g}" if isinstance(v, float) else repr(v)]
            for k, v in numbers.items()
            if k in read
        ],
        "note": rule.note,
    }


class _OwnNames(ast.NodeTransformer):
    """Writes `eps` for `self.eps`, and `m` for `state[0]`; `read` has what was found so."""

    def __init__(self, rule: UpdateRule, optimizer: Any) -> None:
        code = rule.function.__code__
        rest = code.co_argcount + code.co_kwonlyargcount
        takes_rest = code.co_flags & inspect.CO_VARARGS
        self.state = list(rule.state)
        self.state_argument = code.co_varnames[rest] if takes_rest else None
        self.optimizer = optimizer
        self.read: dict[str, Any] = {}

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        value = getattr(self.optimizer, node.attr, None)
        of_self = isinstance(node.value, ast.Name) and node.value.id == "self"
        if not of_self or not isinstance(value, (int, float, tuple)):
            return node
        self.read[node.attr] = value
        return ast.Name(node.attr)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        of_state = isinstance(node.value, ast.Name) and node.value.id == self.state_argument
        which = node.slice.value if of_state and isinstance(node.slice, ast.Constant) else None
        if isinstance(which, int) and which < len(self.state):
            return ast.Name(self.state[which])
        return node
