"""Modules as frames, and what `show` adds to the picture."""

import re

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from tinygrad_np.pictures import figures, style
from tinygrad_np.pictures.layout import lay_out


class Block(nn.Module):
    def __init__(self, n):
        self.inner = nn.Linear(n, n)
        self.outer = nn.Linear(n, n)

    def forward(self, x):
        return x + self.outer(tg.relu(self.inner(x)))


def shared():
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.ReLU(), nn.Linear(4, 4), layer, layer)


MODELS = {
    "mlp": lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4)),
    "blocks": lambda: nn.Sequential(nn.Linear(4, 6), Block(6), Block(6), nn.Linear(6, 3)),
    "shared": shared,
}


def graph_of(name, times=False):
    model = MODELS[name]()
    X = tg.Tensor(np.ones((5, 4), np.float32), name="X")
    y = tg.Tensor(np.zeros(5, int), name="y")
    with tg.record() as r:
        loss = nn.cross_entropy(model(X), y)
        loss.backward()
    return tg.graph(loss, model, record=r, times=times)


@pytest.mark.parametrize("shown", [(), ("values", "gradients", "shapes", "arguments", "bytes")])
@pytest.mark.parametrize("name", MODELS)
def test_frames_hold_their_nodes_and_no_others(name, shown):
    graph = graph_of(name)
    layout = lay_out(graph, shown)
    assert layout.frames
    for frame in layout.frames:
        path = frame.text.split(" · ")[0]
        assert 0 < frame.left < frame.right < layout.width
        assert frame.top < frame.bottom < layout.height
        inside = 0
        for box in layout.boxes:
            belongs = box.node.module == path or box.node.module.startswith(path + ".")
            apart = (
                box.x + box.width / 2 <= frame.left
                or box.x - box.width / 2 >= frame.right
                or box.y + box.height / 2 <= frame.top
                or box.y - box.height / 2 >= frame.bottom
            )
            assert belongs or apart, (frame.text, box.node.header)
            inside += belongs and not apart
        assert inside
    covered = {
        (frame.text.split(" · ")[0], box.node.id)
        for frame in layout.frames
        for box in layout.boxes
        if frame.left < box.x < frame.right and frame.top < box.y < frame.bottom
    }
    framed = {path for path, _ in covered}
    for node in graph.nodes:
        assert node.module not in framed or (node.module, node.id) in covered


def test_a_module_called_once_has_one_frame():
    for name, count in (("mlp", 2), ("blocks", 8)):
        frames = lay_out(graph_of(name)).frames
        assert len(frames) == len({f.text for f in frames}) == count


def test_the_dot_text_nests_modules():
    text = graph_of("blocks").dot()
    lines = text.splitlines()
    depth, where, clusters = 0, {}, []
    for line in lines[1:]:
        if "subgraph" in line:
            depth += 1
            clusters.append(None)
        elif m := re.match(r" +label=<.*>(.+)</FONT>", line):
            clusters[-1] = m[1]
        elif line.strip() == "}" and depth:
            depth -= 1
            clusters.pop()
        elif m := re.fullmatch(r" +n(\d+);", line):
            where[int(m[1])] = list(clusters)
    graph = graph_of("blocks")
    for node in graph.nodes:
        inner = where.get(node.id, [""])[-1].split(" · ")[0]
        assert inner == node.module
    assert ["1 · Block", "1.inner · Linear"] in where.values()


def test_what_show_adds():
    graph = graph_of("mlp", times=True)
    for text in (graph.dot(show=()), graph.svg("builtin", show=())):
        assert not re.search(r"μ|\|grad\||KiB| B<|FLOP|µs|test_draw", text)
    for what, sign in {
        "values": "μ ",
        "gradients": "|grad| ",
        "bytes": "160 B",
        "flops": "320 FLOP",
        "time": " %)",
        "lines": "test_pictures_modules.py:",
        "arguments": ">x<",
        "shapes": ">5×8<",
    }.items():
        assert sign in graph.dot(show=[what]).replace("label=<x>", "label=<>x<>") or sign in (
            graph.dot(show=[what]).replace("label=<5×8>", "label=<>5×8<>")
        )
        assert sign in graph.svg("builtin", show=[what])
    assert "μ " in graph.svg("builtin")  # by default, what is at hand


@pytest.mark.parametrize("wrong", [["colour"], "colour", {"values", "gradient"}])
def test_what_can_not_be_shown(wrong):
    with pytest.raises(ValueError, match=r"show can have values, gradients, .*; not"):
        graph_of("mlp").dot(show=wrong)


def test_heat_is_the_part_of_the_time():
    graph = graph_of("mlp", times=True)
    view = style.View.of(graph, {"time"})
    ops = sorted((n for n in graph.nodes if n.op), key=lambda n: n.seconds)
    assert style.fill(ops[-1], view) == style.HEAT
    reds = [int(style.fill(n, view)[5:7], 16) for n in ops if n.kind == "op"]
    assert reds == sorted(reds, reverse=True)  # less blue, the slower
    assert style.fill(ops[-1]) == style.KINDS[ops[-1].kind].fill


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1.0, 3.0]), "μ 2  σ 1"),
        (np.array([0.0, 0.0, 3.0, 3.0]), "μ 1.5  σ 1.5  50% zero"),
        (np.array([1.0, np.nan, 3.0, np.inf]), "μ 2  σ 1  1 NaN  1 inf"),
        (np.array([np.nan, np.nan]), "all 2 NaN"),
        (np.array([3, 1, 2]), "1 … 3"),
        (np.array(0.5), "0.5"),
        (np.zeros((0, 3)), "empty"),
        (np.full(10, 1e30, np.float32), "μ 1e+30  σ 0"),
        (None, ""),
    ],
)
def test_statistics(value, text):
    assert figures.statistics(value) == text


@pytest.mark.parametrize(
    ("count", "unit", "text"),
    [
        (0, "B", "0 B"),
        (1023, "B", "1023 B"),
        (1024, "B", "1 KiB"),
        (76800, "B", "75 KiB"),
        (5 * 2**30, "B", "5 GiB"),
        (2_457_600, "FLOP", "2.46 MFLOP"),
        (999, "FLOP", "999 FLOP"),
        (12.34e-6, "s", "12.3 µs"),
        (0.00321, "s", "3.21 ms"),
        (2.5, "s", "2.5 s"),
    ],
)
def test_amounts(count, unit, text):
    assert figures.amount(count, unit) == text
