"""Training steps without arguments, as the lowering to loops takes them."""

import numpy as np

import tinygrad_np as tg


def step_of(case, dtype):
    """A step that computes an op and the gradients of a weighted sum of its result."""
    weights = np.asarray(case.weights(), dtype)
    inputs = [tg.Tensor(v, requires_grad=v.dtype.kind == "f") for v in case.point(dtype)]

    def step():
        for t in inputs:
            t.grad = None
        out = case.call(case.function, inputs)
        if isinstance(out, tg.Tensor) and out.requires_grad:
            (out * weights).sum().backward()
        return (out, *(t.grad for t in inputs))

    return step


def results_of(step):
    """The arrays that a step returns."""
    return [np.asarray(getattr(r, "data", r)) for r in step() if r is not None]
