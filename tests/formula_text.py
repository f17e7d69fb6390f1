"""The text of a formula, evaluated."""

import inspect
import re

import numpy as np

import tinygrad_np as tg

SIGNS = {
    "−": "-",
    "·": "*",
    "^": "**",
    "ᵀ": ".mT",
    " = ": " == ",
    "≠": "!=",
    "≥": ">=",
    "≤": "<=",
    " and ": " & ",
    " or ": " | ",
}
DIGITS = str.maketrans("₂₃₄₅₆₇₈₉", "23456789")

# An argument in brackets with a slice or dots in it: `scatter(g, [:, 2], (3, 4))`.
_INSIDE = r"(?:[^\[\]]|\[[^\[\]]*\])*"
INDEX = re.compile(rf"(?<=[(,= ])\[({_INSIDE}(?::|\.\.\.){_INSIDE})\]")


def as_python(text):
    for sign, plain in SIGNS.items():
        text = text.replace(sign, plain)
    return INDEX.sub(r"s_[\1]", text).translate(DIGITS)


def evaluated(text, rule, values):
    """The value of a rule's formula: of its last line, after each `name = expression` before it."""
    *before, result = text.split("\n")
    around = {**rule.__globals__, **inspect.getclosurevars(rule).nonlocals}
    ops = {f.op.name: f for f in around.values() if inspect.isfunction(f) and hasattr(f, "op")}
    scope = {**vars(np), **ops, **around, **vars(tg), **values}
    for line in before:
        name, _, expression = line.partition(" = ")
        scope[name.translate(DIGITS)] = eval(as_python(expression), scope)
    return eval(as_python(result), scope)
