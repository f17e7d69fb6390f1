"""fit: arguments of the wrong kind, optimizers of other models, and data that are not finite."""

import warnings

import numpy as np
import pytest

import nn
import tinygrad_np as tg

X = np.random.default_rng(0).standard_normal((8, 2))
Y = np.arange(8) % 3


def network(outputs=3, activation=nn.ReLU):
    rng = np.random.default_rng(0)
    return nn.Sequential(nn.Linear(2, 4, rng=rng), activation(), nn.Linear(4, outputs, rng=rng))


def fit(x=X, y=Y, model=None, **options):
    model = model or network()
    options = {"loss": nn.cross_entropy, "progress": False, **options}
    if "optimizer" not in options:
        options["optimizer"] = nn.SGD(model.parameters(), lr=0.1)
    return nn.fit(model, x, y, **options)


# --- arguments ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"optimizer": "adam"}, r"optimizer must be .*nn\.Adam\(model\.parameters\(\).*not 'adam'"),
        ({"optimizer": nn.Adam}, r"optimizer must be an optimizer, such as .*not the class Adam"),
        ({"optimizer": None}, r"optimizer must be .*not None"),
        ({"optimizer": 0.1}, r"optimizer must be .*not 0\.1"),
        (
            {"loss": 7},
            r"loss must be a function of \(output, target\).*nn\.mse_loss.*\"mse\", not 7",
        ),
        ({"loss": nn.CrossEntropyLoss}, r"not the class CrossEntropyLoss: CrossEntropyLoss\(\)"),
        ({"loss": None}, r"loss must be a function"),
        ({"metrics": nn.accuracy}, r'metrics must be a list .*\["accuracy"\] .*nn\.accuracy\}'),
        ({"metrics": "accuracy"}, r"metrics must be a list"),
        ({"metrics": {"accuracy"}}, r"metrics must be a list"),
        ({"metrics": {"score": 3}}, r"metrics\['score'\] must be a function"),
        ({"metrics": [lambda out, y: 0.0]}, r"a metric in a list needs a name of its own, <fun"),
        ({"callbacks": nn.EarlyStopping("loss")}, r"callbacks must be a list .*, not <nn"),
        ({"callbacks": [nn.EarlyStopping]}, r"callbacks must be a list of nn.Callback.*: there is"),
        ({"on_epoch": "print"}, r"on_epoch must be a function of \(epoch, history\)"),
        ({"epochs": 2.5}, r"epochs must be a whole number, not 2\.5"),
        ({"epochs": None}, r"epochs must be a whole number"),
        ({"batch_size": "4"}, r"batch_size must be a whole number, not '4'"),
        ({"rng": 0}, r"rng must be a NumPy Generator, such as np\.random\.default_rng\(0\), not 0"),
        ({"rng": 5, "batch_size": 2}, r"rng must be a NumPy Generator"),
        ({"rng": np.random}, r"rng must be a NumPy Generator"),
    ],
)
def test_arguments_of_the_wrong_kind(options, said):
    model = network()
    before = model.state_dict()
    with pytest.raises(TypeError, match=said):
        fit(model=model, **options)
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize("model", [lambda x: x, nn.Sequential, None, [nn.Linear(2, 3)]])
def test_what_is_no_model(model):
    optimizer = nn.SGD(network().parameters())
    with pytest.raises(TypeError, match=r"model must be an nn\.Module"):
        nn.fit(model, X, Y, loss=nn.cross_entropy, optimizer=optimizer, progress=False)


@pytest.mark.parametrize("name", ["loss", "lr", "data_loss", "reg_loss", "val_loss"])
def test_metrics_do_not_take_the_names_of_the_history(name):
    with pytest.raises(ValueError, match=f"a metric can't be named '{name}'"):
        fit(metrics={name: nn.accuracy})


def test_whole_numbers_of_numpy_are_whole_numbers():
    assert len(fit(epochs=np.int64(3), batch_size=np.uint8(4))) == 3


def test_an_optimizer_of_ones_own_needs_no_base():
    class Plain:
        lr = 0.1

        def __init__(self, model):
            self.model = model

        def zero_grad(self):
            self.model.zero_grad()

        def step(self):
            with tg.no_grad():
                for p in self.model.parameters():
                    p -= self.lr * p.grad

    model, other = network(), network()
    history = fit(model=model, optimizer=Plain(model), epochs=4, compile=False)
    assert history["loss"] == fit(model=other, epochs=4)["loss"]


