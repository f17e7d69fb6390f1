"""The live mode of a page: it runs the user's own step, and says where each number comes from."""

import json
import re

import numpy as np
import pytest
from browser_steps import CHROMIUM, until

import tinygrad_np as tg
from tinygrad_np import nn

in_browser = [
    pytest.mark.oracle,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]


class Run:
    """A model, its training step, and the page of it."""

    def __init__(self, loss, parameters, optimizer, model=None):
        self.loss, self.parameters, self.optimizer, self.model = loss, parameters, optimizer, model

    def step(self):
        loss = self.loss()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def graph(self):
        with tg.record() as record:
            loss = self.step()
        return tg.graph(loss, self.model, record=record)


def small(lr=0.1):
    """A net of 2, 3 and 2 on six points, by hand."""
    rng = np.random.default_rng(5)
    X = tg.Tensor(rng.normal(size=(6, 2)).astype("f4"), name="X")
    y = tg.Tensor(np.array([0, 1, 1, 0, 1, 0]), name="y")
    W1 = tg.Tensor(rng.normal(size=(2, 3)).astype("f4"), requires_grad=True, name="W1")
    b1 = tg.Tensor(np.zeros(3, "f4"), requires_grad=True, name="b1")
    W2 = tg.Tensor(rng.normal(size=(3, 2)).astype("f4"), requires_grad=True, name="W2")

    def loss():
        h = tg.tanh(X @ W1 + b1)
        scores = h @ W2
        return tg.cross_entropy(scores, y)

    return Run(loss, [W1, b1, W2], nn.SGD([W1, b1, W2], lr=lr))


def spiral(rows=300):
    rng = np.random.default_rng(0)
    k = np.arange(rows) % 3
    r = np.linspace(0, 1, rows)
    angle = 2.5 * (4 * (k + r) + rng.normal(0, 0.2, rows))
    X = tg.Tensor(np.c_[r * np.sin(angle), r * np.cos(angle)].astype("f4"), name="X")
    y = tg.Tensor(k, name="y")
    tg.manual_seed(0)
    layers = {"hidden": nn.Linear(2, 64), "relu": nn.ReLU(), "out": nn.Linear(64, 3)}
    model = nn.Sequential(layers)
    optimizer = nn.Adam(model.parameters(), lr=0.05)

    def loss():
        logits = model(X)
        return nn.cross_entropy(logits, y)

    return Run(loss, list(model.parameters()), optimizer, model)


def of_model(model, loss, shape, target, optimizer=nn.SGD, lr=0.1):
    rng = np.random.default_rng(1)
    X = rng.normal(size=shape).astype("f4")
    return Run(lambda: loss(model(X), target), None, optimizer(model.parameters(), lr=lr), model)


def convolution():
    tg.manual_seed(0)
    layers = [nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(18, 3))
    return of_model(model, nn.cross_entropy, (4, 1, 6, 6), np.array([0, 1, 2, 1]))


def attention():
    tg.manual_seed(0)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(8)
            self.attention = nn.MultiheadAttention(8, 2)

        def forward(self, x):
            x = self.norm(x)
            return self.attention(x, x, x)[0]

    target = np.random.default_rng(2).normal(size=(2, 5, 8)).astype("f4")
    return of_model(Block(), nn.mse_loss, (2, 5, 8), target, nn.Adam, 0.01)


def lstm():
    tg.manual_seed(0)
    layer = nn.LSTM(3, 4)
    target = np.random.default_rng(2).normal(size=(2, 5, 4)).astype("f4")
    return of_model(layer, lambda out, t: nn.mse_loss(out[0], t), (2, 5, 3), target)


def dropout():
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
    X = tg.Tensor(np.random.default_rng(3).normal(size=(12, 2)).astype("f4"), name="X")
    y = tg.Tensor(np.arange(12) % 2, name="y")
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    return Run(lambda: nn.cross_entropy(model(X), y), None, optimizer, model)


