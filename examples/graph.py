"""Draw computation graphs: a small expression, and a training step with all that it computed."""

import argparse
import sys
from pathlib import Path

import numpy as np

try:
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

x = tg.Tensor(2.0, requires_grad=True, name="x")
w = tg.Tensor(-3.0, requires_grad=True, name="w")
y = tg.tanh(x * w + 6.5) ** 2
y.name = "y"
inputs = tg.Tensor(np.linspace(-1, 1, 10).reshape(5, 2), dtype=np.float32, name="inputs")
labels = tg.Tensor([0, 2, 1, 1, 0], name="labels")
model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))
with tg.record() as r:  # keeps values and gradients, which the picture then shows
    loss = nn.cross_entropy(model(inputs), labels)
    loss.backward()
step = tg.graph(loss, model, record=r)
print(step)  # as text, for terminals
for name, graph in {"expression": tg.graph(y), "step": step}.items():
    try:
        paths = [graph.save(out / f"graph_{name}{end}") for end in (".svg", ".png", ".dot")]
    except OSError as error:
        sys.exit(f"can't write to {error.filename}: {error.strerror}")
    print(tg.Text("\n  ".join([f"{name}: {graph.title}, {graph.totals}", *map(str, paths)])))
