"""Groups of parameters with options of their own, and parameters of several dtypes."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from pass_sets import EXACT
from test_nn_interrupts import interrupted

import nn
import tinygrad_np as tg

SHAPES = [(3, 2), (2,), (), (4,)]

OWN_OPTIONS = [
    ("SGD", {"momentum": 0.5}, {"momentum": 0.8, "nesterov": True}),
    ("SGD", {}, {"momentum": 0.9}),
    ("AdaGrad", {}, {"eps": 1e-3}),
    ("RMSprop", {"alpha": 0.5}, {"alpha": 0.9, "eps": 1e-3}),
    ("Adam", {}, {"betas": (0.5, 0.8)}),
    ("AdamW", {"weight_decay": 0.3}, {"betas": (0.5, 0.8), "eps": 1e-3}),
]


def parameters(*dtypes):
    rng = np.random.default_rng(0)
    dtypes = dtypes or [np.float64] * 4
    return [nn.Parameter(rng.standard_normal(s), dtype=d) for s, d in zip(SHAPES, dtypes)]


def in_groups(params, own):
    """Three groups: with a rate, with a decay, with options of the rule."""
    return [
        {"params": params[:2], "lr": 0.003},
        {"params": params[2], "weight_decay": 0.2},
        {"params": iter(params[3:]), **own},
    ]


def gradients(steps, reached=lambda step, k: True):
    rng = np.random.default_rng(1)
    drawn = [[rng.standard_normal(shape) for shape in SHAPES] for _ in range(steps)]
    return [[g if reached(t, k) else None for k, g in enumerate(gs)] for t, gs in enumerate(drawn)]


def feed(params, step):
    for p, g in zip(params, step, strict=True):
        p.grad = None if g is None else tg.Tensor(g, dtype=p.dtype)


def unreached(step, k):
    """One parameter now and then, a whole group at first."""
    return not (k == 1 and step % 3 == 0) and not (k == 2 and step < 5)


def run(optimizer, params, steps):
    for step in steps:
        feed(params, step)
        optimizer.step()
    return [p.numpy().copy() for p in params]


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "options", "own"), OWN_OPTIONS)
def test_groups_step_as_pytorchs(name, options, own):
    torch = pytest.importorskip("torch")
    params = parameters()
    theirs = [torch.tensor(p.numpy(), requires_grad=True) for p in params]
    optimizer = getattr(nn, name)(in_groups(params, own), lr=0.02, **options)
    reference = getattr(torch.optim, name.replace("AdaGrad", "Adagrad"))(
        in_groups(theirs, own), lr=0.02, **options
    )
    for step in gradients(20, unreached):
        for p, g in zip(theirs, step, strict=True):
            p.grad = None if g is None else torch.tensor(g)
        reference.step()
        run(optimizer, params, [step])
        for p, expected in zip(params, theirs, strict=True):
            np.testing.assert_allclose(p.numpy(), expected.detach().numpy(), rtol=1e-10)
    assert isinstance(optimizer, getattr(nn, name))
    assert optimizer.steps == 20


def test_groups_have_schedules_of_their_own():
    params = parameters()
    rates = [nn.InverseTimeDecay(0.1, 0.5), lambda t: 0.01 * (t + 1)]
    groups = [{"params": p, "lr": rate} for p, rate in zip(params, rates)]
    optimizer = nn.SGD([*groups, {"params": params[2:]}], lr=1.0)
    for step in range(3):
        assert [g.lr for g in optimizer.groups] == [rates[0](step), rates[1](step), 1.0]
        before = params[1].numpy().copy()
        feed(params, [np.ones(shape) for shape in SHAPES])
        optimizer.step()
        np.testing.assert_allclose(before - params[1].numpy(), 0.01 * (step + 1))


@pytest.mark.parametrize("kind", [nn.SGD, nn.Adam, nn.AdamW])
def test_parameters_of_several_dtypes(kind):
    """Each is computed in its own dtype, as if it had an optimizer of its own."""
    dtypes = np.float64, np.float32, np.float32, np.float16
    params, alone = parameters(*dtypes), parameters(*dtypes)
    whole = kind(params, lr=0.1, weight_decay=0.01)
    singles = [kind([p], lr=0.1, weight_decay=0.01) for p in alone]
    for step in gradients(6):
        run(whole, params, [step])
        feed(alone, step)
        for optimizer in singles:
            optimizer.step()
    for p, q, dtype in zip(params, alone, dtypes, strict=True):
        assert p.dtype == dtype
        np.testing.assert_array_equal(p.numpy(), q.numpy())
    assert whole.groups == (whole,)
    assert {v.dtype for v in whole.state.values()} <= set(map(np.dtype, dtypes))


# --- reading and setting options ------------------------------------------------------------------


def test_options_are_read_and_set_in_the_groups():
    optimizer = nn.Adam(in_groups(parameters(), {"betas": (0.5, 0.8)}), lr=0.02)
    first, _, last = optimizer.groups
    assert (first.lr, last.lr, last.betas, last.weight_decay) == (0.003, 0.02, (0.5, 0.8), 0.0)
    assert [len(g.params) for g in optimizer.groups] == [2, 1, 1]
    assert len(optimizer.params) == 4
    for group in optimizer.param_groups:  # as PyTorch's users write it
        group["lr"] *= 0.5
        assert len(group["params"]) in (1, 2)
    assert [g.lr for g in optimizer.groups] == [0.0015, 0.01, 0.01]
    with pytest.raises(
        AttributeError, match=r"has groups, with a lr of their own: optimizer\.groups\[0\]\.lr"
    ):
        print(optimizer.lr)
    optimizer.lr = 0.25
    assert optimizer.lr == first.lr == last["lr"] == 0.25
    with pytest.raises(AttributeError, match=r"set it in each, as in optimizer\.groups\[0\]\.eps"):
        optimizer.eps = 1e-3
    with pytest.raises(AttributeError, match=r"betas of their own: optimizer\.groups\[0\]\.betas"):
        print(optimizer.betas)
    with pytest.raises(AttributeError, match="'Adam' object has no attribute 'momentum'"):
        print(optimizer.momentum)
    with pytest.raises(KeyError, match="no option 'learning_rate'"):
        first["learning_rate"] = 0.1
    with pytest.raises(ValueError, match="lr must not be negative"):
        optimizer.lr = -1
    assert repr(nn.SGD([{"params": parameters()}], lr=0.5)) == "SGD([SGD(lr=0.5)])"


def test_adding_a_group():
    params = parameters()
    optimizer = nn.Adam(params[:1], lr=0.1, betas=(0.5, 0.9))
    steps = gradients(8)
    run(optimizer, params[:1], [s[:1] for s in steps[:4]])
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match="the same parameter twice"):
        optimizer.add_param_group({"params": params[:2]})
    with pytest.raises(TypeError, match="group 1: betas must be a pair"):
        optimizer.add_param_group({"params": params[1:], "betas": 3})
    assert optimizer.state_dict().keys() == before.keys()
    optimizer.add_param_group({"params": params[1:], "lr": 0.2})
    first, added = optimizer.groups
    assert (first.lr, added.lr, added.betas, added.steps) == (0.1, 0.2, (0.5, 0.9), 0)
    run(optimizer, params, steps[4:])
    alone = parameters()
    run(nn.Adam(alone[:1], lr=0.1, betas=(0.5, 0.9)), alone[:1], [s[:1] for s in steps])
    run(nn.Adam(alone[1:], lr=0.2, betas=(0.5, 0.9)), alone[1:], [s[1:] for s in steps[4:]])
    assert equal([p.numpy() for p in params], [p.numpy() for p in alone])


@pytest.mark.parametrize(
    ("groups", "error", "said"),
    [
        (lambda p: {"params": p}, TypeError, r"a list of groups, not a single one: \[\{"),
        (lambda p: [{"params": set(p)}], TypeError, "group 0: .* a set, which has no order"),
        (lambda p: [{"lr": 0.1}], TypeError, 'group 0 has no "params", only lr'),
        (
            lambda p: [{"params": p[:1]}, p[1]],
            TypeError,
            "or one of groups, not of both",
        ),
        (lambda p: [{"params": p[0]}, {"params": p[:2]}], ValueError, "the same parameter twice"),
        (lambda p: [{"params": [p[0], p[0]]}], ValueError, "group 0: .* same parameter"),
        (lambda p: [{"params": nn.Linear(2, 2)}], TypeError, "group 0: .* not the Module"),
        (lambda p: [{"params": [{"params": p}]}], TypeError, "group 0: its params are groups"),
        (lambda p: [{"params": p, "learning_rate": 1}], TypeError, "group 0: .* it is written lr"),
        (lambda p: [{"params": p, "wd": 0.1}], TypeError, "group 0: .* keyword argument 'wd'"),
        (lambda p: [{"params": p, "lr": -1}], ValueError, "group 0: lr must not be negative"),
    ],
)
def test_groups_that_are_none(groups, error, said):
    with pytest.raises(error, match=said):
        nn.Adam(groups(parameters()))


def test_a_group_may_be_empty():
    params, others = parameters(), parameters()
    optimizer = nn.Adam([{"params": params}, {"params": []}], lr=0.1)
    ends = run(optimizer, params, gradients(2)), run(nn.Adam(others, lr=0.1), others, gradients(2))
    assert equal(*ends)
    optimizer.load_state_dict(optimizer.state_dict())


def test_a_rule_of_ones_own_in_groups():
    class Halving(nn.Optimizer):
        def __init__(self, params, factor):
            self.factor = factor
            super().__init__(params, 1.0)

        def update(self, g, lr, t):
            return (lr * self.factor * g,)

    a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = Halving([{"params": a, "factor": 0.25}, {"params": b}], 0.5)
    run(optimizer, [a, b], [[np.ones(1), np.ones(1)]])
    assert (a.item(), b.item()) == (0.75, 0.5)


def test_options_that_a_rule_sets_too_late():
    class Late(nn.Optimizer):
        def __init__(self, params, factor):
            super().__init__(params, 1.0)
            self.factor = factor

    assert Late(parameters(), 0.5).factor == 0.5
    with pytest.raises(AttributeError, match=r"in a class before super\(\)\.__init__\(\)"):
        Late([{"params": parameters(), "factor": 0.25}], 0.5)


def test_a_momentum_that_comes_later_is_not_left_out():
    p = nn.Parameter([1.0])
    optimizer = nn.SGD([p], lr=0.1)
    optimizer.param_groups[0]["momentum"] = 0.9
    with pytest.raises(ValueError, match="made without momentum, and has no velocity"):
        run(optimizer, [p], [[np.ones(1)]])
    assert p.item() == 1


# --- all or nothing, saving, compiling, watching --------------------------------------------------


def test_an_interrupted_step_is_done_in_all_groups_or_in_none():
    """At places all over the step; `test_nn_interrupts` has each of them, for one group."""
    outcomes = []
    for at in itertools.count(3, step=17):
        params = parameters(np.float64, np.float32, np.float64, np.float32)
        optimizer = nn.Adam(in_groups(params, {}), lr=0.1)
        run(optimizer, params, gradients(2))
        before = [*optimizer.state_dict().values(), *(p.numpy() for p in params)]
        feed(params, gradients(3, unreached)[2])
        was_interrupted = interrupted(optimizer.step, at)
        after = [*optimizer.state_dict().values(), *(p.numpy() for p in params)]
        if not was_interrupted:
            break
        is_done = not equal(before, after)
        outcomes.append(after if is_done else None)
        assert [g.steps for g in optimizer.groups] == [2 + is_done] * 3
    assert outcomes.count(None) > 10
    assert all(equal(outcome, after) for outcome in outcomes if outcome is not None)


def test_a_rule_that_fails_in_one_group_changes_none():
    class Failing(nn.Adam):
        def update(self, g, lr, t, *state):
            if self.eps == 1:
                raise ZeroDivisionError
            return super().update(g, lr, t, *state)

    params = parameters()
    before = [p.numpy().copy() for p in params]
    optimizer = Failing(in_groups(params, {"eps": 1}))
    with pytest.raises(ZeroDivisionError):
        run(optimizer, params, gradients(1))
    assert equal(before, [p.numpy() for p in params])
    assert optimizer.steps == 0
    assert not optimizer.state["groups.0.m"].numpy().any()


@pytest.mark.parametrize("dtypes", [(), (np.float64, np.float32, np.float32, np.float64)])
@pytest.mark.parametrize("duplicate", ["state", "file", copy.deepcopy, pickle])
def test_a_run_goes_on_where_it_was(dtypes, duplicate, tmp_path):
    def make():
        params = parameters(*dtypes)
        return params, nn.Adam(in_groups(params, {"eps": 1e-3}), lr=0.02)

    params, optimizer = make()
    run(optimizer, params, gradients(5, unreached))
    optimizer.groups[1].lr = 0.5
    if duplicate == "state":
        others, other = make()
        other.load_state_dict(optimizer.state_dict())
    elif duplicate == "file":
        others, other = make()
        nn.save({"optimizer": optimizer}, tmp_path / "run.npz")
        nn.load(tmp_path / "run.npz", {"optimizer": other})
    elif duplicate is pickle:
        others, other = pickle.loads(pickle.dumps((params, optimizer)))
    else:
        others, other = duplicate((params, optimizer))
    for p, q in zip(params, others, strict=True):
        q.requires_grad = False
        q.assign(p.numpy().copy())
        q.requires_grad = True
    ends = run(optimizer, params, gradients(4)), run(other, others, gradients(4))
    assert equal(*ends)
    assert other.groups[1].lr == 0.5


def test_a_state_that_does_not_fit_changes_nothing():
    params = parameters()
    optimizer = nn.Adam(in_groups(params, {}), lr=0.02)
    run(optimizer, params, gradients(2))
    before = optimizer.state_dict()
    with pytest.raises(KeyError, match=r"missing \['groups\.0\.steps'.*unknown \['steps'"):
        optimizer.load_state_dict(nn.Adam(params).state_dict())
    with pytest.raises(ValueError, match=r"lr must not be negative"):
        optimizer.load_state_dict({**before, "groups.0.steps": 9, "groups.1.lr": -1.0})
    with pytest.raises(ValueError, match=r"parameters of \[4\] elements, but .* for \[5\]"):
        optimizer.load_state_dict({**before, "groups.0.steps": 9, "groups.2.sizes": [5]})
    after = optimizer.state_dict()
    assert all(np.array_equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("kind", [nn.SGD, nn.AdamW])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_compiled_step_has_the_same_bits(kind, dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 3)).astype(np.float32)

    def make():
        first, last = (
            nn.Linear(*size, rng=np.random.default_rng(1), dtype=d)
            for size, d in (((3, 4), np.float32), ((4, 2), dtype))
        )
        extra = nn.Parameter(np.ones(3, np.float32))
        groups = [
            {"params": first.parameters(), "lr": nn.InverseTimeDecay(0.1, 0.1)},
            {"params": [*last.parameters(), extra], "weight_decay": 0.1},
        ]
        return first, last, extra, kind(groups, lr=0.05)

    def step(problem, x, with_extra):
        first, last, extra, optimizer = problem
        loss = (last(tg.tanh(first(x)).astype(dtype)) ** 2).mean()
        if with_extra:
            loss = loss + (extra * extra).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    plain, other = make(), make()
    compiled = tg.compile(lambda *given: step(other, *given), passes=EXACT)
    start = plain[-1].state_dict()
    for k in range(14):
        if k == 5:
            for problem in (plain, other):
                problem[-1].groups[1]["lr"] *= 0.5
        if k == 8:
            for problem in (plain, other):
                problem[-1].load_state_dict(start)
        if k == 11:
            for problem in (plain, other):
                problem[-1].add_param_group({"params": nn.Parameter([1.0])})
        with_extra = (k // 2) % 2 == 1
        losses = step(plain, tg.Tensor(x), with_extra), compiled(tg.Tensor(x), with_extra)
        assert losses[0].item() == losses[1].item()
        assert equal(*([p.numpy() for p in q[-1].params] for q in (plain, other)))
        states = [problem[-1].state_dict() for problem in (plain, other)]
        assert all(np.array_equal(states[0][n], states[1][n]) for n in states[0])


def test_a_record_explains_each_group_by_its_own_rule():
    a, b = nn.Parameter([1.0, 2.0]), nn.Parameter([3.0])
    optimizer = nn.SGD([{"params": a, "momentum": 0.5}, {"params": b, "lr": 1.0}], lr=0.25)
    with tg.record() as record:
        (a.sum() + 2 * b.sum()).backward()
        optimizer.step()
    first, second = record.updates
    assert (first.rule.by, second.rule.by) == ("SGD(lr=0.25)", "SGD(lr=1.0)")
    assert first.rule.reads["momentum"] == 0.5
    assert list(first.state) == ["velocity"]
    assert not second.state
    np.testing.assert_array_equal(second.change, [2.0])
    np.testing.assert_array_equal(first.change, [0.25, 0.25])


def test_fit_notes_the_rates_of_all_groups():
    model = nn.Sequential(nn.Linear(1, 2), nn.Linear(2, 1))
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[1].parameters()}]
    optimizer = nn.SGD(groups, lr=0.2)
    data = np.ones((4, 1)), np.ones((4, 1))
    history = nn.fit(model, *data, loss=nn.mse_loss, optimizer=optimizer, epochs=2, progress=False)
    assert (history["lr.0"], history["lr.1"]) == ([0.1, 0.1], [0.2, 0.2])
    assert "lr" not in history
    assert optimizer.steps == 2
