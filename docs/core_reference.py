"""The reference of the core, docs/core.md: every public name that is no operation."""

from __future__ import annotations

from typing import Any

from docstrings import anchor, contents, entry, heading

import tinygrad_np as tg
from tinygrad_np import ops
from tinygrad_np.compiler.compiled import Compiled
from tinygrad_np.core.modes import Watcher
from tinygrad_np.ops.updates import Place
from tinygrad_np.recording.recorder import Flow, Forward, Update

__all__ = ["core_reference"]

INTRODUCTION = """\
# tinygrad_np: Tensors, and what is done with them

Generated from the docstrings by `docs/generate.py`: do not edit.

```python
import tinygrad_np as tg
```

The functions that compute something are [the operations](ops.md); layers, losses, optimizers and
training are in [nn](nn.md). All other public names stand here.
"""

# Title, what else to read, and the names.
GROUPS = (
    (
        "Tensors",
        "[Getting started](start.md) shows how they are used.",
        ("Tensor", "assign_all", "DetachedWarning"),
    ),
    (
        "Recording, or not",
        "",
        ("no_grad", "enable_grad", "is_grad_enabled", "stop_gradient"),
    ),
    (
        "Random numbers",
        "Initial weights, dropout, batches and random Tensors come from one generator.",
        ("manual_seed", "default_generator"),
    ),
    (
        "Seeing what was computed",
        "[The graph](graph.md), [the step-through page](step.md) and "
        "[explain, why, lint](words.md) show them at work.",
        (
            "record",
            "Record",
            "current_record",
            "graph",
            "Graph",
            "explain",
            "why",
            "lint",
            "Finding",
            "Text",
        ),
    ),
    (
        "Checking gradients",
        "[Checks](checks.md) goes through them.",
        (
            "gradcheck",
            "check_backward",
            "GradcheckError",
            "diagnose",
            "slips",
            "Mistake",
            "HandLayer",
            "debug",
            "describe",
            "describe_call",
        ),
    ),
    (
        "Functions of functions",
        "[Transforms](transforms.md) has examples, and says what they are made of.",
        (
            "grad",
            "value_and_grad",
            "vjp",
            "jvp",
            "linearize",
            "jacobian",
            "hessian",
            "hvp",
            "vmap",
            "checkpoint",
            "ravel_tree",
        ),
    ),
    (
        "Compiling",
        "[Compile](compile.md) shows what becomes of a training step.",
        (
            "compile",
            "Number",
            "export_numpy",
            "export_onnx",
            "CompileError",
            "CompileWarning",
            "PASSES",
            "REORDERING_PASSES",
        ),
    ),
    (
        "Operations of your own",
        "[Getting started](start.md#your-own-operation) declares one.",
        ("define_op", "Op", "TABLE"),
    ),
    (
        "For packages on top of this one",
        "`nn` is made with them.",
        ("missing_name", "shorten_traceback", "shorten_tracebacks", "__version__"),
    ),
)

# Classes that are no public names, by what gives one, behind the name that they belong to.
RESULTS: dict[str, tuple[tuple[str, Any], ...]] = {
    "Tensor": (("Tensor.at[index]", Place),),
    "Record": (
        ("Record.forward[node]", Forward),
        ("Record.flows[k]", Flow),
        ("Record.updates[k]", Update),
    ),
    "compile": (("compile(f)", Compiled),),
}

# What the table gives Tensor; what the engine calls; what refuses.
HIDDEN = {*ops.METHODS, *vars(Watcher), "as_integer_ratio"}

PUBLIC = [f"tg.{name}" for name in tg.__all__]

NEXT = """\
What to see next: [the operations](ops.md) · [nn](nn.md) · [how it is built](design.md).
"""


def core_reference() -> str:
    """Return the text of docs/core.md.

    Raises:
        LookupError: a public name that is in no group, or in two.
    """
    named = [name for _, _, names in GROUPS for name in names]
    public = [name for name in tg.__all__ if name not in ops.FUNCTIONS_BY_NAME]
    if sorted(named) != sorted(public):
        odd = sorted({*named} ^ {*public}) or sorted(n for n in named if named.count(n) > 1)
        raise LookupError(f"{', '.join(odd)}: each public name once in GROUPS of {__file__}")
    groups = [
        (title, [(name, heading(f"tg.{name}", PUBLIC)) for name in names])
        for title, _, names in GROUPS
    ]
    parts = [INTRODUCTION, contents(groups)]
    for title, more, names in GROUPS:
        parts.append(f"## {title}\n")
        if more:
            parts.append(f"{more}\n")
        for name in names:
            parts += sections(name)
    return "\n".join([*parts, NEXT])


def sections(name: str) -> list[str]:
    """Return the section of a name, and those of the objects that it gives."""
    if name == "TABLE":
        text = "Every `Op` by its name, in the order of [the operations](ops.md).\n"
        return [f"### `tg.TABLE`\n\n{text}"]
    made_elsewhere = name in ("Record", "Op", "HandLayer")
    title = heading(f"tg.{name}", PUBLIC)
    parts = [entry(title, getattr(tg, name), HIDDEN, call=not made_elsewhere)]
    parts += [entry(title, kind, call=False) for title, kind in RESULTS.get(name, ())]
    if name == "Tensor":
        parts.insert(1, operations())
    return parts


def operations() -> str:
    """Return what Tensor has from the table of operations."""
    links = []
    for family in ops.FAMILIES:
        for name in family.__all__:
            if name in ops.METHODS:
                links.append(f"[`{name}`](ops.md#{anchor(name)})")
    return (
        "Python's operators are operations: `+ - * / // % ** @`, comparisons, `& | ^ ~ << >>`, "
        "`abs()`, `round()`, `divmod()`, `t[index]`, `t[index] = v`, and those that write, such as "
        "`t += v`. So are these methods:\n\n" + " · ".join(links) + "\n"
    )
