"""Optimizers: each update rule written once, as a formula on all parameters laid end to end.

Gradients and state are flat arrays, so a step is about ten NumPy calls whatever the number of
layers. The rules follow the book's order of operations; the names and defaults are PyTorch's.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Number, Tensor, current_record, no_grad

from .arguments import (
    check_fraction,
    check_not_negative,
    check_option_names,
    parameter_list,
    plain_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["SGD", "AdaGrad", "Adam", "AdamW", "Optimizer", "RMSprop"]


@dataclass(frozen=True)
class _Schedule:
    """A function from the number of steps taken to the learning rate, as a plain number."""

    function: Callable[[int], Any]

    def __call__(self, steps: int) -> Any:
        return plain_number(self.function(steps))


class Optimizer:
    """Base of the optimizers: keeps the state flat and hands it to `update`.

    Args:
        params: the parameters (leaf Tensors), such as `model.parameters()`.
        lr: the learning rate, or a function from the number of steps taken to the rate.
        weight_decay: strength λ of the decay: λ·w is added to the gradient.

    A parameter without a gradient (frozen, or not reached) is left alone, and so is its state.

    To write one: name the state in `state_names`, and give `update`.
    """

    state_names: tuple[str, ...] = ()
    decoupled = False  # True if weight decay acts on the weights, rather than on the gradient

    def __new__(cls, *args: Any, **options: Any) -> Optimizer:
        """Make an optimizer, unless it is given an option by a name from elsewhere."""
        check_option_names(cls, options)
        return super().__new__(cls)

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float],
        *,
        weight_decay: float = 0.0,
    ) -> None:
        self.params = parameter_list(type(self).__name__, params)
        if len({id(p) for p in self.params}) < len(self.params):
            raise ValueError(f"{type(self).__name__} got the same parameter twice")
        if len({p.dtype for p in self.params}) > 1:
            kinds = ", ".join(sorted({str(p.dtype) for p in self.params}))
            raise ValueError(f"parameters of one optimizer share one dtype; these have {kinds}")
        self.lr = lr
        self.weight_decay = check_not_negative("weight_decay", weight_decay)
        self._steps = Number(0)
        # The number of steps at which each parameter was not reached; True once one was not.
        self._missed = Tensor(np.zeros(len(self.params)))
        self._uneven = False
        size = sum(p.size for p in self.params)
        zeros = np.zeros(size, self.params[0].dtype)
        self.state = {name: Tensor(zeros) for name in self.state_names}

    @property
    def steps(self) -> int:
        """The number of steps taken."""
        return self._steps.value

    @property
    def lr(self) -> float:
        """The learning rate of the next step; assign a number or a schedule to change it."""
        rate = self._rate
        if isinstance(rate, Number):
            return rate.value
        return check_not_negative("the schedule's lr", self._steps.apply(rate))

    @lr.setter
    def lr(self, rate: float | Callable[[int], float]) -> None:
        if callable(rate):
            self._rate: Any = _Schedule(rate)
            return
        number = check_not_negative("lr", rate)
        if isinstance(getattr(self, "_rate", None), Number):
            self._rate.value = number  # compiled steps know this very Number
        else:
            self._rate = Number(number)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        """Return what to subtract from the parameters, and the new state: the rule.

        Args:
            g: gradients of all parameters, laid end to end.
            lr: learning rate.
            t: number of this step, from 1; an array like g if some parameters took fewer.
            *state: the arrays of `state_names`, like g; zeros at first. To be left as they are.
        """
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Return copies of all that changes from step to step, by name.

        A learning rate that is a number is in it; a schedule is a function of the steps taken.
        """
        state: dict[str, Any] = {
            "optimizer": type(self).__name__,
            "sizes": np.array([p.size for p in self.params]),
            "steps": self.steps,
            "missed": self._missed.numpy().copy(),
        }
        if isinstance(self._rate, Number):
            state["lr"] = self.lr
        return state | {name: values.numpy().copy() for name, values in self.state.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where another optimizer was, for the same parameters in the same order.

        A schedule stays as it is. Nothing is changed unless everything fits.

        Raises:
            KeyError: missing or unknown names.
            ValueError: a state of another optimizer, or for parameters of other sizes.
        """
        own = self.state_dict()
        names = own.keys() | {"lr"}
        missing = [name for name in own if name not in state and name != "lr"]
        unknown = [name for name in state if name not in names]
        if missing or unknown:
            raise KeyError(f"the state does not fit: missing {missing}, unknown {unknown}")
        kind = type(self).__name__
        if state["optimizer"] != kind:
            raise ValueError(f"{kind} can't continue from the state of {state['optimizer']}")
        sizes = np.asarray(state["sizes"])
        if not np.array_equal(sizes, own["sizes"]):
            raise ValueError(
                f"{kind} has parameters of {own['sizes'].tolist()} elements, but the state is for "
                f"{sizes.tolist()}"
            )
        arrays = {"missed": self._missed, **self.state}
        values = {name: np.array(state[name], array.dtype) for name, array in arrays.items()}
        for name, value in values.items():
            if value.shape != arrays[name].shape:
                raise ValueError(f"{name} has {value.size} elements, not {arrays[name].size}")
        steps = operator.index(state["steps"])
        if isinstance(self._rate, Number) and "lr" in state:
            self.lr = float(state["lr"])
        self._steps.value = steps
        for name, value in values.items():
            arrays[name].assign(value)
        self._uneven = bool(values["missed"].any())

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters."""
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient.

        Raises:
            RuntimeError: no parameter has a gradient.
        """
        grads = [p.grad for p in self.params]
        reached = [g is not None for g in grads]
        if not any(reached):
            raise RuntimeError(
                f"{type(self).__name__}.step(): no parameter has a gradient; call backward() "
                "between zero_grad() and step(), on a loss that depends on these parameters"
            )
        params = self.params
        state = before = [values.data for values in self.state.values()]
        steps = self.steps
        t: Any = steps + 1
        if self._uneven or not all(reached):
            self._uneven = True
            params = [p for p, is_reached in zip(self.params, reached, strict=True) if is_reached]
            mask, t = self._part(reached)  # t for each element
            state = [values[mask] for values in state]
        g = np.concatenate([g.data.ravel() for g in grads if g is not None])
        lr, decay = self.lr, self.weight_decay
        weights = np.concatenate([p.data.ravel() for p in params]) if decay else None
        if weights is not None and not self.decoupled:
            g = g + decay * weights
        rule = None
        record = current_record()
        if record is None:
            change, *new_state = self.update(g, lr, t, *state)
        else:
            (change, *new_state), rule = record.watch_update(
                self, (g, lr, t, *state), self.state_names, self._decay_note()
            )
        if weights is not None and self.decoupled:
            change = change + lr * decay * weights
        if len(new_state) != len(self.state):
            gave = f"{type(self).__name__}.update() gave {len(new_state)} arrays after the change"
            raise ValueError(f"{gave}, not one for each of {list(self.state)}")
        explained = () if record is None else tuple(new_state)
        # Only now that the rule has run does anything change: all of it, or nothing.
        written = list(zip(self.state.values(), before, strict=True))
        if self._uneven:
            written.append((self._missed, self._missed.data))
        try:
            for values in self.state.values():
                if self._uneven:
                    values[mask] = new_state.pop(0)
                else:
                    values.assign(new_state.pop(0))  # taken over, as nobody else holds it
            if self._uneven:
                self._missed += ~np.array(reached)
            self._steps.value += 1
            start = 0
            with no_grad():
                for p in params:
                    w = p.data
                    written.append((p, w))
                    part = slice(start, start + w.size)
                    p.assign(w - change[part].reshape(w.shape))
                    if record is not None and rule is not None:
                        record.explain_update(p, rule, part, change, explained)
                    start = part.stop
        except BaseException:  # Ctrl-C, too, which may come at any place
            self._steps.value = steps
            with no_grad():
                for tensor, array in written:
                    tensor.assign(array)
            raise

    def _decay_note(self) -> str:
        """Describe the effect of weight decay besides the rule, for those who watch a step."""
        if not self.weight_decay:
            return ""
        if self.decoupled:
            return f"Weight decay: lr · {self.weight_decay:g} · w is subtracted, too."
        return f"Weight decay: {self.weight_decay:g} · w has been added to the gradient."

    def _part(self, reached: list[bool]) -> tuple[np.ndarray, np.ndarray]:
        """Return a mask of the flat state of the reached parameters, and their step's numbers.

        The numbers are float64, so that powers of them are as exact as those of a Python number.
        """
        sizes = [p.size for p in self.params]
        mask = np.repeat(reached, sizes)
        steps = np.repeat(self.steps + 1 - self._missed.data, sizes)
        return mask, steps[mask]

    def __repr__(self) -> str:
        rate = self._rate
        rate = rate.value if isinstance(rate, Number) else rate.function
        return f"{type(self).__name__}(lr={rate!r})"


class SGD(Optimizer):
    """Gradient descent: w -= lr·g; with momentum μ, v = μ·v - lr·g and w += v.

    `nesterov=True` looks ahead: w += μ·v - lr·g with the new v.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-3,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        momentum = check_not_negative("momentum", momentum)
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum above 0")
        self.momentum = momentum
        self.nesterov = nesterov
        if momentum:
            self.state_names = ("velocity",)
        super().__init__(params, lr, weight_decay=weight_decay)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        if not state:
            return (lr * g,)
        velocity = self.momentum * state[0] - lr * g
        if self.nesterov:
            return lr * g - self.momentum * velocity, velocity
        return -velocity, velocity


class AdaGrad(Optimizer):
    """AdaGrad (Duchi et al., 2011): w -= lr·g / (√c + eps), c the sum of all g² so far."""

    state_names = ("cache",)

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-2,
        *,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
    ) -> None:
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        cache = state[0] + g * g
        return lr * g / (np.sqrt(cache) + self.eps), cache


