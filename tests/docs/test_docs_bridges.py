"""docs/nnfs.md and docs/pytorch.md: what their tables say is so, line by line."""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import nn
import tinygrad_np as tg

DOCS = Path(__file__).resolve().parents[2] / "docs"


def rows(page, section=None):
    """The code in the cells of a page's tables, of rows that have some."""
    text = (DOCS / page).read_text(encoding="utf-8")
    if section is not None:
        (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## )", text, re.DOTALL | re.MULTILINE)
    cells = re.findall(r"^\| (.+) \| (.+) \|$", text, re.MULTILINE)
    pairs = [tuple(re.findall(r"`([^`]+)`", cell) for cell in row) for row in cells]
    return [(theirs, ours) for theirs, ours in pairs if ours]


def our_names():
    """What the names in the tables stand for."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 8, rng=rng), nn.ReLU(), nn.Linear(8, 3, rng=rng))
    X, y = rng.standard_normal((12, 2)), np.arange(12) % 3
    x = np.array([[0.5, 2.0, -1.0], [1.5, 0.1, 0.7]])
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    nn.cross_entropy(model(X), y).backward()
    with tg.record() as run:
        loss = nn.cross_entropy(model(X), y)
    return {
        "np": np,
        "nn": nn,
        "tg": tg,
        "model": model,
        "params": model.parameters(),
        "optimizer": optimizer,
        "X": X,
        "y": y,
        "X_val": X,
        "y_val": y,
        "loss": loss,
        "run": run,
        "layer": model[0],
        "logits": model(X),
        "output": model(X),
        "probs": tg.softmax(model(X)),
        "state": model.state_dict(),
        "history": nn.History(),
        "f": lambda v: (v**3).sum(),
        "step": optimizer.step,
        "x": tg.Tensor(x),
        "labels": np.array([2, 0]),
        "index": np.array([[0, 2], [1, 1]]),
    }


def is_expression(code):
    try:
        ast.parse(code, mode="eval")
    except SyntaxError:  # `optimizer=, epochs=`
        return False
    return True


@pytest.mark.parametrize("page", ["nnfs.md", "pytorch.md"])
def test_the_right_column_runs(page, tmp_path, monkeypatch):
    """All that stands there as one expression."""
    monkeypatch.chdir(tmp_path)
    nn.save(our_names()["model"], "model.npz")
    ran = []
    for _, codes in rows(page):
        for code in filter(is_expression, codes):
            names = our_names() | {"path": "model.npz"}
            if re.search("binary|mse|mae", code):  # a target for each output
                names["y"] = np.eye(3)[names["y"]]
            if not code.isidentifier() and "read_idx" not in code:  # which needs a file
                eval(code, names)
                ran.append(code)
    assert len(ran) > 30


def test_keywords_of_the_models_object():
    """`fit` and `evaluate` take what stands in the table with nothing behind the =."""
    calls = [code for _, codes in rows("nnfs.md") for code in codes if "loss=" in code]
    assert len(calls) >= 2
    for code in calls:
        known = inspect.signature(getattr(nn, code[3 : code.index("(")])).parameters
        assert {*re.findall(r"(\w+)=", code)} <= {*known}


def torch_names(torch):
    ours = our_names()
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    state = {n: torch.tensor(a.T if a.ndim == 2 else a) for n, a in ours["state"].items()}
    theirs.load_state_dict(state)
    return {
        "torch": torch,
        "F": torch.nn.functional,
        "model": theirs,
        "params": list(theirs.parameters()),
        "optimizer": torch.optim.SGD(theirs.parameters(), lr=0.1),
        "StepLR": torch.optim.lr_scheduler.StepLR,
        "LambdaLR": torch.optim.lr_scheduler.LambdaLR,
        "DataLoader": torch.utils.data.DataLoader,
        "TensorDataset": torch.utils.data.TensorDataset,
        "x": torch.tensor(ours["x"].numpy().copy(), requires_grad=True),
        "X": torch.tensor(ours["X"]).float(),
        "y": torch.tensor(ours["y"]),
        "data": range(10),
        "f": ours["f"],
        "step": ours["step"],
        "labels": torch.tensor(ours["labels"]),
        "index": torch.tensor(ours["index"]),
    }


@pytest.mark.parametrize("section", ["Arrays: other names", "Tools: other names"])
def test_both_columns_compute_the_same(section):
    torch = pytest.importorskip("torch")
    compared = 0
    for (their, *_), (our, *_) in rows("pytorch.md", section):
        if not is_expression(their):
            continue
        there, here = eval(their, torch_names(torch)), eval(our, our_names())
        if not isinstance(there, (torch.Tensor, np.ndarray, bool, int)):
            continue
        there = there.detach().numpy() if torch.is_tensor(there) else there
        here = here.numpy() if isinstance(here, tg.Tensor) else here
        assert np.shape(there) == np.shape(here), their
        np.testing.assert_allclose(here, there, rtol=1e-5, err_msg=their)
        compared += 1
    assert compared >= 5


def test_pytorchs_names_of_training_exist(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    torch.save(torch_names(torch)["model"].state_dict(), "model.pt")
    for codes, _ in rows("pytorch.md", "Training: other names"):
        for code in codes:
            if code != "scheduler.step()":
                eval(code, torch_names(torch) | {"path": "model.pt"})


def test_the_lines_that_take_over_a_model_of_pytorch():
    torch = pytest.importorskip("torch")
    page = (DOCS / "pytorch.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    names = {"nn": nn}
    exec(lines, names)
    images = np.random.default_rng(0).standard_normal((2, 1, 8, 8)).astype("float32")
    expected = names["theirs"](torch.tensor(images)).detach().numpy()
    np.testing.assert_allclose(names["ours"](images).numpy(), expected, rtol=1e-4, atol=1e-6)


def test_the_way_to_pytorch_and_back(capsys):
    pytest.importorskip("torch")
    page = (DOCS / "saving.md").read_text(encoding="utf-8")
    lines, printed = re.search(r"```py\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL).groups()
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))
    exec(lines, {"nn": nn, "model": model})
    assert capsys.readouterr().out == printed


def test_defaults_are_pytorchs():
    """Of all parameters that both have, but dtype, and what both call by their own things."""
    torch = pytest.importorskip("torch")
    compared = 0
    for room in (torch.nn, torch.optim):
        for name in {*vars(room)} & {*nn.__all__} - {"Buffer", "Parameter", "init"}:
            theirs = inspect.signature(getattr(room, name)).parameters
            ours = inspect.signature(getattr(nn, name)).parameters
            for key in ({*theirs} & {*ours}) - {"dtype", "activation", "modules"}:
                assert ours[key].default == theirs[key].default, (name, key)
                compared += 1
    assert compared > 100


def test_what_is_not_here():
    torch = pytest.importorskip("torch", minversion="2.9")
    with pytest.raises(TypeError):
        tg.Tensor([1j], requires_grad=True)
    page = (DOCS / "pytorch.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"\*\*Not here:\*\*(.*?)\n\n", page, re.DOTALL)
    layers, _, optimizers = text.partition("of `torch.optim`")
    for part, theirs in ((layers, torch.nn), (optimizers, torch.optim)):
        for name in re.findall(r"`([A-Z]\w+)`", part):
            assert hasattr(theirs, name)
            assert name not in nn.__all__


def test_medians_and_variances_are_numpys():
    torch = pytest.importorskip("torch")
    values = [1.0, 2.0, 3.0, 4.0]
    assert torch.tensor(values).median() == 2
    assert tg.Tensor(values).median() == 2.5
    assert torch.tensor(values).var() != tg.Tensor(values).var().item() == np.var(values)
