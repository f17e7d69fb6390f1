"""A browser for the tests of pages: one, with one window, since a new one takes most of a test."""

import pytest
from browser_steps import CHROMIUM


@pytest.fixture(scope="package")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as p:
        running = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="package")
def window(browser):
    """A page of the browser, and what went wrong in it or was asked from the network."""
    page, wrong = browser.new_page(reduced_motion="reduce"), []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: r.url.startswith(("file:", "data:")) or wrong.append(r.url))
    return page, wrong


@pytest.fixture
def open_page(window):
    """Open an address in place of what was open; at the end, nothing may have gone wrong."""
    page, wrong = window
    wrong.clear()

    def opened(address, size=(1280, 860), color_scheme="light"):
        page.goto("about:blank")  # or a fragment alone would not open the page anew
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=color_scheme)
        page.goto(address)
        return page

    yield opened
    assert not wrong
