"""The step-through page as a file: what is in it, against NumPy."""

import base64
import functools
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from page_cases import adam_by_hand, classifier, run_in, small, small_by_hand, updated

import nn
import tinygrad_np as tg
from tinygrad_np.page import html
from tinygrad_np.page.arrays import MOST_ELEMENTS, Arrays
from tinygrad_np.page.html import to_html
from tinygrad_np.page.names import numbered
from tinygrad_np.page.steps import steps_of
from tinygrad_np.pictures import style
from tinygrad_np.pictures.layout import lay_out


def labels_in(page):
    """The first words of each box."""
    return [node.get("label", node["title"]) for node in run_in(page)["nodes"]]


def array(run, k):
    entry = run["arrays"][k]
    kind = "<f8" if entry.get("wide") else "<f4"
    return numbers_of(entry, kind).reshape(entry["shape"])


def numbers_of(entry, kind="<f4"):
    """The elements of an array's entry, the zeros that it leaves out included."""
    numbers = np.frombuffer(base64.b64decode(entry["data"]), kind)
    if "kept" not in entry:
        return numbers
    bits = np.frombuffer(base64.b64decode(entry["kept"]), np.uint8)
    kept = np.unpackbits(bits, bitorder="little").astype(bool)
    size = (
        len(entry["rows"]) * len(entry["columns"])
        if "rows" in entry
        else np.prod(entry["shape"], dtype=int)
    )
    whole = np.zeros(int(size), kind)
    whole[kept[: int(size)]] = numbers
    return whole


def named(run, name):
    return next(k for k, node in enumerate(run["nodes"]) if node["name"] == name)


# --- the steps ------------------------------------------------------------------------------------


def test_values_and_gradients_are_those_of_numpy():
    run, by_hand = run_in(to_html(small())), small_by_hand()
    for name in ("h", "y", "loss"):
        (k,) = run["nodes"][named(run, name)]["value"]
        np.testing.assert_allclose(array(run, k), by_hand[name], rtol=1e-6)
    for name, gradient in {"h": "dh", "W1": "dW1", "W2": "dW2"}.items():
        (k,) = run["nodes"][named(run, name)]["gradient"]
        np.testing.assert_allclose(array(run, k), by_hand[gradient], rtol=1e-6)


def test_the_running_sum_of_a_value_that_is_used_three_times():
    run, by_hand = steps_of(small()), small_by_hand()
    h = named(run, "h")
    flows = [f for step in run["steps"] for f in step.get("flows", ()) if f["to"] == h]
    assert [(f["nth"], f["of"]) for f in flows] == [(1, 3), (2, 3), (3, 3)]
    sent = [array(run, f["contribution"][0]) for f in flows]
    sums = [array(run, f["total"][0]) for f in flows]
    for found, name in zip(sent, ("from square", "from square", "from y")):
        np.testing.assert_allclose(found, by_hand[name], rtol=1e-6)
    for found, name in zip(sums, ("from square", "after square", "dh")):
        np.testing.assert_allclose(found, by_hand[name], rtol=1e-6)


def test_the_order_is_topological():
    run = steps_of(small())
    phases = [step["phase"] for step in run["steps"]]
    ops = sum(node["op"] is not None for node in run["nodes"])
    assert phases == ["forward"] * ops + ["seed"] + ["backward"] * ops
    ready = {k for k, node in enumerate(run["nodes"]) if node["op"] is None}
    for step in run["steps"][:ops]:
        assert ready.issuperset(run["nodes"][step["node"]]["inputs"])
        ready.add(step["node"])
    gone = set()
    for step in run["steps"][ops + 1 :]:
        gone.add(step["node"])
        assert not any(flow["to"] in gone for flow in step["flows"])


def test_formulas_have_the_users_names():
    run = steps_of(small())
    h, y = named(run, "h"), named(run, "y")
    assert run["nodes"][h]["formula"] == "h = tanh(matmul)"
    assert run["nodes"][y]["formula"] == "y = h @ W2"
    step = next(s for s in run["steps"] if s["phase"] == "backward" and s["node"] == y)
    assert [flow["formula"] for flow in step["flows"]] == ["∂L/∂y @ W2ᵀ", "hᵀ @ ∂L/∂y"]
    assert [flow["numpy"] for flow in step["flows"]] == [["g @ W2.T"], ["h.T @ g"]]
    assert step["flows"][0]["where"] == [["g", "∂L/∂y"]]
    assert run["nodes"][y]["code"] == "y = h @ second"
    assert run["nodes"][y]["place"].startswith("page_cases.py:")


