"""PyTorch's weights: models, states and files, names, and what does not fit.

Each layer's weights, both ways, are in test_nn_like_torch.py.
"""

import itertools
import re

import numpy as np
import pytest

import nn
import tinygrad_np as tg


def state(*sizes, seed=0):
    """What PyTorch's state_dict() has for dense layers of these sizes, as arrays."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for k, (width, length) in enumerate(itertools.pairwise(sizes)):
        arrays[f"{2 * k}.weight"] = rng.standard_normal((length, width)).astype("f4")
        arrays[f"{2 * k}.bias"] = rng.standard_normal(length).astype("f4")
    return arrays


def dense(*sizes):
    parts = []
    for width, length in itertools.pairwise(sizes):
        parts += [nn.Linear(width, length), nn.Tanh()]
    return nn.Sequential(*parts)


def output(arrays, x):
    """What PyTorch computes with such a state."""
    for k in range(0, len(arrays), 2):
        x = np.tanh(x @ arrays[f"{k}.weight"].T + arrays[f"{k}.bias"])
    return x


X = np.random.default_rng(5).standard_normal((7, 4)).astype("f4")


@pytest.mark.parametrize("sizes", [(4, 4, 4), (4, 5, 3)])
def test_a_state_of_arrays(sizes):
    arrays = state(*sizes)
    model = dense(*sizes)
    loaded = nn.load_torch(model, arrays, check=(X, output(arrays, X)))
    np.testing.assert_allclose(model.predict(X), output(arrays, X), rtol=1e-5, atol=1e-6)
    first, second = loaded[:2]
    assert first == ("0.weight", "0.weight", (4, sizes[1]), "transposed")
    assert second == ("0.bias", "0.bias", (sizes[1],), "")
    assert "0.bias    0.bias" in repr(loaded)
    back = nn.to_torch(model)
    assert list(back) == list(arrays)
    for name, array in back.items():
        np.testing.assert_array_equal(array, arrays[name])
        assert array.flags.c_contiguous
        assert not np.shares_memory(array, model.state_dict()[name])


def test_names_that_stand_for_others():
    arrays = state(4, 4, 3)
    given = {
        "net.first.weight": arrays["0.weight"],
        "net.first.bias": arrays["0.bias"],
        "net.last.weight": arrays["2.weight"],
        "net.last.bias": arrays["2.bias"],
        "net.last.mask": np.ones(3),
    }
    table = {"net.first.": "0.", "net.last.": "2.", "net.last.mask": None}

    def function(name):
        start, _, end = name.rpartition(".")
        return None if end == "mask" else table[f"{start}."] + end

    for rename in (table, function):
        model = dense(4, 4, 3)
        loaded = nn.load_torch(model, given, rename=rename)
        assert loaded[0][:2] == ("0.weight", "net.first.weight")
        np.testing.assert_allclose(model.predict(X), output(arrays, X), rtol=1e-5, atol=1e-6)


def test_a_parameter_under_two_names():
    class Tied(nn.Module):
        def __init__(self):
            self.one = nn.Linear(4, 4)
            self.two = nn.Linear(4, 4)
            self.two.weight = self.one.weight

        def forward(self, x):
            return self.two(self.one(x))

    w, b = np.arange(16.0).reshape(4, 4), np.zeros(4)
    given = {"one.weight": w, "one.bias": b, "two.weight": w, "two.bias": b}
    model = Tied()
    nn.load_torch(model, given)
    np.testing.assert_array_equal(model.two.weight.numpy(), w.T)
    given["two.weight"] = w + 1
    with pytest.raises(ValueError, match=r"one.weight and two.weight are one parameter"):
        nn.load_torch(model, given)


def test_a_parameter_that_the_model_holds_beside_its_layer():
    class Penalized(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(4, 4, bias=False)
            self.penalized = self.layer.weight

        def forward(self, x):
            return self.layer(x)

    model, w = Penalized(), np.arange(16.0, dtype="f4").reshape(4, 4)
    nn.load_torch(model, {"layer.weight": w}, check=(X, X @ w.T))
    np.testing.assert_array_equal(nn.to_torch(model)["layer.weight"], w)


def test_a_parameter_that_is_transposed_in_one_of_its_layers():
    class Tied(nn.Module):
        def __init__(self):
            self.words = nn.Embedding(4, 4)
            self.out = nn.Linear(4, 4, bias=False)
            self.out.weight = self.words.weight

    message = "words.weight and out.weight are one parameter, but PyTorch holds"
    with pytest.raises(ValueError, match=message):
        nn.load_torch(Tied(), {"words.weight": np.eye(4), "out.weight": np.eye(4)})
    with pytest.raises(ValueError, match=message):
        nn.to_torch(Tied())


BAD = {
    "missing": (lambda a: a.pop("2.bias"), KeyError, "missing 2.bias; unknown nothing"),
    "unknown": (lambda a: a.update(more=np.ones(2)), KeyError, "missing nothing; unknown more"),
    "shape": (
        lambda a: a.update({"0.weight": a["0.weight"].T}),
        ValueError,
        r"0.weight has shape \(4, 5\), but PyTorch's 0.weight has \(4, 5\), which is \(5, 4\)",
    ),
    "bias": (
        lambda a: a.update({"2.bias": np.ones(4)}),
        ValueError,
        r"2.bias has shape \(3,\), but PyTorch's 2.bias has \(4,\)$",
    ),
    "kind": (lambda a: a.update({"2.bias": "x"}), TypeError, "2.bias is of type str, not an array"),
    "nested": (lambda a: a.update({"2": {"bias": np.ones(3)}}), TypeError, "give that part alone"),
    "complex": (lambda a: a.update({"2.bias": np.ones(3, complex)}), TypeError, "real numbers"),
    "prefix": (
        lambda a: [a.update({f"module.{n}": a.pop(n)}) for n in list(a)],
        KeyError,
        re.escape("Write rename={'module.': ''}"),
    ),
    "parametrized": (
        lambda a: a.update({"0.parametrizations.weight.original0": a.pop("0.weight")}),
        KeyError,
        "remove_parametrizations",
    ),
    "normed": (
        lambda a: a.update({"0.weight_g": a["0.bias"], "0.weight_v": a.pop("0.weight")}),
        KeyError,
        "remove_weight_norm",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_nothing_changes_unless_all_fits(name):
    damage, kind, message = BAD[name]
    arrays = state(4, 5, 3)
    damage(arrays)
    model = dense(4, 5, 3)
    before = model.state_dict()
    with pytest.raises(kind, match=message):
        nn.load_torch(model, arrays)
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[key])


def test_an_output_that_differs():
    arrays = state(4, 4, 4)
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Dropout(0.5))
    before = model.state_dict()
    message = r"check: the model's output at \[\d, \d\] is .*Nothing was loaded"
    with pytest.raises(ValueError, match=message):
        nn.load_torch(model, arrays, check=(X, output(arrays, X)))
    with pytest.raises(ValueError, match=r"shape \(7, 4\), PyTorch's \(7, 3\)"):
        nn.load_torch(model, arrays, check=(X, output(arrays, X)[:, :3]))
    assert all(np.array_equal(a, before[n]) for n, a in model.state_dict().items())
    assert all(module.training for module in model.modules())


def test_bad_arguments():
    model = dense(4, 4)
    with pytest.raises(TypeError, match=r"fills an nn.Module, not one of type dict"):
        nn.load_torch({}, model)
    with pytest.raises(TypeError, match=r"is a model of nn: model.load_state_dict"):
        nn.load_torch(model, model)
    with pytest.raises(TypeError, match="must be a PyTorch module"):
        nn.load_torch(model, 3)
    with pytest.raises(TypeError, match=r"check must be \(x, y\).*not of type ndarray"):
        nn.load_torch(model, state(4, 4), check=X[:2])
    with pytest.raises(ValueError, match="returns 1 arrays, PyTorch 2"):
        nn.load_torch(model, state(4, 4), check=(X, (X, X)))
    with pytest.raises(KeyError, match="no name begins with 'fc'"):
        nn.load_torch(model, state(4, 4), rename={"fc": "0"})
    with pytest.raises(ValueError, match=r"a.weight and b.weight are both 0.weight"):
        nn.load_torch(model, {"a.weight": X, "b.weight": X}, rename={"a": "0", "b": "0"})


def test_load_state_dict_takes_no_other_layout():
    """A square weight can't be told apart; one beside it that is not can."""
    model = dense(4, 4, 3)
    with pytest.raises(ValueError, match=r"2.weight has shape \(4, 3\).*nn.load_torch\(model"):
        model.load_state_dict(state(4, 4, 3))
    convolution = nn.Conv2d(2, 3, 3)
    convolution.load_state_dict(nn.to_torch(convolution))


