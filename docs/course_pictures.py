"""Write the pictures of the lessons: `picture.svg` or `picture.png` in the lesson's folder.

python docs/course_pictures.py            # all
python docs/course_pictures.py vectors    # one
"""

from __future__ import annotations

import argparse
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nn
import tinygrad_np as tg
from tinygrad_np.learn.exercises import load

LESSONS = Path(__file__).resolve().parent.parent / "tinygrad_np" / "learn" / "lessons"


def derivative(folder: Path) -> None:
    """The errors of a nudged slope of sin at 1, with a nudge to one side and to both."""
    plt = _pyplot()
    h = np.logspace(-14, 0, 140)
    one = (np.sin(1 + h) - np.sin(1)) / h
    both = (np.sin(1 + h) - np.sin(1 - h)) / (2 * h)
    figure, axes = plt.subplots(figsize=(6, 3.2))
    for slope, name, colour, style in (
        (one, "one side", RED, "--"),
        (both, "both sides", BLUE, "-"),
    ):
        axes.loglog(h, abs(slope - np.cos(1)), style, color=colour, linewidth=1.5, label=name)
    axes.set(xlabel="the nudge h", ylabel="error of the slope", ylim=(1e-13, 1))
    axes.legend(frameon=False, loc="upper center")
    _save(figure, folder)


def graph(folder: Path) -> None:
    """The graph of a * b + a."""
    a = tg.Tensor(2.0, requires_grad=True, name="a")
    b = tg.Tensor(-3.0, requires_grad=True, name="b")
    with tg.record() as run:
        result = a * b + a
        result.backward()
    tg.graph(result, record=run).save(folder / "picture.svg")


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


def dense(folder: Path) -> None:
    """Two dense layers with a ReLU between."""
    rng = np.random.default_rng(0)
    x = tg.Tensor(rng.standard_normal((6, 3)), name="inputs")
    parameters = {"W1": (3, 4), "b1": (1, 4), "W2": (4, 2), "b2": (1, 2)}
    W1, b1, W2, b2 = (
        tg.Tensor(rng.standard_normal(shape), requires_grad=True, name=name)
        for name, shape in parameters.items()
    )
    hidden = tg.relu(x @ W1 + b1)
    predictions = hidden @ W2 + b2
    tg.graph(predictions).save(folder / "picture.svg")


def softmax(folder: Path) -> None:
    """Probabilities of three classes, the truth, and the gradient of the loss by the logits."""
    plt = _pyplot()
    p = tg.softmax(np.array([3.1, -0.4, 1.2]))
    truth = np.array([0.0, 1.0, 0.0])
    figure, panels = plt.subplots(1, 3, figsize=(7, 2.6), sharey=True)
    titles = ("probabilities p", "the truth", "gradient p - truth")
    for axes, values, title in zip(panels, (p, truth, p - truth), titles, strict=True):
        axes.bar(["0", "1", "2"], values, color=[RED if v < 0 else BLUE for v in values], width=0.6)
        axes.axhline(0, color="#888888", linewidth=0.8)
        axes.set(title=title, xlabel="class", ylim=(-1.4, 1.4))
        for k, value in enumerate(values):
            up = value >= 0
            axes.annotate(
                f"{value:.2f}",
                (k, value),
                (0, 3 if up else -3),
                textcoords="offset points",
                ha="center",
                va="bottom" if up else "top",
                fontsize=9,
            )
    _save(figure, folder)


def optimizers(folder: Path) -> None:
    """Three optimizers on their way down a valley."""
    plt = _pyplot()
    from matplotlib.patches import Ellipse

    curvature = np.array([1.0, 25.0])
    makers: dict[str, Callable] = {
        "SGD, rate 0.075": lambda params: nn.SGD(params, lr=0.075),
        "momentum 0.8, rate 0.02": lambda params: nn.SGD(params, lr=0.02, momentum=0.8),
        "Adam, rate 0.5": lambda params: nn.Adam(params, lr=0.5),
    }
    figure, axes = plt.subplots(figsize=(7, 3))
    for level in (0.3, 2, 6, 13, 24, 40, 60):
        size = 2 * np.sqrt(2 * level / curvature)
        axes.add_patch(Ellipse((0, 0), *size, fill=False, color="#cccccc"))
    for (label, make), colour, marker in zip(makers.items(), (BLUE, YELLOW, RED), "o^s"):
        w = tg.Tensor([10.0, 1.0], requires_grad=True)
        optimizer = make([w])
        path = [w.numpy()]
        for _ in range(24):
            optimizer.zero_grad()
            ((curvature * w**2).sum() / 2).backward()
            optimizer.step()
            path.append(w.numpy())
        axes.plot(*np.transpose(path), color=colour, marker=marker, ms=4, lw=1.2, label=label)
    axes.plot(0, 0, "k+", ms=10)
    axes.set(xlabel="x: flat", ylabel="y: steep", xlim=(-3, 11))
    axes.legend(frameon=False, loc="lower left")
    _save(figure, folder)


