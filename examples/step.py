"""Write a page that steps through one training step of the spiral's network, value by value."""

import sys

import numpy as np
import output

try:
    from nnfs.datasets import spiral_data

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

out = output.folder(__doc__)

np.random.seed(0)
points, classes = spiral_data(100, 3)
X = tg.Tensor(points.astype(np.float32), name="X")
y = tg.Tensor(classes, name="y")

tg.manual_seed(0)
model = nn.Sequential({"hidden": nn.Linear(2, 64), "relu": nn.ReLU(), "out": nn.Linear(64, 3)})
optimizer = nn.Adam(model.parameters(), lr=0.05)

with tg.record() as run:
    logits = model(X)
    loss = nn.cross_entropy(logits, y)
    loss.backward()
    optimizer.step()

graph = tg.graph(loss, model, record=run)
with output.writing(out):
    page = graph.html(out / "step.html", title="One training step on the spiral")
print(f"{graph.title}, {graph.totals}")
print(f"  {page}: open it in a browser")
