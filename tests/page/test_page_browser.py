"""The step-through page in a browser: its controls, and the numbers that it shows."""

import numpy as np
import pytest
from browser_steps import CHROMIUM, until
from page_cases import adam_by_hand, classifier, small, small_by_hand, updated

import tinygrad_np as tg

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]

# Steps of `small`, counted from 1: matmul, tanh, matmul, power, mean, multiply, sum, add; the
# seed; and back through add, sum, multiply, mean, power, matmul, tanh, matmul.
STEPS, SEED, SQUARE, Y, TANH = 17, 9, 12, 15, 16


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {
        "small": small().html(folder / "small.html", title="A small net").as_uri(),
        "classifier": classifier().html(folder / "classifier.html").as_uri(),
        "updated": updated().html(folder / "updated.html").as_uri(),
        "wide": of_shape(3, 9).html(folder / "wide.html").as_uri(),
        "images": of_shape(2, 3, 4, 5).html(folder / "images.html").as_uri(),
        "long": of_shape(1500).html(folder / "long.html").as_uri(),
        "several lines": several_lines().html(folder / "lines.html").as_uri(),
    }


def several_lines():
    """A run of an op whose rule is a formula of several lines."""
    x = tg.Tensor([[0.5, -1.0], [2.0, 0.3]], requires_grad=True, name="x")
    with tg.record() as run:
        h = tg.logsumexp(x, 1)
        loss = h.sum()
        loss.backward()
    return tg.graph(loss, record=run)


def of_shape(*shape):
    w = tg.Tensor(np.linspace(-1, 1, np.prod(shape)).reshape(shape) * 1e-3, requires_grad=True)
    with tg.record() as run:
        loss = (w * 2).sum()
        loss.backward()
    return tg.graph(loss, record=run)


@pytest.fixture
def visit(open_page, files):
    def opened(name="small", fragment="", **options):
        return open_page(files[name] + fragment, **options)

    return opened


def step(page):
    return int(page.evaluate("location.hash").removeprefix("#step="))


def title(page):
    return page.locator("#details h2").inner_text()


def numbers(page, caption, which=0):
    """The numbers of the matrix with this caption."""
    figures = page.locator("#details figure").filter(has=page.locator("figcaption b"))
    found = [f for f in figures.all() if f.locator("figcaption b").inner_text() == caption]
    rows = found[which].locator("tbody tr").all()
    cells = [[c.inner_text() for c in row.locator("td").all()] for row in rows]
    return np.array([[float(text.replace("−", "-")) for text in row] for row in cells])


def test_forward_and_back_by_button_and_by_key(visit):
    page = visit()
    assert (step(page), title(page)) == (1, "matmul")
    page.click("#next")
    assert (step(page), title(page)) == (2, "h = tanh")
    page.keyboard.press("ArrowRight")
    assert (step(page), title(page)) == (3, "y = matmul")
    page.click("#back")
    page.keyboard.press("ArrowLeft")
    assert step(page) == 1
    assert page.locator("#back").is_disabled()
    page.keyboard.press("ArrowLeft")
    assert step(page) == 1
    page.keyboard.press("End")
    assert step(page) == STEPS
    assert page.locator("#next").is_disabled()
    page.keyboard.press("Home")
    assert step(page) == 1
    page.click("#last")
    assert step(page) == STEPS
    page.click("#first")
    assert step(page) == 1
    page.keyboard.press("b")
    assert step(page) == SEED
    assert "∂L/∂loss = 1" in page.locator("#details").inner_text()


def test_a_formula_of_several_lines(visit):
    page = visit("several lines", fragment="#step=5")
    assert page.locator(".formula").inner_text().split("\n") == [
        "out = expand_dims(h, (1,))",
        "out₂ = where(out = −inf, 0, out)",
        "∂L/∂x = expand_dims(∂L/∂h, (1,)) · exp(x − out₂)",
    ]


def test_the_slider_and_the_deep_link(visit):
    page = visit(fragment=f"#step={TANH}")
    assert title(page) == "h = tanh"
    assert page.locator("#slider").input_value() == str(TANH)
    page.locator("#slider").fill("3")
    assert (step(page), title(page)) == (3, "y = matmul")
    page.evaluate(f"location.hash = 'step={SEED}'")
    playwright.expect(page.locator(".phase")).to_have_text("backward")
    for far in ("#step=0", "#step=999", "#step=x", "#other"):
        assert 1 <= step(visit(fragment=far)) <= STEPS


