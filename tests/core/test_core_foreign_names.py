"""Names that people bring along from PyTorch and NumPy: each answer names what to write, and works.

The expressions of the tables are computed and held against PyTorch's own methods of these names.
"""

import copy
import pydoc
import re
import subprocess
import sys

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg
from tinygrad_np.core.foreign_names import FUNCTIONS_ELSEWHERE, METHODS_ELSEWHERE

X = np.array([[0.5, 0.25, 0.9], [0.1, 0.7, 0.3]])
U = np.array([[0.2, 1.5, 0.4], [0.8, 0.7, 0.6]])
SQUARE = np.array([[2.0, 1.0], [0.5, 3.0]])
STACK = np.arange(1.0, 25).reshape(2, 3, 4)
MASK = np.array([[True, False, True], [False, True, True]])
PLACES = np.array([[0, 1, 1], [1, 0, 1]])

# PyTorch's call, where it is not t.name() or, if the expression has a u, t.name(u); and values.
CALLS = {
    "view": ("t.view(*shape)", {"shape": (3, 2)}),
    "permute": ("t.permute(axes)", {"t": STACK, "axes": (2, 0, 1)}),
    "mT": ("t.mT", {"t": STACK}),
    "movedim": ("t.movedim(source, destination)", {"t": STACK, "source": 0, "destination": 2}),
    "swapdims": ("t.swapdims(axis1, axis2)", {"axis1": 0, "axis2": 1}),
    "unsqueeze": ("t.unsqueeze(axis)", {"axis": 1}),
    "expand": ("t.expand(*shape)", {"shape": (4, 2, 3)}),
    "expand_as": ("t.expand_as(u)", {"u": np.ones((4, 2, 3))}),
    "unfold": ("t.unfold(axis, size, 1)", {"axis": 1, "size": 2}),
    "unbind": ("t.unbind(axis)", {"axis": 1}),
    "chunk": ("t.chunk(n, axis)", {"n": 3, "axis": 1}),
    "tensor_split": ("t.tensor_split(n, axis)", {"n": 2, "axis": 1}),
    "repeat_interleave": ("t.repeat_interleave(n, axis)", {"n": 2, "axis": 1}),
    "mm": ("t.mm(u)", {"u": X.T}),
    "bmm": ("t.bmm(u)", {"t": STACK, "u": STACK.swapaxes(1, 2)}),
    "mv": ("t.mv(u)", {"u": X[0]}),
    "acosh": ("t.acosh()", {"t": X + 1}),
    "clamp": ("t.clamp(low, high)", {"low": 0.2, "high": 0.6}),
    "clamp_min": ("t.clamp_min(low)", {"low": 0.4}),
    "clamp_max": ("t.clamp_max(high)", {"high": 0.4}),
    "amax": ("t.amax(axis)", {"axis": 1}),
    "amin": ("t.amin(axis)", {"axis": 1}),
    "inverse": ("t.inverse()", {"t": SQUARE}),
    "logdet": ("t.logdet()", {"t": SQUARE}),
    "gather": ("t.gather(axis, index)", {"axis": 0, "index": PLACES}),
    "index_select": ("t.index_select(axis, index)", {"axis": 1, "index": PLACES[0]}),
    "masked_fill": ("t.masked_fill(mask, value)", {"mask": MASK, "value": 7.0}),
    "masked_select": ("t.masked_select(mask)", {"mask": MASK}),
    "where": ("t.where(condition, u)", {"condition": MASK}),
    "pow": ("t.pow(u)", {}),
    "fill_": ("t.fill_(value)", {"value": 3.0}),
    "clamp_": ("t.clamp_(low, high)", {"low": 0.2, "high": 0.6}),
    "new_zeros": ("t.new_zeros(shape)", {"shape": (2, 2)}),
    "new_ones": ("t.new_ones(shape)", {"shape": (2, 2)}),
    "real": ("t.real", {}),
    "itemsize": ("t.itemsize", {}),
    "nbytes": ("t.nbytes", {}),
}
OTHERS = {  # what only NumPy's arrays have, means something else there, or is no expression
    *("to", "type", "cpu", "cuda", "device", "pin_memory", "zero_", "normal_", "uniform_"),
    *("requires_grad_", "detach_", "grad_fn", "fill", "imag", "flat", "nonzero", "flags"),
    *("strides", "tobytes"),
}


