"""The points at which every op of the table is tested, and finite differences of its own.

These work on bare arrays alone: no Tensor, no rule and no `gradcheck` has a part in them.
"""

import functools

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg

STEP = 1e-3

# Elementwise ops declare a domain instead of samples: shapes with 0-d, broadcast and empty arrays.
UNARY_SHAPES = [((),), ((3, 4),), ((2, 1, 3),), ((0, 3),)]
BINARY_SHAPES = [
    ((), ()),
    ((3, 4), (3, 4)),
    ((3, 1), (4,)),
    ((), (2, 3)),
    ((2, 3, 4), (1, 4)),
    ((0, 3), (3,)),
    ((1, 3), (0, 1)),
]


class Case:
    """One call of one op: its array inputs, and the rest of the arguments."""

    def __init__(self, op, number, args, params):
        self.op = op
        self.number = number
        count = 1 if op.variadic else len(op.inputs)
        self.inputs = list(args[0]) if op.variadic else list(args[:count])
        self.rest = tuple(args[count:])
        self.params = params
        arrays = {k: a for k, a in enumerate(self.inputs) if isinstance(a, np.ndarray)}
        floats = [k for k, a in arrays.items() if a.dtype.kind == "f"]
        self.floats = floats or list(arrays)  # of an op of integers, those

    def __repr__(self):
        return f"{self.op.name}-{self.number}"

    @property
    def differentiable(self):
        """Positions among `floats` that a rule gives a gradient to."""
        rules = list(self.op.rule.values())
        return [
            position
            for position, k in enumerate(self.floats)
            if (rules[0] if self.op.variadic else rules[k]) is not None
        ]

    @property
    def function(self):
        return getattr(tg, self.op.name)

    def point(self, dtype=np.float64):
        """Copies of the float inputs, or of the integers of an op that has no others."""
        arrays = [self.inputs[k] for k in self.floats]
        return [a.astype(dtype if a.dtype.kind == "f" else a.dtype) for a in arrays]

    def arguments(self, values):
        """Positional arguments with `values` in place of the float inputs."""
        inputs = list(self.inputs)
        for k, value in zip(self.floats, values, strict=True):
            inputs[k] = value
        return ((tuple(inputs),) if self.op.variadic else tuple(inputs)) + self.rest

    def call(self, function, values):
        return joined(function(*self.arguments(values), **self.params))

    @functools.cache  # noqa: B019 - the cases live as long as the suite
    def weights(self, seed=0):
        """Numbers of both signs, one per element of the result, to make one loss of it."""
        shape = np.shape(self.call(self.function, self.point()))
        return numbers(np.random.default_rng(seed), shape)

    def loss(self, values):
        """The weighted sum of the result, computed on bare arrays."""
        return float(np.sum(self.weights() * self.call(self.function, values)))


def joined(result):
    """The result; several outputs flat and one behind the other."""
    if not isinstance(result, (tuple, list)):
        return result
    return tg.concatenate([tg.reshape(part, -1) for part in result])


def numbers(rng, shape):
    """Between 0.5 and 1.5 in size, of random sign: no two directions or weights cancel."""
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


def into(domain, z):
    """The standard normals `z` as values well inside the open interval `domain`."""
    low, high = domain
    if np.isfinite(low) and np.isfinite(high):
        return low + (high - low) * (0.1 + 0.8 / (1 + np.exp(-z)))
    if np.isfinite(low):
        return low + 0.1 + np.abs(z)
    if np.isfinite(high):
        return high - 0.1 - np.abs(z)
    return z


def cases_of(op):
    rng = np.random.default_rng(sum(op.name.encode()))

    def normals(*shape):
        return np.asarray(rng.standard_normal(shape))

    if op.samples is not None:
        calls = op.samples(normals)
    elif op.elementwise:
        shapes = UNARY_SHAPES if len(op.inputs) == 1 else BINARY_SHAPES
        calls = [
            (tuple(np.asarray(into(op.domain, normals(*s))) for s in both), {}) for both in shapes
        ]
    else:
        return []
    return [Case(op, number, args, params) for number, (args, params) in enumerate(calls)]


CASES = [case for op in tg.TABLE.values() for case in cases_of(op)]
SMOOTH = [case for case in CASES if case.differentiable]


def every_case(test, cases=CASES):
    """Run a test at every point, as one test for each op."""
    return folded(pytest.mark.parametrize("case", cases, ids=repr)(test))


def every_smooth_case(test):
    """Run a test at every point of an op with a derivative, as one test for each op."""
    return every_case(test, SMOOTH)


def numeric_gradient(f, values, positions):
    """Central differences of fourth order for every element of some of the arrays."""
    gradients = []
    for position in positions:
        gradient = np.empty(np.shape(values[position]), np.float64)
        for index in np.ndindex(gradient.shape):

            def at(steps, position=position, index=index):
                moved = [np.array(v) for v in values]
                moved[position][index] += steps * STEP
                return f(moved)

            gradient[index] = (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * STEP)
        gradients.append(gradient)
    return gradients


def numeric_curvature(f, values, directions):
    """The second derivative of `f` along a line, from values of `f` alone."""

    def at(steps):
        moves = zip(values, directions, strict=True)
        return f([v + steps * STEP * d for v, d in moves])

    return (-at(-2) + 16 * at(-1) - 30 * at(0) + 16 * at(1) - at(2)) / (12 * STEP**2)
