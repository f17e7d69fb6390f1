"""Hooks on gradients, which see and may replace one, and gradients of intermediate values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .backward import fit
from .doors import as_array
from .node import Leaf, Node

if TYPE_CHECKING:
    from collections.abc import Callable

used = False  # by anybody so far: who must know of every hook need not look until then


class Watch:
    """The wishes for the gradient of one node, carried out when backward passes there.

    Attributes:
        hooks: functions of the gradient, in the order in which they were registered.
        retains: True if backward leaves the gradient in `grad`, as it does for a leaf.
    """

    __slots__ = ("grad", "hooks", "retains")

    def __init__(self) -> None:
        self.hooks: dict[object, Callable] = {}
        self.retains = False
        self.grad: Any = None

    def run_hooks(self, node: Node, g: Any, lift: Callable) -> Any:
        """Return the gradient `g` of the node (an array, or a recorded Tensor) after its hooks."""
        is_array = isinstance(g, (np.ndarray, np.generic))
        for hook in tuple(self.hooks.values()):
            tensor = lift(g, None) if is_array else g
            answer = hook(tensor)
            if answer is None:
                continue
            if not isinstance(answer, type(tensor)):
                if not isinstance(answer, (np.ndarray, np.generic, int, float)):
                    raise TypeError(
                        "a hook returns the gradient to use instead (a Tensor or an array), or "
                        f"None to keep it, not {type(answer).__name__}"
                    )
                answer = lift(as_array(answer, None, copy=True), None)
            if answer.shape != node.shape:
                raise ValueError(
                    f"a hook must return a gradient of shape {node.shape}, that of its Tensor, "
                    f"not {answer.shape}"
                )
            # A copy: what the hook returned may be kept, and written to, by others.
            own = (answer.data if is_array else answer).copy()
            g = fit(own, node.shape, node.dtype)
        return g


class HookHandle:
    """The answer of `register_hook`: `remove()` takes the hook off again."""

    __slots__ = ("_key", "_watch")

    def __init__(self, watch: Watch, key: object) -> None:
        self._watch = watch
        self._key = key

    def remove(self) -> None:
        """Take the hook off; does nothing the second time."""
        self._watch.hooks.pop(self._key, None)


class Hooked:
    """The methods of a Tensor that watch its gradient."""

    __slots__ = ()

    _node: Node | None

    def _title(self) -> str:
        raise NotImplementedError

    def register_hook(self, hook: Callable[[Any], Any]) -> HookHandle:
        """Call `hook(gradient)` whenever backward has the whole gradient of this Tensor.

        The hook gets a Tensor. What it returns (a Tensor or array of the same shape) takes the
        place of the gradient from there on; None leaves it as it is. Hooks run in the order in
        which they were registered, for leaves before the gradient is added to `.grad`. They
        belong to the value: after `t[i] = v` or `t += v` a Tensor is another value, unhooked; an
        optimizer's step keeps the hooks of a parameter.

        Returns:
            A handle; `handle.remove()` takes the hook off.

        Raises:
            RuntimeError: this Tensor needs no gradient.
            TypeError: `hook` can't be called.
        """
        if not callable(hook):
            raise TypeError(f"a hook is a function of the gradient, not {type(hook).__name__}")
        watch = self._own_watch("register_hook()")
        key = object()
        watch.hooks[key] = hook
        return HookHandle(watch, key)

    def retain_grad(self) -> None:
        """Have backward leave the gradient of this intermediate value in its `.grad` too.

        Leaves keep theirs anyway. Transforms such as `grad` leave nothing in any `.grad`.

        Raises:
            RuntimeError: this Tensor needs no gradient.
        """
        watch = self._own_watch("retain_grad()")
        watch.retains = not isinstance(self._node, Leaf)

    def _own_watch(self, method: str) -> Watch:
        """Return the watch of this Tensor's node, made on first use; raise if it needs none."""
        node = self._node
        if node is None or not node.needs_grad:
            raise RuntimeError(
                f"{method} of {self._title()}, which needs no gradient: none will ever come by. "
                "Was it computed from a Tensor with requires_grad=True, outside no_grad()?"
            )
        if node.watch is None:
            global used
            node.watch = Watch()
            used = True
        return node.watch
