"""Ops that users declare: by the same call as the table, and good for everything."""

import inspect
import pickle

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import ops
from tinygrad_np.core import protocols as protocols


@pytest.fixture
def numpy_functions():
    """Restore what np functions do on Tensors after a test that declares one."""
    held = dict(protocols.UFUNCS), dict(protocols.FUNCTIONS)
    yield
    for live, before in zip((protocols.UFUNCS, protocols.FUNCTIONS), held, strict=True):
        live.clear()
        live.update(before)


def leaf(*values):
    return tg.Tensor(np.array(values, float), requires_grad=True)


softplus = tg.define_op(
    lambda x: np.logaddexp(x, 0), name="softplus", x=lambda g, x: g / (1 + np.exp(-x))
)


def pair_forward(x):
    """exp and tanh at once."""
    return np.exp(x), np.tanh(x)


def pair_rule(g, out):
    first = 0 if g[0] is None else g[0] * out[0]
    return first + (0 if g[1] is None else g[1] * (1 - out[1] * out[1]))


pair = tg.define_op(pair_forward, name="pair", x=pair_rule)


# --- one output ---------------------------------------------------------------------------------


def test_works_everywhere():
    x = leaf(-1.0, 0.5)
    out = (softplus(x * 2) + 1) @ np.ones(2)
    out.backward()
    np.testing.assert_allclose(x.grad.data, 2 / (1 + np.exp(-2 * x.data)), rtol=1e-14)
    assert tg.gradcheck(softplus, [x.data], order=2)
    bare = softplus(np.array([0.0]))
    assert isinstance(bare, np.ndarray)
    with tg.no_grad():
        assert not softplus(x).requires_grad


def test_is_described():
    assert softplus.__name__ == "softplus"
    assert softplus.op.name == "softplus"
    assert softplus.op.inputs == ("x",)
    assert tg.TABLE["softplus"] is not softplus.op
    assert pair.__doc__ == "exp and tanh at once."
    assert repr(pair.op) == "<op pair(x)>"
    scaled = tg.define_op(
        lambda x, by=2.0: x * by, name="scaled", x=lambda g, by: g * by, doc="Scaled.", text="{x}"
    )
    assert scaled.op.params == ("by",)
    assert scaled.op.defaults["by"] == 2.0
    assert scaled.__doc__ == "Scaled."


def test_the_function_has_the_parameters_of_its_op():
    """Those that `help()` and editors show, bound to a Tensor too."""
    assert str(inspect.signature(tg.sum)) == "(x, axis=None, *, keepdims=False)"
    assert str(inspect.signature(tg.Tensor(1.0).sum)) == "(axis=None, *, keepdims=False)"
    functions = [(op, getattr(tg, name)) for name, op in tg.TABLE.items()]
    shown = {op: tuple(inspect.signature(f).parameters) for op, f in functions}
    other = [op.name for op, names in shown.items() if names != tuple(op.defaults)]
    assert other == ["arctan2", "ldexp"]  # ufuncs of two inputs, by position alone
    assert "def _softmax(x, axis=-1)" in inspect.getsource(tg.softmax)


def test_two_inputs_are_given_by_position():
    """What the function calls x may be the op's y."""
    with pytest.raises(TypeError, match="positional"):
        tg.arctan2(y=1.0, x=leaf(2.0))


tripled = tg.define_op(lambda x: 3 * x, name="tripled", x=lambda g: 3 * g)


@pytest.mark.parametrize("name", [*ops.FUNCTIONS_BY_NAME, "tripled"])
def test_functions_can_be_pickled(name):
    function = tripled if name == "tripled" else getattr(tg, name)
    assert pickle.loads(pickle.dumps(function)) is function


def test_name_defaults_to_the_forwards():
    def squash(x):
        return x / (1 + np.abs(x))

    assert tg.define_op(squash, x=lambda g, x: g / (1 + np.abs(x)) ** 2).op.name == "squash"


