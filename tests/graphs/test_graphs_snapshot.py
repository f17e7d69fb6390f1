"""`graph(...)`: which nodes and edges it finds, and that it stays what it was."""

import gc
import random
import shutil
import subprocess
import sys
import time
import weakref

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.core.tensor import node_of


def leaf(*shape, name=None, dtype=np.float64):
    return tg.Tensor(np.ones(shape, dtype), requires_grad=True, name=name)


def classifier():
    X = tg.Tensor(np.ones((5, 2), np.float32), name="X")
    y = tg.Tensor(np.array([0, 2, 1, 1, 0], np.uint8), name="y")
    W, b = leaf(2, 3, name="W", dtype=np.float32), leaf(3, name="b", dtype=np.float32)
    logits = X @ W + b
    logits.name = "logits"
    loss = tg.cross_entropy(logits, y)
    loss.name = "loss"
    return loss


CLASSIFIER_NODES = {
    ("data", None, "X", (5, 2), "float32"),
    ("data", None, "y", (5,), "uint8"),
    ("parameter", None, "W", (2, 3), "float32"),
    ("parameter", None, "b", (3,), "float32"),
    ("op", "matmul", None, (5, 3), "float32"),
    ("op", "add", "logits", (5, 3), "float32"),
    ("output", "cross_entropy", "loss", (), "float32"),
}
CLASSIFIER_EDGES = {
    ("X", "matmul", 0, False),
    ("W", "matmul", 1, True),
    ("matmul", "logits", 0, True),
    ("b", "logits", 1, True),
    ("logits", "loss", 0, True),
    ("y", "loss", 1, False),
}


def described(graph):
    """Nodes and edges without their ids."""
    nodes = [(n.kind, n.op, n.name, n.shape, n.dtype) for n in graph.nodes]
    names = [n.name or n.op for n in graph.nodes]
    edges = [(names[e.source], names[e.target], e.argument, e.gradient) for e in graph.edges]
    return nodes, edges


def test_a_classifier():
    nodes, edges = described(tg.graph(classifier()))
    assert (len(nodes), set(nodes)) == (7, CLASSIFIER_NODES)
    assert (len(edges), set(edges)) == (6, CLASSIFIER_EDGES)


def test_it_survives_backward():
    loss = classifier()
    before = tg.graph(loss)
    loss.backward()
    after = tg.graph(loss)
    assert [n._replace(gradient=None) for n in after.nodes] == list(before.nodes)
    assert after.edges == before.edges


def test_ids_are_positions_and_edges_go_up_in_them():
    graph = tg.graph(classifier())
    assert [n.id for n in graph.nodes] == list(range(7))
    assert all(e.source < e.target for e in graph.edges)


def test_later_changes_do_not_reach_it():
    x = leaf(2, name="x")
    y = x * x
    graph = tg.graph(y)
    x.name = "renamed"
    y += 1
    assert [n.header for n in graph.nodes] == ["x", "y = multiply"]


def test_it_keeps_neither_nodes_nor_arrays_alive():
    gc.disable()
    try:
        x = leaf(3)
        y = tg.exp(x * 2)
        node, array = weakref.ref(node_of(y)), weakref.ref(y.data)
        graph = tg.graph(y)
        del x, y
        assert node() is None
        assert array() is None
        assert len(graph.nodes) == 4
    finally:
        gc.enable()


def test_shared_values_are_one_node_and_every_use_an_edge():
    x = leaf(2, name="x")
    h = tg.exp(x)
    graph = tg.graph(h * h + x)
    assert [n.header for n in graph.nodes] == ["x", "h = exp", "multiply", "add"]
    assert [(e.source, e.target, e.argument) for e in graph.edges] == [
        (0, 1, 0),
        (1, 2, 0),
        (1, 2, 1),
        (2, 3, 0),
        (0, 3, 1),
    ]


