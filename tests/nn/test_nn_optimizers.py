"""Optimizers: the update rules against PyTorch and formulas, and what a step leaves alone."""

import contextlib
import copy

import numpy as np
import pytest
from folded import folded

import nn
import tinygrad_np as tg

SHAPES = [(3, 2), (2,), (), (4, 1, 2)]
THEIR_NAMES = {"AdaGrad": "Adagrad"}

# The same options are given to both libraries; {} compares the defaults too.
CASES = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.2}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.2}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.5, "nesterov": True, "weight_decay": 0.2}),
    ("AdaGrad", {}),
    ("AdaGrad", {"lr": 0.3, "eps": 1e-7}),
    ("AdaGrad", {"lr": 0.3, "weight_decay": 0.2}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "eps": 1e-7}),
    ("RMSprop", {"lr": 0.02, "weight_decay": 0.2}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-7}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.2}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.3, "eps": 1e-7}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "betas": (0.5, 0.7), "weight_decay": 0.2}),
    ("AdamW", {"lr": 0.05, "amsgrad": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.2}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.05, "betas": (0.7, 0.8), "eps": 1e-3, "weight_decay": 0.2}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.05, "betas": (0.7, 0.9), "momentum_decay": 0.1, "weight_decay": 0.2}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.05, "betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.2}),
    ("RAdam", {"lr": 0.05, "betas": (0.9, 0.6)}),  # never long enough, where a factor is 0
]
ALL = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("AdaGrad", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1}),
    ("Adam", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True}),
    ("Adadelta", {"lr": 50.0}),
    ("Adamax", {"lr": 0.1}),
    ("NAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1}),
    ("Lion", {"lr": 0.05, "weight_decay": 0.1}),
]


def name_of(case):
    return case if isinstance(case, str) else "-".join(map(str, case.values())) or "defaults"


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # in which NAdam keeps the product of its momenta
    yield torch
    torch.set_default_dtype(before)


def parameters(shapes=SHAPES, dtype=np.float64):
    rng = np.random.default_rng(0)
    return [nn.Parameter(rng.standard_normal(shape), dtype=dtype) for shape in shapes]


def feed(params, gradients):
    """Set gradients as backward would; None for a parameter that was not reached."""
    for p, g in zip(params, gradients):
        p.grad = None if g is None else tg.Tensor(g, dtype=p.dtype)


def gradients_of(steps, shapes=SHAPES, reached=lambda step, k: True):
    rng = np.random.default_rng(1)
    drawn = [[rng.standard_normal(shape) for shape in shapes] for _ in range(steps)]
    return [[g if reached(t, k) else None for k, g in enumerate(gs)] for t, gs in enumerate(drawn)]


def run_torch(torch, name, options, gradients, start):
    """The parameters after each step of PyTorch's optimizer."""
    if name == "Lion":
        pytest.skip("PyTorch has none")
    params = [torch.tensor(p.numpy(), requires_grad=True) for p in start]
    optimizer = getattr(torch.optim, THEIR_NAMES.get(name, name))(params, **options)
    for step in gradients:
        for p, g in zip(params, step):
            p.grad = None if g is None else torch.tensor(g)
        optimizer.step()
        yield [p.detach().numpy().copy() for p in params]


# --- rules -------------------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "options"), CASES, ids=name_of)
def test_fifty_steps_are_pytorchs(torch, name, options):
    params = parameters()
    optimizer = getattr(nn, name)(params, **options)
    gradients = gradients_of(50)
    for step, expected in zip(gradients, run_torch(torch, name, options, gradients, params)):
        feed(params, step)
        optimizer.step()
        for p, wanted in zip(params, expected):
            assert np.allclose(p.numpy(), wanted, rtol=1e-10, atol=1e-13)
    assert optimizer.steps == 50