def test_of_a_ufunc(numpy_functions):
    sinh = tg.define_op(np.sinh, x=lambda g, x: g * cosh(x))
    cosh = tg.define_op(np.cosh, x=lambda g, x: g * sinh(x))
    x = leaf(0.3, -0.7)
    assert tg.gradcheck(lambda v: np.sinh(v) * np.cosh(v), [x.data], order=2)
    assert isinstance(np.sinh(x), tg.Tensor)
    hypot = tg.define_op(np.hypot, x=lambda g, out, x: g * x / out, y=lambda g, out, y: g * y / out)
    assert tg.gradcheck(hypot, [np.array([[1.0], [2.0]]), np.array([0.5, 0.7])], order=2)
    assert isinstance(np.hypot(x, 1.0), tg.Tensor)


def test_answers_for_a_numpy_function(numpy_functions):
    def cumsum_rule(g, x_shape):
        return (np.cumsum(g[::-1]))[::-1].reshape(x_shape)

    cumsum = tg.define_op(lambda x: np.cumsum(x), name="cumsum", x=cumsum_rule, numpy=(np.cumsum,))
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert np.cumsum(tg.Tensor(x)).tolist() == [1, 3, 6, 10]
    assert tg.gradcheck(cumsum, [x], order=2)
    assert tg.gradcheck(np.cumsum, [x], order=2)


def test_broadcasting_and_dtype_are_undone_by_the_engine():
    scaled_sum = tg.define_op(
        lambda x, y: 2 * x + y, name="scaled_sum", x=lambda g: 2 * g, y=lambda g: g
    )
    x = tg.Tensor(np.ones((3, 1), np.float32), requires_grad=True)
    y = leaf(1.0, 2.0)
    scaled_sum(x, y).sum().backward()
    assert x.grad.tolist() == [[4], [4], [4]]
    assert x.grad.dtype == np.float32
    assert y.grad.tolist() == [3, 3]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("value", [3, 3.0, np.float64(3), np.array(3.0), np.array([3.0])])
def test_a_rule_may_return_what_broadcasts(value, create_graph):
    constant = tg.define_op(lambda x: x.sum() * 3, name="constant", x=lambda g: value)
    x = tg.Tensor(np.ones(4, np.float32), requires_grad=True)
    constant(x).backward(create_graph=create_graph)
    assert x.grad.tolist() == [3, 3, 3, 3]
    assert x.grad.dtype == np.float32


def test_a_rule_of_none_and_a_rule_that_returns_none():
    step = tg.define_op(
        lambda x, y: np.sign(x) * y, name="step", x=None, y=lambda g, x: g * np.sign(x)
    )
    x, y = leaf(-2.0), leaf(3.0)
    step(x, y).backward()
    assert x.grad is None
    assert y.grad.tolist() == [-1]
    assert not step(x, 2.0).requires_grad
    blocked = tg.define_op(lambda x: x * 2, name="blocked", x=lambda g: None)
    blocked(x).backward()
    assert x.grad is None


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_that_returns_none_does_not_stop_the_others(create_graph):
    f = tg.define_op(lambda x, y: x * y, name="half", x=lambda g: None, y=lambda g, x: g * x)
    x, y = leaf(2.0), leaf(3.0)
    f(x, y).backward(create_graph=create_graph)
    assert x.grad is None
    assert y.grad.tolist() == [2]


def test_parameters():
    calls = []

    def leaky(x, slope=0.1, *, offset=0.0):
        calls.append((slope, offset))
        return np.where(x > 0, x, slope * x) + offset

    f = tg.define_op(leaky, x=lambda g, x, slope: np.where(x > 0, g, slope * g))
    x = leaf(-1.0, 2.0)
    f(x).sum().backward()
    assert x.grad.tolist() == [0.1, 1]
    f(x, 0.5)
    f(x, slope=0.25, offset=1.0)
    f(x=x, slope=0)
    assert calls == [(0.1, 0.0), (0.5, 0.0), (0.25, 1.0), (0, 0.0)]


def test_a_rule_that_reads_only_a_shape_keeps_no_array():
    flat = tg.define_op(
        lambda x: x.reshape(-1), name="flat", x=lambda g, x_shape: g.reshape(x_shape)
    )
    out = flat(leaf([1.0, 2.0], [3.0, 4.0]))
    assert out._node.saved == (((2, 2),),)


# --- several outputs ----------------------------------------------------------------------------


