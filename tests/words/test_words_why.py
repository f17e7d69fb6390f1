"""`why`: the reason of a gradient, with the op and the line that it is due to."""

import inspect
import math
import re
from pathlib import Path

import numpy as np
import pytest

import nn
import tinygrad_np as tg
from tinygrad_np.words.reasons import gradient_finding

FILE = Path(__file__).name
RNG = np.random.default_rng(0)
X = tg.Tensor(RNG.standard_normal((300, 2)), name="X")


def weights(*shape):
    return tg.Tensor(RNG.standard_normal(shape), requires_grad=True)


def leaf(*values):
    return tg.Tensor(values, requires_grad=True)


# Each case: a function that returns what `why` says, and that in full. HERE stands for the line
# that ends with "# here".
CASES = []


def says(text):
    def add(function):
        CASES.append(pytest.param(function, text, id=function.__name__))
        return function

    return add


# --- None -----------------------------------------------------------------------------------------


@says("`W.grad` is None: backward() was not called on `loss` (sum at HERE) yet.")
def backward_not_called():
    W = weights(2, 3)
    loss = (X @ W).sum()  # here
    assert not loss.is_leaf
    return tg.why(W)


@says("`W.grad` is None: backward() was not called on `loss` (sum at HERE) yet.")
def backward_not_called_in_the_record():
    W = weights(2, 3)
    with tg.record():
        loss = (X @ W).sum()  # here
        assert not loss.is_leaf
        return tg.why(W)


@says(
    "`W.grad` is None: backward() ran on `loss` (sum at HERE), but nothing is here now: it was "
    "cleared since (zero_grad(), or .grad = None), or retain_grad() came later."
)
def cleared():
    W = weights(2, 3)
    loss = (X @ W).sum()  # here
    loss.backward()
    W.grad = None
    return tg.why(W)


@says(
    "`W.grad` is None: backward() computed it, 2 … 2, and it was cleared since (zero_grad(), or "
    ".grad = None)."
)
def cleared_in_the_record():
    W = weights(2, 3)
    with tg.record() as r:
        loss = (tg.ones((2, 2)) @ W).sum()
        loss.backward()
    W.grad = None
    return tg.why(W, record=r)


@says(
    "`V.grad` is None: nothing that was recorded uses `V`, so `loss` (sum at HERE) does not depend "
    "on it. If it is used, then under no_grad(), after .detach() or .numpy(), or by an op without "
    "a derivative."
)
def never_used():
    W, V = weights(2, 3), weights(2, 3)
    loss = (X @ W).sum()  # here
    loss.backward()
    return tg.why(V, loss)


@says(
    "`V.grad` is None: `loss` (sum at FILE) was not computed from `V`. The way from it ends at `h` "
    "(relu at HERE), which is not used any further, or its numbers alone are: .numpy(), .data or "
    ".detach() give those."
)
def used_elsewhere():
    W, V = weights(2, 3), weights(2, 3)
    h = tg.relu(X @ V)  # here
    loss = (X @ W).sum()
    loss.backward()
    assert h.shape == (300, 3)
    return tg.why(V)


@says(
    "`W.grad` is None: `loss` (sum at HERE) was not computed from `W`. The way is cut: matmul at "
    "HERE reads `h` (relu at FILE) as data, after .detach()."
)
def detached():
    W, V = weights(2, 3), weights(3, 1)
    with tg.record() as r:
        h = tg.relu(X @ W)
        loss = (h.detach() @ V).sum()  # here
        loss.backward()
    return tg.why(W, record=r)


@says(
    "`W.grad` is None: `loss` (sum at HERE) was not computed from `W`. The way is cut: matmul at "
    "HERE reads `h` (relu at FILE) as data, a bare array, as by .numpy() or .data."
)
def through_numpy():
    W, V = weights(2, 3), weights(3, 1)
    with tg.record() as r:
        h = tg.relu(X @ W)
        loss = (h.numpy().copy() @ V).sum()  # here
        loss.backward()
    return tg.why(W, record=r)


