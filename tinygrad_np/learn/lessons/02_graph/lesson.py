"""The checks of lesson 2."""

import math

import numpy as np

import tinygrad_np as tg
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, both, compare_value

NUMBERS = (2.0, -3.0)
EXPRESSIONS = [  # title, function of a and b
    ("a + b", lambda a, b: a + b),
    ("a * b", lambda a, b: a * b),
    ("a * b + a", lambda a, b: a * b + a),
    ("a * a * b", lambda a, b: a * a * b),
    ("p * p, with p = a * b,", lambda a, b: _square(a * b)),
    ("p + p * b, with p = a * b,", lambda a, b: _twice(a * b, b)),
    ("q * p + p, with p = a * b and q = p * p + a,", lambda a, b: _thrice(a * b, a)),
]


def _square(p):
    return p * p


def _twice(p, b):
    return p + p * b


def _thrice(p, a):
    q = p * p + a
    return q * p + p


def check_engine(program, solution):
    answers = []
    for title, f in EXPRESSIONS:
        a, b = (program.Value(number) for number in NUMBERS)
        root = f(a, b)
        root.backward()
        compare_value(f"the value of {title}", root.data, f(*NUMBERS))
        answers.append((a.grad, b.grad))
    for (title, f), got in zip(EXPRESSIONS, answers):
        for name, mine, right in zip("ab", got, tg.grad(f, argnums=(0, 1))(*NUMBERS)):
            if not math.isclose(mine, right):
                text = both(f"the gradient of {title} by {name}", mine, right)
                raise Wrong(text, *_cause(solution, answers))


# --- causes: what engines with these mistakes would say -------------------------------------------


def _newest_first(root):
    return sorted(_found(root), key=lambda value: -value.number)


def _found(root):
    found = [root]
    for value in found:
        for parent in value.parents:
            if parent not in found:
                found.append(parent)
    return found


def _oldest_first(root):
    return _newest_first(root)[::-1]


def _each_use(root):
    """Visit a value once for each of its uses, as a recursion does that goes on at once."""
    visits = [root]
    for parent in root.parents:
        visits += _each_use(parent)
    return visits


def _deepest_first(root):
    return list(dict.fromkeys(_each_use(root)))


def _run(root, visits, adds=True, swapped=False, start=1.0):
    root.grad = start
    for value in visits(root):
        slopes = value.slopes
        if swapped:
            slopes = slopes[::-1]
        for parent, slope in zip(value.parents, slopes):
            parent.grad = slope * value.grad + (parent.grad if adds else 0)


EARLY = (
    "a value passes its gradient on before all of its uses have reported; its children, which are "
    "newer, have to come first"
)
ENGINES = [  # kind, cause, how the walk goes
    (
        "overwritten",
        "of the several uses of a value only one counts: `=` overwrites, add up with `+=`",
        {"visits": _newest_first, "adds": False},
    ),
    (
        "other input",
        "the slopes of a product are swapped: a * b grows with a as fast as b is large",
        {"visits": _newest_first, "swapped": True},
    ),
    (
        "other input",
        "the slopes of a product are swapped; and something else, where a value is used twice",
        {"visits": _newest_first, "adds": False, "swapped": True},
    ),
    ("incoming gradient", EARLY, {"visits": _found}),
    ("incoming gradient", EARLY, {"visits": _deepest_first}),
    (
        "incoming gradient",
        "the walk goes from the oldest value to the newest, and should come from the result",
        {"visits": _oldest_first},
    ),
    (
        "accumulated",
        "a value passes on all it has each time that a use reports, and so some of it twice",
        {"visits": _each_use},
    ),
    (
        "accumulated",
        "a value is visited once for each of its uses, and passes its gradient on each time",
        {"visits": lambda root: sorted(_each_use(root), key=lambda value: -value.number)},
    ),
    (
        "not connected",
        "nothing starts the walk: the gradient of the result by itself is 1",
        {"visits": _newest_first, "start": 0.0},
    ),
]


def _cause(solution, answers):
    """Return the cause, and its kind, that explains the gradients of all expressions."""
    for kind, cause, options in ENGINES:
        own = []
        for _, f in EXPRESSIONS:
            values = [solution.Value(number) for number in NUMBERS]
            _run(f(*values), **options)
            own.append([value.grad for value in values])
        if np.allclose(own, answers):
            return cause, kind
    return "", "other"


# --- a neuron -------------------------------------------------------------------------------------


