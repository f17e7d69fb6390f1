"""inv, solve, det, slogdet, cholesky, norm: degenerate points, conventions, bad input."""

import numpy as np
import pytest

import tinygrad_np as tg

rng = np.random.default_rng(6)
SINGULAR = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]])


def leaf(data):
    return tg.Tensor(data, requires_grad=True)


# --- singular matrices --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "op"),
    [
        (lambda a: tg.inv(a), "inv"),
        (lambda a: np.linalg.inv(a), "inv"),
        (lambda a: tg.solve(a, np.ones(2)), "solve"),
        (lambda a: tg.cholesky(a - 5), "cholesky"),
    ],
)
def test_singular_matrices_name_the_op_and_shape(call, op):
    with pytest.raises(np.linalg.LinAlgError, match=rf"{op}\(a: Tensor (?:'a' )?\(2, 2\) float64"):
        call(leaf(np.ones((2, 2))))


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_det_of_a_singular_matrix_has_its_cofactors_as_gradient(rank):
    n = 3
    a = (
        rng.standard_normal((n, rank)) @ rng.standard_normal((rank, n))
        if rank
        else np.zeros((n, n))
    )
    a[-1] = 0  # exactly singular, whatever the rounding
    t = leaf(a)
    tg.det(t).backward()
    for i in range(n):
        for j in range(n):
            minor = np.delete(np.delete(a, i, axis=0), j, axis=1)
            expected = (-1) ** (i + j) * np.linalg.det(minor)
            np.testing.assert_allclose(t.grad.data[i, j], expected, atol=1e-12)


def test_cofactors_of_a_stack_with_singular_matrices():
    a = np.stack([SINGULAR * [[1], [1], [0]], np.diag([1.0, 2.0, 3.0])])
    out = tg.cofactors(a)
    np.testing.assert_allclose(out[1], np.diag([6.0, 3.0, 2.0]), atol=1e-12)
    single = [tg.cofactors(m) for m in a]
    np.testing.assert_allclose(out, single, atol=1e-12)


def test_second_derivative_of_a_singular_det_raises():
    t = leaf(np.zeros((2, 2)))
    tg.det(t).backward(create_graph=True)
    with pytest.raises(RuntimeError, match=r"cofactors.*LinAlgError"):
        t.grad.sum().backward()


def test_slogdet():
    a = rng.standard_normal((4, 3, 3))
    t = leaf(a)
    out = np.linalg.slogdet(t)
    expected = np.linalg.slogdet(a)
    np.testing.assert_array_equal(out.sign.data, expected.sign)
    np.testing.assert_array_equal(out.logabsdet.data, expected.logabsdet)
    assert not out.sign.requires_grad
    out.logabsdet.sum().backward()
    np.testing.assert_allclose(t.grad.data, np.linalg.inv(a).swapaxes(-1, -2), rtol=1e-12)
    bare = tg.slogdet(a)
    assert type(bare) is type(expected)


def test_slogdet_does_not_overflow():
    t = leaf(np.diag(np.full(400, 1e3)))
    tg.slogdet(t)[1].backward()
    np.testing.assert_allclose(t.grad.data, np.diag(np.full(400, 1e-3)), rtol=1e-12)


def test_slogdet_of_a_singular_matrix():
    t = leaf(np.zeros((2, 2)))
    sign, log = tg.slogdet(t)
    assert sign.item() == 0
    assert log.item() == -np.inf
    with pytest.raises(RuntimeError, match=r"logabsdet.*LinAlgError.*ingular"):
        log.backward()


# --- Cholesky -----------------------------------------------------------------------------------


def test_cholesky_reads_the_lower_triangle_and_says_so_in_its_gradient():
    x = rng.standard_normal((3, 3))
    a = x @ x.T + np.eye(3)
    lower = leaf(np.tril(a))
    np.testing.assert_array_equal(tg.cholesky(lower).data, np.linalg.cholesky(a))
    tg.cholesky(lower).sum().backward()
    assert np.all(np.triu(lower.grad.data, 1) == 0)
    # Through a symmetric matrix the gradient is the usual, symmetric one.
    torch = pytest.importorskip("torch")
    ours = leaf(a)
    tg.cholesky((ours + ours.T) / 2).sum().backward()
    theirs = torch.tensor(a, requires_grad=True)
    torch.linalg.cholesky(theirs).sum().backward()
    np.testing.assert_allclose(ours.grad.data, theirs.grad.numpy(), rtol=1e-10, atol=1e-12)


