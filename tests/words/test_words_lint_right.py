"""`lint` stays silent on programs that are right, however unusual they are."""

import itertools

import numpy as np
import pytest

import nn
import tinygrad_np as tg

RNG = np.random.default_rng(7)
X = RNG.standard_normal((40, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 40)
T = X.sum(axis=1, keepdims=True)
IMAGES = RNG.random((8, 1, 8, 8)).astype(np.float32)
TOKENS = RNG.integers(0, 11, (6, 5))
PROGRAMS = []


def right(function):
    """A function that gives what a training step takes: the model, and its loss as a function."""
    PROGRAMS.append(pytest.param(function, id=function.__name__))
    return function


def mlp(*sizes, act=nn.ReLU, last=()):
    layers = []
    for k, (i, o) in enumerate(itertools.pairwise(sizes)):
        layers += [nn.Linear(i, o), act()] if k < len(sizes) - 2 else [nn.Linear(i, o)]
    return nn.Sequential(*layers, *last)


def trained(model, loss_of, optimizer=None, steps=2):
    optimizer = optimizer or nn.SGD(model.parameters(), 0.05)
    for _ in range(steps):
        with tg.record() as record:
            loss = loss_of()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss, model, record


@right
def a_classifier():
    model = mlp(4, 16, 3)
    return trained(model, lambda: nn.cross_entropy(model(X), Y))


@right
def a_penalty_in_the_loss():
    model = nn.Sequential(nn.Linear(4, 8, weight_l2=1e-3, bias_l1=1e-3), nn.ReLU(), nn.Linear(8, 3))
    return trained(model, lambda: nn.cross_entropy(model(X), Y) + nn.regularization_loss(model))


@right
def layers_of_low_rank():
    model = nn.Sequential(
        nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2, bias=False), nn.Linear(2, 3)
    )
    return trained(model, lambda: nn.cross_entropy(model(X), Y))


@right
def attention_to_a_single_token():
    layer, head = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)
    model = nn.ModuleList([layer, head])
    return trained(model, lambda: nn.cross_entropy(head(layer(*[X[:, None]] * 3)[0][:, 0]), Y))


@right
def a_loss_after_a_fit():
    model = mlp(4, 8, 3)
    adam = nn.Adam(model.parameters())
    nn.fit(model, X, Y, loss=nn.cross_entropy, optimizer=adam, epochs=4, progress=False)
    with tg.record() as record:
        loss = nn.cross_entropy(model(X), Y)
    return loss, model, record


@right
def adam_on_small_weights():
    model = mlp(4, 64, 3)
    with tg.no_grad():
        for parameter in model.parameters():
            parameter *= 0.02
    adam = nn.Adam(model.parameters(), 0.05)
    return trained(model, lambda: nn.cross_entropy(model(X), Y), adam)


@right
def weights_that_start_at_zero_in_one_layer():
    model = nn.Linear(4, 3)
    with tg.no_grad():
        model.weight *= 0.0
    return trained(model, lambda: nn.cross_entropy(model(X), Y))


@right
def a_last_layer_that_starts_at_zero():
    model = mlp(4, 16, 3)
    with tg.no_grad():
        model[2].weight *= 0.0
    return trained(model, lambda: nn.cross_entropy(model(X), Y))


@right
def a_regression_with_mse():
    model = mlp(4, 16, 1)
    return trained(model, lambda: nn.mse_loss(model(X), T))


@right
def a_sigmoid_for_targets_of_0_and_1():
    model = mlp(4, 8, 1, last=(nn.Sigmoid(),))
    target = (T > 0).astype(np.float32)
    return trained(model, lambda: ((model(X) - target) ** 2).mean())


@right
def a_tanh_for_scaled_targets_with_few_outliers():
    model = mlp(4, 8, 1, last=(nn.Tanh(),))
    target = T / np.abs(T).max() * 1.05
    return trained(model, lambda: ((model(X) - target) ** 2).mean())


@right
def a_difference_inside_of_the_network():
    """No target: the activation is compared with data on the way."""
    model, second = mlp(4, 4, last=(nn.ReLU(),)), nn.Linear(4, 1)
    both = nn.ModuleList([model, second])
    return trained(both, lambda: nn.mse_loss(second(tg.tanh(model(X) + X)), T))


@right
def a_convolution_with_norm():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(36, 3),
    )  # fmt: skip
    return trained(model, lambda: nn.cross_entropy(model(IMAGES), Y[:8]))


@right
def a_bias_before_a_norm_over_the_units():
    """Layer norm runs over the units: the bias counts."""
    model = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3))
    return trained(model, lambda: nn.cross_entropy(model(X), Y))


@right
def pixels_that_a_norm_scales():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    return trained(model, lambda: nn.cross_entropy(model(X * 255), Y))