def check_neuron(program, solution):
    w, x, b = [0.3, -0.8, 0.5], [1.5, 0.7, -0.4], 0.2
    value = program.Value(0.6)
    out = value.tanh()
    compare_value("the value of tanh(0.6)", out.data, math.tanh(0.6))
    (out + out).backward()
    slope = 1 - math.tanh(0.6) ** 2
    if not math.isclose(value.grad, 2 * slope):
        text = both("the gradient of 2 tanh(x) by x, at 0.6,", value.grad, 2 * slope)
        raise Wrong(text, *_cause_of_tanh(value.grad / 2))
    weights, inputs = ([program.Value(number) for number in numbers] for numbers in (w, x))
    bias = program.Value(b)
    out = program.neuron(weights, inputs, bias)
    right = solution.neuron(
        [solution.Value(number) for number in w],
        [solution.Value(number) for number in x],
        solution.Value(b),
    )
    compare_value("the value of the neuron", out.data, right.data)
    out.backward()
    slope = 1 - right.data**2
    for k, weight in enumerate(weights):
        compare_value(f"the gradient of the neuron by w[{k}]", weight.grad, slope * x[k])
    compare_value("the gradient of the neuron by b", bias.grad, slope)


def _cause_of_tanh(got):
    out = math.tanh(0.6)
    causes = [
        (0.0, "not connected", "the new value does not know its parent: Value(out, (self,), ...)"),
        (1 - 0.6**2, "power", "it is 1 - x², and should be 1 - tanh(x)²"),
        (1 - out, "power", "it is 1 - tanh(x): the square is missing"),
        (out, "power", "it is tanh(x) itself, not its slope"),
        (1.0, "term", "the slope of tanh is missing: 1 is passed on as it is"),
    ]
    for slope, kind, cause in causes:
        if math.isclose(got, slope):
            return cause, kind
    return "", "other"


# --- pages ----------------------------------------------------------------------------------------


def _page(f, own, path, title):
    """Write the page of a function of a and b, with what the learner's engine found."""
    tensors = {
        name: tg.Tensor(number, requires_grad=True, name=name)
        for name, number in zip("ab", NUMBERS)
    }
    with tg.record() as run:
        result = f(*tensors.values())
        result.backward()
    notes = {tensors[name]: f"your gradient: {value.grad:g}" for name, value in own.items()}
    return tg.graph(result, record=run).html(path, title=title, notes=notes)


def see_uses(program, path):
    own = {"a": program.Value(2.0), "b": program.Value(-3.0)}
    f = EXPRESSIONS[2][1]
    f(*own.values()).backward()
    return _page(f, own, path, "a * b + a")


def see_visits(program, path):
    own = {"a": program.Value(2.0), "b": program.Value(-3.0)}
    f = EXPRESSIONS[5][1]
    f(*own.values()).backward()
    return _page(f, own, path, "p + p * b, with p = a * b")


def see_neuron(program, path):
    w = [
        tg.Tensor(number, requires_grad=True, name=f"w{k}") for k, number in enumerate((0.1, -0.2))
    ]
    x = [tg.Tensor(number, name=f"x{k}") for k, number in enumerate((1.0, -2.0))]
    b = tg.Tensor(0.0, requires_grad=True, name="b")
    with tg.record() as run:
        out = program.neuron(w, x, b)
        loss = (out - 0.9) ** 2
        loss.backward()
    return tg.graph(loss, record=run).html(path, title="A neuron of two inputs")


EXERCISES = [
    Exercise(
        "uses",
        check_engine,
        see_uses,
        hints=[
            "a * b: make a larger by 1. By how much does the product grow?",
            "In a * b + a, a is used twice. Which gradient does a.grad hold at the end?",
        ],
        right="Gradients of several uses add up. PyTorch, too, adds: hence its zero_grad().",
    ),
    Exercise(
        "visits",
        check_engine,
        see_visits,
        hints=[
            "Write down, for p + p * b, in which order the values are visited. Is p before p * b?",
            "A value may pass on only what it has from all of its uses. Who was made after it?",
            "Every value has a number, and its parents have smaller ones.",
        ],
        right="Newest first is a topological order: the loop of the library is the same.",
    ),
    Exercise(
        "neuron",
        check_neuron,
        see_neuron,
        hints=[
            "tanh: Value(the number, its parents, its slopes), as in __add__, with one parent.",
            "The slope is made of the result: 1 - out * out.",
            "neuron: begin with b, add the products one by one, and end with .tanh().",
        ],
        right="Any function that has a slope is added so; the library has 150 of them.",
    ),
]
