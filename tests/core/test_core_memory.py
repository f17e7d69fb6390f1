"""What is kept alive, and until when: no cycles, nothing that no rule reads."""

import copy
import gc
import inspect
import weakref

import numpy as np
import pytest
from folded import folded

import nn
import tinygrad_np as tg
from tinygrad_np.core.tensor import node_of


@pytest.fixture(autouse=True)
def _without_collector():
    """Whatever dies in these tests dies by reference counts alone."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def array_of(tensor):
    """A weak reference to the array that the Tensor holds."""
    assert isinstance(tensor.data, np.ndarray)
    assert tensor.data.ndim
    return weakref.ref(tensor.data)


def values(shape=(3, 4)):
    return np.random.default_rng(0).uniform(0.5, 1.5, shape)


def leaf(shape=(3, 4)):
    return tg.Tensor(values(shape), requires_grad=True)


# --- no cycles ----------------------------------------------------------------------------------


def network(X, W, b):
    hidden = tg.relu(X @ W + b)
    return tg.cross_entropy(hidden, np.array([0, 1, 2])) + (W * W).sum() * 0.1


@pytest.mark.parametrize("run_backward", [False, True])
def test_a_graph_dies_with_its_last_tensor(run_backward):
    X, W, b = tg.Tensor(values()), leaf((4, 3)), leaf((3,))
    loss = network(X, W, b)
    if run_backward:
        loss.backward()
    held = [weakref.ref(o) for o in (loss, node_of(loss), X, W, b, node_of(W), node_of(b))]
    held += [array_of(t) for t in (X, W, b)]
    if run_backward:
        held += [weakref.ref(W.grad), array_of(W.grad)]
    del loss, X, W, b
    assert [ref() for ref in held] == [None] * len(held)


def test_a_graph_of_several_outputs_dies_too():
    pair = tg.define_op(
        lambda x: (np.exp(x), np.tanh(x)),
        name="pair",
        x=lambda g, out: sum(
            h * f for h, f in zip(g, (out[0], 1 - out[1] ** 2), strict=True) if h is not None
        ),
    )
    x = leaf()
    first, second = pair(x)
    held = [weakref.ref(node_of(t)) for t in (x, first, second)] + [array_of(first)]
    (first * second).sum().backward()
    del first, second, x
    assert [ref() for ref in held] == [None] * len(held)


def test_gradients_with_a_graph_die_once_cleared():
    x = leaf()
    y = (x**3).sum()
    y.backward(create_graph=True)
    held = [weakref.ref(x.grad), weakref.ref(node_of(x.grad)), weakref.ref(node_of(y))]
    x.grad = None
    del y
    assert [ref() for ref in held] == [None] * len(held)


def test_failed_calls_leave_nothing_behind():
    x = leaf()
    ref = array_of(x)
    with pytest.raises(ValueError, match="matmul"):
        x @ x
    del x
    assert ref() is None


# --- only what rules read -----------------------------------------------------------------------


def alive(build, *makers):
    """Which inputs' arrays, and whether the result's, outlive their Tensors in the graph."""
    tensors = [make() for make in makers]
    refs = [array_of(t) for t in tensors]
    out = build(*tensors)
    out_ref = array_of(out) if out.ndim else None
    node = node_of(out)
    del tensors, out
    inputs = [ref() is not None for ref in refs]
    result = out_ref is not None and out_ref() is not None
    assert node.needs_grad
    return inputs, result


def constant(shape=(3, 4)):
    return lambda: tg.Tensor(values(shape))


def wanted(shape=(3, 4)):
    return lambda: leaf(shape)


@folded
@pytest.mark.parametrize(
    ("build", "makers", "inputs", "result"),
    [
        (lambda x, y: x @ y, [constant((3, 4)), wanted((4, 2))], [True, False], False),
        (lambda x, y: x @ y, [wanted((3, 4)), constant((4, 2))], [False, True], False),
        (lambda x, y: x @ y, [wanted((3, 4)), wanted((4, 2))], [True, True], False),
        (lambda x, y: x + y, [wanted(), wanted()], [False, False], False),
        (lambda x, y: x - y, [wanted(), wanted()], [False, False], False),
        (lambda x, y: x * y, [wanted(), constant()], [False, True], False),
        (lambda x, y: x * y, [wanted(), wanted()], [True, True], False),
        (lambda x, y: x / y, [wanted(), constant()], [False, True], False),
        (lambda x, y: x / y, [constant(), wanted()], [False, True], True),
        (lambda x: x * 2.0, [wanted()], [False], False),
        (lambda x: x**2, [wanted()], [True], False),
        (tg.exp, [wanted()], [False], True),
        (tg.tanh, [wanted()], [False], True),
        (tg.sigmoid, [wanted()], [False], True),
        (tg.relu, [wanted()], [False], True),
        (tg.sqrt, [wanted()], [False], True),
        (tg.log, [wanted()], [True], False),
        (tg.negative, [wanted()], [False], False),
        (tg.softmax, [wanted()], [False], True),
        (lambda x: x.sum(axis=0), [wanted()], [False], False),
        (lambda x: x.mean(axis=0), [wanted()], [False], False),
        (lambda x: x.max(axis=0), [wanted()], [True], True),
        (lambda x: x.copy(), [wanted()], [False], False),
        (lambda x: x.astype(np.float32), [wanted()], [False], False),
        (lambda x: x[np.array([0, 1])], [wanted()], [False], False),
        (lambda x: tg.where(values() > 1, x, 0.0), [wanted()], [False], False),
        (lambda x, y: tg.concatenate([x, y]), [wanted(), wanted()], [False, False], False),
        (lambda x, y: tg.stack([x, y]), [wanted(), constant()], [False, False], False),
        (lambda x, y: tg.maximum(x, y), [wanted(), wanted()], [True, True], False),
    ],
)
def test_only_what_rules_read_is_kept(build, makers, inputs, result):
    """The inputs and the result are dropped; what is still alive is what the graph holds."""
    assert alive(build, *makers) == (inputs, result)


def test_a_loss_frees_its_logits():
    x = leaf((5, 3))
    logits = x * 2.0
    ref = array_of(logits)
    loss = tg.cross_entropy(logits, np.array([0, 1, 2, 0, 1]))
    del logits
    loss.backward()
    assert ref() is None


def test_bare_arrays_that_no_rule_reads_are_not_copied():
    """`t + array` holds nothing of the array; `t * array` a copy of it, once."""
    x, array = leaf(), values()
    y = x + array
    assert node_of(y).saved == ((), None)
    z = x * array
    ((held,), _) = node_of(z).saved
    assert not np.shares_memory(held, array)
    np.testing.assert_array_equal(held, array)


# --- freeing ------------------------------------------------------------------------------------


def nodes_below(tensor):
    found, waiting = set(), [node_of(tensor)]
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.add(node)
        waiting.extend(p for p in node.parents if hasattr(p, "parents"))
    return [n for n in found if n.op is not None]


def test_backward_frees_the_saved_arrays():
    X, W, b = tg.Tensor(values()), leaf((4, 3)), leaf((3,))
    hidden = tg.exp(X @ W + b)
    ref = array_of(hidden)
    loss = (hidden * hidden).sum()
    del hidden
    assert ref() is not None
    loss.backward(retain_graph=True)
    assert ref() is not None
    loss.backward()
    assert ref() is None
    assert all(node.saved is None for node in nodes_below(loss))


def test_the_structure_survives_backward():
    """Ops, parents, shapes, dtypes and names stay: a picture can still be drawn."""
    X, W = tg.Tensor(values(), name="X"), tg.Tensor(values((4, 2)), requires_grad=True, name="W")
    out = (X @ W).sum()
    out.backward()
    node = node_of(out)
    assert node.op.name == "sum"
    (product,) = node.parents
    assert product.op.name == "matmul"
    assert [(p.name, p.shape, p.dtype) for p in product.parents] == [
        ("X", (3, 4), np.float64),
        ("W", (4, 2), np.float64),
    ]


def test_a_node_knows_the_line_that_made_it():
    x = leaf()
    y = x * 2
    here = y * 3
    lines = [node_of(t).place[1] for t in (y, here)]
    assert lines[1] == lines[0] + 1
    for made in (tg.exp(x), x.sum(), np.exp(x), x[0], x.T, x.reshape(-1), np.sum(x), 2 - x):
        assert node_of(made).place[0] == __file__, node_of(made)


def test_a_leaf_knows_the_line_that_made_it():
    first = inspect.currentframe().f_lineno
    made = [
        tg.Tensor([1.0], requires_grad=True),
        tg.zeros(3),
        nn.Linear(2, 3).weight,
        nn.Parameter([1.0]),
    ]
    for k, tensor in enumerate(made):
        assert node_of(tensor).place == (__file__, first + 2 + k)
    frozen = made[0]
    frozen.requires_grad = False
    assert node_of(frozen).place == (__file__, first + 2)
    assert node_of(copy.deepcopy(frozen)).place is None


def test_a_training_loop_does_not_grow():
    """The arrays of one step die before the next; nothing hangs on the parameters."""
    W = leaf((4, 3))
    refs = []
    for _ in range(5):
        hidden = tg.exp(tg.Tensor(values()) @ W)
        refs.append(array_of(hidden))
        loss = hidden.mean()
        W.grad = None
        loss.backward()
        with tg.no_grad():
            W -= 0.1 * W.grad
    del hidden, loss
    assert [ref() for ref in refs] == [None] * 5
