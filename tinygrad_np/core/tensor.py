"""`Tensor`: an array that remembers how it was computed.

The operators and most methods (`+`, `exp`, `sum`, `reshape`, indexing ...) are attached by
`tinygrad_np.ops`, from the table of operations. Hooks are in `hooks`, the rules for writing in
`writing`, and what NumPy and Python ask of an array in `protocols`.
"""

from __future__ import annotations

import threading
from itertools import repeat
from sys import _getframe, getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from . import cuts, doors, errors, exits, modes
from .backward import backward as flow_back
from .backward import fit
from .callsite import outside
from .doors import NUMERIC, BorrowedGradient, as_array, differentiable, own_array
from .foreign_names import ForeignNames
from .hooks import Hooked
from .node import Constant, Leaf, Node
from .protocols import NumPyProtocols, PythonProtocols
from .switch import consume
from .tracebacks import shorten_traceback
from .writing import ALONE, Writable

if TYPE_CHECKING:
    from .methods import TableMethods
else:
    TableMethods = object  # `tinygrad_np.ops` attaches what the stub of this name declares

_recording = modes.recording.get  # looked up once: asked for every parameter
_watcher = modes.watcher.get
_grads = threading.RLock()  # held to change the gradients that leaves and watches have


class Tensor(Hooked, Writable, NumPyProtocols, PythonProtocols, ForeignNames, TableMethods):
    """An array that records the operations on it, so that gradients can flow back to it.

    Args:
        data: a number, a (nested) list, an array or a Tensor that needs no gradient. It is
            copied: later changes to the original do not reach the Tensor.
        dtype: NumPy dtype; by default the one that NumPy gives the data.
        requires_grad: whether `backward()` should leave a gradient in `.grad`; floats only.
        name: shown in messages, pictures and the repr.

    A Tensor's array never changes: `t[i] = v` and `t += v` give the same Tensor object a new
    array. So a gradient always belongs to the values that were used, whatever is written later.

    Raises:
        TypeError: data that are not numbers, or integers and booleans that ask for a gradient.
        ValueError: nested lists of unequal lengths.
    """

    __slots__ = ("__weakref__", "_bases", "_data", "_node")

    # `_data` is a read-only array, or for 0-d results a NumPy scalar (fast, and immutable too).
    # `_node` is None for a result that needs no gradient, until someone asks how it was made.
    _data: Any
    _node: Node | None

    def __init__(
        self,
        data: Any,
        *,
        dtype: Any = None,
        requires_grad: bool = False,
        name: str | None = None,
    ) -> None:
        try:
            if isinstance(data, Tensor):
                if data.requires_grad:
                    raise errors.cut_gradient(data._title())
                data = data._data
            array = as_array(data, dtype, copy=True)
            array.setflags(write=False)
            self._data = array
            if requires_grad:
                self._node = Leaf(array.shape, differentiable(array.dtype), name)
            else:
                self._node = Constant(array.shape, array.dtype, name)
            frame = outside(_getframe(1))
            self._node.code, self._node.lasti = frame.f_code, frame.f_lasti
        except Exception as error:
            shorten_traceback(error)
            raise

    # --- what it holds ---------------------------------------------------------------------

    @property
    def data(self) -> np.ndarray:
        """The values as a read-only array. It never changes: a later write makes a new one."""
        data = self._data
        if type(data) is np.ndarray or not isinstance(data, np.generic):
            return data
        array = as_array(data)
        array.setflags(write=False)
        return array

    @data.setter
    def data(self, value: Any) -> None:
        raise self._not_replaced()

    def numpy(self) -> np.ndarray:
        """Return the values as a read-only array (`.numpy().copy()` for one to write to)."""
        return self.data

    def item(self) -> Any:
        """Return the value of a one-element Tensor as a Python number."""
        if self._data.size != 1:
            raise ValueError(f"item() needs one element, {self._title()} has {self._data.size}")
        return self._data.item()

    def tolist(self) -> Any:
        """Return the values as nested lists of Python numbers (a number for a 0-d Tensor)."""
        return self._data.tolist()

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes, as a tuple."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype:
        """The NumPy dtype of the values."""
        return self._data.dtype

    @property
    def name(self) -> str | None:
        """Shown in messages, pictures and the repr; assign to rename."""
        return self._node.name if self._node is not None else None

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None or self._node is not None:
            node_of(self).name = name

    # --- gradients -------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """True if this value, or something that it was computed from, wants a gradient."""
        return self._node is not None and self._node.needs_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value == self.requires_grad:
            return
        if not self.is_leaf:
            raise errors.not_frozen(self._title())
        old = node_of(self)
        dtype = differentiable(self.dtype) if value else self.dtype
        self._node = (Leaf if value else Constant)(self.shape, dtype, self.name)
        self._node.code, self._node.lasti = old.code, old.lasti

    @property
    def is_leaf(self) -> bool:
        """True for a Tensor that was not recorded as the result of an operation."""
        return self._node is None or self._node.op is None

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward()` left here, or None. Assign None to clear it.

        Only leaves keep one, and intermediate values after `retain_grad()`.
        """
        node = self._node
        holder: Any = node if type(node) is Leaf else self._grad_holder()
        g = holder and holder.grad
        return g if type(g) is not BorrowedGradient else gradient_of(holder)

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        try:
            node = self._node
            holder: Any = node if type(node) is Leaf else self._grad_holder()
            if value is not None:
                self._check_gradient(value, holder)
            if holder is not None:
                with _grads:
                    holder.grad = value
        except Exception as error:
            shorten_traceback(error)
            raise

    def _check_gradient(self, value: Any, holder: Any) -> None:
        like = isinstance(value, Tensor) and value.shape == self.shape
        if not like or value.dtype != self.dtype:
            raise errors.other_gradient(self._title(), self._data, value)
        if holder is None:
            raise RuntimeError(f"{self._title()} is no leaf that needs a gradient")

    def _grad_holder(self) -> Any:
        """Return the owner of this value's `.grad`: its leaf or its watch; None without one."""
        node = self._node
        if type(node) is Leaf:
            return node
        watch = node and node.watch
        return watch if watch and watch.retains else None

    def detach(self) -> Tensor:
        """Return the same values, cut off from the graph: no gradient flows through them."""
        return wrap(self._data, None)

    def backward(
        self, gradient: Any = None, *, retain_graph: bool = False, create_graph: bool = False
    ) -> None:
        """Add the gradient of this value to the `.grad` of every leaf it was computed from.

        Args:
            gradient: the gradient of this Tensor itself, in its shape. Needed unless the Tensor
                has one element; then it is 1.
            retain_graph: keep the saved arrays, so that backward can run here again.
            create_graph: record the computation of the gradients, so that they can be
                differentiated again. Keeps the graph too, as long as the leaves keep these
                gradients: clear them (`x.grad = None`) to free it.

        Raises:
            RuntimeError: nothing here needs a gradient, or the saved arrays were freed before.
            ValueError: a missing or misshapen `gradient`.
        """
        try:
            self._backward(gradient, retain_graph, create_graph)
        except Exception as error:
            shorten_traceback(error)
            raise

    def _backward(self, gradient: Any, retain_graph: bool, create_graph: bool) -> None:
        node = self._node
        if node is None or not node.needs_grad:
            raise errors.no_gradient(self._title(), node)
        if exits.used:
            cuts.check((node,))
        seed = self._seed(gradient, create_graph)
        gradients = flow_back(
            node, seed, retain_graph=retain_graph, create_graph=create_graph, lift=wrap
        )
        if exits.used:
            exits.settle()
        with _grads:  # another thread may be adding to the same leaves
            holders, totals = [], []
            if doors.tracing:
                for end, _ in gradients:
                    doors.told_of_gradient(end)
            for end, g in gradients:
                holder: Any = end if end.op is None else end.watch
                old = None if holder.grad is None else gradient_of(holder)
                if not create_graph:
                    g = wrap(g if old is None else old._data + g, None)
                elif old is not None:
                    with modes.Recorded():
                        g = old + g
                holders.append(holder)
                totals.append(g)
            # Only now that every rule has run does anything visible change, and all at once.
            consume(map(setattr, holders, repeat("grad"), totals))

    def _seed(self, gradient: Any, create_graph: bool) -> Any:
        """Return the gradient that backward starts from: the caller's, or 1."""
        recorded = create_graph and needs_grad(gradient)
        if gradient is None:
            if self._data.size != 1:
                raise errors.no_seed(self._title())
            shape, dtype = self.shape, self.dtype
            seed: Any = own_array(np.ones(shape, dtype) if shape else dtype.type(1))
        else:
            if not isinstance(gradient, Tensor):
                seed = as_array(gradient, None, copy=True)
            else:  # its array never changes: a view does, which no leaf takes for its own
                seed = gradient if recorded else as_array(gradient._data)[...]
            if seed.shape != self.shape:
                raise errors.other_shape(self._title(), self.shape, seed.shape)
            seed = fit(seed, self.shape, self.dtype)
        return wrap(seed, None) if create_graph and not recorded else seed

    def _title(self) -> str:
        """Return the name of this Tensor in messages."""
        name = f" {self.name!r}" if self.name else ""
        return f"Tensor{name} {self.shape} {self.dtype}"

    __hash__ = object.__hash__  # by identity: `==` is elementwise

    def __reduce__(self) -> tuple:
        if not self.is_leaf and self.requires_grad:
            raise errors.not_copied(self._title())
        grad = self.grad.detach() if self.grad is not None else None
        return _restore, (type(self), self.data, self.requires_grad, self.name, grad)

    def __deepcopy__(self, memo: dict) -> Tensor:
        restore, state = self.__reduce__()
        return restore(*state)

    def assign(self, value: Any) -> None:
        """Give this Tensor other values, of its shape and dtype.

        An array that nobody else holds is taken over without a copy, for optimizers and layers
        that keep a state; of any other, and of a view, a copy is made.

        Raises:
            RuntimeError: a leaf that requires grad, outside of `no_grad()`.
            ValueError: another shape.
            TypeError: values that the dtype can't hold.
        """
        # A view of it would go on writing to it, and has a reference to it.
        own = type(value) is np.ndarray and value.base is None and getrefcount(value) <= ALONE
        if own and type(self._node) is Leaf and not _recording():
            data = self._data
            if value.shape == data.shape and value.dtype is data.dtype and _watcher() is None:
                # What optimizers do to every parameter: nothing to record, nobody to tell.
                value.setflags(write=False)
                self._data = value
                return
        try:
            self._check_write("assign()")
            data = value._data if isinstance(value, Tensor) else as_operand(value)
            if not own and (type(data) is not np.ndarray or data.base is not None or data is value):
                data = as_array(data, None, copy=True)
            self._become(wrap(data, None), "assign()")
        except Exception as error:
            shorten_traceback(error)
            raise


def _restore(
    kind: type[Tensor], data: np.ndarray, requires_grad: bool, name: str | None, grad: Any
) -> Any:
    """Make the Tensor that was copied or pickled."""
    tensor = object.__new__(kind)
    Tensor.__init__(tensor, data, requires_grad=requires_grad, name=name)
    node_of(tensor).code = None  # the line that copies or unpickles tells nothing
    tensor.grad = grad
    return tensor


def gradient_of(holder: Any) -> Any:
    """Return the gradient that a leaf (or a watch) holds: a Tensor, or None."""
    g = holder.grad
    if type(g) is BorrowedGradient:
        with _grads:
            if holder.grad is g:
                holder.grad = wrap(g.array.copy("K"), None)
            return holder.grad
    return g


def wrap(data: Any, node: Node | None) -> Tensor:
    """Make the Tensor of `data`, an array that nobody else will write to, and its node."""
    data.setflags(False)
    tensor = object.__new__(Tensor)
    tensor._data = data
    tensor._node = node
    return tensor


def unwrap(value: Any) -> Any:
    """Return the array of a Tensor, and anything else as it is."""
    return value.data if isinstance(value, Tensor) else value


def node_of(tensor: Tensor) -> Node:
    """Return the node of a Tensor; one that needs no gradient gets its node on first use."""
    if tensor._node is None:
        tensor._node = Constant(tensor.shape, tensor.dtype)
    return tensor._node


def needs_grad(value: Any) -> bool:
    """Say whether `value` is a Tensor that needs a gradient."""
    return isinstance(value, Tensor) and value.requires_grad


_PYTHON_NUMBERS = frozenset({int, float, bool, complex})


def as_operand(value: Any) -> Any:
    """Return the array of a Tensor, a Python number as it is, anything else as an array.

    Python numbers stay unboxed, so that NumPy's promotion treats them as weak.
    """
    if isinstance(value, Tensor):
        return value._data
    kind = value.__class__
    if kind in _PYTHON_NUMBERS or (kind is np.ndarray and value.dtype.kind in NUMERIC):
        return value
    return doors.operand_array(value)
