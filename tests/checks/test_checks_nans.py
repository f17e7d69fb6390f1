"""`debug()` names the op that makes the first nan, and lets correct programs pass."""

import inspect

import numpy as np
import pytest

import nn
import tinygrad_np as tg

W = tg.Tensor([1.0, 0.0, 4.0], requires_grad=True, name="w")


def logarithm():
    p = W * 1.0
    return tg.log(p).sum()


def division():
    below = W - W
    return ((W - 1) / below).sum()


def overflow():
    return tg.exp(W * 1000.0).sum()


def power():
    return ((W - 2.0) ** 0.5).sum()


def given():
    x = tg.Tensor([1.0, np.nan, 2.0], name="x")
    return (W * x).sum()


def masked_root():
    return tg.where(W > 0, tg.sqrt(W), 0.0).sum()


def masked_logarithm():
    safe = tg.where(W.detach() > 0, W, 1e-320)
    return tg.where(W > 0, 1 / safe, 0.0).sum()


MISTAKES = {
    logarithm: (
        2,
        r"log at {place} made -inf at \(1,\), from x \(p\) = 0.0, made at {file}:{above}",
    ),
    division: (2, r"divide at {place} made nan at \(0,\), from x = 0.0.*; y \(below\) = 0.0"),
    overflow: (1, r"exp at {place} made inf at \(0,\), from x = 1000.0"),
    power: (1, r"power at {place} made nan at \(0,\), from x = -1.0.*; y = 0.5"),
    given: (2, r"multiply at {place} was given nan at \(1,\): y \(x\) = nan"),
    masked_root: (
        1,
        r"backward of sqrt at {place} made nan in the gradient of its input 'x' at \(1,\), from "
        r"x \(w\) = 0.0, made at test_checks_nans.py:11; the incoming gradient there is 0.0"
        r".*0 times inf.*"
        r"sqrt\(where\(mask, x, 1\)\)",
    ),
    masked_logarithm: (2, r"made inf at \(1,\)"),
}


@pytest.mark.parametrize("program", MISTAKES, ids=lambda f: f.__name__)
def test_the_first_nan_is_named(program):
    below, message = MISTAKES[program]
    line = inspect.getsourcelines(program)[1] + below
    file = "test_checks_nans.py"
    message = message.format(place=f"{file}:{line}", file=file, above=line - 1)
    with tg.debug(), pytest.raises(FloatingPointError, match=message):
        program().backward()
    W.grad = None


def test_correct_programs_pass():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with tg.debug() as run:
        x = W.detach().reshape(1, 3).astype(np.float32)
        nn.cross_entropy(model(x), [1]).backward()
        safe = tg.where(W > 0, W, 1.0)
        tg.where(W > 0, tg.log(safe), 0.0).sum().backward()
    assert run.flows
    W.grad = None


def test_an_array_that_was_changed_since_is_named():
    a = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.debug():
        y = tg.exp(a) * a
        held = a.numpy()
        held.setflags(write=True)
        held[0] = 5.0
        with pytest.raises(
            RuntimeError, match=r"multiply at test_checks_nans.py:\d+: its input 'y'"
        ):
            y.sum().backward()


def test_leaves_have_the_names_of_variables():
    weights = tg.Tensor([[1.0, -2.0]], requires_grad=True)
    with (
        tg.debug(),
        pytest.raises(FloatingPointError, match=r"\(0, 1\), from x \(weights\) = -2.0"),
    ):
        tg.log(weights)

    class Model:
        def __init__(self):
            self.scale = tg.Tensor([0.0], requires_grad=True)

        def __call__(self):
            return 1.0 / self.scale

    with tg.debug(), pytest.raises(FloatingPointError, match=r"y \(self.scale\) = 0.0"):
        Model()()


@pytest.mark.parametrize(
    ("branch", "remedy"),
    [
        (lambda x: tg.sqrt(x), r"where\(mask, sqrt\(where\(mask, x, 1\)\), 0\)"),
        (lambda x: tg.log(x), r"where\(mask, log\(where\(mask, x, 1\)\), 0\)"),
        (lambda x: 1.0 / x, r"where\(mask, divide\(x, where\(mask, y, 1\)\), 0\)"),
    ],
)
def test_the_remedy_for_a_masked_branch_and_that_it_works(branch, remedy):
    x = tg.Tensor([4.0, 0.0, 1.0], requires_grad=True)
    mask = x > 0
    with tg.debug(), pytest.raises(FloatingPointError, match=remedy):
        tg.where(mask, branch(x), 0.0).sum().backward()
    with tg.debug():
        tg.where(mask, branch(tg.where(mask, x, 1)), 0.0).sum().backward()
    assert x.grad[1].item() == 0.0
    assert np.isfinite(x.grad.data).all()


