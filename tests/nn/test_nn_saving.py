"""`nn.save` and `nn.load`: the same numbers come back, or nothing changes."""

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import nn
import tinygrad_np as tg

pytestmark = pytest.mark.oracle  # programs and comparisons that take long

ENDINGS = ["npz", "safetensors"]


@pytest.fixture(params=ENDINGS)
def path(request, tmp_path):
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"model.{request.param}"


class Centred(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter(np.ones(2))
        self.mean = nn.Buffer(np.zeros(2))
        self.count = nn.Buffer(0)

    def forward(self, x):
        self.mean.assign(0.9 * self.mean + 0.1 * x.detach().mean(axis=0))
        self.count += 1
        return (x - self.mean) * self.scale


def network(seed=0):
    tg.manual_seed(seed)
    return nn.Sequential(Centred(), nn.Linear(2, 8, dtype="f8"), nn.Dropout(0.3), nn.Linear(8, 3))


def state_of(*parts):
    return {f"{k}.{name}": value for k, p in enumerate(parts) for name, value in p.items()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


RNG = np.random.default_rng(1)
X = RNG.standard_normal((40, 2))
Y = RNG.integers(0, 3, 40)


# --- what is saved comes back --------------------------------------------------------------------


def test_a_model_comes_back_to_the_last_bit(path):
    model, other = network(0), network(1)
    model(tg.Tensor(X))
    nn.save(model, path)
    saved = nn.load(path, other)
    assert same(other.state_dict(), model.state_dict())
    assert same(saved, model.state_dict())
    assert saved.checked
    assert {v.dtype for v in saved.values()} == {np.dtype(c) for c in ("f4", "f8", "i8")}


def test_kinds_of_values(path):
    state = {
        "arrays": {"empty": np.zeros((0, 3)), "number": np.float32(1.5), "yes": np.array([True])},
        "big": np.arange(3, dtype=">i4"),
        "turned": np.arange(6.0).reshape(2, 3).T,
        "tensor": tg.Tensor([1.0, np.nan, -0.0]),
        "epoch": 3,
        "rate": 0.1,
        "name": "spiral ü",
        "nothing": None,
        "flag": False,
    }
    nn.save(state, path)
    saved = nn.load(path)
    assert saved["epoch"] == 3
    assert (saved["rate"], saved["name"], saved["nothing"]) == (0.1, "spiral ü", None)
    assert saved["flag"] is False
    assert saved["arrays.empty"].shape == (0, 3)
    assert saved["arrays.number"].shape == ()
    assert saved["arrays.number"].dtype == np.float32
    np.testing.assert_array_equal(saved["turned"], state["turned"])
    np.testing.assert_array_equal(saved["big"], [0, 1, 2])
    assert saved["tensor"].tobytes() == np.array([1.0, np.nan, -0.0]).tobytes()


def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(path):
    def train(model, optimizer, rng, epochs):
        nn.fit(
            model,
            X.astype("f4"),
            Y,
            loss=nn.cross_entropy,
            optimizer=optimizer,
            epochs=epochs,
            batch_size=16,
            rng=rng,
            progress=False,
        )

    def start():
        tg.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.3), nn.Linear(8, 3))
        return model, nn.Adam(model.parameters(), lr=0.05), np.random.default_rng(3)

    whole = start()
    train(*whole, epochs=6)
    model, optimizer, rng = start()
    train(model, optimizer, rng, epochs=4)
    masks = tg.default_generator()
    nn.save({"model": model, "optimizer": optimizer, "rng": rng, "masks": masks, "epoch": 4}, path)

    tg.manual_seed(99)
    model, optimizer, rng = start()
    masks = tg.default_generator()
    parts = {"model": model, "optimizer": optimizer, "rng": rng, "masks": masks}
    run = nn.load(path, parts)
    assert run["epoch"] == 4
    assert optimizer.steps == 12
    train(model, optimizer, rng, epochs=2)
    assert same(model.state_dict(), whole[0].state_dict())
    assert same(optimizer.state_dict(), whole[1].state_dict())


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox])
def test_generators_go_on(path, kind):
    rng = np.random.Generator(kind(5))
    rng.standard_normal(7)
    rng.integers(0, 9, 3, dtype=np.uint32)
    nn.save({"rng": rng}, path)
    want = rng.random(5), rng.integers(0, 1000, 5)
    other = np.random.Generator(kind(6))
    nn.load(path, {"rng": other})
    got = other.random(5), other.integers(0, 1000, 5)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])
    wrong = np.random.Generator(np.random.SFC64(0))
    before = wrong.bit_generator.state
    with pytest.raises(ValueError, match="no state of a SFC64"):
        nn.load(path, {"rng": wrong})
    np.testing.assert_equal(wrong.bit_generator.state, before)


# --- optimizers ----------------------------------------------------------------------------------


OPTIMIZERS = {
    "SGD": lambda p: nn.SGD(p, lr=0.1),
    "momentum": lambda p: nn.SGD(p, lr=0.1, momentum=0.9),
    "AdaGrad": nn.AdaGrad,
    "RMSprop": nn.RMSprop,
    "Adam": nn.Adam,
    "AdamW": nn.AdamW,
    "schedule": lambda p: nn.Adam(p, lr=nn.InverseTimeDecay(0.1, 0.5)),
}


