"""`fit` and `evaluate`: the training loop."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Any

from tinygrad_np import Tensor

from ..arguments import check_callable, check_generator, check_optimizer, whole_number
from .callbacks import Callback, EpochFunction
from .checkpoints import Checkpoint, resume_run
from .feed import Rows, feed, pair, stream
from .history import History
from .lookup import look_up_loss, look_up_metrics
from .measures import Epoch, all_rows, measured
from .processes import OneProcess, SeveralProcesses
from .progress import progress_bar
from .reasons import explain_failure, refuse_bad_data, warn_of_unlearned
from .run import Run
from .steps import NotFinite, scalar
from .weights import Weights

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np

    from ..module import Module
    from ..optimizers.base import Optimizer
    from .feed import Batch, Stream
    from .steps import Step

    Metric = Callable[[Tensor, Tensor], float]

__all__ = ["evaluate", "fit"]


def fit(
    model: Module,
    x: Any,
    y: Any = None,
    *,
    loss: str | Callable[[Tensor, Tensor], Tensor],
    optimizer: Optimizer,
    epochs: int = 1,
    batch_size: int | None = None,
    shuffle: bool = True,
    validation_data: Any = None,
    metrics: Mapping[str, str | Metric] | Sequence[str | Metric] | None = None,
    callbacks: Sequence[Callback] = (),
    resume: str | os.PathLike[str] | bool | None = None,
    accumulate: int = 1,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    class_weight: Any = None,
    sample_weight: Any = None,
    progress: bool | None = None,
    on_epoch: Callable[[int, History], Any] | None = None,
    rng: np.random.Generator | None = None,
    compile: bool | None = None,
    backend: str = "numpy",
    distributed: bool = False,
) -> History:
    """Train the model on (x, y) for a number of epochs.

    Args:
        model: a Module; it is in training mode during the epochs, and in its former mode after.
        x, y: inputs and targets with the same length. Floats are cast to the parameters' dtype.
            Without y, x are batches: something that gives (x, y) or (x, y, weights) each time it
            is looped over, such as `nn.data.batches`.
        loss: a function of (output, target) that returns a scalar Tensor, averaged over the
            batch; or its name, such as "cross_entropy". Penalties of the layers are added to it.
        optimizer: updates the parameters.
        epochs: passes over the data; after `resume`, together with those before.
        batch_size: rows per update; None means all of them at once.
        shuffle: draw the batches in a new order each epoch (no effect on full batches).
        validation_data: (x, y), or batches, measured after each epoch in evaluation mode;
            `nn.data.split` divides data.
        metrics: names such as "accuracy", or functions of (output, target), in a list; or in a
            dict by the names that the history shall have.
        callbacks: what else happens, such as `EarlyStopping` and `Checkpoint`.
        resume: the file of a `Checkpoint`, from which this same training goes on, with the same
            numbers as if it had not been stopped; True for that of `callbacks`, if it is there.
        accumulate: batches per update: their gradients make up that of one large batch.
        clip_norm: the most that the norm of all gradients together may be, as of
            `clip_grad_norm_`.
        clip_value: the most that an element of a gradient may be; comes before `clip_norm`.
        class_weight: by class, a dict or a sequence, or "balanced". The loss of a row is
            multiplied with the weight of its class, the sum is divided by that of the weights.
        sample_weight: weights of the rows, as those of the classes. Metrics and validation have
            no weights.
        progress: show a progress bar; None: in a notebook, or if tqdm is installed.
        on_epoch: called after each epoch with its number (from 1) and the history; returning
            False ends the training.
        rng: generator for the shuffling; by default `tinygrad_np.default_generator()`.
        compile: run the training step as a compiled program, see `tinygrad_np.compile`. None
            compiles it without the rewrites that change the last digits, so that the history is
            the same as with False; a step that can't be compiled runs as it is, with a
            `CompileWarning` that says why. True uses all rewrites.
        backend: how a compiled step runs: "numpy", "c" or "auto", see `tinygrad_np.compile`; the
            history is the same.
        distributed: train in all processes that MPI has started, see `nn.distributed`. Each has
            all of x and y, and takes its part of the rows of each batch; gradients are summed over
            the ranks. History, early stopping and the model are the same on all of them. Rank 0
            gives them its model, draws the order, shows the bar, and writes the checkpoints.

    Returns:
        The History of this call; after `resume`, of the whole training.

    Raises:
        ValueError: lengths that differ, no data, a loss that is not a scalar, an unknown name, a
            checkpoint of another training; ranks that disagree about the model or the data.
        TypeError: an argument of another kind.
        RuntimeError: the loss does not depend on any parameter that is to be learned.
        FloatingPointError: the data, the loss or a gradient is nan or infinite; that update is
            not made.
        KeyboardInterrupt: Ctrl-C; each update has been made as a whole, or not at all.
        OSError: a checkpoint can't be read or written.
        ImportError: `progress=True` without tqdm, outside of a notebook; `distributed` without
            mpi4py or an MPI.
        CompileError: `compile=True` and a step that can't be compiled.

    After an exception, its attribute `history` has the epochs that were complete, and the model
    is what it was after the last update.
    """
    loss = look_up_loss(loss)
    weights = Weights(model, class_weight, sample_weight)
    data = feed(model, x, y, batch_size, shuffle, rng, weights)
    columns = getattr(x, "columns", None)  # of a frame
    refuse_bad_data(model, loss, data, columns)
    validation = None
    if validation_data is not None:
        validation = _validation(model, validation_data)
        refuse_bad_data(model, loss, validation, columns, " of the validation data")
    epochs = whole_number("epochs", epochs, 0)
    accumulate = whole_number("accumulate", accumulate, 1)
    check_optimizer(optimizer)
    measures = look_up_metrics(metrics, loss)
    check_generator("fit", rng)
    processes = SeveralProcesses() if distributed else OneProcess()
    hooks = _callbacks(callbacks, on_epoch, progress if processes.is_first else False)
    warn_of_unlearned(model, optimizer)
    step = processes.step(model, loss, optimizer, compile, clip_norm, clip_value, backend)
    run = Run(model, optimizer, data, epochs, measures, validation, hooks, processes)
    processes.begin(run, {"epochs": epochs, "accumulate": accumulate})
    modes = [(module, module.training) for module in model.modules()]
    with ExitStack() as ends:
        ends.callback(_set_modes, modes)
        try:
            for callback in hooks:
                callback.on_begin(run)
                ends.callback(callback.on_end, run)
            if resume is not None and resume is not False:
                resume_run(run, resume)
            while run.complete < epochs and not run.stopped:
                _train_epoch(run, step, accumulate)
        except BaseException as error:
            run.history.shorten(run.complete)  # an epoch that was interrupted while it was noted
            run.error = error
            error.history = run.history  # type: ignore[attr-defined]
            raise
    return run.history


def _train_epoch(run: Run, step: Step, accumulate: int) -> None:
    """Train for an epoch, or for the rest of one that was resumed."""
    run.epoch = run.complete + 1
    run.model.train()
    if run.progress is None:
        run.progress = Epoch(_rates(run.optimizer), run.processes.order(run))
    epoch = run.progress
    batches = run.data.batches(epoch.order, epoch.batches)
    groups = zip(batches) if accumulate == 1 else _groups(batches, accumulate)
    for group in groups:
        try:
            results = step(group)
        except NotFinite as error:
            failure = explain_failure(run, step, group, str(error))
            raise run.processes.failure(failure) from None
        for batch, result in zip(group, results, strict=True):
            run.values = epoch.note(batch, result, run.metrics) or run.values
        run.updates += 1
        for callback in run.watching:
            callback.on_batch(run)
    processes = run.processes
    values = processes.whole(epoch).summary(run.metrics)
    if run.validation is not None:
        measured = _measured(run.model, run.validation, step.loss, run.metrics, processes)
        values.update({f"val_{name}": value for name, value in measured.items()})
    run.values = processes.settle(values, run.model)
    run.progress = None
    run.history.append(run.values)
    run.complete = run.epoch
    for callback in run.callbacks:
        callback.on_epoch(run)
    run.stopped = processes.any(run.stopped)


def _groups(batches: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    """Yield so many batches at a time; in the end there may be fewer."""
    while group := list(islice(batches, size)):
        yield group


def _rates(optimizer: Any) -> dict[str, float]:
    """Return the learning rate; those of several groups as "lr.0", "lr.1" ...."""
    groups = getattr(optimizer, "groups", ())
    if len(groups) < 2:
        return {"lr": optimizer.lr}
    return {f"lr.{k}": group.lr for k, group in enumerate(groups)}


def _callbacks(
    callbacks: Any, on_epoch: Callable[[int, History], Any] | None, progress: bool | None
) -> list[Callback]:
    """Return all callbacks in the order in which they are called."""
    wanted = "callbacks must be a list of nn.Callback, such as [nn.EarlyStopping()]"
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"{wanted}, not {callbacks!r}")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise TypeError(f"{wanted}: there is {callback!r} in it")
    if on_epoch is not None:
        check_callable("on_epoch", on_epoch, "a function of (epoch, history)")
        callbacks = [*callbacks, EpochFunction(on_epoch)]
    # A checkpoint notes the state that the others have after the epoch, the last one that of the
    # best one, too.
    ordered = sorted(callbacks, key=Checkpoint.place)
    return [*progress_bar(progress), *ordered]


def _set_modes(modes: list[tuple[Module, bool]]) -> None:
    for module, mode in modes:
        module.training = mode


# --- evaluation -----------------------------------------------------------------------------------


def evaluate(
    model: Module,
    x: Any,
    y: Any = None,
    *,
    loss: str | Callable[[Tensor, Tensor], Tensor],
    metrics: Mapping[str, str | Metric] | Sequence[str | Metric] | None = None,
    batch_size: int | None = None,
) -> dict[str, float]:
    """Return the loss (without penalties) and the metrics on (x, y), in evaluation mode.

    Args:
        model, x, y, loss, metrics: as of `fit`; x may be batches here, too.
        batch_size: rows that go through the model at a time; by default all. The results do not
            depend on it: loss and metrics are those of all outputs together.
    """
    loss = look_up_loss(loss)
    data = feed(model, x, y, batch_size, False, None)
    return _measured(model, data, loss, look_up_metrics(metrics, loss), OneProcess())


def _measured(
    model: Module,
    data: Rows | Stream,
    loss: Callable[..., Tensor],
    metrics: Mapping[str, Metric],
    processes: OneProcess,
) -> dict[str, float]:
    batches = data.batches(data.order())
    pairs = [(model.predict(x), y.numpy()) for x, y, *_ in batches if len(x)]
    output, target = all_rows(processes.all_pairs(pairs))
    return {"loss": scalar(loss(output, target)).item(), **measured(metrics, output, target)}


def _validation(model: Module, data: Any) -> Rows | Stream:
    """Return the data for validation, of a pair (x, y) or of batches."""
    wanted = "validation_data must be a pair (x, y), or batches such as nn.data.batches(x, y)"
    if not isinstance(data, (tuple, list)):
        return stream(model, data, wanted)
    if len(data) != 2:
        raise TypeError(f"{wanted}, not {len(data)} things")
    x, y = data
    return Rows(pair(model, x, y, "the validation data"), None, False, None)
