"""`explain`: operations, values and whole computations in plain language."""

import re
import tracemalloc

import numpy as np
import pytest
from formula_text import evaluated

import nn
import tinygrad_np as tg
from tinygrad_np.core.op import reads_of
from tinygrad_np.formulas.derivatives import Derivative
from tinygrad_np.formulas.values import values_read
from tinygrad_np.words import graph_explanations
from tinygrad_np.words.op_explanations import _example, _values

OPS = list(tg.TABLE.values())
STEP = 1e-6


def without_lines(text):
    return re.sub(r"\S+\.py:\d+", "FILE", text)


# --- an operation ---------------------------------------------------------------------------------


def test_an_operation_in_full():
    assert tg.explain(tg.relu) == (
        "relu(x)\n"
        "  x where it is positive, else 0.\n"
        "\n"
        "  out = max(x, 0)\n"
        "\n"
        "Derivative\n"
        "  g is the gradient of out. The gradient of\n"
        "    x: g · (out > 0)\n"
        "       NumPy: g * (out > 0)\n"
        "\n"
        "At kinks\n"
        "  0 at x = 0; of second order 0\n"
        "\n"
        "Shapes\n"
        "  each element on its own: out has the shape of x\n"
        "\n"
        "Kept until backward\n"
        "  out\n"
        "\n"
        "Example\n"
        "              x = [-1.5,  0. ,  2. ]\n"
        "            out = [0., 0., 2.]\n"
        "              g = [1., 1., 1.]\n"
        "  gradient of x = [0., 0., 1.]"
    )


def test_the_parts_of_other_operations():
    text = tg.explain(tg.matmul)
    assert "    x: g @ yᵀ\n       NumPy: g @ y.T" in text
    assert "3×4, 4×2 → 3×2" in text
    assert "Kept until backward\n  x and y" in text
    assert "    condition: none" in tg.explain(tg.where)
    assert "Kept until backward\n  no array: the rules read none" in tg.explain(tg.add)
    assert "None: no gradient flows through it." in tg.explain(tg.sign)
    assert "    arrays[0]: g[:, 0:3]\n               NumPy: axis" in tg.explain(tg.concatenate)
    assert "are broadcast against each other" in tg.explain(tg.multiply)
    assert "  restore: A reduced value" in tg.explain(tg.sum)


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_operation_can_be_explained(op):
    text = tg.explain(op)
    assert text.startswith(f"{op.name}(")
    assert text == tg.explain(getattr(tg, op.name))
    assert ("At kinks" in text) == bool(op.kinks)
    for position, rule in enumerate(op.rule.values()):
        assert rule is None or Derivative(op, position).numpy()
    assert all(line == line.rstrip() for line in text.splitlines())


DIFFERENTIABLE = [op for op in OPS if any(op.rule.values())]


@pytest.mark.parametrize("op", DIFFERENTIABLE, ids=lambda op: op.name)
def test_every_operation_with_a_derivative_has_an_example(op):
    example = tg.explain(op).partition("\nExample\n")[2]
    for label in ("out", "g", "gradient of"):
        assert re.search(rf"^ *{label}\b.* = ", example, re.M), label


def test_an_example_with_integers():
    example = tg.explain(tg.ldexp).partition("\nExample\n")[2]
    assert "n = [ 1, -2,  0,  3]\n" in example
    assert example.count("[2.  , 0.25, 1.  , 8.  ]") == 3, "the gradient of x is 2 ** n"


def shown_arrays(text):
    """The arrays in an example by name; those shown as matrices `x[0, 1]` as one array."""
    example = text.partition("\nExample\n")[2]
    found = {}
    for name, values in re.findall(r"^ *([a-z ]+[^=\n]*) = (\[.*(?:\n +\[.*)*)", example, re.M):
        called, _, place = name.partition("[")
        matrices = found.setdefault(called, {})
        index = tuple(map(int, place.rstrip("]").split(", "))) if place else ()
        assert index not in matrices, name
        matrices[index] = np.array(eval(values))
    return {called: joined(matrices) for called, matrices in found.items()}