# --- files ---------------------------------------------------------------------------------------


def test_files(tmp_path):
    arrays = state(4, 4, 4)
    np.savez(tmp_path / "a.npz", **arrays)
    model = dense(4, 4, 4)
    nn.load_torch(model, tmp_path / "a.npz", check=(X, output(arrays, X)))
    nn.save(model, tmp_path / "b.npz")
    with pytest.raises(ValueError, match=r"b.npz was written by nn.save: nn.load\(path, model\)"):
        nn.load_torch(model, tmp_path / "b.npz")
    with pytest.raises(ValueError, match=r"the state was written by nn.save"):
        nn.load_torch(model, nn.load(tmp_path / "b.npz"))
    with pytest.raises(ValueError, match=r"must end in .safetensors, .pt"):
        nn.load_torch(model, "weights.h5")
    with pytest.raises(FileNotFoundError):
        nn.load_torch(model, tmp_path / "none.npz")


def test_safetensors_files(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "a.safetensors"
    arrays = state(4, 4, 4)
    numpy.save_file(arrays, path)  # no metadata, as PyTorch's own save_file writes
    model = dense(4, 4, 4)
    nn.load_torch(model, path, check=(X, output(arrays, X)))
    numpy.save_file(nn.to_torch(model), path, {"format": "pt"})
    other = dense(4, 4, 4)
    nn.load_torch(other, path, check=(X, output(arrays, X)))
    for kind, program in (("tf", "TensorFlow"), ("flax", "Flax")):  # square weights fit both ways
        numpy.save_file(arrays, path, {"format": kind})
        with pytest.raises(ValueError, match=f"a.safetensors is of {program}, which lays"):
            nn.load_torch(other, path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"no whole .safetensors file"):
        nn.load_torch(other, path)


# --- PyTorch itself ------------------------------------------------------------------------------


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.oracle
def test_pytorchs_own_files(torch, tmp_path):
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh(), torch.nn.Linear(4, 4))
    y = theirs(torch.tensor(X))
    for kind in ("pt", "safetensors", "half"):
        path = tmp_path / f"a.{'pt' if kind == 'pt' else 'safetensors'}"
        if kind == "pt":
            torch.save(theirs.state_dict(), path)
        else:
            files = pytest.importorskip("safetensors.torch")
            states = theirs.state_dict()
            if kind == "half":
                states = {name: tensor.bfloat16() for name, tensor in states.items()}
                theirs.load_state_dict(states)
                y = theirs(torch.tensor(X))
                states["0.bias"] = states["0.bias"].double()
            files.save_file(states, path)
        model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
        nn.load_torch(model, path, check=(X, y))
    torch.save(theirs, tmp_path / "whole.pt")
    with pytest.raises(ValueError, match="no state that can be read safely"):
        nn.load_torch(model, tmp_path / "whole.pt")
    torch.save({"model": theirs.state_dict(), "epoch": 3}, tmp_path / "run.pt")
    with pytest.raises(TypeError, match="give that part alone"):
        nn.load_torch(model, tmp_path / "run.pt")


