"""Training steps in a browser: what the loops of a step compute there, against NumPy."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.compiler.lowering import lower, record_step
from tinygrad_np.page import live
from tinygrad_np.page.live.data import live_data, live_kernels

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


def load(page, lowered):
    """Start a program in the page, as `program`."""
    data = json.dumps(live_data(lowered), allow_nan=False)
    text = f"{RUNTIME}\n{live_kernels(lowered)}\nwindow.program = liveProgram({data}, K);"
    page.evaluate(f"() => {{{text}}}")


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
    load(page, lower(record_step(step).program))
    losses = page.evaluate("Array.from({length: 20}, () => (program.step(), program.loss))")
    np.testing.assert_allclose(losses, [step().item() for _ in range(20)], rtol=1e-5)
