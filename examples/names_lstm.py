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
    from program import parse, run_program, until_stopped

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

NAMES = (Path(__file__).parent / "dinosaurs.txt").read_text(encoding="utf-8").lower().split()
LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # a dot before and after each name
LENGTH = max(map(len, NAMES)) + 2
# The numbers of the letters (names, LENGTH), -1 behind the last dot.
CODES = np.array([[LETTERS.find(letter) for letter in f".{x}.".ljust(LENGTH)] for x in NAMES])
UNSEEN, LEARNED = CODES[::9], np.delete(CODES, np.s_[::9], axis=0)


class Writer(nn.Module):
    """Scores of the next letter at each place, and the state after the last."""

    def __init__(self) -> None:
        self.letters = nn.Embedding(len(LETTERS), 24)
        self.lstm = nn.LSTM(24, 128, batch_first=True)
        self.dropout = nn.Dropout(0.4)
        self.scores = nn.Linear(128, len(LETTERS))

    def forward(self, codes: np.ndarray, state=None):
        x, state = self.lstm(self.letters(codes), state)
        return self.scores(self.dropout(x)), state


def surprise(model: Writer, codes: np.ndarray) -> tg.Tensor:
    """The nats that a letter costs on average."""
    scores, _ = model(np.maximum(codes[:, :-1], 0))
    return nn.cross_entropy(scores, codes[:, 1:], ignore_index=-1)


def bits_by_pairs() -> float:
    """The bits that a letter of an unseen name costs who knows how often which follows which."""
    counts = np.full((len(LETTERS), len(LETTERS)), 0.3)
    for name in LEARNED:
        name = name[name >= 0]
        np.add.at(counts, (name[:-1], name[1:]), 1)
    bits = -np.log2(counts / counts.sum(axis=1, keepdims=True))
    return bits[UNSEEN[:, :-1], UNSEEN[:, 1:]][UNSEEN[:, 1:] >= 0].mean()


def write(model: Writer, count: int, temperature: float, rng: np.random.Generator):
    """New names, and how probable the model found each letter; the same name only once."""
    model.eval()
    written, probabilities = [np.zeros(count, int)], []
    state = None
    with tg.no_grad():
        for _ in range(LENGTH):
            scores, state = model(written[-1][:, None], state)
            scores = scores.numpy()[:, 0]
            # The largest of scores with Gumbel's noise is a draw from their softmax.
            written.append((scores / temperature + rng.gumbel(size=scores.shape)).argmax(axis=1))
            probabilities.append(tg.softmax(scores)[np.arange(count), written[-1]])
    rows = np.stack(written[1:], axis=1)
    names = ["".join(LETTERS[code] for code in row).split(".")[0].capitalize() for row in rows]
    return dict(zip(names, np.stack(probabilities, axis=1)))


def train(model: Writer, steps: int, compile: bool, rng: np.random.Generator):
    """Train; returns the bits that a letter costs, learned and unseen, by step."""
    optimizer = nn.AdamW(model.parameters(), nn.CosineAnnealingLR(6e-3, steps))

    def update(codes: np.ndarray) -> tg.Tensor:
        loss = surprise(model, codes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss / np.log(2)

    step = tg.compile(update) if compile else update
    learned, unseen = [], {}
    for count in until_stopped(steps):
        model.train()
        learned.append(step(LEARNED[rng.integers(len(LEARNED), size=64)]).item())
        if count % 10 == 0 or count == steps:
            model.eval()
            unseen[count] = surprise(model, UNSEEN).item() / np.log(2)
            if unseen[count] == min(unseen.values()):
                best = model.state_dict()
    model.load_state_dict(best)
    return learned, unseen


def draw(path: Path, learned, unseen, pairs: float, made: dict[str, np.ndarray]) -> None:
    bits = min(unseen.values())
    reached = {"bits a letter, knowing pairs": f"{pairs:.2f}", "LSTM": f"{bits:.2f}"}
    subtitle = f"an LSTM that has read {len(LEARNED)} names  ·  {len(learned)} steps"
    with sheet.page(path, "Dinosaurs that never lived", subtitle, reached, (12, 7.9)) as page:
        ax = sheet.axes(page, 0.75, 1.75, 10.6, 3.4, "Made up: the darker, the surer of the letter")
        rows = [name.ljust(19) + " \n"[k % 3 == 2] for k, name in enumerate(made)]
        shades = np.stack(list(made.values()))[:, :20].flat
        sheet.shaded_text(ax, "".join(rows), shades, 60, 9, 15)

        ax = sheet.axes(page, 0.75, 5.85, 10.6, 1.4, "Bits a letter")
        ax.grid()
        ax.plot(learned, color=sheet.INK, alpha=0.6, linewidth=0.9)
        ax.plot(*zip(*unseen.items()), color=sheet.FRESH, linewidth=2)
        ax.plot(min(unseen, key=unseen.get), bits, "o", color=sheet.FRESH)
        sheet.legend(ax, ax.lines, ["training", "unseen names", "kept"], 1.6)
        sheet.count_steps(ax, len(learned))
        ax.set(xlabel="step", ylim=(1, 5))


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, steps=(250, 4), temperature=(0.8, 0.8))
    rng = tg.manual_seed(args.seed)
    model = Writer()
    learned, unseen = train(model, args.steps, args.compile, rng)
    pairs = bits_by_pairs()
    print(f"bits a letter of an unseen name: {pairs:.2f} for who knows pairs of letters")
    print(f"{min(unseen.values()):.2f} for the LSTM, after {min(unseen, key=unseen.get)} steps")
    made = write(model, 300, args.temperature, rng)
    known = sum(name.lower() in NAMES for name in made)
    print(f"of {len(made)} names that it makes up, {known} are in the list; here are some:")
    print(*list(made)[:7], sep=", ")
    draw(args.out / "names_lstm.png", learned, unseen, pairs, made)
    print(f"{args.out / 'names_lstm.png'}: the names, and how they were learned")


if __name__ == "__main__":
    run_program(main)
