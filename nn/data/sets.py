"""Sets to try things on: made ones, and the real ones that scikit-learn ships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    Pair = tuple[np.ndarray, np.ndarray]

__all__ = [
    "blobs",
    "breast_cancer",
    "circles",
    "diabetes",
    "digits",
    "iris",
    "moons",
    "sine",
    "spiral",
    "vertical",
    "wine",
]


def _points(parts: list[np.ndarray]) -> Pair:
    """Return the points of all classes, one class behind the other, and their numbers."""
    x = np.concatenate(parts).astype(np.float32)
    y = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return x, y


def spiral(samples: int = 100, classes: int = 3, *, rng: Generator | None = None) -> Pair:
    """Arms of a spiral, the book's set: points (samples·classes, 2) and their classes.

    After CS231n (Stanford): class k winds from the angle 4k to 4(k + 1) on, with noise of 0.2.
    """
    rng = rng or tg.default_generator()
    radius = np.linspace(0, 1, samples)
    parts = []
    for k in range(classes):
        angle = np.linspace(4 * k, 4 * (k + 1), samples) + 0.2 * rng.standard_normal(samples)
        parts.append(np.stack([radius * np.sin(2.5 * angle), radius * np.cos(2.5 * angle)], 1))
    return _points(parts)


def vertical(samples: int = 100, classes: int = 3, *, rng: Generator | None = None) -> Pair:
    """Clouds beside each other, the book's set: points (samples·classes, 2) and their classes."""
    rng = rng or tg.default_generator()
    parts = []
    for k in range(classes):
        across = k / classes + 0.1 * rng.standard_normal(samples)
        parts.append(np.stack([across, 0.5 + 0.1 * rng.standard_normal(samples)], 1))
    return _points(parts)


def sine(samples: int = 1000) -> Pair:
    """One wave of a sine, the book's set: x and y, each (samples, 1)."""
    x = np.arange(samples).reshape(-1, 1) / samples
    return x.astype(np.float32), np.sin(2 * np.pi * x).astype(np.float32)


def moons(samples: int = 100, noise: float = 0.1, *, rng: Generator | None = None) -> Pair:
    """Two half circles that reach into each other: points (2·samples, 2) and their classes."""
    rng = rng or tg.default_generator()
    angle = np.linspace(0, np.pi, samples)
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1)
    return _points([part + noise * rng.standard_normal(part.shape) for part in (upper, lower)])


def circles(
    samples: int = 100, noise: float = 0.05, factor: float = 0.5, *, rng: Generator | None = None
) -> Pair:
    """A circle of radius `factor` in one of radius 1: points (2·samples, 2), their classes."""
    rng = rng or tg.default_generator()
    angle = np.linspace(0, 2 * np.pi, samples, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    parts = [circle, factor * circle]
    return _points([part + noise * rng.standard_normal(part.shape) for part in parts])


def blobs(
    samples: int = 100,
    classes: int = 3,
    features: int = 2,
    spread: float = 1.0,
    *,
    rng: Generator | None = None,
) -> Pair:
    """Normal clouds around centres in -10 … 10: points (samples·classes, features), classes."""
    rng = rng or tg.default_generator()
    centres = rng.uniform(-10, 10, (classes, features))
    return _points([c + spread * rng.standard_normal((samples, features)) for c in centres])


# --- real ones ------------------------------------------------------------------------------------


def _shipped(name: str) -> Pair:
    try:
        from sklearn import datasets  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise ImportError(
            f'the set {name} comes with scikit-learn: pip install "tinygrad-np[sklearn]"'
        ) from error
    load: Callable[..., Any] = getattr(datasets, f"load_{name}")
    x, y = load(return_X_y=True)
    targets = y if np.asarray(y).dtype.kind in "iu" else np.reshape(y, (-1, 1)).astype(np.float32)
    return x.astype(np.float32), targets


def digits() -> Pair:
    """Handwritten digits: (1797, 64) pixels of 8×8 from 0 to 16, and classes from 0 to 9."""
    return _shipped("digits")


def iris() -> Pair:
    """Fisher's irises: (150, 4) lengths in cm, and three classes."""
    return _shipped("iris")


def wine() -> Pair:
    """Wines: (178, 13) chemical measurements, and three classes."""
    return _shipped("wine")


def breast_cancer() -> Pair:
    """Tumours: (569, 30) measurements, and two classes: 0 malignant, 1 benign."""
    return _shipped("breast_cancer")


def diabetes() -> Pair:
    """Patients: (442, 10) standardised measurements, and the disease's progress (442, 1)."""
    return _shipped("diabetes")
