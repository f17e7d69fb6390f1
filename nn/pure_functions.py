"""Models and optimizers as functions of their parameters, for those who pass these around."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from .module import Buffer, Module, Parameter, as_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .optimizers.base import Optimizer

__all__ = ["OptimizerState", "PureOptimizer", "apply_updates", "functional_call", "pure", "ravel"]


def ravel(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Lay the parameters of a model end to end: `tinygrad_np.ravel_tree` of them by name.

        vector, unravel = nn.ravel(model)
        loss = lambda v: nn.mse_loss(nn.functional_call(model, unravel(v), X), y)

    Args:
        tree: a Module, or nested dicts, lists and tuples of arrays.

    Returns:
        The vector, of a Module without its graph; and the function that gives the dict or the
        tree of a vector.
    """
    if not isinstance(tree, Module):
        return tg.ravel_tree(tree)
    return tg.ravel_tree({name: p.numpy() for name, p in tree.named_parameters()})


def functional_call(model: Module, parameters: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
    """Call a model with other parameters or buffers than its own.

    Args:
        model: a Module; what is not named keeps its value.
        parameters: arrays or Tensors by dotted name; gradients flow to Tensors.
        *args, **kwargs: what the model is called with.

    Raises:
        KeyError: a name that the model does not have.
        ValueError: a shape that differs.
    """
    own = dict(model.named_parameters()) | dict(model.named_buffers())
    unknown = [name for name in parameters if name not in own]
    if unknown:
        raise KeyError(f"the model has no {', '.join(unknown)}; it has {', '.join(own)}")
    others: dict[int, Tensor] = {}
    for name, value in parameters.items():
        tensor = as_tensor(value)
        if tensor.shape != own[name].shape:
            raise ValueError(f"{name} has shape {own[name].shape}, not {tensor.shape}")
        others[id(own[name])] = tensor
    places = [
        (attributes, name, value)
        for attributes in map(vars, model.modules())
        for name, value in attributes.items()
        if isinstance(value, (Parameter, Buffer)) and id(value) in others
    ]
    try:
        for attributes, name, value in places:
            attributes[name] = others[id(value)]
        return model(*args, **kwargs)
    finally:
        for attributes, name, value in places:
            attributes[name] = value


class OptimizerState(NamedTuple):
    """The state of a `PureOptimizer`: steps taken, and the arrays of the rule, laid end to end."""

    steps: int
    arrays: tuple[np.ndarray, ...]


class PureOptimizer(NamedTuple):
    """An optimizer as two functions, with optax's names.

    Attributes:
        init: `init(params)` returns the first state.
        update: `update(grads, state, params)` returns what to add to the parameters, in nested
            containers like these, and the next state. Nothing given is changed.
    """

    init: Callable[[Any], Any]
    update: Callable[..., tuple[Any, Any]]


def pure(
    kind: type[Optimizer], groups: Sequence[Mapping[str, Any]] | None = None, **options: Any
) -> PureOptimizer:
    """Make the functions of an optimizer's rule.

        opt = nn.pure(nn.Adam, lr=0.01)
        state = opt.init(params)
        grads = tg.grad(loss)(params)
        updates, state = opt.update(grads, state, params)
        params = nn.apply_updates(params, updates)

    With groups, the parameters are a dict, of which each name, or what it starts with up to a dot,
    is in one group: `nn.pure(nn.Adam, [{"params": "body", "lr": 1e-4}, {"params": "head"}],
    lr=1e-2)`. The state is then a tuple of the groups' states.

    Args:
        kind: a class of optimizers.
        groups: dicts of "params", one name or several, and of options of the group's own.
        **options: its arguments but the parameters.
    """
    if groups is not None:
        return _pure_groups(kind, [{**options, **group} for group in groups])
    optimizer = kind([Parameter(np.zeros(1, np.float64))], **options)

    def rate(steps: int) -> float:
        schedule = options.get("lr")
        return schedule(steps) if callable(schedule) else optimizer.lr

    def init(params: Any) -> OptimizerState:
        vector = _vector(params)
        arrays = tuple(np.zeros(vector.shape, vector.dtype) for _ in optimizer.state_names)
        return OptimizerState(0, arrays)

    def update(grads: Any, state: OptimizerState, params: Any = None) -> tuple[Any, OptimizerState]:
        g = _vector(grads)
        _, unravel = tg.ravel_tree(grads)
        decay = optimizer.weight_decay
        if decay and params is None:
            raise TypeError("update() needs the parameters for the weight decay")
        lr = rate(state.steps)
        if decay and not optimizer.decoupled:
            g = g + decay * _vector(params)
        change, *arrays = optimizer.update(g, lr, state.steps + 1, *state.arrays)
        if decay and optimizer.decoupled:
            change = change + lr * decay * _vector(params)
        updates = unravel(-np.asarray(change, g.dtype))
        return updates, OptimizerState(state.steps + 1, tuple(arrays))

    return PureOptimizer(init, update)


def _pure_groups(kind: type[Optimizer], groups: Sequence[dict[str, Any]]) -> PureOptimizer:
    """Make the functions of groups of parameters, which are parts of a dict."""
    names: list[set[str]] = []
    for k, group in enumerate(groups):
        if "params" not in group:
            raise TypeError(f'group {k} has no "params", the names of its parameters')
        params = group.pop("params")
        names.append({params} if isinstance(params, str) else set(params))
    optimizers = [pure(kind, **group) for group in groups]

    def owner(name: str) -> int:
        owners = [k for k, own in enumerate(names) if own & _starts(name)]
        if len(owners) != 1:
            raise ValueError(f"{name} must be in one group, but is in {len(owners)}")
        return owners[0]

    def divided(tree: Mapping[str, Any] | None) -> list[Any]:
        """Return the part of each group."""
        if tree is None:
            return [None] * len(groups)
        parts: list[Any] = [{} for _ in groups]
        for name, value in tree.items():
            parts[owner(name)][name] = value
        return parts

    def init(params: Any) -> Any:
        return tuple(opt.init(part) for opt, part in zip(optimizers, divided(params), strict=True))

    def update(grads: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        steps = [
            opt.update(*parts)
            for opt, *parts in zip(optimizers, divided(grads), state, divided(params), strict=True)
        ]
        changes: dict[str, Any] = {}
        for change, _ in steps:
            changes |= change
        in_order = {name: changes[name] for name in grads}
        return in_order, tuple(new for _, new in steps)

    return PureOptimizer(init, update)


def _starts(name: str) -> set[str]:
    """Return what a dotted name starts with: "0" and "0.weight" of "0.weight"."""
    parts = name.split(".")
    return {".".join(parts[:k]) for k in range(1, len(parts) + 1)}


def _vector(tree: Any) -> np.ndarray:
    vector, _ = tg.ravel_tree(tree)
    return vector.numpy() if isinstance(vector, Tensor) else vector


def apply_updates(params: Any, updates: Any) -> Any:
    """Return the parameters with the updates of a `PureOptimizer` added, as arrays."""
    _, unravel = tg.ravel_tree(params)
    return unravel(_vector(params) + _vector(updates))
