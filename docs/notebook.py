"""Write the notebook of examples/spiral_notebook.py, run from its first cell to its last.

python -m pip install -e ".[notebook]"
python docs/notebook.py            # --out FILE: somewhere else than out/spiral.ipynb
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

try:
    import nbformat
    from nbclient import NotebookClient
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[notebook]"')

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "examples" / "spiral_notebook.py"


def cells_of(text: str) -> list[nbformat.NotebookNode]:
    """Return the cells of a program in the percent format; before the first one is no cell."""
    cells = []
    for number, part in enumerate(re.split(r"^# %%", text, flags=re.MULTILINE)[1:]):
        kind, _, body = part.partition("\n")
        if kind.strip() == "[markdown]":
            body = re.sub(r"^# ?", "", body.strip(), flags=re.MULTILINE)
            cells.append(nbformat.v4.new_markdown_cell(body, id=f"cell-{number}"))
        else:
            cells.append(nbformat.v4.new_code_cell(body.strip(), id=f"cell-{number}"))
    return cells


def executed() -> nbformat.NotebookNode:
    """Return the notebook with what its cells show.

    Raises:
        CellExecutionError: a cell that fails, with its traceback.
    """
    notebook = nbformat.v4.new_notebook(cells=cells_of(SOURCE.read_text(encoding="utf-8")))
    # The kernel draws below the cells unless the environment has another place.
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(env=environment)
    return notebook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = ROOT / "out" / "spiral.ipynb"
    parser.add_argument("--out", type=Path, default=default, help="the file (out/spiral.ipynb)")
    path = parser.parse_args().out
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(executed(), path)
    print(f"{path}: open it in Jupyter, or in an editor that shows notebooks")


if __name__ == "__main__":
    main()
