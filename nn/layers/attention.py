"""Attention with several heads, and the layers of transformers (Vaswani et al., 2017)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from .. import init
from ..module import Module, as_floats, as_tensor
from .basics import Dropout, Linear, initial
from .normalization import LayerNorm

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MultiheadAttention", "TransformerDecoderLayer", "TransformerEncoderLayer"]


class MultiheadAttention(Module):
    """Attention of several heads, each with its share of the features.

    `layer(query, key, value)` returns the output, of the query's shape, and the weights
    (rows, query length, key length), the mean over the heads; None if they are not asked for.

    Args:
        embed_dim: the number of features, a multiple of num_heads.
        num_heads: the number of heads.
        dropout: probability of dropping a weight, in training.
        bias: False for products without biases.
        batch_first: True for arrays (rows, length, features), else (length, rows, features).
        dtype, rng: as of `Linear`.
    """

    torch_transposed = ("in_proj_weight",)

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
        *,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(
                f"embed_dim ({embed_dim}) must be a multiple of num_heads ({num_heads})"
            )
        rng = rng or tg.default_generator()
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        fans = (embed_dim, 3 * embed_dim)
        draw = init.glorot_uniform
        self.in_proj_weight = initial("in_proj_weight", draw, fans, fans, rng, dtype)
        self.in_proj_bias = None
        if bias:
            shape = (3 * embed_dim,)
            self.in_proj_bias = initial("in_proj_bias", init.zeros, shape, fans, rng, dtype)
        zeros = init.zeros
        self.out_proj = Linear(embed_dim, embed_dim, bias, bias_init=zeros, dtype=dtype, rng=rng)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            query, key, value: arrays of the layer's layout; without the axis of rows there is none
                in the result.
            key_padding_mask: booleans (rows, key length), True for a key that nobody sees.
            need_weights: False to leave out the weights.
            attn_mask: booleans, True where a query does NOT see a key (as in PyTorch), or floats
                added to the scores; (query length, key length), or one for each row and head.
            is_causal: True to hide from each query the keys behind its own position.
        """
        dtype = self.out_proj.weight.dtype
        query, key, value = (as_floats(x, dtype) for x in (query, key, value))
        for name, array in (("query", query), ("key", key), ("value", value)):
            if array.ndim not in (2, 3) or array.shape[-1] != self.embed_dim:
                raise ValueError(
                    f"{self!r} needs a {name} of 2 or 3 axes that ends in {self.embed_dim}, not "
                    f"{array.shape}"
                )
        single = query.ndim == 2
        to_rows_first = self._added_axis if single else self._rows_first
        rows = [to_rows_first(array) for array in (query, key, value)]
        heads = [self._heads(array, k) for k, array in enumerate(rows)]
        queries, keys, values = heads
        mask = self._mask(queries, keys, key_padding_mask, attn_mask, is_causal)
        output, weights = self._attend(queries, keys, values, mask, need_weights)
        joined = tg.swapaxes(output, 1, 2).reshape(len(output), -1, self.embed_dim)
        result = self.out_proj(joined)
        if single:
            return result[0], None if weights is None else weights[0]
        return self._rows_first(result), weights

    def _added_axis(self, x: Tensor) -> Tensor:
        return tg.expand_dims(x, 0)

    def _rows_first(self, x: Tensor) -> Tensor:
        """Swap the first axes, unless the rows are first anyway; its own inverse."""
        return x if self.batch_first else tg.swapaxes(x, 0, 1)

    def _heads(self, x: Tensor, k: int) -> Tensor:
        """Return queries, keys or values (k = 0, 1, 2): (rows, heads, length, features)."""
        part = slice(k * self.embed_dim, (k + 1) * self.embed_dim)
        product = x @ self.in_proj_weight[:, part]
        if self.in_proj_bias is not None:
            product = product + self.in_proj_bias[part]
        rows, length, features = product.shape
        heads = product.reshape(rows, length, self.num_heads, features // self.num_heads)
        return tg.swapaxes(heads, 1, 2)

    def _mask(self, query: Tensor, key: Tensor, padding: Any, mask: Any, causal: bool) -> Any:
        """Return what is added to the scores: 0, or -inf for a key that is not seen; or None."""
        rows, heads, length, _ = query.shape
        keys = key.shape[2]
        total: Any = None
        if mask is not None:
            total = _hiding(mask, query.dtype)
            if total.ndim == 3:
                total = total.reshape(rows, heads, length, keys)
        if causal:
            later = np.triu(np.ones((length, keys), bool), 1)
            hidden = _hiding(later, query.dtype)
            total = hidden if total is None else total + hidden
        if padding is not None:
            hidden = _hiding(padding, query.dtype).reshape(rows, 1, 1, keys)
            total = hidden if total is None else total + hidden
        return total

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Any, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        drops = self.dropout > 0 and self.training
        if not drops and not need_weights:
            return tg.scaled_dot_product_attention(query, key, value, mask), None
        scores = query @ tg.swapaxes(key, -1, -2) / math.sqrt(query.shape[-1])
        weights = tg.softmax(scores if mask is None else scores + mask)
        shares = tg.dropout(weights, self.dropout, self.training) if drops else weights
        return shares @ value, weights.mean(axis=1) if need_weights else None

    def extra_repr(self) -> str:
        return f"{self.embed_dim}, {self.num_heads}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"


def _hiding(mask: Any, dtype: Any) -> Tensor:
    """Return booleans as 0 and -inf, floats as they are."""
    mask = as_tensor(mask)
    if mask.dtype.kind == "f":
        return mask.astype(dtype)
    if mask.dtype.kind != "b":
        raise TypeError(f"a mask is of booleans or floats, not {mask.dtype}")
    return Tensor(np.where(mask.numpy(), -np.inf, 0.0).astype(dtype))


def _activation(given: Any) -> Callable[[Tensor], Tensor]:
    """Return a function of Tensors, given as it is or by PyTorch's name for it.

    Raises:
        ValueError: another name.
    """
    if not isinstance(given, str):
        return given
    if given not in ("relu", "gelu"):
        raise ValueError(f"activation must be 'relu', 'gelu' or a function, not {given!r}")
    return getattr(tg, given)


class TransformerEncoderLayer(Module):
    """Attention of a sequence to itself, and a network of two layers at each position.

    Each is followed by dropout, added to its own input, and normalised.

    Args:
        d_model: the number of features.
        nhead: the number of heads.
        dim_feedforward: width of the network in between.
        dropout: probability of dropping, in training.
        activation: a function of Tensors, or "relu" or "gelu".
        layer_norm_eps: added to the variances.
        batch_first: True for arrays (rows, length, features), else (length, rows, features).
        norm_first: True to normalise what goes into each part rather than the sum after it.
        bias: False for products and norms without biases.
        dtype, rng: as of `Linear`.
    """

    crossed = False

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = tg.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = rng or tg.default_generator()
        attention = lambda: MultiheadAttention(  # noqa: E731
            d_model, nhead, dropout, bias, batch_first, dtype=dtype, rng=rng
        )
        norm = lambda: LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)  # noqa: E731
        self.self_attn = attention()
        if self.crossed:
            self.multihead_attn = attention()
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype, rng=rng)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype, rng=rng)
        self.norm1 = norm()
        self.norm2 = norm()
        if self.crossed:
            self.norm3 = norm()
        self.activation = _activation(activation)
        self.norm_first = norm_first

    def forward(
        self,
        src: Any,
        src_mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Return the sequence after the layer; masks as of `MultiheadAttention`."""
        attend = lambda x: self._attention(  # noqa: E731
            self.self_attn, x, x, src_mask, src_key_padding_mask, is_causal
        )
        x = self._added(as_floats(src, self.linear1.weight.dtype), self.norm1, attend)
        return self._added(x, self.norm2, self._network)

    def _added(self, x: Tensor, norm: LayerNorm, part: Callable[[Tensor], Tensor]) -> Tensor:
        return x + part(norm(x)) if self.norm_first else norm(x + part(x))

    def _attention(
        self,
        attention: MultiheadAttention,
        x: Tensor,
        memory: Tensor,
        mask: Any,
        padding: Any,
        causal: bool,
    ) -> Tensor:
        output, _ = attention(x, memory, memory, padding, False, mask, causal)
        return self.dropout(output)

    def _network(self, x: Tensor) -> Tensor:
        hidden = self.dropout(self.activation(self.linear1(x)))
        return self.dropout(self.linear2(hidden))


class TransformerDecoderLayer(TransformerEncoderLayer):
    """As `TransformerEncoderLayer`, with attention to a second sequence between its parts."""

    crossed = True

    def forward(  # type: ignore[override]
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return the sequence `tgt` after the layer, which attends to itself and to `memory`."""
        memory = as_floats(memory, self.linear1.weight.dtype)
        attend = lambda x: self._attention(  # noqa: E731
            self.self_attn, x, x, tgt_mask, tgt_key_padding_mask, tgt_is_causal
        )
        cross = lambda x: self._attention(  # noqa: E731
            self.multihead_attn,
            x,
            memory,
            memory_mask,
            memory_key_padding_mask,
            memory_is_causal,
        )
        x = self._added(as_floats(tgt, self.linear1.weight.dtype), self.norm1, attend)
        x = self._added(x, self.norm2, cross)
        return self._added(x, self.norm3, self._network)