def evaluate(text, names):
    """Compute an expression of the table, or carry out its assignment."""
    expression = text.rpartition(": ")[2]
    if re.search(r"(?<![=<>!])=(?!=)(?![^(]*\))", expression):
        exec(expression, names)
        return names["t"]
    result = eval(expression, names)
    return names["t"] if result is None else result


@pytest.mark.oracle
@folded
@pytest.mark.parametrize("name", [n for n in METHODS_ELSEWHERE if n not in OTHERS])
def test_the_expression_does_what_pytorch_does(name):
    torch = pytest.importorskip("torch")
    with_u = "u" in re.findall(r"\b\w\b", METHODS_ELSEWHERE[name])
    call, values = CALLS.get(name, (f"t.{name}({'u' if with_u else ''})", {}))
    values = {"t": X, "u": U, **values}
    theirs = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in values.items()}
    ours = {k: tg.Tensor(v) if isinstance(v, np.ndarray) else v for k, v in values.items()}
    want = eval(call, {**theirs, "torch": torch})
    got = evaluate(METHODS_ELSEWHERE[name], {**ours, "np": np, "tinygrad_np": tg})
    pairs = zip(got, want, strict=True) if isinstance(got, tuple) else [(got, want)]
    for one, other in pairs:
        if isinstance(other, torch.Tensor):
            other = other.numpy()
            assert one.dtype == other.dtype
        np.testing.assert_allclose(one.data if isinstance(one, tg.Tensor) else one, other, 1e-12)


def test_expressions_for_the_others():
    t = tg.Tensor(X, requires_grad=True)
    names = {"np": np, "tinygrad_np": tg}
    for name, want in {
        "imag": X * 0,
        "flat": X.ravel(),
        "strides": X.strides,
        "tobytes": X.tobytes(),
        "grad_fn": None,
        "normal_": None,
        "uniform_": None,
        "requires_grad_": X,
        "detach_": X,
        "fill": np.full((2, 3), 3.0),
    }.items():
        text = METHODS_ELSEWHERE[name].removesuffix(" for the graph")
        with tg.no_grad():
            got = evaluate(text, {**names, "t": copy.deepcopy(t), "value": 3.0})
        if want is not None:
            np.testing.assert_array_equal(np.asarray(getattr(got, "data", got)), want)
    assert [v.tolist() for v in np.nonzero(tg.Tensor([0.0, 2.0]))] == [[1]]
    (t * t).sum().backward()
    exec("t.grad = None", {"t": t})
    assert t.grad is None


@folded
@pytest.mark.parametrize("name", METHODS_ELSEWHERE)
def test_a_tensor_does_not_have_the_name(name):
    for t in (tg.Tensor(X), tg.Tensor(X, requires_grad=True), tg.nn.Parameter(X)):
        assert not hasattr(t, name)
        assert getattr(t, name, 7) == 7
        assert name not in dir(t)
        with pytest.raises(AttributeError, match=rf"^a Tensor has no '{name}': "):
            getattr(t, name)
    assert not hasattr(tg.Tensor, name)


def test_tools_look_at_a_tensor_as_before():
    t = tg.Tensor(X, requires_grad=True)
    assert {"reshape", "grad", "backward", "data"} <= set(dir(t))
    assert "reshape" in pydoc.render_doc(tg.Tensor)
    assert copy.deepcopy(t).tolist() == t.tolist()
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'nonsense'"):
        t.nonsense  # noqa: B018


def test_python_adds_no_guess():
    """Python's "Did you mean" compares spellings."""
    code = "import tinygrad_np as tg\ntg.Tensor([1.0]).view(1)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr.strip().splitlines()[-1].endswith("write t.reshape(shape)")


