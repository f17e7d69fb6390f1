"""Recurrent layers: simple, LSTM and GRU, as layers over sequences and as single steps."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from .. import init
from ..module import Module, as_floats, as_tensor
from .basics import check_sizes, initial
from .recurrent_steps import gru, lstm, simple

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]

State = tuple[Tensor, ...]  # of one layer and direction: (h,), for an LSTM (h, c)


class _Rule:
    """A kind of recurrent network.

    Attributes:
        gates: how many blocks of hidden_size the products have.
        states: how many arrays a state has.
        sums_biases: the two biases are only ever added.
    """

    gates: int
    states = 1
    sums_biases = True

    def run(self, inputs: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        """Return the states after each step, arrays (length, rows, hidden_size).

        Args:
            inputs: (length, rows, gates·hidden_size), the products of the inputs, with the bias.
            state: arrays (rows, hidden_size), before the first step.
            weight, bias: of the product of the hidden state; no bias if `sums_biases`.
        """
        raise NotImplementedError


class _Simple(_Rule):
    """h = tanh(inputs + h·W), or with relu in the place of tanh."""

    gates = 1

    def __init__(self, nonlinearity: str) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
        self.nonlinearity = nonlinearity

    def run(self, inputs: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        return (simple(inputs, *state, weight, self.nonlinearity),)


class _LongShortTerm(_Rule):
    """c = f·c + i·k and h = o·tanh(c), with gates i, f, o and candidates k, in the order ifko."""

    gates = 4
    states = 2

    def run(self, inputs: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        return lstm(inputs, *state, weight)


class _GatedUnit(_Rule):
    """h = (1 - z)·n + z·h with n = tanh(inputs + r·(h·W + b)), in the order rzn."""

    gates = 3
    sums_biases = False

    def run(self, inputs: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        return (gru(inputs, *state, weight, bias),)


class _Recurrent(Module):
    """Base of the cells and layers: parameters for each layer and direction."""

    rule: _Rule
    torch_transposed = ("weight_ih", "weight_hh")

    def _add_parameters(
        self,
        suffix: str,
        in_features: int,
        hidden: int,
        bias: bool,
        dtype: Any,
        rng: np.random.Generator | None,
    ) -> None:
        rng = rng or tg.default_generator()
        width = self.rule.gates * hidden
        # PyTorch draws all of them within ±1/√hidden_size.
        for name, shape in (
            ("weight_ih", (in_features, width)),
            ("weight_hh", (hidden, width)),
            ("bias_ih", (width,)),
            ("bias_hh", (width,)),
        ):
            parameter = None
            if bias or name.startswith("weight"):
                fans = (hidden, width)
                draw = init.fan_in_uniform
                parameter = initial(name + suffix, draw, shape, fans, rng, dtype)
            setattr(self, name + suffix, parameter)

    def _parameters_of(self, suffix: str) -> list[Any]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [getattr(self, name + suffix) for name in names]

    def _run(self, x: Tensor, state: State, suffix: str) -> State:
        """Return the states (length, rows, hidden_size) after each step of x."""
        weight_ih, weight_hh, bias_ih, bias_hh = self._parameters_of(suffix)
        # The products of all inputs at once; only those of the state wait for each other.
        inputs = x @ weight_ih
        if bias_ih is not None:
            inputs = inputs + (bias_ih + bias_hh if self.rule.sums_biases else bias_ih)
        return self.rule.run(inputs, state, weight_hh, bias_hh)


class _Cell(_Recurrent):
    """One step of a recurrent network, for x of shape (rows, input_size) or (input_size,)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self._add_parameters("", input_size, hidden_size, bias, dtype, rng)

    def forward(self, x: Any, state: Any = None) -> Any:
        x = as_floats(x, self.parameters()[0].dtype)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ValueError(
                f"{self!r} needs inputs (rows, {self.input_size}), not {x.shape}: x is "
                f"{tg.describe(x)}"
            )
        shape = (*x.shape[:-1], self.hidden_size)
        before = _state(self, state, shape, self.parameters()[0].dtype)
        # A sequence of one step, and of one row if there is no axis for them.
        rows = len(x) if x.ndim == 2 else 1
        steps = x.reshape(1, rows, self.input_size)
        after = self._run(steps, tuple(s.reshape(rows, self.hidden_size) for s in before), "")
        after = tuple(s.reshape(shape) for s in after)
        return after if self.rule.states > 1 else after[0]

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


