"""Functions composed of ops: against NumPy's own in value, dtype and finite differences."""

import numpy as np
import pytest
from folded import folded
from op_cases import numbers, numeric_gradient

import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long


def _list(function):
    """A function of several arrays as NumPy's stacking functions take them: in a list."""
    return lambda *arrays: function(list(arrays))


# (name, the rest of the arguments, keywords, shapes of the array inputs)
ONE_ARRAY = [
    ("ravel", (), {}, [(3, 4), (0, 2), ()]),
    ("flip", (), {}, [(3, 4), (5,), ()]),
    ("flip", (1,), {}, [(3, 4), (2, 0)]),
    ("flip", ((0, -1),), {}, [(2, 3, 4)]),
    ("fliplr", (), {}, [(2, 3), (2, 3, 2)]),
    ("flipud", (), {}, [(3,), (3, 2)]),
    ("rot90", (), {}, [(2, 3)]),
    ("rot90", (2,), {}, [(2, 3)]),
    ("rot90", (-1,), {"axes": (1, 2)}, [(2, 3, 4)]),
    ("rot90", (1, (2, 0)), {}, [(2, 3, 4)]),
    ("rot90", (4,), {}, [(2, 3)]),
    ("tile", (2,), {}, [(3,), (2, 3), (), (0, 2)]),
    ("tile", ((2, 1, 3),), {}, [(2, 3), (3,)]),
    ("tile", ((2,),), {}, [(2, 3)]),
    ("tile", ((),), {}, [(2, 3)]),
    ("tile", (0,), {}, [(3,)]),
    ("tile", (np.array([1, 2]),), {}, [(3,)]),
    ("repeat", (2,), {}, [(2, 3), (), (0, 2)]),
    ("repeat", (3,), {"axis": 1}, [(2, 3)]),
    ("repeat", (2, -3), {}, [(2, 3, 2)]),
    ("repeat", ([2, 0, 1],), {"axis": 0}, [(3, 2)]),
    ("repeat", (np.array([1, 2, 3, 0]),), {}, [(2, 2)]),
    ("repeat", ([2],), {"axis": 1}, [(2, 3)]),
    ("pad", (1,), {}, [(2, 3), (4,), (0, 2)]),
    ("pad", ((1, 2),), {}, [(2, 3)]),
    ("pad", (((1, 0), (2, 3)),), {"constant_values": 7}, [(2, 3)]),
    ("pad", (((1, 1), (2, 0)),), {"constant_values": ((1, 2), (3, 4))}, [(2, 3)]),
    *(
        ("pad", (width,), {"mode": mode}, [(3, 4)])
        for mode in ("edge", "reflect", "symmetric", "wrap")
        for width in (1, ((0, 2), (3, 1)), ((7, 0), (0, 9)), 0)
    ),
    ("pad", (2,), {"mode": "reflect"}, [(1, 3)]),
    ("tril", (), {}, [(3, 4), (2, 3, 3), (3,)]),
    ("tril", (1,), {}, [(3, 4)]),
    ("triu", (), {}, [(3, 4), (2, 3, 3), (3,)]),
    ("triu", (-1,), {}, [(3, 2)]),
    ("diag", (), {}, [(3,), (3, 3), (2, 4), (0,)]),
    ("diag", (2,), {}, [(3,), (3, 4), (2, 2)]),
    ("diag", (-1,), {}, [(3,), (3, 4), (0,)]),
    ("diagonal", (), {}, [(3, 4), (2, 3, 4), (0, 3)]),
    ("diagonal", (1,), {"axis1": 2, "axis2": 0}, [(2, 3, 4)]),
    ("diagonal", (-1, 1, -1), {}, [(2, 3, 4)]),
    ("diagonal", (9,), {}, [(3, 4)]),
    ("diagonal", (-9,), {}, [(3, 4)]),
    ("trace", (), {}, [(3, 3), (3, 4, 2)]),
    ("trace", (1, 1, 2), {}, [(2, 3, 4)]),
    ("atleast_1d", (), {}, [(), (3,), (2, 3)]),
    ("atleast_2d", (), {}, [(), (3,), (2, 3), (1, 2, 3)]),
    ("atleast_3d", (), {}, [(), (3,), (2, 3), (1, 2, 3), (1, 1, 2, 2)]),
    ("split", (2,), {}, [(4, 3)]),
    ("array_split", (3,), {}, [(8,), (2, 3), (0, 2)]),
    ("array_split", ([1, 2],), {"axis": 1}, [(2, 5)]),
    ("hsplit", (2,), {}, [(4,), (3, 4)]),
    ("vsplit", ((1,),), {}, [(4, 2)]),
    ("dsplit", (2,), {}, [(2, 1, 4)]),
    ("delete", (1,), {}, [(2, 3)]),
    ("delete", ([0, 2],), {"axis": 1}, [(2, 3)]),
    ("delete", (slice(None, None, 2), 0), {}, [(5, 2)]),
    ("delete", (np.array([True, False, True]), -1), {}, [(2, 3)]),
]
SEVERAL = [
    ("hstack", _list, [(2,), (3,)]),
    ("hstack", _list, [(2, 1), (2, 3)]),
    ("hstack", _list, [(), (2,)]),
    ("vstack", _list, [(3,), (2, 3)]),
    ("vstack", _list, [(), ()]),
    ("dstack", _list, [(3,), (3,)]),
    ("dstack", _list, [(2, 3), (2, 3, 2)]),
    ("column_stack", _list, [(3,), (3, 2)]),
    ("column_stack", _list, [(), ()]),
    ("block", lambda f: lambda x, y: f([[x, y], [y, x]]), [(2, 2), (2, 2)]),
    ("block", lambda f: lambda x, y: f([x, y]), [(2, 3), (2, 1)]),
    ("block", lambda f: lambda x, y: f([x, y, 1]), [(2,), ()]),
    ("block", lambda f: lambda x, y: f([[x], [y]]), [(2, 3), (3,)]),
    ("block", lambda f: lambda x: f(x), [(2, 3)]),
    ("block", lambda f: lambda x: f([[[x, x]], [[x, x]]]), [(2, 3)]),
    ("insert", lambda f: lambda x, y: f(x, 1, y), [(2, 3), ()]),
    ("insert", lambda f: lambda x, y: f(x, 1, y, 1), [(2, 3), (2,)]),
    ("insert", lambda f: lambda x, y: f(x, [0, 2], y, axis=0), [(2, 3), (3,)]),
    ("insert", lambda f: lambda x, y: f(x, [2, 0, 2], y), [(4,), (3,)]),
    ("insert", lambda f: lambda x, y: f(x, slice(0, 2), y, -1), [(2, 3), (2, 2)]),
    ("append", lambda f: f, [(2, 3), (2,)]),
    ("append", lambda f: lambda x, y: f(x, y, axis=1), [(2, 3), (2, 1)]),
    ("broadcast_arrays", lambda f: f, [(3, 1), (4,), ()]),
    ("atleast_2d", lambda f: f, [(3,), ()]),
    ("meshgrid", lambda f: f, [(3,), (2,)]),
    ("meshgrid", lambda f: f, [(3,), (2,), (4,)]),
    ("meshgrid", lambda f: f, [(3,)]),
    ("meshgrid", lambda f: lambda *a: f(*a, indexing="ij"), [(3,), (2,), ()]),
    ("meshgrid", lambda f: lambda *a: f(*a, sparse=True), [(3,), (2,)]),
]


