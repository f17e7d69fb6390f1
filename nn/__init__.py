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
from .activations import *
from .attention import *
from .callbacks import *
from .checkpoints import *
from .containers import *
from .convolution import *
from .history import *
from .layers import *
from .likelihoods import *
from .loss_layers import *
from .losses import *
from .margins import *
from .metrics import *
from .module import *
from .normalization import *
from .optimizer_base import *
from .optimizers import *
from .pooling import *
from .recurrent import *
from .resizing import *
from .run import *
from .scores import *
from .training import *
from .whole_epoch import *

if _TYPE_CHECKING:
    from . import data as data
    from . import distributions as distributions
    from .averaging import *
    from .clipping import *
    from .lbfgs import *
    from .plateau import *
    from .pure_functions import *
    from .rate_finder import *
    from .saving import *
    from .schedules import *


# What takes long to import, and few programs use: the module of each name.
_LAZY = {
    "ConstantLR": "schedules",
    "CosineAnnealingLR": "schedules",
    "CosineAnnealingWarmRestarts": "schedules",
    "EMA": "averaging",
    "ExponentialLR": "schedules",
    "InverseTimeDecay": "schedules",
    "LBFGS": "lbfgs",
    "LearningRates": "rate_finder",
    "LinearLR": "schedules",
    "MultiStepLR": "schedules",
    "OneCycleLR": "schedules",
    "OptimizerState": "pure_functions",
    "PolynomialLR": "schedules",
    "PureOptimizer": "pure_functions",
    "ReduceLROnPlateau": "plateau",
    "Saved": "saving",
    "SequentialLR": "schedules",
    "StepLR": "schedules",
    "apply_updates": "pure_functions",
    "clip_grad_norm_": "clipping",
    "clip_grad_value_": "clipping",
    "data": "",
    "distributions": "",
    "find_lr": "rate_finder",
    "functional_call": "pure_functions",
    "load": "saving",
    "pure": "pure_functions",
    "ravel": "pure_functions",
    "save": "saving",
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
