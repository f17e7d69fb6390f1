"""A small language model that learns to write like Python's reference, letter by letter.

A transformer of three layers reads the texts behind Python's own `help("assert")`, which every
Python ships, and learns what the next letter is. It prints what it would write while it learns.
"""

from __future__ import annotations

import sys
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

try:
    import sheet
    from program import parse, run_program, until_stopped
    from tqdm import tqdm

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

LENGTH, FEATURES, HEADS, LAYERS, ROWS = 64, 96, 4, 3, 24
TABLES = ("|", "+-", "+=", "==", "**", "--")  # and rules: no text to learn from
LINES = [x for x in "\n".join(topics.values()).split("\n") if not x.strip().startswith(TABLES)]
TEXT = "".join(c for c in "\n".join(LINES) if c == "\n" or " " <= c <= "~")
LETTERS = sorted(set(TEXT))
CODES = np.searchsorted(LETTERS, list(TEXT))
WINDOWS = np.lib.stride_tricks.sliding_window_view(CODES, LENGTH + 1)
LEARNED = len(WINDOWS) * 9 // 10  # the rest is for testing
UNSEEN = WINDOWS[np.linspace(LEARNED + LENGTH, len(WINDOWS) - 1, 96).astype(int)]


class GPT(nn.Module):
    """Scores of the next letter at each place; letters go in and come out by the same table."""

    def __init__(self) -> None:
        options = {"dropout": 0.0, "batch_first": True, "norm_first": True}
        layer = lambda: nn.TransformerEncoderLayer(FEATURES, HEADS, 4 * FEATURES, **options)  # noqa: E731
        self.letters = nn.Embedding(len(LETTERS), FEATURES, weight_init=nn.init.normal(0.02))
        self.places = nn.Embedding(LENGTH, FEATURES, weight_init=nn.init.normal(0.02))
        self.layers = nn.ModuleList([layer() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(FEATURES)

    def forward(self, codes: tg.Tensor) -> tg.Tensor:
        x = self.letters(codes) + self.places.weight[: codes.shape[-1]]
        for layer in self.layers:
            x = layer(x, is_causal=True)
        return self.norm(x) @ self.letters.weight.T


def write(model: GPT, length: int, temperature: float, rng: np.random.Generator):
    """What the model writes, letter by letter, and how probable it found each of them."""
    codes, probabilities = [LETTERS.index("\n")], []
    for _ in range(length):
        scores = model.predict(np.array([codes[-LENGTH:]]))[0, -1].astype(np.float64)
        codes.append(int(rng.choice(len(scores), p=tg.softmax(scores / temperature))))
        probabilities.append(tg.softmax(scores)[codes[-1]])
    return "".join(LETTERS[code] for code in codes[1:]), probabilities


def train(model: GPT, args, rng: np.random.Generator):
    """Train; returns the bits that a letter costs, those of unseen text, and what was written."""
    rate = lambda t: 3e-3 * min(1, (t + 1) / 100) * (1 - t / args.steps)  # noqa: E731
    optimizer = nn.AdamW(model.parameters(), rate)

    def update(x: np.ndarray, y: np.ndarray) -> tg.Tensor:
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    step = tg.compile(update) if args.compile else update
    bits, unseen, written = [], {}, {}

    def look(count: int) -> None:
        loss = nn.cross_entropy(model.predict(UNSEEN[:, :-1]), UNSEEN[:, 1:])
        unseen[count] = loss.item() / np.log(2)
        text, _ = write(model, 140, args.temperature, np.random.default_rng(count))
        written[count] = " ".join(text.split())
        tqdm.write(f"step {count:5,}, {unseen[count]:.2f} bits a letter: {written[count][:60]}")

    for count in until_stopped(args.steps):
        windows = WINDOWS[rng.integers(LEARNED, size=ROWS)]
        bits.append(step(windows[:, :-1], windows[:, 1:]).item() / np.log(2))
        if count in {1, 50, 200, 500, 1000, args.steps}:
            look(count)
    if count not in written:
        look(count)
    return bits, unseen, written


def draw(path: Path, bits, unseen, written, text: str, probabilities) -> None:
    reached = {"bits a letter of unseen text": f"{list(unseen.values())[-1]:.2f}"}
    subtitle = f"a transformer of {LAYERS} layers  ·  {len(bits):,} steps"
    with sheet.page(path, "It learns to write", subtitle, reached, (12, 8.1)) as page:
        ax = sheet.axes(page, 0.75, 1.75, 3.3, 2.25, "Bits a letter")
        ax.plot(bits, color=sheet.INK, alpha=0.6, linewidth=0.7)
        ax.plot(*zip(*unseen.items()), color=sheet.FRESH, linewidth=2, marker="o")
        sheet.legend(ax, ax.lines, ["training", "unseen"])
        sheet.count_steps(ax, len(bits))
        ax.set(xlabel="step", ylim=(0, 7))
        sheet.write(page, 4.7, 1.64, "What it writes, after so many steps", size=13, weight="bold")
        for top, (step, line) in zip(np.arange(1.95, 5, 0.43), written.items()):
            sheet.write(page, 5.2, top, f"{step:,}", ha="right", va="top", color=sheet.GREY)
            sheet.write(page, 5.4, top, f"{line[:70]}\n{line[70:140]}", va="top", **sheet.MONO)

        ax = sheet.axes(page, 0.75, 5.15, 7.6, 2.5, "In the end: the darker, the surer of it")
        sheet.shaded_text(ax, text, probabilities, 84, 12)


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, steps=(1500, 4), temperature=(0.7, 0.7))
    rng = tg.manual_seed(args.seed)
    learned = train(model := GPT(), args, rng)
    text, probabilities = write(model, 50 if args.quick else 900, args.temperature, rng)
    print(f"\n{text}\n")
    draw(args.out / "char_gpt.png", *learned, text, probabilities)
    print(f"{args.out / 'char_gpt.png'}: how it learned, and what it writes")


if __name__ == "__main__":
    run_program(main)