def _bound(args, kwargs):
    return lambda f: lambda x: f(x, *args, **kwargs)


CALLS = [
    (name, _bound(args, kwargs), [shape])
    for name, args, kwargs, shapes in ONE_ARRAY
    for shape in shapes
] + SEVERAL

every_call = pytest.mark.parametrize(
    ("name", "call", "shapes"), CALLS, ids=[f"{k}-{c[0]}" for k, c in enumerate(CALLS)]
)


def parts(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def inputs(shapes, dtype=np.float64):
    rng = np.random.default_rng(0)
    return [np.asarray(rng.standard_normal(s)).astype(dtype) for s in shapes]


@folded
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, bool])
@every_call
def test_value_and_dtype_are_numpys(name, call, shapes, dtype):
    arrays = inputs(shapes, dtype)
    expected = parts(call(getattr(np, name))(*arrays))
    for function in (getattr(tg, name), getattr(np, name)):
        got = parts(call(function)(*map(tg.Tensor, arrays)))
        assert len(got) == len(expected)
        for ours, theirs in zip(got, expected, strict=True):
            assert isinstance(ours, tg.Tensor)
            assert ours.dtype == theirs.dtype
            assert ours.shape == theirs.shape
            np.testing.assert_array_equal(ours.data, theirs)
    bare = parts(call(getattr(tg, name))(*arrays))
    for ours, theirs in zip(bare, expected, strict=True):
        assert isinstance(ours, (np.ndarray, np.generic))
        np.testing.assert_array_equal(ours, theirs)


