"""What a graph knows of each node: names, modules, values, gradients, costs, lines, times."""

import gc
import inspect
import math
import weakref

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from tinygrad_np.core.tensor import node_of


def network():
    r = np.random.default_rng(0)
    return nn.Sequential(nn.Linear(2, 4, rng=r), nn.ReLU(), nn.Linear(4, 3, rng=r))


def recorded(model, backward=True):
    X = tg.Tensor(np.linspace(-1, 1, 10, dtype=np.float32).reshape(5, 2), name="X")
    y = tg.Tensor([0, 2, 1, 1, 0])
    with tg.record() as r:
        logits = model(X)
        loss = nn.cross_entropy(logits, y)
        if backward:
            loss.backward()
    return loss, r


def by_header(graph):
    return {node.header: node for node in graph.nodes}


# --- names ----------------------------------------------------------------------------------------


def test_arrays_have_the_names_of_the_variables_that_hold_them():
    rng = np.random.default_rng(0)
    sequence, mask = rng.standard_normal((3, 2, 4)), rng.random((2, 4)) > 0.5
    labels = target = np.array([1, 3])
    X = rng.standard_normal((2, 4))  # float64, as data often is
    w = nn.Parameter(np.eye(4, dtype=np.float32), name="w")
    with tg.record() as r:
        h = tg.Tensor(X.astype(np.float32)) @ w
        for t in range(3):
            h = tg.tanh(sequence[t] * h) * mask
        h = h * np.ones((2, 4)) * np.ones((2, 4))  # which of the two, nobody could tell
        loss = tg.cross_entropy(h, target)
        loss.backward()
    names = [node.header for node in tg.graph(loss, record=r).nodes if node.kind == "data"]
    rows = [f"sequence[{t}]" for t in range(3)]
    assert sorted(names) == sorted([*rows, "X", "data", "data", "labels", "mask"])
    assert labels is target


def test_an_array_that_two_variables_hold_has_no_name():
    first, second = np.array([1.0, 2.0]), np.array([1.0, 2.0])
    w = tg.Tensor([3.0, 4.0], requires_grad=True)
    with tg.record() as r:
        loss = (w * first * second).sum()
    graph = tg.graph(loss, record=r)
    assert [node.header for node in graph.nodes if node.kind == "data"] == ["data"]


def test_names_of_tensors_variables_and_parameters():
    model = network()
    x = tg.Tensor(np.ones((5, 2), np.float32))
    scores = model(x)
    loss = scores.sum()
    headers = [n.header for n in tg.graph(loss, model).nodes]
    assert sorted(headers) == [
        "0.bias",
        "0.weight",
        "2.bias",
        "2.weight",
        "add",
        "loss = sum",
        "matmul",
        "matmul",
        "relu",
        "scores = add",
        "x",
    ]


def test_a_name_that_was_given_comes_first():
    model = nn.Linear(2, 3)
    model.weight.name = "W of mine"
    given = model(np.ones((4, 2), np.float32))
    given.name = "the result"
    graph = tg.graph(given, model)
    assert {n.name for n in graph.nodes} == {"W of mine", "bias", "the result", None}


def test_only_what_a_call_returns_gets_the_variable():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)

    def inner(t):
        return tg.exp(tg.tanh(t))

    result = inner(x)
    part, *others = tg.split(tg.sin(result) * 2, 2)
    graph = tg.graph([part, others[0]])
    assert [n.name for n in graph.nodes if n.op in ("tanh", "exp")] == [None, "result"]
    assert all(n.name is None for n in graph.nodes if n.op in ("sin", "multiply"))


def test_a_call_that_comes_back_to_the_users_code_names_its_result_only():
    class Twice(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(2, 2)

        def forward(self, x):
            return tg.tanh(self.inner(x))

    model = nn.Sequential(nn.Linear(2, 2), Twice(), nn.Linear(2, 2))
    out = model(np.ones((1, 2), np.float32))
    assert [n.name for n in tg.graph(out).nodes if n.op] == [None] * 6 + ["out"]


def test_a_call_that_has_not_returned_gives_no_name():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)

    def call_back(function):
        return function(tg.sum(x * x, axis=0) * 1.5).title

    history = call_back(tg.graph)
    assert history == "multiply"


def test_names_in_a_loop_are_never_those_of_other_variables():
    t = tg.Tensor([1.0], requires_grad=True, name="start")
    for _ in range(3):
        u = tg.tanh(t)
        t = u + 1
    names = [(n.op, n.name) for n in tg.graph(t).nodes if n.op]
    assert names == [("tanh", "u"), ("add", "t")] * 3


