"""The comparison with printed lines can fail, and the file is whole."""

from __future__ import annotations

import book_data
import pytest


def test_the_file():
    assert len(book_data.PROBES) == 3
    assert len(book_data.LOGS) == 15
    assert sum(len(e["log"]) for e in book_data.LOGS) == 1143


@pytest.mark.parametrize(
    ("key", "printed", "value", "same"),
    [
        ("acc", 0.787, 0.78666667, True),
        ("acc", 0.787, 0.79, False),
        ("loss", 1.099, 1.0985999, True),
        ("loss", 1.099, 1.0984999, False),
        ("loss", 0.0, 0.0004, True),
        ("lr", 0.05, 0.05, True),
        ("lr", 0.000502538, 0.0005025378159706516, True),
        ("lr", 0.000502538, 0.0005025878159706516, False),
        ("lr", 0.04975126853296942, 0.04975126853296942, True),
        ("lr", 0.04975126853296942, 0.04975126853296943, False),
    ],
)
def test_same_digits(key, printed, value, same):
    assert book_data.same_digits(key, printed, value) is same


def test_different_names_what_differs():
    entry = {"compare": ["acc", "data_loss"]}
    line = {"epoch": 100, "acc": 0.5, "data_loss": 1.0, "loss": 2.0}
    assert book_data.different(entry, line, {**line, "loss": 3.0}) == []
    assert book_data.different(entry, line, {**line, "acc": 0.51}) == [
        "epoch 100: acc 0.51, printed 0.5"
    ]
    line = {"epoch": "validation", "acc": 0.8, "loss": 0.6}
    assert len(book_data.different(entry, line, {"acc": 0.8, "loss": 0.7})) == 1


def test_printed_lines_end_where_asked():
    entry = book_data.ENTRIES["ch15-dropout-64-500"]
    assert len(book_data.printed_lines(entry)) == 102
    assert [line["epoch"] for line in book_data.printed_lines(entry, 200)] == [0, 100, 200]
    assert book_data.printed_lines(book_data.ENTRIES["ch15-book"], 200) == []