@folded
@every_call
def test_gradient_is_that_of_numpys_function(name, call, shapes):
    arrays = inputs(shapes)
    outs = parts(call(getattr(np, name))(*arrays))
    weights = [numbers(np.random.default_rng(k), np.shape(o)) for k, o in enumerate(outs)]

    def loss(values):
        results = parts(call(getattr(np, name))(*values))
        return float(sum(np.sum(w * r) for w, r in zip(weights, results, strict=True)))

    leaves = [tg.Tensor(a, requires_grad=True) for a in arrays]
    got = parts(call(getattr(np, name))(*leaves))
    total = sum(((g * w).sum() for g, w in zip(got, weights, strict=True)), tg.Tensor(0.0))
    total.backward()
    numeric = numeric_gradient(loss, arrays, range(len(arrays)))
    for leaf, expected in zip(leaves, numeric, strict=True):
        np.testing.assert_allclose(leaf.grad.data, expected, rtol=1e-9, atol=1e-9)


@folded
@every_call
def test_second_derivatives(name, call, shapes):
    def f(*values):
        results = parts(call(getattr(tg, name))(*values))
        return sum(((r * r * r).sum() for r in results), tg.Tensor(0.0))

    assert tg.gradcheck(f, inputs(shapes), order=2)


@folded
@pytest.mark.parametrize("name", sorted({c[0] for c in CALLS}))
def test_the_result_is_another_tensor(name):
    """A write to it must not reach the argument, even where nothing was to be done."""
    for call, shapes in [(c[1], c[2]) for c in CALLS if c[0] == name]:
        tensors = [tg.Tensor(a) for a in inputs(shapes)]
        for out in parts(call(getattr(tg, name))(*tensors)):
            assert all(out is not t for t in tensors)


def test_flatten_is_ravel():
    t = tg.arange(6.0, requires_grad=True).reshape(2, 3)
    assert t.flatten().tolist() == t.ravel().tolist() == [0, 1, 2, 3, 4, 5]
    assert t.flatten("C").tolist() == t.data.flatten("C").tolist()
    for call in (lambda: t.flatten(1), lambda: tg.flatten(t, 1), lambda: t.flatten("F")):
        with pytest.raises(ValueError, match=r"t\.reshape\(len\(t\), -1\) keeps the first axis"):
            call()


@pytest.mark.parametrize("used", [[0], [2], [1, 2], [0, 1, 2]])
def test_parts_of_a_split_that_are_not_used(used):
    x = tg.Tensor(np.arange(10.0), requires_grad=True)
    pieces = tg.split(x, [2, 5])
    sum(((pieces[k] * (k + 1)).sum() for k in used), tg.Tensor(0.0)).backward()
    expected = np.repeat([1.0, 2.0, 3.0], [2, 3, 5])
    expected[~np.isin(expected, np.array(used) + 1)] = 0
    assert x.grad.tolist() == expected.tolist()


