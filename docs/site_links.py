"""Check the site: each link and anchor leads somewhere, and nothing is loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADING = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
FOREIGN_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")


class _Page(HTMLParser):
    """The anchors of a page, the links in it and what it loads, both with their lines."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attributes if value}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if LOADING.get(tag) in values:
            self.loads.append(values[LOADING[tag]])


def problems(folder: Path, sources: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each link that leads nowhere, and for what would be loaded.

    `sources` has the file that a page was made from, by the page's path. What follows the # in a
    link to another page, such as a live one, is no anchor.
    """
    pages = {
        path.relative_to(folder).as_posix(): _Page(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.html"))
    }
    for name, page in pages.items():
        where = sources.get(name, name)
        for link in dict.fromkeys(page.loads + page.links):
            parts = urlsplit(link)
            if parts.scheme == "data":
                continue
            if parts.scheme or parts.netloc:
                if link in page.loads:
                    yield f"{where} loads {link}, from elsewhere"
                continue
            target = (folder / name).parent / unquote(parts.path) if parts.path else folder / name
            if not target.is_file():
                yield f"{where} links to {link}, which is not there"
                continue
            anchor = unquote(parts.fragment)
            path = target.resolve().relative_to(folder.resolve()).as_posix()
            if anchor and path in sources and anchor not in pages[path].anchors:
                yield f"{where} links to {link}, and {sources[path]} has no such anchor"
    for path in sorted(folder.rglob("*.css")):
        for found in FOREIGN_STYLE.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(folder).as_posix()} loads {found}, from elsewhere"