def overfitting(folder: Path) -> None:
    """A network that knows its points by heart, one that is held back, and their losses."""
    plt = _pyplot()

    def points(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        x = rng.uniform(-3, 3, (n, 1))
        return x, np.sin(x) + 0.3 * rng.standard_normal((n, 1))

    figure, (curves, losses) = plt.subplots(1, 2, figsize=(7.6, 3.1))
    x = np.linspace(-3, 3, 200)[:, None]
    curves.plot(x, np.sin(x), color="#bbbbbb", lw=4, label="the sine")
    curves.plot(*points(12, 0), "ko", ms=4)
    for l2, name, colour, style in ((0.0, "no penalty", RED, "-"), (0.01, "L2", BLUE, "--")):
        rng = np.random.default_rng(0)
        model = nn.Sequential(
            nn.Linear(1, 50, weight_l2=l2, rng=rng),
            nn.Tanh(),
            nn.Linear(50, 50, weight_l2=l2, rng=rng),
            nn.Tanh(),
            nn.Linear(50, 1, rng=rng),
        )
        history = nn.fit(
            model,
            *points(12, 0),
            loss="mse_loss",
            optimizer=nn.Adam(model.parameters(), lr=0.01),
            epochs=1500,
            validation_data=points(200, 1),
            progress=False,
        )
        curves.plot(x, model.predict(x), style, color=colour, lw=1.6, label=name)
        losses.semilogy(history["val_loss"], style, color=colour, label=f"{name}: others")
        trained = history["data_loss" if l2 else "loss"]
        losses.semilogy(trained, ":", color=colour, label=f"{name}: its own points")
    curves.set(xlabel="x", ylim=(-1.9, 1.9))
    losses.set(xlabel="epoch", ylabel="loss", ylim=(1e-4, 2))
    for axes in (curves, losses):
        axes.legend(frameon=False, fontsize=8, loc="best")
    _save(figure, folder)


def convolution(folder: Path) -> None:
    """A digit, the edges that two kernels find in it, and where one gradient goes back to."""
    plt = _pyplot()
    images, _ = nn.data.digits()
    image = tg.Tensor(images[3].reshape(1, 1, 8, 8) / 16, requires_grad=True)
    kernel = np.array([[-1.0, 0.0, 1.0]] * 3)
    upright, level = (tg.conv2d(image, k[None, None]) for k in (kernel, kernel.T))
    upright[0, 0, 2, 3].backward()
    assert image.grad is not None
    panels = {
        "the picture": image,
        "upright edges": upright,
        "level edges": level,
        "one result, back": image.grad,
    }
    figure, axes = plt.subplots(1, 4, figsize=(8, 2.3))
    for each, (title, values) in zip(axes, panels.items(), strict=True):
        picture = values.numpy()[0, 0]
        most = np.abs(picture).max()
        if title == "the picture":
            each.imshow(picture, cmap="gray_r")
        else:
            each.imshow(picture, cmap="RdBu_r", vmin=-most, vmax=most)
        if title == "upright edges":
            each.plot(3, 2, "ks", mfc="none", ms=16, mew=2)
        each.set(title=title, xticks=[], yticks=[])
    _save(figure, folder, colours=64)


def attention(folder: Path) -> None:
    """Where a trained head looks, and its loss beside that of counting."""
    plt = _pyplot()
    program: Any = load(folder / "solutions" / "letters.py")
    letters, text = program.ALPHABET, program.TEXT
    rng = np.random.default_rng(0)
    model = program.Model(len(letters), length=32, size=48, rng=rng)
    optimizer = nn.Adam(model.parameters(), lr=0.005)

    @tg.compile
    def step(inputs: np.ndarray, targets: np.ndarray) -> tg.Tensor:
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(inputs).reshape(-1, len(letters)), targets.ravel())
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(*program.batch(program.CODES, 32, 32, rng)).item() for _ in range(400)]
    line = "the cat that killed the rat"
    codes = np.array([letters.index(letter) for letter in line])
    x = model.letter(codes) + model.place(np.arange(len(codes)))
    queries, keys, _ = np.split(model.mix(x).numpy(), 3, axis=-1)
    scores = queries @ keys.T / np.sqrt(keys.shape[-1])
    shares = tg.softmax(np.where(np.tri(len(codes)), scores, -np.inf))

    figure, (where, course) = plt.subplots(1, 2, figsize=(8, 3.9))
    where.imshow(shares, cmap="Blues")
    where.set(xlabel="looks at", ylabel="the character")
    for axis in (where.xaxis, where.yaxis):
        axis.set_ticks(range(len(line)), ["␣" if c == " " else c for c in line], fontsize=7)
    course.semilogy(losses, color=BLUE, label="attention")
    counts = {"each character's count": _guessed(text, ""), "pairs": _guessed(text, text)}
    for (name, level), colour in zip(counts.items(), (RED, YELLOW), strict=True):
        label = f"{name}: {level:.1f}"
        course.axhline(level, color=colour, ls="--", label=label)
    course.set(xlabel="step", ylabel="loss")
    course.set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
    course.minorticks_off()
    course.legend(frameon=False, loc="center right")
    _save(figure, folder, colours=40)


