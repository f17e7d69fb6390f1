"""tinygrad_np: a computational-graph autodiff mini-framework in pure Python and NumPy.

import tinygrad_np as tg

w = tg.Tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).sum()
loss.backward()
print(w.grad)  # Tensor([2., 4.])
"""

from typing import Any as _Any

from .core.assigning import assign_all
from .core.doors import Number
from .core.exits import DetachedWarning
from .core.foreign_names import missing_name
from .core.modes import enable_grad, is_grad_enabled, no_grad
from .core.tensor import Tensor
from .core.tracebacks import shorten_traceback, shorten_tracebacks
from .ops import *  # noqa: F403
from .ops import __all__ as _ops
from .ops.mistakes import describe, describe_call

__version__ = "0.1.0"

# Tools that load on first use, so that `import tinygrad_np` stays fast.
_LAZY = {
    "CompileError": "compiler",
    "CompileWarning": "compiler",
    "Finding": "recording.findings",
    "GradcheckError": "checks.numeric",
    "Graph": "graphs.graph",
    "HandLayer": "checks.hand_layer",
    "Mistake": "checks.diagnosis",
    "PASSES": "compiler",
    "REORDERING_PASSES": "compiler",
    "Record": "recording.recorder",
    "Text": "core.printing",
    "check_backward": "checks.rules",
    "checkpoint": "transforms.checkpointing",
    "compile": "graphs.programs",
    "current_record": "recording.recorder",
    "debug": "checks.nans",
    "diagnose": "checks.diagnosis",
    "explain": "words",
    "export_numpy": "compiler.rows.export",
    "export_onnx": "compiler.onnx.export",
    "grad": "transforms.functions",
    "gradcheck": "checks.numeric",
    "graph": "graphs.gathering",
    "hessian": "transforms.jacobians",
    "hvp": "transforms.functions",
    "jacobian": "transforms.jacobians",
    "jvp": "transforms.functions",
    "linearize": "transforms.functions",
    "lint": "words",
    "ravel_tree": "transforms.vectors",
    "record": "recording.recorder",
    "slips": "checks.backward_slips",
    "stop_gradient": "transforms.functions",
    "value_and_grad": "transforms.functions",
    "vjp": "transforms.functions",
    "vmap": "transforms.batching",
    "why": "words",
}

__all__ = [
    "assign_all",
    "DetachedWarning",
    "Number",
    "Tensor",
    "__version__",
    "describe",
    "describe_call",
    "enable_grad",
    "is_grad_enabled",
    "missing_name",
    "no_grad",
    "shorten_traceback",
    "shorten_tracebacks",
    *_LAZY,
    *_ops,
]


shorten_tracebacks(globals(), [name for name in __all__ if name not in _LAZY])


def __getattr__(name: str) -> _Any:
    import importlib

    if name in _LAZY:
        globals()[name] = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
        shorten_tracebacks(globals(), [name])
    elif name == "nn":
        globals()[name] = _find_nn()
    else:
        from .ops.mistakes import missing_function

        try:
            raise missing_function(name)
        except (AttributeError, ImportError) as error:
            shorten_traceback(error)
            raise
    return globals()[name]


def _find_nn() -> _Any:
    """Import `nn`, after a look (without running it) whether it is ours.

    Raises:
        ImportError: another distribution's `nn` stands where ours should, or none does.
    """
    import importlib.util
    from pathlib import Path

    spec = importlib.util.find_spec("nn")
    file = Path(spec.origin) if spec is not None and spec.origin else None
    if file is None or "tinygrad_np" not in file.read_text(encoding="utf-8"):
        fault = f"found another package called nn at {file}" if file else "there is no package nn"
        raise ImportError(
            f"tinygrad_np.nn: {fault}. Reinstall tinygrad-np into a fresh virtual environment, "
            "without the unrelated distribution 'nn'."
        )
    return importlib.import_module("nn")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "nn"})
