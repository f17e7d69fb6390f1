"""Findings and captions of the step-through page."""

import pickle

import numpy as np
import pytest
from page_cases import looped, run_in, small

import nn
import tinygrad_np as tg
from tinygrad_np.page.html import to_html

EVIL = '</script><img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def trained():
    """A step with two mistakes: probabilities as logits, and a model that is not used."""
    tg.manual_seed(0)
    rng = np.random.default_rng(0)
    model = nn.Sequential({"hidden": nn.Linear(2, 8), "relu": nn.ReLU(), "out": nn.Linear(8, 3)})
    unused = nn.Linear(2, 2)
    both = nn.ModuleList([model, unused])
    points = tg.Tensor(rng.normal(size=(30, 2)).astype(np.float32), name="points")
    with tg.record() as run:
        p = tg.softmax(model(points))
        loss = nn.cross_entropy(p, tg.Tensor(rng.integers(0, 3, 30), name="labels"))
        loss.backward()
    graph = tg.graph(loss, model, record=run)
    return graph, tg.lint(loss, both, record=run), model, loss, run


def findings_in(page):
    run = run_in(page)
    return {
        f["kind"]: run["nodes"][f["node"]]["name"] if "node" in f else None for f in run["findings"]
    }


def test_a_finding_is_at_the_node_that_it_is_about(trained):
    graph, findings, model, _, run = trained
    weight = next(iter(model.parameters()))
    answer = tg.why(weight, record=run)
    found = findings_in(to_html(graph, findings=[findings, answer]))
    assert found["probabilities as logits"] == "loss"
    assert found["not reached"] is None  # no part of this graph
    assert found["ordinary gradient"] == "hidden.weight"
    (only,) = run_in(to_html(graph, findings=answer))["findings"]
    assert only["what"] == answer
    assert run_in(to_html(graph, findings=findings[0]))["findings"][0]["kind"] == findings[0].kind
    assert run_in(to_html(graph, findings=[]))["findings"] == []


def test_values_that_left_the_graph_are_found_at_their_reader():
    w = tg.Tensor([0.5, 1.0], requires_grad=True, name="w")
    with tg.record() as run:
        scaled = w * float((w * w).sum())
        loss = (scaled * scaled).sum()
        with pytest.warns(tg.DetachedWarning):
            loss.backward()
    graph = tg.graph(loss, record=run)
    assert findings_in(to_html(graph, findings=tg.lint(loss, record=run))) == {
        "bare number": "scaled"
    }


def test_findings_stay_records_of_four_texts(trained):
    _, findings, _, _, run = trained
    finding = findings[0]
    assert finding == tg.Finding(*map(str, finding))
    assert pickle.loads(pickle.dumps(finding)) == finding
    answer = tg.why(trained[3], record=run)
    assert isinstance(answer, tg.Text)
    assert pickle.loads(pickle.dumps(answer)) == answer == answer.finding.what


def test_findings_of_another_kind_are_refused(trained):
    with pytest.raises(TypeError, match=r"what tg.lint\(\) and tg.why\(\) return.*, not str"):
        to_html(trained[0], findings="all wrong")


def test_notes_by_tensor_parameter_module_and_name(trained):
    graph, _, model, loss, _ = trained
    weight = next(iter(model.parameters()))
    hidden = next(iter(model))
    notes = {loss: "how wrong", weight: "16 numbers", hidden: "eight units", "points": "data"}
    run = run_in(to_html(graph, notes=notes | {"out": "three scores", "relu": "a bend"}))
    found = {node["name"]: node["note"] for node in run["nodes"] if "note" in node}
    assert found == {
        "loss": "how wrong",
        "hidden.weight": "16 numbers",
        "points": "data",
        "relu": "a bend",
    }
    groups = {group["title"]: group["note"] for group in run["groups"] if group["note"]}
    assert groups == {"hidden · Linear": "eight units", "out · Linear": "three scores"}


def test_notes_by_the_names_of_the_page():
    run = run_in(to_html(looped(3), notes={"h₂": "the second state", "matmul₁": "x0 @ W"}))
    found = {node["name"]: node["note"] for node in run["nodes"] if "note" in node}
    assert found == {"h₂": "the second state", "matmul₁": "x0 @ W"}
    run = run_in(to_html(looped(3), notes={"h": "a state"}))
    assert [node["name"] for node in run["nodes"] if "note" in node] == ["h₁", "h₂", "h₃"]


@pytest.mark.parametrize("key", ["W3", tg.Tensor([1.0], name="elsewhere"), nn.Linear(2, 2), 7])
def test_a_note_for_what_is_not_there(key):
    with pytest.raises(ValueError, match=r"in this graph, and .* is not.*: W1, W2, X"):
        to_html(small(), notes={key: "…"})


def test_a_note_that_is_no_text():
    with pytest.raises(TypeError, match=r"a note is a text, not int: notes\['W1'\]"):
        to_html(small(), notes={"W1": 3})


def test_captions_and_findings_are_text_wherever_they_stand(trained):
    finding = tg.Finding(EVIL, EVIL, EVIL, EVIL)
    page = to_html(trained[0], findings=finding, notes={"points": EVIL, "hidden": EVIL})
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert run_in(page)["findings"][0]["what"] == EVIL
