"""`nn.nnfs.diagnose_optimizer`: optimizers in the style of the book, right ones and wrong ones."""

import re

import numpy as np
import pytest

import nn


class ByHand:
    """An optimizer of the book; `rule` gives a step for a gradient, with a dict to keep state."""

    def __init__(self, rule):
        self.rule = rule
        self.iterations = 0
        self.kept = {"weights": {}, "biases": {}}

    def update_params(self, layer):
        for name, kept in self.kept.items():
            step = self.rule(getattr(layer, "d" + name), kept, self.iterations)
            setattr(layer, name, getattr(layer, name) + step)

    def post_update_params(self):
        self.iterations += 1


def sgd(lr=0.1):
    return lambda g, kept, k: -lr * g


def momentum(sign=1, keeps=True, lr=0.1):
    def rule(g, kept, k):
        v = sign * 0.9 * kept.get("v", 0) - lr * g
        if keeps:
            kept["v"] = v
        return v

    return rule


def running_means(g, kept):
    kept["m"] = 0.9 * kept.get("m", 0) + 0.1 * g
    kept["v"] = 0.999 * kept.get("v", 0) + 0.001 * g * g
    return kept["m"], kept["v"]


def adam(first=1, corrected=True, sign=1):
    def rule(g, kept, k):
        kept["m"] = sign * kept.get("m", 0)
        m, v = running_means(g, kept)
        if corrected:
            m, v = m / (1 - 0.9 ** (k + first)), v / (1 - 0.999 ** (k + first))
        return -0.05 * m / (np.sqrt(v) + 1e-7)

    return rule


def adagrad(g, kept, k):
    kept["c"] = kept.get("c", 0) + g**2
    return -0.3 * g / (np.sqrt(kept["c"]) + 1e-7)


LIKE = {
    "sgd": lambda params: nn.SGD(params, lr=0.1),
    "momentum": lambda params: nn.SGD(params, lr=0.1, momentum=0.9),
    "adam": lambda params: nn.Adam(params, lr=0.05, eps=1e-7),
    "adagrad": lambda params: nn.AdaGrad(params, lr=0.3, eps=1e-7),
}
RIGHT = {"sgd": sgd(), "momentum": momentum(), "adam": adam(), "adagrad": adagrad}
WRONG = {
    "uphill": (sgd(-0.1), "sgd", "wrong sign"),
    "twice": (sgd(0.2), "sgd", "2 times the right update"),
    "no-rate": (momentum(lr=1.0), "momentum", "the learning rate is missing"),
    "momentum-sign": (momentum(-1), "momentum", "velocity, .* has the wrong sign"),
    "momentum-forgotten": (momentum(keeps=False), "momentum", "velocity is not kept"),
    "no-correction": (adam(corrected=False), "adam", "correction of the first steps.* is missing"),
    "counted-from-2": (adam(first=2), "adam", "counted from 2"),
    "m-sign": (adam(sign=-1), "adam", "m, .* has the wrong sign"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_ones(name):
    assert nn.nnfs.diagnose_optimizer(ByHand(RIGHT[name]), LIKE[name]) is None


@pytest.mark.parametrize(("rule", "like", "words"), WRONG.values(), ids=WRONG)
def test_wrong_ones(rule, like, words):
    mistake = nn.nnfs.diagnose_optimizer(ByHand(rule), LIKE[like])
    assert mistake.kind != "other"
    assert re.search(words, mistake.text)


def test_the_optimizer_is_left_as_it_is():
    own = ByHand(adam())
    nn.nnfs.diagnose_optimizer(own, LIKE["adam"])
    assert own.iterations == 0
    assert own.kept == {"weights": {}, "biases": {}}


def test_another_rule_has_no_name():
    mistake = nn.nnfs.diagnose_optimizer(ByHand(adagrad), LIKE["adam"])
    assert mistake.kind == "other"
