"""Training steps in a browser: what the loops of a step compute there, against NumPy."""

import numpy as np
import pytest
from browser_steps import CHROMIUM, difference, load, read, run_all, train
from op_cases import CASES
from random_programs import arrays
from step_cases import TRAININGS, lowered_op, random_step

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.compiler.lowering import LoweringError, lower, record_step
from tinygrad_np.compiler.lowering.elementwise import FUNCTIONS
from tinygrad_np.core.doors import draw
from tinygrad_np.page.live.data import live_data, view_data
from tinygrad_np.page.live.kernels import scalars

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]


@pytest.fixture(scope="module")
def page(browser):
    return browser.new_page()


# --- every op -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-6)])
def test_every_op_computes_as_numpy(page, dtype, tolerance):
    """Values and gradients, all in one page. The compiler's tests say which can't be lowered."""
    programs, right = [], {}
    for case in CASES:
        lowered, results = lowered_op(case, dtype)
        if results is not None:
            programs.append(lowered)
            right[repr(case)] = results
    assert len(programs) >= 700
    for (name, values), numbers in zip(right.items(), run_all(page, programs), strict=True):
        assert difference(numbers, values) <= tolerance, name


# --- trainings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRAININGS)
def test_200_steps_are_numpys(page, name):
    """In double precision; single precision differs by what rounding makes of it."""
    for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-3)):
        step = TRAININGS[name](dtype)
        load(page, step)
        losses = train(page, 200)
        np.testing.assert_allclose(losses, [step().item() for _ in range(200)], rtol=tolerance)


def test_random_programs_are_numpys(page):
    """Views, writes, states, random numbers and optimizers, in two steps."""
    for seed in range(100, 112):
        step = random_step(seed)
        with np.errstate(all="ignore"):
            step()  # gradients are there from here on
            lowered = load(page, step)
            for _ in range(2):
                page.evaluate("program.step()")
                for view, right in zip(lowered.results, arrays(step()), strict=True):
                    np.testing.assert_allclose(read(page, view), right, 1e-9, 1e-11, err_msg=seed)


def test_reset_begins_again_to_the_bit(page):
    """With momentum, a counter of steps, a falling rate, and random numbers."""
    for name in ("images", "noise"):
        load(page, TRAININGS[name]("float32"))
        first = train(page, 5)
        page.evaluate("program.reset()")
        assert train(page, 5) == first


def test_a_run_without_a_step_changes_nothing(page):
    """The page computes anew whenever a number is turned: with the same random numbers."""
    load(page, TRAININGS["noise"]("float32"))
    losses = page.evaluate("[0, 1].map(() => (program.run(), program.loss))")
    assert losses[0] == losses[1] == train(page, 1)[0]


def test_parameters_that_are_swapped(page):
    a = tg.Tensor([1.0, 2.0, 3.0])
    b = tg.Tensor([[4.0], [5.0], [6.0]])
    count = tg.Number(1)

    def step():
        rows = b.reshape(3)
        b.assign(a.reshape(3, 1))
        a.assign(rows)
        count.value *= 3
        return a * count.value

    lowered = load(page, step)
    for _ in range(3):
        page.evaluate("program.step()")
        np.testing.assert_array_equal(read(page, lowered.results[0]), step().numpy())


def test_a_check_that_fails_names_the_users_line(page):
    scores = tg.Tensor(np.eye(3), requires_grad=True)
    labels = tg.Tensor([0, 1, 2], name="labels")

    def step():
        scores.grad = None
        loss = nn.cross_entropy(scores, labels)  # the line that is named
        loss.backward()
        return loss

    lowered = load(page, step)
    source = next(i.var for i in lowered.program.inputs if i.source is labels)
    page.evaluate("view => program.write(view, [0, 1, 7])", view_data(lowered.views[source]))
    line = step.__code__.co_firstlineno + 2
    with pytest.raises(playwright.Error, match=rf"test_page_live.py:{line}: a check of the values"):
        page.evaluate("program.step()")
    page.evaluate("program.reset()")
    assert train(page, 1)[0] == pytest.approx(step().item())


