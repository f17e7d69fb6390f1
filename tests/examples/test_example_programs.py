"""The programs that share examples/program.py: what they print and draw, and bad circumstances."""

import io
import runpy
import signal
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("nnfs")
pytest.importorskip("tqdm")
Image = pytest.importorskip("PIL.Image")

import tinygrad_np as tg  # noqa: E402
from tinygrad_np import nn  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = [
    "cartpole",
    "char_gpt",
    "digits",
    "dream",
    "flow",
    "gp",
    "logistic",
    "micrograd",
    "names_lstm",
    "own_op",
    "pendulum",
    "pinn",
    "regression",
    "sweep",
    "vae",
]
# The packages beyond the extra "examples".
NEEDS = {"digits": ["sklearn"], "dream": ["sklearn"], "gp": ["scipy.optimize"], "vae": ["sklearn"]}


@pytest.fixture(autouse=True)
def examples_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))


@pytest.fixture(params=PROGRAMS)
def name(request):
    for package in NEEDS.get(request.param, ()):
        pytest.importorskip(package)
    return request.param


@pytest.fixture
def printed(monkeypatch, capsys):
    """The lines that a program prints, but the one that names the picture, which is not drawn."""

    def lines(name, *options):
        program = import_module(name)
        monkeypatch.setattr(program, "draw", lambda *_: None)
        program.main(["--quick", *options])
        *lines, last = capsys.readouterr().out.splitlines()
        assert f"{name}.png: " in last
        return lines

    return lines


@pytest.mark.oracle
def test_they_run_from_anywhere_on_any_console_and_print_the_same_without_compile(
    name, tmp_path, monkeypatch, printed
):
    """As programs, in this process: .ci/run starts them from a shell."""
    monkeypatch.chdir(tmp_path)
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    before = dict(matplotlib.rcParams)
    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # as Python does
        patch.setattr(sys, "stdout", console)
        patch.setattr(sys, "argv", [name, "--quick", "--out", "größe→"])
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert dict(matplotlib.rcParams) == before
    (picture,) = (tmp_path / "größe→").iterdir()
    assert picture.name == f"{name}.png"
    with Image.open(picture) as image:
        low, high = image.convert("L").getextrema()
        assert image.width > 1000
    assert low < 80
    assert high == 255
    console.flush()
    *lines, _ = console.buffer.getvalue().decode("ascii").splitlines()
    assert printed(name, "--no-compile", "--out", str(tmp_path)) == lines


