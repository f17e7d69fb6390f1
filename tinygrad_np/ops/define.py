"""`define_op`: an operation is one declaration, and everything else is derived from it."""

from __future__ import annotations

import functools
import inspect
import operator
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.containers import flatten
from ..core.doors import act
from ..core.op import Op, layout, parameters, reads_of
from ..core.protocols import FUNCTIONS, UFUNCS
from .apply import binary, general, unary, unshare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def define_op(
    forward: Callable,
    *,
    name: str | None = None,
    text: str = "",
    doc: str = "",
    kinks: str = "",
    domain: tuple[float, float] = (-np.inf, np.inf),
    samples: Callable | None = None,
    numpy: tuple[Callable | tuple[np.ufunc, str], ...] = (),
    keeps: tuple[str, ...] | Mapping[str, str] = (),
    formulas: Mapping[str, Callable] | None = None,
    variadic: bool = False,
    elementwise: bool = False,
    flops: Callable[..., int] | None = None,
    effect: bool = False,
    joint: Callable | None = None,
    **rules: Any,
) -> Callable:
    """Declare an operation: its forward, and one derivative rule per input.

        softplus = define_op(
            lambda x: np.logaddexp(x, 0), name="softplus",
            x=lambda g, x: g / (1 + np.exp(-x)),
        )

    Args:
        forward: a NumPy ufunc, or a function of arrays and parameters in plain NumPy. It returns
            a new array, or a tuple of arrays (several outputs), and never writes to its inputs.
        name: defaults to the forward's name, without the underscore of a private one.
        text: the formula with the inputs in braces, such as `"{x} * {y}"`; by default the call.
        doc: one line that says what it computes; by default the forward's docstring.
        kinks: the first and second derivative where there is none, such as
            `"0 at x = 0; of second order 0"`.
        domain: open interval of input values on which an elementwise op is smooth.
        samples: a function of a generator function `r(*shape)` giving a list of
            `(args, params)` on which the op is tested; made from `domain` if elementwise.
        numpy: the NumPy functions that this op answers for, besides its forward if that is a
            ufunc, unless an earlier op does; a ufunc's method as a pair, `(np.add, "reduce")`.
        keeps: names of extra values that forward returns after its result and that only the
            rules read, or a mapping from these names to what they are, for `explain`. Forward
            must then be NumPy that also runs on Tensors.
        formulas: for an input whose rule takes several steps, a function of what a rule can read
            that says the same in one expression, or returns None where it does not. Its tests
            decide which `return` is meant, and that one's text is shown by `explain` and by the
            step-through page.
        variadic: the first parameter is a sequence of inputs; its one rule may read `i`, the
            position of the input that it is for.
        elementwise: forward acts on each element on its own, has no parameters, and returns one
            array: such ops are called faster. Known for ufuncs.
        flops: how many floating-point operations a call takes, as a function of the result's
            shape and then those of the inputs; by default one an element if elementwise, else
            unknown. The graph's picture shows it.
        effect: forward and rules do more than compute, such as talk to other processes. A
            compiled function calls them as a whole, each time and in order: they are never
            shared, dropped, folded or run again.
        joint: one rule for all inputs, if they share most of its work: it returns a tuple, a
            gradient for each. In the place of their own rules stands `...`.
        **rules: for each array input, in order, a function in plain NumPy (it runs on arrays,
            and on Tensors when the gradient is recorded). Its first parameter `g` is the
            gradient of the result; the names of the others say what it reads: an input, `out`,
            a parameter, one of `keeps`, or `<input>_shape`. Only that is kept alive. The engine
            sums or broadcasts what it returns to the input's shape, and casts it to its dtype;
            what would need both, and has not the result's shape, is an error.
            None as rule: no gradient flows to that input.

    Returns:
        The function: Tensors in, Tensor out; arrays in, array out. `function.op` is the `Op`.

    Raises:
        TypeError: rules that do not fit the forward, or read what there is not.
    """
    is_ufunc = isinstance(forward, np.ufunc)
    if isinstance(forward, np.ufunc) and forward.signature is None:  # not matmul and the like
        elementwise = True
    name = name or str(getattr(forward, "__name__", "op")).lstrip("_")
    if joint is not None or ... in rules.values():
        if effect:
            raise TypeError(
                f"{name}: an op with an effect has a rule for each input, not a joint one"
            )
        rules = _parts_of(name, joint, rules)
    _check_forward(name, forward, tuple(rules), variadic)
    _check_rules(name, forward, rules, formulas or {}, tuple(keeps), variadic)
    operands = ", ".join(f"{{{key}}}" for key in rules)
    if not doc and not is_ufunc:
        doc = forward.__doc__ or ""
        if "\n" in doc:  # cleaning takes as long as the rest of a declaration
            doc = inspect.cleandoc(doc)
    op = Op(
        forward,
        name,
        rules,
        keeps=keeps,
        formulas=formulas or {},
        variadic=variadic,
        elementwise=elementwise,
        text=text or f"{name}({operands})",
        doc=doc,
        kinks=kinks,
        domain=domain,
        samples=samples,
        numpy=numpy,
        flops=flops,
        effect=effect,
    )
    if effect:
        op.forward = _acting(forward)
        acting = [rule and _acting(rule) for rule in rules.values()]
        op.rules = repeat(acting[0]) if variadic else tuple(acting)
    if joint is not None:
        op.rules = _Joint(op.rules)
    make: Callable = general
    if is_ufunc:
        numpy = (forward, *numpy)
    if is_ufunc or elementwise:
        make = unary if len(rules) == 1 else binary
    function = make(op)
    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = op.doc
    function.op = op
    # Pickle looks for it where its forward is, under its own name.
    function.__module__ = getattr(forward, "__module__", None) or __name__
    if not is_ufunc:  # whose parameters are others: out, where, casting ...
        function.__wrapped__ = op.forward  # read by help() and editors
    for np_function in numpy:
        # The first op to answer for a function goes on doing so.
        if isinstance(np_function, np.ufunc):
            UFUNCS.setdefault((np_function, "__call__"), function)
        elif isinstance(np_function, tuple):
            UFUNCS.setdefault(np_function, function)
        else:
            FUNCTIONS.setdefault(np_function, function)
    return function