@pytest.mark.oracle
def test_numbers_of_eight_bits(torch, tmp_path):
    files = pytest.importorskip("safetensors.torch")
    half = torch.tensor(state(4, 4)["0.weight"]).to(torch.float8_e4m3fn)
    layer = nn.Linear(4, 4, bias=False)
    nn.load_torch(layer, {"weight": half})
    np.testing.assert_array_equal(layer.weight.numpy().T, half.float().numpy())
    files.save_file({"weight": half}, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="weight is of F8_E4M3, which NumPy does not have"):
        nn.load_torch(layer, tmp_path / "a.safetensors")


@pytest.mark.oracle
def test_tensors_of_pytorch_are_not_taken_as_they_are(torch):
    theirs = torch.nn.Linear(4, 4)
    model = nn.Linear(4, 4)
    with pytest.raises(TypeError, match=r"weight is PyTorch's.*nn.load_torch\(model, state\)"):
        model.load_state_dict(theirs.state_dict())
    nn.load_torch(model, theirs.state_dict(), check=(X, theirs(torch.tensor(X))))
    norm = nn.LayerNorm(4)
    norm.load_state_dict(torch.nn.LayerNorm(4).state_dict())  # one layout, nothing to refuse


@pytest.mark.oracle
def test_layers_under_several_names_go_back(torch):
    class Twice(nn.Module):
        def __init__(self):
            self.first = nn.Linear(4, 4)
            self.second = self.first

    theirs = torch.nn.Module()
    theirs.first = theirs.second = torch.nn.Linear(4, 4)
    given = nn.to_torch(Twice())
    theirs.load_state_dict({name: torch.from_numpy(array) for name, array in given.items()})
    np.testing.assert_array_equal(theirs.second.weight.detach(), given["first.weight"])


