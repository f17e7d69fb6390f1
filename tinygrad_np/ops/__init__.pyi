"""The operations, as functions.

Generated from the table of operations by docs/generate.py: do not edit.
"""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike

from ..core.op import Op as Op
from ..core.tensor import Tensor as Tensor
from .define import define_op as define_op
from .random import default_generator as default_generator
from .random import manual_seed as manual_seed


__all__ = ['TABLE', 'Op', 'default_generator', 'define_op', 'manual_seed', 'abs', 'add', 'astype', 'bitwise_and', 'bitwise_or', 'bitwise_xor', 'clip', 'copy', 'divide', 'equal', 'exp', 'greater', 'greater_equal', 'invert', 'isfinite', 'isinf', 'isnan', 'left_shift', 'less', 'less_equal', 'log', 'logical_and', 'logical_not', 'logical_or', 'logical_xor', 'maximum', 'minimum', 'multiply', 'negative', 'not_equal', 'power', 'right_shift', 'sigmoid', 'sign', 'sqrt', 'subtract', 'tanh', 'where', 'max', 'mean', 'min', 'std', 'sum', 'var', 'broadcast_to', 'concatenate', 'expand_dims', 'moveaxis', 'reshape', 'squeeze', 'stack', 'swapaxes', 'transpose', 'getitem', 'scatter', 'scatter_max', 'scatter_min', 'setitem', 'take', 'take_along_axis', 'cross', 'dot', 'inner', 'kron', 'matmul', 'matrix_power', 'outer', 'tensordot', 'vdot', 'cross_entropy', 'log_softmax', 'logsumexp', 'softmax', 'arccos', 'arccosh', 'arcsin', 'arcsinh', 'arctan', 'arctan2', 'arctanh', 'cbrt', 'cos', 'cosh', 'deg2rad', 'degrees', 'exp2', 'expm1', 'float_power', 'hypot', 'ldexp', 'log1p', 'log2', 'log10', 'logaddexp', 'logaddexp2', 'positive', 'rad2deg', 'radians', 'reciprocal', 'sin', 'sinh', 'square', 'tan', 'addcdiv', 'addcmul', 'lerp', 'rsqrt', 'ceil', 'copysign', 'divmod', 'fabs', 'floor', 'floor_divide', 'fmax', 'fmin', 'fmod', 'heaviside', 'nan_to_num', 'piecewise', 'remainder', 'rint', 'round', 'select', 'signbit', 'trunc', 'erf', 'erfc', 'sinc', 'digamma', 'gammaln', 'polygamma', 'xlogy', 'elu', 'gelu', 'hardtanh', 'leaky_relu', 'logsigmoid', 'mish', 'relu', 'selu', 'silu', 'softplus', 'softsign', 'average', 'cumprod', 'cumsum', 'diff', 'nanmax', 'nanmean', 'nanmin', 'nanprod', 'nansum', 'prod', 'ptp', 'cummax', 'cummin', 'logcumsumexp', 'corrcoef', 'cov', 'gradient', 'median', 'percentile', 'quantile', 'trapezoid', 'all', 'any', 'argmax', 'argmin', 'count_nonzero', 'contract', 'einsum', 'cholesky', 'cofactors', 'det', 'inv', 'logabsdet', 'norm', 'slogdet', 'solve', 'solve_triangular', 'diag', 'diag_embed', 'diagonal', 'flatten', 'flip', 'fliplr', 'flipud', 'pad', 'ravel', 'repeat', 'roll', 'rot90', 'tile', 'trace', 'tril', 'triu', 'append', 'array_split', 'atleast_1d', 'atleast_2d', 'atleast_3d', 'block', 'broadcast_arrays', 'column_stack', 'delete', 'dsplit', 'dstack', 'hsplit', 'hstack', 'insert', 'meshgrid', 'split', 'vsplit', 'vstack', 'argpartition', 'argsort', 'choose', 'compress', 'digitize', 'extract', 'partition', 'searchsorted', 'sort', 'topk', 'unique', 'scatter_reduce', 'arange', 'eye', 'full', 'full_like', 'linspace', 'normal', 'ones', 'ones_like', 'permutation', 'rand', 'randint', 'randn', 'uniform', 'zeros', 'zeros_like', 'categorical', 'multinomial', 'overlap_add', 'sliding_window_view', 'windows', 'conv2d', 'conv2d_weight', 'conv_transpose2d', 'avg_pool1d', 'avg_pool2d', 'conv1d', 'max_pool1d', 'max_pool2d', 'dropout', 'embedding', 'linear', 'nll_loss', 'one_hot', 'scaled_dot_product_attention', 'batch_norm', 'layer_norm', 'standardize']
TABLE: dict[str, Op]
@overload
def abs(x: Tensor, /) -> Tensor:
    """Absolute value of x."""
