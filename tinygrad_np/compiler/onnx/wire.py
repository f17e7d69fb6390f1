"""Protocol Buffers, the encoding of .onnx files: messages of numbered fields.

https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import struct
from typing import Any

_VARINT, _BYTES, _FIXED32 = 0, 2, 5  # how the rest of a field is written


def varint(number: int) -> bytes:
    """Return an integer of 64 bits in groups of seven, lowest first, all but the last marked."""
    number %= 2**64
    groups = []
    while number > 127:
        groups.append(number % 128 + 128)
        number //= 128
    return bytes([*groups, number])


def message(fields: dict[int, Any]) -> bytes:
    """Return a message: its fields in the order of their numbers.

    Args:
        fields: by number, an integer, a float, a text, bytes (or another message); a list of such
            for a field that comes several times.
    """
    parts = []
    for number, content in sorted(fields.items()):
        for value in content if isinstance(content, list) else [content]:
            parts.append(_field(number, value))
    return b"".join(parts)


def _field(number: int, value: Any) -> bytes:
    if isinstance(value, float):
        return varint(number * 8 + _FIXED32) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number * 8 + _VARINT) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number * 8 + _BYTES) + varint(len(data)) + data