def flows_of(op_name, compute, **inputs):
    """The flows of one op's rules, in a run on the page."""
    given = {k: tg.Tensor(v, requires_grad=True, name=k) for k, v in inputs.items()}
    with tg.record() as run:
        out = compute(**given)
        out.name = "out"
        loss = out.sum()
        loss.backward()
    found = run_in(to_html(tg.graph(loss, record=run)))
    steps = [s for s in found["steps"] if s["phase"] == "backward"]
    (step,) = (s for s in steps if found["nodes"][s["node"]]["op"] == op_name)
    return step["flows"]


def test_formulas_of_rules_of_several_steps():
    points = np.array([[0.5, -1.0], [2.0, 0.3]])
    (flow,) = flows_of("silu", lambda x: tg.silu(x), x=points)
    assert flow["formula"] == "∂L/∂out · (sigmoid(x) + x · sigmoid(x) · (1 − sigmoid(x)))"
    assert flow["numpy"] == ["g * (sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)))"]
    (flow,) = flows_of("logsumexp", lambda best: tg.logsumexp(best, 1), best=points)
    assert flow["formula"] == (
        "out₂ = expand_dims(out, (1,))\n"
        "out₃ = where(out₂ = −inf, 0, out₂)\n"
        "expand_dims(∂L/∂out, (1,)) · exp(best − out₃)"
    )
    (flow,) = flows_of("max", lambda best: tg.max(best, 1), best=points)
    assert flow["formula"].split("\n")[0] == ("best₂ = (best = expand_dims(out, (1,)))")
    assert flow["numpy"][0] == "best2 = (best == np.expand_dims(out, (1,)))"


def test_what_forward_kept_decides_the_lines():
    logits, labels = np.array([[0.5, -1.0], [2.0, 0.3]]), np.array([1, 0])
    compute = lambda logits: nn.cross_entropy(logits, labels)  # noqa: E731
    (flow,) = flows_of("cross_entropy", compute, logits=logits)
    declared = r"\(softmax\(logits\) − one_hot\(\w+, 2\)\) · ∂L/∂.* / 2"
    assert re.fullmatch(declared, flow["formula"])
    assert flow["numpy"] == [
        "d = p.reshape(-1).copy()",
        "d[picked] -= 1 - 0",
        "d = d.reshape(p.shape)",
        "_scale(d, g, n, -1, 'mean')",
    ]
    assert ["p", "the softmax of the logits"] in flow["where"]


def test_a_bias_says_that_it_was_stretched():
    run = steps_of(classifier(20))
    flows = [f for s in run["steps"] for f in s.get("flows", ()) if "summed" in f]
    assert [f["summed"] for f in flows] == [[[20, 3], [3]], [[20, 64], [64]]]


@pytest.mark.parametrize(
    "op", [op for op in tg.TABLE.values() if any(op.rule.values())], ids=lambda op: op.name
)
def test_every_op_of_the_table_has_steps(op):
    rng = np.random.default_rng(3)
    numbers = lambda *shape: rng.uniform(0.4, 0.9, shape)  # noqa: E731
    args, params = [numbers(2, 3) + max(0, op.domain[0]) for _ in op.inputs], {}
    if op.samples is not None:
        args, params = op.samples(numbers)[0]

    def given(value):
        if isinstance(value, (list, tuple)):
            return type(value)(map(given, value))
        floats = isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc"
        return tg.Tensor(value, requires_grad=True) if floats else value

    with tg.record() as run:
        out = getattr(tg, op.name)(*map(given, args), **params)
        outs = out if isinstance(out, tuple) else (out,)
        outs = [o for o in outs if o.dtype.kind in "fc" and o.requires_grad]
        total = sum((o * o.conj() if o.dtype.kind == "c" else o * o).sum() for o in outs)
        total.backward(np.ones((), total.dtype))
    found = run_in(to_html(tg.graph(total, record=run)))
    mine = [s for s in found["steps"] if found["nodes"][s["node"]]["op"] == op.name]
    assert {"forward", "backward"} <= {s["phase"] for s in mine}
    for flow in (f for s in mine for f in s.get("flows", ())):
        assert flow["numpy"], "every rule shows its lines"


