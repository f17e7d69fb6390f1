"""Mistakes in the exercises of lesson 4, and what the course says of them."""

SUM = "np.sum(dvalues, axis=0, keepdims=True)"
START = "dvalues = loss.dinputs"
HANDED_OUT = {
    "dense": ("product", "it is dvalues @ weights, and should be dvalues @ weights.T"),
    "rectify": ("incoming gradient", "its mask is made from dvalues"),
    "network": ("unfinished", "still to be written, line 54"),
}
MISTAKES = {
    "dense": [
        (
            "dvalues @ self.weights.T",
            "dvalues @ self.weights",
            "product",
            "it is dvalues @ weights, and should be dvalues @ weights.T",
        ),
        (
            "self.inputs.T @ dvalues",
            "dvalues.T @ self.inputs",
            "transpose",
            "dweights is wrong: it is the transpose of the right gradient",
        ),
        ("self.inputs.T @ dvalues", "self.output.T @ dvalues", "product", "should be inputs.T"),
        (SUM, SUM.replace("sum", "mean"), "factor", "it is 1/6 times the right gradient"),
        (SUM, "dvalues", "broadcast sum", "the sum over the broadcast axis 0 is missing"),
        (
            SUM,
            "np.sum(dvalues, keepdims=True)",
            "axis",
            "the sum over axis 0 and 1, not over axis 0",
        ),
        ("self.inputs.T @ dvalues", "self.inputs.T @ dvalues / len(dvalues)", "factor", "1/6"),
    ],
    "rectify": [
        ("self.inputs > 0, dvalues, 0", "self.inputs < 0, dvalues, 0", "mask", "mask"),
        ("self.inputs > 0, dvalues, 0", "self.inputs > 0, self.inputs, 0", "incoming gradient", ""),
        ("np.where(self.inputs > 0, dvalues, 0)", "dvalues", "mask", "should be zero"),
        ("self.inputs > 0, dvalues, 0", "self.inputs > 0, 1, 0", "incoming gradient", "multiply"),
    ],
    "network": [
        (START, "dvalues = layers[-1].output", "incoming gradient", "begins with the predictions"),
        (START, "dvalues = layers[-1].output - targets", "incoming gradient", "predictions - targ"),
        (START, "dvalues = np.ones_like(targets)", "incoming gradient", "begins with ones"),
        ("in reversed(layers)", "in layers", "incoming gradient", "begins at the last layer"),
        ("layer.backward(dvalues)", "layer.backward(loss.dinputs)", "incoming gradient", "is for"),
        (
            START,
            "dvalues = loss.forward(layers[-1].output, targets)",
            "incoming gradient",
            "itself",
        ),
        (START, "dvalues = None", "incoming gradient", "backward returns nothing"),
        (
            "in reversed(layers)",
            "in layers.reverse() or layers",
            "value",
            "changes the list itself",
        ),
        ("dvalues = layer.dinputs", "dvalues = layer.output", "incoming gradient", "an output"),
        ("(layers[-1].output, targets)", "(targets, layers[-1].output)", "incoming gradient", ""),
        ("in reversed(layers)", "in layers[::-2]", "incoming gradient", "the ReLU is passed by"),
    ],
}
