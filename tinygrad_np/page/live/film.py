"""The film of a training: the parameters at steps of it, as a page holds them."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .data import view_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...compiler.lowering import View

MOST_NUMBERS = 400_000  # in the frames of a page: of a longer film it has every second one, or less


class Film(Protocol):
    """Parameters at steps of a training; `nn.Film` is one."""

    tensors: Sequence[Any]
    steps: Sequence[int]
    arrays: Sequence[Sequence[np.ndarray]]
    losses: Sequence[float]


def film_data(film: Film, sources: Mapping[int, View]) -> dict[str, Any]:
    """Return the frames of a film; `sources` are the views of the step's Tensors, by their ids.

    Raises:
        ValueError: it is of other parameters than the step's, or has no frames.
    """
    views = [sources.get(id(tensor)) for tensor in film.tensors]
    if not film.steps or None in views:
        wrong = "other parameters than the step" if film.steps else "no frames"
        raise ValueError(f"the film has {wrong}: give the callback to the fit() of this model")
    kept = _thinned(len(film.steps), sum(tensor.size for tensor in film.tensors))
    frames = []
    for k in kept:
        flat = [array.ravel() for array in film.arrays[k]]
        frames.append(np.concatenate(flat).astype("<f4"))
    encoded = base64.b64encode(np.stack(frames).tobytes())
    losses = [float(film.losses[k]) for k in kept]
    return {
        "steps": [int(film.steps[k]) for k in kept],
        "losses": [loss if math.isfinite(loss) else None for loss in losses],
        "views": [view_data(view) for view in views if view is not None],
        "data": encoded.decode("ascii"),
    }


def _thinned(count: int, numbers: int) -> list[int]:
    """Return the frames that a page holds, evenly spaced, the last one included."""
    apart = -(-count * numbers // MOST_NUMBERS)
    kept = list(range(0, count, apart))
    if kept[-1] != count - 1:
        kept.append(count - 1)
    return kept
