"""Random training steps, compiled with any passes, against the steps themselves."""

import warnings

import numpy as np
import pytest
from pass_sets import EXACT
from random_programs import program, run

import tinygrad_np as tg
from tinygrad_np.compiler import proof

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

SETS = {"all": tg.PASSES, "exact": EXACT, "none": ()}
EACH = {name: (name,) for name in tg.PASSES}
WITHOUT = {f"without {name}": tuple(n for n in EXACT if n != name) for name in EXACT}


@pytest.fixture(autouse=True)
def _unproved(monkeypatch):
    """Programs as the passes leave them: no proof stands in for what is wrong with them."""
    monkeypatch.setattr(proof, "ENABLED", False)


def assert_as_eager(seed, sets):
    text = program(seed)
    try:
        want = run(text, seed)
    except (ValueError, IndexError, AssertionError):
        return False  # it runs on the first arguments only, or writes into what it has returned
    for name, passes in sets.items():
        reorders = bool(set(passes) & set(tg.REORDERING_PASSES))
        with warnings.catch_warnings():
            warnings.simplefilter("error", tg.CompileWarning)
            try:
                got = run(text, seed, passes, compiled=True)
            except tg.CompileError as error:  # a write into an argument is no part of a program
                if "that it did not make" not in str(error):
                    raise
                return False
        for call, (a, b) in enumerate(zip(want, got, strict=True)):
            where = f"call {call + 1} with passes {name} of\n{text}"
            assert len(a) == len(b), where
            for x, y in zip(a, b, strict=True):
                assert (x.shape, x.dtype) == (y.shape, y.dtype), where
                if reorders:
                    np.testing.assert_allclose(y, x, rtol=1e-6, atol=1e-8, err_msg=where)
                else:
                    np.testing.assert_array_equal(y, x, err_msg=where)
    return True


def test_random_programs():
    assert sum(assert_as_eager(seed, SETS) for seed in range(16)) > 12


def test_random_programs_with_each_pass_alone():
    seeds = range(100, 103)
    assert sum(assert_as_eager(seed, {**EACH, **WITHOUT}) for seed in seeds) > 1


@pytest.mark.nightly
@pytest.mark.parametrize("hundred", range(200))
def test_hundreds_of_random_programs(hundred):
    for seed in range(100 * hundred, 100 * (hundred + 1)):
        assert_as_eager(seed, SETS)
        if seed % 10 == 0:
            assert_as_eager(seed, {**EACH, **WITHOUT})
