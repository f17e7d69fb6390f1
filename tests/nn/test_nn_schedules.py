"""Learning-rate schedules."""

import pickle

import numpy as np
import pytest

import nn
import tinygrad_np as tg


def parameter(value=1.0):
    return nn.Parameter([value], dtype=np.float64)


def test_inverse_time_decay_by_formula():
    schedule = nn.InverseTimeDecay(0.5, decay=0.25)
    assert [schedule(t) for t in range(5)] == [0.5 / (1 + 0.25 * t) for t in range(5)]
    assert nn.InverseTimeDecay(1.0, 0)(10**9) == 1


def test_the_books_printed_rates():
    # SGD with lr 1.0 and decay 1e-2: the rate printed at an epoch is that of the step before it.
    schedule = nn.InverseTimeDecay(1.0, 1e-2)
    printed = {100: 0.5025125628140703, 200: 0.33444816053511706, 10_000: 0.009901970492127933}
    for epoch, rate in printed.items():
        assert schedule(epoch - 1) == pytest.approx(rate, rel=1e-14)


@pytest.mark.parametrize("options", [{"lr": -1, "decay": 0}, {"lr": 1, "decay": -0.1}])
def test_negative_options_are_refused(options):
    with pytest.raises(ValueError, match="must not be negative"):
        nn.InverseTimeDecay(**options)


def test_it_is_a_value():
    schedule = nn.InverseTimeDecay(0.1, 1e-3)
    assert schedule == nn.InverseTimeDecay(0.1, 1e-3)
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert repr(schedule) == "InverseTimeDecay(lr=0.1, decay=0.001)"
    with pytest.raises(AttributeError):
        schedule.lr = 2


def test_first_step_uses_the_rate_of_step_0():
    p = parameter()
    optimizer = nn.SGD([p], lr=lambda step: [1.0, 10.0, 100.0][step])
    taken = []
    for _ in range(2):
        before = p.item()
        p.grad = tg.Tensor([1.0])
        optimizer.step()
        taken.append(before - p.item())
    assert taken == [1, 10]
    assert optimizer.lr == 100


def test_rate_can_be_assigned_on_the_way():
    p = parameter()
    optimizer = nn.SGD([p], lr=1.0)
    for rate, expected in [(1.0, 0.0), (0.25, -0.25), (nn.InverseTimeDecay(8, 1.0), -0.25 - 8 / 3)]:
        optimizer.lr = rate
        p.grad = tg.Tensor([1.0])
        optimizer.step()
        assert p.item() == pytest.approx(expected)
    assert optimizer.lr == 8 / 4


def test_momentum_keeps_the_rate_inside_the_velocity():
    """The book's form, v = μ·v - lr·g: a changed rate does not touch steps taken before."""
    p = parameter(0.0)
    optimizer = nn.SGD([p], lr=lambda step: 1 / (1 + step), momentum=0.5)
    velocity = value = 0.0
    for step, g in enumerate([1.0, 2.0, -1.0]):
        velocity = 0.5 * velocity - g / (1 + step)
        value += velocity
        p.grad = tg.Tensor([g])
        optimizer.step()
        assert p.item() == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("name", ["SGD", "AdaGrad", "RMSprop", "Adam", "AdamW"])
def test_schedule_with_every_optimizer_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs = parameter(2.0), torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    optimizer = getattr(nn, name)([ours], lr=nn.InverseTimeDecay(0.3, 0.1), weight_decay=0.1)
    reference = getattr(torch.optim, name.replace("AdaGrad", "Adagrad"))(
        [theirs], lr=0.3, weight_decay=0.1
    )
    decay = torch.optim.lr_scheduler.LambdaLR(reference, lambda t: 1 / (1 + 0.1 * t))
    for g in np.random.default_rng(0).standard_normal(20):
        ours.grad = tg.Tensor([g])
        theirs.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
        reference.step()
        decay.step()
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-11)


def test_history_holds_the_rate_at_each_epochs_start():
    model = nn.Linear(1, 1)
    optimizer = nn.SGD(model.parameters(), lr=nn.InverseTimeDecay(1e-3, 0.5))
    history = nn.fit(
        model,
        np.ones((6, 1)),
        np.ones((6, 1)),
        loss=nn.mse_loss,
        optimizer=optimizer,
        epochs=3,
        batch_size=3,
        progress=False,
    )
    assert history["lr"] == [1e-3 * (1 / (1 + 0.5 * steps)) for steps in (0, 2, 4)]