def by_hand(form):
    """A classifier of points in the plane, its targets and its loss written in several ways."""
    tg.manual_seed(0)
    rng = np.random.default_rng(4)
    points = rng.normal(size=(20, 2))
    X, kind = points.astype("f4"), (points[:, 0] > 0.3).astype(int)
    classes = 2 if form in ("one-hot", "array", "batch norm") else 1
    layers = [nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, classes)]
    if form == "batch norm":
        layers.insert(1, nn.BatchNorm1d(5))
    model = nn.Sequential(*layers)
    x = X if form == "array" else tg.Tensor(X, name="X")
    y = tg.Tensor(kind[:, None].astype("f4"), name="y")
    rows = tg.Tensor(np.eye(2, dtype="f4")[kind], name="rows")

    def loss():
        scores = model(x)
        if form == "logits":
            return nn.binary_cross_entropy_with_logits(scores, y)
        if form == "hinge":
            return tg.maximum(1 - (2 * y.data - 1) * scores, 0).mean()
        if form == "one-hot":
            return -(tg.log_softmax(scores, axis=1) * rows).sum(axis=1).mean()
        if form in ("array", "batch norm"):
            return nn.cross_entropy(scores, kind)
        p = 1 / (1 + tg.exp(-scores))
        return -(y * tg.log(p) + (1 - y) * tg.log(1 - p)).mean()

    run = Run(loss, None, nn.SGD(model.parameters(), lr=0.3), model)
    run.right = lambda: np.mean((model(X).numpy() @ [[-1], [1]] > 0) == kind[:, None])
    if classes == 1:
        run.right = lambda: np.mean((model(X).numpy() > 0) == kind[:, None])
    return run


def words():
    """Rows of a table, some of them often; sums that are halved in place; a sigmoid."""
    tg.manual_seed(0)
    ids = tg.Tensor([[0, 2, 2, 5], [5, 1, 0, 2], [3, 3, 3, 3]], name="ids")
    y = tg.Tensor(np.array([[1.0], [0.0], [1.0]], "f4"), name="y")
    table, head = nn.Embedding(6, 3), nn.Linear(3, 1)

    def loss():
        p = tg.sigmoid(head(table(ids).mean(axis=1)))
        return nn.binary_cross_entropy(p, y)

    optimizer = nn.Adam([*table.parameters(), *head.parameters()], lr=0.05)
    return Run(loss, None, optimizer)


def data_in(path):
    text = path.read_text(encoding="utf-8")
    found = re.search(r'<script id="live-data" type="application/json">(.*?)</script>', text, re.S)
    return found and json.loads(found[1])


# --- made in Python -------------------------------------------------------------------------------


def test_making_a_page_changes_nothing(tmp_path):
    run = dropout()
    graph = run.graph()
    rng = tg.default_generator()
    before = [p.data.copy() for p in run.model.parameters()], rng.bit_generator.state
    gradients = [p.grad for p in run.model.parameters()]
    state = run.optimizer.state_dict()
    graph.html(tmp_path / "page.html", step=run.step)
    for parameter, data, gradient in zip(run.model.parameters(), before[0], gradients, strict=True):
        np.testing.assert_array_equal(parameter.data, data)
        assert parameter.grad is gradient
    assert rng.bit_generator.state == before[1]
    for name, value in run.optimizer.state_dict().items():
        np.testing.assert_array_equal(value, state[name])


def test_values_have_the_names_of_the_graph(tmp_path):
    run = small()
    names = data_in(run.graph().html(tmp_path / "page.html", step=run.step))["names"]
    roles = {name: role for name, _, role, _ in names}
    for name in ("X", "y", "W1", "b1", "W2", "h", "scores"):
        assert roles[name] == "value"
        if name not in "Xy":
            assert roles[f"∂L/∂{name}"] == "gradient"


def another_model(run):
    return small().step


def other_rows(run):
    x, y = tg.Tensor(np.ones((5, 2), "f4"), name="X"), tg.Tensor([0, 1, 1, 0, 1], name="y")
    W1, b1, W2 = run.parameters
    run.loss = lambda: tg.cross_entropy(tg.tanh(x @ W1 + b1) @ W2, y)
    return run.step


def raising():
    raise LookupError("no such batch")


def keyword(*, rate):
    """A step that needs an argument."""


def endless():
    yield


