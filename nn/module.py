"""`Module`: a layer or model; it finds its parameters by looking at its own attributes."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Tensor, Text, describe, no_grad, shorten_traceback

from .arguments import plain_array
from .foreign_names import ForeignMembers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["Buffer", "Module", "Parameter"]


class Parameter(Tensor):
    """A Tensor that a Module learns: it requires grad unless told otherwise (a frozen one)."""

    __slots__ = ()

    def __init__(
        self, data: Any, *, dtype: Any = None, requires_grad: bool = True, name: str | None = None
    ) -> None:
        super().__init__(data, dtype=dtype, requires_grad=requires_grad, name=name)


class Buffer(Tensor):
    """A Tensor that belongs to a Module's state but is not learned, such as a running mean.

    `forward` gives it new values by `assign`.

    Args:
        data: its values, of any dtype.
        persistent: False to leave it out of `state_dict`.
        dtype, name: those of the Tensor.
    """

    __slots__ = ("persistent",)

    def __init__(
        self, data: Any, *, persistent: bool = True, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(data, dtype=dtype, name=name)
        self.persistent = persistent

    def __reduce__(self) -> tuple:
        return _buffer, (self.data, self.persistent, self.name)


def _buffer(data: Any, persistent: bool, name: str | None) -> Buffer:
    return Buffer(data, persistent=persistent, name=name)


class Module(ForeignMembers):
    """Base of layers and models: set Parameters, Buffers and Modules, and write `forward`.

    Their order is the order in which they were set, their names are the attributes' names.
    """

    training: bool = True
    # Names of the parameters that PyTorch holds transposed, for nn.load_torch; None: not stated.
    torch_transposed: tuple[str, ...] | None = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; a subclass says how."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.forward(*args, **kwargs)
        except Exception as error:
            shorten_traceback(error)
            raise

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            if isinstance(value, _PLAIN) and _holds_modules(value):
                raise self._hidden(name, value)
            if type(value) is Tensor and value.requires_grad and value.is_leaf:
                raise TypeError(
                    f"{type(self).__name__}.{name}: a bare Tensor that requires grad would be "
                    "neither trained nor saved; use nn.Parameter, or nn.Buffer for what is not "
                    "learned"
                )
            super().__setattr__(name, value)
        except Exception as error:
            shorten_traceback(error)
            raise

    def _hidden(self, name: str, container: Any) -> TypeError:
        return TypeError(
            f"{type(self).__name__}.{name}: modules in a plain {type(container).__name__} would "
            "not be found; use nn.ModuleList or nn.ModuleDict, or set parameters one by one"
        )

    # --- parameters --------------------------------------------------------------------------

    def _entries(self) -> Iterator[tuple[str, Module]]:
        """Yield names and modules set directly on this one, a shared module under each name."""
        return ((k, v) for k, v in vars(self).items() if isinstance(v, Module))

    def children(self) -> Iterator[Module]:
        """Yield the modules set directly on this one, each once."""
        return (module for _, module in self.named_children())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Do as `children`, with the names; a module that is shared is named once."""
        seen: set[int] = set()
        for name, module in self._entries():
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def modules(self) -> Iterator[Module]:
        """Yield this module and all modules inside it, each once, outer ones first."""
        return (module for _, module in self.named_modules())

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Do as `modules`, with dotted names; the module itself has the empty name."""
        seen: set[int] = set()
        waiting: list[tuple[str, Module]] = [("", self)]
        while waiting:
            path, module = waiting.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            inner = [(f"{path}.{k}" if path else k, child) for k, child in module._entries()]
            waiting.extend(reversed(inner))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield all parameters with dotted names; one that is shared is named once."""
        return self._named(Parameter)

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Yield all buffers with dotted names; one that is shared is named once."""
        return self._named(Buffer)

    def _named(self, *kinds: type) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, _PLAIN) and _holds_modules(value):
                    raise module._hidden(name, value)
                if isinstance(value, kinds) and id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def parameters(self) -> list[Parameter]:
        """Return all parameters, frozen ones too."""
        return [parameter for _, parameter in self.named_parameters()]

    def buffers(self) -> list[Buffer]:
        """Return all buffers, those that are not saved too."""
        return [buffer for _, buffer in self.named_buffers()]

    def apply(self, function: Callable[[Module], Any]) -> Module:
        """Call a function on every module inside, inner ones first, and return this module."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def requires_grad_(self, wanted: bool = True) -> Module:
        """Freeze (False) or unfreeze all parameters, and return the module."""
        for parameter in self.parameters():
            parameter.requires_grad = wanted
        return self

    def _state(self) -> dict[str, Tensor]:
        """Return the parameters and persistent buffers by name."""
        state = self._named(Parameter, Buffer)
        return {name: value for name, value in state if getattr(value, "persistent", True)}

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return copies of all parameters and persistent buffers by name.

        Other Tensors are left out; a warning says which.
        """
        left_out = [name for name, value in self._named(Tensor) if _is_plain(value)]
        if left_out:
            warnings.warn(
                f"state_dict() of {type(self).__name__} leaves out {', '.join(left_out)}: make it "
                "an nn.Buffer, to be saved, or with persistent=False not to be",
                stacklevel=3,  # of the decorated method
            )
        return {name: value.numpy().copy() for name, value in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Set parameters and buffers to the values in `state`.

        Nothing is changed unless everything fits.

        Args:
            state: arrays by name, such as those of `state_dict()`.
            strict: names must agree exactly.

        Raises:
            KeyError: missing or unknown names (with `strict`).
            TypeError: no mapping, or values that the dtype can't hold, as floats for integers;
                weights of PyTorch that are transposed here, see `load_torch`.
            ValueError: a shape that differs.
        """
        if not hasattr(state, "keys"):
            raise TypeError(
                "load_state_dict() takes what state_dict() returns, a dict of names and arrays, "
                f"not {type(state).__name__}"
            )
        from .torch_layouts import check_layout

        check_layout(self, state)
        own = self._state()
        missing = [name for name in own if name not in state]
        unknown = [name for name in state if name not in own]
        if strict and (missing or unknown):
            raise KeyError(f"state_dict does not fit: missing {missing}, unknown {unknown}")
        values = {name: plain_array(name, state[name]) for name in own if name in state}
        for name, value in values.items():
            dtype, shape = own[name].dtype, own[name].shape
            if value.dtype.kind not in "biuf" or not np.can_cast(value.dtype, dtype, "same_kind"):
                kind = "real numbers" if dtype.kind == "f" else dtype
                raise TypeError(f"{name} must be {kind}, but the state has {value.dtype}")
            if value.shape != shape:
                raise ValueError(f"{name} has shape {shape}, but the state has {value.shape}")
        with no_grad():
            for name, value in values.items():
                own[name][...] = value

    # --- modes and use -----------------------------------------------------------------------

    def train(self, mode: bool = True) -> Module:
        """Switch this module and all inside it to training (dropout active) or back.

        Raises:
            TypeError: data in the place of True or False.
        """
        if not isinstance(mode, (bool, np.bool_)):
            raise TypeError(f"train() takes True or False, not {describe(mode)}; nn.fit trains")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Switch to evaluation: the same as `train(False)`."""
        return self.train(False)

    def predict(self, x: Any, batch_size: int | None = None) -> np.ndarray:
        """Return the output for `x` as an array: in evaluation mode, nothing recorded.

        Floats are cast to the dtype of the parameters. The mode is put back afterwards.
        """
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        x = cast_like(self, x)
        rows = max(len(x), 1)
        size = batch_size or rows
        with evaluation(self), no_grad():
            parts = [self(x[i : i + size]).numpy() for i in range(0, rows, size)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    # --- as text -----------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Return the text in the brackets of the repr, for layers without modules inside."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {child!r}" for name, child in self._entries()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        body = "\n".join(lines).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {body}\n)"

    def summary(self, input_shape: tuple[int, ...] | None = None) -> str:
        """Return a table of the layers: name, kind, parameter shapes and counts.

        Args:
            input_shape: shape of one batch; if given, the model runs once on zeros of it and
                the output shape of each layer is in the table too.
        """
        shapes = self._output_shapes(input_shape) if input_shape is not None else {}
        rows = [("layer", "kind", "output" if shapes else "", "parameters", "count")]
        for path, module in self.named_modules():
            own = [(k, v) for k, v in vars(module).items() if isinstance(v, Parameter)]
            if any(module.children()) and not own:
                continue
            output = shapes.get(id(module))
            output_shape = _times(output) if output is not None else ""
            parameters = ", ".join(f"{k} {_times(p.shape)}" for k, p in own)
            count = f"{sum(p.size for _, p in own):,}" if own else ""
            kind = type(module).__name__
            rows.append((path or "(itself)", kind, output_shape, parameters, count))
        total = sum(p.size for p in self.parameters())
        frozen = sum(p.size for p in self.parameters() if not p.requires_grad)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for row in rows:
            cells = [c.ljust(w) for c, w in zip(row[:-1], widths, strict=False) if w]
            lines.append("  ".join([*cells, row[-1].rjust(widths[-1])]).rstrip())
        lines.insert(1, "-" * max(map(len, lines)))
        note = f" ({frozen:,} frozen)" if frozen else ""
        return Text("\n".join([*lines, lines[1], f"{total:,} parameters{note}"]))

    def _output_shapes(self, input_shape: tuple[int, ...]) -> dict[int, tuple[int, ...]]:
        """Return the shape of each module's output for a batch of zeros, by the module's id."""
        shapes: dict[int, tuple[int, ...]] = {}

        def observe(module: Module) -> Any:
            forward = module.forward

            def run(*args: Any, **kwargs: Any) -> Any:
                output = forward(*args, **kwargs)
                shapes[id(module)] = np.shape(output)
                return output

            return run

        own = [(module, vars(module).get("forward")) for module in self.modules()]
        try:
            for module, _ in own:
                vars(module)["forward"] = observe(module)
            self.predict(np.zeros(input_shape, np.float64))
        finally:
            for module, forward in own:
                vars(module).pop("forward", None)
                if forward is not None:
                    vars(module)["forward"] = forward
        return shapes


def _times(shape: Iterable[int]) -> str:
    return "×".join(map(str, shape)) or "scalar"


@contextlib.contextmanager
def evaluation(model: Module) -> Iterator[None]:
    """Keep a model in evaluation mode, and put the modes of its parts back afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def as_tensor(value: Any) -> Tensor:
    """Return a Tensor as it is, and a Tensor of everything else."""
    return value if isinstance(value, Tensor) else Tensor(value)