@pytest.mark.parametrize(("name", "options"), ALL, ids=name_of)
def test_parameters_that_are_reached_at_some_steps_only(torch, name, options):
    """As PyTorch: without a gradient neither value, state nor step count of a parameter moves."""
    params = parameters()
    optimizer = getattr(nn, name)(params, **options)

    def reached(step, k):
        return k == 0 or (k == 1 and step >= 10) or (k == 2 and step % 3 == 0) or step == 19

    gradients = gradients_of(30, reached=reached)
    for step, expected in zip(gradients, run_torch(torch, name, options, gradients, params)):
        feed(params, step)
        optimizer.step()
        for p, wanted in zip(params, expected):
            assert np.allclose(p.numpy(), wanted, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(("name", "options"), ALL, ids=name_of)
def test_an_unreached_parameter_ends_where_a_run_of_its_own_ends(name, options):
    both, alone = parameters([(3,), (2, 2)]), parameters([(3,), (2, 2)])[1]
    optimizer = getattr(nn, name)(both, **options)
    own = getattr(nn, name)([alone], **options)
    gradients = gradients_of(12, [(3,), (2, 2)], reached=lambda step, k: k == 0 or step % 4 == 1)
    for step in gradients:
        before = both[1].numpy().copy()
        feed(both, step)
        optimizer.step()
        if step[1] is None:
            assert np.array_equal(both[1].numpy(), before)
        else:
            feed([alone], step[1:])
            own.step()
        assert np.allclose(both[1].numpy(), alone.numpy(), rtol=1e-13)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"])
def test_a_late_parameter_is_as_exact_in_float32(name):
    """The corrections 1 - βᵗ lose digits if powers of β are taken in float32."""
    both, alone = (parameters([(3,), (2,)], np.float32) for _ in range(2))
    optimizer, own = (getattr(nn, name)(p, lr=0.1) for p in (both, alone[1:]))
    for step in gradients_of(20, [(3,), (2,)], reached=lambda step, k: k == 0 or step > 9):
        before = both[1].numpy().copy(), alone[1].numpy().copy()
        feed(both, step)
        optimizer.step()
        if step[1] is not None:
            feed(alone[1:], step[1:])
            own.step()
            moved, expected = both[1].numpy() - before[0], alone[1].numpy() - before[1]
            assert np.allclose(moved, expected, rtol=5e-6, atol=2e-7)


def one_step(optimizer_of, w, g):
    p = nn.Parameter([w], dtype=np.float64)
    feed([p], [[g]])
    optimizer_of([p]).step()
    return p.item()


def test_first_steps_by_hand():
    w, g = 2.0, 0.5
    assert one_step(lambda p: nn.SGD(p, lr=0.1), w, g) == w - 0.1 * g
    assert one_step(lambda p: nn.SGD(p, lr=0.1, momentum=0.9), w, g) == w - 0.1 * g
    ahead = w - 0.1 * g - 0.9 * 0.1 * g
    assert one_step(lambda p: nn.SGD(p, 0.1, momentum=0.9, nesterov=True), w, g) == pytest.approx(
        ahead, rel=1e-14
    )
    adagrad = w - 0.1 * g / (np.sqrt(g * g) + 1e-7)
    assert one_step(lambda p: nn.AdaGrad(p, lr=0.1, eps=1e-7), w, g) == pytest.approx(adagrad)
    rmsprop = w - 0.1 * g / (np.sqrt(0.1 * g * g) + 1e-7)
    assert one_step(lambda p: nn.RMSprop(p, 0.1, alpha=0.9, eps=1e-7), w, g) == pytest.approx(
        rmsprop
    )
    adam = w - 0.1 * g / (abs(g) + 1e-7)
    assert one_step(lambda p: nn.Adam(p, 0.1, eps=1e-7), w, g) == pytest.approx(adam)
    adamw = w * (1 - 0.1 * 0.3) - 0.1 * g / (abs(g) + 1e-7)
    assert one_step(lambda p: nn.AdamW(p, 0.1, eps=1e-7, weight_decay=0.3), w, g) == pytest.approx(
        adamw
    )


def test_lion_by_hand():
    """The rule of algorithm 2 in the paper, for one parameter."""
    p = nn.Parameter([1.0, -2.0], dtype=np.float64)
    optimizer = nn.Lion([p], lr=0.1, betas=(0.8, 0.5), weight_decay=0.25)
    w, m = np.array([1.0, -2.0]), np.zeros(2)
    for g in ([1.0, -1.0], [-0.1, 3.0], [0.5, 0.0]):
        feed([p], [g])
        optimizer.step()
        direction = np.sign(0.8 * m + 0.2 * np.array(g))
        w = w - 0.1 * (direction + 0.25 * w)
        m = 0.5 * m + 0.5 * np.array(g)
        np.testing.assert_allclose(p.numpy(), w, rtol=1e-14)


@pytest.mark.parametrize(("name", "options"), ALL, ids=name_of)
def test_float32_stays_float32(name, options):
    params = parameters(dtype=np.float32)
    optimizer = getattr(nn, name)(params, **options)
    for step in gradients_of(3):
        feed(params, step)
        optimizer.step()
    assert {p.dtype for p in params} == {np.dtype(np.float32)}
    assert {s.dtype for s in optimizer.state.values()} <= {np.dtype(np.float32)}
    assert all(isinstance(p, nn.Parameter) and p.is_leaf and p.requires_grad for p in params)


def test_a_rule_of_ones_own():
    class Sign(nn.Optimizer):
        """Steps of lr in the direction of the summed gradient's sign."""

        state_names = ("total",)

        def update(self, g, lr, t, *state):
            total = state[0] + g
            return lr * np.sign(total), total

    p = nn.Parameter([1.0, 1.0])
    optimizer = Sign([p], lr=0.25)
    for g in ([3.0, -1.0], [-1.0, -1.0], [-1.0, 5.0]):
        feed([p], [g])
        optimizer.step()
    assert p.tolist() == [0.25, 1.25]


def test_an_optimizer_without_a_rule():
    p = nn.Parameter([1.0])
    feed([p], [[1.0]])
    with pytest.raises(NotImplementedError):
        nn.Optimizer([p], lr=0.1).step()


# --- with a graph --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "options"), ALL, ids=name_of)
def test_minimises_a_bowl(name, options):
    p = nn.Parameter([3.0, -2.0], dtype=np.float64)
    optimizer = getattr(nn, name)([p], **options)
    losses = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_zero_grad():
    params = parameters()
    feed(params, gradients_of(1)[0])
    params[1].requires_grad = False
    nn.SGD(params).zero_grad()
    assert all(p.grad is None for p in params)


def test_frozen_parameters_are_left_alone_and_can_come_back():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    optimizer = nn.AdamW(model.parameters(), lr=0.1)
    model[0].requires_grad_(False)
    before = model.state_dict()

    def step():
        optimizer.zero_grad()
        model(np.ones((4, 2), np.float32)).sum().backward()
        optimizer.step()

    step()
    after = model.state_dict()
    assert [np.array_equal(after[k], before[k]) for k in before] == [True, True, False, False]
    assert not optimizer.state["m"][:9].any()
    assert optimizer.state["m"][9:].all()
    model[0].requires_grad_(True)
    step()
    assert not np.array_equal(model[0].weight.numpy(), before["0.weight"])


def test_a_parameter_frozen_after_backward_is_left_alone():
    p, q = nn.Parameter([1.0]), nn.Parameter([1.0])
    (p * 2 + q * 2).sum().backward()
    p.requires_grad = False
    nn.SGD([p, q], lr=1.0).step()
    assert (p.item(), q.item()) == (1, -1)


def test_two_optimizers_on_the_same_parameters():
    p = nn.Parameter([1.0])
    optimizers = nn.SGD([p], lr=1.0), nn.SGD([p], lr=10.0)
    for optimizer in optimizers:
        feed([p], [[1.0]])
        optimizer.step()
    assert p.item() == 1 - 1 - 10


def test_values_set_between_steps_are_gone_on_from():
    p = nn.Parameter([1.0])
    optimizer = nn.SGD([p], lr=1.0)
    for value in (5.0, 7.0):
        with tg.no_grad():
            p[...] = value
        feed([p], [[1.0]])
        optimizer.step()
        assert p.item() == value - 1


def test_a_step_between_forward_and_backward_does_not_change_the_gradient():
    p, x = nn.Parameter([3.0]), tg.Tensor([2.0], requires_grad=True)
    out = (p * x).sum()
    feed([p], [[1.0]])
    nn.SGD([p], lr=100.0).step()
    out.backward()
    assert x.grad.tolist() == [3]


def test_gradients_are_not_changed_by_a_step():
    for name, options in CASES:
        params = parameters()
        step = gradients_of(1)[0]
        feed(params, step)
        getattr(nn, name)(params, **options).step()
        assert all(np.array_equal(p.grad.numpy(), g) for p, g in zip(params, step))


@pytest.mark.parametrize(("name", "options"), ALL, ids=name_of)
def test_deep_copies_go_on_alike_and_apart(name, options):
    params = parameters()
    optimizer = getattr(nn, name)(params, **options)
    gradients = gradients_of(8, reached=lambda step, k: k != 1 or step % 2 == 0)
    for step in gradients[:4]:
        feed(params, step)
        optimizer.step()
    other_params, other = copy.deepcopy((params, optimizer))
    middle = [p.numpy().copy() for p in params]
    for step in gradients[4:]:
        feed(other_params, step)
        other.step()
    assert all(np.array_equal(p.numpy(), m) for p, m in zip(params, middle))
    assert optimizer.steps == 4
    for step in gradients[4:]:
        feed(params, step)
        optimizer.step()
    assert all(np.array_equal(p.numpy(), q.numpy()) for p, q in zip(params, other_params))


# --- bad input -----------------------------------------------------------------------------------

NAMES = [
    "SGD",
    "AdaGrad",
    "Adadelta",
    "RMSprop",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "Lion",
]


@pytest.mark.parametrize("name", NAMES)
def test_unknown_options(name):
    with pytest.raises(TypeError, match="learning_rate"):
        getattr(nn, name)(parameters(), learning_rate=0.1)


@folded
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", ["lr", "weight_decay"])
@pytest.mark.parametrize("value", [-0.1, np.nan])
def test_negative_options(name, option, value):
    with pytest.raises(ValueError, match=f"{option} must not be negative, it is"):
        getattr(nn, name)(parameters(), **{option: value})


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("SGD", {"momentum": -0.1}, "momentum must not be negative"),
        ("SGD", {"nesterov": True}, "nesterov needs a momentum above 0"),
        ("AdaGrad", {"eps": -1}, "eps must not be negative"),
        ("RMSprop", {"eps": -1}, "eps must not be negative"),
        ("RMSprop", {"alpha": 1}, r"alpha must be in \[0, 1\), it is 1"),
        ("Adam", {"betas": (-0.1, 0.9)}, r"beta1 must be in \[0, 1\)"),
        ("Adam", {"betas": (0.9, 1.0)}, r"beta2 must be in \[0, 1\)"),
        ("AdamW", {"eps": -1}, "eps must not be negative"),
    ],
)
def test_options_outside_of_their_range(name, options, said):
    with pytest.raises(ValueError, match=said):
        getattr(nn, name)(parameters(), **options)


