"""Graphs of ONNX nodes, and their bytes in an .onnx file.

Inside of a graph there are three kinds of numbers: float32, int64 and booleans.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .wire import message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPSET, IR_VERSION = 20, 10  # the oldest with all that is used here: Gelu came with opset 20
FLOAT, INTEGER, TRUTH = np.dtype(np.float32), np.dtype(np.int64), np.dtype(np.bool_)
_KINDS: dict[str, np.dtype] = {"f": FLOAT, "i": INTEGER, "u": INTEGER, "b": TRUTH}
_RESULTS = {  # kinds whose output has another dtype than their operands
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"), TRUTH),
    **dict.fromkeys(("IsInf", "IsNaN", "Not"), TRUTH),
    **dict.fromkeys(("ArgMax", "ArgMin", "Shape"), INTEGER),
}
_TAKE_TRUTHS = {  # kinds whose operands may be booleans
    *("And", "Cast", "Concat", "Equal", "Expand", "Gather", "GatherElements", "GatherND"),
    *("Identity", "Not", "Or", "Pad", "Reshape", "ScatterElements", "ScatterND", "Shape", "Slice"),
    *("Split", "Squeeze", "Tile", "Transpose", "Unsqueeze", "Where", "Xor"),
}
_CODES = {  # TensorProto.DataType
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "uint16": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "uint32": 12,
    "uint64": 13,
}


class NoFormError(Exception):
    """Something has no form in ONNX; the message says what, and what to do."""


def kind_of(dtype: Any) -> np.dtype:
    """Return the dtype in which a graph holds numbers of a dtype.

    Raises:
        NoFormError: complex numbers.
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in _KINDS:
        raise NoFormError(f"numbers of {dtype} have no form in ONNX that is widely understood")
    return _KINDS[dtype.kind]


@dataclass(eq=False)
class Value:
    """A value of the graph.

    Attributes:
        dtype: float32, int64 or bool; of an input of the graph, any that ONNX knows.
        shape: its lengths, with texts for those that follow the number of rows; unknown, (), of
            a value that only the nodes of one op use.
        name: what the file calls it; given when it is written.
        constant: its array, if it is one.
    """

    dtype: np.dtype
    shape: tuple[Any, ...] = ()
    name: str = ""
    constant: np.ndarray | None = None

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)


@dataclass(eq=False)
class Node:
    """One node: an operation of ONNX.

    Attributes:
        kind: the name of the operation.
        place: file and line of the user's code.
        call: the name of the op that it is a part of.
    """

    kind: str
    inputs: list[Value | None]
    outputs: tuple[Value, ...]
    attributes: dict[str, Any]
    place: tuple[str, int] | None = None
    call: str = ""


@dataclass(eq=False)
class Graph:
    """A graph that is built node by node.

    Attributes:
        inputs, outputs: by name.
        place, call: where the nodes that are added now come from.
        shape: of the result of that call.
    """

    inputs: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    place: tuple[str, int] | None = None
    call: str = ""
    shape: tuple[int, ...] = ()

    def __getattr__(self, kind: str) -> Callable[..., Value]:
        """Return the function that adds a node of this kind: `graph.Add(x, y)`."""
        if not kind[0].isupper():
            raise AttributeError(kind)
        return functools.partial(self.add, kind)

    def add(self, kind: str, *inputs: Any, **attributes: Any) -> Value:
        """Add a node of one output.

        An input that is no value yet becomes a constant, see `value`: a Python number of the dtype
        of the first value, which is that of the output too if the kind has no other.
        """
        (out,) = self.add_several(kind, 1, *inputs, **attributes)
        return out

    def add_several(
        self, kind: str, count: int, *inputs: Any, **attributes: Any
    ) -> tuple[Value, ...]:
        """Add a node of several outputs."""
        operands = inputs[1:] if kind == "Where" else inputs
        given = [x.dtype for x in operands if isinstance(x, Value)]
        dtype = given[0] if given else FLOAT
        if dtype == TRUTH and kind not in _TAKE_TRUTHS:
            raise NoFormError(f"booleans as operands of {kind}: cast them, .astype('float32')")
        values = [None if x is None else self.value(x, dtype) for x in inputs]
        outs = tuple(Value(_RESULTS.get(kind, dtype)) for _ in range(count))
        self.nodes.append(Node(kind, values, outs, attributes, self.place, self.call))
        return outs

    def value(self, x: Any, dtype: Any = None) -> Value:
        """Return a value as it is, and what is none as a constant.

        A list holds integers, such as axes or lengths; a Python number gets this dtype.
        """
        if isinstance(x, Value):
            return x
        if isinstance(x, (list, tuple, range)):
            dtype = INTEGER
        elif isinstance(x, (np.ndarray, np.generic)):
            dtype = x.dtype
        array = np.asarray(x, dtype)
        kind = kind_of(array.dtype)
        with np.errstate(over="ignore"):  # what is too large for float32 is inf there
            array = array.astype(kind)
        return Value(kind, array.shape, constant=array)

    def cast(self, x: Any, dtype: Any) -> Value:
        """Return a value in this dtype."""
        if not isinstance(x, Value):
            return self.value(np.asarray(x).astype(dtype))
        dtype = np.dtype(dtype)
        if x.dtype == dtype:
            return x
        if x.constant is not None:
            return self.value(x.constant.astype(dtype))
        out = self.add("Cast", x, to=_CODES[dtype.name])
        out.dtype, out.shape = dtype, x.shape
        return out

    def kinds(self) -> list[str]:
        """List the operations of the nodes, each once."""
        return list(dict.fromkeys(node.kind for node in self.nodes))


