"""Run against an installed wheel, NumPy alone beside it: the core needs nothing else."""

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import tinygrad_np as tg

here = Path(__file__).resolve().parent.parent
assert here not in Path(tg.__file__).resolve().parents, "this is the checkout, not the wheel"
for package in ("matplotlib", "graphviz", "tqdm", "nnfs"):
    assert importlib.util.find_spec(package) is None, f"{package} is here: the test proves nothing"

import nn  # noqa: E402
import tinygrad_np.demo  # noqa: E402
import tinygrad_np.learn  # noqa: E402
from tinygrad_np.learn import commands  # noqa: E402
from tinygrad_np.learn.exercises import exercises  # noqa: E402

x = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
history = nn.fit(
    model, x, [0, 1], loss=nn.cross_entropy, optimizer=nn.Adam(model.parameters(), 0.1), epochs=50
)
assert history["loss"][-1] < history["loss"][0] / 2, history
assert tg.gradcheck(lambda t: tg.tanh(t @ t.T), [x.numpy()], order=2)
loss = nn.cross_entropy(model(x.astype("float32")), [0, 1])
assert tg.graph(loss).svg().lstrip().startswith("<"), "the built-in picture"
with tg.record() as run:
    loss = nn.cross_entropy(model(x.astype("float32")), [0, 1])
    loss.backward()
page = tg.graph(loss, model, record=run).html(Path(tempfile.mkdtemp()) / "step.html")
assert "<script" in page.read_text(encoding="utf-8"), "the assets of the page are in the wheel"
double = tg.compile(lambda t: t * 2.0)
assert [double(x).tolist() for _ in range(3)] == [[[2.0, 4.0], [6.0, 8.0]]] * 3
optimizer = nn.SGD(model.parameters())
try:
    nn.fit(model, x, [0, 1], loss=nn.cross_entropy, optimizer=optimizer, progress=True)
except ImportError as error:
    assert "tqdm" in str(error)  # noqa: PT017 - no pytest beside the core
else:
    raise AssertionError("progress=True without tqdm must say what to install")
learn = Path(tempfile.mkdtemp())
assert commands.main(["--folder", str(learn)]) == 1, "the first exercise is not right yet"
assert commands.main(["see", "line", "--folder", str(learn)]) == 0
solutions = [str(exercise.solution) for exercise in exercises().values()]
assert commands.main(["grade", *solutions]) == 0, "the course needs NumPy alone"
readme = importlib.metadata.metadata("tinygrad-np").get_payload()
relative = re.findall(r"\]\((?!\w+://|#)[^)]*\)", readme)
assert "](" in readme, "the readme is in the wheel"
assert not relative, f"links that lead nowhere on a package index: {relative}"
demo = [sys.executable, "-m", "tinygrad_np.demo"]
listed = subprocess.run(demo, capture_output=True, text=True, check=True).stdout
assert "\n  flow  " in listed, "the examples are in the wheel"
refused = subprocess.run([*demo, "flow"], capture_output=True, text=True).stderr
assert 'pip install "tinygrad-np[examples]"' in refused, refused


def size(package):
    """Sum the bytes of a package's files, without compiled copies."""
    files = Path(package.__file__).parent.rglob("*.*")
    return sum(file.stat().st_size for file in files if "__pycache__" not in file.parts)


installed = (size(tg) + size(nn)) / 1e6
course = size(tinygrad_np.learn) / 1e6
gallery = size(tinygrad_np.demo) / 1e6
rest = installed - course - gallery
assert rest < 2.6, f"tinygrad_np and nn take {installed:.2f} MB"
assert course < 0.36, f"the course takes {course:.2f} MB"
assert gallery < 0.15, f"the programs of the gallery take {gallery:.2f} MB"
print(f"the core alone: ok, {installed:.2f} MB with nn, Python {sys.version.split()[0]}")
