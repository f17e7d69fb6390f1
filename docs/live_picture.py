"""Write docs/images/live.gif and live.png: the spiral's page in a browser, alive.

    python examples/spiral.py && python docs/live_picture.py out/spiral.html

Needs playwright, Pillow and Chromium.
"""

from __future__ import annotations

import argparse
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
WIDTH, HEIGHT = 1240, 800
SHORT, LONG, LAST = 80, 1600, 2400  # ms that a frame is shown

# The hidden unit whose second weight the loss depends on most.
STEEPEST = """() => {
    const gradient = livePage.names.find(n => n.name === "∂L/∂W1");
    const row = [...livePage.program.read(gradient.view)].slice(64).map(Math.abs);
    return row.indexOf(Math.max(...row));
}"""
POINTER = """() => {
    const hand = document.createElement("div");
    hand.id = "hand";
    Object.assign(hand.style, {
        position: "fixed", zIndex: 9, width: "18px", height: "18px", borderRadius: "9px",
        background: "#d81b7888", border: "2px solid #d81b78", pointerEvents: "none",
        translate: "-50% -50%",
    });
    document.body.append(hand);
    addEventListener("pointermove", e => {
        hand.style.left = `${e.clientX}px`;
        hand.style.top = `${e.clientY}px`;
    });
}"""


def scenes(page: Page) -> Iterator[int]:
    """Do what is shown, and yield for each frame how long it stands."""
    page.evaluate("livePage.select(null)")
    yield 800
    for _ in range(30):
        page.evaluate("livePage.train(10)")
        yield SHORT
    yield 800
    place = (page.evaluate(STEEPEST) + 0.5) / 64  # of 64 hidden units
    for name, x, y in (("b1", 0.36, 0.5), ("b1", place, 0.5), ("∂L/∂W1", place, 0.75)):
        at(page, f"#tables figure:has(b:text-is('{name}')) canvas", x, y)
        yield LONG
    yield LAST
    at(page, "#tables figure:has(b:text-is('W1')) canvas", place, 0.75)
    page.mouse.down()
    page.mouse.up()
    yield 600
    base = page.evaluate("livePage.state.base")
    for k in [*range(1, 13), *range(11, -1, -1)]:
        page.evaluate("x => livePage.turnTo(x)", base + k / 6)
        yield SHORT
    page.mouse.move(WIDTH - 8, HEIGHT - 8)
    film = page.locator("#film")
    for k in range(int(film.get_attribute("max") or 0) + 1):
        film.evaluate("(e, k) => { e.value = k; e.dispatchEvent(new Event('input')); }", k)
        yield SHORT
    yield LAST


def at(page: Page, selector: str, x: float, y: float) -> None:
    """Point at a place in an element, in shares of its width and height."""
    element = page.locator(selector)
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("page", type=Path, help="what examples/spiral.py wrote: out/spiral.html")
    path = parser.parse_args().page.resolve()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    frames, durations = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(path.as_uri())
        page.evaluate(POINTER)
        for duration in scenes(page):
            picture = Image.open(io.BytesIO(page.screenshot()))
            frames.append(picture.convert("RGB"))
            durations.append(duration)
            if duration == LAST and len(frames) < 40:
                frames[-1].quantize(128).save(IMAGES / "live.png", optimize=True)
        browser.close()
    frames = [
        frame.resize((WIDTH * 3 // 4, HEIGHT * 3 // 4), Image.Resampling.LANCZOS)
        for frame in frames
    ]
    size = frames[0].size
    samples = Image.new("RGB", (size[0], 4 * size[1]))
    for k in range(4):
        samples.paste(frames[(k + 1) * len(frames) // 5], (0, k * size[1]))
    palette = samples.quantize(96)
    still = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in frames]
    gif = IMAGES / "live.gif"
    still[0].save(gif, save_all=True, append_images=still[1:], duration=durations, loop=0)
    print(f"{gif}: {len(frames)} frames, {gif.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
