"""Mistakes in the exercises of lesson 7, and what the course says of them."""

HANDED_OUT = {
    "penalty": ("term", "lacks its 2: half of it is there"),
    "dropped": ("factor", "it is 4/5 times the right gradient"),
    "stopping": ("unfinished", "still to be written"),
}
TERM = "self.dweights += 2 * self.weight_regularizer_l2 * self.weights"
WORSE = "sum(losses[k] >= min(losses[:k]) for k in range(1, epoch + 1)) >= patience"
MISTAKES = {
    "penalty": [
        (TERM, "pass", "term", "the penalty weight_regularizer_l2 = 0.3 is missing"),
        (TERM, f"{TERM}**2", "term", "l2 = 0.3 is wrong: it is"),
        (TERM, TERM.replace("+=", "="), "not connected", "the penalty alone"),
        (TERM, TERM.replace("+=", "-="), "term", "has the wrong sign"),
        ("self.inputs.T @ dvalues", "self.inputs.T @ dvalues / len(dvalues)", "factor", "1/5"),
        ("np.sum(self.weights**2)", "np.mean(self.weights**2)", "value", "the penalty is"),
    ],
    "dropped": [
        ("dvalues * self.mask", "dvalues", "term", "derivative of the forward is missing"),
        ("dvalues * self.mask", "dvalues * self.output", "power", "inputs"),
        ("dvalues * self.mask", "dvalues * self.mask**2", "factor", "5/4 times"),
        (">= self.rate", "< self.rate", "value", "the output of Dropout.forward"),
    ],
    "stopping": [
        (">= patience", "> patience", "value", "one epoch too late"),
        ("loss < losses[best]", "loss <= losses[best]", "value", "the first is the best"),
        ("elif epoch - best >= patience", f"    continue\n        if {WORSE}", "value", "anew"),
        ("return epoch, best", "return best, epoch", "value", "swapped"),
        (
            "return epoch, best",
            "return epoch, losses.index(min(losses))",
            "value",
            "never came to",
        ),
    ],
}