@pytest.mark.parametrize(
    ("step", "error", "words"),
    [
        (another_model, ValueError, "computes something else .* the parameter W2"),
        (other_rows, ValueError, r"matmul \(5, 2\) where the graph has matmul \(6, 2\)"),
        (lambda run: raising, LookupError, "no such batch"),
        (lambda run: run.loss, ValueError, "calls no backward"),
        (lambda run: lambda x: x, TypeError, "without arguments"),
        (lambda run: 3, TypeError, "without arguments"),
        (lambda run: keyword, TypeError, r"give lambda: .*keyword\(rate=rate\)"),
        (lambda run: endless, TypeError, "endless is a generator function"),
        (lambda run: Run, TypeError, "Run is a class"),
    ],
)
def test_a_step_that_does_not_belong_is_an_error_when_the_page_is_made(
    tmp_path, step, error, words
):
    run, path = small(), tmp_path / "page.html"
    graph = run.graph()
    with pytest.raises(error, match=words):
        graph.html(path, step=step(run))
    assert not path.exists()


def inverse():
    W = tg.Tensor(np.eye(3) * 2, requires_grad=True, name="W")
    return Run(lambda: np.linalg.inv(W).sum(), [W], nn.SGD([W], lr=0.1))


def large():
    W = tg.Tensor(np.ones((600, 600), "f4"), requires_grad=True, name="W")
    return Run(lambda: (W @ W).sum(), [W], nn.SGD([W], lr=0.1))


@pytest.mark.parametrize(("make", "words"), [(inverse, "inv"), (large, "650,160,003 numbers")])
def test_a_step_that_a_browser_can_not_run_leaves_the_page_as_it_is(tmp_path, make, words):
    run = make()
    graph = run.graph()
    with pytest.warns(tg.CompileWarning, match=f"the page is not alive.*{words}"):
        path = graph.html(tmp_path / "page.html", step=run.step)
    assert data_in(path) is None
    text = path.read_text(encoding="utf-8")
    assert "refused" in text
    assert words in text
    assert 'data-mode="live"' not in text


def test_films_belong_to_the_step(tmp_path):
    run, film = small(), nn.Film()
    graph = run.graph()
    with pytest.raises(ValueError, match="needs step="):
        graph.html(tmp_path / "page.html", film=film)
    with pytest.raises(ValueError, match="no frames"):
        graph.html(tmp_path / "page.html", step=run.step, film=film)
    film.tensors, film.steps, film.arrays, film.losses = small().parameters, [0], [[]], [1.0]
    with pytest.raises(ValueError, match="other parameters"):
        graph.html(tmp_path / "page.html", step=run.step, film=film)


def test_the_page_of_the_spiral_is_small(tmp_path):
    run = spiral()
    assert run.graph().html(tmp_path / "page.html", step=run.step).stat().st_size <= 205 * 1024


def test_a_name_can_not_leave_its_place(tmp_path):
    run = small()
    run.parameters[0].name = "</script><script>alert(1)</script>"
    text = run.graph().html(tmp_path / "page.html", step=run.step).read_text(encoding="utf-8")
    assert "<script>alert" not in text


# --- in a browser ---------------------------------------------------------------------------------


@pytest.fixture
def visit(open_page, tmp_path):
    def opened(run, fragment="", title=None, film=None, **options):
        path = run.graph().html(tmp_path / "page.html", title, step=run.step, film=film)
        return open_page(path.as_uri() + fragment, **options)

    return opened


def read(page, name):
    """The numbers of a named value, as they are in the page."""
    script = """name => {
        const n = livePage.names.find(n => n.name === name);
        return [n.shape, [...livePage.program.read(n.view)]];
    }"""
    shape, numbers = page.evaluate(script, name)
    return np.array(numbers).reshape(shape)


def point(page, name, *index):
    """Point at one number, and return what the page says."""
    script = """([name, index]) => {
        const { view } = livePage.names.find(n => n.name === name);
        const offset = index.reduce((sum, i, k) => sum + i * view[3][k], view[1]);
        livePage.hover([view[0], offset]);
        return document.getElementById("origin").innerText;
    }"""
    return page.evaluate(script, [name, list(index)]).replace("−", "-")


def number(text):
    return float(text.replace("−", "-"))


