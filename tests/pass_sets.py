"""Sets of the compiler's passes that compiled functions are tested with."""

import pytest

import tinygrad_np as tg

EXACT = tuple(name for name in tg.PASSES if name not in tg.REORDERING_PASSES)

# Those of every day in each run; the others, which give the same bits as uncompiled, in long ones.
every_pass_set = pytest.mark.parametrize(
    "passes",
    [
        tg.PASSES,
        pytest.param(EXACT, marks=pytest.mark.oracle),
        pytest.param((), marks=pytest.mark.oracle),
    ],
    ids=["all", "exact", "none"],
)
