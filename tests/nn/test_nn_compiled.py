"""Compiled training in the forms that people write it: what it leaves is what eager leaves."""

import numpy as np
import pytest
from pass_sets import EXACT

import nn
import tinygrad_np as tg

X = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 3, 12).astype(np.uint8)


class Problem:
    """A network and its optimizer, always with the same initial values."""

    def __init__(
        self, optimizer=lambda p: nn.Adam(p, 0.01), dropout=0.0, dtype=np.float32, more=()
    ):
        rng = np.random.default_rng(7)
        self.hidden = nn.Linear(5, 6, rng=rng, dtype=dtype)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(6, 3, rng=rng, dtype=dtype)
        self.model = nn.Sequential(self.hidden, nn.Tanh(), self.dropout, self.out)
        self.more = more
        self.optimizer = optimizer([*self.model.parameters(), *more])

    def step(self, x, y):
        loss = nn.cross_entropy(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self):
        params = self.optimizer.params
        held = [p.numpy().copy() for p in params]
        held += [None if p.grad is None else p.grad.numpy().copy() for p in params]
        held += [v.numpy().copy() for v in self.optimizer.state.values()]
        return [*held, self.optimizer.steps, self.optimizer.lr]


def assert_same(a, b):
    for one, other in zip(a.state(), b.state(), strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert np.asarray(one).dtype == np.asarray(other).dtype
            np.testing.assert_array_equal(other, one)


def both(steps, make=Problem, times=9, args=lambda k: (X, Y)):
    """Run steps(problem, *args) eagerly on one problem, compiled on another."""
    plain, other = make(), make()
    compiled = tg.compile(lambda *given: steps(other, *given), passes=EXACT)
    for k in range(times):
        a, b = steps(plain, *args(k)), compiled(*args(k))
        assert_same(plain, other)
        for one, two in zip(np.atleast_1d(a), np.atleast_1d(b), strict=True):
            np.testing.assert_array_equal(getattr(two, "data", two), getattr(one, "data", one))
    return compiled


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_dtypes(dtype):
    def make():
        return Problem(lambda p: nn.SGD(p, 0.1, momentum=0.9), dtype=dtype)

    both(Problem.step, make, args=lambda k: (X.astype(dtype), Y))


def test_inputs_of_another_dtype():
    both(Problem.step, args=lambda k: (X.astype(float), Y.astype(np.int16)))


OUTPUTS = {
    "mse": lambda p, t: nn.mse_loss(p, t),
    "mae": lambda p, t: nn.mae_loss(p, t, reduction="sum"),
    "bce": lambda p, t: nn.binary_cross_entropy(tg.sigmoid(p), (t > 0).astype("f")),
    "bce logits": lambda p, t: nn.binary_cross_entropy_with_logits(p, (t > 0).astype("f")),
    "categorical": lambda p, t: nn.categorical_crossentropy(tg.softmax(p), np.argmax(t, axis=1)),
    "soft": lambda p, t: nn.categorical_crossentropy(nn.Softmax()(p), tg.softmax(t)),
    "log": lambda p, t: tg.nll_loss(nn.LogSoftmax()(p), np.argmax(t, axis=1)),
    "relu": lambda p, t: nn.mse_loss(nn.Sigmoid()(nn.ReLU()(p)), t),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_losses_and_activations(name):
    def step(problem, x, target):
        loss = OUTPUTS[name](problem.model(x), target)
        problem.optimizer.zero_grad()
        loss.backward()
        problem.optimizer.step()
        return loss

    def args(k):
        return X, np.random.default_rng(k).standard_normal((12, 3)).astype(np.float32)

    both(step, args=args)


def test_accumulated_gradients():
    """The first half of a batch finds no gradient, the second one adds to it."""
    plain, other = Problem(), Problem()

    def part(problem, x, y):
        (nn.cross_entropy(problem.model(x), y) / 2).backward()

    def update(problem):
        problem.optimizer.step()
        problem.optimizer.zero_grad()

    compiled_part = tg.compile(lambda x, y: part(other, x, y), passes=EXACT)
    compiled_update = tg.compile(lambda: update(other), passes=EXACT)
    kept = []
    for _ in range(5):
        for here in (slice(0, 6), slice(6, 12)):
            part(plain, X[here], Y[here])
            compiled_part(X[here], Y[here])
            assert_same(plain, other)
            gradient = other.hidden.weight.grad
            kept.append((gradient, gradient.numpy().copy()))
        update(plain)
        compiled_update()
        assert_same(plain, other)
    for gradient, value in kept:
        np.testing.assert_array_equal(gradient.numpy(), value)
    assert "2 programs" in repr(compiled_part)


def test_several_steps_in_one_call():
    both(lambda problem, x, y: [problem.step(x, y) for _ in range(3)][-1])


def test_clipped_gradients():
    def step(problem, x, y):
        loss = nn.cross_entropy(problem.model(x), y)
        problem.optimizer.zero_grad()
        loss.backward()
        total = sum((p.grad * p.grad).sum() for p in problem.optimizer.params)
        for p in problem.optimizer.params:
            p.grad = p.grad * tg.minimum(1.0, 0.1 / tg.sqrt(total))
        problem.optimizer.step()
        return loss

    both(step)


def test_running_means_of_the_weights():
    def step(problem, x, y):
        loss = problem.step(x, y)
        with tg.no_grad():
            for mean, p in zip(problem.means, problem.optimizer.params, strict=True):
                mean *= 0.9
                mean += 0.1 * p.numpy()
        return loss, *(mean.detach() for mean in problem.means)

    def make():
        problem = Problem()
        problem.means = [tg.Tensor(p.numpy()) for p in problem.optimizer.params]
        return problem

    plain, other = make(), make()
    compiled = tg.compile(lambda x, y: step(other, x, y), passes=EXACT)
    for _ in range(6):
        step(plain, X, Y)
        compiled(X, Y)
        assert_same(plain, other)
        for a, b in zip(plain.means, other.means, strict=True):
            np.testing.assert_array_equal(b.numpy(), a.numpy())


def test_parameters_that_some_calls_do_not_reach():
    def make():
        return Problem(more=(nn.Parameter(np.ones(3, np.float32)),))

    def step(problem, x, y, use):
        loss = nn.cross_entropy(problem.model(x), y)
        if use:
            loss = loss + (problem.more[0] * problem.more[0]).sum()
        problem.optimizer.zero_grad()
        loss.backward()
        problem.optimizer.step()
        return loss

    both(step, make, times=24, args=lambda k: (X, Y, (k // 3) % 2 == 0))


def test_parameters_that_are_frozen_and_thawed():
    plain, other = Problem(), Problem()
    compiled = tg.compile(other.step, passes=EXACT)
    for k in range(20):
        for problem in (plain, other):
            problem.hidden.weight.requires_grad = (k // 4) % 2 == 0
        plain.step(X, Y)
        compiled(X, Y)
        assert_same(plain, other)


def test_two_programs_share_parameters():
    plain, other = Problem(), Problem()

    def shrink(problem):
        loss = sum((p * p).sum() for p in problem.model.parameters()) * 0.01
        problem.optimizer.zero_grad()
        loss.backward()
        problem.optimizer.step()

    train = tg.compile(other.step, passes=EXACT)
    shrinking = tg.compile(lambda: shrink(other), passes=EXACT)
    predict = tg.compile(lambda x: tg.softmax(other.model(x)), passes=EXACT)
    for _ in range(6):
        plain.step(X, Y)
        train(X, Y)
        expected = tg.softmax(plain.model(X)).numpy()
        np.testing.assert_array_equal(predict(X).numpy(), expected)
        shrink(plain)
        shrinking()
        assert_same(plain, other)


@pytest.mark.parametrize("how", ["assigned", "assigned inside", "a schedule"])
def test_learning_rates(how):
    def step(problem, x, y, rate):
        if how == "assigned inside":
            problem.optimizer.lr = problem.optimizer.lr * 0.9
        return problem.step(x, y)

    plain, other = Problem(), Problem()
    compiled = tg.compile(lambda x, y: step(other, x, y, None), passes=EXACT)
    for k in range(9):
        for problem in (plain, other):
            if how == "assigned":
                problem.optimizer.lr = 0.01 / (k + 1)
            elif how == "a schedule" and k in (0, 5):
                problem.optimizer.lr = lambda t: 0.1 * 0.5 ** (t // 3)
        step(plain, X, Y, None)
        compiled(X, Y)
        assert_same(plain, other)
    if how != "a schedule":
        assert "1 program" in repr(compiled)


def test_dropout_with_a_generator_of_its_own():
    plain, other = Problem(dropout=0.4), Problem(dropout=0.4)
    compiled = tg.compile(other.step, passes=EXACT)
    for k in range(9):
        if k in (0, 5):  # the second one comes when there is a program
            for problem in (plain, other):
                problem.dropout.rng = np.random.default_rng(k)
        plain.step(X, Y)
        compiled(X, Y)
        assert_same(plain, other)
    assert plain.dropout.rng.random() == other.dropout.rng.random()


def test_a_generator_as_an_argument():
    def f(x, rng):
        return tg.dropout(tg.Tensor(x), 0.5, True, rng)

    compiled = tg.compile(f)
    for seed in (1, 2):
        one, other = np.random.default_rng(seed), np.random.default_rng(seed)
        for _ in range(4):
            np.testing.assert_array_equal(compiled(X, other).numpy(), f(X, one).numpy())


def test_all_kinds_of_random_numbers():
    def f(x):
        noise = tg.rand(12, 5) + tg.randn(12, 5) * 2 + tg.normal(0.0, 1.0, (12, 5))
        return x + noise, tg.uniform(0, 1, (3,)), tg.randint(0, 5, (4,)), tg.permutation(7)

    compiled = tg.compile(f, passes=EXACT)
    for k in range(5):
        tg.manual_seed(k)
        expected = f(tg.Tensor(X))
        tg.manual_seed(k)
        for a, b in zip(expected, compiled(tg.Tensor(X)), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(np.asarray(b), np.asarray(a))


class Standardize(nn.Module):
    """Keeps running statistics, as a batch normalization does."""

    def __init__(self):
        self.weight = nn.Parameter(np.ones(6, np.float32))
        self.mean = tg.Tensor(np.zeros(6, np.float32))

    def forward(self, x):
        mean = self.mean
        if self.training:
            mean = x.mean(axis=0)
            self.mean.assign((0.9 * self.mean + 0.1 * mean.detach()).numpy())
        return self.weight * (x - mean)


def test_running_statistics_and_evaluation_between_the_steps():
    def make():
        problem = Problem()
        problem.model = nn.Sequential(problem.hidden, Standardize(), problem.out)
        problem.optimizer = nn.SGD(problem.model.parameters(), 0.1)
        return problem

    plain, other = make(), make()
    train = tg.compile(other.step, passes=EXACT)
    predict = tg.compile(lambda x: other.model(x), passes=EXACT)
    for _ in range(6):
        plain.step(X, Y)
        train(X, Y)
        assert_same(plain, other)
        for problem in (plain, other):
            problem.model.eval()
        np.testing.assert_array_equal(predict(X).numpy(), plain.model(X).numpy())
        for problem in (plain, other):
            problem.model.train()


def test_the_model_as_an_argument():
    model = nn.Sequential(nn.Linear(5, 3, rng=np.random.default_rng(0)), nn.Dropout(0.5))
    compiled = tg.compile(lambda model, x: model(x), passes=EXACT)
    changes = {
        4: lambda: model.load_state_dict({k: v * 2 for k, v in model.state_dict().items()}),
        7: lambda: setattr(model[0], "weight", nn.Parameter(np.ones((5, 3), np.float32))),
        10: model.eval,
    }
    for k in range(13):
        changes.get(k, lambda: None)()
        tg.manual_seed(k)
        expected = model(X).numpy()
        tg.manual_seed(k)
        np.testing.assert_array_equal(compiled(model, X).numpy(), expected)


def test_a_parameter_that_is_one_number():
    def make():
        problem = Problem()
        problem.scale = nn.Parameter(np.float32(0.5))
        problem.optimizer = nn.Adam([problem.scale], 0.1)
        return problem

    def step(problem, x, y):
        loss = ((problem.scale * x - 1.0) ** 2).mean()
        problem.optimizer.zero_grad()
        loss.backward()
        problem.optimizer.step()
        return loss

    both(step, make)


def test_random_generators_after_an_error():
    problem = Problem(dropout=0.4)

    def step(x, y):
        return problem.step(x, y).item()

    before = problem.state()
    state = tg.default_generator().bit_generator.state
    with pytest.raises(tg.CompileError, match="item"):
        tg.compile(step)(X, Y)
    assert tg.default_generator().bit_generator.state == state
    for one, other in zip(before, problem.state(), strict=True):
        np.testing.assert_array_equal(other, one)


def test_random_generators_after_a_wrong_label():
    """The same error as uncompiled, and the same numbers drawn by then."""
    plain, other = Problem(dropout=0.4), Problem(dropout=0.4)
    compiled = tg.compile(other.step, passes=EXACT)
    tg.manual_seed(1)
    for _ in range(4):
        compiled(X, Y)
    weight, wrong = other.hidden.weight.numpy().copy(), Y.copy()
    wrong[3] = 3
    states = []
    for step in (plain.step, compiled):
        tg.manual_seed(3)
        with pytest.raises(ValueError, match="label 3 at row 3, but logits have 3 columns"):
            step(X, wrong)
        states.append(tg.default_generator().bit_generator.state)
    assert states[0] == states[1]
    np.testing.assert_array_equal(other.hidden.weight.numpy(), weight)
    assert other.optimizer.steps == 4


@pytest.mark.parametrize("watch", [tg.record, tg.debug])
def test_a_record_inside_of_a_compiled_step(watch):
    w = tg.Tensor([1.0, -2.0], requires_grad=True)
    optimizer = nn.Adam([w], 0.1)

    @tg.compile
    def step():
        with watch():
            loss = (w * w).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss

    twin = tg.Tensor([1.0, -2.0], requires_grad=True)
    other = nn.Adam([twin], 0.1)
    for _ in range(4):
        step()
        other.zero_grad()
        (twin * twin).sum().backward()
        other.step()
    np.testing.assert_array_equal(w.data, twin.data)