class TestTraining:
    pytestmark = in_browser

    def test_it_trains_as_numpy_does(self, visit):
        run = small()
        page = visit(run)
        page.click("#one")
        for _ in range(9):
            page.keyboard.press("ArrowRight")
        losses = [run.step().item() for _ in range(10)]
        seen = page.evaluate("livePage.state.losses")
        assert [step for step, _ in seen] == list(range(10))
        np.testing.assert_allclose([loss for _, loss in seen], losses, rtol=2e-6)
        for name, parameter in zip(("W1", "b1", "W2"), run.parameters, strict=True):
            np.testing.assert_allclose(read(page, name), parameter.data, rtol=1e-5, atol=1e-6)
        assert number(page.inner_text("#loss")) == pytest.approx(run.loss().item(), rel=1e-3)

    def test_it_runs_pauses_and_begins_anew_to_the_bit(self, visit):
        page = visit(dropout())
        first = page.evaluate("livePage.program.buffers.map(b => [...b])")
        page.keyboard.press("Space")
        until(page, "livePage.state.steps > 20")
        assert page.inner_text("#train").strip() == "Pause"
        page.click("#train")
        steps = page.evaluate("livePage.state.steps")
        page.wait_for_timeout(100)
        assert page.evaluate("livePage.state.steps") == steps
        assert page.inner_text("#count").startswith(f"step {steps}")
        page.keyboard.press("r")
        assert page.evaluate("livePage.state.steps") == 0
        assert page.evaluate("livePage.program.buffers.map(b => [...b])") == first

    def test_looking_and_turning_draw_no_random_numbers(self, visit):
        page = visit(dropout())
        page.evaluate("livePage.train(10)")
        straight = page.evaluate("livePage.program.loss")
        page.click("#reset")
        page.evaluate("livePage.train(5)")
        page.evaluate("livePage.turnTo(livePage.state.base + 0.5)")
        page.click("#put-back")
        page.evaluate("livePage.train(5)")
        assert page.evaluate("livePage.program.loss") == straight

    def test_the_learning_rate_is_that_of_the_next_step(self, visit):
        run = small(lr=0.1)
        page = visit(run)
        page.evaluate("""() => {
            const rate = document.getElementById("rate");
            rate.value = Math.log10(0.4);
            rate.dispatchEvent(new Event("input"));
        }""")
        rate = 10 ** float(page.input_value("#rate"))
        assert number(page.inner_text("#rate-now")) == pytest.approx(rate, rel=0.02)
        page.click("#one")
        run.optimizer.lr = rate
        run.step()
        np.testing.assert_allclose(read(page, "W2"), run.parameters[2].data, rtol=1e-5)

    def test_rates_of_groups_keep_their_proportion(self, visit):
        run = small()
        W1, b1, W2 = run.parameters
        groups = [{"params": [W1, b1], "lr": 0.1}, {"params": [W2], "lr": 0.02}]
        run.optimizer = nn.SGD(groups, lr=0.1)
        page = visit(run)
        page.click("#one")
        run.step()
        np.testing.assert_allclose(read(page, "W2"), W2.data, rtol=1e-5)
        page.evaluate("""() => {
            const rate = document.getElementById("rate");
            rate.value = Math.log10(0.4);
            rate.dispatchEvent(new Event("input"));
        }""")
        page.click("#one")
        rate = 10 ** float(page.input_value("#rate"))
        for group, share in zip(run.optimizer.groups, (1, 0.2), strict=True):
            group["lr"] = rate * share
        run.step()
        for name, parameter in zip(("W1", "W2"), (W1, W2), strict=True):
            np.testing.assert_allclose(read(page, name), parameter.data, rtol=1e-5)

    @pytest.mark.parametrize(
        "values", [[[np.inf, 1e30], [np.nan, 0.0]], np.zeros((0, 2)), [[1e15, 3.0]]]
    )
    def test_pages_of_odd_numbers_open(self, visit, values):
        """Not finite ones, none at all, and a loss that no number can move."""
        odd = tg.Tensor(np.array(values), name="odd", requires_grad=True)
        w = tg.Tensor([1.0, 2.0], requires_grad=True, name="w")
        run = Run(lambda: (odd * w).sum() + (w * 1e-4).sum(), [odd, w], nn.SGD([odd, w], lr=0.1))
        page = visit(run)
        page.click("#one")
        page.evaluate("livePage.choose(livePage.names.find(n => n.name === 'w').view.slice(0, 2))")
        page.evaluate(
            "livePage.choose(livePage.names.find(n => n.name === 'odd').view.slice(0, 2))"
        )
        page.keyboard.press("r")

    def test_a_loss_that_is_lost_is_said_and_stops(self, visit):
        W = tg.Tensor(np.full((2, 2), 3.0), requires_grad=True, name="W")
        run = Run(lambda: (W * W * W * W).sum(), [W], nn.SGD([W], lr=10.0))
        page = visit(run)
        page.click("#train")
        until(page, "document.getElementById('trouble').textContent !== ''")
        assert "no number any more" in page.inner_text("#trouble")
        assert page.inner_text("#train").strip() == "Train"
        page.click("#reset")
        assert page.inner_text("#trouble") == ""

    def test_a_film_shows_the_parameters_of_its_steps(self, visit):
        run, film = small(), nn.Film()
        film.tensors = run.parameters
        for step in range(0, 40, 10):
            film.steps.append(step)
            film.arrays.append([p.data.copy() for p in run.parameters])
            film.losses.append(run.loss().item())
            for _ in range(10):
                run.step()
        page = visit(run, film=film)
        assert page.get_attribute("#film", "max") == "3"
        for k in (2, 0, 3):
            page.evaluate("""k => {
                document.getElementById("film").value = k;
                document.getElementById("film").dispatchEvent(new Event("input"));
            }""", k)  # fmt: skip
            for name, array in zip(("W1", "b1", "W2"), film.arrays[k], strict=True):
                np.testing.assert_array_equal(read(page, name), array)
            assert page.evaluate("livePage.program.loss") == pytest.approx(film.losses[k], rel=1e-6)
            assert page.inner_text("#count") == f"step {film.steps[k]}"


