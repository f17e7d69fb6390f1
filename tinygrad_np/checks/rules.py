"""`check_backward`: find the rule that is wrong, and the kind of its mistake.

`gradcheck` says that the gradient of a function is wrong; this runs the function once, and
compares each rule of each op in it with finite differences of that op's own forward.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.callsite import short_place
from ..core.modes import enable_grad
from ..core.tensor import Tensor
from ..recording.recorder import record
from .connections import Wrong, cut_inputs, results_of
from .layers import check_layer
from .numeric import GradcheckError
from .op_calls import OpCall
from .values import as_double, is_float

if TYPE_CHECKING:
    from ..recording.recorder import Forward


def check_backward(f: Any, inputs: Any = (), *, seed: int = 0) -> bool:
    """Check the rules of every op that runs in `f`, one by one, and name the first wrong one.

    Args:
        f: a function of Tensors that returns a Tensor of floats, or a tuple of them; or a layer
            in the style of *Neural Networks from Scratch*: an object with `forward(inputs)` and
            `backward(dvalues)`, whose result is returned or left in `output`. Its gradients are
            `dinputs`, or what backward returns, and every array that stands beside a parameter:
            `dweights` beside `weights`, `dW`, `dgamma`, `grads["W"]` beside `params["W"]`. The
            object itself is left as it is. A loss takes `forward(predictions, targets)` and
            `backward(dvalues, targets)`, and what is checked is the gradient of its mean.
        inputs: the arguments of `f`. Floats are checked, as float64; the rest is handed on.
        seed: of the random incoming gradients.

    Each rule is given a random incoming gradient, so that a mistake shows that a plain sum at the
    end would hide. Elements at a kink of the forward are left out: there a rule may choose, but for
    nan and infinities; tied elements are moved together. If all are at kinks, the op is checked a
    little beside. Of an input with more than 256 elements, 128 are compared one by one, and the
    others in groups. A cause is named if it explains every number, at two random points.

    Returns:
        True; a wrong rule is an error. A gradient of a layer that no parameter was found for is
        named in a warning.

    Raises:
        GradcheckError: names the first op in the order of the forward pass that has a wrong rule,
            the line that called it, the input, and the cause. Its `kind` is that of `diagnose`.
        TypeError: `f` does not return Tensors of floats.
        ValueError: there is nothing to check, or a forward is random.
    """
    inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    rng = np.random.default_rng(seed)
    if hasattr(f, "forward") and hasattr(f, "backward"):
        return check_layer(f, inputs, rng)
    arguments = [Tensor(as_double(x), requires_grad=True) if is_float(x) else x for x in inputs]
    with enable_grad(), record() as run:
        results = results_of(f, arguments)
    wrong = [w for call in run.forward.values() for w in _wrong_rules(call, rng)]
    wrong = wrong or cut_inputs(f, arguments, results, rng)
    if wrong:
        raise _error(wrong)
    if not any(r.requires_grad for r in results):
        raise ValueError(
            "check_backward has nothing to check: no input of floats reaches the result of f"
        )
    return True


def _error(wrong: list[Wrong]) -> GradcheckError:
    first, *others = wrong
    text = f"{first.whose}: {first.mistake.text}"
    if others:
        more = dict.fromkeys(f"{other.whose} ({other.mistake.kind})" for other in others)
        text += f". And then {', '.join(more)}"
    return GradcheckError(text, first.mistake.kind)


def _wrong_rules(forward: Forward, rng: np.random.Generator) -> list[Wrong]:
    """Find the wrong rules of one call of an op."""
    # Python's own numbers stay what they are: rules may treat them in another way.
    operands = [
        as_double(operand) if is_float(operand) and type(operand) is not float else operand
        for operand in forward.operands
    ]
    node = forward.node
    assert node.op is not None
    wrong, undecided = OpCall(node.op, operands, forward.arguments, rng).mistakes(node)
    if undecided and not wrong:  # every element at a kink, such as relu of zeros
        beside = [a + _beside(a, rng) if isinstance(a, np.ndarray) else a for a in operands]
        try:
            wrong, _ = OpCall(node.op, beside, forward.arguments, rng).mistakes(node)
        except (ValueError, ArithmeticError):
            return []  # the op does not take these values
    return [Wrong(_whose(forward, position), mistake) for position, mistake in wrong]


def _whose(forward: Forward, position: int) -> str:
    """Name a wrong rule, the user's line and the input."""
    node, op = forward.node, forward.node.op
    assert op is not None
    rule = None if op.variadic else op.rules[position]
    name = op.input_name(position)
    where = f" at {short_place(node.place)}" if node.place else ""
    if rule is None and not op.variadic:
        return f"{op.name}{where} has no rule for its input {name!r}"
    return f"the rule of {op.name}{where} for its input {name!r} is wrong"


def _beside(a: np.ndarray, rng: np.random.Generator) -> Any:
    """Draw small steps away from zero, for floats."""
    if a.dtype.kind != "f":
        return np.zeros((), a.dtype)
    return np.where(a < 0, -1.0, 1.0) * rng.uniform(0.01, 0.1, a.shape)
