"""The checks of lesson 4."""

import numpy as np

import tinygrad_np as tg
from tinygrad_np.learn.exercises import Exercise
from tinygrad_np.learn.verdicts import Wrong, both, compare_layer, compare_value


def check_dense(program, solution):
    rng = np.random.default_rng(4)
    for n_inputs, n_neurons in ((4, 4), (3, 5)):  # with a square matrix wrong products fit, too
        layers = [program.Dense(n_inputs, n_neurons), solution.Dense(n_inputs, n_neurons)]
        for layer in layers:
            layer.biases = layer.biases + 0.1
        compare_layer(*layers, [rng.standard_normal((6, n_inputs))])


def check_rectify(program, solution):
    inputs = np.random.default_rng(4).standard_normal((5, 4))
    compare_layer(program.ReLU(), solution.ReLU(), [inputs])


# --- the network ----------------------------------------------------------------------------------


def check_network(program, solution):
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    right = _network(solution)
    number = solution.forward(*right, x, y)
    solution.backward(*right, y)
    own = _network(program)
    compare_value("forward(layers, loss, inputs, targets)", program.forward(*own, x, y), number)
    layers, loss = own
    in_order = [*layers]
    _watch(in_order, loss, y)
    program.backward(layers, loss, y)
    if layers != in_order:
        raise Wrong(
            "backward leaves the list of layers turned round.",
            "layers.reverse() changes the list itself; reversed(layers) goes through it backwards",
        )
    for k in (2, 0):
        for name in ("dweights", "dbiases"):
            title = f"{name} of layer {k}"
            got, want = (getattr(layers[k], name, None) for layers, _ in (own, right))
            if got is None:
                raise Wrong(
                    f"{title} is not there: backward did not come by.", kind="not connected"
                )
            if not np.allclose(got, want):
                raise Wrong(both(title, got, want), *_cause(solution, x, y, got, k, name))


def _network(module):
    layers = [module.Dense(3, 3), module.ReLU(), module.Dense(3, 2)]
    return layers, module.SquaredError()


def _watch(layers, loss, y):
    """Make layers and loss refuse what does not fit, and say whose numbers it is."""
    output = layers[-1].output
    run_loss = loss.backward

    def backward_of_loss(predictions, targets):
        if not np.array_equal(predictions, output) or not np.array_equal(targets, y):
            raise Wrong(
                "loss.backward is not given the predictions and the targets, in this order.",
                "the predictions are the output of the last layer",
                "incoming gradient",
            )
        run_loss(predictions, targets)

    loss.backward = backward_of_loss
    for k in range(len(layers)):
        layers[k].backward = _watched(k, layers, loss)


def _watched(k, layers, loss):
    layer, run = layers[k], layers[k].backward
    wanted = layer.output.shape

    def backward(dvalues):
        shape = np.shape(dvalues)
        if shape != wanted:
            given = "nothing" if dvalues is None else f"dvalues of the shape {shape}"
            text = f"layer {k}, {type(layer).__name__}, is given {given}; its output is {wanted}."
            raise Wrong(text, _cause_by_shape(dvalues, k, layers, loss), "incoming gradient")
        run(dvalues)

    return backward


def _cause_by_shape(dvalues, k, layers, loss):
    if dvalues is None:
        return "backward returns nothing: what it has found is in `dinputs`"
    if np.ndim(dvalues) == 0:
        return "that is the loss itself; its gradient is in loss.dinputs, after loss.backward"
    if layers[k + 1 :] and not hasattr(layers[-1], "dinputs"):
        return "the way back begins at the last layer: reversed(layers)"
    if dvalues is getattr(loss, "dinputs", None):
        return "loss.dinputs is for the last layer; each other one is given dinputs of the next"
    if any(dvalues is layer.output for layer in layers):
        return "it is an output, of the way forward; what goes back is `dinputs`"
    return ""


def _cause(solution, x, y, got, k, name):
    """Return the wrong way back that gives the same, if one does, and the kind."""
    for backward, cause in WAYS_BACK.items():
        layers, loss = _network(solution)
        solution.forward(layers, loss, x, y)
        loss.backward(layers[-1].output, y)
        backward(layers, loss, y)
        value = getattr(layers[k], name, None)
        if value is not None and np.shape(value) == np.shape(got) and np.allclose(value, got):
            return cause, "incoming gradient"
    return "", "other"