class TestTurning:
    pytestmark = in_browser

    def test_the_gradient_is_a_slope(self, visit):
        run = small()
        page = visit(run)
        before = run.loss().item()
        cell = page.locator("#tables figure").first.locator("td").nth(4)
        cell.click()
        assert page.inner_text("#turned") == "W1[1, 1]"
        loss = run.loss()
        run.optimizer.zero_grad()
        loss.backward()
        slope = run.parameters[0].grad[1, 1]
        page.fill("#typed", str(float(run.parameters[0].data[1, 1]) + 0.25))
        page.keyboard.press("Enter")
        with tg.no_grad():
            run.parameters[0][1, 1] += 0.25
        facts = [number(t.split(" ")[0]) for t in page.locator("#facts dd").all_inner_texts()]
        change = run.loss().item() - before
        np.testing.assert_allclose(facts, [0.25, slope, 0.25 * slope, change], rtol=2e-3, atol=1e-5)
        page.click("#put-back")
        assert page.evaluate("livePage.program.loss") == pytest.approx(before, rel=1e-6)

    def test_data_can_be_turned_and_has_no_gradient(self, visit):
        run = small()
        page = visit(run)
        page.locator('#graph [data-node]:has-text("X")').first.click()
        page.locator("#tables td").nth(3).focus()
        page.keyboard.press("ArrowUp")
        assert page.inner_text("#turned") == "X[1, 1]"
        assert "none: data" in page.inner_text("#facts")
        W1, b1, W2 = (p.data for p in run.parameters)
        X = read(page, "X")
        scores = np.tanh(X @ W1 + b1) @ W2
        np.testing.assert_allclose(read(page, "scores"), scores, rtol=1e-5, atol=1e-6)

    def test_points_are_chosen_and_dragged_in_the_plane(self, visit):
        run = small()
        page = visit(run)
        page.focus("#plane")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#way-title").startswith("Point 1 on its way, class 1")
        before = read(page, "X")
        script = """() => {
            const p = livePage.plane;
            const box = document.getElementById("plane").getBoundingClientRect();
            const at = (x, y) => [box.left + ((x - p.cx) / p.span + 1) / 2 * box.width,
                                  box.top + (1 - (y - p.cy) / p.span) / 2 * box.height];
            const [x, y] = livePage.program.read(p.x).slice(4, 6);
            return at(x, y);
        }"""
        x, y = page.evaluate(script)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 20, y - 10)
        page.mouse.up()
        moved = read(page, "X") - before
        assert set(np.flatnonzero(np.abs(moved).sum(axis=1))) == {2}
        assert moved[2, 0] > 0
        assert moved[2, 1] > 0

    def test_the_plane_tells_how_many_are_right(self, visit):
        run = spiral()
        page = visit(run)
        page.evaluate("livePage.train(100)")
        logits, labels = read(page, "logits"), read(page, "y")
        right = 100 * np.mean(logits.argmax(axis=1) == labels)
        assert number(page.inner_text("#right").split()[0]) == pytest.approx(right, abs=0.06)

    @pytest.mark.parametrize("form", ["logits", "by hand", "hinge", "one-hot", "array"])
    def test_a_classification_is_known_by_any_loss(self, visit, form):
        """And half of the plane that a hidden unit is above zero in is that of NumPy."""
        run = by_hand(form)
        page = visit(run)
        page.evaluate("livePage.train(7)")
        for _ in range(7):
            run.step()
        assert number(page.inner_text("#right").split()[0]) == pytest.approx(
            100 * run.right(), 1e-3
        )
        bias, weight = "0.bias", run.model[0].weight.numpy()
        point(page, bias, 3)
        plane = page.evaluate(
            "() => ({ ...livePage.plane, values: [...livePage.plane.field.values] })"
        )
        k = (np.arange(plane["grid"]) + 0.5) / plane["grid"] * 2 - 1
        x, y = np.meshgrid(plane["cx"] + k * plane["span"], plane["cy"] - k * plane["span"])
        points = np.c_[x.ravel(), y.ravel()]
        values = np.array(plane["values"]).reshape(len(points), -1)
        unit = points @ weight[:, 3] + run.model[0].bias.numpy()[3]
        np.testing.assert_allclose(values[:, 3], unit, rtol=1e-4, atol=1e-5)

    def test_rows_that_see_each_other_are_no_points_of_a_plane(self, visit):
        """A batch norm does not care for the order of the rows, but for all of them."""
        assert not visit(by_hand("batch norm")).evaluate("livePage.plane.alone")
        assert visit(spiral(30)).evaluate("livePage.plane.alone")

    def test_a_label_stays_a_whole_number(self, visit):
        """Between two classes there is none, and beyond them is an error with the user's line."""
        page = visit(small())
        page.evaluate("livePage.choose(livePage.names.find(n => n.name === 'y').view.slice(0, 2))")
        page.evaluate("livePage.turnTo(0.7)")
        assert read(page, "y")[0] == 1
        assert page.inner_text("#trouble") == ""
        page.evaluate("livePage.turnTo(2.2)")
        assert "test_page_alive.py:" in page.inner_text("#trouble")
        page.click("#put-back")
        assert page.inner_text("#trouble") == ""


