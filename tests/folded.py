"""Many small cases of a parametrised test, run as a few tests."""

import functools
import inspect
import itertools
import sys

import pytest

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup  # pytest brings it


def folded(test):
    """Run the cases of a parametrised test as one test for each op, or as one altogether.

    Every case runs, whatever happened to those before it, and the report has each failure under
    the name of its case. Stands above the `parametrize` marks; cases can't have marks of their own.
    """
    groups = {}
    for name, values in _cases(test.pytestmark):
        op = getattr(next(iter(values.values())), "op", None)
        groups.setdefault(op.name if op else "all", []).append((name, values))

    @functools.wraps(test)
    def run(cases, **fixtures):
        failures, skips = [], []
        for name, values in cases:
            try:
                test(**values, **fixtures)
            except pytest.skip.Exception as skip:
                skips.append(skip)
            except (Exception, pytest.fail.Exception) as failure:
                failures.append(BaseExceptionGroup(name, [failure]))
        if failures:
            raise BaseExceptionGroup(f"{len(failures)} of {len(cases)} cases", failures)
        if len(skips) == len(cases):
            raise skips[0]

    run.pytestmark = [mark for mark in test.pytestmark if mark.name != "parametrize"]
    fixtures = [
        parameter
        for name, parameter in inspect.signature(test).parameters.items()
        if name not in values
    ]
    cases = inspect.Parameter("cases", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    run.__signature__ = inspect.Signature([cases, *fixtures])
    return pytest.mark.parametrize("cases", groups.values(), ids=groups)(run)


def _cases(marks):
    """Name and arguments of each case of all `parametrize` marks, as pytest would number them."""
    axes = [list(_axis(*m.args, **m.kwargs)) for m in reversed(marks) if m.name == "parametrize"]
    for points in itertools.product(*axes):
        values = {name: value for _, point in points for name, value in point.items()}
        yield "-".join(name for name, _ in points), values


def _axis(names, rows, ids=None):
    """Name and arguments of each row of one `parametrize` mark."""
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")]
        single = len(names) == 1
    else:
        single = False
    rows = list(rows)
    for row, given in zip(rows, itertools.repeat(None) if ids is None or callable(ids) else ids):
        if hasattr(row, "marks"):  # pytest.param
            assert not row.marks, "a case of a folded test can't have marks"
            given, values = row.id, row.values
        else:
            values = (row,) if single else tuple(row)
        if given is None:
            texts = [ids(value) if callable(ids) else None for value in values]
            texts = [text or getattr(v, "__name__", repr(v)) for text, v in zip(texts, values)]
            given = "-".join(map(str, texts))
        yield str(given), dict(zip(names, values, strict=True))
