"""nn: layers, losses, optimizers and training on top of tinygrad_np.

    import nn

    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    history = nn.fit(model, X, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=100)

`from tinygrad_np import nn` gives this same package.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from tinygrad_np import shorten_traceback as _shorten_traceback
from tinygrad_np import shorten_tracebacks as _shorten_tracebacks

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
from .callbacks import Callback, EarlyStopping, LiveCurve
from .checkpoints import Checkpoint
from .containers import Lambda, ModuleDict, ModuleList, Sequential
from .convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from .history import History
from .layers import (
    Dense,
    Dropout,
    Dropout1d,
    Dropout2d,
    Embedding,
    Linear,
    regularization_loss,
)
from .likelihoods import cross_entropy, gaussian_nll_loss, kl_div, nll_loss, poisson_nll_loss
from .loss_layers import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    GaussianNLLLoss,
    HingeEmbeddingLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MarginRankingLoss,
    MSELoss,
    NLLLoss,
    PoissonNLLLoss,
    SmoothL1Loss,
    TripletMarginLoss,
)
from .losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_crossentropy,
    huber_loss,
    l1_loss,
    mae_loss,
    mse_loss,
    smooth_l1_loss,
)
from .margins import (
    CosineSimilarity,
    cosine_embedding_loss,
    cosine_similarity,
    hinge_embedding_loss,
    margin_ranking_loss,
    triplet_margin_loss,
)
from .metrics import accuracy, binary_accuracy, mae, mse, perplexity, r2, rmse, top_k_accuracy
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
from .optimizer_base import Optimizer
from .optimizers import (
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    NAdam,
    RAdam,
    RMSprop,
)
from .pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    Flatten,
    MaxPool1d,
    MaxPool2d,
    Unflatten,
)
from .recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell
from .resizing import Upsample, interpolate
from .run import Run
from .scores import confusion_matrix, f1, precision, recall, roc_auc
from .training import evaluate, fit
from .whole_epoch import over_epoch

if _TYPE_CHECKING:
    from . import data, distributions
    from .averaging import EMA
    from .clipping import clip_grad_norm_, clip_grad_value_
    from .lbfgs import LBFGS
    from .plateau import ReduceLROnPlateau
    from .pure_functions import (
        OptimizerState,
        PureOptimizer,
        apply_updates,
        functional_call,
        pure,
        ravel,
    )
    from .rate_finder import LearningRates, find_lr
    from .saving import Saved, load, save
    from .schedules import (
        ConstantLR,
        CosineAnnealingLR,
        CosineAnnealingWarmRestarts,
        ExponentialLR,
        InverseTimeDecay,
        LinearLR,
        MultiStepLR,
        OneCycleLR,
        PolynomialLR,
        SequentialLR,
        StepLR,
    )

__all__ = [
    "CELU",
    "ELU",
    "EMA",
    "GELU",
    "GLU",
    "GRU",
    "LBFGS",
    "LSTM",
    "RNN",
    "SELU",
    "SGD",
    "AdaGrad",
    "Adadelta",
    "Adam",
    "AdamW",
    "Adamax",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "Callback",
    "Checkpoint",
    "ConstantLR",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "Dense",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "EarlyStopping",
    "Embedding",
    "ExponentialLR",
    "Flatten",
    "GRUCell",
    "GaussianNLLLoss",
    "GroupNorm",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "History",
    "HuberLoss",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InverseTimeDecay",
    "KLDivLoss",
    "L1Loss",
    "LSTMCell",
    "Lambda",
    "LayerNorm",
    "LeakyReLU",
    "LearningRates",
    "Linear",
    "LinearLR",
    "Lion",
    "LiveCurve",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiStepLR",
    "MultiheadAttention",
    "NAdam",
    "NLLLoss",
    "OneCycleLR",
    "Optimizer",
    "OptimizerState",
    "PReLU",
    "Parameter",
    "PoissonNLLLoss",
    "PolynomialLR",
    "PureOptimizer",
    "RAdam",
    "RMSNorm",
    "RMSprop",
    "RNNCell",
    "ReLU",
    "ReLU6",
    "ReduceLROnPlateau",
    "Run",
    "Saved",
    "Sequential",
    "SequentialLR",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Softsign",
    "StepLR",
    "Tanh",
    "TransformerDecoderLayer",
    "TransformerEncoderLayer",
    "TripletMarginLoss",
    "Unflatten",
    "Upsample",
    "accuracy",
    "apply_updates",
    "binary_accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_crossentropy",
    "clip_grad_norm_",
    "clip_grad_value_",
    "confusion_matrix",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "data",
    "distributions",
    "evaluate",
    "f1",
    "find_lr",
    "fit",
    "functional_call",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "init",
    "interpolate",
    "kl_div",
    "l1_loss",
    "load",
    "mae",
    "mae_loss",
    "margin_ranking_loss",
    "mse",
    "mse_loss",
    "nll_loss",
    "nnfs",
    "over_epoch",
    "perplexity",
    "poisson_nll_loss",
    "precision",
    "pure",
    "r2",
    "ravel",
    "recall",
    "regularization_loss",
    "rmse",
    "roc_auc",
    "save",
    "smooth_l1_loss",
    "top_k_accuracy",
    "triplet_margin_loss",
]


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
