"""Normalisation layers: statistics over a batch, or over the features of each row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor, no_grad

from ..module import Buffer, Module, Parameter, as_floats

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "LayerNorm",
    "RMSNorm",
]


class _Norm(Module):
    """Base of the normalisations: a weight and a bias for each of some features."""

    weight: Parameter | None
    bias: Parameter | None

    def _set_affine(self, shape: tuple[int, ...], affine: bool, bias: bool, dtype: Any) -> None:
        if min(shape, default=1) < 1:
            raise ValueError(f"{type(self).__name__} needs positive sizes, not {shape}")
        ones, zeros = np.ones(shape, np.float64), np.zeros(shape, np.float64)
        self.weight = Parameter(ones, dtype=dtype, name="weight") if affine else None
        self.bias = Parameter(zeros, dtype=dtype, name="bias") if affine and bias else None

    def _floats(self, x: Any) -> Tensor:
        return as_floats(x) if self.weight is None else as_floats(x, self.weight.dtype)


class BatchNorm1d(_Norm):
    """Each channel with mean 0 and variance 1, times weight, plus bias (Ioffe and Szegedy, 2015).

    In training the statistics are those of the batch, and running ones follow them; in evaluation
    the running ones are used. Inputs are (rows, channels) or (rows, channels, length).

    Args:
        num_features: the number of channels.
        eps: added to the variance.
        momentum: share of the batch in the running statistics; None for the mean over all batches.
        affine: False for a layer without weight and bias.
        track_running_stats: False to use the statistics of the batch in evaluation too.
        dtype: of the parameters.

    The running variance is the unbiased one, as in PyTorch.
    """

    ranks: tuple[int, ...] = (2, 3)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: Any = np.float32,
    ) -> None:
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self._set_affine((num_features,), affine, True, dtype)
        self.running_mean: Buffer | None = None
        self.running_var: Buffer | None = None
        self.num_batches_tracked: Buffer | None = None
        if track_running_stats:
            zeros, ones = np.zeros(num_features, np.float64), np.ones(num_features, np.float64)
            self.running_mean = Buffer(zeros, dtype=dtype, name="running_mean")
            self.running_var = Buffer(ones, dtype=dtype, name="running_var")
            self.num_batches_tracked = Buffer(0, name="num_batches_tracked")

    def forward(self, x: Any) -> Tensor:
        data, x = x, self._floats(x)
        if x.ndim not in self.ranks or x.shape[1] != self.num_features:
            ranks = " or ".join(map(str, self.ranks))
            raise ValueError(
                f"{self!r} needs {ranks} axes, the second of length {self.num_features}, not "
                f"{x.shape}: x is {tg.describe(data)}"
            )
        if not self.training and self.running_mean is not None:
            mean, var = self.running_mean, self.running_var
            return tg.batch_norm(x, mean, var, self.weight, self.bias, eps=self.eps)
        if self.training and self.running_mean is not None:
            self._follow(x)
        return tg.batch_norm(x, None, None, self.weight, self.bias, eps=self.eps)

    def _follow(self, x: Tensor) -> None:
        """Move the running statistics towards those of a batch."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        count = x.size // self.num_features
        if count < 2:
            raise ValueError(
                f"{self!r} needs more than one value for each channel in training, not {x.shape}"
            )
        with no_grad():
            axes = tuple(axis for axis in range(x.ndim) if axis != 1)
            mean, var = x.mean(axis=axes), x.var(axis=axes, ddof=1)
            self.num_batches_tracked.assign(self.num_batches_tracked + 1)
            share: Any = self.momentum
            if share is None:
                share = 1 / self.num_batches_tracked.astype(self.running_mean.dtype)
            dtype = self.running_mean.dtype
            for running, batch in ((self.running_mean, mean), (self.running_var, var)):
                running.assign((running + share * (batch - running)).astype(dtype))

    def extra_repr(self) -> str:
        parts = [str(self.num_features), f"eps={self.eps}", f"momentum={self.momentum}"]
        if self.weight is None:
            parts.append("affine=False")
        if self.running_mean is None:
            parts.append("track_running_stats=False")
        return ", ".join(parts)