class RNNCell(_Cell):
    """h' = tanh(x·W_ih + b_ih + h·W_hh + b_hh): the step of an `RNN`.

    `cell(x, h)` returns h'; without h it starts from zeros.

    Args:
        input_size, hidden_size: lengths of x and h.
        bias: False for a cell without biases.
        nonlinearity: "tanh" or "relu".
        dtype, rng: as of `Linear`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.rule = _Simple(nonlinearity)
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, bias, dtype=dtype, rng=rng)


class LSTMCell(_Cell):
    """The step of an `LSTM`: `cell(x, (h, c))` returns (h', c'); without a state, from zeros.

    Arguments as of `RNNCell`, without nonlinearity.
    """

    rule = _LongShortTerm()


class GRUCell(_Cell):
    """The step of a `GRU`: `cell(x, h)` returns h'; without h, from zeros.

    Arguments as of `RNNCell`, without nonlinearity.
    """

    rule = _GatedUnit()


class _Layers(_Recurrent):
    """Layers of a recurrent network, over whole sequences, in one direction or in both."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        check_sizes(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        if not 0 <= dropout < 1:
            raise ValueError(f"the probability of dropping must be in [0, 1), not {dropout}")
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.batch_first = batch_first
        self.dropout = dropout
        self.directions = ("", "_reverse") if bidirectional else ("",)
        for layer in range(num_layers):
            size = hidden_size * len(self.directions) if layer else input_size
            for direction in self.directions:
                suffix = f"_l{layer}{direction}"
                self._add_parameters(suffix, size, hidden_size, bias, dtype, rng)

    def forward(self, x: Any, state: Any = None) -> tuple[Tensor, Any]:
        data, x = x, as_floats(x, self.parameters()[0].dtype)
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            order = "rows, length" if self.batch_first else "length, rows"
            raise ValueError(
                f"{self!r} needs inputs ({order}, {self.input_size}), not {x.shape}: x is "
                f"{tg.describe(data)}"
            )
        if not x.shape[self.batch_first and x.ndim == 3]:
            raise ValueError(f"{self!r} needs a sequence of one step or more, not {x.shape}")
        single = x.ndim == 2
        if single:
            x = tg.expand_dims(x, 1)
        elif self.batch_first:
            x = tg.swapaxes(x, 0, 1)
        count = self.num_layers * len(self.directions)
        rows = () if single else (x.shape[1],)
        before = _state(self, state, (count, *rows, self.hidden_size), self.parameters()[0].dtype)
        if single:
            before = tuple(tg.expand_dims(s, 1) for s in before)
        ends: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = tg.dropout(x, self.dropout, self.training)
            outputs = []
            for direction in self.directions:
                start = tuple(s[len(ends)] for s in before)
                steps = x[::-1] if direction else x
                states = self._run(steps, start, f"_l{layer}{direction}")
                outputs.append(states[0][::-1] if direction else states[0])
                ends.append(tuple(s[-1] for s in states))
            x = outputs[0] if len(outputs) == 1 else tg.concatenate(outputs, axis=-1)
        after = tuple(map(tg.stack, zip(*ends)))
        if single:
            x, after = x[:, 0], tuple(s[:, 0] for s in after)
        elif self.batch_first:
            x = tg.swapaxes(x, 0, 1)
        return x, after if self.rule.states > 1 else after[0]

    def extra_repr(self) -> str:
        parts = [str(self.input_size), str(self.hidden_size)]
        if self.num_layers > 1:
            parts.append(f"num_layers={self.num_layers}")
        if self.batch_first:
            parts.append("batch_first=True")
        if self.dropout:
            parts.append(f"dropout={self.dropout}")
        if len(self.directions) > 1:
            parts.append("bidirectional=True")
        return ", ".join(parts)


class RNN(_Layers):
    """Simple recurrent layers: h = tanh(x·W_ih + b_ih + h·W_hh + b_hh) from step to step.

    `layer(x, h)` returns the outputs (length, rows, hidden_size) of the last layer and the last
    h of every layer and direction, (num_layers·directions, rows, hidden_size). Without h it starts
    from zeros; without the axis of rows there is none in the results.

    Args:
        input_size, hidden_size: lengths of x and h at each step.
        num_layers: how many layers, each on the outputs of the one before.
        nonlinearity: "tanh" or "relu".
        bias: False for layers without biases.
        batch_first: True for x and outputs of shape (rows, length, features).
        dropout: probability of dropping an output between layers, in training.
        bidirectional: True for a second set of layers that reads backwards; its outputs stand
            behind those of the first.
        dtype, rng: as of `Linear`.

    Weights are (features in, features out), the transposes of PyTorch's.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.rule = _Simple(nonlinearity)
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            dtype=dtype,
            rng=rng,
        )


class LSTM(_Layers):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), with forget gates.

    `layer(x, (h, c))` returns the outputs and the last (h, c); shapes and arguments as of `RNN`,
    without nonlinearity. Along the width of the weights lie the gates i and f, the candidates g
    and the gate o.
    """

    rule = _LongShortTerm()


class GRU(_Layers):
    """Gated recurrent units (Cho et al., 2014), in the form of PyTorch and cuDNN.

    `layer(x, h)` returns the outputs and the last h; shapes and arguments as of `RNN`, without
    nonlinearity. Along the width of the weights lie the gates r and z and the candidates n.
    """

    rule = _GatedUnit()


def _state(module: _Recurrent, state: Any, shape: tuple[int, ...], dtype: Any) -> State:
    """Return a given state, checked, or zeros."""
    count = module.rule.states
    if state is None:
        return (tg.zeros(shape, dtype=dtype),) * count
    parts = (state,) if count == 1 else tuple(state)
    if len(parts) != count:
        raise ValueError(f"{module!r} has a state (h, c), not {len(parts)} arrays")
    tensors = tuple(map(as_tensor, parts))
    for tensor in tensors:
        if tensor.shape != shape:
            raise ValueError(f"{module!r} needs a state of shape {shape}, not {tensor.shape}")
    return tensors
