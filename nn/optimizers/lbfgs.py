"""L-BFGS: steps by what the last gradients say of the curvature, for losses without noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import CompileError, Tensor, assign_all

from ..arguments import (
    check_not_negative,
    check_positive,
    parameter_list,
    plain_array,
    whole_number,
)
from .flat_parameters import end_to_end
from .line_search import Point, strong_wolfe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LBFGS"]

ARRAYS = ("moves", "changes", "direction", "gradient")


class LBFGS:
    """L-BFGS (Nocedal, 1980; Liu and Nocedal, 1989): w += t·d, with d = -H·g.

    H, an estimate of the inverse of the Hessian, comes from the last moves of the parameters and
    changes of the gradient (Nocedal and Wright, 2006, algorithm 7.4). Each step evaluates the loss
    several times, so that it takes a function; all data belong in it, as noise misleads it:

        optimizer = nn.LBFGS(model.parameters(), line_search_fn="strong_wolfe")

        def closure():
            optimizer.zero_grad()
            loss = nn.mse_loss(model(x), y)
            loss.backward()
            return loss

        for _ in range(10):
            optimizer.step(closure)

    A step can't be compiled, since values decide how often the loss is evaluated; a closure can,
    with `model.zero_grad()` in it. There are no groups of parameters.

    Args:
        params: the parameters (leaf Tensors).
        lr: t, or where the search for it starts.
        max_iter: the largest number of moves in one step.
        max_eval: the largest number of evaluations in one step, max_iter·5/4 by default; a search
            that has begun is ended.
        tolerance_grad: it is the end if no element of the gradient is larger.
        tolerance_change: it is the end if the loss does not change by more, or no parameter does.
        history_size: the number of moves that are remembered.
        line_search_fn: "strong_wolfe", which looks for a t that meets the strong Wolfe conditions;
            None takes t = lr, but for the first move, which is kept short.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if line_search_fn not in (None, "strong_wolfe"):
            raise ValueError(f"line_search_fn is None or 'strong_wolfe', not {line_search_fn!r}")
        self.params: list[Tensor] = parameter_list("LBFGS", params)
        if any(isinstance(p, dict) for p in self.params):
            raise TypeError(
                "LBFGS has no groups of parameters: write LBFGS(model.parameters(), ...)"
            )
        if not self.params:
            raise ValueError("LBFGS got no parameters")
        if len({id(p) for p in self.params}) < len(self.params):
            raise ValueError("LBFGS got the same parameter twice")
        self.lr = check_positive("lr", lr)
        self.max_iter = whole_number("max_iter", max_iter, 1)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        self.max_eval = whole_number("max_eval", max_eval, 1)
        self.tolerance_grad = check_not_negative("tolerance_grad", tolerance_grad)
        self.tolerance_change = check_not_negative("tolerance_change", tolerance_change)
        self.history_size = whole_number("history_size", history_size, 1)
        self.line_search_fn = line_search_fn
        # All that changes: the number of moves and evaluations, the last ones, and the arrays.
        self._state: dict[str, Any] = {"steps": 0, "evaluations": 0, "t": 0.0}
        weights = self._weights()
        self._state |= {name: np.zeros_like(weights) for name in ("direction", "gradient")}
        self._state |= {name: np.zeros((0, weights.size), weights.dtype) for name in ARRAYS[:2]}

    @property
    def steps(self) -> int:
        """The number of moves of the parameters, several in each `step()`."""
        return self._state["steps"]

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters."""
        for p in self.params:
            p.grad = None

    # --- parameters as one vector -----------------------------------------------------------------

    def _weights(self) -> np.ndarray:
        return np.concatenate([p.data.ravel() for p in self.params])

    def _write(self, weights: np.ndarray) -> None:
        parts = zip(self.params, end_to_end(self.params), strict=True)
        assign_all(
            list(self.params),
            [weights[part].reshape(p.shape).astype(p.dtype) for p, part in parts],
        )

    def _evaluate(self, closure: Callable[[], Tensor]) -> tuple[Tensor, float, np.ndarray]:
        """Return the loss, also as a number, and the gradient at the parameters of now."""
        self._state["evaluations"] += 1
        loss = closure()
        if not isinstance(loss, Tensor) or loss.size != 1:
            raise TypeError(f"the closure must return the loss, a scalar Tensor, not {loss!r}")
        if type(loss.data) is not np.ndarray:
            raise CompileError(
                "LBFGS.step() can't be compiled: values decide how often it evaluates the loss. "
                "Instead: compile the closure."
            )
        if all(p.grad is None for p in self.params):
            raise RuntimeError(
                "LBFGS.step(): no parameter has a gradient; the closure must call backward() on a "
                "loss that depends on these parameters"
            )
        parts = [np.zeros(p.size, p.dtype) if p.grad is None else p.grad.data for p in self.params]
        return loss, float(loss.data), np.concatenate([part.ravel() for part in parts])

    # --- steps ------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor:
        """Move the parameters up to `max_iter` times; return the loss before that.

        Args:
            closure: calls `zero_grad()`, computes the loss, calls `backward()`, returns the loss.

        Raises:
            TypeError: no closure, or one that does not return the loss.
            RuntimeError: no parameter has a gradient.

        After an exception, also Ctrl-C, all is as it was before the step.
        """
        if not callable(closure):
            raise TypeError(
                "LBFGS.step(closure) needs a function that computes the loss anew: it calls "
                "optimizer.zero_grad() and loss.backward(), and returns the loss"
            )
        before = dict(self._state), self._weights()
        try:
            return self._step(closure)
        except BaseException:
            self._state, weights = before
            self._write(weights)
            raise

    def _step(self, closure: Callable[[], Tensor]) -> Tensor:
        state = self._state
        most = state["evaluations"] + self.max_eval
        first, loss, g = self._evaluate(closure)
        for _ in range(self.max_iter):
            if np.abs(g).max() <= self.tolerance_grad:
                break
            if not (math.isfinite(loss) and np.isfinite(g).all()):
                break  # the loss that is returned shows it, and so does that of the next step
            if state["steps"]:
                self._remember(g)
            direction = self._direction(g)
            slope = float(g @ direction)
            if slope > -self.tolerance_change:
                break
            start = self.lr if state["steps"] else self.lr * min(1.0, 1.0 / float(np.abs(g).sum()))
            point = self._move(closure, direction, Point(0.0, loss, slope, g), start)
            state |= {"direction": direction, "gradient": g, "t": point.t}
            state["steps"] += 1
            moved = float(np.abs(point.t * direction).max())
            change = abs(point.loss - loss)
            loss, g = point.loss, point.g
            if min(moved, change) <= self.tolerance_change or state["evaluations"] >= most:
                break
        return first

    def _remember(self, g: np.ndarray) -> None:
        """Take the last move, and the change of the gradient since, into the history."""
        state = self._state
        move = state["t"] * state["direction"]
        change = g - state["gradient"]
        if move @ change > 1e-10:  # or it says nothing of a curvature upwards
            for name, array in (("moves", move), ("changes", change)):
                state[name] = np.vstack([state[name], array])[-self.history_size :]

    def _direction(self, g: np.ndarray) -> np.ndarray:
        """Return -H·g, by the two loops of algorithm 7.4."""
        moves, changes = self._state["moves"], self._state["changes"]
        d = -g
        if not len(moves):
            return d
        products = (moves * changes).sum(axis=1)
        shares = np.zeros_like(products)
        for k in reversed(range(len(moves))):
            shares[k] = moves[k] @ d / products[k]
            d = d - shares[k] * changes[k]
        d = d * (products[-1] / (changes[-1] @ changes[-1]))
        for k in range(len(moves)):
            d = d + moves[k] * (shares[k] - changes[k] @ d / products[k])
        return d

    def _move(
        self, closure: Callable[[], Tensor], direction: np.ndarray, here: Point, start: float
    ) -> Point:
        """Move the parameters along a direction; return where that has led to."""
        weights = self._weights()

        def at(t: float) -> Point:
            self._write(weights + t * direction)
            _, loss, g = self._evaluate(closure)
            return Point(t, loss, float(g @ direction), g)

        if self.line_search_fn is None:
            return at(start)
        width = float(np.abs(direction).max())
        best = strong_wolfe(at, here, start, self.tolerance_change / width)
        self._write(weights + best.t * direction)
        return best

    # --- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return copies of all that changes from step to step, by name."""
        copies = {name: np.array(self._state[name]) for name in ARRAYS}
        return {"optimizer": "LBFGS", "lr": self.lr, **self._state, **copies}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where another one was, for the same parameters in the same order.

        Raises:
            KeyError: missing or unknown names.
            ValueError: a state of another optimizer, or for other parameters.
        """
        own = self.state_dict()
        missing = [name for name in own if name not in state]
        unknown = [name for name in state if name not in own]
        if missing or unknown:
            raise KeyError(f"the state does not fit: missing {missing}, unknown {unknown}")
        if state["optimizer"] != "LBFGS":
            raise ValueError(f"LBFGS can't continue from the state of {state['optimizer']}")
        new: dict[str, Any] = {"t": float(state["t"])}
        for name in ("steps", "evaluations"):
            new[name] = whole_number(name, state[name], 0)
        for name in ARRAYS:
            new[name] = plain_array(name, state[name]).astype(own[name].dtype)
            if new[name].shape[-1:] != own[name].shape[-1:] or new[name].ndim != own[name].ndim:
                raise ValueError(
                    f"{name} is for {new[name].shape[-1:]} elements, not {own[name].shape[-1:]}"
                )
        self.lr = check_positive("lr", state["lr"])
        self._state = new

    def __repr__(self) -> str:
        return f"LBFGS(lr={self.lr!r}, line_search_fn={self.line_search_fn!r})"
