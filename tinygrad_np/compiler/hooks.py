"""Hooks that the twins of the user's functions call: each does as its name says, and notes it.

Only what was there before the recording is noted. Where no recording runs in this thread, a hook
does plainly what the code says.
"""

from __future__ import annotations

import functools
import importlib.util
import operator
import sys
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from . import calls
from .attributes import inherited, item_at_a_computed_index, note_writing, read_attribute, read_item
from .places import BYTES, CONTAINERS, CONTENTS, ITEM, MEMBER, PLAIN, TRUTH, contents
from .reads import refuse, tells, users_line
from .standins import StandIn
from .telling import reading


class Hooks:
    """The hooks; a constant in the code of twins."""

    slice = slice

    # --- functions ------------------------------------------------------------------------------

    def enter(self) -> None:
        """Note what the function that begins to run can read by names."""
        reads = reading.get()
        if reads is not None:
            reads.enter(sys._getframe(1))

    def after(self, first: Any, value: Any) -> Any:
        """Return the second."""
        return value

    def function(self, f: Any) -> Any:
        """Return what to call for `f`: itself, if it will tell what it reads."""
        reads = reading.get()
        if reads is None or tells(f):
            return f
        return functools.partial(calls.call, reads, f)

    def unseen(self, f: Any) -> Any:
        """Return `f`, which evaluates text.

        Raises:
            CompileError: in a recording.
        """
        if reading.get() is not None:
            refuse(f"calls {f.__name__}()", "write it as code")
        return f

    def operate(self, name: str, *operands: Any) -> Any:
        """Apply an operator."""
        reads = reading.get()
        f = getattr(operator, name)
        return f(*operands) if reads is None else calls.call(reads, f, *operands)

    # --- attributes -----------------------------------------------------------------------------

    def attribute(self, o: Any, name: str) -> Any:
        """Return an attribute."""
        reads = reading.get()
        if reads is None or isinstance(o, PLAIN):
            return getattr(o, name)
        if isinstance(o, super):
            return inherited(reads, o, name)
        return read_attribute(reads, o, name)

    def owner(self, o: Any, name: str) -> Any:
        """Return `o`, an attribute of which is about to be written."""
        reads = reading.get()
        if reads is not None:
            note_writing(reads, o, name)
        return o

    # --- items ----------------------------------------------------------------------------------

    def item(self, o: Any, key: Any) -> Any:
        """Return an item."""
        reads = reading.get()
        if reads is None:
            return o[key]
        reads.use_index(key)
        parts = key if isinstance(key, tuple) else (key,)
        computed = any(isinstance(part, (StandIn, Tensor)) for part in parts)
        if computed and isinstance(o, np.ndarray) and not isinstance(o, StandIn):
            return item_at_a_computed_index(o, key)
        return read_item(reads, o, key) if id(o) in reads.paths else o[key]

    def index(self, key: Any) -> Any:
        """Return an index at which something is about to be written."""
        reads = reading.get()
        if reads is not None:
            reads.use_index(key)
        return key

    def written(self, o: Any) -> Any:
        """Return `o`, which is about to be changed."""
        reads = reading.get()
        if reads is None or id(o) not in reads.paths:
            return o
        path, line = reads.paths[id(o)], users_line()
        if isinstance(o, CONTAINERS):
            reads.note(CONTENTS, o, None, contents(o), path, line)
        elif isinstance(o, np.ndarray):
            reads.note(BYTES, o, None, o.tobytes(), path, line)
        return o

    def member(self, key: Any, o: Any) -> bool:
        """Say whether something is in `o`."""
        reads = reading.get()
        if reads is not None and id(o) in reads.paths:
            if isinstance(o, (dict, set)):
                reads.note(MEMBER, o, key, key in o, reads.paths[id(o)])
            else:
                reads.items(o)
        return key in o

    def items(self, o: Any) -> Any:
        """Return `o`, whose items are about to be read one after the other."""
        reads = reading.get()
        if reads is not None and id(o) in reads.paths:
            reads.items(o)
        return o

    def everything(self, o: Any) -> Any:
        """Return `o`, all of which is about to be read."""
        reads = reading.get()
        if reads is not None and id(o) in reads.paths:
            reads.use(o)
        return o

    def truth(self, o: Any) -> Any:
        """Return `o`, whose truth is about to be asked for."""
        reads = reading.get()
        if reads is not None and id(o) in reads.paths and isinstance(o, CONTAINERS):
            reads.note(TRUTH, o, None, bool(o), reads.paths[id(o)])
        elif reads is not None and id(o) in reads.paths and isinstance(o, np.ndarray):
            reads.use(o)
        return o

    # --- imports --------------------------------------------------------------------------------

    def module(self, module: Any) -> None:
        """Know a module that was just imported."""
        reads = reading.get()
        if reads is not None:
            reads.note(ITEM, sys.modules, module.__name__, module, module.__name__)

    def imported(self, name: str, attribute_name: str) -> None:
        """Note what was just imported from a module."""
        reads = reading.get()
        if reads is None:
            return
        package = sys._getframe(1).f_globals.get("__package__")
        module = sys.modules[importlib.util.resolve_name(name, package)]
        self.module(module)
        if attribute_name != "*":
            read_attribute(reads, module, attribute_name)


HOOKS = Hooks()
