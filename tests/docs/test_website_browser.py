"""The documentation site in a browser: from the disk and from a server, desktop and phone."""

import contextlib
import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser_steps import CHROMIUM, until

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]

DESKTOP, PHONE = (1400, 900), (390, 844)


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def addresses(site):
    """The addresses of the site on the disk and on a server."""
    handler = functools.partial(Silent, directory=site)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"disk": f"{site.as_uri()}/", "server": f"http://127.0.0.1:{server.server_port}/"}
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as p:
        running = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@contextlib.contextmanager
def page_of(browser, address, size, scheme="light"):
    """A page on which nothing may go wrong, nor be asked from elsewhere."""
    wrong = []
    viewport = {"width": size[0], "height": size[1]}
    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("console", lambda m: m.type in ("log", "info") or wrong.append(f"{page.url}: {m.text}"))
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    allowed = (address, "data:", "blob:", "about:")
    page.on("request", lambda r: r.url.startswith(allowed) or wrong.append(r.url))
    page.on("response", lambda r: r.status < 400 or wrong.append(f"{r.url}: {r.status}"))
    yield page
    context.close()
    assert not wrong


@pytest.mark.parametrize(
    ("where", "size", "scheme"), [("disk", DESKTOP, "light"), ("server", PHONE, "dark")]
)
def test_pages_open_and_do_not_scroll_sideways(browser, site, addresses, where, size, scheme):
    """Every page on the phone, which has the least room; one of each folder from the disk."""
    listings = set(site.glob("examples/*.html"))  # are all alike
    pages = sorted({*site.rglob("*.html")} - listings)
    with page_of(browser, addresses[where], size, scheme) as page:
        for path in pages if size == PHONE else {path.parent: path for path in pages}.values():
            name = path.relative_to(site).as_posix()
            page.goto(addresses[where] + name)
            if not name.startswith("live/"):
                width = page.evaluate("document.documentElement.scrollWidth")
                assert width <= size[0], f"{name} scrolls sideways"


@pytest.mark.parametrize(("where", "size"), [("disk", DESKTOP), ("server", PHONE)])
def test_search_finds_a_section(browser, addresses, where, size):
    with page_of(browser, addresses[where], size) as page:
        page.goto(addresses[where] + "start.html")
        page.locator(".md-search__button:visible, label[for=__search]:visible").first.click()
        page.keyboard.type("learning rate decay", delay=10)
        page.locator("a:has(mark)").filter(has_text="learning rate").first.click()
        page.wait_for_function("!location.pathname.endsWith('start.html')")
        assert page.locator("h1, h2, h3").filter(has_text="rate").count()


def test_the_live_page_of_the_home_page(browser, addresses):
    with page_of(browser, addresses["disk"], DESKTOP) as page:
        page.goto(addresses["disk"] + "index.html")
        frame = page.frame_locator("iframe.live")
        button = frame.get_by_role("button", name="Train")
        button.wait_for()
        box = button.bounding_box()
        assert box["y"] + box["height"] <= DESKTOP[1], "not in the first screen"
        before = frame.locator("#live").inner_text()
        frame.get_by_role("button", name="One step").click()
        playwright.expect(frame.locator("#live")).not_to_have_text(before, use_inner_text=True)


def test_a_live_page_is_light_or_dark_as_the_site(browser, addresses):
    with page_of(browser, addresses["disk"], DESKTOP) as page:
        page.goto(addresses["disk"] + "index.html")
        root = page.frame_locator("iframe.live").locator("html")
        seen = set()
        for _ in range(3):  # as the system, light, dark
            page.locator("label[for^=__palette]:visible").click()
            scheme = page.evaluate("document.body.dataset.mdColorScheme")
            theme = "dark" if scheme == "slate" else "light"
            playwright.expect(root).to_have_attribute("data-theme", theme)
            seen.add(theme)
        assert seen == {"light", "dark"}


def test_code_is_copied_without_prompts_and_outputs(browser, addresses):
    with page_of(browser, addresses["server"], DESKTOP) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(addresses["server"] + "start.html")
        page.locator("[data-clipboard-target]").first.click()
        until(page, "navigator.clipboard.readText().then(text => text.length > 0)")
        text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("import numpy as np\nimport tinygrad_np as tg\nw = tg.Tensor(")
    assert ">>>" not in text
    assert "Tensor(14." not in text
