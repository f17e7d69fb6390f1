"""Train a small neural network to tell the arms of a spiral apart, and show what it learned.

The network is the one of the book "Neural Networks from Scratch in Python": dense, ReLU, dense,
softmax, trained on all the data at once. Writes a summary figure, an animation of the boundary
being learned, the computation graph of one training step, and a page in which it trains again.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

try:
    import spiral_plots
    from nnfs.datasets import spiral_data
    from program import Stop, check_folder, positive, run_program, whole

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

EXAMPLES = """examples:
  python examples/spiral.py
  python examples/spiral.py --classes 5 --width 128 --seed 7 --out five
  python examples/spiral.py --optimizer momentum --lr 0.5 --epochs 3000
"""


@dataclass
class Recipe:
    """An optimizer with the book's options; `decay` is that of its lr / (1 + decay·step)."""

    title: str
    lr: float
    decay: float
    make: Callable[..., nn.Optimizer]
    options: dict[str, Any]

    def optimizer(self, model: nn.Module, lr: float) -> nn.Optimizer:
        schedule = nn.InverseTimeDecay(lr, self.decay)
        return self.make(model.parameters(), schedule, **self.options)


RECIPES = {
    "sgd": Recipe("SGD", 1.0, 1e-3, nn.SGD, {}),
    "momentum": Recipe("SGD with momentum", 1.0, 1e-3, nn.SGD, {"momentum": 0.9}),
    "adagrad": Recipe("AdaGrad", 1.0, 1e-4, nn.AdaGrad, {"eps": 1e-7}),
    "rmsprop": Recipe("RMSprop", 0.02, 1e-5, nn.RMSprop, {"alpha": 0.999, "eps": 1e-7}),
    "adam": Recipe("Adam", 0.05, 5e-7, nn.Adam, {"eps": 1e-7}),
    "adamw": Recipe("AdamW", 0.05, 5e-7, nn.AdamW, {"eps": 1e-7}),
}


@dataclass
class Run:
    """A training as the pictures show it; `loss` and `accuracy` have a value for every step."""

    model: nn.Sequential
    X: np.ndarray
    y: np.ndarray
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    fresh_steps: list[int] = field(default_factory=list)
    fresh_loss: list[float] = field(default_factory=list)
    fresh_accuracy: list[float] = field(default_factory=list)
    states: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)  # to be drawn, by step
    film: nn.Film = field(default_factory=lambda: nn.Film(frames=50))

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return len(self.loss) - 1


def make_data(samples: int, classes: int, seed: int) -> tuple[np.ndarray, ...]:
    """Points (n, 2) and labels (n,) to train on, and as many fresh ones of the same spiral."""
    np.random.seed(seed)
    X, y = spiral_data(samples, classes)
    X_fresh, y_fresh = spiral_data(samples, classes)
    return X.astype(np.float32), y, X_fresh.astype(np.float32), y_fresh


def make_model(width: int, classes: int, seed: int) -> nn.Sequential:
    """2 inputs, a hidden layer with ReLU, and a score for each class."""
    tg.manual_seed(seed)
    start = {"weight_init": nn.init.normal(0.01), "bias_init": nn.init.zeros}
    model = nn.Sequential(
        nn.Linear(2, width, **start), nn.ReLU(), nn.Linear(width, classes, **start)
    )
    for name, parameter in zip(["W1", "b1", "W2", "b2"], model.parameters()):
        parameter.name = name
    return model


