"""Training steps in a browser: what the loops of a step compute there, against NumPy."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from op_cases import CASES
from step_cases import TRAININGS, results_of, step_of

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.compiler.lowering import LoweringError, lower, record_step
from tinygrad_np.compiler.lowering.loops import Map
from tinygrad_np.core.doors import draw
from tinygrad_np.page import live
from tinygrad_np.page.live.data import live_data, live_kernels, view_data
from tinygrad_np.page.live.kernels import kernel_name, kernels

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]
RUNTIME = Path(live.__file__).with_name("runtime.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page():
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def load(page, step):
    """Start the program of a step in the page, as `program`, and return it lowered."""
    lowered = lower(record_step(step).program)
    data = json.dumps(live_data(lowered), allow_nan=False)
    text = f"{RUNTIME}\n{live_kernels(lowered)}\nwindow.program = liveProgram({data}, K);"
    page.evaluate(f"() => {{{text}}}")
    return lowered


def train(page, steps):
    return page.evaluate(f"Array.from({{length: {steps}}}, () => (program.step(), program.loss))")


def read(page, view):
    """The numbers of a view, in its dtype and shape."""
    flat = page.evaluate("view => [...program.read(view)]", view_data(view))
    return np.array(flat).astype(view.dtype).reshape(view.shape)


# --- every op -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-6)])
def test_every_op_computes_as_numpy(page, dtype, tolerance):
    """Values and gradients, all in one page. The compiler's tests say which can't be lowered."""
    jobs, right, names = [], {}, set()
    for case in CASES:
        step = step_of(case, dtype)
        try:
            lowered = lower(record_step(step).program)
        except LoweringError:
            continue
        names |= {kernel_name(loop) for loop in lowered.loops if isinstance(loop, Map)}
        jobs.append([live_data(lowered), list(map(view_data, lowered.results))])
        right[repr(case)] = [values.astype(float).ravel() for values in results_of(step)]
    assert len(right) >= 700
    page.evaluate(
        f"() => {{{RUNTIME}\n{kernels(names)}\nObject.assign(window, {{K, liveProgram}})}}"
    )
    results = page.evaluate(
        """text => JSON.parse(text).map(([data, views]) => {
          const program = liveProgram(data, K);
          program.step();
          const numbers = views.flatMap(view => [...program.read(view)]);
          return numbers.map(x => Number.isFinite(x) ? x : String(x)).join(" ");
        })""",
        json.dumps(jobs, allow_nan=False),
    )
    for (name, values), text in zip(right.items(), results, strict=True):
        numbers = np.array(text.split(), float)
        sizes = [np.abs(part[np.isfinite(part)]).max(initial=1) for part in values]
        atol = tolerance * np.repeat(sizes, list(map(len, values)))
        value = np.concatenate(values)
        finite = np.isfinite(value)
        np.testing.assert_array_equal(numbers[~finite], value[~finite], err_msg=name)
        assert (abs(numbers - value)[finite] <= atol[finite]).all(), name


# --- trainings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRAININGS)
def test_200_steps_are_numpys(page, name):
    """In double precision; single precision differs by what rounding makes of it."""
    for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-3)):
        step = TRAININGS[name](dtype)
        load(page, step)
        losses = train(page, 200)
        np.testing.assert_allclose(losses, [step().item() for _ in range(200)], rtol=tolerance)


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
    jobs, right, names = [], [], set()
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

        lowered = lower(record_step(step).program)
        names |= {kernel_name(loop) for loop in lowered.loops if isinstance(loop, Map)}
        jobs.append([live_data(lowered), view_data(lowered.results[0])])
        right.append(step().numpy())
    text = f"{RUNTIME}\n{kernels(names)}\nObject.assign(window, {{K, liveProgram}});"
    page.evaluate(f"() => {{{text}}}")
    results = page.evaluate(
        """jobs => jobs.map(([data, view]) => {
          const program = liveProgram(data, K);
          program.run();
          return [...program.read(view)];
        })""",
        jobs,
    )
    for numbers, values in zip(results, right, strict=True):
        np.testing.assert_array_equal(np.array(numbers).astype(values.dtype), values.ravel())
