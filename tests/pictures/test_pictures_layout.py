"""The built-in layout: what every drawing must keep to, whatever the graph."""

import functools
import itertools
import random

import numpy as np
import pytest
from picture_cases import CASES, graph_of, leaf, recurrent

import tinygrad_np as tg
from tinygrad_np.pictures import layers, style
from tinygrad_np.pictures.columns import spread
from tinygrad_np.pictures.layout import lay_out


def random_program(seed):
    r = random.Random(seed)
    values = [leaf(f"p{k}", 2) for k in range(r.randint(1, 5))]
    for _ in range(r.randint(5, 40)):
        op = r.choice([tg.add, tg.maximum, tg.tanh, tg.sigmoid, lambda a: a - 2.5])
        many = r.choice([values, values[-4:]])
        binary = op in (tg.add, tg.maximum)
        values.append(op(r.choice(many), r.choice(many)) if binary else op(r.choice(many)))
    return tg.graph(values[-3:])


SEEDS = range(12)
GRAPHS = [*CASES, *SEEDS]


@pytest.fixture(scope="module", params=GRAPHS, ids=str)
def layout(request):
    case = request.param
    return lay_out(graph_of(case) if case in CASES else random_program(case))


def test_every_node_has_its_box_inside_the_picture(layout):
    assert [box.node for box in layout.boxes] == list(layout.graph.nodes)
    for box in layout.boxes:
        assert box.width / 2 < box.x < layout.width - box.width / 2
        assert box.height / 2 < box.y < layout.height - box.height / 2


def test_boxes_do_not_touch(layout):
    for a, b in itertools.combinations(layout.boxes, 2):
        apart_x = abs(a.x - b.x) - (a.width + b.width) / 2
        apart_y = abs(a.y - b.y) - (a.height + b.height) / 2
        assert apart_x >= 20 or apart_y >= 20, (a.node.header, b.node.header)