@pytest.mark.parametrize("options", [{"loss": 7}, {"metrics": nn.accuracy}])
def test_evaluate_checks_too(options):
    with pytest.raises(TypeError, match="must be a"):
        nn.evaluate(network(), X, Y, **{"loss": nn.cross_entropy, **options})


@pytest.mark.parametrize("make", [lambda rng: nn.Linear(2, 2, rng=rng), nn.Dropout])
@pytest.mark.parametrize("rng", [0, 7, "a"])
def test_a_seed_is_no_generator(make, rng):
    with pytest.raises(TypeError, match="rng must be a NumPy Generator"):
        nn.Dropout(0.5, rng=rng) if make is nn.Dropout else make(rng)


# --- what is not learned ------------------------------------------------------------


def test_a_weight_that_was_replaced_after_the_optimizer_was_made():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    model[0].weight = nn.Parameter(np.ones((2, 3)), dtype=np.float32)
    with pytest.warns(UserWarning, match="optimizer does not hold the model's 0.weight"):
        fit(model=model, optimizer=optimizer)


def test_a_replaced_weight_of_a_shape_that_others_have_too():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    model[1].weight = nn.Parameter(np.ones((3, 3)), dtype=np.float32)
    with pytest.warns(UserWarning, match="model's 1.weight, but other parameters"):
        fit(model=model, optimizer=optimizer)


@pytest.mark.parametrize("case", ["a part", "frozen", "more"])
def test_what_is_left_out_on_purpose_is_not_warned_of(case):
    model = network()
    params = model.parameters()
    temperature = nn.Parameter(1.0, dtype=np.float32)

    def loss(output, target):
        return nn.cross_entropy(output * temperature, target)

    if case == "a part":
        params = model[2].parameters()
    elif case == "frozen":
        model[0].requires_grad_(False)
        params = model[2].parameters()
    else:
        params = [*model[2].parameters(), temperature]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(model=model, optimizer=nn.SGD(params, lr=0.1), loss=loss)


# --- numbers that are not finite ----------------------------------------------------


