"""Bad input: the error's type, and that its text says what was given and what was expected."""

import inspect
import re

import numpy as np
import pytest
from folded import folded

import tinygrad_np as tg


def T(*shape, **kwargs):  # noqa: N802 - short, for the tables below
    return tg.Tensor(np.ones(shape), **kwargs)


def raises(kind, call, *parts):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    for part in parts:
        assert part in str(caught.value), str(caught.value)


# --- data that are no numbers -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "part"),
    [
        ("abc", TypeError, "not str"),
        (b"abc", TypeError, "not bytes"),
        (None, TypeError, "not NoneType"),
        ({1, 2}, TypeError, "not set"),
        ({"a": 1}, TypeError, "not dict"),
        (object(), TypeError, "not object"),
        (len, TypeError, "not builtin"),
        (["a", "b"], TypeError, "a list that NumPy makes an array of <U1"),
        ([1, None], TypeError, "a list that NumPy makes an array of object"),
        ((1, "a"), TypeError, "a tuple"),
        (np.array([object()]), TypeError, "dtype object"),
        (np.array(["a"]), TypeError, "dtype <U1"),
        (np.array(["2020-01-01"], dtype="M8[D]"), TypeError, "datetime64"),
        (np.zeros(2, dtype=[("a", float)]), TypeError, "dtype"),
        ([[1, 2], [3]], ValueError, "lengths differ"),
        ([1, [2, 3]], ValueError, "lengths differ"),
        ([[[1], [2, 3]]], ValueError, "lengths differ"),
    ],
)
def test_data_that_are_no_numbers(data, kind, part):
    raises(kind, lambda: tg.Tensor(data), part)
    x = T(2, requires_grad=True)
    raises(kind, lambda: x + data, part)
    raises(kind, lambda: tg.multiply(data, x), part)
    raises(kind, lambda: tg.sum(data), part)


def test_dtypes_that_hold_no_numbers():
    raises(TypeError, lambda: tg.Tensor([1.0], dtype=object), "object")
    raises(TypeError, lambda: tg.Tensor([1.0], dtype="U5"), "<U")
    with pytest.raises(TypeError, match="bogus"):
        tg.Tensor([1.0], dtype="bogus")


@pytest.mark.parametrize("dtype", [object, "U5", "M8[D]"])
def test_casts_to_what_is_no_number(dtype):
    with pytest.raises(TypeError, match=r"astype|numbers"):
        T(2, requires_grad=True).astype(dtype)


@pytest.mark.parametrize(
    ("data", "dtype"),
    [([1, 2], "int64"), (True, "bool"), (np.uint8(1), "uint8"), (1j, "complex128")],
)
def test_leaves_that_cannot_need_a_gradient(data, dtype):
    raises(TypeError, lambda: tg.Tensor(data, requires_grad=True), "only floats", dtype)


def test_the_fix_for_integer_leaves():
    raises(TypeError, lambda: tg.Tensor([1, 2], requires_grad=True), "use dtype=float")
    assert tg.Tensor([1, 2], dtype=float, requires_grad=True).requires_grad


# --- shapes -------------------------------------------------------------------------------------


