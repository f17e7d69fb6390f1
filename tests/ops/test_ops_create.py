"""Creation: values and dtypes of NumPy, options of Tensor, and the package's own generator."""

import inspect

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

CALLS = [
    ("zeros", (3,), {}),
    ("zeros", ((2, 3), np.float32), {}),
    ("zeros", ((),), {"dtype": int}),
    ("zeros", ([2, 0],), {}),
    ("ones", ((2, 3),), {"dtype": bool}),
    ("ones", (np.int64(2),), {}),
    ("full", ((2, 2), 7), {}),
    ("full", (2, 0.5, np.float32), {}),
    ("full", ((2, 3), [1, 2, 3]), {}),
    ("eye", (3,), {}),
    ("eye", (2, 3, 1), {}),
    ("eye", (3, None, -1, np.float32), {}),
    ("arange", (4,), {}),
    ("arange", (4.0,), {}),
    ("arange", (1, 7, 2), {"dtype": np.float32}),
    ("arange", (3, 0, -0.5), {}),
    ("linspace", (0, 1), {}),
    ("linspace", (0, 1, 5), {"endpoint": False}),
    ("linspace", (2, -2, 3), {"dtype": np.float32}),
]
RANDOM = [
    (tg.rand, (2, 3)),
    (tg.randn, (2, 3)),
    (tg.uniform, (-1.0, 2.0, (2, 3))),
    (tg.normal, (5.0, 0.1, (2, 3))),
    (tg.randint, (3, 9, (2, 3))),
    (tg.permutation, (6,)),
]


@folded
@pytest.mark.parametrize(("name", "args", "kwargs"), CALLS, ids=range(len(CALLS)))
def test_value_and_dtype_are_numpys(name, args, kwargs):
    expected = getattr(np, name)(*args, **kwargs)
    got = getattr(tg, name)(*args, **kwargs)
    assert isinstance(got, tg.Tensor)
    assert got.dtype == expected.dtype
    assert not got.requires_grad
    np.testing.assert_array_equal(got.data, expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda **o: tg.zeros(3, **o),
        lambda **o: tg.ones(3, **o),
        lambda **o: tg.full(3, 2.0, **o),
        lambda **o: tg.eye(3, **o),
        lambda **o: tg.arange(3.0, **o),
        lambda **o: tg.linspace(0, 1, **o),
        lambda **o: tg.zeros_like([1.0], **o),
        lambda **o: tg.ones_like([1.0], **o),
        lambda **o: tg.full_like([1.0], 3, **o),
        lambda **o: tg.rand(3, **o),
        lambda **o: tg.randn(3, **o),
        lambda **o: tg.uniform(size=3, **o),
        lambda **o: tg.normal(size=3, **o),
    ],
)
def test_options_of_tensor(make):
    t = make(dtype=np.float32, requires_grad=True, name="w")
    assert t.is_leaf
    assert t.requires_grad
    assert t.dtype == np.float32
    assert t.name == "w"
    (t * t).sum().backward()
    np.testing.assert_array_equal(t.grad.data, 2 * t.data)
    with pytest.raises(TypeError, match="only floats can need a gradient"):
        make(dtype=int, requires_grad=True)


@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "full_like"])
def test_like(name):
    rest = (7,) if name == "full_like" else ()
    t = tg.Tensor(np.arange(6.0, dtype=np.float32).reshape(2, 3), requires_grad=True, name="t")
    for options in ({}, {"dtype": int}, {"shape": (4,)}, {"shape": 2, "dtype": float}):
        expected = getattr(np, name)(t.data, *rest, **options)
        for function in (getattr(np, name), getattr(tg, name)):
            got = function(t, *rest, **options)
            assert isinstance(got, tg.Tensor)
            assert not got.requires_grad
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got.data, expected)
    assert isinstance(getattr(tg, name)([1, 2], *rest), tg.Tensor)
    assert getattr(tg, name)(3, *rest).shape == ()


@pytest.mark.parametrize(("function", "args"), RANDOM, ids=lambda v: getattr(v, "__name__", ""))
def test_random_can_be_repeated(function, args):
    tg.manual_seed(5)
    first, second = function(*args), function(*args)
    assert first.tolist() != second.tolist()
    tg.manual_seed(5)
    assert function(*args).tolist() == first.tolist()
    rng = np.random.default_rng(5)
    assert function(*args, rng=rng).tolist() == first.tolist()
    assert function(*args, rng=rng).tolist() == second.tolist()
    before = np.random.get_state()[1].tolist()
    function(*args)
    assert np.random.get_state()[1].tolist() == before
    with pytest.raises(TypeError, match=r"rng must be a NumPy Generator.*not 3"):
        function(*args, rng=3)