# --- the updates ----------------------------------------------------------------------------------


def updates_in(run):
    return {run["nodes"][s["node"]]["name"]: s for s in run["steps"] if s["phase"] == "update"}


def test_an_update_has_the_numbers_of_the_rule():
    run, by_hand = run_in(to_html(updated())), adam_by_hand()
    assert [step["phase"] for step in run["steps"]][-3:] == ["backward", "update", "update"]
    for name, step in updates_in(run).items():
        shown = {key: step[key][0] for key in ("before", "gradient", "change", "after")}
        shown |= {key: after[0] for key, _, after in step["state"]}
        assert shown.keys() == by_hand[name].keys()
        for key, k in shown.items():
            np.testing.assert_allclose(array(run, k), by_hand[name][key], rtol=1e-6, atol=1e-12)
        for _, before, _ in step["state"]:
            assert not array(run, before[0]).any()


@pytest.mark.parametrize(
    ("make", "lines", "read", "note"),
    [
        (nn.SGD, ["w -= lr * g"], {"lr": "0.1"}, ""),
        (
            lambda p, lr: nn.SGD(p, lr, momentum=0.9),
            ["velocity = momentum * velocity - lr * g", "w += velocity"],
            {"lr": "0.1", "momentum": "0.9"},
            "",
        ),
        (
            lambda p, lr: nn.SGD(p, lr, momentum=0.5, nesterov=True, weight_decay=0.25),
            ["velocity = momentum * velocity - lr * g", "w -= lr * g - momentum * velocity"],
            {"lr": "0.1", "momentum": "0.5"},
            "Weight decay: 0.25 · w has been added to the gradient.",
        ),
        (
            nn.AdaGrad,
            ["cache = cache + g * g", "w -= lr * g / (np.sqrt(cache) + eps)"],
            {"lr": "0.1", "eps": "1e-10"},
            "",
        ),
        (
            lambda p, lr: nn.AdamW(p, lr, betas=(0.5, 0.75)),
            [
                "beta1, beta2 = betas",
                "m = beta1 * m + (1 - beta1) * g",
                "v = beta2 * v + (1 - beta2) * (g * g)",
                "m_hat = m / (1 - beta1 ** t)",
                "v_hat = v / (1 - beta2 ** t)",
                "w -= lr * m_hat / (np.sqrt(v_hat) + eps)",
            ],
            {"lr": "0.1", "t": "1", "betas": "(0.5, 0.75)", "eps": "1e-08"},
            "Weight decay: lr · 0.01 · w is subtracted, too.",
        ),
    ],
    ids=["SGD", "momentum", "nesterov", "AdaGrad", "AdamW"],
)
def test_an_update_shows_the_lines_of_the_rule(make, lines, read, note):
    w = tg.Tensor([1.0, -2.0], requires_grad=True, name="v")
    optimizer = make([w], 0.1)
    with tg.record() as run:
        loss = (w**3).sum()
        loss.backward()
        optimizer.step()
    (step,) = updates_in(steps_of(tg.graph(loss, record=run))).values()
    # Python 3.10 writes (beta1, beta2) = betas.
    shown = [line.replace("(beta1, beta2)", "beta1, beta2") for line in step["numpy"]]
    assert shown == lines
    read = {"w": "v", "g": "the gradient"} | read
    assert dict(step["reads"]) == read
    assert step["note"] == note
    assert step["code"] == "optimizer.step()"
    assert step["place"].startswith("test_page_html.py:")
    assert step["by"] == repr(optimizer)


def test_the_state_of_one_parameter_among_several():
    """Also where some parameters were not reached, and so have taken fewer steps."""
    a, b, c = (
        tg.Tensor(np.full(2, v), requires_grad=True, name=n) for v, n in zip((1.0, 2.0, 3.0), "abc")
    )
    optimizer = nn.Adam([a, b, c], 0.1)
    for used in ((a, c), (a, b, c)):
        optimizer.zero_grad()
        with tg.record() as run:
            loss = sum((p * p).sum() for p in used)
            loss.backward()
            optimizer.step()
    found = steps_of(tg.graph(loss, record=run))
    for name, step in updates_in(found).items():
        g = 2 * array(found, step["before"][0])
        taken = 1 if name == "b" else 2
        assert dict(step["reads"])["t"] == str(taken)
        np.testing.assert_allclose(array(found, step["gradient"][0]), g)
        (m, m_before, m_after), (v, v_before, v_after) = step["state"]
        assert (m, v) == ("m", "v")
        # Before their second step, the others had m = 0.1 g of a gradient that was 0.2 larger.
        old = 0 if name == "b" else g + 0.2
        np.testing.assert_allclose(array(found, m_before[0]), 0.1 * old + 0 * g, rtol=1e-5)
        np.testing.assert_allclose(array(found, m_after[0]), 0.09 * old + 0.1 * g, rtol=1e-5)
        np.testing.assert_allclose(array(found, v_before[0]), 0.001 * old**2 + 0 * g, rtol=1e-5)
        np.testing.assert_allclose(
            array(found, v_after[0]), 0.999 * 0.001 * old**2 + 0.001 * g * g, rtol=1e-5
        )


