"""The reference of nn, docs/nn.md: every public name, read from its docstring."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from docstrings import contents, entry, heading

import nn

__all__ = ["nn_reference"]

INTRODUCTION = """\
# nn: layers, losses, optimizers, training

Generated from the docstrings by `docs/generate.py`: do not edit.

Names, arguments and defaults are PyTorch's, with two exceptions: axes are called `axis`, as in
NumPy, and weights of dense and recurrent layers are (in, out), as in the book, so that a layer is
`x @ weight + bias`.

## A layer of your own

A layer is a `Module` that sets `Parameter`s, `Buffer`s and other Modules as attributes, and
computes in `forward`. Everything else finds them by these attributes: optimizers, `state_dict`,
`save`, `summary`, the picture of the graph.

```python
>>> import numpy as np
>>> import nn
>>> import tinygrad_np as tg
>>> class Scaled(nn.Module):
...     def __init__(self, features):
...         self.scale = nn.Parameter(np.ones(features, "float32"))
...         self.largest = nn.Buffer(np.zeros(features, "float32"))
...
...     def forward(self, x):
...         if self.training:
...             sizes = abs(x.detach()).max(axis=0)
...             self.largest.assign(tg.maximum(self.largest, sizes))
...         return x * self.scale / (self.largest + 1)
>>> model = nn.Sequential(nn.Linear(2, 3), Scaled(3), tg.relu)
>>> [name for name, _ in model.named_parameters()]
['0.weight', '0.bias', '1.scale']
>>> [name for name in model.state_dict()]
['0.weight', '0.bias', '1.scale', '1.largest']

```

A Parameter is learned. A Buffer is not, but belongs to what the model is: it is saved, and gets new
values by `assign`. A bare Tensor that requires grad is refused as an attribute, since nobody would
train or save it.

## Stopping, and going on

`nn.save` writes a model, or all parts of a run, to an `.npz` or a `.safetensors` file: never
pickle, so that reading a file executes nothing. A file is complete or not there at all, and has a
checksum.

```python
>>> optimizer = nn.Adam(model.parameters(), lr=0.01)
>>> rng = np.random.default_rng(0)
>>> nn.save({"model": model, "optimizer": optimizer, "rng": rng, "epoch": 3}, "run.npz")
>>> parts = {"model": model, "optimizer": optimizer, "rng": rng}
>>> nn.load("run.npz", parts)["epoch"]
3
>>> import os
>>> os.remove("run.npz")

```

The book's `model.save_parameters(path)` and `load_parameters(path)` are `nn.save(model, path)` and
`nn.load(path, model)`. Its `model.save(path)` and `Model.load(path)` pickle the model's code along
with its numbers; here a file holds numbers alone, and the code that built the model builds it again
before they are loaded.

## Training with callbacks

`fit` trains, measures, and calls callbacks: after each update, after each epoch, in the end.

```python
>>> X, y = nn.data.moons(200, rng=np.random.default_rng(0))
>>> (X_train, y_train), validation = nn.data.split(X, y, (0.8, 0.2), rng=np.random.default_rng(1))
>>> def build():
...     rng = np.random.default_rng(2)
...     model = nn.Sequential(nn.Linear(2, 16, rng=rng), nn.ReLU(), nn.Linear(16, 2, rng=rng))
...     return model, nn.Adam(model.parameters(), lr=0.02)
>>> def train(epochs, **options):
...     model, optimizer = build()
...     return nn.fit(
...         model, X_train, y_train,
...         loss="cross_entropy", optimizer=optimizer, metrics=["accuracy", "f1"],
...         validation_data=validation, epochs=epochs, batch_size=32,
...         callbacks=[nn.EarlyStopping("val_loss", patience=20), nn.Checkpoint("run.npz")],
...         rng=np.random.default_rng(3), progress=False, **options,
...     )
>>> whole = train(12)
>>> list(whole)
['loss', 'accuracy', 'f1', 'lr', 'val_loss', 'val_accuracy', 'val_f1']
>>> whole["val_accuracy"][-1] > 0.85
True

```

`print(whole.table())` is a table of it, `whole.plot()` draws the curves.

A run that was stopped goes on with the same numbers, bit for bit, as one that was not, wherever a
Ctrl-C or a kill came: the checkpoint has the model, the optimizer, the generators, the history, and
what the callbacks remember. `resume=True` begins where there is no file yet, so that one program is
started again and again until it is done.

```python
>>> stopped = train(5)
>>> train(12, resume=True).metrics == whole.metrics
True
>>> os.remove("run.npz")

```

A callback of your own is a class with the hooks that it needs:

```python
>>> class Best(nn.Callback):
...     def on_epoch(self, run):
...         if run.values["accuracy"] > 0.99:
...             run.stop()

```

A metric is averaged over batches; one that is no average, such as F1, is computed over all rows of
the epoch: those of `nn` know it, one of your own says so by `@nn.over_epoch`. For a first learning
rate, `nn.find_lr` tries a copy of the model.

## Learning rates, groups, averages