@folded
@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: T(2, 3) + T(4), ["add", "(2, 3)", "(4,)", "float64"]),
        (lambda: T(2, 3) * np.ones(2), ["multiply", "Tensor (2, 3)", "array (2,)"]),
        (lambda: np.ones((2, 3)) - T(2), ["subtract", "array (2, 3)", "Tensor (2,)"]),
        (lambda: T(2, 3) > T(2), ["greater", "(2, 3)", "(2,)"]),
        (lambda: T(2, 3) @ T(2, 3), ["matmul", "x: Tensor (2, 3)", "y: Tensor (2, 3)"]),
        (lambda: T(3) @ T(2, 4), ["matmul", "(3,)", "(2, 4)"]),
        (lambda: T(2, 3) @ 2.0, ["matmul", "(2, 3)", "2.0"]),
        (lambda: np.ones((2, 2)) @ T(3), ["matmul", "array (2, 2)", "Tensor (3,)"]),
        (lambda: T(2, 3, 4) @ T(3, 4, 5), ["matmul", "(2, 3, 4)", "(3, 4, 5)"]),
        (lambda: T(2, 3).reshape(4, 2), ["reshape", "(2, 3)", "(4,2)"]),
        (lambda: T(2, 3).reshape(-1, -1), ["reshape", "(2, 3)"]),
        (lambda: T(2, 3).broadcast_to((3, 3)), ["broadcast_to", "(2, 3)", "(3, 3)"]),
        (lambda: T(2, 3).squeeze(0), ["squeeze", "(2, 3)"]),
        (lambda: tg.concatenate([T(2, 3), T(3)]), ["concatenate", "arrays[1]: Tensor (3,)"]),
        (lambda: tg.concatenate([T(2, 3), T(2, 4)]), ["concatenate", "(2, 3)", "(2, 4)"]),
        (lambda: tg.concatenate([T(), T()]), ["concatenate", "()"]),
        (lambda: tg.concatenate([]), ["concatenate", "at least one array", "[]"]),
        (lambda: tg.stack([T(2), T(3)]), ["stack", "(2,)", "(3,)"]),
        (lambda: tg.stack([]), ["stack", "at least one array"]),
        (lambda: tg.stack(3), ["stack", "sequence", "3"]),
        (lambda: tg.where(T(2) > 0, T(3), 0.0), ["where", "(2,)", "(3,)"]),
        (lambda: tg.clip(T(2, 3), T(2), None), ["clip", "(2, 3)", "(2,)"]),
    ],
)
def test_shapes_that_do_not_fit(call, parts):
    raises(ValueError, call, *parts)


def test_names_are_in_the_message():
    X, W = T(2, 3, name="X"), T(2, 3, name="W", requires_grad=True)
    raises(ValueError, lambda: X @ W, "Tensor 'X' (2, 3)", "Tensor 'W' (2, 3)")


@folded
@pytest.mark.parametrize("axis", [2, -3, (0, 2), (-3,)])
@pytest.mark.parametrize(
    "f", [tg.sum, tg.mean, tg.max, tg.min, tg.var, tg.std, tg.logsumexp], ids=lambda f: f.__name__
)
def test_axes_out_of_range(f, axis):
    raises(np.exceptions.AxisError, lambda: f(T(2, 3), axis), f.__name__, "(2, 3)", "out of bounds")


@folded
@pytest.mark.parametrize("axis", [(0, 0), (1, -1), (0, 1, -2)])
@pytest.mark.parametrize(
    "f", [tg.sum, tg.mean, tg.max, tg.min, tg.var, tg.std, tg.logsumexp], ids=lambda f: f.__name__
)
def test_axes_given_twice(f, axis):
    raises(ValueError, lambda: f(T(2, 3), axis), f.__name__, "(2, 3)", "duplicate")


@pytest.mark.parametrize("axis", ["0", 1.5, [0, 1]])
@pytest.mark.parametrize("f", [tg.sum, tg.mean, tg.max, tg.var], ids=lambda f: f.__name__)
def test_axes_that_are_no_integers(f, axis):
    raises(TypeError, lambda: f(T(2, 3), axis), f.__name__, "(2, 3)")