def steps(model, optimizer, count, skip=False):
    for k in range(count):
        optimizer.zero_grad()
        x = tg.Tensor(X.astype("f4") * (k + 1))
        loss = (model[0](x) if skip else model(x)).sum()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_goes_on(kind, skip):
    def start():
        tg.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        return model, OPTIMIZERS[kind](model.parameters())

    model, optimizer = start()
    steps(model, optimizer, 3, skip)
    state, weights = optimizer.state_dict(), model.state_dict()
    steps(model, optimizer, 2)
    other, resumed = start()
    other.load_state_dict(weights)
    resumed.load_state_dict(state)
    steps(other, resumed, 2)
    assert same(other.state_dict(), model.state_dict())
    assert same(resumed.state_dict(), optimizer.state_dict())


def test_a_state_of_something_else_changes_nothing():
    model = nn.Linear(2, 3)
    optimizer = nn.Adam(model.parameters(), lr=0.5)
    steps(nn.Sequential(model), optimizer, 2)
    before = optimizer.state_dict()
    sgd = nn.SGD(model.parameters(), momentum=0.9).state_dict()
    wider = nn.Adam(nn.Linear(3, 3).parameters()).state_dict()
    for wrong, error, text in [
        (sgd, KeyError, "missing .*m.* unknown .*velocity"),
        (nn.AdamW(model.parameters()).state_dict(), ValueError, "Adam can't continue .* AdamW"),
        (wider, ValueError, r"\[6, 3\] elements, but the state is for \[9, 3\]"),
        (before | {"m": np.zeros(4)}, ValueError, "m has 4 elements, not 9"),
        (before | {"steps": 2.5}, TypeError, "integer"),
    ]:
        with pytest.raises(error, match=text):
            optimizer.load_state_dict(wrong)
        assert same(optimizer.state_dict(), before)


# --- files that are not as they should be ------------------------------------------------------


def test_a_flipped_bit_is_an_error(path):
    model = network()
    nn.save({"model": model, "epoch": 3}, path)
    whole = path.read_bytes()
    before = model.state_dict()
    rng = np.random.default_rng(0)
    silent = 0
    for place in rng.integers(0, len(whole), 150):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            saved = nn.load(path, {"model": model})
        except (ValueError, KeyError):
            assert same(model.state_dict(), before)
            continue
        # A bit that says nothing: a date in the archive, the padding of a header.
        silent += 1
        assert same(model.state_dict(), before)
        assert saved["epoch"] == 3
    assert silent < 100


def test_a_file_that_lost_its_checksum_is_an_error(path):
    nn.save({"epoch": 3, "x": np.ones(2)}, path)
    path.write_bytes(path.read_bytes().replace(b"checksum", b"chacksum"))
    with pytest.raises(ValueError, match=path.name):
        nn.load(path)


def test_a_cut_file_is_an_error(path):
    model = network()
    nn.save(model, path)
    whole = path.read_bytes()
    before = model.state_dict()
    for end in [0, 1, 7, 8, 50, len(whole) // 2, len(whole) - 30, len(whole) - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=path.name):
            nn.load(path, model)
        assert same(model.state_dict(), before)


def test_what_does_not_fit_changes_nothing(path):
    model, optimizer = nn.Linear(2, 3), None
    optimizer = nn.Adam(model.parameters())
    before = model.state_dict()
    nn.save({"model": nn.Linear(2, 3), "optimizer": nn.SGD([nn.Parameter([1.0])])}, path)
    with pytest.raises((KeyError, ValueError)):
        nn.load(path, {"model": model, "optimizer": optimizer})
    assert same(model.state_dict(), before)
    with pytest.raises(KeyError, match="nothing of 'generator'"):
        nn.load(path, {"model": model, "generator": np.random.default_rng(0)})
    assert same(model.state_dict(), before)
    nn.save(nn.Linear(2, 4), path)
    with pytest.raises(ValueError, match=r"weight has shape \(2, 3\), but the state has \(2, 4\)"):
        nn.load(path, model)
    nn.save(nn.Sequential(nn.Linear(2, 3)), path)
    with pytest.raises(KeyError, match=r"missing \['weight', 'bias'\], unknown \['0"):
        nn.load(path, model)
    assert same(model.state_dict(), before)


def test_models_without_parameters_come_back(path):
    nn.save(nn.Flatten(), path)
    nn.load(path, nn.Flatten())
    nn.save({"layer": nn.ReLU(), "epoch": 3}, path)
    assert nn.load(path, {"layer": nn.ReLU()})["epoch"] == 3
    with pytest.raises(TypeError, match=r"load\(\) gives Modules, .* their state, not layer type"):
        nn.load(path, {"layer": nn.ReLU})


def test_arrays_from_elsewhere_are_read_and_the_result_says_so(tmp_path):
    weights = {"weight": np.ones((2, 3), "f4"), "bias": np.zeros(3, "f4")}
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "a.npz", **weights)
        layer = nn.Linear(2, 3)
        saved = nn.load(tmp_path / "a.npz", layer)
        assert not saved.checked
        assert "from elsewhere" in repr(saved)
        assert same(layer.state_dict(), weights)