# --- norms --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda x: tg.norm(x),
        lambda x: tg.norm(x, 2, 0).sum(),
        lambda x: tg.norm(x, "fro"),
        lambda x: tg.norm(x, 3, axis=0).sum(),
        lambda x: tg.norm(x, 1, axis=0).sum(),
        lambda x: tg.norm(x, 0.5, axis=0).sum(),
        lambda x: tg.norm(x, np.inf, axis=0).sum(),
        lambda x: tg.norm(x, -np.inf),
        lambda x: tg.norm(x, 0, axis=1).sum(),
    ],
)
def test_the_gradient_of_a_norm_at_zero_is_zero(call):
    t = leaf(np.zeros((2, 3)))
    call(t).backward(create_graph=True)
    np.testing.assert_array_equal(t.grad.data, np.zeros((2, 3)))


def test_there_is_no_second_derivative_at_zero():
    t = leaf(np.zeros(3))
    tg.norm(t).backward(create_graph=True)
    (first,) = (t.grad,)
    t.grad = None
    first.sum().backward()
    np.testing.assert_array_equal(t.grad.data, np.full(3, np.nan))


def test_some_elements_zero():
    t = leaf([0.0, 3.0, -4.0])
    tg.norm(t, 3).backward()
    expected = np.array([0.0, 9.0, -16.0]) / (27 + 64) ** (2 / 3)
    np.testing.assert_allclose(t.grad.data, expected, rtol=1e-12)


def test_ties_share_evenly():
    t = leaf([2.0, -2.0, 1.0])
    tg.norm(t, np.inf).backward()
    np.testing.assert_array_equal(t.grad.data, [0.5, -0.5, 0])
    rows = leaf([[1.0, 2.0], [3.0, 0.0]])
    tg.norm(rows, np.inf).backward()
    np.testing.assert_array_equal(rows.grad.data, [[0.5, 0.5], [0.5, 0.0]])


@pytest.mark.parametrize("ord", [2, -2, "nuc"])
def test_norms_of_singular_values_are_not_there(ord):
    with pytest.raises(ValueError, match=r"norm\(x: Tensor \(2, 2\).*singular values"):
        np.linalg.norm(leaf(np.eye(2)), ord)


BAD = {
    "not square": (lambda: tg.inv(leaf(np.ones((2, 3)))), np.linalg.LinAlgError, r"inv.*square"),
    "a vector": (lambda: tg.det(leaf(np.ones(3))), np.linalg.LinAlgError, r"det.*\(3,\)"),
    "solve shapes": (
        lambda: tg.solve(leaf(np.eye(3)), np.ones(2)),
        ValueError,
        r"solve\(a: Tensor \(3, 3\) float64 made at \S+, b: array \(2,\)",
    ),
    "norm axis": (lambda: tg.norm(leaf(np.ones(3)), axis=1), IndexError, "norm.*axis 1"),
    "norm axes": (lambda: tg.norm(leaf(np.ones((2, 2))), 1, (0, 0)), ValueError, "norm.*Dupl"),
    "norm of a stack": (lambda: tg.norm(leaf(np.ones((2, 2, 2))), 1), ValueError, "norm.*dimens"),
    "norm ord": (lambda: tg.norm(leaf(np.ones(3)), "max"), ValueError, "norm.*ord"),
    "upper": (lambda: np.linalg.cholesky(leaf(np.eye(2)), upper=True), TypeError, "upper"),
    "unsupported": (lambda: np.linalg.pinv(leaf(np.eye(2))), NotImplementedError, "pinv"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


def test_float32_stays_float32():
    a = leaf((np.eye(3) * 2).astype(np.float32))
    for out in (tg.inv(a), tg.solve(a, a), tg.det(a), tg.cholesky(a), tg.norm(a), tg.norm(a, 1)):
        assert out.dtype == np.float32
        out.sum().backward()
        assert a.grad.dtype == np.float32
