"""Random training steps, as text: Tensors and arrays, views, writes, states, a loss, an update.

A candidate line is run on the values so far; one that fails, or gives values that are not finite or
not moderate, is left out. What was given to the step is read-only meanwhile, so no program writes
into what is not its own.
"""

import linecache
import string

import numpy as np

import nn
import tinygrad_np as tg

CALLS = 7

# {t} {u} are Tensors, {a} {b} arrays, {own} an array that the step may write to, {s} a state,
# {v} a value of a state's shape, {new} a new name, {c} a number, {k} an axis.
TENSOR_LINES = """
{new} = tg.tanh({t}) * {c}
{new} = tg.relu({t}) + {u}
{new} = {t} * {u} - {c}
{new} = {t} / (abs({u}) + 0.5)
{new} = tg.sigmoid({t}) ** 3 + (abs({t}) + 0.3) ** 0.5
{new} = tg.gelu({t}) - tg.erf({u})
{new} = tg.where({t} > {u}, {t}, {c})
{new} = tg.maximum({t}, {u}) + tg.minimum({t}, {c})
{new} = tg.tanh({t} @ {u}.T)
{new} = tg.softmax({t}, {k}) - tg.log_softmax({u}, {k})
{new} = {t}.sum(axis={k}) + {t}.max(axis={k})
{new} = {t}.mean(axis={k}, keepdims=True) * {t}
{new} = tg.var({t}, axis={k}) + tg.cumsum({t}, axis={k}).sum(axis={k})
{new} = {t}.T
{new} = {t}[1:] * {c}
{new} = {t}[..., 0]
{new} = {t}.reshape(-1)
{new} = tg.concatenate([{t}, {u}], axis={k})
{new} = tg.stack([{t}, {u}])[0]
{new}, {new} = tg.split({t}, 2, axis={k})
{new} = tg.split({t}, 2, axis={k})[1].T @ tg.split({t}, 2, axis={k})[0]
{new} = tg.flip({t}, {k}).copy()
{new} = {t}[labels]
{new} = tg.one_hot({t}.argmax(axis=-1), {t}.shape[-1]) * {t}
{new} = {t}.argmax(axis=-1).detach()[..., None] * {t}
{new} = tg.cross_entropy({t}[:4], labels)
{new} = {t}.copy(); {new_again}[0] = {c}
{new} = {t}.copy(); {new_again} += {u}
{new} = tg.dropout({t}, 0.4, True)
{new} = {t} * number.value + config["k"]
{new} = tg.checkpoint(lambda z: tg.tanh(z) * 0.7)({t})
{new} = tg.Tensor({a}) * {t}
""".strip().splitlines()

ARRAY_LINES = """
{new} = {a} * {c} + {b}
{new} = np.tanh({a}) - np.where({a} > {b}, {a}, {c})
{new} = np.sin({a} @ {b}.T)
{new} = {a}.copy()
{new} = {a}.T
{new} = {a}[1:]
{new} = {a}.reshape(-1)
{new} = {a}[:, ::2]
{new} = np.concatenate([{a}, {b}], axis={k})
{new}, {new} = np.split({a}, 2, axis={k})
{new} = np.stack([{a}, {b}]).sum(axis=0)
{new} = np.sort({a}, axis={k}) + np.cumsum({b}, axis={k})
{new} = np.argsort({a}, axis={k}) * {c}
{new} = {a}.max(axis={k}, keepdims=True) - {a}
{new} = {t}.data * {c}
{own} += {b}
{own}[0] = {c}
{own}[1:] = {own}[:-1]
{own}.T[...] *= 0.5
{own}[{own} > 0.5] = {c}
np.clip({own}, -0.5, 0.5, out={own})
np.add({a}, {b}, out={own})
np.put({own}, [0, 2], {c})
np.copyto({own}, {b}, where={b} > 0)
{own}.sort(axis={k})
{own}.flat[1] = {c}
np.add.at({own}, np.array([0, 0]), {c})
{s}.assign({v})
{s}.assign({v}); kept.assign({s})
{s} *= 0.5
{s}[0] = {c}
""".strip().splitlines()

STATES = "s0, s1, kept = states"
ENDS = ["s0.assign(w)", "s1.assign(w); kept.assign(w)", "s0 *= 0.9", "s1.assign(w.grad)"]
OPTIMIZERS = [
    lambda p: nn.SGD(p, 0.02, momentum=0.9),
    lambda p: nn.Adam(p, lambda t: 0.02 / (t + 1)),
    lambda p: nn.RMSprop(p, 0.01),
]


class World:
    """What the step of one seed uses: equal for equal seeds."""

    def __init__(self, seed):
        rng = np.random.default_rng([seed, 1])
        self.seed = seed
        self.parameter = nn.Parameter(rng.standard_normal((4, 6)), name="w")
        self.bias = nn.Parameter(rng.standard_normal(6), name="bias")
        self.states = [tg.Tensor(np.zeros((4, 6))) for _ in range(3)]
        self.number, self.config = tg.Number(1.0), {"k": 0.5}
        self.optimizer = OPTIMIZERS[seed % len(OPTIMIZERS)]([self.parameter, self.bias])

    def names(self):
        """The global names of the step."""
        own = {"w": self.parameter, "bias": self.bias, "optimizer": self.optimizer}
        return {
            "np": np, "tg": tg, "number": self.number, "config": self.config, "states": self.states,
            **own,
        }  # fmt: skip

    def arguments(self, call):
        rng = np.random.default_rng([self.seed, 2, call])
        return rng.standard_normal((4, 6)), rng.standard_normal((4, 6)), rng.integers(0, 4, 4)

    def left(self):
        """What a call leaves changed."""
        parameters = [self.parameter, self.bias]
        gradients = [p.grad.data for p in parameters if p.grad is not None]
        tensors = [*parameters, *self.states, *self.optimizer.state.values()]
        return [*gradients, *arrays(tensors), np.array(self.number.value)]