@overload
def abs(x: ArrayLike, /) -> np.ndarray: ...
@overload
def add(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """Sum of x and y."""
@overload
def add(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def add(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def astype(x: Tensor, dtype: DTypeLike) -> Tensor:
    """x in another dtype. Integers and booleans carry no gradient."""
@overload
def astype(x: ArrayLike, dtype: DTypeLike) -> np.ndarray: ...
@overload
def bitwise_and(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """The bits that x and y have both."""
@overload
def bitwise_and(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def bitwise_and(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def bitwise_or(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """The bits that x or y has."""
@overload
def bitwise_or(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def bitwise_or(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def bitwise_xor(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """The bits that exactly one of x and y has."""
@overload
def bitwise_xor(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def bitwise_xor(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def clip(x: Tensor, min: Tensor | ArrayLike | None = None, max: Tensor | ArrayLike | None = None) -> Tensor:
    """x limited to the interval from min to max; None for no limit on that side."""
@overload
def clip(x: ArrayLike, min: ArrayLike | None = None, max: ArrayLike | None = None) -> np.ndarray: ...
@overload
def copy(x: Tensor) -> Tensor:
    """The same values in an array of their own."""
@overload
def copy(x: ArrayLike) -> np.ndarray: ...
@overload
def divide(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """Quotient of x and y."""
@overload
def divide(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def divide(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def equal(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """True where x equals y."""
@overload
def equal(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def equal(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def exp(x: Tensor, /) -> Tensor:
    """e raised to the power x."""
@overload
def exp(x: ArrayLike, /) -> np.ndarray: ...
@overload
def greater(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """True where x is greater than y."""
@overload
def greater(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def greater(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def greater_equal(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """True where x is at least y."""
@overload
def greater_equal(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def greater_equal(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def invert(x: Tensor, /) -> Tensor:
    """Every bit of x the other way round."""
@overload
def invert(x: ArrayLike, /) -> np.ndarray: ...
@overload
def isfinite(x: Tensor, /) -> Tensor:
    """True where x is neither infinite nor nan."""
@overload
def isfinite(x: ArrayLike, /) -> np.ndarray: ...
@overload
def isinf(x: Tensor, /) -> Tensor:
    """True where x is inf or -inf."""
@overload
def isinf(x: ArrayLike, /) -> np.ndarray: ...
@overload
def isnan(x: Tensor, /) -> Tensor:
    """True where x is nan."""
@overload
def isnan(x: ArrayLike, /) -> np.ndarray: ...
@overload
def left_shift(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """The bits of x moved to the left by y places."""
@overload
def left_shift(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def left_shift(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def less(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """True where x is less than y."""
@overload
def less(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def less(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def less_equal(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """True where x is at most y."""
@overload
def less_equal(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def less_equal(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def log(x: Tensor, /) -> Tensor:
    """Natural logarithm of x."""
@overload
def log(x: ArrayLike, /) -> np.ndarray: ...
@overload
def logical_and(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """True where x and y hold."""
@overload
def logical_and(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def logical_and(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def logical_not(x: Tensor, /) -> Tensor:
    """True where x does not hold."""
@overload
def logical_not(x: ArrayLike, /) -> np.ndarray: ...
@overload
def logical_or(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """True where x or y holds."""
@overload
def logical_or(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def logical_or(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def logical_xor(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """True where exactly one of x and y holds."""
@overload
def logical_xor(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def logical_xor(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def maximum(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """The larger of x and y."""
@overload
def maximum(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def maximum(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def minimum(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """The smaller of x and y."""
@overload
def minimum(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def minimum(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def multiply(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """Elementwise product of x and y."""
@overload
def multiply(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def multiply(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def negative(x: Tensor, /) -> Tensor:
    """x with the opposite sign."""
@overload
def negative(x: ArrayLike, /) -> np.ndarray: ...
@overload
def not_equal(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """True where x differs from y."""
@overload
def not_equal(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def not_equal(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def power(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """x raised to the power y."""
@overload
def power(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def power(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def right_shift(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """The bits of x moved to the right by y places."""
@overload
def right_shift(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def right_shift(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def sigmoid(x: Tensor) -> Tensor:
    """The logistic function 1 / (1 + exp(-x)), without overflow."""
@overload
def sigmoid(x: ArrayLike) -> np.ndarray: ...
@overload
def sign(x: Tensor, /) -> Tensor:
    """-1, 0 or 1, the sign of x. Its gradient is zero everywhere."""
@overload
def sign(x: ArrayLike, /) -> np.ndarray: ...
@overload
def sqrt(x: Tensor, /) -> Tensor:
    """Square root of x."""
@overload
def sqrt(x: ArrayLike, /) -> np.ndarray: ...
@overload
def subtract(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """Difference of x and y."""
@overload
def subtract(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def subtract(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def tanh(x: Tensor, /) -> Tensor:
    """Hyperbolic tangent of x."""
@overload
def tanh(x: ArrayLike, /) -> np.ndarray: ...
@overload
def where(condition: Tensor, x: Tensor | ArrayLike, y: Tensor | ArrayLike) -> Tensor:
    """x where the condition holds, else y."""
@overload
def where(condition: Tensor | ArrayLike, x: Tensor, y: Tensor | ArrayLike) -> Tensor: ...
@overload
def where(condition: Tensor | ArrayLike, x: Tensor | ArrayLike, y: Tensor) -> Tensor: ...
@overload
def where(condition: ArrayLike, x: ArrayLike, y: ArrayLike) -> np.ndarray: ...
@overload
def max(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Largest value along the given axes."""
@overload
def max(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def mean(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over the given axes."""
@overload
def mean(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def min(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Smallest value along the given axes."""
@overload
def min(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def std(x: Tensor, axis: int | tuple[int, ...] | None = None, *, ddof: int = 0, keepdims: bool = False) -> Tensor:
    """Standard deviation over the given axes: the square root of `var`."""
@overload
def std(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, ddof: int = 0, keepdims: bool = False) -> np.ndarray: ...
@overload
def sum(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Sum over the given axes."""
@overload
def sum(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def var(x: Tensor, axis: int | tuple[int, ...] | None = None, *, ddof: int = 0, keepdims: bool = False) -> Tensor:
    """Variance over the given axes: the mean of the squared deviations (n - ddof in the mean)."""
@overload
def var(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, ddof: int = 0, keepdims: bool = False) -> np.ndarray: ...
@overload
def broadcast_to(x: Tensor, shape: int | Sequence[int]) -> Tensor:
    """x repeated along new axes and axes of length 1 until it has the given shape."""
@overload
def broadcast_to(x: ArrayLike, shape: int | Sequence[int]) -> np.ndarray: ...
def concatenate(arrays: Sequence[Tensor | ArrayLike], axis: int | tuple[int, ...] | None = 0) -> Tensor:
    """The arrays one behind the other along an axis they have; axis=None flattens them first."""
@overload
def expand_dims(x: Tensor, axis: int | tuple[int, ...] | None) -> Tensor:
    """New axes of length 1 at the given positions of the result."""
@overload
def expand_dims(x: ArrayLike, axis: int | tuple[int, ...] | None) -> np.ndarray: ...
@overload
def moveaxis(x: Tensor, source: Any, destination: Any) -> Tensor:
    """x with the axes at `source` moved to `destination`; the others keep their order."""
@overload
def moveaxis(x: ArrayLike, source: Any, destination: Any) -> np.ndarray: ...
@overload
def reshape(x: Tensor, shape: int | Sequence[int]) -> Tensor:
    """The same elements in another shape; one length may be -1, and follows from the others."""
@overload
def reshape(x: ArrayLike, shape: int | Sequence[int]) -> np.ndarray: ...
@overload
def squeeze(x: Tensor, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Without its axes of length 1: all of them, or the given ones."""
@overload
def squeeze(x: ArrayLike, axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
def stack(arrays: Sequence[Tensor | ArrayLike], axis: int | tuple[int, ...] | None = 0) -> Tensor:
    """Arrays of one shape side by side along a new axis."""
@overload
def swapaxes(x: Tensor, axis1: Any, axis2: Any) -> Tensor:
    """x with two axes exchanged."""
@overload
def swapaxes(x: ArrayLike, axis1: Any, axis2: Any) -> np.ndarray: ...
@overload
def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order: reversed, or as the permutation `axes` says."""
@overload
def transpose(x: ArrayLike, axes: Sequence[int] | None = None) -> np.ndarray: ...
@overload
def getitem(x: Tensor, index: Any) -> Tensor:
    """The elements that the index picks."""
@overload
def getitem(x: ArrayLike, index: Any) -> np.ndarray: ...
@overload
def scatter(values: Tensor, index: Any, shape: int | Sequence[int]) -> Tensor:
    """Zeros of the given shape, with the values added at the index (repeated ones add up)."""
@overload
def scatter(values: ArrayLike, index: Any, shape: int | Sequence[int]) -> np.ndarray: ...
@overload
def scatter_max(x: Tensor, value: Tensor | ArrayLike, index: Any) -> Tensor:
    """A copy of x, each indexed element raised to the value where that is larger."""
@overload
def scatter_max(x: Tensor | ArrayLike, value: Tensor, index: Any) -> Tensor: ...
@overload
def scatter_max(x: ArrayLike, value: ArrayLike, index: Any) -> np.ndarray: ...
@overload
def scatter_min(x: Tensor, value: Tensor | ArrayLike, index: Any) -> Tensor:
    """A copy of x, each indexed element lowered to the value where that is smaller."""
@overload
def scatter_min(x: Tensor | ArrayLike, value: Tensor, index: Any) -> Tensor: ...
@overload
def scatter_min(x: ArrayLike, value: ArrayLike, index: Any) -> np.ndarray: ...
@overload
def setitem(x: Tensor, value: Tensor | ArrayLike, index: Any) -> Tensor:
    """A copy of x with the value written at the index."""
@overload
def setitem(x: Tensor | ArrayLike, value: Tensor, index: Any) -> Tensor: ...
@overload
def setitem(x: ArrayLike, value: ArrayLike, index: Any) -> np.ndarray: ...
@overload
def take(x: Tensor, indices: ArrayLike, axis: int | tuple[int, ...] | None = None, *, mode: str = 'raise') -> Tensor:
    """The elements (or slices) at integer positions along an axis; of the flattened array if None."""
@overload
def take(x: ArrayLike, indices: ArrayLike, axis: int | tuple[int, ...] | None = None, *, mode: str = 'raise') -> np.ndarray: ...
@overload
def take_along_axis(x: Tensor, indices: ArrayLike, axis: int | tuple[int, ...] | None = -1) -> Tensor:
    """Elements at positions along an axis, given for each row apart, as `argsort` gives them."""
@overload
def take_along_axis(x: ArrayLike, indices: ArrayLike, axis: int | tuple[int, ...] | None = -1) -> np.ndarray: ...
def cross(x: Any, y: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: int | tuple[int, ...] | None = None) -> Any:
    """Cross product of vectors in three dimensions."""
def dot(x: Any, y: Any) -> Any:
    """NumPy's dot: the sum over the last axis of x and the second to last (or only) axis of y."""
def inner(x: Any, y: Any) -> Any:
    """The sum of products over the last axis of both; numbers are multiplied."""
def kron(x: Any, y: Any) -> Any:
    """Kronecker product: y times every element of x, laid out as blocks."""
@overload
def matmul(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """Matrix product: the last axis of x with the second to last of y (the only one if 1-D)."""
@overload
def matmul(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def matmul(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def matrix_power(x: Tensor, n: Any) -> Tensor:
    """The product of n times the square matrix x (or of each in a stack): x @ x @ ... @ x."""
@overload
def matrix_power(x: ArrayLike, n: Any) -> np.ndarray: ...
def outer(x: Any, y: Any) -> Any:
    """Every element of x times every element of y, both flattened: shape (x.size, y.size)."""
def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """The sum of products over pairs of axes; the other axes of x, then of y, remain."""
def vdot(x: Any, y: Any) -> Any:
    """The sum of products of all elements: x and y flattened (x conjugated, if complex)."""
@overload
def cross_entropy(logits: Tensor, target: Tensor | ArrayLike, axis: int | tuple[int, ...] | None = -1, reduction: str = 'mean', ignore_index: int | None = None, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy between softmax(logits) along an axis and the target."""
@overload
def cross_entropy(logits: Tensor | ArrayLike, target: Tensor, axis: int | tuple[int, ...] | None = -1, reduction: str = 'mean', ignore_index: int | None = None, label_smoothing: float = 0.0) -> Tensor: ...
@overload
def cross_entropy(logits: ArrayLike, target: ArrayLike, axis: int | tuple[int, ...] | None = -1, reduction: str = 'mean', ignore_index: int | None = None, label_smoothing: float = 0.0) -> np.ndarray: ...
@overload
def log_softmax(x: Tensor, axis: int | tuple[int, ...] | None = -1) -> Tensor:
    """Logarithm of the softmax along an axis, right where the softmax itself underflows."""
@overload
def log_softmax(x: ArrayLike, axis: int | tuple[int, ...] | None = -1) -> np.ndarray: ...
@overload
def logsumexp(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over the given axes, without overflow; -inf of no x, or all -inf."""
@overload
def logsumexp(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def softmax(x: Tensor, axis: int | tuple[int, ...] | None = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis: positive numbers that sum to 1."""
@overload
def softmax(x: ArrayLike, axis: int | tuple[int, ...] | None = -1) -> np.ndarray: ...
@overload
def arccos(x: Tensor, /) -> Tensor:
    """The angle in [0, pi] whose cosine is x."""
@overload
def arccos(x: ArrayLike, /) -> np.ndarray: ...
@overload
def arccosh(x: Tensor, /) -> Tensor:
    """The number, not negative, whose hyperbolic cosine is x."""
@overload
def arccosh(x: ArrayLike, /) -> np.ndarray: ...
@overload
def arcsin(x: Tensor, /) -> Tensor:
    """The angle in [-pi/2, pi/2] whose sine is x."""
@overload
def arcsin(x: ArrayLike, /) -> np.ndarray: ...
@overload
def arcsinh(x: Tensor, /) -> Tensor:
    """The number whose hyperbolic sine is x."""
@overload
def arcsinh(x: ArrayLike, /) -> np.ndarray: ...
@overload
def arctan(x: Tensor, /) -> Tensor:
    """The angle in [-pi/2, pi/2] whose tangent is x."""
@overload
def arctan(x: ArrayLike, /) -> np.ndarray: ...
@overload
def arctan2(y: Tensor, x: Tensor | ArrayLike, /) -> Tensor:
    """The angle in [-pi, pi] of the point with coordinates x and y: y comes first."""
@overload
def arctan2(y: Tensor | ArrayLike, x: Tensor, /) -> Tensor: ...
@overload
def arctan2(y: ArrayLike, x: ArrayLike, /) -> np.ndarray: ...
@overload
def arctanh(x: Tensor, /) -> Tensor:
    """The number whose hyperbolic tangent is x."""
@overload
def arctanh(x: ArrayLike, /) -> np.ndarray: ...
@overload
def cbrt(x: Tensor, /) -> Tensor:
    """Cube root of x, negative where x is."""
@overload
def cbrt(x: ArrayLike, /) -> np.ndarray: ...
@overload
def cos(x: Tensor, /) -> Tensor:
    """Cosine of x in radians."""
@overload
def cos(x: ArrayLike, /) -> np.ndarray: ...
@overload
def cosh(x: Tensor, /) -> Tensor:
    """Hyperbolic cosine of x."""
@overload
def cosh(x: ArrayLike, /) -> np.ndarray: ...
@overload
def deg2rad(x: Tensor, /) -> Tensor:
    """The angle x, given in degrees, in radians."""
@overload
def deg2rad(x: ArrayLike, /) -> np.ndarray: ...
@overload
def degrees(x: Tensor, /) -> Tensor:
    """The angle x, given in radians, in degrees."""
@overload
def degrees(x: ArrayLike, /) -> np.ndarray: ...
@overload
def exp2(x: Tensor, /) -> Tensor:
    """2 raised to the power x."""
@overload
def exp2(x: ArrayLike, /) -> np.ndarray: ...
@overload
def expm1(x: Tensor, /) -> Tensor:
    """exp(x) - 1, exact near x = 0."""
@overload
def expm1(x: ArrayLike, /) -> np.ndarray: ...
@overload
def float_power(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """x raised to the power y, computed in float64."""
@overload
def float_power(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def float_power(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def hypot(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """Length of the vector (x, y), without overflow."""
@overload
def hypot(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def hypot(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def ldexp(x: Tensor, n: Tensor | ArrayLike, /) -> Tensor:
    """x times 2 to the power n, an integer."""
@overload
def ldexp(x: Tensor | ArrayLike, n: Tensor, /) -> Tensor: ...
@overload
def ldexp(x: ArrayLike, n: ArrayLike, /) -> np.ndarray: ...
@overload
def log1p(x: Tensor, /) -> Tensor:
    """log(1 + x), exact near x = 0."""
@overload
def log1p(x: ArrayLike, /) -> np.ndarray: ...
@overload
def log2(x: Tensor, /) -> Tensor:
    """Logarithm of x to the base 2."""
@overload
def log2(x: ArrayLike, /) -> np.ndarray: ...
@overload
def log10(x: Tensor, /) -> Tensor:
    """Logarithm of x to the base 10."""
@overload
def log10(x: ArrayLike, /) -> np.ndarray: ...
@overload
def logaddexp(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """log(exp(x) + exp(y)), without overflow."""
@overload
def logaddexp(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def logaddexp(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def logaddexp2(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """log2(2**x + 2**y), without overflow."""
@overload
def logaddexp2(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def logaddexp2(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def positive(x: Tensor, /) -> Tensor:
    """x as it is."""
@overload
def positive(x: ArrayLike, /) -> np.ndarray: ...
@overload
def rad2deg(x: Tensor, /) -> Tensor:
    """The angle x, given in radians, in degrees."""
@overload
def rad2deg(x: ArrayLike, /) -> np.ndarray: ...
@overload
def radians(x: Tensor, /) -> Tensor:
    """The angle x, given in degrees, in radians."""
@overload
def radians(x: ArrayLike, /) -> np.ndarray: ...
@overload
def reciprocal(x: Tensor, /) -> Tensor:
    """1 divided by x."""
@overload
def reciprocal(x: ArrayLike, /) -> np.ndarray: ...
@overload
def sin(x: Tensor, /) -> Tensor:
    """Sine of x in radians."""
@overload
def sin(x: ArrayLike, /) -> np.ndarray: ...
@overload
def sinh(x: Tensor, /) -> Tensor:
    """Hyperbolic sine of x."""
@overload
def sinh(x: ArrayLike, /) -> np.ndarray: ...
@overload
def square(x: Tensor, /) -> Tensor:
    """x multiplied by itself."""
@overload
def square(x: ArrayLike, /) -> np.ndarray: ...
@overload
def tan(x: Tensor, /) -> Tensor:
    """Tangent of x in radians."""
@overload
def tan(x: ArrayLike, /) -> np.ndarray: ...
def addcdiv(x: Any, y: Any, z: Any, value: Any = 1) -> Any:
    """x + value * y / z."""
def addcmul(x: Any, y: Any, z: Any, value: Any = 1) -> Any:
    """x + value * y * z."""
def lerp(x: Any, y: Any, weight: Any) -> Any:
    """The mixture x + weight * (y - x); exactly x for the weight 0, and y for 1."""
@overload
def rsqrt(x: Tensor) -> Tensor:
    """1 / sqrt(x)."""
@overload
def rsqrt(x: ArrayLike) -> np.ndarray: ...
@overload
def ceil(x: Tensor, /) -> Tensor:
    """The smallest whole number that is at least x. Its gradient is zero everywhere."""
@overload
def ceil(x: ArrayLike, /) -> np.ndarray: ...
@overload
def copysign(x: Tensor, y: Tensor | ArrayLike) -> Tensor:
    """The size of x with the sign of y; no gradient flows to y."""
@overload
def copysign(x: Tensor | ArrayLike, y: Tensor) -> Tensor: ...
@overload
def copysign(x: ArrayLike, y: ArrayLike) -> np.ndarray: ...
@overload
def divmod(x: Tensor, y: Any) -> Tensor:
    """The pair x // y, x % y."""
@overload
def divmod(x: ArrayLike, y: Any) -> np.ndarray: ...
@overload
def fabs(x: Tensor, /) -> Tensor:
    """Absolute value of x, as a float."""
@overload
def fabs(x: ArrayLike, /) -> np.ndarray: ...
@overload
def floor(x: Tensor, /) -> Tensor:
    """The largest whole number that is at most x. Its gradient is zero everywhere."""
@overload
def floor(x: ArrayLike, /) -> np.ndarray: ...
@overload
def floor_divide(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """The largest whole number that is at most x / y. Its gradient is zero everywhere."""
@overload
def floor_divide(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def floor_divide(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def fmax(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """The larger of x and y; the other one where one is nan."""
@overload
def fmax(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def fmax(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def fmin(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """The smaller of x and y; the other one where one is nan."""
@overload
def fmin(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def fmin(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def fmod(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """x - trunc(x / y) * y, which has the sign of x."""
@overload
def fmod(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def fmod(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def heaviside(x: Tensor, y: Tensor | ArrayLike) -> Tensor:
    """0 where x < 0, y where x = 0, 1 where x > 0; no gradient flows to x."""
@overload
def heaviside(x: Tensor | ArrayLike, y: Tensor) -> Tensor: ...
@overload
def heaviside(x: ArrayLike, y: ArrayLike) -> np.ndarray: ...
@overload
def nan_to_num(x: Tensor, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """x with numbers for nan, inf and -inf; by default 0 and the largest numbers of its dtype."""
@overload
def nan_to_num(x: ArrayLike, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> np.ndarray: ...
@overload
def piecewise(x: Tensor, condlist: Any, funclist: Any, *args: Any, kwargs: Any) -> Tensor:
    """Each function evaluated where its condition holds; the result has the dtype of x."""
@overload
def piecewise(x: ArrayLike, condlist: Any, funclist: Any, *args: Any, kwargs: Any) -> np.ndarray: ...
@overload
def remainder(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """x - floor(x / y) * y, which has the sign of y."""
@overload
def remainder(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def remainder(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def rint(x: Tensor, /) -> Tensor:
    """The whole number nearest to x, the even one of two. Its gradient is zero everywhere."""
@overload
def rint(x: ArrayLike, /) -> np.ndarray: ...
@overload
def round(x: Tensor, decimals: int = 0) -> Tensor:
    """x rounded to some decimals, halves to even. Its gradient is zero everywhere."""
@overload
def round(x: ArrayLike, decimals: int = 0) -> np.ndarray: ...
@overload
def select(condlist: Tensor, choicelist: Any, default: Any = 0) -> Tensor:
    """From each position's first condition that holds its choice, else the default."""
@overload
def select(condlist: ArrayLike, choicelist: Any, default: Any = 0) -> np.ndarray: ...
@overload
def signbit(x: Tensor, /) -> Tensor:
    """True where x is negative, or -0.0."""
@overload
def signbit(x: ArrayLike, /) -> np.ndarray: ...
@overload
def trunc(x: Tensor, /) -> Tensor:
    """x without its fraction. Its gradient is zero everywhere."""
@overload
def trunc(x: ArrayLike, /) -> np.ndarray: ...
@overload
def erf(x: Tensor) -> Tensor:
    """The error function: 2 / sqrt(pi) times the integral of exp(-t^2) for t from 0 to x."""
@overload
def erf(x: ArrayLike) -> np.ndarray: ...
@overload
def erfc(x: Tensor) -> Tensor:
    """1 - erf(x), right to the last digits also where it is tiny."""
@overload
def erfc(x: ArrayLike) -> np.ndarray: ...
@overload
def sinc(x: Tensor) -> Tensor:
    """sin(pi x) / (pi x), and 1 at x = 0."""
@overload
def sinc(x: ArrayLike) -> np.ndarray: ...
@overload
def digamma(x: Tensor) -> Tensor:
    """The derivative of log Γ(x)."""
@overload
def digamma(x: ArrayLike) -> np.ndarray: ...
@overload
def gammaln(x: Tensor) -> Tensor:
    """log |Γ(x)|, the logarithm of the gamma function: log((n - 1)!) at positive integers n."""
@overload
def gammaln(x: ArrayLike) -> np.ndarray: ...
@overload
def polygamma(x: Tensor, order: int) -> Tensor:
    """The derivative of digamma of an order from 1 on; nan for negative x above order 1."""
@overload
def polygamma(x: ArrayLike, order: int) -> np.ndarray: ...
@overload
def xlogy(x: Tensor, y: Tensor | ArrayLike, /) -> Tensor:
    """x * log(y), and 0 where x is 0, whatever y is."""
@overload
def xlogy(x: Tensor | ArrayLike, y: Tensor, /) -> Tensor: ...
@overload
def xlogy(x: ArrayLike, y: ArrayLike, /) -> np.ndarray: ...
@overload
def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where it is positive, else alpha * (exp(x) - 1)."""
@overload
def elu(x: ArrayLike, alpha: float = 1.0) -> np.ndarray: ...
@overload
def gelu(x: Tensor, approximate: str = 'none') -> Tensor:
    """x * P(N <= x) for a standard normal N; approximate="tanh" for the older, cheaper form."""
@overload
def gelu(x: ArrayLike, approximate: str = 'none') -> np.ndarray: ...
@overload
def hardtanh(x: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """x limited to the interval from min_val to max_val; slope 1 at the limits."""
@overload
def hardtanh(x: ArrayLike, min_val: float = -1.0, max_val: float = 1.0) -> np.ndarray: ...
@overload
def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where it is positive, else negative_slope * x."""
@overload
def leaky_relu(x: ArrayLike, negative_slope: float = 0.01) -> np.ndarray: ...
@overload
def logsigmoid(x: Tensor) -> Tensor:
    """log(sigmoid(x)), without overflow: -softplus(-x)."""
@overload
def logsigmoid(x: ArrayLike) -> np.ndarray: ...
@overload
def mish(x: Tensor) -> Tensor:
    """x * tanh(softplus(x)): Misra, "Mish" (2019)."""
@overload
def mish(x: ArrayLike) -> np.ndarray: ...
@overload
def relu(x: Tensor) -> Tensor:
    """x where it is positive, else 0."""
@overload
def relu(x: ArrayLike) -> np.ndarray: ...
@overload
def selu(x: Tensor) -> Tensor:
    """SCALE * elu(x, ALPHA), with the two constants that keep mean 0 and variance 1."""
@overload
def selu(x: ArrayLike) -> np.ndarray: ...
@overload
def silu(x: Tensor) -> Tensor:
    """x * sigmoid(x), also called swish."""
@overload
def silu(x: ArrayLike) -> np.ndarray: ...
@overload
def softplus(x: Tensor, beta: float = 1.0, threshold: float | None = None) -> Tensor:
    """log(1 + exp(beta * x)) / beta, without overflow: a smooth relu."""
@overload
def softplus(x: ArrayLike, beta: float = 1.0, threshold: float | None = None) -> np.ndarray: ...
@overload
def softsign(x: Tensor) -> Tensor:
    """x / (1 + |x|), between -1 and 1."""
@overload
def softsign(x: ArrayLike) -> np.ndarray: ...
@overload
def average(x: Tensor, axis: int | tuple[int, ...] | None = None, weights: Any = None, returned: Any = False, *, keepdims: bool = False) -> Tensor:
    """Mean of x over the given axes, weighted: sum(weights * x) / sum(weights)."""
@overload
def average(x: ArrayLike, axis: int | tuple[int, ...] | None = None, weights: Any = None, returned: Any = False, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def cumprod(x: Tensor, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Products of the elements up to each one along the axis; None flattens x."""
@overload
def cumprod(x: ArrayLike, axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
@overload
def cumsum(x: Tensor, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Sums of the elements up to each one along the axis; None flattens x."""
@overload
def cumsum(x: ArrayLike, axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
@overload
def diff(x: Tensor, n: Any = 1, axis: int | tuple[int, ...] | None = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along the axis, n times over."""
@overload
def diff(x: ArrayLike, n: Any = 1, axis: int | tuple[int, ...] | None = -1, prepend: Any = None, append: Any = None) -> np.ndarray: ...
@overload
def nanmax(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Largest element that is not nan, over the given axes; nan where there is none."""
@overload
def nanmax(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def nanmean(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Mean of the elements that are not nan; nan, with NumPy's warning, where there are none."""
@overload
def nanmean(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def nanmin(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Smallest element that is not nan, over the given axes; nan where there is none."""
@overload
def nanmin(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def nanprod(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Product over the given axes, nan counting as 1 (and getting no gradient)."""
@overload
def nanprod(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def nansum(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Sum over the given axes, nan counting as 0 (and getting no gradient)."""
@overload
def nansum(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def prod(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Product over the given axes; 1 of no elements."""
@overload
def prod(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def ptp(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Largest minus smallest value over the given axes."""
@overload
def ptp(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def cummax(x: Tensor, axis: int | tuple[int, ...] | None = 0) -> Tensor:
    """The largest of the elements up to each one along the axis; nan from the first nan on."""
@overload
def cummax(x: ArrayLike, axis: int | tuple[int, ...] | None = 0) -> np.ndarray: ...
@overload
def cummin(x: Tensor, axis: int | tuple[int, ...] | None = 0) -> Tensor:
    """The smallest of the elements up to each one along the axis; nan from the first nan on."""
@overload
def cummin(x: ArrayLike, axis: int | tuple[int, ...] | None = 0) -> np.ndarray: ...
@overload
def logcumsumexp(x: Tensor, axis: int | tuple[int, ...] | None = 0) -> Tensor:
    """log(sum(exp(x))) over the elements up to each one along the axis, without overflow."""
@overload
def logcumsumexp(x: ArrayLike, axis: int | tuple[int, ...] | None = 0) -> np.ndarray: ...
@overload
def corrcoef(x: Tensor, *, rowvar: Any = True) -> Tensor:
    """The correlations of variables, one for each row of x: covariances of variance 1."""
@overload
def corrcoef(x: ArrayLike, *, rowvar: Any = True) -> np.ndarray: ...
@overload
def cov(x: Tensor, *, rowvar: Any = True, bias: Any = False, ddof: int | None = None) -> Tensor:
    """The covariances of variables, one for each row of x: a matrix; a number for a single row."""
@overload
def cov(x: ArrayLike, *, rowvar: Any = True, bias: Any = False, ddof: int | None = None) -> np.ndarray: ...
@overload
def gradient(f: Tensor, *spacing: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Slopes along each axis from the differences of neighbours; one-sided ones at the ends."""
@overload
def gradient(f: ArrayLike, *spacing: Any, axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
@overload
def median(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """The middle element over the given axes, the mean of the two middle ones if n is even."""
@overload
def median(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def percentile(x: Tensor, q: Any, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """`quantile` of q / 100."""
@overload
def percentile(x: ArrayLike, q: Any, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def quantile(x: Tensor, q: Any, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """The value below which a share q of the elements lies, over the given axes."""
@overload
def quantile(x: ArrayLike, q: Any, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def trapezoid(y: Tensor, x: Any = None, dx: Any = 1.0, axis: int | tuple[int, ...] | None = -1) -> Tensor:
    """The integral of y along an axis by the trapezoidal rule."""
@overload
def trapezoid(y: ArrayLike, x: Any = None, dx: Any = 1.0, axis: int | tuple[int, ...] | None = -1) -> np.ndarray: ...
@overload
def all(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """True where all elements along the given axes are true, that is not 0."""
@overload
def all(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def any(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """True where at least one element along the given axes is true, that is not 0."""
@overload
def any(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def argmax(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Position of the (first) largest element along an axis; None flattens x."""
@overload
def argmax(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
@overload
def argmin(x: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Position of the (first) smallest element along an axis; None flattens x."""
@overload
def argmin(x: ArrayLike, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> np.ndarray: ...
def count_nonzero(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Number of elements along the given axes that are not 0; a Python int for all of x."""
def contract(arrays: Sequence[Tensor | ArrayLike], spec: str) -> Tensor:
    """The sum of products of the arrays that an einsum spec such as "ij,jk->ik" describes."""
def einsum(spec: Any, *operands: Any) -> Any:
    """Einstein summation: `einsum("ij,jk->ik", x, y)` is the matrix product of x and y."""
@overload
def cholesky(a: Tensor) -> Tensor:
    """The lower triangular L with L @ L.T = a; a is symmetric, only its lower triangle is read."""
@overload
def cholesky(a: ArrayLike) -> np.ndarray: ...
@overload
def cofactors(a: Tensor) -> Tensor:
    """The matrix of cofactors, det(a) * inv(a).T: the derivative of det, for any matrix."""
@overload
def cofactors(a: ArrayLike) -> np.ndarray: ...
@overload
def det(a: Tensor) -> Tensor:
    """The determinant of a square matrix, or of each in a stack."""
@overload
def det(a: ArrayLike) -> np.ndarray: ...
@overload
def inv(a: Tensor) -> Tensor:
    """The inverse of a square matrix, or of each in a stack."""
@overload
def inv(a: ArrayLike) -> np.ndarray: ...
@overload
def logabsdet(a: Tensor) -> Tensor:
    """log(|det(a)|) of a square matrix, or of each in a stack, without overflow."""
@overload
def logabsdet(a: ArrayLike) -> np.ndarray: ...
@overload
def norm(x: Tensor, ord: Any = None, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
    """NumPy's norm of vectors (axis an integer, or x 1-D) or matrices (axis a pair, or x 2-D)."""
@overload
def norm(x: ArrayLike, ord: Any = None, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> np.ndarray: ...
def slogdet(a: Any) -> Any:
    """The sign of the determinant (no gradient flows through it) and log(|det(a)|), as a pair."""
@overload
def solve(a: Tensor, b: Tensor | ArrayLike) -> Tensor:
    """x such that a @ x = b; b is one vector if 1-D, else a matrix or a stack of them."""
@overload
def solve(a: Tensor | ArrayLike, b: Tensor) -> Tensor: ...
@overload
def solve(a: ArrayLike, b: ArrayLike) -> np.ndarray: ...
def solve_triangular(a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False) -> Any:
    """x such that a @ x = b, for one triangle of a; nobody reads the other one. As in SciPy."""
@overload
def diag(x: Tensor, k: Any = 0) -> Tensor:
    """A matrix with x on diagonal k if x is 1-D; diagonal k of x if it is a matrix."""
@overload
def diag(x: ArrayLike, k: Any = 0) -> np.ndarray: ...
@overload
def diag_embed(x: Tensor, offset: Any = 0, axis1: Any = -2, axis2: Any = -1) -> Tensor:
    """Matrices of zeros with the rows of x on a diagonal, in the plane of two axes of the result."""
@overload
def diag_embed(x: ArrayLike, offset: Any = 0, axis1: Any = -2, axis2: Any = -1) -> np.ndarray: ...
@overload
def diagonal(x: Tensor, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Tensor:
    """The elements on a diagonal of the plane of two axes, along a new last axis."""
@overload
def diagonal(x: ArrayLike, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> np.ndarray: ...
@overload
def flatten(x: Tensor, order: str = 'C') -> Tensor:
    """The same as `ravel`; the only order is "C"."""
@overload
def flatten(x: ArrayLike, order: str = 'C') -> np.ndarray: ...
@overload
def flip(x: Tensor, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """The elements in reverse order along the given axes, or all."""
@overload
def flip(x: ArrayLike, axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
@overload
def fliplr(x: Tensor) -> Tensor:
    """Each row reversed: flip along axis 1."""
@overload
def fliplr(x: ArrayLike) -> np.ndarray: ...
@overload
def flipud(x: Tensor) -> Tensor:
    """The rows in reverse order: flip along axis 0."""
@overload
def flipud(x: ArrayLike) -> np.ndarray: ...
@overload
def pad(x: Tensor, pad_width: Any, mode: str = 'constant', *, constant_values: Any = 0) -> Tensor:
    """New elements before and after each axis."""
@overload
def pad(x: ArrayLike, pad_width: Any, mode: str = 'constant', *, constant_values: Any = 0) -> np.ndarray: ...
@overload
def ravel(x: Tensor) -> Tensor:
    """The elements along one axis, those of the last axis next to each other."""
@overload
def ravel(x: ArrayLike) -> np.ndarray: ...
@overload
def repeat(x: Tensor, repeats: int | Sequence[int], axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Each element repeated along an axis (of the flattened array if None)."""
@overload
def repeat(x: ArrayLike, repeats: int | Sequence[int], axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
@overload
def roll(x: Tensor, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Elements moved on by `shift` places along an axis, the last ones to the front."""
@overload
def roll(x: ArrayLike, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
@overload
def rot90(x: Tensor, k: Any = 1, axes: Sequence[int] | None = (0, 1)) -> Tensor:
    """Turned k times by 90 degrees in the plane of two axes, from the first to the second."""
@overload
def rot90(x: ArrayLike, k: Any = 1, axes: Sequence[int] | None = (0, 1)) -> np.ndarray: ...
@overload
def tile(x: Tensor, reps: Any) -> Tensor:
    """Copies of the whole array side by side, `reps` of them along each axis."""
@overload
def tile(x: ArrayLike, reps: Any) -> np.ndarray: ...
@overload
def trace(x: Tensor, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Tensor:
    """The sum of the elements on a diagonal of the plane of two axes."""
@overload
def trace(x: ArrayLike, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> np.ndarray: ...
@overload
def tril(x: Tensor, k: Any = 0) -> Tensor:
    """Each matrix with zeros above diagonal k (0: the main one, 1: the one above it)."""
@overload
def tril(x: ArrayLike, k: Any = 0) -> np.ndarray: ...
@overload
def triu(x: Tensor, k: Any = 0) -> Tensor:
    """Each matrix with zeros below diagonal k (0: the main one, 1: the one above it)."""
@overload
def triu(x: ArrayLike, k: Any = 0) -> np.ndarray: ...
@overload
def append(x: Tensor, values: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """x with values behind it along an axis; both flattened if it is None."""
@overload
def append(x: ArrayLike, values: Any, axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int | tuple[int, ...] | None = 0) -> tuple[Tensor, ...]:
    """As `split`; so many parts need not be of equal length, the first ones get one more."""
def atleast_1d(*arrays: Any) -> Tensor | tuple[Tensor, ...]:
    """With at least one axis: a number becomes shape (1,). Several arrays give a tuple."""
def atleast_2d(*arrays: Any) -> Tensor | tuple[Tensor, ...]:
    """With at least two axes: shape (n,) becomes (1, n). Several arrays give a tuple."""
def atleast_3d(*arrays: Any) -> Tensor | tuple[Tensor, ...]:
    """With at least three axes: (n,) becomes (1, n, 1) and (n, m) becomes (n, m, 1)."""
def block(arrays: Any) -> Tensor:
    """One array from nested lists of blocks."""
def broadcast_arrays(*arrays: Any) -> tuple[Tensor, ...]:
    """The arrays, each broadcast to the shape that they have in common."""
def column_stack(arrays: Any) -> Tensor:
    """The columns of a matrix side by side: 1-D arrays as columns, matrices as they are."""
@overload
def delete(x: Tensor, obj: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Without the elements at `obj` (an index, a slice, several or a mask) along an axis."""
@overload
def delete(x: ArrayLike, obj: Any, axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Parts behind each other: split along axis 2."""
def dstack(arrays: Any) -> Tensor:
    """The arrays behind each other: joined along axis 2."""
def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Parts side by side: split along axis 1 (axis 0 if there is but one)."""
def hstack(arrays: Any) -> Tensor:
    """The arrays side by side: joined along axis 1 (axis 0 if they have one axis)."""
@overload
def insert(x: Tensor, obj: Any, values: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """With values before the elements at `obj` (an index or several) along an axis."""
@overload
def insert(x: ArrayLike, obj: Any, values: Any, axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
def meshgrid(*arrays: Any, indexing: Any = 'xy', sparse: Any = False) -> tuple[Tensor, ...]:
    """Coordinates of the points of a grid, from those along each axis."""
@overload
def split(x: Tensor, indices_or_sections: int | Sequence[int], axis: int | tuple[int, ...] | None = 0) -> tuple[Tensor, ...]:
    """A tuple of parts along an axis: so many of equal length, or cut before these indices."""
@overload
def split(x: ArrayLike, indices_or_sections: int | Sequence[int], axis: int | tuple[int, ...] | None = 0) -> tuple[np.ndarray, ...]: ...
def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Parts on top of each other: split along axis 0 of an array with two axes or more."""
def vstack(arrays: Any) -> Tensor:
    """The arrays on top of each other: joined along axis 0, 1-D arrays as rows."""
@overload
def argpartition(x: Tensor, kth: int | Sequence[int], axis: int | tuple[int, ...] | None = -1) -> Tensor:
    """The positions of the elements as `partition` orders them."""
@overload
def argpartition(x: ArrayLike, kth: int | Sequence[int], axis: int | tuple[int, ...] | None = -1) -> np.ndarray: ...
@overload
def argsort(x: Tensor, axis: int | tuple[int, ...] | None = -1, *, kind: str | None = 'stable', descending: bool = False) -> Tensor:
    """The positions of the elements in increasing order along an axis; NaN come last."""
@overload
def argsort(x: ArrayLike, axis: int | tuple[int, ...] | None = -1, *, kind: str | None = 'stable', descending: bool = False) -> np.ndarray: ...
def choose(x: Any, choices: Any) -> Any:
    """Each element from one of several arrays: x says from which; all broadcast together."""
def compress(condition: ArrayLike, x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """The slices of x along an axis at which the 1-D condition is true (flattened if None)."""
@overload
def digitize(x: Tensor, bins: Tensor | ArrayLike, right: bool = False) -> Tensor:
    """In which of the bins, given by their sorted edges, each element is."""
@overload
def digitize(x: Tensor | ArrayLike, bins: Tensor, right: bool = False) -> Tensor: ...
@overload
def digitize(x: ArrayLike, bins: ArrayLike, right: bool = False) -> np.ndarray: ...
def extract(condition: ArrayLike, x: Any) -> Any:
    """The elements of x at which the condition, of the same size, is true."""
@overload
def partition(x: Tensor, kth: int | Sequence[int], axis: int | tuple[int, ...] | None = -1) -> Tensor:
    """The k-th smallest along an axis in its place, smaller ones before it, larger ones behind."""
@overload
def partition(x: ArrayLike, kth: int | Sequence[int], axis: int | tuple[int, ...] | None = -1) -> np.ndarray: ...
@overload
def searchsorted(a: Tensor, v: Tensor | ArrayLike, side: str = 'left', sorter: ArrayLike | None = None) -> Tensor:
    """The positions at which to insert the values v into the sorted a, to keep it sorted."""
@overload
def searchsorted(a: Tensor | ArrayLike, v: Tensor, side: str = 'left', sorter: ArrayLike | None = None) -> Tensor: ...
@overload
def searchsorted(a: ArrayLike, v: ArrayLike, side: str = 'left', sorter: ArrayLike | None = None) -> np.ndarray: ...
@overload
def sort(x: Tensor, axis: int | tuple[int, ...] | None = -1, *, kind: str | None = 'stable', descending: bool = False) -> Tensor:
    """The elements in increasing order along an axis (flattened if None); NaN come last."""
@overload
def sort(x: ArrayLike, axis: int | tuple[int, ...] | None = -1, *, kind: str | None = 'stable', descending: bool = False) -> np.ndarray: ...
def topk(x: Any, k: Any, axis: int | tuple[int, ...] | None = -1, largest: Any = True) -> tuple[Any, Any]:
    """The k largest elements along an axis, largest first, and their positions."""
def unique(x: Any, return_index: Any = False, return_inverse: Any = False, return_counts: Any = False, axis: int | tuple[int, ...] | None = None) -> Any:
    """The different elements in increasing order; with an axis, the different slices along it."""
def scatter_reduce(x: Any, axis: int, index: Any, src: Any, reduce: str, include_self: bool = True) -> Any:
    """A copy of x, with the values that an index brings to each place reduced to one."""
def arange(start: float, stop: float | None = None, step: float = 1, dtype: DTypeLike | None = None, *, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """Numbers from start up to stop, stop excluded; from 0 up to start if stop is None."""
def eye(n: int, m: int | None = None, k: int = 0, dtype: DTypeLike | None = None, *, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """A matrix of n rows (and m columns) with ones on diagonal k, zeros elsewhere."""
def full(shape: int | Sequence[int], fill_value: ArrayLike, dtype: DTypeLike | None = None, *, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """The given value everywhere; no gradient flows to it (`np.broadcast_to` has one)."""
def full_like(x: Any, fill_value: ArrayLike, dtype: DTypeLike | None = None, *, shape: int | Sequence[int] | None = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """The given value everywhere, in the shape and dtype of x."""
def linspace(start: float, stop: float, num: int = 50, *, endpoint: bool = True, dtype: DTypeLike | None = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """num evenly spaced numbers from start to stop, stop included unless endpoint is False."""
def normal(loc: Any = 0.0, scale: Any = 1.0, size: int | Sequence[int] | None = None, *, dtype: DTypeLike | None = None, rng: Generator | None = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """Normal random numbers with mean loc and standard deviation scale; no gradient to these."""
def ones(shape: int | Sequence[int], dtype: DTypeLike | None = None, *, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """Ones in the given shape."""
def ones_like(x: Any, dtype: DTypeLike | None = None, *, shape: int | Sequence[int] | None = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """Ones in the shape and dtype of x."""
def permutation(x: Any, *, rng: Generator | None = None) -> Tensor:
    """The numbers from 0 to x - 1 in random order; the slices of an array x along its first axis."""
def rand(*shape: int, dtype: DTypeLike | None = None, rng: Generator | None = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """Uniform random numbers from 0 up to 1: rand(2, 3)."""
def randint(low: int, high: int | None = None, size: int | Sequence[int] | None = None, *, dtype: DTypeLike | None = None, rng: Generator | None = None, name: str | None = None) -> Tensor:
    """Random integers from low up to high, high excluded; from 0 up to low if high is None."""
def randn(*shape: int, dtype: DTypeLike | None = None, rng: Generator | None = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """Normal random numbers with mean 0 and standard deviation 1: randn(2, 3)."""
def uniform(low: Any = 0.0, high: Any = 1.0, size: int | Sequence[int] | None = None, *, dtype: DTypeLike | None = None, rng: Generator | None = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """Uniform random numbers from low up to high; no gradient flows to these."""
def zeros(shape: int | Sequence[int], dtype: DTypeLike | None = None, *, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """Zeros in the given shape."""
def zeros_like(x: Any, dtype: DTypeLike | None = None, *, shape: int | Sequence[int] | None = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """Zeros in the shape and dtype of x."""
def categorical(logits: Any, axis: int = -1, size: int | Sequence[int] | None = None, *, rng: Generator | None = None) -> Tensor:
    """Classes picked with the probabilities softmax(logits), by Gumbel noise, as in JAX."""
def multinomial(weights: Any, num_samples: int, replacement: bool = False, *, rng: Generator | None = None) -> Tensor:
    """Positions along the last axis, picked with probabilities in proportion to the weights."""
@overload
def overlap_add(x: Tensor, shape: int | Sequence[int], stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1) -> Tensor:
    """Windows (N, C, kh, kw, rows, columns) added up in images (N, C, *shape)."""
@overload
def overlap_add(x: ArrayLike, shape: int | Sequence[int], stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1) -> np.ndarray: ...
@overload
def sliding_window_view(x: Tensor, window_shape: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Every window along one axis or several: a view, with the windows in new axes at the end."""
@overload
def sliding_window_view(x: ArrayLike, window_shape: Any, axis: int | tuple[int, ...] | None = None) -> np.ndarray: ...
@overload
def windows(x: Tensor, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, fill: float = 0) -> Tensor:
    """Every window of an image: (N, C, H, W) becomes (N, C, kh, kw, rows, columns), a view."""
@overload
def windows(x: ArrayLike, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, fill: float = 0) -> np.ndarray: ...
@overload
def conv2d(x: Tensor, weight: Tensor | ArrayLike, bias: Tensor | ArrayLike | None = None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1) -> Tensor:
    """Cross-correlation of images (N, C, H, W) with a weight (O, C / groups, kh, kw)."""
@overload
def conv2d(x: Tensor | ArrayLike, weight: Tensor, bias: Tensor | ArrayLike | None = None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1) -> Tensor: ...
@overload
def conv2d(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1) -> np.ndarray: ...
@overload
def conv2d_weight(x: Tensor, y: Tensor | ArrayLike, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1) -> Tensor:
    """The gradient of the weight of `conv2d`: images x correlated with its result's gradient y."""
@overload
def conv2d_weight(x: Tensor | ArrayLike, y: Tensor, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1) -> Tensor: ...
@overload
def conv2d_weight(x: ArrayLike, y: ArrayLike, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1) -> np.ndarray: ...
@overload
def conv_transpose2d(x: Tensor, weight: Tensor | ArrayLike, bias: Tensor | ArrayLike | None = None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, output_padding: int | tuple[int, int] = 0, groups: int = 1, dilation: int | tuple[int, int] = 1) -> Tensor:
    """The adjoint of `conv2d` in its image: upsampling with a weight (C, O / groups, kh, kw)."""
@overload
def conv_transpose2d(x: Tensor | ArrayLike, weight: Tensor, bias: Tensor | ArrayLike | None = None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, output_padding: int | tuple[int, int] = 0, groups: int = 1, dilation: int | tuple[int, int] = 1) -> Tensor: ...
@overload
def conv_transpose2d(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, output_padding: int | tuple[int, int] = 0, groups: int = 1, dilation: int | tuple[int, int] = 1) -> np.ndarray: ...
def avg_pool1d(x: Any, kernel_size: int | tuple[int, int], stride: Any = None, padding: Any = 0) -> Any:
    """The mean of each window of sequences (N, C, length); see `avg_pool2d`."""
@overload
def avg_pool2d(x: Tensor, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] | None = None, padding: int | tuple[int, int] = 0) -> Tensor:
    """The mean of each window of images (N, C, H, W); zeros of the padding count."""
@overload
def avg_pool2d(x: ArrayLike, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] | None = None, padding: int | tuple[int, int] = 0) -> np.ndarray: ...
def conv1d(x: Any, weight: Any, bias: Any = None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1) -> Any:
    """Cross-correlation of sequences (N, C, length) with a weight (O, C / groups, k)."""
def max_pool1d(x: Any, kernel_size: int | tuple[int, int], stride: Any = None, padding: Any = 0) -> Any:
    """The largest value in each window of sequences (N, C, length); see `max_pool2d`."""
@overload
def max_pool2d(x: Tensor, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] | None = None, padding: int | tuple[int, int] = 0) -> Tensor:
    """The largest value in each window of images (N, C, H, W)."""
@overload
def max_pool2d(x: ArrayLike, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] | None = None, padding: int | tuple[int, int] = 0) -> np.ndarray: ...
def dropout(x: Any, p: float = 0.5, training: bool = True, rng: Generator | None = None) -> Any:
    """x with each element set to 0 with probability p, the others divided by 1 - p."""
def embedding(indices: Any, weight: Any) -> Any:
    """The rows of a weight (entries, features) that the indices name: (*indices.shape, features)."""
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight + bias, for x (..., in) and a weight (in, out), the transpose of PyTorch's."""
def nll_loss(log_probs: Any, target: Any, axis: int = -1, reduction: str = 'mean', ignore_index: int | None = None) -> Any:
    """Negative log likelihood: minus the log probability of each target class."""
def one_hot(labels: Any, classes: int, dtype: DTypeLike = 'float32') -> Any:
    """Rows of zeros with a 1 at each label: shape (*labels.shape, classes). No gradient flows."""
def scaled_dot_product_attention(query: Any, key: Any, value: Any, mask: Any = None, causal: bool = False, scale: float | None = None) -> Any:
    """Attention: for each query the mean of the values, weighted by softmax(query . key * scale)."""
def batch_norm(x: Any, mean: Any = None, var: Any = None, weight: Any = None, bias: Any = None, axis: int = 1, eps: float = 1e-05) -> Any:
    """x with mean 0 and variance 1 for each channel, times weight, plus bias."""
def layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-05) -> Any:
    """x with mean 0 and variance 1 over its last axes, times weight, plus bias."""
@overload
def standardize(x: Tensor, axis: int | tuple[int, ...] | None = None, eps: float = 1e-05) -> Tensor:
    """(x - mean) / sqrt(variance + eps), with mean and variance over the given axes."""
@overload
def standardize(x: ArrayLike, axis: int | tuple[int, ...] | None = None, eps: float = 1e-05) -> np.ndarray: ...
