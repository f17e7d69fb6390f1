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

__all__ = ["check_layers", "check_layout", "is_of_torch", "says_no_layout", "transposed_tensors"]

OUT_FIRST = ("Linear", "RNNBase", "RNNCellBase", "MultiheadAttention")  # PyTorch's (out, in)


def transposed_tensors(model: Module) -> dict[str, Tensor]:
    """Return the parameters by name that PyTorch holds transposed."""
    return {
        name: tensor for name, tensor, layer in _entries(model) if _says_transposed(layer, name)
    }


def _entries(model: Module) -> Iterator[tuple[str, Tensor, Module]]:
    """Yield the name of each Tensor of a model, the Tensor, and the module that has it."""
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, Tensor):
                yield (f"{path}.{name}" if path else name), value, module


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
    for name, _, layer in _entries(model):
        torch_name = matrices.get(name)
        if torch_name is None:
            continue
        twin = twins.get(torch_name.rpartition(".")[0])
        transposed, out_first = _says_transposed(layer, name), _is_out_first(twin)
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
