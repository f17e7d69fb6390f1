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
