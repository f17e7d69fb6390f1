"""The checks of lesson 9."""

import numpy as np

import tinygrad_np as tg
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, both, compare_value

# --- head -----------------------------------------------------------------------------------------


def check_head(program, solution):
    rng = np.random.default_rng(9)
    queries, keys, values = (rng.standard_normal(shape) for shape in ((5, 3), (4, 3), (4, 2)))
    scores = queries @ keys.T
    root = np.sqrt(3)
    causes = {
        "each key shares itself out among the queries: the softmax is along the wrong axis": (
            tg.softmax(scores / root, axis=0)
        ),
        "one weight of 1 is shared out in all, not one for each query": (
            tg.softmax((scores / root).ravel()).reshape(5, 4)
        ),
        "the scores are not divided by √d": tg.softmax(scores, axis=1),
        "the scores are divided by d, not by its root": tg.softmax(scores / 3, axis=1),
        "d is the length of a key, not the number of keys": tg.softmax(scores / 2, axis=1),
        "these are the scores: the softmax is missing": scores / root,
        "these are the powers of e: they are not divided by their sum": np.exp(scores / root),
    }
    right = solution.weights(queries, keys)
    compare_value("weights", program.weights(queries, keys), right, causes=causes)
    got = program.attend(queries, keys, values)
    compare_value("attend", got, right @ values)


def see_head(program, path):
    keys = tg.Tensor(np.eye(3), requires_grad=True, name="keys")
    values = tg.Tensor([[100.0], [200.0], [300.0]], name="values")
    queries = tg.Tensor([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]], requires_grad=True, name="queries")
    with tg.record() as run:
        loss = program.attend(queries, keys, values).sum()
        loss.backward()
    return tg.graph(loss, record=run).html(path, title="Two queries and three keys")


# --- causal ---------------------------------------------------------------------------------------


def _sequence():
    rng = np.random.default_rng(9)
    return rng.standard_normal((5, 3)), rng.standard_normal((3, 3, 4))


def check_causal(program, solution):
    x, matrices = _sequence()
    with np.errstate(invalid="ignore"):
        got, right = (each.attend(x, *matrices) for each in (program, solution))
    if np.isnan(got).any():
        raise Wrong(
            both("attend", got, right),
            "where all scores of a row are -inf, there is nothing to share: a position sees itself "
            "at least. And 0 · inf is nan",
        )
    jacobian = tg.jacobian(lambda x: program.attend(x, *matrices))(x)
    slopes = np.abs(np.asarray(jacobian)).max(axis=(1, 3))
    ahead = np.triu(slopes, 1)
    if ahead.max() > 1e-9:
        t, later = np.unravel_index(int(np.argmax(ahead)), ahead.shape)
        text = (
            f"the output at position {t} changes with the input at position {later}: the slope is "
            f"{ahead[t, later]:.3g}, and should be 0."
        )
        cause = _cause_of_a_look_ahead(x, matrices, got)
        if not cause and ahead.max() < 0.01:
            cause = (
                "what is masked gets a little still: exp of -inf is 0, of other numbers it is not"
            )
        raise Wrong(text, cause)
    below = np.diag(np.tril(slopes, -1), -1)
    own = slopes.diagonal().max()
    if own < 1e-9 or below.max() < 1e-9:
        raise Wrong(
            f"the outputs depend on their own position by slopes up to {own:.3g} "
            f"and on the one before by up to {below.max():.3g}; neither should be 0.",
            "the mask hides too much: position t may see 0 to t",
        )
    compare_value("attend", got, right)


def _cause_of_a_look_ahead(x, matrices, got):
    queries, keys, values = (x @ matrix for matrix in matrices)
    scores = queries @ keys.T / np.sqrt(keys.shape[-1])
    mask = np.tril(np.ones(scores.shape, bool))
    causes = {
        "the softmax comes before the mask: what may not be seen is already in its sum": (
            np.where(mask, tg.softmax(scores), 0.0) @ values
        ),
        "a score of 0 is no mask, but as good as any other: exp(0) is 1; it takes -inf": (
            tg.softmax(np.where(mask, scores, 0.0)) @ values
        ),
        "the mask is turned round: each position sees itself and what comes": (
            tg.softmax(np.where(mask.T, scores, -np.inf)) @ values
        ),
        "there is no mask": tg.softmax(scores) @ values,
        "the mask lets one position too many through": (
            tg.softmax(np.where(np.tri(len(x), k=1), scores, -np.inf)) @ values
        ),
    }
    for cause, wrong in causes.items():
        if np.shape(got) == wrong.shape and np.allclose(got, wrong):
            return cause
    return ""