def test_distributions():
    tg.manual_seed(0)
    n = 20_000
    assert tg.rand(n).data.min() >= 0
    assert tg.rand(n).data.max() < 1
    assert tg.rand(n).mean().item() == pytest.approx(0.5, abs=0.02)
    assert tg.randn(n).std().item() == pytest.approx(1, abs=0.03)
    assert tg.randn(n).mean().item() == pytest.approx(0, abs=0.04)
    spread = tg.uniform(2, 6, n)
    assert spread.data.min() >= 2
    assert spread.data.max() < 6
    assert spread.mean().item() == pytest.approx(4, abs=0.05)
    assert tg.normal(3, 2, n).mean().item() == pytest.approx(3, abs=0.08)
    assert tg.normal(3, 2, n).std().item() == pytest.approx(2, abs=0.06)
    whole = tg.randint(4, size=n)
    assert whole.dtype == np.int64
    assert sorted(set(whole.tolist())) == [0, 1, 2, 3]
    assert sorted(tg.permutation(9).tolist()) == list(range(9))
    assert tg.rand().shape == tg.uniform().shape == tg.randint(3).shape == ()
    assert tg.normal([0.0, 100.0], 1.0).data[1] > 50


def test_permutation_of_rows():
    x = tg.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    rng = np.random.default_rng(3)
    order = np.random.default_rng(3).permutation(3)
    mixed = tg.permutation(x, rng=rng)
    np.testing.assert_array_equal(mixed.data, x.data[order])
    mixed.backward(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]))
    expected = np.zeros((3, 2))
    expected[order] = [[1, 1], [2, 2], [3, 3]]
    np.testing.assert_array_equal(x.grad.data, expected)
    assert isinstance(tg.permutation([1.0, 2.0]), tg.Tensor)


def test_all_random_functions_take_a_generator():
    for function, _ in RANDOM:
        assert "rng" in inspect.signature(function).parameters


GRAD = tg.ones((), requires_grad=True)
BAD = [
    (lambda: tg.zeros(-1), ValueError, "zeros: lengths must not be negative, shape is -1"),
    (lambda: tg.zeros((2, 1.5)), TypeError, r"zeros: shape must be an integer .*\(2, 1.5\)"),
    (lambda: tg.ones("3"), TypeError, "ones: shape must be an integer"),
    (lambda: tg.ones(None), TypeError, "ones: shape must be an integer"),
    (lambda: tg.full((2, 2), [1, 2, 3]), ValueError, "broadcast"),
    (lambda: tg.full(2, "a"), TypeError, "expected numbers"),
    (lambda: tg.full(2, GRAD), TypeError, "silently drop its gradient"),
    (lambda: tg.zeros(2, str), TypeError, "expected numbers"),
    (lambda: tg.zeros(2, "floaty"), TypeError, "floaty"),
    (lambda: tg.eye(-1), ValueError, "eye: lengths must not be negative"),
    (lambda: tg.eye(2.5), TypeError, "eye: shape must be"),
    (lambda: tg.arange(0, 5, 0), ValueError, "arange: step must not be 0"),
    (lambda: tg.arange("a"), TypeError, "expected numbers"),
    (lambda: tg.arange(GRAD), TypeError, r"arange: no gradient flows to Tensor \(\) float64"),
    (lambda: tg.linspace(0, GRAD), TypeError, "linspace: no gradient flows to"),
    (lambda: tg.linspace(0, "a"), TypeError, "expected numbers"),
    (lambda: tg.uniform(GRAD), TypeError, "uniform: no gradient flows to"),
    (lambda: tg.normal("a"), TypeError, "expected numbers"),
    (lambda: tg.linspace(0, 1, -1), ValueError, "non-negative"),
    (lambda: tg.rand(2.5), TypeError, "rand: shape must be"),
    (lambda: tg.randn(2, -1), ValueError, "randn: lengths must not be negative"),
    (lambda: tg.randint(5, 5), ValueError, "low >= high"),
    (lambda: tg.normal(0, -1), ValueError, "scale < 0"),
    (lambda: tg.permutation(-1), ValueError, "permutation: lengths must not be negative"),
    (lambda: tg.permutation(1.5), TypeError, "permutation: shape must be"),
]


@folded
@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=range(len(BAD)))
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_full_of_a_tensor_without_a_gradient():
    assert tg.full((2, 3), tg.Tensor(2)).tolist() == [[2, 2, 2], [2, 2, 2]]
    assert tg.full_like(np.ones((2, 3)), tg.Tensor([1.0, 2, 3])).tolist() == [[1, 2, 3]] * 2
    step = tg.compile(lambda x: tg.full_like(x, x.detach()[0]) * x)
    x = tg.Tensor([2.0, 3.0], requires_grad=True)
    for _ in range(3):
        assert step(x).tolist() == [4, 6]
