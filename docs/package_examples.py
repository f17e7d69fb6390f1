"""The programs of the gallery, in the wheel: `python -m tinygrad_np.demo` runs them.

`force-include` in pyproject.toml would put copies beside an editable install too, which runs those
of the checkout.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PackageExamples(BuildHookInterface):
    """The build's hook for `examples/`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":  # not "editable"
            build_data["force_include"]["examples"] = "tinygrad_np/demo/examples"
