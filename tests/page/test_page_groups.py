"""Groups of the step-through page: modules, loops and turns, and the places of what is in them."""

import itertools

import numpy as np
import pytest
from page_cases import looped, small

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.page.groups import Group, groups_of
from tinygrad_np.page.names import Names, numbered
from tinygrad_np.page.places import places_of
from tinygrad_np.page.telling import Captions


def outline(graph, group=None):
    """Each group by its title, with what is in it; leaves and ops by name."""
    group = groups_of(graph) if group is None else group
    return [
        (member.title, outline(graph, member))
        if isinstance(member, Group)
        else graph.nodes[member].header
        for member in group.members
    ]


def titles(graph):
    return [group.title for group in groups_of(graph).walk()]


class Block(nn.Module):
    """A residual block around two layers."""

    def __init__(self):
        self.inner = nn.Linear(3, 3)
        self.outer = nn.Linear(3, 3)

    def forward(self, x):
        return x + self.outer(tg.tanh(self.inner(x)))


def deep(count):
    tg.manual_seed(0)
    model = nn.Sequential(*(Block() for _ in range(count)))
    x = tg.Tensor(np.ones((2, 3), np.float32), name="x")
    with tg.record() as run:
        loss = (model(x) ** 2).mean()
        loss.backward()
    return tg.graph(loss, model, record=run)


def tied():
    """A weight that two modules read, the first of which does not own it."""
    tg.manual_seed(0)
    first, last = nn.Linear(3, 3), nn.Linear(3, 3)
    first.weight = last.weight
    model = nn.Sequential({"last": last, "first": first})
    x = tg.Tensor(np.ones((2, 3), np.float32), name="x")
    with tg.record() as run:
        loss = last(tg.tanh(first(x))).sum()
        loss.backward()
    return tg.graph(loss, model, record=run)


class Twice(nn.Module):
    """One weight for two layers, and no op of its own."""

    def __init__(self):
        self.weight = nn.Parameter(np.eye(3, dtype=np.float32))
        self.first, self.second = Tied(self.weight), Tied(self.weight)

    def forward(self, x):
        return self.second(self.first(x))


class Tied(nn.Module):
    """A layer with a weight of somebody else's."""

    def __init__(self, weight):
        self.weight = weight

    def forward(self, x):
        return tg.tanh(x @ self.weight) * 2


def used_before():
    """A weight of a module whose parts alone read it, and that is read before the module is."""
    model = Twice()
    x = tg.Tensor(np.ones((2, 3), np.float32), name="x")
    with tg.record() as run:
        loss = model(x @ model.weight).sum()
        loss.backward()
    return tg.graph(loss, model, record=run)


CASES = {
    "small": small,
    "loop of 12": lambda: looped(12),
    "12 blocks": lambda: deep(12),
    "tied": tied,
    "used before": used_before,
}


@pytest.fixture(scope="module", params=CASES)
def graph(request):
    return CASES[request.param]()


def test_a_loop_is_a_group_of_its_turns():
    found = outline(looped(4))
    (loop,) = (member for member in found if isinstance(member, tuple))
    assert loop[0] == "(matmul → … → tanh) ×4"
    turns = [member for member in loop[1] if isinstance(member, tuple)]
    assert [turn for turn, _ in turns] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert turns[2][1] == ["matmul", "matmul", "add", "h = tanh"]
    leaves = [member for member in loop[1] if isinstance(member, str)]
    assert leaves == ["W", "U", "x0", "x1", "x2", "x3"]  # what turns read: beside them
    assert "h0" in found  # other data: outside


def test_data_of_the_first_turn_stays_outside():
    """Also where other data of its shape is read by the same op."""
    w = tg.Tensor(np.eye(3), requires_grad=True, name="w")
    others = [tg.Tensor(np.full((2, 3), float(k)), name=f"other{k}") for k in range(3)]
    h = tg.Tensor(np.ones((2, 3)), name="x")
    with tg.record() as run:
        for _ in range(4):
            h = tg.tanh(h @ w * 2.0)
        loss = (h + others[0] @ w + others[1] @ w + others[2] @ w).sum()
        loss.backward()
    found = outline(tg.graph(loss, record=run))
    assert {"x", "other0"} < {member for member in found if isinstance(member, str)}
    assert "(matmul → multiply → tanh) ×4" in titles(tg.graph(loss, record=run))


def test_a_loop_of_two_turns_is_none():
    assert titles(looped(2)) == [""]


def test_layers_in_a_row_are_one_group_of_them():
    graph = deep(5)
    assert titles(graph)[1:5] == ["Block ×5", "0 · Block", "inner · Linear", "outer · Linear"]
    (loop,) = (member for member in outline(graph) if isinstance(member, tuple))
    block = loop[1][0]
    assert [m if isinstance(m, str) else m[0] for m in block[1]] == [
        "inner · Linear",
        "tanh",
        "outer · Linear",
        "add",
    ]


def test_branches_beside_each_other_are_no_loop():
    x = tg.Tensor(np.ones((2, 3)), requires_grad=True, name="x")
    with tg.record() as run:
        parts = [tg.tanh(tg.exp(x) * 2) for _ in range(3)]
        loss = (parts[0] + parts[1] + parts[2]).sum()
        loss.backward()
    assert titles(tg.graph(loss, record=run)) == [""]


def test_every_node_is_in_one_group_and_what_a_group_reads_was_made_before(graph):
    whole = groups_of(graph)
    members = [m for group in whole.walk() for m in group.members if isinstance(m, int)]
    assert sorted(members) == list(range(len(graph.nodes)))
    for group in whole.walk():
        inside = {m for inner in group.walk() for m in inner.members if isinstance(m, int)}
        ops = [i for i in sorted(inside) if graph.nodes[i].op is not None]
        between = [n.id for n in graph.nodes if n.op is not None and ops[0] <= n.id <= ops[-1]]
        assert ops == between, group.title
        for edge in graph.edges:
            if edge.source in inside and edge.target not in inside:
                assert edge.target > ops[0], group.title


def test_rows_go_down_and_boxes_keep_their_distance(graph):
    names = Names(graph).nodes
    for entry in places_of(numbered(graph, names), groups_of(graph), Captions({}, {})):
        row = {item: k for k, items in enumerate(entry["rows"]) for item in items}
        top = len(entry["enter"])
        ports = (
            range(top),
            range(top + len(entry["members"]), top + len(entry["members"]) + len(entry["leave"])),
        )
        assert all(row[item] == 0 for item in ports[0])
        assert all(row[item] == len(entry["rows"]) - 1 for item in ports[1])
        widths = dict(enumerate(entry["widths"], top))
        for items in entry["rows"]:
            for a, b in itertools.pairwise(items):
                gap = entry["xs"][b] - entry["xs"][a]
                assert gap >= (widths.get(a, 0) + widths.get(b, 0)) / 2 + 8
        for (
            _,
            start,
            end,
            *_,
        ) in entry["lines"]:
            assert row[start] < row[end]
