"""`Text`: a string that can be printed on any stream."""

from __future__ import annotations

import codecs
import sys

# What stands for the characters of formulas, tables and graphs where they can't be shown.
_PLAIN = {
    "▱": "/",
    "▣": "@",
    "○": "o",
    "≡": "=",
    "◎": "O",
    "·": "*",
    "×": "x",
    "−": "-",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "→": "->",
    "…": "...",
    "∂": "d",
    "√": "sqrt ",
    "Σ": "sum ",
    "μ": "mean",
    "σ": "std",
    "µ": "u",
    "²": "^2",
    "ᵀ": ".T",
    **{chr(ord("₀") + digit): str(digit) for digit in range(10)},
}


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Answer for characters that an encoding does not have, as an error handler of codecs."""
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in missing), error.end


class Text(str):
    """A string, mostly of several lines, that prints on any stream.

    A console or a file may have an encoding without × and →: printed, and wherever `str()` is
    taken, they become x and ->. The string itself keeps them, as for a file in UTF-8. Its repr
    is the text, so that a prompt shows it as such.

    Attributes:
        errors: the name of what replaces them; `sys.stdout.reconfigure(errors=Text.errors)` does
            it for all that a program prints.
    """

    __slots__ = ()
    errors = "tinygrad_np.plain"

    def __str__(self) -> str:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        return self.encode(encoding, self.errors).decode(encoding)

    def __repr__(self) -> str:
        return str(self)


codecs.register_error(Text.errors, _plain)