def test_variables_are_not_kept_alive():
    gc.disable()
    try:
        big = tg.Tensor(np.ones(3), requires_grad=True)
        other = tg.exp(big)
        alive = weakref.ref(other), weakref.ref(big)
        picture = tg.graph(other)
        del big, other
        assert [ref() for ref in alive] == [None, None]
        assert len(picture.nodes) == 2
    finally:
        gc.enable()


def test_a_dictionary_of_locals_stays_as_it_is():
    x = tg.Tensor([1.0], requires_grad=True)
    mine = locals()
    graph = tg.graph(x)
    assert graph.nodes[0].name == "x"
    assert mine["x"] is x


# --- modules --------------------------------------------------------------------------------------


def test_modules_from_a_record():
    model = network()
    loss, r = recorded(model)
    for graph in (tg.graph(loss, model, record=r), tg.graph(loss, record=r)):
        ops = [(n.op, n.module) for n in graph.nodes if n.op]
        assert ops == [
            ("matmul", "0"),
            ("add", "0"),
            ("relu", "1"),
            ("matmul", "2"),
            ("add", "2"),
            ("cross_entropy", ""),
        ]
        assert graph.modules == {"0": "Linear", "1": "ReLU", "2": "Linear"}
        assert by_header(graph)["2.bias"].module == "2"


def test_without_a_record_ops_belong_where_they_read_a_parameter_first():
    model = network()
    loss = model(np.ones((5, 2), np.float32)).sum()
    loss = loss + (next(iter(model)).weight ** 2).sum()
    ops = [(n.op, n.module) for n in tg.graph(loss, model).nodes if n.op]
    assert ops[:5] == [("matmul", "0"), ("add", "0"), ("relu", ""), ("matmul", "2"), ("add", "2")]
    assert all(module == "" for _, module in ops[5:])


def test_two_models_in_one_record_do_not_mix_names():
    a, b = nn.Linear(2, 3), nn.Linear(3, 1)
    with tg.record() as r:
        loss = b(a(np.ones((4, 2), np.float32))).sum()
    graph = tg.graph(loss, record=r)
    weights = {n.name for n in graph.nodes if n.kind == "parameter"}
    assert len(weights) == 4


# --- values, gradients ----------------------------------------------------------------------------