A schedule is an optimizer's `lr`: a function of the number of steps. Groups of parameters have
learning rates and other options of their own, in the dicts that PyTorch takes. An `EMA` averages
the weights; gradients are clipped between `backward()` and `step()`.

```python
>>> warm_up = nn.LinearLR(0.02, start_factor=0.1, total_iters=10)
>>> schedule = nn.SequentialLR([warm_up, nn.CosineAnnealingLR(0.02, 90)], milestones=[10])
>>> optimizer = nn.AdamW(
...     [
...         {"params": model[0].parameters(), "lr": schedule},
...         {"params": model[1].parameters(), "weight_decay": 0.0},
...     ],
...     lr=0.01,
... )
>>> ema = nn.EMA(model, decay=0.9)
>>> x, y = rng.standard_normal((8, 2)), rng.random((8, 3))
>>> for _ in range(10):
...     optimizer.zero_grad()
...     nn.mse_loss(model(x), y).backward()
...     norm = nn.clip_grad_norm_(model.parameters(), max_norm=1.0)
...     optimizer.step()
...     ema.update()
>>> [group.lr for group in optimizer.groups]
[0.02, 0.01]
>>> with ema:
...     prediction = model.predict(x)

```

## A model as a function of its parameters

```python
>>> X = np.linspace(-1, 1, 20).reshape(-1, 1)
>>> line = nn.Linear(1, 1, dtype=np.float64)
>>> vector, unravel = nn.ravel(line)
>>> def loss(v):
...     return nn.mse_loss(nn.functional_call(line, unravel(v), X), 3 * X + 1)
>>> tg.hessian(loss)(vector).shape
(2, 2)

```

SciPy's optimizers take it from here:

```py
from scipy.optimize import minimize

best = minimize(tg.value_and_grad(loss), vector, jac=True)
line.load_state_dict(unravel(best.x))
```

## Programs

[The gallery](gallery.md) has programs of a page or two: classifiers, an autoencoder, a flow, an
LSTM, a transformer, networks that balance a pole or obey a differential equation.
"""

# In the order of the reference.
MODULES = (
    "module",
    "containers",
    "layers.basics",
    "layers.activations",
    "layers.convolution",
    "layers.pooling",
    "layers.resizing",
    "layers.normalization",
    "layers.recurrent",
    "layers.attention",
    "losses.pointwise",
    "losses.likelihoods",
    "losses.margins",
    "losses.loss_layers",
    "training.metrics",
    "training.scores",
    "training.whole_epoch",
    "init",
    "optimizers.base",
    "optimizers.rules",
    "optimizers.lbfgs",
    "optimizers.schedules",
    "optimizers.plateau",
    "optimizers.clipping",
    "optimizers.averaging",
    "data",
    "training.loop",
    "training.callbacks",
    "training.run",
    "training.checkpoints",
    "training.history",
    "training.rate_finder",
    "saving",
    "torch_weights",
    "numpy_files",
    "onnx_files",
    "pure_functions",
    "distributions",
    "nnfs",
)


NAMESPACES = ("data", "init", "distributions", "nnfs")

NEXT = """\
What to see next: [the core](core.md), the other names of `tinygrad_np` · [the operations](ops.md) ·
[coming from the book](nnfs.md) · [coming from PyTorch](pytorch.md).
"""


def nn_reference() -> str:
    """Return the text of docs/nn.md.

    Raises:
        LookupError: a public name that none of MODULES has.
    """
    sections, groups = [], []
    shown: dict[Any, str] = {}
    for stem in MODULES:
        module = importlib.import_module(f"nn.{stem}")
        is_namespace = stem in NAMESPACES
        names = [n for n in module.__all__ if is_namespace or n in nn.__all__]
        # Other names for a thing come behind its own.
        names.sort(key=lambda name: getattr(module, name).__name__ != name)
        prefix = f"nn.{stem}" if is_namespace else "nn"
        title, _, rest = inspect.cleandoc(module.__doc__ or "").partition("\n")
        title = title.rstrip(".")
        sections.append(f"## {title}\n")
        if rest.strip():
            sections.append(f"{rest.strip()}\n")
        full_names = [f"{prefix}.{name}" for name in names]
        headings = [heading(full_name, full_names) for full_name in full_names]
        for name, own in zip(names, headings, strict=True):
            value = getattr(module, name)
            if value in shown:
                sections.append(f"### `{own}`\n\nThe same as `{shown[value]}`.\n")
            else:
                shown[value] = own
                sections.append(entry(own, value, hidden=("forward", "extra_repr", "update")))
        groups.append((title, list(zip(names, headings, strict=True))))
    named = {own for _, names in groups for _, own in names}
    missing = [n for n in nn.__all__ if n not in NAMESPACES and f"nn.{n}" not in named]
    if missing:
        raise LookupError(f"add the modules of {', '.join(missing)} to MODULES in {__file__}")
    first, line, rest = INTRODUCTION.partition("\n## A layer of your own")
    return "\n".join([first, contents(groups), line.lstrip() + rest, *sections, NEXT])