@says("`cut.grad` is None: `cut` has the values of `h` (relu at HERE) by .detach(), but no graph.")
def the_detached_one_itself():
    W = weights(2, 3)
    with tg.record() as r:
        h = tg.relu(X @ W)  # here
    cut = h.detach()
    return tg.why(cut, record=r)


@says(
    "`h.grad` is None: `h` does not require a gradient. Nothing is recorded under no_grad(), and "
    "this is inside of it."
)
def inside_no_grad():
    W = weights(2, 3)
    with tg.no_grad():
        h = X @ W
        h.name = "h"
        return tg.why(h)


@says(
    "`X.grad` is None: `X` does not require a gradient. If it is to be learned, make it with "
    "requires_grad=True (nn.Parameter) before it is used; if it was computed, then from data "
    "alone, under no_grad(), after .detach() or .numpy(), or by an op without a derivative."
)
def needs_none():
    return tg.why(X)


@says("`y.grad` is None: `y` is of int64, and only floats have gradients.")
def integers():
    return tg.why(tg.Tensor(np.array([1, 2], np.int64), name="y"))


@says(
    "`h.grad` is None: `h` is the result of matmul at HERE, and only leaves keep a gradient. Call "
    "its retain_grad() before backward()."
)
def no_leaf():
    W = weights(2, 3)
    h = X @ W  # here
    h.sum().backward()
    return tg.why(h)


@says(
    "`h.grad` is None: `h` is the result of matmul at HERE, and only leaves keep a gradient. Call "
    "its retain_grad() before backward(). Backward did compute it, 1 … 1: record.gradients has it."
)
def no_leaf_in_the_record():
    W = weights(2, 3)
    with tg.record() as r:
        h = X @ W  # here
        h.sum().backward()
    return tg.why(h, record=r)


@says(
    "`W.grad` is None: `W` is the result of subtract at HERE, and only leaves keep a gradient. It "
    "seems to be an update that made a new value: write it in place, under no_grad() (`with "
    "tg.no_grad(): w -= ...`), so that the leaf stays one."
)
def updated_by_rebinding():
    W = weights(2, 3)
    (X @ W).sum().backward()
    W = W - 0.1 * W.grad  # here
    return tg.why(W)


# --- zero -----------------------------------------------------------------------------------------


@says("`W1.grad` is all zero: relu at HERE is 0 for 300 of 300 rows (its inputs are -30).")
def dead_relu():
    W1, b1, W2 = weights(2, 8), tg.Tensor(np.full(8, -30.0), requires_grad=True), weights(8, 3)
    with tg.record() as r:
        h = tg.relu(0.001 * X @ W1 + b1)  # here
        loss = tg.cross_entropy(h @ W2, np.zeros(300, int))
        loss.backward()
    return tg.why(W1, record=r)


@says(
    "`W.grad` is all zero: sigmoid at HERE is saturated for 3 of 3 elements (its inputs are 1e+03 "
    "… 3e+03)."
)
def saturated_sigmoid():
    W = leaf(1.0, 2.0, 3.0)
    with tg.record() as r:
        tg.sigmoid(W * 1000).sum().backward()  # here
    return tg.why(W, record=r)


@says("`W.grad` is all zero: tanh at HERE is saturated for its only element (its inputs are -50).")
def saturated_tanh():
    W = leaf(-50.0).reshape(()).detach()
    W.requires_grad = True
    with tg.record() as r:
        tg.tanh(W).backward()  # here
    return tg.why(W, record=r)


@says("`W.grad` is all zero: multiply at HERE multiplies it by `mask`, which is 0 everywhere.")
def mask_of_zeros():
    W, mask = weights(2, 3), tg.zeros((300, 3))
    with tg.record() as r:
        loss = ((X @ W) * mask).sum()  # here
        loss.backward()
    return tg.why(W, record=r)