def test_an_update_of_the_users_own():
    w = tg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    with tg.record() as run:
        loss = (w * w).sum()
        loss.backward()
        with tg.no_grad():
            w -= 0.1 * w.grad
    found = steps_of(tg.graph(loss, record=run))
    (step,) = updates_in(found).values()
    assert step["code"] == "w -= 0.1 * w.grad"
    assert "by" not in step
    np.testing.assert_allclose(array(found, step["before"][0]), [1.0, 2.0])
    np.testing.assert_allclose(array(found, step["gradient"][0]), [2.0, 4.0])
    np.testing.assert_allclose(array(found, step["after"][0]), [0.8, 1.6])


def test_the_updates_after_this_backward_are_shown():
    w = tg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    with tg.record() as run:
        with tg.no_grad():
            w *= 3.0
        loss = (w * w).sum()
        loss.backward()
        with tg.no_grad():
            w -= 1.0
            w -= 1.0
    found = steps_of(tg.graph(loss, record=run))
    shown = [array(found, s["after"][0]) for s in found["steps"] if s["phase"] == "update"]
    np.testing.assert_allclose(shown, [[2.0, 5.0], [1.0, 4.0]])


def test_an_optimizer_of_ones_own():
    class Signs(nn.Optimizer):
        """Steps of one size: w -= lr·sign(g)."""

        state_names = ("count",)

        def update(self, g, lr, t, count):
            return lr * np.sign(g), count + 1

    w = tg.Tensor([1.0, -2.0], requires_grad=True, name="w")
    with tg.record() as outer, tg.record() as run:
        loss = (w * w).sum()
        loss.backward()
        Signs([w], 0.5).step()
    for record in (outer, run):
        (step,) = updates_in(steps_of(tg.graph(loss, record=record))).values()
        assert step["numpy"] == ("w -= lr * np.sign(g)", "count = count + 1")
        assert step["doc"] == "Steps of one size: w -= lr·sign(g)."


def one_step(optimizer_class, value=(1.0, -2.0), **options):
    """The page's update step of `value`, by an optimizer of one's own, and the whole run."""
    w = tg.Tensor(value, requires_grad=True, name="v")
    optimizer = optimizer_class([w], 0.1, **options)
    with tg.record() as run:
        loss = (w * w).sum()
        loss.backward()
        optimizer.step()
    graph = tg.graph(loss, record=run)
    found = steps_of(graph)
    (step,) = updates_in(found).values()
    return step, found, optimizer, graph


class Counting(nn.Optimizer):
    state_names = ("m",)
    calls = 0
    limit = 100.0

    def update(self, g, lr, t, *state):
        self.calls += 1
        if self.calls:
            g *= 0.5
        if np.sqrt((g * g).sum()) > self.limit:
            g = g * (self.limit / np.sqrt((g * g).sum()))
        new = 0.5 * state[0] + g
        return lr * (new - state[0]), new


def test_drawing_changes_nothing():
    step, found, optimizer, graph = one_step(Counting)
    optimizer.limit, optimizer.lr = 7.0, 0.5
    again = steps_of(graph)
    assert optimizer.calls == 1
    assert again == found
    np.testing.assert_allclose(array(found, step["gradient"][0]), [2.0, -4.0])
    assert step["by"] == "Counting(lr=0.1)"
    assert dict(step["reads"])["lr"] == "0.1"


