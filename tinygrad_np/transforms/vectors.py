"""Nested containers as one vector, and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import flatten, refill
from ..core.tensor import Tensor, as_array
from ..ops import concatenate, reshape

if TYPE_CHECKING:
    from collections.abc import Callable


def ravel_tree(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Lay the arrays in nested dicts, lists and tuples end to end.

        vector, unravel = tg.ravel_tree({"w": np.ones((2, 3)), "b": np.zeros(3)})
        unravel(vector)  # the dict again

    Args:
        tree: arrays, numbers and Tensors in any depth.

    Returns:
        The vector (n,), a Tensor if there is one in the tree, of the dtype that holds all; and the
        function that makes such a tree of a vector (n,), of Tensors if that is one. Gradients flow
        through both.
    """
    leaves = [x if isinstance(x, Tensor) else as_array(x) for x in flatten(tree)]
    shapes = [leaf.shape for leaf in leaves]
    dtypes = [leaf.dtype for leaf in leaves]
    whole = np.result_type(*dtypes) if dtypes else np.dtype(np.float64)
    sizes = [math.prod(shape) for shape in shapes]

    def unravel(vector: Any) -> Any:
        """Return the tree of the vector's elements.

        Raises:
            ValueError: another number of elements.
        """
        x = vector if isinstance(vector, Tensor) else as_array(vector)
        if x.shape != (sum(sizes),):
            raise ValueError(f"the vector must have shape ({sum(sizes)},), not {x.shape}")
        parts = []
        start = 0
        for shape, dtype, size in zip(shapes, dtypes, sizes):
            part = reshape(x[start : start + size], shape)
            parts.append(part if part.dtype == dtype else part.astype(dtype))
            start += size
        return refill(tree, parts)

    flat = [reshape(leaf, -1) for leaf in leaves]
    vector = concatenate(flat) if flat else np.zeros(0, whole)
    return vector if vector.dtype == whole else vector.astype(whole), unravel
