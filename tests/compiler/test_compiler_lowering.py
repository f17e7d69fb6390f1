"""Steps as loops over typed buffers: every op of the table, and what a step leaves behind."""

import numpy as np
import pytest
from loop_interpreter import Machine
from op_cases import CASES, every_case
from step_cases import results_of, step_of

from tinygrad_np.compiler.lowering import LoweringError, lower, record_step

# Ops that can't be written as loops, and why.
LAPACK = "the algorithms of LAPACK are no loops"
REFUSED = {
    **dict.fromkeys(["cholesky", "cofactors", "det", "inv", "logabsdet", "solve"], LAPACK),
    "argpartition": "the order of its results is NumPy's own",
    # Of a Tensor of counts or bins; a NumPy array is known when the step is written.
    "digitize": "numbers that are computed in each step, and decide on a shape",
    "repeat": "numbers that are computed in each step, and decide on a shape",
}


def check(case, dtype, tolerance):
    """Compare the loops of a case, carried out by NumPy, with the step itself."""
    step = step_of(case, dtype)
    try:
        lowered = lower(record_step(step).program)
    except LoweringError as error:
        assert str(error).endswith(REFUSED[case.op.name])  # noqa: PT017 - not in every case
        return
    machine = Machine(lowered)
    machine.step()
    for view, right in zip(lowered.results, results_of(step), strict=True):
        assert (view.shape, view.dtype) == (right.shape, right.dtype)
        exact = right.dtype.kind != "f"
        atol = 0 if exact else tolerance
        np.testing.assert_allclose(machine.array(view), right, rtol=atol, atol=atol)


@every_case
def test_loops_compute_as_numpy(case):
    check(case, np.float64, 1e-12)


@pytest.mark.oracle
@every_case
def test_loops_compute_as_numpy_in_single_precision(case):
    check(case, np.float32, 2e-5)


def test_no_op_is_refused_for_nothing():
    refused = set()
    for case in CASES:
        if case.op.name in REFUSED:
            try:
                lower(record_step(step_of(case, np.float64)).program)
            except LoweringError:
                refused.add(case.op.name)
    assert refused == set(REFUSED)