def test_pads_do_not_multiply_infinities():
    x = tg.Tensor([[np.inf, np.nan], [1.0, 2.0]], requires_grad=True)
    assert tg.tril(x).data[0].tolist() == [np.inf, 0]
    x.tril().sum().backward()
    assert x.grad.tolist() == [[1, 0], [1, 1]]


# --- bad input ----------------------------------------------------------------------------------

T = tg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
AXIS = np.exceptions.AxisError

BAD = [
    (lambda: tg.flip(T, 2), AXIS, r"flip: axis 2 of an array that has 2 axes"),
    (lambda: tg.flip(T, (0, -2)), ValueError, r"flip: axis=\(0, -2\) names the same axis twice"),
    (lambda: tg.flip(T, "0"), TypeError, r"flip: axis must be an integer .*'0'"),
    (lambda: tg.flip(T, 1.0), TypeError, r"flip: axis must be an integer .*1\.0"),
    (lambda: tg.fliplr(T[0]), AXIS, "fliplr: axis 1"),
    (lambda: tg.flipud(T.sum()), AXIS, "flipud: axis 0"),
    (lambda: tg.roll(T, 1.5), TypeError, r"roll\(.*\): roll: shift must be an integer"),
    (
        lambda: tg.roll(T, 1, 2),
        AXIS,
        r"roll\(x: Tensor 'T' \(2, 3\) float64 made at \S+, shift: 1, axis: 2\).*axis 2",
    ),
    (lambda: tg.roll(T, (1, 2), (0, 1, 0)), ValueError, "roll"),
    (lambda: tg.rot90(T[0]), AXIS, "rot90: axis 1"),
    (lambda: tg.rot90(T, 1, (0, 0)), ValueError, "rot90.*same axis twice"),
    (lambda: tg.rot90(T, 1, (0,)), ValueError, r"rot90: axes must be two axes, not \(0,\)"),
    (lambda: tg.rot90(T, 0.5), TypeError, "float"),
    (lambda: tg.tile(T, -1), ValueError, "tile: reps must not be negative, it is -1"),
    (lambda: tg.tile(T, 1.5), TypeError, r"tile: reps must be an integer .* 1\.5"),
    (lambda: tg.repeat(T, -1), ValueError, "repeats must not be negative"),
    (lambda: tg.repeat(T, [1, 2], 1), ValueError, r"2 repeats for the 3 elements along axis 1"),
    (lambda: tg.repeat(T, 2, (0, 1)), TypeError, "repeat: axis must be one integer"),
    (lambda: tg.repeat(T, 2, 5), AXIS, "repeat: axis 5"),
    (lambda: tg.pad(T, -1), ValueError, "pad: pad_width must not be negative"),
    (lambda: tg.pad(T.sum(), 1), ValueError, "pad: a 0-d array has no axis to pad"),
    (lambda: tg.pad(T, 1.5), TypeError, "pad: pad_width must be an integer"),
    (
        lambda: tg.pad(T, (1, 2, 3)),
        ValueError,
        r"pad: pad_width \(1, 2, 3\) does not fit .*\(2, 3\)",
    ),
    (lambda: tg.pad(T, 1, "mean"), ValueError, "pad: mode must be one of 'constant', .*'mean'"),
    (lambda: tg.pad(T, 1, "edge", constant_values=3), ValueError, "no meaning in mode 'edge'"),
    (lambda: tg.pad(T[:0], 1, "edge"), ValueError, "pad: mode 'edge' has nothing to repeat"),
    (lambda: tg.pad(T, 1, constant_values=T[0, 0]), TypeError, "silently drop its gradient"),
    (lambda: tg.tril(T.sum()), ValueError, "tril needs at least one axis"),
    (lambda: tg.triu(T, 0.5), TypeError, "float"),
    (lambda: tg.diag(T.sum()), ValueError, r"diag: x must have one axis or two, .*\(\)"),
    (lambda: tg.diagonal(T, 0, 1, 1), ValueError, "diagonal.*same axis twice"),
    (lambda: tg.diagonal(T[0]), AXIS, "diagonal: axis 1"),
    (lambda: tg.trace(T, axis2=2), AXIS, "axis 2"),
    (
        lambda: tg.split(T, 2, 1),
        ValueError,
        r"split\(x: Tensor 'T' \(2, 3\) float64 made at \S+, .*: 2, axis: 1\).*equal division",
    ),
    (lambda: tg.split(T, 2, 2), AXIS, "axis 2"),
    (lambda: tg.split(T, 0), ZeroDivisionError, "split"),
    (lambda: tg.reshape(T, -6), ValueError, "shape -6 has a negative length"),
    (lambda: T.reshape(2, -3), ValueError, r"shape \(2, -3\) has a negative length"),
    (
        lambda: tg.array_split(T, 0),
        ValueError,
        "array_split: the number of parts must be at least 1",
    ),
    (lambda: tg.array_split(T, 1.5), TypeError, "array_split: indices_or_sections must be"),
    (lambda: tg.hsplit(T.sum(), 1), AXIS, "hsplit: axis"),
    (lambda: tg.vsplit(T[0], 1), AXIS, "vsplit: axis"),
    (lambda: tg.dsplit(T, 1), AXIS, "dsplit: axis 2"),
    (lambda: tg.hstack([]), ValueError, "hstack needs a sequence of at least one array"),
    (lambda: tg.vstack(3), ValueError, "vstack needs a sequence of at least one array"),
    (lambda: tg.vstack([T, T[:, :1]]), ValueError, r"\(2, 3\).*\(2, 1\)"),
    (lambda: tg.hstack(["a", T]), TypeError, "numbers"),
    (lambda: tg.meshgrid(T[0], indexing="yx"), ValueError, "'xy' or 'ij', not 'yx'"),
    (
        lambda: tg.broadcast_arrays(T, T[:, :2]),
        ValueError,
        r"broadcast_arrays: .*\(2, 3\).*\(2, 2\)",
    ),
    (lambda: tg.append(T, T[0], axis=0), ValueError, "concatenate"),
    (lambda: tg.delete(T, 3, 0), IndexError, "delete: index 3 is out of bounds"),
    (lambda: tg.delete(T, [True], 0), ValueError, "delete: "),
    (lambda: tg.block([[T], T]), ValueError, "block: lists must be nested equally deep"),
    (lambda: tg.block([]), ValueError, "block: .*empty"),
    (lambda: tg.block([T, T[:1]]), ValueError, r"\(2, 3\).*\(1, 3\)"),
    (lambda: tg.insert(T, 3, 0.0, 0), IndexError, "insert: index 3 is out of bounds"),
    (lambda: tg.insert(T, 0, [1, 2], 0), ValueError, "insert: could not broadcast"),
    (lambda: tg.insert([1, 2], 0, 0.5), TypeError, "insert: int64 can't hold float64 values"),
    (lambda: tg.insert(T, 0, 1.0, 2), AXIS, "insert: axis 2"),
    (lambda: tg.swapaxes(T, 0, "1"), TypeError, "swapaxes: axis must be an integer"),
    (lambda: tg.swapaxes(T, 0, 2), AXIS, "swapaxes: axis 2"),
    (lambda: tg.moveaxis(T, 0, 5), AXIS, "moveaxis: axis 5"),
    (lambda: tg.moveaxis(T, (0, -2), (0, 1)), ValueError, "moveaxis.*same axis twice"),
    (lambda: np.ravel(T, order="F"), TypeError, "order"),
]


@folded
@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=range(len(BAD)))
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
