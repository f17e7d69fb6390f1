"""Transforms of every op of the table, at the points of its samples."""

import numpy as np
from op_cases import STEP, every_smooth_case, numbers

import tinygrad_np as tg


def on_tensors(case):
    """The op as a function of the inputs that it has a rule for."""

    def f(*values):
        point = [tg.Tensor(v) for v in case.point()]
        for position, value in zip(case.differentiable, values, strict=True):
            point[position] = value
        return case.call(case.function, point)

    return f


@every_smooth_case
def test_jvp_is_the_slope_along_a_line(case):
    """Against differences of the forward; and the transposed product against the same numbers."""
    f = on_tensors(case)
    rng = np.random.default_rng(1)
    start = [case.point()[k] for k in case.differentiable]
    directions = [numbers(rng, v.shape) for v in start]

    def at(steps):
        moves = zip(start, directions, strict=True)
        return f(*(tg.Tensor(v + steps * STEP * d) for v, d in moves)).data

    numeric = (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * STEP)
    value, slope = tg.jvp(f, start, directions)
    np.testing.assert_array_equal(value, at(0))
    scale = max(1.0, float(np.max(np.abs(numeric), initial=0)))
    np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-7 * scale)

    # As transposed reverse mode has it.
    np.testing.assert_allclose(
        slope, tg.linearize(f, *start)[1](*directions), rtol=1e-10, atol=1e-10
    )

    weights = numbers(rng, value.shape)
    pulled = tg.vjp(f, *start)[1](weights)
    along = sum(np.sum(g * d) for g, d in zip(pulled, directions, strict=True))
    np.testing.assert_allclose(along, np.sum(weights * slope), rtol=1e-8, atol=1e-8 * scale)


@every_smooth_case
def test_checkpoint_changes_no_gradient(case):
    f = on_tensors(case)
    start = [case.point()[k] for k in case.differentiable]
    weights = case.weights()
    every = range(len(start))
    plain = tg.grad(lambda *values: (f(*values) * weights).sum(), every)(*start)
    kept = tg.grad(lambda *values: (tg.checkpoint(f)(*values) * weights).sum(), every)(*start)
    for a, b in zip(plain, kept, strict=True):
        np.testing.assert_array_equal(a, b)
