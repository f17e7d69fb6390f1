"""What the programs have in common: their options, Ctrl-C, and errors in a line."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

import tinygrad_np as tg

CTRL_C = "Ctrl-C ends the training and draws what was learned."


class Stop:
    """Ctrl-C during the training: the first asks for its end, the second ends the program."""

    def __init__(self) -> None:
        self.wanted = False

    def __enter__(self) -> Stop:
        self.before = signal.signal(signal.SIGINT, self.want)
        return self

    def __exit__(self, *_: Any) -> None:
        signal.signal(signal.SIGINT, self.before)

    def want(self, *_: Any) -> None:
        self.wanted = True
        signal.signal(signal.SIGINT, self.before)


def until_stopped(steps: int, unit: str = "step") -> Iterator[int]:
    """Yield 1 to `steps` with a progress bar; the first Ctrl-C ends it."""
    with Stop() as stop, tqdm(total=steps, unit=unit) as bar:
        for step in range(1, steps + 1):
            yield step
            bar.update()
            if stop.wanted:
                return


def parse(argv: list[str] | None, doc: str, **options: tuple[Any, Any]) -> argparse.Namespace:
    """The command line; a bad option, or a folder that can't be written to, ends the program.

    `options` are those of this program, numbers above 0: their defaults, and those of --quick.
    """
    parser = argparse.ArgumentParser(
        description=f"{doc}\n{CTRL_C}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    for name, (usual, quick) in options.items():
        kind = whole(1) if isinstance(usual, int) else positive
        shorter = "" if usual == quick else f", {quick} with --quick"
        add(f"--{name}", type=kind, metavar="N", help=f"default: {usual}{shorter}")
    add("--seed", type=whole(0, 2**32 - 1), default=0, help="of all that is drawn (default: 0)")
    add("--out", type=Path, default=Path("out"), help="folder for the picture (default: out)")
    add("--quick", action="store_true", help="only see that it runs")
    add("--no-compile", dest="compile", action="store_false", help="run the training step as it is")
    args = parser.parse_args(argv)
    for name, usual_and_quick in options.items():
        if getattr(args, name) is None:
            setattr(args, name, usual_and_quick[args.quick])
    check_folder(parser, args.out)
    return args


def check_folder(parser: argparse.ArgumentParser, folder: Path) -> None:
    """Make the folder, and see that files can be made in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        parser.error(f"argument --out: can't write to the folder {folder}: {error.strerror}")


def whole(low: int, high: float = math.inf) -> Callable[[str], int]:
    """An argparse type: whole numbers from low to high."""

    def number(text: str) -> int:
        if not text.strip().isdecimal() or not low <= int(text) <= high:
            wanted = f"at least {low}" if high == math.inf else f"from {low} to {high}"
            raise argparse.ArgumentTypeError(f"needs a whole number, {wanted}, not {text!r}")
        return int(text)

    return number


def positive(text: str) -> float:
    """An argparse type: finite numbers above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"needs a number above 0, not {text!r}")
    return value


def run_program(main: Callable[[], None]) -> None:
    """Run a program; what goes wrong outside of it is said in a line."""
    sys.stdout.reconfigure(errors=tg.Text.errors)  # for a console without some characters
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped")
    except FloatingPointError as error:
        sys.exit(f"Training failed: {error}")
    except ImportError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"can't write to {error.filename}: {error.strerror}")
