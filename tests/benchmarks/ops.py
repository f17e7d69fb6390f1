"""Forward and backward of forty common operations, beside PyTorch (one thread) and autograd.

    taskset -c 0 python tests/benchmarks/ops.py

float32; on 32×32 arrays what counts is the cost of a call, on 1000×1000 arrays the arithmetic. A
last table has some in C, as a compiled step, with a step of Adam.
"""

from __future__ import annotations

import argparse
import importlib.util
import operator
import statistics

from timing import header, interleave, line

# isort: split
import numpy as np

import nn
import tinygrad_np as tg


def symbol(operation):
    """Write an op as Python does, the same for all libraries."""
    return lambda t, *arrays: operation(*arrays)


def named(name, *options):
    """Call the function of that name in library `t`."""
    return lambda t, *arrays: getattr(t, name)(*arrays, *options)


def method(name, *options):
    """Call the method of that name of the first array."""
    return lambda t, x: getattr(x, name)(*options)


def max_of_rows(t, x):
    return t.max(x, 1) if t is tg else t.amax(x, 1)


def var(t, x):
    return x.var(0) if t is tg else x.var(0, correction=0)


def where_positive(t, x, y):
    return t.where(x > 0, x, y)


def einsum(t, x, y):
    return t.einsum("ij,jk->ik", x, y)


def rows_by_index(t, x):
    return x[list(range(0, x.shape[0], 3))]


# name: (inputs, the op; `t` is this library, PyTorch or autograd's NumPy).
# Inputs: "x" any numbers, "+" positive ones, "r" one row; all of them are differentiated.
OPS = {
    "add": ("xx", symbol(operator.add)),
    "add a row": ("xr", symbol(operator.add)),
    "subtract": ("xx", symbol(operator.sub)),
    "multiply": ("xx", symbol(operator.mul)),
    "divide": ("x+", symbol(operator.truediv)),
    "negative": ("x", symbol(operator.neg)),
    "square": ("x", lambda t, x: x**2),
    "power": ("++", symbol(operator.pow)),
    "matmul": ("xx", symbol(operator.matmul)),
    "exp": ("x", named("exp")),
    "log": ("+", named("log")),
    "sqrt": ("+", named("sqrt")),
    "sin": ("x", named("sin")),
    "tanh": ("x", named("tanh")),
    "sigmoid": ("x", named("sigmoid")),
    "relu": ("x", named("relu")),
    "abs": ("x", named("abs")),
    "maximum": ("xx", named("maximum")),
    "minimum": ("xx", named("minimum")),
    "clip": ("x", named("clip", -0.5, 0.5)),
    "where": ("xx", where_positive),
    "log1p": ("+", named("log1p")),
    "arctan": ("x", named("arctan")),
    "sum": ("x", method("sum")),
    "sum of columns": ("x", named("sum", 0)),
    "sum of rows": ("x", named("sum", 1)),
    "mean": ("x", method("mean")),
    "max of rows": ("x", max_of_rows),
    "var": ("x", var),
    "softmax": ("x", named("softmax", -1)),
    "log_softmax": ("x", named("log_softmax", -1)),
    "logsumexp": ("x", named("logsumexp", -1)),
    "cumsum": ("x", named("cumsum", 0)),
    "reshape": ("x", method("reshape", -1)),
    "transpose": ("x", lambda t, x: x.T * 1.0),
    "concatenate": ("xx", lambda t, *arrays: t.concatenate(arrays)),
    "stack": ("xx", lambda t, *arrays: t.stack(arrays)),
    "slice": ("x", lambda t, x: x[1:-1, ::2]),
    "rows by index": ("x", rows_by_index),
    "einsum": ("xx", einsum),
}


def functional(name, *options, **settings):
    """Call the function of that name in `F`."""
    return lambda t, F, *arrays: getattr(F, name)(*arrays, *options, **settings)


def plain(name, *options):
    """Call the function of that name in library `t`, as `named` does."""
    operation = named(name, *options)
    return lambda t, F, *arrays: operation(t, *arrays)


def solve(t, F, a, b):
    return t.solve(a, b) if t is tg else t.linalg.solve(a, b)


def layer_norm(t, F, x, weight, bias):
    return F.layer_norm(x, ROWS[-1:], weight, bias)


def batch_norm(t, F, x, weight, bias):
    if t is tg:
        return tg.batch_norm(x, weight=weight, bias=bias)
    return F.batch_norm(x, None, None, weight, bias, training=True)


def power(n):
    """Raise to a number."""
    return lambda t, F, x: x**n


