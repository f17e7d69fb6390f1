"""Public names as Markdown: signature and docstring, and a table of contents."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import TYPE_CHECKING, Any

import nn
import tinygrad_np as tg

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["anchor", "contents", "entry", "fenced", "heading", "signature"]

WIDTH = 88
PUBLIC = {*tg.__all__, *nn.__all__, *nn.distributions.__all__}


def anchor(heading: str) -> str:
    """Return the address of a heading within its page, as GitHub and Markdown's sites make it."""
    return re.sub(r"[^\w\s-]", "", heading).strip().lower().replace(" ", "-")


def heading(name: str, names: Iterable[str]) -> str:
    """Return the heading of a name: two that differ in a capital alone would share an address."""
    twins = [other for other in names if other.lower() == name.lower()]
    return name if name == max(twins) else f"class {name}"


def contents(groups: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> str:
    """Return a list of links: a line for each group, with its names and their headings."""
    lines = []
    for group, names in groups:
        links = " · ".join(f"[`{name}`](#{anchor(heading)})" for name, heading in names)
        lines.append(f"- [{group}](#{anchor(group)}): {links}")
    return "\n".join([*lines, ""])


def entry(title: str, value: Any, hidden: Collection[str] = (), *, call: bool = True) -> str:
    """Return the section of one class, function or constant.

    Args:
        title: its name, as users write it.
        value: the thing itself.
        hidden: names of members to leave out.
        call: False for what users never call.
    """
    lines = [f"### `{title}`\n"]
    if not callable(value):
        return "\n".join([*lines, fenced(textwrap.shorten(repr(value), 4 * WIDTH))])
    parameters = signature(value)
    if call and parameters:
        lines.append(fenced(f"{title}{parameters}"))
    lines.append(prose(value))
    members = list(described_members(value, hidden)) if inspect.isclass(value) else []
    if members:
        lines += ["**Members**\n", *members, ""]
    return "\n".join(lines)


def described_members(kind: type, hidden: Collection[str]) -> Iterable[str]:
    """Yield a line for each public property and method that a class has and describes.

    Those of bases that are public themselves stand there.
    """
    bases = [base for base in kind.__mro__[1:-1] if base.__name__ not in PUBLIC]
    members: dict[str, Any] = {}
    for owner in (kind, *bases):
        for name, member in vars(owner).items():
            members.setdefault(name, member)
    for name, member in members.items():
        if name.startswith("_") or name in hidden:
            continue
        function = getattr(member, "__func__", member)
        is_property = isinstance(member, property)
        if not (is_property or inspect.isfunction(function)) or not function.__doc__:
            continue
        summary = " ".join(inspect.cleandoc(function.__doc__).split("\n\n")[0].split())
        yield f"- `.{name}{'' if is_property else signature(function)}`: {summary}"


def signature(value: Any) -> str:
    """Return the parameters and their defaults, without types."""
    function = value.__init__ if inspect.isclass(value) else value
    if not inspect.isfunction(function):
        return ""
    plain = []
    for p in inspect.signature(function).parameters.values():
        if p.name not in ("self", "cls"):
            plain.append(p.replace(annotation=p.empty, default=shown(p.default)))
    return str(inspect.Signature(plain))


def shown(default: Any) -> Any:
    """Return a default as a reader would write it: functions and types by their names."""
    if inspect.isfunction(default):
        return Name(default.__qualname__.split(".")[0])
    if isinstance(default, type) and default is not inspect.Parameter.empty:
        return Name(default.__name__)
    return default


class Name(str):
    """A default that is shown by its name."""

    def __repr__(self) -> str:
        return str(self)


def fenced(call: str) -> str:
    """Return a call as a block of code, its arguments wrapped."""
    if len(call) > WIDTH and "(" in call:
        name, _, rest = call.partition("(")
        rows = textwrap.wrap(rest[:-1], WIDTH - 4, break_on_hyphens=False)
        arguments = textwrap.indent("\n".join(rows), "    ")
        call = f"{name}(\n{arguments}\n{rest[-1]}"
    return f"```py\n{call}\n```\n"


def prose(value: Any) -> str:
    """Return the docstring as Markdown: sections as bold words, arguments as a list."""
    lines: list[str] = []
    section = ""
    in_code = False
    for line in (inspect.getdoc(value) or "").splitlines():
        if re.fullmatch(r"(Args|Returns|Raises|Attributes|Derived from these):", line):
            section = line.rstrip(":")
            lines += [f"**{section}**", ""] if section != "Args" else []
            continue
        if section and not line.strip():
            section = ""
        elif section:
            item = re.match(r"    ([\w*][\w*, ]*): (.*)", line)
            if item and section != "Returns":
                line = f"- `{item[1]}`: {item[2]}"
            else:
                line = f"  {line.strip()}" if section != "Returns" else line.strip()
        elif line.strip() and line.startswith("    ") != in_code:
            if in_code:
                lines.insert(len(lines) - (not lines[-1]), "```")
            else:
                lines.append("```text")
            in_code = not in_code
        lines.append(line.removeprefix("    ") if in_code else line)
    if in_code:
        lines.append("```")
    return "\n".join(lines) + "\n"