@says(
    "`W.grad` is all zero: multiply at HERE multiplies it by `h` (relu at FILE), which is 0 "
    "everywhere (its inputs are -2 … -1)."
)
def dead_relu_squared():
    W = leaf(-1.0, -2.0)
    with tg.record() as r:
        h = tg.relu(W)
        (h * h).sum().backward()  # here
    return tg.why(W, record=r)


@says("`W.grad` is all zero: matmul at HERE multiplies it by `V`, which is 0 everywhere.")
def zeros_behind():
    W, V = weights(2, 3), tg.Tensor(np.zeros((3, 1)), requires_grad=True)
    with tg.record() as r:
        h = X @ W
        loss = (h @ V).sum()  # here
        loss.backward()
    return tg.why(W, record=r)


@says("`W.grad` is all zero: where at HERE takes its value from `other` for 300 of 300 rows.")
def other_branch():
    W, other = weights(2, 3), tg.ones((300, 3))
    with tg.record() as r:
        loss = tg.where(np.zeros((300, 3), bool), X @ W, other).sum()  # here
        loss.backward()
    return tg.why(W, record=r)


@says(
    "`W.grad` is all zero: clip at HERE is at the limits 0 and 1 for 3 of 3 elements, beyond which "
    "its inputs are -5 … 9."
)
def clipped():
    W = leaf(-5.0, 7.0, 9.0)
    with tg.record() as r:
        tg.clip(W, 0, 1).sum().backward()  # here
    return tg.why(W, record=r)


@says(
    "`W.grad` is all zero: maximum at HERE is at the limit 10 for 2 of 2 elements, beyond which "
    "its inputs are 1 … 2."
)
def maximum_of_something_larger():
    W = leaf(1.0, 2.0)
    with tg.record() as r:
        np.maximum(W, 10).sum().backward()  # here
    return tg.why(W, record=r)


@says("`W.grad` is all zero: backward() was started on `h` (exp at HERE) with zeros.")
def seed_of_zeros():
    W = leaf(1.0, 2.0)
    with tg.record() as r:
        h = tg.exp(W)  # here
        h.backward(np.zeros(2))
    return tg.why(W, record=r)


@says("`W.grad` is all zero: the contributions from subtract at HERE cancel each other.")
def cancelled():
    W = leaf(1.0, 2.0)
    with tg.record() as r:
        (W - W).sum().backward()  # here
    return tg.why(W, record=r)


@says(
    "`b.grad` is all zero: in add at HERE the sum over the axes along which it was stretched "
    "cancels to 0."
)
def cancelled_by_the_sum_over_rows():
    b = leaf(1.0, 2.0)
    signs = tg.Tensor(np.array([[1.0], [-1.0]]))
    with tg.record() as r:
        z = tg.ones((2, 2)) + b  # here
        (z * signs).sum().backward()
    return tg.why(b, record=r)


@says(
    "`W.grad` is all zero: relu at HERE is flat at the 1 of 2 elements to which a gradient comes "
    "back."
)
def flat_where_it_matters():
    W = leaf(-1.0, 2.0)
    with tg.record() as r:
        (tg.relu(W) * np.array([1.0, 0.0])).sum().backward()  # here
    return tg.why(W, record=r)


@says(
    "`W.grad` is all zero. It came back through sum at HERE, relu at HERE, multiply at HERE. To "
    "learn where, compute the loss and call backward() inside `with tg.record() as r:`, then "
    "why(W, record=r)."
)
def zero_without_a_record():
    W = leaf(-1.0, -2.0)
    loss = tg.relu(W * 3).sum()  # here
    loss.backward()
    return tg.why(W)


# --- nan and infinity -----------------------------------------------------------------------------


@says(
    "`x.grad` is nan for 1 of 3 elements: sqrt at HERE has the derivative inf at x[1] = 0; the "
    "gradient that comes back there is 0 (where at FILE does not use it), and 0 · inf is nan. Mask "
    "the input of sqrt, too: a where() after it can't help."
)
def masked_sqrt():
    x = leaf(1.0, 0.0, 4.0)
    with tg.record() as r:
        root = tg.sqrt(x)  # here
        tg.where(x > 0, root, 0.0).sum().backward()
    return tg.why(x, record=r)


