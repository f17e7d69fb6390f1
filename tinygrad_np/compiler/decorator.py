"""`compile`, the decorator that makes compiled functions."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from .assembly import BACKENDS, Options
from .callers import function_name
from .compiled import Compiled
from .passes import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def compile(
    f: Callable | None = None,
    *,
    passes: Sequence[str] | None = None,
    fallback: bool = False,
    backend: str = "numpy",
    exact: bool = True,
) -> Any:
    """Compile `f` to a straight-line NumPy program, as you would have written it by hand.

        step = tg.compile(train_step)
        for x, y in batches:
            loss = step(x, y)     # two calls record, then the program runs
        print(step.source)

    Args:
        f: any function of arrays, Tensors and Python values (nested containers are welcome) that
            computes with Tensors or NumPy functions: a training step with `backward()` and
            `optimizer.step()`, a transform, a model. It is recorded, so what it does in plain
            Python happens only while recording.
        passes: names of the rewrites to use, for study; by default all of `tinygrad_np.PASSES`.
            Without those of `tinygrad_np.REORDERING_PASSES`, which add and multiply in another
            order, results are the same to the last bit.
        fallback: a function that can't be compiled runs as it is, with a `CompileWarning` that
            says why, instead of raising a `CompileError`.
        backend: "numpy"; "c": runs of statements become functions of C, compiled by the C
            compiler of this machine (`CC`, cc, gcc or clang) and kept in the user's cache folder,
            the rest stays NumPy; "auto": NumPy until the C is ready. Without a compiler, or if
            it fails, NumPy it is, with a `CompileWarning`.
        exact: C gives the same bits as NumPy; else it may add in another order.

    Raises:
        TypeError: `f` can't be called, or is a generator or coroutine function.
        ValueError: an unknown pass or backend.
    """
    if f is None:
        return functools.partial(
            compile, passes=passes, fallback=fallback, backend=backend, exact=exact
        )
    if isinstance(f, Compiled):
        f = f._f
    if not callable(f):
        raise TypeError(f"compile() takes a function, not {type(f).__name__}")
    if inspect.isgeneratorfunction(f) or inspect.iscoroutinefunction(f):
        raise TypeError(
            f"{function_name(f)} runs in parts, its caller in between: compile a function that it "
            "calls instead"
        )
    chosen = ALL if passes is None else tuple(passes)
    unknown = [name for name in chosen if name not in ALL]
    if unknown:
        raise ValueError(f"there is no pass {unknown[0]!r}; there are {', '.join(ALL)}")
    if backend not in BACKENDS:
        raise ValueError(f"there is no backend {backend!r}; there are {', '.join(BACKENDS)}")
    return Compiled(f, Options(chosen, fallback, backend, exact))
