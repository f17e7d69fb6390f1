"""Names of PyTorch and Keras that `nn` does not have, and what to write here."""

from __future__ import annotations

import tinygrad_np as tg

NAMES = {
    # --- other spellings
    "categorical_cross_entropy": "nn.cross_entropy (of logits), or nn.categorical_crossentropy",
    # --- other places
    "Adagrad": "nn.AdaGrad",
    "ChainedScheduler": "a * b, the product of two schedules",
    "Model": "nn.Module",
    "RMSProp": "nn.RMSprop",
    "AveragedModel": "nn.EMA(model, decay)",
    "functional": "tinygrad_np, which has the functions",
    "LambdaLR": "lr=f in the optimizer, with a function f of the number of steps",
    "lr_scheduler": "lr=nn.StepLR(0.1, step_size=30) in the optimizer: the schedules are here",
    "utils": "nn.clip_grad_norm_ and the like: they are here",
    "optim": "nn.SGD and the like: the optimizers are here",
}


def missing_name(name: str) -> Exception:
    """Make the error for a name that `nn` does not have, with what to write if that is known."""
    instead = NAMES.get(name)
    if instead is None and callable(getattr(tg, name, None)):
        instead = f"tinygrad_np.{name}"
    return tg.missing_name("nn", name, instead and f"write {instead}")
