"""examples/spiral.py: what it writes, what it says, and how it answers to bad options."""

import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("nnfs")
pytest.importorskip("tqdm")
Image = pytest.importorskip("PIL.Image")

from tinygrad_np import nn  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = ["spiral.gif", "spiral.html", "spiral.png", "spiral_graph.png", "spiral_graph.svg"]
QUICK = ["--samples", "10", "--width", "8", "--epochs", "4"]


@pytest.fixture(scope="module", autouse=True)
def examples_on_path():
    sys.path.insert(0, str(EXAMPLES))
    yield
    sys.path.remove(str(EXAMPLES))


@pytest.fixture(scope="module")
def spiral(examples_on_path):
    import spiral

    return spiral


@pytest.fixture(scope="module")
def plots(spiral):
    return spiral.spiral_plots


def accuracies(text):
    """The accuracies on training and fresh data that a run printed."""
    found = re.findall(r"^(?:training|fresh) data: +accuracy +([\d.]+)%", text, re.MULTILINE)
    return [float(value) / 100 for value in found]


def check_files(folder):
    assert sorted(path.name for path in folder.iterdir()) == FILES
    for name in ("spiral.png", "spiral_graph.png", "spiral.gif"):
        with Image.open(folder / name) as image:
            image.load()
            assert image.format == Path(name).suffix[1:].upper()
            assert image.convert("L").getextrema()[0] < 80  # something dark was drawn
    with Image.open(folder / "spiral.png") as image:
        assert image.size == (1920, 1176)
    assert 'id="live-data"' in (folder / "spiral.html").read_text(encoding="utf-8")
    assert ET.parse(folder / "spiral_graph.svg").getroot().tag.endswith("svg")


def frames_of(path):
    """The frames of a GIF as RGB arrays, and how long each is shown, in ms."""
    frames, durations = [], []
    with Image.open(path) as film:
        assert film.info["loop"] == 0  # for ever
        for number in range(film.n_frames):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")))
            durations.append(film.info["duration"])
    return frames, durations


# --- a run ---------------------------------------------------------------------------------------


@pytest.mark.oracle
def test_a_run_as_a_program_without_a_display(tmp_path):
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "spiral.py"), *QUICK],
        cwd=tmp_path,
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    check_files(tmp_path / "out")
    assert "51 parameters" in done.stdout  # 2·8 + 8 + 8·3 + 3
    assert len(accuracies(done.stdout)) == 2
    for name in FILES[:3] + FILES[4:]:
        assert str(Path("out") / name) in done.stdout
    assert "4/4" in done.stderr
    assert "frame" in done.stderr  # the progress of the film
    assert "loss=" in done.stderr
    assert "accuracy=" in done.stderr


@pytest.mark.oracle
def test_the_network_learns_the_spiral(spiral, tmp_path, capsys):
    spiral.main(["--epochs", "1500", "--out", str(tmp_path)])
    training, fresh = accuracies(capsys.readouterr().out)
    assert training > 0.9
    assert 0.65 < fresh <= 1
    check_files(tmp_path)

    frames, durations = frames_of(tmp_path / "spiral.gif")
    assert 50 <= len(frames) <= 80
    assert durations[-1] >= 2000 > max(durations[:-1])
    colours = [np.unique(frame @ np.array([1, 256, 65536])) for frame in frames]
    assert len(np.unique(np.concatenate(colours))) <= 64
    assert (tmp_path / "spiral.gif").stat().st_size < 2.2e6
    svg = (tmp_path / "spiral_graph.svg").read_text(encoding="utf-8")
    for name in ("X", "W1", "b1", "W2", "b2", "y", "loss", "300×2", "64×3"):
        assert re.search(rf">[^<]*\b{name}\b", svg), name


@pytest.mark.oracle
@pytest.mark.parametrize(
    "options",
    [
        ["--classes", "2", "--width", "1"],
        ["--classes", "8", "--samples", "3"],
        ["--samples", "1"],
        ["--samples", "700", "--width", "70", "--epochs", "1"],
    ],
    ids=" ".join,
)
def test_other_spirals_and_networks(spiral, tmp_path, options):
    spiral.main([*QUICK, *options, "--out", str(tmp_path)])
    check_files(tmp_path)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"])
def test_every_optimizer_learns_with_its_own_learning_rate(spiral, optimizer):
    recipe = spiral.RECIPES[optimizer]
    data = spiral.make_data(100, 2, seed=0)
    model = spiral.make_model(64, 2, seed=0)
    run = spiral.train(model, recipe.optimizer(model, recipe.lr), data, 600)
    assert run.loss[-1] < 0.98 * run.loss[0]
    assert run.accuracy[-1] > 0.6
    assert len(run.loss) == len(run.accuracy) == 601


