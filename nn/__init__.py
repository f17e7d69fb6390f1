"""nn: layers, losses, optimizers and training on top of tinygrad_np.

    import nn

    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    history = nn.fit(model, X, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=100)

`from tinygrad_np import nn` gives this same package.
"""

from typing import Any as _Any

from . import init, nnfs
from .containers import Lambda, ModuleDict, ModuleList, Sequential
from .layers import (
    Dense,
    Dropout,
    Linear,
    LogSoftmax,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    regularization_loss,
)
from .losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_crossentropy,
    cross_entropy,
    mae_loss,
    mse_loss,
)
from .metrics import accuracy, binary_accuracy
from .module import Buffer, Module, Parameter
from .optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSprop
from .saving import Saved, load, save
from .schedules import InverseTimeDecay
from .training import History, evaluate, fit

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Buffer",
    "Dense",
    "Dropout",
    "History",
    "InverseTimeDecay",
    "Lambda",
    "Linear",
    "LogSoftmax",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Optimizer",
    "Parameter",
    "RMSprop",
    "ReLU",
    "Saved",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "accuracy",
    "binary_accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_crossentropy",
    "cross_entropy",
    "evaluate",
    "fit",
    "init",
    "load",
    "mae_loss",
    "mse_loss",
    "nnfs",
    "regularization_loss",
    "save",
]


def __getattr__(name: str) -> _Any:
    from .foreign_names import missing_name

    raise missing_name(name)
