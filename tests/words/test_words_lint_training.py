"""`lint` finds mistakes of training: data, targets, start values, spellings, updates."""

import numpy as np
import pytest
from test_words_lint_right import IMAGES, TOKENS, T, X, Y, mlp, trained

import nn
import tinygrad_np as tg

ROWS = np.arange(40)
PLANTED = []


def planted(kind, *words):
    """Declare a program with a mistake, and what the finding must have in it."""

    def add(function):
        PLANTED.append(pytest.param(function, kind, words, id=function.__name__))
        return function

    return add


def classifier(loss_of, **options):
    model = mlp(4, 8, 3, **options)
    return trained(model, lambda: loss_of(model(X)), steps=1)


def hidden(activation, bias):
    model = mlp(4, 8, 3)
    with tg.no_grad():
        model[0].bias += bias
    return trained(model, lambda: nn.cross_entropy(model[2](activation(model[0](X))), Y), steps=1)


# --- spellings ------------------------------------------------------------------------------------


@planted("overflow", "softmax")
def softmax_by_powers_of_two():
    def loss(z):
        powers = 2.0**z
        return -np.log((powers / powers.sum(axis=1, keepdims=True))[ROWS, Y]).mean()

    return classifier(loss)


@planted("overflow", "sigmoid")
def sigmoid_by_a_power():
    return classifier(lambda z: ((1 + tg.exp(-z)) ** -1.0).mean())


@planted("overflow", "tanh")
def tanh_by_hand():
    return classifier(lambda z: ((tg.exp(z) - tg.exp(-z)) / (tg.exp(z) + tg.exp(-z))).sum())


@planted("probabilities as logits", "softmax")
def probabilities_divided():
    return classifier(lambda z: nn.cross_entropy(tg.softmax(z) / 0.1, Y))


@planted("softmax twice", "softmax", "module 3")
def softmax_layer_and_softmax():
    return classifier(lambda p: nn.categorical_crossentropy(tg.softmax(p), Y), last=(nn.Softmax(),))


@planted("softmax twice", "log_softmax")
def log_softmax_of_sigmoid():
    return classifier(lambda z: -tg.log_softmax(tg.sigmoid(z))[ROWS, Y].mean())


@planted("probabilities for their logs", "nll_loss", "softmax")
def nll_of_a_softmax_layer():
    return classifier(lambda p: nn.nll_loss(p, Y), last=(nn.Softmax(),))


@planted("column against row", "(40, 1)", "(1, 40)")
def row_of_targets():
    model = mlp(4, 8, 1)
    return trained(model, lambda: abs(model(X) - T.T).mean(), steps=1)


@planted("column against row", "(6, 6, 1)", "(6, 6)")
def sequences_against_matrices():
    model = nn.Linear(4, 1)
    data = np.ones((6, 6, 4), np.float32)
    target = data.sum(axis=2) + np.eye(6, dtype=np.float32)
    return trained(model, lambda: ((target - model(data)) ** 2).sum(), steps=1)


@planted("dead units", "where")
def dead_by_where():
    return hidden(lambda z: tg.where(z > 0, z, 0), -50)


@planted("dead units", "maximum")
def dead_by_maximum():
    return hidden(lambda z: np.maximum(z, 0), -50)


@planted("dead units", "multiply")
def dead_by_a_mask():
    return hidden(lambda z: z * (z.numpy() > 0), -50)


@planted("saturated", "clip")
def saturated_clip():
    return hidden(lambda z: tg.clip(z, -1, 1), 50)


@planted("saturated", "clip")
def saturated_hardtanh():
    return hidden(tg.hardtanh, 50)


@planted("several losses", "(40,)")
def losses_of_rows():
    model = mlp(4, 8, 3)
    with tg.record() as record:
        loss = nn.cross_entropy(model(X), Y, reduction="none")
    return loss, model, record


@planted("axis", "axis 0", "softmax")
def softmax_over_the_rows():
    return classifier(lambda z: -tg.log(tg.softmax(z, axis=0)[ROWS, Y]).mean())


@planted("sign", "log_softmax")
def likelihood_as_loss():
    return classifier(lambda z: tg.log_softmax(z)[ROWS, Y].sum() / 40)


@planted("sign", "log")
def likelihood_of_probabilities_as_loss():
    return classifier(lambda p: tg.log(p)[ROWS, Y].mean(), last=(nn.Softmax(),))