@right
def one_large_feature_among_small_ones():
    data = X.copy()
    data[0, 0] = 150
    model = mlp(4, 8, 3)
    return trained(model, lambda: nn.cross_entropy(model(data), Y))


@right
def an_embedding_and_a_recurrent_layer():
    table, layer, out = nn.Embedding(11, 6), nn.LSTM(6, 5, batch_first=True), nn.Linear(5, 3)
    model = nn.ModuleList([table, layer, out])
    return trained(model, lambda: nn.cross_entropy(out(layer(table(TOKENS))[0][:, -1]), Y[:6]))


@right
def a_recurrence_by_hand():
    model = nn.ModuleDict({"x": nn.Linear(4, 6), "h": nn.Linear(6, 6), "out": nn.Linear(6, 3)})
    sequence = RNG.standard_normal((5, 7, 4)).astype(np.float32)

    def loss():
        h = tg.Tensor(np.zeros((5, 6), np.float32))
        for t in range(7):
            h = tg.tanh(model["x"](sequence[:, t]) + model["h"](h))
        return nn.cross_entropy(model["out"](h), Y[:5])

    return trained(model, loss)


@right
def a_transformer_layer():
    model = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
    sequence = RNG.standard_normal((5, 7, 4)).astype(np.float32)
    return trained(model, lambda: (model(sequence) ** 2).mean())


@right
def attention_whose_queries_are_columns():
    model = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)])
    query, key, out = model

    def loss():
        weights = tg.softmax(key(X[:6]) @ query(X[:6]).T, axis=0)
        return nn.cross_entropy(out(weights.T @ X[:6]), Y[:6])

    return trained(model, loss)


@right
def likelihoods_with_their_sign():
    model = mlp(4, 8, 3)
    rows = np.arange(40)
    return trained(model, lambda: -tg.log_softmax(model(X))[rows, Y].mean())


@right
def nll_of_log_probabilities():
    model = mlp(4, 8, 3)
    return trained(model, lambda: nn.nll_loss(tg.log_softmax(model(X)), Y))


@right
def an_entropy_that_is_made_large():
    """Its sign is the other one on purpose: the sum is not over log probabilities alone."""
    model = mlp(4, 8, 3)

    def loss():
        p = tg.softmax(model(X))
        return (p * tg.log_softmax(model(X))).sum(axis=1).mean()

    return trained(model, loss)


@right
def accumulated_gradients():
    model = mlp(4, 8, 3)
    optimizer = nn.SGD(model.parameters(), 0.1)
    with tg.record() as record:
        for k in range(4):
            loss = nn.cross_entropy(model(X[10 * k : 10 * k + 10]), Y[10 * k : 10 * k + 10]) / 4
            loss.backward()
        optimizer.step()
    return loss, model, record


@right
def a_target_network():
    model, target = mlp(4, 8, 1), mlp(4, 8, 1)
    return trained(model, lambda: ((model(X) - target(X).detach()) ** 2).mean())


@right
def a_frozen_body():
    model = mlp(4, 8, 3)
    model[0].requires_grad_(False)
    head = [p for p in model.parameters() if p.requires_grad]
    return trained(model, lambda: nn.cross_entropy(model(X), Y), nn.SGD(head, 0.1))


@right
def two_networks_against_each_other():
    maker, judge = mlp(2, 8, 4), mlp(4, 8, 1)
    noise = RNG.standard_normal((40, 2)).astype(np.float32)

    def loss():
        score = judge(maker(noise))
        return nn.binary_cross_entropy_with_logits(score, np.ones((40, 1), np.float32))

    return trained(maker, loss)


@right
def a_gradient_without_a_step():
    model = mlp(4, 8, 3)
    with tg.record() as record:
        loss = nn.cross_entropy(model(X), Y)
        loss.backward()
    return loss, model, record


@right
def a_hinge_all_of_whose_margins_are_kept():
    model = nn.Linear(4, 1)
    sign = np.sign(X[:, :1])
    with tg.no_grad():
        model.weight *= 0.0
        model.weight[0] = 1000.0
    weights = model.weight
    return trained(
        model,
        lambda: tg.relu(1 - sign * model(X)).mean() + 1e-3 * (weights**2).sum(),
        nn.SGD(model.parameters(), 1e-3),
    )


@right
def distances_of_all_pairs():
    model = mlp(4, 8, 2)

    def loss():
        z = model(X)
        pairs = z[:, None, :] - z[None, :, :]
        return (pairs**2).sum(axis=-1).mean() + nn.mse_loss(z[:, :1], T)

    return trained(model, loss)


@right
def a_kernel_of_one_feature():
    model = nn.Linear(4, 1)

    def loss():
        column = model(X)
        return tg.exp(-((column - column.T) ** 2)).mean()

    return trained(model, loss)