def joined(matrices):
    """One array of matrices by index, the last of which is at the end of each axis."""
    *_, last = matrices
    return np.reshape(list(matrices.values()), (*np.add(last, 1), *matrices[last].shape))


def test_arrays_of_many_axes_are_shown_as_matrices():
    shown = shown_arrays(tg.explain(tg.windows))
    by_hand = np.lib.stride_tricks.sliding_window_view(shown["x"], (2, 2), (2, 3))
    np.testing.assert_array_equal(shown["out"], by_hand.transpose(0, 1, 4, 5, 2, 3))
    shown = shown_arrays(tg.explain(tg.conv2d))
    assert shown["x"].shape == (1, 1, 3, 3)
    x, weight = shown["x"][0, 0], shown["weight"][0, 0]
    for i, j in np.ndindex(2, 2):
        sums = np.sum(x[i : i + 2, j : j + 2] * weight) + shown["bias"]
        np.testing.assert_allclose(shown["out"][0, 0, i, j], sums, atol=1e-4)
    assert shown["g"].sum() == shown["g"][0, 0, 0, 0] == 1
    np.testing.assert_array_equal(shown["gradient of x"], np.pad(weight, (0, 1))[None, None])
    np.testing.assert_array_equal(shown["gradient of weight"][0, 0], x[:2, :2])
    np.testing.assert_array_equal(shown["gradient of bias"], [1])


def test_many_matrices_are_shown_as_numpy_does():
    spread = tg.define_op(
        lambda x: x.reshape(10, 1, 1, 1) * np.ones((3, 2, 2)),
        name="spread",
        x=lambda g, x_shape: g.sum(axis=(1, 2, 3)).reshape(x_shape),
        samples=lambda r: [((np.arange(10.0),), {})],
    )
    text = tg.explain(spread)
    assert " out = [[[[0., 0.]," in text
    assert "out[" not in text


def points(op):
    """A point inside the domain for each input, off the kinks at 0 and at x = y."""
    low, high = max(op.domain[0], -2.0), min(op.domain[1], 2.0)
    return {n: low + (high - low) * (0.32 + 0.3 * k) for k, n in enumerate(op.inputs)}


SMOOTH = [op for op in OPS if op.elementwise and all(op.rules)]


def test_formulas_are_right():
    """Each, evaluated as Python, is the finite difference of the op's forward."""
    checked = 0
    for op in SMOOTH:
        values = points(op)
        values["out"] = op.forward(*values.values())
        for position, name in enumerate(op.inputs):
            text = Derivative(op, position, values).formula()
            if text is None:
                continue
            moved = [values | {name: values[name] + h} for h in (STEP, -STEP)]
            above, below = (op.forward(*(side[n] for n in op.inputs)) for side in moved)
            found = evaluated(text, op.rules[position], values | {"g": 1.7})
            slope = (above - below) / (2 * STEP)
            np.testing.assert_allclose(
                found, 1.7 * slope, rtol=1e-4, atol=1e-6, err_msg=f"{op.name}: {text}"
            )
            checked += 1
    assert checked > 40


@pytest.mark.parametrize("named", [False, True])
def test_formulas_are_what_the_rules_compute(named):
    """In the examples, of all operations: also those of several lines, and with arguments."""
    checked = several = 0
    for op in DIFFERENTIABLE:
        example = _example(op)
        values = _values(op, example)
        names = {} if named else {name: repr(example.params.get(name)) for name in op.params}
        for position in range(len(op.inputs)):
            rule = op.rule[op.inputs[position]]
            text = rule and Derivative(op, position, values).formula(names)
            if text is None:
                continue
            expected = rule(*(values[name] for name in reads_of(rule)))
            found = np.broadcast_to(evaluated(text, rule, values), np.shape(expected))
            np.testing.assert_allclose(found, expected, rtol=1e-5, err_msg=f"{op.name}: {text}")
            checked += 1
            several += "\n" in text
    assert checked > 100
    assert several > 2