@pytest.mark.parametrize(
    ("call", "kind", "parts"),
    [
        (lambda: tg.softmax(T(2, 3), 2), np.exceptions.AxisError, ["softmax", "(2, 3)", "axis 2"]),
        (lambda: tg.log_softmax(T(2), -2), np.exceptions.AxisError, ["log_softmax", "(2,)"]),
        (lambda: T(2, 3).expand_dims(4), np.exceptions.AxisError, ["expand_dims", "(2, 3)"]),
        (lambda: T(2, 3).expand_dims((0, 0)), ValueError, ["expand_dims", "(2, 3)", "repeated"]),
        (lambda: T(2, 3).squeeze(5), np.exceptions.AxisError, ["squeeze", "(2, 3)"]),
        (lambda: tg.stack([T(2), T(2)], 3), np.exceptions.AxisError, ["stack", "axis 3"]),
        (lambda: tg.concatenate([T(2)], 1), np.exceptions.AxisError, ["concatenate", "axis 1"]),
        (lambda: T(2, 3).transpose(0, 0), ValueError, ["transpose", "(2, 3)", "repeated"]),
        (lambda: T(2, 3).transpose(0), ValueError, ["transpose", "(2, 3)"]),
        (lambda: T(2, 3).transpose(0, 2), np.exceptions.AxisError, ["transpose", "(2, 3)"]),
        (lambda: T(2, 3, 4).transpose(1, 2), ValueError, ["all 3", "t.swapaxes(a, b)"]),
        (lambda: T(2, 3).swapaxes(0, 2), np.exceptions.AxisError, ["axis 2"]),
        (lambda: T(2, 3).moveaxis(-3, 0), np.exceptions.AxisError, ["axis -3"]),
        (lambda: tg.cross_entropy(T(2, 3), [0, 0], 2), np.exceptions.AxisError, ["axis 2"]),
    ],
)
def test_other_axes(call, kind, parts):
    raises(kind, call, *parts)


@pytest.mark.parametrize("axis", [-1, -2, (-1, 0), (-2, -1)])
def test_negative_axes_count_from_the_end(axis):
    array = np.random.default_rng(0).normal(size=(2, 3))
    for f, reference in ((tg.sum, np.sum), (tg.max, np.max), (tg.std, np.std)):
        x = tg.Tensor(array, requires_grad=True)
        out = f(x, axis)
        np.testing.assert_allclose(out.data, reference(array, axis), rtol=1e-14)
        out.sum().backward()
        positive = tuple(a % 2 for a in (axis if isinstance(axis, tuple) else (axis,)))
        y = tg.Tensor(array, requires_grad=True)
        f(y, positive).sum().backward()
        assert x.grad.tolist() == y.grad.tolist()


# --- indices ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "part"),
    [
        (5, "index 5 is out of bounds"),
        (-4, "index -4 is out of bounds"),
        ((0, 0, 0), "too many indices"),
        (0.5, "only integers"),
        ("a", "only integers"),
        ([0, 7], "index 7 is out of bounds"),
        (np.array([True, False]), "boolean index"),
        ([0.0, 1.0], "arrays used as indices"),
    ],
    ids=str,
)
def test_bad_indices(index, part):
    t = T(3, 2)
    raises(IndexError, lambda: t[index], "getitem", "Tensor 't' (3, 2) float64", part)
    with pytest.raises(IndexError, match="setitem"):
        t[index] = 1.0
    assert t.tolist() == [[1, 1]] * 3


def test_values_that_do_not_fit_an_index():
    t = T(3, 2)
    with pytest.raises(ValueError, match=r"setitem\(x: Tensor 't' \(3, 2\).*\(5,\)"):
        t[0] = np.ones(5)
    with pytest.raises(TypeError, match="not str"):
        t[0] = "a"
    assert t.tolist() == [[1, 1]] * 3


# --- empty --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: tg.max(T(0, 3)), ["max", "(0, 3)", "zero-size"]),
        (lambda: tg.min(T(3, 0), axis=1), ["min", "(3, 0)", "zero-size"]),
        (lambda: tg.cross_entropy(T(2, 0), T(2, 0)), ["(2, 0)", "no classes"]),
        (lambda: tg.cross_entropy(T(0, 3), np.zeros(0, int)), ["(0, 3)", "no predictions"]),
        (lambda: T(0).backward(), None),
    ],
)
def test_empty_arrays(call, parts):
    if parts is None:
        with pytest.raises((ValueError, RuntimeError)):
            call()
        return
    raises(ValueError, call, *parts)


