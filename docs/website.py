"""Build the documentation site into docs/out: a folder that works from a server and from the disk.

    python -m pip install -e ".[docs]"
    python docs/website.py            # --out FOLDER: somewhere else

It fails if a link or an anchor leads nowhere, a page of docs/ is in no group of mkdocs.yml, or
something would be loaded from elsewhere.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import site_links
from site_pages import DOCS, ROOT, Pages

try:
    import live_pages
    import yaml
    from latex2mathml.converter import convert
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[docs]"')

LIVE = re.compile(r'(?:href|src)="live/(\w+)\.html')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DOCS / "out", help="the folder (docs/out)")
    out = parser.parse_args().out
    config = yaml.safe_load((DOCS / "mkdocs.yml").read_text(encoding="utf-8"))
    try:
        pages = Pages(config["nav"])
    except FileNotFoundError as error:
        print(error)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        pages.write(work / config["docs_dir"])
        shutil.copytree(DOCS / "theme", work / config["docs_dir"] / "theme")
        config["nav"] = pages.navigation
        if not generate(config, work):
            return 1
        shutil.rmtree(out, ignore_errors=True)
        shutil.move(work / config["site_dir"], out)
    # Both know the address of the site, which this does not.
    for name in ("404.html", "sitemap.xml"):
        (out / name).unlink()
    live = set()
    for path in out.rglob("*.html"):
        text = formulas(path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
        live.update(LIVE.findall(text))
    (out / "live").mkdir()
    for name in sorted(live & set(live_pages.PAGES)):
        live_pages.write(name, out / "live")
    sources = {
        Path(place).with_suffix(".html").as_posix(): source.relative_to(ROOT).as_posix()
        for place, source in pages.sources.items()
        if place.endswith(".md")
    }
    problems = [*pages.problems, *site_links.problems(out, sources)]
    size = sum(path.stat().st_size for path in out.rglob("*")) / 1e6
    print(f"{out / 'index.html'}: {len(sources)} pages, {len(live)} live, {size:.1f} MB")
    print("\n".join(problems) or "no dead link, nothing loaded from elsewhere")
    return bool(problems)


def generate(config: dict[str, Any], work: Path) -> bool:
    """Run the generator on a folder, and tell whether it went well; show its words if not."""
    (work / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "-f", work / "mkdocs.yml"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout + done.stderr)
    return not done.returncode


def formulas(page: str) -> str:
    r"""Return a page with its formulas, `\(...\)` and `\[...\]`, in MathML: browsers draw that."""

    def drawn(formula: re.Match[str]) -> str:
        display = "block" if formula[1] == "div" else "inline"
        return convert(html.unescape(formula[2]).strip()[2:-2].strip(), display=display)

    pattern = r'<(span|div) class="arithmatex">(.*?)</\1>'
    return re.sub(pattern, drawn, page, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(main())
