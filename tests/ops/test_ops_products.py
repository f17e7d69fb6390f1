"""dot, vdot, inner, outer, tensordot, kron, cross, matrix_power, einsum: against NumPy and PyTorch.

Values, result dtypes and gradients; and what they say to operands that do not fit.
"""

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

rng = np.random.default_rng(5)


def normal(*shape):
    return np.asarray(rng.standard_normal(shape))


def by_differences(f, arrays, k):
    """The gradient of f(*arrays) with respect to array k, by central differences."""
    out = np.zeros(arrays[k].shape)
    for index in np.ndindex(out.shape):
        sides = []
        for step in (1e-6, -1e-6):
            moved = [a.copy() for a in arrays]
            moved[k][index] += step
            sides.append(f(*moved))
        out[index] = (sides[0] - sides[1]) / 2e-6
    return out


PRODUCTS = {
    "dot of vectors": (np.dot, [(4,), (4,)], ()),
    "dot of matrices": (np.dot, [(3, 4), (4, 2)], ()),
    "dot of stacks": (np.dot, [(2, 3, 4), (5, 4, 2)], ()),
    "dot with a number": (np.dot, [(), (3, 2)], ()),
    "vdot": (np.vdot, [(3, 4), (3, 4)], ()),
    "vdot of other shapes": (np.vdot, [(3, 4), (12,)], ()),
    "inner of vectors": (np.inner, [(4,), (4,)], ()),
    "inner of stacks": (np.inner, [(2, 3, 4), (5, 4)], ()),
    "inner with a number": (np.inner, [(3,), ()], ()),
    "outer": (np.outer, [(2, 3), (4,)], ()),
    "tensordot 2": (np.tensordot, [(2, 3, 4), (3, 4, 5)], ()),
    "tensordot 0": (np.tensordot, [(2, 3), (4,)], (0,)),
    "tensordot of pairs": (np.tensordot, [(2, 3, 4), (4, 5, 2)], (((0, 2), (2, 0)),)),
    "tensordot of one axis": (np.tensordot, [(2, 3), (4, 2)], ((0, -1),)),
    "tensordot, empty": (np.tensordot, [(2, 0), (0, 3)], (1,)),
    "kron": (np.kron, [(2, 3), (4, 2)], ()),
    "kron of 1-D and 2-D": (np.kron, [(3,), (2, 2)], ()),
    "cross": (np.cross, [(3,), (3,)], ()),
    "cross of stacks": (np.cross, [(2, 3), (3,)], ()),
    "cross along other axes": (np.cross, [(3, 2), (2, 3)], (0, 1, 0)),
    "matrix_power 0": (np.linalg.matrix_power, [(3, 3)], (0,)),
    "matrix_power 1": (np.linalg.matrix_power, [(3, 3)], (1,)),
    "matrix_power 5": (np.linalg.matrix_power, [(2, 3, 3)], (5,)),
    "matrix_power -2": (np.linalg.matrix_power, [(3, 3)], (-2,)),
}


@folded
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_value_and_dtype(name, dtype):
    function, shapes, rest = PRODUCTS[name]
    arrays = [normal(*s).astype(dtype) for s in shapes]
    expected = function(*arrays, *rest)
    ours = getattr(tg, function.__name__)
    for call in (function, ours):
        out = call(*(tg.Tensor(a, requires_grad=True) for a in arrays), *rest)
        assert isinstance(out, tg.Tensor)
        assert out.requires_grad
        assert out.dtype == expected.dtype
        assert out.shape == np.shape(expected)
        tolerance = 2e-4 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(out.data, expected, rtol=tolerance, atol=tolerance)
    bare = ours(*arrays, *rest)
    assert isinstance(bare, (np.ndarray, np.generic))
    method = getattr(tg.Tensor(arrays[0]), function.__name__)(*arrays[1:], *rest)
    np.testing.assert_array_equal(method.data, bare)


@folded
@pytest.mark.parametrize("name", PRODUCTS)
def test_gradient(name):
    function, shapes, rest = PRODUCTS[name]
    arrays = [normal(*s) for s in shapes]
    weights = normal(*np.shape(function(*arrays, *rest)))
    tensors = [tg.Tensor(a, requires_grad=True) for a in arrays]
    (function(*tensors, *rest) * weights).sum().backward()
    for k, t in enumerate(tensors):
        numeric = by_differences(lambda *a: np.sum(weights * function(*a, *rest)), arrays, k)
        np.testing.assert_allclose(t.grad.data, numeric, rtol=1e-5, atol=1e-6)
    assert tg.gradcheck(lambda *t: function(*t, *rest), arrays, order=2)