# Larger operations on inputs of their own: shapes, and the op; `F` is torch.nn.functional, or this
# library again.
IMAGES = (32, 8, 28, 28)
FILTERS, DEPTHWISE = (16, 8, 3, 3), (8, 1, 3, 3)
ROWS, QUERIES, MATRIX = (8, 64, 256), (8, 64, 32), (1000, 1000)
HIDDEN = (64, 512)  # what a layer of a small network works on
LARGE = {
    "conv2d 8→16, 3×3": ([IMAGES, FILTERS], functional("conv2d", padding=1)),
    "conv2d depthwise": ([IMAGES, DEPTHWISE], functional("conv2d", padding=1, groups=8)),
    "max_pool2d": ([IMAGES], functional("max_pool2d", 2)),
    "batch_norm": ([IMAGES, IMAGES[1:2], IMAGES[1:2]], batch_norm),
    "layer_norm": ([ROWS, ROWS[-1:], ROWS[-1:]], layer_norm),
    "attention": ([QUERIES] * 3, functional("scaled_dot_product_attention")),
    "gelu 64×512": ([HIDDEN], functional("gelu")),
    "erfc 64×512": ([HIDDEN], plain("erfc")),
    "gelu": ([MATRIX], functional("gelu")),
    "erf": ([MATRIX], plain("erf")),
    "erfc": ([MATRIX], plain("erfc")),
    "x ** 3": ([(512, 256)], power(3)),
    "x ** 4": ([(512, 256)], power(4)),
    "x ** -1": ([(512, 256)], power(-1)),
    "prod of columns": ([MATRIX], plain("prod", 0)),
    "logaddexp": ([MATRIX] * 2, plain("logaddexp")),
    "remainder": ([MATRIX] * 2, plain("remainder")),
    "solve": ([(300, 300), (300, 10)], solve),
}

# Operations that a compiled step of C does in a few loops; the target is the time of PyTorch.
IN_C = {
    "softmax 64×512": ([HIDDEN], plain("softmax", -1)),
    "softmax": ([MATRIX], plain("softmax", -1)),
    **{name: LARGE[name] for name in ("layer_norm", "gelu 64×512", "gelu")},
}
PARAMETERS = ((784, 512), (512,), (512, 10), (10,))

SIZES = {32: 50, 1000: 2}  # rows and columns: calls in a batch


def make_inputs(kinds: str, n: int) -> list[np.ndarray]:
    """Make an array of n×n random numbers for each kind."""
    rng = np.random.default_rng(0)
    arrays = []
    for kind in kinds:
        shape = (n,) if kind == "r" else (n, n)
        a = rng.standard_normal(shape).astype(np.float32)
        if kind == "+":
            a = np.abs(a) + np.float32(0.5)
        arrays.append(a)
    return arrays


def of_tinygrad_np(f, arrays):
    leaves = [tg.Tensor(a, requires_grad=True) for a in arrays]
    seed = tg.Tensor(np.ones_like(f(tg, *leaves).data))

    def run():
        f(tg, *leaves).backward(seed)
        for leaf in leaves:
            leaf.grad = None

    return run


def in_c(f, arrays):
    """Compile forward and backward of an op as one step in C."""
    leaves = [tg.Tensor(a, requires_grad=True) for a in arrays]
    seed = tg.Tensor(np.ones_like(f(tg, *leaves).data))

    def step():
        for leaf in leaves:
            leaf.grad = None
        f(tg, *leaves).backward(seed)

    return tg.compile(step, backend="c")


def adam(tensor, make, **options):
    """Return Adam's step for the 407,050 parameters of a network, whose gradients stay the same."""
    rng = np.random.default_rng(0)
    params = []
    for shape in PARAMETERS:
        value, gradient = rng.standard_normal((2, *shape)).astype(np.float32)
        param = tensor(value, requires_grad=True)
        param.grad = tensor(gradient)
        params.append(param)
    return make(params, **options).step


def of_torch(f, arrays):
    import torch

    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    seed = torch.ones_like(f(torch, *leaves))

    def run():
        f(torch, *leaves).backward(seed)
        for leaf in leaves:
            leaf.grad = None

    return run


def of_autograd(f, arrays):
    """Return None if autograd does not know the op by this name."""
    import autograd
    import autograd.numpy as anp

    def operation(*args):
        return f(anp, *args)

    argnums = tuple(range(len(arrays)))
    differentiable = autograd.make_vjp(operation, argnums)
    try:
        _, out = differentiable(*arrays)
    except (AttributeError, TypeError):
        return None
    seed = np.ones_like(out)

    def run():
        vjp, _ = differentiable(*arrays)
        vjp(seed)

    return run


