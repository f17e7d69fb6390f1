"""Transforms against PyTorch, JAX, finite differences, and known derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_np as tg

x0 = np.array([0.3, -0.7, 1.2])
W0 = np.random.default_rng(0).normal(size=(3, 4))


def mlp(lib, x, W):
    return (lib.tanh(x @ W) ** 3).sum()


def vector(lib, x, W):
    return lib.exp(lib.tanh(x @ W)) * 0.5


def check(actual, expected, **tolerance):
    actual = [actual] if not isinstance(actual, (list, tuple)) else actual
    expected = [expected] if not isinstance(expected, (list, tuple)) else expected
    for a, e in zip(actual, expected, strict=True):
        assert isinstance(a, (np.ndarray, np.generic))
        e = np.asarray(e)
        assert a.shape == e.shape
        assert a.dtype == e.dtype
        np.testing.assert_allclose(a, e, **{"rtol": 1e-9, "atol": 1e-12, **tolerance})


# --- PyTorch and JAX ----------------------------------------------------------------------------

# torch.func, on its first call, uses what PyTorch itself deprecates.
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]


@pytest.mark.parametrize("argnums", [0, 1, (0, 1), (1, 0)])
@pytest.mark.parametrize("name", ["grad", "hessian", "jacobian"])
def test_as_torch_func(name, argnums):
    torch = pytest.importorskip("torch")
    f = vector if name == "jacobian" else mlp
    theirs = getattr(torch.func, {"jacobian": "jacrev"}.get(name, name))
    x, W = map(torch.tensor, (x0, W0))
    expected = theirs(lambda x, W: f(torch, x, W), argnums)(x, W)
    actual = getattr(tg, name)(lambda x, W: f(tg, x, W), argnums)(x0, W0)
    if name == "hessian" and isinstance(argnums, tuple):
        for row, expected_row in zip(actual, expected, strict=True):
            check(row, expected_row)
    else:
        check(actual, expected)


def test_products_as_torch_func():
    torch = pytest.importorskip("torch")
    x, W, t, T = map(torch.tensor, (x0, W0, x0[::-1].copy(), W0 + 1))
    u = np.arange(4.0)

    out, tangent = tg.jvp(lambda x, W: vector(tg, x, W), (x0, W0), (t.numpy(), T.numpy()))
    expected = torch.func.jvp(lambda x, W: vector(torch, x, W), (x, W), (t, T))
    check([out, tangent], expected)

    out, pull = tg.vjp(lambda x, W: vector(tg, x, W), x0, W0)
    expected_out, expected_pull = torch.func.vjp(lambda x, W: vector(torch, x, W), x, W)
    check(out, expected_out)
    check(pull(u), expected_pull(torch.tensor(u)))

    out, push = tg.linearize(lambda x, W: vector(tg, x, W), x0, W0)
    expected_out, expected_push = torch.func.linearize(lambda x, W: vector(torch, x, W), x, W)
    check(out, expected_out)
    for k in (1.0, 2.0):
        check(push(t.numpy() * k, T.numpy()), expected_push(t * k, T))

    product = tg.hvp(lambda x, W: mlp(tg, x, W), (x0, W0), (t.numpy(), T.numpy()))
    _, expected = torch.autograd.functional.hvp(lambda x, W: mlp(torch, x, W), (x, W), (t, T))
    check(product, expected)


@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("name", ["grad", "value_and_grad", "hessian", "jacobian"])
def test_as_jax(jax, name):
    jnp = jax.numpy
    f = vector if name == "jacobian" else mlp
    actual = getattr(tg, name)(lambda x, W: f(tg, x, W))(x0, W0)
    check(actual, getattr(jax, name, jax.jacrev)(lambda x, W: f(jnp, x, W))(x0, W0))


def test_nested_as_jax(jax):
    def g(lib, x):
        return lib.tanh(x) * lib.exp(x * x) / (1 + x)

    ours, theirs = (lambda x: g(tg, x)), (lambda x: g(jax.numpy, x))
    for _ in range(4):
        ours, theirs = tg.grad(ours), jax.grad(theirs)
        check(ours(0.4), theirs(0.4))


def test_structures_as_jax(jax):
    params = {"W": W0, "b": (np.ones(4), [np.array(2.0)])}

    def f(lib, p, x):
        return {"y": lib.tanh(x @ p["W"]) * p["b"][0], "n": [(p["W"] ** 2).sum() * p["b"][1][0]]}

    ours = tg.jacobian(lambda p, x: f(tg, p, x))(params, x0)
    theirs = jax.jacobian(lambda p, x: f(jax.numpy, p, x))(params, x0)
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    check(jax.tree.leaves(ours), jax.tree.leaves(theirs))

    ours = tg.hessian(lambda p: f(tg, p, x0)["n"][0])(params)
    theirs = jax.hessian(lambda p: f(jax.numpy, p, x0)["n"][0])(params)
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    check(jax.tree.leaves(ours), jax.tree.leaves(theirs))


# --- without other libraries --------------------------------------------------------------------


def test_derivatives_of_a_polynomial():
    f = lambda x: x**5  # noqa: E731
    for expected in (5 * 2.0**4, 20 * 2.0**3, 60 * 2.0**2, 120 * 2.0, 120.0, 0.0, 0.0):
        f = tg.grad(f)
        assert f(2.0) == expected


def test_hessian_of_a_quadratic_form():
    A = W0 @ W0.T
    f = lambda x: x @ A @ x / 2  # noqa: E731
    for hessian in (tg.hessian(f), tg.jacobian(tg.grad(f)), tg.jacobian(tg.jacobian(f))):
        np.testing.assert_allclose(hessian(x0), A, rtol=1e-12)
    np.testing.assert_allclose(tg.hvp(f, (x0,), (x0,)), A @ x0, rtol=1e-12)
    third = tg.jacobian(tg.hessian(f))(x0)
    assert third.shape == (3, 3, 3)
    assert not third.any()


def test_hvp_of_a_gradient():
    assert tg.hvp(tg.grad(lambda x: x**4), (2.0,), (1.0,)) == 24 * 2.0


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("inner", [(), (2,), (2, 3)])
@pytest.mark.parametrize("outer", [(), (5,), (4, 2)])
def test_jacobian_of_a_linear_map(inner, outer, columns):
    """By rows and by columns, for every number of axes."""
    J = np.random.default_rng(1).normal(size=(*outer, *inner))
    n_in, n_out = int(np.prod(inner)), int(np.prod(outer))
    x = np.ones(inner)
    extra = np.zeros(100) if columns else None  # more results than arguments: by columns

    def f(x):
        y = (tg.reshape(x, n_in) @ J.reshape(n_out, n_in).T).reshape(outer)
        return (y, extra * x.sum()) if columns else y

    jacobian = tg.jacobian(f)(x)
    jacobian = jacobian[0] if columns else jacobian
    assert jacobian.shape == J.shape
    np.testing.assert_allclose(jacobian, J, rtol=1e-12)


def test_more_results_than_arguments_twice():
    """Columns of columns, recorded, also with respect to a captured Tensor."""
    k = np.arange(1.0, 8)
    curve = lambda x: k * x**3  # noqa: E731
    check(tg.jacobian(curve)(2.0), 12 * k)
    check(tg.hessian(curve)(2.0), 12 * k)
    check(tg.jacobian(tg.hessian(curve))(2.0), 6 * k)
    check(tg.grad(lambda w: tg.jacobian(lambda x: k * w * w * x)(2.0).sum())(3.0), 6 * k.sum())
    check(tg.jacobian(lambda w: tg.jvp(lambda x: k * w * x, (w,), (w,))[1])(3.0), 6 * k)


def test_empty_arrays():
    assert tg.jacobian(lambda x: x * 2)(np.zeros(0)).shape == (0, 0)
    assert tg.jacobian(lambda x: x[:0])(x0).shape == (0, 3)
    assert tg.grad(lambda x: x.sum())(np.zeros((0, 2))).shape == (0, 2)


def test_what_does_not_depend_on_the_argument_has_derivative_zero():
    f = lambda x, y: (y * 2).sum() + tg.Tensor(1.0)  # noqa: E731
    check(tg.grad(f)(x0, W0), np.zeros(3))
    check(tg.jvp(lambda x: tg.Tensor([1.0, 2.0]), (x0,), (x0,))[1], np.zeros(2))
    check(tg.vjp(lambda x: tg.Tensor([1.0, 2.0]), x0)[1](np.ones(2)), [np.zeros(3)])
    check(tg.hessian(lambda x: x.sum())(x0), np.zeros((3, 3)))
    check(tg.hvp(lambda x: x.sum(), (x0,), (x0,)), np.zeros(3))


def test_a_result_returned_twice():
    def f(x):
        y = x * x
        return y, y

    check(tg.vjp(f, x0)[1]((np.ones(3), 10 * np.ones(3))), [22 * x0])
    check(tg.jvp(f, (x0,), (np.ones(3),))[1], (2 * x0, 2 * x0))


def test_a_long_chain_needs_no_recursion():
    def f(x):
        for _ in range(20_000):
            x = x * 1.0001
        return x

    np.testing.assert_allclose(tg.grad(f)(1.0), 1.0001**20_000)
    np.testing.assert_allclose(tg.jvp(lambda x: f(x * x), (1.0,), (1.0,))[1], 2 * 1.0001**20_000)


def test_the_identity():
    check(tg.grad(lambda x: x)(2.0), np.float64(1))
    check(tg.jacobian(lambda x: x)(x0), np.eye(3))
    check(tg.jvp(lambda x: x, (x0,), (W0[:, 0],)), (x0, W0[:, 0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_stay(dtype):
    x = x0.astype(dtype)
    f = lambda x: (tg.tanh(x) * x).sum()  # noqa: E731
    assert tg.grad(f)(x).dtype == dtype
    assert tg.hessian(f)(x).dtype == dtype
    assert tg.hvp(f, (x,), (x0,)).dtype == dtype
    value, tangent = tg.jvp(lambda x: tg.exp(x), (x,), (x0,))
    assert value.dtype == tangent.dtype == dtype


STEPS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - 0.5 * b,
    lambda a, b: tg.tanh(a) * b,
    lambda a, b: tg.exp(-a * a) + b,
    lambda a, b: a / (1 + b * b),
    lambda a, b: tg.sigmoid(a - b),
    lambda a, b: tg.softmax(a + b),
    lambda a, b: a - b.mean(),
    lambda a, b: a[::-1] * b,
]


@st.composite
def programs(draw):
    """Random straight-line programs on vectors of three."""
    steps = draw(st.lists(st.sampled_from(STEPS), min_size=2, max_size=8))
    picks = [(draw(st.integers(0, k + 1)), draw(st.integers(0, k + 1))) for k in range(len(steps))]

    def program(x, y):
        values = [x, y]
        for step, (i, j) in zip(steps, picks, strict=True):
            values.append(step(values[i], values[j]))
        return values[-1]

    return program


@settings(max_examples=60, deadline=None)
@given(programs(), st.integers(0, 2**32 - 1))
def test_random_programs(program, seed):
    """jvp, vjp and jacobian agree with each other and with differences; so do second orders."""
    rng = np.random.default_rng(seed)
    x, y, t, u = rng.uniform(-1, 1, (4, 3))
    y = tg.Tensor(y)
    value, tangent = tg.jvp(lambda x: program(x, y), (x,), (t,))
    h = 1e-6
    plain = lambda x: program(tg.Tensor(x), y).data  # noqa: E731
    np.testing.assert_array_equal(value, plain(x))
    numeric = (plain(x + h * t) - plain(x - h * t)) / (2 * h)
    np.testing.assert_allclose(tangent, numeric, rtol=1e-5, atol=1e-6)

    (pulled,) = tg.vjp(lambda x: program(x, y), x)[1](u)
    np.testing.assert_allclose(pulled @ t, u @ tangent, rtol=1e-8, atol=1e-10)
    J = tg.jacobian(program)(x, y)
    np.testing.assert_allclose(J @ t, tangent, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(u @ J, pulled, rtol=1e-8, atol=1e-10)

    scalar = lambda x: (program(x, y) * u).sum()  # noqa: E731
    gradient = tg.grad(scalar)
    product = tg.hvp(scalar, (x,), (t,))
    numeric = (gradient(x + h * t) - gradient(x - h * t)) / (2 * h)
    np.testing.assert_allclose(product, numeric, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(tg.hessian(scalar)(x) @ t, product, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(tg.jvp(gradient, (x,), (t,))[1], product, rtol=1e-8, atol=1e-10)


def test_vmap_as_jax():
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(2)
    x, y, W = rng.random((4, 3)), rng.random((2, 4)), rng.random((3, 2))

    def loss(lib, w, x, y):
        return ((lib.tanh(x @ w) - y) ** 2).sum()

    def transformed(lib, vmap, grad, hessian):
        gradients = vmap(grad(lambda *a: loss(lib, *a)), in_axes=(None, 0, 1), out_axes=2)
        hessians = vmap(hessian(lambda x, y: loss(lib, W, x, y)), in_axes=(0, -1))
        table = vmap(vmap(lambda a, b: lib.sin(a) @ b, (None, 0), 1), (0, None), -1)
        return gradients(W, x, y), hessians(x, y), table(x[:, None], x)

    with jax.enable_x64(True):
        expected = transformed(jax.numpy, jax.vmap, jax.grad, jax.hessian)
        check(transformed(tg, tg.vmap, tg.grad, tg.hessian), expected)
