"""Read handwritten digits with a dense network and with a convolutional one.

The 1,797 digits of 8×8 pixels that scikit-learn ships: 70 % to learn from, 10 % to see when to
stop, and 20 % that are looked at once, in the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

try:
    import sheet
    from program import Stop, parse, run_program

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')


def dense() -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))


def convolutional() -> nn.Sequential:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
        nn.Linear(512, 64), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(64, 10),
    )  # fmt: skip


NETWORKS = {"dense": dense, "convolutional": convolutional}


def train(model: nn.Module, parts, epochs: int, compile: bool) -> nn.History:
    """Train until the loss on the second part has not become better for ten epochs."""
    optimizer = nn.Adam(model.parameters(), nn.InverseTimeDecay(2e-3, 1e-3))
    with Stop() as stop:
        return nn.fit(
            model, *parts[0], loss=nn.cross_entropy, optimizer=optimizer, epochs=epochs,
            batch_size=64, validation_data=parts[1], metrics=["accuracy"],
            callbacks=[nn.EarlyStopping("val_loss", patience=10)],
            on_epoch=lambda *_: not stop.wanted, compile=None if compile else False,
        )  # fmt: skip


def learn(seed: int, epochs: int, compile: bool):
    """Train both networks; returns the digits to test with, and histories and outputs on them."""
    tg.manual_seed(seed)
    X, y = nn.data.digits()
    *parts, (X_test, y_test) = nn.data.split(X / 16, y, (0.7, 0.1, 0.2), stratify=True)
    histories, outputs = {}, {}
    for name, make in NETWORKS.items():
        model = make()
        histories[name] = train(model, parts, epochs, compile)
        outputs[name] = model.predict(X_test)
        accuracy = nn.accuracy(outputs[name], y_test)
        size = sum(p.size for p in model.parameters())
        print(f"seed {seed}: {name} network, {size:,} parameters: {accuracy:.1%} of {len(y_test)}")
    return X_test, y_test, histories, outputs


def draw(path: Path, X: np.ndarray, y: np.ndarray, histories, outputs) -> None:
    reached = {f"{name} network": f"{nn.accuracy(outputs[name], y):.1%}" for name in NETWORKS}
    subtitle = f"accuracy on {len(y)} digits that no network has seen before"
    with sheet.page(path, "Handwritten digits", subtitle, reached, (12, 7.1)) as page:
        counts = nn.confusion_matrix(outputs["convolutional"], y)
        ax = sheet.axes(page, 0.95, 1.75, 4.7, 4.7, "What the convolutional network says")
        ax.imshow(np.sqrt(counts), sheet.BLUES)
        for row, column in np.argwhere(counts):
            colour = "white" if row == column else sheet.FRESH
            style = {"ha": "center", "va": "center", "weight": "bold", "color": colour}
            ax.text(column, row, counts[row, column], **style)
        ax.set(xticks=range(10), yticks=range(10), xlabel="said", ylabel="written")
        ax.tick_params(length=0)

        ax = sheet.axes(page, 6.7, 1.75, 4.7, 1.75, "Loss on held-out digits")
        ax.grid()
        lines = [
            ax.semilogy(history["val_loss"], color=colour, linewidth=1.9)[0]
            for history, colour in zip(histories.values(), sheet.COLOURS[1::-1])
        ]
        sheet.legend(ax, lines, ["dense", "conv"], 1.6)
        sheet.count_steps(ax, max(map(len, histories.values())) - 1)
        ax.set_xlabel("epoch")

        probabilities = tg.softmax(outputs["convolutional"])
        said = probabilities.argmax(axis=1)
        hardest = probabilities[np.arange(len(y)), y].argsort()[:12]
        title = f"The hardest, {np.count_nonzero(said != y)} of them read wrong"
        sheet.write(page, 6.7, 4.45, title, size=13, weight="bold")
        for place, k in enumerate(hardest):
            row, column = divmod(place, 6)
            ax = sheet.axes(page, 6.7 + 0.8 * column, 4.65 + 1.2 * row, 0.7, 0.7)
            ax.imshow(X[k].reshape(8, 8), "gray_r")
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            if said[k] == y[k]:
                ax.set_xlabel(f"{said[k]}, {probabilities[k, said[k]]:.0%}")
            else:
                ax.set_xlabel(f"{said[k]}, not {y[k]}", color=sheet.FRESH, weight="bold")


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, epochs=(60, 1), runs=(1, 1))
    results = [learn(args.seed + k, args.epochs, args.compile) for k in range(args.runs)]
    draw(args.out / "digits.png", *results[0])
    print(f"{args.out / 'digits.png'}: what it says, and where it is wrong")


if __name__ == "__main__":
    run_program(main)
