"""Data: mini-batches, splits and scales, sets to try things on, and files of real ones."""

from .batching import Batches, Standardizer, batches, split
from .files import read_cifar, read_csv, read_idx
from .sets import (
    blobs,
    breast_cancer,
    circles,
    diabetes,
    digits,
    iris,
    moons,
    sine,
    spiral,
    vertical,
    wine,
)

__all__ = [
    "Batches",
    "Standardizer",
    "batches",
    "blobs",
    "breast_cancer",
    "circles",
    "diabetes",
    "digits",
    "iris",
    "moons",
    "read_cifar",
    "read_csv",
    "read_idx",
    "sine",
    "spiral",
    "split",
    "vertical",
    "wine",
]
