"""Bytecode: how the user's code goes on after the call that it is in."""

from __future__ import annotations

import dis
import re
from typing import TYPE_CHECKING

from .callsite import assigned_name

if TYPE_CHECKING:
    from types import CodeType


def instructions_after(code: CodeType, lasti: int) -> list[dis.Instruction]:
    """Return the instructions of code that come after the call at `lasti`."""
    instructions = list(dis.get_instructions(code))
    after = [k for k, instruction in enumerate(instructions) if instruction.offset > lasti]
    k = after[0] if after else len(instructions)
    if k and instructions[k - 1].opname == "PRECALL":  # Python 3.11's, which may do the CALL itself
        k += 1
    return instructions[k:]


def writes_back(code: CodeType, lasti: int) -> bool:
    """Say whether the result of the call at `lasti` goes into an item or an attribute.

    As in `t[0] += 1`, where Python first calls `__iadd__` on t[0].
    """
    for instruction in instructions_after(code, lasti):
        if instruction.opname.startswith(_STATEMENT_ENDS):
            return instruction.opname in _STORES_BACK
    return False


_STATEMENT_ENDS = ("STORE_", "POP_TOP", "RETURN_", "YIELD_", "POP_JUMP_", "FOR_ITER")
_STORES_BACK = frozenset({"STORE_SUBSCR", "STORE_SLICE", "STORE_ATTR"})


def is_read_after(code: CodeType, lasti: int, name: str) -> bool:
    """Say whether code may read a variable after the call at `lasti`, before it is assigned anew.

    Of a variable that other functions can read too, yes, unless this call is assigned to it.
    """
    if name not in code.co_varnames or name in code.co_cellvars:
        return assigned_name(code, lasti) != name
    instructions = {i.offset: i for i in dis.get_instructions(code)}
    following = dict(zip(instructions, list(instructions)[1:]))
    waiting = [i.offset for i in instructions_after(code, lasti)[:1]]
    seen = set()
    while waiting:
        offset = waiting.pop()
        if offset in seen:
            continue
        seen.add(offset)
        instruction = instructions[offset]
        opname, target = instruction.opname, instruction.argval
        if "FAST" in opname:  # of one variable or, since Python 3.13, of two
            names = target if isinstance(target, tuple) else (target,)
            uses = zip(names, _USES.findall(opname))
            use = next((use for other, use in uses if other == name), None)
            if use == "LOAD":
                return True
            if use is not None:
                continue
        if instruction.opcode in _JUMPS:
            waiting.append(target)
        if not opname.startswith(_ENDS):
            waiting.append(following[offset])
    return False


_USES = re.compile("LOAD|STORE|DELETE")
_JUMPS = frozenset({*dis.hasjrel, *dis.hasjabs})
_ENDS = ("RETURN", "RAISE", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_ABSOLUTE")