# Computes numbers of all names from the places that they are said to come from.
AGAIN = """() => {
    const { names, program, origin, stands, kernels } = livePage, wrong = [];
    const value = ([b, o]) => program.buffers[b][o];
    const folds = {
        maximum: all => Math.max(...all), minimum: all => Math.min(...all),
        add: all => all.reduce((x, y) => x + y, 0),
    };
    function again({ name, kernel, operands, terms, over }) {
        if (terms) return terms.reduce((sum, [p, q]) => sum + value(p) * value(q), 0);
        if (over) return folds[name]?.(over.map(value));
        if (name === "copy") return value(operands[0]);
        const out = new Float64Array(1);
        kernels[kernel](1, out, 0, 0, ...operands.flatMap(q => [[value(q)], 0, 0]));
        return out[0];
    }
    let checked = 0;
    for (const { name, view: [b, offset, shape, strides] } of names) {
        const count = shape.reduce((x, y) => x * y, 1), some = Math.min(count, 40);
        for (let j = 0; j < some; j++) {
            let rest = Math.floor(j * count / some), o = offset;
            for (let k = shape.length - 1; k >= 0; k--) {
                o += rest % shape[k] * strides[k];
                rest = Math.floor(rest / shape[k]);
            }
            const found = origin([b, o]);
            const read = found ? found.operands || found.terms?.flat() || found.over : [];
            if (!read.length || !read.every(q => stands(q, found.loop))) continue;
            const computed = again(found), there = value([b, o]);
            if (computed === undefined) continue;
            checked++;
            const near = Math.abs(computed - there) <= 1e-5 * (Math.abs(there) + 1);
            if (!near) wrong.push([name, j, found.name, computed, there]);
        }
    }
    return [checked, wrong];
}"""


