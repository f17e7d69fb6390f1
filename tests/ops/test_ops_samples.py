"""The points at which the ops are tested are fit for it, and so are the finite differences."""

import numpy as np
import pytest
from folded import folded
from op_cases import STEP, cases_of, every_smooth_case, numbers, numeric_curvature, numeric_gradient

import tinygrad_np as tg


@folded
@pytest.mark.parametrize("op", tg.TABLE.values(), ids=lambda op: op.name)
def test_every_op_has_samples(op):
    assert cases_of(op), f"{op.name} needs samples= (or, being a ufunc, a domain)"


@folded
@pytest.mark.parametrize("op", tg.TABLE.values(), ids=lambda op: op.name)
def test_every_rule_is_reached_by_a_sample(op):
    reached = {0 if op.variadic else k for case in cases_of(op) for k in case.floats}
    rules = {k for k, rule in enumerate(op.rule.values()) if rule is not None}
    assert rules <= reached, f"{op.name}: no sample gives floats to {rules - reached}"


@every_smooth_case
def test_samples_are_smooth(case):
    """Second differences shrink with the step as they do where there is no kink nearby."""
    rng = np.random.default_rng(1)
    values = case.point()
    directions = [numbers(rng, np.shape(v)) for v in values]
    for position in range(len(values)):
        if position not in case.differentiable:
            directions[position] = np.zeros_like(directions[position])

    def bend(step):
        sides = [
            case.call(case.function, [v + h * d for v, d in zip(values, directions, strict=True)])
            for h in (step, 0, -step)
        ]
        return (sides[0] - 2 * sides[1] + sides[2]) / step

    assert np.all(np.abs(bend(2 * STEP) - 8 * bend(STEP / 4)) < 1e-2)


def test_the_finite_differences_here_are_right():
    """On a function whose derivatives are known in closed form."""
    x, y = np.array([0.3, 0.7]), np.array([1.1, 0.4])

    def f(values):
        return float(np.sum(np.sin(values[0]) * values[1] ** 3))

    dx, dy = numeric_gradient(f, [x, y], [0, 1])
    np.testing.assert_allclose(dx, np.cos(x) * y**3, rtol=1e-9)
    np.testing.assert_allclose(dy, 3 * np.sin(x) * y**2, rtol=1e-9)
    u, v = np.array([1.0, -0.5]), np.array([0.7, 1.2])
    second = np.sum(
        -np.sin(x) * y**3 * u * u + 2 * np.cos(x) * 3 * y**2 * u * v + np.sin(x) * 6 * y * v * v
    )
    np.testing.assert_allclose(numeric_curvature(f, [x, y], [u, v]), second, rtol=1e-7)
