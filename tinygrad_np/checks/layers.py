"""`check_backward` for layers written by hand, in the style of *Neural Networks from Scratch*.

Any object with `forward(inputs)` and `backward(dvalues)`; for the losses of that style,
`forward(predictions, targets)` and `backward(dvalues, targets)`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .hand_layer import HandLayer
from .numeric import GradcheckError

if TYPE_CHECKING:
    from .diagnosis import Mistake


def check_layer(layer: Any, inputs: list[Any], rng: np.random.Generator) -> bool:
    """Compare `dinputs` and the gradient of each parameter with finite differences.

    Raises:
        GradcheckError: names the first gradient that is wrong, and how.
        ValueError: `forward` gives different results for the same arguments.
    """
    title = type(layer).__name__
    run = HandLayer(layer, [_double(value) for value in inputs])
    if not run.repeats():
        raise ValueError(
            f"{title}.forward gives different results for the same arguments: fix its random "
            "numbers, and check it again"
        )
    run.backward(seed=int(rng.integers(100)))
    if run.error is not None:
        raise run.error
    mistakes: dict[str, Mistake] = {}
    for name in run.gradients:
        mistake = run.mistake(name)
        if mistake is not None:
            mistakes[name] = mistake
    if not mistakes:
        if run.strays:
            names = ", ".join(run.strays)
            text = f"{title}: check_backward did not look at {names}: no parameter belongs to it"
            warnings.warn(text, stacklevel=3)
        return True
    (name, mistake), *others = mistakes.items()
    text = f"{title}.backward: {name} is wrong: {mistake.text}"
    if others:
        more = [f"{other} ({its.kind})" for other, its in others]
        text += f". And then {', '.join(more)}"
    raise GradcheckError(text, mistake.kind)


def _double(value: Any) -> Any:
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else value
