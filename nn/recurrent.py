"""Recurrent layers: simple, LSTM and GRU, as layers over sequences and as single steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_np as tg
from tinygrad_np import Tensor

from . import init
from .layers import check_sizes, initial
from .module import Module, Parameter, as_tensor, in_dtype_of
from .recurrent_steps import gru_step, lstm_step

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]

State = tuple[Tensor, ...]  # of one layer and direction: (h,), for an LSTM (h, c)


class _Rule:
    """The step of a kind of recurrent network.

    Attributes:
        gates: how many blocks of hidden_size the products have.
        states: how many arrays a state has.
        sums_biases: the two biases are only ever added.
    """

    gates: int
    states = 1
    sums_biases = True

    def step(self, inputs: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        """Return the next state.

        Args:
            inputs: (rows, gates·hidden_size), the product of the inputs, with its bias.
            state: arrays (rows, hidden_size).
            weight, bias: of the product of the hidden state.
        """
        raise NotImplementedError


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product = x @ weight
    return product if bias is None else product + bias


class _Simple(_Rule):
    """h = tanh(inputs + h·W + b), or with relu in the place of tanh."""

    gates = 1

    def __init__(self, nonlinearity: str) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
        self.nonlinearity = nonlinearity

    def step(self, inputs: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        total = inputs + _product(state[0], weight, bias)
        return (tg.tanh(total) if self.nonlinearity == "tanh" else tg.relu(total),)


class _LongShortTerm(_Rule):
    """c = f·c + i·g and h = o·tanh(c), with gates i, f, o and candidates g, in the order ifgo."""

    gates = 4
    states = 2

    def step(self, inputs: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        h, c = state
        return lstm_step(inputs + _product(h, weight, bias), c)


class _GatedUnit(_Rule):
    """h = (1 - z)·n + z·h with n = tanh(inputs + r·(h·W + b)), in the order rzn."""

    gates = 3
    sums_biases = False

    def step(self, inputs: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        (h,) = state
        return (gru_step(inputs, _product(h, weight, bias), h),)


class _Recurrent(Module):
    """Base of the cells and layers: parameters for each layer and direction."""

    rule: _Rule

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

    def _parameters_of(self, suffix: str) -> list[Parameter | None]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [getattr(self, name + suffix) for name in names]


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
        x = in_dtype_of(self.parameters()[0], as_tensor(x))
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ValueError(
                f"{self!r} needs inputs (rows, {self.input_size}), not {x.shape}: x is "
                f"{tg.describe(x)}"
            )
        weight_ih, weight_hh, bias_ih, bias_hh = self._parameters_of("")
        assert weight_ih is not None
        assert weight_hh is not None
        shape = (*x.shape[:-1], self.hidden_size)
        before = _state(self, state, shape, weight_hh.dtype)
        single = x.ndim == 1
        if single:
            x, before = tg.expand_dims(x, 0), tuple(tg.expand_dims(s, 0) for s in before)
        after = self.rule.step(_product(x, weight_ih, bias_ih), before, weight_hh, bias_hh)
        if single:
            after = tuple(s[0] for s in after)
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
        data, x = x, in_dtype_of(self.parameters()[0], as_tensor(x))
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            order = "rows, length" if self.batch_first else "length, rows"
            raise ValueError(
                f"{self!r} needs inputs ({order}, {self.input_size}), not {x.shape}: x is "
                f"{tg.describe(data)}"
            )
        single = x.ndim == 2
        if single:
            x = tg.expand_dims(x, 1)
        elif self.batch_first:
            x = tg.swapaxes(x, 0, 1)
        count = self.num_layers * len(self.directions)
        rows = () if single else (x.shape[1],)
        weight = self._parameters_of("_l0")[1]
        assert weight is not None
        before = _state(self, state, (count, *rows, self.hidden_size), weight.dtype)
        if single:
            before = tuple(tg.expand_dims(s, 1) for s in before)
        ends: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = tg.dropout(x, self.dropout, self.training)
            outputs = []
            for direction in self.directions:
                start = tuple(s[len(ends)] for s in before)
                parameters = self._parameters_of(f"_l{layer}{direction}")
                output, end = self._run(x, start, parameters, backwards=bool(direction))
                outputs.append(output)
                ends.append(end)
            x = outputs[0] if len(outputs) == 1 else tg.concatenate(outputs, axis=-1)
        after = tuple(map(tg.stack, zip(*ends)))
        if single:
            x, after = x[:, 0], tuple(s[:, 0] for s in after)
        elif self.batch_first:
            x = tg.swapaxes(x, 0, 1)
        return x, after if self.rule.states > 1 else after[0]

    def _run(
        self,
        x: Tensor,
        state: State,
        parameters: Sequence[Any],
        backwards: bool,
    ) -> tuple[Tensor, State]:
        """Return the outputs (length, rows, hidden_size) and the last state of one direction."""
        weight_ih, weight_hh, bias_ih, bias_hh = parameters
        # The products of all inputs at once; only those of the state wait for each other.
        inputs = _product(x, weight_ih, bias_ih)
        if bias_hh is not None and self.rule.sums_biases:
            inputs, bias_hh = inputs + bias_hh, None
        # Parts keep the axis of time, of length 1, so that they are joined again without a copy.
        parts = tg.split(inputs, len(x))
        state = tuple(tg.expand_dims(s, 0) for s in state)
        outputs = []
        for part in reversed(parts) if backwards else parts:
            state = self.rule.step(part, state, weight_hh, bias_hh)
            outputs.append(state[0])
        joined = tg.concatenate(outputs[::-1] if backwards else outputs)
        return joined, tuple(s[0] for s in state)

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