def test_several_outputs():
    x = leaf(0.3, 0.7)
    first, second = pair(x)
    assert first.requires_grad
    assert second.requires_grad
    (first * second).sum().backward()
    e, t = np.exp(x.data), np.tanh(x.data)
    np.testing.assert_allclose(x.grad.data, e * t + e * (1 - t * t), rtol=1e-13)
    e, t = pair(np.array([0.0]))
    assert isinstance(e, np.ndarray)


@pytest.mark.parametrize("k", [0, 1])
def test_one_output_unused(k):
    x = leaf(0.3, 0.7)
    pair(x)[k].sum().backward()
    expected = np.exp(x.data) if k == 0 else 1 - np.tanh(x.data) ** 2
    np.testing.assert_allclose(x.grad.data, expected, rtol=1e-13)


def test_an_output_used_twice():
    x = leaf(0.3)
    first, second = pair(x)
    (first * first + first + second).backward()
    e = np.exp(0.3)
    np.testing.assert_allclose(x.grad.data, 2 * e * e + e + 1 - np.tanh(0.3) ** 2, rtol=1e-13)


def test_several_outputs_of_second_order():
    point = [np.array([0.3, -0.7])]
    assert tg.gradcheck(lambda x: pair(x), point, order=2)
    assert tg.gradcheck(lambda x: pair(x)[0] * pair(x)[1] ** 2, point, order=2)
    assert tg.gradcheck(lambda x: pair(pair(x)[1])[0], point, order=2)


def test_the_rule_of_several_outputs_runs_once():
    calls = []

    def rule(g, out):
        calls.append(len(g))
        return pair_rule(g, out)

    counted = tg.define_op(pair_forward, name="counted", x=rule)
    first, second = counted(leaf(0.3))
    (first * second + second).backward()
    assert calls == [2]


def test_backward_of_one_output_then_of_the_other():
    x = leaf(0.3)
    first, second = pair(x)
    first.backward(retain_graph=True)
    second.backward()
    np.testing.assert_allclose(x.grad.data, np.exp(0.3) + 1 - np.tanh(0.3) ** 2, rtol=1e-13)
    with pytest.raises(RuntimeError, match="retain_graph"):
        first.backward()


def test_outputs_of_integers_have_no_gradient():
    split = tg.define_op(lambda x: (x * 2, np.argsort(x)), name="split", x=lambda g: g[0] * 2)
    values, order = split(leaf(3.0, 1.0))
    assert values.requires_grad
    assert not order.requires_grad
    assert order.tolist() == [1, 0]


# --- hidden outputs -----------------------------------------------------------------------------


def test_keeps():
    runs = []

    def loss(x):
        runs.append(type(x).__name__)
        e = np.exp(x)
        return np.sum(e) ** 2, e

    f = tg.define_op(loss, name="loss", keeps=("e",), x=lambda g, e: g * 2 * np.sum(e) * e)
    x = leaf(0.1, 0.2)
    out = f(x)
    assert out.shape == ()
    out.backward()
    assert runs == ["ndarray"]
    e = np.exp(x.data)
    np.testing.assert_allclose(x.grad.data, 2 * e.sum() * e, rtol=1e-13)
    assert tg.gradcheck(f, [x.data], order=2)
    assert np.ndim(f(np.array([0.0, 0.0]))) == 0


def test_keeps_beside_several_outputs_and_parameters():
    def forward(x, y, scale=1.0):
        e = np.exp(x)
        return e * y * scale, y + x, e

    f = tg.define_op(
        forward,
        name="mixed",
        keeps=("e",),
        x=lambda g, e, y, scale: g[0] * e * y * scale + g[1],
        y=lambda g, e, scale: g[0] * e * scale + g[1],
    )

    def both(x, y):
        first, second = f(x, y, scale=3.0)
        return first * second

    assert tg.gradcheck(both, [np.array([0.1, 0.2]), np.array([[0.3], [0.4]])], order=2)


def test_forwards_that_return_too_little_for_keeps():
    f = tg.define_op(lambda x: (x * 2,), name="short", keeps=("k",), x=lambda g, k: g)
    with pytest.raises((TypeError, ValueError), match="short"):
        f(leaf(1.0))


# --- variadic -----------------------------------------------------------------------------------


