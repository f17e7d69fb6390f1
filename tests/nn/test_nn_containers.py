"""Sequential, ModuleList, ModuleDict."""

import numpy as np
import pytest

import nn
import tinygrad_np as tg


def layers(n=3):
    return [nn.Linear(2, 2) for _ in range(n)]


# --- ModuleList ------------------------------------------------------------------------------


def test_list_is_like_a_list():
    made = layers()
    held = nn.ModuleList(made)
    assert len(held) == 3
    assert list(held) == made
    assert held[0] is made[0]
    assert held[-1] is made[-1]
    assert list(held[1:]) == made[1:]
    with pytest.raises(IndexError):
        held[3]


def test_list_names_count_up():
    held = nn.ModuleList(layers(2))
    held.append(nn.Linear(1, 1))
    assert [name for name, _ in held.named_children()] == ["0", "1", "2"]
    assert [name for name, _ in held.named_parameters()][-2:] == ["2.weight", "2.bias"]


def test_list_of_more_than_ten_keeps_its_order():
    made = layers(12)
    assert list(nn.ModuleList(made)) == made


def test_list_may_hold_a_module_twice():
    layer = nn.Linear(2, 2)
    held = nn.ModuleList([layer, layer])
    assert len(held) == 2
    assert list(held) == [layer, layer]
    assert [name for name, _ in held.named_parameters()] == ["0.weight", "0.bias"]


def test_list_from_a_generator_and_of_nothing():
    assert len(nn.ModuleList(nn.ReLU() for _ in range(4))) == 4
    assert len(nn.ModuleList()) == 0


@pytest.mark.parametrize("wrong", [3, None, [nn.ReLU()], "relu", nn.ReLU])
@pytest.mark.parametrize("kind", [nn.ModuleList, lambda items: nn.Sequential(*items)])
def test_only_modules_fit_in(kind, wrong):
    with pytest.raises(TypeError, match="holds Modules, not"):
        kind([nn.ReLU(), wrong])


def test_sequential_of_one_list_is_refused():
    with pytest.raises(TypeError, match=r"holds Modules, not list: write Sequential\(\*layers\)$"):
        nn.Sequential(layers())


@pytest.mark.parametrize("kind", [nn.Sequential, lambda layer: nn.ModuleList([layer])])
def test_a_class_is_refused(kind):
    with pytest.raises(TypeError, match=r"holds Modules, not type: write ReLU\(\)$"):
        kind(nn.ReLU)


# --- ModuleDict --------------------------------------------------------------------------------


def test_dict_is_like_a_dict():
    a, b = layers(2)
    held = nn.ModuleDict({"b": b})
    held["a"] = a
    assert list(held) == ["b", "a"]
    assert len(held) == 2
    assert held["a"] is a
    assert "a" in held
    assert "c" not in held
    assert [name for name, _ in held.named_parameters()] == [
        "b.weight",
        "b.bias",
        "a.weight",
        "a.bias",
    ]
    with pytest.raises(KeyError):
        held["c"]


def test_dict_replaces():
    a, b = layers(2)
    held = nn.ModuleDict({"x": a})
    held["x"] = b
    assert len(held) == 1
    assert held["x"] is b


@pytest.mark.parametrize("name", ["forward", "train", "training", "parameters", "predict"])
@pytest.mark.parametrize("kind", [nn.ModuleDict, nn.Sequential])
def test_names_of_modules_own_attributes_are_refused(kind, name):
    with pytest.raises(KeyError, match=name):
        kind({name: nn.ReLU()})


@pytest.mark.parametrize("kind", [nn.ModuleDict, nn.Sequential])
def test_names_with_dots_are_refused(kind):
    """`a.b` beside `a` that holds `b` would give two parameters one name."""
    with pytest.raises(KeyError, match=r"a\.b"):
        kind({"a.b": nn.Linear(1, 1)})


def test_dict_holds_modules_only():
    with pytest.raises(TypeError, match="ModuleDict holds Modules, not function"):
        nn.ModuleDict({"f": lambda x: x})


# --- Sequential ----------------------------------------------------------------------------------


