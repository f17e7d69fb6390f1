"""The table by which NumPy draws normal numbers, in 256 layers: NumPy itself is asked for it.

A draw takes 8 random bits for the layer and 52 for a number in it, which the table scales. A
generator that is put just before the bits that say "layer k, number 1" gives its entry k.
"""

from __future__ import annotations

import functools

import numpy as np

_TIMES = 0x2360ED051FC65DA44385DF649FCCF645  # of PCG64: state = _TIMES state + increment
_MODULUS = 2**128
_BACK = pow(_TIMES, -1, _MODULUS)


@functools.cache
def normal_scales() -> np.ndarray:
    """Return the width of each layer, divided by 2^52: what the number in it is multiplied by."""
    generator = np.random.Generator(np.random.PCG64(0))
    one = 1 << 9  # behind the bits of the layer and the sign
    scales = []
    for layer in range(256):
        _will_draw(generator.bit_generator, one + layer)
        scales.append(generator.standard_normal())
    return np.array(scales)


def _will_draw(bits: np.random.BitGenerator, number: int) -> None:
    """Put a PCG64 before the state whose 64 bits are this number."""
    state: dict = bits.state  # type: ignore[assignment]
    # The high half 0 turns nothing, and leaves the low half as it is.
    state["state"]["state"] = (number - state["state"]["inc"]) * _BACK % _MODULUS
    bits.state = state