def _acting(function: Callable) -> Callable:
    """Make a function with an effect one that a recording takes down as a whole."""

    @functools.wraps(function)
    def alone(*args: Any, **kwargs: Any) -> Any:
        out = function(*args, **kwargs)
        for array in flatten(args):
            out = unshare(out, array) if isinstance(array, np.ndarray) else out
        return out

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return act(alone, args, kwargs)

    call.has_effect = True  # type: ignore[attr-defined]  # what it reads is its own affair
    return call


def _parts_of(name: str, joint: Callable | None, rules: dict[str, Any]) -> dict[str, Callable]:
    """Make a rule for each input of a joint one, which gives that input's part of the answer."""
    if joint is None or any(rule is not ... for rule in rules.values()):
        raise TypeError(f"{name}: give either joint= and ... for each input, or rules alone")
    return {key: _part_of(joint, k) for k, key in enumerate(rules)}


def _part_of(joint: Callable, k: int) -> Callable:
    pick = operator.itemgetter(k)

    @functools.wraps(joint)  # whose source the explanations show
    def rule(g: Any, *reads: Any) -> Any:
        return pick(joint(g, *reads))

    rule.joint = joint  # type: ignore[attr-defined]  # whose parameters it reads
    return rule


class _Joint(tuple):
    """The rules made of a joint one. Backward asks for them once a node: then it runs once."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Callable]:
        joint = self[0].joint
        answers: list[tuple] = []

        def part(k: int, g: Any, *reads: Any) -> Any:
            if not answers:
                answer = joint(g, *reads)
                if len(answer) != len(self):
                    raise ValueError(f"it gave {len(answer)} gradients for {len(self)} inputs")
                answers.append(answer)
            return answers[0][k]

        return (functools.partial(part, k) for k in range(len(self)))


def _check_forward(name: str, forward: Any, inputs: tuple[str, ...], variadic: bool) -> None:
    """Raise if a forward can't have these inputs."""
    if isinstance(forward, np.ufunc):
        if forward.nin != len(inputs):
            raise TypeError(f"{name} has {forward.nin} inputs, but {len(inputs)} rules were given")
        return
    code = getattr(forward, "__code__", None)
    if code is None:
        raise TypeError(
            f"{name}: forward must be a ufunc or a Python function, not {forward!r}; wrap it in one"
        )
    positional = code.co_varnames[: code.co_argcount]
    if not inputs or positional[: len(inputs)] != inputs:
        raise TypeError(
            f"{name}: give one rule per array input, in the order of forward's parameters "
            f"({', '.join(positional)}); given: {', '.join(inputs) or 'none'}"
        )
    if variadic and len(inputs) != 1:
        raise TypeError(f"{name}: a variadic op has one rule, for its sequence of inputs")


def _check_rules(
    name: str,
    forward: Callable,
    rules: Mapping[str, Any],
    formulas: Mapping[str, Any],
    keeps: tuple[str, ...],
    variadic: bool,
) -> None:
    """Raise if a rule or formula is no function of the gradient and of what there is to read."""
    unknown = [input_name for input_name in formulas if input_name not in rules]
    if unknown:
        raise TypeError(f"{name}: formulas for {', '.join(unknown)}, which are no inputs")
    inputs = tuple(rules)
    defaults, _ = parameters(forward, inputs)
    params = tuple(defaults)[len(inputs) :]
    readable = layout(inputs, params, keeps, variadic)
    for input_name, rule in (*rules.items(), *formulas.items()):
        if rule is None:
            continue
        which = f"{name}: the rule for {input_name!r}"
        if not hasattr(rule, "__code__"):
            raise TypeError(f"{which} must be a Python function, or None, not {rule!r}")
        reads = reads_of(rule)
        if reads[:1] != ("g",):
            raise TypeError(f"{which} must take g first")
        unknown = [read for read in reads[1:] if read not in readable]
        if unknown:
            raise TypeError(
                f"{which} reads {', '.join(unknown)}; a rule can read g, {', '.join(readable)}"
            )


def answers(*np_functions: Callable) -> Callable[[Callable], Callable]:
    """Register a function composed of ops as the one that NumPy's call for Tensors (decorator)."""

    def register(function: Callable) -> Callable:
        FUNCTIONS.update(dict.fromkeys(np_functions, function))
        return function

    return register
