"""Taking a model's values out and putting them in: state_dict, deepcopy, pickle."""

import copy
import pickle

import numpy as np
import pytest

import nn
import tinygrad_np as tg


def small():
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))


class Tied(nn.Module):
    """Holds one layer under two names, and its weight in a third place."""

    def __init__(self):
        self.one = nn.Linear(2, 2)
        self.same = self.one
        self.other = nn.Linear(2, 2)
        self.other.weight = self.one.weight

    def forward(self, x):
        return self.other(self.same(self.one(x)))


def values(model):
    return [p.numpy().copy() for p in model.parameters()]


def equal(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b))


# --- state_dict ----------------------------------------------------------------------------------


def test_state_dict_is_copies():
    model = small()
    before = values(model)
    state = model.state_dict()
    assert equal(list(state.values()), before)
    for array in state.values():
        assert type(array) is np.ndarray
        array[...] = 100
    assert equal(values(model), before)


def test_state_dict_does_not_follow_training():
    model = small()
    state = model.state_dict()
    kept = {name: array.copy() for name, array in state.items()}
    model(np.ones((4, 2))).sum().backward()
    nn.SGD(model.parameters(), lr=1.0).step()
    assert not equal(values(model), list(kept.values()))
    assert all(np.array_equal(state[name], kept[name]) for name in kept)


def test_round_trip():
    source, target = small(), small()
    held = target.parameters()
    x = np.random.default_rng(0).standard_normal((5, 2))
    assert not np.array_equal(source.predict(x), target.predict(x))
    state = source.state_dict()
    target.load_state_dict(state)
    assert np.array_equal(source.predict(x), target.predict(x))
    assert all(a is b for a, b in zip(held, target.parameters()))
    state["0.weight"][...] = 100
    assert np.array_equal(source.predict(x), target.predict(x))


def test_loading_keeps_dtype_freezing_and_gradients():
    model = small()
    model(np.ones((4, 2))).sum().backward()
    gradient = model[2].weight.grad.numpy().copy()
    model[0].requires_grad_(False)
    model.load_state_dict({k: v.astype(np.float64) for k, v in small().state_dict().items()})
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float32)}
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, True]
    assert np.array_equal(model[2].weight.grad.numpy(), gradient)


def test_loading_lists_and_tensors():
    model = nn.Linear(2, 1)
    model.load_state_dict({"weight": [[1], [2]], "bias": tg.Tensor([3.0])})
    assert model.weight.numpy().tolist() == [[1], [2]]
    assert model.bias.numpy().tolist() == [3]
    assert model.weight.dtype == np.float32


def test_loading_a_single_number_after_a_step():
    model = nn.Module()
    model.scale = nn.Parameter(2.0)
    (model.scale * 3).backward()
    nn.SGD(model.parameters(), lr=1.0).step()
    assert model.scale.item() == -1
    model.load_state_dict({"scale": 7.0})
    assert model.scale.item() == 7


def test_optimizer_goes_on_from_loaded_values():
    model = nn.Linear(1, 1, bias=False)
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    model.load_state_dict({"weight": [[10.0]]})
    model(np.ones((1, 1), np.float32)).sum().backward()
    optimizer.step()
    assert model.weight.item() == 9


def broken(change):
    state = {name: array + 1 for name, array in small().state_dict().items()}
    change(state)
    return state


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda s: s.pop("2.bias"), KeyError, r"missing \['2.bias'\]"),
        (lambda s: s.update(extra=np.ones(1)), KeyError, r"unknown \['extra'\]"),
        (lambda s: s.update({"2.bias": np.ones(2)}), ValueError, r"2.bias.*\(1,\).*\(2,\)"),
        (lambda s: s.update({"2.weight": np.ones((1, 3))}), ValueError, r"\(3, 1\).*\(1, 3\)"),
        (lambda s: s.update({"2.bias": np.ones(())}), ValueError, "2.bias"),
        (lambda s: s.update({"2.bias": None}), (ValueError, TypeError), "2.bias"),
        (lambda s: s.update({"2.bias": np.array(["a"])}), (ValueError, TypeError), "2.bias"),
        (lambda s: s.update({"2.bias": np.array([1 + 2j])}), (ValueError, TypeError), "2.bias"),
    ],
    ids=[
        "missing",
        "unknown",
        "shape",
        "transposed",
        "single-number",
        "none",
        "strings",
        "complex",
    ],
)
def test_nothing_is_changed_unless_everything_fits(change, error, said):
    model = small()
    before = values(model)
    with pytest.raises(error, match=said):
        model.load_state_dict(broken(change))
    assert equal(values(model), before)


