"""A model of text, character by character, whose loss is too good to be true. What is it given?

`batch` cuts rows of characters out of a text, the inputs, and for each character what is to be
guessed there, the target. The model is right: one head of attention and two dense layers. Run
the file: the loss falls to nearly nothing, and what the model writes is worth as much.
"""

import numpy as np

import tinygrad_np as tg
from tinygrad_np import nn

PARTS = """the house that Jack built|the malt that lay in|the rat that ate|the cat that killed
the dog that worried|the cow with the crumpled horn that tossed|the maiden all forlorn that milked
the man all tattered and torn that kissed""".replace("\n", "|").split("|")
VERSES = [" ".join(["This is", *PARTS[: k + 1][::-1]]) + ".\n" for k in range(len(PARTS))]
TEXT = "".join(VERSES)
ALPHABET = sorted(set(TEXT))
CODES = np.array([ALPHABET.index(letter) for letter in TEXT])


def batch(codes, rows, length, rng):
    """Return inputs and targets, both (rows, length)."""
    starts = rng.integers(0, len(codes) - length, rows)
    places = starts[:, None] + np.arange(length)
    return codes[places], codes[places]


class Model(nn.Module):
    """Guesses the next character at each position, from those up to it."""

    def __init__(self, letters, length, size, rng):
        self.letter = nn.Embedding(letters, size, rng=rng)
        self.place = nn.Embedding(length, size, rng=rng)
        self.mix = nn.Linear(size, 3 * size, rng=rng)
        self.think = nn.Linear(size, 4 * size, rng=rng)
        self.guess = nn.Linear(4 * size, letters, rng=rng)

    def forward(self, codes):
        x = self.letter(codes) + self.place(np.arange(codes.shape[-1]))
        queries, keys, values = tg.split(self.mix(x), 3, axis=-1)
        x = x + tg.scaled_dot_product_attention(queries, keys, values, causal=True)
        return self.guess(tg.relu(self.think(x)))


def write(model, start, count, length, rng):
    """Let the model go on with a text."""
    codes = [ALPHABET.index(letter) for letter in start]
    for _ in range(count):
        with tg.no_grad():
            scores = model(np.array(codes[-length:]))[-1]
        codes.append(rng.choice(len(ALPHABET), p=tg.softmax(scores.astype(float)).numpy()))
    return "".join(ALPHABET[code] for code in codes)


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    model = Model(len(ALPHABET), length=32, size=48, rng=rng)
    optimizer = nn.Adam(model.parameters(), lr=0.005)

    @tg.compile
    def step(inputs, targets):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(inputs).reshape(-1, len(ALPHABET)), targets.ravel())
        loss.backward()
        optimizer.step()
        return loss

    for k in range(401):
        loss = step(*batch(CODES, 32, 32, rng))
        if k % 100 == 0:
            print(f"step {k}: loss {loss.item():.3f}")
    print(write(model, "This is the ", 300, 32, rng))
