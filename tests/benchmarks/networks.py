"""Training steps of whole networks, eager and compiled, beside PyTorch: time, and peak memory.

    taskset -c 0 python tests/benchmarks/networks.py

Each network is written once, with the names that `nn` and `torch.nn` share, and both start from the
same float32 values; the program stops if their first losses differ. A step is forward, backward and
Adam; batches take turns, so that none is learned by heart.

Memory is what a process of its own grows by at its highest, through model, optimizer and a few
steps, after another network of the kind, on two rows, has brought in the code; a second number is
the highest of later steps, when a compiled one has been compiled. Both are read from `/proc`, where
there is one.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import importlib.util
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from timing import header, interleave, line, markdown

# isort: split
import numpy as np

import nn as own
import tinygrad_np as tg

if TYPE_CHECKING:
    from collections.abc import Callable

VOCABULARY, LENGTH = 64, 50
EPS = 1e-7
TIME_TARGET, MEMORY_TARGET = 2.0, 1.2  # eager to PyTorch's

# --- networks, of the package `nn` or `torch.nn` -------------------------------------------------


def convnet(side):
    """Make the function that makes a network for images of this height and width."""

    def make(nn):
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * (side // 4) ** 2, 10),
        )

    return make


def normalized(nn):
    return nn.Sequential(
        nn.Linear(64, 128),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def transformer(blocks):
    """Make the function that makes a network of blocks of causal attention.

    The norm is in front of each, as in GPT-2.
    """
    width, heads = 64, 4
    options = {"dropout": 0.0, "batch_first": True, "norm_first": True}

    def make(nn):
        class Transformer(nn.Module):
            def __init__(self):
                super().__init__()
                self.token = nn.Embedding(VOCABULARY, width)
                self.place = nn.Embedding(LENGTH, width)
                block = nn.TransformerEncoderLayer
                self.blocks = nn.ModuleList(
                    block(width, heads, 256, **options) for _ in range(blocks)
                )
                self.out = nn.Linear(width, VOCABULARY)

            def forward(self, characters, places, later):
                x = self.token(characters) + self.place(places)
                for block in self.blocks:
                    x = block(x, later, is_causal=True)
                return self.out(x).reshape(-1, VOCABULARY)

        return Transformer()

    return make


def recurrent(kind, layers=1):
    """Make the function that makes a network of recurrent layers."""

    def make(nn):
        class Recurrent(nn.Module):
            def __init__(self):
                super().__init__()
                self.token = nn.Embedding(VOCABULARY, 32)
                self.layer = getattr(nn, kind)(32, 64, layers, batch_first=True)
                self.out = nn.Linear(64, VOCABULARY)

            def forward(self, characters):
                outputs, _ = self.layer(self.token(characters))
                return self.out(outputs).reshape(-1, VOCABULARY)

        return Recurrent()

    return make


# --- data: batches of inputs, with the classes at the end ----------------------------------------


def images(rows):
    x, y = own.data.digits()
    x = x.reshape(-1, 1, 8, 8) / 16
    return [(x[k : k + rows], y[k : k + rows]) for k in range(0, 16 * rows, rows)][:12]


def larger_images(rows):
    """Noise of the size of MNIST's images."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 10, (12, rows))
    return [(rng.random((rows, 1, 28, 28), np.float32), y) for y in classes]


def points(rows):
    return [(x.reshape(rows, 64), y) for x, y in images(rows)]


def characters(rows, length=LENGTH):
    rng = np.random.default_rng(0)
    batches = []
    for _ in range(16):
        text = rng.integers(0, VOCABULARY, (rows, length + 1))
        batches.append((text[:, :-1], text[:, 1:].reshape(-1)))
    return batches


def characters_in_places(rows):
    places, later = np.arange(LENGTH), np.triu(np.ones((LENGTH, LENGTH), bool), 1)
    return [(text, places, later, classes) for text, classes in characters(rows)]


class Network(NamedTuple):
    """A network: how to make it and its batches, and how many rows these have."""

    make: Callable
    batches: Callable
    rows: int


NETWORKS = {
    "convnet on digits": Network(convnet(8), images, 128),
    "convnet on 28×28 pixels": Network(convnet(28), larger_images, 64),
    "MLP with BatchNorm on digits": Network(normalized, points, 128),
    "transformer of two blocks": Network(transformer(2), characters_in_places, 16),
    "LSTM of 50 steps": Network(recurrent("LSTM"), characters, 32),
    "GRU of 50 steps": Network(recurrent("GRU"), characters, 32),
}

# --- engines: functions (network, rows) -> step --------------------------------------------------


def values_of(network):
    """Return the initial values of a network by name."""
    tg.manual_seed(0)
    return network.make(own).state_dict()


