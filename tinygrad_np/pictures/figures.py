"""Values, gradients and amounts in few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .snapshot import GraphNode

NOT_COMPUTED = "gradient not computed"
NO_GRADIENT = "needs no gradient"


def statistics(value: Any) -> str:
    """Summarise an array: the number itself, or mean, spread, and what is special; "" for None.

    Zeros are counted where there are many of them, NaN and infinity always.
    """
    if value is None or isinstance(value, tuple):
        return ""
    array = np.asarray(value)
    if array.size == 0:
        return "empty"
    if array.size == 1:
        return _number(array.reshape(-1)[0])
    if array.dtype.kind not in "fc":
        return f"{array.min()} … {array.max()}"
    finite = np.isfinite(array)
    odd = []
    if not finite.all():
        odd = [
            f"{np.count_nonzero(is_so(array))} {word}"
            for is_so, word in ((np.isnan, "NaN"), (np.isinf, "inf"))
            if is_so(array).any()
        ]
        array = array[finite]
        if not array.size:
            return f"all {' and '.join(odd)}"
    wide = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [f"μ {_number(wide.mean())}", f"σ {_number(wide.std())}"]
    zeros = np.count_nonzero(array == 0) / array.size
    if zeros >= 0.1:
        parts.append(f"{zeros:.0%} zero")
    return "  ".join(parts + odd)


def gradient(node: GraphNode) -> str:
    """The norm of a gradient, or why there is none."""
    g = node.gradient
    if g is None:
        return NO_GRADIENT if node.kind == "data" else NOT_COMPUTED
    parts = [part for part in g if part is not None] if isinstance(g, tuple) else [g]
    wide = np.concatenate([np.abs(np.asarray(part, np.complex128)).ravel() for part in parts])
    bad = np.count_nonzero(~np.isfinite(wide))
    if bad:
        return f"|grad| has {bad} NaN or inf"
    if not wide.any():
        return "|grad| 0 (all zero)"
    return f"|grad| {_number(np.sqrt((wide**2).sum()))}"


def amount(count: float, unit: str) -> str:
    """`2.46 MFLOP`, `75 KiB`, `12.3 µs`."""
    if unit == "s":
        for scale, name in ((1.0, "s"), (1e-3, "ms")):
            if count >= scale:
                return f"{count / scale:.3g} {name}"
        return f"{count / 1e-6:.3g} µs"
    step, prefixes = (1024, ("", "Ki", "Mi", "Gi", "Ti")) if unit == "B" else (1000, _SI)
    size = float(count)
    for prefix in prefixes[:-1]:
        if size < step - 0.5:
            return f"{size:.3g} {prefix}{unit}" if size < 999.5 else f"{size:.0f} {prefix}{unit}"
        size /= step
    return f"{size:,.3g} {prefixes[-1]}{unit}"


_SI = ("", "k", "M", "G", "T")


def share(part: float, whole: float) -> str:
    """`34 %`, or `<1 %`."""
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.0f} %" if percent >= 1 else "<1 %"


def _number(value: Any) -> str:
    return f"{value}" if isinstance(value, (bool, np.bool_, np.integer)) else f"{value:.3g}"