@says(
    "`x.grad` is nan for 1 of 2 elements: `logs`, log at HERE gives -inf of x = 0 at index [1]; "
    "the result does not use it, but 0 · inf is nan on the way back. Mask the input of log, too: a "
    "where() after it can't help."
)
def masked_log():
    x = leaf(1.0, 0.0)
    with tg.record() as r:
        logs = tg.log(x)  # here
        tg.where(x > 0, logs, 0.0).sum().backward()
    return tg.why(x, record=r)


@says(
    "`y.grad` is nan for 1 of 2 elements: `q`, divide at HERE gives inf of y = 5, x = 0 at index "
    "[1]; the result does not use it, but 0 · inf is nan on the way back. Mask the input of "
    "divide, too: a where() after it can't help."
)
def masked_division():
    x, y = tg.Tensor([1.0, 0.0], name="x"), leaf(1.0, 5.0)
    with tg.record() as r:
        q = y / x  # here
        tg.where(x > 0, q, 0.0).sum().backward()
    return tg.why(y, record=r)


@says("`W.grad` is nan for 3 of 6 elements: `D` itself has nan at [7, 1].")
def nan_in_the_data():
    W, array = weights(2, 3), X.numpy().copy()
    array[7, 1] = np.nan
    D = tg.Tensor(array)
    with tg.record() as r:
        loss = (D @ W).sum()
        loss.backward()
    return tg.why(W, record=r)


@says(
    "`W.grad` is nan for 2 of 2 elements: the forward pass has it already: `logs`, log at HERE "
    "gives nan of W = -1 at index [0]."
)
def log_of_negatives():
    W = leaf(-1.0, 2.0)
    with tg.record() as r:
        logs = tg.log(W)  # here
        (logs.sum() * logs).sum().backward()
    return tg.why(W, record=r)


@says(
    "`W.grad` is nan for 1 of 2 elements: backward() was started on `h` (exp at HERE) with a "
    "gradient that is nan."
)
def nan_in_the_seed():
    W = leaf(1.0, 2.0)
    with tg.record() as r:
        h = tg.exp(W)  # here
        h.backward(np.array([1.0, np.nan]))
    return tg.why(W, record=r)


@says("`x.grad` is infinite for 1 of 2 elements: sqrt at HERE has the derivative inf at x[1] = 0.")
def sqrt_at_zero():
    x = leaf(4.0, 0.0)
    with tg.record() as r:
        tg.sqrt(x).sum().backward()  # here
    return tg.why(x, record=r)


@says(
    "`x.grad` is infinite for 1 of 2 elements: the forward pass has it already: exp at HERE gives "
    "inf of x = 1e+03 at index [1]."
)
def exp_overflows():
    x = leaf(4.0, 1000.0)
    with tg.record() as r:
        tg.exp(x).sum().backward()  # here
    return tg.why(x, record=r)


# --- huge, and ordinary ---------------------------------------------------------------------------


@says(
    "`x.grad` is huge, up to 1.07e+13: exp at HERE multiplies it by up to 1.07e+13, where "
    "x[1] = 30."
)
def huge_by_exp():
    x = leaf(1.0, 30.0)
    with tg.record() as r:
        tg.exp(x).sum().backward()  # here
    return tg.why(x, record=r)


@says(
    "`x.grad` is huge, up to 2e+10: divide at HERE multiplies it by up to 2e+10, where "
    "x[1] = 1e-05."
)
def huge_by_division():
    x = leaf(1.0, 1e-5)
    with tg.record() as r:
        (2 / x).sum().backward()  # here
    return tg.why(x, record=r)


@says(
    "`x.grad` is huge, up to 1.38e+10: it grows from step to step: multiply at HERE multiplies it "
    "by 7, 12 times in a row."
)
def huge_by_a_chain():
    x = leaf(1.0)
    with tg.record() as r:
        h = x
        for _ in range(12):
            h = h * 7  # here
        h.backward()
    return tg.why(x, record=r)