def eager(network, rows, wrap=lambda step: step):
    tg.manual_seed(0)
    model = network.make(own)
    optimizer = own.Adam(model.parameters(), eps=EPS)

    def update(*batch):
        *inputs, classes = batch
        loss = own.cross_entropy(model(*inputs), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    update = wrap(update)
    turn = itertools.cycle(network.batches(rows))
    return lambda: update(*next(turn))


def compiled(network, rows):
    return eager(network, rows, wrap=tg.compile)


def in_c(network, rows):
    return eager(network, rows, wrap=functools.partial(tg.compile, backend="c"))


def pytorch(network, rows):
    import torch

    torch.set_num_threads(1)
    model = network.make(torch.nn)
    values = values_of(network)
    with torch.no_grad():
        for name, parameter in model.state_dict().items():
            value = values[name]
            layer = model.get_submodule(name.rpartition(".")[0])
            # Weights of dense and recurrent layers are (in, out) here.
            if isinstance(layer, (torch.nn.Linear, torch.nn.RNNBase, torch.nn.MultiheadAttention)):
                value = value.T
            parameter.copy_(torch.tensor(value))
    optimizer = torch.optim.Adam(model.parameters(), eps=EPS)
    turn = itertools.cycle([tuple(map(torch.tensor, b)) for b in network.batches(rows)])

    def step():
        *inputs, classes = next(turn)
        loss = torch.nn.functional.cross_entropy(model(*inputs), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


ENGINES: dict[str, Callable] = {
    "eager": eager, "compiled": compiled, "compiled, C": in_c, "PyTorch": pytorch,
}  # fmt: skip


# --- memory --------------------------------------------------------------------------------------


def status(key: str) -> int:
    """Return a line of this process's memory in bytes: VmRSS, or VmHWM, the highest so far."""
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+) kB", text)[1]) * 1024


def peaks_of_process(engine: str, name: str) -> list[int]:
    """Measure by how many bytes this process grows at most: with the first steps, and later."""
    make, network = ENGINES[engine], NETWORKS[name]
    small = make(network, 2)
    for _ in range(3):
        small()
    del small
    forget_peak()
    before = status("VmRSS")
    step = make(network, network.rows)
    peaks = []
    for _ in ("first steps", "later ones"):
        for _ in range(3):
            step()
        peaks.append(status("VmHWM") - before)
        forget_peak()
    return peaks


def forget_peak() -> None:
    """Give freed memory back to the system, and let the highest so far be what is left."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def memory(engine: str, name: str) -> list[int]:
    """Return the peaks of a new process, in bytes."""
    command = [sys.executable, __file__, "--peaks", engine, name]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


# --- the table -----------------------------------------------------------------------------------


def check_losses(steps: dict[str, Callable]) -> None:
    """Stop if the engines' first losses differ."""
    losses = {engine: float(step().item()) for engine, step in steps.items()}
    if max(losses.values()) - min(losses.values()) > 1e-4 * max(losses.values()):
        raise SystemExit(f"the engines disagree on the first loss: {losses}")


def rows_of(name: str, engines: list[str], rounds: int, measure_memory: bool) -> list[list[str]]:
    """Measure a network on each engine, and write a row for each."""
    network = NETWORKS[name]
    steps = {engine: ENGINES[engine](network, network.rows) for engine in engines}
    check_losses(steps)
    timings = interleave(steps, rounds=rounds, calls=3)
    peaks = {engine: memory(engine, name) for engine in engines if measure_memory}
    rows = []
    for engine in engines:
        milliseconds = timings[engine].scaled(1e-3)
        row = [name, engine, *(f"{time:.2f}" for time in milliseconds)]
        if "PyTorch" in timings:
            row += [f"{ratio:.2f}" for ratio in timings[engine].ratio(timings["PyTorch"])]
        for k, peak in enumerate(peaks.get(engine, [])):
            row.append(f"{peak / 1e6:.1f}")
            if "PyTorch" in peaks:
                row.append(f"{peak / peaks['PyTorch'][k]:.2f}")
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--network", default="", help="words in the name of the network to run")
    parser.add_argument("--only", nargs="*", default=[*ENGINES], choices=ENGINES)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--peaks", nargs=2, help=argparse.SUPPRESS)  # for a process of its own
    options = parser.parse_args()
    if options.peaks:
        print(json.dumps(peaks_of_process(*options.peaks)))
        return
    engines = [e for e in options.only if e != "PyTorch" or importlib.util.find_spec("torch")]
    measure_memory = Path("/proc/self/clear_refs").exists() and not options.no_memory
    print(header("numpy", "torch"))
    ratio = ["ratio to PyTorch"] if "PyTorch" in engines else []
    heads = ["", "engine", "ms per step", "minimum", *ratio]
    if ratio:
        heads.append("of minima")
    if measure_memory:
        heads += ["peak, MB", *ratio, "later, MB", *ratio]
    print(markdown(heads, []))
    for name in NETWORKS:
        if options.network in name:
            for row in rows_of(name, engines, options.rounds, measure_memory):
                print(line(row), flush=True)
    print(
        f"\nTargets, eager: at most {TIME_TARGET} × PyTorch's time, {MEMORY_TARGET} × its memory."
    )


if __name__ == "__main__":
    main()