def own_op(folder: Path) -> None:
    """Swish and its derivatives, the second one as the rule that is handed out has it, too."""
    plt = _pyplot()
    numbers = np.linspace(-5, 5, 201)
    figure, panels = plt.subplots(1, 3, figsize=(8, 2.7))
    programs = ((folder / "solutions" / "swish.py", BLUE, "-"), (folder / "swish.py", RED, "--"))
    for path, colour, style in programs:
        program: Any = load(path)
        x = tg.Tensor(numbers, requires_grad=True)
        value = program.swish(x)
        value.sum().backward(create_graph=True)
        first, x.grad = x.grad, None
        first.sum().backward()
        for axes, values in zip(panels, (value, first, x.grad), strict=True):
            axes.plot(numbers, values.numpy(), style, color=colour, lw=1.6)
    for axes, title in zip(panels, ("swish", "its slope", "the slope's slope"), strict=True):
        axes.set(title=title)
        axes.axhline(0, color="#888888", linewidth=0.8)
    panels[0].legend(["right", "as handed out"], frameon=False, loc="upper left")
    _save(figure, folder)


def _guessed(text: str, before: str) -> float:
    """Return the loss of guessing characters by counts, after the one before if that is given."""
    pairs = list(zip(before[:-1] or " " * (len(text) - 1), text[1:]))
    firsts = Counter(first for first, _ in pairs)
    return -sum(n / len(pairs) * np.log(n / firsts[a]) for (a, _), n in Counter(pairs).items())


RED, BLUE, YELLOW = "#BB5566", "#004488", "#DDAA33"


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams.update(
        {"axes.spines.top": False, "axes.spines.right": False, "font.size": 10, "savefig.dpi": 110}
    )
    import matplotlib.pyplot as plt

    return plt


def _save(figure: Any, folder: Path, colours: int = 16) -> None:
    """Write a figure with few colours: lessons are in the wheel."""
    from PIL import Image

    figure.tight_layout()
    picture = io.BytesIO()
    figure.savefig(picture)
    Image.open(picture).convert("RGB").quantize(colours).save(folder / "picture.png", optimize=True)


PICTURES: dict[str, Callable[[Path], None]] = {
    "01_derivative": derivative,
    "02_graph": graph,
    "03_vectors": vectors,
    "04_dense": dense,
    "05_softmax": softmax,
    "06_optimizers": optimizers,
    "07_overfitting": overfitting,
    "08_convolution": convolution,
    "09_attention": attention,
    "10_own_op": own_op,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", nargs="?", default="", help="a part of the lesson's folder's name")
    name = parser.parse_args().name
    for folder, write in PICTURES.items():
        if name in folder:
            write(LESSONS / folder)


if __name__ == "__main__":
    main()
