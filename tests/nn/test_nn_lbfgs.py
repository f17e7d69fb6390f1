"""L-BFGS: against PyTorch and SciPy, and what a step leaves alone."""

import numpy as np
import pytest

import nn
import tinygrad_np as tg

START = [-1.2, 1.0, -0.5, 0.8]


def rosenbrock(p):
    return (100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2).sum()


def closure_of(optimizer, loss, calls=None):
    def closure():
        if calls is not None:
            calls.append(None)
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    return closure


def both(torch, **options):
    """Ours and PyTorch's on the same problem: optimizer, parameter, the evaluations so far."""
    p = nn.Parameter(START, dtype=np.float64)
    q = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    ours, theirs = nn.LBFGS([p], **options), torch.optim.LBFGS([q], **options)
    return (ours, p, []), (theirs, q, [])


@pytest.mark.oracle
def test_moves_without_a_search_are_pytorchs():
    """The history, the direction, the first move, and the end of a step."""
    torch = pytest.importorskip("torch")
    sides = both(torch, lr=0.01, history_size=5)
    for _ in range(4):
        losses = [o.step(closure_of(o, lambda w=w: rosenbrock(w))).item() for o, w, _ in sides]
        assert losses[0] == pytest.approx(losses[1], rel=1e-9)
        np.testing.assert_allclose(sides[0][1].numpy(), sides[1][1].detach().numpy(), rtol=1e-9)


@pytest.mark.oracle
def test_the_search_gets_there_with_as_many_evaluations_as_pytorchs():
    torch = pytest.importorskip("torch")
    sides = both(torch, line_search_fn="strong_wolfe")
    for optimizer, w, calls in sides:
        closure = closure_of(optimizer, lambda w=w: rosenbrock(w), calls)
        while optimizer.step(closure).item() > 1e-10:
            assert len(calls) < 500
    np.testing.assert_allclose(sides[0][1].numpy(), np.ones(4), atol=1e-4)
    assert len(sides[0][2]) <= 1.2 * len(sides[1][2])


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logistic_regression_ends_where_scipys_does(dtype):
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 3))
    y = (x @ [1.0, -2.0, 0.5] + 0.5 * rng.standard_normal(80) > 0).astype(dtype).reshape(-1, 1)
    x = x.astype(dtype)
    model = nn.Linear(3, 1, dtype=dtype, rng=rng)
    optimizer = nn.LBFGS(model.parameters(), line_search_fn="strong_wolfe", max_iter=50)

    def loss():
        penalty = 0.01 * (model.weight**2).sum()
        return nn.binary_cross_entropy_with_logits(model(x), y) + penalty

    for _ in range(4):
        optimizer.step(closure_of(optimizer, loss))

    def plain(w):
        z = x.astype(np.float64) @ w[:3] + w[3]
        return np.logaddexp(0, z).mean() - (y[:, 0] * z).mean() + 0.01 * (w[:3] ** 2).sum()

    best = optimize.minimize(plain, np.zeros(4), method="BFGS", tol=1e-9)
    # In float32 the loss has no finer steps: near the minimum all values are the same.
    finest = max(1e-9, 4 * np.finfo(dtype).eps * best.fun)
    assert plain(nn.ravel(model)[0].astype(np.float64)) - best.fun < finest
    assert {p.dtype for p in model.parameters()} == {np.dtype(dtype)}