power_sum = tg.define_op(
    lambda xs, power=2: sum(x**power for x in xs),
    name="power_sum",
    variadic=True,
    xs=lambda g, xs, i, power: g * power * xs[i] ** (power - 1),
)


def test_variadic():
    a, b = leaf(0.3, 0.4), leaf(2.0)
    out = power_sum([a, b, np.array([1.0, 1.0]), 5.0], power=3)
    np.testing.assert_allclose(out.data, a.data**3 + 8 + 1 + 125, rtol=1e-14)
    out.sum().backward()
    np.testing.assert_allclose(a.grad.data, 3 * a.data**2, rtol=1e-14)
    assert b.grad.tolist() == [24]
    assert tg.gradcheck(
        lambda *xs: power_sum(xs, power=3),
        [np.array([0.3, 0.4]), np.array(0.7), np.array([[1.0], [2.0]])],
        order=2,
    )


def test_variadic_rules_are_called_once_for_each_input_that_wants_it():
    calls = []

    def rule(g, i):
        calls.append(i)
        return g

    f = tg.define_op(lambda xs: sum(xs), name="f", variadic=True, xs=rule)
    f([leaf(1.0), tg.Tensor([2.0]), leaf(3.0), 4.0]).backward()
    assert calls == [0, 2]


def test_variadic_needs_a_sequence():
    for wrong in ([], (), 3):
        with pytest.raises(ValueError, match="power_sum needs a sequence of at least one array"):
            power_sum(wrong)


def test_a_tensor_is_a_sequence_of_its_rows():
    x = tg.Tensor(np.arange(4.0).reshape(2, 2), requires_grad=True)
    tg.concatenate(x).backward([1, 2, 3, 4])
    assert x.grad.tolist() == [[1, 2], [3, 4]]


# --- one rule for all inputs --------------------------------------------------------------------


def joint_product(note=None):
    """Declare x * tanh(y), whose inputs share a rule; it calls `note` first."""

    def gradients(g, x, y, t):
        if note is not None:
            note(g)
        return g * t, g * x * (1 - t * t)

    def forward(x, y):
        t = np.tanh(y)
        return x * t, t

    return tg.define_op(forward, name="product", joint=gradients, x=..., y=..., keeps=("t",))


def test_a_joint_rule_runs_once_for_all_inputs():
    calls = []
    product = joint_product(calls.append)
    x, y = leaf(0.5, 2.0), leaf(0.3)
    out = (product(x, y) * np.array([1.0, 3.0])).sum()
    for count in (1, 2):  # anew for each backward
        out.backward(retain_graph=True)
        assert len(calls) == count
    t = np.tanh(0.3)
    np.testing.assert_allclose(x.grad.numpy(), [2 * t, 6 * t], rtol=1e-14)
    np.testing.assert_allclose(y.grad.numpy(), [2 * 6.5 * (1 - t * t)], rtol=1e-14)
    calls.clear()
    (product(x, y.detach()).sum()).backward()
    product(x, x).sum().backward()
    assert len(calls) == 2


def test_a_joint_rule_has_second_derivatives_and_is_read_like_others():
    product = joint_product()
    arrays = [np.array([0.5, 2.0]), np.array([0.3, -0.2])]
    assert tg.gradcheck(product, arrays, order=2)
    tg.check_backward(product, arrays)
    x, y = (tg.Tensor(a, requires_grad=True) for a in arrays)
    out = product(x, y).sum()
    assert "∂y = ∂product · x · (1 − t · t)" in tg.explain(out)
    program = tg.compile(lambda a, b: tg.grad(lambda *ab: product(*ab).sum(), (0, 1))(a, b))
    for _ in range(3):
        ours = program(*arrays)
    for one, other in zip(ours, tg.grad(lambda *ab: product(*ab).sum(), (0, 1))(*arrays)):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_wrong_joint_rule_is_named():
    def forward(x, y):
        return x * y

    wrong = tg.define_op(forward, joint=lambda g, x, y: (g * x, g * y), x=..., y=...)
    with pytest.raises(tg.GradcheckError, match="input 'x' is wrong"):
        tg.check_backward(wrong, [np.array([1.0, 2.0]), np.array([3.0, 5.0])])
    short = tg.define_op(forward, joint=lambda g, y: (g * y,), x=..., y=...)
    with pytest.raises(RuntimeError, match=r"forward for its input 'x'.*: it gave 1 grad"):
        short(leaf(1.0), leaf(2.0)).sum().backward()