def as_floats(value: Any, dtype: Any = np.float32) -> Tensor:
    """Return a Tensor of floats: integers and booleans are cast, to the dtype of a layer's weights.

    By NumPy's rules int64 times float32 is float64: pixels would slow a model down unseen. And
    differences of small or unsigned integers wrap around.
    """
    tensor = value if isinstance(value, Tensor) else Tensor(value)
    return tensor.astype(dtype) if tensor.dtype.kind in "biu" else tensor


def cast_like(model: Module, data: Any) -> Tensor:
    """Return `data` as a Tensor; floats in the dtype of the model's parameters."""
    tensor = as_tensor(data)
    dtype = next((p.dtype for p in model.parameters()), None)
    if dtype is None or tensor.dtype.kind != "f" or tensor.dtype == dtype:
        return tensor
    return tensor.astype(dtype)


def _is_plain(value: Tensor) -> bool:
    """Return True for a Tensor that is neither of a Module's state nor the result of an op."""
    return value.is_leaf and not isinstance(value, (Parameter, Buffer))


_PLAIN = (list, tuple, dict, set, frozenset)


def _holds_modules(container: Any) -> bool:
    """Say if a plain container has modules or parameters in it, at any depth."""
    waiting = [container]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (Module, Parameter, Buffer)):
            return True
        if isinstance(item, _PLAIN):
            waiting.extend(item.values() if isinstance(item, dict) else item)
    return False