def test_the_old_state_is_not_taken_for_the_new():
    step, *_ = one_step(Counting)
    assert list(step["numpy"])[-3:] == ["new = 0.5 * m + g", "w -= lr * (new - m)", "m = new"]

    class Named(nn.Optimizer):
        state_names = ("m",)

        def update(self, g, lr, t, *state):
            m = 0.5 * state[0] + g
            return lr * (m - state[0]), m

    step, *_ = one_step(Named)
    assert list(step["numpy"]) == ["m = 0.5 * m + g", "w -= lr * (m - m_before)"]
    assert dict(step["reads"])["m_before"] == "the optimizer's m before"


def test_lines_are_those_that_ran_for_all_parameters_together():
    class Clipping(Counting):
        limit = 1.0

    small, large = (tg.Tensor([v], requires_grad=True, name=n) for v, n in ((0.1, "a"), (9.0, "b")))
    optimizer = Clipping([small, large], 0.1)
    with tg.record() as run:
        loss = (small * small + large * large).sum()
        loss.backward()
        optimizer.step()
    for step in updates_in(steps_of(tg.graph(loss, record=run))).values():
        assert "g = g * (limit / np.sqrt((g * g).sum()))" in step["numpy"]
    step, *_ = one_step(Counting)
    assert not [line for line in step["numpy"] if "limit" in line]


def test_names_of_ones_own_in_the_rule():
    class Own(nn.Optimizer):
        state_names = ("m",)

        def update(self, grad, rate, count, first):
            w = first + grad
            return rate * w, w

    step, found, *_ = one_step(Own)
    assert list(step["numpy"]) == ["w = first + grad", "weight -= rate * w", "m = w"]
    assert dict(step["reads"]) == {
        "weight": "v",
        "grad": "the gradient",
        "rate": "0.1",
        "first": "the optimizer's m",
    }
    np.testing.assert_allclose(array(found, step["gradient"][0]), [2.0, -4.0])


def test_rules_that_are_no_plain_methods():
    def halved(update):
        @functools.wraps(update)
        def half(*args):
            change, *state = update(*args)
            return 0.5 * change, *state

        return half

    class Decorated(nn.Optimizer):
        @halved
        def update(self, g, lr, t):
            return (lr * g,)

    class Static(nn.Optimizer):
        @staticmethod
        def update(g, lr, t):
            return (lr * g,)

    class Inherited(nn.SGD):
        def update(self, *given):
            change, *state = super().update(*given)
            return 2 * change, *state

    class Forwarded(nn.SGD):
        def update(self, g, lr, t, *state):
            return super().update(2 * g, lr, t, *state)

    for kind in (Decorated, Static):
        step, *_ = one_step(kind)
        assert list(step["numpy"]) == ["w -= lr * g"]
        assert step["by"] == f"{kind.__name__}(lr=0.1)"
    step, *_ = one_step(Inherited)
    assert list(step["numpy"])[-2:] == ["change, *state = (2 * change, *state)", "w -= change"]
    step, *_ = one_step(Forwarded)
    assert list(step["numpy"])[-1] == "w -= change"


def test_a_gradient_that_was_there_before_is_told_apart():
    w = tg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    w.grad = tg.Tensor([5.0, 5.0])
    with tg.record() as run:
        loss = (w * w).sum()
        loss.backward()
        nn.SGD([w], 0.1).step()
    found = steps_of(tg.graph(loss, record=run))
    (step,) = updates_in(found).values()
    assert step["label"] == "w.grad"
    np.testing.assert_allclose(array(found, step["gradient"][0]), [7.0, 9.0])
    assert one_step(nn.SGD)[0]["label"] == "∂L/∂v"
    assert one_step(nn.SGD, weight_decay=0.1)[0]["label"] == "v.grad, with weight decay"


def test_a_debugger_goes_on_seeing():
    """Each line, in the rule as well."""
    seen, before = [], sys.gettrace()

    def debugger(frame, event, arg):
        seen.append((frame.f_code, event))
        return debugger

    sys.settrace(debugger)
    try:
        one_step(Counting)
        assert sys.gettrace() is debugger
    finally:
        sys.settrace(before)
    events = [event for code, event in seen if code is Counting.update.__code__]
    assert events == ["call", *["line"] * 6, "return"]


# --- what can go wrong ----------------------------------------------------------------------------


def test_without_a_record_it_says_what_to_do(tmp_path):
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"with tg\.record\(\) as r"):
        tg.graph((w * w).sum()).html(tmp_path / "step.html")
    assert not list(tmp_path.iterdir())