@pytest.mark.parametrize(
    "op", [op for op in tg.TABLE.values() if op.formulas], ids=lambda op: op.name
)
def test_declared_formulas_are_what_the_rules_compute(op):
    """On every sample for which the declaration does not say None."""
    rng, checked = np.random.default_rng(5), 0
    samples = op.samples or (lambda r: [((r(3, 4), n), {}) for n in (4, -1, 0)])
    for args, given in samples(lambda *shape: rng.uniform(-2, 2, shape)):
        operands = args[: len(op.inputs)]
        further = dict(zip(op.params, args[len(op.inputs) :]))
        params = {n: op.defaults[n] for n in op.params} | further | given
        out = op.forward(*operands, **params)
        out = out[0] if op.keeps else out
        g = rng.uniform(0.5, 1.5, np.shape(out))
        for position, name in enumerate(op.inputs):
            values = values_read(op, position, operands, params, out=out, g=g)
            if name in op.formulas:
                declared, rule = op.formulas[name], op.rule[name]
                found = declared(*(values[n] for n in reads_of(declared)))
                if found is not None:
                    expected = rule(*(values[n] for n in reads_of(rule)))
                    np.testing.assert_allclose(found, expected, rtol=1e-12)
                    checked += 1
    assert checked > 1


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_the_numbers_of_examples_are_right(op):
    """The gradients shown are finite differences of the forward, weighted by g."""
    example = _example(op)
    if example is None or example.g is None or op.name == "cholesky":
        return  # cholesky reads one triangle only: see its kinks
    here = example.out[0] if isinstance(example.out, tuple) else example.out
    for k, gradient in enumerate(example.gradients):
        for index in np.ndindex(gradient.shape) if gradient is not None else ():
            slopes = []
            for h in (STEP, -STEP):
                inputs = [np.array(x, float) if j == k else x for j, x in enumerate(example.inputs)]
                inputs[k][index] += h
                given = (inputs,) if op.variadic else inputs
                out = getattr(tg, op.name)(*given, **example.params)
                out = out[0] if isinstance(out, tuple) else out
                slopes.append(float(np.sum((out - here) * example.g)) / h)
            # At a kink a rule may choose a slope between the two.
            tolerance = 1e-4 * max(1, *map(abs, slopes))
            assert min(slopes) - tolerance <= gradient[index] <= max(slopes) + tolerance, slopes


def derivative_of(text):
    return text.partition("\nDerivative\n")[2].partition("\n\n")[0].split("\n")


def test_only_the_lines_that_run_in_the_example():
    """Of the branches on what forward keeps: the example has class numbers, and all count."""
    lines = derivative_of(tg.explain(tg.cross_entropy))
    assert lines[1:6] == [
        "    logits: (softmax(logits) − one_hot(target, 3)) · g / 4",
        "            NumPy: d = p.reshape(-1).copy()",
        "                   d[picked] -= 1 - label_smoothing",
        "                   d = d.reshape(p.shape)",
        "                   _scale(d, g, n, axis, reduction)",
    ]
    assert "p (the softmax of the logits), picked (" in " ".join(lines)
    assert "  (how many predictions count): kept by forward" in lines
    assert "  Where a rule branches, the lines are those that run in the example." in lines
    assert "  Where a rule branches" not in tg.explain(tg.silu)
    assert "kept by forward" not in tg.explain(tg.silu)


