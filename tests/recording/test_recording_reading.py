"""One reading of a run: values, arguments, contributions, names, with a record and without."""

import sys

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from tinygrad_np.core.op import Op, reads_of
from tinygrad_np.core.tensor import node_of
from tinygrad_np.ops.replay import run_again
from tinygrad_np.recording.reading import Reading, ancestors_of, bare


def reading_of(*outputs, record=None, model=None):
    order = ancestors_of(map(node_of, outputs))
    return Reading(order, record, sys._getframe(1), model)


def leaf(values):
    return tg.Tensor(np.array(values), requires_grad=True)


# --- values ---------------------------------------------------------------------------------------


def test_values_of_a_record_stay_after_backward():
    x = leaf([1.0, 2.0])
    with tg.record() as r:
        y = tg.exp(x)
        loss = (3 * y).sum()
        loss.backward()
    reading = reading_of(loss, record=r)
    assert reading.value(node_of(y)) is y.data
    assert reading.value(node_of(x)) is x.data
    product = node_of(loss).parents[0]
    assert [reading.operand(product, k) for k in range(2)] == [3, pytest.approx(np.exp([1, 2]))]
    assert reading.value(3) == 3


def test_values_without_a_record_come_from_what_backward_will_read():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    e = tg.exp(x)  # keeps its result
    p = x * w  # keeps its operands
    s = tg.sin(p)  # keeps p
    total = s + e  # keeps nothing
    loss = total.sum()
    reading = reading_of(loss)
    for tensor in (x, w, e, p, s):
        np.testing.assert_array_equal(reading.value(node_of(tensor)), tensor.data)
    assert reading.value(node_of(total)) is None
    loss.backward()
    assert reading.value(node_of(e)) is None
    assert reading.value(node_of(x)) is None


@pytest.mark.parametrize("is_recorded", [True, False])
def test_operands_and_arguments_of_a_sequence(is_recorded):
    x, y = leaf([[1.0, 2.0]]), leaf([[3.0]])
    with tg.record() as r:
        out = tg.concatenate([x, y], axis=1)
    reading = reading_of(out, record=r if is_recorded else None)
    node = node_of(out)
    assert reading.arguments(node)["axis"] == 1
    if is_recorded:
        assert reading.operand(node, 1) is y.data
        assert reading.reads(node, 1)["i"] == 1
    else:
        assert reading.reads(node, 1) is None


def test_arguments_without_a_record_until_backward_frees_them():
    x = leaf([[3.0, 1.0]])
    y = tg.cumsum(x, axis=1)
    loss = y.sum()
    reading = reading_of(loss)
    assert reading.arguments(node_of(y)) == {"axis": 1}
    loss.backward()
    assert reading.arguments(node_of(y)) == {}


def test_a_rule_reads_also_the_hidden_outputs():
    x = leaf([[1.0, 2.0, 4.0]])
    with tg.record() as r:
        loss = nn.cross_entropy(x, np.array([2]))
        loss.backward()
    node = node_of(loss)
    assert node.op.keeps
    reads = reading_of(loss, record=r).reads(node, 0)
    assert set(node.op.keeps) <= reads.keys()
    assert reads["g"] == 1
    rule = node.op.rules[0]
    gradient = rule(*[reads[name] for name in reads_of(rule)])
    np.testing.assert_allclose(gradient, x.grad.data)


def test_bare_looks_into_tuples():
    x = tg.Tensor([1.0])
    assert bare((x, None, 2)) == (x.data, None, 2)


# --- the backward pass ----------------------------------------------------------------------------


def test_contributions_are_those_of_the_last_pass():
    x = leaf([0.5, 2.0])
    with tg.record() as r:
        loss = (x * x + tg.exp(x)).sum()
        loss.backward(retain_graph=True)
        first = reading_of(loss, record=r).contributions[node_of(x)]
        loss.backward()
    flows = reading_of(loss, record=r).contributions[node_of(x)]
    assert len(flows) == len(first) == 3
    assert not {id(flow) for flow in flows} & {id(flow) for flow in first}
    np.testing.assert_array_equal(flows[-1].total, sum(flow.contribution for flow in flows))
    assert reading_of(loss).contributions == {}


