"""Nested containers of arrays: dicts, lists and tuples (named ones too), in any depth.

What is inside them is a leaf; None is an empty container. The template of a container is the
container itself, so that no other description of its structure is needed.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["leaves", "match", "rebuild", "refill"]


def _items(tree: Any) -> list[tuple[str, Any]] | None:
    """Return the values in a container, each with its index as text; None for a leaf."""
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


def rebuild(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    """Make the same containers with `leaf(value)` for each leaf, in the order of `leaves`."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        new = copy.copy(tree)  # whatever kind of dict it is
        for key, value in tree.items():
            new[key] = rebuild(value, leaf)
        return new
    if isinstance(tree, (list, tuple)):
        values = [rebuild(value, leaf) for value in tree]
        if hasattr(tree, "_fields"):  # a named tuple takes them one by one
            return type(tree)(*values)
        return tuple(values) if isinstance(tree, tuple) else values
    return leaf(tree)


def refill(tree: Any, values: Iterable[Any]) -> Any:
    """Make the same containers with these values as leaves, in the order of `leaves`."""
    rest = iter(values)
    return rebuild(tree, lambda _: next(rest))


def match(template: Any, tree: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Pair the leaves of two containers: (path, leaf of the template, leaf of the tree).

    Raises:
        ValueError: the two are not built alike; `path` names the second one.
    """
    kind = _kind(template)
    if _kind(tree) != kind:
        raise ValueError(f"{path} must be {kind}, not {_kind(tree)}")
    if isinstance(template, dict):
        if template.keys() != tree.keys():
            raise ValueError(f"{path} must have the keys {list(template)}, not {list(tree)}")
        for key, value in template.items():
            yield from match(value, tree[key], f"{path}[{key!r}]")
    elif isinstance(template, (list, tuple)):
        if len(template) != len(tree):
            raise ValueError(f"{path} must be {kind} of length {len(template)}, not {len(tree)}")
        for k, pair in enumerate(zip(template, tree, strict=True)):
            yield from match(*pair, f"{path}[{k}]")
    elif template is not None:
        yield path, template, tree


def _kind(tree: Any) -> str:
    """Return the kind of a container, or of a leaf, in words."""
    if tree is None:
        return "None"
    for kind in (dict, list, tuple):
        if isinstance(tree, kind):
            return f"a {kind.__name__}"
    return "an array"