def test_what_forward_keeps_of_ones_own_op():
    def forward(x, sign=1):
        size = np.abs(x)
        return sign * size * x, size

    def rule(g, size, sign):
        if np.all(size > 100):
            return 0 * g
        return 2 * g * size * sign

    op = tg.define_op(
        forward, name="signed_square", keeps=("size",), x=rule, samples=lambda r: [((r(3, 2),), {})]
    )
    assert derivative_of(tg.explain(op))[1:] == [
        "    x: 2 · g · size · sign",
        "       NumPy: 2 * g * size * sign",
        "  Where a rule branches, the lines are those that run in the example.",
        "  size: kept by forward",
    ]
    loss = op(tg.Tensor([1.0, -2.0], requires_grad=True, name="x")).sum()
    assert "  the rule of signed_square has several lines" in tg.explain(loss), "no values there"


def test_formulas_of_rules_of_several_steps():
    assert derivative_of(tg.explain(tg.silu))[1:4] == [
        "    x: g · (sigmoid(x) + x · sigmoid(x) · (1 − sigmoid(x)))",
        "       NumPy: step = sigmoid(x)",
        "              g * (step + x * step * (1 - step))",
    ]
    assert derivative_of(tg.explain(tg.logsumexp))[1:3] == [
        "    x: g · exp(x − where(out = −inf, 0, out))",
        "       NumPy: _logsumexp_formula(g, x, out, axis, keepdims)",
    ]


def double(n):
    return 2 * n


def test_numbers_are_computed():
    """Those that a rule computes from parameters alone, with helpers of its own."""

    def rule(g, n):
        n = double(n)
        return g + double(n)

    op = tg.define_op(lambda x, n: x + n, name="changing", x=rule).op
    assert Derivative(op, 0, {"g": np.ones(()), "n": 3}).formula() == "g + 12"


def test_an_example_is_no_part_of_what_is_recorded():
    text = tg.explain(tg.relu)
    with tg.record() as r:
        assert tg.explain(tg.relu) == text
    assert not r.forward
    assert not r.flows
    with tg.no_grad():
        assert tg.explain(tg.relu) == text


def test_an_operation_of_ones_own():
    cube = tg.define_op(
        lambda x: x**3, name="cube", x=lambda g, x: 3 * g * x * x, text="{x}³", elementwise=True
    )
    text = tg.explain(cube)
    assert "  out = x³" in text
    assert "    x: 3 · g · x · x" in text
    assert "gradient of x = [ 6.75,  0.  , 12.  ]" in text
    assert tg.explain(cube.op) == text


def test_without_source_and_without_text():
    op = tg.define_op(lambda x: x * x / 2, name="half_square", x=eval("lambda g, x: g * x"))
    assert "    x: g · x\n\nShapes" in tg.explain(op)
    rule = eval("lambda g, x: g * x if x.ndim else x * g")
    text = tg.explain(tg.define_op(lambda x: x * x / 2, name="half_square", x=rule))
    assert "x: its rule's source is not at hand" in text
    assert "Example" not in text


def test_functions_of_numpy_and_compositions():
    assert tg.explain(np.tanh) == tg.explain(tg.tanh)
    assert tg.explain(np.concatenate) == tg.explain(tg.concatenate)
    text = tg.explain(tg.dropout)
    assert text.startswith("dropout(x, p, training, rng)\n")
    assert "It is made of other operations" in text


# --- a computation --------------------------------------------------------------------------------


def test_a_walk_through_a_computation():
    X = tg.Tensor(np.ones((5, 2)))
    W1, b1 = (tg.Tensor(np.ones(s), requires_grad=True) for s in ((2, 4), (4,)))
    h = tg.relu(X @ W1 + b1)
    loss = (h * h).sum() + (W1 * W1).sum()
    text = without_lines(tg.explain(loss))
    assert f"{text}\n" == WALK


