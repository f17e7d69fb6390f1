"""Schedules against PyTorch's schedulers, step by step; the one with a state; combinations."""

import copy
import pickle

import numpy as np
import pytest

import nn
import tinygrad_np as tg

EXACT = tuple(name for name in tg.PASSES if name not in tg.REORDERING_PASSES)

# The same arguments are given to both; {} compares the defaults.
CASES = [
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 3, "gamma": 0.7}),
    ("MultiStepLR", {"milestones": [12, 4, 4, 20], "gamma": 0.5}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 9}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.8, "total_iters": 11}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 21, "power": 2.5}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 30, "eta_min": 0.05}),
    ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
    ("OneCycleLR", {"total_steps": 40}),
    ("OneCycleLR", {"epochs": 4, "steps_per_epoch": 10, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"total_steps": 40, "three_phase": True, "pct_start": 0.4, "div_factor": 4}),
    ("OneCycleLR", {"total_steps": 50, "final_div_factor": 10.0, "pct_start": 0.05}),
]


@pytest.fixture(scope="module")
def theirs():
    """A function that returns the rates of a scheduler of PyTorch's after each step."""
    torch = pytest.importorskip("torch")

    def rates(make, steps=40, lr=0.3):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
        scheduler = make(torch.optim.lr_scheduler, optimizer)
        seen = []
        for _ in range(steps):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return seen

    return rates


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "options"), CASES)
def test_rates_are_pytorchs(theirs, name, options):
    schedule = getattr(nn, name)(0.3, **options)
    more = {"cycle_momentum": False, "max_lr": 0.3} if name == "OneCycleLR" else {}
    expected = theirs(lambda module, o: getattr(module, name)(o, **options, **more))
    np.testing.assert_allclose([schedule(t) for t in range(40)], expected, rtol=1e-9, atol=1e-15)
    by_epoch = getattr(nn, name)(0.3, **options) if name == "OneCycleLR" else None
    if by_epoch is None:
        by_epoch = getattr(nn, name)(0.3, **options, steps_per_epoch=5)
        assert [by_epoch(t) for t in range(15)] == [schedule(t // 5) for t in range(15)]
    assert eval(repr(schedule), vars(nn)) == schedule if name != "OneCycleLR" else repr(schedule)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_combinations_are_pytorchs(theirs):
    warm_up = {"start_factor": 0.1, "total_iters": 8}

    def one_behind_the_other(module, o):
        parts = [module.LinearLR(o, **warm_up), module.CosineAnnealingLR(o, 20)]
        parts.append(module.ConstantLR(o, factor=0.2, total_iters=99))
        return module.SequentialLR(o, parts, milestones=[8, 28])

    parts = [nn.LinearLR(0.3, **warm_up), nn.CosineAnnealingLR(0.3, 20), lambda t: 0.3 * 0.2]
    ours = nn.SequentialLR(parts, milestones=[8, 28])
    expected = theirs(one_behind_the_other)
    np.testing.assert_allclose([ours(t) for t in range(40)], expected, rtol=1e-9, atol=1e-15)

    def product(module, o):
        return module.ChainedScheduler([module.LinearLR(o, **warm_up), module.StepLR(o, 5)])

    for ours in (
        nn.LinearLR(1.0, **warm_up) * nn.StepLR(0.3, 5),
        (lambda t: 0.1 ** (t // 5)) * nn.LinearLR(0.3, **warm_up),
        0.3 * (nn.LinearLR(1.0, **warm_up) * nn.StepLR(1.0, 5)),
    ):
        np.testing.assert_allclose([ours(t) for t in range(40)], theirs(product), rtol=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("cooldown", [0, 3])
def test_a_plateau_is_pytorchs(mode, threshold_mode, cooldown):
    torch = pytest.importorskip("torch")
    options = {"mode": mode, "threshold_mode": threshold_mode, "cooldown": cooldown}
    options |= {"factor": 0.5, "patience": 2, "threshold": 0.05, "min_lr": 0.01}
    reference = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(reference, **options)
    rate = nn.ReduceLROnPlateau(0.3, **options)
    optimizer = nn.SGD([nn.Parameter([1.0])], lr=rate)
    rng = np.random.default_rng(0)
    for k in range(60):
        value = float(np.cos(k / 15) + 0.02 * rng.standard_normal())
        scheduler.step(value)
        rate.step(np.float32(value) if k % 2 else tg.Tensor(np.float32(value)))
        assert optimizer.lr == pytest.approx(reference.param_groups[0]["lr"], rel=1e-12)
    assert optimizer.lr < 0.1


def make_plateau():
    rate = nn.ReduceLROnPlateau(0.5, patience=1, factor=0.5)
    p = nn.Parameter([3.0], dtype=np.float64)
    return rate, p, nn.Adam([p], lr=rate)


def step(p, optimizer):
    optimizer.zero_grad()
    (p * p).sum().backward()
    optimizer.step()


@pytest.mark.parametrize("way", ["file", "copy", "compiled"])
def test_a_plateau_goes_on_with_the_optimizer(way, tmp_path):
    metrics = [3.0, 2.0, 2.0, 2.0, 2.5, 1.0, 1.0, 1.0, 1.0]
    rate, p, optimizer = make_plateau()
    for metric in metrics[:4]:
        step(p, optimizer)
        rate.step(metric)
    assert optimizer.lr == 0.25
    other_rate, q, other = make_plateau()
    run = step
    if way == "copy":
        other_rate, q, other = copy.deepcopy((rate, p, optimizer))
    elif way == "file":
        nn.save({"optimizer": optimizer}, tmp_path / "run.npz")
        nn.load(tmp_path / "run.npz", {"optimizer": other})
    else:
        compiled = tg.compile(lambda: step(q, other), passes=EXACT)
        for metric in metrics[:4]:
            compiled()
            other_rate.step(metric)

        def run(*_):
            return compiled()

    with tg.no_grad():
        q.assign(p.numpy().copy())
    for metric in metrics[4:]:
        step(p, optimizer)
        run(q, other)
        rate.step(metric)
        other_rate.step(metric)
        assert other.lr == optimizer.lr
        assert q.item() == p.item()
    assert other.lr < 0.2
    if way == "compiled":
        assert "1 program" in repr(compiled)


def test_a_plateaus_state_that_does_not_fit():
    _, _, optimizer = make_plateau()
    state = optimizer.state_dict()
    assert {"lr.rate", "lr.best", "lr.bad", "lr.cooling"} <= state.keys()
    with pytest.raises(TypeError, match="best must be a number"):
        optimizer.load_state_dict({**state, "steps": 5, "lr.best": "low"})
    del state["lr.best"]
    with pytest.raises(KeyError, match=r"missing \['lr\.best'\]"):
        optimizer.load_state_dict({**state, "steps": 5})
    assert optimizer.steps == 0


def test_fit_with_a_plateau():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 2)), rng.standard_normal((20, 1))
    model = nn.Linear(2, 1)
    rate = nn.ReduceLROnPlateau(0.1, patience=0, factor=0.5, threshold=0.5)
    optimizer = nn.SGD(model.parameters(), lr=rate)

    def after(epoch, history):
        rate.step(history["loss"][-1])

    options = {"optimizer": optimizer, "loss": nn.mse_loss, "progress": False}
    history = nn.fit(model, x, y, epochs=6, on_epoch=after, **options)
    assert history["lr"][0] == 0.1
    assert history["lr"][-1] < 0.02


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "schedule",
    [
        *(getattr(nn, name)(0.3, **options) for name, options in CASES[::2]),
        nn.InverseTimeDecay(0.3, 0.1) * nn.LinearLR(1.0),
        nn.SequentialLR([nn.LinearLR(0.3), nn.CosineAnnealingLR(0.3, 9)], [4]),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_schedules_in_a_compiled_step(schedule):
    """One program for all steps: no branch of the first one is fixed."""
    ends = []
    for compiled in (False, True):
        p = nn.Parameter([3.0], dtype=np.float64)
        optimizer = nn.SGD([p], lr=schedule, momentum=0.5)

        def run(p=p, optimizer=optimizer):
            step(p, optimizer)

        run = tg.compile(run, passes=EXACT) if compiled else run
        for _ in range(14):
            run()
        ends.append((p.item(), optimizer.lr))
    assert ends[0] == ends[1]
    assert "1 program" in repr(run)


def test_the_end_of_one_cycle():
    schedule = nn.OneCycleLR(1.0, total_steps=10)
    assert schedule(9) == schedule(10_000) == pytest.approx(1 / 25 / 1e4)
    assert nn.OneCycleLR(1.0, total_steps=1)(0) > 0


PARAMS = [nn.Parameter([1.0])]


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: nn.StepLR(nn.SGD(PARAMS), 3), TypeError, r"lr=nn\.StepLR\(0\.1, \.\.\.\)"),
        (lambda: nn.ReduceLROnPlateau(nn.SGD(PARAMS)), TypeError, "takes the learning rate, and"),
        (lambda: nn.StepLR(-1, 3), ValueError, "lr must not be negative"),
        (lambda: nn.StepLR(0.1, 0), ValueError, "step_size must be at least 1"),
        (lambda: nn.StepLR(0.1, 3, steps_per_epoch=0), ValueError, "steps_per_epoch must be at"),
        (lambda: nn.MultiStepLR(0.1, 5), TypeError, "milestones must be whole numbers"),
        (lambda: nn.CosineAnnealingLR(0.1, 2.5), TypeError, "T_max must be a whole number"),
        (lambda: nn.OneCycleLR(0.1), TypeError, "needs total_steps, or epochs and steps_per"),
        (lambda: nn.OneCycleLR(0.1, 9, pct_start=2), ValueError, "pct_start must be in"),
        (lambda: nn.OneCycleLR(0.1, 9, div_factor=0), ValueError, "div_factor must be above 0"),
        (lambda: nn.OneCycleLR(0.1, 9, anneal_strategy="sin"), ValueError, '"cos" or "linear"'),
        (lambda: nn.SequentialLR([nn.LinearLR(1)], [5]), ValueError, "1 schedules need 0 mile"),
        (lambda: nn.LinearLR(1) * nn.ReduceLROnPlateau(1), TypeError, "has a state"),
        (lambda: nn.SequentialLR([nn.ReduceLROnPlateau(1)], []), TypeError, "has a state"),
        (lambda: nn.LinearLR(1) * -1, ValueError, "must not be negative"),
        (lambda: nn.ReduceLROnPlateau(0.1, "low"), ValueError, '"min" or "max"'),
        (lambda: nn.ReduceLROnPlateau(0.1, factor=1.0), ValueError, "factor must be in"),
        (lambda: nn.ReduceLROnPlateau(0.1).step(None), TypeError, "the metric must be a number"),
    ],
)
def test_wrong_arguments(make, error, said):
    with pytest.raises(error, match=said):
        make()
