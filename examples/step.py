"""Write a page that goes through a training step of the spiral's network, and that trains it."""

import argparse
import sys
from pathlib import Path

import numpy as np

try:
    from nnfs.datasets import spiral_data

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--out", type=Path, default=Path("out"), help="output folder (default: out)")
out = parser.parse_args().out
try:
    out.mkdir(parents=True, exist_ok=True)
except OSError as error:
    sys.exit(f"can't make the output folder {out}: {error.strerror}")

np.random.seed(0)
points, classes = spiral_data(100, 3)
X = tg.Tensor(points.astype(np.float32), name="X")
y = tg.Tensor(classes, name="y")

tg.manual_seed(0)
model = nn.Sequential({"hidden": nn.Linear(2, 64), "relu": nn.ReLU(), "out": nn.Linear(64, 3)})
optimizer = nn.Adam(model.parameters(), lr=0.05)


def step():
    logits = model(X)
    loss = nn.cross_entropy(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


with tg.record() as run:
    loss = step()

graph = tg.graph(loss, model, record=run)
try:
    page = graph.html(out / "step.html", "One training step on the spiral", step=step)
except OSError as error:
    sys.exit(f"can't write to {error.filename}: {error.strerror}")
print(tg.Text(f"{graph.title}, {graph.totals}\n  {page}: open it in a browser"))
