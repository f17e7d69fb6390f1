"""Names that people bring along from PyTorch and NumPy, and what to write here.

`t.view` is an AttributeError here as any other name that is not there, and `hasattr` says so; its
message has the remedy. The expressions are in t, the Tensor, and u, another one; a text may begin
with a condition and a colon. A test runs them beside PyTorch.
"""

from __future__ import annotations

import dis
import sys
from typing import Any

from .tracebacks import shorten_traceback

_ONE_DEVICE = "leave it out: arrays are always in the memory of the CPU"

METHODS_ELSEWHERE = {
    # --- shape
    "view": "t.reshape(shape)",
    "view_as": "t.reshape(u.shape)",
    "reshape_as": "t.reshape(u.shape)",
    "permute": "t.transpose(axes)",
    "t": "t.T",
    "mT": "t.swapaxes(-1, -2)",
    "movedim": "t.moveaxis(source, destination)",
    "swapdims": "t.swapaxes(axis1, axis2)",
    "unsqueeze": "t.expand_dims(axis)",
    "expand": "t.broadcast_to(shape)",
    "expand_as": "t.broadcast_to(u.shape)",
    "unfold": "for a step of 1: t.sliding_window_view(size, axis)",
    "unbind": "tuple(t.moveaxis(axis, 0))",
    "chunk": "for a length that n divides: t.split(n, axis)",
    "tensor_split": "t.array_split(n, axis)",
    "repeat_interleave": "t.repeat(n, axis)",
    "dim": "t.ndim",
    "ndimension": "t.ndim",
    "numel": "t.size",
    "nelement": "t.size",
    # --- dtype, place, copies
    "to": "for a dtype, since all arrays are in the memory of the CPU: t.astype(dtype)",
    "type": "t.astype(dtype)",
    "type_as": "t.astype(u.dtype)",
    "float": "t.astype(np.float32)",
    "double": "t.astype(np.float64)",
    "half": "t.astype(np.float16)",
    "int": "t.astype(np.int32)",
    "long": "t.astype(np.int64)",
    "bool": "t.astype(bool)",
    "is_floating_point": "t.dtype.kind == 'f'",
    "clone": "t.copy()",
    "contiguous": "t.copy()",
    "cpu": _ONE_DEVICE,
    "cuda": _ONE_DEVICE,
    "device": _ONE_DEVICE,
    "pin_memory": _ONE_DEVICE,
    "new_zeros": "tinygrad_np.zeros(shape, t.dtype)",
    "new_ones": "tinygrad_np.ones(shape, t.dtype)",
    # --- arithmetic
    "sub": "t - u",
    "mul": "t * u",
    "div": "t / u",
    "true_divide": "t / u",
    "neg": "-t",
    "pow": "t**u",
    "mm": "t @ u",
    "bmm": "t @ u",
    "mv": "t @ u",
    "eq": "t == u",
    "ne": "t != u",
    "lt": "t < u",
    "le": "t <= u",
    "gt": "t > u",
    "ge": "t >= u",
    "absolute": "abs(t)",
    "acos": "t.arccos()",
    "acosh": "t.arccosh()",
    "asin": "t.arcsin()",
    "asinh": "t.arcsinh()",
    "atan": "t.arctan()",
    "atan2": "t.arctan2(u)",
    "atanh": "t.arctanh()",
    "clamp": "t.clip(low, high)",
    "clamp_min": "np.maximum(t, low)",
    "clamp_max": "np.minimum(t, high)",
    "amax": "t.max(axis)",
    "amin": "t.min(axis)",
    "inverse": "np.linalg.inv(t)",
    "lgamma": "tinygrad_np.gammaln(t)",
    "logdet": "np.linalg.slogdet(t)[1]",
    # --- elements
    "gather": "np.take_along_axis(t, index, axis)",
    "index_select": "t.take(index, axis)",
    "masked_fill": "np.where(mask, value, t)",
    "masked_select": "t[mask]",
    "where": "np.where(condition, t, u)",
    "allclose": "np.allclose(t, u)",
    "isclose": "np.isclose(t, u)",
    # --- writing: a parameter is written to under no_grad()
    "add_": "t += u",
    "sub_": "t -= u",
    "mul_": "t *= u",
    "div_": "t /= u",
    "copy_": "t.assign(u)",
    "fill_": "t[...] = value",
    "fill": "t[...] = value",
    "zero_": "t.grad = None for a gradient, else t[...] = 0",
    "clamp_": "t[...] = t.clip(low, high)",
    "normal_": "t[...] = tinygrad_np.randn(*t.shape)",
    "uniform_": "t[...] = tinygrad_np.rand(*t.shape)",
    "requires_grad_": "t.requires_grad = True",
    "detach_": "t = t.detach()",
    "grad_fn": "tinygrad_np.graph(t) for the graph",
    # --- attributes of NumPy's arrays
    "real": "np.real(t)",
    "imag": "np.imag(t)",
    "conj": "np.conj(t)",
    "flat": "t.ravel()",
    "nonzero": "np.nonzero(t)",
    "itemsize": "t.dtype.itemsize",
    "nbytes": "t.data.nbytes",
    "flags": "t.data.flags",
    "strides": "t.data.strides",
    "tobytes": "t.data.tobytes()",
}

