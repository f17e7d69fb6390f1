"""Nested containers: their leaves, copies with other leaves, and two of them side by side."""

from collections import OrderedDict, namedtuple

import pytest

from tinygrad_np.core.containers import flatten, leaves, match, rebuild, refill

Pair = namedtuple("Pair", "x y")
TREE = {"a": [1, (2, None)], "b": Pair(3, {"c": 4}), "d": [], "e": slice(5)}


def test_leaves_with_and_without_paths():
    paths = ["t['a'][0]", "t['a'][1][0]", "t['b'][0]", "t['b'][1]['c']", "t['e']"]
    assert list(leaves(TREE, "t")) == list(zip(paths, [1, 2, 3, 4, slice(5)], strict=True))
    assert flatten(TREE) == [1, 2, 3, 4, slice(5)]
    assert flatten(7) == [7]
    assert flatten(None) == flatten(()) == []


def test_copies_keep_the_kinds():
    copy = refill(TREE, "ABCDE")
    assert copy == {"a": ["A", ("B", None)], "b": Pair("C", {"c": "D"}), "d": [], "e": "E"}
    assert type(copy["b"]) is Pair
    assert type(rebuild(OrderedDict(a=1), str)) is OrderedDict
    assert refill(TREE, flatten(TREE)) == TREE


def test_pairs_of_leaves():
    other = refill(TREE, range(5))
    pairs = [(a, b) for _, a, b in match(TREE, other, "t")]
    assert pairs == list(zip(flatten(TREE), range(5), strict=True))


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([1], "t must be a dict, not a list"),
        ({**TREE, "z": 1}, "t must have the keys"),
        ({**TREE, "a": [1]}, "of length 2, not 1"),
        ({**TREE, "a": [1, (2, 3)]}, r"t\['a'\]\[1\]\[1\] must be None, not an array"),
    ],
)
def test_trees_that_do_not_match(tree, message):
    with pytest.raises(ValueError, match=message):
        list(match(TREE, tree, "t"))
