"""Write docs/gallery.md: the programs, their pictures, and the numbers that they print.

python docs/gallery.py            # run all programs, which takes minutes, and write the page
python docs/gallery.py flow gp    # run these, and keep what the others printed
python docs/gallery.py --check    # run none; fail if the page is stale
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "gallery.md"
IMAGES = ROOT / "docs" / "images"
LONGEST = 16  # lines of output that the page shows

# In the order of the page: what one learns from each program.
LESSONS = {
    "spiral": "a whole training, from data to pictures: model, optimizer, `nn.fit`, fresh data",
    "regression": "regression with the book's network, and an accuracy for numbers",
    "logistic": "one probability for two classes, and L2 against overfitting",
    "digits": "convolutions, dropout, early stopping, and a test set that is looked at once",
    "dream": "gradients by the input, and training on the worst case; being right is not enough",
    "vae": "distributions with gradients: sampling that backward goes through, and a divergence",
    "flow": "densities by the change of variables, held against the true one",
    "names_lstm": "a recurrent network, sequences of different lengths, and drawing from a softmax",
    "char_gpt": "attention, embeddings and positions: a transformer from the layers of `nn`",
    "pendulum": "gradients through a simulation: any loop of NumPy can be optimised",
    "pinn": "second derivatives inside of a loss",
    "cartpole": "reinforcement learning: a gradient without a derivative of the world",
    "gp": "linear algebra with gradients, and SciPy's optimizers on top",
    "sweep": "many trainings at a time, `concurrent.futures`; [how it scales](scaling.md)",
    "data_parallel": "`fit(distributed=True)`: processes that share each batch, through MPI",
    "own_op": "`define_op`: a forward and a rule per input, proved by `gradcheck`",
    "micrograd": "backpropagation itself, in thirty lines",
    "book_layers": "layers written by hand, and a tool that names the mistake in them",
    "graph": "the graph that all of this rests on, drawn",
    "step": "one training step, value by value, [in the browser](step.md)",
}
RANKS = {"data_parallel": 2}  # of programs that mpiexec starts
PICTURES = {"graph": "graph_step.png", "book_layers": ""}  # where it is not the program's name

BEGIN = """# Gallery

Programs of a page or two, each with a picture and the numbers that it reached. Most take less than
a minute of one core. `--help` names their options: `--seed`, `--out`, in most `--quick` (does it
run?) and `--no-compile`. In the project's folder:

```bash
python examples/flow.py
```

An installed package carries them. This runs one and opens what it drew; without a name it lists
all. `python -m pip install "tinygrad-np[examples,sklearn,mpi]"` brings what they need.

```bash
python -m tinygrad_np.demo flow
```
"""

END = """What to see next: [building a network, training it, looking into it](guide.md).
"""


def section(name: str, output: str) -> str:
    """The part of the page about a program."""
    code = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    first, _, rest = (ast.get_docstring(ast.parse(code)) or "").partition("\n")
    parts = [f"## {name}", first, rest.strip(), f"*To learn from it*: {LESSONS[name]}."]
    picture = PICTURES.get(name, f"{name}.png")
    if picture:
        parts.append(f"![{first}](images/{picture})")
    parts.append(
        f"[examples/{name}.py](../examples/{name}.py), or `python -m tinygrad_np.demo {name}`:"
    )
    parts.append(f"```text\n{output}\n```")
    return "\n\n".join(filter(None, parts)) + "\n"


def page(outputs: dict[str, str]) -> str:
    """The page, with what each program printed."""
    return "\n".join([BEGIN, *[section(name, outputs[name]) for name in LESSONS], END])


def outputs_on(text: str) -> dict[str, str]:
    """What the programs printed, according to a page."""
    found = re.findall(r"^## (\w+)\n.*?^```text\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)
    return dict(found)


def output_of(name: str) -> str:
    """Run a program, keep its picture, and return what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "examples" / f"{name}.py")]
        if name in RANKS:
            command[1:1] = ["-m", "mpi4py"]
            command[:0] = [str(Path(sys.executable).parent / "mpiexec"), "-n", str(RANKS[name])]
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, encoding="utf-8", check=True
        )
        for picture in Path(folder).glob(f"out/{name}.png"):
            shutil.copy(picture, IMAGES)
    lines = [line.rstrip() for line in done.stdout.strip().splitlines()]
    lines = [line for line in lines if not line.strip().startswith("out")]
    return "\n".join(lines[:LONGEST] + ["..."] * (len(lines) > LONGEST))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="the programs to run (default: all)")
    parser.add_argument("--check", action="store_true", help="run nothing, fail if stale")
    args = parser.parse_args()
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    outputs = outputs_on(before)
    for name in [] if args.check else args.names or LESSONS:
        outputs[name] = output_of(name)
    text = page({name: outputs.get(name, "") for name in LESSONS})
    if args.check and text != before:
        print("stale, run python docs/gallery.py with the programs that have changed")
        return 1
    if not args.check:
        PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
