"""Cost of the transforms: as multiples of a forward pass, and beside JAX and autograd.

taskset -c 0 python tests/benchmarks/transforms.py
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools

from timing import header, interleave, markdown, table

# isort: split
import numpy as np

import tinygrad_np as tg

RNG = np.random.default_rng(0)


def matrix(*shape, dtype=np.float32):
    return (RNG.standard_normal(shape) / np.sqrt(shape[0])).astype(dtype)


def layers(x, weights):
    for w in weights:
        x = np.tanh(x @ w)
    return x


def products():
    """Print what derivatives of four dense layers cost, as multiples of their forward pass."""
    x = RNG.standard_normal((300, 64)).astype(np.float32)
    weights = [0.8 * matrix(64, 64) for _ in range(4)]
    tangents = [np.ones_like(w) for w in weights]

    def f(x, weights):
        return layers(x, weights).sum()

    def of_input(x):
        return f(x, weights)

    def of_weights(ws):
        return f(x, ws)

    one = np.ones_like(x)
    plain = tg.Tensor(x)
    _, push = tg.linearize(of_input, x)
    runs = {
        "forward": lambda: f(plain, weights),
        "`grad`, of the input": lambda: tg.grad(of_input)(x),
        "`grad`, of all weights": lambda: tg.grad(of_weights)(weights),
        "`jvp`, of the input": lambda: tg.jvp(of_input, (x,), (one,)),
        "`jvp`, of all weights": lambda: tg.jvp(of_weights, (weights,), (tangents,)),
        "one more `push` after `linearize`": lambda: push(one),
        "`hvp`, of the input": lambda: tg.hvp(of_input, (x,), (one,)),
        "`hvp`, of all weights": lambda: tg.hvp(of_weights, (weights,), (tangents,)),
    }
    print(table(interleave(runs, rounds=20, calls=5), unit="µs", bases=["forward"]))


# --- beside others: `t` is this library, autograd's NumPy or JAX's -------------------------------


def waves(t, x):
    for _ in range(10):
        x = t.sin(x) * x + t.exp(-x)
    return x


def softmax(t, x):
    e = t.exp(x - t.max(x, axis=1, keepdims=True))
    return (e / t.sum(e, axis=1, keepdims=True))[:, 0]


def forward_mode():
    """Print the time of jvp beside that of autograd's forward mode."""
    import autograd.numpy as anp
    from autograd.differential_operators import make_jvp

    def network(rows, units):
        weights = [0.8 * matrix(units, units) for _ in range(4)]

        def f(t, x):
            for w in weights:  # autograd has no forward mode for matmul
                x = t.tanh(x @ w if t is tg else t.dot(x, w))
            return t.sum(x)

        return f, RNG.standard_normal((rows, units)).astype(np.float32)

    cases = {
        "40 functions of one number": (waves, np.float64(0.5)),
        "of three numbers": (waves, RNG.standard_normal(3)),
        "four dense layers of 8, 10 rows": network(10, 8),
        "four dense layers of 64, 300 rows": network(300, 64),
        "softmax of 300×64": (softmax, RNG.standard_normal((300, 64))),
    }
    rows = []
    for name, (f, x) in cases.items():
        direction = np.ones_like(x)
        theirs = make_jvp(lambda x, f=f: f(anp, x))
        runs = {
            "ours": lambda f=f, x=x, d=direction: tg.jvp(lambda x: f(tg, x), (x,), (d,)),
            "autograd": lambda theirs=theirs, x=x, d=direction: theirs(x)(d),
        }
        rows.append(compared(name, interleave(runs, rounds=30, calls=5), "autograd"))
    print(markdown(["`jvp`", "µs", "autograd", "ratio", "of minima"], rows))


def compared(name, timings, base):
    """One line of a table: a candidate of ours beside another."""
    ours, theirs = timings["ours"], timings[base]
    ratio = ours.ratio(theirs)
    numbers = (ours.median, theirs.median)
    return [name, *(f"{x:.0f}" for x in numbers), f"{ratio.median:.2f}", f"{ratio.minimum:.2f}"]