def has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def engines_of(f, arrays) -> dict:
    """Return the calls to time, of each library that is installed and knows the op."""
    engines = {"own": of_tinygrad_np(f, arrays)}
    if has("torch"):
        engines["torch"] = of_torch(f, arrays)
    peer = of_autograd(f, arrays) if has("autograd") else None
    if peer is not None:
        engines["autograd"] = peer
    return engines


def time_op(name: str, rounds: int) -> dict[int, dict]:
    """Time an op on small and large arrays, on each engine."""
    kinds, f = OPS[name]
    timings = {}
    for n, calls in SIZES.items():
        engines = engines_of(f, make_inputs(kinds, n))
        timings[n] = interleave(engines, rounds=rounds, calls=calls)
    return timings


def time_large_op(shapes, f, rounds: int, of_own=of_tinygrad_np) -> dict:
    """Time a larger op, here and in PyTorch."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]

    def own(t, *operands):
        return f(t, t, *operands)

    def peer(t, *operands):
        return f(t, t.nn.functional, *operands)

    engines = {"own": of_own(own, arrays)}
    if has("torch"):
        engines["torch"] = of_torch(peer, arrays)
    return interleave(engines, rounds=rounds, calls=2)


def time_adam(rounds: int) -> dict:
    """Time Adam in C, and in PyTorch: as it is made, and fused."""
    engines = {"own": tg.compile(adam(tg.Tensor, nn.Adam), backend="c")}
    if has("torch"):
        import torch

        engines["torch"] = adam(torch.tensor, torch.optim.Adam)
        engines["fused"] = adam(torch.tensor, torch.optim.Adam, fused=True)
    return interleave(engines, rounds=rounds, calls=2)


def cells(timings: dict, unit: float, peers: list[str]) -> list[str]:
    """Write median and minimum, and the ratio of the medians to each peer that was measured."""
    own = timings["own"]
    written = [f"{time * unit:.1f}" for time in own]
    for peer in peers:
        ratio = own.ratio(timings[peer]) if peer in timings else None
        written.append(f"{ratio.median:.2f}" if ratio else "")
    return written


def print_ops(names: list[str], rounds: int) -> None:
    """Print a row for each op, and at the end the ratios to PyTorch in summary."""
    ratios = {n: [] for n in SIZES}
    peers = ["torch", "autograd"]
    heads = ["minimum", "ratio to PyTorch", "to autograd"]
    print(line(["", "32×32, µs", *heads, "1000×1000, ms", *heads]))
    print(line(["---"] + ["---:"] * 8))
    for name in names:
        timings = time_op(name, rounds)
        small = cells(timings[32], 1, peers)
        large = cells(timings[1000], 1e-3, peers)
        print(line([name, *small, *large]), flush=True)
        for n, engines in timings.items():
            if "torch" in engines:
                ratio = engines["own"].ratio(engines["torch"])
                ratios[n].append(ratio.median)
    print()
    for n, values in ratios.items():
        if values:
            middle = statistics.median(values)
            worst = max(values)
            print(f"{n}×{n}: median ratio to PyTorch {middle:.2f}, worst {worst:.2f}")


def print_large_ops(names: list[str], rounds: int) -> None:
    """Print a row for each of the larger ops."""
    print("\n" + line(["", "ms", "minimum", "ratio to PyTorch"]))
    print(line(["---"] + ["---:"] * 3))
    for name in names:
        timings = time_large_op(*LARGE[name], rounds)
        print(line([name, *cells(timings, 1e-3, ["torch"])]), flush=True)


def print_in_c(names: list[str], rounds: int) -> None:
    """Print a row for each operation in C, and for Adam, beside PyTorch's two of it."""
    print("\n" + line(["in C", "µs", "minimum", "ratio to PyTorch", "of minima"]))
    print(line(["---"] + ["---:"] * 4))
    for name in names:
        timings = time_adam(rounds) if name == "Adam" else time_large_op(*IN_C[name], rounds, in_c)
        own = timings.pop("own")
        for peer, timing in timings.items():
            title = name if peer == "torch" else f"{name}, PyTorch's {peer}"
            ratio = own.ratio(timing)
            row = (f"{own.median:.1f}", f"{own.minimum:.1f}", *(f"{r:.2f}" for r in ratio))
            print(line([title, *row]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", nargs="*", help="operations to run")
    options = parser.parse_args()
    if has("torch"):
        import torch

        torch.set_num_threads(1)
    only = options.only or [*OPS, *LARGE, *IN_C, "Adam"]
    print(header("numpy", "torch", "autograd"))
    small = [name for name in OPS if name in only]
    large = [name for name in LARGE if name in only]
    print_ops(small, options.rounds)
    print_large_ops(large, options.rounds)
    print_in_c([name for name in (*IN_C, "Adam") if name in only], options.rounds)


if __name__ == "__main__":
    main()
