"""nn: layers, losses, optimizers and training on top of tinygrad_np.

    import nn

    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    history = nn.fit(model, X, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=100)

`from tinygrad_np import nn` gives this same package.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import init, nnfs
from .activations import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    Identity,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from .attention import MultiheadAttention, TransformerDecoderLayer, TransformerEncoderLayer
from .containers import Lambda, ModuleDict, ModuleList, Sequential
from .convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from .layers import (
    Dense,
    Dropout,
    Dropout1d,
    Dropout2d,
    Embedding,
    Linear,
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
from .normalization import (
    BatchNorm1d,
    BatchNorm2d,
    GroupNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    LayerNorm,
    RMSNorm,
)
from .optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSprop
from .pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    Flatten,
    MaxPool1d,
    MaxPool2d,
    Unflatten,
    Upsample,
)
from .recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell
from .schedules import InverseTimeDecay
from .training import History, evaluate, fit

if _TYPE_CHECKING:
    from . import distributions
    from .functional import (
        OptimizerState,
        PureOptimizer,
        apply_updates,
        functional_call,
        pure,
        ravel,
    )
    from .saving import Saved, load, save

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Dense",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GroupNorm",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "History",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InverseTimeDecay",
    "LSTMCell",
    "Lambda",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "Optimizer",
    "OptimizerState",
    "PReLU",
    "Parameter",
    "PureOptimizer",
    "RMSNorm",
    "RMSprop",
    "RNNCell",
    "ReLU",
    "ReLU6",
    "Saved",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "TransformerDecoderLayer",
    "TransformerEncoderLayer",
    "Unflatten",
    "Upsample",
    "accuracy",
    "apply_updates",
    "binary_accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_crossentropy",
    "cross_entropy",
    "distributions",
    "evaluate",
    "fit",
    "functional_call",
    "init",
    "load",
    "mae_loss",
    "mse_loss",
    "nnfs",
    "pure",
    "ravel",
    "regularization_loss",
    "save",
]


# What takes long to import, and few programs use: the module of each name.
_LAZY = {
    "OptimizerState": "functional",
    "PureOptimizer": "functional",
    "Saved": "saving",
    "apply_updates": "functional",
    "distributions": "",
    "functional_call": "functional",
    "load": "saving",
    "pure": "functional",
    "ravel": "functional",
    "save": "saving",
}


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        import importlib

        module = importlib.import_module(f".{_LAZY[name] or name}", __name__)
        globals()[name] = value = getattr(module, name) if _LAZY[name] else module
        return value
    from .foreign_names import missing_name

    raise missing_name(name)