def see_causal(program, path):
    x, matrices = _sequence()
    x = tg.Tensor(x[:4], requires_grad=True, name="x")
    names = ("to_query", "to_key", "to_value")
    matrices = [tg.Tensor(m, name=name) for m, name in zip(matrices, names)]
    with tg.record() as run:
        first = program.attend(x, *matrices)[0].sum()
        first.backward()
    title = "The first output alone: which rows of x have a gradient?"
    return tg.graph(first, record=run).html(path, title=title)


# --- letters --------------------------------------------------------------------------------------


def check_letters(program, solution):
    codes = np.arange(40)
    rng = np.random.default_rng(9)
    seen = set()
    for _ in range(60):
        inputs, targets = program.batch(codes, 3, 7, rng)
        first = np.reshape(inputs, (3, -1))[:, :1]
        compare_value("inputs, where the text is 0, 1, 2, ...", inputs, first + np.arange(7))
        causes = {
            "the targets are the inputs: the model learns to copy, and nothing else": inputs,
            "the targets come before the inputs: the model guesses what has been": inputs - 1,
            "the targets are two places further": inputs + 2,
            "the last target of a row is its own first letter: the text goes on behind the row": (
                np.roll(inputs, -1, axis=1)
            ),
        }
        compare_value("targets, where the text is 0, 1, 2, ...", targets, inputs + 1, causes=causes)
        seen.update(first.ravel().tolist())
    if len(seen) < 15:
        raise Wrong(
            f"60 batches begin at {len(seen)} different places; it should be many more.",
            "each batch has to be drawn anew",
        )
    other = rng.permutation(40)
    _, places = program.batch(codes, 3, 7, np.random.default_rng(1))
    inputs, targets = program.batch(other, 3, 7, np.random.default_rng(1))
    causes = {"one is added to the codes, and should be to the places": inputs + 1}
    compare_value("targets, where the text is shuffled,", targets, other[places], causes=causes)


def see_letters(program, path):
    rng = np.random.default_rng(0)
    model = program.Model(len(program.ALPHABET), length=6, size=4, rng=rng)
    inputs, targets = program.batch(program.CODES, 2, 6, rng)
    text = "".join(program.ALPHABET[code] for code in inputs[0])
    wanted = "".join(program.ALPHABET[code] for code in targets[0])
    with tg.record() as run:
        loss = tg.cross_entropy(model(inputs).reshape(12, -1), targets.ravel())
        loss.backward()
    title = f"A small model: for {text!r} it is to guess {wanted!r}"
    return tg.graph(loss, model, record=run).html(path, title=title)


EXERCISES = [
    Exercise(
        "head",
        check_head,
        see_head,
        hints=[
            "Run the file. Which sums are 1, those of the rows or those of the columns?",
            "A row belongs to a query. Softmax makes a sum of 1 along its axis.",
        ],
        right="Each query gets a mean of the values, with weights that it has chosen itself.",
    ),
    Exercise(
        "causal",
        check_causal,
        see_causal,
        hints=[
            "In the first row only one number is not masked. What should its share be, and what is "
            "it?",
            "Softmax divides by a sum. Which scores are in it?",
            "Mask the scores, before the softmax, by a number that exp makes a 0 of.",
        ],
        right="A mask that comes after the softmax still lets the future through its sum.",
    ),
    Exercise(
        "letters",
        check_letters,
        see_letters,
        hints=[
            "Print a row of inputs and its targets as text.",
            "What does a model have to do to be right about targets like these?",
            "The target of a place is the character one further on.",
        ],
        right="A loss that is too good to be true is: look at what the model is given.",
    ),
]
