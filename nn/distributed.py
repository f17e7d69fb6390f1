"""Training in several processes that share their work through MPI: `from nn import distributed`.

    mpiexec -n 2 python -m mpi4py program.py

Each process, a rank, runs the whole program, on its own part of the rows. Ranks must make the same
calls of these functions in the same order: a call waits for those of the others.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Tensor, assign_all, define_op

from .optimizers.flat_parameters import by_dtype

try:
    from mpi4py import MPI
except (ImportError, RuntimeError) as error:  # no package; no MPI that it could load
    raise ImportError(
        f'nn.distributed needs mpi4py and an MPI: pip install "tinygrad-np[mpi]" ({error})'
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .module import Module

__all__ = ["all_sum", "broadcast", "gather", "own_rows", "rank", "size", "sum_gradients"]

_comm = MPI.COMM_WORLD
rank: int = _comm.Get_rank()
size: int = _comm.Get_size()


def rank_sum(x: np.ndarray) -> np.ndarray:
    """Return the sum of every rank's x, of the same shape and dtype on all of them.

    It is summed in the order of the ranks, which MPI's own sum does not promise: all ranks get the
    same bits, and each run does. It is linear, so that the gradient is the sum of the gradients.
    """
    x = np.ascontiguousarray(x)
    parts = np.empty((size, *x.shape), x.dtype)
    _comm.Allgather([x, MPI.BYTE], [parts, MPI.BYTE])
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


all_sum: Callable[..., Any] = define_op(
    rank_sum, name="all_sum", effect=True, x=lambda g: all_sum(g)
)


def gather(value: Any) -> list[Any]:
    """Return every rank's value, in the order of the ranks; any object that can be pickled."""
    return _comm.allgather(value)


def of_first(value: Any) -> Any:
    """Return the value of rank 0, on all ranks."""
    return _comm.bcast(value)


def own_rows(rows: int) -> slice:
    """Return this rank's part of so many rows; the first ranks have one more if need be."""
    least, more = divmod(rows, size)
    start = rank * least + min(rank, more)
    return slice(start, start + least + (rank < more))


def broadcast(model: Module) -> None:
    """Give the model the parameters and buffers that it has on rank 0.

    Raises:
        ValueError: on all ranks, if their models differ in a name, a shape, or a dtype.
    """
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    agree({name: f"{t.dtype} {t.shape}" for name, t in tensors.items()}, "the model's ")
    arrays = _comm.bcast([t.data for t in tensors.values()])
    assign_all(list(tensors.values()), arrays)


def agree(values: Mapping[str, Any], whose: str = "") -> None:
    """Raise on all ranks unless they all give the same.

    Raises:
        ValueError: the first name whose value differs, and both values.
    """
    first, *others = gather(dict(values))
    for number, theirs in enumerate(others, 1):
        for name in {**first, **theirs}:
            here, there = (what.get(name, "missing") for what in (first, theirs))
            if here != there:
                raise ValueError(
                    f"the ranks disagree: {whose}{name} is {here} on rank 0, "
                    f"but {there} on rank {number}"
                )


def sum_gradients(
    params: Iterable[Tensor], reduce: Callable[[np.ndarray], np.ndarray] = all_sum
) -> None:
    """Give each parameter the sum of its gradients on all ranks, zeros where it has none.

    It is for what comes between `backward()` and `step()`, such as `clip_grad_norm_`: an optimizer
    with `reduce=` sums later, in its step. Parameters that are frozen are left alone.

    Args:
        params: the same on all ranks.
        reduce: the sum of flat gradients, one array for each dtype.
    """
    learned = [p for p in params if p.requires_grad]
    for flat in by_dtype(learned, (), reduce):
        _, total = flat.gradient()
        for p, part in zip(flat.params, flat.parts):
            p.grad = Tensor(total[part].reshape(p.shape))


_READ = 0.5  # seconds in which mpiexec reads what a rank printed: after an abort it no longer does


def _end_together(show: Callable[..., Any]) -> Callable[..., None]:
    """Make a hook that shows an exception that nobody caught, and ends all ranks.

    The others would wait for this one for ever.
    """

    def hook(*failure: Any) -> None:
        show(*failure)
        sys.stderr.flush()
        time.sleep(_READ)
        _comm.Abort(1)

    return hook


if size > 1:
    sys.excepthook = _end_together(sys.excepthook)