# --- the file -------------------------------------------------------------------------------------


def to_bytes(graph: Graph, name: str) -> bytes:
    """Return a graph as the bytes of an .onnx file (ModelProto of onnx.proto)."""
    constants = _name_values(graph)
    inputs = [_value_info(value) for value in graph.inputs.values()]
    outputs = [_value_info(value) for value in graph.outputs.values()]
    nodes = [_node(node) for node in graph.nodes]
    tensors = [_tensor(value) for value in constants]
    body = message({1: nodes, 2: name, 5: tensors, 11: inputs, 12: outputs})
    opset = message({1: "", 2: OPSET})
    return message({1: IR_VERSION, 2: "tinygrad_np", 7: body, 8: opset})


def _name_values(graph: Graph) -> list[Value]:
    """Give each value a name of its own, and return the constants."""
    taken: set[str] = set()
    for name, value in (*graph.inputs.items(), *graph.outputs.items()):
        value.name = name
        taken.add(name)
    for node in graph.nodes:
        for value in node.outputs:
            value.name = value.name or unused(node.kind.lower(), taken)
    constants = constants_of(graph.nodes)
    for value in constants:
        value.name = unused(value.name or "constant", taken)
    return constants


def unused(name: str, taken: set[str]) -> str:
    """Return a name, with a number behind it if it is taken, and take it."""
    number, own = 1, name
    while own in taken:
        number += 1
        own = f"{name}_{number}"
    taken.add(own)
    return own


def _node(node: Node) -> bytes:
    inputs = ["" if value is None else value.name for value in node.inputs]
    outputs = [value.name for value in node.outputs]
    attributes = [_attribute(*item) for item in sorted(node.attributes.items())]
    return message({1: inputs, 2: outputs, 3: outputs[0], 4: node.kind, 5: attributes})


def _attribute(name: str, content: Any) -> bytes:
    if isinstance(content, float):
        return message({1: name, 2: content, 20: 1})
    if isinstance(content, int):
        return message({1: name, 3: content, 20: 2})
    if isinstance(content, str):
        return message({1: name, 4: content, 20: 3})
    return message({1: name, 8: list(content), 20: 7})


def _tensor(value: Value) -> bytes:
    array = value.constant
    assert array is not None
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return message({1: list(array.shape), 2: _CODES[array.dtype.name], 8: value.name, 9: data})


def _value_info(value: Value) -> bytes:
    dims = [message({2 if isinstance(n, str) else 1: n}) for n in value.shape]
    tensor = message({1: _CODES[value.dtype.name], 2: message({1: dims})})
    return message({1: value.name, 2: message({1: tensor})})


def constants_of(nodes: Sequence[Node]) -> list[Value]:
    """List the constants that nodes read, each once."""
    read = (value for node in nodes for value in node.inputs)
    return list(dict.fromkeys(v for v in read if v is not None and v.constant is not None))
