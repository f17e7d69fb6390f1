"""Values that leave the graph unsaid: who is warned of them, and who is not."""

import gc
import logging
import math
import threading
import warnings
import weakref

import numpy as np
import pytest
from folded import folded

import nn
import tinygrad_np as tg
from tinygrad_np.core import exits

DETACHED = "bare number"


def leaf(values, name=None):
    return tg.Tensor(np.asarray(values, float), requires_grad=True, name=name)


@pytest.fixture
def warned():
    """Give the texts of all DetachedWarnings so far; anything else is an error."""
    exits.waiting.exits.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        warnings.simplefilter("always", tg.DetachedWarning)
        yield lambda: [str(warning.message) for warning in caught]


# --- a number that went into the loss ------------------------------------------------------------


def math_function():
    w = leaf(1.0)
    return w * w + math.exp(w)


def norm():
    x = leaf([3.0, 4.5])
    return (x / math.sqrt((x * x).sum())).sum()


def largest():
    x = leaf([3.0, 4.5])
    return (x / float(x.max())).sum()


def round_sum():
    x = leaf([1.0, 2.0, 3.0])
    return (x / float(x.sum())).sum()


def named_value():
    x = leaf([1.0, 2.0, 3.0])
    total = (x * x).sum()
    scale = math.log(total)
    return (x * scale).sum()


def reciprocal():
    x = leaf([1.5, 2.0])
    scale = 1 / math.sqrt((x * x).sum())
    return (x * scale).sum()


def integer():
    w = leaf(2.5)
    return w * int(w)


def complex_number():
    w = leaf(1.5)
    return w * complex(w).real


def numpy_number():
    x = leaf([1.2, 2.3])
    return (x * np.float64(x.sum())).sum()


def library_function():
    x = leaf([1.2, 2.3])
    return (x * math.fsum([x.sum()])).sum()


def list_of_numbers():
    x = leaf([1.2, 2.3])
    numbers = [float(tg.sin(x[i])) for i in range(2)]
    return (x * np.array(numbers)).sum()


def list_in_a_tensor():
    x = leaf([1.2, 2.3])
    numbers = [float(tg.sin(x[i])) for i in range(2)]
    return tg.einsum("i,i->", x, tg.Tensor(numbers))


def module():
    h = nn.Linear(2, 1)(np.ones((3, 2))).sum()
    return h * math.tanh(h)


def checkpointed():
    x = leaf([3.0, 4.5])
    return tg.checkpoint(lambda x: (x / math.sqrt((x * x).sum())).sum())(x)


# --- into an array --------------------------------------------------------------------------------


def element():
    w, out = leaf([1.0, 2.0, 3.0]), np.zeros(3)
    for i in range(3):
        out[i] = w[i] ** 2
    return (w * out).sum()


def element_that_no_rule_reads():
    w, out = leaf([1.0, 2.0, 3.0]), np.zeros(3)
    for i in range(3):
        out[i] = w[i] ** 2
    return (w + out).sum()


def element_of_single_precision():
    w, out = leaf([1.1, 2.2, 3.3]), np.zeros(3, np.float32)
    for i in range(3):
        out[i] = w[i] ** 2
    return (w + out).sum()


def update_of_an_element():
    w, out = leaf([1.0, 2.0]), np.zeros(2)
    for i in range(2):
        out[i] += 3 * w[i]
    return (w * out).sum()


def view():
    w, out = leaf([1.0, 2.0]), np.zeros((2, 1))
    for i in range(2):
        out[i][0] = 3 * w[i]
    return (w + out.T).sum()


def flat():
    w, out = leaf([1.0, 2.0]), np.zeros((2, 1))
    for i in range(2):
        out.flat[i] = 3 * w[i]
    return (w + out.reshape(-1)).sum()


def attribute():
    class Cache:
        values = None

    w, cache = leaf([1.0, 2.0]), Cache()
    cache.values = np.zeros(2)
    for i in range(2):
        cache.values[i] = 3 * w[i]
    return (w + cache.values).sum()