def all_derivatives():
    """Print the times of jacobian and hessian beside those of JAX, compiled by jit."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    n = 100
    A = matrix(n, n, dtype=np.float64)
    x = RNG.standard_normal(n)

    def network(t, x):
        return t.tanh(A @ t.tanh(A @ x))

    def energy(t, x):
        return (network(t, x) ** 2).sum()

    def rosenbrock(t, x):
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    cases = {
        "`jacobian` of two layers": (tg.jacobian, jax.jacobian, network),
        "`hessian` of two layers": (tg.hessian, jax.hessian, energy),
        "`hessian` of Rosenbrock's function": (tg.hessian, jax.hessian, rosenbrock),
    }
    rows = []
    for name, (transform, theirs, f) in cases.items():
        eager = transform(lambda x, f=f: f(tg, x))
        compiled = tg.compile(transform(lambda x, f=f: f(tg, x)))
        jitted = jax.jit(theirs(lambda x, f=f: f(jnp, x)))
        for _ in range(3):
            np.testing.assert_allclose(compiled(x), np.asarray(jitted(x)), rtol=1e-8, atol=1e-9)
        timings = interleave(
            {
                "eager": lambda eager=eager: eager(x),
                "ours": lambda compiled=compiled: compiled(x),
                "jit": lambda jitted=jitted: jitted(x).block_until_ready(),
            },
            rounds=20,
            calls=5,
        )
        row = compared(name, timings, "jit")
        rows.append([row[0], f"{timings['eager'].median:.0f}", *row[1:]])
    heads = ["100 variables, float64", "eager, µs", "compiled", "jax.jit", "ratio", "of minima"]
    print(markdown(heads, rows))


def per_sample_gradients():
    """Print the time of the gradients of 256 examples, beside a loop over them."""
    rows = []
    for sizes in ((2, 64, 3), (64, 64, 10), (784, 64, 10)):
        weights = [matrix(a, b) for a, b in itertools.pairwise(sizes)]
        x = RNG.standard_normal((256, sizes[0])).astype(np.float32)
        y = RNG.integers(0, sizes[-1], (256, 1))

        def loss(weights, x, y):
            *inner, last = weights
            return tg.cross_entropy(layers(x[None], inner) @ last, y)

        gradient = tg.grad(loss)
        mapped = tg.vmap(gradient, (None, 0, 0))

        def loop(gradient=gradient, weights=weights, x=x, y=y):
            single = [gradient(weights, x[k], y[k]) for k in range(len(x))]
            return [np.stack(column) for column in zip(*single, strict=True)]

        compiled = tg.compile(mapped)
        runs = {
            "vmap": lambda mapped=mapped, args=(weights, x, y): mapped(*args),
            "compiled": lambda compiled=compiled, args=(weights, x, y): compiled(*args),
            "loop": loop,
        }
        timings = interleave(runs, rounds=5, calls=1)
        name = f"dense net {'-'.join(map(str, sizes))}"
        times = [f"{timings[k].median / 1e3:.1f}" for k in runs]
        rows.append([name, *times, f"{timings['loop'].ratio(timings['vmap']).median:.1f}"])
    heads = ["gradients of 256 examples", "`vmap`, ms", "compiled", "loop", "loop / `vmap`"]
    print(markdown(heads, rows))


PARTS = {
    "products": (products, ()),
    "forward": (forward_mode, ("autograd",)),
    "all": (all_derivatives, ("jax",)),
    "samples": (per_sample_gradients, ()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)} (default: all)")
    names = parser.parse_args().parts or list(PARTS)
    np.ones(2**20).sum()  # from here on the C library keeps memory of this size for itself
    print(header("numpy", "jax", "autograd"))
    for name in names:
        run, packages = PARTS[name]
        missing = [p for p in packages if importlib.util.find_spec(p) is None]
        print()
        if missing:
            print(f"{name}: needs {', '.join(missing)}")
        else:
            run()


if __name__ == "__main__":
    main()