@folded
@pytest.mark.parametrize("name", FUNCTIONS_ELSEWHERE)
def test_functions_elsewhere(name):
    assert not hasattr(tg, name)
    with pytest.raises(AttributeError, match=rf"no attribute '{name}': write (\w|\.)+"):
        getattr(tg, name)
    for named in re.findall(r"\b(?:np|tinygrad_np)\.[a-z_A-Z.]+\b", FUNCTIONS_ELSEWHERE[name]):
        value = {"np": np, "tinygrad_np": tg}[named.partition(".")[0]]
        for part in named.split(".")[1:]:
            value = getattr(value, part)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("amin", r"write t\.min\(axis\)"),
        ("unsqueeze", r"write t\.expand_dims\(axis\)"),
        ("float32", r"write np\.float32$"),
        ("pi", r"write np\.pi$"),
        ("nanargmax", r"write np\.nanargmax$"),
        ("concat", r"write np\.concat$"),
        ("matvec", r"write np\.matvec$|'matvec'$"),
        ("svd", r"has no attribute 'svd'$"),
        ("interp", r"has no attribute 'interp'$"),
        ("ndarray", r"has no attribute 'ndarray'$"),
        ("cuda", r"'cuda': leave it out"),
        ("mse_loss", r"write tinygrad_np\.nn\.mse_loss$"),
        ("distributions", r"write tinygrad_np\.nn\.distributions$"),
        ("long", r"write np\.int64$"),
    ],
)
def test_names_that_the_package_does_not_have(name, text):
    assert tg.nn  # whose names are known once it is loaded
    with pytest.raises(AttributeError, match=text):
        getattr(tg, name)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda t: t.sum(dim=0), r"no argument 'dim': it is called axis here"),
        (lambda t: tg.mean(t, 0, keepdim=True), r"'keepdim': it is called keepdims here"),
        (lambda t: tg.softmax(t, dim=1), r"'dim': it is called axis here"),
        (lambda t: t.argmax(dim=1), r"^argmax\(x, axis, keepdims\).*'dim': it is called axis here"),
        (lambda t: tg.sort(t, dim=0), r"^sort\(.*'dim': it is called axis here"),
        (lambda t: t.any(keepdim=True), r"'keepdim': it is called keepdims here"),
        (lambda t: t.topk(1, sorted=False), r"^topk\(x, k, .*'sorted'$"),
        (lambda t: t.std(correction=1), r"'correction': it is called ddof here"),
        (lambda t: tg.sum(input=t), r"'input': it is called x here"),
        (lambda t: t.sum(where=MASK), r"'where', but np\.sum of a Tensor has"),
        (lambda t: t.max(initial=0), r"'initial', but np\.max of a Tensor has"),
        (lambda t: t.sum(size=3), r"has no argument 'size'$"),
        (lambda t: tg.tril(t, diagonal=1), r"'diagonal': it is called k here"),
        (lambda t: tg.one_hot([1], num_classes=2), r"'num_classes': it is called classes here"),
        (
            lambda t: tg.scaled_dot_product_attention(t, t, t, is_causal=True),
            r"'is_causal': it is called causal here",
        ),
        (
            lambda t: tg.scaled_dot_product_attention(t, t, t, attn_mask=None),
            r"'attn_mask': it is called mask here",
        ),
        (lambda t: tg.zeros(2, 3), r"zeros\(\(2, 3\)\)"),
        (lambda t: tg.ones(2, np.int64(3)), r"ones\(\(2, 3\)\)"),
    ],
)
def test_arguments_by_other_names(call, text):
    with pytest.raises(TypeError, match=text):
        call(tg.Tensor(X, requires_grad=True))


def test_zeros_take_a_dtype():
    assert tg.zeros(2, int).dtype == np.int64
    assert tg.zeros((2, 3), bool).dtype == bool
    assert tg.ones(2, "f4").dtype == np.float32


def test_writing_to_the_array_of_a_parameter():
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    with pytest.raises(AttributeError, match=r"t\.assign\(values\).*no_grad\(\)"):
        w.data = np.array([3.0, 4.0])
    with pytest.raises(ValueError, match=r"np\.subtract.*no_grad\(\).*w\.assign"):
        w.data -= 0.1 * w.grad
    with pytest.raises(ValueError, match=r"np\.add can't write into this array: it is read-only"):
        np.add(w.grad, 1, out=w.data)
    assert w.tolist() == [1, 2]
    array = np.ones(2)
    array -= w.grad  # an array of the user's own is written to, as ever
    assert array.tolist() == [-1, -3]


def test_no_grad_without_brackets():
    w = tg.Tensor([1.0, 2.0], requires_grad=True)

    @tg.no_grad
    def double(x):
        """Twice x."""
        return x * 2

    assert double.__doc__ == "Twice x."
    assert not double(w).requires_grad
    assert (w * 2).requires_grad
    with tg.no_grad():
        assert tg.enable_grad(lambda: w * 2)().requires_grad
    with pytest.raises(TypeError, match="no_grad decorates functions, not True"):
        tg.no_grad(True)