class BatchNorm2d(BatchNorm1d):
    """`BatchNorm1d` of images (rows, channels, height, width)."""

    ranks = (4,)


class LayerNorm(_Norm):
    """The last axes of each row with mean 0 and variance 1 (Ba et al., 2016).

    Args:
        normalized_shape: the lengths of these axes, an integer or a tuple.
        eps: added to the variance.
        elementwise_affine: False for a layer without weight and bias.
        bias: False for a weight alone.
        dtype: of the parameters.
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = np.float32,
    ) -> None:
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self._set_affine(self.normalized_shape, elementwise_affine, bias, dtype)

    def forward(self, x: Any) -> Tensor:
        x = self._floats(x)
        return tg.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"


class RMSNorm(_Norm):
    """x / √(mean(x²) + eps) over the last axes, times weight (Zhang and Sennrich, 2019).

    Args:
        normalized_shape: the lengths of these axes, an integer or a tuple.
        eps: added to the mean; by default the machine epsilon of x.
        elementwise_affine: False for a layer without weight.
        dtype: of the parameters.
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = np.float32,
    ) -> None:
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self._set_affine(self.normalized_shape, elementwise_affine, False, dtype)

    def forward(self, x: Any) -> Tensor:
        data, x = x, self._floats(x)
        axes = len(self.normalized_shape)
        if x.shape[x.ndim - axes :] != self.normalized_shape:
            raise ValueError(
                f"{self!r} needs a shape that ends in {self.normalized_shape}, not {x.shape}: x "
                f"is {tg.describe(data)}"
            )
        eps = float(np.finfo(x.dtype).eps) if self.eps is None else self.eps
        mean = (x * x).mean(axis=tuple(range(-axes, 0)), keepdims=True)
        normal = x / tg.sqrt(mean + eps)
        return normal if self.weight is None else normal * self.weight

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"


class GroupNorm(_Norm):
    """Each group of channels of each row with mean 0 and variance 1 (Wu and He, 2018).

    Args:
        num_groups: the number of groups.
        num_channels: the number of channels, a multiple of it; x is (rows, channels, ...).
        eps: added to the variance.
        affine: False for a layer without a weight and a bias for each channel.
        dtype: of the parameters.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: Any = np.float32,
    ) -> None:
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be a multiple of num_groups ({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self._set_affine((num_channels,), affine, True, dtype)

    def forward(self, x: Any) -> Tensor:
        data, x = x, self._floats(x)
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ValueError(
                f"{self!r} needs {self.num_channels} channels along the second axis, not "
                f"{x.shape}: x is {tg.describe(data)}"
            )
        size = math.prod(x.shape[1:]) // self.num_groups
        groups = x.reshape(len(x), self.num_groups, size)
        normal = tg.layer_norm(groups, size, eps=self.eps).reshape(*x.shape)
        if self.weight is None or self.bias is None:
            return normal
        shape = (self.num_channels, *(1,) * (x.ndim - 2))
        return normal * self.weight.reshape(*shape) + self.bias.reshape(*shape)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}"


class InstanceNorm2d(GroupNorm):
    """Each channel of each image with mean 0 and variance 1: a `GroupNorm` of single channels.

    Args:
        num_features: the number of channels.
        eps: added to the variance.
        affine: True for a weight and a bias for each channel.
        dtype: of the parameters.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        affine: bool = False,
        *,
        dtype: Any = np.float32,
    ) -> None:
        super().__init__(num_features, num_features, eps, affine, dtype=dtype)

    def extra_repr(self) -> str:
        return f"{self.num_channels}, eps={self.eps}"


class InstanceNorm1d(InstanceNorm2d):
    """Each channel of each sequence with mean 0 and variance 1: see `InstanceNorm2d`."""


def _shape(sizes: int | tuple[int, ...]) -> tuple[int, ...]:
    return (int(sizes),) if isinstance(sizes, (int, np.integer)) else tuple(sizes)