@planted("one class", "softmax", "always 1")
def softmax_of_one_unit():
    model = mlp(4, 8, 1, last=(nn.Softmax(),))
    return trained(model, lambda: nn.binary_cross_entropy(model(X), Y[:, None] > 0), steps=1)


@planted("one class", "cross_entropy", "always 1")
def cross_entropy_of_one_unit():
    model = mlp(4, 8, 1)
    return trained(model, lambda: nn.cross_entropy(model(X), Y * 0), steps=1)


@planted("limited logits", "cross_entropy", "relu (module 3)")
def relu_before_the_loss():
    return classifier(lambda z: nn.cross_entropy(z, Y), last=(nn.ReLU(),))


@planted("limited logits", "binary_cross_entropy_with_logits", "tanh")
def tanh_before_the_loss():
    model = mlp(4, 8, 1)
    targets = (T > 0).astype(np.float32)
    loss = nn.binary_cross_entropy_with_logits
    return trained(model, lambda: loss(tg.tanh(model(X)), targets), steps=1)


@planted("no activation", "0.weight", "1.weight")
def two_layers_in_a_row():
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3))
    return trained(model, lambda: nn.cross_entropy(model(X), Y))


@planted("penalty left out", "0.weight_l2", "0.001")
def penalty_without_its_loss():
    model = nn.Sequential(nn.Linear(4, 8, weight_l2=1e-3), nn.ReLU(), nn.Linear(8, 3))
    return trained(model, lambda: nn.cross_entropy(model(X), Y))


@planted("penalty left out", "bias_l1")
def penalty_on_biases():
    model = nn.Linear(4, 3, bias_l1=0.1)
    return trained(model, lambda: nn.cross_entropy(model(X), Y))


# --- data, targets, start values ------------------------------------------------------------------


@planted("not finite", "nan at [3, 1]", "data")
def nan_in_the_images():
    images = IMAGES.reshape(8, 64).copy()
    images[3, 1] = np.nan
    model = mlp(64, 8, 3)
    return trained(model, lambda: nn.cross_entropy(model(images), Y[:8]), steps=1)


@planted("not finite", "log", "-inf")
def log_of_zero():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    return trained(model, lambda: -tg.log(model(X)).mean(), steps=1)


@planted("not finite", "weight", "an update has ruined it")
def weights_of_nan():
    model = mlp(4, 8, 3)
    with tg.no_grad():
        model[2].weight[1, 1] = np.nan
    return trained(model, lambda: nn.cross_entropy(model(X), Y), steps=1)


@planted("not finite", "weight", "an update has ruined it")
def weights_ruined_by_a_rate():
    model = mlp(4, 8, 1)
    optimizer = nn.SGD(model.parameters(), 1e4)
    with tg.record() as record, np.errstate(all="ignore"):
        for _ in range(9):
            loss = nn.mse_loss(model(X), T)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss, model, record


@planted("unscaled inputs", "255")
def grey_images():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 3))
    return trained(model, lambda: nn.cross_entropy(model(IMAGES * 255), Y[:8]), steps=1)


@planted("float64", "float64", "weight")
def float64_data():
    weight = nn.Parameter(np.ones((4, 3), np.float32), name="weight")
    data = X.astype(np.float64)
    optimizer = nn.SGD([weight], 0.1)
    loss, _, record = trained(
        nn.Identity(), lambda: nn.cross_entropy(data @ weight, Y), optimizer, steps=1
    )
    return loss, None, record


@planted("range of targets", "sigmoid", "between 0 and 1")
def sigmoid_for_large_targets():
    model = mlp(4, 8, 1, last=(nn.Sigmoid(),))
    return trained(model, lambda: nn.mse_loss(model(X), 10 * T), steps=1)


@planted("range of targets", "softplus", "from 0 up")
def softplus_for_negative_targets():
    model = mlp(4, 8, 1, last=(nn.Softplus(),))
    return trained(model, lambda: nn.l1_loss(model(X), T - 5), steps=1)


@planted("equal units", "are all 0", "identical")
def all_weights_zero():
    model = mlp(4, 8, 3)
    with tg.no_grad():
        for parameter in model.parameters():
            parameter *= 0.0
    return trained(model, lambda: nn.cross_entropy(model(X), Y), steps=1)


@planted("equal units", "the same for all units")
def all_weights_equal():
    model = mlp(4, 8, 3, act=nn.Tanh)
    with tg.no_grad():
        for parameter in model.parameters():
            parameter *= 0.0
            parameter += 0.3
    return trained(model, lambda: nn.cross_entropy(model(X), Y), steps=4)


