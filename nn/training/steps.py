"""The step of a training: one update, from one batch or from several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from ..arguments import check_not_negative
from ..layers.basics import regularization_loss
from ..optimizers.clipping import clip_grad_norm_, clip_grad_value_
from .weights import row_losses, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..module import Module
    from .feed import Batch

Result = tuple[Tensor, Tensor, Any, Tensor]  # the total loss, its parts, and the output


class NotFinite(Exception):  # noqa: N818 - `fit` says in which epoch
    """A loss or a gradient is nan or infinite; nothing was updated."""


class Step:
    """One update of the parameters, compiled or not."""

    def __init__(
        self,
        model: Module,
        loss: Callable[..., Tensor],
        optimizer: Any,
        compile: bool | None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        backend: str = "numpy",
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.clip_norm = _limit("clip_norm", clip_norm)
        self.clip_value = _limit("clip_value", clip_value)
        self.params = getattr(optimizer, "params", None) or model.parameters()
        self.share = tg.Number(1.0)  # of a part of a batch in it
        self.run, self.run_part, self.run_apply = (
            _compiled(function, compile, backend)
            for function in (self.update, self.part, self.apply)
        )

    def __call__(self, batches: Sequence[Batch]) -> Sequence[Any]:
        """Make one update from some batches, as if they were one; return the Result of each."""
        if len(batches) == 1 and len(batches[0]) == 2:
            return [self.run(*batches[0])]
        sizes = [size_of(self.loss, batch) for batch in batches]
        total = sum(sizes)
        if len(batches) == 1 and total:
            return [self.run(*batches[0])]
        self.optimizer.zero_grad()
        results = []
        for batch, size in zip(batches, sizes, strict=True):
            self.share.value = size / total if total else 0.0
            results.append(self.run_part(*batch))
        if total:  # or no row has a weight: nothing is learned
            self.run_apply()
        return results

    def update(self, x: Tensor, y: Tensor, weights: Tensor | None = None) -> Result:
        """Update the parameters from one batch."""
        result = self.losses(x, y, weights)
        self.optimizer.zero_grad()
        result[0].backward()
        self.apply()
        return result

    def part(self, x: Tensor, y: Tensor, weights: Tensor | None = None) -> Result:
        """Add the gradients of a part of a batch to those that are there."""
        result = self.losses(x, y, weights)
        (result[0] * self.share.value).backward()
        return result

    def losses(self, x: Tensor, y: Tensor, weights: Tensor | None = None) -> Result:
        """Return the total loss, its parts, and the output."""
        output = self.model(x)
        if weights is None:
            data_loss = scalar(self.loss(output, y))
        else:
            losses = row_losses(self.loss)(output, y)
            least = np.finfo(weights.dtype).tiny  # where no row has a weight
            data_loss = (losses * weights).sum() / tg.maximum(weights.sum(), least)
        if not data_loss.requires_grad:
            raise _no_gradient(data_loss)
        penalty = regularization_loss(self.model)
        total = data_loss + penalty if isinstance(penalty, Tensor) else data_loss
        self.check(total)
        return total, data_loss, penalty, output

    def check(self, loss: Tensor) -> None:
        """Raise NotFinite for a loss that is not finite."""
        if not np.isfinite(loss.data):
            raise NotFinite(f"the loss is {loss.item()}")

    def apply(self, loss: Any = None) -> None:
        """Update the parameters from the gradients that they have, if these are finite."""
        self.sum_up(loss)
        if self.clip_value is not None:
            clip_grad_value_(self.params, self.clip_value)
        if self.clip_norm is not None:
            clip_grad_norm_(self.params, self.clip_norm)
        self.optimizer.step()

    def sum_up(self, loss: Any) -> None:
        """Raise NotFinite for gradients that are not finite."""
        gradients = [g.data.ravel() for p in self.params if (g := p.grad) is not None]
        if gradients and not np.isfinite(np.concatenate(gradients)).all():
            raise NotFinite


def _limit(name: str, value: Any) -> Any:
    return None if value is None else check_not_negative(name, value)


def _compiled(
    function: Callable[..., Any], compile: bool | None, backend: str
) -> Callable[..., Any]:
    if compile:
        return tg.compile(function, backend=backend)
    if compile is None:
        exact = [name for name in tg.PASSES if name not in tg.REORDERING_PASSES]
        return tg.compile(function, passes=exact, fallback=True, backend=backend)
    return function


def _no_gradient(loss: Tensor) -> RuntimeError:
    """Make the error for a loss from which no gradient flows to any parameter."""
    try:
        loss.backward()
    except RuntimeError as error:
        if "derivative" in str(error):  # of a step function on the way
            return error
    return RuntimeError(
        "the loss was not computed from any parameter with requires_grad=True: is the whole model "
        "frozen, or was the graph cut on the way (.numpy(), .detach(), no_grad())?"
    )


def scalar(value: Any) -> Tensor:
    """Return what a loss function returned; raise unless it is a single number."""
    if not isinstance(value, Tensor) or value.size != 1:
        raise ValueError(f"the loss function must return a scalar Tensor, not {value!r}")
    return value
