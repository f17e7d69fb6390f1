"""The methods and operators that Tensor gets from the table.

Generated from the table of operations by docs/generate.py: do not edit.
"""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike

from .tensor import Tensor


class Place:
    def get(self) -> Tensor: """Return the part itself: t[index]."""
    def set(self, value: Any) -> Tensor: """Return a copy with the value written here; of an index twice, the last one stays."""
    def add(self, value: Any) -> Tensor: """Return a copy with the value added here, as often as an index comes."""
    def max(self, value: Any) -> Tensor: """Return a copy with the larger of what is here and the value."""
    def min(self, value: Any) -> Tensor: """Return a copy with the smaller of what is here and the value."""
class At:
    def __getitem__(self, index: Any) -> Place: ...
class TableMethods:
    @property
    def T(self) -> Tensor: ...
    @property
    def at(self) -> At: ...
    def reshape(self, *shape: Any) -> Tensor: ...
    def transpose(self, *axes: Any) -> Tensor: ...
    def __getitem__(self, key: Any) -> Tensor: ...
    def __setitem__(self, key: Any, value: Any) -> None: ...
    def __neg__(self) -> Tensor: ...
    def __pos__(self) -> Tensor: ...
    def __abs__(self) -> Tensor: ...
    def __invert__(self) -> Tensor: ...
    def __add__(self, other: Any) -> Tensor: ...
    def __radd__(self, other: Any) -> Tensor: ...
    def __iadd__(self, other: Any) -> Tensor: ...
    def __sub__(self, other: Any) -> Tensor: ...
    def __rsub__(self, other: Any) -> Tensor: ...
    def __isub__(self, other: Any) -> Tensor: ...
    def __mul__(self, other: Any) -> Tensor: ...
    def __rmul__(self, other: Any) -> Tensor: ...
    def __imul__(self, other: Any) -> Tensor: ...
    def __truediv__(self, other: Any) -> Tensor: ...
    def __rtruediv__(self, other: Any) -> Tensor: ...
    def __itruediv__(self, other: Any) -> Tensor: ...
    def __floordiv__(self, other: Any) -> Tensor: ...
    def __rfloordiv__(self, other: Any) -> Tensor: ...
    def __mod__(self, other: Any) -> Tensor: ...
    def __rmod__(self, other: Any) -> Tensor: ...
    def __imod__(self, other: Any) -> Tensor: ...
    def __pow__(self, other: Any) -> Tensor: ...
    def __rpow__(self, other: Any) -> Tensor: ...
    def __ipow__(self, other: Any) -> Tensor: ...
    def __matmul__(self, other: Any) -> Tensor: ...
    def __rmatmul__(self, other: Any) -> Tensor: ...
    def __imatmul__(self, other: Any) -> Tensor: ...
    def __and__(self, other: Any) -> Tensor: ...
    def __rand__(self, other: Any) -> Tensor: ...
    def __or__(self, other: Any) -> Tensor: ...
    def __ror__(self, other: Any) -> Tensor: ...
    def __xor__(self, other: Any) -> Tensor: ...
    def __rxor__(self, other: Any) -> Tensor: ...
    def __lshift__(self, other: Any) -> Tensor: ...
    def __rlshift__(self, other: Any) -> Tensor: ...
    def __ilshift__(self, other: Any) -> Tensor: ...
    def __rshift__(self, other: Any) -> Tensor: ...
    def __rrshift__(self, other: Any) -> Tensor: ...
    def __irshift__(self, other: Any) -> Tensor: ...
    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]: ...
    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]: ...
    def __round__(self, ndigits: int | None = 0) -> Tensor: ...
    def __lt__(self, other: Any) -> Tensor: ...
    def __le__(self, other: Any) -> Tensor: ...
    def __gt__(self, other: Any) -> Tensor: ...
    def __ge__(self, other: Any) -> Tensor: ...
    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        ...
    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        ...
    def abs(self, /) -> Tensor:
        """Absolute value of x."""
    def add(self, y: Tensor | ArrayLike, /) -> Tensor:
        """Sum of x and y."""
    def astype(self, dtype: DTypeLike) -> Tensor:
        """x in another dtype. Integers and booleans carry no gradient."""
    def bitwise_and(self, y: Tensor | ArrayLike, /) -> Tensor:
        """The bits that x and y have both."""
    def bitwise_or(self, y: Tensor | ArrayLike, /) -> Tensor:
        """The bits that x or y has."""
    def bitwise_xor(self, y: Tensor | ArrayLike, /) -> Tensor:
        """The bits that exactly one of x and y has."""
    def clip(self, min: Tensor | ArrayLike | None = None, max: Tensor | ArrayLike | None = None) -> Tensor:
        """x limited to the interval from min to max; None for no limit on that side."""
    def copy(self) -> Tensor:
        """The same values in an array of their own."""
    def divide(self, y: Tensor | ArrayLike, /) -> Tensor:
        """Quotient of x and y."""
    def equal(self, y: Tensor | ArrayLike, /) -> Tensor:
        """True where x equals y."""
    def exp(self, /) -> Tensor:
        """e raised to the power x."""
    def greater(self, y: Tensor | ArrayLike, /) -> Tensor:
        """True where x is greater than y."""
    def greater_equal(self, y: Tensor | ArrayLike, /) -> Tensor:
        """True where x is at least y."""
    def invert(self, /) -> Tensor:
        """Every bit of x the other way round."""
    def isfinite(self, /) -> Tensor:
        """True where x is neither infinite nor nan."""
    def isinf(self, /) -> Tensor:
        """True where x is inf or -inf."""
    def isnan(self, /) -> Tensor:
        """True where x is nan."""
    def left_shift(self, y: Tensor | ArrayLike, /) -> Tensor:
        """The bits of x moved to the left by y places."""
    def less(self, y: Tensor | ArrayLike, /) -> Tensor:
        """True where x is less than y."""
    def less_equal(self, y: Tensor | ArrayLike, /) -> Tensor:
        """True where x is at most y."""
    def log(self, /) -> Tensor:
        """Natural logarithm of x."""
    def logical_and(self, y: Tensor | ArrayLike, /) -> Tensor:
        """True where x and y hold."""
    def logical_not(self, /) -> Tensor:
        """True where x does not hold."""
    def logical_or(self, y: Tensor | ArrayLike, /) -> Tensor:
        """True where x or y holds."""
    def logical_xor(self, y: Tensor | ArrayLike, /) -> Tensor:
        """True where exactly one of x and y holds."""
    def maximum(self, y: Tensor | ArrayLike, /) -> Tensor:
        """The larger of x and y."""
    def minimum(self, y: Tensor | ArrayLike, /) -> Tensor:
        """The smaller of x and y."""
    def multiply(self, y: Tensor | ArrayLike, /) -> Tensor:
        """Elementwise product of x and y."""
    def negative(self, /) -> Tensor:
        """x with the opposite sign."""
    def not_equal(self, y: Tensor | ArrayLike, /) -> Tensor:
        """True where x differs from y."""
    def power(self, y: Tensor | ArrayLike, /) -> Tensor:
        """x raised to the power y."""
    def right_shift(self, y: Tensor | ArrayLike, /) -> Tensor:
        """The bits of x moved to the right by y places."""
    def sigmoid(self) -> Tensor:
        """The logistic function 1 / (1 + exp(-x)), without overflow."""
    def sign(self, /) -> Tensor:
        """-1, 0 or 1, the sign of x. Its gradient is zero everywhere."""
    def sqrt(self, /) -> Tensor:
        """Square root of x."""
    def subtract(self, y: Tensor | ArrayLike, /) -> Tensor:
        """Difference of x and y."""
    def tanh(self, /) -> Tensor:
        """Hyperbolic tangent of x."""
    def max(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Largest value along the given axes."""
    def mean(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Arithmetic mean over the given axes."""
    def min(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Smallest value along the given axes."""
    def std(self, axis: int | tuple[int, ...] | None = None, *, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Standard deviation over the given axes: the square root of `var`."""
    def sum(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Sum over the given axes."""
    def var(self, axis: int | tuple[int, ...] | None = None, *, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Variance over the given axes: the mean of the squared deviations (n - ddof in the mean)."""
    def broadcast_to(self, shape: int | Sequence[int]) -> Tensor:
        """x repeated along new axes and axes of length 1 until it has the given shape."""
    def expand_dims(self, axis: int | tuple[int, ...] | None) -> Tensor:
        """New axes of length 1 at the given positions of the result."""
    def moveaxis(self, source: Any, destination: Any) -> Tensor:
        """x with the axes at `source` moved to `destination`; the others keep their order."""
    def squeeze(self, axis: int | tuple[int, ...] | None = None) -> Tensor:
        """Without its axes of length 1: all of them, or the given ones."""
    def swapaxes(self, axis1: Any, axis2: Any) -> Tensor:
        """x with two axes exchanged."""
    def take(self, indices: ArrayLike, axis: int | tuple[int, ...] | None = None, *, mode: str = 'raise') -> Tensor:
        """The elements (or slices) at integer positions along an axis; of the flattened array if None."""
    def take_along_axis(self, indices: ArrayLike, axis: int | tuple[int, ...] | None = -1) -> Tensor:
        """Elements at positions along an axis, given for each row apart, as `argsort` gives them."""
    def cross(self, y: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: int | tuple[int, ...] | None = None) -> Any:
        """Cross product of vectors in three dimensions."""
    def dot(self, y: Any) -> Any:
        """NumPy's dot: the sum over the last axis of x and the second to last (or only) axis of y."""
    def inner(self, y: Any) -> Any:
        """The sum of products over the last axis of both; numbers are multiplied."""
    def kron(self, y: Any) -> Any:
        """Kronecker product: y times every element of x, laid out as blocks."""
    def matmul(self, y: Tensor | ArrayLike, /) -> Tensor:
        """Matrix product: the last axis of x with the second to last of y (the only one if 1-D)."""
    def matrix_power(self, n: Any) -> Tensor:
        """The product of n times the square matrix x (or of each in a stack): x @ x @ ... @ x."""
    def outer(self, y: Any) -> Any:
        """Every element of x times every element of y, both flattened: shape (x.size, y.size)."""
    def tensordot(self, y: Any, axes: Any = 2) -> Any:
        """The sum of products over pairs of axes; the other axes of x, then of y, remain."""
    def vdot(self, y: Any) -> Any:
        """The sum of products of all elements: x and y flattened (x conjugated, if complex)."""
    def cross_entropy(self, target: Tensor | ArrayLike, axis: int | tuple[int, ...] | None = -1, reduction: str = 'mean', ignore_index: int | None = None, label_smoothing: float = 0.0) -> Tensor:
        """Cross-entropy between softmax(logits) along an axis and the target."""
    def log_softmax(self, axis: int | tuple[int, ...] | None = -1) -> Tensor:
        """Logarithm of the softmax along an axis, right where the softmax itself underflows."""
    def logsumexp(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """log(sum(exp(x))) over the given axes, without overflow; -inf of no x, or all -inf."""
    def softmax(self, axis: int | tuple[int, ...] | None = -1) -> Tensor:
        """exp(x) / sum(exp(x)) along an axis: positive numbers that sum to 1."""
    def arccos(self, /) -> Tensor:
        """The angle in [0, pi] whose cosine is x."""
    def arccosh(self, /) -> Tensor:
        """The number, not negative, whose hyperbolic cosine is x."""
    def arcsin(self, /) -> Tensor:
        """The angle in [-pi/2, pi/2] whose sine is x."""
    def arcsinh(self, /) -> Tensor:
        """The number whose hyperbolic sine is x."""
    def arctan(self, /) -> Tensor:
        """The angle in [-pi/2, pi/2] whose tangent is x."""
    def arctan2(self, x: Tensor | ArrayLike, /) -> Tensor:
        """The angle in [-pi, pi] of the point with coordinates x and y: y comes first."""
    def arctanh(self, /) -> Tensor:
        """The number whose hyperbolic tangent is x."""
    def cbrt(self, /) -> Tensor:
        """Cube root of x, negative where x is."""
    def cos(self, /) -> Tensor:
        """Cosine of x in radians."""
    def cosh(self, /) -> Tensor:
        """Hyperbolic cosine of x."""
    def deg2rad(self, /) -> Tensor:
        """The angle x, given in degrees, in radians."""
    def degrees(self, /) -> Tensor:
        """The angle x, given in radians, in degrees."""
    def exp2(self, /) -> Tensor:
        """2 raised to the power x."""
    def expm1(self, /) -> Tensor:
        """exp(x) - 1, exact near x = 0."""
    def float_power(self, y: Tensor | ArrayLike, /) -> Tensor:
        """x raised to the power y, computed in float64."""
    def hypot(self, y: Tensor | ArrayLike, /) -> Tensor:
        """Length of the vector (x, y), without overflow."""
    def ldexp(self, n: Tensor | ArrayLike, /) -> Tensor:
        """x times 2 to the power n, an integer."""
    def log1p(self, /) -> Tensor:
        """log(1 + x), exact near x = 0."""
    def log2(self, /) -> Tensor:
        """Logarithm of x to the base 2."""
    def log10(self, /) -> Tensor:
        """Logarithm of x to the base 10."""
    def logaddexp(self, y: Tensor | ArrayLike, /) -> Tensor:
        """log(exp(x) + exp(y)), without overflow."""
    def logaddexp2(self, y: Tensor | ArrayLike, /) -> Tensor:
        """log2(2**x + 2**y), without overflow."""
    def positive(self, /) -> Tensor:
        """x as it is."""
    def rad2deg(self, /) -> Tensor:
        """The angle x, given in radians, in degrees."""
    def radians(self, /) -> Tensor:
        """The angle x, given in degrees, in radians."""
    def reciprocal(self, /) -> Tensor:
        """1 divided by x."""
    def sin(self, /) -> Tensor:
        """Sine of x in radians."""
    def sinh(self, /) -> Tensor:
        """Hyperbolic sine of x."""
    def square(self, /) -> Tensor:
        """x multiplied by itself."""
    def tan(self, /) -> Tensor:
        """Tangent of x in radians."""
    def addcdiv(self, y: Any, z: Any, value: Any = 1) -> Any:
        """x + value * y / z."""
    def addcmul(self, y: Any, z: Any, value: Any = 1) -> Any:
        """x + value * y * z."""
    def lerp(self, y: Any, weight: Any) -> Any:
        """The mixture x + weight * (y - x); exactly x for the weight 0, and y for 1."""
    def rsqrt(self) -> Tensor:
        """1 / sqrt(x)."""
    def ceil(self, /) -> Tensor:
        """The smallest whole number that is at least x. Its gradient is zero everywhere."""
    def copysign(self, y: Tensor | ArrayLike) -> Tensor:
        """The size of x with the sign of y; no gradient flows to y."""
    def fabs(self, /) -> Tensor:
        """Absolute value of x, as a float."""
    def floor(self, /) -> Tensor:
        """The largest whole number that is at most x. Its gradient is zero everywhere."""
    def floor_divide(self, y: Tensor | ArrayLike, /) -> Tensor:
        """The largest whole number that is at most x / y. Its gradient is zero everywhere."""
    def fmax(self, y: Tensor | ArrayLike, /) -> Tensor:
        """The larger of x and y; the other one where one is nan."""
    def fmin(self, y: Tensor | ArrayLike, /) -> Tensor:
        """The smaller of x and y; the other one where one is nan."""
    def fmod(self, y: Tensor | ArrayLike, /) -> Tensor:
        """x - trunc(x / y) * y, which has the sign of x."""
    def heaviside(self, y: Tensor | ArrayLike) -> Tensor:
        """0 where x < 0, y where x = 0, 1 where x > 0; no gradient flows to x."""
    def nan_to_num(self, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
        """x with numbers for nan, inf and -inf; by default 0 and the largest numbers of its dtype."""
    def remainder(self, y: Tensor | ArrayLike, /) -> Tensor:
        """x - floor(x / y) * y, which has the sign of y."""
    def rint(self, /) -> Tensor:
        """The whole number nearest to x, the even one of two. Its gradient is zero everywhere."""
    def round(self, decimals: int = 0) -> Tensor:
        """x rounded to some decimals, halves to even. Its gradient is zero everywhere."""
    def signbit(self, /) -> Tensor:
        """True where x is negative, or -0.0."""
    def trunc(self, /) -> Tensor:
        """x without its fraction. Its gradient is zero everywhere."""
    def erf(self) -> Tensor:
        """The error function: 2 / sqrt(pi) times the integral of exp(-t^2) for t from 0 to x."""
    def erfc(self) -> Tensor:
        """1 - erf(x), right to the last digits also where it is tiny."""
    def sinc(self) -> Tensor:
        """sin(pi x) / (pi x), and 1 at x = 0."""
    def digamma(self) -> Tensor:
        """The derivative of log Γ(x)."""
    def gammaln(self) -> Tensor:
        """log |Γ(x)|, the logarithm of the gamma function: log((n - 1)!) at positive integers n."""
    def polygamma(self, order: int) -> Tensor:
        """The derivative of digamma of an order from 1 on; nan for negative x above order 1."""
    def xlogy(self, y: Tensor | ArrayLike, /) -> Tensor:
        """x * log(y), and 0 where x is 0, whatever y is."""
    def elu(self, alpha: float = 1.0) -> Tensor:
        """x where it is positive, else alpha * (exp(x) - 1)."""
    def gelu(self, approximate: str = 'none') -> Tensor:
        """x * P(N <= x) for a standard normal N; approximate="tanh" for the older, cheaper form."""
    def hardtanh(self, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
        """x limited to the interval from min_val to max_val; slope 1 at the limits."""
    def leaky_relu(self, negative_slope: float = 0.01) -> Tensor:
        """x where it is positive, else negative_slope * x."""
    def logsigmoid(self) -> Tensor:
        """log(sigmoid(x)), without overflow: -softplus(-x)."""
    def mish(self) -> Tensor:
        """x * tanh(softplus(x)): Misra, "Mish" (2019)."""
    def relu(self) -> Tensor:
        """x where it is positive, else 0."""
    def selu(self) -> Tensor:
        """SCALE * elu(x, ALPHA), with the two constants that keep mean 0 and variance 1."""
    def silu(self) -> Tensor:
        """x * sigmoid(x), also called swish."""
    def softplus(self, beta: float = 1.0, threshold: float | None = None) -> Tensor:
        """log(1 + exp(beta * x)) / beta, without overflow: a smooth relu."""
    def softsign(self) -> Tensor:
        """x / (1 + |x|), between -1 and 1."""
    def average(self, axis: int | tuple[int, ...] | None = None, weights: Any = None, returned: Any = False, *, keepdims: bool = False) -> Tensor:
        """Mean of x over the given axes, weighted: sum(weights * x) / sum(weights)."""
    def cumprod(self, axis: int | tuple[int, ...] | None = None) -> Tensor:
        """Products of the elements up to each one along the axis; None flattens x."""
    def cumsum(self, axis: int | tuple[int, ...] | None = None) -> Tensor:
        """Sums of the elements up to each one along the axis; None flattens x."""
    def diff(self, n: Any = 1, axis: int | tuple[int, ...] | None = -1, prepend: Any = None, append: Any = None) -> Tensor:
        """Differences of neighbours along the axis, n times over."""
    def nanmax(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Largest element that is not nan, over the given axes; nan where there is none."""
    def nanmean(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Mean of the elements that are not nan; nan, with NumPy's warning, where there are none."""
    def nanmin(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Smallest element that is not nan, over the given axes; nan where there is none."""
    def nanprod(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Product over the given axes, nan counting as 1 (and getting no gradient)."""
    def nansum(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Sum over the given axes, nan counting as 0 (and getting no gradient)."""
    def prod(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Product over the given axes; 1 of no elements."""
    def ptp(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Largest minus smallest value over the given axes."""
    def cummax(self, axis: int | tuple[int, ...] | None = 0) -> Tensor:
        """The largest of the elements up to each one along the axis; nan from the first nan on."""
    def cummin(self, axis: int | tuple[int, ...] | None = 0) -> Tensor:
        """The smallest of the elements up to each one along the axis; nan from the first nan on."""
    def logcumsumexp(self, axis: int | tuple[int, ...] | None = 0) -> Tensor:
        """log(sum(exp(x))) over the elements up to each one along the axis, without overflow."""
    def corrcoef(self, *, rowvar: Any = True) -> Tensor:
        """The correlations of variables, one for each row of x: covariances of variance 1."""
    def cov(self, *, rowvar: Any = True, bias: Any = False, ddof: int | None = None) -> Tensor:
        """The covariances of variables, one for each row of x: a matrix; a number for a single row."""
    def gradient(self, *spacing: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
        """Slopes along each axis from the differences of neighbours; one-sided ones at the ends."""
    def median(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """The middle element over the given axes, the mean of the two middle ones if n is even."""
    def percentile(self, q: Any, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """`quantile` of q / 100."""
    def quantile(self, q: Any, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """The value below which a share q of the elements lies, over the given axes."""
    def all(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """True where all elements along the given axes are true, that is not 0."""
    def any(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """True where at least one element along the given axes is true, that is not 0."""
    def argmax(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Position of the (first) largest element along an axis; None flattens x."""
    def argmin(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Position of the (first) smallest element along an axis; None flattens x."""
    def count_nonzero(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Number of elements along the given axes that are not 0; a Python int for all of x."""
    def cholesky(self) -> Tensor:
        """The lower triangular L with L @ L.T = a; a is symmetric, only its lower triangle is read."""
    def cofactors(self) -> Tensor:
        """The matrix of cofactors, det(a) * inv(a).T: the derivative of det, for any matrix."""
    def det(self) -> Tensor:
        """The determinant of a square matrix, or of each in a stack."""
    def inv(self) -> Tensor:
        """The inverse of a square matrix, or of each in a stack."""
    def logabsdet(self) -> Tensor:
        """log(|det(a)|) of a square matrix, or of each in a stack, without overflow."""
    def norm(self, ord: Any = None, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        """NumPy's norm of vectors (axis an integer, or x 1-D) or matrices (axis a pair, or x 2-D)."""
    def slogdet(self) -> Any:
        """The sign of the determinant (no gradient flows through it) and log(|det(a)|), as a pair."""
    def solve(self, b: Tensor | ArrayLike) -> Tensor:
        """x such that a @ x = b; b is one vector if 1-D, else a matrix or a stack of them."""
    def solve_triangular(self, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False) -> Any:
        """x such that a @ x = b, for one triangle of a; nobody reads the other one. As in SciPy."""
    def diag(self, k: Any = 0) -> Tensor:
        """A matrix with x on diagonal k if x is 1-D; diagonal k of x if it is a matrix."""
    def diag_embed(self, offset: Any = 0, axis1: Any = -2, axis2: Any = -1) -> Tensor:
        """Matrices of zeros with the rows of x on a diagonal, in the plane of two axes of the result."""
    def diagonal(self, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Tensor:
        """The elements on a diagonal of the plane of two axes, along a new last axis."""
    def flatten(self, order: str = 'C') -> Tensor:
        """The same as `ravel`; the only order is "C"."""
    def flip(self, axis: int | tuple[int, ...] | None = None) -> Tensor:
        """The elements in reverse order along the given axes, or all."""
    def fliplr(self) -> Tensor:
        """Each row reversed: flip along axis 1."""
    def flipud(self) -> Tensor:
        """The rows in reverse order: flip along axis 0."""
    def pad(self, pad_width: Any, mode: str = 'constant', *, constant_values: Any = 0) -> Tensor:
        """New elements before and after each axis."""
    def ravel(self) -> Tensor:
        """The elements along one axis, those of the last axis next to each other."""
    def repeat(self, repeats: int | Sequence[int], axis: int | tuple[int, ...] | None = None) -> Tensor:
        """Each element repeated along an axis (of the flattened array if None)."""
    def roll(self, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> Tensor:
        """Elements moved on by `shift` places along an axis, the last ones to the front."""
    def rot90(self, k: Any = 1, axes: Sequence[int] | None = (0, 1)) -> Tensor:
        """Turned k times by 90 degrees in the plane of two axes, from the first to the second."""
    def tile(self, reps: Any) -> Tensor:
        """Copies of the whole array side by side, `reps` of them along each axis."""
    def trace(self, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Tensor:
        """The sum of the elements on a diagonal of the plane of two axes."""
    def tril(self, k: Any = 0) -> Tensor:
        """Each matrix with zeros above diagonal k (0: the main one, 1: the one above it)."""
    def triu(self, k: Any = 0) -> Tensor:
        """Each matrix with zeros below diagonal k (0: the main one, 1: the one above it)."""
    def array_split(self, indices_or_sections: int | Sequence[int], axis: int | tuple[int, ...] | None = 0) -> tuple[Tensor, ...]:
        """As `split`; so many parts need not be of equal length, the first ones get one more."""
    def dsplit(self, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
        """Parts behind each other: split along axis 2."""
    def hsplit(self, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
        """Parts side by side: split along axis 1 (axis 0 if there is but one)."""
    def split(self, indices_or_sections: int | Sequence[int], axis: int | tuple[int, ...] | None = 0) -> tuple[Tensor, ...]:
        """A tuple of parts along an axis: so many of equal length, or cut before these indices."""
    def vsplit(self, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
        """Parts on top of each other: split along axis 0 of an array with two axes or more."""
    def argpartition(self, kth: int | Sequence[int], axis: int | tuple[int, ...] | None = -1) -> Tensor:
        """The positions of the elements as `partition` orders them."""
    def argsort(self, axis: int | tuple[int, ...] | None = -1, *, kind: str | None = 'stable', descending: bool = False) -> Tensor:
        """The positions of the elements in increasing order along an axis; NaN come last."""
    def choose(self, choices: Any) -> Any:
        """Each element from one of several arrays: x says from which; all broadcast together."""
    def digitize(self, bins: Tensor | ArrayLike, right: bool = False) -> Tensor:
        """In which of the bins, given by their sorted edges, each element is."""
    def partition(self, kth: int | Sequence[int], axis: int | tuple[int, ...] | None = -1) -> Tensor:
        """The k-th smallest along an axis in its place, smaller ones before it, larger ones behind."""
    def searchsorted(self, v: Tensor | ArrayLike, side: str = 'left', sorter: ArrayLike | None = None) -> Tensor:
        """The positions at which to insert the values v into the sorted a, to keep it sorted."""
    def sort(self, axis: int | tuple[int, ...] | None = -1, *, kind: str | None = 'stable', descending: bool = False) -> Tensor:
        """The elements in increasing order along an axis (flattened if None); NaN come last."""
    def topk(self, k: Any, axis: int | tuple[int, ...] | None = -1, largest: Any = True) -> tuple[Any, Any]:
        """The k largest elements along an axis, largest first, and their positions."""
    def unique(self, return_index: Any = False, return_inverse: Any = False, return_counts: Any = False, axis: int | tuple[int, ...] | None = None) -> Any:
        """The different elements in increasing order; with an axis, the different slices along it."""
    def scatter_reduce(self, axis: int, index: Any, src: Any, reduce: str, include_self: bool = True) -> Any:
        """A copy of x, with the values that an index brings to each place reduced to one."""
    def overlap_add(self, shape: int | Sequence[int], stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1) -> Tensor:
        """Windows (N, C, kh, kw, rows, columns) added up in images (N, C, *shape)."""
    def sliding_window_view(self, window_shape: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
        """Every window along one axis or several: a view, with the windows in new axes at the end."""
    def windows(self, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, fill: float = 0) -> Tensor:
        """Every window of an image: (N, C, H, W) becomes (N, C, kh, kw, rows, columns), a view."""
    def conv2d(self, weight: Tensor | ArrayLike, bias: Tensor | ArrayLike | None = None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1) -> Tensor:
        """Cross-correlation of images (N, C, H, W) with a weight (O, C / groups, kh, kw)."""
    def conv2d_weight(self, y: Tensor | ArrayLike, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1) -> Tensor:
        """The gradient of the weight of `conv2d`: images x correlated with its result's gradient y."""
    def conv_transpose2d(self, weight: Tensor | ArrayLike, bias: Tensor | ArrayLike | None = None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, output_padding: int | tuple[int, int] = 0, groups: int = 1, dilation: int | tuple[int, int] = 1) -> Tensor:
        """The adjoint of `conv2d` in its image: upsampling with a weight (C, O / groups, kh, kw)."""
    def avg_pool1d(self, kernel_size: int | tuple[int, int], stride: Any = None, padding: Any = 0) -> Any:
        """The mean of each window of sequences (N, C, length); see `avg_pool2d`."""
    def avg_pool2d(self, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] | None = None, padding: int | tuple[int, int] = 0) -> Tensor:
        """The mean of each window of images (N, C, H, W); zeros of the padding count."""
    def conv1d(self, weight: Any, bias: Any = None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1) -> Any:
        """Cross-correlation of sequences (N, C, length) with a weight (O, C / groups, k)."""
    def max_pool1d(self, kernel_size: int | tuple[int, int], stride: Any = None, padding: Any = 0) -> Any:
        """The largest value in each window of sequences (N, C, length); see `max_pool2d`."""
    def max_pool2d(self, kernel_size: int | tuple[int, int], stride: int | tuple[int, int] | None = None, padding: int | tuple[int, int] = 0) -> Tensor:
        """The largest value in each window of images (N, C, H, W)."""
    def standardize(self, axis: int | tuple[int, ...] | None = None, eps: float = 1e-05) -> Tensor:
        """(x - mean) / sqrt(variance + eps), with mean and variance over the given axes."""
