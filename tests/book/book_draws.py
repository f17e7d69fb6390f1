"""The book's random draws without `nnfs.init()`: from a RandomState of their own.

The normals are rounded to float32, as `nnfs.init()` has it, so that every other numerics starts
from the very numbers that the printed runs started from.
"""

from __future__ import annotations

import itertools

import numpy as np


class Draws:
    """The random numbers of one entry, in the book's order: data, weights, dropout masks."""

    def __init__(self, setup: dict) -> None:
        self.setup = setup
        self.state = np.random.RandomState(0)
        self.state.standard_normal(setup.get("normals_before", 0))
        self.X, self.y = self.data()
        scale = np.float32(setup["init_scale"])
        shapes = itertools.pairwise(setup["layers"])
        self.weights = [scale * self.normals(*shape) for shape in shapes]

    def normals(self, *shape: int) -> np.ndarray:
        return self.state.standard_normal(shape).astype(np.float32)

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """The training set; labels of two classes as a column."""
        about = self.setup["dataset"]
        if about["name"] == "sine":
            x = np.arange(about["samples"]).reshape(-1, 1) / about["samples"]
            return x, np.sin(2 * np.pi * x)
        rows, classes = about["samples"], about["classes"]
        arms = []
        for k in range(classes):
            radius = np.linspace(0.0, 1, rows)
            noise = self.normals(rows) * np.float32(0.2)
            angle = np.linspace(k * 4, (k + 1) * 4, rows) + noise
            arms.append(np.c_[radius * np.sin(angle * 2.5), radius * np.cos(angle * 2.5)])
        y = np.repeat(np.arange(classes, dtype=np.uint8), rows)
        X = np.concatenate(arms).astype(np.float32)
        return X, y if classes > 2 else y.reshape(-1, 1)

    def mask(self, shape: tuple[int, ...], dropped: float) -> np.ndarray:
        """The next dropout mask."""
        return self.state.binomial(1, 1 - dropped, size=shape) / (1 - dropped)
