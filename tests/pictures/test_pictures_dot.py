"""The DOT text: the same everywhere, complete, and safe whatever the names."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from picture_cases import CASES, NAMES, classifier, graph_of, leaf

import tinygrad_np as tg
from tinygrad_np.pictures import style

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's dot")


@pytest.mark.oracle
def test_the_same_bytes_in_every_process_and_whatever_ran_before():
    code = (
        "import sys, tinygrad_np as tg; from picture_cases import CASES\n"
        "noise = [tg.exp(tg.Tensor([1.0], requires_grad=True)) for _ in range(int(sys.argv[1]))]\n"
        "sys.stdout.buffer.write(''.join(tg.graph(f()).dot() for f in CASES.values()).encode())"
    )
    texts = set()
    for seed in "0", "1", "27":
        done = subprocess.run(
            [sys.executable, "-c", code, seed],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        texts.add(done.stdout)
    assert len(texts) == 1
    assert texts.pop().decode() == "".join(graph_of(case).dot() for case in CASES)


def test_drawing_twice_gives_the_same():
    graph = graph_of("diamond")
    assert graph.dot() == graph.dot() == tg.graph(CASES["diamond"]()).dot()


@pytest.mark.parametrize("case", CASES)
def test_one_statement_for_each_node_and_edge_in_order(case):
    graph = graph_of(case)
    lines = graph.dot().splitlines()
    assert [int(m[1]) for m in map(re.compile(r"  n(\d+) \[").match, lines) if m] == [
        n.id for n in graph.nodes
    ]
    arrows = [
        (int(m[1]), int(m[2]), "dashed" not in m.string)
        for m in map(re.compile(r"  n(\d+) -> n(\d+)").match, lines)
        if m
    ]
    assert arrows == [(e.source, e.target, e.gradient) for e in graph.edges]


def test_a_node_says_op_name_shape_and_dtype():
    text = graph_of("classifier").dot()
    (line,) = [line for line in text.splitlines() if "H1" in line]
    for part in ("H1 = relu", "300×64", "float32"):
        assert part in line
    assert "6 ops · 387 parameters in 4 tensors" in text


def test_kinds_differ_in_colour_and_in_shape():
    nodes = {}
    graph = graph_of("classifier")
    lines = [line for line in graph.dot().splitlines() if re.match(r"  n\d+ \[", line)]
    for node, line in zip(graph.nodes, lines):
        fill = re.search(r'fillcolor="(#\w+)"', line)[1]
        shape = re.search(r"shape=(\w+)", line)[1]
        look = shape, "rounded" in line, "peripheries=2" in line
        nodes.setdefault(node.kind, set()).add((fill, look))
    assert set(nodes) == {"data", "parameter", "op", "output"}
    assert all(len(looks) == 1 for looks in nodes.values())
    fills, looks = zip(*(looks.pop() for looks in nodes.values()))
    assert len(set(fills)) == len(set(looks)) == 4


@needs_dot
@pytest.mark.parametrize("name", [*NAMES, "plain"])
def test_graphviz_reads_back_the_name_that_was_given(name):
    text = tg.graph(leaf(name, 2)).dot()
    done = subprocess.run(["dot", "-Tjson"], input=text.encode(), capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    objects = json.loads(done.stdout)["objects"]
    (node,) = (node for node in objects if node["name"] == "n0")
    drawn = [op["text"] for op in node["_ldraw_"] if op["op"] == "T"]
    expected = style.one_line(name) or "parameter"
    # Graphviz turns every run of spaces into one text.
    assert " ".join("".join(drawn).split()).startswith(" ".join(expected.split()))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("two\nlines\r\n\tmore", "two lines more"),
        ("\x00\x1b[31m", "[31m"),
        ("\ud800x", "?x"),
        ("x" * 41, "x" * 39 + "…"),
        ("x" * 40, "x" * 40),
        ("a\u2028b\u200b", "a b"),
        ("\n", ""),
    ],
)
def test_names_are_made_one_line(name, line):
    assert style.one_line(name) == line


def test_it_needs_nothing_but_numpy():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['matplotlib', 'graphviz', 'PIL']))\n"
        "from picture_cases import graph_of\n"
        "print(len(graph_of('classifier').dot()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, timeout=60
    )
    assert int(done.stdout) == len(tg.graph(classifier()).dot()), done.stderr.decode()
