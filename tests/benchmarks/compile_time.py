"""Compile time of long steps: in all and for each statement, and the memory that it takes.

    taskset -c 0 python tests/benchmarks/compile_time.py

`lower` records a step twice, runs the passes, writes the text and proves the program. Memory is
what the process grows by at its highest meanwhile, and what is left of that afterwards: the program
with its buffers. It is read from `/proc`, where there is one.
"""

from __future__ import annotations

import argparse
import gc
from pathlib import Path
from typing import TYPE_CHECKING

from timing import CLOCK, Timing, header, line, markdown

# isort: split
import networks
import numpy as np

import nn
import tinygrad_np as tg

if TYPE_CHECKING:
    from collections.abc import Callable

LENGTH, ROWS = 80, 32  # of the sequences
HAS_MEMORY = Path("/proc/self/clear_refs").exists()


def training(model, inputs, classes) -> Callable:
    """Make a training step with Adam on one batch."""
    optimizer = nn.Adam(model.parameters())

    def step():
        loss = nn.cross_entropy(model(*inputs), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def two_lstm_layers() -> Callable:
    ((text, classes), *_) = networks.characters(ROWS, LENGTH)
    return training(networks.recurrent("LSTM", layers=2)(nn), [text], classes)


class Cells(nn.Module):
    """Two LSTM cells on top of each other, in a loop of the user's."""

    def __init__(self):
        super().__init__()
        self.token = nn.Embedding(networks.VOCABULARY, 32)
        self.lower, self.upper = nn.LSTMCell(32, 64), nn.LSTMCell(64, 64)
        self.out = nn.Linear(64, networks.VOCABULARY)

    def forward(self, text):
        below = above = None
        outputs = []
        for column in text.T:
            below = self.lower(self.token(column), below)
            above = self.upper(below[0], above)
            outputs.append(above[0])
        return self.out(tg.stack(outputs, 1)).reshape(-1, networks.VOCABULARY)


def two_lstm_cells() -> Callable:
    ((text, classes), *_) = networks.characters(ROWS, LENGTH)
    return training(Cells(), [text], classes)


def gpt() -> Callable:
    ((*inputs, classes), *_) = networks.characters_in_places(16)
    return training(networks.transformer(4)(nn), inputs, classes)


def simulation(steps: int) -> Callable:
    """Make a step that learns the strengths of ten pendulums by simulating them."""
    strength = tg.Tensor(np.ones(10), requires_grad=True)
    start = np.linspace(0, 1, 10)

    def step():
        strength.grad = None
        angle, speed = start, np.zeros(10)
        for _ in range(steps):
            force = -strength * tg.sin(angle) - 0.1 * speed
            speed = speed + 0.01 * force
            angle = angle + 0.01 * speed
        loss = (angle * angle).sum()
        loss.backward()
        return loss

    return step


# Name: how to make the step, the target in seconds, and in ms a statement.
STEPS = {
    "two LSTM layers, 80 steps": (two_lstm_layers, 3.0, None),
    "two LSTM cells in a loop of 80": (two_lstm_cells, 3.0, None),
    "GPT of four blocks": (gpt, 4.0, None),
    "simulation of 50 steps": (lambda: simulation(50), None, 0.15),
    "simulation of 200 steps": (lambda: simulation(200), 0.8, 0.15),
    "simulation of 800 steps": (lambda: simulation(800), None, 0.15),
}


def memory() -> float:
    """Return this process's memory in bytes, after what is free went back to the system."""
    gc.collect()
    networks.forget_peak()
    return networks.status("VmRSS")


def measure(make: Callable, rounds: int) -> tuple[Timing, int, list[str]]:
    """Return the compile time in seconds, the number of statements, and the memory in MB."""
    step = make()
    step()
    times, sizes = [], []
    for _ in range(rounds):
        before = memory() if HAS_MEMORY else 0
        start = CLOCK()
        program = tg.compile(step).lower()
        times.append((CLOCK() - start) / 1e9)
        if HAS_MEMORY and not sizes:
            peak = networks.status("VmHWM")
            sizes = [f"{(size - before) / 1e6:.1f}" for size in (peak, memory())]
    return Timing.of(times), len(program.report().lines), sizes


def row(name: str, rounds: int) -> list[str]:
    make, seconds, milliseconds = STEPS[name]
    timing, count, sizes = measure(make, rounds)
    cells = [name, str(count)]
    for time, target in ((timing, seconds), (timing.scaled(1e3 / count), milliseconds)):
        digits = 2 if time is timing else 3
        verdict = ""
        if target is not None:
            verdict = f"{target} {'met' if time.median <= target else '**missed**'}"
        cells += [f"{time.median:.{digits}f}", f"{time.minimum:.{digits}f}", verdict]
    return [*cells, *sizes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--step", default="", help="words in the name of the step to compile")
    options = parser.parse_args()
    print(header("numpy"))
    heads = ["", "statements", "s", "minimum", "target", "ms a statement", "minimum", "target"]
    if HAS_MEMORY:
        heads += ["peak, MB", "left, MB"]
    print(markdown(heads, []))
    for name in STEPS:
        if options.step in name:
            print(line(row(name, options.rounds)), flush=True)


if __name__ == "__main__":
    main()
