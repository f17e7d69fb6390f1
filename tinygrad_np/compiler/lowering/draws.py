"""Random draws: the generator's own numbers, so its state and algorithm are the backend's too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .loops import Draw
from .memory import Unsupported
from .rules import apply_rule

if TYPE_CHECKING:
    from ..statements import Statement, Var
    from .builder import Builder


def add_generator(builder: Builder, var: Var, generator: Any) -> None:
    """Note a generator of the program."""
    kind = type(generator.bit_generator).__name__
    if kind != "PCG64":
        raise Unsupported(f"random numbers of {kind}: only those of PCG64, NumPy's default")
    if generator not in builder.generators:
        builder.generators.append(generator)
    builder.generator_of[var] = builder.generators.index(generator)


def lower_draw(builder: Builder, statement: Statement) -> None:
    """Write a draw."""
    rule = _DRAWS.get(statement.target)
    if rule is None:
        raise Unsupported("no backend draws these numbers")
    var, *args = statement.args
    given = (builder.generator_of[var], *args)
    apply_rule(rule, builder, given, statement.kwargs)


def _random(builder, generator, size=None, dtype=None):
    builder.append(Draw(method="random", generator=generator, out=builder.out))


_DRAWS = {"random": _random}
