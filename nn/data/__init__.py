"""Data: mini-batches, splits and scales, sets to try things on, and files of real ones."""

from . import batching as _batching
from . import files as _files
from . import sets as _sets
from .batching import *
from .files import *
from .sets import *

__all__ = [*_batching.__all__, *_files.__all__, *_sets.__all__]