def test_numbers_are_nodes_of_their_own_for_each_use():
    graph = tg.graph(2 * (leaf(2) * 2) + 0.1)
    numbers = [n for n in graph.nodes if n.kind == "number"]
    assert [n.value for n in numbers] == [2, 2, 0.1]
    assert all(n.shape is None and n.dtype is None and n.op is None for n in numbers)
    assert len(graph.nodes) == 7
    assert all(not e.gradient for e in graph.edges if graph.nodes[e.source].kind == "number")


@pytest.mark.parametrize(
    ("value", "header"),
    [(2, "2"), (-3, "-3"), (0.1, "0.1"), (1 / 3, "0.333333"), (1e-12, "1e-12"), (True, "True")],
)
def test_how_numbers_are_written(value, header):
    numbers = [n for n in tg.graph(leaf(2) * value).nodes if n.kind == "number"]
    assert [n.header for n in numbers] == [header]


def test_absent_inputs_are_left_out():
    graph = tg.graph(tg.clip(leaf(2), None, 1.0))
    assert [n.header for n in graph.nodes] == ["parameter", "1", "clip"]
    assert [e.argument for e in graph.edges] == [0, 2]


def test_bare_arrays_are_data():
    graph = tg.graph(leaf(2) * np.ones((3, 1), np.float32))
    assert [(n.kind, n.shape, n.dtype) for n in graph.nodes[:2]] == [
        ("parameter", (2,), "float64"),
        ("data", (3, 1), "float32"),
    ]


@pytest.mark.parametrize("needs", [True, False])
def test_a_lone_leaf(needs):
    graph = tg.graph(tg.Tensor([1.0, 2.0], requires_grad=needs, name="t"))
    assert [(n.kind, n.name, n.shape) for n in graph.nodes] == [
        ("parameter" if needs else "data", "t", (2,))
    ]
    assert graph.edges == ()
    assert graph.title == "t"


def test_what_was_not_recorded_is_data():
    with tg.no_grad():
        result = leaf(2) * 3
    assert [n.kind for n in tg.graph(result).nodes] == ["data"]
    assert [n.kind for n in tg.graph(tg.Tensor([1.0]) * 3).nodes] == ["data"]


def test_several_outputs():
    x = leaf(2, name="x")
    h = tg.exp(x)
    total = h.sum()
    graph = tg.graph([total, h, total])
    assert [(n.header, n.kind) for n in graph.nodes] == [
        ("x", "parameter"),
        ("h = exp", "output"),
        ("total = sum", "output"),
    ]
    assert graph.title == "2 outputs"
    assert tg.graph((total,)).title == "total = sum"


def test_an_op_with_several_outputs():
    halves = tg.define_op(
        lambda x: (x[:1] * 1, x[1:] * 1),
        name="halves",
        x=lambda g, x: np.concatenate([x * 0 if part is None else part for part in g]),
    )
    first, _second = halves(leaf(2, name="x"))
    graph = tg.graph(first)
    assert [(n.op, n.shape, n.dtype) for n in graph.nodes] == [
        (None, (2,), "float64"),
        ("halves", None, None),
        ("output", (1,), "float64"),
    ]


def test_no_gradient_flows_to_data_or_where_there_is_no_rule():
    step = tg.define_op(
        lambda x, scale: np.sign(x) * scale, name="step", x=None, scale=lambda g, x: g * np.sign(x)
    )
    graph = tg.graph(step(leaf(2), leaf(2)))
    assert [e.gradient for e in graph.edges] == [False, True]
    graph = tg.graph(tg.concatenate([leaf(2), np.ones(1), leaf(3)]))
    assert [(e.argument, e.gradient) for e in graph.edges] == [(0, True), (1, False), (2, True)]


def test_the_graph_of_a_gradient():
    x = tg.Tensor(3.0, requires_grad=True, name="x")
    (x * x * x).backward(create_graph=True)
    graph = tg.graph(x.grad)
    assert graph.nodes[0].name == "x"
    assert graph.nodes[-1].kind == "output"
    assert any(e.source == 0 and e.gradient for e in graph.edges)