@planted("repeated layer", "0, 1 and 2", "3 times")
def one_layer_in_a_list():
    layers = nn.ModuleList([nn.Linear(4, 4)] * 3)

    def loss():
        h = tg.Tensor(X)
        for layer in layers:
            h = tg.tanh(layer(h))
        return nn.mse_loss(h[:, :1], T)

    return trained(layers, loss, steps=1)


@planted("bias before a norm", "bias", "no effect")
def bias_of_a_convolution():
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)
    )  # fmt: skip
    return trained(model, lambda: nn.cross_entropy(model(X), Y), steps=1)


# --- updates --------------------------------------------------------------------------------------


@planted("vanishing gradient", "0.weight", "sigmoid")
def fifteen_sigmoids():
    model = mlp(4, *[6] * 15, 3, act=nn.Sigmoid)
    return trained(model, lambda: nn.cross_entropy(model(X), Y), steps=1)


@planted("vanishing gradient", "embedding")
def a_long_recurrence_of_small_weights():
    model = nn.ModuleDict({"embedding": nn.Embedding(11, 4), "h": nn.Linear(4, 4)})
    with tg.no_grad():
        model["h"].weight *= 0.1

    def loss():
        h = model["embedding"](TOKENS[:, 0])
        for _ in range(12):
            h = tg.tanh(model["h"](h))
        return (h**2).mean()

    return trained(model, loss, steps=1)


@planted("exploding gradient", "huge", "matmul")
def a_long_recurrence_of_large_weights():
    model = nn.ModuleDict({"h": nn.Linear(4, 4), "out": nn.Linear(4, 1)})
    with tg.no_grad():
        model["h"].weight *= 0.0
        model["h"].weight += 4 * np.eye(4, dtype=np.float32)

    def loss():
        h = tg.Tensor(X)
        for _ in range(30):
            h = model["h"](h)
        return abs(model["out"](h)).mean()

    return trained(model, loss, nn.SGD(model.parameters(), 1e-30), steps=1)


@planted("learning rate 0", "Adam")
def a_schedule_that_starts_at_zero():
    model = mlp(4, 8, 3)
    optimizer = nn.Adam(model.parameters(), lambda steps: 0.0)
    return trained(model, lambda: nn.cross_entropy(model(X), Y), optimizer)


@planted("exploding update", "times its size", "learning rate")
def a_learning_rate_of_thousands():
    model = mlp(4, 8, 1)
    optimizer = nn.SGD(model.parameters(), 3000.0)
    return trained(model, lambda: nn.mse_loss(model(X), T), optimizer, steps=1)


@planted("missing step", "3 times")
def backward_without_step():
    model = mlp(4, 8, 3)
    with tg.record() as record:
        for _ in range(3):
            model.zero_grad()
            loss = nn.cross_entropy(model(X), Y)
            loss.backward()
    return loss, model, record


@planted("not updated", "2.weight", "2.bias")
def an_optimizer_of_the_first_layer():
    model = mlp(4, 8, 3)
    optimizer = nn.Adam(model[0].parameters(), 0.01)
    with tg.record() as record:
        loss = nn.cross_entropy(model(X), Y)
        model.zero_grad()
        loss.backward()
        optimizer.step()
    return loss, model, record


@planted("not updated", "0.weight")
def an_optimizer_of_a_model_that_was_there_before():
    model, old = mlp(4, 8, 3), mlp(4, 8, 3)
    optimizer = nn.SGD([*old.parameters()], 0.1)
    with tg.record() as record:
        nn.cross_entropy(old(X), Y).backward()
        loss = nn.cross_entropy(model(X), Y)
        loss.backward()
        optimizer.step()
    return loss, model, record


@planted("not reached", "0.weight", "add")
def through_numpy_and_changed():
    model = mlp(4, 8, 3)

    def loss():
        h = np.maximum(model[0](X).numpy(), 0) * 2
        return nn.cross_entropy(model[2](h), Y)

    return trained(model, loss, nn.SGD(model[2].parameters(), 0.1), steps=1)


@pytest.mark.parametrize(("program", "kind", "words"), PLANTED)
def test_planted_mistakes_are_found(program, kind, words):
    tg.manual_seed(0)
    with np.errstate(all="ignore"):
        loss, model, record = program()
        found = tg.lint(loss, model, record=record)
    of_kind = [finding for finding in found if finding.kind == kind]
    assert len(of_kind) == 1, found
    (finding,) = of_kind
    for word in words:
        assert word in finding.what
    assert finding.where.startswith("test_words_lint_")
    assert finding.remedy
