"""`einsum` as products of matrices, two operands at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .formulas import formula
from .memory import Unsupported


@formula
def einsum(subscripts, *operands, optimize=False):
    """Sums of products, two operands at a time."""
    terms, arrow, result = subscripts.replace(" ", "").partition("->")
    if "." in subscripts or not arrow:
        raise Unsupported(f"the subscripts {subscripts!r}")
    pairs = [*zip(operands, terms.split(","))]
    sizes: dict[str, int] = {}
    for a, term in pairs:
        for letter, n in zip(term, a.shape):
            sizes[letter] = n if n != 1 else sizes.get(letter, 1)
    waiting = []
    for a, term in pairs:
        stretched = np.broadcast_to(a, [sizes[letter] for letter in term])
        waiting.append(_diagonal(stretched, term))
    total, letters = waiting.pop(0)
    while waiting:
        a, term = waiting.pop(0)
        later = set(result)
        for _, others in waiting:
            later.update(others)
        total, letters = _product(total, letters, a, term, later)
    total, letters = _summed(total, letters, set(result))
    return np.positive(total.transpose([letters.index(x) for x in result]))


def _diagonal(a: Any, term: str) -> tuple[Any, str]:
    """Leave one axis of those that have the same letter."""
    for letter in term:
        while term.count(letter) > 1:
            first, second = term.index(letter), term.rindex(letter)
            a = a.diagonal(0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + letter
    return a, term


def _summed(a: Any, letters: str, kept: set[str]) -> tuple[Any, str]:
    """Sum over the axes of letters that nobody needs any more."""
    rest = "".join(filter(kept.__contains__, letters))
    axes = tuple(k for k, letter in enumerate(letters) if letter not in kept)
    if axes:
        a = np.add.reduce(a, axis=axes)
    return a, rest


def _product(a, a_letters, b, b_letters, later):
    """Multiply two operands, and sum over the letters of both that are not needed later."""
    a, a_letters = _summed(a, a_letters, later | set(b_letters))
    b, b_letters = _summed(b, b_letters, later | set(a_letters))
    sizes = dict(zip(a_letters + b_letters, a.shape + b.shape))
    left = [x for x in a_letters if x not in b_letters]
    right = [x for x in b_letters if x not in a_letters]
    batch = [x for x in a_letters if x in b_letters and x in later]
    added = [x for x in a_letters if x in b_letters and x not in later]

    def arranged(array, letters, rows, columns):
        order = [letters.index(x) for x in batch + rows + columns]
        shape = [sizes[x] for x in batch]
        for group in (rows, columns):
            shape.append(math.prod(sizes[x] for x in group))
        return array.transpose(order).reshape(shape)

    first = arranged(a, a_letters, left, added)
    second = arranged(b, b_letters, added, right)
    letters = batch + left + right
    product = np.matmul(first, second)
    return product.reshape([sizes[x] for x in letters]), "".join(letters)
