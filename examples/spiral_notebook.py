"""The spiral as a notebook: from layers by hand, one of them wrong, to a compiled step.

This file is its source, cell by cell, and runs as a program too. As a notebook, with its pictures:

    python -m pip install -e ".[notebook]"
    python docs/notebook.py
"""

# %% [markdown]
# # The spiral, from layers by hand to a compiled step
#
# The network of *Neural Networks from Scratch in Python* learns to tell the three arms of a spiral
# apart: first with layers written by hand, one of them wrong; then with a graph that finds the
# gradients itself; in the end as a program of plain NumPy.

# %%
import timeit

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

import nn
import tinygrad_np as tg

rng = tg.manual_seed(0)
X, y = nn.data.spiral(100, 3, rng=rng)
colours = ListedColormap(["#004488", "#DDAA33", "#BB5566"])

plt.figure(figsize=(4.5, 4.5))
plt.scatter(*X.T, c=y, cmap=colours, s=14)
plt.axis("equal")
plt.show()

# %% [markdown]
# ## Layers by hand
#
# The book's dense layer and its ReLU. One line of `backward` is wrong, in a way that training
# survives: the loss would fall all the same.


# %%
class Dense:
    def __init__(self, inputs, neurons):
        self.weights = 0.1 * rng.standard_normal((inputs, neurons))
        self.biases = np.zeros((1, neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.mean(dvalues, axis=0, keepdims=True)
        self.dinputs = np.dot(dvalues, self.weights.T)


class ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


# %% [markdown]
# `check_backward` holds a layer's gradients against finite differences, and says what is wrong.

# %%
try:
    tg.check_backward(Dense(2, 3), [X[10::75]])
except tg.GradcheckError as error:
    print(error)

# %% [markdown]
# `compare` runs a whole network beside the same one on Tensors, whose gradients are found by the
# library.

# %%
nn.nnfs.compare([Dense(2, 4), ReLU(), Dense(4, 3)], X[10::50])

# %% [markdown]
# So the gradient of the biases is the sum over the rows, not the mean:


# %%
class MendedDense(Dense):
    def backward(self, dvalues):
        super().backward(dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)


mended = [MendedDense(2, 4), ReLU(), MendedDense(4, 3)]
print(nn.nnfs.compare(mended, X[10::50]).verdict())

# %% [markdown]
# ## A graph that finds the gradients
#
# The same network in the library's words. Nobody writes a `backward`: while the loss is computed, a
# graph of it is recorded, and `loss.backward()` goes through that from its end.

# %%
model = nn.Sequential({"hidden": nn.Linear(2, 64), "relu": nn.ReLU(), "out": nn.Linear(64, 3)})
optimizer = nn.Adam(model.parameters(), lr=0.02)
points, classes = tg.Tensor(X, name="X"), tg.Tensor(y, name="y")


def step():
    loss = nn.cross_entropy(model(points), classes)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


with tg.record() as run:
    loss = step()
loss

# %%
graph = tg.graph(loss, model, record=run)
graph

# %% [markdown]
# In words, with the rule of each step back:

# %%
tg.explain(loss, record=run)

# %% [markdown]
# A mistake that is no error: `cross_entropy` has a softmax in it, and here it gets another one.
# `lint` knows that, and others.

# %%
tg.lint(nn.cross_entropy(tg.softmax(model(points)), classes), model)

# %% [markdown]
# ## The step, alive
#
# The page goes through the step value by value, and trains, in the browser: press **Train**, point
# at a number to see what it was computed from, click a weight and turn it.

# %%
graph.page("A training step on the spiral", step=step)

# %% [markdown]
# ## Training
#
# A bar with the loss stands below the cell while it trains; `callbacks=[nn.LiveCurve()]` draws the
# curves of a longer training while they grow.

# %%
history = nn.fit(
    model, X, y, loss="cross_entropy", optimizer=optimizer, epochs=4000, metrics=["accuracy"]
)

# %%
history.plot()

# %%
axis = np.linspace(-1.1, 1.1, 250)
plane = np.stack(np.meshgrid(axis, axis), axis=-1)
winners = model.predict(plane.reshape(-1, 2)).argmax(axis=1).reshape(250, 250)

plt.figure(figsize=(4.5, 4.5))
plt.contourf(axis, axis, winners, levels=[-0.5, 0.5, 1.5, 2.5], cmap=colours, alpha=0.35)
plt.scatter(*X.T, c=y, cmap=colours, s=14, edgecolors="white", linewidths=0.4)
plt.axis("equal")
plt.show()

# %% [markdown]
# ## The step as a program
#
# `compile` takes the step down while it runs, and writes it as NumPy: forward, backward and Adam,
# without an object of the library in between.

# %%
compiled = tg.compile(step)
for _ in range(2):
    compiled()
source = compiled.source
print(source[source.index("def step") :])

# %%
for name, function in (("as it is", step), ("compiled", compiled)):
    seconds = min(timeit.repeat(function, number=100, repeat=5)) / 100
    print(f"{name}: {1e6 * seconds:.0f} µs a step")
