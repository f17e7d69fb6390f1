"""Names of PyTorch, Keras and the book that `nn` does not have, and what to write here."""

from __future__ import annotations

from typing import Any

import tinygrad_np as tg

NAMES = {
    # --- other spellings
    "categorical_cross_entropy": "nn.cross_entropy (of logits), or nn.categorical_crossentropy",
    # --- other places
    "Adagrad": "nn.AdaGrad",
    "ChainedScheduler": "a * b, the product of two schedules",
    "DataLoader": "nn.data.batches(X, y, batch_size)",
    "Dataset": "nn.data.batches(X, y, batch_size), of arrays",
    "Model": "nn.Module, or nn.Sequential(layers)",
    "RMSProp": "nn.RMSprop",
    "TensorDataset": "nn.data.batches(X, y, batch_size)",
    "TransformerDecoder": "nn.ModuleList of nn.TransformerDecoderLayer",
    "TransformerEncoder": "nn.Sequential of nn.TransformerEncoderLayer",
    "AveragedModel": "nn.EMA(model, decay)",
    "functional": "tinygrad_np, which has the functions; nn has the losses",
    "LambdaLR": "lr=f in the optimizer, with a function f of the number of steps",
    "lr_scheduler": "lr=nn.StepLR(0.1, step_size=30) in the optimizer: the schedules are here",
    "utils": "nn.clip_grad_norm_ and the like: they are here",
    "optim": "nn.SGD and the like: the optimizers are here",
    # --- the book's
    "Accuracy_Categorical": "nn.accuracy",
    "Activation_Linear": "nothing: a model may end in nn.Linear",
    "Activation_ReLU": "nn.ReLU",
    "Activation_Sigmoid": "nn.Sigmoid",
    "Activation_Softmax": "nn.Softmax",
    "Activation_Softmax_Loss_CategoricalCrossentropy": "nn.cross_entropy(logits, y)",
    "Layer_Dense": "nn.Linear",
    "Layer_Dropout": "nn.Dropout",
    "Loss_BinaryCrossentropy": "nn.binary_cross_entropy(probs, y)",
    "Loss_CategoricalCrossentropy": "nn.categorical_crossentropy(probs, y)",
    "Loss_MeanAbsoluteError": "nn.mae_loss(output, y)",
    "Loss_MeanSquaredError": "nn.mse_loss(output, y)",
    "Optimizer_Adagrad": "nn.AdaGrad",
    "Optimizer_Adam": "nn.Adam",
    "Optimizer_RMSprop": "nn.RMSprop",
    "Optimizer_SGD": "nn.SGD",
    "spiral_data": "nn.data.spiral",
}

_ONE_DEVICE = "leave it out: arrays are always in the memory of the CPU"

MEMBERS = {
    # --- the book's
    "backward": "write loss.backward()",
    "biases": "write layer.bias",
    "dbiases": "write layer.bias.grad",
    "dinputs": "call retain_grad() on what goes in before loss.backward(), then read its grad",
    "dweights": "write layer.weight.grad",
    "output": "write output = layer(x)",
    "weights": "write layer.weight",
    "add": "write nn.Sequential(layers), all at once",
    "set": "give loss and optimizer to nn.fit",
    "finalize": "leave it out",
    "get_parameters": "write model.state_dict()",
    "set_parameters": "write model.load_state_dict(state)",
    "save_parameters": "write nn.save(model, path)",
    "load_parameters": "write nn.load(path, model)",
    "save": "write nn.save(model, path)",
    "load": "write nn.load(path, model)",
    "evaluate": "write nn.evaluate(model, X, y, loss=...)",
    "fit": "write nn.fit(model, X, y, loss=..., optimizer=..., epochs=...)",
    # --- PyTorch's
    "add_module": "write model.name = layer",
    "register_module": "write model.name = layer",
    "register_buffer": "write model.name = nn.Buffer(values)",
    "register_parameter": "write model.name = nn.Parameter(values)",
    "to": _ONE_DEVICE,
    "cpu": _ONE_DEVICE,
    "cuda": _ONE_DEVICE,
    "double": "give each layer dtype=np.float64",
    "float": "give each layer dtype=np.float32",
    "half": "give each layer dtype=np.float16",
}


class _ForeignMember:
    """A name that a Module does not have: reading it raises, and says what to write."""

    def __init__(self, name: str, instead: str) -> None:
        self.name = name
        self.instead = instead

    def __get__(self, module: Any, kind: type) -> Any:
        try:
            text = f"{kind.__name__} has no {self.name!r}: {self.instead}"
            raise AttributeError(text, name="")  # with a name Python would add a guess
        except AttributeError as error:
            tg.shorten_traceback(error)
            raise


class ForeignMembers:
    """The names that a Module does not have; one that has its own keeps it."""

    def __dir__(self) -> list[str]:
        """Return the names of the attributes that are there, for completion."""
        names = object.__dir__(self)
        return [name for name in names if name not in MEMBERS or hasattr(self, name)]


for _name, _instead in MEMBERS.items():
    setattr(ForeignMembers, _name, _ForeignMember(_name, _instead))


def missing_name(name: str) -> Exception:
    """Make the error for a name that `nn` does not have, with what to write if that is known."""
    instead = NAMES.get(name)
    if instead is None and callable(getattr(tg, name, None)):
        instead = f"tinygrad_np.{name}"
    return tg.missing_name("nn", name, instead and f"write {instead}")