def test_a_folded_graph_is_refused(tmp_path):
    with pytest.raises(ValueError, match="folded graph"):
        classifier(4).folded().html(tmp_path / "step.html")


def test_another_backward_pass_through_the_same_nodes():
    w = tg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    with tg.record() as run:
        h = w * w
        loss, other = h.sum(), (h * 3).sum()
        loss.backward(retain_graph=True)
        other.backward()
    with pytest.raises(ValueError, match="no part of this graph"):
        to_html(tg.graph(loss, record=run))
    with pytest.raises(ValueError, match="no part of this graph"):
        to_html(tg.graph(h, record=run))


def test_two_outputs_with_a_backward_pass_each():
    w = tg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    with tg.record() as run:
        one, two = (w * w).sum(), (w * 3).sum()
        one.backward()
        two.backward()
    with pytest.raises(ValueError, match=r"several calls of backward\(\) reached the same values"):
        to_html(tg.graph([one, two], record=run))


def test_nothing_to_step_through():
    w = tg.Tensor([1.0], requires_grad=True, name="w")
    with tg.record() as run:
        w.backward()
    with pytest.raises(ValueError, match="w has no ops"):
        to_html(tg.graph(w, record=run))


def test_values_of_one_name_are_numbered():
    w = tg.Tensor([0.5], requires_grad=True, name="w")
    with tg.record() as run:
        x = w * 2
        x = tg.tanh(x)
        loss = (x * np.ones(1) * np.ones(1)).sum()
        loss.backward()
    found = steps_of(tg.graph(loss, record=run))
    names = [node["name"] for node in found["nodes"]]
    assert {"x₁", "x₂", "data₁", "data₂"} < set(names)
    assert [node["formula"] for node in found["nodes"] if node["op"] == "tanh"] == ["x₂ = tanh(x₁)"]
    assert "x₂ = tanh" in labels_in(to_html(tg.graph(loss, record=run)))


def test_names_inside_of_names_stay_as_they_are():
    w = tg.Tensor([0.5, 1.0], requires_grad=True, name="w")
    with tg.record() as run:
        h = tg.tanh(w)
        h = tg.tanh(h)
        tanh_of_h = tg.exp(h)
        loss = tanh_of_h.sum()
        loss.backward()
    graph = tg.graph(loss, record=run)
    titles = [node["title"] for node in steps_of(graph)["nodes"]]
    assert titles == ["w", "h₁ = tanh", "h₂ = tanh", "tanh_of_h = exp", "loss = sum"]
    assert labels_in(to_html(graph)) == titles


def test_a_box_is_as_wide_as_its_name_with_its_number():
    w = tg.Tensor([0.5], requires_grad=True, name="w")
    with tg.record() as run:
        for _ in range(12):
            w = tg.tanh(w)
            w.name = "a_name_that_is_long_enough"
        loss = w.sum()
        loss.backward()
    graph = tg.graph(loss, record=run)
    names = [node["name"] for node in steps_of(graph)["nodes"]]
    assert "a_name_that_is_long_enough₁₂" in names
    for box in lay_out(numbered(graph, names)).boxes:
        assert box.width > style.text_width(style.bold(box.node), style.BOLD_SIZE)
        assert box.node.kind == "data" or names[box.node.id] in style.bold(box.node)


def test_lines_never_mix_a_rules_names_with_the_users():
    """y is a value of the user's: what the rule calls y has its own name, or an underscore."""
    y = tg.Tensor([[0.5, 1.0]], requires_grad=True, name="y")
    model = nn.Linear(2, 3)
    with tg.record() as run:
        error = (model(y) - 1.0) ** 2
        loss = error.sum()
        loss.backward()
    found = steps_of(tg.graph(loss, model, record=run))
    lines = {}
    for step in found["steps"]:
        for flow in step.get("flows", ()):
            op = found["nodes"][step["node"]]["op"]
            lines[op, flow["argument"]] = flow["numpy"], flow["where"]
    assert lines["matmul", 0][0] == ["g @ weight.T"]
    assert lines["matmul", 1][0] == ["y.T @ g"]
    assert lines["power", 0][0] == ["g * 2 * subtract"]
    for texts, where in lines.values():
        for name, _ in where:
            assert name != "y"
            assert any(name in text for text in texts)


