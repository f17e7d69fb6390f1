"""Module: how it finds its parameters, its modes, freezing and `predict`."""

import numpy as np
import pytest

import nn
import tinygrad_np as tg


def nested(lib, parameter):
    """The same nested model in any library with PyTorch's names; `first` is held twice."""

    class Block(lib.Module):
        def __init__(self):
            super().__init__()
            self.dense = lib.Linear(2, 3)
            self.gain = parameter(np.ones(3))
            self.out = lib.Linear(3, 2, bias=False)

    class Net(lib.Module):
        def __init__(self):
            super().__init__()
            self.first = Block()
            self.act = lib.ReLU()
            self.blocks = lib.ModuleList([Block(), lib.Sequential(lib.Linear(2, 2), lib.Tanh())])
            self.by_name = lib.ModuleDict({"b": lib.Linear(2, 2), "a": lib.Linear(2, 1)})
            self.again = self.first
            self.offset = parameter(np.zeros(2))

    return Net()


class Spy(nn.Module):
    """Returns 2·x·w, and notes what it was given and in which mode."""

    def __init__(self, dtype=np.float32):
        self.inner = nn.Dropout(0.9)
        self.w = nn.Parameter(1.0, dtype=dtype)
        self.seen = []
        self.fails = False

    def forward(self, x):
        self.seen.append((x.shape, x.dtype, self.training, self.inner.training))
        self.recorded = tg.is_grad_enabled()
        if self.fails:
            raise ZeroDivisionError("in forward")
        return self.inner(x * self.w * 2)


# --- finding parameters ----------------------------------------------------------------------


def test_names_and_order():
    block = ["gain", "dense.weight", "dense.bias", "out.weight"]
    expected = [
        "offset",
        *(f"first.{name}" for name in block),
        *(f"blocks.0.{name}" for name in block),
        *("blocks.1.0.weight", "blocks.1.0.bias"),
        *("by_name.b.weight", "by_name.b.bias", "by_name.a.weight", "by_name.a.bias"),
    ]
    model = nested(nn, nn.Parameter)
    assert [name for name, _ in model.named_parameters()] == expected
    assert list(model.state_dict()) == expected
    assert all(a is b for a, (_, b) in zip(model.parameters(), model.named_parameters()))


def test_names_and_order_are_pytorchs():
    torch = pytest.importorskip("torch")
    theirs = nested(torch.nn, lambda a: torch.nn.Parameter(torch.tensor(a)))
    ours = nested(nn, nn.Parameter)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert [n for n, _ in ours.named_children()] == [n for n, _ in theirs.named_children()]
    assert list(ours.children()) == [module for _, module in ours.named_children()]
    assert list(ours.state_dict()) == [n for n, _ in theirs.named_parameters()]


def test_shared_parameter_is_found_once_under_its_first_name():
    class Tied(nn.Module):
        def __init__(self):
            self.one = nn.Linear(3, 3, bias=False)
            self.two = nn.Linear(3, 3)
            self.two.weight = self.one.weight

    assert [name for name, _ in Tied().named_parameters()] == ["one.weight", "two.bias"]


def test_shared_parameter_gets_the_sum_of_its_gradients():
    one = nn.Linear(2, 2, bias=False, dtype=np.float64)
    x = np.array([[1.0, 2.0]])
    nn.Sequential(one, one)(x).sum().backward()
    w = one.weight.numpy()
    g = np.ones((1, 2))
    assert np.allclose(one.weight.grad.numpy(), (x @ w).T @ g + x.T @ (g @ w.T))


def test_modules_outer_first_each_once():
    model = nested(nn, nn.Parameter)
    modules = list(model.modules())
    assert modules[0] is model
    assert len(modules) == len({id(m) for m in modules})
    assert sum(m is model.first for m in modules) == 1


def test_a_module_that_holds_its_parent_is_walked_once():
    child, parent = nn.Linear(1, 1), nn.Sequential()
    parent.append(child)
    child.parent = parent
    assert [name for name, _ in parent.named_parameters()] == ["0.weight", "0.bias"]


