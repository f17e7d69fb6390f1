"""Every op that PyTorch has too: value, gradient and second gradient at the same samples."""

import numpy as np
import pytest
from folded import folded
from op_cases import SMOOTH, numbers

import tinygrad_np as tg

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracle


def _axes(x, axis):
    return tuple(range(x.ndim)) if axis is None else axis


def _reduction(function):
    """A reduction over `dim`, where None means every axis."""
    return lambda x, axis=None, keepdims=False: function(x, dim=_axes(x, axis), keepdim=keepdims)


def _spread(function):
    return lambda x, axis=None, ddof=0, keepdims=False: function(
        x, dim=_axes(x, axis), correction=ddof, keepdim=keepdims
    )


def _index(index):
    """An index without negative steps, which PyTorch lacks, as arrays of integers."""
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    if isinstance(index, np.ndarray):
        return torch.from_numpy(index.copy())
    return index


def _getitem(x, index):
    if isinstance(index, tuple) and isinstance(index[0], slice) and index[0].step == -1:
        return x.flip(0)[:, index[1]]
    return x[_index(index)]


def _setitem(x, value, index):
    x = x.clone()
    x[_index(index)] = value
    return x


def _scatter(values, index, shape):
    if isinstance(index, slice):
        out = torch.zeros(shape, dtype=values.dtype)
        out[index] = values
        return out
    return torch.zeros(shape, dtype=values.dtype).index_put(
        (torch.from_numpy(index),), values, accumulate=True
    )


def _scatter_extremum(reduce):
    def extremum(x, value, index):
        places = torch.arange(x.numel()).reshape(x.shape)[_index(index)]
        values = value.broadcast_to(places.shape).reshape(-1)
        flat = x.reshape(-1).scatter_reduce(0, places.reshape(-1), values, reduce)
        return flat.reshape(x.shape)

    return extremum


def _take(x, indices, axis=None, mode="raise"):
    indices = np.asarray(indices)
    n = x.numel() if axis is None else x.shape[axis]
    indices = indices.clip(0, n - 1) if mode == "clip" else indices % n
    if axis is None:
        return torch.take(x, torch.from_numpy(indices))
    before = x.shape[: axis % x.ndim]
    picked = x.index_select(axis, torch.from_numpy(indices.reshape(-1)))
    return picked.reshape(*before, *indices.shape, *x.shape[len(before) + 1 :])


def _take_along_axis(x, indices, axis=-1):
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    indices = torch.from_numpy(indices % x.shape[axis])
    return torch.take_along_dim(x, indices, axis)


def _repeat(x, repeats, axis=None):
    return x.repeat_interleave(torch.as_tensor(repeats), axis)


def _split(x, indices_or_sections, axis=0):
    parts = torch.tensor_split(x, indices_or_sections, axis)
    return torch.cat([part.reshape(-1) for part in parts])


def _concatenate(arrays, axis=0):
    if axis is None:
        return torch.cat([a.reshape(-1) for a in arrays])
    return torch.cat(arrays, axis)


def _expand_dims(x, axis):
    new_ndim = x.ndim + (len(axis) if isinstance(axis, tuple) else 1)
    for a in sorted(a % new_ndim for a in (axis if isinstance(axis, tuple) else (axis,))):
        x = x.unsqueeze(a)
    return x


def _cross_entropy(
    logits, target, axis=-1, reduction="mean", ignore_index=None, label_smoothing=0.0
):
    target = target if isinstance(target, torch.Tensor) else torch.from_numpy(target).long()
    if logits.ndim > 1:  # PyTorch's classes are axis 1
        logits = logits.movedim(axis, 1)
        target = target.movedim(axis, 1) if target.is_floating_point() else target
    return torch.nn.functional.cross_entropy(
        logits,
        target,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )


def _symmetric(a):
    """The matrix that NumPy's Cholesky takes: the lower triangle is all that it reads."""
    return torch.tril(a) + torch.tril(a, -1).mT


def _norm(x, ord=None, axis=None, keepdims=False):
    if ord == "fro" or (ord is not None and x.ndim == 2 and axis is None):
        return torch.linalg.matrix_norm(x, ord, dim=axis or (-2, -1), keepdim=keepdims)
    return torch.linalg.norm(x, ord, dim=axis, keepdim=keepdims)


