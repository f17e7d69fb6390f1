"""The checks of lesson 7."""

import numpy as np

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, compare_layer, compare_value

# --- penalty --------------------------------------------------------------------------------------


def check_penalty(program, solution):
    inputs = np.random.default_rng(7).standard_normal((5, 3))
    for strength in (0.3, 0.0):
        layers = [each.Dense(3, 4, strength) for each in (program, solution)]
        compare_value("the penalty", *(layer.penalty() for layer in layers))
        compare_layer(*layers, [inputs])


def see_penalty(program, path):
    layer = program.Dense(3, 2, 0.1)
    layer.weights = tg.Tensor(layer.weights, requires_grad=True, name="weights")
    inputs = tg.Tensor(np.arange(6.0).reshape(2, 3) / 6, name="inputs")
    optimizer = nn.SGD([layer.weights], lr=0.5)
    with tg.record() as run:
        layer.forward(inputs)
        data_loss = (layer.output**2).mean()
        loss = data_loss + layer.penalty()
        loss.backward()
        optimizer.step()
    title = "A loss with a penalty: two ways lead to the weights"
    return tg.graph(loss, record=run).html(path, title=title)


# --- dropped --------------------------------------------------------------------------------------


def check_dropped(program, solution):
    inputs = np.random.default_rng(7).standard_normal((7, 3))
    for rate in (0.2, 0.5):
        compare_layer(program.Dropout(rate), solution.Dropout(rate), [inputs])
    layers = [each.Dropout(0.2) for each in (program, solution)]
    for layer in layers:
        layer.forward(inputs, training=False)
        layer.backward(inputs)
    compare_value("the output without training", *(layer.output for layer in layers))
    try:
        compare_value("dinputs without training", *(layer.dinputs for layer in layers))
    except Wrong as wrong:
        wrong.verdict = "nothing was dropped, nor divided: the gradient goes through as it is"
        raise


def see_dropped(program, path):
    inputs = tg.Tensor(np.arange(1.0, 13.0).reshape(3, 4), requires_grad=True, name="inputs")
    layer = program.Dropout(0.25)
    with tg.record() as run:
        layer.forward(inputs)
        loss = layer.output.sum()
        loss.backward()
    return tg.graph(loss, record=run).html(path, title="Dropout, on Tensors")


# --- stopping -------------------------------------------------------------------------------------

RUNS = [  # validation losses, patience
    ([0.9, 0.5, 0.4, 0.45, 0.41, 0.5, 0.3, 0.6], 3),
    ([0.9, 0.5, 0.4, 0.45, 0.41, 0.5, 0.3, 0.6], 4),
    ([5.0, 4.0, 4.5, 4.4, 4.3], 2),
    ([3.0, 2.0, 2.0, 2.0, 2.0, 1.0], 3),
    ([3.0, 2.5, 2.0], 2),
    ([0.9, 0.95, 0.5, 0.7, 0.6, 0.65, 0.4], 3),
]


def check_stopping(program, solution):
    for losses, patience in RUNS:
        right = solution.stop(losses, patience)
        best_of_all = losses.index(min(losses))
        causes = {
            "the best epoch is one that training never came to": (right[0], best_of_all),
            "it counts the epochs at which the loss rose, not those since the best": (
                _rises(losses, patience),
                right[1],
            ),
            "a new best epoch begins the count anew": _counted_on(losses, patience),
            "of equal losses the first is the best": _latest(losses, patience),
            "the two are swapped": right[::-1],
            "it stops one epoch too late": solution.stop(losses, patience + 1),
            "it stops one epoch too early": solution.stop(losses, patience - 1),
            "it counts rises in a row, not the epochs since the best": _in_a_row(losses, patience),
        }
        name = f"stop({losses}, {patience})"
        compare_value(name, program.stop(losses, patience), right, causes=causes)


def _rises(losses, patience):
    rises = [epoch for epoch in range(1, len(losses)) if losses[epoch] > losses[epoch - 1]]
    return rises[patience - 1] if len(rises) >= patience else len(losses) - 1


def _in_a_row(losses, patience):
    best = rises = 0
    for epoch in range(1, len(losses)):
        rises = rises + 1 if losses[epoch] > losses[epoch - 1] else 0
        best = min(best, epoch, key=losses.__getitem__)
        if rises >= patience:
            return epoch, best
    return len(losses) - 1, best


def _counted_on(losses, patience):
    best = count = 0
    for epoch, loss in enumerate(losses[1:], 1):
        if loss < losses[best]:
            best = epoch
        else:
            count += 1
        if count >= patience:
            return epoch, best
    return len(losses) - 1, best


def _latest(losses, patience):
    """Stop by a rule that takes the last one of equal losses for the best."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss <= losses[best]:
            best = epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best


def see_stopping(program, path):
    rng = np.random.default_rng(0)
    x, more = rng.uniform(-1, 1, (2, 8, 1))
    powers = tg.Tensor(x ** np.arange(8), name="powers of x")
    y = tg.Tensor(np.sin(3 * x) + 0.3 * rng.standard_normal(x.shape), name="y")
    w = tg.Tensor(np.zeros((8, 1)), requires_grad=True, name="w")
    optimizer = nn.Adam([w], lr=0.1)
    losses = []
    for _ in range(60):
        with tg.record() as run:
            w.grad = None
            loss = ((powers @ w - y) ** 2).mean()
            loss.backward()
            optimizer.step()
        off = more ** np.arange(8) @ w.numpy() - np.sin(3 * more)
        losses.append(float(np.mean(off**2)))
    end, best = program.stop(losses, 5)
    title = f"Your rule stops this training at epoch {end} and keeps epoch {best}"
    return tg.graph(loss, record=run).html(path, title=title)


EXERCISES = [
    Exercise(
        "penalty",
        check_penalty,
        see_penalty,
        hints=[
            "Run the file: it moves one weight and looks at the penalty.",
            "What is the derivative of λ w² with respect to w?",
        ],
        right="A penalty pulls each weight towards 0, in proportion to the weight.",
    ),
    Exercise(
        "dropped",
        check_dropped,
        see_dropped,
        hints=[
            "Forward multiplies each number by a factor. Which factors are there?",
            "What is multiplied by a factor on the way forward gets its gradient multiplied by the "
            "same factor on the way back.",
            "Without training the factor is 1 everywhere: keep the factors, not who was kept.",
        ],
        right="Backward goes through the numbers that were kept, by the same factor.",
    ),
    Exercise(
        "stopping",
        check_stopping,
        see_stopping,
        hints=[
            "Go through the epochs one by one, and remember which one was the best so far.",
            "Stop when the number of this epoch less that of the best one has come to `patience`.",
            "If the loop ends without that, training ends at the last epoch.",
        ],
        right="The cheapest cure of all: stop when the validation loss has turned, and go back.",
    ),
]
