"""PyTorch's weights: into a model of `nn`, and out of one.

Names of parameters and buffers are PyTorch's, and so are their layouts, but for the products of
dense, recurrent and attention layers: there `nn` has (in, out), as the book, and PyTorch (out, in).
Each class of layers says which of its parameters these are (`Module.torch_transposed`); a shape or
a name decides nothing, for a square weight fits both ways.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_np import Tensor, Text, no_grad

from .module import Module, evaluation
from .saving import Saved, load
from .torch_layouts import (
    check_layers,
    check_settings,
    check_ties,
    entries,
    is_of_torch,
    transposed_tensors,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    Arrays = dict[str, np.ndarray]
    Given = dict[str, tuple[str, np.ndarray]]  # PyTorch's name and the array, by the name here
    Rename = Mapping[str, str | None] | Callable[[str], str | None] | None

__all__ = ["LoadedWeight", "load_torch", "to_torch"]

TOLERANCE = 1e-4  # of the largest element of an output that is compared


class LoadedWeight(NamedTuple):
    """One array that `load_torch` took over.

    Attributes:
        name: its name in the model.
        torch_name: its name in PyTorch's state.
        shape: its shape in the model.
        change: what was done to it, such as "transposed"; "" for nothing.
    """

    name: str
    torch_name: str
    shape: tuple[int, ...]
    change: str


class LoadedWeights(list):
    """The list of `load_torch`; it prints as a table."""

    def __repr__(self) -> str:
        rows = [(w.name, w.torch_name, str(w.shape), w.change or "as it is") for w in self]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return Text("\n".join(lines))


def load_torch(
    model: Module,
    source: Any,
    rename: Rename = None,
    check: tuple[Any, Any] | None = None,
) -> LoadedWeights:
    """Give a model the weights of a PyTorch model of the same layers.

        nn.load_torch(model, torch_model)
        nn.load_torch(model, "model.safetensors", rename={"fc1.": "0.", "fc2.": "2."})

    The weights of `Linear`, recurrent layers and the products of attention are transposed, all
    others taken as they are. Of a PyTorch module the settings of layers are compared too, such as
    eps, strides and the number of heads. Nothing changes unless everything fits.

    Args:
        model: a Module whose parameters and buffers have PyTorch's names, or get them by `rename`.
        source: a PyTorch module, its `state_dict()` (of PyTorch's tensors or of arrays), or the
            path of a file of one: .safetensors (needs the package safetensors), .pt or .pth (needs
            PyTorch; only weights are read), .npz.
        rename: beginnings of PyTorch's names and what stands in their place here, the longest
            that fits; or a function of a name. None in place of a name leaves the array out.
        check: (x, y), inputs (an array, or a tuple of them) and PyTorch's output for them in
            evaluation mode. The model's own may differ by 1e-4 of the largest element of y.

    Returns:
        A list with a `LoadedWeight` for each array; it prints as a table.

    Raises:
        KeyError: arrays that are missing, or that the model does not have.
        TypeError: no model, no source, or values that the model's dtype can't hold.
        ValueError: another shape or setting, a broken file, a file of other programs, or an output
            that is not `check`'s.
        ImportError, OSError: the file can't be read.
    """
    if not isinstance(model, Module):
        raise TypeError(f"load_torch(model, source) fills an nn.Module, not one {_kind(model)}")
    if check is not None and not (isinstance(check, tuple) and len(check) == 2):
        raise TypeError(f"check must be (x, y), inputs and PyTorch's output, not {_kind(check)}")
    check_ties(model)
    own = model._state()
    given = _without_aliases(model, own, _renamed(_state(source), rename))
    _check_names(own, given)
    if hasattr(source, "named_modules"):
        matrices = {name: theirs for name, (theirs, array) in given.items() if array.ndim == 2}
        check_layers(model, source, matrices)
    transposed = transposed_tensors(model)
    weights, values = LoadedWeights(), {}
    for name, (torch_name, array) in given.items():
        value, change = _converted(array, name in transposed)
        if value.shape != own[name].shape:
            raise ValueError(
                f"{name} has shape {own[name].shape}, but PyTorch's {torch_name} has "
                f"{array.shape}" + (f", which is {value.shape} here" if change else "")
            )
        values[name] = value
        weights.append(LoadedWeight(name, torch_name, value.shape, change))
    if hasattr(source, "named_modules"):
        owners = {_owner(name): _owner(theirs) for name, (theirs, _) in given.items()}
        same = {} if rename else {path: path for path, _ in model.named_modules()}
        check_settings(model, source, same | owners)
    before = model.state_dict()
    model.load_state_dict(values)
    if check is not None:
        try:
            _check_output(model, *check)
        except BaseException:
            model.load_state_dict(before)
            raise
    return weights


def to_torch(model: Module) -> dict[str, np.ndarray]:
    """Return a model's parameters and buffers as PyTorch lays them out.

        state = {name: torch.from_numpy(array) for name, array in nn.to_torch(model).items()}
        torch_model.load_state_dict(state)

    Returns:
        Contiguous copies for the PyTorch model of the same layers, by name; of what is shared, by
        each of its names.

    Raises:
        ValueError: a parameter of two layers that PyTorch holds transposed in one of them.
    """
    check_ties(model)
    transposed, state = transposed_tensors(model), model.state_dict()
    first_names = {id(tensor): name for name, tensor in model._state().items()}
    return {
        name: np.array(_converted(state[first_names[id(tensor)]], name in transposed)[0], order="C")
        for name, tensor, _ in entries(model)
        if id(tensor) in first_names
    }


# --- what a source says ---------------------------------------------------------------------------


def _state(source: Any) -> Arrays:
    """Return the arrays of a module, a state or a file by PyTorch's names."""
    name = "the state"
    if isinstance(source, (str, os.PathLike)):
        name, source = str(source), _read(Path(source))
    elif isinstance(source, Module):
        raise TypeError(
            f"{type(source).__name__} is a model of nn: model.load_state_dict(it.state_dict())"
        )
    elif hasattr(source, "state_dict"):
        source = source.state_dict()
    if isinstance(source, Saved):
        _check_origin(name, source)
    if not isinstance(source, Mapping):
        raise TypeError(
            "the source must be a PyTorch module, its state_dict() or a path, not one "
            f"{_kind(source)}"
        )
    return {name: _array(name, value) for name, value in source.items()}


def _read(path: Path) -> Mapping[str, Any]:
    if path.suffix in (".npz", ".safetensors"):
        return load(path)
    if path.suffix not in (".pt", ".pth", ".bin"):
        raise ValueError(
            f"the name of the file must end in .safetensors, .pt, .pth or .npz: {path}"
        )
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"{path} can be read by PyTorch alone; in a .safetensors file the same weights can "
            "be read without it: safetensors.torch.save_file(torch_model.state_dict(), path)"
        ) from error
    with path.open("rb"):
        pass  # the usual errors where there is no such file
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever damaged bytes, or pickled code, make of it
        raise ValueError(f"{path} holds no state that can be read safely: {error}") from error


