"""What a type checker must know: `mypy tests/typing` fails if the table's types are lost."""

from __future__ import annotations

import numpy as np
from typing_extensions import assert_type

import nn
import tinygrad_np as tg
from tinygrad_np import Tensor

t = Tensor([1.0, 2.0], requires_grad=True)
a = np.ones(2)

assert_type(t + 1, Tensor)
assert_type(t @ a, Tensor)
assert_type(2 * t - t / 3, Tensor)
assert_type(t**2, Tensor)
assert_type(-t, Tensor)
assert_type(t > 0, Tensor)
assert_type(t[0], Tensor)
assert_type(t.T, Tensor)
assert_type(t.sum(axis=0, keepdims=True), Tensor)
assert_type(t.exp().reshape(2, 1).transpose(), Tensor)
assert_type(tg.exp(t), Tensor)
assert_type(tg.maximum(a, t), Tensor)
assert_type(tg.where(t > 0, t, 0.0), Tensor)
assert_type(tg.concatenate([t, a]), Tensor)
assert_type(tg.cross_entropy(t, [1], reduction="sum"), Tensor)
assert_type(tg.zeros((2, 3), requires_grad=True), Tensor)
assert_type(tg.randn(2, 3, rng=np.random.default_rng(0)), Tensor)
assert_type(tg.flip(t), Tensor)
assert_type(t.repeat(2, axis=0).tile(3), Tensor)
assert_type(tg.split(t, 2), tuple[Tensor, ...])
assert_type(tg.hstack([t, a]), Tensor)
assert_type(t.at[0].add(1.0), Tensor)
assert_type(t.grad, Tensor | None)
assert_type(t.shape, tuple[int, ...])

t.sum(axes=0)  # type: ignore[call-arg]
tg.softmax(t, axis="rows")  # type: ignore[call-overload]

model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
assert_type(model.parameters(), list[nn.Parameter])