def test_lists_and_numbers_are_operands_too():
    t = tg.Tensor([1.0, 2.0], requires_grad=True)
    assert np.dot([3.0, 4.0], t).item() == 11
    assert tg.outer(t, [1, 2]).tolist() == [[1, 2], [2, 4]]
    assert tg.dot(2.0, t).tolist() == [2, 4]
    assert tg.einsum("i,i", t, [1, 1]).item() == 3


def test_integers_stay_integers():
    assert tg.kron(np.array([1, 2]), np.array([1, 1])).dtype == int
    assert tg.dot(tg.Tensor([[1, 2]]), tg.Tensor([[3], [4]])).tolist() == [[11]]
    assert tg.matrix_power(np.array([[1, 1], [1, 0]]), 10)[0, 1] == 55


def test_matrix_power_1_gives_a_new_node():
    x = tg.Tensor(np.eye(2), requires_grad=True)
    y = tg.matrix_power(x, 1)
    assert y is not x
    y += 1  # would be refused on the leaf itself
    assert not y.is_leaf


def test_the_caller_is_marked():
    t = tg.Tensor(normal(3), requires_grad=True)
    for out in (tg.dot(t, t), tg.cross(t, t), tg.einsum("i,i", t, t), np.kron(t, t)):
        assert out._node.place[0] == __file__


BAD_PRODUCTS = {
    "dot": (lambda: tg.dot(tg.Tensor(normal(2, 3)), normal(2, 3)), ValueError, r"dot.*\(2, 3\)"),
    "vdot": (lambda: tg.vdot(tg.Tensor(normal(2)), normal(3)), ValueError, "number of elements"),
    "inner": (lambda: np.inner(tg.Tensor(normal(2)), normal(3)), ValueError, "last axes"),
    "tensordot": (
        lambda: tg.tensordot(tg.Tensor(normal(2, 3)), normal(2, 3), 1),
        ValueError,
        "differ in length",
    ),
    "tensordot repeated": (
        lambda: tg.tensordot(tg.Tensor(normal(2, 2)), normal(2, 2), ((0, 0), (0, 1))),
        ValueError,
        "repeated",
    ),
    "tensordot number": (
        lambda: tg.tensordot(tg.Tensor(normal(2, 3)), normal(2), 2),
        ValueError,
        "not 2 axes",
    ),
    "tensordot triple": (
        lambda: tg.tensordot(tg.Tensor(normal(2)), normal(2), (0, 0, 0)),
        ValueError,
        "a pair",
    ),
    "tensordot range": (
        lambda: tg.tensordot(tg.Tensor(normal(2)), normal(2), (1, 0)),
        IndexError,
        "axis 1",
    ),
    "cross": (lambda: tg.cross(tg.Tensor(normal(2)), normal(2)), ValueError, "three components"),
    "power of no matrix": (lambda: tg.matrix_power(tg.Tensor(normal(3)), 2), ValueError, "square"),
    "power of a half": (
        lambda: tg.matrix_power(tg.Tensor(normal(3, 3)), 0.5),
        TypeError,
        "integer",
    ),
    "power of singular": (
        lambda: tg.matrix_power(tg.Tensor(np.ones((2, 2))), -1),
        np.linalg.LinAlgError,
        r"inv\(a: Tensor \(2, 2\)",
    ),
    "strings": (lambda: tg.dot(tg.Tensor([1.0]), ["a"]), TypeError, "numbers"),
}


@pytest.mark.parametrize("name", BAD_PRODUCTS)
def test_bad_input(name):
    call, error, message = BAD_PRODUCTS[name]
    with pytest.raises(error, match=message):
        call()


# --- einsum -------------------------------------------------------------------------------------

