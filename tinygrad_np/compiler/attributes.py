"""Attributes and items of objects that were there before a recording: read, and noted."""

from __future__ import annotations

import types
from typing import Any, NamedTuple

import numpy as np

from ..core import doors
from ..core.doors import Number
from ..core.tensor import Tensor
from .objects import object_dict
from .ownership import is_foreign_module, is_ours, is_user_class
from .places import ABSENT, CONTAINERS, ITEM, PART, PLAIN, attribute, joined, method
from .reads import Reads, tells, users_line
from .standins import StandIn

_ENGINE = (Tensor, StandIn, Number)  # the tape sees what is done with these
_STORED = (types.MemberDescriptorType, types.FunctionType, staticmethod, classmethod)
_BUILTIN_METHODS = (types.BuiltinMethodType, types.MethodWrapperType)
_METHODS = (types.MethodType, *_BUILTIN_METHODS)
_CODE = (types.FunctionType, types.ModuleType, type, np.ufunc, *_METHODS)


def read_attribute(reads: Reads, o: Any, name: str) -> Any:
    """Return an attribute, and note it if the object was there before."""
    known = reads.paths.get(id(o))
    if known is None or isinstance(o, (StandIn, Number)):
        return getattr(o, name)
    path = joined(known, name)
    try:
        value = getattr(o, name)
    except AttributeError:
        if not isinstance(o, Tensor):
            reads.note(attribute(name), o, name, ABSENT, path)
        raise
    if name == "__dict__":
        reads.know(value, known)
    else:
        _Attribute(reads, o, name, value, path).note()
    return value


class _Attribute(NamedTuple):
    """An attribute that was read of an object that was there before."""

    reads: Reads
    owner: Any
    name: str
    value: Any
    path: str

    def note(self) -> None:
        """Note the attribute in the way in which it can be read again."""
        owner, value = self.owner, self.value
        if isinstance(owner, Tensor):
            if self.name == "requires_grad":
                self._note_value()
        elif isinstance(owner, np.ndarray):
            self._note_of_an_array()
        elif self._is_code_of_others():
            if isinstance(value, _METHODS):
                self.reads.know(value.__self__, self.path)
        elif not isinstance(value, _BUILTIN_METHODS) or value.__self__ is not owner:
            self._note_of_an_object()

    def _note_value(self) -> None:
        text = attribute(self.name)
        self.reads.note(text, self.owner, self.name, self.value, self.path)

    def _note_again(self) -> None:
        text = attribute(self.name)
        self.reads.note_again(text, self.owner, self.name, self.value, self.path)

    def _note_of_an_array(self) -> None:
        if isinstance(self.value, np.ndarray):  # a view, such as .T
            self.reads.use(self.owner)
            self.reads.know(self.value, self.path)
        elif isinstance(self.value, (*PLAIN, tuple)):
            self._note_value()

    def _is_code_of_others(self) -> bool:
        """Say whether it is a function, class or module in a module that is not the user's."""
        if not isinstance(self.owner, types.ModuleType):
            return False
        return isinstance(self.value, _CODE) and is_foreign_module(self.owner)

    def _note_of_an_object(self) -> None:
        is_its_own = self.name in (object_dict(self.owner) or ())
        member = _member(type(self.owner), self.name)
        if isinstance(self.value, types.MethodType) and not is_its_own:
            function = self.value.__func__
            self.reads.note(method(self.name), self.owner, self.name, function, self.path)
        elif is_its_own or isinstance(self.owner, type):
            self._note_value()
        elif member is ABSENT:
            self._note_computed()
        elif isinstance(member, _STORED) or not hasattr(member, "__get__"):
            self._note_value()
        else:
            self._note_descriptor()

    def _note_computed(self) -> None:
        """Note what `__getattr__` gave: the user's has told what it read, others answer again."""
        getter = _member(type(self.owner), "__getattr__")
        if isinstance(self.owner, types.ModuleType):
            getter = vars(self.owner).get("__getattr__")
        if tells(getter):
            self.reads.know(self.value, self.path)
        else:
            self._note_again()

    def _note_descriptor(self) -> None:
        """Note a property or another descriptor: the user's has told what it read."""
        owner = _home(type(self.owner).__mro__, self.name)
        assert owner is not None
        members = vars(owner)
        self.reads.note(ITEM, members, self.name, members[self.name], self.path)
        if not is_ours(type(self.owner)) and not is_user_class(owner):
            self._note_again()


def inherited(reads: Reads, o: Any, name: str) -> Any:
    """Return an attribute of super(), and note where it comes from."""
    kinds = o.__self_class__.__mro__
    begin = kinds.index(o.__thisclass__) + 1
    owner = _home(kinds[begin:], name)
    if owner is not None and is_user_class(owner):
        reads.note(ITEM, vars(owner), name, vars(owner)[name], name)
    return getattr(o, name)


def _home(kinds: tuple[type, ...], name: str) -> type | None:
    """Return the first of some classes that has something under a name."""
    return next((kind for kind in kinds if name in vars(kind)), None)


def _member(kind: type, name: str) -> Any:
    """Return what a class has under a name, itself or inherited."""
    owner = _home(kind.__mro__, name)
    return ABSENT if owner is None else vars(owner)[name]


def read_item(reads: Reads, o: Any, key: Any) -> Any:
    """Return an item of an object that was there before, and note it."""
    kind = type(o)
    step = str(key) if isinstance(key, PLAIN) else ""
    path = joined(reads.paths[id(o)], step)
    if isinstance(o, np.ndarray):
        return _item_of_an_array(reads, o, key, path)
    if tells(getattr(kind, "__getitem__", None)):
        return o[key]
    if isinstance(o, (dict, types.MappingProxyType)) and key not in o:
        reads.note(ITEM, o, key, ABSENT, path)
    if isinstance(key, slice) and isinstance(o, CONTAINERS):
        reads.items(o)
    value: Any = o[key]
    if isinstance(key, slice):
        return value
    if isinstance(o, tuple):
        reads.know(value, path)
    elif isinstance(o, (*CONTAINERS, types.MappingProxyType)):
        reads.note(ITEM, o, key, value, path)
    elif not isinstance(o, type) and not is_ours(kind):
        reads.note_again(ITEM, o, key, value, path)
    return value


def item_at_a_computed_index(o: np.ndarray, key: Any) -> Any:
    """Return what is in an array at an index that the function computes."""
    parts = key if isinstance(key, tuple) else (key,)
    index = [part._data if isinstance(part, Tensor) else part for part in parts]
    array = doors.as_array(o)
    return array[tuple(index)] if isinstance(key, tuple) else array[index[0]]


def _item_of_an_array(reads: Reads, o: Any, key: Any, path: str) -> Any:
    value = o[key]
    if isinstance(value, np.ndarray):
        reads.note(PART, o, key, value.tobytes(), path)
        reads.know(value, path)
    else:
        reads.note(ITEM, o, key, value, path)
    return value


def note_writing(reads: Reads, o: Any, name: str) -> None:
    """Note an attribute that is about to be written."""
    if id(o) not in reads.paths or isinstance(o, _ENGINE):
        return
    path, line = joined(reads.paths[id(o)], name), users_line()
    member = _member(type(o), name)
    if hasattr(member, "__set__") and not isinstance(member, types.MemberDescriptorType):
        return  # a property
    own = object_dict(o)
    if own is None:
        value = getattr(o, name, ABSENT)
        reads.note(attribute(name), o, name, value, path, line)
    else:
        reads.note(ITEM, own, name, own.get(name, ABSENT), path, line)
