"""Owners of nodes: the module of an op, and the dotted names of a model's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.tensor import node_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..core.node import Node
    from .recorder import Forward, Record


class Owners:
    """The module path of each node, and the dotted names of the parameters.

    A Record knows which modules were being called for each op. Without one, an op belongs to a
    module if it reads one of its parameters, in the call that reads this parameter first: what
    reads it later may be a penalty, or the gradient.

    Attributes:
        classes: the class name of each module path that is used.
    """

    def __init__(self, order: list[Node], model: Any, record: Record | None) -> None:
        if model is not None and not hasattr(model, "named_parameters"):
            raise TypeError(
                f"graph(output, model) takes an nn.Module as model, not {type(model).__name__}"
            )
        self.classes: dict[str, str] = {}
        self._names: dict[Node, str] = {}
        self._modules: dict[Node, str] = {}
        self._paths: dict[int, str] = {}  # by the id of a module
        self._steps: dict[Node, Forward] = {} if record is None else record.forward
        roots = self._roots(order, model)
        for root, prefix in _prefixes(roots, model):
            self._name_parameters(root, prefix)
        readers: dict[Node, Any] = {}
        for node in order:
            if node in self._steps:
                self._assign_called(node)
            elif node.op is not None and self._names:
                self._assign_reader(node, readers)

    def name(self, node: Node) -> str | None:
        """Return the dotted name of a parameter, None for all else."""
        return self._names.get(node)

    def module(self, node: Node) -> str:
        """Return the path of the module that a node belongs to, or ""."""
        return self._modules.get(node, "")

    def path(self, module: Any) -> str | None:
        """Return the path of a module, None if none of its calls is known."""
        return self._paths.get(id(module))

    def _roots(self, order: list[Node], model: Any) -> list[Any]:
        """Return the model, and the outermost modules that were called outside of it."""
        roots: list[Any] = []
        inside: set[int] = set()

        def add(root: Any) -> None:
            roots.append(root)
            inside.update(id(module) for _, module in root.named_modules())

        if model is not None:
            add(model)
        for node in order:
            called = self._steps[node].modules if node in self._steps else ()
            if called and inside.isdisjoint(map(id, called)):
                add(called[0])
        return roots

    def _name_parameters(self, root: Any, prefix: str) -> None:
        """Note the paths of a model's modules, and the names of its parameters."""
        top = prefix or type(root).__name__
        is_single = next(iter(root.children()), None) is None

        def full(path: str) -> str:
            return _joined(prefix, path) or (top if is_single else "")

        classes: dict[str, str] = {}
        for path, module in root.named_modules():
            self._paths[id(module)] = full(path)
            classes[full(path)] = type(module).__name__
        for dotted, parameter in root.named_parameters():
            node = node_of(parameter)
            path, _, attribute = dotted.rpartition(".")
            # A name that the user gave says more than the path.
            own = node.name not in (None, attribute)
            module = full(path)
            self._names[node] = str(node.name) if own else _joined(prefix, dotted)
            self._modules[node] = module
            self.classes[module] = classes.get(module, top)
        self.classes.pop("", None)

    def _assign_called(self, node: Node) -> None:
        """Assign an op to the innermost module that was being called."""
        for module in reversed(self._steps[node].modules):
            path = self._paths.get(id(module))
            if path:
                self._modules[node] = path
                self.classes.setdefault(path, type(module).__name__)
            if path is not None:
                break

    def _assign_reader(self, node: Node, readers: dict[Node, Any]) -> None:
        """Assign an op to the module whose parameters its call is the first to read."""
        call = node.code, node.lasti
        paths = set()
        for parent in node.parents:
            if parent in self._names and readers.setdefault(parent, call) == call:
                paths.add(self._modules[parent])
        if len(paths) == 1:
            self._modules[node] = paths.pop()


def _prefixes(roots: list[Any], model: Any) -> Iterator[tuple[Any, str]]:
    """Yield each root with what tells its parameters from those of the other roots."""
    kinds = [type(root).__name__ for root in roots]
    for k, (root, kind) in enumerate(zip(roots, kinds)):
        earlier = kinds[:k].count(kind)
        prefix = f"{kind}_{earlier + 1}" if earlier else kind
        yield root, "" if len(roots) == 1 or root is model else prefix


def _joined(*names: str) -> str:
    return ".".join(filter(None, names))