def _from_ones(layers, loss, y):
    dvalues = np.ones_like(loss.dinputs)
    for layer in reversed(layers):
        layer.backward(dvalues)
        dvalues = layer.dinputs


def _from_outputs(layers, loss, y):
    dvalues = layers[-1].output
    for layer in reversed(layers):
        layer.backward(dvalues)
        dvalues = layer.dinputs


def _from_errors(layers, loss, y):
    dvalues = layers[-1].output - y
    for layer in reversed(layers):
        layer.backward(dvalues)
        dvalues = layer.dinputs


def _past_relu(layers, loss, y):
    layers[2].backward(loss.dinputs)
    layers[0].backward(layers[2].dinputs)


WAYS_BACK = {
    _from_ones: "the way back begins with ones, and should begin with loss.dinputs",
    _from_outputs: "the way back begins with the predictions, and should begin with loss.dinputs",
    _from_errors: "the way back begins with predictions - targets, and should with loss.dinputs",
    _past_relu: "the ReLU is passed by: its dinputs are what the layer before it is given",
}


# --- pages ----------------------------------------------------------------------------------------


def _tensors(layer):
    layer.weights = tg.Tensor(layer.weights, requires_grad=True, name="weights")
    layer.biases = tg.Tensor(layer.biases, requires_grad=True, name="biases")
    return layer


def see_dense(program, path):
    inputs = tg.Tensor([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]], requires_grad=True, name="inputs")
    layer = _tensors(program.Dense(2, 3))
    with tg.record() as run:
        layer.forward(inputs)
        loss = (layer.output**2).mean()
        loss.backward()
    return tg.graph(loss, record=run).html(path, title="A dense layer, on Tensors")


def see_rectify(program, path):
    inputs = tg.Tensor([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]], requires_grad=True, name="inputs")
    layer = program.ReLU()
    with tg.record() as run:
        layer.forward(inputs)
        loss = (layer.output * tg.Tensor([[1.0, 2.0]], name="dvalues")).sum()
        loss.backward()
    return tg.graph(loss, record=run).html(path, title="ReLU, on Tensors")


def see_network(program, path):
    x = tg.Tensor(np.linspace(-2, 2, 6).reshape(-1, 1), name="x")
    y = tg.Tensor(np.sin(x.numpy()), name="y")
    layers = [_tensors(program.Dense(1, 4)), program.ReLU(), _tensors(program.Dense(4, 1))]
    parameters = [p for layer in layers[::2] for p in (layer.weights, layer.biases)]

    def step():
        loss = program.forward(layers, program.SquaredError(), x, y)
        for parameter in parameters:
            parameter.grad = None
        loss.backward()
        with tg.no_grad():
            for parameter in parameters:
                parameter.assign(parameter - 0.1 * parameter.grad)
        return loss

    with tg.record() as run:
        loss = step()
    return tg.graph(loss, record=run).html(path, title="A network learns a sine", step=step)


EXERCISES = [
    Exercise(
        "dense",
        check_dense,
        see_dense,
        hints=[
            "A gradient has the shape of its array. With which shapes does dvalues @ weights fit?",
            "An input meets all neurons, by the weights of its row: its gradient collects from all "
            "of them.",
            "A bias is used by each row once: the gradients add up.",
        ],
        right="Two products and a sum: most of the time that training takes is spent on these.",
    ),
    Exercise(
        "rectify",
        check_rectify,
        see_rectify,
        hints=[
            "The slope of max(0, x) is 1 where x is above 0, and 0 below.",
            "What decides if a value passed is what came in on the way forward.",
        ],
        right="A gradient may have any sign: the gate was set on the way forward.",
    ),
    Exercise(
        "network",
        check_network,
        see_network,
        hints=[
            "Begin at the loss: it needs the predictions, which are the last layer's output.",
            "The dinputs of one layer are the dvalues of the one before it: the last layer first.",
        ],
        right="That is backpropagation. All that a framework adds is to find the way by itself.",
    ),
]
