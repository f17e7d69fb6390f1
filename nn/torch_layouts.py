"""The layouts of weights, here and in PyTorch: which parameters are transposed, and what shows it.

A shape or a name decides nothing, for a square weight fits both ways. Each class of layers says
which of its parameters PyTorch holds transposed (`Module.torch_transposed`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .module import Module

__all__ = [
    "check_layers",
    "check_layout",
    "check_settings",
    "check_ties",
    "entries",
    "is_of_torch",
    "says_no_layout",
    "transposed_tensors",
]

OUT_FIRST = ("Linear", "RNNBase", "RNNCellBase", "MultiheadAttention")  # PyTorch's (out, in)
FOR_TRAINING = ("dropout", "inplace", "momentum", "p", "padding_idx", "training")  # settings
ABSENT = {"add_zero_attn": False, "divisor_override": None, "max_norm": None}  # as `nn` has it


def transposed_tensors(model: Module) -> dict[str, Tensor]:
    """Return the parameters by all of their names that PyTorch holds transposed."""
    said = {id(tensor) for name, tensor, layer in entries(model) if _says_transposed(layer, name)}
    return {name: tensor for name, tensor, _ in entries(model) if id(tensor) in said}


def entries(
    module: Module, path: str = "", outer: tuple[Module, ...] = ()
) -> Iterator[tuple[str, Tensor, Module]]:
    """Yield the name of each Tensor of a model, the Tensor, and the module that has it.

    What is shared comes under each of its names, as in PyTorch's state_dict().
    """
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            yield path + name, value, module
    for name, child in module._entries():
        if not any(child is one for one in (*outer, module)):
            yield from entries(child, f"{path}{name}.", (*outer, module))


def _says_transposed(layer: Module, name: str) -> bool:
    # A recurrent layer's parameters end in their number and direction.
    own_name = re.sub(r"_l\d+(_reverse)?$", "", name.rpartition(".")[2])
    return own_name in (layer.torch_transposed or ())


def is_of_torch(value: Any) -> bool:
    """Say if a value is one of PyTorch's tensors."""
    return type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach")


def check_layers(model: Module, torch_model: Any, matrices: Mapping[str, str]) -> None:
    """Raise where a layer and its twin in PyTorch may lay out a matrix in other ways.

    A layer of other libraries may hold (in, out), as the Conv1D of transformers does; and a layer
    of one's own, in the place of a Linear, may hold either.

    Args:
        model, torch_model: the modules of both.
        matrices: names of arrays of two axes in the model, and in PyTorch.

    Raises:
        TypeError: names both layers, and says what to write.
    """
    twins = dict(torch_model.named_modules(remove_duplicate=False))
    own = transposed_tensors(model)
    for name, _, layer in entries(model):
        torch_name = matrices.get(name)
        if torch_name is None:
            continue
        twin = twins.get(torch_name.rpartition(".")[0])
        transposed, out_first = name in own, _is_out_first(twin)
        if transposed == out_first or (out_first and layer.torch_transposed is not None):
            continue
        kind, own_name = type(layer).__name__, name.rpartition(".")[2]
        remedy = "give a state in which this array is (out, in)"
        if out_first:
            remedy = (
                f"{kind}.torch_transposed = ({own_name!r},) says that it is transposed here, () "
                "that it is not"
            )
        raise TypeError(
            f"{torch_name} is of a {type(twin).__name__}, {name} of a {kind}, which may lay it out "
            f"in another way: {remedy}"
        )


def _is_out_first(module: Any) -> bool:
    """Say if a module is one of PyTorch's layers whose matrices are (out, in)."""
    return any(
        kind.__module__.startswith("torch.nn.modules") and kind.__name__ in OUT_FIRST
        for kind in type(module).__mro__
    )


def check_settings(model: Module, torch_model: Any, names: Mapping[str, str]) -> None:
    """Raise where a layer makes something else of the same weights than its twin in PyTorch.

    Args:
        model, torch_model: the modules of both.
        names: paths of modules of the model, and in PyTorch.

    Raises:
        ValueError: names the layer, and the setting that differs.
    """
    twins = dict(torch_model.named_modules(remove_duplicate=False))
    for path, layer in model.named_modules():
        twin = twins.get(names.get(path, ""))
        if not type(twin).__module__.startswith("torch.nn.modules"):
            continue
        for name, theirs in vars(twin).items():
            own_name = {"dim": "axis"}.get(name, name)
            own = getattr(layer, own_name, ABSENT.get(name, theirs))
            if name not in FOR_TRAINING and not _alike(own, theirs):
                raise ValueError(
                    f"{path or type(layer).__name__}: {own_name} is {own!r} here, but {theirs!r} "
                    f"in PyTorch's {type(twin).__name__}: it would make something else of the same "
                    "weights. Make them alike; or give torch_model.state_dict(), which has no "
                    "settings to compare"
                )


def _alike(own: Any, theirs: Any) -> bool:
    """Say if two settings are the same, as far as both are plain and of one kind."""
    plain = bool, int, float, str, tuple, type(None)
    if not isinstance(own, plain) or not isinstance(theirs, plain):
        return True
    if isinstance(own, str) != isinstance(theirs, str):  # padding="same", or its number
        return True
    own, theirs = _single(own), _single(theirs)
    if type(own) is int and type(theirs) is int and (own < 0) != (theirs < 0):
        return True  # axes, counted from the end and from the beginning
    return own == theirs or not (own or theirs)


def _single(value: Any) -> Any:
    """Return a tuple of equal numbers as that number."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def check_ties(model: Module) -> None:
    """Raise for a parameter of several layers that PyTorch holds transposed in some of them alone.

    Raises:
        ValueError: names both places.
    """
    said: dict[int, tuple[str, bool]] = {}
    for name, tensor, layer in entries(model):
        if layer.torch_transposed is None or tensor.ndim != 2:
            continue
        transposed = _says_transposed(layer, name)
        first, before = said.setdefault(id(tensor), (name, transposed))
        if transposed != before:
            raise ValueError(
                f"{first} and {name} are one parameter, but PyTorch holds the weight of one of "
                "these layers transposed: tied there, they are each other's transposes here. "
                "Instead: one layer, and a product with its weight.T in the place of the other"
            )


def check_layout(model: Module, state: Mapping[str, Any]) -> None:
    """Raise for a state that PyTorch laid out, as far as can be seen.

    Raises:
        TypeError: tensors of PyTorch for what is transposed here.
        ValueError: an array that fits transposed alone.
    """
    for name, tensor in transposed_tensors(model).items():
        if name not in state:
            continue
        value, shape = state[name], tensor.shape
        if is_of_torch(value):
            raise TypeError(
                f"{name} is PyTorch's, which has the transpose of it: nn.load_torch(model, state) "
                "turns it round"
            )
        if np.shape(value) == shape[::-1] != shape:
            raise ValueError(
                f"{name} has shape {shape}, but the state has {shape[::-1]}. If PyTorch wrote it, "
                "nn.load_torch(model, state) turns it round"
            )


def says_no_layout(model: Module) -> bool:
    """Say if the shapes of a model's weights fit PyTorch's layout as well as that of `nn`."""
    shapes = [tensor.shape for tensor in transposed_tensors(model).values()]
    return bool(shapes) and all(shape == shape[::-1] for shape in shapes)
