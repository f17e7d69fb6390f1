"""Forward and backward of forty common operations, beside PyTorch (one thread) and autograd.

    taskset -c 0 python tests/benchmarks/ops.py

float32; on 32×32 arrays what counts is the cost of a call, on 1000×1000 arrays the arithmetic.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np
from timing import header, interleave

import tinygrad_np as tg

# name: (inputs, the op; `t` is this library, or PyTorch).
# Inputs: "x" any numbers, "+" positive ones, "r" one row; all of them are differentiated.
OPS = {
    "add": ("xx", lambda t, x, y: x + y),
    "add a row": ("xr", lambda t, x, y: x + y),
    "subtract": ("xx", lambda t, x, y: x - y),
    "multiply": ("xx", lambda t, x, y: x * y),
    "divide": ("x+", lambda t, x, y: x / y),
    "negative": ("x", lambda t, x: -x),
    "square": ("x", lambda t, x: x**2),
    "power": ("++", lambda t, x, y: x**y),
    "matmul": ("xx", lambda t, x, y: x @ y),
    "exp": ("x", lambda t, x: t.exp(x)),
    "log": ("+", lambda t, x: t.log(x)),
    "sqrt": ("+", lambda t, x: t.sqrt(x)),
    "sin": ("x", lambda t, x: t.sin(x)),
    "tanh": ("x", lambda t, x: t.tanh(x)),
    "sigmoid": ("x", lambda t, x: t.sigmoid(x)),
    "relu": ("x", lambda t, x: t.relu(x)),
    "abs": ("x", lambda t, x: t.abs(x)),
    "maximum": ("xx", lambda t, x, y: t.maximum(x, y)),
    "minimum": ("xx", lambda t, x, y: t.minimum(x, y)),
    "clip": ("x", lambda t, x: t.clip(x, -0.5, 0.5)),
    "where": ("xx", lambda t, x, y: t.where(x > 0, x, y)),
    "log1p": ("+", lambda t, x: t.log1p(x)),
    "arctan": ("x", lambda t, x: t.arctan(x)),
    "sum": ("x", lambda t, x: x.sum()),
    "sum of columns": ("x", lambda t, x: t.sum(x, 0)),
    "sum of rows": ("x", lambda t, x: t.sum(x, 1)),
    "mean": ("x", lambda t, x: x.mean()),
    "max of rows": ("x", lambda t, x: t.amax(x, 1) if t is not tg else t.max(x, 1)),
    "var": ("x", lambda t, x: x.var(0, correction=0) if t is not tg else x.var(0)),
    "softmax": ("x", lambda t, x: t.softmax(x, -1)),
    "log_softmax": ("x", lambda t, x: t.log_softmax(x, -1)),
    "logsumexp": ("x", lambda t, x: t.logsumexp(x, -1)),
    "cumsum": ("x", lambda t, x: t.cumsum(x, 0)),
    "reshape": ("x", lambda t, x: x.reshape(-1)),
    "transpose": ("x", lambda t, x: x.T * 1.0),
    "concatenate": ("xx", lambda t, x, y: t.concatenate([x, y])),
    "stack": ("xx", lambda t, x, y: t.stack([x, y])),
    "slice": ("x", lambda t, x: x[1:-1, ::2]),
    "rows by index": ("x", lambda t, x: x[_rows(x)]),
    "einsum": ("xx", lambda t, x, y: t.einsum("ij,jk->ik", x, y)),
}


# Larger operations on inputs of their own: shapes, and the op; `F` is torch.nn.functional, or this
# library again.
IMAGES = (32, 8, 28, 28)
LARGE = {
    "conv2d 8→16, 3×3": ([IMAGES, (16, 8, 3, 3)], lambda t, F, x, w: F.conv2d(x, w, padding=1)),
    "conv2d depthwise": (
        [IMAGES, (8, 1, 3, 3)],
        lambda t, F, x, w: F.conv2d(x, w, padding=1, groups=8),
    ),
    "max_pool2d": ([IMAGES], lambda t, F, x: F.max_pool2d(x, 2)),
    "layer_norm": ([(128, 512)], lambda t, F, x: F.layer_norm(x, (512,))),
    "attention": (
        [(8, 64, 32)] * 3,
        lambda t, F, q, k, v: F.scaled_dot_product_attention(q, k, v),
    ),
    "gelu": ([(1000, 1000)], lambda t, F, x: F.gelu(x)),
    "erf": ([(1000, 1000)], lambda t, F, x: t.erf(x)),
    "prod of columns": ([(1000, 1000)], lambda t, F, x: t.prod(x, 0)),
    "logaddexp": ([(1000, 1000)] * 2, lambda t, F, x, y: t.logaddexp(x, y)),
    "remainder": ([(1000, 1000)] * 2, lambda t, F, x, y: t.remainder(x, y)),
    "solve": (
        [(300, 300), (300, 10)],
        lambda t, F, a, b: t.solve(a, b) if t is tg else t.linalg.solve(a, b),
    ),
}


def _rows(x) -> list[int]:
    return list(range(0, x.shape[0], 3))


def make_inputs(kinds: str, n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = []
    for kind in kinds:
        a = rng.standard_normal(n if kind == "r" else (n, n)).astype(np.float32)
        arrays.append(np.abs(a) + np.float32(0.5) if kind == "+" else a)
    return arrays


def of_tinygrad_np(f, arrays):
    leaves = [tg.Tensor(a, requires_grad=True) for a in arrays]
    seed = tg.Tensor(np.ones_like(f(tg, *leaves).data))

    def run():
        f(tg, *leaves).backward(seed)
        for leaf in leaves:
            leaf.grad = None

    return run


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
    """None where autograd does not know the op by this name."""
    import autograd
    import autograd.numpy as anp

    differentiable = autograd.make_vjp(lambda *args: f(anp, *args), tuple(range(len(arrays))))
    try:
        _, out = differentiable(*arrays)
    except (AttributeError, TypeError):
        return None
    seed = np.ones_like(out)

    def run():
        vjp, _ = differentiable(*arrays)
        vjp(seed)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", nargs="*", help="operations to run")
    options = parser.parse_args()
    has_torch = importlib.util.find_spec("torch") is not None
    has_autograd = importlib.util.find_spec("autograd") is not None
    if has_torch:
        import torch

        torch.set_num_threads(1)
    print(header("numpy", "torch", "autograd"))
    ratio_heads = "ratio to PyTorch | to autograd"
    print(f"| | 32×32, µs | {ratio_heads} | 1000×1000, ms | {ratio_heads} |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    ratios: dict[int, list[float]] = {32: [], 1000: []}
    for name, (kinds, f) in OPS.items():
        if options.only and name not in options.only:
            continue
        cells = [name]
        for n, calls in ((32, 50), (1000, 2)):
            arrays = make_inputs(kinds, n)
            engines = {"own": of_tinygrad_np(f, arrays)}
            if has_torch:
                engines["torch"] = of_torch(f, arrays)
            peer = of_autograd(f, arrays) if has_autograd else None
            if peer is not None:
                engines["autograd"] = peer
            medians = interleave(engines, rounds=options.rounds, calls=calls)
            scale = 1 if n == 32 else 1e-3
            cells.append(f"{medians['own'] * scale:.1f}")
            for engine in ("torch", "autograd"):
                ratio = medians["own"] / medians[engine] if engine in medians else None
                cells.append("" if ratio is None else f"{ratio:.2f}")
                if ratio is not None and engine == "torch":
                    ratios[n].append(ratio)
        print("| " + " | ".join(cells) + " |", flush=True)
    print("\n| | ms | ratio to PyTorch |\n|---|---:|---:|")
    for name, (shapes, f) in LARGE.items():
        if options.only and name not in options.only:
            continue
        rng = np.random.default_rng(0)
        arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
        engines = {"own": of_tinygrad_np(lambda t, *a, f=f: f(t, t, *a), arrays)}
        if has_torch:
            engines["torch"] = of_torch(lambda t, *a, f=f: f(t, t.nn.functional, *a), arrays)
        medians = interleave(engines, rounds=options.rounds, calls=2)
        ratio = f"{medians['own'] / medians['torch']:.2f}" if has_torch else ""
        print(f"| {name} | {medians['own'] * 1e-3:.1f} | {ratio} |", flush=True)
    for n, values in ratios.items():
        if values:
            middle, worst = statistics.median(values), max(values)
            print(f"{n}×{n}: median ratio to PyTorch {middle:.2f}, worst {worst:.2f}")


if __name__ == "__main__":
    main()