def _check_origin(name: str, saved: Saved) -> None:
    """Raise for the content of a file whose layout is another one than PyTorch's."""
    if saved.checked:
        raise ValueError(f"{name} was written by nn.save: nn.load(path, model)")
    if saved.origin not in ("", "PyTorch"):
        raise ValueError(
            f"{name} is of {saved.origin}, which lays weights out in its own way: give a dict of "
            "arrays as PyTorch has them"
        )


def _array(name: str, value: Any) -> np.ndarray:
    """Return PyTorch's tensor, or an array, as an array."""
    if is_of_torch(value):
        value = value.detach().cpu()
        small = str(value.dtype).startswith(("torch.bfloat16", "torch.float8"))
        value = value.float() if small else value
    elif isinstance(value, Tensor):
        return value.numpy()
    elif not isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(
            f"{name} is {_kind(value)}, not an array. A state has arrays by their full names; a "
            "file may hold it beside other things: give that part alone"
        )
    return np.asarray(value)


def _renamed(state: Arrays, rename: Rename) -> Given:
    """Return PyTorch's names and the arrays by the names that they get here."""
    if isinstance(rename, Mapping):
        unused = [start for start in rename if not any(name.startswith(start) for name in state)]
        if unused:
            raise KeyError(f"rename: no name begins with {unused[0]!r}; there are {_listed(state)}")
        function = _prefixes(rename)
    else:
        function = rename or (lambda name: name)
    given: Given = {}
    for torch_name, array in state.items():
        name = function(torch_name)
        if name is None:
            continue
        if name in given:
            raise ValueError(f"rename: {given[name][0]} and {torch_name} are both {name}")
        given[name] = torch_name, array
    return given


