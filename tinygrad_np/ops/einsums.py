"""Einstein summation: products of arrays, summed over the axes that the result does not name.

The gradient of an einsum is an einsum: of the incoming gradient and the other operands.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .axes import wide
from .define import answers, define_op
from .mistakes import describe
from .operands import operands as as_operands

__all__ = ["contract", "einsum"]

# Below this many elements NumPy's own loop beats the search for a good order and BLAS.
_SMALL = 1000
# Those of the module `string`, which nothing else here imports.
_ASCII_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _labels(spec, shapes):
    """Return the labels of each operand's axes, and of the result's, with `...` spelled out.

    Raises:
        ValueError: a spec that is malformed, or does not fit these shapes.
    """

    def wrong(problem):
        return ValueError(f"spec {spec!r} for shapes {', '.join(map(str, shapes))}: {problem}")

    text = "".join(spec.split())
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise wrong(f"it has {len(terms)} terms for {len(shapes)} operands")
    for term in (*terms, output):
        letters = term.replace("...", "", 1)
        strange = sorted(set(letters) - set(_ASCII_LETTERS))
        if strange:
            raise wrong(f"{strange[0]!r} in {term!r} is neither a letter nor one '...'")
    free = [c for c in _ASCII_LETTERS if c not in text]
    hidden = []  # how many axes each '...' stands for
    for k, (term, shape) in enumerate(zip(terms, shapes)):
        count = len(term.replace("...", ""))
        extra = len(shape) - count
        if extra < 0 or (extra and "..." not in term):
            raise wrong(f"term {term!r} names {count} axes, but operand {k} has {len(shape)}")
        hidden.append(extra)
    most = max(hidden)
    if most > len(free):
        raise wrong("more axes than there are letters")
    broadcast = "".join(free[:most])
    full = [term.replace("...", broadcast[most - extra :]) for term, extra in zip(terms, hidden)]
    if arrow:
        if most and "..." not in output:
            raise wrong("the result must name the axes of '...' too: write '...' behind the arrow")
        result = output.replace("...", broadcast)
        for label in result:
            if not any(label in term for term in full):
                raise wrong(f"{label!r} of the result is in no operand")
            if result.count(label) > 1:
                raise wrong(f"{label!r} is twice in the result")
    else:
        once = (c for c in set(inputs) if c.isalpha() and inputs.count(c) == 1)
        result = broadcast + "".join(sorted(once))
    _check_lengths(full, shapes, wrong)
    return full, result


def _check_lengths(terms, shapes, wrong):
    """Raise unless axes of one label have one length, or 1."""
    lengths: dict[str, int] = {}
    for k, (term, shape) in enumerate(zip(terms, shapes)):
        own: dict[str, int] = {}
        for label, length in zip(term, shape):
            if own.setdefault(label, length) != length:
                raise wrong(f"{label!r} is twice in operand {k}, with {own[label]} and {length}")
            if lengths.get(label, 1) == 1:
                lengths[label] = length
            elif length not in (1, lengths[label]):
                raise wrong(f"{label!r} has {lengths[label]} elements, but {length} in operand {k}")


def _contract(arrays, spec):
    """The sum of products of the arrays that an einsum spec such as "ij,jk->ik" describes."""
    if not isinstance(spec, str):
        raise TypeError(f"the spec must be a text such as 'ij,jk->ik', not {spec!r}")
    terms, result = _labels(spec, [np.shape(a) for a in arrays])
    large = max(np.size(a) for a in arrays) > _SMALL
    return np.einsum(",".join(terms) + "->" + result, *arrays, optimize=large)


def _contract_rule(g, arrays, spec, i):
    """Return the einsum of g with the other operands, in the order of the axes of operand i."""
    terms, result = _labels(spec, [np.shape(a) for a in arrays])
    operands, inputs = [wide(g)], [result]
    for k, (array, term) in enumerate(zip(arrays, terms)):
        if k != i:
            operands.append(array)
            inputs.append(term)
    own = terms[i]
    shape = np.shape(arrays[i])
    free = iter([c for c in _ASCII_LETTERS if c not in "".join((*terms, result))])
    result = ""
    for position, label in enumerate(own):
        if label in result:  # a diagonal: only the elements on it get a gradient
            again = next(free)
            places = np.arange(shape[position])
            operands.append((places[:, None] == places).astype(g.dtype))
            inputs.append(label + again)
            label = again
        elif not any(label in term for term in inputs):  # summed alone: the same for all elements
            operands.append(np.ones(shape[position], g.dtype))
            inputs.append(label)
        result += label
    return contract(operands, ",".join(inputs) + "->" + result)


contract = define_op(
    _contract,
    variadic=True,
    arrays=_contract_rule,
    text="einsum({spec}, {arrays})",
    samples=lambda r: [
        (((r(3, 4), r(4, 2)), "ij,jk->ik"), {}),
        (((r(3, 4), r(4, 2)), "ij,jk"), {}),
        (((r(5, 3, 4), r(5, 4, 2)), "bij,bjk->bik"), {}),
        (((r(3, 4), r(4, 2), r(2, 3)), "ij,jk,ki->"), {}),
        (((r(3, 3),), "ii->i"), {}),
        (((r(3, 3),), "ii"), {}),
        (((r(2, 3, 3, 2),), "ijji->j"), {}),
        (((r(3, 4),), "ij->j"), {}),
        (((r(3, 4),), "ba"), {}),
        (((r(2, 3, 4), r(4, 5)), "...i,ij->...j"), {}),
        (((r(1, 3, 4), r(2, 3, 4)), "...i,...i"), {}),
        (((r(3, 1), r(5, 2)), "ij,jk->ik"), {}),
        (((r(3), r(2, 4)), "i,jk->ij"), {}),
        (((r(), r(3)), ",i->i"), {}),
        (((r(0, 3), r(3)), "ij,j->i"), {}),
    ],
)


def einsum(spec: Any, *operands: Any) -> Any:
    """Einstein summation: `einsum("ij,jk->ik", x, y)` is the matrix product of x and y.

    The same with axes as numbers, and those of the result last: `einsum(x, [0, 1], y, [1, 2],
    [0, 2])`.

    Args:
        spec: one term of letters per operand, one letter per axis, and after `->` the axes of the
            result; letters that are not there are summed. Without `->` the result has the letters
            that occur once, in alphabetical order. A letter that is twice in a term takes the
            diagonal. `...` stands for axes that broadcast.
        operands: as many Tensors or arrays as the spec has terms.

    Raises:
        TypeError: neither a spec nor lists of axes.
        ValueError: the spec is malformed, or does not fit the shapes of the operands.
    """
    if not isinstance(spec, str):
        spec, operands = _from_lists((spec, *operands))
    if not operands:
        raise ValueError(f"einsum({spec!r}) needs at least one array behind the spec")
    return contract(as_operands(*operands), spec)


def _from_lists(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return the spec and the operands of a call with lists of axes."""
    pairs, rest = divmod(len(arguments), 2)
    terms = [_letters(axes) for axes in arguments[1::2]]
    spec = ",".join(terms)
    if rest:
        spec += "->" + _letters(arguments[-1])
    return spec, arguments[: 2 * pairs : 2]


def _letters(axes: Any) -> str:
    """Return the term of a list of axes: numbers from 0 to 51, or `...`."""
    if not isinstance(axes, (list, tuple)):
        raise TypeError(
            "einsum needs a spec such as 'ij,jk->ik' first, or a list of axes behind each "
            f"operand, as in einsum(x, [0, 1], y, [1, 2], [0, 2]), not {describe(axes)}"
        )
    letters = ""
    for axis in axes:
        if axis is Ellipsis:
            letters += "..."
        elif 0 <= operator.index(axis) < len(_ALPHABET):
            letters += _ALPHABET[axis]
        else:
            raise ValueError(f"einsum: axes are numbers from 0 to {len(_ALPHABET) - 1}, not {axis}")
    return letters


_ALPHABET = "".join(sorted(_ASCII_LETTERS))  # the order that a result without a list has


@answers(np.einsum)
def _numpy_einsum(*operands, out=None, optimize=True):
    """np.einsum; how it is optimized has no effect on the result, and is chosen here."""
    if out is not None:
        raise TypeError("np.einsum of Tensors takes no out=: assign the result instead")
    return einsum(*operands)
