"""What a model says about itself: print(model) and summary()."""

import numpy as np
import pytest

import nn


def model():
    return nn.Sequential(
        nn.Linear(2, 64, weight_l2=5e-4),
        nn.ReLU(),
        nn.Sequential({"drop": nn.Dropout(0.1), "out": nn.Linear(64, 3, bias=False)}),
    )


def row(summary, name):
    """The cells of the row of the layer with this name."""
    (line,) = [line for line in summary.splitlines() if line.split()[:1] == [name]]
    return line.split()


class Branch(nn.Module):
    """Has a parameter of its own, a child used twice and one never used."""

    def __init__(self):
        self.dense = nn.Linear(4, 4)
        self.unused = nn.Linear(1000, 2)
        self.scale = nn.Parameter(1.0)

    def forward(self, x):
        return self.dense(self.dense(x)).sum(axis=1) * self.scale


def test_print():
    assert str(model()) == (
        "Sequential(\n"
        "  (0): Linear(2, 64, weight_l2=0.0005)\n"
        "  (1): ReLU()\n"
        "  (2): Sequential(\n"
        "    (drop): Dropout(p=0.1)\n"
        "    (out): Linear(64, 3, bias=False)\n"
        "  )\n"
        ")"
    )


def test_print_of_layers_and_empty_modules():
    assert repr(nn.Softmax()) == "Softmax()"
    assert repr(nn.Sequential()) == "Sequential()"


def test_extra_repr_of_a_subclass():
    class Scale(nn.Module):
        def extra_repr(self):
            return "by=2"

    assert repr(nn.Sequential(Scale())) == "Sequential(\n  (0): Scale(by=2)\n)"


def test_counts():
    summary = model().summary()
    assert row(summary, "0") == ["0", "Linear", "weight", "2×64,", "bias", "64", "192"]
    assert row(summary, "1") == ["1", "ReLU"]
    assert row(summary, "2.drop") == ["2.drop", "Dropout"]
    assert row(summary, "2.out") == ["2.out", "Linear", "weight", "64×3", "192"]
    assert summary.splitlines()[-1] == f"{2 * 64 + 64 + 64 * 3} parameters"
    assert "output" not in summary


def test_large_counts_and_frozen_ones():
    large = nn.Sequential(nn.Linear(784, 512), nn.Linear(512, 10))
    large[0].requires_grad_(False)
    summary = large.summary()
    assert row(summary, "0")[-1] == "401,920"
    assert summary.splitlines()[-1] == "407,050 parameters (401,920 frozen)"


def test_output_shapes():
    summary = model().summary((7, 2))
    shapes = [row(summary, name)[2] for name in ("0", "1", "2.drop", "2.out")]
    assert shapes == ["7×64", "7×64", "7×64", "7×3"]
    assert summary.splitlines()[-1] == "384 parameters"


def test_rows_are_of_one_table():
    lines = model().summary((7, 2)).splitlines()
    width = max(map(len, lines))
    assert lines[1] == lines[-2] == "-" * width
    starts = {line.index("Linear") for line in lines if "Linear" in line}
    assert len(starts) == 1


def test_own_parameters_and_unused_layers():
    summary = Branch().summary((5, 4))
    assert row(summary, "(itself)") == ["(itself)", "Branch", "5", "scale", "scalar", "1"]
    assert row(summary, "dense")[:3] == ["dense", "Linear", "5×4"]
    assert row(summary, "unused")[2] == "weight"
    assert summary.splitlines()[-1] == f"{20 + 2002 + 1:,} parameters"


def test_shared_parameters_are_counted_once():
    layer = nn.Linear(3, 3)
    summary = nn.Sequential(layer, nn.Tanh(), layer).summary((2, 3))
    assert summary.splitlines()[-1] == "12 parameters"
    assert sum("Linear" in line for line in summary.splitlines()) == 1


def test_a_layer_alone():
    assert row(nn.Linear(2, 3).summary((4, 2)), "(itself)")[2] == "4×3"


def test_without_parameters():
    assert nn.ReLU().summary().splitlines()[-1] == "0 parameters"


def test_summary_leaves_no_trace():
    made = model()
    made[2].drop.eval()
    before = [dict(vars(m)) for m in made.modules()]
    made.summary((4, 2))
    for module, attributes in zip(made.modules(), before):
        now = dict(vars(module))
        assert now.pop("training", True) == attributes.pop("training", True)
        assert now.keys() == attributes.keys()
        assert all(now[name] is attributes[name] for name in now)
    assert all(p.grad is None for p in made.parameters())
    assert made(np.ones((1, 2))).shape == (1, 3)


def test_a_shape_that_does_not_fit_is_an_error_and_leaves_no_trace():
    made = model()
    with pytest.raises(ValueError, match=r"\(\.\.\., 2\).*\(4, 3\)"):
        made.summary((4, 3))
    assert not any("forward" in vars(m) for m in made.modules())
    assert all(m.training for m in made.modules())


def test_a_forward_of_the_instance_survives():
    layer = nn.Linear(2, 2)
    layer.forward = lambda x: x * 0
    nn.Sequential(layer).summary((3, 2))
    assert layer(np.ones((1, 2))).tolist() == [[0, 0]]