def unchanged(model, before):
    return all(np.array_equal(before[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize("compile", [None, True, False])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_bad_number_in_x_is_named_and_nothing_is_learned_from_it(bad, activation, compile):
    """Tanh hides an infinity from the loss, but not from the gradient: 0 times inf is nan."""
    model = network(activation=activation)
    optimizer = nn.Adam(model.parameters(), lr=0.1)
    x = X.copy()
    x[5, 1] = bad
    before = model.state_dict()
    with pytest.raises(FloatingPointError, match=rf"row 5 of x has {bad} in column 1") as failed:
        fit(x, model=model, optimizer=optimizer, compile=compile)
    hidden = np.isinf(bad) and (activation is not nn.ReLU or bad < 0)  # until the first batch
    assert ("in epoch 1, batch 1; the param" in str(failed.value)) == hidden
    assert len(failed.value.history) == 0 if hidden else not hasattr(failed.value, "history")
    assert unchanged(model, before)
    assert optimizer.steps == 0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_bad_number_that_comes_in_a_later_batch():
    model = network(activation=nn.Tanh)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    x = X.copy()
    x[7, 0] = np.inf
    states = []

    def loss(output, target):
        states.append(model.state_dict())
        return nn.cross_entropy(output, target)

    options = {"optimizer": optimizer, "batch_size": 2, "shuffle": False, "compile": False}
    with pytest.raises(FloatingPointError, match=r"the gradient of 0.weight is nan at \[0, 0\]"):
        fit(x, model=model, loss=loss, **options)
    assert optimizer.steps == 3
    assert unchanged(model, states[-1])


@pytest.mark.parametrize("compile", [None, True, False])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_gradient_that_is_nan_only_later_changes_nothing(compile):
    """The compiled step finds it as the uncompiled one does."""
    w = nn.Parameter([3.0, 4.0], dtype=np.float32)
    scale = tg.Tensor(np.float32(1))

    class Root(nn.Module):
        def __init__(self):
            self.w = w

        def forward(self, x):
            return x * tg.sqrt(scale * (self.w * self.w).sum())

    model = Root()
    optimizer = nn.Adam(model.parameters(), lr=0.1)
    x = np.ones((4, 1))

    def vanish(epoch, history):
        if epoch == 6:
            scale.assign(np.float32(0))  # the root's slope at 0 is infinite: 0 times inf is nan

    with pytest.raises(FloatingPointError, match=r"gradient of w is nan at \[0\] in epoch 7") as e:
        fit(
            x, x, model=model, loss=nn.mse_loss, optimizer=optimizer, epochs=9,
            on_epoch=vanish, compile=compile,
        )  # fmt: skip
    assert len(e.value.history) == 6
    assert optimizer.steps == 6
    assert np.isfinite(w.numpy()).all()
    assert all(np.isfinite(values.numpy()).all() for values in optimizer.state.values())


def test_a_bad_number_in_y_is_named():
    y = np.ones((8, 3))
    y[2, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"row 2 of y has nan in column 1: clean the data"):
        fit(y=y, loss=nn.mse_loss)


@pytest.mark.parametrize(("which", "place"), [("x", [3, 0]), ("y", [1, 2])])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_bad_number_in_the_validation_data_is_named(which, place):
    data = {"x": X.copy(), "y": np.ones((8, 3))}
    data[which][tuple(place)] = np.nan
    said = rf"row {place[0]} of {which} of the validation data has nan in column {place[1]}"
    model = network()
    before = model.state_dict()
    with pytest.raises(FloatingPointError, match=said):
        fit(model=model, y=np.ones((8, 3)), loss=nn.mse_loss, validation_data=tuple(data.values()))
    assert unchanged(model, before)


def test_parameters_that_are_bad_from_the_start_are_named():
    model = network()
    model.load_state_dict({**model.state_dict(), "2.bias": np.array([0, np.nan, 0])})
    with pytest.raises(FloatingPointError, match=r"2.bias has nan at \[1\], before the first upd"):
        fit(model=model)


def test_the_learning_rate_is_not_blamed_for_the_first_step():
    with pytest.raises(
        FloatingPointError, match=r"multiply at .* was given nan: y = nan"
    ) as failed:
        fit(loss=lambda out, y: nn.cross_entropy(out, y) * np.nan, compile=False)
    assert "learning rate often" not in str(failed.value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_the_error_recommends_names_the_operation():
    with tg.debug(), pytest.raises(FloatingPointError, match=r"log at .* made nan"):
        fit(loss=lambda out, y: tg.log(out - 100).sum(), compile=False)


def test_bad_numbers_that_the_loss_leaves_out_are_no_mistake():
    """A target of nan for what is not known."""
    y = np.ones((8, 3))
    y[::2] = np.nan

    def loss(output, target):
        known = ~np.isnan(target.numpy())
        return (tg.where(known, output - np.where(known, target.numpy(), 0), 0) ** 2).mean()

    assert fit(y=y, loss=loss, epochs=5, compile=False)["loss"][-1] < 5


# --- integers -----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint32, np.int16, np.uint8])
@pytest.mark.parametrize("compile", [None, False])
def test_integers_train_as_floats_do(dtype, compile):
    x = np.arange(16).reshape(8, 2)
    y = np.arange(8)[:, None] % 3
    kinds = set()

    def loss(output, target):
        value = nn.mse_loss(output, target)
        kinds.update((output.dtype, value.dtype))
        return value

    def losses(x, y):
        model = network(1)
        return fit(x, y, model=model, loss=loss, epochs=4, compile=compile)["loss"]

    assert losses(x.astype(dtype), y.astype(dtype)) == losses(x.astype(float), y.astype(float))
    assert kinds == {np.dtype(np.float32)}


def test_indices_stay_integers():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 3))
    assert model.predict(np.arange(5)).dtype == np.float32
    assert len(fit(np.arange(8) % 5, Y, model=model, epochs=2)) == 2


def test_integers_in_a_model_of_float64_and_float16():
    x = np.arange(8).reshape(4, 2)
    for dtype in (np.float64, np.float16):
        layer = nn.Linear(2, 3, dtype=dtype)
        assert layer.predict(x).dtype == dtype
        assert np.array_equal(layer.predict(x), layer.predict(x.astype(dtype)))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: nn.Conv1d(2, 3, 2), (4, 2, 5)),
        (lambda: nn.Conv2d(2, 3, 2), (4, 2, 5, 5)),
        (lambda: nn.ConvTranspose2d(2, 3, 2), (4, 2, 5, 5)),
        (lambda: nn.LSTM(3, 2), (5, 4, 3)),
        (lambda: nn.GRUCell(3, 2), (4, 3)),
    ],
    ids=["conv1d", "conv2d", "transposed", "lstm", "gru-cell"],
)
def test_other_layers_with_weights_take_integers_as_floats(layer, shape):
    model = layer()
    x = np.random.default_rng(0).integers(0, 9, shape)
    of_integers, of_floats = model(x), model(x.astype(np.float32))
    if isinstance(of_integers, tuple):
        of_integers, of_floats = of_integers[0], of_floats[0]
    assert of_integers.dtype == np.float32
    assert np.array_equal(of_integers.numpy(), of_floats.numpy())