def test_what_is_defined_for_empty_arrays():
    assert tg.mean(T(0, 3), axis=1).shape == (0,)
    assert tg.softmax(T(2, 0)).shape == tg.log_softmax(T(2, 0)).shape == (2, 0)
    assert tg.sum(T(0, 3), axis=0).tolist() == [0, 0, 0]
    assert tg.cross_entropy(T(0, 3), np.zeros(0, int), reduction="sum").item() == 0
    assert tg.cross_entropy(T(0, 3), np.zeros(0, int), reduction="none").shape == (0,)


# --- cross-entropy ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "options", "kind", "parts"),
    [
        ([0, 1, 3, 0], {}, ValueError, ["label 3 at row 2, but logits have 3 columns"]),
        ([0, -1, 2, 0], {}, ValueError, ["label -1 at row 1, but logits have 3 columns"]),
        (np.array([0, 255, 1, 0], np.uint8), {}, ValueError, ["label 255 at row 1"]),
        ([0, 5, 9, 0], {"ignore_index": 9}, ValueError, ["label 5 at row 1"]),
        (
            [0.0, 1.0, 2.0, 0.0],
            {},
            ValueError,
            ["distributions", "(4, 3)", "(4,)", "integer dtype"],
        ),
        ([True, False, True, True], {}, TypeError, ["integers (classes) or floats", "bool"]),
        (["a", "b", "c", "d"], {}, TypeError, ["list", "<U1"]),
        ([0, 1], {}, ValueError, ["(4, 3)", "must have shape (4,)", "not (2,)"]),
        ([[0, 1, 2, 0]], {}, ValueError, ["must have shape (4,)", "not (1, 4)"]),
        (np.eye(3, dtype=int)[[0, 1, 2, 0]], {}, ValueError, ["one-hot", "astype(float)"]),
        (np.ones((4, 2)), {}, ValueError, ["distributions", "(4, 3)", "(4, 2)"]),
        (np.ones(4, complex), {}, TypeError, ["complex128"]),
        ([0, 1, 2, 0], {"reduction": "avg"}, ValueError, ["mean, sum, none", "'avg'"]),
        ([0, 1, 2, 0], {"label_smoothing": 2}, ValueError, ["between 0 and 1", "2"]),
        ([0, 1, 2, 0], {"label_smoothing": -0.1}, ValueError, ["between 0 and 1", "-0.1"]),
        ([0, 1, 2, 0], {"weights": 1}, TypeError, ["cross_entropy", "no argument 'weights'"]),
    ],
)
def test_targets(target, options, kind, parts):
    logits = T(4, 3, requires_grad=True)
    raises(kind, lambda: tg.cross_entropy(logits, target, **options), *parts)


def test_targets_of_other_ranks():
    cube = T(2, 3, 4)
    labels = np.zeros((2, 4), int)
    labels[1, 3] = 7
    raises(ValueError, lambda: tg.cross_entropy(cube, labels, axis=1), "label 7 at row (1, 3)")
    raises(ValueError, lambda: tg.cross_entropy(cube, labels), "must have shape (2, 3)")
    raises(ValueError, lambda: tg.cross_entropy(T(), [0]), "axis of classes")
    with pytest.raises(TypeError, match="needs target"):
        tg.cross_entropy(cube)


def test_a_single_prediction():
    logits = np.array([1.0, 2.0, 0.5])
    expected = np.log(np.exp(logits).sum()) - 2.0
    for label in (1, np.int64(1), np.array(1), tg.Tensor(1)):
        assert tg.cross_entropy(tg.Tensor(logits), label).item() == pytest.approx(expected)
    raises(ValueError, lambda: tg.cross_entropy(tg.Tensor(logits), np.array(3)), "label 3")


# --- backward -----------------------------------------------------------------------------------


def test_backward_on_several_elements():
    x = T(2, 3, requires_grad=True)
    y = x * 2
    y.name = "scores"
    raises(ValueError, y.backward, "'scores'", "(2, 3)", "gradient=", ".sum()", ".mean()")
    assert x.grad is None


