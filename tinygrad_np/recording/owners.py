"""Whose parameter, whose op: the modules and dotted names that a model gives to nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.tensor import node_of

if TYPE_CHECKING:
    from ..core.node import Node
    from .recorder import Record

__all__ = ["Owners"]


class Owners:
    """The module path of each node, and the dotted names of the parameters.

    A Record knows which modules were being called for each op. Without one, an op belongs to a
    module if it reads one of its parameters, in the call that reads this parameter first: what
    reads it later may be a penalty, or the gradient.

    Attributes:
        classes: the class name of each module path that is used.
    """

    def __init__(self, order: list[Node], model: Any, record: Record | None) -> None:
        self.classes: dict[str, str] = {}
        self._names: dict[Node, str] = {}
        self._modules: dict[Node, str] = {}
        self._paths: dict[int, str] = {}
        if model is not None and not hasattr(model, "named_parameters"):
            raise TypeError(
                f"graph(output, model) takes an nn.Module as model, not {type(model).__name__}"
            )
        steps = record.forward if record is not None else {}
        roots = [] if model is None else [model]
        for node in order:
            step = steps.get(node)
            if step is not None and step.modules and not self._known(step.modules, roots):
                roots.append(step.modules[0])
        kinds = [type(root).__name__ for root in roots]
        for k, root in enumerate(roots):
            earlier = kinds[:k].count(kinds[k])
            prefix = f"{kinds[k]}_{earlier + 1}" if earlier else kinds[k]
            self._take(root, prefix if len(roots) > 1 and root is not model else "")
        read_first: dict[Node, Any] = {}
        for node in order:
            step = steps.get(node)
            if step is not None:
                known = [m for m in step.modules if id(m) in self._paths]
                if known:
                    self._put(node, self._paths[id(known[-1])], known[-1])
            elif node.op is not None and self._names:
                self._by_parameters(node, read_first)

    def name(self, node: Node) -> str | None:
        """The dotted name of a parameter, None for all else."""
        return self._names.get(node)

    def module(self, node: Node) -> str:
        """The path of the module that a node belongs to, or ""."""
        return self._modules.get(node, "")

    def _known(self, modules: tuple[Any, ...], roots: list[Any]) -> bool:
        if any(id(m) in self._paths for m in modules):
            return True
        for root in roots:
            self._paths.update((id(m), "") for _, m in root.named_modules())
        return any(id(m) in self._paths for m in modules)

    def _take(self, root: Any, prefix: str) -> None:
        """Note the paths of a model's modules, and the names of its parameters."""
        top = prefix or type(root).__name__
        alone = next(iter(root.children()), None) is None
        for path, module in root.named_modules():
            full = ".".join(filter(None, (prefix, path))) or (top if alone else "")
            self._paths[id(module)] = full
        classes = {self._paths[id(m)]: type(m).__name__ for _, m in root.named_modules()}
        for dotted, parameter in root.named_parameters():
            node = node_of(parameter)
            path, _, attribute = dotted.rpartition(".")
            full = ".".join(filter(None, (prefix, path))) or (top if alone else "")
            # A name that the user gave says more than the path.
            if node.name in (None, attribute):
                self._names[node] = ".".join(filter(None, (prefix, dotted)))
            else:
                self._names[node] = str(node.name)
            self._modules[node] = full
            self.classes[full] = classes.get(full, top)
        self.classes.pop("", None)

    def _put(self, node: Node, path: str, module: Any) -> None:
        if path:
            self._modules[node] = path
            self.classes.setdefault(path, type(module).__name__)

    def _by_parameters(self, node: Node, read_first: dict[Node, Any]) -> None:
        call = node.code, node.lasti
        read = [p for p in node.parents if p in self._names]
        first = [p for p in read if read_first.setdefault(p, call) == call]
        paths = {self._modules[p] for p in first}
        if len(paths) == 1:
            self._modules[node] = paths.pop()
