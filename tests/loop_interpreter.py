"""Loops of a lowered program, carried out by NumPy: an oracle for backends, in a few lines."""

import copy

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinygrad_np.compiler.lowering import loops as forms

REDUCTIONS = {"any": np.logical_or, "all": np.logical_and}


class Machine:
    """Memory of a program, in which its loops run."""

    def __init__(self, lowered):
        self.lowered = lowered
        self.memory = []
        for buffer in lowered.buffers:
            values = np.frombuffer(b"\xab" * buffer.size * buffer.dtype.itemsize, buffer.dtype)
            self.memory.append((values if buffer.values is None else buffer.values).copy())
        self.generators = copy.deepcopy(lowered.generators)

    def array(self, view):
        """The elements of a view; writing to them changes the memory."""
        memory = self.memory[view.buffer]
        low, high = view.span if view.size else (0, 0)
        assert low >= 0
        assert not view.size or high < len(memory)
        steps = [s * memory.itemsize for s in view.strides]
        return as_strided(memory[view.offset :], view.shape, steps)

    def step(self):
        """One step, state included."""
        self.run(self.lowered.loops)
        self.run(self.lowered.state)

    def run(self, loops):
        with np.errstate(all="ignore"):
            for loop in loops:
                getattr(self, f"_{type(loop).__name__.lower()}")(loop)

    def _map(self, loop):
        operands = [self.array(v) for v in loop.operands]
        if loop.function == "copy":
            value = operands[0].astype(loop.out.dtype)
        else:
            kinds = [loop.dtype] * len(operands)
            own = {"where": 0, "ldexp": 1}.get(loop.function)  # a truth, an exponent
            if own is not None:
                kinds[own] = operands[own].dtype
            given = [a.astype(kind) for a, kind in zip(operands, kinds)]
            value = getattr(np, loop.function)(*given)
        self.array(loop.out)[...] = value

    def _reduce(self, loop):
        axes = tuple(range(len(loop.out.shape), len(loop.source.shape)))
        source, name = self.array(loop.source), loop.function
        if name.startswith("arg"):
            value = getattr(np, name)(source.reshape(*loop.out.shape, -1), axis=-1)
        else:
            value = REDUCTIONS.get(name, getattr(np, name)).reduce(source, axis=axes)
        self.array(loop.out)[...] = value

    def _scan(self, loop):
        source = self.array(loop.source)
        self.array(loop.out)[...] = getattr(np, loop.function).accumulate(source, axis=-1)

    def _matmul(self, loop):
        self.array(loop.out)[...] = self.array(loop.left).copy() @ self.array(loop.right).copy()

    def _sort(self, loop):
        source = self.array(loop.source)
        self.array(loop.out)[...] = getattr(np, loop.function)(source, axis=-1, kind="stable")

    def _gather(self, loop):
        places = as_strided(
            np.arange(len(self.memory[loop.base.buffer]))[loop.base.offset :],
            loop.base.shape,
            [s * 8 for s in loop.base.strides],
        )
        places = places.copy()
        for pick in loop.picks:
            index = self.array(pick.index).astype(np.int64)
            assert (-pick.size <= index).all()
            assert (index < pick.size).all()
            places += np.where(index < 0, index + pick.size, index) * pick.stride
        memory, other = self.memory[loop.base.buffer], self.array(loop.other)
        if loop.mode == "get":
            other[...] = memory[places]
        elif loop.mode == "set":
            memory[places] = other
        else:
            getattr(np, loop.mode).at(memory, places, other)

    def _draw(self, loop):
        method = getattr(self.generators[loop.generator], loop.method)
        out = self.array(loop.out)
        if loop.method == "integers":
            out[...] = method(loop.low, loop.high, out.shape)
        elif loop.method == "permutation":
            out[...] = method(len(out))
        else:
            out[...] = method(out.shape, out.dtype)

    def _guard(self, loop):
        assert self.array(loop.view).item() == loop.expected, loop.place


# Python 3.10 still knows the classes from before they had slots, so that these are looked up here.
FORMS = [
    form
    for form in vars(forms).values()
    if isinstance(form, type) and issubclass(form, forms.Loop)
    if form not in (forms.Loop, forms.Computation)
]
assert all(hasattr(Machine, f"_{form.__name__.lower()}") for form in FORMS)
