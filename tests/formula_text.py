"""The text of a formula, evaluated."""

import inspect

import numpy as np

import tinygrad_np as tg
from tinygrad_np.formulas.text import as_python


def evaluated(text, rule, values):
    """The value of a rule's formula: of its last line, after each `name = expression` before it."""
    around = {**rule.__globals__, **inspect.getclosurevars(rule).nonlocals}
    ops = {f.op.name: f for f in around.values() if inspect.isfunction(f) and hasattr(f, "op")}
    library = {**ops, **around, **vars(tg)}
    own = [name for name, value in library.items() if inspect.isfunction(value)]
    scope = {**library, **values, "np": np}
    *before, result = as_python(text, own).split("\n")
    for line in before:
        exec(line, scope)
    return eval(result, scope)