def test_an_op_without_a_text():
    cube = tg.define_op(lambda x: x * x * x, name="cube", x=lambda g, x: g * 3 * x * x)
    x = tg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    with tg.record() as run:
        y = cube(x)
        loss = y.sum()
        loss.backward()
    found = steps_of(tg.graph(loss, record=run))
    assert found["nodes"][named(found, "y")]["formula"] == "y = cube(x)"


def test_the_last_of_two_equal_backward_passes_is_shown():
    w = tg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    with tg.record() as run:
        loss = (w * w).sum()
        loss.backward(retain_graph=True)
        loss.backward()
    found = steps_of(tg.graph(loss, record=run))
    flows = [f for s in found["steps"] for f in s.get("flows", ()) if f["to"] == named(found, "w")]
    assert [(f["nth"], f["of"]) for f in flows] == [(1, 2), (2, 2)]
    np.testing.assert_array_equal(array(found, flows[-1]["total"][0]), [2.0, 4.0])


def test_forward_alone():
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.record() as run:
        loss = (w * w).sum()
    phases = {step["phase"] for step in steps_of(tg.graph(loss, record=run))["steps"]}
    assert phases == {"forward"}


def test_gradients_that_were_recorded_themselves():
    w = tg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    with tg.record() as run:
        loss = (w**3).sum()
        loss.backward(create_graph=True)
    found = steps_of(tg.graph(loss, record=run))
    (k,) = found["nodes"][named(found, "w")]["gradient"]
    np.testing.assert_allclose(array(found, k), [3.0, 12.0])


@pytest.mark.parametrize("name", ["step.png", "step", "step.html.txt"])
def test_another_suffix(tmp_path, name):
    with pytest.raises(ValueError, match="html"):
        small().html(tmp_path / name)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        small().html(tmp_path / "none" / "step.html")


# --- the file -------------------------------------------------------------------------------------


def test_it_is_small_and_loads_nothing(tmp_path):
    path = classifier().html(tmp_path / "step.html")
    page = path.read_text(encoding="utf-8")
    data = re.search(r'<script id="run".*?</script>', page, re.S)[0]
    assert len(page.encode()) < 132_000
    assert len(page.encode()) - len(data) < 61_000  # template
    assert not re.search(
        r"""(?:src|href)=["'](?!data:)|@import|url\(|fetch\(|https?://(?!www\.w3)""", page
    )
    assert "Content-Security-Policy" in page


def test_a_value_that_is_used_everywhere_does_not_blow_up_the_page():
    w = tg.Tensor([1.0], requires_grad=True, name="w")
    with tg.record() as run:
        t = w
        for _ in range(300):
            t = tg.tanh(t) + w
        loss = t.sum()
        loss.backward()
    page = to_html(tg.graph(loss, record=run))
    assert len(page) < 3_000_000


def test_names_are_text_wherever_they_stand():
    evil = '</script><img src=x onerror="alert(1)">{{JS}}'
    w = tg.Tensor([1.0], requires_grad=True, name=evil)
    with tg.record() as run:
        loss = (w * w).sum()
        loss.backward()
    page = to_html(tg.graph(loss, record=run), title=evil)
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert any(
        "onerror" in node["name"] or "<img" in node["name"] for node in run_in(page)["nodes"]
    )


def test_the_same_program_gives_the_same_page():
    assert to_html(small()) == to_html(small())


# --- arrays ---------------------------------------------------------------------------------------


def entry(values):
    arrays = Arrays()
    number = arrays.add(values)
    return arrays.entries()[number]


def test_what_is_not_finite_is_counted_and_kept():
    found = entry(np.array([np.nan, np.inf, -np.inf, 2.0]))
    assert (found["nan"], found["inf"], found["min"], found["max"]) == (1, 2, 2.0, 2.0)
    kept = array({"arrays": [found]}, 0)
    np.testing.assert_array_equal(kept, [np.nan, np.inf, -np.inf, 2.0])
    assert entry(np.array([np.nan]))["min"] is None
    assert entry(np.ones((0, 3)))["mean"] is None


@pytest.mark.parametrize("values", [[1e300, 1.0], [1e-300, 1.0], [2**53, 1]])
def test_numbers_that_float32_would_lose_are_kept_wide(values):
    found = entry(np.array(values))
    assert found["wide"]
    np.testing.assert_array_equal(array({"arrays": [found]}, 0), values)