@says(
    "`W.grad` is huge, up to 4e+08: matmul at HERE multiplies it by up to 4e+08: `data` has values "
    "up to 1e+08."
)
def huge_by_data():
    W = leaf(1.0, 1.0).reshape(2, 1).detach()
    W.requires_grad = True
    data = tg.Tensor(np.full((4, 2), 1e8))
    with tg.record() as r:
        loss = (data @ W).sum()  # here
        loss.backward()
    return tg.why(W, record=r)


@says(
    "`x.grad` is huge, up to 3e+09: backward() was started on `loss` (multiply at HERE) with "
    "values up to 1e+09."
)
def huge_by_the_seed():
    x = leaf(1.0)
    with tg.record() as r:
        loss = x * 3  # here
        loss.backward([1e9])
    return tg.why(x, record=r)


@says(
    "`W.grad` is tiny, at most 3.55e-15: it shrinks from step to step: multiply at HERE divides it "
    "by 64, 6 times in a row, and sigmoid at HERE divides it by 4, 6 times in a row."
)
def flat_again_and_again():
    W = leaf(0.0)
    with tg.record() as r:
        h = W
        for _ in range(6):
            h = tg.sigmoid(h * 0.015625)  # here
            h = h - 0.5
        h.sum().backward()
    return tg.why(W, record=r)


@says(
    "`W.grad` is ordinary: 0 … 4. It is 0 in columns 0, 2 (4 of 6 elements): relu at HERE is flat, "
    "with a derivative of 0, in every row."
)
def flat_units():
    W = tg.Tensor(np.ones((2, 3)), requires_grad=True, name="W")
    with tg.record() as r:
        tg.relu(np.ones((4, 2)) @ W + np.array([-9.0, 0, -9])).sum().backward()  # here
    return tg.why(W, record=r)


@says(
    "`W.grad` is None: `loss` (sum at HERE) was not computed from `W`. The way is cut: floor "
    "at HERE has the derivative 0 everywhere."
)
def through_floor():
    W, V = weights(2, 2), weights(2, 2)
    W.name, V.name = "W", "V"
    with tg.record() as r:
        loss = (np.floor(W * 2.5) @ V).sum()  # here
        loss.backward()
    return tg.why(W, record=r)


@says(
    "`W.grad` is all zero: power at HERE is at its minimum, as the result of subtract at HERE is 0 "
    "everywhere: the fit is exact."
)
def exact_fit():
    W = leaf(1.0, 2.0)
    with tg.record() as r:
        ((W * 3 - np.array([3.0, 6.0])) ** 2).sum().backward()  # here
    return tg.why(W, record=r)


@says("`x.grad` is ordinary: 2 … 6.")
def ordinary():
    x = leaf(1.0, 3.0)
    with tg.record() as r:
        (x * x).sum().backward()
    return tg.why(x, record=r)


@says(
    "`x.grad` is ordinary: 6 … 18, the sum over more than one backward(): the last one gave 2 … 6. "
    "zero_grad() before each backward() keeps them apart."
)
def added_up():
    x = leaf(1.0, 3.0)
    with tg.record() as r:
        for _ in range(3):
            (x * x).sum().backward()
    return tg.why(x, record=r)


@says(
    "`x.grad` is nan for 1 of 2 elements, but in the recorded pass its gradient is not: it comes "
    "from an earlier backward(), to which later ones add."
)
def nan_of_before():
    x = leaf(1.0, 3.0)
    x.grad = tg.Tensor([np.nan, 0.0])
    with tg.record() as r:
        (x * x).sum().backward()
    return tg.why(x, record=r)


def line_of(function):
    lines, first = inspect.getsourcelines(function)
    marked = [first + k for k, line in enumerate(lines) if line.rstrip().endswith("# here")]
    return f"{FILE}:{marked[0]}" if marked else "no line"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "text"), CASES)
def test_the_reason_is_told_with_its_line(function, text):
    said = function().replace(line_of(function), "HERE")
    assert re.sub(rf"{re.escape(FILE)}:\d+", "FILE", said) == text