def test_replacing_and_deleting_attributes():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model.extra = nn.Linear(1, 1)
    replacement = nn.Linear(2, 2, bias=False)
    setattr(model, "0", replacement)
    assert [name for name, _ in model.named_parameters()] == [
        "0.weight",
        "extra.weight",
        "extra.bias",
    ]
    assert model.parameters()[0] is replacement.weight
    del model.extra
    replacement.weight = None
    assert model.parameters() == []


def test_a_bare_tensor_is_no_parameter_and_a_trainable_one_is_refused():
    model = nn.Module()
    model.t = tg.Tensor([1.0])
    model.output = nn.Parameter([1.0]) * 2
    assert model.parameters() == model.buffers() == []
    with pytest.raises(TypeError, match=r"Module\.w: a bare Tensor .* nn\.Parameter"):
        model.w = tg.Tensor([1.0], requires_grad=True)
    assert not hasattr(model, "w")


@pytest.mark.parametrize(
    "container",
    [
        lambda m: [m],
        lambda m: (1, m),
        lambda m: {"a": m},
        lambda m: [m.weight],
        lambda m: {"a": m.weight},
        lambda m: [[m]],
        lambda m: {"a": [m.weight]},
        lambda m: {m},
    ],
    ids=[
        "list",
        "tuple",
        "dict",
        "parameters",
        "dict-of-parameters",
        "nested",
        "nested-parameters",
        "set",
    ],
)
def test_modules_in_plain_containers_are_refused(container):
    model = nn.Module()
    with pytest.raises(TypeError, match=r"Module\.layers.*ModuleList"):
        model.layers = container(nn.Linear(2, 2))
    assert not hasattr(model, "layers")


def test_plain_containers_of_other_things_are_welcome():
    model = nn.Module()
    model.sizes, model.names, model.table = [1, 2], ("a", "b"), {"a": 1}
    assert model.sizes == [1, 2]
    assert model.table == {"a": 1}


def test_parameter():
    array = np.array([1.0, 2.0])
    p = nn.Parameter(array, dtype=np.float32, name="p")
    array[0] = 100
    assert p.numpy().tolist() == [1, 2]
    assert (p.requires_grad, p.is_leaf, p.dtype, p.name) == (True, True, np.float32, "p")
    assert not nn.Parameter(array, requires_grad=False).requires_grad
    assert not isinstance(p + 1, nn.Parameter)
    with pytest.raises(TypeError, match="only floats"):
        nn.Parameter([1, 2])
    with pytest.raises(TypeError, match="detach"):
        nn.Parameter(p)


def test_subclass_without_super_init():
    class Net(nn.Module):
        def __init__(self):
            self.dense = nn.Linear(2, 3)
            self.gain = nn.Parameter(np.ones(3))

        def forward(self, x, *, power=1):
            return self.dense(x) * self.gain**power

    net = Net()
    assert [name for name, _ in net.named_parameters()] == ["gain", "dense.weight", "dense.bias"]
    assert net.training
    assert not net.eval().dense.training
    assert net(np.ones((4, 2)), power=2).shape == (4, 3)


def test_module_without_forward_says_so():
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no forward"):
        Empty()(1)


# --- modes and freezing ----------------------------------------------------------------------


def test_train_and_eval_reach_every_module():
    model = nested(nn, nn.Parameter)
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    assert model.blocks.train() is model.blocks
    assert {n for n, m in model.named_modules() if m.training} == {
        n for n, _ in model.named_modules() if n.startswith("blocks")
    }
    model.train(False)
    assert not any(m.training for m in model.modules())


def test_zero_grad():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    model[0].bias.requires_grad = False
    model(np.ones((4, 2))).sum().backward()
    assert [p.grad is None for p in model.parameters()] == [False, True, False, False]
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_freezing():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert model[0].requires_grad_(False) is model[0]
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, True]
    model(np.ones((4, 2))).sum().backward()
    assert [p.grad is None for p in model.parameters()] == [True, True, False, False]
    model[0].requires_grad_()
    model.zero_grad()
    model(np.ones((4, 2))).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_a_frozen_model_records_nothing():
    model = nn.Linear(2, 3).requires_grad_(False)
    assert not model(np.ones((4, 2))).requires_grad