@right
def a_clip_that_only_guards():
    model = mlp(4, 8, 3)
    return trained(model, lambda: nn.cross_entropy(tg.clip(model(X), -50, 50), Y))


@right
def softmax_and_the_books_loss():
    model = mlp(4, 8, 3, last=(nn.Softmax(),))
    return trained(model, lambda: nn.categorical_crossentropy(model(X), Y))


@right
def a_temperature():
    model = mlp(4, 8, 3)
    return trained(model, lambda: nn.cross_entropy(model(X) / 0.5, Y))


@right
def a_mask_of_dropout_by_hand():
    model = mlp(4, 32, 3)
    mask = RNG.random((40, 32)) > 0.5
    return trained(model, lambda: nn.cross_entropy(model[2](model[1](model[0](X)) * mask), Y))


@right
def where_with_zero_for_padding():
    model = mlp(4, 8, 1)
    valid = np.arange(40)[:, None] < 30
    return trained(model, lambda: tg.where(valid, (model(X) - T) ** 2, 0.0).sum() / 30)


@right
def six_sigmoid_layers():
    model = mlp(4, 8, 8, 8, 8, 3, act=nn.Sigmoid)
    with tg.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter *= 3.0
    return trained(model, lambda: nn.cross_entropy(model(X), Y))


@right
def float64_throughout():
    model = mlp(4, 8, 3)
    weights = [nn.Parameter(p.numpy().astype(np.float64)) for p in model.parameters()]
    a, b, c, d = weights
    optimizer = nn.SGD(weights, 0.1)
    data = X.astype(np.float64)

    def loss():
        return nn.cross_entropy(tg.relu(data @ a + b) @ c + d, Y)

    (loss, _, record) = trained(nn.Identity(), loss, optimizer)
    return loss, None, record


@right
def a_penalty_and_a_float64_number():
    model = mlp(4, 8, 3)
    weights = model[0].weight
    strength = 1e-3
    return trained(model, lambda: nn.cross_entropy(model(X), Y) + strength * (weights**2).sum())


@right
def one_activation_object_used_twice():
    act = nn.ReLU()
    model = nn.Sequential(nn.Linear(4, 8), act, nn.Linear(8, 8), act, nn.Linear(8, 3))
    return trained(model, lambda: nn.cross_entropy(model(X), Y))


@right
def tied_weights():
    table = nn.Embedding(11, 6)
    out = nn.Linear(6, 6)
    model = nn.ModuleList([table, out])

    def loss():
        h = out(table(TOKENS[:, 0]))
        return nn.cross_entropy(h @ table.weight.T, TOKENS[:, 1])

    return trained(model, loss)


@right
def an_autoencoder_of_numbers_between_0_and_1():
    model = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 64), nn.Sigmoid())
    flat = IMAGES.reshape(8, 64)
    return trained(model, lambda: nn.binary_cross_entropy(model(flat), flat))


@right
def a_variational_bound():
    encoder, decoder = nn.Linear(64, 4), nn.Linear(2, 64)
    model = nn.ModuleList([encoder, decoder])
    flat, noise = IMAGES.reshape(8, 64), RNG.standard_normal((8, 2)).astype(np.float32)

    def loss():
        mean, log_variance = tg.split(encoder(flat), 2, axis=1)
        z = mean + tg.exp(0.5 * log_variance) * noise
        kl = -0.5 * (1 + log_variance - mean**2 - tg.exp(log_variance)).sum(axis=1).mean()
        return nn.binary_cross_entropy_with_logits(decoder(z), flat) + kl

    return trained(model, loss)


@right
def a_policy_gradient():
    model = mlp(4, 8, 3)
    rewards = RNG.standard_normal(40).astype(np.float32)
    rows = np.arange(40)
    return trained(model, lambda: -(tg.log_softmax(model(X))[rows, Y] * rewards).mean())


@right
def a_large_loss_of_large_targets():
    model = mlp(4, 8, 1)
    optimizer = nn.Adam(model.parameters(), 0.01)
    return trained(model, lambda: nn.mse_loss(model(X), T * 1000), optimizer)


@right
def fit_in_a_record():
    model = mlp(4, 8, 3)
    optimizer = nn.Adam(model.parameters(), 0.01)
    with tg.record() as record:
        for _ in range(3):
            loss = nn.cross_entropy(model(X), Y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss, model, record


@pytest.mark.parametrize("program", PROGRAMS)
def test_right_programs_have_no_finding(program):
    tg.manual_seed(0)
    loss, model, record = program()
    assert list(tg.lint(loss, model, record=record)) == []
    if program is not two_networks_against_each_other:  # whose gradients stay in the other one
        assert list(tg.lint(loss, record=record)) == []