# --- declarations that do not fit ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (
            lambda: tg.define_op(lambda x: x, name="bad"),
            r"bad: give one rule per array input.*\(x\)",
        ),
        (lambda: tg.define_op(lambda x: x, name="bad", y=lambda g: g), r"\(x\); given: y"),
        (
            lambda: tg.define_op(lambda x, y: x, name="bad", y=lambda g: g, x=lambda g: g),
            "in the order of forward's parameters",
        ),
        (lambda: tg.define_op(lambda x: x, name="bad", x=lambda x: x), "'x' must take g first"),
        (lambda: tg.define_op(lambda x: x, name="bad", x=lambda: 1), "'x' must take g first"),
        (
            lambda: tg.define_op(lambda x, k=1: x, name="bad", x=lambda g, z: g),
            "reads z; a rule can read g, x, out, k, x_shape",
        ),
        (lambda: tg.define_op(np.add, x=lambda g: g), "add has 2 inputs, but 1 rules"),
        (
            lambda: tg.define_op(
                lambda x, y: x, name="bad", variadic=True, x=lambda g: g, y=lambda g: g
            ),
            "a variadic op has one rule",
        ),
        (lambda: tg.define_op(lambda *x: x, name="bad", x=lambda g: g), "bad: give one rule"),
        (lambda: tg.define_op(lambda x: x, name="bad", x=3), "bad.*'x'"),
        (lambda: tg.define_op(lambda x: x, name="bad", x=np.cos), "bad.*'x'"),
        (lambda: tg.define_op(3, name="bad", x=lambda g: g), "bad"),
        (lambda: tg.define_op(lambda x: x, name="bad", x=...), "bad: give either joint="),
        (
            lambda: tg.define_op(lambda x: x, name="bad", joint=lambda g: (g,), x=lambda g: g),
            "bad: give either joint=",
        ),
        (
            lambda: tg.define_op(lambda x: x, name="bad", joint=lambda g: (g,), x=..., effect=True),
            "bad: an op with an effect has a rule for each input",
        ),
        (
            lambda: tg.define_op(lambda x: x, name="bad", joint=lambda g, z: (g,), x=...),
            "'x' reads z; a rule can read g, x, out",
        ),
        (lambda: tg.define_op(len, name="bad", x=lambda g: g), "bad"),
    ],
)
def test_bad_declarations(declare, text):
    with pytest.raises(TypeError, match=text):
        declare()


def test_bad_calls():
    f = tg.define_op(lambda x, k=1.0: x * k, name="scale", x=lambda g, k: g * k)
    x = leaf(1.0)
    for call, text in (
        (lambda: f(), r"scale\(x, k\) needs x"),
        (lambda: f(x, z=3), r"scale\(x, k\) has no argument 'z'"),
        (lambda: f(x, 1.0, k=2.0), "scale: 'k' was given twice"),
        (lambda: f(x, 1.0, 2.0), "takes 2 positional arguments"),
        (lambda: f("a"), "not str"),
    ):
        with pytest.raises(TypeError, match=text):
            call()


@pytest.mark.parametrize("result", ["abc", None, object(), ["a"]])
def test_forwards_that_return_no_numbers(result):
    f = tg.define_op(lambda x: result, name="odd", x=lambda g: g)
    with pytest.raises(TypeError, match="expected numbers"):
        f(leaf(1.0))


def test_forwards_may_return_python_numbers_and_lists():
    f = tg.define_op(lambda x: float(x.sum()), name="total", x=lambda g: g)
    x = leaf(1.0, 2.0)
    f(x).backward()
    assert x.grad.tolist() == [1, 1]
    g = tg.define_op(lambda x: [float(x[0]), 2.0], name="listed", x=lambda g: g)
    assert g(x).tolist() == [1, 2]


