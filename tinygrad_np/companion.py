"""`tinygrad_np.nn`: the package `nn` that is installed with this one, and no other."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["find_nn"]


def find_nn() -> ModuleType:
    """Import `nn`, after a look (without running it) whether it is ours.

    Raises:
        ImportError: another distribution's `nn` stands where ours should, or none does.
    """
    spec = importlib.util.find_spec("nn")
    found = Path(spec.origin) if spec is not None and spec.origin else None
    if found is None or "tinygrad_np" not in found.read_text(encoding="utf-8"):
        what = f"found another package called nn at {found}" if found else "there is no package nn"
        raise ImportError(
            f"tinygrad_np.nn: {what}. Reinstall tinygrad-np into a fresh virtual environment, "
            "without the unrelated distribution 'nn'."
        )
    return importlib.import_module("nn")
