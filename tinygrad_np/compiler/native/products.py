"""Products by the BLAS that NumPy itself has loaded, called as NumPy calls it."""

from __future__ import annotations

import ctypes
import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..lowering.loops import Computation, View, dense_strides
from ..lowering.memory import Unsupported

if TYPE_CHECKING:
    from ..statements import Statement
    from .places import Loops

_ROWS, _PLAIN, _TURNED = 101, 111, 112  # CBLAS: row-major; as it lies, transposed
_LETTERS = {"f4": "s", "f8": "d"}


@dataclass(eq=False, slots=True, kw_only=True)
class Product(Computation):
    """A product by one call of BLAS, or one for each matrix of a stack.

    Attributes:
        routine: "gemm" or "gemv".
        sizes: what it is called with, from the order of rows to the last dimension.
        left, right: what is multiplied, `left` the matrix of a gemv.
        steps: rows' distances of left, right and out.
        starts: where each of a stack begins in left, right and out, in elements.
    """

    routine: str
    left: View
    right: View
    sizes: tuple[int, ...]
    steps: tuple[int, int, int]
    starts: list[tuple[int, ...]]

    @property
    def reads(self) -> list[View]:
        return [self.left, self.right]

    @property
    def symbol(self) -> str:
        """The name of the routine in the text, with the letter of its dtype."""
        return _LETTERS[self.out.dtype.str[1:]] + self.routine


@functools.lru_cache(maxsize=1)
def blas() -> tuple[dict[str, int], str] | None:
    """Find NumPy's BLAS: the addresses of its routines, and C's type of their integers.

    It is asked for through NumPy's own extension, which has it loaded. None if it has no BLAS.
    """
    extension = importlib.import_module("numpy._core._multiarray_umath")
    library = ctypes.CDLL(extension.__file__)
    for spelling in ("scipy_cblas_{}64_", "cblas_{}64_", "scipy_cblas_{}", "cblas_{}"):
        addresses = {}
        for name in ("sgemm", "dgemm", "sgemv", "dgemv"):
            routine = getattr(library, spelling.format(name), None)
            if routine is not None:
                addresses[name] = ctypes.cast(routine, ctypes.c_void_p).value or 0
        if len(addresses) == 4:
            return addresses, "int64_t" if "64_" in spelling else "int"
    return None


def is_product(statement: Statement) -> bool:
    """Say whether a statement is a product of arrays that BLAS may do."""
    if statement.kwargs:
        return False
    is_dot = statement.kind == "method" and statement.target == "dot"
    return is_dot or statement.is_ufunc(np.matmul)


def lower_product(builder: Loops, statement: Statement) -> None:
    """Write a product as the call of BLAS that NumPy makes of it.

    Raises:
        Unsupported: NumPy would call something else, or copy before.
    """
    if blas() is None:
        raise Unsupported("NumPy has no BLAS that can be called")
    left, right = statement.args
    x = builder.operand(left)
    y = builder.operand(right)
    out = builder.out
    dtypes = {x.dtype, y.dtype, out.dtype}
    if len(dtypes) != 1 or out.dtype.str[1:] not in _LETTERS:
        raise Unsupported("a product of other dtypes")
    if out.overlaps(x) or out.overlaps(y) or out in (x, y):
        raise Unsupported("a product in place")
    if min(x.size, y.size) == 0 or not out.shape:
        raise Unsupported("a product of nothing, or a number")
    if len(x.shape) + len(y.shape) == 3:
        builder.append(_matrix_by_vector(x, y, out))
    elif statement.kind == "method" and (len(x.shape), len(y.shape)) == (2, 2):
        builder.append(_matrices(x, y, out, whole=True))
    elif statement.kind == "ufunc" and min(len(x.shape), len(y.shape)) >= 2:
        builder.append(_matrices(x, y, out, whole=False))
    else:
        raise Unsupported("a product of these shapes")


def _layout(view: View, *, whole: bool) -> tuple[int, int]:
    """Return how the last two axes lie, for BLAS, and the distance of their rows."""
    rows, columns = view.shape[-2:]
    step, small = view.strides[-2:]
    if small == 1 and (step == columns if whole else step >= columns):
        return _PLAIN, step
    if step == 1 and (small == rows if whole else small >= rows):
        return _TURNED, small
    raise Unsupported("a matrix that NumPy would copy")


def _matrices(x: View, y: View, out: View, *, whole: bool) -> Product:
    """Return the product of two matrices (they are `whole` for dot), or of stacks of them."""
    m, k = x.shape[-2:]
    n = y.shape[-1]
    if min(m, n, k) == 1:
        raise Unsupported("a product with a single row or column")
    first, x_step = _layout(x, whole=whole)
    second, y_step = _layout(y, whole=whole)
    if out.strides[-1] != 1 or out.strides[-2] < n:
        raise Unsupported("a result that is not in rows")
    if (x.buffer, x.offset) == (y.buffer, y.offset) and first != second:
        raise Unsupported("a matrix by itself, for which NumPy has another routine")
    batch = out.shape[:-2]
    stacks = [v.broadcast(batch + v.shape[-2:]) for v in (x, y, out)]
    starts = []
    for place in np.ndindex(batch):
        starts.append(tuple(_start(view, place) for view in stacks))
    sizes = (_ROWS, first, second, m, n, k)
    steps = (x_step, y_step, out.strides[-2])
    return Product(
        routine="gemm", out=out, left=x, right=y, sizes=sizes, steps=steps, starts=starts
    )


def _start(view: View, place: tuple[int, ...]) -> int:
    return sum(i * step for i, step in zip(place, view.strides))


def _matrix_by_vector(x: View, y: View, out: View) -> Product:
    """Return the product of a matrix and a vector, or of a vector and a matrix."""
    vector_first = len(x.shape) == 1
    matrix, vector = (y, x) if vector_first else (x, y)
    rows, columns = matrix.shape
    if min(rows, columns) == 1 or vector.strides != (1,) or out.strides != (1,):
        raise Unsupported("a product with a single row or column")
    if matrix.strides == dense_strides(matrix.shape):
        layout, step = (_TURNED if vector_first else _PLAIN), columns
    elif matrix.strides == (1, rows):  # its rows in memory are its columns
        layout, step = (_PLAIN if vector_first else _TURNED), rows
        rows, columns = columns, rows
    else:
        raise Unsupported("a matrix that NumPy would copy")
    sizes = (_ROWS, layout, rows, columns)
    return Product(
        routine="gemv", out=out, left=matrix, right=vector, sizes=sizes, steps=(step, 1, 1),
        starts=[(0, 0, 0)],
    )  # fmt: skip