@pytest.mark.oracle
def test_the_options_reach_the_run_and_matplotlib_is_left_as_it_was(spiral, tmp_path, capsys):
    options = ["--optimizer", "momentum", "--lr", "0.25", "--seed", "3", "--classes", "4"]
    with matplotlib.rc_context({"font.size": 17}):
        before = dict(matplotlib.rcParams)
        spiral.main([*QUICK, *options, "--out", str(tmp_path / "a" / "b")])
        assert dict(matplotlib.rcParams) == before
    said = capsys.readouterr().out
    assert "SGD with momentum, learning rate 0.25, 4 full-batch steps" in said
    assert "Spiral of 4 classes, 10 points each (seed 3)" in said
    check_files(tmp_path / "a" / "b")


@pytest.mark.oracle
def test_the_same_seed_gives_the_same_run(spiral, tmp_path, capsys):
    def numbers(folder, seed):
        out = tmp_path / folder
        spiral.main([*QUICK, "--seed", seed, "--out", str(out)])
        said = capsys.readouterr().out.split("Drawing")[0]
        return said, (out / "spiral.png").read_bytes(), (out / "spiral.gif").read_bytes()

    first = numbers("first", "5")
    np.random.random(3)  # what others draw does not matter
    assert numbers("again", "5") == first
    assert all(a != b for a, b in zip(numbers("other", "6"), first))


def test_compiled_and_uncompiled_training_have_the_same_history(spiral, monkeypatch):
    fit = nn.fit

    def losses(compile, epochs):
        with monkeypatch.context() as patch:
            patch.setattr(nn, "fit", lambda *args, **kwargs: fit(*args, compile=compile, **kwargs))
            data = spiral.make_data(100, 3, seed=0)
            model = spiral.make_model(64, 3, seed=0)
            optimizer = spiral.RECIPES["adam"].optimizer(model, 0.05)
            run = spiral.train(model, optimizer, data, epochs)
        return run.loss, run.fresh_loss

    plain = losses(False, 300)
    assert losses(None, 300) == plain
    np.testing.assert_allclose(losses(True, 40)[0][:40], plain[0][:40], rtol=1e-3)


def test_the_data_are_those_of_the_book(spiral):
    X, y, X_fresh, y_fresh = spiral.make_data(50, 3, seed=1)
    assert X.dtype == X_fresh.dtype == np.float32
    assert X.shape == X_fresh.shape == (150, 2)
    radius = np.tile(np.linspace(0, 1, 50), 3)
    np.testing.assert_allclose(np.hypot(*X.T), radius, atol=1e-6)
    np.testing.assert_allclose(np.hypot(*X_fresh.T), radius, atol=1e-6)
    assert np.bincount(y).tolist() == np.bincount(y_fresh).tolist() == [50, 50, 50]
    assert not np.array_equal(X, X_fresh)


def test_the_model_starts_as_in_the_book(spiral):
    model = spiral.make_model(5000, 3, seed=0)
    w1, b1, w2, b2 = model.parameters()
    assert [p.name for p in (w1, b1, w2, b2)] == ["W1", "b1", "W2", "b2"]
    assert [p.shape for p in (w1, b1, w2, b2)] == [(2, 5000), (5000,), (5000, 3), (3,)]
    assert not b1.numpy().any()
    assert not b2.numpy().any()
    assert w1.numpy().std() == pytest.approx(0.01, rel=0.05)
    assert w2.numpy().std() == pytest.approx(0.01, rel=0.05)


def test_curves_and_parameters_belong_to_their_step(spiral):
    data = spiral.make_data(20, 3, seed=0)
    model = spiral.make_model(8, 3, seed=0)
    run = spiral.train(model, spiral.RECIPES["adam"].optimizer(model, 0.05), data, 30)
    assert {0, 30} <= set(run.states) <= set(run.fresh_steps)
    for step in (0, 30):
        model.load_state_dict(run.states[step])
        probabilities = np.exp(model.predict(run.X))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        picked = probabilities[np.arange(60), run.y]
        assert run.loss[step] == pytest.approx(-np.log(picked).mean(), rel=1e-4)
        assert run.accuracy[step] == np.mean(probabilities.argmax(axis=1) == run.y)


# --- the pictures --------------------------------------------------------------------------------


