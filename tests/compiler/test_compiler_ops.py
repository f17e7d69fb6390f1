"""Every op of the table compiled, at every point where it is tested.

The same values and gradients as uncompiled: to the last bit, unless a pass adds in another order.
"""

import numpy as np
import pytest
from op_cases import every_case
from pass_sets import every_pass_set

import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

CALLS = 4  # two recordings, and the program twice


def step_of(case):
    """A function of Tensors: the result of the op, and the gradients of a weighted sum of it."""
    weights = case.weights()

    def step(*inputs):
        out = case.call(case.function, inputs)
        if isinstance(out, tg.Tensor) and out.requires_grad:
            (out * weights).sum().backward()
        return (out, *(t.grad for t in inputs))

    return step


def inputs_of(case, call):
    scale = 1 + call / 1024  # another point in each call, on the same side of every kink
    floats = [value.dtype.kind == "f" for value in case.point()]
    points = (v * scale if is_float else v for v, is_float in zip(case.point(), floats))
    return [tg.Tensor(v, requires_grad=is_float) for v, is_float in zip(points, floats)]


@every_pass_set
@every_case
def test_compiled_as_uncompiled(case, passes):
    step = step_of(case)
    compiled = tg.compile(step, passes=passes)
    for call in range(CALLS):
        expected = step(*inputs_of(case, call))
        got = compiled(*inputs_of(case, call))
        for a, b in zip(expected, got, strict=True):
            assert type(a) is type(b)
            if a is None:
                continue
            a, b = (np.asarray(getattr(value, "data", value)) for value in (a, b))
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            if passes == tg.PASSES:
                np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-11)
            else:
                np.testing.assert_array_equal(b, a)
    assert "1 program" in repr(compiled)
