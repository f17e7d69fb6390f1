"""The checks of lesson 8."""

import numpy as np

import tinygrad_np as tg
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, compare_layer, compare_op, compare_value

# --- filters --------------------------------------------------------------------------------------


def check_filters(program, solution):
    rng = np.random.default_rng(8)
    for shape in ((2, 3), (3, 2)):
        kernel = rng.standard_normal(shape)
        images = rng.standard_normal((3, 4, 5))
        compare_layer(program.Filter(kernel), solution.Filter(kernel), [images])


def see_filters(program, path):
    layer = program.Filter([[-1.0, 1.0]])
    layer.kernel = tg.Tensor(layer.kernel, requires_grad=True, name="kernel")
    image = np.zeros((1, 4, 6))
    image[:, 1:, 2:4] = 1
    images = tg.Tensor(image, requires_grad=True, name="images")
    with tg.record() as run:
        layer.forward(images)
        loss = (layer.output**2).sum()
        loss.backward()
    title = "A kernel that finds the left and the right edge of a bar"
    return tg.graph(loss, record=run).html(path, title=title)


# --- pooled ---------------------------------------------------------------------------------------


def check_pooled(program, solution):
    plain = np.random.default_rng(8).standard_normal((2, 6, 10))
    for images in (plain, np.round(plain)):
        compare_op(program.pool, solution.pool, images)


def see_pooled(program, path):
    images = [[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 7.0, 1.0], [0, 1, 6, 6], [2, 0, 0, 6]]]
    x = tg.Tensor(images, requires_grad=True, name="x")
    with tg.record() as run:
        loss = program.pool(x).sum()
        loss.backward()
    return tg.graph(loss, record=run).html(path, title="Max pooling by an op of your own")


# --- outlet ---------------------------------------------------------------------------------------

ROWS = [  # n, size, stride, padding
    (8, 3, 1, 0),
    (9, 3, 1, 3),
    (8, 3, 2, 1),
    (7, 3, 2, 0),
    (9, 4, 3, 0),
    (5, 5, 1, 0),
    (28, 5, 2, 2),
]


def check_outlet(program, solution):
    for row in ROWS:
        n, size, stride, padding = row
        wide = n + 2 * padding
        causes = {
            "the zeros are on both sides": (n + padding - size) // stride + 1,
            "the 1 for the first place is no step: add it after the division": (
                (wide - size + 1) // stride
            ),
            "how often the window can move on; it stands at its first place, too": (
                (wide - size) // stride
            ),
            "the padding is not in it": (n - size) // stride + 1,
            "the last window has to fit whole: round down": -(-(wide - size) // stride) + 1,
            "the stride is not in it": wide - size + 1,
            "the number of windows is a whole number: divide with //": (wide - size) / stride + 1,
        }
        right = solution.windows(*row)
        name = f"windows({n}, {size}, stride={stride}, padding={padding})"
        got = program.windows(*row)
        compare_value(name, got, right, causes=causes)
        if not isinstance(got, int):
            raise Wrong(f"{name} is {got!r}; it should be a whole number.", list(causes)[-1])


def see_outlet(program, path):
    row = np.arange(8.0).reshape(1, 1, 1, 8)
    kernel = tg.Tensor(np.ones((1, 1, 1, 3)), requires_grad=True, name="kernel")
    count = program.windows(8, 3, stride=2)
    with tg.record() as run:
        loss = tg.conv2d(tg.Tensor(row, name="row"), kernel, stride=(1, 2)).sum()
        loss.backward()
    title = f"By your count this convolution has {count} results"
    return tg.graph(loss, record=run).html(path, title=title)


EXERCISES = [
    Exercise(
        "filters",
        check_filters,
        see_filters,
        hints=[
            "Run the file. Which number of the kernel was the input 1 multiplied with?",
            "An input a places to the right of the start of a window was multiplied with "
            "kernel[a]. Seen from the input, that window starts a places to the left.",
            "So going back the kernel is read from its end: in NumPy kernel[::-1].",
        ],
        right="Forward moves a kernel over the image, backward the turned one over the gradients.",
    ),
    Exercise(
        "pooled",
        check_pooled,
        see_pooled,
        hints=[
            "Nudge a number that is not the largest of its block. What does the result do?",
            "Compare x with the largest number of its block, brought to the size of x.",
            "Where two are the largest, each gets a half: divide by how many there are.",
        ],
        right="The gradient goes to the one that was chosen; the others had no say.",
    ),
    Exercise(
        "outlet",
        check_outlet,
        see_outlet,
        hints=[
            "Draw 8 boxes and put a window of 3 on them. How often can you move it by one?",
            "It moves n + 2 · padding - size places in all, `stride` at a time, and may not hang "
            "over the end.",
        ],
        right="n windows of size 3 with a padding of 1 keep the length: hence that usual choice.",
    ),
]