def test_the_gradient_of_a_node_is_recorded_or_held():
    x = leaf([0.5, 2.0])
    with tg.record() as r:
        y = tg.exp(x)
        loss = y.sum()
        loss.backward()
    reading = reading_of(loss, record=r)
    np.testing.assert_array_equal(reading.gradient(node_of(y)), [1, 1])
    without = reading_of(loss)
    np.testing.assert_array_equal(without.gradient(node_of(x)), x.grad.data)
    assert without.gradient(node_of(y)) is None


def test_a_recorded_gradient_is_read_as_an_array():
    x = leaf([0.5, 2.0])
    with tg.record() as r:
        loss = (x * x).sum()
        loss.backward(create_graph=True)
    assert type(reading_of(loss, record=r).gradient(node_of(x))) is np.ndarray


def test_updates_are_those_after_backward_went_through():
    w, other = leaf([1.0]), leaf([1.0])
    with tg.record() as r, tg.no_grad():
        w += 1  # before
        with tg.enable_grad():
            loss = (w * 2).sum()
        unrelated = reading_of(loss, record=r).updates()
        loss.backward()
        other -= 1  # no part of the graph
        w -= 0.25
    (update,) = reading_of(loss, record=r).updates()
    assert update.node is node_of(w)
    np.testing.assert_array_equal(update.after, [1.75])
    assert unrelated == []
    assert reading_of(loss).updates() == []


def test_slope_against_finite_differences():
    x = leaf([-1.0, 0.5, 2.0])
    scale = leaf(2.0)
    y = tg.tanh(x)
    z = y * scale
    reading = reading_of(z.sum())
    h = 1e-6
    expected = (np.tanh(x.data + h) - np.tanh(x.data - h)) / (2 * h)
    np.testing.assert_allclose(reading.slope(node_of(y), 0), expected, rtol=1e-6)
    np.testing.assert_array_equal(reading.slope(node_of(z), 1), y.data)
    assert reading.slope(node_of(z.sum()), 0) is None  # not elementwise


# --- names, relations -----------------------------------------------------------------------------


def test_names_modules_and_sources():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    with tg.record() as r:
        hidden = model(np.ones((1, 2), np.float32))
        loss = hidden.sum()
    reading = reading_of(loss, record=r)
    by_op = {node.op.name: node for node in reading.order if node.op}
    assert reading.name(by_op["relu"]) == "hidden"
    assert reading.name(by_op["sum"]) == "loss"
    assert reading.name(node_of(model[0].weight)) == "0.weight"
    assert reading.module(by_op["add"]) == "0"
    assert reading.classes["0"] == "Linear"
    for node in by_op.values():
        assert reading.source(node) == node.place


def test_children_and_descendants():
    x = leaf([1.0])
    a = tg.exp(x)
    b = a * a
    c = b + x
    reading = reading_of(c)
    assert reading.children(node_of(a)) == [node_of(b)]  # once, though it is read twice
    assert list(reading.descendants(node_of(x))) == [node_of(t) for t in (a, b, c)]
    assert list(reading.descendants(node_of(c))) == []


# --- an op again ----------------------------------------------------------------------------------


def test_running_again_leaves_a_random_generator_alone():
    noise = Op(lambda x, rng: x + rng.normal(size=x.shape), "noise", {"x": lambda g: g})
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    x = np.zeros(3)
    first = run_again(noise, [x], {"rng": rng})
    np.testing.assert_array_equal(first, run_again(noise, [x], {"rng": rng}))
    assert rng.bit_generator.state == before


def test_running_again_an_op_of_a_sequence():
    x = leaf([1.0, 2.0])
    with tg.record() as r:
        out = tg.stack([x, x * 2], axis=1)
    step = r.forward[node_of(out)]
    again = run_again(step.node.op, step.operands, step.arguments)
    np.testing.assert_array_equal(again, out.data)
    assert 0 < step.replay_seconds() < 1


def test_a_record_says_what_it_holds():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.record() as record:
        loss = (tg.exp(x) * x).sum()
    assert repr(record) == "<Record: 3 ops, no backward>"
    with record:
        loss.backward()
        with tg.no_grad():
            x -= 0.1 * x.grad
    assert repr(record) == "<Record: 3 ops, backward from sum, 1 updates>"
