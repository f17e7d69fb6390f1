"""Fast forms of NumPy calls: the same bits as the plain ones."""

import itertools

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.core.kernels import sum_of_rows, zeros_beside

DTYPES = [np.float16, np.float32, np.float64, np.int64, np.complex64]
ROWS = [1, 2, 63, 64, 65, 300, 1000]
COLUMNS = [1, 2, 3, 7, 8, 64, 256, 257]


def matrices(dtype, rows, columns):
    """Give numbers of very different sizes, so that another order of sums has other bits."""
    rng = np.random.default_rng(rows * columns)
    x = (
        rng.standard_normal((rows, columns)) * 10.0 ** rng.integers(-3, 2, (rows, columns))
    ).astype(dtype)
    wide = np.repeat(x, 2, axis=1)
    return {
        "rows": x,
        "columns": np.asfortranarray(x),
        "a view": wide[:, ::2],
        "backwards": x[::-1],
        "read-only": np.broadcast_to(x[0], x.shape),
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_of_rows_have_the_bits_of_numpy(dtype):
    for rows, columns in itertools.product(ROWS, COLUMNS):
        for form, x in matrices(dtype, rows, columns).items():
            total = sum_of_rows(x)
            assert total.dtype == np.add.reduce(x, 0).dtype
            np.testing.assert_array_equal(total, np.add.reduce(x, 0), str((rows, columns, form)))


def test_sums_of_other_shapes():
    rng = np.random.default_rng(0)
    for shape in [(3,), (0, 3), (3, 0), (100, 2, 3), (100, 0)]:
        x = rng.standard_normal(shape)
        np.testing.assert_array_equal(sum_of_rows(x), np.add.reduce(x, 0))


@pytest.mark.parametrize("dtype", DTYPES[:-1])
@pytest.mark.parametrize(
    "shape", [(), (0,), (3,), (999,), (1999,), (40, 50), (300, 64), (2**16,), (2**16 + 1,)]
)
def test_relu_has_the_bits_of_the_comparison_with_0(dtype, shape):
    x = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    if x.ndim and x.size > 10 and x.dtype.kind == "f":
        x.flat[:5] = [np.nan, np.inf, -np.inf, -0.0, 0.0]
    for form in (x, np.asfortranarray(x), x[::-1] if x.ndim else x):
        out, expected = tg.relu(form), np.maximum(form, 0)
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(np.signbit(out), np.signbit(expected))
        assert (out.dtype, out.strides) == (expected.dtype, expected.strides)
    assert np.shape(zeros_beside(x)) in ((), shape)


def test_the_zeros_stay_zeros():
    zeros = zeros_beside(np.ones((50, 50)))
    with pytest.raises(ValueError, match="read-only"):
        zeros += 1
