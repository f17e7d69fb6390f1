"""Training steps in Chromium, as the live page runs them."""

import contextlib
import json
import shutil
from pathlib import Path

import numpy as np

from tinygrad_np.compiler.lowering import lower, record_step
from tinygrad_np.compiler.lowering.loops import Map
from tinygrad_np.page import live
from tinygrad_np.page.live.data import live_data, live_kernels, view_data
from tinygrad_np.page.live.kernels import kernel_name, kernels

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
RUNTIME = Path(live.__file__).with_name("runtime.js").read_text(encoding="utf-8")


@contextlib.contextmanager
def empty_page():
    """An empty page in a browser of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def until(page, condition):
    """Wait for something; a page's policy forbids that it evaluates text itself."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise TimeoutError(f"not within five seconds: {condition}")


def load(page, step):
    """Start the program of a step in the page, as `program`, and return it lowered."""
    lowered = lower(record_step(step).program)
    data = json.dumps(live_data(lowered), allow_nan=False)
    text = f"{RUNTIME}\n{live_kernels(lowered)}\nwindow.program = liveProgram({data}, K);"
    page.evaluate(f"() => {{{text}}}")
    return lowered


def train(page, steps):
    """The losses of so many steps."""
    return page.evaluate(f"Array.from({{length: {steps}}}, () => (program.step(), program.loss))")


def read(page, view):
    """The numbers of a view, in its dtype and shape."""
    flat = page.evaluate("view => [...program.read(view)]", view_data(view))
    return np.array(flat).astype(view.dtype).reshape(view.shape)


def run_all(page, programs):
    """Run one step of each program in one page; return what each gives, flat."""
    loops = [loop for lowered in programs for loop in lowered.loops]
    names = {kernel_name(loop) for loop in loops if isinstance(loop, Map)}
    text = f"{RUNTIME}\n{kernels(names)}\nObject.assign(window, {{K, liveProgram}});"
    page.evaluate(f"() => {{{text}}}")
    jobs = [[live_data(lowered), list(map(view_data, lowered.results))] for lowered in programs]
    texts = page.evaluate(
        """text => JSON.parse(text).map(([data, views]) => {
          const program = liveProgram(data, K);
          program.step();
          const numbers = views.flatMap(view => [...program.read(view)]);
          return numbers.map(x => Number.isFinite(x) ? x : String(x)).join(" ");
        })""",
        json.dumps(jobs, allow_nan=False),
    )
    return [np.array(text.split(), float) for text in texts]


def difference(numbers, values):
    """The largest difference from NumPy's values, by the largest element of each array."""
    worst, begin = 0.0, 0
    for value in values:
        right = value.astype(float).ravel()
        part = numbers[begin : begin + right.size]
        begin += right.size
        finite = np.isfinite(right)
        if not np.array_equal(part[~finite], right[~finite], equal_nan=True):
            return np.inf
        scale = max(1.0, np.abs(right[finite]).max(initial=0))
        worst = max(worst, np.abs(part - right)[finite].max(initial=0) / scale)
    return worst
