"""Write the pictures of text in README, docs/images/card_*.png: programs, and what they say.

    python docs/card_pictures.py

Each card has a program that runs here, and its real output. Needs the extra `docs`, for Pygments,
playwright and Chromium.
"""

from __future__ import annotations

import contextlib
import html
import io
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

import nn
import tinygrad_np as tg

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 620, 344
LETTERS = 60  # in a line

PAGE = """<!doctype html><meta charset="utf-8"><style>{colours}
body {{ margin: 0; }}
#card {{ width: {width}px; height: {height}px; box-sizing: border-box; padding: 18px 22px;
  background: #fbfbfa; border: 1px solid #d9dce1; border-radius: 10px; overflow: hidden; }}
pre {{ margin: 0; font: 15px/1.45 "DejaVu Sans Mono", monospace; color: #1d2530; }}
.highlight {{ background: none; }}
.told {{ margin-top: 12px; color: #9a2f12; white-space: pre-wrap; }}
</style><div id="card">{program}<pre class="told">{told}</pre></div>"""

LAYER = """\
class Dense:
    ...
    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues
        self.dinputs = dvalues @ self.weights.T

tg.check_backward(Dense(3, 2), [np.ones((4, 3))])
"""
REST_OF_LAYER = """\
    def __init__(self, inputs, neurons):
        self.weights = np.random.default_rng(0).standard_normal((inputs, neurons))
        self.biases = np.zeros((1, neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases
"""
DEAD = """\
with tg.record() as run:
    hidden = tg.relu(X @ W1 - 5)
    loss = ((hidden @ W2 - 1) ** 2).mean()
    loss.backward()

print(tg.why(W1, record=run))
"""
STEP = """\
@tg.compile
def step():
    loss = nn.mse_loss(X @ w, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

step.source
"""


def cards() -> dict[str, tuple[str, str, str]]:
    """Return the language, the text and the output of each card by its name."""
    return {
        "cause": ("python", LAYER, error_of(LAYER.replace("    ...\n", REST_OF_LAYER))),
        "why": ("python", DEAD, printed(DEAD, X=data(5, 2), W1=leaf(2, 2), W2=leaf(2, 1))),
        "compile": ("python", STEP, statements()),
        "course": ("console", *course()),
    }


def data(*shape: int) -> np.ndarray:
    return np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


def leaf(*shape: int) -> tg.Tensor:
    return tg.Tensor(data(*shape), requires_grad=True)


def printed(program: str, **names: Any) -> str:
    """Run a program, and return what it prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program, "train.py", "exec"), {"np": np, "nn": nn, "tg": tg, **names})
    return out.getvalue()


def error_of(program: str) -> str:
    """Run a program that fails, and return the error."""
    try:
        printed(program)
    except tg.GradcheckError as error:
        return f"GradcheckError: {error}"
    raise AssertionError("no error")


def statements() -> str:
    """Return the statements of the compiled step, from backward on."""
    w = nn.Parameter(np.ones((3, 1)), name="w")
    names = {"X": data(8, 3), "y": data(8, 1), "w": w, "optimizer": nn.SGD([w], lr=0.1)}
    run = "step.lower()\nprint(step.source)"
    source = printed(STEP.replace("step.source", run), **names)
    backward = source.partition("# --- backward ---\n")[2].splitlines()
    lines = [line.partition("  # ")[0].strip() for line in backward]
    return "\n".join(line for line in lines if "(" in line and "return" not in line)


def course() -> tuple[str, str]:
    """Return what a learner types, and is told."""
    typed, told = [], []
    with tempfile.TemporaryDirectory() as folder:
        for command in ((), ("hint",)):
            words = [sys.executable, "-m", "tinygrad_np.learn", *command]
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": str(LETTERS)}
            done = subprocess.run(
                words, cwd=folder, env=environment, capture_output=True, text=True
            )
            typed.append(" ".join(["$ python", *words[1:]]))
            told.append(done.stdout)
    first = told[0].partition("Exercise: ")[2].partition("A hint: ")[0].strip()
    return typed[0] + "\n" + first, typed[1] + "\n" + told[1].strip()


def main() -> int:
    colours = HtmlFormatter().get_style_defs()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(device_scale_factor=2)
        for name, (language, program, told) in cards().items():
            text = "\n".join(textwrap.fill(line, LETTERS) for line in told.strip().splitlines())
            shown = highlight(program, get_lexer_by_name(language), HtmlFormatter())
            page.set_content(
                PAGE.format(
                    colours=colours,
                    width=WIDTH,
                    height=HEIGHT,
                    program=shown,
                    told=html.escape(text),
                )
            )
            page.locator("#card").screenshot(path=ROOT / "docs" / "images" / f"card_{name}.png")
            print(f"{name}\n{text}\n")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
