"""Nested containers of arrays: dicts, lists and tuples (named ones too), in any depth.

What is inside them is a leaf; None is an empty container. The template of a container is the
container itself, so that no other description of its structure is needed.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_CONTAINERS = (dict, list, tuple, type(None))


def _items(tree: Any) -> list[tuple[str, Any]] | None:
    """List the items of a container, each with how it is indexed; None for a leaf."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [(f"[{key!r}]", value) for key, value in tree.items()]
    if isinstance(tree, (list, tuple)):
        return [(f"[{k}]", value) for k, value in enumerate(tree)]
    return None


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its path, such as `params['W'][0]` where `path` is `params`."""
    items = _items(tree)
    if items is None:
        yield path, tree
        return
    for key, value in items:
        yield from leaves(value, path + key)


def flatten(tree: Any) -> list[Any]:
    """Return the leaves alone, in the order of `leaves`."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        items: Iterable[Any] = tree.values()
    elif isinstance(tree, (list, tuple)):
        items = tree
    else:
        return [tree]
    flat = []
    for item in items:
        if isinstance(item, _CONTAINERS):
            flat += flatten(item)
        else:
            flat.append(item)
    return flat


def rebuild(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    """Copy the containers with `leaf(value)` in place of each leaf, in the order of `leaves`."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        filled = copy.copy(tree)  # whatever kind of dict it is
        for key, value in tree.items():
            filled[key] = rebuild(value, leaf)
        return filled
    if isinstance(tree, (list, tuple)):
        values = [rebuild(v, leaf) if isinstance(v, _CONTAINERS) else leaf(v) for v in tree]
        if hasattr(tree, "_fields"):  # a named tuple takes them one by one
            return type(tree)(*values)
        return tuple(values) if isinstance(tree, tuple) else values
    return leaf(tree)


def refill(tree: Any, values: Iterable[Any]) -> Any:
    """Copy the containers with these values as leaves, in the order of `leaves`."""
    rest = iter(values)
    return rebuild(tree, lambda _: next(rest))


def match(template: Any, tree: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Pair the leaves of two trees: (path, leaf of the template, leaf of the tree).

    Raises:
        ValueError: the two are not built alike; `path` names the second one.
    """
    kind = _kind(template)
    if kind != _kind(tree):
        raise ValueError(f"{path} must be {kind}, not {_kind(tree)}")
    items = _items(template)
    if items is None:
        yield path, template, tree
        return
    if isinstance(template, dict):
        if template.keys() != tree.keys():
            raise ValueError(f"{path} must have the keys {list(template)}, not {list(tree)}")
        values = [tree[key] for key in template]
    else:
        values = list(tree or ())
        if len(items) != len(values):
            raise ValueError(f"{path} must be {kind} of length {len(items)}, not {len(values)}")
    for (key, item), value in zip(items, values, strict=True):
        yield from match(item, value, path + key)


def _kind(tree: Any) -> str:
    """Name the kind of a container, as messages do."""
    if tree is None:
        return "None"
    for kind in (dict, list, tuple):
        if isinstance(tree, kind):
            return f"a {kind.__name__}"
    return "an array"
