"""The base of the optimizers: options, groups of parameters, their state, and the step."""

from __future__ import annotations

import inspect
import operator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinygrad_np import Number, Tensor, assign_all, current_record

from ..arguments import check_not_negative, check_option_names, parameter_list, plain_array
from .flat_parameters import Change, FlatParameters, by_dtype, end_to_end
from .rates import PlainRate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .flat_parameters import Reduce

__all__ = ["Optimizer"]

Own = TypeVar("Own", bound="Optimizer")


class _Members(list):
    """The parameters of a group, which may be none."""


class Optimizer:
    """Base of the optimizers: keeps the state flat and hands it to `update`.

    Args:
        params: the parameters (leaf Tensors), such as `model.parameters()`; or groups of them
            with options of their own, a list of dicts such as
            `[{"params": body.parameters(), "lr": 1e-4}, {"params": head.parameters()}]`. What a
            group does not name it has from the other arguments.
        lr: the learning rate, or a function from the number of steps taken to the rate.
        weight_decay: strength λ of the decay: λ·w is added to the gradient.
        reduce: a function of the flat gradient, before decay, such as `nn.distributed.all_sum`;
            with it, parameters that are not reached take part, with zeros.

    A parameter without a gradient (frozen, or not reached) is left alone, and so is its state.

    Each group is an optimizer of this kind, with `params` and options of its own: read and set
    them there, as in `optimizer.groups[0].lr = 1e-3`. Setting `lr` of the whole sets that of all
    groups. An optimizer of one group has just itself in `groups`. PyTorch's way of writing is
    understood, too: `optimizer.param_groups[0]["lr"] = 1e-3`.

    To write one: name the state in `state_names`, set the options, call `super().__init__()`, and
    give `update`.
    """

    state_names: tuple[str, ...] = ()
    decoupled = False  # True if weight decay acts on the weights, rather than on the gradient

    defaults: dict[str, Any]  # the options that it was made with
    params: list[Tensor]
    _several: tuple[Optimizer, ...] = ()  # its groups, if it has several; then no more than these

    def __new__(cls, *args: Any, **options: Any) -> Optimizer:
        """Make an optimizer, unless it is given an option by a name from elsewhere."""
        check_option_names(cls, options)
        optimizer = super().__new__(cls)
        first, *names = inspect.signature(cls).parameters
        optimizer.defaults = {**dict(zip(names, args[1:])), **options}
        optimizer.defaults.pop(first, None)
        return optimizer

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        lr: float | Callable[[int], float],
        *,
        weight_decay: float = 0.0,
        reduce: Reduce | None = None,
    ) -> None:
        given = parameter_list(type(self).__name__, params)
        if not given and not isinstance(params, _Members):
            raise ValueError(f"{type(self).__name__} got no parameters")
        if given and isinstance(given[0], dict):
            self._gather([self._group(k, options) for k, options in enumerate(given)])
            return
        self.lr = lr
        self.weight_decay = check_not_negative("weight_decay", weight_decay)
        self.params = given
        self._check_once(given)
        self._steps = Number(0)
        self.reduce = reduce
        self._flat = by_dtype(given, self.state_names, reduce)

    # --- groups -----------------------------------------------------------------------------------

    @property
    def groups(self: Own) -> tuple[Own, ...]:
        """The groups of parameters; of an optimizer without any, itself."""
        return self._several or (self,)  # type: ignore[return-value]

    param_groups = groups

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add a group, such as `{"params": head.parameters(), "lr": 1e-3}`.

        Its steps, and with them a schedule and the corrections of Adam, count from here.

        Raises:
            TypeError, ValueError: as for those of a new optimizer; nothing is added then.
        """
        groups = self._several
        if not groups:
            first = object.__new__(type(self))
            vars(first).update(vars(self))
            groups = (first,)
        self._gather([*groups, self._group(len(groups), group)])

    def _group(self, k: int, options: Mapping[str, Any]) -> Optimizer:
        """Make a group, of which `k` is the number."""
        options = {**self.defaults, **options}
        if "params" not in options:
            raise TypeError(f'group {k} has no "params", only {", ".join(options)}')
        params = options.pop("params")
        try:
            params = [params] if isinstance(params, Tensor) else params
            members = _Members(parameter_list(type(self).__name__, params))
            if any(isinstance(p, dict) for p in members):
                raise TypeError("its params are groups again")
            return type(self)(members, **options)
        except (TypeError, ValueError) as error:
            raise type(error)(f"group {k}: {error}") from None

    def _gather(self, groups: Iterable[Optimizer]) -> None:
        """Consist of these groups from now on, all options being theirs."""
        params = [p for group in groups for p in group.params]
        self._check_once(params)
        defaults = self.defaults
        vars(self).clear()
        vars(self).update(defaults=defaults, params=params, _several=tuple(groups))

    def _check_once(self, params: list[Tensor]) -> None:
        if len({id(p) for p in params}) < len(params):
            raise ValueError(f"{type(self).__name__} got the same parameter twice")

    def __getattr__(self, name: str) -> Any:
        kind = type(self).__name__
        if any(hasattr(group, name) for group in vars(self).get("_several", ())):
            raise AttributeError(
                f"{kind} has groups, with a {name} of their own: optimizer.groups[0].{name}"
            )
        raise AttributeError(f"{kind!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "lr" and any(hasattr(group, name) for group in self._several):
            raise AttributeError(
                f"{type(self).__name__} has groups, with a {name} of their own: set it in each, as "
                f"in optimizer.groups[0].{name} = ... (and in a class before super().__init__())"
            )
        super().__setattr__(name, value)

    def __getitem__(self, option: str) -> Any:
        """Read an option, as in PyTorch's groups."""
        if not hasattr(self, option):
            raise KeyError(f"{type(self).__name__} has no option {option!r}")
        return getattr(self, option)

    def __setitem__(self, option: str, value: Any) -> None:
        self[option]  # raises for a name that would change nothing
        setattr(self, option, value)

    # --- the learning rate ------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """The number of steps taken, by the first group if there are several."""
        return self.groups[0]._steps.value

    @property
    def lr(self) -> float:
        """The learning rate of the next step; assign a number or a schedule to change it."""
        if self._several:
            rates = {group.lr for group in self._several}
            if len(rates) > 1:
                raise AttributeError  # __getattr__ says what to do
            return rates.pop()
        rate = self._rate
        if isinstance(rate, Number):
            return rate.value
        return check_not_negative("the schedule's lr", self._steps.apply(rate))

    @lr.setter
    def lr(self, rate: float | Callable[[int], float]) -> None:
        value: Any = PlainRate(rate) if callable(rate) else check_not_negative("lr", rate)
        for group in self.groups:
            before = getattr(group, "_rate", None)
            if callable(rate):
                group._rate = value
            elif isinstance(before, Number):
                before.value = value  # compiled steps know this very Number
            else:
                group._rate = Number(value)

    def update(self, g: Any, lr: float, t: Any, *state: Any) -> tuple[Any, ...]:
        """Return what to subtract from the parameters, and the new state: the rule.

        Args:
            g: gradients of all parameters of a group, laid end to end.
            lr: learning rate.
            t: number of this step, from 1; an array like g if some parameters took fewer.
            *state: the arrays of `state_names`, like g; zeros at first. To be left as they are.
        """
        raise NotImplementedError

    # --- state ------------------------------------------------------------------------------------

    @property
    def state(self) -> dict[str, Tensor]:
        """The arrays of the rule by name, each for all parameters laid end to end.

        The names start with the group's, such as `groups.1.`, if there are several, and with the
        dtype's, such as `float32.`, if the parameters of a group differ in it.
        """
        return {
            prefix + name: values
            for prefix, flat in self._named_flat()
            for name, values in flat.state.items()
        }

    def _named_groups(self) -> list[tuple[str, Optimizer]]:
        """Return the groups, and what the names of their state start with."""
        if not self._several:
            return [("", self)]
        return [(f"groups.{k}.", group) for k, group in enumerate(self._several)]

    def _named_flat(self) -> list[tuple[str, FlatParameters]]:
        """Return all that is laid end to end, and what the names of its state start with."""
        return [
            (prefix if len(group._flat) == 1 else f"{prefix}{flat.params[0].dtype}.", flat)
            for prefix, group in self._named_groups()
            for flat in group._flat
        ]

    def state_dict(self) -> dict[str, Any]:
        """Return copies of all that changes from step to step, by name.

        A learning rate that is a number is in it, and so is the state of a schedule that has one;
        other schedules are functions of the steps taken.
        """
        state: dict[str, Any] = {"optimizer": type(self).__name__}
        for prefix, group in self._named_groups():
            state[f"{prefix}steps"] = group.steps
            if isinstance(group._rate, Number):
                state[f"{prefix}lr"] = group.lr
            state |= {f"{prefix}lr.{n}": v for n, v in group._schedule_state().items()}
        for prefix, flat in self._named_flat():
            arrays = {"missed": flat.missed, **flat.state}
            state[f"{prefix}sizes"] = np.array(flat.sizes)
            state |= {prefix + name: array.numpy().copy() for name, array in arrays.items()}
        return state

    def _schedule_state(self) -> dict[str, Any]:
        """Return the state of the schedule, if it has one."""
        schedule: Any = getattr(self._rate, "function", None)
        return schedule.state_dict() if hasattr(schedule, "state_dict") else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where another optimizer was, for the same parameters in the same order.

        A schedule without a state stays as it is. Nothing is changed unless everything fits.

        Raises:
            KeyError: missing or unknown names.
            ValueError: a state of another optimizer, or for parameters of other sizes.
        """
        own = self.state_dict()
        rates = {f"{prefix}lr" for prefix, _ in self._named_groups()}
        missing = [name for name in own if name not in state and name not in rates]
        unknown = [name for name in state if name not in own and name not in rates]
        if missing or unknown:
            raise KeyError(f"the state does not fit: missing {missing}, unknown {unknown}")
        kind = type(self).__name__
        if state["optimizer"] != kind:
            raise ValueError(f"{kind} can't continue from the state of {state['optimizer']}")
        targets: list[Any] = []
        values: list[Any] = []
        for prefix, flat in self._named_flat():
            sizes = plain_array("sizes", state[f"{prefix}sizes"]).tolist()
            if sizes != flat.sizes:
                raise ValueError(
                    f"{kind} has parameters of {flat.sizes} elements, but the state is for {sizes}"
                )
            for name, tensor in {"missed": flat.missed, **flat.state}.items():
                array = plain_array(name, state[prefix + name]).astype(tensor.dtype)
                if array.shape != tensor.shape:
                    raise ValueError(f"{name} has {array.size} elements, not {tensor.size}")
                targets.append(tensor)
                values.append(array)
        for prefix, group in self._named_groups():
            targets.append(group._steps)
            values.append(operator.index(state[f"{prefix}steps"]))
            if f"{prefix}lr" in state and isinstance(group._rate, Number):
                targets.append(group._rate)
                values.append(check_not_negative("lr", state[f"{prefix}lr"]))
        for prefix, group in self._named_groups():
            names = group._schedule_state()
            if names:
                of_schedule = {name: state[f"{prefix}lr.{name}"] for name in names}
                group._rate.function.load_state_dict(of_schedule)
        assign_all(targets, values)
        for _, flat in self._named_flat():
            flat.uneven = flat.uneven or bool(flat.missed.numpy().any())

    # --- steps ------------------------------------------------------------------------------------

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters."""
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient.

        Raises:
            RuntimeError: no parameter has a gradient.
        """
        record = current_record()
        targets: list[Any] = []
        values: list[Any] = []
        changes = []
        for group in self._several or (self,):
            targets.append(group._steps)
            values.append(group._steps.value + 1)
            for flat in group._flat:
                changes.append(group._change(flat, record, targets, values))
        if not any(changes):
            raise RuntimeError(
                f"{type(self).__name__}.step(): no parameter has a gradient; call backward() "
                "between zero_grad() and step(), on a loss that depends on these parameters"
            )
        # Only now that the rules have run does anything change: all of it, or nothing.
        assign_all(targets, values)
        if record is not None:
            for change in filter(None, changes):
                change.explain(record)

    def _change(self, flat: FlatParameters, record: Any, targets: list, values: list) -> Any:
        """Run the rule on parameters that lie end to end, and add to the lists what is to change.

        Returns:
            False if no parameter has a gradient; for a `record` the `Change`, else True.
        """
        reached, g = flat.gradient()
        params, parts, mask = flat.params, flat.parts, None
        state = [array.data for array in flat.state.values()]
        t: Any = self._steps.value + 1
        if not all(reached) or (flat.uneven and flat.has_missed()):
            mask, t = flat.part(reached, t)  # t for each element
            params = [p for p, is_reached in zip(params, reached) if is_reached]
            parts = end_to_end(params)
            state = [array[mask] for array in state]
            flat.miss(reached, targets, values)
            if not params:
                return False
        lr, decay = self.lr, self.weight_decay
        weights = np.concatenate([p.data.ravel() for p in params]) if decay else None
        if weights is not None and not self.decoupled:
            g = g + decay * weights
        rule = None
        if record is None:
            amount, *new_state = self.update(g, lr, t, *state)
        else:
            (amount, *new_state), rule = record.watch_update(
                self, (g, lr, t, *state), self.state_names, self._decay_note()
            )
        if len(new_state) != len(state):
            gave = f"{type(self).__name__}.update() gave {len(new_state)} arrays after the change"
            raise ValueError(f"{gave}, not one for each of {list(flat.state)}")
        if weights is not None and self.decoupled:
            amount = amount + lr * decay * weights
        targets += flat.state.values()
        values += new_state if mask is None else flat.state_with(mask, new_state)
        targets += params
        for p, part in zip(params, parts):
            w = p.data
            values.append(w - amount[part].reshape(w.shape))
        return True if record is None else Change(params, parts, rule, amount, tuple(new_state))

    def _decay_note(self) -> str:
        """Describe the effect of weight decay besides the rule, for those who watch a step."""
        if not self.weight_decay:
            return ""
        if self.decoupled:
            return f"Weight decay: lr · {self.weight_decay:g} · w is subtracted, too."
        return f"Weight decay: {self.weight_decay:g} · w has been added to the gradient."

    def __repr__(self) -> str:
        if self._several:
            return f"{type(self).__name__}([{', '.join(map(repr, self._several))}])"
        rate = self._rate
        rate = rate.value if isinstance(rate, Number) else rate.function
        return f"{type(self).__name__}(lr={rate!r})"
