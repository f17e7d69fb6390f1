"""Folding repeated ops and modules, and the graph as text."""

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from tinygrad_np.graphs.graph import Edge, Graph, GraphNode
from tinygrad_np.pictures import style
from tinygrad_np.pictures.folding import fold


class Block(nn.Module):
    def __init__(self, n):
        self.inner = nn.Linear(n, n)

    def forward(self, x):
        return x + tg.relu(self.inner(x))


def deep(layers=4):
    model = nn.Sequential(nn.Linear(2, 8), *(Block(8) for _ in range(layers)), nn.Linear(8, 1))
    with tg.record() as r:
        out = model(np.ones((3, 2), np.float32))
        loss = (out * out).mean()
    return loss, model, r


def test_repeated_blocks_become_one():
    loss, model, r = deep()
    graph = tg.graph(loss, model, record=r).folded()
    assert [n.header for n in graph.nodes if n.op] == [
        "Linear",
        "Block ×4",
        "out = Linear",
        "multiply",
        "loss = mean",
    ]
    assert [n.parameters for n in graph.nodes if n.kind == "block"] == [24, 4 * 72, 9]


def test_linear_times_four():
    model = nn.Sequential(*(nn.Linear(8, 8) for _ in range(4)))
    with tg.record() as r:
        loss = model(np.ones((3, 8), np.float32)).sum()
    graph = tg.graph(loss, model, record=r)
    assert [n.header for n in graph.folded().nodes] == ["data", "Linear ×4", "loss = sum"]
    whole, folded = graph.totals, graph.folded().totals
    assert whole == folded == "9 ops · 288 parameters in 8 tensors"
    for attribute in ("flops", "bytes", "parameters"):
        sums = [sum(getattr(n, attribute) or 0 for n in g.nodes) for g in (graph, graph.folded())]
        assert sums[0] == sums[1], attribute


def test_blocks_of_other_shapes_are_not_the_same():
    model = nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 8), nn.Linear(8, 8))
    with tg.record() as r:
        loss = model(np.ones((3, 8), np.float32)).sum()
    headers = [n.header for n in tg.graph(loss, record=r).folded().nodes if n.op]
    assert headers == ["Linear", "Linear", "Linear", "loss = sum"]


def test_shared_leaves_stay():
    W, h = tg.Tensor(np.eye(4), requires_grad=True, name="W"), tg.Tensor(np.ones((2, 4)))
    for _ in range(6):
        h = tg.tanh(h @ W)
    graph = tg.graph(h.sum()).folded()
    assert "W" in [n.header for n in graph.nodes]
    assert len(graph.nodes) < 8


@pytest.mark.parametrize("seed", range(15))
def test_folds_of_random_programs_are_graphs(seed):
    """Edges lead to larger ids, nothing is lost, and what depends on what stays so."""
    r = np.random.default_rng(seed)
    values = [tg.Tensor(np.ones(2), requires_grad=True, name=f"p{k}") for k in range(3)]
    for _ in range(60):
        op = [tg.tanh, tg.sigmoid, tg.add][r.integers(3)]
        pick = [values[max(0, len(values) - 1 - r.integers(4))] for _ in range(2)]
        values.append(op(*pick) if op is tg.add else op(pick[0]))
    graph = tg.graph(values[-2:])
    folded = fold(graph)
    assert [n.id for n in folded.nodes] == list(range(len(folded.nodes)))
    assert all(e.source < e.target for e in folded.edges)
    assert sum(n.flops or 0 for n in folded.nodes) == sum(n.flops or 0 for n in graph.nodes)
    assert sum(n.kind == "output" for n in folded.nodes) == sum(
        n.kind == "output" for n in graph.nodes
    )
    reached, waiting = set(), [n.id for n in folded.nodes if n.kind == "output"]
    while waiting:
        i = waiting.pop()
        if i not in reached:
            reached.add(i)
            waiting += [e.source for e in folded.edges if e.target == i]
    assert reached == set(range(len(folded.nodes)))


def test_large_graphs_fold_by_themselves_and_say_so():
    t = tg.Tensor([1.0], requires_grad=True)
    for k in range(400):
        t = tg.tanh(t) if k % 2 else tg.exp(t)
    graph = tg.graph(t)
    for text in (str(graph), graph.dot(), graph.svg("builtin")):
        assert "401 nodes folded to" in text
        assert "collapse=False draws all" in text
        assert text.count("tanh") < 10
    assert graph.text(collapse=False).count("tanh") > 199
    small = tg.graph(tg.exp(tg.exp(tg.exp(tg.Tensor([1.0], requires_grad=True)))))
    assert "folded" not in str(small)
    assert "exp ×2" not in small.dot()


# --- text, and graphs from elsewhere --------------------------------------------------------------


def made_by_hand():
    nodes = (
        GraphNode(0, "data", None, "X", (3, 2), "float32"),
        GraphNode(1, "parameter", None, "W", (2, 4), "float32"),
        GraphNode(2, "op", "matmul", "z", (3, 4), "float32", module="enc", flops=48, bytes=48),
        GraphNode(3, "op", "relu", None, (3, 4), "float32", module="enc"),
        GraphNode(4, "output", "sum", "loss", (), "float32"),
    )
    edges = (
        Edge(0, 2, 0, False, "x"),
        Edge(1, 2, 1, True, "y"),
        Edge(2, 3, 0, True, "x"),
        Edge(3, 4, 0, True, "x"),
    )
    return Graph(nodes, edges, modules={"enc": "Encoder"}, title="a program", totals="5 lines")


def test_the_text_form():
    assert str(made_by_hand()).splitlines() == [
        "a program   5 lines",
        "▱ data  ▣ parameter  ○ op  ◎ loss / output",
        "▱  X                 3×2                 float32",
        "▣  W                 2×4                 float32",
        "○  z = matmul(X, W)  3×4  enc · Encoder  float32",
        "○  #3 = relu(z)      3×4  enc · Encoder  float32",
        "◎  loss = sum(#3)    ()                  float32",
    ]


def test_a_graph_of_plain_tuples_draws_everywhere():
    graph = made_by_hand()
    for text in (graph.dot(), graph.svg("builtin")):
        assert "enc · Encoder" in text
        assert "a program" in text
    assert "48 FLOP" in graph.svg("builtin", show={"flops"})
    assert [n.header for n in graph.folded().nodes] == ["X", "Encoder", "loss = sum"]


def test_what_a_loop_reads_anew_each_time_is_one_node():
    rng = np.random.default_rng(0)
    sequence, mask = rng.standard_normal((30, 2, 3)), rng.random((2, 3)) > 0.5
    w = tg.Tensor(rng.standard_normal((3, 3)), requires_grad=True, name="w")
    with tg.record() as r:
        hidden = tg.Tensor(np.zeros((2, 3)), name="start")
        for t in range(30):
            hidden = tg.tanh(sequence[t] + hidden @ w) * mask
        loss = hidden.mean()
    folded = tg.graph(loss, record=r).folded()
    headers = [node.header for node in folded.nodes]
    block = "hidden = (matmul → add → tanh → multiply) ×30"
    assert headers == ["w", "start", "sequence[0] … sequence[29]", "mask", block, "loss = mean"]
    assert folded.nodes[2].value is None  # of which of them?
    assert style.bold(folded.nodes[4]).endswith("… ×30")