def points(piece, count=17):
    t = np.linspace(0, 1, count)[:, None]
    a, b, c, d = map(np.array, piece)
    return (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d


def test_lines_go_down_and_stay_outside_of_all_boxes(layout):
    boxes = layout.boxes
    left = np.array([b.x - b.width / 2 for b in boxes])
    right = np.array([b.x + b.width / 2 for b in boxes])
    top = np.array([b.y - b.height / 2 for b in boxes])
    bottom = np.array([b.y + b.height / 2 for b in boxes])
    for line in layout.lines:
        path = np.concatenate([points(piece) for piece in line.pieces])
        assert np.all(np.diff(path[:, 1]) >= -1e-6)
        for before, after in itertools.pairwise(line.pieces):
            assert before[-1] == pytest.approx(after[0])
        x, y = path[:, :1], path[:, 1:]
        inside = (x > left) & (x < right) & (y > top + 1e-6) & (y < bottom - 1e-6)
        assert not inside.any()


def test_every_edge_is_an_arrow_to_the_top_of_its_target_in_argument_order(layout):
    arrows = [line for line in layout.lines if line.arrow]
    assert len(arrows) == len(layout.graph.edges)
    entering = {}
    for line, edge in zip(arrows, layout.graph.edges):
        assert line.dashed != edge.gradient
        x, y = line.pieces[-1][-1]
        box = layout.boxes[edge.target]
        assert y == pytest.approx(box.y - box.height / 2)
        assert abs(x - box.x) <= box.width / 2 - 10
        entering.setdefault(edge.target, []).append((edge.argument, x))
    for ends in entering.values():
        xs = [x for _, x in sorted(ends)]
        assert xs == sorted(xs)
        assert all(b - a >= 0.9 for a, b in itertools.pairwise(xs))


def test_every_edge_can_be_followed_back_to_its_source(layout):
    """Each arrow starts at its source, or on a line that itself starts at its source."""
    trunks = [line for line in layout.lines if not line.arrow]
    bottoms = {(b.x, b.y + b.height / 2): b.node.id for b in layout.boxes}
    arrows = [line for line in layout.lines if line.arrow]
    for line, edge in zip(arrows, layout.graph.edges):
        start = line.pieces[0][0]
        if bottoms.get(start) != edge.source:
            sources = {
                bottoms[trunk.pieces[0][0]]
                for trunk in trunks
                if trunk.dashed == line.dashed and any(p[-1] == start for p in trunk.pieces)
            }
            assert edge.source in sources


def test_inputs_stand_above_what_is_made_of_them(layout):
    for edge in layout.graph.edges:
        source, target = layout.boxes[edge.source], layout.boxes[edge.target]
        assert source.y + source.height / 2 < target.y - target.height / 2


@functools.cache
def width(text, size, **font):
    """The width in DejaVu Sans, the widest of the usual fonts, which matplotlib brings."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    text = "".join(c if ord(c) < 0x3000 else "W" for c in text)  # a glyph that it has
    path = TextPath((0, 0), f"|{text}|", size, prop=FontProperties(**font))
    return path.get_extents().width


@pytest.mark.oracle
def test_texts_fit_their_boxes(layout):
    pytest.importorskip("matplotlib")
    for box in layout.boxes:
        node = box.node
        if node.kind == "number":
            text = width(node.header, style.MONO_SIZE, family="DejaVu Sans Mono")
            assert text < box.width - 4
            continue
        head = width(style.bold(node), style.BOLD_SIZE, family="DejaVu Sans", weight="bold")
        if node.size_text:
            head += 8 + width(node.size_text, style.MONO_SIZE, family="DejaVu Sans Mono") - 10
        assert head < box.width, node.header
        for row in style.rows(node):
            assert width(row.text, style.QUIET_SIZE, family="DejaVu Sans") < box.width


def test_the_main_line_of_a_classifier_is_straight():
    layout = lay_out(graph_of("classifier"))
    ops = [box for box in layout.boxes if box.node.op]
    assert len(ops) == 6
    assert max(b.x for b in ops) - min(b.x for b in ops) < 1e-6
    assert [b.node.op for b in sorted(ops, key=lambda b: b.y)] == [
        "matmul",
        "add",
        "relu",
        "matmul",
        "add",
        "cross_entropy",
    ]


@pytest.mark.parametrize("case", ["classifier", "expression", "chain", "wide"])
def test_these_have_no_crossings(case):
    layered = layers.assign_layers(graph_of(case))
    assert brute_crossings(layered) == 0


def brute_crossings(layered):
    count = 0
    for upper, lower in itertools.pairwise(layered.order):
        lines = [
            (upper.index(u), j, k)
            for j, v in enumerate(lower)
            for k, u in enumerate(layered.above[v])
        ]
        for (a, *end_a), (b, *end_b) in itertools.combinations(lines, 2):
            count += (a - b) * ((end_a > end_b) - (end_a < end_b)) < 0
    return count


@pytest.mark.parametrize("seed", SEEDS)
def test_crossings_are_counted_right_and_never_added(seed):
    graph = random_program(seed)
    layered = layers.assign_layers(graph)
    assert layers._crossings(layered.order, layered.above) == brute_crossings(layered)
    _, layer = layers._layers(graph, layered.nests)
    _, comes_from = layers._lanes(graph.edges, layer)
    first = layers._first_order(graph, layer, comes_from, layered.above)
    assert brute_crossings(layered) <= brute_crossings(layered._replace(order=first))


@pytest.mark.parametrize("seed", range(20))
def test_spread_against_the_min_max_formula(seed):
    """Isotonic regression is max over starts, min over ends, of the weighted means."""
    r = np.random.default_rng(seed)
    n = r.integers(1, 9)
    wanted, gaps, weights = r.normal(0, 50, n), r.uniform(1, 30, n), r.uniform(0.1, 5, n)
    offsets = np.cumsum(gaps)
    goal = wanted - offsets

    def mean(j, k):
        return np.average(goal[j : k + 1], weights=weights[j : k + 1])

    expected = [
        max(min(mean(j, k) for k in range(i, n)) for j in range(i + 1)) + offsets[i]
        for i in range(n)
    ]
    np.testing.assert_allclose(spread(wanted, offsets, weights), expected)


def test_long_graphs_share_lines_instead_of_growing_quadratically():
    sizes = [len(tg.graph(recurrent(n)).svg("builtin")) for n in (40, 160)]
    assert sizes[1] < 5 * sizes[0]


def test_without_room_for_lanes_lines_are_straight(monkeypatch):
    monkeypatch.setattr(layers, "MAX_PLACES", 3)
    graph = graph_of("recurrent")
    layout = lay_out(graph)
    assert sum(line.arrow for line in layout.lines) == len(graph.edges)
    assert all(line.arrow or len(line.pieces) <= 6 for line in layout.lines)
    test_boxes_do_not_touch(layout)