def test_it_takes_no_more_than_three_sentences():
    for parameters in CASES:
        told = parameters.values[1].replace("requires_grad=True (nn.Parameter)", "")
        assert len(re.findall(r"[.;] [A-Z]", told)) <= 2, told


def test_modules_and_parameters_have_their_names():
    model = nn.Sequential({"hidden": nn.Linear(2, 4), "relu": nn.ReLU(), "out": nn.Linear(4, 1)})
    with tg.no_grad():
        model[0].bias -= 100
    with tg.record() as r:
        loss = model(X.astype(np.float32)).sum()
        loss.backward()
    said = tg.why(model[0].weight, record=r)
    assert said.startswith("`hidden.weight.grad` is all zero: relu (module relu) at ")
    assert "is 0 for 300 of 300 rows" in said


def test_a_value_of_several_uses():
    """The way is followed through the contribution that matters."""
    x = leaf(2.0, 0.0)
    with tg.record() as r:
        loss = (x * 3).sum() + tg.sqrt(x).sum()
        with np.errstate(divide="ignore"):
            loss.backward()
    assert "sqrt at" in tg.why(x, record=r)


def test_intermediate_values_in_a_record_and_after_retain_grad():
    x = leaf(-1.0, -2.0)
    with tg.record() as r:
        h = x * 2
        h.retain_grad()
        tg.relu(h).sum().backward()
    assert tg.why(h, record=r).startswith("`h.grad` is all zero: relu at ")


def test_the_active_record_is_used():
    x = leaf(-1.0)
    with tg.record():
        tg.relu(x).sum().backward()
        assert "is 0 for 1 of 1 elements" in tg.why(x)
    assert "To learn where" in tg.why(x)


def test_a_record_of_something_else():
    x, other = leaf(-1.0), leaf(1.0)
    tg.relu(x).sum().backward()
    with tg.record() as r:
        (other * 2).sum().backward()
    assert "the record has no backward pass through it" in tg.why(x, record=r)


def test_gradients_recorded_by_create_graph():
    x = leaf(-1.0, -3.0)
    with tg.record() as r:
        tg.relu(x).sum().backward(create_graph=True)
    assert "relu at" in tg.why(x, record=r)


def test_a_prompt_shows_the_text():
    said = tg.why(X)
    assert repr(said) == str(said)
    assert isinstance(said, str)


def test_only_tensors():
    with pytest.raises(TypeError, match="takes Tensors, not ndarray"):
        tg.why(np.ones(3))
    with pytest.raises(TypeError, match="takes Tensors, not int"):
        tg.why(X, 3)


def test_the_answer_is_a_finding():
    """A record, for tools that show it elsewhere."""
    x, n = leaf(-1.0), tg.Tensor([1, 2])
    with tg.record() as r:
        h = tg.relu(x)
        h.retain_grad()
        h.sum().backward()
    frame = inspect.currentframe()
    kinds = {}
    for tensor in (x, n, h):
        finding = gradient_finding(tensor, None, r, frame)
        assert isinstance(finding, tg.Finding)
        kinds[finding.kind] = finding
    assert list(kinds) == ["zero gradient", "no gradient", "ordinary gradient"]
    assert kinds["zero gradient"].what == tg.why(x, record=r)
    assert all(finding.where.startswith(FILE) for finding in kinds.values())


def test_a_bare_number_on_the_way():
    w, u = leaf(1.5), leaf(2.5)
    with tg.record() as r:
        h = (w * 2).sum()
        loss = (u * math.exp(h)).sum() + (u * u).sum()
        with pytest.warns(tg.DetachedWarning):
            loss.backward()
    assert "The way is cut: float(t) made a bare number of the result of sum" in tg.why(w, record=r)
    with tg.record() as r:
        loss = (u * float(u.sum())).sum()
        with pytest.warns(tg.DetachedWarning):
            loss.backward()
    said = tg.why(u, record=r)
    assert "is ordinary" not in said
    assert "but float(t) made a bare number of the result of sum" in said