SPECS = [
    ("ij,jk->ki", (3, 4), (4, 2)),
    ("ij , jk", (3, 4), (4, 2)),
    ("zj,ja", (3, 4), (4, 2)),
    ("i,j,k->kij", (2,), (3,), (4,)),
    ("ii", (3, 3)),
    ("iij->ji", (3, 3, 2)),
    ("iii->i", (3, 3, 3)),
    ("iijj->", (2, 2, 3, 3)),
    ("ii,ij->j", (3, 3), (3, 4)),
    ("ij->", (3, 4)),
    ("ij->j", (3, 4)),
    ("...", (2, 3)),
    ("...->...", ()),
    ("i...", (2, 3)),
    ("...i->i...", (2, 3, 4)),
    ("...ij,...jk->...ik", (5, 3, 4), (2, 1, 4, 2)),
    ("...i,i...->...", (4, 3), (3, 4)),
    ("a...,...b", (2, 3), (3, 4)),
    ("ij,jk->ik", (3, 1), (4, 2)),
    ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("ij,ij,ij->i", (3, 2), (3, 2), (3, 2)),
    ("i,i->", (0,), (0,)),
    ("ij,jk->ik", (40, 50), (50, 30)),
]


@folded
@pytest.mark.parametrize(("spec", "shapes"), [(s, shapes) for s, *shapes in SPECS])
def test_einsum(spec, shapes):
    torch = pytest.importorskip("torch")
    arrays = [normal(*s) for s in shapes]
    expected = np.einsum(spec, *arrays)
    ours = [tg.Tensor(a, requires_grad=True) for a in arrays]
    out = np.einsum(spec, *ours)
    np.testing.assert_allclose(out.data, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(tg.einsum(spec, *arrays), out.data)
    weights = normal(*expected.shape)
    (out * weights).sum().backward()
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    (torch.einsum(spec, *theirs) * torch.from_numpy(weights)).sum().backward()
    for t, u in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(t.grad.data, u.grad.numpy(), rtol=1e-10, atol=1e-12)
    if sum(a.size for a in arrays) < 100:
        assert tg.gradcheck(lambda *t: tg.einsum(spec, *t), arrays, order=2)


def test_einsum_optimize_is_accepted():
    t = tg.Tensor(normal(2, 3), requires_grad=True)
    assert np.einsum("ij->i", t, optimize=True).shape == (2,)


def test_einsum_third_derivative():
    x = tg.Tensor([2.0, 3.0], requires_grad=True)
    y = tg.einsum("i,i,i->", x, x, x)
    for factor in ([12.0, 27.0], [12.0, 18.0], [6.0, 6.0]):
        x.grad = None
        y.backward(create_graph=True)
        np.testing.assert_allclose(x.grad.data, factor)
        y = x.grad.sum()


BAD_SPECS = {
    "ij,jk->ik": ([(2, 3), (4, 2)], "'j' has 3 elements, but 4 in operand 1"),
    "ij->k": ([(2, 3)], "'k' of the result is in no operand"),
    "ij->ii": ([(2, 3)], "twice in the result"),
    "ij,jk": ([(2, 3)], "2 terms for 1 operands"),
    "ijk": ([(2, 3)], "names 3 axes, but operand 0 has 2"),
    "i": ([(2, 3)], "names 1 axes, but operand 0 has 2"),
    "i1": ([(2, 3)], "'1' in 'i1'"),
    "......": ([(2, 3)], "neither a letter nor one"),
    "i->j->k": ([(2,)], "neither a letter"),
    "ii->i": ([(2, 3)], "twice in operand 0, with 2 and 3"),
    "...i->i": ([(2, 3)], "must name the axes of '...' too"),
}


@pytest.mark.parametrize("spec", BAD_SPECS)
def test_bad_specs(spec):
    shapes, message = BAD_SPECS[spec]
    with pytest.raises(ValueError, match="contract") as caught:
        tg.einsum(spec, *(tg.Tensor(normal(*s), requires_grad=True) for s in shapes))
    assert message in str(caught.value)
    assert repr(spec) in str(caught.value)
    assert str(shapes[0]) in str(caught.value)


def test_bad_einsum_calls():
    t = tg.Tensor(normal(2, 3))
    for wrong in ((t,), (t, t), (t, 3), (t, [0, 1], t)):
        with pytest.raises(TypeError, match=r"needs a spec .* or a list of axes"):
            np.einsum(*wrong)
    with pytest.raises(ValueError, match="from 0 to 51, not 52"):
        tg.einsum(t, [0, 52])
    with pytest.raises(TypeError, match="out"):
        np.einsum("ij->ji", t, out=np.empty((3, 2)))
    with pytest.raises(ValueError, match="at least one array"):
        tg.einsum("->")
