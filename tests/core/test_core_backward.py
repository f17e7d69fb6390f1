"""Recording and backward: what reaches the leaves, how often rules run, second backward."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.core.tensor import node_of


def leaf(*values, **kwargs):
    return tg.Tensor(np.array(values, float), requires_grad=True, **kwargs)


# --- what backward leaves behind ----------------------------------------------------------------


def test_gradients_accumulate_until_cleared():
    x = leaf(1.0, 2.0)
    assert x.grad is None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3, 3]
    before = x.grad
    (x * x).sum().backward()
    assert x.grad.tolist() == [5, 7]
    assert before.tolist() == [3, 3]
    x.grad = None
    assert x.grad is None
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_the_same_tensor_in_several_places():
    x = leaf(3.0)
    (x * x * x + x / x - x).backward()
    assert x.grad.tolist() == [26]
    x.grad = None
    tg.concatenate([x, x, x]).backward([1, 10, 100])
    assert x.grad.tolist() == [111]
    x.grad = None
    W = tg.Tensor(np.array([[1.0, 2], [3, 4]]), requires_grad=True)
    (W @ W).backward([[1, 0], [0, 0]])
    assert W.grad.tolist() == [[2, 3], [2, 0]]


def test_backward_from_a_leaf_gives_it_the_seed():
    x = leaf(1.0, 2.0)
    seed = np.array([5.0, 7.0])
    x.backward(seed)
    seed[:] = 0
    assert x.grad.tolist() == [5, 7]
    x.backward([1, 1])
    assert x.grad.tolist() == [6, 8]


@pytest.mark.parametrize("seed", [[1, 2], (1, 2), np.array([1, 2], np.int8), tg.Tensor([1.0, 2.0])])
def test_the_seed_may_be_anything_of_the_right_shape(seed):
    x = tg.Tensor(np.ones(2, np.float32), requires_grad=True)
    (x * 3).backward(seed)
    assert x.grad.tolist() == [3, 6]
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_element_needs_no_seed(shape):
    x = tg.Tensor(np.full(shape, 2.0), requires_grad=True)
    (x * x).backward()
    assert x.grad.shape == shape
    assert x.grad.item() == 4


def test_leaf_gradients_have_the_leafs_dtype_and_shape():
    a = tg.Tensor(np.ones((2, 1), np.float16), requires_grad=True)
    b = tg.Tensor(np.ones(3, np.float32), requires_grad=True)
    c = tg.Tensor(np.ones((4, 1, 1), np.float64), requires_grad=True)
    out = a * b * c
    assert (out.shape, out.dtype) == ((4, 2, 3), np.float64)
    out.sum().backward()
    for t, value in ((a, 12), (b, 8), (c, 6)):
        assert t.grad.shape == t.shape
        assert t.grad.dtype == t.dtype
        assert (t.grad.data == value).all()


def test_intermediate_values_and_constants_have_no_grad():
    x, c = leaf(1.0), tg.Tensor([2.0])
    y = x * c
    (y * y).backward()
    assert y.grad is None
    assert c.grad is None
    assert y.requires_grad
    assert not y.is_leaf
    assert x.is_leaf
    assert c.is_leaf


def test_two_leaves_never_share_one_gradient():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).sum().backward()
    assert not np.shares_memory(a.grad.data, b.grad.data)
    seed = np.ones(2)
    a.grad = b.grad = None
    (a + b).backward(seed)
    assert not np.shares_memory(a.grad.data, b.grad.data)
    assert not np.shares_memory(a.grad.data, seed)


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_seed_of_a_tensor_is_not_copied_and_no_leaf_shares_it(create_graph):
    seen = []
    same = tg.define_op(lambda x: x * 1, name="same", x=lambda g: seen.append(g) or g)
    a, b, seed = leaf(1.0, 2.0), leaf(3.0, 4.0), tg.Tensor([5.0, 6.0])
    (same(a) + b).backward(seed, create_graph=create_graph)
    assert np.shares_memory(seen[0], seed)
    a.backward(seed)
    assert a.grad.tolist() == [10, 12]
    for x in (a, b):
        assert not np.shares_memory(x.grad, seed)


def test_two_leaves_never_share_one_gradient_tensor_with_create_graph():
    """Scaling one gradient in place (as clipping does) must not scale the other."""
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).sum().backward(create_graph=True)
    with tg.no_grad():
        a.grad *= 10
    assert b.grad.tolist() == [1, 1]


def test_two_leaves_never_share_what_a_rule_gives_to_both():
    same = tg.define_op(lambda x, y: x * y, name="same", x=lambda g, out: out, y=lambda g, out: out)
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    out = same(a, b)
    out.sum().backward()
    assert not np.shares_memory(a.grad.data, b.grad.data)
    assert not np.shares_memory(a.grad.data, out.data)


def test_accumulating_leaves_the_old_gradient_object_alone():
    x, y = leaf(1.0), leaf(1.0)
    (x * y).backward()
    held = x.grad
    (x * y).backward()
    assert held.tolist() == [1]
    assert x.grad.tolist() == [2]


def test_a_failing_rule_changes_no_gradient():
    bad = tg.define_op(lambda x: x * 2, name="bad", x=lambda g: g @ np.ones(7))
    x, y = leaf(1.0, 2.0), leaf(1.0, 2.0)
    out = (bad(x) + y * 2).sum()
    with pytest.raises(
        RuntimeError, match=r"the rule of bad for its input 'x' \(made at .*\.py:\d"
    ):
        out.backward()
    assert x.grad is None
    assert y.grad is None


# --- nothing is recorded in vain ----------------------------------------------------------------


def test_nothing_is_recorded_when_nothing_needs_a_gradient():
    x = tg.Tensor([1.0, 2.0])
    for y in (x * 2, tg.exp(x), x @ x, tg.concatenate([x, x]), x[0], x.sum(), tg.softmax(x)):
        assert not y.requires_grad
        assert y._node is None


def test_nothing_is_recorded_under_no_grad():
    x = leaf(1.0, 2.0)
    with tg.no_grad():
        for y in (x * 2, tg.exp(x), x @ x, tg.concatenate([x, x]), x[0], x.sum(), x.T, -x):
            assert not y.requires_grad
            assert y._node is None
    assert (x * 2).requires_grad


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x > 0,
        lambda x: x == x,
        tg.isnan,
        tg.sign,
        lambda x: x.astype(int),
        lambda x: x.detach(),
        lambda x: tg.where(x, 1.0, 2.0),
    ],
)
def test_results_without_a_derivative_need_no_gradient(f):
    assert not f(leaf(1.0, 2.0)).requires_grad


def test_detach_cuts_the_graph_and_shares_the_values():
    x = leaf(2.0)
    (x * x.detach()).backward()
    assert x.grad.tolist() == [2]
    assert not (x * x).detach().requires_grad


# --- every rule exactly once --------------------------------------------------------------------


def counting():
    calls = []

    def rule(g, y):
        calls.append(1)
        return g * y

    def other(g, x):
        calls.append(2)
        return g * x

    return tg.define_op(lambda x, y: x * y, name="counted", x=rule, y=other), calls


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_tower_of_diamonds_calls_every_rule_once(create_graph):
    """2 ** 30 paths lead down; 30 nodes are visited."""
    product, calls = counting()
    x = leaf(1.01)
    y = x
    for _ in range(30):
        y = product(y, y + 0) * 0.7
    y.backward(create_graph=create_graph)
    assert calls.count(1) == 30
    assert calls.count(2) == 30
    assert np.isfinite(x.grad.item())


def test_a_diamond_with_arms_of_unequal_length():
    """The short arm must wait: its node is visited only when the long one has arrived."""
    product, calls = counting()
    x = leaf(1.5)
    top = product(x, x)
    long = top
    for _ in range(7):
        long = long * 1.1
    (long + top * 2 + product(top, long)).backward()
    assert sorted(calls) == [1, 1, 2, 2]
    k = 1.1**7  # d/dx of k x² + 2 x² + k x⁴
    np.testing.assert_allclose(x.grad.item(), 2 * 1.5 * (k + 2) + 4 * k * 1.5**3, rtol=1e-13)


def test_wide_graphs_call_every_rule_once():
    product, calls = counting()
    x = leaf(0.5)
    parts = [product(x, float(k)) for k in range(300)]
    tg.concatenate(parts).sum().backward()
    assert calls.count(1) == 300
    assert calls.count(2) == 0
    assert x.grad.tolist() == [sum(range(300))]


def test_rules_of_constants_are_not_called():
    product, calls = counting()
    product(leaf(1.0), tg.Tensor([2.0])).backward()
    product(np.array([2.0]), leaf(1.0)).backward()
    assert calls == [1, 2]


def test_serials_grow_from_parents_to_children():
    x = leaf(1.0)
    y = tg.exp(x) * np.array([2.0])
    z = tg.concatenate([y, x])
    waiting = [node_of(z)]
    while waiting:
        node = waiting.pop()
        for parent in node.parents:
            assert parent.serial < node.serial
            waiting.append(parent)


# --- again, and again ---------------------------------------------------------------------------


def test_a_second_backward_says_why_it_cannot_and_what_to_do():
    x = leaf(1.0, 2.0)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="freed") as caught:
        loss.backward()
    text = str(caught.value)
    assert "retain_graph=True" in text
    assert "sum" in text
    assert __file__ in text
    assert x.grad.tolist() == [2, 4]


def test_a_second_backward_through_a_shared_part():
    x = leaf(1.0, 2.0)
    shared = x * x
    shared.sum().backward()
    with pytest.raises(RuntimeError, match="multiply"):
        (shared * 3).sum().backward()
    assert x.grad.tolist() == [2, 4]


def test_retain_graph():
    x = leaf(1.0, 2.0)
    loss = (x * x * x).sum()
    for k in range(1, 4):
        loss.backward(retain_graph=True)
        np.testing.assert_allclose(x.grad.data, k * 3 * x.data**2)
    loss.backward()
    with pytest.raises(RuntimeError, match="freed"):
        loss.backward()


def test_create_graph_keeps_the_graph():
    x = leaf(2.0)
    y = x**3
    y.backward(create_graph=True)
    y.backward()
    assert x.grad.tolist() == [24]


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_derivatives_of_higher_order(order):
    """sin written as an op whose rule is an op whose rule is ... never runs out."""
    pair = {}
    pair["sin"] = tg.define_op(
        lambda x: np.sin(x),
        name="sin",
        x=lambda g, x: g * pair["cos"](x),
    )
    pair["cos"] = tg.define_op(lambda x: np.cos(x), name="cos", x=lambda g, x: -g * pair["sin"](x))
    x = leaf(0.3, 1.7)
    y = pair["sin"](x)
    for _ in range(order):
        x.grad = None
        y.backward(np.ones(2), create_graph=True)
        y = x.grad
    expected = [np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v), np.sin][(order - 1) % 4]
    np.testing.assert_allclose(y.data, expected(x.data), rtol=1e-13)


def test_create_graph_three_times_over_a_composite():
    """softplus: s, s(1-s), s(1-s)(1-2s)."""
    x = leaf(0.3)
    y = tg.log(1 + tg.exp(x))
    for _ in range(3):
        x.grad = None
        y.backward(create_graph=True)
        y = x.grad
    s = 1 / (1 + np.exp(-0.3))
    assert y.item() == pytest.approx(s * (1 - s) * (1 - 2 * s), rel=1e-12)


def test_create_graph_accumulates_recorded():
    x = leaf(2.0)
    (x**2).backward(create_graph=True)
    (x**3).backward(create_graph=True)
    total = x.grad
    assert total.tolist() == [16]
    x.grad = None
    total.backward()
    assert x.grad.tolist() == [14]


def test_create_graph_works_under_no_grad():
    x = leaf(3.0)
    y = x**3
    with tg.no_grad():
        y.backward(create_graph=True)
    slope = x.grad
    assert slope.requires_grad
    x.grad = None
    slope.backward()
    assert x.grad.tolist() == [18]


def test_gradients_are_plain_without_create_graph():
    x = leaf(3.0)
    (x**3).backward()
    assert not x.grad.requires_grad
    assert x.grad.is_leaf


def test_a_differentiable_seed():
    """d/dv of (v · J) with create_graph: the trick behind forward-mode products."""
    x, v = leaf(2.0, 3.0), leaf(1.0, 1.0)
    (x**2).backward(v, create_graph=True)
    pulled = x.grad
    (pulled * np.array([10.0, 100.0])).sum().backward()
    assert v.grad.tolist() == [40, 600]


# --- long and large graphs ----------------------------------------------------------------------


def test_a_chain_of_200_000_nodes():
    """Forward, backward and freeing without recursion."""
    x = tg.Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y * 1.0
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1
    del y


def test_a_long_chain_is_freed_without_backward():
    x = tg.Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(200_000):
        y = -y
    del y


def test_a_long_chain_with_create_graph():
    x = tg.Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    y.backward(create_graph=True)
    assert x.grad.item() == 1
    x.grad = None
    del y


def test_nodes_are_visited_in_linear_number():
    """A chain twice as long calls exactly twice as many rules."""
    visits = {}
    for length in (1000, 2000):
        product, calls = counting()
        y = leaf(1.0)
        for _ in range(length):
            y = product(y, 1.0)
        y.backward()
        visits[length] = len(calls)
    assert visits == {1000: 1000, 2000: 2000}