def test_not_strict_loads_what_is_there():
    model = small()
    before = values(model)
    model.load_state_dict({"2.bias": np.array([5.0]), "extra": np.ones(9)}, strict=False)
    assert model[2].bias.item() == 5
    assert equal(values(model)[:3], before[:3])


def test_not_strict_still_checks_shapes():
    model = small()
    before = values(model)
    with pytest.raises(ValueError, match=r"0.bias"):
        model.load_state_dict({"0.weight": np.ones((2, 3)), "0.bias": np.ones(4)}, strict=False)
    assert equal(values(model), before)


def test_loading_between_forward_and_backward_keeps_the_gradient_right():
    model = nn.Linear(2, 2, bias=False, dtype=np.float64)
    weight = model.weight.numpy().copy()
    x = tg.Tensor([[1.0, 2.0]], requires_grad=True)
    out = (model(x) ** 2).sum()
    model.load_state_dict({"weight": np.full((2, 2), 100.0)})
    out.backward()
    assert np.allclose(x.grad.numpy(), 2 * x.numpy() @ weight @ weight.T)


# --- deepcopy and pickle -------------------------------------------------------------------------


@pytest.fixture(params=[copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def twin(request):
    """A function that makes an independent copy."""
    return request.param


def test_copy_has_the_same_values_and_is_independent(twin):
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.3), nn.Linear(3, 1, weight_l2=0.1))
    model[0].requires_grad_(False)
    model[1].eval()
    other = twin(model)
    assert repr(other) == repr(model)
    assert equal(values(other), values(model))
    assert [p.requires_grad for p in other.parameters()] == [False, False, True, True]
    assert [p.name for p in other.parameters()] == ["weight", "bias", "weight", "bias"]
    assert all(isinstance(p, nn.Parameter) for p in other.parameters())
    assert [m.training for m in other.modules()] == [True, True, False, True]
    before = values(model)
    other(np.ones((4, 2))).sum().backward()
    nn.SGD(other.parameters(), lr=1.0).step()
    assert equal(values(model), before)
    assert not equal(values(other), before)
    assert all(p.grad is None for p in model.parameters())


def test_copy_keeps_gradients(twin):
    model = small()
    model(np.ones((4, 2))).sum().backward()
    other = twin(model)
    gradients = [p.grad.numpy().copy() for p in model.parameters()]
    assert equal([p.grad.numpy() for p in other.parameters()], gradients)
    other(np.ones((4, 2))).sum().backward()
    assert equal([p.grad.numpy() for p in model.parameters()], gradients)
    model.zero_grad()
    assert all(p.grad is not None for p in other.parameters())


def test_copy_keeps_sharing(twin):
    model = Tied()
    other = twin(model)
    assert other.one is other.same
    assert other.other.weight is other.one.weight
    assert other.one.weight is not model.one.weight
    assert [n for n, _ in other.named_parameters()] == [n for n, _ in model.named_parameters()]
    x = np.ones((1, 2), np.float32)
    assert np.array_equal(other.predict(x), model.predict(x))


def test_copy_of_model_and_optimizer_goes_on_alike(twin):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((8, 2)).astype(np.float32)
    model = small()
    optimizer = nn.Adam(model.parameters(), lr=0.1)

    def train(model, optimizer):
        for _ in range(3):
            optimizer.zero_grad()
            (model(x) ** 2).mean().backward()
            optimizer.step()

    train(model, optimizer)
    other, other_optimizer = twin((model, optimizer))
    assert all(a is b for a, b in zip(other.parameters(), other_optimizer.params))
    middle = values(model)
    train(other, other_optimizer)
    assert equal(values(model), middle)
    assert optimizer.steps == 3
    assert other_optimizer.steps == 6
    train(model, optimizer)
    assert equal(values(model), values(other))


def test_copied_dropout_continues_the_same_masks_on_its_own(twin):
    layer = nn.Dropout(0.5, rng=np.random.default_rng(3))
    x = np.ones(100)
    layer(x)
    other = twin(layer)
    assert other(x).tolist() == layer(x).tolist()