# The lines that say where numbers come from, six of each name.
LINES = """() => livePage.names.flatMap(({ view: [b, offset, shape, strides] }) => {
    const count = shape.reduce((x, y) => x * y, 1), lines = [];
    for (let j = 0; j < Math.min(count, 6); j++) {
        let rest = Math.floor(j * count / Math.min(count, 6)), o = offset;
        for (let k = shape.length - 1; k >= 0; k--) {
            o += rest % shape[k] * strides[k];
            rest = Math.floor(rest / shape[k]);
        }
        livePage.hover([b, o]);
        lines.push([...document.querySelectorAll("#origin .eq")].map(e => e.innerText).join("\\n"));
    }
    return lines;
})"""
FUNCTIONS = {f.__name__: f for f in (np.exp, np.log, np.sqrt, np.tanh, np.abs, max, min)}
FUNCTIONS |= {"abs": abs, "maximum": max, "log1p": np.log1p, "clip": np.clip}
FUNCTIONS |= {"where": lambda c, x, y: x if c else y}
SIGNS = {"−": "-", "·": "*", "^": "**", "²": "**2", "≤": "<=", "≥": ">=", "≠": "!=", " mod ": "%"}


def computed(text):
    """The number that some printed numbers come to, and how far their rounding may carry it."""
    for sign, python in SIGNS.items():
        text = text.replace(sign, python)
    value = float(eval(text, {"__builtins__": {}}, FUNCTIONS))
    sizes = [abs(float(x)) for x in re.findall(r"\d[\d.]*(?:e-?\d+)?", text)]
    return value, 8e-4 * max([1e-9, *sizes]) * max([1, *sizes])


class TestOrigins:
    pytestmark = in_browser

    @pytest.mark.parametrize("make", [words, convolution, attention])
    def test_the_numbers_that_are_printed_come_to_the_number(self, visit, make):
        """Of memory that is used several times, too: what a loop read is what is printed."""
        page = visit(make())
        page.evaluate("livePage.train(2)")
        checked = 0
        for lines in page.evaluate(LINES):
            for line in lines.replace("\n= ", " = ").splitlines():
                _, *middle, end = line.split(" = ")
                if len(middle) < 2 or "smaller" in line or middle[0].startswith(("max ", "arg")):
                    continue
                numbers = middle[1]
                value, near = computed(numbers)
                assert "…" not in numbers, line
                assert value == pytest.approx(computed(end)[0], rel=8e-3, abs=near), line
                checked += 1
        assert checked > 100
        memory = "livePage.program.buffers.flatMap(b => [...b])"
        after = page.evaluate(memory)
        page.evaluate("livePage.program.run()")
        assert page.evaluate(memory) == after

    def test_the_places_of_a_sum_are_all_and_no_others(self, visit):
        """A row of a table that was read at scattered places has no range of them."""
        page = visit(words())
        said = point(page, "∂L/∂Embedding.weight", 2, 0)
        assert "Σ 3 numbers of ∂L/∂getitem" in said
        assert "Σ ∂L/∂getitem[0:2, 0, 0]" in point(page, "∂L/∂Embedding.weight", 5, 0)

    def test_a_sum_of_products_is_written_out_and_lit(self, visit):
        run = small()
        page = visit(run)
        X, W2, h = read(page, "X"), read(page, "W2"), read(page, "h")
        said = point(page, "scores", 4, 1)
        assert "scores[4, 1] = Σ h[4, :] · W2[:, 1]" in said
        for left, right in zip(h[4], W2[:, 1], strict=True):
            pattern = rf"{re.escape(f'{left:.4g}')}\)?·\(?{re.escape(f'{right:.4g}')}"
            assert re.search(pattern, said)
        assert f"{h[4] @ W2[:, 1]:.4g}" in said
        assert "h @ W2" in said  # the user's line
        lit = page.locator("#tables figure:has(b:text-is('W2')) td.from")
        assert lit.count() == 3
        said = point(page, "∂L/∂W1", 1, 2)
        assert "∂L/∂W1[1, 2] = Σ X[:, 1] · " in said
        page.evaluate("livePage.hover(null)")
        assert page.locator("td.from").count() == 0
        assert X.shape == (6, 2)

    def test_a_convolution_is_its_window(self, visit):
        page = visit(convolution())
        said = point(page, "conv2d", 1, 0, 2, 3)
        assert "Σ 0.weight[0, 0, :, :] · padded[1, 0, 2:5, 3:6]" in said

    def test_a_softmax_is_its_exponentials(self, visit):
        """Also after they were divided in place."""
        page = visit(attention())
        row, largest = "divide[2, 1, 0, :]", "max divide[2, 1, 0, :]"
        one = f"exp(divide[2, 1, 0, 1] - {largest})"
        said = point(page, "softmax", 2, 1, 0, 1)
        assert f"softmax[2, 1, 0, 1] = {one} / Σ exp({row} - {largest}) = " in said
        said = point(page, "∂L/∂divide", 2, 1, 0, 1)
        products = "Σ (∂L/∂softmax[2, 1, 0, :] · softmax[2, 1, 0, :])"
        assert f" = (∂L/∂softmax[2, 1, 0, 1] - {products}) · softmax[2, 1, 0, 1] = " in said

    def test_a_limit_that_is_none_is_not_written(self, visit):
        """A sigmoid clips its input from above alone."""
        said = point(visit(words()), "e", 1, 0)
        assert "e[1, 0] = exp(min(add₁[1, 0], 80)) = " in said

    @pytest.mark.parametrize("make", [small, spiral, convolution, attention, lstm, dropout])
    def test_every_number_comes_of_what_is_said(self, visit, make):
        """Compute named numbers again from the places that the page says they come from."""
        page = visit(make())
        page.evaluate("livePage.train(2)")
        checked, wrong = page.evaluate(AGAIN)
        assert wrong == []
        assert checked > 60


