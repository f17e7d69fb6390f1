"""The book's printed training logs, line by line, on its own numerics.

The fast tests run to epoch 300; `pytest -m slow` runs every log to its end.
"""

from __future__ import annotations

import book_data
import book_runs
import pytest

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(
        book_data.exp_bits() != book_data.EXP_BITS,
        reason="float32 np.exp has other last bits on this processor than where the logs were "
        "printed, and training amplifies them within 100 epochs",
    ),
]

SAME_PRODUCTS = book_data.dot_bits() == book_data.DOT_BITS
other_products = pytest.mark.skip(
    reason="this BLAS gives matrix products other last bits than where these lines came out; in "
    "a long run on so many rows some survive the rounding to float32",
)

FAST = 300
STARTING = [e for e in book_data.LOGS if book_data.printed_lines(e, FAST)]


def reproduced(entry: dict) -> bool:
    """Whether independent NumPy runs on these numerics have every printed line."""
    return entry["robust"]["exact_lines_nnfs_numerics"] == entry["robust"]["lines"]


EXACT = [e for e in book_data.LOGS if reproduced(e)]
ENDINGS = [e for e in book_data.LOGS if not reproduced(e)]


def parametrized(entries: list[dict], last_epoch: int | None):
    """Parametrize by the job (entry id, last epoch)."""
    cases = []
    for name in (entry["id"] for entry in entries):
        needs = last_epoch is None and name in book_data.NEEDS_DOT_BITS
        marks = [other_products] if needs and not SAME_PRODUCTS else []
        cases.append(pytest.param((name, last_epoch), id=name, marks=marks))
    return pytest.mark.parametrize("job", cases)


@pytest.fixture(scope="module")
def runs(request):
    """The runs that the selected tests of this module will ask for, several at once."""
    jobs = {
        item.callspec.params["job"]
        for item in request.session.items
        if item.module is request.module and not item.get_closest_marker("skip")
    }
    pool = book_runs.new_pool()
    yield book_runs.start(pool, list(jobs))
    pool.shutdown(cancel_futures=True)


def lines_of(runs, job) -> tuple[dict, list[tuple[dict, dict]]]:
    """The entry, and its printed lines with what this framework prints there."""
    entry = book_data.ENTRIES[job[0]]
    printed = book_data.printed_lines(entry, job[1])
    return entry, list(zip(printed, runs[job].result()["lines"], strict=True))


@parametrized(STARTING, FAST)
def test_first_lines(runs, job):
    entry, pairs = lines_of(runs, job)
    first_different = entry["robust"]["first_different_epoch_nnfs_numerics"]
    for line, got in pairs:
        if first_different is None or line["epoch"] < first_different:
            assert book_data.different(entry, line, got) == []


@pytest.mark.slow
@parametrized(EXACT, None)
def test_every_line(runs, job):
    entry, pairs = lines_of(runs, job)
    assert len(pairs) == entry["robust"]["lines"]
    assert [book_data.different(entry, line, got) for line, got in pairs] == [[]] * len(pairs)


@pytest.mark.slow
@parametrized(ENDINGS, None)
def test_endings_that_nobody_reproduces(runs, job):
    """The book's own last lines, from a machine with other bits: where training ends, not how."""
    entry, pairs = lines_of(runs, job)
    robust = entry["robust"]
    equal = sum(not book_data.different(entry, line, got) for line, got in pairs)
    assert equal >= robust["exact_lines_nnfs_numerics"]
    rounding = 0.0005
    for line, got in pairs:
        if line["epoch"] == 10000:
            assert abs(got["acc"] - line["acc"]) <= 0.02 + rounding
        if line["epoch"] == "validation":
            low, high = robust["validation_acc_seen"]
            assert low - rounding <= got["acc"] <= high + rounding
