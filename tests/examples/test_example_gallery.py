"""The newer programs, each held against an oracle of its own."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

pytest.importorskip("matplotlib")
pytest.importorskip("tqdm")

import tinygrad_np as tg  # noqa: E402
from tinygrad_np import nn  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def examples_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))


@pytest.mark.parametrize("name", ["cartpole", "dream", "flow", "names_lstm", "pendulum"])
def test_they_are_short(name):
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 120


# --- flow ----------------------------------------------------------------------------------------


def test_the_flows_density_is_that_of_the_points_that_it_makes():
    """log p(x) = log N(noise) - log |det dx/dnoise|, the determinant by finite differences."""
    flow = import_module("flow")
    tg.manual_seed(3)
    model = flow.Flow()
    dense = lambda *size: nn.Linear(*size, dtype=np.float64)  # noqa: E731
    model.networks = nn.ModuleList(
        [nn.Sequential(dense(1, 8), nn.Tanh(), dense(8, 2)) for _ in range(4)]
    )
    noise = np.random.default_rng(0).standard_normal((6, 2))
    *_, x = model.way(noise)
    h = 1e-6
    columns = [
        (model.way(noise + step)[-1] - model.way(noise - step)[-1]) / (2 * h)
        for step in h * np.eye(2)
    ]
    stretch = np.linalg.slogdet(np.stack(columns, axis=-1))[1]
    expected = -(noise**2).sum(axis=1) / 2 - np.log(2 * np.pi) - stretch
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-6)
    assert np.ptp(stretch) > 0.01


def test_the_true_densities_sum_to_one_and_are_where_the_points_are():
    flow = import_module("flow")
    x, y = np.meshgrid(np.linspace(-2, 3, 101), np.linspace(-1.6, 2.1, 75))
    densities = flow.true_densities(np.stack([x.ravel(), y.ravel()], axis=1))
    np.testing.assert_allclose(densities.sum(axis=1) * 0.05 * 0.05, 1, atol=1e-3)
    points, moon = nn.data.moons(500, flow.NOISE, rng=np.random.default_rng(0))
    assert np.mean(flow.true_densities(points).argmax(axis=0) == moon) > 0.99


# --- names ---------------------------------------------------------------------------------------


def test_names_are_written_with_the_probabilities_of_the_model():
    names = import_module("names_lstm")
    tg.manual_seed(0)
    model = names.Writer()
    made = names.write(model, 20, 1.0, np.random.default_rng(0))
    assert len(made) > 15
    for name, probabilities in made.items():
        codes = np.array([[names.LETTERS.index(letter) for letter in f".{name.lower()}"]])
        said = tg.softmax(model.predict(codes))[0]
        follow = [names.LETTERS.index(letter) for letter in f"{name.lower()}."][: names.LENGTH]
        expected = said[np.arange(len(follow)), follow]
        np.testing.assert_allclose(probabilities[: len(follow)], expected, rtol=1e-4)


def test_names_are_cut_into_letters_and_pairs_are_counted():
    names = import_module("names_lstm")
    assert len(set(names.NAMES)) == len(names.NAMES) == 395
    shown = "".join(names.LETTERS[code] for code in names.TARGETS[1] if code >= 0)
    assert shown == names.NAMES[1] + "."
    text = "".join(f".{x}" for k, x in enumerate(names.NAMES) if k % 9) + "."
    row, column = names.UNSEEN.nonzero()[0][3], 2  # the third letter of a name that is not counted
    score = np.exp(names.pairs()[row, column])
    for letter in "ao.":
        pair = names.LETTERS[names.INPUTS[row, column]] + letter
        assert score[names.LETTERS.index(letter)] == pytest.approx(text.count(pair) + 0.3)


# --- pendulum ------------------------------------------------------------------------------------


def test_the_swing_is_that_of_scipys_solver():
    integrate = pytest.importorskip("scipy.integrate")
    pendulum = import_module("pendulum")
    torques = 2 * np.sin(np.arange(pendulum.STEPS) / 9)
    state, tick = [0.0, 0.0], pendulum.TIMES[1]
    for torque, motion in zip(torques, pendulum.swing(torques)[1:]):
        law = lambda t, s, torque=torque: [  # noqa: E731
            s[1],
            torque - pendulum.FRICTION * s[1] - pendulum.GRAVITY * np.sin(s[0]),
        ]
        state = integrate.solve_ivp(law, (0, tick), state, rtol=1e-10, atol=1e-10).y[:, -1]
        np.testing.assert_allclose(motion, state, atol=1e-3)
    assert abs(state[0]) > 0.1
    np.testing.assert_allclose(pendulum.swing(torques, finer=10)[-1], state, atol=1e-6)


def test_the_gradient_through_the_solver_is_that_of_finite_differences():
    pendulum = import_module("pendulum")
    angle = lambda torques: pendulum.swing(list(torques))[-1][0]  # noqa: E731
    assert tg.gradcheck(angle, [np.array([1.0, -2.0, 0.5, 3.0])])


# --- cartpole ------------------------------------------------------------------------------------


def test_cart_and_pole_move_by_lagranges_equations():
    """M·(x″, θ″) = f for a cart and a uniform pole on a hinge, solved as a linear system."""
    cartpole = import_module("cartpole")
    states, forces = np.random.default_rng(0).standard_normal((20, 4)), [10.0, -10.0] * 10
    slopes = cartpole.slopes(states, np.array(forces))
    m, half = cartpole.POLE, cartpole.HALF
    for (_, speed, angle, turning), force, slope in zip(states, forces, slopes):
        mixed = m * half * np.cos(angle)
        inertia = m * half**2 + m * (2 * half) ** 2 / 12  # of the pole's middle, and about it
        masses = [[cartpole.CART + m, mixed], [mixed, inertia]]
        push = force + m * half * turning**2 * np.sin(angle)
        cart, pole = np.linalg.solve(masses, [push, m * cartpole.GRAVITY * half * np.sin(angle)])
        np.testing.assert_allclose(slope, [speed, cart, turning, pole], rtol=1e-12)


def test_episodes_end_where_the_pole_has_fallen_and_stay_ended():
    cartpole = import_module("cartpole")
    tg.manual_seed(0)
    policy = nn.Linear(4, 1)
    states, pushes = cartpole.play(policy, 50, np.random.default_rng(0))
    alive = pushes >= 0
    assert alive[0].all()
    assert not (alive[1:] & ~alive[:-1]).any()
    assert (abs(states[alive][:, 2]) < cartpole.LEAN).all()
    assert (abs(states[alive][:, 0]) < cartpole.EDGE).all()
    ended = ~alive[1:] & alive[:-1]
    assert ended.sum() >= 49  # an episode may end with the last tick
    assert (abs(states[1:][ended][:, 2]) >= cartpole.LEAN).all()


def test_advantages_are_discounted_sums_less_the_mean_of_the_tick():
    cartpole = import_module("cartpole")
    alive = np.arange(30)[:, None] < np.array([30, 4, 11])
    later = [[sum(0.99**k for k in range(n - t)) for n in (30, 4, 11) if t < n] for t in range(30)]
    expected = np.concatenate([np.array(row) - np.mean(row) for row in later])
    expected /= expected.std() + 1e-6
    np.testing.assert_allclose(cartpole.advantages(alive), expected, atol=1e-5)


# --- dream ---------------------------------------------------------------------------------------


def test_the_worst_change_is_small_and_raises_the_loss():
    dream = import_module("dream")
    rng = tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    x, y = rng.uniform(0, 1, (20, 64)).astype(np.float32), rng.integers(10, size=20)
    bad = dream.worst(model, x, y, 0.5).numpy()
    assert bad.min() >= 0
    assert bad.max() <= 1
    assert np.linalg.norm(bad - x, axis=1).max() < 0.5 + 1e-5
    losses = [nn.cross_entropy(model.predict(z), y, reduction="none") for z in (x, bad)]
    assert (losses[1] > losses[0]).all()


def test_a_dream_ends_once_the_network_is_sure():
    dream = import_module("dream")
    tg.manual_seed(0)
    model = nn.Linear(64, 10)
    model.load_state_dict({k: 10 * v for k, v in model.state_dict().items()})
    start = np.zeros((10, 64), np.float32)
    images = dream.dream(model, start, dream.CLASSES)
    sure = tg.softmax(model.predict(images))[dream.CLASSES, dream.CLASSES]
    assert (sure >= dream.SURE).all()
    assert sure.max() < 0.99  # and is changed no further
    np.testing.assert_array_equal(dream.dream(model, images, dream.CLASSES), images)


def test_the_oldest_module_names_are_free():
    """No program shares its name with a module of the standard library."""
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert not names & set(sys.stdlib_module_names)
