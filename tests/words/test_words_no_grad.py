"""Values that were read under `no_grad()`: the op and its line, where that is the cause."""

import inspect

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import nn

X = np.random.default_rng(0).normal(size=(5, 3))


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    return first + next(k for k, line in enumerate(lines) if text in line)


def leaf(*shape, name):
    values = np.random.default_rng(1).normal(size=shape)
    return tg.Tensor(values, requires_grad=True, name=name)


def forward(W, V):
    with tg.no_grad():
        h = tg.tanh(X @ W)
    return (h @ V).sum()


def by_matmul(W, V):
    with tg.no_grad():
        h = tg.concatenate([W, W]) * 2
    return (h[:3] @ V).sum()


def later(W, V):
    h = X @ W
    with tg.no_grad():
        h = tg.tanh(h)
    return (h @ V).sum()


@pytest.mark.parametrize(
    ("loss", "op", "text"),
    [
        (forward, "matmul", "X @ W"),
        (by_matmul, "concatenate", "concatenate"),
        (later, "tanh", "tg.tanh"),
    ],
)
def test_why_names_the_op_under_no_grad(loss, op, text):
    W, V = leaf(3, 3, name="W"), leaf(3, 1, name="V")
    with tg.record() as run:
        loss(W, V).backward()
    said = str(tg.why(W, record=run))
    place = f"test_words_no_grad.py:{line_of(loss, text)}"
    assert f"{op} at {place} reads" in said
    assert "under no_grad()" in said
    assert "no_grad" not in str(tg.why(V, record=run))


def test_lint_names_the_layer_under_no_grad():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    first, second = model

    def loss():
        with tg.no_grad():
            h = first(X.astype("f4"))
        return nn.cross_entropy(second(h), [0, 1, 1, 0, 1])

    with tg.record() as run:
        value = loss()
        value.backward()
    said = str(tg.lint(value, model, record=run))
    assert f"test_words_no_grad.py:{line_of(loss, 'first(X')} reads" in said
    assert "`0.weight`" in said


def step(loss, optimizer):
    with tg.record() as run:
        value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return value, run


def test_what_is_measured_or_updated_under_no_grad_is_not_accused():
    W, V, unused = leaf(3, 3, name="W"), leaf(3, 1, name="V"), leaf(2, name="unused")
    optimizer = nn.SGD([W, V, unused], lr=0.1, weight_decay=0.1)

    def loss():
        out = (X @ W @ V).sum()
        with tg.no_grad():
            assert np.isfinite((X @ W).numpy()).all()
            assert (W * 2).shape == (3, 3)
        return out

    value, run = step(loss, optimizer)
    for tensor in (W, V):
        assert "no_grad" not in str(tg.why(tensor, record=run))
    assert "reads" not in str(tg.why(unused, record=run))
    assert "under no_grad()" not in str(tg.lint(value, record=run))


def test_updates_by_hand_are_no_cause():
    W, unused = leaf(3, 1, name="W"), leaf(2, name="unused")
    with tg.record() as run:
        loss = (X @ W).sum()
        loss.backward()
        with tg.no_grad():
            W -= 0.1 * W.grad
            unused -= 0.1 * unused
    assert "reads" not in str(tg.why(unused, record=run))
    assert not run.unseen


def test_an_outer_record_sees_it_too_and_nothing_is_kept_without_one():
    W = leaf(3, 1, name="W")
    with tg.record() as outer, tg.record() as inner, tg.no_grad():
        tg.exp(W)
    assert list(outer.unseen) == list(inner.unseen) == [W._node]
    with tg.no_grad():
        assert not tg.is_grad_enabled()
        tg.exp(W)
    with tg.record() as run, tg.no_grad(), tg.enable_grad():
        tg.exp(W)
    assert not run.unseen