def _prefixes(table: Mapping[str, str | None]) -> Callable[[str], str | None]:
    """Make the function that replaces the longest beginning of a name that the table has."""
    starts = sorted(table, key=len, reverse=True)

    def function(name: str) -> str | None:
        for start in starts:
            if name.startswith(start):
                new = table[start]
                return None if new is None else new + name.removeprefix(start)
        return name

    return function


# --- what the model says --------------------------------------------------------------------------


def _without_aliases(model: Module, own: Mapping[str, Tensor], given: Given) -> Given:
    """Leave out further names of parameters that the model shares, as PyTorch lists them all."""
    first_names = {id(tensor): name for name, tensor in own.items()}
    single: Given = {}
    for name, (torch_name, array) in given.items():
        first = first_names.get(id(_attribute(model, name)), name)
        known = single.setdefault(first, (torch_name, array))[1]
        if known is not array and not np.array_equal(known, array):
            raise ValueError(
                f"{first} and {name} are one parameter of the model, but two different arrays of "
                "the state"
            )
    return single


def _owner(name: str) -> str:
    """Return the path of the module that has a parameter."""
    return name.rpartition(".")[0]


def _attribute(module: Any, name: str) -> Any:
    """Return what a module has by a dotted name; None for nothing."""
    for part in name.split("."):
        module = vars(module).get(part) if isinstance(module, Module) else None
    return module


def _converted(array: np.ndarray, transposed: bool) -> tuple[np.ndarray, str]:
    """Return an array in the other layout, and what was done to it."""
    return (array.T, "transposed") if transposed and array.ndim == 2 else (array, "")


# --- what does not fit ----------------------------------------------------------------------------


def _check_names(own: Mapping[str, Any], given: Given) -> None:
    missing = [name for name in own if name not in given]
    unknown = [name for name in given if name not in own]
    if missing or unknown:
        raise KeyError(
            f"the state does not fit: missing {_listed(missing) or 'nothing'}; unknown "
            f"{_listed(unknown) or 'nothing'}{_remedy(list(own), list(given))}"
        )


def _remedy(own: list[str], given: list[str]) -> str:
    """Say what to write if it is certain."""
    parts = {part for name in given for part in name.split(".")}
    for part, call in _MADE_WEIGHTS.items():
        if part in parts:
            return (
                ". Such a weight is made of several arrays; in PyTorch, "
                f"torch.nn.utils.{call} makes it one"
            )
    for longer, shorter in ((given, own), (own, given)):
        start = longer[0].removesuffix(shorter[0]) if longer and shorter else ""
        if start and [start + name for name in shorter] == longer:
            table = {start: ""} if longer is given else {"": start}
            return f". Write rename={table}"
    return (
        ". rename={'fc.': '0.', 'head.': None} says which names of PyTorch's stand for which here, "
        "and which are left out"
    )


_MADE_WEIGHTS = {  # parts of names, and what makes one array of several
    "parametrizations": "parametrize.remove_parametrizations(layer, 'weight')",
    "weight_g": "remove_weight_norm(layer)",
    "weight_u": "remove_spectral_norm(layer)",
    "weight_mask": "prune.remove(layer, 'weight')",
}


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _check_output(model: Module, x: Any, y: Any) -> None:
    """Raise if the model's outputs for x are not y."""
    with evaluation(model), no_grad():
        outputs = model(*(x if isinstance(x, tuple) else (x,)))
    own, theirs = _arrays(outputs), _arrays(y)
    if len(own) != len(theirs):
        raise ValueError(f"check: the model returns {len(own)} arrays, PyTorch {len(theirs)}")
    for output, wanted in zip(own, theirs):
        if output.shape != wanted.shape:
            raise ValueError(
                f"check: the model's output has shape {output.shape}, PyTorch's {wanted.shape}"
            )
        difference = abs(output - wanted)
        if np.all(difference <= TOLERANCE * np.max(abs(wanted), initial=0)):
            continue
        place = np.unravel_index(np.argmax(difference), difference.shape)
        raise ValueError(
            f"check: the model's output at {list(map(int, place))} is {output[place]:.6g}, "
            f"PyTorch's {wanted[place]:.6g}. Nothing was loaded: the models differ in more than "
            "their weights"
        )


def _arrays(outputs: Any) -> list[np.ndarray]:
    """Return the arrays of an output, or of the tuples that it is."""
    if isinstance(outputs, (tuple, list)):
        return [array for part in outputs for array in _arrays(part)]
    return [] if outputs is None else [_array("check", outputs)]


def _kind(value: Any) -> str:
    return f"of type {type(value).__name__}"
