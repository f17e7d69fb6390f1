"""Optimizers written by hand, in the style of the book, held against those of `nn`."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_np import Mistake

    from .optimizers.base import Optimizer

    Update = Callable[..., tuple[Any, ...]]

__all__ = ["diagnose_optimizer"]

STEPS = 5


def diagnose_optimizer(
    optimizer: Any, like: Callable[[list[tg.Tensor]], Optimizer]
) -> Mistake | None:
    """Classify how an optimizer written by hand differs from one of `nn`; None if it does not.

    Both take five steps with the same random gradients, and what they add to the weights is
    compared. A mistake is named by running the right one with it: its state has the wrong sign or
    is forgotten, the correction of the first steps is missing, and such.

    Args:
        optimizer: an object with `update_params(layer)`, which reads `layer.dweights` and `dbiases`
            and writes `weights` and `biases`; `pre_update_params()` and `post_update_params()` are
            called around it, if they are there. It is copied.
        like: makes the right one for a list of parameters, such as
            `lambda params: nn.Adam(params, lr=0.05, eps=1e-7)`.
    """
    got = _changes_by_hand(copy.deepcopy(optimizer))
    right = _changes(like, lambda update: update)
    names = like(_parameters()).state_names
    candidates = {text: _changes(like, change) for text, change in _mistakes(names).items()}
    mistake = tg.diagnose(got, right, candidates=candidates)
    if mistake is None:
        return None
    return mistake._replace(text=mistake.text.replace("right gradient", "right update"))


# --- five steps -----------------------------------------------------------------------------------


def _start() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"weights": rng.standard_normal((3, 2)), "biases": rng.standard_normal((1, 2))}


def _gradients() -> list[dict[str, np.ndarray]]:
    """Return the gradients of each step, none of them small."""
    rng = np.random.default_rng(1)
    return [
        {
            name: rng.uniform(0.5, 1.5, values.shape) * rng.choice([-1.0, 1.0], values.shape)
            for name, values in _start().items()
        }
        for _ in range(STEPS)
    ]


def _parameters() -> list[tg.Tensor]:
    return [tg.Tensor(values, requires_grad=True) for values in _start().values()]


def _changes_by_hand(optimizer: Any) -> np.ndarray:
    """Return what an optimizer in the style of the book adds in each step, a row for each."""
    layer = SimpleNamespace(**_start())
    changes = []
    for gradients in _gradients():
        before = _flat([layer.weights, layer.biases])
        layer.dweights, layer.dbiases = gradients["weights"], gradients["biases"]
        getattr(optimizer, "pre_update_params", _nothing)()
        optimizer.update_params(layer)
        getattr(optimizer, "post_update_params", _nothing)()
        changes.append(_flat([layer.weights, layer.biases]) - before)
    return np.stack(changes)


def _nothing() -> None:
    """Stand for a method that an optimizer does not have."""


def _changes(like: Callable, change: Callable[[Update], Update]) -> np.ndarray:
    """Return what an optimizer of `nn` with a changed rule adds in each step."""
    parameters = _parameters()
    optimizer = like(parameters)
    optimizer.update = change(optimizer.update)
    changes = []
    for gradients in _gradients():
        before = _flat([p.numpy() for p in parameters])
        for p, g in zip(parameters, gradients.values(), strict=True):
            p.grad = tg.Tensor(g)
        with np.errstate(all="ignore"):
            optimizer.step()
        changes.append(_flat([p.numpy() for p in parameters]) - before)
    return np.stack(changes)


def _flat(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(a) for a in arrays])


# --- rules with a mistake -------------------------------------------------------------------------


def _mistakes(names: tuple[str, ...]) -> dict[str, Callable[[Update], Update]]:
    """Return what changes a rule, by what is wrong then; `names` are those of its state."""
    changes = {
        "the correction of the first steps, 1 - βᵗ, is missing": _with_step(lambda t: np.inf),
        "its steps are counted from 0, and should be from 1": _with_step(lambda t: t - 1),
        "its steps are counted from 2, and should be from 1": _with_step(lambda t: t + 1),
        "the learning rate is missing": _without_rate,
    }
    for k, name in enumerate(names):
        changes[f"{name}, which it keeps from step to step, has the wrong sign"] = _scaled(k, -1)
        changes[f"{name} is not kept from step to step: it starts from 0 each time"] = _scaled(k, 0)
    return changes


def _with_step(count: Callable[[int], float]) -> Callable[[Update], Update]:
    return lambda update: lambda g, lr, t, *state: update(g, lr, count(t), *state)


def _without_rate(update: Update) -> Update:
    return lambda g, lr, t, *state: update(g, 1.0, t, *state)


def _scaled(k: int, factor: float) -> Callable[[Update], Update]:
    """Return the change that hands a rule a multiple of the state number k."""

    def change(update: Update) -> Update:
        def changed(g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
            own = [factor * values if j == k else values for j, values in enumerate(state)]
            return update(g, lr, t, *own)

        return changed

    return change