class TestPage:
    pytestmark = in_browser

    def test_a_link_to_a_step_opens_the_steps(self, visit):
        page = visit(small(), "#step=3")
        assert page.locator("#details").is_visible()
        assert not page.locator("#live").is_visible()
        page.click("#modes >> text=Live")
        assert page.locator("#live").is_visible()
        assert not page.locator("#controls").is_visible()
        page.click("#modes >> text=Steps")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("location.hash").startswith("#step=4")

    def test_a_box_shows_its_numbers(self, visit):
        page = visit(small())
        page.locator('#graph [data-node]:has-text("h = tanh")').click()
        assert page.inner_text("#tables-title").startswith("h and its gradient")
        captions = page.locator("#tables figcaption b").all_inner_texts()
        assert captions == ["h", "∂L/∂h"]
        page.keyboard.press("Escape")
        assert page.inner_text("#tables-title").startswith("Parameters")

    @pytest.mark.parametrize("size", [(390, 844), (820, 500), (1920, 1080)])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_fits(self, visit, size, scheme):
        page = visit(spiral(60), size=size, color_scheme=scheme)
        page.evaluate("livePage.train(3)")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        page.click("#theme")
        page.click("#one")

    def test_the_keyboard_reaches_everything(self, visit):
        page = visit(small())
        names = page.evaluate("""() => [...document.querySelectorAll("button, input, canvas")]
            .filter(e => e.checkVisibility() && e.closest("#live, #livebar"))
            .map(e => [e.id, e.tabIndex, e.ariaLabel || e.title || e.innerText])""")
        assert len(names) > 10
        for id, index, text in names:
            assert text, id
            assert index >= 0 or id in ("curve", "slope"), id

    def test_a_colour_scale_says_what_the_colours_mean_now(self, visit):
        page = visit(spiral(60))
        for steps in (0, 30):
            page.evaluate("n => n && livePage.train(n)", steps)
            figure = page.locator("#tables figure:has(b:text-is('hidden.weight'))")
            low, high = map(number, figure.locator(".ends span").all_inner_texts())
            largest = np.abs(read(page, "hidden.weight")).max()
            assert [low, high] == pytest.approx([-largest, largest], rel=1e-3)
