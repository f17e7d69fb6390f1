"""Optimizers: options by names from elsewhere, numbers of NumPy's kinds, and wrong arguments."""

import copy
import pickle

import numpy as np
import pytest
from folded import folded

import nn
import tinygrad_np as tg

NAMES = ["SGD", "AdaGrad", "RMSprop", "Adam", "AdamW"]


def parameter(values=(1.0, -2.0), dtype=np.float32):
    return nn.Parameter(np.array(values), dtype=dtype)


# --- options by names from elsewhere ------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("learning_rate", "has no option learning_rate, it is written lr here"),
        ("decay", r"it is written lr=nn.InverseTimeDecay\(lr, decay\) here"),
    ],
)
def test_a_rate_by_another_name(name, option, said):
    with pytest.raises(TypeError, match=said):
        getattr(nn, name)([parameter()], **{option: 0.1})


@pytest.mark.parametrize(
    ("name", "option", "here"),
    [
        ("Adam", "epsilon", "eps"),
        ("AdaGrad", "epsilon", "eps"),
        ("RMSprop", "rho", "alpha"),
        ("AdamW", "beta_1", r"betas=\(beta_1, beta_2\)"),
        ("Adam", "beta_2", r"betas=\(beta_1, beta_2\)"),
    ],
)
def test_other_options_by_another_name(name, option, here):
    with pytest.raises(
        TypeError, match=f"{name} has no option {option}, it is written {here} here"
    ):
        getattr(nn, name)([parameter()], **{option: 0.1})


@pytest.mark.parametrize(
    ("name", "option"), [("SGD", "rho"), ("SGD", "epsilon"), ("SGD", "betas"), ("Adam", "maximize")]
)
def test_an_option_that_it_does_not_have_gets_no_hint(name, option):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{option}'"):
        getattr(nn, name)([parameter()], **{option: 0.1})


def test_an_optimizer_of_ones_own_may_use_such_names():
    class Halving(nn.Optimizer):
        def __init__(self, params, decay):
            super().__init__(params, lambda step: decay**step)

        def update(self, g, lr, t):
            return (lr * g,)

    optimizer = Halving([parameter()], decay=0.5)
    assert optimizer.lr == 1
    assert pickle.loads(pickle.dumps(nn.Adam([parameter()]))).lr == 1e-3
    assert copy.copy(nn.SGD([parameter()], lr=0.5)).lr == 0.5


# --- what is no list of parameters --------------------------------------------------


@folded
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda model: model, r"not the Module: write \w+\(model\.parameters\(\), \.\.\.\)"),
        (lambda model: model.parameters, r"not a function: write \w+\(model\.parameters\(\)"),
        (lambda model: None, r"not None: write \w+\(model\.parameters\(\)"),
        (lambda model: 0.1, r"not 0\.1: write \w+\(model\.parameters\(\)"),
        (lambda model: model.state_dict(), r"not str: \w+\(model\.parameters\(\)"),
        (lambda model: model.named_parameters(), r"not tuple: \w+\(model\.parameters\(\)"),
        (lambda model: [model], r"not Sequential: \w+\(model\.parameters\(\)"),
    ],
    ids=["model", "method", "none", "number", "state", "named", "modules"],
)
def test_what_is_no_list_of_parameters(name, make, said):
    model = nn.Sequential(nn.Linear(20, 30))
    with pytest.raises(TypeError, match=said) as caught:
        getattr(nn, name)(make(model), lr=0.1)
    text = str(caught.value)
    assert text.startswith(name)
    assert len(text) < 250
    assert "\n" not in text


# --- NumPy's numbers, and those that are none ---------------------------------------


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.array, tg.Tensor])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.5, "momentum": 0.5, "weight_decay": 0.25}),
        ("AdaGrad", {"lr": 0.5, "eps": 0.125}),
        ("RMSprop", {"lr": 0.5, "alpha": 0.5, "eps": 0.125}),
        ("AdamW", {"lr": 0.5, "eps": 0.125, "weight_decay": 0.25}),
    ],
)
def test_numbers_of_any_kind_do_not_change_the_arithmetic(name, options, kind):
    """A float64 scalar times a float32 array is computed in float64: other last digits."""

    def steps(options):
        seen = []

        class Spy(getattr(nn, name)):
            def update(self, g, lr, t, *state):
                result = super().update(g, lr, t, *state)
                seen.extend(np.asarray(part).dtype for part in result)
                return result

        p = parameter()
        optimizer = Spy([p], **options)
        for k in range(3):
            p.grad = tg.Tensor(np.array([0.3, 0.7 * k], np.float32))
            optimizer.step()
        assert set(seen) == {np.dtype(np.float32)}
        return p.tolist()

    assert steps({key: kind(value) for key, value in options.items()}) == steps(options)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kind", [np.float64, np.array, lambda rate: np.array([rate])])
