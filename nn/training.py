"""`fit`: the training loop, and the `History` that it returns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from .arguments import (
    A_LOSS,
    check_callable,
    check_generator,
    check_metrics,
    check_optimizer,
    whole_number,
)
from .layers import regularization_loss
from .module import Module, cast_like
from .reasons import bad_gradient, cause_of_bad_loss, refuse_bad_validation, warn_of_unlearned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .optimizers import Optimizer

__all__ = ["History", "evaluate", "fit"]


class History:
    """Every metric of every epoch: `history["loss"][-1]` is the last loss.

    "loss" is what was minimised: "data_loss" + "reg_loss" where layers have penalties. "lr" is
    the learning rate. Validation metrics start with "val_". All but validation metrics are
    averages over the epoch's batches, measured before each batch's update.
    """

    def __init__(self) -> None:
        self.metrics: dict[str, list[float]] = {}

    def append(self, values: Mapping[str, float]) -> None:
        """Add the metrics of one more epoch."""
        for name, value in values.items():
            self.metrics.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.metrics:
            raise KeyError(f"no metric {name!r}; there are {', '.join(self.metrics)}")
        return self.metrics[name]

    def __contains__(self, name: str) -> bool:
        return name in self.metrics

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        """The number of epochs."""
        return max(map(len, self.metrics.values()), default=0)

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.metrics.items())
        text = f"; last: {last}" if last else ""
        return f"History({len(self)} epochs{text})"


def fit(
    model: Module,
    x: Any,
    y: Any,
    *,
    loss: Callable[[Tensor, Tensor], Tensor],
    optimizer: Optimizer,
    epochs: int = 1,
    batch_size: int | None = None,
    shuffle: bool = True,
    validation_data: tuple[Any, Any] | None = None,
    metrics: Mapping[str, Callable[[Tensor, Tensor], float]] | None = None,
    progress: bool | None = None,
    on_epoch: Callable[[int, History], Any] | None = None,
    rng: np.random.Generator | None = None,
    compile: bool | None = None,
) -> History:
    """Train the model on (x, y) for a number of epochs.

    Args:
        model: a Module; it is in training mode during the epochs, and in its former mode after.
        x, y: inputs and targets with the same length. Floats are cast to the parameters' dtype.
        loss: a function of (output, target) that returns a scalar Tensor, averaged over the
            batch. Penalties of the layers are added to it.
        optimizer: updates the parameters.
        epochs: passes over the data.
        batch_size: rows per update; None means all of them at once.
        shuffle: draw the batches in a new order each epoch (no effect on full batches).
        validation_data: (x, y), measured after each epoch in evaluation mode.
        metrics: functions of (output, target) by name, such as `{"accuracy": nn.accuracy}`.
        progress: show a progress bar; None: if tqdm is installed.
        on_epoch: called after each epoch with its number (from 1) and the history; returning
            False ends the training.
        rng: generator for the shuffling; by default `tinygrad_np.default_generator()`.
        compile: run the training step as a compiled program, see `tinygrad_np.compile`. None
            compiles it without the rewrites that change the last digits, so that the history is
            the same as with False; a step that can't be compiled runs as it is, with a
            `CompileWarning` that says why. True uses all rewrites.

    Returns:
        The History of this call.

    Raises:
        ValueError: lengths that differ, no data, or a loss that is not a scalar.
        TypeError: an argument of another kind.
        RuntimeError: the loss does not depend on any parameter that is to be learned.
        FloatingPointError: the loss or a gradient is nan or infinite; that update is not made.
        KeyboardInterrupt: Ctrl-C; each update has been made as a whole, or not at all.
        ImportError: `progress=True` without tqdm.
        CompileError: `compile=True` and a step that can't be compiled.

    After a FloatingPointError or a KeyboardInterrupt, the exception's attribute `history` has the
    epochs that were complete, and the model is what it was after the last update.
    """
    x, y = _data(model, x, y, "x and y")
    if validation_data is not None:
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
            raise TypeError("validation_data must be a pair (x, y)")
        validation_data = _data(model, *validation_data, "the validation data")
    epochs = whole_number("epochs", epochs, 0)
    if batch_size is not None:
        batch_size = whole_number("batch_size", batch_size, 1)
    check_callable("loss", loss, A_LOSS)
    check_optimizer(optimizer)
    metrics = check_metrics(metrics)
    if on_epoch is not None:
        check_callable("on_epoch", on_epoch, "a function of (epoch, history)")
    check_generator("fit", rng)
    warn_of_unlearned(model, optimizer)
    history = History()
    complete = 0
    modes = [(module, module.training) for module in model.modules()]
    bar = _progress_bar(progress, epochs)
    step = _Step(model, loss, optimizer, compile)
    try:
        for epoch in range(1, epochs + 1):
            model.train()
            rate = optimizer.lr
            batches = _batches(x, y, batch_size, shuffle, rng)
            totals = _epoch(step, batches, (x, y), metrics, epoch)
            totals["lr"] = rate
            if validation_data is not None:
                measured = evaluate(model, *validation_data, loss=loss, metrics=metrics)
                totals.update({f"val_{name}": value for name, value in measured.items()})
            history.append(totals)
            complete = epoch
            if validation_data is not None and not math.isfinite(totals["val_loss"]):
                refuse_bad_validation(totals["val_loss"], epoch, *validation_data)
            if bar is not None:
                if epoch == epochs or bar.n + 1 >= bar.last_print_n + bar.miniters:
                    bar.set_postfix(_rounded(totals), refresh=False)
                bar.update()
            if on_epoch is not None and on_epoch(epoch, history) is False:
                break
    except (FloatingPointError, KeyboardInterrupt) as error:
        for numbers in history.metrics.values():
            del numbers[complete:]  # of an epoch that was interrupted while it was noted
        error.history = history  # type: ignore[union-attr]
        raise
    finally:
        if bar is not None:
            bar.close()
        for module, mode in modes:
            module.training = mode
    return history


def _epoch(
    step: _Step,
    batches: Iterator[tuple[Tensor, Tensor]],
    data: tuple[Tensor, Tensor],
    metrics: Mapping[str, Callable[[Tensor, Tensor], float]],
    epoch: int,
) -> dict[str, float]:
    """Make an update from each batch; return the metrics, averaged over all rows."""
    totals: dict[str, float] = {}
    for batch in batches:
        share = len(batch[0]) / len(data[0])
        try:
            values = step(*batch, metrics)
        except _NotFinite as error:
            cause = cause_of_bad_loss(step.model, step.optimizer, batch, data)
            fault = str(error) or bad_gradient(step.model)
            raise FloatingPointError(
                f"{fault} in epoch {epoch}; the parameters are as they were before this batch. "
                f"{cause}"
            ) from None
        for name, value in values.items():
            totals[name] = totals.get(name, 0.0) + share * value
    return totals


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


class _NotFinite(Exception):  # noqa: N818 - `fit` says in which epoch
    pass


class _Step:
    """One update from one batch, compiled or not."""

    def __init__(
        self,
        model: Module,
        loss: Callable[[Tensor, Tensor], Tensor],
        optimizer: Optimizer,
        compile: bool | None,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.params = getattr(optimizer, "params", None) or model.parameters()
        self.run: Callable[..., Any] = self.update
        if compile:
            self.run = tg.compile(self.update)
        elif compile is None:
            exact = [name for name in tg.PASSES if name not in tg.REORDERING_PASSES]
            self.run = tg.compile(self.update, passes=exact, fallback=True)

    def update(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Any, Tensor]:
        """Update the parameters; return the total loss, its parts, and the output before that."""
        output = self.model(x)
        data_loss = _scalar(self.loss(output, y))
        if not data_loss.requires_grad:
            raise _no_gradient(data_loss)
        penalty = regularization_loss(self.model)
        total = data_loss + penalty if isinstance(penalty, Tensor) else data_loss
        if not np.isfinite(total.data):
            raise _NotFinite(f"the loss is {total.item()}")
        self.optimizer.zero_grad()
        total.backward()
        gradients = [g.data.ravel() for p in self.params if (g := p.grad) is not None]
        if gradients and not np.isfinite(np.concatenate(gradients)).all():
            raise _NotFinite
        self.optimizer.step()
        return total, data_loss, penalty, output

    def __call__(
        self,
        x: Tensor,
        y: Tensor,
        metrics: Mapping[str, Callable[[Tensor, Tensor], float]],
    ) -> dict[str, float]:
        """Make one update, and return the metrics of the batch before it."""
        total, data_loss, penalty, output = self.run(x, y)
        values = {"loss": total.item()}
        if isinstance(penalty, Tensor):
            values["data_loss"] = data_loss.item()
            values["reg_loss"] = penalty.item()
        values.update({name: float(metric(output, y)) for name, metric in metrics.items()})
        return values


def evaluate(
    model: Module,
    x: Any,
    y: Any,
    *,
    loss: Callable[[Tensor, Tensor], Tensor],
    metrics: Mapping[str, Callable[[Tensor, Tensor], float]] | None = None,
) -> dict[str, float]:
    """Return the loss (without penalties) and the metrics on (x, y), in evaluation mode."""
    x, y = _data(model, x, y, "x and y")
    check_callable("loss", loss, A_LOSS)
    metrics = check_metrics(metrics)
    output = Tensor(model.predict(x))
    values = {"loss": _scalar(loss(output, y)).item()}
    values.update({name: float(metric(output, y)) for name, metric in metrics.items()})
    return values


def _scalar(value: Any) -> Tensor:
    """Return what a loss function returned; raise unless it is a single number."""
    if not isinstance(value, Tensor) or value.size != 1:
        raise ValueError(f"the loss function must return a scalar Tensor, not {value!r}")
    return value


def _data(model: Module, x: Any, y: Any, name: str) -> tuple[Tensor, Tensor]:
    """Return inputs and targets as Tensors of one length; `name` is theirs in errors."""
    if not isinstance(model, Module):
        raise TypeError(f"model must be an nn.Module, such as nn.Sequential(...), not {model!r}")
    x, y = cast_like(model, x), cast_like(model, y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ValueError(f"{name} must have the same length: their shapes are {x.shape}, {y.shape}")
    if len(x) == 0:
        raise ValueError(f"{name} are empty")
    return x, y


def _batches(
    x: Tensor,
    y: Tensor,
    batch_size: int | None,
    shuffle: bool,
    rng: np.random.Generator | None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the data in batches, of one epoch."""
    if batch_size is None or batch_size >= len(x):
        yield x, y
        return
    order = np.arange(len(x))
    if shuffle:
        (rng or tg.default_generator()).shuffle(order)
    for start in range(0, len(x), batch_size):
        rows = order[start : start + batch_size]
        yield x[rows], y[rows]


def _progress_bar(progress: bool | None, epochs: int) -> Any:
    """Make a progress bar; None for none."""
    if progress is False:
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        if progress is None:
            return None
        raise ImportError(
            'the progress bar needs tqdm: pip install "tinygrad-np[examples]", or progress=False'
        ) from error
    return tqdm(total=epochs, unit="epoch")


def _rounded(values: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.4g}" for name, value in values.items() if name != "lr"}