# --- predict -----------------------------------------------------------------------------------


def test_predict_is_evaluation_and_records_nothing():
    model = Spy()
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    out = model.predict(x)
    assert type(out) is np.ndarray
    assert out.tolist() == (2 * x).tolist()
    assert model.seen == [((3, 2), np.float32, False, False)]
    assert not model.recorded
    assert model.training
    assert model.inner.training
    assert model.w.grad is None


@pytest.mark.parametrize("modes", [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("fails", [False, True])
def test_predict_puts_every_mode_back(modes, fails):
    model = Spy()
    model.training, model.inner.training = modes
    model.fails = fails
    if fails:
        with pytest.raises(ZeroDivisionError):
            model.predict(np.ones((3, 2)))
    else:
        model.predict(np.ones((3, 2)))
    assert (model.training, model.inner.training) == modes
    assert tg.is_grad_enabled()


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(4, [4, 4, 2]), (5, [5, 5]), (10, [10]), (99, [10]), (None, [10])]
)
def test_predict_in_batches(batch_size, sizes):
    model = Spy()
    x = np.random.default_rng(0).standard_normal((10, 3)).astype(np.float32)
    assert model.predict(x, batch_size).tolist() == (2 * x).tolist()
    assert [shape for shape, *_ in model.seen] == [(n, 3) for n in sizes]


@pytest.mark.parametrize("batch_size", [0, -1])
def test_predict_refuses_batches_of_nothing(batch_size):
    with pytest.raises(ValueError, match="batch_size"):
        Spy().predict(np.ones((3, 2)), batch_size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predict_casts_floats_to_the_parameters_dtype(dtype):
    model = Spy(dtype)
    for given in (np.float16, np.float32, np.float64):
        assert model.predict(np.ones((2, 2), given)).dtype == dtype
    model.predict(tg.Tensor([[1.5, 2.5]]))
    model.predict([[1.5, 2.5]])
    assert {seen[1] for seen in model.seen} == {np.dtype(dtype)}


def test_predict_leaves_integers_alone():
    model = Spy()
    model.predict(np.ones((2, 2), np.int64))
    assert model.seen[0][1] == np.int64


def test_predict_without_parameters_keeps_the_dtype():
    assert nn.ReLU().predict(np.array([-1.0, 2.0])).dtype == np.float64


@pytest.mark.parametrize("batch_size", [None, 4])
def test_predict_of_nothing(batch_size):
    model = nn.Sequential(nn.Linear(2, 5), nn.Dropout(), nn.Linear(5, 3))
    assert model.predict(np.zeros((0, 2)), batch_size).shape == (0, 3)


def test_predict_of_a_single_number_is_refused():
    with pytest.raises(TypeError, match="0-d"):
        nn.ReLU().predict(1.0)


def test_predict_result_does_not_change_with_later_training():
    model = nn.Linear(2, 1)
    before = model.predict(np.ones((1, 2)))
    kept = before.copy()
    model(np.ones((1, 2))).sum().backward()
    nn.SGD(model.parameters(), lr=1.0).step()
    assert before.tolist() == kept.tolist()
    assert model.predict(np.ones((1, 2))).tolist() != kept.tolist()


def test_a_function_is_applied_to_every_module():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 3), nn.ReLU()))
    kinds = []

    def start(module):
        kinds.append(type(module).__name__)
        if isinstance(module, nn.Linear):
            nn.init.ones_(module.weight)

    assert model.apply(start) is model
    assert kinds == ["ReLU", "Linear", "Sequential", "Linear", "Sequential"]
    assert all((p.numpy() == 1).all() for name, p in model.named_parameters() if "weight" in name)


@pytest.mark.parametrize("data", [np.ones((3, 2)), [[1.0, 2.0]], None, tg.Tensor([1.0])], ids=str)
def test_train_takes_no_data(data):
    model = nn.Sequential(nn.Dropout(0.5))
    with pytest.raises(TypeError, match=r"train\(\) takes True or False, not .*; nn\.fit trains$"):
        model.train(data)
    assert model.training is True
    assert not model.train(np.bool_(False)).training
