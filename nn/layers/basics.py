"""Layers: dense, dropout, embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from .. import init
from ..arguments import check_generator, check_not_negative
from ..module import Module, Parameter, as_floats, as_tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Dense",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Embedding",
    "Linear",
    "regularization_loss",
]


class Linear(Module):
    """Dense layer: `x @ weight + bias`, for x of shape (..., in_features).

    Integers are cast to the weight's dtype where NumPy would compute in a wider one, as it does in
    float64 for int64 times float32.

    Args:
        in_features, out_features: sizes; `weight` has shape (in_features, out_features) as in
            the book (PyTorch's is the transpose), `bias` (out_features,).
        bias: False for a layer without one.
        weight_init, bias_init: functions from `nn.init`.
        weight_l1, weight_l2, bias_l1, bias_l2: strengths of the penalties λ·Σ|w| and λ·Σw² that
            `regularization_loss` (and so `fit`) adds to the loss.
        dtype: of the parameters.
        rng: generator for the initial values; by default `tinygrad_np.default_generator()`.
    """

    torch_transposed = ("weight",)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        weight_init: Callable[..., np.ndarray] = init.fan_in_uniform,
        bias_init: Callable[..., np.ndarray] = init.fan_in_uniform,
        weight_l1: float = 0.0,
        weight_l2: float = 0.0,
        bias_l1: float = 0.0,
        bias_l2: float = 0.0,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        check_sizes(in_features=in_features, out_features=out_features)
        penalties = {
            "weight_l1": weight_l1,
            "weight_l2": weight_l2,
            "bias_l1": bias_l1,
            "bias_l2": bias_l2,
        }
        for name, strength in penalties.items():
            penalties[name] = check_not_negative(name, strength)
        check_generator("Linear", rng)
        rng = rng or tg.default_generator()
        fans = (in_features, out_features)
        self.weight = initial("weight", weight_init, fans, fans, rng, dtype)
        self.bias = None
        if bias:
            self.bias = initial("bias", bias_init, (out_features,), fans, rng, dtype)
        self.penalties = {name: strength for name, strength in penalties.items() if strength}

    def forward(self, x: Any) -> Tensor:
        weight, bias = self.weight, self.bias
        rows = as_floats(x, weight.dtype)
        try:
            product = rows @ weight
        except ValueError:
            if rows.ndim and rows.shape[-1] == weight.shape[0]:
                raise
            raise self._misfit(x, rows) from None
        return product if bias is None else product + bias

    def _misfit(self, data: Any, x: Tensor) -> ValueError:
        """Make the error for data, as given and as a Tensor, whose last axis does not fit."""
        features = self.weight.shape[0]
        transposed = x.ndim == 2 and x.shape[0] == features
        images = x.ndim > 0 and x[:1].size == features
        return ValueError(
            f"{self!r} needs inputs of shape (..., {features}), not {x.shape}: "
            f"x is {tg.describe(data)}, the weight {tg.describe(self.weight)}"
            + (". Did you mean x.T?" if transposed else "")
            + (". To make rows: x.reshape(len(x), -1)" if images else "")
        )

    def regularization_loss(self) -> Tensor | float:
        """Return the penalties on weights and biases: Σ over those set of λ·Σ|w| and λ·Σw²."""
        total: Tensor | float = 0.0
        for name, strength in self.penalties.items():
            kind, norm = name.split("_")
            values = getattr(self, kind)
            if values is not None:
                sizes = abs(values) if norm == "l1" else values * values
                total = total + strength * sizes.sum()
        return total

    def extra_repr(self) -> str:
        parts = list(map(str, self.weight.shape))
        if self.bias is None:
            parts.append("bias=False")
        parts += [f"{name}={value}" for name, value in self.penalties.items()]
        return ", ".join(parts)


def check_sizes(**sizes: Any) -> None:
    """Raise ValueError for a size that is no positive integer."""
    for name, size in sizes.items():
        if not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"{name} must be a positive integer, not {size!r}")


def initial(
    name: str,
    initializer: Callable[..., np.ndarray],
    shape: tuple[int, ...],
    fans: tuple[int, int],
    rng: np.random.Generator,
    dtype: Any,
) -> Parameter:
    """Make a parameter with its initial values."""
    if not callable(initializer):
        raise TypeError(
            f"{name}_init must be a function, such as nn.init.he_normal or nn.init.normal(0.01), "
            f"not {initializer!r}"
        )
    values = initializer(shape, *fans, rng)
    parameter = Parameter(values, dtype=dtype, name=name)
    if parameter.shape != shape:
        raise ValueError(f"the initial {name} must have shape {shape}, not {parameter.shape}")
    return parameter


Dense = Linear


def regularization_loss(model: Module) -> Tensor | float:
    """Return the sum of the penalties of all layers in the model; 0.0 if there are none."""
    total: Tensor | float = 0.0
    for module in model.modules():
        if isinstance(module, Linear) and module.penalties:
            total = total + module.regularization_loss()
    return total


class Dropout(Module):
    """In training, each element becomes 0 with probability p, and the rest is divided by 1 - p.

    Args:
        p: probability of dropping, 0 ≤ p < 1 (the book's `rate` is the same).
        rng: generator for the masks; by default `tinygrad_np.default_generator()` at each call.
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        if not 0 <= p < 1:
            raise ValueError(f"the probability of dropping must be in [0, 1), not {p}")
        check_generator("Dropout", rng)
        self.p = p
        self.rng = rng

    def forward(self, x: Any) -> Tensor:
        return tg.dropout(as_floats(x), self.p, self.training, self.rng)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout2d(Dropout):
    """In training, each channel of each image becomes 0 with probability p (see `Dropout`).

    Images are (rows, channels, height, width), or one of them without the first axis.
    """

    axes = 2

    def forward(self, x: Any) -> Tensor:
        x = as_floats(x)
        if x.ndim not in (self.axes + 1, self.axes + 2):
            raise ValueError(
                f"{self!r} drops channels: it needs {self.axes + 2} axes, not {x.ndim}"
            )
        shape = x.shape[: -self.axes] + (1,) * self.axes
        mask = tg.dropout(tg.ones(shape, dtype=x.dtype), self.p, self.training, self.rng)
        return x * mask if self.training else x


class Dropout1d(Dropout2d):
    """In training, each channel of each sequence becomes 0 with probability p (see `Dropout`)."""

    axes = 1


class Embedding(Module):
    """A learned vector for each of so many things: integers (...) become (..., embedding_dim).

    Args:
        num_embeddings: how many things there are.
        embedding_dim: the length of the vectors.
        padding_idx: a thing whose vector is zeros at first and gets no gradient.
        weight_init: a function from `nn.init`.
        dtype, rng: as of `Linear`.
    """

    torch_transposed = ()

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        weight_init: Callable[..., np.ndarray] = init.normal(1.0),  # noqa: B008 - a function
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        shape = (num_embeddings, embedding_dim)
        check_sizes(num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        self.padding_idx = padding_idx
        self.weight = initial(
            "weight", weight_init, shape, shape, rng or tg.default_generator(), dtype
        )
        if padding_idx is None:
            return
        if not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx {padding_idx} is none of {num_embeddings} things")
        self.padding_idx = padding_idx % num_embeddings
        with tg.no_grad():
            self.weight[self.padding_idx] = 0

    def forward(self, indices: Any) -> Tensor:
        vectors = tg.embedding(indices, self.weight)
        if self.padding_idx is None:
            return vectors
        learned = tg.expand_dims(as_tensor(indices) != self.padding_idx, -1)
        return tg.where(learned, vectors, vectors.detach())

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}{padding}"