def test_integers_wrap_or_stop(page):
    """Small ones wrap as NumPy's; beyond 2^53 a page would count wrongly, and says so."""
    small = tg.Tensor(np.array([100, 200, 250], np.uint8))
    large = tg.Tensor(np.array([2**30, -(2**31), 7], np.int32))
    lowered = load(page, lambda: (small * 3 + 7, large * large + large // 5, tg.cumsum(small, 0)))
    page.evaluate("program.step()")
    with np.errstate(over="ignore"):
        right = [small.data * np.uint8(3) + np.uint8(7), large.data**2 + large.data // 5]
    right.append(np.cumsum(small.data))
    for view, values in zip(lowered.results, right, strict=True):
        np.testing.assert_array_equal(read(page, view), values)
    huge = tg.Tensor([2**40])
    load(page, lambda: huge * huge)
    with pytest.raises(playwright.Error, match=r"an integer beyond 2\^53"):
        page.evaluate("program.step()")


# --- random numbers -------------------------------------------------------------------------------

DRAWS = {
    "random": (1000,),
    "random float32": ("random", 1001, np.float32),
    "standard_normal": (20000,),
    "standard_normal float32": ("standard_normal", 20001, np.float32),
    "normal": (1.5, 0.3, (10, 10)),
    "uniform": (-2.0, 3.0, (7, 5)),
    "integers": (-3, 1000, 1000),
    "integers of 32 bits": ("integers", -(2**31), 2**30, 1001, np.int32),
    "integers of one kind": ("integers", 5, 6, 3),
    "permutation": (501,),
    "gumbel": (0.5, 2.0, (20, 20)),
}


def test_random_numbers_are_numpys_to_the_bit(page):
    """All from one generator, one behind the other, which has 32 bits left from before."""
    rng = np.random.default_rng(3)
    rng.random(dtype=np.float32)
    calls = []
    for name, arguments in DRAWS.items():
        method, *rest = arguments if isinstance(arguments[0], str) else (name, *arguments)
        calls.append((method, rest))

    def step():
        return [draw(rng, method, *arguments) for method, arguments in calls]

    lowered = load(page, step)
    for _ in range(2):
        page.evaluate("program.step()")
        for name, view, right in zip(DRAWS, lowered.results, step(), strict=True):
            numbers = read(page, view)
            if name == "gumbel":  # of logarithms, which are the browser's
                np.testing.assert_allclose(numbers, right, rtol=1e-14)
            else:
                np.testing.assert_array_equal(numbers, right, err_msg=name)


# --- sums -----------------------------------------------------------------------------------------


def test_sums_are_numpys_to_the_bit(page):
    """Along any axes of arrays that lie in memory in any way: in pairs, in NumPy's order."""
    rng = np.random.default_rng(0)
    programs, right = [], []
    for _ in range(150):
        ndim = int(rng.integers(1, 5))
        shape = rng.choice([1, 2, 3, 5, 8, 9, 17, 40, 130], ndim)
        if np.prod(shape) > 8192:  # NumPy's buffers are no longer
            shape = shape[:2]
        sizes = 10.0 ** rng.integers(-3, 4, shape)
        x = tg.Tensor((rng.standard_normal(shape) * sizes).astype(rng.choice(["f4", "f8"])))
        order = rng.permutation(len(shape)).tolist()
        index = tuple(slice(None, None, int(rng.choice([1, 1, 2, -1]))) for _ in shape)
        axes = tuple(rng.permutation(len(shape))[: rng.integers(len(shape) + 1)].tolist())
        name = str(rng.choice(["sum", "sum", "mean", "var", "cumsum", "max"]))

        def step(x=x, order=order, index=index, axes=axes, name=name):
            y = x.transpose(order)[index]
            return tg.cumsum(y, 0) if name == "cumsum" else getattr(y, name)(axis=axes or None)

        programs.append(lower(record_step(step).program))
        right.append(step().numpy())
    for numbers, values in zip(run_all(page, programs), right, strict=True):
        np.testing.assert_array_equal(numbers.astype(values.dtype), values.ravel())


def test_every_scalar_function_is_there():
    names = set(scalars())
    for name in FUNCTIONS:
        assert names & {name, f"{name}_int"}, name


def test_a_step_that_is_too_much_for_a_page():
    x = tg.Tensor(np.ones((200, 200)))
    with pytest.raises(LoweringError, match=r"computes 8,\d+,\d+ numbers in a step: a page takes"):
        live_data(lower(record_step(lambda: (x @ x).sum()).program))
    x = tg.Tensor(np.ones(200_001))
    with pytest.raises(LoweringError, match="is given 200,001 numbers"):
        live_data(lower(record_step(x.sum).program))