def arrays(value):
    """The arrays of nested results."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in arrays(item)]
    return [value.data if isinstance(value, tg.Tensor) else np.asarray(value)]


def _is_moderate(value):
    data = arrays(value)[0]
    if not 0 < data.size <= 300 or data.ndim > 3 or data.dtype.kind not in "fi":
        return False
    return bool(np.isfinite(data).all() and abs(data).max() < 1e3)


class _Writer:
    """The lines of one program, tried on live values as they are chosen."""

    def __init__(self, seed):
        self.rng = np.random.default_rng([seed, 3])
        self.space = World(seed).names()
        self.space["x"], self.space["y"], self.space["labels"] = World(seed).arguments(0)
        for name in ("x", "y", "labels"):
            self.space[name].setflags(write=False)
        exec(STATES, self.space)
        self.lines, self.tensors, self.arrays = [], ["w"], ["x", "y"]

    def pick(self, names):
        return names[self.rng.integers(len(names))]

    def alike(self, names, name):
        """A name whose value has the shape of another's, mostly."""
        shape = self.space[name].shape
        same = [n for n in names if self.space[n].shape == shape]
        return self.pick(same if self.rng.random() < 0.8 else names)

    def candidate(self, template):
        """A line, and the names that it makes."""
        t, a, new = self.pick(self.tensors), self.pick(self.arrays), []
        own = self.pick(self.arrays[2:] or ["nothing"])
        state = self.pick(["s0", "s1"])
        fill = {
            "t": t, "u": self.alike(self.tensors, t), "a": a, "b": self.alike(self.arrays, a),
            "own": own, "s": state, "v": self.alike(self.arrays + self.tensors, state),
            "c": str(self.pick([0.5, -0.75, 2.0, 0.0])), "k": str(self.pick([0, -1])),
        }  # fmt: skip
        text = ""
        for before, slot, _, _ in string.Formatter().parse(template):
            text += before
            if slot == "new":
                new.append(f"v{len(self.tensors) + len(self.arrays) + len(new)}")
            if slot is not None:
                text += new[-1] if slot.startswith("new") else fill[slot]
        return text, new

    def extend(self):
        """Try a line, and keep it if it runs and gives moderate values."""
        line, new = self.candidate(
            self.pick(TENSOR_LINES if self.rng.random() < 0.5 else ARRAY_LINES)
        )
        copies = {name: self.space[name].copy() for name in self.arrays}
        try:
            with np.errstate(all="ignore"):
                exec(line, self.space)
        except Exception:
            return
        if not all(_is_moderate(self.space[name]) for name in [*new, *self.arrays]):
            for name, copy in copies.items():
                if self.space[name].flags.writeable:
                    self.space[name][...] = copy
            return
        for name in new:
            is_tensor = isinstance(self.space[name], tg.Tensor)
            (self.tensors if is_tensor else self.arrays).append(name)
        self.lines.append(line)

    def text(self):
        while len(self.lines) < 9:
            self.extend()
        floats = [n for n in self.tensors if self.space[n].dtype.kind == "f"]
        terms = [f"tg.tanh({self.pick(floats)}).mean()" for _ in range(4)]
        returned = [self.pick(self.tensors + self.arrays) for _ in range(4)]
        lines = [
            STATES,
            *self.lines,
            f"loss = {' + '.join(terms)} + (w * w).sum() * 0.01 + (bias * bias).sum()",
            "optimizer.zero_grad()" if self.rng.random() < 0.8 else "pass",
            "loss.backward()",
            "optimizer.step()",
            "with tg.no_grad():",
            f"    {self.pick(ENDS)}",
            "number.value = number.value * 0.9 + 0.1",
            f"return loss, {', '.join(returned)}",
        ]
        return "def step(x, y, labels):\n" + "".join(f"    {line}\n" for line in lines)


def program(seed):
    """The text of the program of a seed."""
    tg.manual_seed(seed)
    return _Writer(seed).text()


def run(text, seed, passes=None, compiled=False, backend="numpy"):
    """Run a program: for each call what it returned and left, and what it made of its arguments.

    Raises:
        AssertionError: an array that an earlier call returned, or left in a Tensor, has changed.
    """
    world, file = World(seed), f"<random program {seed}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space = world.names()
    exec(compile(text, file, "exec"), space)
    step = space["step"]
    if compiled:
        step = tg.compile(step, passes=passes, backend=backend)
    tg.manual_seed(seed)
    log, held = [], []
    for call in range(CALLS):
        if call == 4:
            world.config["k"] = 1.5
        given = world.arguments(call)
        with np.errstate(all="ignore"):
            result = step(*given)
        now = [*arrays(result), *world.left()]
        log.append([np.array(array) for array in (*now, *given)])
        held += zip(now, log[-1])
    for array, copy in held:
        np.testing.assert_array_equal(
            array, copy, err_msg="an array of an earlier call has changed"
        )
    return log
