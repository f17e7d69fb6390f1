"""Groups, findings and ways to look at the step-through page, in a browser."""

import numpy as np
import pytest
from browser_steps import CHROMIUM
from page_cases import looped

import nn
import tinygrad_np as tg

pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]


class Attention(nn.Module):
    """A residual block with two heads."""

    def __init__(self):
        self.norm = nn.LayerNorm(4)
        self.q, self.k, self.v = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        y = self.norm(x)
        q, k, v = (tg.reshape(layer(y), (3, 2, 2)) for layer in (self.q, self.k, self.v))
        weights = tg.softmax(q.transpose((1, 0, 2)) @ k.transpose((1, 2, 0)))
        heads = weights @ v.transpose((1, 0, 2))
        return x + tg.reshape(heads.transpose((1, 0, 2)), (3, 4))


def attention():
    """Four blocks, a layer, and a penalty on one weight."""
    tg.manual_seed(0)
    model = nn.Sequential(*(Attention() for _ in range(4)), nn.Linear(4, 2))
    tokens = tg.Tensor(np.random.default_rng(0).normal(size=(3, 4)), name="tokens")
    with tg.record() as run:
        loss = (model(tokens) ** 2).mean() + (model[4].weight ** 2).sum()
        loss.backward()
    return tg.graph(loss, model, record=run)


def two_states():
    """A loop whose turns hand on two values."""
    w = tg.Tensor(np.linspace(-1, 1, 3), requires_grad=True, name="w")
    with tg.record() as run:
        h = c = tg.Tensor(np.ones(3), name="start")
        for _ in range(4):
            c = tg.tanh(c * w + h)
            h = tg.sigmoid(h * c)
        loss = (h * c).sum()
        loss.backward()
    return tg.graph(loss, record=run)


def told(folder):
    """A page with findings and notes."""
    tg.manual_seed(0)
    rng = np.random.default_rng(0)
    model = nn.Sequential({"hidden": nn.Linear(2, 8), "relu": nn.ReLU(), "out": nn.Linear(8, 3)})
    cube = tg.Tensor(np.ones((2, 3, 4), np.float32), name="cube")
    with tg.record() as run:
        p = tg.softmax(model(tg.Tensor(rng.normal(size=(30, 2)).astype(np.float32), name="X")))
        loss = nn.cross_entropy(p, tg.Tensor(rng.integers(0, 3, 30), name="y"))
        loss = loss + (cube * model[2].bias.sum()).sum() * 0.0
        loss.backward()
    graph = tg.graph(loss, model, record=run)
    unseen = tg.Finding("elsewhere", "something that is in no node", "train.py:3", "Look there.")
    findings = [*tg.lint(loss, model, record=run), unseen]
    notes = {p: "scores of three classes", "hidden": "eight units"}
    return graph.html(folder / "told.html", findings=findings, notes=notes)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {
        "loop": looped(12).html(folder / "loop.html").as_uri(),
        "attention": attention().html(folder / "attention.html").as_uri(),
        "two states": two_states().html(folder / "states.html").as_uri(),
        "told": told(folder).as_uri(),
    }


@pytest.fixture
def visit(open_page, files):
    def opened(name, fragment="", **options):
        return open_page(files[name] + fragment, **options)

    return opened


def fragment(page):
    return page.evaluate("location.hash")


def box_of(page, title):
    return page.locator(f"g.group[aria-label^='{title}']:not(.hidden)")


def title_of(page, title):
    return page.locator(f"g.title[aria-label^='{title}']")


# What is seen of the graph, in pixels: boxes, frames with their titles, and the points of lines.
DRAWING = """() => {
  const rectangle = e => {
    const r = e.getBoundingClientRect();
    return [r.left, r.top, r.right, r.bottom];
  };
  const seen = e => e.getClientRects().length > 0 && !e.closest(".hidden");
  const all = selector => [...document.querySelectorAll(`#graph ${selector}`)].filter(seen);
  const points = path => {
    const m = path.getScreenCTM(), step = path.getTotalLength() / 24;
    return Array.from({ length: 25 }, (_, i) => {
      const p = path.getPointAtLength(step * i);
      return [p.x * m.a + m.e, p.y * m.d + m.f];
    });
  };
  const tip = e => {
    const [left, , right, bottom] = rectangle(e);
    return [(left + right) / 2, bottom];
  };
  return {
    boxes: all(".n .box").map(rectangle),
    frames: all(".frame").map(rectangle),
    titles: all(".title rect").map(rectangle),
    lines: all(".e path").filter(p => p.getTotalLength()).map(points),
    tips: all(".e .tip").filter(p => p.points.length).map(tip),
  };
}"""


def overlap(a, b, slack=0.5):
    """Say whether two rectangles have a part in common."""
    across = min(a[2], b[2]) - max(a[0], b[0]) > slack
    return across and min(a[3], b[3]) - max(a[1], b[1]) > slack


def contains(outer, inner):
    return all(inner[:2] >= outer[:2] - 0.5) and all(inner[2:] <= outer[2:] + 0.5)


