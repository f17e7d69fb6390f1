"""Write the pictures of the lessons: `picture.svg` or `picture.png` in the lesson's folder.

python docs/course_pictures.py            # all
python docs/course_pictures.py vectors    # one
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tinygrad_np as tg

LESSONS = Path(__file__).resolve().parent.parent / "tinygrad_np" / "learn" / "lessons"


def vectors(folder: Path) -> None:
    """A line through three points: b is used by all of them."""
    x = tg.Tensor([1.0, 2.0, 3.0], name="x")
    w = tg.Tensor(2.0, requires_grad=True, name="w")
    b = tg.Tensor(0.0, requires_grad=True, name="b")
    with tg.record() as run:
        p = w * x + b
        loss = (p**2).sum()
        loss.backward()
    tg.graph(loss, record=run).save(folder / "picture.svg")


PICTURES: dict[str, Callable[[Path], None]] = {
    "03_vectors": vectors,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", nargs="?", default="", help="a part of the lesson's folder's name")
    name = parser.parse_args().name
    for folder, write in PICTURES.items():
        if name in folder:
            np.random.seed(0)
            write(LESSONS / folder)


if __name__ == "__main__":
    main()