def kernel_with_jitter():
    x, kernel = leaf([1.2, 2.3]), np.zeros((2, 2))
    for i in range(2):
        for j in range(2):
            kernel[i, j] = 1.7 * tg.exp(-((x[i] - x[j]) ** 2))
    return x @ (kernel + 1e-6 * np.eye(2)) @ np.ones(2)


CUTS = [
    math_function,
    norm,
    largest,
    round_sum,
    named_value,
    reciprocal,
    integer,
    complex_number,
    numpy_number,
    library_function,
    list_of_numbers,
    list_in_a_tensor,
    module,
    checkpointed,
    element,
    element_that_no_rule_reads,
    element_of_single_precision,
    update_of_an_element,
    view,
    flat,
    attribute,
    kernel_with_jitter,
]


@folded
@pytest.mark.parametrize("program", CUTS, ids=lambda f: f.__name__)
def test_a_number_on_the_way_is_warned_of(program, warned):
    program().backward()
    texts = warned()
    assert texts
    assert all("gradient" in text and ".item()" in text for text in texts)


def test_the_warning_is_at_the_line_of_the_conversion():
    loss = math_function()
    with pytest.warns(tg.DetachedWarning, match=r"float\(t\) made a bare number of") as caught:
        loss.backward()
    assert caught[0].filename == __file__
    assert caught[0].lineno == math_function.__code__.co_firstlineno + 2


def test_the_warning_names_the_value_and_the_op_that_reads_the_number():
    with pytest.warns(tg.DetachedWarning, match="the result of sum at .*, and divide at .* comp"):
        norm().backward()
    w = leaf(1.0, name="scale")
    loss = w * math.exp(w)
    with pytest.warns(tg.DetachedWarning, match="'scale'"):
        loss.backward()


def test_once_per_line():
    w = leaf(1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(5):
            (w * w + math.exp(w)).backward()
    assert len(caught) == 1


def test_as_an_error_it_comes_before_anything_changes():
    w = leaf(1.0)
    loss = w * w + math.exp(w)
    with warnings.catch_warnings():
        warnings.simplefilter("error", tg.DetachedWarning)
        with pytest.raises(tg.DetachedWarning):
            loss.backward()
    assert w.grad is None
    with pytest.warns(tg.DetachedWarning):
        loss.backward()
    assert w.grad.item() == 2.0


def test_second_order():
    w = leaf(1.5)
    loss = w * w * math.exp(w)
    with pytest.warns(tg.DetachedWarning):
        loss.backward(create_graph=True)


# --- right programs -------------------------------------------------------------------------------


def step(w, loss):
    with tg.no_grad():
        w -= 0.1 * w.grad
    w.grad = None


def losses_before_backward():
    w, losses, array = leaf([1.2, 2.3]), [], np.zeros(3)
    for k in range(3):
        loss = ((w - 1.5) ** 2).sum()
        losses.append(float(loss))
        array[k] = loss
        loss.backward()
        step(w, loss)


def losses_after_backward():
    w, losses, array, total = leaf([1.2, 2.3]), [], np.zeros(3), 0.0
    for k in range(3):
        loss = ((w - 1.5) ** 2).sum()
        loss.backward()
        losses.append(float(loss))
        array[k] = loss
        total += float(loss)
        step(w, loss)


def losses_of_validation():
    w, losses = leaf([1.2, 2.3]), np.zeros(3)
    for k in range(3):
        losses[k] = ((w - 2.5) ** 2).mean()
        perplexity = math.exp(((w - 2.5) ** 2).mean())
        (((w - 1.5) ** 2).sum() * 0.5).backward()
        assert perplexity > 0
        step(w, None)


def parts_of_a_finished_loss():
    w = leaf([1.2, 2.3])
    data, penalty = (w * w).sum(), abs(w).sum()
    loss = data + 0.1 * penalty
    parts = [float(data), math.sqrt(penalty)]
    loss.backward()
    parts += [float(data), float(penalty)]


def formats():
    w = leaf(1.5)
    texts = [f"{w:.2f}", f"{float(w):.2f}", f"{float(w)}", str(w), f"{w!r}", "%f" % w]  # noqa: UP031
    texts += ["{:.3f} {}".format(w, w), format(w, ".2f"), "%s %.1f" % ("w", w)]  # noqa: UP031, UP032
    logging.getLogger("tinygrad_np_test").error("w is %f", w)
    (w * w).backward()


def comparisons():
    # No assert statements: pytest rewrites them, and stores what they compare.
    w = leaf(1.5)
    if w > 1 and float(w) > 1 and float(w) < 5 and 1 < float(w) < 9:
        w = w + 0.5
    while float(w) > 9 or math.isnan(w):
        break
    finite = not math.isinf(w)
    word = "small" if math.isnan(w) else "large"
    largest = max(w, w * 0.5)
    (w * w + largest).backward()
    assert finite
    assert word == "large"


def said():
    w = leaf([1.5, 2.5])
    one = w.sum()
    (w * w.numpy() * w.detach() * one.item() * np.array(w.tolist())).sum().backward()


def without_gradients():
    w = leaf(1.5)
    with tg.no_grad():
        scale = math.exp(w)
        double = float(w * 2)
    frozen = tg.Tensor(2.0)
    (w * scale * double * float(frozen) * math.exp(frozen)).backward()


def fit():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 4, rng=rng), nn.Tanh(), nn.Linear(4, 1, rng=rng))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    x = rng.normal(size=(20, 2))
    metrics = {"error": nn.mse_loss}
    nn.fit(
        model,
        x,
        x[:, :1],
        loss=nn.mse_loss,
        optimizer=optimizer,
        epochs=2,
        progress=False,
        metrics=metrics,
    )


