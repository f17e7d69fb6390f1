"""Pages of the site: the Markdown of the project, with links that hold in the site."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent

HOME = {ROOT / "README.md": DOCS / "index.md"}  # the site has one page for both
LINK = re.compile(r"""(\]\(|\b(?:href|src)=")([^\s)"#]+)""")
# What a page has on one of both: GitHub shows no frame, and no comment.
ON_THE_SITE = re.compile(r"<!-- on the site\n(.*?)-->\n", re.DOTALL)
ON_GITHUB = re.compile(r"<!-- on GitHub -->.*?<!-- /on GitHub -->\n", re.DOTALL)
NEXT = re.compile(r"^What to see next: .*\]\(", re.MULTILINE)
LISTING = """\
---
search: {{exclude: true}}
hide: [toc]
---

# {name}

````py
{code}````
"""


class Pages:
    """The pages that the navigation names, and the files that these link to.

    Attributes:
        problems: what is wrong with the navigation or with a page, a sentence each.
        navigation: that of mkdocs.yml, with paths in the site.
        sources: the file of the project that each page comes from, by its path in the site.

    Raises:
        FileNotFoundError: the navigation names a page that is not there.
    """

    def __init__(self, navigation: list[Any]) -> None:
        self.problems: list[str] = []
        self.sources: dict[str, Path] = {}
        self._waiting: list[Path] = []
        self.navigation = [self._entry(item) for item in navigation]
        for path in sorted(DOCS.glob("*.md")):
            if path not in self.sources.values():
                self.problems.append(f"docs/{path.name} is in no group of docs/mkdocs.yml")

    def _entry(self, item: Any) -> Any:
        """Return a part of the navigation with paths in the site."""
        if isinstance(item, dict):
            return {title: self._entry(value) for title, value in item.items()}
        if isinstance(item, list):
            return [self._entry(value) for value in item]
        source = Path(os.path.normpath(DOCS / item))
        if not source.is_file():
            raise FileNotFoundError(f"docs/mkdocs.yml names {item}, which is not there")
        return self._place(source)

    def _place(self, source: Path) -> str:
        """Return the path in the site of a file; the file will be written there."""
        source = HOME.get(source, source)
        base = DOCS if source.is_relative_to(DOCS) else ROOT
        parts = [part.lstrip(".").lower() for part in source.relative_to(base).parts]
        place = Path(*parts)
        if source.suffix == ".py":
            place = place.with_suffix(".md")
        if place.as_posix() not in self.sources:
            self.sources[place.as_posix()] = source
            self._waiting.append(source)
        return place.as_posix()

    def write(self, folder: Path) -> None:
        """Write the pages and all that they link to in the project."""
        while self._waiting:
            source = self._waiting.pop()
            target = folder / self._place(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.suffix == ".md":
                text = source.read_text(encoding="utf-8")
                if source.parent == DOCS and not NEXT.search(text):
                    self.problems.append(f"docs/{source.name} has no line “What to see next: …”")
                target.write_text(self._page(source, text), encoding="utf-8")
            elif source.suffix == ".py":
                code = source.read_text(encoding="utf-8")
                name = source.relative_to(ROOT).as_posix()
                target.write_text(LISTING.format(name=name, code=code), encoding="utf-8")
            elif source.is_file():
                shutil.copy(source, target)

    def _page(self, source: Path, text: str) -> str:
        """Return the Markdown of a page as the site's generator wants it."""
        here = Path(self._place(source)).parent

        def moved(link: re.Match[str]) -> str:
            target = Path(os.path.normpath(source.parent / link[2]))
            if not (target.is_file() and target.is_relative_to(ROOT)):
                return link[0]
            return link[1] + Path(os.path.relpath(self._place(target), here)).as_posix()

        text = ON_GITHUB.sub("", ON_THE_SITE.sub(r"\1", text))
        # Examples with prompts: the theme can tell prompts, code and output apart.
        text = re.sub(r"^```python\n(?=>>> )", "```pycon\n", text, flags=re.MULTILINE)
        text = re.sub(r"^<BLANKLINE>$", "", text, flags=re.MULTILINE)
        return "\n".join(_cells(line) for line in LINK.sub(moved, text).split("\n"))


def _cells(line: str) -> str:
    r"""Return a line of a table with its pipes in code bare: `\|` is GitHub's way to write them."""
    if not line.startswith("|"):
        return line
    return re.sub(r"`[^`]*`", lambda code: code[0].replace(r"\|", "|"), line)
