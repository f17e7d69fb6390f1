"""Parameters of layers written by hand, found by the gradients that stand beside them.

`dweights` beside `weights`, `dW` beside `W`, `d_b`, `grad_b` or `b_grad` beside `b`, `grads["W"]`
beside `params["W"]`; in the layer itself and in the objects, dicts and lists that it is made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PATTERNS = ("d{}", "d_{}", "grad_{}", "{}_grad")
_COLLECTIONS = {"params": "grads", "parameters": "gradients"}
_PLAIN = (np.ndarray, np.generic, np.random.Generator, str, bytes, int, float, complex, type)
_DEEPEST = 4

Path = tuple[Any, ...]


class Parameter(NamedTuple):
    """An array of a layer, and the place of its gradient.

    Attributes:
        path: attributes, and keys in brackets, that lead to it from the layer.
        gradient_path: the same for its gradient.
    """

    path: Path
    gradient_path: Path

    @property
    def name(self) -> str:
        return _text(self.path)

    @property
    def gradient(self) -> str:
        return _text(self.gradient_path)

    def get(self, layer: Any) -> Any:
        return _follow(layer, self.path)

    def get_gradient(self, layer: Any) -> Any:
        return _follow(layer, self.gradient_path)

    def set(self, layer: Any, value: Any) -> None:
        owner = _follow(layer, self.path[:-1])
        last = self.path[-1]
        if isinstance(owner, (dict, list)):
            owner[last] = value
        else:
            setattr(owner, last, value)


def _text(path: Path) -> str:
    text = ""
    for k, step in enumerate(path):
        is_key = k > 0 and (isinstance(step, int) or path[k - 1] in _ALL_COLLECTIONS)
        text += f"[{step!r}]" if is_key else f".{step}" if text else str(step)
    return text


_ALL_COLLECTIONS = {*_COLLECTIONS, *_COLLECTIONS.values()}


def _follow(owner: Any, path: Path) -> Any:
    for step in path:
        items = namespace(owner)
        owner = items.get(step) if items is not None else None
    return owner


def namespace(owner: Any) -> dict[Any, Any] | None:
    """Return what an object, dict or list has, by name, key or index; None for plain values."""
    if isinstance(owner, dict):
        return owner
    if isinstance(owner, (list, tuple)):
        return dict(enumerate(owner))
    if isinstance(owner, _PLAIN) or not hasattr(owner, "__dict__") or callable(owner):
        return None
    return vars(owner)


def _owners(owner: Any, path: Path = (), seen: set[int] | None = None) -> Iterator[Any]:
    """Yield the layer and all that it is made of, each object once, with their paths."""
    seen = set() if seen is None else seen
    items = namespace(owner)
    if items is None or id(owner) in seen or len(path) > _DEEPEST:
        return
    seen.add(id(owner))
    yield path, items
    for name, value in list(items.items()):
        yield from _owners(value, (*path, name), seen)


def is_floats(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f"


def pairs(layer: Any) -> Iterator[Parameter]:
    """Yield the arrays that have a gradient beside them, by its name alone."""
    for path, items in _owners(layer):
        for name, value in items.items():
            if isinstance(name, str) and is_floats(value) and name not in _INPUTS:
                gradients = [pattern.format(name) for pattern in _PATTERNS]
                usual = f"d{name}" if name in _EXPECTED else None
                found = next((g for g in gradients if g in items), usual)
                if found is not None and found not in _INPUTS:
                    yield Parameter((*path, name), (*path, found))
            if name in _COLLECTIONS and _COLLECTIONS[name] in items:
                grads = _COLLECTIONS[name]
                beside = namespace(items[grads]) or {}
                for key, one in (namespace(value) or {}).items():
                    own = next((k for k in (key, f"d{key}") if k in beside), None)
                    if own is not None and is_floats(one):
                        yield Parameter((*path, name, key), (*path, grads, own))


def strays(layer: Any, parameters: Iterable[Parameter]) -> list[str]:
    """Return the gradients of a layer after its backward that belong to no parameter."""
    known = {parameter.gradient_path for parameter in parameters}
    names = []
    for path, items in _owners(layer):
        for name, value in items.items():
            is_gradient = isinstance(name, str) and name[:1] == "d" and is_floats(value)
            if not is_gradient or name in _INPUTS or (*path, name) in known:
                continue
            own = name[1:].lstrip("_")
            if own in items or own in _USUAL:
                names.append(_text((*path, name)))
    return names


_INPUTS = ("inputs", "input", "x", "X", "dinputs", "dinput", "dx", "dX", "dvalues", "dout")
_EXPECTED = ("weights", "biases")  # parameters whose gradients must be there

# Parameters that are known by their names, also where only the gradient is there.
_USUAL = ("weights", "biases", "weight", "bias", "gamma", "beta", "W", "b", "w")