def test_values_and_gradients_against_numpy():
    model = network()
    loss, r = recorded(model)
    graph = tg.graph(loss, model, record=r)
    W, b, V, c = (p.numpy().astype(np.float64) for p in model.parameters())
    X, y = np.linspace(-1, 1, 10).reshape(5, 2), [0, 2, 1, 1, 0]
    z = X @ W + b
    h = np.maximum(z, 0)
    scores = h @ V + c
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    d = (p - np.eye(3)[y]) / 5
    dz = (d @ V.T) * (z > 0)
    nodes = {(n.module, n.op or n.name): n for n in graph.nodes}
    expected = {
        ("0", "matmul"): (X @ W, dz),
        ("0", "add"): (z, dz),
        ("1", "relu"): (h, d @ V.T),
        ("2", "add"): (scores, d),
        ("0", "0.weight"): (W, X.T @ dz),
        ("2", "2.bias"): (c, d.sum(0)),
        ("", "cross_entropy"): (-np.log(p[range(5), y]).mean(), 1.0),
    }
    for key, (value, g) in expected.items():
        np.testing.assert_allclose(nodes[key].value, value, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(nodes[key].gradient, g, rtol=1e-4, atol=1e-6)
    assert nodes["", "X"].gradient is None
    np.testing.assert_array_equal(nodes["", "X"].value, X.astype(np.float32))


def test_a_gradient_that_was_not_computed_is_not_zero():
    x = tg.Tensor([1.0, -1.0], requires_grad=True, name="x")
    with tg.record() as r:
        dead = tg.relu(x - 5)
        used = dead.sum()
        unused = tg.exp(x).sum()
        used.backward()
    lines = tg.graph([used, unused], record=r).text().splitlines()
    text = {line.split()[1]: line for line in lines[2:]}
    assert "|grad| 0 (all zero)" in text["x"]
    assert "|grad| 1.41" in text["dead"]
    assert "gradient not computed" in text["unused"]
    assert "|grad|" not in text["unused"]


def test_without_a_record_only_what_is_at_hand():
    loss, _ = recorded(network())
    graph = tg.graph(loss)
    assert all(n.value is None for n in graph.nodes if n.kind in ("op", "parameter", "data"))
    assert graph.nodes[-1].value == loss.item()
    assert all(n.gradient is not None for n in graph.nodes if n.kind == "parameter")


def test_a_record_of_something_else():
    x = tg.Tensor([1.0], requires_grad=True)
    with tg.record() as r:
        tg.exp(x)
    with pytest.raises(ValueError, match="nothing of this graph is in the record"):
        tg.graph(tg.exp(x), record=r)
    assert len(tg.graph(x, record=r).nodes) == 1


def test_arguments_of_graph_are_checked():
    x = tg.Tensor([1.0], requires_grad=True)
    with pytest.raises(ValueError, match="give record=r"):
        tg.graph(tg.exp(x), times=True)
    with pytest.raises(TypeError, match=r"takes an nn\.Module as model, not list"):
        tg.graph(tg.exp(x), [nn.Linear(2, 2)])


# --- costs ----------------------------------------------------------------------------------------


def flops_of(tensor):
    return tg.graph(tensor).nodes[-1].flops


def test_flops_by_hand():
    def t(*shape):
        return tg.Tensor(np.ones(shape, np.float32), requires_grad=True)

    assert flops_of(t(5, 2) @ t(2, 7)) == 2 * 5 * 2 * 7
    assert flops_of(t(3, 5, 2) @ t(2, 7)) == 3 * 2 * 5 * 2 * 7
    assert flops_of(t(4) @ t(4)) == 2 * 4
    assert flops_of(t(5, 2) + t(2)) == 10
    assert flops_of(tg.exp(t(5, 2))) == 10
    assert flops_of(t(5, 2).sum(axis=0)) == 10
    assert flops_of(tg.conv2d(t(2, 3, 8, 8), t(4, 3, 3, 3))) == 2 * (2 * 4 * 6 * 6) * (3 * 3 * 3)
    assert flops_of(t(5, 2).reshape(2, 5)) is None


def test_an_op_of_ones_own_says_its_flops():
    cube = tg.define_op(
        lambda x, n: x**n,
        name="cube",
        x=lambda g, x, n: n * g * x ** (n - 1),
        flops=lambda out, x: 7 * out[0],
    )
    assert flops_of(cube(tg.Tensor([1.0, 2.0], requires_grad=True), 3)) == 14


def test_bytes():
    graph = tg.graph(tg.Tensor(np.ones((3, 5), np.float32), requires_grad=True) * 2)
    assert [n.bytes for n in graph.nodes] == [60, None, 60]


def test_the_users_line():
    x = tg.Tensor([1.0], requires_grad=True)
    y = nn.ReLU()(x)
    line = inspect.currentframe().f_lineno - 1
    assert tg.graph(y).nodes[-1].place == (__file__, line)


def test_times_replay_every_op_and_change_nothing():
    rng = np.random.default_rng(0)
    noise = tg.define_op(
        lambda x, rng: x + rng.standard_normal(x.shape), name="noise", x=lambda g: g
    )
    x = tg.Tensor(np.ones(4), requires_grad=True)
    with tg.record() as r:
        loss = tg.concatenate([noise(x, rng), x.reshape(2, 2).sum(axis=0)]).sum(keepdims=True)
    state = rng.bit_generator.state
    value = loss.numpy().copy()
    graph = tg.graph(loss, record=r, times=True)
    assert all(
        (n.seconds is not None and n.seconds >= 0) == (n.op is not None) for n in graph.nodes
    )
    np.testing.assert_array_equal(loss.numpy(), value)
    # The replay draws from a copy of the generator.
    assert rng.bit_generator.state == state


# --- edges ----------------------------------------------------------------------------------------


def test_edges_have_the_names_of_the_arguments():
    a = tg.Tensor([1.0, 2.0], requires_grad=True)
    assert [e.name for e in tg.graph(tg.maximum(a, a * 2)).edges] == ["x", "y", "x", "y"]
    joined = tg.graph(tg.concatenate([a, a])).edges
    assert [e.name for e in joined] == ["arrays[0]", "arrays[1]"]


def test_the_graph_of_a_gradient_has_values_too():
    x = tg.Tensor(3.0, requires_grad=True, name="x")
    with tg.record() as r:
        y = x * x * x
        y.backward(create_graph=True)
    graph = tg.graph(x.grad, record=r)
    assert graph.nodes[-1].value == 27.0
    assert "27" in graph.text()
    assert node_of(x.grad) in r.forward


def test_where_a_value_left_the_graph():
    w = tg.Tensor([1.5, 2.5], requires_grad=True, name="w")
    with tg.record() as r:
        total = w.sum()
        loss = (w / math.sqrt((w * w).sum())).sum() + total * float(total)
        with pytest.warns(tg.DetachedWarning):
            loss.backward()
    graph = tg.graph(loss, record=r)
    line = inspect.currentframe().f_lineno - 4
    text = f"bare number: float(t) at test_graphs_details.py:{line}"
    assert {node.op for node in graph.nodes if node.exit == text} == {"divide", "sum"}
    assert str(graph).count("bare number: float(t)") == 2
    assert graph.svg("builtin").count("bare") == 2
    assert all(not node.exit for node in tg.graph(loss).nodes)
