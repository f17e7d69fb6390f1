"""A bridge to layers written by hand, in the style of *Neural Networks from Scratch*.

    print(nn.nnfs.compare([dense1, relu1, dense2, softmax_loss], X, y))

runs them forward and backward, runs the same `forward`s on Tensors, which find their gradients
themselves, and shows both side by side, from the last layer to the first.

A layer is any object with `forward(inputs)` and `backward(dvalues)`. Its result is returned or left
in `output`, and its gradients are `dinputs`, or what backward returns, and each array that stands
beside a parameter: `dweights` beside `weights`, `dgamma`, `dW`. A loss, which can only be the last
one, takes `forward(predictions, targets)` and `backward(dvalues, targets)`. `diagnose_optimizer`
compares an optimizer.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import tinygrad_np as tg

from .hand_optimizers import diagnose_optimizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_np import HandLayer, Mistake

__all__ = ["Comparison", "Row", "compare", "diagnose_optimizer"]


class Row(NamedTuple):
    """One gradient, computed twice.

    Attributes:
        layer: number (from 1) and class of the layer.
        gradient: the attribute that holds it: "dinputs", "dweights", "dgamma".
        by_hand: what the layer's own `backward` left there; None if nothing.
        on_tensors: the right one, for the incoming gradient that the layer was handed.
        mistake: how the two differ (see `tinygrad_np.diagnose`), or None.
        choices: how many elements differ at a kink, where a rule may choose.
    """

    layer: str
    gradient: str
    by_hand: Any
    on_tensors: np.ndarray
    mistake: Mistake | None
    choices: int = 0


class Comparison:
    """The gradients of a network side by side; `print` it. Made by `compare`.

    Attributes:
        rows: a `Row` for each gradient, in the order of backward.
        loss: the loss that the layers gave, penalties left out; None without a loss.
        first: the first row that differs, or None. Each layer is held against what is right for
            the incoming gradient that it was handed, so that one mistake does not make the rows
            below wrong.
        notes: what else is to be known: layers that are one object, gradients not compared.
    """

    def __init__(self, rows: list[Row], loss: float | None, notes: Sequence[str] = ()) -> None:
        self.rows = rows
        self.loss = loss
        self.notes = list(notes)
        self.first = next((row for row in rows if row.mistake is not None), None)

    def __bool__(self) -> bool:
        """True if all gradients agree."""
        return self.first is None

    @property
    def exit_code(self) -> int:
        """0 if all gradients agree, else 1: for `sys.exit` in a program that grades."""
        return 0 if self else 1

    def json(self) -> str:
        """Return the verdict, and each gradient with its mistake, as JSON."""
        rows = [
            {
                "layer": row.layer,
                "gradient": row.gradient,
                "shape": list(row.on_tensors.shape),
                "right": row.mistake is None,
                "kind": row.mistake.kind if row.mistake else None,
                "text": row.mistake.text if row.mistake else None,
                "choices": row.choices,
                "largest_difference": _largest(row),
            }
            for row in self.rows
        ]
        loss = self.loss if self.loss is not None and np.isfinite(self.loss) else None
        verdict = {"right": bool(self), "verdict": self.verdict(), "loss": loss, "rows": rows}
        return json.dumps(verdict, allow_nan=False)

    def _table(self) -> list[tuple[str, ...]]:
        table: list[tuple[str, ...]]
        table = [("layer", "gradient", "by hand", "on Tensors", "largest difference")]
        for k, row in enumerate(self.rows):
            shape = row.on_tensors.shape
            layer = "" if k and self.rows[k - 1].layer == row.layer else row.layer
            by_hand, on_tensors = _start(row.by_hand), _start(row.on_tensors)
            gradient = f"{row.gradient} {shape}"
            table.append((layer, gradient, by_hand, on_tensors, _difference(row)))
        return table

    def __str__(self) -> str:
        table = self._table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in table]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([*lines, "", self.verdict()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        head, *lines = self._table()
        titles = "".join(f"<th>{title}</th>" for title in head)
        body = ""
        for line, row in zip(lines, self.rows, strict=True):
            style = ' style="font-weight: bold; color: #994455"' if row.mistake else ""
            cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in line)
            body += f"<tr{style}>{cells}</tr>"
        verdict = html.escape(self.verdict())
        return f"<table><tr>{titles}</tr>{body}</table><p>{verdict}</p>"

    def verdict(self) -> str:
        """Say in one sentence that they agree, or where the first difference is, and the notes."""
        if self.first is None:
            text = f"All {len(self.rows)} gradients agree."
        else:
            assert self.first.mistake is not None
            text = (
                f"The first difference is in {self.first.layer}.backward: {self.first.gradient} "
                f"is wrong: {self.first.mistake.text}."
            )
            others = [
                f"{row.gradient} of {row.layer} ({row.mistake.kind})"
                for row in self.rows
                if row.mistake and row is not self.first
            ]
            text += f" And then {', '.join(others)}." if others else ""
        choices = [
            f"{row.choices} of {row.on_tensors.size} elements of {row.gradient} of {row.layer}"
            for row in self.rows
            if row.choices
        ]
        notes = list(self.notes)
        if choices:
            notes.append(
                f"A choice at a kink, as relu has at 0, or beyond a clip: {', '.join(choices)}; "
                "a little beside they agree"
            )
        return " ".join([text, *(f"{note}." for note in notes)])


def compare(layers: Sequence[Any], inputs: Any, targets: Any = None) -> Comparison:
    """Run a network of hand-written layers, and the same one on Tensors; compare all gradients.

    Args:
        layers: the layers in the order of forward; the last may be a loss. They are copied, and
            run in float64: the objects themselves stay as they are. One object that stands there
            twice is one set of parameters.
        inputs: what the first layer is given.
        targets: what the loss is given beside its predictions. Without a loss at the end,
            backward starts from random numbers.

    Penalties (`weight_regularizer_l1` and the like) belong to the gradients on both sides. A
    `forward` with a parameter `training` is told True. Both sides draw the same random numbers, if
    they come from `np.random` or a generator that belongs to the layer. What differs at a kink is
    held against finite differences a little beside: a rule may choose there.

    Raises:
        TypeError: an object without `forward` and `backward`; a `forward` that does not run on
            Tensors.
        ValueError: no layers; a loss that is not the last; targets without a loss, or a loss
            without targets; a `forward` whose result on Tensors is another one.
    """
    layers = list(layers)
    names = [f"{k} {type(layer).__name__}" for k, layer in enumerate(layers, 1)]
    _check(layers, names, targets)
    data = np.asarray(inputs.data if isinstance(inputs, tg.Tensor) else inputs)
    value: Any = data if data.dtype.kind in "iu" else np.array(data, np.float64)

    hands: list[HandLayer] = []
    uses: dict[int, list[int]] = {}
    for k, layer in enumerate(layers):
        before = uses.setdefault(id(layer), [])
        arguments = [value, targets] if k == len(layers) - 1 and targets is not None else [value]
        hands.append(tg.HandLayer(layer, arguments, hands[before[-1]] if before else None))
        before.append(k)
        value = hands[-1].output
    twice = [use for use in uses.values() if len(use) > 1]
    rows, notes = _compared(hands, names, twice)
    loss = float(np.mean(hands[-1].output)) if hands[-1].is_loss else None
    return Comparison(rows, loss, notes)


def _compared(
    hands: list[HandLayer], names: list[str], twice: list[list[int]]
) -> tuple[list[Row], list[str]]:
    """Run backward, and return a row for each gradient, and the notes."""
    rows: list[Row] = []
    notes = [
        f"{' and '.join(names[k] for k in use)} are one object, with one set of parameters"
        for use in twice
    ]
    totals: dict[tuple[int, str], np.ndarray] = {}
    dvalues: Any = None
    if not hands[-1].is_loss:
        dvalues = _seed(hands[-1].output.shape)
    for k in reversed(range(len(hands))):
        hand, name = hands[k], names[k]
        use = next((use for use in twice if k in use), [k])
        if k != use[-1]:
            hand.done = hands[use[use.index(k) + 1]].done  # the same object, further on
        hand.backward(dvalues)
        right = hand.on_tensors(name)
        for gradient, values in right.items():
            if gradient in hand.parameters:
                key = use[0], gradient
                totals[key] = totals.get(key, 0) + values
                if k != use[0]:
                    continue  # not whole yet
                values = totals[key]
            rows.append(_row(hand, name, gradient, values, use, names))
        if hand.strays:
            notes.append(f"Not compared: {', '.join(hand.strays)} of {name}")
        dvalues = hand.gradients.get(hand.input_gradient)
        if hand.error is not None or dvalues is None or not np.isfinite(dvalues).all():
            break  # the layers below are handed nothing
    return rows, notes


def _row(
    hand: HandLayer,
    name: str,
    gradient: str,
    right: np.ndarray,
    use: list[int],
    names: list[str],
) -> Row:
    """Compare one gradient."""
    if hand.error is not None:
        text = f"backward failed: {type(hand.error).__name__}: {hand.error}"
        return Row(name, gradient, None, right, tg.Mistake("failed", text))
    answer = hand.gradients[gradient]
    # After nnfs.init() np.dot gives float32, whatever it is given.
    one = np.ones((1, 1), np.float64)
    rtol = 1e-3 if np.dot(one, one).dtype == np.float32 else 1e-7
    off = _differs(answer, right, rtol)
    if off is not None and not off.any():
        return Row(name, gradient, answer, right, None)
    if len(use) > 1:
        others = " and ".join(names[k] for k in use if names[k] != name)
        text = (
            f"it is the same object as {others}: each forward has overwritten what the backward "
            "of the one before reads, and each backward the gradients. Keep them for each call, "
            "and add the gradients up, or make two layers"
        )
        return Row(name, gradient, answer, right, tg.Mistake("stale", text))
    mistake = hand.mistake(gradient, right)
    choices = int(off.sum()) if mistake is None and off is not None else 0
    return Row(name, gradient, answer, right, mistake, choices)


def _differs(answer: Any, right: np.ndarray, rtol: float) -> np.ndarray | None:
    """Return a mask of the elements that differ; None if shapes do."""
    if answer is None or np.shape(answer) != right.shape:
        return None
    largest = np.max(np.abs(right), initial=1e-3)
    with np.errstate(invalid="ignore"):
        return ~(np.abs(answer - right) <= rtol * np.abs(right) + 0.01 * rtol * largest)


def _check(layers: list[Any], names: list[str], targets: Any) -> None:
    """Raise unless these are layers, and targets are there if and only if a loss is."""
    if not layers:
        raise ValueError("compare needs at least one layer")
    for name, layer in zip(names, layers, strict=True):
        for method in ("forward", "backward"):
            if not callable(getattr(layer, method, None)):
                raise TypeError(f"{name} has no {method}: a layer needs forward and backward")
    is_loss = [tg.HandLayer.takes_targets(layer) for layer in layers]
    for name, loss in zip(names, is_loss[:-1]):
        if loss:
            raise ValueError(f"{name} takes targets: a loss can only be the last layer")
    if is_loss[-1] and targets is None:
        raise ValueError(f"{names[-1]} takes targets, but none were given")
    if targets is not None and not is_loss[-1]:
        raise ValueError(f"targets were given, but {names[-1]}.backward does not take any")


def _seed(shape: tuple[int, ...]) -> np.ndarray:
    """Draw the gradient to start from without a loss: numbers of both signs, none small."""
    rng = np.random.default_rng(0)
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


# --- a row as text --------------------------------------------------------------------------------


def _start(values: Any, most: int = 3) -> str:
    """Show the first numbers of an array."""
    if values is None:
        return "none"
    flat = np.ravel(values)
    more = " ..." if flat.size > most else ""
    return " ".join(f"{v:9.3g}" for v in flat[:most]) + more


def _largest(row: Row) -> float | None:
    """Return the largest difference; None if there is none to be had, or no finite one."""
    if row.by_hand is None or np.shape(row.by_hand) != row.on_tensors.shape:
        return None
    difference = np.asarray(row.by_hand, np.float64) - row.on_tensors
    largest = float(np.max(np.abs(difference), initial=0.0))
    return largest if np.isfinite(largest) else None


def _difference(row: Row) -> str:
    """Show the largest difference, with an arrow if it is a mistake."""
    if row.by_hand is None:
        return "-"
    if np.shape(row.by_hand) != row.on_tensors.shape:
        return f"shape {np.shape(row.by_hand)}"
    largest = _largest(row)
    if row.on_tensors.size == 0:
        text = "0"
    elif largest is None:
        text = "not finite"
    else:
        text = f"{largest:.1e}" if largest >= 1e-12 else "< 1e-12"
    if row.choices:
        return f"{text}  (a choice)"
    return text if row.mistake is None else f"{text}  <-"
