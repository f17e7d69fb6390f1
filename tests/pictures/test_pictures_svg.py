"""The SVG and the PNG of the built-in layout."""

import io
import os
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from picture_cases import CASES, NAMES, graph_of, leaf

import tinygrad_np as tg
from tinygrad_np.pictures import style

SVG = "{http://www.w3.org/2000/svg}"
HERE = Path(__file__).parent


def parsed(case):
    graph = graph_of(case)
    return graph, ET.fromstring(graph.svg("builtin"))


def node_groups(root):
    """The drawn nodes: groups with a tooltip."""
    return [g for g in root.iter(f"{SVG}g") if g.find(f"{SVG}title") is not None]


def words(group):
    return [" ".join(t.itertext()).strip() for t in group.iter(f"{SVG}text")]


@pytest.mark.parametrize("case", CASES)
def test_every_node_and_edge_is_in_the_picture(case):
    graph, root = parsed(case)
    groups = node_groups(root)
    assert len(groups) == len(graph.nodes)
    many = sum(node.op is not None for node in graph.nodes) > style.MANY_OPS
    usual = "float32" if many else None  # stands in the title
    for node, group in zip(graph.nodes, groups):
        head, *rest = words(group)
        assert head.startswith(style.bold(node))
        assert head.endswith(node.size_text)
        assert rest == ([] if node.kind == "number" or node.dtype == usual else [node.dtype])
    arrows = [p for p in root.iter(f"{SVG}polygon") if len(p.get("points").split()) == 3]
    assert len(arrows) == len(graph.edges)
    assert root.find(f"{SVG}text").find(f"{SVG}tspan").text == style.one_line(graph.title)


def test_kinds_differ_in_colour_and_in_shape():
    graph, root = parsed("classifier")
    looks = {}
    for node, group in zip(graph.nodes, node_groups(root)):
        shapes = [e for e in group if e.tag != f"{SVG}text" and e.tag != f"{SVG}title"]
        corners = len((shapes[0].get("points") or "").split())
        form = tuple(e.tag for e in shapes), corners, shapes[0].get("rx", "0") != "0"
        looks.setdefault(node.kind, set()).add((shapes[0].get("fill"), form))
    assert set(looks) == {"data", "parameter", "op", "output"}
    assert all(len(found) == 1 for found in looks.values())
    fills, forms = zip(*(found.pop() for found in looks.values()))
    assert len(set(fills)) == len(set(forms)) == 4


def test_the_legend_names_the_kinds_that_are_there():
    _, root = parsed("expression")
    legend = [
        g.find(f"{SVG}text").text
        for g in root.iter(f"{SVG}g")
        if g.find(f"{SVG}title") is None and g.find(f"{SVG}text") is not None
    ]
    assert legend == ["parameter", "number", "op", "loss / output", "no gradient"]


def test_lines_are_dashed_where_no_gradient_flows():
    graph, root = parsed("classifier")
    _, *lines = root.iter(f"{SVG}path")  # the first one is in the legend
    dashed = [p.get("stroke-dasharray") is not None for p in lines]
    assert dashed == [not e.gradient for e in graph.edges]
    assert any(dashed)


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_drawn(name):
    root = ET.fromstring(tg.graph(leaf(name, 2)).svg("builtin"))
    (group,) = node_groups(root)
    assert words(group)[0].startswith(style.one_line(name) or "parameter")


def test_nothing_in_it_can_clash_with_another_picture_on_the_page():
    text = graph_of("classifier").svg("builtin")
    for word in (" id=", "<style", "class=", "url(", "<?xml", "<!DOCTYPE", "href"):
        assert word not in text


def test_it_is_the_same_every_time():
    assert graph_of("recurrent").svg("builtin") == graph_of("recurrent").svg("builtin")


def test_notebooks_get_an_svg(monkeypatch):
    monkeypatch.setenv("TINYGRAD_NP_ENGINE", "builtin")
    graph = graph_of("diamond")
    shown = graph._repr_svg_()
    assert "max-width: 100%" in shown.partition(">")[0]
    assert shown.partition(">")[2] == graph.svg("builtin").partition(">")[2]


ALONE = """
import importlib.metadata, sys
sys.modules.update(dict.fromkeys(["matplotlib", "matplotlib.figure", "graphviz", "PIL"]))
def files(name): raise importlib.metadata.PackageNotFoundError(name)
importlib.metadata.files = files
from picture_cases import graph_of
graph = graph_of("classifier")
print(graph.svg() == graph.svg("builtin"), graph._repr_svg_().startswith("<svg"))
try:
    graph.png()
except ImportError as error:
    print(error)
"""


def test_numpy_alone_draws_svg_and_says_what_a_png_needs(tmp_path):
    env = {k: v for k, v in os.environ.items() if k != "TINYGRAD_NP_ENGINE"}
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        cwd=HERE,
        env={**env, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    first, second = done.stdout.splitlines()
    assert first == "True True", done.stderr
    assert 'pip install "tinygrad-np[viz]"' in second


def test_a_large_graph():
    t = leaf("t", 2)
    for k in range(700):
        t = tg.tanh(t) + leaf(f"b{k}", 2)
    graph = tg.graph(t)
    assert len(graph.nodes) == 2101
    assert graph.svg("builtin", collapse=False).count("<title>") == 2102


def image(data):
    return pytest.importorskip("PIL.Image").open(io.BytesIO(data)).convert("RGB")


@pytest.mark.parametrize("case", ["classifier", "expression", "gradient"])
def test_the_png_has_the_boxes_where_the_layout_puts_them(case):
    pytest.importorskip("matplotlib")
    from tinygrad_np.pictures.layout import lay_out

    graph = graph_of(case)
    picture, layout = image(graph.png("builtin")), lay_out(graph)
    scale = picture.width / layout.width
    assert scale == pytest.approx(2, abs=0.01)
    for box in layout.boxes:
        look = style.KINDS[box.node.kind]
        edge = 6 if box.node.kind == "parameter" else 4
        place = box.x * scale, (box.y + box.height / 2 - edge) * scale
        red_green_blue = picture.getpixel(tuple(map(int, place)))
        assert "#" + bytes(red_green_blue).hex() == look.fill


def test_a_png_is_never_larger_than_4000_pixels():
    pytest.importorskip("matplotlib")
    picture = image(graph_of("wide").png("builtin"))
    assert max(picture.size) in (3999, 4000)


def test_dollar_signs_are_no_formulas_and_no_display_is_needed():
    pytest.importorskip("matplotlib")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = tg.graph(leaf(r"$\frac$ and \$ a_b^c %", 2)).png("builtin")
    assert data.startswith(b"\x89PNG")