@pytest.mark.parametrize(
    ("seed", "kind", "parts"),
    [
        (np.ones(2), ValueError, ["(2, 3)", "not (2,)"]),
        (1.0, ValueError, ["(2, 3)", "not ()"]),
        (np.ones((1, 2, 3)), ValueError, ["(2, 3)", "not (1, 2, 3)"]),
        ("a", TypeError, ["not str"]),
        ([[1, 2], [3]], ValueError, ["lengths differ"]),
        (np.ones((2, 3), complex), TypeError, ["complex128"]),
    ],
)
def test_bad_seeds(seed, kind, parts):
    x = T(2, 3, requires_grad=True)
    y = x * 2
    raises(kind, lambda: y.backward(seed), *parts)
    assert x.grad is None
    y.backward(np.ones((2, 3)))
    assert x.grad.tolist() == [[2, 2, 2], [2, 2, 2]]


def test_backward_without_a_graph():
    raises(RuntimeError, T(name="c").backward, "nothing to do", "'c'", "requires_grad=True")
    x = T(requires_grad=True)
    with tg.no_grad():
        y = x * 2
    raises(RuntimeError, y.backward, "no_grad()")
    raises(RuntimeError, x.detach().backward, "requires_grad=True")
    raises(RuntimeError, (x > 0).backward, "nothing to do")


def test_options_of_backward_are_keywords():
    with pytest.raises(TypeError):
        T(requires_grad=True).backward(None, True)


# --- unknown arguments --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: T(2).sum(dim=0), ["sum(x, axis, keepdims)", "'dim'"]),
        (lambda: tg.softmax(T(2), dim=0), ["softmax(x, axis)", "'dim'"]),
        (lambda: T(2).sum(0, True), ["sum(x, axis, keepdims)", "positional"]),
        (lambda: tg.reshape(T(2)), ["reshape(x, shape)", "needs shape"]),
        (lambda: tg.where(T(2) > 0, T(2)), ["where(condition, x, y)", "needs y"]),
        (lambda: tg.exp(), []),
        (lambda: tg.add(T(2)), []),
    ],
)
def test_wrong_arguments(call, parts):
    raises(TypeError, call, *parts)


def test_sum_takes_keepdims_by_keyword():
    assert T(2, 3).sum(1, keepdims=True).shape == (2, 1)


@pytest.mark.parametrize("name", ["lshift", "rshift"])
def test_operators_that_are_not_there(name):
    import operator

    with pytest.raises(TypeError):
        getattr(operator, name)(T(2), 2)


# --- who the operands are, and what would fit -----------------------------------------------------


def test_operands_are_named_with_the_lines_that_made_them():
    w = tg.Tensor(np.ones((4, 2)), requires_grad=True, name="W2")
    h = tg.tanh(w)
    line = inspect.currentframe().f_lineno - 1
    place = f"made at test_core_bad_input.py:{line}"
    with pytest.raises(ValueError, match=rf"Tensor 'h' \(4, 2\) float64 {place}, y: Tensor 'W2'"):
        h @ w


@pytest.mark.parametrize(
    ("x", "y", "fix"),
    [
        ((5, 4), (2, 4), "Did you mean W2.T?"),
        ((4, 5), (4, 2), "Did you mean h.T?"),
        ((4,), (2, 4), "Did you mean W2.T?"),
        ((6, 5, 4), (6, 2, 4), "Did you mean W2.swapaxes(-1, -2)?"),
        ((300_000, 4), (200_000, 4), "Did you mean W2.T?"),
        ((3, 4), (3, 4), "Did you mean W2.T (giving (3, 3)), or h.T (giving (4, 4))?"),
        ((5, 4), (3, 7), None),
        ((3, 3), (4, 4), None),  # a transpose changes nothing
    ],
)
def test_a_fix_is_suggested_only_where_it_fits(x, y, fix):
    h, W2 = of_shape(x), tg.Tensor(of_shape(y), name="W2")
    with pytest.raises(ValueError, match=r"matmul\(x: array 'h'.*'W2'") as error:
        h @ W2
    assert suggested(error) == fix
    if max(x) < 10:
        assert_fixes_work("h @ W2", {"h": h, "W2": W2}, fix)