_NEW = "tinygrad_np.Tensor(data)"

FUNCTIONS_ELSEWHERE = {
    # --- dtypes
    "bool": "np.bool_",
    "double": "np.float64",
    "float": "np.float32",
    "half": "np.float16",
    "int": "np.int32",
    "long": "np.int64",
    # --- functions
    "array": _NEW,
    "as_tensor": _NEW,
    "asarray": _NEW,
    "FloatTensor": _NEW,
    "LongTensor": _NEW,
    "from_numpy": _NEW,
    "tensor": _NEW,
    "autograd": "tinygrad_np.grad, or t.backward()",
    "cat": "np.concatenate(arrays, axis)",
    "empty": "tinygrad_np.zeros(shape)",
    "empty_like": "tinygrad_np.zeros_like(t)",
    "func": "tinygrad_np.grad and the like, functions of this module",
    "functional": "tinygrad_np.relu and the like, functions of this module",
    "inference_mode": "tinygrad_np.no_grad()",
    "is_tensor": "isinstance(t, tinygrad_np.Tensor)",
    "jacfwd": "tinygrad_np.jacobian",
    "jacrev": "tinygrad_np.jacobian",
    "jit": "tinygrad_np.compile",
    "linalg": "np.linalg, whose functions take Tensors",
    "load": "tinygrad_np.nn.load",
    "optim": "tinygrad_np.nn.SGD and the like, classes of nn",
    "rand_like": "tinygrad_np.rand(*t.shape)",
    "randn_like": "tinygrad_np.randn(*t.shape)",
    "randperm": "tinygrad_np.permutation(n)",
    "save": "tinygrad_np.nn.save",
    "utils": "tinygrad_np.nn.data.batches for batches, tinygrad_np.checkpoint for checkpoints",
    "set_grad_enabled": "tinygrad_np.enable_grad() or tinygrad_np.no_grad()",
}


def remedy(instead: str) -> str:
    """Return what to do in the place of a foreign name, as the end of a sentence."""
    condition, _, expression = instead.rpartition(": ")
    if condition == "leave it out":
        return instead
    return f"{condition}, write {expression}" if condition else f"write {expression}"


def missing_name(module: str, name: str, instead: str | None = None) -> Exception:
    """Make the error for a name that a module does not have, for its `__getattr__`.

    Args:
        instead: what to do instead, as the end of a sentence; None if that is not known.

    Returns:
        An ImportError where `__getattr__` answers `from module import name`, else an
        AttributeError.
    """
    frame: Any = sys._getframe(1)
    while frame.f_code.co_name != "__getattr__":
        frame = frame.f_back
    asking = frame.f_back
    is_import = dis.opname[asking.f_code.co_code[asking.f_lasti]] == "IMPORT_FROM"
    text = f"module {module!r} has no attribute {name!r}"
    if is_import:
        text = f"cannot import name {name!r} from {module!r}"
    if instead is None:
        return ImportError(text) if is_import else AttributeError(text)
    text = f"{text}: {instead}"
    # An AttributeError without a name of its own would get a guess from Python.
    return ImportError(text) if is_import else AttributeError(text, name="")


class _ForeignName:
    """A name that a Tensor does not have: reading it raises, and says what to write."""

    __slots__ = ("message",)

    def __init__(self, name: str, instead: str) -> None:
        self.message = f"a Tensor has no {name!r}: {remedy(instead)}"

    def __get__(self, tensor: Any, kind: type) -> Any:
        try:
            raise AttributeError(self.message, name="")  # with a name Python would add a guess
        except AttributeError as error:
            shorten_traceback(error)
            raise

    def __repr__(self) -> str:
        return f"<{self.message}>"


class ForeignNames:
    """The names that a Tensor does not have.

    They are descriptors, since a class with `__getattr__` would read every attribute several times
    slower before Python 3.12.
    """

    __slots__ = ()

    def __dir__(self) -> list[str]:
        """Return the names of the attributes that are there, for completion."""
        absent = {*METHODS_ELSEWHERE, "_mask"}  # which refuses whoever asks for it
        return [name for name in object.__dir__(self) if name not in absent]


for _name, _instead in METHODS_ELSEWHERE.items():
    setattr(ForeignNames, _name, _ForeignName(_name, _instead))