@pytest.mark.parametrize("elementwise", [False, True])
@pytest.mark.parametrize("result", [None, "a", {}, [[1], [1, 2]], (1.0, None)], ids=repr)
def test_forwards_that_fail_in_the_end_are_named(result, elementwise):
    f = tg.define_op(lambda x: result, name="odd", x=lambda g: g, elementwise=elementwise)
    with pytest.raises((TypeError, ValueError), match=r"^odd\(x: Tensor \(2,\) float64"):
        f(leaf(1.0, 2.0))


def test_forwards_may_give_tensors():
    w = tg.Tensor(3.0, requires_grad=True)
    f = tg.define_op(lambda x: tg.ones(2) * x, name="same", x=lambda g: g)
    x = leaf(1.0, 2.0)
    f(x).sum().backward()
    assert x.grad.tolist() == [1, 1]
    pair = tg.define_op(lambda x: (x * 1, tg.ones(2)), name="pair", x=lambda g: g[0])
    assert [part.tolist() for part in pair(x)] == [[1, 2], [1, 1]]
    cut = tg.define_op(lambda x: x * w, name="cut", x=lambda g: g)
    with pytest.raises(TypeError, match=r"^cut\(x: .*drop its gradient"):
        cut(x)


def test_forwards_cannot_write_to_a_tensor():
    def careless(x):
        x *= 2
        return x

    f = tg.define_op(careless, x=lambda g: g * 2)
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match=r"careless\(x: Tensor 'x' \(2,\).*read-only"):
        f(x)
    assert x.tolist() == [1, 2]


def test_identity_forwards_do_not_alias_the_callers_array():
    same = tg.define_op(lambda x, y: x, name="same", x=lambda g: g, y=None)
    array = np.ones(2)
    out = same(array, leaf(1.0))
    array[:] = 5
    assert out.tolist() == [1, 1]
    array[:] = 6  # and stays writable


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (lambda g: g @ np.ones(7), "ValueError"),
        (lambda g: np.ones(7), "shape"),
        (lambda g: 1 / 0, "ZeroDivisionError"),
        (lambda g: "a", "str"),
        (lambda g: [1, 2], "it gave a list, not an array"),
        (lambda g: (g, g), "it gave a tuple, not an array"),
        (lambda g: np.array(["1", "2"]), "dtype <U1"),
        (lambda g: np.array([None, 1.0]), "dtype object"),
        (lambda g: g * 1j, "complex gradient"),
    ],
)
def test_failing_rules_are_named(rule, text, create_graph):
    f = tg.define_op(lambda y, x: x * 2 + y, name="broken", y=lambda g: g, x=rule)
    with pytest.raises(RuntimeError, match=r"the rule of broken for its input 'x'") as caught:
        f(leaf(1.0, 2.0), leaf(1.0, 2.0)).sum().backward(create_graph=create_graph)
    assert text in str(caught.value)
    assert __file__ in str(caught.value)
    assert caught.value.__context__ is not None
    assert caught.value.__suppress_context__


DENSE_RULES = {"x": lambda g, w: g @ w.T, "w": lambda g, x: x.T @ g}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("rule", "shape"),
    [
        (lambda g: g.sum(axis=1, keepdims=True), (5, 1)),
        (lambda g: g[:1, :3], (1, 3)),
        (lambda g: g.sum(axis=0)[:, None], (4, 1)),
        (lambda g: np.zeros(0), (0,)),
    ],
    ids=["axis=1", "too few", "a column", "nothing"],
)
def test_gradients_that_belong_to_neither_shape(rule, shape, create_graph):
    """Summing one down, or stretching it, may be meant; what needs both fits nothing."""
    dense = tg.define_op(lambda x, w, b: x @ w + b, name="dense", **DENSE_RULES, b=rule)
    x, w, b = (tg.Tensor(np.ones(s), requires_grad=True) for s in [(5, 3), (3, 4), (4,)])
    out = dense(x, w, b)
    line = rule.__code__.co_firstlineno
    with pytest.raises(RuntimeError, match="the rule of dense for its input 'b'") as caught:
        (out * np.arange(20.0).reshape(5, 4)).sum().backward(create_graph=create_graph)
    said = f"a gradient of shape {shape} does not belong to an input of shape (4,), nor to a result"
    assert f"{said} of shape (5, 4)" in str(caught.value)
    assert f"the rule stands at {__file__}:{line}" in str(caught.value)
    assert b.grad is None
    with pytest.raises(RuntimeError, match="of shape"):
        tg.grad(lambda b: dense(x, w, b).sum())(b.data)