def check_drawing(page):
    """Look for what would be ugly or wrong: overlaps, lines through titles, arrows to nowhere."""
    found = {kind: np.array(items, dtype=float) for kind, items in page.evaluate(DRAWING).items()}
    boxes, frames = found["boxes"], found["frames"]
    for i, box in enumerate(boxes):
        assert not any(overlap(box, other) for other in boxes[:i])
        for frame in frames:
            assert contains(frame, box) or not overlap(frame, box)
    for i, frame in enumerate(frames):
        for other in frames[:i]:
            nested = contains(frame, other) or contains(other, frame)
            assert nested or not overlap(frame, other)
    for title in found["titles"]:
        assert not any(overlap(title, box) for box in boxes)
    for area in [*found["titles"], *boxes]:
        for line in found["lines"]:
            inside = (line > area[:2] + 3) & (line < area[2:] - 3)
            assert not inside.all(axis=1).any()
    for x, y in found["tips"]:
        on_top = (abs(boxes[:, 1] - y) < 1.5) & (boxes[:, 0] < x) & (x < boxes[:, 2])
        assert on_top.any()
    for line in found["lines"]:
        assert (np.diff(line[:, 1]) > -0.5).all()  # down, and down only
    return len(boxes)


@pytest.mark.parametrize("name", ["loop", "attention"])
def test_whatever_is_open_is_drawn_well(visit, name):
    page = visit(name)
    start = check_drawing(page)
    assert start < 20
    page.click("#open")
    all_open = check_drawing(page)
    assert all_open > 60
    assert page.locator("g.group:not(.hidden)").count() == 0
    page.click("#close")
    assert check_drawing(page) <= start
    rng = np.random.default_rng(5)
    for _ in range(8):
        groups = page.locator("g.group:not(.hidden), g.title").all()
        groups[rng.integers(len(groups))].dispatch_event("click")
        check_drawing(page)


def test_a_group_opens_and_closes_by_click_and_key(visit):
    page = visit("loop")
    loop = box_of(page, "(matmul")
    assert loop.get_attribute("aria-expanded") == "false"
    assert loop.get_attribute("aria-label") == "(matmul → … → tanh) ×12, 48 ops, closed"
    loop.click()
    title = title_of(page, "(matmul")
    assert title.get_attribute("aria-expanded") == "true"
    assert page.locator("g.group[aria-label*=' of 12, 4 ops']:not(.hidden)").count() == 12
    assert title.evaluate("e => e === document.activeElement")
    third = box_of(page, "3 of 12")
    third.focus()
    page.keyboard.press("Enter")
    assert title_of(page, "3 of 12").evaluate("e => e === document.activeElement")
    assert page.locator(".n[data-node]:visible", has_text="tanh").count() == 1
    page.keyboard.press(" ")
    assert third.evaluate("e => e === document.activeElement")
    page.keyboard.press("Shift+Tab")
    title.click()
    assert loop.is_visible()
    assert page.locator("g.title").count() == 0


def test_lines_between_closed_groups_are_one(visit):
    page = visit("two states", fragment="#step=1&open=1")

    def arrows():
        left, top, width, _ = box_of(page, "3 of 4").locator(".box").bounding_box().values()
        found = page.evaluate(DRAWING)["tips"]
        return sum(abs(y - top) < 2 and left < x < left + width for x, y in found)

    assert arrows() == 2  # of w, and of the turn before
    box_of(page, "2 of 4").click()
    assert page.locator("#said").text_content() == "2 of 4 is open"
    assert arrows() == 3
    check_drawing(page)


def test_what_was_clicked_stays_in_its_place(visit):
    page = visit("loop", fragment="#step=1&open=1")
    page.locator("#graph").evaluate("e => e.scrollTo(0, 400)")
    box = box_of(page, "6 of 12")
    before = box.bounding_box()
    box.click()
    after = title_of(page, "6 of 12").bounding_box()
    assert abs(before["y"] - after["y"]) < 3


def test_steps_never_lose_the_reader(visit):
    page = visit("loop")
    count = int(page.locator("#slider").get_attribute("max"))
    for k in range(0, count, 11):
        page.evaluate(f"location.hash = 'step={k + 1}'")
        page.wait_for_timeout(0)
        current = page.locator("[aria-current=step]:visible")
        assert current.count() == 1
        title = page.locator("#details h2").inner_text()
        assert title.split(" = ")[0] in current.text_content()
        where, pane = current.bounding_box(), page.locator("#graph").bounding_box()
        assert pane["y"] <= where["y"] <= pane["y"] + pane["height"]
    page = visit("loop", fragment="#step=10")
    for closed in ("(matmul", "3 of 12"):
        assert "now" in box_of(page, closed).get_attribute("class")
        page.keyboard.press("o")
    assert page.locator("[aria-current=step]").get_attribute("data-node")
    page.keyboard.press("c")
    page.keyboard.press("c")
    assert "now" in box_of(page, "(matmul").get_attribute("class")