def test_the_numbers_are_those_of_numpy(visit):
    page, by_hand = visit(fragment="#step=2"), small_by_hand()
    close = {"rtol": 1e-3}  # four digits are shown
    np.testing.assert_allclose(numbers(page, "h"), by_hand["h"], **close)
    page.click("#next")
    np.testing.assert_allclose(numbers(page, "y"), by_hand["y"], **close)
    page = visit(fragment=f"#step={SQUARE}")
    np.testing.assert_allclose(numbers(page, "to h"), by_hand["from square"], **close)
    np.testing.assert_allclose(numbers(page, "running sum"), by_hand["after square"], **close)
    page = visit(fragment=f"#step={Y}")
    np.testing.assert_allclose(numbers(page, "so far"), by_hand["after square"], **close)
    np.testing.assert_allclose(numbers(page, "to h"), by_hand["from y"], **close)
    np.testing.assert_allclose(numbers(page, "∂L/∂h"), by_hand["dh"], **close)
    np.testing.assert_allclose(numbers(page, "∂L/∂W2"), by_hand["dW2"], **close)
    text = page.locator("#details").inner_text()
    for shown in ("∂L/∂h += ∂L/∂y @ W2ᵀ", "g @ W2.T", "h was used 3 times", "contribution 3 of 3"):
        assert shown in text
    page = visit(fragment=f"#step={STEPS}")
    np.testing.assert_allclose(numbers(page, "∂L/∂W1"), by_hand["dW1"], **close)


def test_an_update_is_shown_after_backward(visit):
    page, by_hand = visit("updated"), adam_by_hand()
    assert page.locator("#turn").inner_text() == "To backward"
    page.click("#turn")
    assert page.locator("#turn").inner_text() == "To update"
    page.keyboard.press("u")
    assert (title(page), page.locator(".phase").inner_text()) == ("w", "update")
    assert "update" in page.locator("#position").inner_text()
    text = page.locator("#details").inner_text()
    assert "optimizer.step()" in text
    assert "w -= lr * m_hat / (np.sqrt(v_hat) + eps)" in text
    shown = {"w before": "before", "∂L/∂w": "gradient", "w": "after"}
    for caption, name in (shown | {name: name for name in ("change", "m", "v")}).items():
        np.testing.assert_allclose(numbers(page, caption), by_hand["w"][name], rtol=1e-3)
    assert page.locator(".n.moved").count() == 1
    page.click("#next")
    assert title(page) == "b"
    assert page.locator(".n.moved").count() == 2
    page.locator(".n[aria-label^='w 2×1']").click()
    assert title(page) == "w"
    assert page.locator("#said").text_content().endswith("update of w by Adam(lr=0.1)")
    page.click("#turn")
    assert step(page) == 1
    page.locator(".n[aria-label^='w 2×1']").click()
    assert "It is updated at step" in page.locator("#details").inner_text()


def test_the_graph_shows_where_we_are(visit):
    page = visit(fragment=f"#step={SQUARE}")
    current = page.locator(".n[aria-current=step]")
    assert "multiply" in current.get_attribute("aria-label")
    assert page.locator(".e.flow").count() == 2
    h = page.locator(".n", has_text="h = tanh")
    assert h.locator(".badge").text_content() == "2/3"
    page = visit(fragment="#step=1")
    assert page.locator(".n.todo").count() == 7
    assert page.locator(".e.on").count() == 2


def test_a_click_on_a_node_goes_to_its_step(visit):
    page = visit()
    page.locator(".n", has_text="h = tanh").click()
    assert step(page) == 2
    page.keyboard.press("b")
    page.locator(".n", has_text="h = tanh").click()
    assert step(page) == TANH
    page.locator(".n", has_text="W1").press("Enter")
    assert (title(page), step(page)) == ("W1", TANH)
    assert f"comes at step {STEPS}" in page.locator("#details").inner_text()
    page.keyboard.press("Escape")
    assert title(page) == "h = tanh"


def test_play_runs_to_the_end_and_stops(visit):
    page = visit(fragment=f"#step={STEPS - 2}")
    page.select_option("#speed", "4")
    page.click("#play")
    assert "Pause" in page.locator("#play").inner_text()
    playwright.expect(page.locator("#play")).to_contain_text("Play")
    assert step(page) == STEPS
    page.keyboard.press("Home")
    page.locator("#details").focus()
    page.keyboard.press(" ")
    assert "Pause" in page.locator("#play").inner_text()
    page.keyboard.press(" ")
    assert "Play" in page.locator("#play").inner_text()


def test_capital_letters_are_the_same_keys(visit):
    page = visit()
    page.keyboard.press("Shift+B")
    assert step(page) == SEED
    page.keyboard.press("F")
    assert step(page) == 1


def test_a_wide_table_scrolls_by_the_arrows(visit):
    page = visit("wide")
    table = page.locator("#details .scroll").first
    table.focus()
    page.keyboard.press("ArrowRight")
    assert step(page) == 1
    until(page, "document.querySelector('#details .scroll').scrollLeft > 0")


@pytest.mark.parametrize("size", [(1280, 860), (400, 800), (640, 430)])
def test_long_arrays_stay_inside_of_the_panel(visit, size):
    page = visit("long", size=size)
    fits = "e => e.scrollWidth <= e.clientWidth + 1"
    assert page.locator("#details").evaluate(fits)
    assert page.locator("#details canvas").count() == 2
    page.locator("#details canvas").first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.locator("#details .read").first.inner_text().startswith("[2] = ")
    assert page.locator("#details").bounding_box()["height"] > 150