WALK = """\
loss = add: 8 ops · 12 parameters in 2 tensors

Inputs
  X   5×2  float64  data, no gradient
  W1  2×4  float64  wants a gradient
  b1  4    float64  wants a gradient

Forward
    1.  matmul = X @ W1        5×4       Matrix product                  FILE
    2.  add = matmul + b1      5×4       Sum of x and y                  FILE
    3.  h = max(add, 0)        5×4       x where it is positive, else 0  FILE
    4.  multiply₁ = h * h      5×4       Elementwise product of x and y  FILE
    5.  sum₁ = sum(multiply₁)  a number  Sum over the given axes         FILE
    6.  multiply₂ = W1 * W1    2×4       Elementwise product of x and y  FILE
    7.  sum₂ = sum(multiply₂)  a number  Sum over the given axes         FILE
    8.  loss = sum₁ + sum₂     a number  Sum of x and y                  FILE

Backward
  ∂x is the gradient of the result with respect to x; ∂loss is 1. Newest first;
  each is summed or stretched to the shape that stands beside it:
    9.  loss:       ∂sum₁ = ∂loss           a number
                    ∂sum₂ = ∂loss           a number
   10.  sum₂:       ∂multiply₂ = ∂sum₂      2×4
   11.  multiply₂:  ∂W1 = ∂multiply₂ · W1   2×4       1 of 3 to add up
                    ∂W1 += ∂multiply₂ · W1  2×4       2 of 3 to add up
   12.  sum₁:       ∂multiply₁ = ∂sum₁      5×4
   13.  multiply₁:  ∂h = ∂multiply₁ · h     5×4       1 of 2 to add up
                    ∂h += ∂multiply₁ · h    5×4       2 of 2 to add up
   14.  h:          ∂add = ∂h · (h > 0)     5×4
   15.  add:        ∂matmul = ∂add          5×4
                    ∂b1 = ∂add              4         summed over axis 0  → b1.grad
   16.  matmul:     ∂W1 += Xᵀ @ ∂matmul     2×4       3 of 3 to add up  → W1.grad
"""


def test_a_walk_needs_a_recorded_value():
    with tg.no_grad():
        y = tg.exp(tg.Tensor([1.0]))
    assert "data: no operation was recorded" in tg.explain(y)


def test_numbers_of_contributions_and_complete_gradients():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum() + x.sum()
    text = tg.explain(y)
    assert "1 of 3 to add up" in text
    assert "2 of 3 to add up" in text
    assert text.count("3 of 3 to add up  → x.grad") == 1


def test_the_arguments_of_ops_are_known_until_backward_and_with_a_record():
    x = tg.Tensor(np.ones((2, 3)), requires_grad=True)
    with tg.record() as r:
        y = x.reshape(3, 2).sum(axis=1).max()
    assert "∂reshape = expand_dims(∂sum, (1,))" in tg.explain(y)
    y.backward()
    assert "∂reshape = restore(∂sum, axis, keepdims, len(reshape.shape))" in tg.explain(y)
    text = tg.explain(y, record=r)
    assert "∂reshape = expand_dims(∂sum, (1,))" in text
    assert "reshape(x, (3, 2))" in text


def test_names_of_a_model():
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))
    loss = nn.cross_entropy(model(tg.ones((5, 2), dtype=np.float32)), np.zeros(5, int))
    text = tg.explain(loss, model)
    assert "∂2.weight = reluᵀ @ ∂matmul₂" in text
    assert "summed over axis 0  → 0.bias.grad" in text
    assert text == tg.explain(tg.graph(loss, model))


def test_long_walks_are_shortened():
    x = tg.Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(500):
        y = y * 1.01
    text = tg.explain(y)
    assert text.count("… 440 steps left out …") == 2
    assert text.count("\n") < 150


def test_of_a_long_walk_only_what_is_told_is_looked_at(monkeypatch):
    made = []

    class Counted(Derivative):
        def __init__(self, *args, **kwargs):
            made.append(args)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(graph_explanations, "Derivative", Counted)
    x = tg.Tensor([0.5, 0.25], requires_grad=True, name="x")
    y = x
    for _ in range(1000):
        y = tg.tanh(y) * 1.01
    text = tg.explain(y.sum())
    assert len(made) == 60
    assert text.count("… 1,941 steps left out …") == 2
    assert text.endswith("2  → x.grad")


