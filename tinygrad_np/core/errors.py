"""The errors of backward: which op failed, for which input, and the user's line that called it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .callsite import INSIDE, line_of
from .node import Flat

if TYPE_CHECKING:
    from .node import Node, Shape


def misfit(gradient: Shape, shape: Shape, result: Shape | None) -> ValueError:
    """Make the error for a gradient whose shape belongs neither to a value nor to a result."""
    text = f"a gradient of shape {gradient} does not belong to an input of shape {shape}"
    return ValueError(text if result is None else f"{text}, nor to a result of shape {result}")


def rule_failed(node: Node, position: int, error: Exception) -> Exception:
    """Make the error for a rule that raised one; an error that explains itself stays as it is."""
    if getattr(error, "explains_itself", False):
        return error
    op = node.op
    assert op is not None
    rules = tuple(op.rule.values())
    code = getattr(rules[0 if op.variadic else position], "__code__", None)
    places = []
    if node.place:
        places.append(f"made at {node.place[0]}:{node.place[1]}")
    if code is not None and not INSIDE[code.co_filename]:
        places.append(f"the rule stands at {code.co_filename}:{code.co_firstlineno}")
    where = f" ({', '.join(places)})" if places else ""
    text = f"the rule of {op.name} for its input {op.input_name(position)!r}{where}"
    failure = RuntimeError(f"{text} failed: {type(error).__name__}: {error}")
    failure.is_internal = code is None or INSIDE[code.co_filename]  # type: ignore[attr-defined]
    return failure


def no_seed(title: str) -> ValueError:
    """Make the error for a backward from many numbers without a gradient of theirs."""
    return ValueError(
        f"backward() of {title} needs gradient=, an array of its shape: only a Tensor with one "
        "element has an obvious gradient, 1. Did you forget .sum() or .mean()?"
    )


def not_frozen(title: str) -> RuntimeError:
    """Make the error for a result of an operation that is told to need no gradient."""
    return RuntimeError(
        f"requires_grad of {title} can't be switched off, it is the result of an operation: use "
        ".detach() for a Tensor cut off from the graph"
    )


def no_gradient(title: str, node: Node | None) -> RuntimeError:
    """Make the error for a backward from where no gradient flows anywhere."""
    reason = flat_reason(node)
    if reason is None:
        reason = (
            "was not computed from any Tensor with requires_grad=True. Is all of it frozen, or was "
            "the graph cut on the way (.numpy(), .detach(), no_grad())?"
        )
    return RuntimeError(f"backward() has nothing to do: {title} {reason}")


def flat_reason(node: Node | None) -> str | None:
    """Say through which step function a value was computed; None if through none."""
    if not isinstance(node, Flat):
        return None
    op, code, lasti = node.cause
    call = f"{getattr(op, 'name', op)} at {code.co_filename}:{line_of(code, lasti)}"
    forward_code = getattr(getattr(op, "forward", None), "__code__", None)
    if forward_code is None or INSIDE[forward_code.co_filename]:
        return f"was computed through {call}, whose derivative is zero everywhere"
    return f"was computed through {call}, which has no rule, or gives no floats"


def graph_freed(node: Node) -> RuntimeError:
    """Make the error for a second backward through arrays that the first one has freed."""
    assert node.op is not None
    where = f" at {node.place[0]}:{node.place[1]}" if node.place else ""
    return RuntimeError(
        f"backward ran through this graph before, and the arrays saved by {node.op.name}{where} "
        "were freed then. Compute the loss again before calling backward again, or pass "
        "retain_graph=True to the first call."
    )


def cut_gradient(title: str) -> TypeError:
    """Make the error for a Tensor made of one that needs a gradient."""
    return TypeError(
        f"Tensor({title}) would cut the gradient: use the Tensor itself, or .detach() to cut it on "
        "purpose"
    )


def other_shape(title: str, shape: Shape, gradient: Shape) -> ValueError:
    """Make the error for the gradient of a value that has not its shape."""
    return ValueError(f"gradient must have the shape of {title}, {shape}, not {gradient}")


def not_copied(title: str) -> RuntimeError:
    """Make the error for a copy of a recorded result."""
    return RuntimeError(
        f"{title} is the result of an operation, and its graph can't be copied or pickled: use "
        ".detach() first"
    )


def other_gradient(title: str, array: Any, gradient: Any) -> Exception:
    """Make the error for a `.grad` that is no Tensor of its value's shape and dtype."""
    if not hasattr(gradient, "requires_grad"):
        return TypeError(f"grad must be a Tensor or None, not {type(gradient).__name__}")
    expected = f"grad must be {array.shape} {array.dtype} like {title}"
    return ValueError(f"{expected}, not {gradient.shape} {gradient.dtype}")
