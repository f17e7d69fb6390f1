"""Write the files that are made from the table of operations.

    python docs/generate.py            # write them
    python docs/generate.py --check    # fail if one of them is stale

They are the references of the operations, of the core and of nn (`docs/ops.md`, `docs/core.md`,
`docs/nn.md`), the table of forms in ONNX (`docs/onnx.md`), and the type stubs: the signatures of
the functions (`tinygrad_np/ops/__init__.pyi`) and of the methods and operators that Tensor gets
from them (`tinygrad_np/core/methods.pyi`).
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from core_reference import core_reference
from nn_reference import nn_reference
from onnx_reference import onnx_reference
from reference import reference

import tinygrad_np as tg
from tinygrad_np import ops
from tinygrad_np.ops import updates

ROOT = Path(__file__).resolve().parent.parent

TYPES = {
    "alpha": "float",
    "approximate": "str",
    "axes": "Sequence[int] | None",
    "beta": "float",
    "descending": "bool",
    "threshold": "float | None",
    "axis": "int | tuple[int, ...] | None",
    "ddof": "int",
    "decimals": "int",
    "dtype": "DTypeLike",
    "ignore_index": "int | None",
    "index": "Any",
    "indices": "ArrayLike",
    "indices_or_sections": "int | Sequence[int]",
    "keepdims": "bool",
    "kind": "str | None",
    "kth": "int | Sequence[int]",
    "label_smoothing": "float",
    "max_val": "float",
    "min_val": "float",
    "nan": "float",
    "negative_slope": "float",
    "neginf": "float | None",
    "posinf": "float | None",
    "mode": "str",
    "reduction": "str",
    "spec": "str",
    "ord": "Any",
    "kernel_size": "int | tuple[int, int]",
    "stride": "int | tuple[int, int]",
    "padding": "int | tuple[int, int]",
    "order": "int",
    "output_padding": "int | tuple[int, int]",
    "dilation": "int | tuple[int, int]",
    "groups": "int",
    "fill": "float",
    "repeats": "int | Sequence[int]",
    "right": "bool",
    "eps": "float",
    "shape": "int | Sequence[int]",
    "shift": "int | tuple[int, ...]",
    "side": "str",
    "sorter": "ArrayLike | None",
}

HEADER = '''"""{title}