def test_schedules_may_return_numpys_numbers(kind, compiled):
    def rate(step):
        return float(0.1 + 0.05 * np.cos(step))

    def values(schedule):
        p = parameter()
        optimizer = nn.Adam([p], lr=schedule)

        def step():
            optimizer.zero_grad()
            (p * p).sum().backward()
            optimizer.step()

        run = tg.compile(step) if compiled else step
        for _ in range(5):
            run()
        return p.tolist()

    assert values(lambda step: kind(rate(step))) == values(rate)


@pytest.mark.parametrize("option", ["lr", "weight_decay"])
@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (np.inf, ValueError, "must be finite, it is inf"),
        (np.float64(-1), ValueError, "must not be negative, it is -1.0"),
        (None, TypeError, "must be a number, not None"),
        (1j, TypeError, "must be a number, not 1j"),
    ],
)
def test_numbers_that_are_no_rate(option, value, error, said):
    with pytest.raises(error, match=f"{option} {said}"):
        nn.SGD([parameter()], **{"lr": 0.1, option: value})


@pytest.mark.parametrize("betas", [0.9, (0.9,), (0.9, 0.99, 0.999), None])
def test_betas_are_a_pair(betas):
    with pytest.raises(TypeError, match="betas must be a pair of numbers"):
        nn.Adam([parameter()], betas=betas)


@pytest.mark.parametrize(
    ("rates", "error", "said"),
    [
        (lambda t: 0.2 - 0.1 * t, ValueError, "must not be negative, it is -0.1"),
        (lambda t: np.nan if t > 2 else 0.1, ValueError, "must not be negative, it is nan"),
        (lambda t: np.inf if t > 2 else 0.1, ValueError, "must be finite"),
        (lambda t: None if t > 2 else 0.1, TypeError, "must be a number, not None"),
    ],
    ids=["below-zero", "nan", "infinite", "none"],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_schedule_that_gives_no_rate_stops_before_the_step(rates, error, said, compiled):
    p = parameter()
    optimizer = nn.SGD([p], lr=rates)

    def step():
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()

    run = tg.compile(step) if compiled else step
    for _ in range(3):
        run()
    before = p.tolist()
    with pytest.raises(error, match=said):
        run()
    assert p.tolist() == before
    assert optimizer.steps == 3


@pytest.mark.parametrize("options", [{"lr": np.nan}, {"decay": np.nan}, {"lr": np.inf}])
def test_a_schedule_of_numbers_that_are_none(options):
    with pytest.raises(ValueError, match="must"):
        nn.InverseTimeDecay(**{"lr": 0.1, "decay": 0.1, **options})


def test_a_step_after_zero_grad_says_the_order():
    p = parameter()
    optimizer = nn.SGD([p])
    (p * p).sum().backward()
    optimizer.zero_grad()
    with pytest.raises(RuntimeError, match=r"backward\(\) between zero_grad\(\) and step\(\)"):
        optimizer.step()


OPTIMIZERS = [nn.SGD, nn.AdaGrad, nn.RMSprop, nn.Adadelta, nn.Adam, nn.AdamW]
OPTIMIZERS += [nn.Adamax, nn.NAdam, nn.RAdam, nn.Lion]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_reduce_is_between_the_gradient_and_the_decay(kind):
    """As if another process had the same gradient, by hand."""
    results = []
    for factor, reduce in ((2, None), (1, lambda g: g + g)):
        p = parameter()
        optimizer = kind([{"params": [p]}], lr=0.1, weight_decay=0.5, reduce=reduce)
        for _ in range(3):
            optimizer.zero_grad()
            ((p * p).sum() * factor).backward()
            optimizer.step()
        results.append(p.numpy())
    np.testing.assert_array_equal(*results)


def test_reduce_takes_zeros_where_nothing_was_reached_but_not_what_is_frozen():
    a, b, frozen = parameter(), parameter(), parameter()
    frozen.requires_grad = False
    seen = []
    optimizer = nn.SGD([a, frozen, b], lr=0.1, reduce=lambda g: seen.append(g) or g + 1)
    a.sum().backward()
    before = [p.numpy() for p in (a, b, frozen)]
    optimizer.step()
    assert seen[0].tolist() == [1.0] * a.size + [0.0] * b.size
    moved = [x - p.numpy() for x, p in zip(before, (a, b, frozen), strict=True)]
    np.testing.assert_allclose(moved[0], 0.2, rtol=1e-6)
    np.testing.assert_allclose(moved[1], 0.1, rtol=1e-6)
    np.testing.assert_array_equal(moved[2], 0)


def test_reduce_that_does_not_fit():
    p = parameter()
    with pytest.raises(TypeError, match="reduce must be a function of an array"):
        nn.Adam([p], reduce="sum")
    p.sum().backward()
    before = p.tolist()
    with pytest.raises(ValueError, match="of the shape that it is given"):
        nn.Adam([p], reduce=lambda g: g.sum()).step()
    assert p.tolist() == before
