"""Digits that networks dream of: an image is changed by gradients until the network is sure.

A network trained as usual is soon sure: it takes a 3 that stays a 3 for any other digit. One that
was trained on the worst small change of each image (Madry et al., 2018) is sure when others see the
digit too (Santurkar et al., 2019): people, and the nearest of the written digits.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

try:
    import sheet
    from program import parse, run_program, until_stopped

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

SURE, CLASSES = 0.9, np.arange(10)


def lengths(x):
    """The lengths of rows (n, 1), a little above 0."""
    return np.sqrt((x**2).sum(axis=1, keepdims=True)) + 1e-9


def slope(model: nn.Module, x, y):
    """The direction in which the loss grows fastest (n, 64), for images x and classes y."""
    gradient = tg.grad(lambda x: nn.cross_entropy(model(x), y, reduction="sum"))(x).detach()
    return gradient / lengths(gradient)


def worst(model: nn.Module, x, y, reach: float):
    """Images within a distance of x that the model reads badly, by five steps uphill."""
    change = np.zeros_like(x)
    for _ in range(5):
        change = change + reach / 2 * slope(model, x + change, y)
        change = change * np.minimum(1, reach / lengths(change))
        change = np.clip(x + change, 0, 1) - x
    return x + change


def train(X: np.ndarray, y: np.ndarray, reach: float, epochs: int, compile: bool) -> nn.Module:
    layers = nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    model = nn.Sequential(*layers)
    optimizer = nn.Adam(model.parameters(), nn.CosineAnnealingLR(2e-3, epochs * (len(X) // 64)))

    def update(x: np.ndarray, y: np.ndarray) -> None:
        x = worst(model, x, y, reach) if reach else x
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    step = tg.compile(update) if compile else update
    for _ in until_stopped(epochs, "epoch"):
        for batch in nn.data.batches(X, y, batch_size=64, drop_last=True):
            step(*batch)
    return model


def dream(model: nn.Module, x: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Images changed little by little, each until the model is SURE of its wanted class."""
    for _ in range(100):
        unsure = tg.softmax(model.predict(x))[np.arange(len(x)), wanted] < SURE
        x = np.where(unsure[:, None], x - 0.05 * slope(model, x, wanted).numpy(), x)
        x = np.clip(x, 0, 1)
    return x


def draw(path: Path, rows: dict[str, np.ndarray], nearest, reached: dict[str, str]) -> None:
    subtitle = f"changed until the network is {SURE:.0%} sure  ·  below: the nearest written digit"
    with sheet.page(path, "What networks dream of", subtitle, reached, (12, 7.6)) as page:
        for top, (title, images) in zip((1.75, 3.1, 4.65, 6.0), rows.items()):
            sheet.write(page, 0.64, top + 0.5, title, va="center", size=13)
            for k, digit in enumerate(nearest(images)):
                ax = sheet.axes(page, 2.3 + 0.92 * k, top, 0.84, 0.84)
                ax.imshow(images[k].reshape(8, 8), "gray_r", vmin=0, vmax=1)
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set(visible=True, color=sheet.PALE)
                colour = sheet.COLOURS[0] if digit == k else sheet.FRESH
                ax.set_xlabel(digit, weight="bold", size=14, color=colour)


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, epochs=(60, 1), reach=(0.7, 0.7))
    rng = tg.manual_seed(args.seed)
    X, y = nn.data.digits()
    (X, y), (X_test, y_test) = nn.data.split(X / 16, y, (0.8, 0.2), stratify=True)
    nearest = lambda images: y[[((X - x) ** 2).sum(axis=1).argmin() for x in images]]  # noqa: E731
    others = (y_test + rng.integers(1, 10, len(y_test))) % 10
    networks, reached = {}, {}
    for name, reach in (("usual", 0.0), ("robust", args.reach)):
        networks[name] = model = train(X, y, reach, args.epochs, args.compile)
        changed = dream(model, X_test, others)
        agreed = f"{np.mean(nearest(changed) == others):.0%}"
        reached[f"agree, {name}"] = agreed
        print(f"{name} network: {nn.accuracy(model.predict(X_test), y_test):.1%} of test digits")
        print(f"  changed by {lengths(changed - X_test).mean():.2f} until it takes them for others")
        print(f"  and then nearest to a written digit of that class: {agreed}")
    blank, three = np.zeros((10, 64), np.float32), X_test[[np.argmax(y_test == 3)] * 10]
    rows = {
        f"from {title},\n{name} network": dream(model, start, CLASSES)
        for title, start in (("nothing", blank), ("a written 3", three))
        for name, model in networks.items()
    }
    draw(args.out / "dream.png", rows, nearest, reached)
    print(f"{args.out / 'dream.png'}: dreams, and the class of the nearest written digit")


if __name__ == "__main__":
    run_program(main)
