"""Every operation of the table in an .onnx file, run by onnxruntime: the rows of docs/onnx.md."""

import re
from pathlib import Path

import numpy as np
import pytest
from op_cases import every_case

import tinygrad_np as tg
from tinygrad_np.compiler.onnx.graph import to_bytes
from tinygrad_np.compiler.onnx.recording import graph_of
from tinygrad_np.compiler.onnx.registry import FORMS, NO_FORM

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "onnx.md"
ROWS = dict(
    re.findall(r"^\| \[`(\w+)`\]\(.*?\) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
)
# onnxruntime 1.23, the last for Python 3.10, crashes in an Einsum of no elements.
CRASHES = {"contract"} if onnxruntime.__version__.startswith("1.23.") else set()
# Of these one call among the samples has no form.
REFUSED = {"conv_transpose2d": "an output_padding that is not less than the stride"}


def session_of(content):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])


def results(content, arrays):
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    session = session_of(content)
    names = [entry.name for entry in session.get_inputs()]
    return session.run(None, dict(zip(names, arrays, strict=True)))


def test_every_op_is_in_the_table():
    assert {*ROWS} == {*tg.TABLE}
    named = {name for name in (*FORMS, *NO_FORM) if not name.startswith("np.")}
    assert named - {"layer_norm"} <= {*tg.TABLE}
    assert not FORMS.keys() & NO_FORM.keys()


def check_refusal(name, message):
    assert re.search(rf"test_compiler_onnx_ops.py:\d+: .* uses {name}, ", message)
    assert (NO_FORM.get(name) or REFUSED[name]) in message


@every_case
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_onnxruntime_computes_the_same(case):
    values = case.point(np.float32)

    def call(*arrays):
        return getattr(tg, case.op.name)(*case.arguments(arrays), **case.params)

    try:
        graph = graph_of(call, values)
    except tg.CompileError as error:
        check_refusal(case.op.name, str(error))
        return
    assert case.op.name not in NO_FORM
    if case.op.name in CRASHES and not all(value.size for value in values):
        pytest.skip(f"onnxruntime {onnxruntime.__version__} crashes")
    nodes = {kind for kind in graph.kinds() if kind not in ("Identity", "Cast")}
    assert nodes <= {*ROWS[case.op.name].split(", ")}
    wanted = call(*map(tg.Tensor, values))
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    for got, right in zip(results(to_bytes(graph, "op"), values), wanted, strict=True):
        right = right.numpy()
        assert got.shape == right.shape
        if case.op.name == "argpartition":  # the order in the parts is not specified
            got, right = (partitioned(case, values, places) for places in (got, right))
        np.testing.assert_allclose(got, right, rtol=1e-5, atol=1e-6)


def partitioned(case, values, places):
    """The element that is to be in its place, and those before it in order."""
    kth, axis = (*case.rest, -1)[:2]
    x = values[0] if axis is not None else values[0].reshape(-1)
    axis = -1 if axis is None else axis
    ordered = np.take_along_axis(x, places, axis)
    last = np.max(kth)
    return np.sort(np.take(ordered, np.arange(last + 1), axis), axis)


SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-7, 3e38, -3e38], np.float32)
UNARY = ["isfinite", "isinf", "isnan", "signbit", "log1p", "expm1", "nan_to_num", "softplus"]
BINARY = ["maximum", "minimum", "fmax", "fmin", "copysign", "logaddexp", "heaviside", "xlogy"]
BINARY += ["arctan2", "floor_divide", "remainder", "fmod", "hypot", "power"]


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_special_values(name):
    """Zeros of both signs, infinities and nan, and what is near 0 or large, in all pairs."""
    function = getattr(tg, name)
    arrays = [SPECIAL]
    if name not in UNARY:
        arrays = [np.repeat(SPECIAL, len(SPECIAL)), np.tile(SPECIAL, len(SPECIAL))]
    (got,) = results(to_bytes(graph_of(function, arrays), name), arrays)
    np.testing.assert_allclose(got, function(*arrays), rtol=1e-5, atol=1e-12)