def train(
    model: nn.Sequential, optimizer: nn.Optimizer, data: tuple[np.ndarray, ...], epochs: int
) -> Run:
    """Full-batch training; now and then, look at fresh data and keep the parameters."""
    X, y, X_fresh, y_fresh = data
    run = Run(model, X, y)
    stop = Stop()
    to_draw = spiral_plots.steps_to_draw(epochs) | spiral_plots.steps_if_stopped(epochs)
    to_measure = {*to_draw, *range(0, epochs + 1, max(1, epochs // 400))}
    measures: dict[str, Any] = {"loss": nn.cross_entropy, "metrics": {"accuracy": nn.accuracy}}

    def look(step: int, _history: nn.History | None = None) -> bool:
        if step in to_measure or stop.wanted:
            fresh = nn.evaluate(model, X_fresh, y_fresh, **measures)
            run.fresh_steps.append(step)
            run.fresh_loss.append(fresh["loss"])
            run.fresh_accuracy.append(fresh["accuracy"])
        if step in to_draw or stop.wanted:
            run.states[step] = model.state_dict()
        return not stop.wanted

    look(0)
    with stop:
        history = nn.fit(
            model, X, y, optimizer=optimizer, epochs=epochs, progress=True, on_epoch=look,
            callbacks=[run.film], **measures,
        )  # fmt: skip
    last = nn.evaluate(model, X, y, **measures)  # fit measures before each step, not after
    if not math.isfinite(last["loss"]):
        raise FloatingPointError(f"the loss is {last['loss']} after the last step")
    run.loss = [*history["loss"], last["loss"]]
    run.accuracy = [*history["accuracy"], last["accuracy"]]
    return run


def draw_step(run: Run, recipe: Recipe, lr: float, out: Path) -> None:
    """The computation graph of the first training step, and the page that runs it again."""
    X, y = tg.Tensor(run.X, name="X"), tg.Tensor(run.y, name="y")
    model = run.model
    optimizer = recipe.make(model.parameters(), lr, **recipe.options)
    untrained = optimizer.state_dict()

    def begin() -> None:
        model.load_state_dict(run.states[0])
        optimizer.load_state_dict(untrained)

    def step() -> tg.Tensor:
        logits = model(X)
        loss = nn.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    begin()
    with tg.record() as record:
        loss = step()
    begin()
    graph = tg.graph(loss)
    graph.save(out / "spiral_graph.svg")
    graph.save(out / "spiral_graph.png")
    page = tg.graph(loss, model, record=record)
    page.html(out / "spiral.html", "The network of the spiral", step=step, film=run.film)


def main(argv: list[str] | None = None) -> None:
    args = parse(argv)
    recipe = RECIPES[args.optimizer]
    lr = args.lr or recipe.lr
    data = make_data(args.samples, args.classes, args.seed)
    model = make_model(args.width, args.classes, args.seed)
    size = sum(p.size for p in model.parameters())
    training = f"{recipe.title}, learning rate {lr:g}"
    steps = count(args.epochs)

    print(f"Spiral of {args.classes} classes, {args.samples:,} points each (seed {args.seed})\n")
    print(model.summary(data[0].shape))
    print(f"\n{training}, {steps}", flush=True)
    started = time.perf_counter()
    try:
        run = train(model, recipe.optimizer(model, lr), data, args.epochs)
    except FloatingPointError as error:
        sys.exit(f"Training failed: {error}")
    trained = time.perf_counter()
    if run.steps < args.epochs:
        print(f"stopped at step {run.steps:,}; drawing what was learned")
        steps = f"stopped at step {run.steps:,} of {args.epochs:,}"
    for name, accuracy, loss in (
        ("training data:", run.accuracy[-1], run.loss[-1]),
        ("fresh data:", run.fresh_accuracy[-1], run.fresh_loss[-1]),
    ):
        print(f"{name:14} accuracy {accuracy:6.1%}, loss {spiral_plots.short(loss, 4)}")

    print("\nDrawing ...", flush=True)
    network = f"2 → {args.width} ReLU → {args.classes} softmax"
    title = "  ·  ".join([network, f"{size:,} parameters", training, steps])
    try:
        spiral_plots.save_summary(run, title, args.out / "spiral.png")
        spiral_plots.save_film(run, args.out / "spiral.gif")
        draw_step(run, recipe, lr, args.out)
    except OSError as error:
        sys.exit(f"can't write to {error.filename or args.out}: {error.strerror}")
    drawn = time.perf_counter()

    print(f"{args.out / 'spiral.png'}: what the network learned")
    print(f"{args.out / 'spiral.gif'}: how it learned")
    print(f"{args.out / 'spiral_graph.svg'} and .png: the computation graph of a step")
    print(f"{args.out / 'spiral.html'}: the step in a browser, value by value, and alive")
    print(f"{trained - started:.1f} s of training, {drawn - trained:.1f} s of drawing")


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; a bad option ends the program with a message."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    most = len(spiral_plots.COLOURS)
    add("--samples", type=whole(1), default=100, help="points per class (default: 100)")
    add("--classes", type=whole(2, most), default=3, help=f"arms, 2 to {most} (default: 3)")
    add("--width", type=whole(1), default=64, help="hidden units (default: 64)")
    add("--optimizer", choices=RECIPES, default="adam", help="update rule (default: adam)")
    rates = ", ".join(f"{recipe.lr:g} for {name}" for name, recipe in RECIPES.items())
    add("--lr", type=positive, help=f"learning rate at the start (default: {rates})")
    add("--epochs", type=whole(1), default=10_000, help="full-batch steps (default: 10000)")
    add("--seed", type=whole(0, 2**32 - 1), default=0, help="of data and weights (default: 0)")
    add("--out", type=Path, default=Path("out"), help="folder for the pictures (default: out)")
    args = parser.parse_args(argv)
    check_folder(parser, args.out)
    return args


def count(steps: int) -> str:
    return f"{steps:,} full-batch step{'s' if steps > 1 else ''}"


if __name__ == "__main__":
    run_program(main)
