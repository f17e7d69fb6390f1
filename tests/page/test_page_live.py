"""Training steps in a browser: what the loops of a step compute there, against NumPy."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from op_cases import CASES
from step_cases import results_of, step_of

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.compiler.lowering import LoweringError, lower, record_step
from tinygrad_np.compiler.lowering.loops import Map
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


def spiral():
    rng = np.random.default_rng(0)
    r, k = np.tile(np.linspace(0, 1, 100), 3), np.repeat(np.arange(3), 100)
    angle = 2.5 * (4 * (k + r) + rng.normal(0, 0.2, 300))
    X = tg.Tensor(np.c_[r * np.sin(angle), r * np.cos(angle)].astype("float32"), name="X")
    y = tg.Tensor(k, name="y")
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = nn.Adam(model.parameters(), lr=0.02)

    def step():
        loss = nn.cross_entropy(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def test_the_spiral_trains_as_in_numpy(page):
    step = spiral()
    load(page, step)
    np.testing.assert_allclose(train(page, 20), [step().item() for _ in range(20)], rtol=1e-5)