def test_a_gradient_of_the_results_shape_may_be_summed_and_stretched():
    """Here y[i, 0] is the sum over j of x[0, j] + c[i, j], so both are right."""
    c = np.arange(12.0).reshape(3, 4)
    f = tg.define_op(lambda x: (x + c).sum(axis=1, keepdims=True), name="rows", x=lambda g: g)
    x = tg.Tensor(np.ones((1, 4)), requires_grad=True)
    (f(x) * [[1.0], [10.0], [100.0]]).sum().backward()
    assert x.grad.tolist() == [[111] * 4]
    assert tg.gradcheck(f, x.detach().numpy())


@pytest.mark.parametrize("create_graph", [False, True])
def test_rules_may_give_tensors(create_graph):
    w = tg.Tensor(3.0, requires_grad=True)
    f = tg.define_op(lambda x: x * 3.0, name="triple", x=lambda g, x: tg.ones(x.shape) * g * w)
    x = leaf(1.0, 2.0)
    f(x).sum().backward(create_graph=create_graph)
    assert type(x.grad) is tg.Tensor
    assert x.grad.tolist() == [3, 3]
    assert x.grad.requires_grad is create_graph
    total = tg.define_op(lambda x: x.sum(), name="total", x=lambda g, x: tg.ones(x.shape) * g)
    for k in (1, 2):
        total(x * k).backward(create_graph=create_graph)
    assert x.grad.tolist() == [6, 6]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda g: 2, [2, 2]),
        (lambda g: np.int64(2), [2, 2]),
        (lambda g: np.array([1, 0]), [1, 0]),
        (lambda g: np.array([True, False]), [1, 0]),
        (lambda g: np.float16([0.5, 1]), [0.5, 1]),
        (lambda g: np.array(4.0), [4, 4]),
        (lambda g: np.matrix([1.0, 2.0]), [1, 2]),
        (lambda g: g * np.nan, [np.nan, np.nan]),
        (lambda g: g * np.inf, [np.inf, np.inf]),
    ],
)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_rules_may_give_other_numbers(rule, expected, create_graph):
    f = tg.define_op(lambda x: x * 2.0, name="twice", x=rule)
    x = leaf(1.0, 2.0)
    f(x).sum().backward(create_graph=create_graph)
    assert x.grad.dtype == np.float64
    np.testing.assert_array_equal(x.grad.data, expected)


def test_the_failing_input_is_named_when_both_are_the_same_tensor():
    f = tg.define_op(lambda x, y: x * y, name="broken", x=lambda g, y: g * y, y=lambda g: 1 / 0)
    t = leaf(1.0)
    with pytest.raises(RuntimeError, match="for its input 'y'"):
        f(t, t).backward()


def test_rules_cannot_write_to_the_gradient():
    def rule(g):
        g *= 2
        return g

    f = tg.define_op(lambda x: x * 2, name="greedy", x=rule)
    with pytest.raises(RuntimeError, match=r"greedy.*read-only"):
        f(leaf(1.0, 2.0)).backward([1, 1])


def test_an_elementwise_op_with_one_rule():
    """No gradient flows to the other input, whether or not it asks for one."""
    half = tg.define_op(
        lambda x, y: x * y, name="half", elementwise=True, x=lambda g, y: g * y, y=None
    )
    x, y = leaf(2.0), leaf(3.0)
    half(x, y).backward()
    assert x.grad.tolist() == [3]
    assert y.grad is None
    assert not half(tg.Tensor([2.0]), y).requires_grad


def test_formulas_are_checked():
    declare = lambda **options: tg.define_op(lambda x: x * x, name="square", **options)  # noqa: E731
    rule = lambda g, x: 2 * g * x  # noqa: E731
    with pytest.raises(TypeError, match="formulas for y, which are no inputs"):
        declare(x=rule, formulas={"y": rule})
    with pytest.raises(TypeError, match="reads z"):
        declare(x=rule, formulas={"x": lambda g, z: g})
    with pytest.raises(TypeError, match="must be a Python function"):
        declare(x=rule, formulas={"x": "2gx"})
