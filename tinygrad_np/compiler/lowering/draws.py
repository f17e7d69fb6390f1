"""Random draws: NumPy's own numbers, so backends have the generator's state and algorithms."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from .loops import COPY, Draw
from .memory import Unsupported
from .rules import apply_rule

if TYPE_CHECKING:
    from ..statements import Statement, Var
    from .builder import Builder
    from .loops import View

_MOST = 2**32  # different integers, of which 32 random bits decide on one


def add_generator(builder: Builder, var: Var, generator: Any) -> None:
    """Note a generator of the program."""
    kind = type(generator.bit_generator).__name__
    if kind != "PCG64":
        raise Unsupported(f"random numbers of {kind}, and not of PCG64, which is NumPy's default")
    place = builder.places.setdefault(id(generator), len(builder.generators))
    if place == len(builder.generators):
        builder.generators.append(copy.deepcopy(generator))  # as it is now
    builder.generator_of[var] = place


def lower_draw(builder: Builder, statement: Statement) -> None:
    """Write a draw."""
    rule = _DRAWS.get(statement.target)
    if rule is None:
        raise Unsupported("no backend draws from this distribution")
    generator, *args = statement.args
    apply_rule(rule, builder, (builder.generator_of[generator], *args), statement.kwargs)


def _draw(builder: Builder, method: str, generator: int, low: int = 0, high: int = 0) -> View:
    """Draw into new memory of the result's shape."""
    out = builder.out
    drawn = builder.memory.scratch(out.shape, out.dtype)
    loop = Draw(method=method, generator=generator, out=drawn, low=low, high=high)
    builder.append(loop)
    return drawn


def _plainly(method: str) -> Any:
    """Make the rule of a distribution without limits, location and scale."""

    def write(builder, generator, size=None, dtype=None):
        drawn = _draw(builder, method, generator)
        builder.map(COPY, builder.out, drawn)

    return write


def _uniform(builder, generator, low=0.0, high=1.0, size=None):
    out = builder.out
    begin, end = (builder.operand(a, float) for a in (low, high))
    width = builder.memory.scratch(np.broadcast_shapes(begin.shape, end.shape), float)
    builder.map("subtract", width, end, begin)
    builder.map("multiply", out, width, _draw(builder, "random", generator))
    builder.map("add", out, begin, out)


def _normal(builder, generator, loc=0.0, scale=1.0, size=None):
    out = builder.out
    spread = builder.operand(scale, float)
    builder.map("multiply", out, spread, _draw(builder, "standard_normal", generator))
    builder.map("add", out, builder.operand(loc, float), out)


def _gumbel(builder, generator, loc=0.0, scale=1.0, size=None):
    """Compute loc - scale log(-log(1 - u))."""
    out, one = builder.out, builder.operand(1.0, float)
    builder.map("subtract", out, one, _draw(builder, "random", generator))
    for function in ("log", "negative", "log"):
        builder.map(function, out, out)
    builder.map("multiply", out, builder.operand(scale, float), out)
    builder.map("subtract", out, builder.operand(loc, float), out)


def _integers(builder, generator, low, high=None, size=None, dtype=np.int64, endpoint=False):
    if high is None:
        low, high = 0, low
    limits = builder.known(low), builder.known(high)
    if not all(isinstance(limit, (int, np.integer)) for limit in limits):
        raise Unsupported("limits that are not two numbers")
    first, end = map(int, limits)
    end += bool(endpoint)
    out = builder.out
    if out.dtype.itemsize < 4 or end - first > _MOST:
        raise Unsupported(f"integers of {out.dtype} from {first} to {end}")
    drawn = _draw(builder, "integers", generator, first, end)
    builder.map(COPY, out, drawn)


def _permutation(builder, generator, x, axis=0):
    out = builder.out
    if not isinstance(x, (int, np.integer)):
        raise Unsupported("an array that is shuffled: draw permutation(n), and take by that")
    builder.map(COPY, out, _draw(builder, "permutation", generator))


_DRAWS: dict[str, Any] = {
    "gumbel": _gumbel,
    "integers": _integers,
    "normal": _normal,
    "permutation": _permutation,
    "random": _plainly("random"),
    "standard_normal": _plainly("standard_normal"),
    "uniform": _uniform,
}
