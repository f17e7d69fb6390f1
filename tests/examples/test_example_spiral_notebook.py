"""examples/spiral_notebook.py as a program; tests/docs has it as a notebook."""

import runpy
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.oracle  # programs that take long

matplotlib = pytest.importorskip("matplotlib")

EXAMPLE = Path(__file__).parents[2] / "examples" / "spiral_notebook.py"


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning")
def test_it_runs_as_a_program(capsys):
    from matplotlib import pyplot

    with matplotlib.rc_context({"backend": "Agg"}):
        names = runpy.run_path(str(EXAMPLE))
        pyplot.close("all")
    said, _ = capsys.readouterr()
    assert "Dense.backward: dbiases is wrong: it is 1/4 times the right gradient" in said
    assert "All 7 gradients agree." in said
    assert "optimizer.step()" in said  # the line above Adam's, in the source
    x, y = names["X"], names["y"]
    right = names["model"].predict(x).argmax(axis=1) == y
    assert right.mean() > 0.9
    assert names["history"]["accuracy"][-1] == pytest.approx(right.mean(), abs=0.02)
    # What the picture shows of the plane is what the model says of the points in it.
    axis, winners = names["axis"], names["winners"]
    columns, rows = np.abs(x.T[:, :, None] - axis).argmin(axis=-1)
    assert (winners[rows, columns] == y).mean() > 0.9