def test_model_in_use_can_be_copied(twin):
    model = small()
    out = model(np.ones((1, 2))).sum()
    other = twin(model)
    out.backward()
    assert model[0].weight.grad is not None
    assert other[0].weight.grad is None


# --- buffers -------------------------------------------------------------------------------------


class Centred(nn.Module):
    """Subtracts a running mean, and counts the batches."""

    def __init__(self):
        self.scale = nn.Parameter([1.0, 1.0])
        self.mean = nn.Buffer(np.zeros(2))
        self.count = nn.Buffer(0)
        self.last = nn.Buffer(np.zeros(2), persistent=False)

    def forward(self, x):
        if self.training:
            self.mean.assign(0.9 * self.mean + 0.1 * x.mean(axis=0).detach())
            self.count += 1
        return (x - self.mean) * self.scale


def test_buffers_are_state_and_no_parameters():
    model = nn.Sequential(Centred(), nn.Linear(2, 1))
    names = [name for name, _ in model.named_buffers()]
    assert names == ["0.mean", "0.count", "0.last"]
    assert [b.name for b in model.buffers()] == [None] * 3
    assert [name for name, _ in model.named_parameters()] == ["0.scale", "1.weight", "1.bias"]
    assert list(model.state_dict()) == ["0.scale", "0.mean", "0.count", "1.weight", "1.bias"]
    assert not any(b.requires_grad for b in model.buffers())
    with pytest.raises(TypeError, match=r"Buffer|ModuleList"):
        model.held = [nn.Buffer(1.0)]


@pytest.mark.parametrize("compiled", [False, True])
def test_running_statistics_survive_a_reload(compiled):
    rng = np.random.default_rng(0)
    batches = [tg.Tensor(rng.standard_normal((4, 2)) + 3) for _ in range(6)]
    model = Centred()
    step = tg.compile(lambda x: model(x).sum()) if compiled else model
    mean = np.zeros(2)
    for x in batches:
        step(x)
        mean = 0.9 * mean + 0.1 * x.numpy().mean(axis=0)
    np.testing.assert_allclose(model.mean.numpy(), mean)
    assert model.count.item() == 6
    other = Centred()
    kept = other.mean
    other.load_state_dict(model.state_dict())
    assert other.mean is kept
    assert np.array_equal(other.predict(batches[0]), model.predict(batches[0]))
    assert other.count.dtype == np.int64


def test_integers_are_not_rounded_on_the_way_in():
    model = Centred()
    state = model.state_dict() | {"count": np.array(2.5), "scale": np.ones(2)}
    with pytest.raises(TypeError, match="count must be int64, but the state has float64"):
        model.load_state_dict(state)
    assert model.count.item() == 0


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_of_buffers_are_buffers(duplicate):
    model = Centred()
    model.mean.assign(np.array([1.0, 2.0]))
    other = duplicate(model)
    assert type(other.mean) is nn.Buffer
    assert np.array_equal(other.mean.numpy(), [1, 2])
    assert not other.last.persistent
    other.mean.assign(np.zeros(2))
    assert np.array_equal(model.mean.numpy(), [1, 2])


# --- what is left out -----------------------------------------------------------------------------


class Holding(nn.Module):
    """Holds Tensors of all kinds."""

    def __init__(self):
        self.mean = tg.Tensor(np.zeros(2, np.float32))
        self.scale = nn.Buffer(np.ones(2, np.float32))
        self.table = np.ones(2)
        self.layer = nn.Linear(2, 1)

    def forward(self, x):
        self.last = self.layer((x - self.mean) * self.scale)
        return self.last


def test_a_bare_tensor_is_said_to_be_left_out():
    model = nn.Sequential(Holding())
    model(np.ones((1, 2), np.float32))
    with pytest.warns(UserWarning, match=r"leaves out 0\.mean: make it an nn\.Buffer") as said:
        state = model.state_dict()
    assert list(state) == ["0.scale", "0.layer.weight", "0.layer.bias"]
    assert len(said) == 1
    assert said[0].filename == __file__


def test_a_bare_tensor_is_said_once(recwarn):
    model = Holding()
    for _ in range(3):
        model.state_dict()
    assert len(recwarn) == 1


@pytest.mark.parametrize("state", [[1, 2], None, "model.npz", nn.Linear(2, 1), {"a"}])
def test_a_state_is_a_mapping(state):
    with pytest.raises(TypeError, match=r"a dict of names and arrays, not \w+"):
        nn.Linear(2, 1).load_state_dict(state)
