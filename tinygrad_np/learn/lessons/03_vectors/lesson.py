"""The checks of lesson 3."""

import numpy as np

import tinygrad_np as tg
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, compare_gradient, compare_layer, compare_value


def check_line(program, solution):
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 50))
    w, b = 0.7, -0.4
    compare_value("loss(w, b, x, y)", program.loss(w, b, x, y), solution.loss(w, b, x, y))
    answer = program.gradient(w, b, x, y)
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise Wrong("gradient should return two values, dw and db.")
    right = tg.grad(solution.loss, argnums=(0, 1))(w, b, x, y)
    error = w * x + b - y
    candidates = {
        "it is the derivative by b: x is missing, or the two are swapped": right[1],
        "it is the derivative by w": right[0],
        "a mean of products is not the product of the means": 2 * np.mean(error) * np.mean(x),
    }
    for name, got, value in zip(("dw", "db"), answer, right):
        wrong = {cause: number for cause, number in candidates.items() if number is not value}
        counts = {"the number of points": len(x)}
        compare_gradient(name, got, value, counts=counts, candidates=wrong)


def check_scale(program, solution):
    rng = np.random.default_rng(3)
    layers = [program.Scale(4), solution.Scale(4)]
    weights, biases = rng.uniform(0.5, 2, (1, 4)), rng.standard_normal((1, 4))
    for layer in layers:
        layer.weights, layer.biases = weights, biases
    compare_layer(*layers, [rng.standard_normal((6, 4))])


def check_standard(program, solution):
    inputs = np.random.default_rng(3).standard_normal((5, 2))
    layer = solution.Standard()
    layer.forward(inputs)
    scores, deviation = layer.output, layer.deviation

    def way_back(mean, factor=scores):
        def dinputs(dvalues):
            by_deviation = factor * mean(dvalues * scores)
            return (dvalues - mean(dvalues) - by_deviation) / deviation

        return dinputs

    candidates = {
        "the means over the rows are sums there: divide by their number": way_back(
            lambda values: np.sum(values, axis=0)
        ),
        "the means go over all numbers; each column has its own, over axis 0": way_back(np.mean),
        "the term of the deviation lacks a factor: one input moves it by output / n": way_back(
            lambda values: np.mean(values, axis=0), factor=1
        ),
    }
    compare_layer(program.Standard(), solution.Standard(), [inputs], candidates)


# --- pages ----------------------------------------------------------------------------------------


def see_line(program, path):
    x = tg.Tensor(np.linspace(-1, 1, 5), name="x")
    y = tg.Tensor(3 * x.numpy() + 1, name="y")
    w = tg.Tensor(0.0, requires_grad=True, name="w")
    b = tg.Tensor(0.0, requires_grad=True, name="b")

    def step():
        loss = program.loss(w, b, x, y)
        w.grad = b.grad = None
        loss.backward()
        with tg.no_grad():
            w.assign(w - 0.5 * w.grad)
            b.assign(b - 0.5 * b.grad)
        return loss

    dw, db = program.gradient(0.0, 0.0, x.numpy(), y.numpy())
    notes = {w: f"your dw: {np.round(dw, 4)}", b: f"your db: {np.round(db, 4)}"}
    with tg.record() as run:
        loss = step()
    title = "A line through five points"
    return tg.graph(loss, record=run).html(path, title=title, step=step, notes=notes)


def see_scale(program, path):
    layer = program.Scale(3)
    layer.weights = tg.Tensor([[1.0, 2.0, 0.5]], requires_grad=True, name="weights")
    layer.biases = tg.Tensor(layer.biases, requires_grad=True, name="biases")
    inputs = tg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True, name="inputs")
    return _page(layer, inputs, path, "Scale, on Tensors")


def see_standard(program, path):
    values = np.array([[1.0, 5.0], [2.0, 5.5], [4.0, 7.0]])
    inputs = tg.Tensor(values, requires_grad=True, name="inputs")
    return _page(program.Standard(), inputs, path, "Standard scores, on Tensors")


def _page(layer, inputs, path, title):
    with tg.record() as run:
        layer.forward(inputs)
        weights = np.linspace(-1, 2, layer.output.size).reshape(layer.output.shape)
        loss = (layer.output * tg.Tensor(weights, name="dvalues")).sum()
        loss.backward()
    return tg.graph(loss, record=run).html(path, title=title)


EXERCISES = [
    Exercise(
        "line",
        check_line,
        see_line,
        hints=[
            "Write the loss as (1/n) Σ eᵢ² with eᵢ = w·xᵢ + b - yᵢ. What is the derivative of eᵢ²?",
            "b is used by all n points: forward copies it, so backward sums.",
        ],
        right="Forward copies, backward sums: the shape of a gradient says where a sum belongs.",
    ),
    Exercise(
        "scale",
        check_scale,
        see_scale,
        hints=[
            "A weight multiplies the inputs of its column. What is the slope of x · w by w?",
            "It is x, an input, and not an output. They are the same as long as w is 1 and b is 0.",
        ],
        right="A falling loss proves nothing: with the mistake it fell, too, and stopped early.",
    ),
    Exercise(
        "standard",
        check_standard,
        see_standard,
        hints=[
            "Directly: dvalues / deviation. Then the mean: it is subtracted from every row, so all "
            "rows of dvalues arrive at it, and it hands each row the n-th part.",
            "The deviation divides each score: with its slope, -output / deviation, all rows of "
            "dvalues arrive at it. One input moves it by output / n.",
            "Both corrections are means over the rows: of dvalues, and of dvalues * output.",
        ],
        right="This is the backward of a batch norm, which many got wrong before you.",
    ),
]
