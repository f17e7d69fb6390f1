"""A pendulum swung up by a motor too weak to lift it: gradients through a solver.

The motor's torques in the course of six seconds are the parameters. The motion is computed by 120
steps of Runge and Kutta, and its last second, which is to be a stand, differentiated through all of
them. That swinging to and fro gathers the energy is found by the gradient alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

try:
    import sheet
    from program import parse, run_program, until_stopped

    import tinygrad_np as tg
    from tinygrad_np import nn
except ImportError as error:
    sys.exit(f'{error}. In the project\'s folder, this installs it: pip install -e ".[examples]"')

GRAVITY, FRICTION, STRONGEST = 9.81, 0.1, 2.5  # torque that holds the pendulum sideways: 9.81
SECONDS, STEPS, STAND = 6.0, 120, 20  # it is to stand in the last 20 steps
TIMES = np.linspace(0, SECONDS, STEPS + 1)


def move(angle, speed, torque, tick: float):
    """A step of Runge and Kutta: angle (0: hanging) and speed under a torque."""
    slope = lambda u, v: (v, torque - FRICTION * v - GRAVITY * tg.sin(u))  # noqa: E731
    a, b = slope(angle, speed)
    c, d = slope(angle + tick / 2 * a, speed + tick / 2 * b)
    e, f = slope(angle + tick / 2 * c, speed + tick / 2 * d)
    g, h = slope(angle + tick * e, speed + tick * f)
    angle = angle + tick / 6 * (a + 2 * c + 2 * e + g)
    return angle, speed + tick / 6 * (b + 2 * d + 2 * f + h)


def swing(torques, finer: int = 1) -> list[tuple]:
    """Angle and speed at TIMES, from hanging at rest; by so many steps in between."""
    motion = [(0.0, 0.0)]
    tick = SECONDS / STEPS / finer
    for torque in torques:
        state = motion[-1]
        for _ in range(finer):
            state = move(*state, torque, tick)
        motion.append(state)
    return motion


def train(args, rng: np.random.Generator):
    """Find torques (STEPS,); returns how far it was from a stand, and all angles, by step."""
    effort = nn.Parameter(0.1 * rng.standard_normal(STEPS))
    optimizer = nn.Adam([effort], nn.CosineAnnealingLR(0.1, args.steps))

    def update():
        torques = STRONGEST * tg.tanh(effort)
        motion = swing(list(torques))  # and by how much its energy is not that of a stand:
        lacks = sum(GRAVITY * (1 + tg.cos(u)) + v**2 / 2 for u, v in motion[-STAND:]) / STAND
        jerks = (tg.diff(torques) ** 2).mean()
        optimizer.zero_grad()
        (lacks + 0.02 * jerks).backward()
        optimizer.step()
        return lacks, tg.stack([angle for angle, _ in motion[1:]])

    step = tg.compile(update) if args.compile else update
    lacking, angles = [], []
    for _ in until_stopped(args.steps):
        lacks, motion = step()
        lacking.append(lacks.item())
        angles.append([0.0, *motion.numpy()])
    return STRONGEST * np.tanh(effort.numpy()), lacking, np.array(angles)


def draw(path: Path, torques: np.ndarray, lacking, angles: np.ndarray, last: np.ndarray) -> None:
    off = f"{np.rad2deg(np.pi - abs(last[-1])):.1f}°"
    reached = {"of the torque that lifts it": f"{STRONGEST / GRAVITY:.0%}", "off in the end": off}
    subtitle = f"gradients through {STEPS} steps of a solver  ·  {len(lacking):,} of Adam"
    with sheet.page(path, "Swung up by a weak motor", subtitle, reached, (12, 7.6)) as page:
        ax = sheet.axes(page, 0.75, 1.75, 5.1, 5.1, "Its way up, from pale to dark")
        for place, (x, y) in enumerate(zip(np.sin(last), -np.cos(last))):
            style = {"color": sheet.COLOURS[0], "alpha": (0.1 + 0.9 * place / STEPS) ** 1.5}
            ax.plot([0, x], [0, y], **style, linewidth=0.9)
            ax.plot(x, y, "o", **style, markersize=9, markeredgewidth=0)
        ax.plot(x, y, "o", color=sheet.COLOURS[1], markersize=18)
        ax.set(xlim=(-1.12, 1.12), ylim=(-1.12, 1.12))
        ax.set_axis_off()

        ax = sheet.axes(page, 6.75, 1.75, 4.6, 2.6, "Its angle, while the torques are learned")
        ax.grid()
        for place, step in enumerate((0, 10, 20, 40, 80, 200)):
            style = {"color": sheet.COLOURS[0], "alpha": 0.2 + 0.1 * place, "linewidth": 1.1}
            ax.plot(TIMES, np.rad2deg(angles[min(step, len(angles) - 1)]), **style)
        ax.plot(TIMES, np.rad2deg(last), color=sheet.FRESH, linewidth=2.4)
        ax.set(xlim=(0, SECONDS), yticks=range(-180, 181, 90))

        ax = sheet.axes(page, 6.75, 5.05, 4.6, 1.8, "Torque")
        ax.grid()
        colours = np.where(torques > 0, *sheet.COLOURS[1::-1])
        ax.bar(TIMES[:-1], torques, SECONDS / STEPS, align="edge", color=colours)
        ax.set(xlim=(0, SECONDS), xlabel="seconds")


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, steps=(1500, 4))
    torques, lacking, angles = train(args, tg.manual_seed(args.seed))
    last = np.array(swing(torques, finer=10))[:, 0]
    apart = abs(angles[-1] - last).max()
    print(f"energy that a stand lacks: {lacking[0]:.2f} at first, {lacking[-1]:.3f} in the end")
    print(f"angle in the end, by steps of a tenth: {np.rad2deg(last[-1]):.1f} degrees")
    print(f"which are never more than {apart:.4f} rad away from those of the training")
    draw(args.out / "pendulum.png", torques, lacking, angles, last)
    print(f"{args.out / 'pendulum.png'}: the swing, and how it was found")


if __name__ == "__main__":
    run_program(main)