@pytest.mark.parametrize(
    ("loss", "start", "best"),
    [
        (lambda p: (p - tg.log(p)).sum(), [30.0, 0.01], [1.0, 1.0]),  # nan beyond 0
        (lambda p: tg.exp(p).sum() - 2 * p.sum(), [20.0, -20.0], np.log([2.0, 2.0])),
        (lambda p: ((p**2) ** 2).sum(), [1.0, -3.0], [0.0, 0.0]),
        (lambda p: (p * p).sum(), [0.0, 0.0], [0.0, 0.0]),  # nowhere to go
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_the_search_finds_its_way(loss, start, best):
    p = nn.Parameter(start, dtype=np.float64)
    optimizer = nn.LBFGS([p], line_search_fn="strong_wolfe", max_iter=200, max_eval=400)
    for _ in range(3):
        optimizer.step(closure_of(optimizer, lambda: loss(p)))
    np.testing.assert_allclose(p.numpy(), best, atol=0.05)


def test_a_search_meets_the_conditions_of_wolfe():
    from nn.optimizers.line_search import Point, strong_wolfe

    def at(t):
        waves = 1 - 0.3 * np.sin(7 * t)
        slope = 2 * (t - 3) * waves - (t - 3) ** 2 * 2.1 * np.cos(7 * t)
        return Point(t, (t - 3) ** 2 * waves, slope, None)

    start = at(0.0)
    for first in (1e-3, 0.1, 1.0, 5.0, 100.0):
        point = strong_wolfe(at, start, first, 1e-12)
        assert point.loss <= start.loss + 1e-4 * point.t * start.slope
        assert abs(point.slope) <= 0.9 * abs(start.slope)


def test_a_run_goes_on_where_it_was(tmp_path):
    ends = []
    for stopped in (False, True):
        p = nn.Parameter(START, dtype=np.float64)
        optimizer = nn.LBFGS([p], line_search_fn="strong_wolfe", max_iter=6)
        for _ in range(2):
            optimizer.step(closure_of(optimizer, lambda p=p: rosenbrock(p)))
        if stopped:
            nn.save({"optimizer": optimizer}, tmp_path / "run.npz")
            p = nn.Parameter(p.numpy(), dtype=np.float64)
            optimizer = nn.LBFGS([p], 0.5, line_search_fn="strong_wolfe", max_iter=6)
            nn.load(tmp_path / "run.npz", {"optimizer": optimizer})
        for _ in range(2):
            optimizer.step(closure_of(optimizer, lambda p=p: rosenbrock(p)))
        ends.append((p.tolist(), optimizer.steps))
    assert ends[0] == ends[1]
    with pytest.raises(ValueError, match=r"is for \(4,\) elements, not \(2,\)"):
        nn.LBFGS([nn.Parameter([1.0, 2.0])]).load_state_dict(optimizer.state_dict())
    with pytest.raises(KeyError, match=r"missing \['t'\]"):
        optimizer.load_state_dict({k: v for k, v in optimizer.state_dict().items() if k != "t"})


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_step_that_fails_changes_nothing(error):
    p, q = nn.Parameter(START[:2], dtype=np.float64), nn.Parameter(START[2:], dtype=np.float32)
    optimizer = nn.LBFGS([p, q], line_search_fn="strong_wolfe")
    calls = []

    def loss():
        if len(calls) == 30:
            raise error
        return rosenbrock(tg.concatenate([p, q]))

    closure = closure_of(optimizer, loss, calls)
    for _ in range(9):
        before = p.tolist(), q.tolist(), optimizer.state_dict()
        try:
            optimizer.step(closure)
        except error:
            break
    assert len(calls) == 30
    assert (p.tolist(), q.tolist()) == before[:2]
    state = optimizer.state_dict()
    assert all(np.array_equal(state[name], value) for name, value in before[2].items())


@pytest.mark.filterwarnings("error")
def test_a_compiled_closure_and_a_compiled_step():
    ends = []
    for compiled in (False, True):
        p = nn.Parameter(START, dtype=np.float64)
        optimizer = nn.LBFGS([p], line_search_fn="strong_wolfe")

        def closure(p=p):
            p.grad = None
            loss = rosenbrock(p)
            loss.backward()
            return loss

        optimizer.step(tg.compile(closure, passes=()) if compiled else closure)
        ends.append(p.tolist())
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-9)
    with pytest.raises(tg.CompileError, match="Instead: compile the closure"):
        tg.compile(lambda: optimizer.step(closure))()
    assert p.tolist() == ends[1]


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda p: nn.LBFGS([p]).step(), TypeError, r"LBFGS\.step\(closure\) needs a function"),
        (lambda p: nn.LBFGS([p]).step(lambda: None), TypeError, "must return the loss"),
        (lambda p: nn.LBFGS([p]).step(lambda: tg.Tensor(1.0)), RuntimeError, "no parameter has a"),
        (lambda p: nn.LBFGS([{"params": [p]}]), TypeError, "LBFGS has no groups"),
        (lambda p: nn.LBFGS([]), ValueError, "got no parameters"),
        (lambda p: nn.LBFGS([p, p]), ValueError, "same parameter twice"),
        (lambda p: nn.LBFGS([p], lr=0), ValueError, "lr must be above 0"),
        (lambda p: nn.LBFGS([p], max_iter=0), ValueError, "max_iter must be at least 1"),
        (lambda p: nn.LBFGS([p], line_search_fn="wolfe"), ValueError, "None or 'strong_wolfe'"),
    ],
)
def test_wrong_arguments(make, error, said):
    with pytest.raises(error, match=said):
        make(nn.Parameter([1.0]))