Generated from the table of operations by docs/generate.py: do not edit.
"""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike

{imports}
'''


def parameters(op: tg.Op, input_types: list[str], *, method: bool = False) -> str:
    """The parameter list of an op, with the given types of its inputs."""
    parts = []
    for position, (name, default) in enumerate(op.defaults.items()):
        if position == op.positional:
            parts.append("*")
        if method and position == 0:
            parts.append("self")
            continue
        kind = input_types[position] if position < len(op.inputs) else TYPES[name]
        if default is inspect.Parameter.empty:
            parts.append(f"{name}: {kind}")
        else:
            kind += " | None" if default is None and "None" not in kind and kind != "Any" else ""
            parts.append(f"{name}: {kind} = {default!r}")
    if isinstance(op.forward, np.ufunc) or (op.elementwise and len(op.inputs) > 1):
        parts.append("/")  # they take their inputs by position
    return ", ".join(parts)


def result(op: tg.Op) -> str:
    """What an op gives for arrays: forward says so if it is not one array."""
    return getattr(op.forward, "__annotations__", {}).get("return", "np.ndarray")


def function_stubs(name: str, op: tg.Op) -> list[str]:
    """Overloads of an op: a Tensor among the inputs gives a Tensor, arrays give an array."""
    doc = f'    """{op.doc.splitlines()[0]}"""'
    if op.variadic:
        signature = parameters(op, ["Sequence[Tensor | ArrayLike]"])
        return [f"def {name}({signature}) -> Tensor:", doc]
    lines = []
    n = len(op.inputs)
    tensors = result(op).replace("np.ndarray", "Tensor")
    for tensor in range(n):
        if tensor and op.defaults[op.inputs[tensor]] is not inspect.Parameter.empty:
            continue  # an optional input: its Tensors come with one before them
        types = ["Tensor | ArrayLike"] * n
        types[tensor] = "Tensor"
        head = f"def {name}({parameters(op, types)}) -> {tensors}:"
        # The words stand once: every file of the package is downloaded by those who use it.
        lines += ["@overload", f"{head} ..."] if lines else ["@overload", head, doc]
    return [
        *lines,
        "@overload",
        f"def {name}({parameters(op, ['ArrayLike'] * n)}) -> {result(op)}: ...",
    ]


def composition_stubs(name: str, function: Callable, *, method: bool = False) -> list[str]:
    """Stubs of a function composed of ops: its own annotations, else as those of an op."""
    doc = f'    """{(function.__doc__ or "").strip().splitlines()[0]}"""'
    signature = inspect.signature(function)

    def stub(first: str, returns: str) -> str:
        parts = []
        for position, p in enumerate(signature.parameters.values()):
            if method and position == 0:
                parts.append("self")
                continue
            if p.kind is p.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
                parts.append("*")
            kind = TYPES.get(p.name, "Any") if p.annotation is p.empty else p.annotation
            star = "*" if p.kind is p.VAR_POSITIONAL else ""
            default = "" if p.default is p.empty else f" = {p.default!r}"
            parts.append(f"{star}{p.name}: {kind if position or not first else first}{default}")
        return f"def {name}({', '.join(parts)}) -> {returns}:"

    if signature.return_annotation is not signature.empty:
        return [stub("", signature.return_annotation), doc]
    if method:
        return [stub("", "Tensor"), doc]
    return [
        "@overload",
        stub("Tensor", "Tensor"),
        doc,
        "@overload",
        f"{stub('ArrayLike', 'np.ndarray')} ...",
    ]


def ops_stub() -> str:
    """The text of tinygrad_np/ops/__init__.pyi."""
    lines = [
        HEADER.format(
            title="The operations, as functions.",
            imports="from ..core.op import Op as Op\n"
            "from ..core.tensor import Tensor as Tensor\n"
            "from .define import define_op as define_op\n"
            "from .random import default_generator as default_generator\n"
            "from .random import manual_seed as manual_seed\n",
        ),
        f"__all__ = {ops.__all__!r}",
        "TABLE: dict[str, Op]",
    ]
    for name, function in ops.FUNCTIONS_BY_NAME.items():
        if hasattr(function, "op"):
            lines += function_stubs(name, function.op)
        else:
            lines += composition_stubs(name, function)
    return "\n".join(lines) + "\n"


def class_stub(kind: type) -> list[str]:
    """Return the lines that declare a class and its annotated methods."""
    lines = [f"class {kind.__name__}:"]
    for name, method in vars(kind).items():
        if inspect.isfunction(method) and (name == "__getitem__" or not name.startswith("_")):
            doc = f'"""{method.__doc__.splitlines()[0]}"""' if method.__doc__ else "..."
            lines.append(f"    def {name}{inspect.signature(method)}: {doc}")
    return [line.replace("'", "") for line in lines]


def methods_stub() -> str:
    """The text of tinygrad_np/core/methods.pyi."""
    lines = [
        HEADER.format(
            title="The methods and operators that Tensor gets from the table.",
            imports="from .tensor import Tensor\n",
        ),
        *class_stub(updates.Place),
        *class_stub(updates.At),
        "class TableMethods:",
        "    @property",
        "    def T(self) -> Tensor: ...",
        "    @property",
        "    def at(self) -> At: ...",
        "    def reshape(self, *shape: Any) -> Tensor: ...",
        "    def transpose(self, *axes: Any) -> Tensor: ...",
        "    def __getitem__(self, key: Any) -> Tensor: ...",
        "    def __setitem__(self, key: Any, value: Any) -> None: ...",
    ]
    for unary in ("neg", "pos", "abs", "invert"):
        lines.append(f"    def __{unary}__(self) -> Tensor: ...")
    arithmetic = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
    for binary in (*arithmetic, "and", "or", "xor", "lshift", "rshift"):
        for prefix in ("", "r", "i"):
            if prefix == "i" and binary in ("floordiv", "and", "or", "xor"):
                continue
            lines.append(f"    def __{prefix}{binary}__(self, other: Any) -> Tensor: ...")
    for prefix in ("", "r"):
        lines.append(f"    def __{prefix}divmod__(self, other: Any) -> tuple[Tensor, Tensor]: ...")
    lines.append("    def __round__(self, ndigits: int | None = 0) -> Tensor: ...")
    for comparison in ("lt", "le", "gt", "ge"):
        lines.append(f"    def __{comparison}__(self, other: Any) -> Tensor: ...")
    for comparison in ("eq", "ne"):
        lines.append(
            f"    def __{comparison}__(self, other: object) -> Tensor:  # type: ignore[override]\n"
            "        ..."
        )
    for name in ops.METHODS:
        function = ops.FUNCTIONS_BY_NAME[name]
        if name in ("reshape", "transpose"):
            continue
        if not hasattr(function, "op"):
            lines += [f"    {line}" for line in composition_stubs(name, function, method=True)]
            continue
        op = function.op
        signature = parameters(op, ["Tensor | ArrayLike"] * len(op.inputs), method=True)
        tensors = result(op).replace("np.ndarray", "Tensor")
        lines += [
            f"    def {name}({signature}) -> {tensors}:",
            f'        """{op.doc.splitlines()[0]}"""',
        ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail if stale")
    options = parser.parse_args()
    stale = []
    for path, text in {
        "tinygrad_np/ops/__init__.pyi": ops_stub(),
        "tinygrad_np/core/methods.pyi": methods_stub(),
        "docs/ops.md": reference(),
        "docs/core.md": core_reference(),
        "docs/nn.md": nn_reference(),
        "docs/onnx.md": onnx_reference(),
    }.items():
        target = ROOT / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            stale.append(path)
            if not options.check:
                target.write_text(text, encoding="utf-8")
    if options.check and stale:
        print(f"stale, run python docs/generate.py: {', '.join(stale)}")
        return 1
    print(f"written: {', '.join(stale)}" if stale else "up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
