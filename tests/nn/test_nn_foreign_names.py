"""Names of PyTorch and Keras that `nn` does not have: the answer names what is here."""

import re

import pytest

import nn
import tinygrad_np as tg
from nn.foreign_names import NAMES


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