def test_bad_options_are_refused_before_the_work(name, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    program = import_module(name)
    for options, wanted in (
        (["--out", str(tmp_path / "file" / "deeper")], "argument --out: can't write to the folder"),
        (["--seed", "-1"], "from 0 to 4294967295, not '-1'"),
    ):
        with pytest.raises(SystemExit) as stopped:
            program.main(options)
        assert stopped.value.code == 2
        said = capsys.readouterr()
        assert wanted in said.err.splitlines()[-1]
        assert not said.out
    with pytest.raises(SystemExit) as stopped:
        program.main(["--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert program.__doc__.splitlines()[0] in said
    for option in ("--quick", "--out", "--seed", "--no-compile", "Ctrl-C"):
        assert option in said


def test_what_goes_wrong_is_one_line(tmp_path):
    (tmp_path / "out" / "regression.png").mkdir(parents=True)  # in the place of the file
    command = [sys.executable, EXAMPLES / "regression.py", "--quick"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith(f"can't write to {Path('out') / 'regression.png'}: ")
    assert b"Traceback" not in done.stderr


def test_the_extra_that_is_missing_is_named(tmp_path):
    code = f"""
import runpy, sys
sys.modules |= {{"sklearn": None, "scipy": None}}
sys.path.insert(0, {str(EXAMPLES)!r})
for name in {list(NEEDS)}:
    sys.argv = [name, "--quick"]
    try:
        runpy.run_path({str(EXAMPLES)!r} + f"/{{name}}.py", run_name="__main__")
    except SystemExit as stopped:
        print(stopped.code)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(NEEDS)
    assert all("sklearn]" in line for line in lines)


# --- what they have in common --------------------------------------------------------------------


def test_the_first_ctrl_c_ends_the_steps_and_the_second_the_program():
    from program import until_stopped

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        steps = []
        for step in until_stopped(100):
            steps.append(step)
            if step == 7:
                signal.raise_signal(signal.SIGINT)
        assert steps == [1, 2, 3, 4, 5, 6, 7]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with pytest.raises(KeyboardInterrupt):
            [signal.raise_signal(signal.SIGINT) for _ in until_stopped(100) for _ in range(2)]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)


# --- each on its own -----------------------------------------------------------------------------


def test_the_sine_starts_as_the_published_log(printed, tmp_path):
    lines = printed("regression", "--out", str(tmp_path))
    assert lines[0] == "epoch      0: acc 0.003, loss 0.496"
    assert lines[1].startswith("epoch    100: acc 0.017, loss 0.048")


def test_the_logistic_regression_starts_as_the_books_log(printed, tmp_path):
    lines = printed("logistic", "--out", str(tmp_path))
    assert printed("logistic", "--out", str(tmp_path), "--seed", "1") != lines
    assert lines[0] == "epoch      0: acc 0.500, loss 0.693"
    assert lines[1] == "epoch    100: acc 0.630, loss 0.674"


def test_a_network_that_knows_the_answer_shades_the_plane(tmp_path):
    """Logits -20·x: class 0, blue, on the right."""
    logistic = import_module("logistic")
    model = logistic.make_model()
    right, left = np.zeros((2, 64)), np.zeros((64, 1))
    right[0, :2], left[:2, 0] = (1, -1), (-20, 20)
    state = {"0.weight": right, "0.bias": np.zeros(64), "2.weight": left, "2.bias": np.zeros(1)}
    model.load_state_dict(state)
    points = np.array([[[-1.0, 0], [1, 0]], [[0, 1], [0.05, 0]]], np.float32)
    expected = 1 / (1 + np.exp(20 * points[..., 0]))
    np.testing.assert_allclose(logistic.probability(model, points), expected, rtol=1e-5)


def test_the_transformer_does_not_see_what_comes():
    """What it says at a place hangs on the letters up to there, and on all of them."""
    gpt = import_module("char_gpt")
    model = gpt.GPT()
    codes = gpt.WINDOWS[:2, :10].copy()
    before = model.predict(codes)
    codes[:, 6] = (codes[:, 6] + 1) % len(gpt.LETTERS)
    after = model.predict(codes)
    np.testing.assert_allclose(after[:, :6], before[:, :6], rtol=1e-4, atol=1e-6)
    assert (abs(after[:, 6:] - before[:, 6:]).max(axis=-1) > 1e-4).all()
    text, probabilities = gpt.write(model, 9, 0.7, np.random.default_rng(0))
    assert len(text) == len(probabilities) == 9


def test_the_autoencoders_cost_is_a_bound_of_the_likelihood():
    """Against the divergence and the cross-entropy in NumPy, at the place that was drawn."""
    vae = import_module("vae")
    model = vae.VAE(width=8)
    x = np.random.default_rng(0).uniform(size=(5, 64)).astype(np.float32)
    vae.tg.manual_seed(1)
    drawing, telling = (cost.item() for cost in model(x))
    mean, log_scale = np.split(model.encoder.predict(x).astype(float), 2, axis=1)
    divergence = (np.exp(2 * log_scale) + mean**2 - 1) / 2 - log_scale
    assert telling == pytest.approx(divergence.sum() / 5, rel=1e-5)
    place = mean + np.exp(log_scale) * vae.tg.manual_seed(1).standard_normal((5, 2))
    p = 1 / (1 + np.exp(-model.decoder.predict(place).astype(float)))
    entropy = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum() / 5
    assert drawing == pytest.approx(entropy, rel=1e-5)


def test_scalars_find_the_gradients_of_finite_differences():
    micrograd = import_module("micrograd")
    rng = np.random.default_rng(0)
    weights, X, target = rng.standard_normal((3, 4)), rng.standard_normal((5, 2)), np.ones(5)
    loss, gradient = micrograd.loss_by_scalars(weights, X, target)
    outputs = np.tanh(np.tanh(X @ weights[:, :2].T + weights[:, 2]) @ weights[:, 3])
    assert loss == pytest.approx(np.mean((outputs - 1) ** 2), rel=1e-12)
    for place in np.ndindex(weights.shape):
        losses = []
        for sign in (1, -1):
            moved = weights.copy()
            moved[place] += sign * 1e-6
            losses.append(micrograd.loss_by_scalars(moved, X, target)[0])
        slope = (losses[0] - losses[1]) / 2e-6
        assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_the_surprise_is_the_likelihood_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    gp = import_module("gp")
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 5, 6), rng.standard_normal(6)
    covariance = 1.5**2 * np.exp(-((x[:, None] - x) ** 2) / (2 * 0.7**2)) + 0.2**2 * np.eye(6)
    expected = -stats.multivariate_normal(np.zeros(6), covariance).logpdf(y)
    assert float(gp.surprise(np.log([0.7, 1.5, 0.2]), x, y)) == pytest.approx(expected, rel=1e-9)
    mean, spread = gp.posterior(x, x, y, 0.7, 1.5, 1e-6)  # without noise: through the points
    np.testing.assert_allclose(mean, y, atol=1e-6)
    np.testing.assert_allclose(spread, 0, atol=1e-6)


def test_what_is_left_of_the_equation_is_that_of_finite_differences():
    pinn = import_module("pinn")
    dense = [nn.Linear(*sizes, dtype=np.float64) for sizes in ((1, 8), (8, 1))]
    model = nn.Sequential(dense[0], nn.Tanh(), dense[1])
    t, h = np.linspace(0, 3, 7)[:, None], 1e-4
    before, here, after = (pinn.solution(model, tg.Tensor(t + s)).numpy() for s in (-h, 0, h))
    acceleration, speed = (before - 2 * here + after) / h**2, (after - before) / (2 * h)
    expected = acceleration + speed / 2 + 9.81 * np.sin(here)
    np.testing.assert_allclose(pinn.residual(model, tg.Tensor(t)).numpy(), expected, atol=1e-5)
    assert here[0] == 2
    integrate = pytest.importorskip("scipy.integrate")
    law = lambda t, s: [s[1], -s[1] / 2 - 9.81 * np.sin(s[0])]  # noqa: E731
    exact = integrate.solve_ivp(law, (0, 3), [2, 0], t_eval=pinn.TIMES, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(pinn.truth(), exact.y[0], atol=1e-6)
