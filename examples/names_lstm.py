"""Dinosaurs that never lived: a recurrent network reads the names of others, and makes up more.

An LSTM learns which letter comes next. It is kept as it was when it guessed those names best that
it does not learn from, every ninth of 395: soon after, it knows the others by heart.
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

NAMES = (Path(__file__).parent / "dinosaurs.txt").read_text(encoding="utf-8").lower().split()
LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # a dot before and after each name
LENGTH = max(map(len, NAMES)) + 2
# The numbers of the letters (names, LENGTH), -1 behind the last dot; what comes after each letter.
CODES = np.array([[LETTERS.find(letter) for letter in f".{x}.".ljust(LENGTH)] for x in NAMES])
INPUTS, TARGETS = np.maximum(CODES[:, :-1], 0), CODES[:, 1:]
UNSEEN = np.arange(len(NAMES)) % 9 == 0


class Writer(nn.Module):
    """Scores of the next letter (names, length, letters)."""

    def __init__(self) -> None:
        self.letters = nn.Embedding(len(LETTERS), 24)
        self.lstm = nn.LSTM(24, 128, batch_first=True)
        self.scores = nn.Sequential(nn.Dropout(0.4), nn.Linear(128, len(LETTERS)))

    def read(self, codes, state=None):
        """Scores, and the state to read on from."""
        x, state = self.lstm(self.letters(codes), state)
        return self.scores(x), state

    def forward(self, codes: tg.Tensor) -> tg.Tensor:
        return self.read(codes)[0]


def bits(scores, target) -> tg.Tensor:  # that a letter costs
    return nn.cross_entropy(scores, target, ignore_index=-1) / np.log(2)


def pairs() -> np.ndarray:
    """Scores of the next letter by how often it follows this one (names, length, letters)."""
    counts = np.full((len(LETTERS), len(LETTERS)), 0.3)
    known = (TARGETS >= 0) & ~UNSEEN[:, None]
    np.add.at(counts, (INPUTS[known], TARGETS[known]), 1)
    return np.log(counts)[INPUTS]


def train(model: Writer, epochs: int, compile: bool) -> nn.History:
    optimizer = nn.AdamW(model.parameters(), nn.CosineAnnealingLR(6e-3, 6 * epochs))
    with Stop() as stop:
        return nn.fit(
            model, INPUTS[~UNSEEN], TARGETS[~UNSEEN], loss=bits, optimizer=optimizer,
            epochs=epochs, batch_size=64, validation_data=(INPUTS[UNSEEN], TARGETS[UNSEEN]),
            callbacks=[nn.EarlyStopping("val_loss", patience=epochs)],
            on_epoch=lambda *_: not stop.wanted, compile=None if compile else False,
        )  # fmt: skip


def write(model: Writer, count: int, temperature: float, rng: np.random.Generator):
    """New names, each once, and how probable the model found their letters."""
    model.eval()
    letters, state, columns, probabilities = np.zeros(count, int), None, [], []
    for _ in range(LENGTH):
        with tg.no_grad():
            scores, state = model.read(letters[:, None], state)
        scores = scores.numpy()[:, 0]
        # The largest of scores with Gumbel's noise is a draw from their softmax.
        letters = (scores / temperature + rng.gumbel(size=scores.shape)).argmax(axis=1)
        columns.append([LETTERS[letter] for letter in letters])
        probabilities.append(tg.softmax(scores)[np.arange(count), letters])
    names = ["".join(row).split(".")[0].capitalize() for row in zip(*columns)]
    return dict(zip(names, zip(*probabilities)))


def draw(path: Path, history: nn.History, reached, made: dict[str, tuple]) -> None:
    subtitle = f"an LSTM that has read {np.count_nonzero(~UNSEEN)} names  ·  bits a letter:"
    with sheet.page(path, "Dinosaurs that never lived", subtitle, reached, (12, 7.9)) as page:
        ax = sheet.axes(page, 0.75, 1.75, 10.6, 3.4, "Made up: the darker, the surer of the letter")
        short = [name for name in made if len(name) < 20]
        text = "".join(name.ljust(19) + " \n"[k % 3 == 2] for k, name in enumerate(short))
        sheet.shaded_text(ax, text, [p for name in short for p in made[name][:20]], 60, 9, 15)
        ax = sheet.axes(page, 0.75, 5.85, 10.6, 1.4, "Bits a letter")
        ax.grid()
        ax.plot(history["loss"], color=sheet.INK, linewidth=1.2)
        ax.plot(history["val_loss"], color=sheet.FRESH, linewidth=2)
        ax.plot(np.argmin(history["val_loss"]), min(history["val_loss"]), "o", color=sheet.FRESH)
        sheet.legend(ax, ax.lines, ["training", "unseen names", "kept"], 1.6)
        sheet.count_steps(ax, len(history) - 1)
        ax.set_xlabel("epoch")


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, epochs=(42, 1), temperature=(0.8, 0.8))
    rng = tg.manual_seed(args.seed)
    history = train(model := Writer(), args.epochs, args.compile)
    by_pairs, lstm = bits(pairs()[UNSEEN], TARGETS[UNSEEN]).item(), min(history["val_loss"])
    reached = {"by pairs of letters": f"{by_pairs:.2f}", "by the LSTM": f"{lstm:.2f}"}
    print(f"bits for a letter of an unseen name: {lstm:.2f}; by pairs of letters {by_pairs:.2f}")
    made = write(model, 300, args.temperature, rng)
    print(f"{len(made)} names, in the list already: {sum(x.lower() in NAMES for x in made)}")
    print(*list(made)[:6], sep=", ")
    draw(args.out / "names_lstm.png", history, reached, made)
    print(f"{args.out / 'names_lstm.png'}: the names, and how they were learned")


if __name__ == "__main__":
    run_program(main)