def test_random_programs_against_their_own_record():
    """An oracle that never looks at the engine's nodes: what the program did, as it did it."""
    r = random.Random(3)
    for _ in range(25):
        values = [(leaf(2, name=f"p{k}"), f"p{k}") for k in range(3)]
        made = {}
        for k in range(r.randint(1, 30)):
            a, b = r.choice(values), r.choice(values)
            result = r.choice([tg.add, tg.multiply, tg.maximum])(a[0], b[0])
            result.name = f"v{k}"
            made[f"v{k}"] = (a[1], b[1])
            values.append((result, f"v{k}"))
        reached, waiting = set(), [f"v{k}"]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += made.get(name, ())
        graph = tg.graph(values[-1][0])
        names = [n.name for n in graph.nodes]
        assert sorted(names) == sorted(reached)
        found = {(names[e.source], names[e.target], e.argument) for e in graph.edges}
        assert found == {
            (source, name, k) for name in reached for k, source in enumerate(made.get(name, ()))
        }
        assert len(graph.edges) == len(found)


def chain(length):
    t = tg.Tensor([1.0], requires_grad=True)
    for _ in range(length):
        t = tg.tanh(t)
    return t


def test_a_very_deep_graph_needs_no_recursion():
    code = (
        "import sys, tinygrad_np as tg\n"
        "t = tg.Tensor([1.0], requires_grad=True)\n"
        "for _ in range(20_000): t = tg.tanh(t)\n"
        "sys.setrecursionlimit(150)\n"
        "graph = tg.graph(t)\n"
        "print(len(graph.nodes), len(graph.edges))\n"
        "print(graph.dot(collapse=False).count('tanh'), graph.dot().count('tanh ×19,998'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    # The 20,000 labels, and the title; folded, all between the first and last are one node.
    assert done.stdout.split() == ["20001", "20000", "20001", "1"], done.stderr


def test_ten_thousand_nodes_take_well_under_a_second():
    t = chain(10_000)
    start = time.process_time()
    tg.graph(t)
    assert time.process_time() - start < 0.8


@pytest.mark.parametrize(
    ("make", "totals"),
    [
        (classifier, "3 ops · 9 parameters in 2 tensors"),
        (lambda: leaf(30, 50).sum(), "1 op · 1,500 parameters"),
        (lambda: leaf(), "0 ops · 1 parameter"),
        (lambda: tg.Tensor([1.0]), "0 ops · 0 parameters"),
    ],
)
def test_title_and_totals(make, totals):
    graph = tg.graph(make())
    assert graph.totals == totals
    assert repr(graph) == f"<Graph {graph.title}: {totals}>"


@pytest.mark.parametrize(
    ("shape", "text"), [((300, 2), "300×2"), ((5,), "5"), ((), "()"), ((0, 3), "0×3")]
)
def test_how_shapes_are_written(shape, text):
    assert tg.graph(leaf(*shape)).nodes[0].size_text == text


@pytest.mark.parametrize("wrong", [np.ones(2), 3.0, None, "loss", [np.ones(2)], {"a": 1}])
def test_only_tensors(wrong):
    with pytest.raises(TypeError, match=r"graph\(\) draws a Tensor, or a list of them, not"):
        tg.graph(wrong)


@pytest.mark.parametrize("empty", [[], ()])
def test_an_empty_list(empty):
    with pytest.raises(ValueError, match="at least one Tensor"):
        tg.graph(empty)


def test_public_names():
    assert isinstance(tg.graph(classifier()), tg.Graph)


def test_source_for_the_graphviz_package():
    graphviz = pytest.importorskip("graphviz")
    x = tg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    picture = tg.graph((x * x).sum())
    source = picture.source()
    assert isinstance(source, graphviz.Source)
    assert source.source.strip() == picture.dot().strip()
    if shutil.which("dot"):
        assert source.pipe("pdf").startswith(b"%PDF")


def test_source_without_the_graphviz_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r"graphviz.*tinygrad-np\[viz\]"):
        tg.graph(tg.Tensor(1.0)).source()
