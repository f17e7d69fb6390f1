"""Reasons why a training fails, or leaves out what it should learn."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from .feed import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..module import Module
    from .feed import Batch
    from .run import Run
    from .steps import Step

TRIED = 32  # good rows, beside a bad one


def warn_of_unlearned(model: Module, optimizer: Any) -> None:
    """Warn of what looks as if it was to be learned, but is not in the optimizer."""
    params = getattr(optimizer, "params", None) or model.parameters()
    of_model = dict(model.named_parameters())
    ids = {id(p) for p in of_model.values()}
    held = {id(p) for p in params}
    strange = {p.shape for p in params if id(p) not in ids}
    forgotten = [
        name
        for name, p in of_model.items()
        if p.requires_grad and id(p) not in held and p.shape in strange
    ]
    if forgotten:
        warnings.warn(
            f"the optimizer does not hold the model's {', '.join(forgotten)}, but other parameters "
            "of that shape: these will not be learned. Make the optimizer from "
            "model.parameters() when the model is complete",
            stacklevel=4,  # of fit, which is decorated
        )


def refuse_bad_data(
    model: Module, loss: Callable[..., Tensor], data: Any, columns: Any, whose: str = ""
) -> None:
    """Raise if a nan or an infinity in the data is what makes the loss none, before training.

    Some programs know what to do with nan, such as a loss that leaves them out: the first bad row
    is tried out, together with good ones.

    Args:
        model, loss: as of `fit`.
        data: Rows, or a Stream, which is left alone: its batches are looked at when they come.
        columns: the names of those of x, if it is a frame.
        whose: what is said of the data.
    """
    if not isinstance(data, Rows):
        return
    for name, values in zip("xy", data.arrays, strict=False):
        bad = bad_rows(values)
        if not len(bad):
            continue
        good = np.setdiff1d(np.arange(len(values)), bad)[:TRIED]
        try:
            is_good = not len(good) or _is_finite(model, loss, data, good)
            is_bad = not _is_finite(model, loss, data, np.concatenate([bad[:1], good]))
        except Exception:
            return
        if is_good and is_bad:
            names = columns if name == "x" else None
            raise FloatingPointError(f"{place_of(values, name + whose, names)}: clean the data")


def _is_finite(model: Module, loss: Callable[..., Tensor], data: Rows, rows: np.ndarray) -> bool:
    """Compute the loss of some rows, in evaluation mode; say if it is a finite number."""
    x, y = (array[rows] for array in data.arrays[:2])
    value = loss(Tensor(model.predict(x)), y)
    return not isinstance(value, Tensor) or bool(np.isfinite(value.numpy()).all())


def bad_rows(values: Tensor) -> np.ndarray:
    """Return the numbers of the rows that hold a nan or an infinity."""
    array = values.numpy()
    if array.dtype.kind not in "fc" or np.isfinite(array.sum()):  # one bad number makes a bad sum
        return np.zeros(0, np.intp)
    return np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))


def place_of(values: Tensor, name: str, columns: Any = None) -> str:
    """Return the first nan or infinity of data and its place, as text; "" if there is none."""
    rows = bad_rows(values)
    if not len(rows):
        return ""
    row = values.numpy()[rows[0]]
    place = np.argwhere(~np.isfinite(row))[0].tolist()
    at = ""
    if len(place) == 1:
        label = f" ({columns[place[0]]!r})" if columns is not None else ""
        at = f" in column {place[0]}{label}"
    elif place:
        at = f" at {place}"
    others = len(rows) - 1
    more = f", as {others:,} other rows have" if others > 1 else ", as another row has" * others
    return f"row {rows[0]} of {name} has {row[tuple(place)]}{at}{more}"


def bad_number(values: Tensor) -> str:
    """Return the first nan or infinity and its place, as text; "" if there is none."""
    array = values.numpy()
    places = np.argwhere(~np.isfinite(array))
    if not len(places):
        return ""
    place = places[0].tolist()
    return f"{array[tuple(place)]} at {place}"


def bad_gradient(model: Module) -> str:
    """Describe the first gradient that is not finite, of the model's parameters if one is."""
    for name, parameter in model.named_parameters():
        text = "" if parameter.grad is None else bad_number(parameter.grad)
        if text:
            return f"the gradient of {name} is {text}"
    return "a gradient is not finite"


def explain_failure(run: Run, step: Step, batches: Sequence[Batch], fault: str) -> Exception:
    """Make the error for an update that was not made, with its epoch, batch, and cause.

    Args:
        run, step: the training; `run.batch` batches of the epoch were done.
        batches: those of the update.
        fault: what was not finite; "" if it was a gradient.
    """
    fault = fault or bad_gradient(run.model)
    number = run.batch + 1
    at = (
        f"batch {number}"
        if len(batches) == 1
        else f"batches {number} to {run.batch + len(batches)}"
    )
    return FloatingPointError(
        f"{fault} in epoch {run.epoch}, {at}; the parameters are as they were before this. "
        f"{_cause(run, step, batches)}"
    )


def _cause(run: Run, step: Step, batches: Sequence[Batch]) -> str:
    """Return sentences about where the nan or the infinity of a step comes from."""
    for batch in batches:
        for k, name in enumerate("xy"):
            if len(bad_rows(batch[k])):
                if isinstance(run.data, Rows):
                    return f"{place_of(run.data.arrays[k], name)}."
                return f"{place_of(batch[k], f'{name} of the batch')}."
    if not run.updates:
        for name, parameter in run.model.named_parameters():
            if bad_number(parameter):
                return f"{name} has {bad_number(parameter)}, before the first update."
    # Several processes might not all come here, and wait for each other.
    operation = "" if run.processes.several else _operation(run, step, batches)
    if run.updates:
        return f"{operation} A smaller learning rate often helps.".lstrip()
    return operation or (
        "It is the first update, so that the learning rate is not the reason: `with "
        "tinygrad_np.debug():` around fit stops at the operation that is."
    )


def _operation(run: Run, step: Step, batches: Sequence[Batch]) -> str:
    """Return what `debug` says of the step, which is run again for it; "" if it finds nothing."""
    generators = [(g, g.bit_generator.state) for g in run.generators().values()]
    buffers = [(buffer, buffer.data) for buffer in run.model.buffers()]
    try:
        with tg.debug():
            for batch in batches:
                step.losses(*batch)[0].backward()
    except FloatingPointError as error:
        return f"{error}."
    except Exception:
        return ""
    finally:
        for generator, state in generators:
            generator.bit_generator.state = state
        for buffer, values in buffers:
            buffer.assign(values)
    return ""
