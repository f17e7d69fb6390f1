"""Names of PyTorch and Keras that `nn` does not have, and what to write here."""

from __future__ import annotations

import tinygrad_np as tg

__all__ = ["missing_name"]

NAMES = {
    # --- losses are functions
    "CrossEntropyLoss": "nn.cross_entropy, a function of (logits, target)",
    "MSELoss": "nn.mse_loss, a function of (output, target)",
    "L1Loss": "nn.mae_loss, a function of (output, target)",
    "BCELoss": "nn.binary_cross_entropy, a function of (output, target)",
    "BCEWithLogitsLoss": "nn.binary_cross_entropy_with_logits, a function of (logits, target)",
    "NLLLoss": "tinygrad_np.nll_loss, a function of (log_probs, target)",
    "l1_loss": "nn.mae_loss",
    "categorical_cross_entropy": "nn.cross_entropy (of logits), or nn.categorical_crossentropy",
    # --- Sequential takes functions
    "ELU": "tinygrad_np.elu, also as a layer of nn.Sequential",
    "GELU": "tinygrad_np.gelu, also as a layer of nn.Sequential",
    "Hardtanh": "tinygrad_np.hardtanh, also as a layer of nn.Sequential",
    "LeakyReLU": "tinygrad_np.leaky_relu, also as a layer of nn.Sequential",
    "Mish": "tinygrad_np.mish, also as a layer of nn.Sequential",
    "SELU": "tinygrad_np.selu, also as a layer of nn.Sequential",
    "SiLU": "tinygrad_np.silu, also as a layer of nn.Sequential",
    "Softplus": "tinygrad_np.softplus, also as a layer of nn.Sequential",
    "Softsign": "tinygrad_np.softsign, also as a layer of nn.Sequential",
    "Identity": "lambda x: x, also as a layer of nn.Sequential",
    "Flatten": "lambda x: x.reshape(len(x), -1), also as a layer of nn.Sequential",
    # --- layers that are written with an op
    "Conv1d": "a Module with a weight, whose forward calls tinygrad_np.conv1d",
    "Conv2d": "a Module with a weight, whose forward calls tinygrad_np.conv2d",
    "ConvTranspose2d": "a Module with a weight, whose forward calls tinygrad_np.conv_transpose2d",
    "AvgPool2d": "a function of x that calls tinygrad_np.avg_pool2d",
    "MaxPool2d": "a function of x that calls tinygrad_np.max_pool2d",
    "BatchNorm1d": "a Module whose forward calls tinygrad_np.batch_norm",
    "BatchNorm2d": "a Module whose forward calls tinygrad_np.batch_norm",
    "LayerNorm": "a Module whose forward calls tinygrad_np.layer_norm",
    "Embedding": "a Module with a weight, whose forward calls tinygrad_np.embedding",
    # --- other places
    "Adagrad": "nn.AdaGrad",
    "Model": "nn.Module",
    "RMSProp": "nn.RMSprop",
    "functional": "tinygrad_np, which has the functions",
    "optim": "nn.SGD and the like: the optimizers are here",
}


def missing_name(name: str) -> AttributeError:
    """Make the error for a name that `nn` does not have, with what to write if that is known."""
    text = f"module 'nn' has no attribute {name!r}"
    instead = NAMES.get(name)
    if instead is None and callable(getattr(tg, name, None)):
        instead = f"tinygrad_np.{name}"
    if instead is None:
        return AttributeError(text)
    return AttributeError(f"{text}: write {instead}", name="")  # a name would add Python's guess