def test_what_is_open_is_in_the_link(visit):
    page = visit("loop", fragment="#step=7")
    assert fragment(page) == "#step=7"
    page.keyboard.press("o")
    assert fragment(page) == "#step=7&open=1"
    page.keyboard.press("ArrowRight")
    assert fragment(page) == "#step=8&open=1"
    again = visit("loop", fragment="#step=8&open=1.2")
    assert title_of(again, "1 of 12").count() == 1
    assert visit("loop", fragment="#open=99.x.1").locator("g.title").count() == 1
    inner = visit("loop", fragment="#step=6&open=2.3")  # open inside of what is closed
    assert inner.locator("g.title").count() == 0
    inner.keyboard.press("o")
    assert inner.locator(".e.on").count() == 5


def test_lines_light_up_from_source_to_target(visit):
    """Over the borders of groups, forward and back, they join end to end."""
    page = visit("loop", fragment="#step=6&open=1.2.3")  # h₁ @ U, from the turn before
    lines = page.evaluate(DRAWING.replace('".e path"', '".e.on path"'))["lines"]
    ends = np.array(lines)[:, [0, -1]]
    assert len(ends) == 5  # out of one turn, to the next, into it; U, and its way in
    target = page.locator(".n.now .box").bounding_box()
    tops = [end for end in ends[:, 1] if abs(end[1] - target["y"]) < 2.5]
    assert len(tops) == 2
    starts = [abs(ends[:, 0] - end).sum(axis=1).min() for end in ends[:, 1]]
    assert sorted(round(distance) < 2 for distance in starts) == [False, False, True, True, True]
    page = visit("loop", fragment="#step=6")  # closed: nothing of it is seen
    assert page.locator(".e.on").count() == 0


def test_a_finding_is_shown_at_its_node_and_at_the_start(visit):
    page = visit("told")
    found = page.locator("#details .finding")
    assert found.count() == 2
    text = page.locator("#details").inner_text()
    assert "2 findings" in text
    assert "elsewhere at train.py:3: something that is in no node. Look there." in text
    assert page.locator(".warning:visible").count() == 2  # at the node, and in the legend
    found.locator("button").click()
    assert page.locator("#details h2").inner_text().startswith("loss")
    assert "takes logits" in page.locator("#details .finding").inner_text()
    page.keyboard.press("Home")
    node = page.locator(".n", has=page.locator(".warning"))
    assert node.get_attribute("aria-label").endswith(", 1 finding")
    node.click()
    assert "takes logits" in page.locator("#details .finding").inner_text()


def test_a_finding_in_a_closed_group_is_shown_at_its_box(visit):
    page = visit("told")
    page.click("#close")
    assert page.locator("g.group:not(.hidden)").count() == 2
    assert page.locator("#graph .warning:visible").count() == 1


def test_captions(visit):
    page = visit("told")
    assert page.locator("#details .caption").inner_text() == "hidden · Linear: eight units"
    softmax = page.locator(".n[aria-label^='p = softmax']")
    assert "scores of three classes" in softmax.text_content()
    softmax.click()
    assert page.locator("#details .caption").inner_text() == "scores of three classes"
    page.click("#close")
    assert "eight units" in box_of(page, "hidden").text_content()
    check_drawing(page)


@pytest.mark.parametrize("size", [(1280, 860), (390, 844)])
def test_simple_and_large(visit, size):
    page = visit("told", fragment="#step=4", size=size)
    visible = (
        "[...document.querySelectorAll('.dtype, .np, .where')]"
        ".filter(e => e.getClientRects().length).length"
    )
    font = "document.querySelector('#details h2').getBoundingClientRect().height"
    assert page.evaluate(visible) > 5
    height = page.evaluate(font)
    page.click("#simple")
    assert page.evaluate(visible) == 0
    assert page.locator("#simple").get_attribute("aria-pressed") == "true"
    page.keyboard.press("l")
    assert fragment(page) == "#step=4&simple&large"
    assert page.evaluate(font) > 1.2 * height
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    again = visit("told", fragment="#step=12&simple", size=size)
    assert again.evaluate(visible) == 0
    assert fragment(again) == "#step=12&simple"
    again.keyboard.press("s")
    assert fragment(again) == "#step=12"


def test_the_colours_are_explained(visit):
    page = visit("told", color_scheme="dark")
    colours = page.locator("#scale").evaluate("e => getComputedStyle(e).backgroundImage")
    assert colours.startswith("linear-gradient(90deg, rgb(28, 95, 156) 0%")
    assert colours.endswith("rgb(148, 69, 18) 100%)")
    page.locator(".n[aria-label^='X ']").click()
    page = visit("loop", fragment="#step=1")
    page.click("#theme")
    assert page.locator("#scale").evaluate("e => getComputedStyle(e).backgroundImage") == colours


def test_rows_of_several_axes_have_their_index(visit):
    page = visit("told")
    page.locator(".n[aria-label^='cube']").click()
    rows = page.locator("#details tbody th").all_inner_texts()
    assert rows == ["0, 0", "0, 1", "0, 2", "1, 0", "1, 1", "1, 2"]