def array_that_was_written_over():
    w, buffer = leaf([1.5, 2.5]), np.zeros(2)
    buffer[0] = w.sum()
    buffer[:] = 1
    (w * buffer).sum().backward()


RIGHT = [
    losses_before_backward,
    losses_after_backward,
    losses_of_validation,
    parts_of_a_finished_loss,
    formats,
    comparisons,
    said,
    without_gradients,
    fit,
    array_that_was_written_over,
]


@pytest.mark.parametrize("program", RIGHT, ids=lambda f: f.__name__)
def test_right_programs_are_not_accused(program, warned):
    program()
    assert warned() == []


def test_a_weight_read_out_before_the_loss_is_the_one_false_alarm(warned):
    w = leaf(1.5)
    history = [float(w)]
    (w * w).backward()
    assert len(warned()) == 1
    history.append(w.item())
    (w * w).backward()
    assert len(warned()) == 1


# --- memory and threads ---------------------------------------------------------------------------


def test_a_note_keeps_nothing_alive():
    w = leaf([1.0, 2.0])
    loss = (w * w).sum()
    node = weakref.ref(loss._node)
    float(loss)
    numbers = [float(loss) for _ in range(10_000)]
    array = np.zeros(2)
    array[0] = loss
    entry = weakref.ref(array)
    assert len(numbers) == 10_000
    assert len(exits.waiting.exits) <= exits.MOST
    del loss, array
    gc.collect()
    assert node() is None
    assert entry() is None
    assert exits.arrays == {}


def test_notes_belong_to_their_thread(warned):
    w = leaf(1.5)
    loss = w * w
    thread = threading.Thread(target=lambda: [float(w) for _ in range(10)])
    thread.start()
    thread.join()
    (loss + w).backward()
    assert warned() == []


def test_complex_tensors_become_complex_numbers():
    assert complex(tg.Tensor(1.5)) == 1.5
    assert complex(tg.Tensor(1.5 + 2j)) == 1.5 + 2j
    with pytest.raises(TypeError):
        float(tg.Tensor(1.5 + 2j))
