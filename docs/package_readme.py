"""The readme of the package: README.md with absolute links.

A package index shows the readme without the repository around it, so relative links and pictures
lead nowhere there. The build calls this hook. The address is `Repository` in pyproject.toml.
"""

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)\[([^]]*)\]\((?!\w+://|#)([^)]+)\)")


def absolute(text: str, repository: str, tag: str) -> str:
    """Replace the relative links and pictures of a Markdown text."""

    def replace(link: re.Match) -> str:
        picture, label, path = link.groups()
        view = "raw" if picture else "blob"
        return f"{picture}[{label}]({repository}/{view}/{tag}/{path})"

    return LINK.sub(replace, text)


class PackageReadme(MetadataHookInterface):
    """The build's hook for the field `readme`."""

    def update(self, metadata: dict) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository, tag = metadata["urls"]["Repository"], f"v{metadata['version']}"
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": absolute(text, repository, tag),
        }