@pytest.mark.parametrize(
    ("x", "y", "fix"),
    [
        ((2, 3), (3, 2), "Did you mean y.T (giving (2, 3)), or x.T (giving (3, 2))?"),
        ((5, 2, 3), (3, 2), "Did you mean y.T?"),
        ((4, 1, 3), (4,), "Did you mean y[:, None]?"),
        ((4, 3), (4,), "Did you mean y[:, None] (giving (4, 3)), or x.T (giving (3, 4))?"),
        ((3,), (2,), "Did you mean y[:, None] (giving (2, 3)), or x[:, None] (giving (3, 2))?"),
        ((2, 3), (4, 5), None),
    ],
)
def test_fixes_of_broadcasting(x, y, fix):
    x, y = T(*x), T(*y)
    with pytest.raises(ValueError, match="could not be broadcast") as error:
        x / y
    assert suggested(error) == fix
    assert_fixes_work("x / y", {"x": x, "y": y}, fix)


def test_values_are_described_for_messages_of_ones_own():
    line = inspect.currentframe().f_lineno + 1
    made, bare = tg.Tensor([1.0, 2.0], requires_grad=True), np.ones((2, 3))
    text = f"Tensor 'made' (2,) float64 made at test_core_bad_input.py:{line}"
    assert tg.describe(made) == text
    assert tg.describe(bare) == "array 'bare' (2, 3) float64"
    assert tg.describe(None) == "None"
    assert tg.describe([1, 2]) == "list (2,)"
    assert tg.describe([[1], [2, 3]]) == "list"
    assert tg.describe_call("f", x=made, k=3) == f"f(x: {text}, k: 3)"


@pytest.mark.parametrize("wrong", [[1, 2], [1], 1.5, True])
def test_a_tensor_that_is_no_length(wrong):
    with pytest.raises(TypeError, match=r"one integer, not Tensor"):
        range(tg.Tensor(wrong))
    assert [*range(tg.Tensor(2))] == [0, 1]


def of_shape(shape):
    """An array of any shape that takes no memory."""
    return np.broadcast_to(np.zeros((), np.float32), shape)


def suggested(error):
    found = re.search(r"Did you mean .*", str(error.value))
    return found and found[0]


def assert_fixes_work(expression, names, fix):
    """Each change that a message suggests, carried out, gives the shape that it says."""
    changes = (fix or "Did you mean ").removeprefix("Did you mean ").removesuffix("?")
    for change in filter(None, changes.split(", or ")):
        new, _, shape = change.partition(" (giving ")
        result = eval(expression.replace(re.match(r"\w+", new)[0], new), dict(names))
        assert shape in ("", f"{result.shape})")


def test_operands_have_the_names_of_variables():
    X, weights = np.ones((5, 4)), tg.Tensor(np.ones((2, 4)))

    class Model:
        def __init__(self):
            self.w = tg.Tensor(np.ones((2, 4)))

        def __call__(self, batch):
            return batch @ self.w

    with pytest.raises(ValueError, match=r"x: array 'X' \(5, 4\) .*'weights'.*mean weights\.T\?"):
        X @ weights
    with pytest.raises(ValueError, match=r"'batch' \(5, 4\) .*'self\.w'.*mean self\.w\.T\?"):
        Model()(X)
    with pytest.raises(ValueError, match=r"y: Tensor \(4, 2\) float64 made at test_core"):
        weights + tg.Tensor(np.ones((4, 2)))  # has no name


@pytest.mark.parametrize("other", ["abc", {"a": 1}, object(), [[1], [2, 3]]])
def test_type_errors_name_both_operands(other):
    held = T(2, 3)
    kind = ValueError if isinstance(other, list) else TypeError
    name = type(other).__name__
    for call in (lambda: held + other, lambda: tg.maximum(other, held)):
        with pytest.raises(kind, match=r"Tensor 'held' \(2, 3\) float64") as error:
            call()
        assert f": {name}" in str(error.value)
    with pytest.raises(kind, match=rf"where\(condition: Tensor .*'held' \(2, 3\).*y: {name}"):
        tg.where(held > 0, held, other)
