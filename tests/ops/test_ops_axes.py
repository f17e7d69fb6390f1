"""Arguments `axis` of all functions: what NumPy takes for an axis, and what it refuses."""

import inspect

import numpy as np
import pytest

import tinygrad_np as tg


class Position:
    """An integer of another kind, as a library of its own may have."""

    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


WRONG = [1.0, np.float64(-1.0), "1", np.array(1.0), (1.0, 0), 7, (0, 0), (0, -2)]
RIGHT = [1, np.int8(1), np.int64(-1), np.uint8(0), Position(1), np.array(-1), (1, -2)]
RIGHT += [(Position(1), np.int64(0)), None, ()]
MORE_ARGUMENTS = {
    "append": (np.ones((3, 3)),),
    "array_split": (2,),
    "compress": ([True, False, True],),
    "cross": (np.ones((3, 3)),),
    "delete": (0,),
    "insert": (0, 5.0),
    "partition": (1,),
    "percentile": (50,),
    "quantile": (0.5,),
    "repeat": (2,),
    "roll": (1,),
    "split": (1,),
    "take": ([0, 1],),
    "take_along_axis": (np.zeros((3, 3), int),),
}


def arguments(function):
    op = getattr(function, "op", None)
    return inspect.signature(function).parameters if op is None else op.defaults


WITH_AXIS = [
    name
    for name in sorted({*tg.__all__} & {*np.__all__})
    if inspect.isfunction(getattr(tg, name)) and "axis" in arguments(getattr(tg, name))
]


@pytest.mark.parametrize("name", WITH_AXIS)
def test_axes_are_taken_and_refused_as_numpy_does(name):
    x = np.random.default_rng(3).uniform(0.2, 2.0, (3, 3))
    more = MORE_ARGUMENTS.get(name, ())
    sequence = name in ("concatenate", "stack")
    for axis in [*RIGHT, *WRONG]:
        t = tg.Tensor(x, requires_grad=True)
        try:
            expected = getattr(np, name)([x, x] if sequence else x, *more, axis=axis)
        except (TypeError, ValueError, IndexError):
            with pytest.raises((TypeError, ValueError, IndexError)):
                getattr(tg, name)([t, t] if sequence else t, *more, axis=axis)
            continue
        out = getattr(tg, name)([t, t] if sequence else t, *more, axis=axis)
        several = isinstance(out, (tuple, list))
        for part, value in zip(*(out, expected) if several else ((out,), (expected,)), strict=True):
            # Of count_nonzero, a plain int: with NumPy 2.0 also for `axis=()`.
            np.testing.assert_allclose(getattr(part, "data", part), value, rtol=1e-12)
            if getattr(part, "requires_grad", False):
                part.sum().backward(retain_graph=True)


@pytest.mark.parametrize("axis", [1.0, np.float64(-1.0), np.array(1.0), "1", 1.5])
def test_no_function_takes_a_float_for_an_axis(axis):
    t = tg.Tensor(np.ones((3, 3)))
    for function in (tg.softmax, tg.log_softmax, tg.logsumexp, tg.norm, tg.standardize, tg.topk):
        with pytest.raises(TypeError):
            function(t, *([2] if function is tg.topk else []), axis=axis)
    with pytest.raises(TypeError):
        tg.cross_entropy(t, [0, 1, 2], axis=axis)
