"""tinygrad_np: a computational-graph autodiff mini-framework in pure Python and NumPy.

import tinygrad_np as tg

w = tg.Tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).sum()
loss.backward()
print(w.grad)  # Tensor([2., 4.])
"""

from typing import Any as _Any

from .modes import enable_grad, is_grad_enabled, no_grad
from .ops import *  # noqa: F403
from .ops import __all__ as _ops
from .ops.mistakes import describe, describe_call
from .state import Number
from .tensor import Tensor

__version__ = "0.1.0"

# Tools that load on first use, so that `import tinygrad_np` stays fast.
_LAZY = {
    "CompileError": "program",
    "CompileWarning": "program",
    "Finding": "words",
    "GradcheckError": "check",
    "Graph": "snapshot",
    "Mistake": "verdicts",
    "PASSES": "program",
    "REORDERING_PASSES": "program",
    "Record": "recorder",
    "check_backward": "rulecheck",
    "checkpoint": "checkpointing",
    "compile": "program",
    "current_record": "recorder",
    "debug": "debugging",
    "diagnose": "verdicts",
    "explain": "words",
    "grad": "transforms",
    "gradcheck": "check",
    "graph": "gathering",
    "hessian": "jacobians",
    "hvp": "transforms",
    "jacobian": "jacobians",
    "jvp": "transforms",
    "linearize": "transforms",
    "lint": "words",
    "record": "recorder",
    "stop_gradient": "transforms",
    "value_and_grad": "transforms",
    "vjp": "transforms",
    "why": "words",
}

__all__ = [
    "Number",
    "Tensor",
    "__version__",
    "describe",
    "describe_call",
    "enable_grad",
    "is_grad_enabled",
    "no_grad",
    *_LAZY,
    *_ops,
]


def __getattr__(name: str) -> _Any:
    import importlib

    if name in _LAZY:
        value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    elif name == "nn":
        from .companion import find_nn

        value = find_nn()
    else:
        raise AttributeError(f"module 'tinygrad_np' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "nn"})
