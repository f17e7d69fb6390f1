"""The published numbers of the book, and how a run is compared with its printed lines."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

PATH = Path(__file__).parent.parent / "data" / "nnfs_book.json"
ENTRIES = {e["id"]: e for e in json.loads(PATH.read_text(encoding="utf-8"))["entries"]}
PROBES = [e for e in ENTRIES.values() if e["kind"] == "probe"]
LOGS = [e for e in ENTRIES.values() if e["kind"] == "log"]

# SHA-256 of `np.exp` over the grid below, where every printed line of the logs came out.
EXP_BITS = "be64bd2c044671cccf0e94c2e0e0d4412ba01799c368a78e04cc8644d24f026c"


def exp_bits() -> str:
    """Hash of float32 `np.exp` over a grid: its last bits depend on the processor's SIMD."""
    grid = np.linspace(-40, 40, 400_001).astype(np.float32)
    return hashlib.sha256(np.exp(grid).astype("<f4").tobytes()).hexdigest()


# The same for float64 matrix products in the shapes of the dropout runs. Rounding them to float32
# hides their last bits nearly always, but not in the 10^9 numbers of a long run on 1500 rows.
DOT_BITS = "40129fcb445e8a5d08faf04999a5fa24350e8a5e32c2c5cf4375aeade55552d9"
NEEDS_DOT_BITS = {"ch15-dropout-64-500", "ch15-book"}


def dot_bits() -> str:
    """Hash of float64 matrix products: their last bits depend on the BLAS kernels."""
    draw = np.random.RandomState(0).standard_normal
    x, w, g = draw((1500, 64)), draw((64, 3)), draw((1500, 3))
    products = x @ w, x.T @ g, g @ w.T
    return hashlib.sha256(b"".join(p.astype("<f8").tobytes() for p in products)).hexdigest()


def keys(entry: dict, line: dict) -> list[str]:
    """The printed numbers of a line that may be compared."""
    compared = entry.get("compare", ["acc", "loss", "data_loss", "reg_loss", "lr"])
    if line["epoch"] == "validation":
        compared = ["acc", "loss"]
    return [key for key in compared if key in line]


def same_digits(key: str, printed: float, value: float) -> bool:
    """Whether `value` prints as the book's line has it.

    Accuracy and losses are printed with three decimals; the learning rate with as many
    significant digits as the line shows.
    """
    if key != "lr":
        return f"{value:.3f}" == f"{printed:.3f}"
    digits = len(repr(printed).replace(".", "").lstrip("0"))
    return float(f"{value:.{digits}g}") == printed


def different(entry: dict, line: dict, got: dict) -> list[str]:
    """The numbers of a printed line that a run did not reproduce, as text; empty if all."""
    return [
        f"epoch {line['epoch']}: {key} {got[key]!r}, printed {line[key]}"
        for key in keys(entry, line)
        if not same_digits(key, line[key], got[key])
    ]


def printed_lines(entry: dict, last_epoch: int | None = None) -> list[dict]:
    """The printed lines through an epoch; None: all, the validation line too."""
    lines = entry["log"]
    if last_epoch is None:
        return lines
    return [line for line in lines if line["epoch"] != "validation" and line["epoch"] <= last_epoch]
