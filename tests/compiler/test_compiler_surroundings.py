"""Reads of a compiled function besides arrays, and its results: as uncompiled."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import tinygrad_np as tg

T = np.array([1.0, 2.0, 3.0])
Pair = namedtuple("Pair", "x y")


class Plain:
    def __init__(self):
        self.x = 1.0


class Slotted:
    __slots__ = ("x",)

    def __init__(self):
        self.x = 1.0


class Hidden:
    def __init__(self):
        self._x = 1.0

    @property
    def x(self):
        return self._x

    @x.setter
    def x(self, value):
        self._x = value


class Container:
    def __init__(self):
        self.held = {"x": 1.0}

    def __getitem__(self, key):
        return self.held[key]

    x = property(lambda self: self["x"], lambda self, value: self.held.update(x=value))


def check(f, change, times=9):
    """Change something before every third call."""
    compiled = tg.compile(f)
    for k in range(times):
        if k % 3 == 2:
            change(float(k))
        np.testing.assert_array_equal(compiled(T), f(T))


@pytest.mark.parametrize("kind", [Plain, Slotted, Hidden, Container])
def test_attributes_of_objects(kind):
    held = kind()

    def inner(t):
        return t * held.x

    check(lambda t: t * held.x, lambda v: setattr(held, "x", v))
    check(lambda t: inner(t) + 1.0, lambda v: setattr(held, "x", v))
    check(lambda t: t * getattr(held, "x"), lambda v: setattr(held, "x", v))  # noqa: B009


@pytest.mark.parametrize("kind", [Plain, Slotted, Hidden])
def test_attributes_of_arguments(kind):
    held = kind()
    compiled = tg.compile(lambda t, by: t * by.x)
    for k in range(9):
        if k % 3 == 2:
            held.x = float(k)
        np.testing.assert_array_equal(compiled(T, held), T * held.x)


def test_attributes_of_classes():
    class Settings:
        scale = 1.0

    class Inherited(Settings):
        pass

    held = Inherited()
    check(lambda t: t * Settings.scale, lambda v: setattr(Settings, "scale", v))
    check(lambda t: t * held.scale, lambda v: setattr(Settings, "scale", v))
    check(lambda t: t * held.scale, lambda v: setattr(Inherited, "scale", v))
    check(lambda t: t * held.scale, lambda v: setattr(held, "scale", v))


def test_attributes_that_only_a_method_names():
    class Net:
        def __init__(self):
            self.parts = {"w": np.ones(3)}
            self.doubled = False

        def inner(self, t):
            t = t * self.parts["w"]
            return t + t if self.doubled else t

        def outer(self, t):
            return self.inner(t) + 1.0

    net = Net()
    check(net.outer, lambda v: net.parts.update(w=np.full(3, v)))
    check(net.outer, lambda v: setattr(net, "doubled", not net.doubled))


def test_containers():
    settings = {"a": [1.0, {"b": 2.0}]}
    check(lambda t: t * settings["a"][1]["b"], lambda v: settings["a"][1].update(b=v))
    check(lambda t: t * settings["a"][0], lambda v: settings["a"].__setitem__(0, v))


def test_positions_and_masks():
    positions, mask = np.array([0, 1]), np.array([True, False, True])

    def f(t):
        t = tg.Tensor(t)
        return tg.concatenate([t[positions], t[mask]]).numpy()

    compiled = tg.compile(lambda t: tg.concatenate([tg.Tensor(t)[positions], tg.Tensor(t)[mask]]))
    for k in range(9):
        if k == 3:
            positions[:] = [2, 0]
        if k == 6:
            mask[1] = True
        np.testing.assert_array_equal(compiled(T).numpy(), f(T))


# --- roles of Tensors -----------------------------------------------------------------------------


def leaf(*values):
    return tg.Tensor(list(values), requires_grad=True)


@pytest.mark.parametrize("twice_first", [False, True])
def test_one_tensor_given_twice(twice_first):
    compiled = tg.compile(lambda a, b: (a * b).sum().backward())
    for twice in (twice_first, not twice_first) * 2:
        for _ in range(4):
            a = leaf(1.0, 2.0)
            b = a if twice else leaf(3.0, 4.0)
            compiled(a, b)
            np.testing.assert_array_equal(a.grad.numpy(), [2, 4] if twice else [3, 4])


def test_one_tensor_given_twice_and_written():
    def f(t, u):
        t += u
        u *= 2.0

    compiled = tg.compile(f)
    for k in range(8):
        a, b = tg.Tensor([1.0, 2.0]), tg.Tensor([1.0, 2.0])
        if k < 4:
            compiled(a, tg.Tensor([1.0, 2.0]))
            f(b, tg.Tensor([1.0, 2.0]))
        else:
            compiled(a, a)
            f(b, b)
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("calls_before", [0, 1, 4])
def test_a_tensor_that_is_given_and_captured(calls_before):
    w = leaf(1.0, 2.0)
    compiled = tg.compile(lambda t: (t * w).sum().backward())
    for _ in range(calls_before):
        compiled(leaf(3.0, 4.0))
        w.grad = None
    with pytest.raises(tg.CompileError, match="uses it as w too: give it, or capture it"):
        compiled(w)
    assert w.grad is None


# --- arguments ------------------------------------------------------------------------------------


def test_numbers_that_python_takes_for_equal():
    compiled = tg.compile(lambda t, s: np.copysign(t * s, s))
    integers = np.array([1, 2, 3])
    for _ in range(4):
        for s in (1, True, 1.0, 0.0, -0.0):
            got, expected = compiled(integers, s), np.copysign(integers * s, s)
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))
    compiled = tg.compile(lambda t, s: t * s)
    for _ in range(5):
        compiled(T, float("nan"))
    assert "1 program" in repr(compiled)


def test_keywords_defaults_and_functions():
    def f(x, act=np.tanh, *, scale=2.0, bias=None):
        return act(x) * scale if bias is None else act(x) * scale + bias

    compiled = tg.compile(f)
    for k in range(4):
        for rest in (
            {},
            {"scale": 3.0},
            {"bias": T * k},
            {"act": tg.relu},
            {"bias": T, "scale": 1},
        ):
            np.testing.assert_array_equal(compiled(T, **rest), f(T, **rest))


def test_scalars_of_numpy():
    compiled = tg.compile(lambda x, s: x * s)
    x = np.ones(3, np.float32)
    for k in range(4):
        for s in (np.float32(k), np.float64(k), np.int32(k)):
            got = compiled(x, s)
            assert got.dtype == (x * s).dtype
            np.testing.assert_array_equal(got, x * s)


@pytest.mark.parametrize(
    "change",
    [lambda given: given["log"].append(1.0), lambda given: given.update(more=1),
     lambda given: given.update(w=given["w"] * 2), lambda given: given["log"].clear()],
    ids=["append", "add", "replace", "clear"],
)  # fmt: skip
def test_containers_among_the_arguments_that_are_changed(change):
    def f(given):
        change(given)
        return given["w"] * 2

    given = {"w": T, "log": [0.0]}
    with pytest.raises(tg.CompileError, match="changes a list or dict among its arguments"):
        tg.compile(f)(given)
    assert given["log"] == [0.0]
    assert given["w"] is T


# --- results --------------------------------------------------------------------------------------

STRUCTURES = {
    "one in a tuple": lambda x: (x * 2,),
    "a tuple in a tuple": lambda x: ((x * 2,), [x * 3]),
    "as many leaves as items": lambda x: ((x * 2, x * 3), None),
    "containers": lambda x: {"a": [x, {"b": (x * 2, None)}], "c": "text"},
    "named": lambda x: Pair(x * 2, {"k": [x, 3]}),
    "ordered": lambda x: OrderedDict(b=x * 2, a=x),
    "nothing": lambda x: None,
    "a number": lambda x: 3,
    "the same twice": lambda x: [x, x],
    "views": lambda x: (x[::-1], x[1:], x.T),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_what_comes_back_has_the_structure_that_was_returned(name):
    f = STRUCTURES[name]
    compiled = tg.compile(lambda x: f(x))

    def check_same(a, b):
        assert type(a) is type(b)
        if isinstance(a, dict):
            assert list(a) == list(b)
            for key in a:
                check_same(a[key], b[key])
        elif isinstance(a, (list, tuple)):
            assert len(a) == len(b)
            for one, other in zip(a, b, strict=True):
                check_same(one, other)
        else:
            np.testing.assert_array_equal(a, b)

    kept = []
    for k in range(5):
        got = compiled(T + k)
        check_same(got, f(T + k))
        kept.append(got)
    for k, got in enumerate(kept):
        check_same(got, f(T + k))


def test_containers_that_come_back_are_the_callers_own():
    compiled = tg.compile(lambda x: {"k": [x * 2]})
    for _ in range(4):
        out = compiled(T)
        assert len(out["k"]) == 1
        out["k"].append(None)


@pytest.mark.parametrize("passes", [tg.PASSES, ()])
def test_tensors_that_were_written_to_come_back_as_written(passes):
    def make():
        return leaf(1.0, 2.0)

    def step(w, x):
        w.grad = None
        (w * x).sum().backward()
        with tg.no_grad():
            w -= 0.5 * w.grad.numpy()
        return w, w.grad, w.numpy()

    plain, other = make(), make()
    compiled = tg.compile(lambda x: step(other, x), passes=passes)
    kept = []
    for k in range(6):
        expected = [np.array(v.detach() if isinstance(v, tg.Tensor) else v)
                    for v in step(plain, np.array([k, 1.0]))]  # fmt: skip
        kept.append((compiled(np.array([k, 1.0])), expected))
    for got, expected in kept:
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(getattr(a, "data", a)), b)