class RMSprop(Optimizer):
    """RMSprop (Hinton, 2012): w -= lr·g / (√c + eps), c = α·c + (1 - α)·g².

    The book calls α rho.
    """

    state_names = ("cache",)

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-2,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.alpha = check_fraction("alpha", alpha)
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        cache = self.alpha * state[0] + (1 - self.alpha) * (g * g)
        return lr * g / (np.sqrt(cache) + self.eps), cache


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015): w -= lr·(m/c₁) / (√(v/c₂) + eps).

    m = β₁·m + (1 - β₁)·g and v = β₂·v + (1 - β₂)·g² are running means of the gradient and its
    square; c₁ = 1 - β₁ᵗ and c₂ = 1 - β₂ᵗ make up for their start at zero.
    """

    state_names = ("m", "v")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if np.shape(betas) != (2,):
            raise TypeError(f"betas must be a pair of numbers, not {betas!r}")
        self.betas = check_fraction("beta1", betas[0]), check_fraction("beta2", betas[1])
        self.eps = check_not_negative("eps", eps)
        super().__init__(params, lr, weight_decay=weight_decay)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        beta1, beta2 = self.betas
        m = beta1 * state[0] + (1 - beta1) * g
        v = beta2 * state[1] + (1 - beta2) * (g * g)
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        return lr * m_hat / (np.sqrt(v_hat) + self.eps), m, v


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019): also w -= lr·λ·w."""

    decoupled = True

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Callable[[int], float] = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay)