def test_a_negative_rate_can_not_be_assigned_either():
    optimizer = nn.SGD(parameters(), lr=0.1)
    with pytest.raises(ValueError, match="lr must not be negative"):
        optimizer.lr = -0.1
    assert optimizer.lr == 0.1


@pytest.mark.parametrize(
    "params",
    [
        lambda: [np.ones(3)],
        lambda: [tg.Tensor([1, 2])],
        lambda: [nn.Parameter([1.0]) * 2],
        lambda: nn.Linear(2, 2).named_parameters(),
    ],
    ids=["array", "integers", "result", "named"],
)
def test_what_is_no_parameter(params):
    with pytest.raises(TypeError, match="updates leaf Tensors of floats, not"):
        nn.Adam(params())


def test_no_parameters():
    with pytest.raises(ValueError, match="Adam got no parameters"):
        nn.Adam(nn.ReLU().parameters())


def test_duplicates():
    p = nn.Parameter([1.0])
    with pytest.raises(ValueError, match="the same parameter twice"):
        nn.SGD([p, nn.Parameter([1.0]), p])


@pytest.mark.parametrize("name", NAMES)
def test_step_without_gradients(name):
    params = parameters()
    before = [p.numpy().copy() for p in params]
    optimizer = getattr(nn, name)(params, weight_decay=0.1)
    with pytest.raises(RuntimeError, match=r"step\(\): no parameter has a gradient; call backward"):
        optimizer.step()
    assert all(np.array_equal(p.numpy(), b) for p, b in zip(params, before))
    assert optimizer.steps == 0


