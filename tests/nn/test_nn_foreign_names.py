"""Names of PyTorch, Keras and the book that `nn` does not have: the answer names what is here."""

import re

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from nn.foreign_names import MEMBERS, NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_names_what_is_there(name):
    assert not hasattr(nn, name), "it is there: take it off the list"
    with pytest.raises(AttributeError, match=rf"module 'nn' has no attribute '{name}': write "):
        getattr(nn, name)
    for package, attribute in re.findall(r"\b(nn|tinygrad_np)\.(\w+)", NAMES[name]):
        assert attribute in {"nn": nn, "tinygrad_np": tg}[package].__all__


def test_functions_of_the_engine_and_unknown_names():
    with pytest.raises(AttributeError, match=r"no attribute 'relu': write tinygrad_np\.relu$"):
        nn.relu  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'Nonsense'$"):
        nn.Nonsense  # noqa: B018
    assert "Adagrad" not in dir(nn)


@pytest.mark.parametrize("layer", [nn.Linear, nn.Dense])
def test_an_initializer_is_a_function(layer):
    with pytest.raises(TypeError, match=r"weight_init must be a function, .*, not 'he'$"):
        layer(2, 3, weight_init="he")
    with pytest.raises(TypeError, match=r"bias_init must be a function, .*nn\.init\.normal"):
        layer(2, 3, bias_init=0)


@pytest.mark.parametrize("name", MEMBERS)
def test_members_elsewhere(name):
    for module in (nn.Linear(2, 3), nn.Sequential(nn.ReLU())):
        assert not hasattr(module, name), "it is there: take it off the list"
        assert getattr(module, name, 7) == 7
        assert name not in dir(module)
        with pytest.raises(AttributeError, match=f"^{type(module).__name__} has no '{name}': "):
            getattr(module, name)
    for attribute in re.findall(r"\bnn\.(\w+)", MEMBERS[name]):
        assert attribute in nn.__all__
    for attribute in re.findall(r"\b(?:model|layer)\.(\w+)\b(?! =)", MEMBERS[name]):
        assert hasattr(nn.Linear(2, 3), attribute)


class Own(nn.Module):
    """A module that has members of such names."""

    def __init__(self):
        self.layer = nn.Linear(2, 3)
        self.output = None
        self.to = nn.Parameter(np.ones(3))

    def forward(self, x):
        self.output = self.layer(x) * self.to
        return self.output

    def fit(self):
        return "fitted"


def test_members_of_ones_own():
    module = Own()
    assert module.fit() == "fitted"
    assert {"fit", "output", "to"} <= set(dir(module))
    assert "weights" not in dir(module)
    assert list(module.state_dict()) == ["to", "layer.weight", "layer.bias"]
    x = np.ones((4, 2), np.float32)
    loss = module(x).sum()
    assert module.output.shape == (4, 3)
    loss.backward()
    assert module.to.grad is not None


def test_members_of_ones_own_compiled():
    module = nn.Sequential(Own(), nn.ReLU())
    x = np.ones((4, 2), np.float32)
    np.testing.assert_array_equal(tg.compile(module.forward)(x).data, module(x).data)
