"""Write docs/images/notebook.png: the notebook in a browser, two parts of it beside each other.

    python docs/notebook_picture.py

Needs the extra notebook, nbconvert, playwright, Pillow and Chromium.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import notebook
from nbconvert import HTMLExporter
from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

PICTURE = Path(__file__).parent / "images" / "notebook.png"
WIDTH, HEIGHT = 900, 1240  # of a column
COLUMNS = ("tg.check_backward", "graph.page")  # the cells that they begin with
GAP = 24
SCALE = 0.7


def column(page: Page, code: str) -> Image.Image:
    """Return the notebook from the cell with this code on."""
    cell: Locator = page.locator(".jp-CodeCell", has_text=code)
    box = cell.first.bounding_box()
    assert box is not None
    area = {"x": 0, "y": box["y"], "width": WIDTH, "height": HEIGHT}
    return Image.open(io.BytesIO(page.screenshot(full_page=True, clip=area)))


def main() -> None:
    text, _ = HTMLExporter().from_notebook_node(notebook.executed())
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.route("http*://**", lambda route: route.abort())  # a font, formulas: not needed
        page.set_content(text)
        page.wait_for_timeout(1000)
        parts = [column(page, code) for code in COLUMNS]
        browser.close()
    picture = Image.new("RGB", (len(parts) * (WIDTH + GAP) - GAP, HEIGHT), "white")
    for k, part in enumerate(parts):
        picture.paste(part, (k * (WIDTH + GAP), 0))
    size = (round(picture.width * SCALE), round(picture.height * SCALE))
    small = picture.resize(size, Image.Resampling.LANCZOS)
    small.quantize(256, Image.Quantize.MAXCOVERAGE, dither=0).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
