"""One family of tests over the whole table: value, dtype, shape, first and second derivative.

Values are compared with NumPy's own function, or with the definition written out below;
derivatives with finite differences on bare arrays (`test_ops_samples`), and with `gradcheck`.
"""

import math

import numpy as np
import pytest
from op_cases import (
    every_case,
    every_smooth_case,
    joined,
    numbers,
    numeric_curvature,
    numeric_gradient,
)

import tinygrad_np as tg
from tinygrad_np.core.tensor import node_of
from tinygrad_np.ops import METHODS

both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["f32", "f64"])


# --- definitions, for the ops that no NumPy function computes -----------------------------------


def _softmax(x, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def _logsumexp(x, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _scatter(values, index, shape):
    out = np.zeros(shape, values.dtype)
    positions = np.arange(out.size).reshape(shape)[index]
    for position, value in zip(np.ravel(positions), np.ravel(values), strict=True):
        out.flat[position] += value
    return out


def _scatter_extremum(better):
    def definition(x, value, index):
        out = x.copy()
        positions = np.arange(out.size).reshape(out.shape)[index]
        for position, v in zip(positions.flat, np.broadcast_to(value, positions.shape).flat):
            out.flat[position] = better(out.flat[position], v)
        return out

    return definition


def _setitem(x, value, index):
    out = x.copy()
    out[index] = value
    return out


def _cross_entropy(
    logits, target, axis=-1, reduction="mean", ignore_index=None, label_smoothing=0.0
):
    p = np.moveaxis(_softmax(logits, axis), axis, -1)
    classes = p.shape[-1]
    if target.dtype.kind == "f":
        weights = np.moveaxis(target, axis, -1)
        counted = np.ones(p.shape[:-1], bool)
    else:
        counted = np.ones(target.shape, bool) if ignore_index is None else target != ignore_index
        weights = (target[..., None] == np.arange(classes)).astype(p.dtype)
    weights = (1 - label_smoothing) * weights + label_smoothing / classes
    losses = -np.sum(weights * np.log(p), axis=-1) * counted
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / int(counted.sum())


def _cofactors(a):
    out = np.empty_like(a)
    for *stack, i, j in np.ndindex(a.shape):
        minor = np.delete(np.delete(a[tuple(stack)], i, axis=0), j, axis=1)
        out[(*stack, i, j)] = (-1) ** (i + j) * np.linalg.det(minor)
    return out


def _gelu(x, approximate="none"):
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    below = [0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.flat]
    return x * np.reshape(below, x.shape).astype(x.dtype)


def _windows(x, kernel_size, stride=1, padding=0, dilation=1, fill=0.0):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = (
        v if isinstance(v, tuple) else (v, v) for v in (kernel_size, stride, padding, dilation)
    )
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=fill)
    rows = range(0, x.shape[2] - dh * (kh - 1), sh)
    columns = range(0, x.shape[3] - dw * (kw - 1), sw)
    out = np.empty((*x.shape[:2], kh, kw, len(rows), len(columns)), x.dtype)
    for i, j, a, b in np.ndindex(out.shape[2:]):
        out[:, :, i, j, a, b] = x[:, :, rows[a] + dh * i, columns[b] + dw * j]
    return out


def _adjoint(f, shape, y):
    """The transpose of the linear function f of arrays of a shape, applied to y."""
    out = np.zeros(shape, y.dtype)
    for index in np.ndindex(shape):
        unit = np.zeros(shape, y.dtype)
        unit[index] = 1
        out[index] = np.sum(f(unit) * y)
    return out


def _overlap_add(x, shape, stride=1, padding=0, dilation=1):
    def spread(image):
        return _windows(image, x.shape[2:4], stride, padding, dilation)

    return _adjoint(spread, (*x.shape[:2], *shape), x)


def _conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    view = _windows(x, weight.shape[2:], stride, padding, dilation)
    parts = zip(np.split(view, groups, axis=1), np.split(weight, groups), strict=True)
    out = np.concatenate([np.einsum("ncijab,ocij->noab", v, w) for v, w in parts], axis=1)
    return out if bias is None else out + bias[:, None, None]


def _conv_transpose2d(
    x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    pairs = (
        v if isinstance(v, tuple) else (v, v) for v in (stride, padding, output_padding, dilation)
    )
    lengths = [
        (x.shape[axis] - 1) * s - 2 * p + d * (weight.shape[axis] - 1) + 1 + e
        for axis, s, p, e, d in zip((2, 3), *pairs, strict=True)
    ]
    shape = (x.shape[0], weight.shape[1] * groups, *lengths)

    def down(image):  # output_padding may have made room for more windows
        out = _conv2d(image, weight, None, stride, padding, dilation, groups)
        return out[:, :, : x.shape[2], : x.shape[3]]

    return _adjoint(down, shape, x) + bias[:, None, None]


def _conv2d_weight(x, y, kernel_size, stride=1, padding=0, dilation=1, groups=1):
    size = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    shape = (y.shape[1], x.shape[1] // groups, *size)
    return _adjoint(lambda w: _conv2d(x, w, None, stride, padding, dilation, groups), shape, y)


def _pool_windows(x, kernel_size, stride, padding, fill):
    return _windows(x, kernel_size, kernel_size if stride is None else stride, padding, 1, fill)


def _standardize(x, axis=None, eps=1e-5):
    spread = np.var(x, axis=axis, keepdims=True)
    return (x - np.mean(x, axis=axis, keepdims=True)) / np.sqrt(spread + eps)


DEFINITIONS = {
    "standardize": _standardize,
    "avg_pool2d": lambda x, kernel_size, stride=None, padding=0: _pool_windows(
        x, kernel_size, stride, padding, 0.0
    ).mean(axis=(2, 3)),
    "max_pool2d": lambda x, kernel_size, stride=None, padding=0: _pool_windows(
        x, kernel_size, stride, padding, -np.inf
    ).max(axis=(2, 3)),
    "conv2d": _conv2d,
    "conv2d_weight": _conv2d_weight,
    "conv_transpose2d": _conv_transpose2d,
    "overlap_add": _overlap_add,
    "windows": _windows,
    "cofactors": _cofactors,
    "contract": lambda arrays, spec: np.einsum(spec, *arrays),
    "logabsdet": lambda a: np.log(np.abs(np.linalg.det(a))),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.where(x > 0, x, 0),
    "softmax": _softmax,
    "log_softmax": lambda x, axis=-1: np.log(_softmax(x, axis)),
    "logsumexp": _logsumexp,
    "cross_entropy": _cross_entropy,
    "getitem": lambda x, index: x[index],
    "scatter": _scatter,
    "scatter_max": _scatter_extremum(max),
    "scatter_min": _scatter_extremum(min),
    "setitem": _setitem,
}

# Elementwise and scans.


def _by_sums(x, order):
    """Derivative number `order` of digamma: 2000 terms of the sum, and the integral of the rest."""
    x, n = np.asarray(x, np.float64), 2000
    k = np.arange(n).reshape(-1, *(1,) * x.ndim)
    z = x + n
    if order == 0:
        return np.log(z) - 1 / (2 * z) - 1 / (12 * z * z) - (1 / (x + k)).sum(0)
    rest = z**-order / order + z ** -(order + 1.0) / 2 + (order + 1) * z ** -(order + 2.0) / 12
    terms = ((x + k) ** -(order + 1.0)).sum(0)
    return (-1) ** (order + 1) * math.factorial(order) * (terms + rest)


def _running(reduction, x, axis):
    """The reduction of the elements up to each one."""
    rows = np.moveaxis(x, axis, 0)
    parts = [reduction(rows[: k + 1], axis=0) for k in range(len(rows))]
    return np.moveaxis(np.stack(parts), 0, axis) if parts else x


DEFINITIONS |= {
    "cummax": lambda x, axis=0: _running(np.max, x, axis),
    "cummin": lambda x, axis=0: _running(np.min, x, axis),
    "logcumsumexp": lambda x, axis=0: _running(_logsumexp, x, axis),
    "rsqrt": lambda x: x**-0.5,
    "digamma": lambda x: _by_sums(x, 0).astype(x.dtype),
    "gammaln": lambda x: np.reshape([math.lgamma(v) for v in x.flat], x.shape).astype(x.dtype),
    "polygamma": lambda x, order: _by_sums(x, order).astype(x.dtype),
    "xlogy": lambda x, y: np.where(x == 0, 0.0, x) * np.log(np.where(x == 0, 1.0, y)),
    "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1)),
    "erf": lambda x: np.reshape([math.erf(v) for v in x.flat], x.shape).astype(x.dtype),
    "erfc": lambda x: np.reshape([math.erfc(v) for v in x.flat], x.shape).astype(x.dtype),
    "gelu": _gelu,
    "leaky_relu": lambda x, negative_slope=0.01: (
        np.maximum(x, 0) + negative_slope * np.minimum(x, 0)
    ),
    "mish": lambda x: x * np.tanh(np.log(1 + np.exp(x))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "softplus": lambda x, beta=1.0: np.log(1 + np.exp(beta * x)) / beta,
    "softsign": lambda x: x / (1 + np.abs(x)),
}


def oracle(op):
    """The function that says what the op should give."""
    if op.name in DEFINITIONS:
        return DEFINITIONS[op.name]
    if isinstance(op.forward, np.ufunc):
        return op.forward
    plain = [f for f in op.numpy if not isinstance(f, tuple)]
    if not plain and op.name == "astype":
        return lambda x, dtype: x.astype(dtype)  # NumPy 2.0 has no np.astype
    assert plain, f"{op.name} needs a definition in this file: NumPy has no function for it"
    return plain[0]


def leaves(arrays):
    return [tg.Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]


def gradients(case, arrays):
    """What backward gives for the weighted sum of the result, by position in case.floats."""
    tensors = leaves(arrays)
    out = case.call(case.function, tensors)
    out.backward(case.weights())
    return [t.grad for t in tensors]


# --- values -------------------------------------------------------------------------------------


@every_case
@both_dtypes
def test_value(case, dtype):
    arrays = case.point(dtype)
    expected = case.call(oracle(case.op), arrays)
    got = case.call(case.function, leaves(arrays))
    assert isinstance(got, tg.Tensor)
    assert got.shape == np.shape(expected)
    assert got.dtype == np.asarray(expected).dtype
    tolerance = 3e-6 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(got.data, expected, rtol=tolerance, atol=tolerance)


@every_case
def test_value_is_the_same_however_it_is_asked_for(case):
    """With a gradient, without, under no_grad, on arrays: bit for bit."""
    arrays = case.point()
    recorded = case.call(case.function, leaves(arrays))
    constant = case.call(case.function, [tg.Tensor(a) for a in arrays])
    with tg.no_grad():
        silent = case.call(case.function, leaves(arrays))
    bare = case.call(case.function, arrays)
    wants = bool(case.differentiable) and recorded.dtype.kind == "f"
    assert recorded.requires_grad is wants
    assert not constant.requires_grad
    assert not silent.requires_grad
    assert isinstance(bare, (np.ndarray, np.generic))
    for other in (constant.data, silent.data, bare):
        assert np.asarray(other).dtype == recorded.dtype
        np.testing.assert_array_equal(recorded.data, other)


def made_by(out):
    """The op of a result; of one joined of several outputs, the op that gave them, too."""
    node = node_of(out)
    ops = {node.op}
    while node.op.name in {"concatenate", "reshape", "output"}:
        node = node.parents[0]
        if node.op is None:
            break
        ops.add(node.op)
    return ops


@every_case
def test_numpy_calls_the_op(case):
    """np.exp(t), np.concatenate([t, u]), np.add.reduce(t): recorded, as the op itself."""
    spellings = list(case.op.numpy)
    if isinstance(case.op.forward, np.ufunc):
        spellings.append(case.op.forward)
    for spelling in spellings:
        if isinstance(spelling, tuple):
            spelling = getattr(*spelling)
            if case.params.get("axis", 0) == 0 and "axis" not in case.params:
                continue  # ufunc.reduce reduces axis 0 by default, the op all: tested elsewhere
        tensors = leaves(case.point())
        out = case.call(spelling, tensors)
        assert isinstance(out, tg.Tensor)
        np.testing.assert_array_equal(out.data, case.call(case.function, case.point()))
        if case.differentiable and out.dtype.kind == "f":
            assert case.op in made_by(out)


@every_case
def test_method(case):
    """t.exp(), t.sum(axis=0): the function with its first argument in front."""
    if case.op.name not in METHODS:
        assert not hasattr(tg.Tensor, case.op.name)
        return
    first, *others = case.arguments(leaves(case.point()))
    first = first if isinstance(first, tg.Tensor) else tg.Tensor(first)
    out = joined(getattr(first, case.op.name)(*others, **case.params))
    np.testing.assert_array_equal(out.data, case.call(case.function, case.point()))


# --- derivatives --------------------------------------------------------------------------------


@every_smooth_case
def test_gradient(case):
    arrays = case.point()
    computed = gradients(case, arrays)
    numeric = numeric_gradient(case.loss, arrays, case.differentiable)
    for position, expected in zip(case.differentiable, numeric, strict=True):
        np.testing.assert_allclose(computed[position].data, expected, rtol=1e-7, atol=1e-8)


@every_smooth_case
@both_dtypes
def test_gradient_has_the_dtype_and_shape_of_the_leaf(case, dtype):
    arrays = case.point(dtype)
    computed = gradients(case, arrays)
    exact = gradients(case, [a.astype(np.float64) for a in arrays])
    for position in case.differentiable:
        grad = computed[position]
        assert isinstance(grad, tg.Tensor)
        assert not grad.requires_grad
        assert grad.dtype == dtype
        assert grad.shape == arrays[position].shape
        np.testing.assert_allclose(grad.data, exact[position].data, rtol=2e-5, atol=2e-5)


@every_smooth_case
def test_no_gradient_reaches_the_other_inputs(case):
    computed = gradients(case, case.point())
    for position in range(len(case.floats)):
        assert (computed[position] is None) == (position not in case.differentiable)


@every_smooth_case
def test_second_derivative(case):
    """Along a line, against a difference of values alone."""
    rng = np.random.default_rng(2)
    arrays = case.point()
    directions = [numbers(rng, np.shape(a)) for a in arrays]
    for position in range(len(arrays)):
        if position not in case.differentiable:
            directions[position] = np.zeros_like(directions[position])
    tensors = leaves(arrays)
    (case.call(case.function, tensors) * case.weights()).sum().backward(create_graph=True)
    slopes = [
        (t.grad * d).sum()
        for t, d in zip(tensors, directions, strict=True)
        if t.grad is not None and t.grad.requires_grad
    ]
    for t in tensors:
        t.grad = None
    for slope in slopes:
        slope.backward(retain_graph=True)
    computed = sum(
        float(np.sum(t.grad.data * d))
        for t, d in zip(tensors, directions, strict=True)
        if t.grad is not None
    )
    numeric = numeric_curvature(case.loss, arrays, directions)
    np.testing.assert_allclose(computed, numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.oracle  # a second opinion on what test_second_derivative compares
@every_smooth_case
def test_gradcheck_of_second_order(case):
    assert tg.gradcheck(lambda *values: case.call(case.function, values), case.point(), order=2)


@every_smooth_case
@both_dtypes
def test_recorded_gradient_equals_the_plain_one(case, dtype):
    """The same rules on Tensors: same values, dtype and shape as on arrays."""
    arrays = case.point(dtype)
    plain = gradients(case, arrays)
    tensors = leaves(arrays)
    case.call(case.function, tensors).backward(case.weights(), create_graph=True)
    for position in case.differentiable:
        grad = tensors[position].grad
        assert grad.dtype == dtype
        assert grad.shape == arrays[position].shape
        tolerance = 1e-6 if dtype == np.float32 else 1e-14
        np.testing.assert_allclose(grad.data, plain[position].data, rtol=tolerance, atol=tolerance)


# --- memory layouts -----------------------------------------------------------------------------


def strided(array):
    """A larger array, and the index with negative steps that gives `array` as a view of it."""
    big = np.zeros([2 * n for n in array.shape], np.float64)
    index = (slice(None, None, -2),) * array.ndim
    big[index] = array
    return big, index


@every_smooth_case
def test_strided_inputs(case):
    """Every second element from behind, as Tensors and as bare arrays."""
    arrays = case.point()
    bases = [strided(a) for a in arrays]
    expected = case.call(case.function, arrays)
    views = [base[index] for base, index in bases]
    assert all(v.strides[-1] < 0 for v in views if v.ndim and v.size)
    np.testing.assert_allclose(case.call(case.function, views), expected, rtol=1e-13, atol=1e-14)

    tensors = leaves([base for base, _ in bases])
    out = case.call(case.function, [t[i] for t, (_, i) in zip(tensors, bases, strict=True)])
    np.testing.assert_allclose(out.data, expected, rtol=1e-13, atol=1e-14)
    out.backward(case.weights())
    plain = gradients(case, arrays)
    for position in case.differentiable:
        _, index = bases[position]
        grad = tensors[position].grad.data
        np.testing.assert_allclose(grad[index], plain[position].data, rtol=1e-12, atol=1e-13)
        assert np.count_nonzero(grad) == np.count_nonzero(grad[index])


@every_smooth_case
def test_fortran_order(case):
    arrays = [np.array(a, order="F") for a in case.point()]
    plain = gradients(case, case.point())
    computed = gradients(case, arrays)
    for position in case.differentiable:
        np.testing.assert_allclose(
            computed[position].data, plain[position].data, rtol=1e-12, atol=1e-13
        )


# --- never silently wrong -----------------------------------------------------------------------


def spoil(value):
    """Write nonsense into every array (and list) that the caller of an op still holds."""
    if isinstance(value, tuple):
        for part in value:
            spoil(part)
    elif isinstance(value, list):
        value[:] = reversed(value)
    elif isinstance(value, np.ndarray) and value.ndim:
        if value.dtype.kind == "b":
            value[...] = ~value
        else:
            value[...] = np.nan if value.dtype.kind == "f" else 0


def own(value):
    """The same arguments in arrays that may be written to."""
    if isinstance(value, tuple):
        return tuple(map(own, value))
    return value.copy() if isinstance(value, (np.ndarray, list)) else value


@every_smooth_case
def test_arguments_may_be_overwritten_after_the_call(case):
    """One input is a Tensor, the rest bare arrays, labels, masks and indices of the caller."""
    for position in case.differentiable:
        arrays = case.point()
        tensor = tg.Tensor(arrays[position], requires_grad=True)
        arguments = own(case.arguments([*arrays[:position], tensor, *arrays[position + 1 :]]))
        params = {key: own(value) for key, value in case.params.items()}
        out = joined(case.function(*arguments, **params))
        value = out.data.copy()
        spoil(arguments)
        spoil(tuple(params.values()))
        np.testing.assert_array_equal(out.data, value)
        out.backward(case.weights())
        expected = gradients(case, arrays)[position].data
        np.testing.assert_array_equal(tensor.grad.data, expected)


@every_smooth_case
def test_leaves_never_share_the_memory_of_gradients(case):
    for create_graph in (False, True):
        tensors = leaves(case.point())
        out = case.call(case.function, tensors)
        out.backward(case.weights(), create_graph=create_graph)
        held = [t.grad for t in tensors if t.grad is not None and t.size]
        for k, first in enumerate(held):
            for second in held[k + 1 :]:
                assert first is not second
                assert not np.shares_memory(first.data, second.data)