def test_safetensors_from_elsewhere(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    weights = {"weight": np.ones((3, 3), "f4"), "bias": np.zeros(3, "f4")}
    path = tmp_path / "a.safetensors"
    numpy.save_file(weights, path)
    layer = nn.Linear(3, 3)
    with pytest.raises(ValueError, match=r"does not say how .*shapes don't either: nn\.load_t"):
        nn.load(path, layer)
    layer.load_state_dict(nn.load(path))
    assert same(layer.state_dict(), weights)
    numpy.save_file(weights, path, {"format": "pt"})
    with pytest.raises(ValueError, match=r"PyTorch.*nn\.load_torch\(model"):
        nn.load(path, layer)
    assert same(nn.load(path), weights)
    wide = {"weight": np.ones((2, 3), "f4"), "bias": np.zeros(3, "f4")}
    numpy.save_file(wide, path)  # the shapes say how it is laid out
    assert not nn.load(path, nn.Linear(2, 3)).checked
    nn.save(layer, path)
    assert same(numpy.load_file(path), layer.state_dict())


def entry(text, data):
    """An array's file in an archive, of a made-up header."""
    file = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": text}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + data


def test_nothing_is_executed_and_no_memory_is_taken_for_lies(tmp_path):
    path = tmp_path / "a.npz"

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    np.savez(path, x=np.array([Bomb()], object))
    with pytest.raises(ValueError, match="Python objects"):
        nn.load(path)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="no whole"):
        nn.load(path)
    assert not (tmp_path / "executed").exists()
    for shape in [(10**12,), (-1,), (2, 10**13)]:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", entry(shape, b"12345678"))
        with pytest.raises(ValueError, match=r"x.npy should be float64"):
            nn.load(path)


@pytest.mark.parametrize("text", ["[]", "{", '"x"', '{"checksum": 1}'])
def test_metadata_that_are_none(tmp_path, text):
    path = tmp_path / "a.npz"
    metadata = np.frombuffer(text.encode(), np.uint8)
    np.savez(path, weight=np.ones(3), __metadata__=metadata)
    with pytest.raises(ValueError, match="npz"):
        nn.load(path)


def test_another_layout_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("nn.saving.LAYOUT", "the weight of Linear is (out, in)")
    nn.save(nn.Linear(2, 2), tmp_path / "a.npz")
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"another version.*\(out, in\)"):
        nn.load(tmp_path / "a.npz")


# --- writing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "name", "error", "text"),
    [
        ({"f": print}, "a.npz", TypeError, "f can't be saved: it is a builtin_function"),
        ({"a": {"b": [1, 2]}}, "a.npz", TypeError, r"a\.b can't be saved: it is a list"),
        ({"a": np.array(["x"])}, "a.npz", TypeError, "a is an array of <U1, not of numbers"),
        ({"a.b": 1, "a": {"b": 2}}, "a.npz", ValueError, r"two parts .* 'a\.b'"),
        ({"a": 1}, "a.pt", ValueError, r"must end in \.npz or \.safetensors"),
        ("a.npz", nn.Module(), TypeError, "take a path"),
        ({"a": 1}, "no/a.npz", FileNotFoundError, "there is no folder"),
    ],
)
def test_what_cannot_be_saved(tmp_path, monkeypatch, state, name, error, text):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=text):
        nn.save(state, name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there(path):
    with pytest.raises(FileNotFoundError, match=path.name):
        nn.load(path)
    nn.save({"a": 1, "x": np.ones(2)}, path)
    with pytest.raises(TypeError, match="not a int"):
        nn.load(path, {"a": 3})


WRITER = """
import sys, numpy as np, nn
path = sys.argv[1]
for k in range(10**6):
    nn.save({"k": k, "x": np.full(200_000, float(k))}, path)
    print(k, flush=True)
"""


def environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_a_writer_that_is_killed_leaves_a_whole_file(path):
    command = [sys.executable, "-c", WRITER, str(path)]
    for written in (1, 3, 6):
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
            for _ in range(written):
                last = int(process.stdout.readline())
            process.kill()
        saved = nn.load(path)
        assert saved["k"] >= last
        assert (saved["x"] == saved["k"]).all()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the size of a file are Unix's")
def test_a_disk_that_is_full_leaves_the_old_file(path):
    import resource

    def limit():
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    nn.save({"k": -1}, path)
    command = [sys.executable, "-c", WRITER, str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(), preexec_fn=limit, timeout=60
    )
    assert "OSError" in done.stderr.splitlines()[-1], done.stderr
    assert nn.load(path)["k"] == -1
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_metadata_are_json(tmp_path):
    nn.save({"model": nn.Linear(2, 1), "epoch": 2}, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        metadata = json.loads(file["__metadata__"].tobytes())
        assert file["model.weight"].shape == (2, 1)
    assert json.loads(metadata["values"]) == {"epoch": 2}