def test_sequential_is_the_composition():
    first, second = nn.Linear(3, 4), nn.Linear(4, 2)
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    hidden = np.maximum(x @ first.weight.numpy() + first.bias.numpy(), 0)
    expected = hidden @ second.weight.numpy() + second.bias.numpy()
    model = nn.Sequential(first, nn.ReLU(), second)
    assert np.allclose(model(x).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_sequential_with_names():
    model = nn.Sequential({"dense": nn.Linear(2, 3), "relu": nn.ReLU()})
    assert [name for name, _ in model.named_parameters()] == ["dense.weight", "dense.bias"]
    assert model[1] is model.relu
    assert model(np.ones((1, 2))).shape == (1, 3)


def test_sequential_grows():
    model = nn.Sequential(nn.Linear(2, 3))
    model.append(nn.Linear(3, 1))
    assert model(np.ones((4, 2))).shape == (4, 1)
    assert len(model) == 2


def test_append_never_replaces():
    first, second = layers(2)
    model = nn.Sequential({"1": first})
    model.append(second)
    assert list(model) == [first, second]


def test_empty_sequential_is_the_identity():
    x = np.ones((2, 2))
    assert nn.Sequential()(x) is x
    assert nn.Sequential().predict(x).tolist() == x.tolist()


def test_nested_sequential():
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2)))
    assert [name for name, _ in model.named_parameters()] == [
        "0.0.weight",
        "0.0.bias",
        "1.0.weight",
        "1.0.bias",
    ]


@pytest.mark.parametrize("kind", [lambda *m: nn.Sequential(*m), lambda *m: nn.ModuleList(m)])
def test_slices_are_containers_of_the_same_modules(kind):
    a, b, c = layers(3)
    whole = kind(a, b, c)
    part = whole[1:]
    assert type(part) is type(whole)
    assert list(part) == [b, c]
    expected = [*b.parameters(), *c.parameters()]
    assert all(p is q for p, q in zip(part.parameters(), expected, strict=True))


def test_layers_added_to_a_plain_list_later_are_not_lost_silently():
    model = nn.Module()
    model.layers = []
    model.layers.append(nn.Linear(1, 1))
    with pytest.raises(TypeError, match=r"Module\.layers.*ModuleList"):
        model.parameters()


# --- functions, and changes of a list ------------------------------------------------------------


def test_a_function_is_a_layer_of_a_sequential():
    model = nn.Sequential(nn.Linear(2, 3), tg.relu, lambda x: x * 2, np.tanh)
    x = np.random.default_rng(0).standard_normal((5, 2)).astype("f4")
    dense = x @ model[0].weight.numpy() + model[0].bias.numpy()
    np.testing.assert_allclose(model(x).numpy(), np.tanh(np.maximum(dense, 0) * 2), rtol=1e-6)
    assert repr(model[1]) == "Lambda(relu)"
    assert len(model.parameters()) == 2
    with pytest.raises(TypeError, match="holds Modules, not function"):
        nn.ModuleList([lambda x: x])
    with pytest.raises(TypeError, match="takes a function"):
        nn.Lambda(nn.ReLU)


def test_modules_are_inserted_and_replaced():
    a, b, c, d = layers(4)
    model = nn.Sequential(a, c)
    model.insert(1, b)
    assert list(model) == [a, b, c]
    assert [name for name, _ in model.named_children()] == ["0", "1", "2"]
    model[1] = d
    model[-1] = tg.tanh
    assert model[1] is d
    assert isinstance(model[2], nn.Lambda)
    model.extend([b, c])
    assert list(model)[3:] == [b, c]
    model.insert(0, tg.relu)
    assert list(model)[1:3] == [a, d]
    with pytest.raises(IndexError):
        model[9] = a
    with pytest.raises(TypeError, match="holds Modules"):
        model.insert(0, 3)
    assert len(model) == 6
    named = nn.Sequential({"first": a, "second": b})
    with pytest.raises(TypeError, match="names"):
        named.insert(0, c)
    named[1] = c
    assert [name for name, _ in named.named_children()] == ["first", "second"]


def test_a_module_dict_is_like_a_dict():
    a, b = layers(2)
    modules = nn.ModuleDict({"a": a, "b": b})
    assert list(modules.keys()) == ["a", "b"]
    assert list(modules.values()) == [a, b]
    assert dict(modules.items()) == {"a": a, "b": b}
    with pytest.raises(KeyError, match="attributes of ModuleDict"):
        modules["items"] = a