def _windows(x, kernel_size, stride=1, padding=0, dilation=1, fill=0.0):
    size, ahead, margins, step = (
        v if isinstance(v, tuple) else (v, v) for v in (kernel_size, stride, padding, dilation)
    )
    top, left = margins
    x = torch.nn.functional.pad(x, (left, left, top, top), value=fill)
    rows, columns = (
        (length - d * (k - 1) - 1) // s + 1
        for length, k, s, d in zip(x.shape[2:], size, ahead, step, strict=True)
    )
    if not x.numel():
        return x.new_zeros((*x.shape[:2], *size, rows, columns)) + x.sum()
    out = torch.nn.functional.unfold(x, size, step, 0, ahead)
    return out.reshape(*x.shape[:2], *size, rows, columns)


def _overlap_add(x, shape, stride=1, padding=0, dilation=1):
    n, c, kh, kw, rows, columns = x.shape
    flat = x.reshape(n, c * kh * kw, rows * columns)
    return torch.nn.functional.fold(flat, shape, (kh, kw), dilation, padding, stride)


def _conv2d_weight(x, y, kernel_size, stride=1, padding=0, dilation=1, groups=1):
    size = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    shape = (y.shape[1], x.shape[1] // groups, *size)
    return torch.nn.grad.conv2d_weight(x, shape, y, stride, padding, dilation, groups)


def _standardize(x, axis=None, eps=1e-5):
    spread, mean = torch.var_mean(x, dim=_axes(x, axis), correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(spread + eps)


COUNTERPARTS = {
    "standardize": _standardize,
    "avg_pool2d": torch.nn.functional.avg_pool2d,
    "max_pool2d": torch.nn.functional.max_pool2d,
    "conv2d": torch.nn.functional.conv2d,
    "conv2d_weight": _conv2d_weight,
    "conv_transpose2d": torch.nn.functional.conv_transpose2d,
    "overlap_add": _overlap_add,
    "windows": _windows,
    "cholesky": lambda a: torch.linalg.cholesky(_symmetric(a)),
    "cofactors": lambda a: torch.linalg.det(a)[..., None, None] * torch.linalg.inv(a).mT,
    "contract": lambda arrays, spec: torch.einsum(spec, *arrays),
    "det": torch.linalg.det,
    "inv": torch.linalg.inv,
    "logabsdet": lambda a: torch.linalg.slogdet(a)[1],
    "norm": _norm,
    "solve": lambda a, b: (
        torch.linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else torch.linalg.solve(a, b)
    ),
    "abs": torch.abs,
    "add": torch.add,
    "astype": lambda x, dtype: x.to(torch.float64),
    "broadcast_to": torch.broadcast_to,
    "clip": torch.clamp,
    "concatenate": _concatenate,
    "copy": torch.clone,
    "cross_entropy": _cross_entropy,
    "divide": torch.divide,
    "exp": torch.exp,
    "expand_dims": _expand_dims,
    "getitem": _getitem,
    "log": torch.log,
    "log_softmax": lambda x, axis=-1: torch.log_softmax(x, axis),
    "logsumexp": _reduction(torch.logsumexp),
    "matmul": torch.matmul,
    "max": _reduction(torch.amax),
    "maximum": torch.maximum,
    "mean": _reduction(torch.mean),
    "min": _reduction(torch.amin),
    "minimum": torch.minimum,
    "multiply": torch.multiply,
    "negative": torch.neg,
    "power": torch.pow,
    "relu": torch.relu,
    "reshape": lambda x, shape: x.reshape(shape),
    "roll": lambda x, shift, axis=None: torch.roll(x, shift, axis),
    "scatter": _scatter,
    "scatter_max": _scatter_extremum("amax"),
    "scatter_min": _scatter_extremum("amin"),
    "setitem": _setitem,
    "repeat": _repeat,
    "sigmoid": torch.sigmoid,
    "softmax": lambda x, axis=-1: torch.softmax(x, axis),
    "split": _split,
    "sqrt": torch.sqrt,
    "squeeze": lambda x, axis=None: x.squeeze() if axis is None else x.squeeze(axis),
    "stack": torch.stack,
    "std": _spread(torch.std),
    "subtract": torch.subtract,
    "sum": _reduction(torch.sum),
    "take": _take,
    "take_along_axis": _take_along_axis,
    "tanh": torch.tanh,
    "transpose": lambda x, axes=None: x.permute(axes or tuple(range(x.ndim))[::-1]),
    "var": _spread(torch.var),
    "where": lambda condition, x, y: torch.where(torch.from_numpy(condition), x, y),
}


def _flat_scan(function):
    return lambda x, axis=None: function(x.reshape(-1), 0) if axis is None else function(x, axis)


def _heaviside(x, y):
    x = torch.as_tensor(x)
    return torch.where(x == 0, y, (x > 0).double()) + 0 * x


def _prod(x, axis=None, keepdims=False):
    """Along one axis after the other: PyTorch's takes no tuple."""
    for a in sorted((a % x.ndim for a in np.atleast_1d(_axes(x, axis))), reverse=True):
        x = torch.prod(x, int(a), keepdim=keepdims)
    return x


COUNTERPARTS |= {
    "arccos": torch.arccos,
    "arccosh": torch.arccosh,
    "arcsin": torch.arcsin,
    "arcsinh": torch.arcsinh,
    "arctan": torch.arctan,
    "arctan2": torch.arctan2,
    "arctanh": torch.arctanh,
    "cbrt": lambda x: x ** (1 / 3),
    "copysign": torch.copysign,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "cummax": lambda x, axis=0: torch.cummax(x, axis)[0],
    "cummin": lambda x, axis=0: torch.cummin(x, axis)[0],
    "cumprod": _flat_scan(torch.cumprod),
    "cumsum": _flat_scan(torch.cumsum),
    "deg2rad": torch.deg2rad,
    "degrees": torch.rad2deg,
    "elu": torch.nn.functional.elu,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "exp2": torch.exp2,
    "expm1": torch.expm1,
    "fabs": torch.abs,
    "float_power": torch.float_power,
    "fmax": torch.fmax,
    "fmin": torch.fmin,
    "fmod": lambda x, y: torch.fmod(torch.as_tensor(x), y),
    "gammaln": torch.lgamma,
    "gelu": lambda x, approximate="none": torch.nn.functional.gelu(x, approximate=approximate),
    "heaviside": _heaviside,
    "hypot": torch.hypot,
    "ldexp": lambda x, n: torch.ldexp(x, torch.as_tensor(n).double()),
    "leaky_relu": torch.nn.functional.leaky_relu,
    "log10": torch.log10,
    "log1p": torch.log1p,
    "log2": torch.log2,
    "logaddexp": torch.logaddexp,
    "logcumsumexp": lambda x, axis=0: torch.logcumsumexp(x, axis),
    "logaddexp2": torch.logaddexp2,
    "mish": torch.nn.functional.mish,
    "nan_to_num": torch.nan_to_num,
    "positive": torch.positive,
    "prod": _prod,
    "rad2deg": torch.rad2deg,
    "radians": torch.deg2rad,
    "rsqrt": torch.rsqrt,
    "reciprocal": torch.reciprocal,
    "remainder": lambda x, y: torch.remainder(torch.as_tensor(x), y),
    "selu": torch.selu,
    "silu": torch.nn.functional.silu,
    "sin": torch.sin,
    "sinc": torch.sinc,
    "sinh": torch.sinh,
    "softplus": lambda x, beta=1.0: torch.nn.functional.softplus(x, beta, threshold=1e9),
    "softsign": torch.nn.functional.softsign,
    "square": torch.square,
    "tan": torch.tan,
    "xlogy": torch.xlogy,
}

COMPARED = [case for case in SMOOTH if case.op.name in COUNTERPARTS]


def test_every_op_with_a_rule_has_a_counterpart():
    """Where PyTorch has none for a new op, say so here."""
    without = {"digamma", "polygamma"}  # its derivative of digamma has nine digits
    ops = {op.name for op in tg.TABLE.values() if any(op.rule.values())}
    assert ops - without == set(COUNTERPARTS)


@folded
@pytest.mark.parametrize("case", COMPARED, ids=repr)
def test_same_as_torch(case):
    """A loss with every element weighed apart, its gradient, and the gradient of that."""
    rng = np.random.default_rng(3)
    arrays = case.point()
    weights = numbers(rng, np.shape(case.call(case.function, arrays)))
    directions = [numbers(rng, a.shape) for a in arrays]

    ours = [tg.Tensor(a, requires_grad=True) for a in arrays]
    out = case.call(case.function, ours)
    (out * weights).sum().backward(create_graph=True)
    first = [tg.Tensor(np.zeros(t.shape)) if t.grad is None else t.grad for t in ours]
    for t in ours:
        t.grad = None
    slope = sum(((g * d).sum() for g, d in zip(first, directions, strict=True)), tg.Tensor(0.0))
    if slope.requires_grad:
        slope.backward()
    second = [t.grad for t in ours]

    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = case.call(COUNTERPARTS[case.op.name], theirs)
    np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    loss = (expected * torch.from_numpy(np.array(weights))).sum()
    expected_first = torch.autograd.grad(loss, theirs, create_graph=True)
    for got, want in zip(first, expected_first, strict=True):
        np.testing.assert_allclose(got.data, want.detach().numpy(), rtol=1e-11, atol=1e-11)

    pairs = zip(expected_first, directions, strict=True)
    expected_slope = sum((g * torch.from_numpy(np.array(d))).sum() for g, d in pairs)
    if not expected_slope.requires_grad:
        assert all(s is None or not np.any(s.data) for s in second)
        return
    expected_second = torch.autograd.grad(expected_slope, theirs, allow_unused=True)
    for got, want in zip(second, expected_second, strict=True):
        got = 0 if got is None else got.data
        want = 0 if want is None else want.numpy(force=True)
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


# --- where there is no derivative: the same conventions -----------------------------------------

KINKS = {
    "relu at 0": (tg.relu, torch.relu, [-1.0, 0.0, 2.0]),
    "abs at 0": (tg.abs, torch.abs, [-1.0, 0.0, 2.0]),
    "clip at its limits": (
        lambda x: tg.clip(x, -1.0, 1.0),
        lambda x: torch.clamp(x, -1.0, 1.0),
        [-2.0, -1.0, 0.0, 1.0, 2.0],
    ),
    "max of equals": (tg.max, torch.amax, [1.0, 3.0, 3.0, 2.0, 3.0]),
    "min of equals": (tg.min, torch.amin, [1.0, 1.0, 3.0]),
    "x ** 0 at 0": (lambda x: x**0, lambda x: x**0, [0.0, 2.0]),
    "x ** 1 at 0": (lambda x: x**1, lambda x: x**1, [0.0, 2.0]),
    "x ** 2 at 0": (lambda x: x**2, lambda x: x**2, [0.0, -2.0]),
    "x ** 3 below 0": (lambda x: x**3.0, lambda x: x**3.0, [-1.5, 0.0, 2.0]),
    "maximum of equals": (
        lambda x: tg.maximum(x, np.array([0.0, 1.0])),
        lambda x: torch.maximum(x, torch.tensor([0.0, 1.0], dtype=torch.float64)),
        [0.0, 2.0],
    ),
    "logsumexp of -inf": (tg.logsumexp, lambda x: torch.logsumexp(x, 0), [-np.inf, 0.0, 1.0]),
    "softmax far apart": (
        lambda x: tg.softmax(x) * np.array([1.0, 2.0]),
        lambda x: torch.softmax(x, 0) * torch.tensor([1.0, 2.0], dtype=torch.float64),
        [1000.0, -1000.0],
    ),
    "sigmoid far out": (tg.sigmoid, torch.sigmoid, [-1000.0, -30.0, 40.0, 1000.0]),
}


@pytest.mark.parametrize("name", KINKS)
def test_same_conventions_as_torch(name):
    ours, theirs, values = KINKS[name]
    x = tg.Tensor(values, requires_grad=True)
    ours(x).sum().backward()
    y = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    theirs(y).sum().backward()
    np.testing.assert_allclose(x.grad.data, y.grad.numpy(), rtol=1e-14, atol=1e-300)
