"""Run a program of the gallery in a process of its own, and open the pictures that it draws.

python -m tinygrad_np.demo                 # list the programs
python -m tinygrad_np.demo flow --seed 1   # run one, with its own options
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import os
import signal
import subprocess
import sys
import webbrowser
from pathlib import Path

from ..core.printing import Text

CHECKOUT = Path(__file__).resolve().parents[2]
INSTALLED = Path(__file__).resolve().parent / "examples"  # the wheel has them here
OTHERS = {"program", "sheet", "spiral_plots", "spiral_notebook"}  # what programs import; a notebook
PACKAGES = ("matplotlib", "nnfs", "tqdm")  # of the extra "examples"
VIEWABLE = {".gif", ".html", ".png", ".svg"}


def examples() -> Path:
    """Return the folder of the programs."""
    return INSTALLED if INSTALLED.is_dir() else CHECKOUT / "examples"


def summaries() -> dict[str, str]:
    """Return the first line about each program, by name."""
    lines = {}
    for path in sorted(examples().glob("*.py")):
        if path.stem not in OTHERS:
            doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            lines[path.stem] = (doc or "").split("\n")[0]
    return lines


def require_packages() -> None:
    """End the program with the command that installs what is missing."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        command = 'pip install "tinygrad-np[examples]"'
        sys.exit(f"The programs need {', '.join(missing)}, which this installs: {command}")


def run(name: str, options: list[str]) -> int:
    """Run a program; Ctrl-C is for it alone. Returns its exit status."""
    environment = dict(os.environ)
    if examples() != INSTALLED:  # a checkout need not be installed
        paths = [str(CHECKOUT), *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        command = [sys.executable, str(examples() / f"{name}.py"), *options]
        return subprocess.run(command, env=environment).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def versions(folder: Path) -> dict[Path, int]:
    """Return when each file of a folder was written."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path: path.stat().st_mtime_ns for path in files if path.is_file()}


def show(paths: list[Path]) -> None:
    """Open files in a browser; of a picture that is there as SVG and PNG, the SVG."""
    for path in paths:
        twin = path.with_suffix(".svg")
        if path.suffix not in VIEWABLE or (path != twin and twin in paths):
            continue
        if not webbrowser.open(path.resolve().as_uri()):
            print("no browser was found: open them yourself")
            return


def main(argv: list[str] | None = None) -> int:
    """Carry out a command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_np.demo",
        usage="%(prog)s [name] [--out FOLDER] [--no-open] [options of the program]",
        description="Run a program of the gallery, and open what it wrote.",
        epilog="`name --help` shows the options of a program.",
        add_help=False,  # --help after a name is the program's
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("name", nargs="?", help="the program; without it, all are listed")
    add("--out", type=Path, default=Path("out"), help="folder for what it writes (default: out)")
    add("--no-open", dest="open", action="store_false", help="open nothing in the browser")
    args, options = parser.parse_known_args(argv)
    programs = summaries()
    if args.name is None:
        print(parser.format_help())
        for name, line in programs.items():
            print(Text(f"  {name:12} {line}"))
        return 0
    if args.name not in programs:
        parser.error(f"no program is called {args.name!r}, only {', '.join(programs)}")
    require_packages()
    before = versions(args.out)
    status = run(args.name, ["--out", str(args.out), *options])
    written = [path for path, time in versions(args.out).items() if before.get(path) != time]
    if written:
        names = ", ".join(path.name for path in written)
        print(Text(f"in {args.out.resolve()}: {names}"))
        if args.open:
            show(written)
    return status


if __name__ == "__main__":
    sys.exit(main())