@pytest.mark.oracle
def test_layers_that_may_be_laid_out_in_another_way(torch):
    class Conv1D(torch.nn.Module):  # as that of GPT-2: (in, out)
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(4, 4))
            self.bias = torch.nn.Parameter(torch.zeros(4))

    with pytest.raises(TypeError, match="weight is of a Conv1D, weight of a Linear"):
        nn.load_torch(nn.Linear(4, 4), Conv1D())

    class Own(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(np.zeros((4, 4), "f4"))
            self.bias = nn.Parameter(np.zeros(4, "f4"))

        def forward(self, x):
            return tg.Tensor(x) @ self.weight + self.bias

    theirs = torch.nn.Linear(4, 4)
    with pytest.raises(TypeError, match=r"Own.torch_transposed = \('weight',\) says"):
        nn.load_torch(Own(), theirs)
    nn.load_torch(Own(), Conv1D())
    Own.torch_transposed = ("weight",)
    nn.load_torch(Own(), theirs, check=(X, theirs(torch.tensor(X))))
    Own.torch_transposed = ()
    assert nn.load_torch(Own(), theirs)[0].change == ""


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["attention", "encoder", "decoder", "embedding"])
def test_weights_of_transformers(torch, kind):
    torch.manual_seed(0)
    x = torch.randn(5, 3, 8)
    ours, theirs, inputs = {
        "attention": (
            nn.MultiheadAttention(8, 2),
            torch.nn.MultiheadAttention(8, 2),
            (x, x[:4], x[:4]),
        ),
        "encoder": (
            nn.TransformerEncoderLayer(8, 2, 8),
            torch.nn.TransformerEncoderLayer(8, 2, 8),
            (x,),
        ),
        "decoder": (
            nn.TransformerDecoderLayer(8, 2, 8),
            torch.nn.TransformerDecoderLayer(8, 2, 8),
            (x, x[:4]),
        ),
        "embedding": (nn.Embedding(6, 6), torch.nn.Embedding(6, 6), (torch.tensor([5, 0, 2]),)),
    }[kind]
    y = theirs.eval()(*inputs)
    nn.load_torch(ours, theirs, check=(tuple(part.numpy() for part in inputs), y))
    again = {name: torch.from_numpy(array) for name, array in nn.to_torch(ours).items()}
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(again[name], tensor)
