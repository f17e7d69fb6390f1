"""The processes of a training: one, or several that share the rows of each batch through MPI."""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from .feed import Rows
from .measures import Epoch
from .steps import NotFinite, Step
from .weights import size_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from .feed import Batch
    from .run import Run
    from .steps import Result

    Pairs: TypeAlias = list[tuple[np.ndarray, np.ndarray]]


class OneProcess:
    """A training in one process: all is its own.

    Attributes:
        is_first: False for those that write no files and show no bar.
        several: True if there may be others.
        step: the class of the step.
    """

    is_first = True
    several = False
    step: type[Step] = Step

    def begin(self, run: Run, options: dict[str, Any]) -> None:
        """Make sure that all processes train the same model on the same data."""

    def order(self, run: Run) -> np.ndarray | None:
        """Draw the order of the rows of an epoch."""
        return run.data.order()

    def whole(self, epoch: Epoch) -> Epoch:
        """Return the measurements of all processes."""
        return epoch

    def all_pairs(self, pairs: Pairs) -> Pairs:
        """Return the outputs and targets of all processes, in the order of the rows."""
        return pairs

    def settle(self, values: dict[str, float], model: Any) -> dict[str, float]:
        """Let all processes have the same values of an epoch, and the same buffers."""
        return values

    def any(self, flag: bool) -> bool:
        """Return True if it is so in any process."""
        return flag

    def failure(self, error: Exception) -> Exception:
        """Return the error that all processes raise, from that of each."""
        return error


class SeveralProcesses(OneProcess):
    """A training in several processes, each of which has all data and takes its rows of a batch.

    Raises:
        ImportError: mpi4py or an MPI is missing.
    """

    several = True

    def __init__(self) -> None:
        from .. import distributed

        self.ranks = distributed
        self.is_first = distributed.rank == 0
        self.step = SharedStep

    def begin(self, run: Run, options: dict[str, Any]) -> None:
        """Raise on all ranks unless they agree, and give them the model of rank 0."""
        if getattr(run.optimizer, "reduce", None) is not None:
            raise ValueError(
                "fit(distributed=True) sums the gradients itself: make the optimizer without reduce"
            )
        for whose, data in (("", run.data), ("validation ", run.validation)):
            if data is None:
                continue
            if not isinstance(data, Rows):
                raise TypeError(
                    "distributed=True needs arrays, all of them on every rank, which takes its "
                    "rows of each batch itself; not batches from elsewhere"
                )
            data.part = self.ranks.own_rows
            for name, array in zip("xyw", data.arrays):
                values = np.ascontiguousarray(array.numpy())
                options[f"{whose}{name}'s checksum"] = zlib.crc32(values.tobytes())
        kinds = {k: type(g.bit_generator).__name__ for k, g in run.generators().items()}
        options["generators"] = str(kinds)
        self.ranks.agree({**run.description(), **options}, "fit's ")
        for generator in run.generators().values():
            bits = generator.bit_generator
            if not hasattr(bits, "jumped"):
                raise TypeError(
                    "distributed=True needs generators that give each rank noise of its own, such "
                    f"as np.random.default_rng(0), not one of {type(bits).__name__}"
                )
        self.ranks.broadcast(run.model)

    def order(self, run: Run) -> np.ndarray | None:
        """Draw the order on rank 0 for all, and let each rank's noise go on from that of rank 0.

        So the noise of all ranks is known from the generators of rank 0, which a checkpoint has.
        """
        generators = {id(g): g for g in run.generators().values()}.values()
        order = run.data.order()
        states = [g.bit_generator.state for g in generators]
        order, states = self.ranks.of_first((order, states))
        if not self.is_first:
            for generator, state in zip(generators, states, strict=True):
                bits: Any = generator.bit_generator
                bits.state = state
                bits.state = bits.jumped(self.ranks.rank).state  # 2¹²⁷ numbers further, or so
        return order

    def whole(self, epoch: Epoch) -> Epoch:
        """Gather the measurements of all ranks."""
        whole = Epoch(epoch.rates, epoch.order)
        parts = self.ranks.gather((epoch.rows, epoch.values, epoch.weights))
        for rows, values, weights in parts:
            whole.rows += rows
            whole.values += values
            whole.weights += weights
        whole.kept = self.all_pairs(epoch.kept)
        return whole

    def all_pairs(self, pairs: Pairs) -> Pairs:
        """Gather the pairs of all ranks: of each batch, those of one rank behind the other's."""
        of_batches = itertools.zip_longest(*self.ranks.gather(pairs))
        return [pair for of_batch in of_batches for pair in of_batch if pair is not None]

    def settle(self, values: dict[str, float], model: Any) -> dict[str, float]:
        """Return the values of rank 0, and give the model its buffers."""
        self.ranks.broadcast(model)
        return self.ranks.of_first(values)

    def any(self, flag: bool) -> bool:
        """Return True if it is so on any rank."""
        return any(self.ranks.gather(flag))

    def failure(self, error: Exception) -> Exception:
        """Make the error of what each rank says, with its number if they differ."""
        texts = self.ranks.gather(str(error))
        if len(set(texts)) == 1:
            return error
        return type(error)("\n".join(f"rank {k}: {text}" for k, text in enumerate(texts)))


class SharedStep(Step):
    """One update that all ranks make together, each from its rows of the batch."""

    def __call__(self, batches: Sequence[Batch]) -> Sequence[Result | None]:
        """Make one update; the result of a batch of which this rank has no rows is None."""
        from ..distributed import gather

        sizes = [size_of(self.loss, batch) for batch in batches]
        total = sum(gather(sum(sizes)))
        if len(batches) == 1 and len(batches[0][0]) and total:
            self.share.value = sizes[0] / total
            return [self.run(*batches[0])]
        self.optimizer.zero_grad()
        results: list[Result | None] = []
        loss = 0.0
        for batch, size in zip(batches, sizes, strict=True):
            result = None
            if len(batch[0]):
                self.share.value = size / total if total else 0.0
                result = self.run_part(*batch)
                loss += result[0].item()
            results.append(result)
        if total:
            self.run_apply(Tensor(np.float64(loss)))
        return results

    def update(self, x: Tensor, y: Tensor, weights: Tensor | None = None) -> Result:
        """Update the parameters from the rows of one batch."""
        result = self.losses(x, y, weights)
        self.optimizer.zero_grad()
        (result[0] * self.share.value).backward()
        self.apply(result[0].detach())
        return result

    def check(self, loss: Tensor) -> None:
        """Leave a loss that is not finite to the sum, which raises on all ranks."""

    def sum_up(self, loss: Any) -> None:
        """Give the parameters the gradients of all ranks, if these and the losses are finite."""
        from ..distributed import sum_gradients

        fault = (loss * 0).data.reshape(1)  # nan, if the loss is not finite

        def reduce(flat: np.ndarray) -> np.ndarray:
            return finite_sum(np.concatenate([flat, fault.astype(flat.dtype)]))[:-1]

        sum_gradients(self.params, reduce)


def _finite_sum(x: np.ndarray) -> np.ndarray:
    """Return the sum over all ranks.

    Raises:
        NotFinite: on all ranks, if the sum is not finite; the last number stands for the loss.
    """
    from ..distributed import rank_sum

    total = rank_sum(x)
    if not np.isfinite(total[-1]):
        raise NotFinite("the loss is not finite")
    if not np.isfinite(total).all():
        raise NotFinite
    return total


finite_sum = tg.define_op(_finite_sum, effect=True, x=None)