def test_regions_have_the_colours_of_their_classes(spiral, plots, tmp_path):
    """A network that knows the answer, x > 0: blue on the left, gold on the right."""
    model = nn.Sequential(nn.Linear(2, 2))
    weights = {"0.weight": np.array([[-50.0, 50], [0, 0]]), "0.bias": np.zeros(2)}
    model.load_state_dict(weights)
    X = np.array([[-1.0, -1], [1, -1]], np.float32)
    score = {"loss": [0.1, 0.1], "accuracy": [0.5, 1.0]}
    fresh = {"fresh_steps": [0, 1], "fresh_loss": [0.1, 0.1], "fresh_accuracy": [0.5, 0.5]}
    states = {0: {name: 0 * value for name, value in weights.items()}, 1: weights}
    run = spiral.Run(model, X, np.array([0, 1]), **score, **fresh, states=states)
    plots.save_film(run, tmp_path / "film.gif")
    (before, after), _ = frames_of(tmp_path / "film.gif")

    height, width = after.shape[:2]
    left, right = after[height // 2, width // 4], after[height // 2, 3 * width // 4]
    assert left[2] > left[1] > left[0]  # blue
    assert right[0] > right[1] > right[2]  # gold
    assert after[height // 2, width // 2 - 2 : width // 2 + 3].min(axis=1).max() > 225  # frontier
    assert before[height // 2, [width // 4, 3 * width // 4]].min() > 225  # undecided


def test_spikes_do_not_reach_the_smoothed_curve(plots):
    values = np.linspace(1, 0, 1001)
    spiky = values.copy()
    spiky[[200, 201, 640]] = 50
    assert np.abs(plots._smooth(spiky) - values)[10:-10].max() < 3e-3
    np.testing.assert_array_equal(plots._smooth([3.0, 1.0]), [3, 1])


@pytest.mark.parametrize("epochs", [1, 2, 6, 7, 10, 100, 9999, 10_000, 10**6])
def test_pictures_start_at_the_start_and_end_at_the_end(plots, epochs):
    film, strip = plots._film_steps(epochs), plots._strip_steps(epochs)
    for steps in (film, strip):
        assert steps == sorted(set(steps))
        assert (steps[0], steps[-1]) == (0, epochs)
    assert len(strip) <= 7
    assert len(film) <= 80
    strides = np.diff(film)
    assert (np.diff(strides) >= -1).all()  # early learning is shown slower
    assert plots.steps_to_draw(epochs) == {*film, *strip}


class Pages:
    """Figures of the pictures, kept when they are saved."""

    def __init__(self, monkeypatch, plots):
        pages = self.figures = []

        class Figure(plots.Figure):
            def savefig(self, *args, **kwargs):
                pages.append(self)
                super().savefig(*args, **kwargs)

        monkeypatch.setattr(plots, "Figure", Figure)


def border_is_white(path, margin=10):
    """Whether nothing is drawn at the edges of a picture, where it would be cut off."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    edges = pixels[:margin], pixels[-margin:], pixels[:, :margin], pixels[:, -margin:]
    return all(edge.min() == 255 for edge in edges)


@pytest.mark.parametrize("largest", [1.5, 40, 5e3, 3e8, 9e30])
def test_the_figure_of_a_run_that_diverged_fits_its_page(
    spiral, plots, monkeypatch, tmp_path, largest
):
    data = spiral.make_data(10, 3, seed=0)
    model = spiral.make_model(8, 3, seed=0)
    run = spiral.train(model, spiral.RECIPES["adam"].optimizer(model, 0.05), data, 20)
    run.loss = np.geomspace(1, largest, 21).tolist()
    run.fresh_loss = [*np.geomspace(1, 3 * largest, len(run.fresh_loss) - 1), np.nan]
    pages = Pages(monkeypatch, plots)
    plots.save_summary(run, "a title", tmp_path / "page.png")
    assert border_is_white(tmp_path / "page.png")
    (figure,) = pages.figures
    loss = next(ax for ax in figure.axes if ax.get_title(loc="left") == "Loss")
    low, high = loss.get_ylim()
    assert high > largest
    ticks = [tick for tick in loss.yaxis.get_majorticklocs() if low <= tick <= high]
    assert 2 <= len(ticks) <= 13


# --- Ctrl-C --------------------------------------------------------------------------------------


def test_ctrl_c_ends_the_training_and_draws_what_was_learned(spiral, monkeypatch, tmp_path, capsys):
    fit = nn.fit

    def interrupted(*args, on_epoch, **kwargs):
        def look(epoch, history):
            if epoch == 37:
                signal.raise_signal(signal.SIGINT)
            return on_epoch(epoch, history)

        return fit(*args, on_epoch=look, **kwargs)

    monkeypatch.setattr(nn, "fit", interrupted)
    before = signal.getsignal(signal.SIGINT)
    spiral.main([*QUICK, "--epochs", "100000", "--out", str(tmp_path)])
    said = capsys.readouterr().out
    assert "stopped at step 37; drawing what was learned" in said
    assert len(accuracies(said)) == 2
    assert signal.getsignal(signal.SIGINT) is before
    check_files(tmp_path)
    frames, _ = frames_of(tmp_path / "spiral.gif")
    assert len(frames) > 10


def test_a_second_ctrl_c_ends_the_program(spiral, monkeypatch):
    data = spiral.make_data(10, 3, seed=0)
    model = spiral.make_model(8, 3, seed=0)

    def fit(*args, **kwargs):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(nn, "fit", fit)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            spiral.train(model, spiral.RECIPES["adam"].optimizer(model, 0.05), data, 9)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, previous)


@pytest.mark.parametrize("epochs", [1, 3, 100, 10_000, 10**6])
def test_a_training_that_may_be_stopped_keeps_steps_all_along(plots, epochs):
    steps = sorted(plots.steps_if_stopped(epochs))
    assert steps[0] == 1
    assert steps[-1] == epochs
    assert len(steps) <= 240
    assert (np.diff(steps) <= 1 + 0.07 * np.array(steps[:-1])).all()


# --- bad input -----------------------------------------------------------------------------------


def refused(spiral, capsys, argv):
    """The message with which a command line is refused."""
    with pytest.raises(SystemExit) as stopped:
        spiral.main(argv)
    assert stopped.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("--samples", "0", "at least 1, not '0'"),
        ("--samples", "ten", "at least 1, not 'ten'"),
        ("--classes", "1", "from 2 to 8, not '1'"),
        ("--classes", "9", "from 2 to 8, not '9'"),
        ("--width", "-4", "at least 1, not '-4'"),
        ("--epochs", "0", "at least 1, not '0'"),
        ("--epochs", "2.5", "at least 1, not '2.5'"),
        ("--seed", "4294967296", "from 0 to 4294967295"),
        ("--lr", "0", "above 0, not '0'"),
        ("--lr", "nan", "above 0, not 'nan'"),
        ("--lr", "fast", "above 0, not 'fast'"),
        ("--optimizer", "lion", "invalid choice: 'lion'"),
    ],
)
def test_bad_values_are_refused(spiral, capsys, tmp_path, option, value, wanted):
    said = refused(spiral, capsys, [f"{option}={value}", "--out", str(tmp_path / "out")])
    assert f"argument {option}" in said
    assert wanted in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("inside", ["", "deeper/down"])
def test_an_unwritable_folder_is_reported_before_training(
    spiral, capsys, tmp_path, monkeypatch, inside
):
    monkeypatch.setattr(spiral, "train", lambda *_: pytest.fail("training started"))
    (tmp_path / "taken").write_text("a file")
    said = refused(spiral, capsys, ["--out", str(tmp_path / "taken" / inside)])
    assert "argument --out: can't write to the folder" in said
    assert "taken" in said


def test_a_training_that_blows_up_says_so(spiral, tmp_path):
    options = ["--lr", "1e30", "--epochs", "50", "--out", str(tmp_path)]
    with np.errstate(all="ignore"), pytest.raises(SystemExit, match="smaller learning") as stopped:
        spiral.main([*QUICK, *options])
    assert str(stopped.value).startswith("Training failed")


@pytest.mark.parametrize("missing", ["nnfs", "matplotlib", "tqdm"])
def test_a_missing_package_is_named(missing):
    code = (
        f"import runpy, sys; sys.modules[{missing!r}] = None; "
        f"sys.argv = ['spiral.py']; sys.path.insert(0, {str(EXAMPLES)!r}); "
        f"runpy.run_path({str(EXAMPLES / 'spiral.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert missing in done.stderr
    assert 'pip install -e ".[examples]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_options_and_examples(spiral, capsys):
    with pytest.raises(SystemExit) as stopped:
        spiral.main(["--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    for word in ("--samples", "--classes", "--width", "--optimizer", "--lr", "--epochs", "--seed"):
        assert word in said
    assert "python examples/spiral.py --" in said
    assert "default: out" in said