def test_infinities_of_a_mask_pass():
    """As in attention: a mask of -inf, given or chosen, before a softmax."""
    scores = tg.Tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    keep = np.array([[True, True, False]])
    with tg.debug():
        tg.log(tg.softmax(tg.where(keep, scores, -np.inf))[0, 0]).backward()
        (tg.softmax(scores + np.where(keep, 0.0, -np.inf)) ** 2).sum().backward()
    assert np.isfinite(scores.grad.data).all()
    with (
        tg.debug(),
        pytest.raises(FloatingPointError, match=r"subtract at .* made nan at \(0, 2\)"),
    ):
        tg.where(keep, scores, -np.inf) - np.where(keep, 0.0, -np.inf)


def test_gradients_from_outside_and_sums_that_overflow():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.debug():
        with pytest.raises(FloatingPointError, match=r"given the gradient nan at \(1,\)"):
            (x * 2).backward(np.array([1.0, np.nan]))
        y = x * 2
        y.register_hook(lambda g: g * np.inf)
        with pytest.raises(FloatingPointError, match=r"given the gradient inf .*by a hook"):
            y.sum().backward()
    big = tg.Tensor([1e-3], dtype=np.float32, requires_grad=True)
    half = np.float32(2e38)
    with tg.debug(), pytest.raises(FloatingPointError, match=r"sum of the gradients .*\(big\)"):
        (big * half + big * half).sum().backward()


def test_numpys_warnings_are_off_inside_and_back_outside():
    before = np.geterr()
    with tg.debug():
        assert np.geterr()["invalid"] == "ignore"
        with pytest.raises(FloatingPointError, match="sqrt"):
            tg.sqrt(tg.Tensor([-1.0], requires_grad=True))
    assert np.geterr() == before


def test_a_record_inside_and_outside_sees_the_same():
    with tg.record() as outer, tg.debug() as run, tg.record() as inner:
        (W.detach() * tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)).sum().backward()
        with pytest.raises(FloatingPointError):
            tg.log(W)
    assert list(outer.forward) == list(run.forward) == list(inner.forward)
    assert len(outer.forward) == 3
    assert len(outer.flows) == len(run.flows) == len(inner.flows) == 2
    assert outer.gradients.keys() == inner.gradients.keys()


def writes_to_its_input(x):
    x.flags.writeable = True
    x *= 2
    return x + 1


def flips_and_hides(x):
    out = writes_to_its_input(x)
    x.flags.writeable = False
    return out


@pytest.mark.parametrize("forward", [writes_to_its_input, flips_and_hides])
def test_an_op_that_writes_to_its_input_is_named(forward):
    culprit = tg.define_op(forward, name="culprit", x=lambda g: 2 * g)
    a = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.debug():
        b = tg.exp(a)
        message = r"culprit at test_checks_nans.py:\d+: its input 'x' \(b\) was changed in place"
        with pytest.raises(RuntimeError, match=message):
            culprit(b)


def test_an_op_that_leaves_its_input_writable_is_named():
    culprit = tg.define_op(writes_to_its_input, name="culprit", x=lambda g: 2 * g)
    a = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.debug(), pytest.raises(RuntimeError, match=r"culprit .* 'x' \(a\) was made writable"):
        culprit(a)


def test_the_users_own_arrays_may_change():
    buffer = np.ones(2)
    a = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.debug():
        y = (a + buffer) * buffer
        buffer[:] = 5
        (y + buffer).sum().backward()
    assert a.grad.tolist() == [1.0, 1.0]


def test_outside_of_it_nothing_is_checked():
    with np.errstate(divide="ignore"):
        assert np.isinf(tg.log(tg.Tensor(0.0, requires_grad=True)).item())


def raised_by(f):
    with tg.debug(), pytest.raises(FloatingPointError) as error:
        f()
    return str(error.value)


def test_the_advice_fits_what_happened():
    """A where() is spoken of only in code that has one."""
    x = tg.Tensor([1.0, 1000.0], requires_grad=True)
    assert "tg.logsumexp" in raised_by(lambda: tg.exp(x))
    assert "tg.logsumexp" in raised_by(lambda: np.cosh(x))
    large = tg.Tensor(np.float32([1e20]), requires_grad=True)
    assert "or compute in float64" in raised_by(lambda: large * large)
    assert "scale the numbers down" in raised_by(lambda: large.astype(float) ** 20)
    below = tg.Tensor([-1.0], requires_grad=True)
    for text in (raised_by(lambda: tg.exp(x)), raised_by(lambda: tg.log(below))):
        assert "where(" not in text


@pytest.mark.parametrize("rate", [50.0, 1e6])
def test_a_learning_rate_that_is_too_large_is_named(rate):
    w = tg.Tensor([[1.0]], requires_grad=True, name="w")
    data = np.array([[10.0]])

    def train():
        optimizer = nn.SGD([w], rate)
        for _ in range(300):
            loss = ((data @ w - 1) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    text = raised_by(train)
    assert "grown step by step (w)" in text
    assert "a smaller learning rate" in text
