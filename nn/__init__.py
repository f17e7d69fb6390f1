"""nn: layers, losses, optimizers and training on top of tinygrad_np.

    import nn

    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    history = nn.fit(model, X, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=100)

`from tinygrad_np import nn` gives this same package.
"""

from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from tinygrad_np import shorten_traceback as _shorten_traceback
from tinygrad_np import shorten_tracebacks as _shorten_tracebacks

from . import init, nnfs
from .containers import *
from .layers.activations import *
from .layers.attention import *
from .layers.basics import *
from .layers.convolution import *
from .layers.normalization import *
from .layers.pooling import *
from .layers.recurrent import *
from .layers.resizing import *
from .losses.likelihoods import *
from .losses.loss_layers import *
from .losses.margins import *
from .losses.pointwise import *
from .module import *
from .optimizers.base import *
from .optimizers.rules import *
from .training.callbacks import *
from .training.checkpoints import *
from .training.history import *
from .training.loop import *
from .training.metrics import *
from .training.run import *
from .training.scores import *
from .training.whole_epoch import *

if _TYPE_CHECKING:
    from . import data as data
    from . import distributions as distributions
    from .numpy_files import *
    from .onnx_files import *
    from .optimizers.averaging import *
    from .optimizers.clipping import *
    from .optimizers.lbfgs import *
    from .optimizers.plateau import *
    from .optimizers.schedules import *
    from .pure_functions import *
    from .saving import *
    from .torch_weights import *
    from .training.rate_finder import *


# What takes long to import, and few programs use: the module of each name.
_LAZY = {
    "ConstantLR": "optimizers.schedules",
    "CosineAnnealingLR": "optimizers.schedules",
    "CosineAnnealingWarmRestarts": "optimizers.schedules",
    "EMA": "optimizers.averaging",
    "ExponentialLR": "optimizers.schedules",
    "InverseTimeDecay": "optimizers.schedules",
    "LBFGS": "optimizers.lbfgs",
    "LearningRates": "training.rate_finder",
    "LinearLR": "optimizers.schedules",
    "LoadedWeight": "torch_weights",
    "MultiStepLR": "optimizers.schedules",
    "OneCycleLR": "optimizers.schedules",
    "OptimizerState": "pure_functions",
    "PolynomialLR": "optimizers.schedules",
    "PureOptimizer": "pure_functions",
    "ReduceLROnPlateau": "optimizers.plateau",
    "Saved": "saving",
    "SequentialLR": "optimizers.schedules",
    "StepLR": "optimizers.schedules",
    "apply_updates": "pure_functions",
    "clip_grad_norm_": "optimizers.clipping",
    "clip_grad_value_": "optimizers.clipping",
    "data": "",
    "distributions": "",
    "export_numpy": "numpy_files",
    "export_onnx": "onnx_files",
    "find_lr": "training.rate_finder",
    "functional_call": "pure_functions",
    "load": "saving",
    "load_torch": "torch_weights",
    "pure": "pure_functions",
    "ravel": "pure_functions",
    "save": "saving",
    "to_torch": "torch_weights",
}


# What the modules above call public, these modules themselves, and the lazy ones.
__all__ = ["init", "nnfs", *_LAZY]
__all__ += [
    name
    for name, value in globals().items()
    if not name.startswith("_") and not isinstance(value, _ModuleType)
]

_shorten_tracebacks(globals(), [name for name in __all__ if name not in _LAZY])
_shorten_tracebacks(vars(init), init.__all__)
_shorten_tracebacks(vars(nnfs), nnfs.__all__)


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        import importlib

        module = importlib.import_module(f".{_LAZY[name] or name}", __name__)
        if _LAZY[name]:
            globals()[name] = getattr(module, name)
            _shorten_tracebacks(globals(), [name])
        else:
            globals()[name] = module
            _shorten_tracebacks(vars(module), module.__all__)
        return globals()[name]
    from .foreign_names import missing_name

    try:
        raise missing_name(name)
    except (AttributeError, ImportError) as error:
        _shorten_traceback(error)
        raise
