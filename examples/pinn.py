"""A network that solves a differential equation: it is told the law, and never sees a solution.

A damped pendulum, u″ = -u′/2 - 9.81·sin(u), let go at 115°. The network's own first and second
derivatives by time are put into the equation, and what is left of it is made small: first at the
start, and later on once it is small before (Wang et al., 2022).
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

START, DAMPING, GRAVITY, SECONDS = 2.0, 0.5, 9.81, 3.0
TIMES = np.linspace(0, SECONDS, 100)


def solution(model: nn.Module, t):
    """The angle at times (n, 1): it starts at START with speed 0, whatever the network says."""
    return START + t**2 * model(t)


def residual(model: nn.Module, t: tg.Tensor):
    """What is left of the equation at times (n, 1)."""
    speed = tg.grad(lambda t: solution(model, t).sum())
    acceleration = tg.grad(lambda t: speed(t).sum())
    return acceleration(t) + DAMPING * speed(t) + GRAVITY * tg.sin(solution(model, t))


def truth() -> np.ndarray:
    """The angles at TIMES, by ten steps of Runge and Kutta in between."""
    slope = lambda s: np.array([s[1], -DAMPING * s[1] - GRAVITY * np.sin(s[0])])  # noqa: E731
    h, states = TIMES[1] / 10, [np.array([START, 0.0])]
    for _ in range(10 * (len(TIMES) - 1)):
        state = states[-1]
        a = slope(state)
        b = slope(state + h / 2 * a)
        c = slope(state + h / 2 * b)
        states.append(state + h / 6 * (a + 2 * b + 2 * c + slope(state + h * c)))
    return np.array(states)[::10, 0]


def train(model: nn.Module, args) -> tuple[list[float], dict[int, np.ndarray]]:
    """Train; returns what is left of the equation, and the solution after some steps."""
    optimizer = nn.Adam(model.parameters(), nn.InverseTimeDecay(5e-3, 1e-3))
    times = tg.Tensor(TIMES[:, None], dtype=np.float32)

    def update() -> tg.Tensor:
        squares = residual(model, times) ** 2
        before = tg.cumsum(squares.detach(), axis=0) - squares.detach()
        loss = (tg.exp(-before * TIMES[1].item()) * squares).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return squares.mean()

    step = tg.compile(update) if args.compile else update
    left, solutions = [], {}
    for count in until_stopped(args.steps):
        left.append(step().item())
        if count in {1, 300, 1000}:
            solutions[count] = solution(model, times).numpy()[:, 0]
    solutions[len(left)] = solution(model, times).numpy()[:, 0]
    return left, solutions


def draw(path: Path, left: list[float], solutions: dict[int, np.ndarray]) -> None:
    *_, last = solutions.values()
    error = abs(last - truth()).max()
    subtitle = f"u″ = -u′/2 - 9.81 sin u, by a network 1 → 48 → 48 → 1  ·  {len(left):,} steps"
    reached = {"rad, the largest error": f"{error:.3f}"}
    with sheet.page(path, "Told the law alone", subtitle, reached, (12, 6.2)) as page:
        ax = sheet.axes(page, 0.75, 1.75, 6.6, 3.8, "The angle of a pendulum")
        ax.grid()
        (right,) = ax.plot(TIMES, truth(), color=sheet.COLOURS[1], alpha=0.55, linewidth=9)
        for place, (step, angles) in enumerate(solutions.items()):
            alpha = 0.25 + 0.75 * (place + 1) / len(solutions)
            (line,) = ax.plot(TIMES, angles, color=sheet.COLOURS[0], alpha=alpha, linewidth=1.3)
            if step < len(left):
                ax.text(1.01 * SECONDS, angles[-1], f"{step:,}", color=sheet.GREY, va="center")
        line.set_linewidth(2.2)
        sheet.legend(ax, [right, line], ["Runge-Kutta", "after 1, 300, … steps"], 1.6)
        ax.set(xlim=(0, SECONDS), ylim=(-2.3, 2.3), xlabel="seconds", ylabel="rad")

        ax = sheet.axes(page, 8.5, 1.75, 3.0, 3.8, "Left of the equation")
        ax.grid()
        ax.semilogy(left, color=sheet.INK, linewidth=0.8)
        sheet.count_steps(ax, len(left) - 1)
        ax.set_xlabel("step")


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, steps=(8000, 20))
    tg.manual_seed(args.seed)
    layers = [nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1)]
    left, solutions = train(nn.Sequential(*layers), args)
    print(f"left of the equation: {left[0]:.3g} at first, {left[-1]:.3g} in the end")
    draw(args.out / "pinn.png", left, solutions)
    print(f"{args.out / 'pinn.png'}: the solution, and how it was found")


if __name__ == "__main__":
    run_program(main)