def test_a_rule_of_several_lines_in_a_walk():
    x = tg.Tensor(np.ones((3, 4)), requires_grad=True, name="x")
    loss = tg.logsumexp(x, 1).sum()
    assert tg.explain(loss).split("beside it:\n")[1] == (
        "    3.  loss:       ∂logsumexp = ∂loss                                  3\n"
        "    4.  logsumexp:  out = expand_dims(logsumexp, (1,))\n"
        "                    out₂ = where(out = −inf, 0, out)\n"
        "                    ∂x = expand_dims(∂logsumexp, (1,)) · exp(x − out₂)  3×4  → x.grad"
    )
    h = tg.logsumexp(x, 1)
    assert tg.explain(h._node).split("Backward\n")[1] == (
        "  out = expand_dims(h, (1,))\n"
        "  out₂ = where(out = −inf, 0, out)\n"
        "  ∂x = expand_dims(∂h, (1,)) · exp(x − out₂)  3×4\n\n"
        "At kinks: 0 where all x are -inf; shared evenly among x that are inf; of second order 0"
    )


def test_what_forward_keeps_in_a_walk():
    x = tg.Tensor(np.ones((3, 4)), requires_grad=True, name="x")
    text = tg.explain(tg.standardize(x).sum())
    assert " / scale" in text
    assert text.endswith("\n  scale: kept by the forward of standardize")
    text = tg.explain(tg.gelu(x).sum())
    formula = "0.5 · erfc(x · −0.70710678) + x · exp(−0.5 · x · x) · (1 / sqrt(2 · pi))"
    assert f"∂x = ∂gelu · ({formula})" in text


def test_several_outputs_and_a_folded_graph():
    x = tg.Tensor(np.arange(6.0), requires_grad=True)
    a, b = tg.split(x, 2)
    product = (a * b).sum()
    assert "split(x)" in tg.explain(product)
    deep = nn.Sequential(*(nn.Linear(4, 4) for _ in range(6)))
    out = deep(tg.Tensor(np.ones((3, 4), np.float32), requires_grad=True)).sum()
    assert "by the rules inside" in tg.explain(tg.graph(out, deep).folded())


# --- one step -------------------------------------------------------------------------------------


def test_a_single_step():
    x = tg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    with tg.record() as r:
        h = tg.tanh(x)
        h.name = "h"
        (h * h).sum()
    first, second = list(r.forward)[:2]
    text = tg.explain(first)
    assert without_lines(text) == (
        "h = tanh(x), at FILE\n"
        "  Hyperbolic tangent of x.\n"
        "\n"
        "Forward\n"
        "  x    2\n"
        "  → h  2 float64\n"
        "\n"
        "Backward\n"
        "  ∂x = ∂h · (1 − h · h)  2"
    )
    assert "∂h += ∂multiply · h" in tg.explain(second)
    assert tg.explain(r.forward[first]) == text


def test_nodes_of_a_graph():
    x = tg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    texts = [tg.explain(node) for node in tg.graph(tg.tanh(x) * 3).nodes]
    assert texts[0] == "x: 2, float64\n  It is a leaf that wants a gradient."
    assert any("Hyperbolic tangent" in text for text in texts)
    assert any("It is a number in the code" in text for text in texts)


def test_leaves():
    x = tg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    assert "It is a leaf that wants a gradient" in tg.explain(x)
    (x * x).sum().backward()
    assert "grad = [2., 4.]" in tg.explain(x)


def test_a_prompt_shows_the_text():
    assert repr(tg.explain(tg.exp)) == str(tg.explain(tg.exp))


@pytest.mark.parametrize("thing", [3, np.ones(3), None, tg, len])
def test_what_can_not_be_explained(thing):
    with pytest.raises(TypeError, match="takes an operation"):
        tg.explain(thing)