def test_repr():
    assert repr(nn.Adam(parameters(), lr=0.05)) == "Adam(lr=0.05)"
    assert "InverseTimeDecay" in repr(nn.SGD(parameters(), lr=nn.InverseTimeDecay(1.0, 1e-3)))


def test_a_rule_that_fails_changes_nothing():
    class Broken(nn.AdamW):
        def update(self, g, lr, t, *state):
            raise ZeroDivisionError

    params = parameters()
    optimizer = Broken(params, lr=0.1, weight_decay=0.5)
    before = [p.numpy().copy() for p in params]
    feed(params, [np.ones(p.shape) for p in params])
    with pytest.raises(ZeroDivisionError):
        optimizer.step()
    assert optimizer.steps == 0
    assert all(np.array_equal(p.numpy(), b) for p, b in zip(params, before, strict=True))


def test_a_recorded_step_is_the_same_step():
    """Also with an empty parameter, and where some were not reached."""
    ends = []
    for watched in (False, True):
        a, b, none = (tg.Tensor(np.full(n, 2.0), requires_grad=True) for n in (3, 2, 0))
        optimizer = nn.Adam([a, none, b], 0.1, weight_decay=0.01)
        for used in ((a, none), (a, b, none), (a, b)):
            optimizer.zero_grad()
            sum((p * p).sum() for p in used).backward()
            with tg.record() if watched else contextlib.nullcontext():
                optimizer.step()
        ends.append([p.data for p in (a, b)])
    np.testing.assert_array_equal(ends[0][0], ends[1][0])
    np.testing.assert_array_equal(ends[0][1], ends[1][1])


def test_what_a_record_holds_of_an_update_does_not_change():
    class Reusing(nn.Optimizer):
        """Writes the change into the same array each time."""

        def update(self, g, lr, t):
            if t == 1:
                self.buffer = np.empty_like(g)
            return (np.multiply(lr, g, out=self.buffer),)

    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = Reusing([w], 0.5)
    records = []
    for _ in range(2):
        optimizer.zero_grad()
        with tg.record() as record:
            (w * w).sum().backward()
            optimizer.step()
        records.append(record)
    np.testing.assert_allclose(records[0].updates[0].change, [1.0, 2.0])
    np.testing.assert_allclose(records[0].updates[0].gradient, [2.0, 4.0])


def test_what_is_no_list_and_no_number():
    w = tg.Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match="takes a list of parameters, not a single Tensor"):
        nn.SGD(w)
    with pytest.raises(TypeError, match=r"lr must be a number, not '0\.1'"):
        nn.SGD([w], lr="0.1")