def test_a_large_array_is_a_labelled_window_with_statistics_of_the_whole():
    values = np.random.default_rng(1).normal(size=(300, 64))
    found = entry(values)
    assert found["rows"] == list(range(0, 300, 13))
    assert found["columns"] == list(range(64))
    kept = numbers_of(found).reshape(24, 64)
    np.testing.assert_array_equal(kept, values[::13].astype(np.float32))
    np.testing.assert_allclose(found["mean"], values.mean(), rtol=1e-5)
    np.testing.assert_allclose(found["std"], values.std(), rtol=1e-5)
    assert sum(found["bins"]) == values.size
    assert "rows" not in entry(values[:30])


def test_the_arrays_of_many_steps_are_shown_in_smaller_windows():
    arrays = Arrays()
    rng = np.random.default_rng(2)
    for _ in range(600):
        arrays.add(rng.normal(size=(40, 50)))
    small = arrays.add(np.arange(100.0))
    entries = arrays.entries()
    shown = [len(e.get("rows", "1")) * len(e.get("columns", e["shape"])) for e in entries]
    assert sum(shown) < MOST_ELEMENTS < 600 * 40 * 50
    assert {len(e["rows"]) for e in entries[:600]} == {14}  # every third of 40
    np.testing.assert_array_equal(array({"arrays": entries}, small), np.arange(100.0))


def test_several_axes_are_rows_of_the_last():
    found = entry(np.zeros((10, 20, 300)))
    assert max(found["rows"]) < 200
    assert len(found["rows"]) <= 24
    assert len(found["columns"]) <= 64
    assert found["zeros"] == 1


def test_equal_arrays_are_stored_once():
    arrays = Arrays()
    a = np.arange(6.0)
    assert arrays.add(a) == arrays.add(a.copy())
    assert len({arrays.add(a), arrays.add(a.reshape(2, 3)), arrays.add(a.astype(np.float32))}) == 3


def test_images_are_shown_whole():
    images = np.arange(3 * 5 * 8 * 9.0).reshape(3, 5, 8, 9)
    batch = np.arange(40 * 3 * 8 * 9.0).reshape(40, 3, 8, 9)
    arrays = Arrays()
    arrays.add(images[:2])
    arrays.add(batch)
    small, large = arrays.entries()
    assert "rows" not in small
    assert large["rows"] == list(range(27 * 8))  # 27 images have fewer than 2,000 elements
    assert large["columns"] == list(range(9))
    shown = numbers_of(large)
    np.testing.assert_array_equal(shown, batch.reshape(120, 8, 9)[:27].ravel())


def texts_in(script):
    """The texts of JavaScript in order; templates in pieces, at what stands in braces in them."""
    found, nested, i = [], [], 0
    while i < len(script):
        sign = script[i]
        if sign in "\"'`" or (sign == "}" and nested and nested[-1] == 0):
            end = re.compile(r"(?<!\\)`|\$\{" if sign in "`}" else sign).search(script, i + 1)
            found.append(script[i + 1 : end.start()])
            if sign == "}":
                nested.pop()
            if end[0] == "${":
                nested.append(0)
            i = end.end()
            continue
        if nested and sign in "{}":
            nested[-1] += 1 if sign == "{" else -1
        i += 1
    return found


PARTS = ["runtime", "origins", "pictures", "live"]


@pytest.mark.parametrize("name", ["graph.js", "step.js", *(f"live/{part}.js" for part in PARTS)])
def test_scripts_lose_spaces_but_no_text(name):
    source = (Path(html.__file__).parent / name).read_text(encoding="utf-8")
    lines = [line for line in source.splitlines() if not line.strip().startswith("//")]
    texts = texts_in("\n".join(lines))
    assert texts_in(html._asset(name)) == texts
    pattern = re.compile(r"(?<=[(!|=,?: ])/[^ /*]\S(?:[^/\n]|\\/)*/(?=[.,gu)])")
    assert pattern.findall(html._asset(name)) == pattern.findall("\n".join(lines))
    assert len(texts) > 20 or name == "live/runtime.js"


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(tmp_path):
    graph = small()
    page = graph.page("A small net")
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append((tag, dict(attributes)))
    parser.feed(page._repr_html_())
    ((tag, attributes),) = tags
    assert tag == "iframe"
    assert attributes["srcdoc"] == page.text
    assert page.text == graph.html(tmp_path / "page.html", "A small net").read_text("utf-8")
    assert len(repr(page)) < 80
    assert page.save(tmp_path / "other.html").read_text("utf-8") == page.text