def test_images_are_tiles_whose_cells_can_be_read(visit):
    page = visit("images")
    canvas = page.locator("canvas").first
    size = canvas.evaluate("c => [c.width, c.height]")
    assert size == [3 * 6 - 1, 2 * 5 - 1]  # three channels beside each other, two images below
    box = canvas.bounding_box()
    x, y = 2 * 6 + 4, 5 + 3  # column 4, row 3 of the last tile
    page.mouse.move(
        box["x"] + (x + 0.5) * box["width"] / size[0],
        box["y"] + (y + 0.5) * box["height"] / size[1],
    )
    values = np.linspace(-1, 1, 120).reshape(2, 3, 4, 5) * 1e-3
    expected = f"[1, 2, 3, 4] = {values[1, 2, 3, 4]:.4g}"
    assert page.locator(".heat .read").first.inner_text() == expected


def test_it_is_said_to_those_who_do_not_see_it(visit):
    page = visit()
    page.click("#next")
    said = page.locator("#said")
    assert said.get_attribute("aria-live") == "polite"
    assert said.text_content() == f"step 2 of {STEPS}, forward: h = tanh(matmul)"
    assert "tanh" in page.locator("#slider").get_attribute("aria-valuetext")
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input, select, [role=button]')].filter("
        "e => !(e.getAttribute('aria-label') || e.textContent.trim())).length"
    )
    assert unnamed == 0
    assert page.locator("table.m th[scope=col]").count() > 0


def test_a_large_array_is_a_picture_that_can_be_read(visit):
    page = visit("classifier", fragment="#step=3")
    assert page.locator("#details canvas").count() == 2
    text = page.locator("#details").inner_text()
    assert "every 13th of 300 rows, all 64 columns" in text.replace("\u00a0", " ")
    page.locator("#details canvas").first.hover(position={"x": 1, "y": 1})
    assert page.locator("#details .read").first.inner_text().startswith("[0, 0] = ")


def test_a_large_array_can_be_read_by_key(visit):
    page = visit("classifier", fragment="#step=3")
    canvas, read = page.locator("#details canvas").first, page.locator("#details .read").first
    canvas.focus()
    for keys, cell in (
        (["ArrowRight"], "[0, 0]"),
        (["ArrowRight", "ArrowDown"], "[13, 1]"),
        (["ArrowLeft", "ArrowLeft", "ArrowDown"], "[26, 0]"),
        (["ArrowUp"] * 5, "[0, 0]"),
        (["ArrowDown"] * 30, "[299, 0]"),
    ):
        for key in keys:
            page.keyboard.press(key)
        assert read.inner_text().startswith(f"{cell} = "), (keys, read.inner_text())
    assert step(page) == 3
    mark = page.locator("#details .mark").first.bounding_box()
    box = canvas.bounding_box()
    assert box["y"] <= mark["y"]
    assert mark["y"] + mark["height"] <= box["y"] + box["height"] + 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 860), (480, 900)])
@pytest.mark.parametrize("name", ["small", "classifier"])
def test_two_sizes_light_and_dark(visit, name, size, scheme, tmp_path):
    page = visit(name, fragment="#step=10", size=size, color_scheme=scheme)
    shot = page.screenshot(path=tmp_path / "page.png")
    assert shot.startswith(b"\x89PNG")
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    assert dark == (scheme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for area in ("#graph", "#details", "#controls"):
        box = page.locator(area).bounding_box()
        assert box["height"] > 40
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0] + 1
    now = page.locator(".n.now").bounding_box()
    graph = page.locator("#graph").bounding_box()
    assert graph["y"] <= now["y"]
    assert now["y"] + now["height"] <= graph["y"] + graph["height"]
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") != scheme


def test_in_a_frame_it_is_light_or_dark_as_the_page_around_it_says(files, open_page, tmp_path):
    around = tmp_path / "around.html"
    around.write_text(f'<iframe src="{files["small"]}#step=4"></iframe>', encoding="utf-8")
    page = open_page(around.as_uri(), color_scheme="light")
    frame = page.frames[1]
    frame.wait_for_selector(".n.now")
    for said, theme in [("dark", "dark"), ("pink", "dark"), ("light", "light")]:
        page.evaluate("theme => frames[0].postMessage({theme}, '*')", said)
        frame.wait_for_function("new Promise(done => setTimeout(() => done(true)))")
        assert frame.evaluate("document.documentElement.dataset.theme") == theme
    assert step(frame) == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_every_colour(visit, scheme):
    """Contrast of at least 4.5 to 1 between the numbers and the cells behind them."""
    page = visit(fragment=f"#step={Y}", color_scheme=scheme)
    pairs = page.evaluate(
        "[...document.querySelectorAll('table.m td')].map(td => [getComputedStyle(td).color,"
        " getComputedStyle(td).backgroundColor])"
    )

    def luminance(text):
        rgb = np.array([float(v) for v in text[text.index("(") + 1 : -1].split(",")[:3]]) / 255
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    assert len(pairs) > 20
    for pair in pairs:
        low, high = sorted(map(luminance, pair))
        assert (high + 0.05) / (low + 0.05) >= 4.5, pair