def test_a_function_of_ones_own_is_to_be_called():
    with pytest.raises(TypeError, match="call it, and explain its result"):
        tg.explain(test_leaves)


# --- what decides the branches -------------------------------------------------------------------


def branchy():
    def rule(g, x):
        if np.all(x > 0):
            return 3 * g
        return -g

    return tg.define_op(lambda x: np.where(x > 0, 3 * x, -x), name="branchy", x=rule)


@pytest.mark.parametrize(("value", "told"), [(2.0, "3 · ∂out"), (-2.0, "−∂out")])
def test_recorded_values_decide_the_branch(value, told):
    x = tg.Tensor([value], requires_grad=True, name="x")
    with tg.record() as r:
        out = branchy()(x)
        out.backward()
    assert f"∂x = {told}" in tg.explain(out, record=r)
    assert "∂x = by the rule of branchy, from ∂branchy" in tg.explain(branchy()(x))


def test_the_formula_of_cross_entropy_in_a_walk():
    logits = tg.Tensor(np.zeros((2, 3)), requires_grad=True, name="logits")
    labels = tg.Tensor([0, 2], name="labels")
    with tg.record() as r:
        loss = tg.cross_entropy(logits, labels)
        loss.backward()
    formula = "(softmax(logits) − one_hot(labels, 3)) · ∂loss / 2"
    assert formula in tg.explain(loss, record=r)
    assert formula in tg.explain(tg.cross_entropy(logits, labels)).replace(
        "∂cross_entropy", "∂loss"
    )
    ignoring = tg.cross_entropy(logits, labels, ignore_index=2)
    assert "by the rule of cross_entropy" in tg.explain(ignoring)


def test_a_walk_does_not_compute_large_arrays():
    logits = tg.Tensor(np.zeros((2000, 500), np.float32), requires_grad=True)
    loss = tg.cross_entropy(logits, np.zeros(2000, int))
    tg.explain(loss)
    tracemalloc.start()
    tg.explain(loss)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < logits.data.nbytes / 4


def test_a_number_and_no_record():
    x = tg.Tensor([1.0], requires_grad=True, name="x")
    (number,) = [n for n in tg.graph(x * 3.5).nodes if n.kind == "number"]
    assert tg.explain(number) == "3.5\n  It is a number in the code."
    with pytest.raises(TypeError, match=r"record is what tg\.record\(\) gives, not int"):
        tg.explain(x * 3.5, record=5)


# --- more than operations -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["argmax", "any", "one_hot", "zeros_like", "uniform", "arange"])
def test_functions_without_a_derivative_say_so(name):
    text = tg.explain(getattr(tg, name))
    assert "made of other operations" not in text
    assert "no gradient flows" in text


def test_a_name_is_as_good_as_the_function():
    assert (
        tg.explain("tanh") == tg.explain("tg.tanh") == tg.explain("np.tanh") == tg.explain(tg.tanh)
    )
    with pytest.raises(TypeError, match="no operation of the name 'tahn'"):
        tg.explain("tahn")


class Scaled(nn.Module):
    """Multiply by a number that is learned."""

    def __init__(self):
        self.scale = nn.Parameter(np.ones(1, np.float32))

    def forward(self, x):
        return x * self.scale


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (nn.Linear, ["Linear(in_features, out_features", "x @ weight + bias", "def forward"]),
        (nn.Adam, ["Adam(params, lr", "running means", "m = beta1 * state[0]"]),
        (nn.SGD([tg.Tensor(1.0, requires_grad=True)], 0.5), ["SGD(lr=0.5)", "velocity"]),
        (Scaled, ["Multiply by a number", "return x * self.scale"]),
        (Scaled(), ["Scaled", "return x * self.scale"]),
    ],
)
def test_layers_and_optimizers_explain_themselves(thing, words):
    text = tg.explain(thing)
    for word in words:
        assert word in text
