"""Places that a function reads: a key, an attribute, a length; what was there, and the test of it.

A place is an expression on its owner, so that one text says how to read it now, how to test it
before each call of a program, and how to compare it after a recording.
"""

from __future__ import annotations

import functools
import operator
from array import array
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = (int, float, complex, str, bytes, type(None))
CONTAINERS = (list, dict, set, deque, bytearray, array)  # that change, and whose items are known

ITEM = "{o}[{k}]"  # of a dict, a list, an array
CELL = "{o}.cell_contents"
SIZE = "len({o})"
MEMBER = "({k} in {o})"
RESULT = "{o}(*{k})"  # of a function that only reads
VARIABLE = "{o}.get(*{k})"  # of a context
TRUTH = "bool({o})"
CONTENTS = "contents({o})"
PART = "{o}[{k}].tobytes()"  # of an array
BYTES = "{o}.tobytes()"


_FEW = 16  # items that are tested one by one, which is faster


class _Absent:
    """Mark of an entry that is not there."""


ABSENT = _Absent()


def joined(path: str, key: str) -> str:
    """Return the path of something below a path."""
    key = key.lstrip("_")
    return f"{path}.{key}" if path and key else path or key


def attribute(name: str) -> str:
    """Return the expression for an attribute."""
    return f"{{o}}.{name}" if name.isidentifier() else "getattr({o}, {k})"


def method(name: str) -> str:
    """Return the expression for the function behind a bound method."""
    return f"{{o}}.{name}.__func__"


def contents(owner: Any) -> list[Any]:
    """Return the items of a container, one level deep; of a dict, keys and values."""
    return [*owner, *owner.values()] if isinstance(owner, dict) else [*owner]


def same(a: Any, b: Any) -> bool:
    """Say whether two values are one object, or plain values that nothing can tell apart."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (float, complex, np.generic)):
        return repr(a) == repr(b)  # 0.0 and -0.0 are equal, and nan is not
    return isinstance(a, (*PLAIN, frozenset)) and bool(a == b)


class Place(NamedTuple):
    """A place, and what was there when it was first read or written.

    Attributes:
        text: an expression, with {o} for the owner and {k} for the key.
        path: what the user calls it.
        line: file and line that write there, if any do.
    """

    text: str
    owner: Any
    key: Any
    value: Any
    path: str
    line: str = ""

    def now(self) -> Any:
        """Return what is there now."""
        try:
            return _reader(self.text)(self.owner, self.key)
        except (AttributeError, LookupError, TypeError, ValueError):
            return ABSENT

    def holds(self) -> bool:
        """Say whether the very same is there now."""
        now = self.now()
        if self.text == CONTENTS:
            return isinstance(now, list) and _alike(now, self.value)
        return same(now, self.value)

    def change(self) -> str:
        """Return what the user calls that which is something else now: here, or one level below."""
        if self.text != CONTENTS or not isinstance(self.owner, dict):
            return self.path
        half = len(self.value) // 2
        before = dict(zip(self.value[:half], self.value[half:], strict=True))
        keys = [*before, *self.owner]
        changed = (k for k in keys if not same(before.get(k, ABSENT), self.owner.get(k, ABSENT)))
        return joined(self.path, str(next(changed, "")))

    def test(self, ref: Callable[[Any], str]) -> str:
        """Return an expression that is true if the very same is there.

        Args:
            ref: gives an object a name in the expression.
        """
        literal = type(self.key) in (int, str)
        key = repr(self.key) if literal else ref(self.key)
        owner, value = ref(self.owner), self.value
        if value is ABSENT and self.text == ITEM:
            return f"{key} not in {owner}"
        if value is ABSENT:
            return f"{ref(self.holds)}()"
        now = self.text.format(o=owner, k=key)
        if self.text == SIZE:
            return f"{now} == {value}"
        if self.text in (BYTES, PART):
            return f"{now} == {ref(value)}"
        if self.text == CONTENTS:
            few = type(self.owner) in (list, dict) and len(value) <= _FEW
            return self._test_items(ref) if few else f"{ref(_unchanged)}({owner}, {ref(value)})"
        if value is None or isinstance(value, bool):
            return f"{now} is {value}"
        if isinstance(value, (*PLAIN, tuple, frozenset, np.generic)):
            return f"({now} is {ref(value)} or {ref(same)}({now}, {ref(value)}))"
        return f"{now} is {ref(value)}"

    def _test_items(self, ref: Callable[[Any], str]) -> str:
        """Return the test of a short list or dict, item by item."""
        owner, value = self.owner, self.value
        keys: Any = range(len(value))
        tests = [f"len({ref(owner)}) == {len(value)}"]
        if isinstance(owner, dict):
            half = len(value) // 2
            keys, value = value[:half], value[half:]
            tests = [f"[*{ref(owner)}] == {ref(keys)}"] if keys else [f"not {ref(owner)}"]
        items = zip(keys, value, strict=True)
        tests += [Place(ITEM, owner, key, item, "").test(ref) for key, item in items]
        return " and ".join(tests)

    def restore(self) -> None:
        """Put back what was there."""
        owner, value = self.owner, self.value
        if self.text == CELL:
            owner.cell_contents = value
        elif self.text == CONTENTS:
            _refill(owner, value)
        elif self.text == BYTES:
            owner[...] = np.frombuffer(value, owner.dtype).reshape(owner.shape)
        elif self.text == ITEM and value is not ABSENT:
            owner[self.key] = value
        elif self.text == ITEM:
            owner.pop(self.key, None)
        elif self.text == attribute(str(self.key)) and value is ABSENT:
            delattr(owner, self.key)
        elif self.text == attribute(str(self.key)):
            setattr(owner, self.key, value)


@functools.lru_cache(maxsize=1024)
def _reader(text: str) -> Callable[[Any, Any], Any]:
    names = {"contents": contents}
    return eval(f"lambda o, k: {text.format(o='o', k='k')}", names)


def _unchanged(owner: Any, items: list[Any]) -> bool:
    """Say whether a container has the very same items."""
    return _alike(contents(owner), items)


def _alike(now: list[Any], items: list[Any]) -> bool:
    if len(now) != len(items):
        return False
    return all(map(operator.is_, now, items)) or all(map(same, now, items))


def _refill(owner: Any, items: list[Any]) -> None:
    if isinstance(owner, dict):
        half = len(items) // 2
        owner.clear()
        owner.update(zip(items[:half], items[half:], strict=True))
    elif isinstance(owner, set):
        owner.clear()
        owner.update(items)
    elif isinstance(owner, deque):
        owner.clear()
        owner.extend(items)
    else:
        owner[:] = type(owner)(owner.typecode, items) if isinstance(owner, array) else items
