"""Transforms of functions: gradients, and products with Jacobians and Hessians.

They take a function of Tensors and give a function, with JAX's names. All of them:

- accept arrays, numbers and Tensors, also in nested dicts, lists and tuples, and return the kind
  that they were given. The function itself sees Tensors in place of what is differentiated;
- never touch any `.grad`;
- record inside, even under `no_grad()`;
- can be nested: `grad(grad(f))`, `jacobian(grad(f))`.

The result is itself recorded where recording is on and it depends on a Tensor that needs a
gradient: one given as an argument, or one that the function has captured. Then it is a Tensor in
any case, since an array would silently lose that gradient. Under `no_grad()` it never is, and
costs less.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import rebuild, refill
from ..core.tensor import Tensor
from ..core.tracebacks import shortened
from .arguments import as_arguments, check_argnums, check_function, like_arguments, positions
from .kinds import hand_back, take_over
from .run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@shortened
def grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make the function that computes the gradient of `f`.

    Args:
        f: a function that returns one number, a Tensor of shape ().
        argnums: the position of the argument to differentiate with respect to; several give a
            tuple of gradients. Arguments given by name are not differentiated.
        has_aux: `f` returns a pair (value, aux), and the result is (gradient, aux).

    Returns:
        A function of the same arguments. The gradient has the structure, shapes and dtypes of the
        argument: zeros where the value does not depend on it.

    Raises:
        TypeError: `f` is no function or returns no single number; an argument is not of floats.
        ValueError: `argnums` is out of range.
    """
    compute = _value_and_grad("grad", f, argnums, has_aux)

    @shortened
    @functools.wraps(f, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = compute(args, kwargs)
        if has_aux:
            return gradients, value[1]
        return gradients

    return gradient


@shortened
def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make the function that computes (value, gradient), or ((value, aux), gradient).

    Arguments and errors as for `grad`.
    """
    compute = _value_and_grad("value_and_grad", f, argnums, has_aux)

    @shortened
    @functools.wraps(f, updated=())
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        return compute(args, kwargs)

    return value_and_gradient


def _value_and_grad(
    what: str, f: Callable, argnums: int | Sequence[int], has_aux: bool
) -> Callable[[tuple, dict], Any]:
    check_function(what, f)
    check_argnums(what, argnums)

    def compute(args: tuple, kwargs: dict) -> Any:
        run = Run(what, f, args, positions(what, argnums, args), kwargs, has_aux=has_aux)
        run.check_scalar()
        seed = np.ones((), run.results[0].dtype)
        raw = run.pull([seed], keep=run.connected)
        gradients = like_arguments(run, raw, args, argnums)
        value = run.value()
        if has_aux:
            return (value, run.auxiliary()), gradients
        return value, gradients

    return compute


@shortened
def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Return the value of `f`, and the function that multiplies a vector with its Jacobian: vᵀJ.

    Args:
        f: a function that returns a Tensor, or a container of Tensors.
        *primals: its arguments.
        has_aux: `f` returns a pair (value, aux), and the result is (value, function, aux).

    Returns:
        (value, pull): `pull(cotangent)`, with the structure of the value, gives a tuple with one
        gradient for each argument. It may be called any number of times; each costs one backward.

    Raises:
        TypeError: `f` returns no Tensors of floats, or arguments are not of floats.
        ValueError: (from `pull`) the cotangent differs from the value in structure or shape.
    """
    check_function("vjp", f)
    every = range(len(primals))
    run = Run("vjp", f, primals, every, has_aux=has_aux)

    @shortened
    def pull(cotangent: Any) -> tuple[Any, ...]:
        seeds = run.seeds(run.template, cotangent, "the cotangent")
        return like_arguments(run, run.pull(seeds), primals, every)

    value = run.value()
    if has_aux:
        return value, pull, run.auxiliary()
    return value, pull


@shortened
def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the value of `f`, and its derivative at that point as a linear function: t ↦ Jt.

    Args:
        f: a function that returns a Tensor, or a container of Tensors.
        *primals: its arguments.

    Returns:
        (value, push): `push(*tangents)`, one tangent for each argument and of its structure,
        gives the directional derivative in the structure of the value. Behind it is reverse mode,
        twice: the gradient x̄ = Jᵀu, linear in the gradient u of the value, is recorded as a
        function of u, and `push` pulls t back through that function. So each call costs a backward
        pass.

    Raises:
        TypeError: `f` returns no Tensors of floats, or arguments are not of floats.
        ValueError: (from `push`) a tangent differs from its argument in structure or shape.
    """
    check_function("linearize", f)
    run = Run("linearize", f, primals, range(len(primals)))

    @shortened
    def push(*tangents: Any) -> Any:
        seeds = run.seeds(primals, tangents, "tangents")
        derivatives = [hand_back(raw, run.as_tensors) for raw in run.push(seeds)]
        return refill(run.template, derivatives)

    return run.value(), push


@shortened
def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return the value of `f` and its derivative along a direction: (f(x), Jt).

    Forward mode: the derivative of each value is computed with the value, from what the table of
    operations says already. The rule of an op that acts on each element on its own is a factor for
    each, so it takes tangents as it takes gradients; a linear op is its own derivative; the rule of
    any other one is transposed. Where that is not enough (`checkpoint` or `vmap` inside, a hook, a
    derivative that something outside needs the gradient of) it is done as by `linearize`.

    Args:
        f: a function that returns a Tensor, or a container of Tensors.
        primals: its arguments, as a tuple or list.
        tangents: the direction, one entry for each argument and of its structure.

    Returns:
        (value, derivative), both in the structure that `f` returns.

    Raises:
        TypeError: `f` returns no Tensors of floats; arguments are not of floats, or not in a
            tuple or list.
        ValueError: the tangents differ from the primals in structure or shape.
    """
    primals = as_arguments("jvp", "primals", primals)
    tangents = as_arguments("jvp", "tangents", tangents)
    check_function("jvp", f)
    run = Run("jvp", f, primals, range(len(primals)), tangents=tangents)
    derivatives = take_over(run.derivatives(), [run.as_tensors] * len(run.results))
    return run.value(), refill(run.template, derivatives)


@shortened
def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Multiply the Hessian of `f` with a vector, without computing the Hessian.

    The Hessian is symmetric, so Hv = vᵀH is the gradient of (gradient of f)·v: one recorded
    backward pass and one plain one.

    Args:
        f: a function that returns one number, a Tensor of shape ().
        primals: its arguments, as a tuple or list.
        tangents: the vector, one entry for each argument and of its structure.

    Returns:
        The product in the structure of the argument; a tuple of them for several arguments.

    Raises:
        TypeError: `f` returns no single number; arguments are not of floats, or not in a tuple
            or list.
        ValueError: the tangents differ from the primals in structure or shape.
    """
    check_function("hvp", f)
    primals = as_arguments("hvp", "primals", primals)
    tangents = as_arguments("hvp", "tangents", tangents)
    every = range(len(primals))
    compute = _value_and_grad("hvp", f, every, False)
    run = Run("hvp", lambda *args: compute(args, {})[1], primals, every)
    seeds = run.seeds(primals, tangents, "tangents")
    raw = run.pull(seeds, keep=run.connected)
    products = like_arguments(run, raw, primals, every)
    return products[0] if len(primals) == 1 else products


def stop_gradient(x: Any) -> Any:
    """Return the same values, without a gradient: `.detach()` for whole containers."""

    def detached(leaf: Any) -> Any:
        return leaf.detach() if isinstance(leaf, Tensor) else leaf

    return rebuild(x, detached)
