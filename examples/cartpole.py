"""A pole on a cart, balanced by a network that learned by trying: policy gradient.

The cart is pushed left or right fifty times a second, and the pole must not fall (Barto, Sutton and
Anderson, 1983). The network says how probable a push to the right is. Pushes after which the pole
stood longer than usual become more probable, the others less (Williams, 1992).
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

GRAVITY, CART, POLE, HALF, FORCE, TICK = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02  # kg, m, N, s
EDGE, LEAN, LONGEST = 2.4, np.deg2rad(12), 500  # an episode's ends: place, angle, ticks


def slopes(state: np.ndarray, force: np.ndarray) -> np.ndarray:
    """The derivative by time of states (n, 4): place, speed, angle from upright, its speed."""
    _, speed, angle, turning = state.T
    push = (force + POLE * HALF * turning**2 * np.sin(angle)) / (CART + POLE)
    inertia = HALF * (4 / 3 - POLE * np.cos(angle) ** 2 / (CART + POLE))
    pole = (GRAVITY * np.sin(angle) - np.cos(angle) * push) / inertia
    cart = push - POLE * HALF * pole * np.cos(angle) / (CART + POLE)
    return np.stack([speed, cart, turning, pole], axis=1)


def play(policy: nn.Module, count: int, rng: np.random.Generator, lean=0.0):
    """Episodes from near rest, or from leans (count,): states (ticks, count, 4) and pushes.

    A push is 1 to the right, 0 to the left, and -1 when the episode has ended.
    """
    state = rng.uniform(-0.05, 0.05, (count, 4)).astype(np.float32)
    state[:, 2] += lean
    alive, states, pushes = np.ones(count, bool), [], []
    while alive.any() and len(states) < LONGEST:
        right = rng.uniform(size=count) < tg.sigmoid(policy.predict(state)[:, 0])
        states.append(state)
        pushes.append(np.where(alive, right, -1))
        state = state + TICK * slopes(state, np.where(right, FORCE, -FORCE)).astype(np.float32)
        alive = alive & (abs(state[:, 0]) < EDGE) & (abs(state[:, 2]) < LEAN)
    return np.stack(states), np.stack(pushes)


def advantages(alive: np.ndarray) -> np.ndarray:
    """How much longer than usual the pole stood after each push; far ticks count less."""
    later = np.zeros((len(alive) + 1, alive.shape[1]), np.float32)
    for tick in reversed(range(len(alive))):
        later[tick] = alive[tick] * (1 + 0.99 * later[tick + 1])
    usual = later[:-1].sum(axis=1) / alive.sum(axis=1)
    surplus = (later[:-1] - usual[:, None])[alive]
    return surplus / (surplus.std() + 1e-6)


def train(policy: nn.Module, rounds: int, rng: np.random.Generator) -> np.ndarray:
    """Learn from 32 episodes a round; returns their lengths (rounds, 32)."""
    optimizer, lengths = nn.Adam(policy.parameters(), 0.02), []
    for _ in until_stopped(rounds, "round"):
        states, pushes = play(policy, 32, rng)
        alive = pushes >= 0
        lengths.append(alive.sum(axis=0))
        score, right = policy(states[alive])[:, 0], pushes[alive].astype(np.float32)
        surprise = nn.binary_cross_entropy_with_logits(score, right, reduction="none")
        optimizer.zero_grad()
        (advantages(alive) * surprise).mean().backward()
        optimizer.step()
    return np.array(lengths)


def draw(path: Path, lengths: np.ndarray, games: dict[str, tuple], mean: float) -> None:
    reached = {"ticks at first": f"{lengths[0].mean():.0f}", "of 500 in the end": f"{mean:.0f}"}
    subtitle = f"policy gradient, 4 → 32 tanh → 1  ·  {lengths.size:,} episodes"
    with sheet.page(path, "Balanced by trying", subtitle, reached, (12, 7.3)) as page:
        for top, (title, (states, pushes)) in zip((1.75, 3.35), games.items()):
            ax = sheet.axes(page, 0.75, top, 10.6, 1.0, title)
            start = 0
            for game in range(0, 100, 8):  # beside each other
                for tick in range(0, (pushes[:, game] >= 0).sum(), 2):
                    lean, foot = states[tick, game, 2], start + tick
                    head = foot + 400 / 10.6 * np.sin(lean)  # 400 ticks are 10.6 inches
                    colour = sheet.COLOURS[pushes[tick, game]]
                    ax.plot([foot, head], [0, np.cos(lean)], color=colour)
                start += tick + 20
            ax.set(xlim=(-10, 390), ylim=(0, 1), xticks=[], yticks=[])
        ax = sheet.axes(page, 0.75, 4.95, 10.6, 1.7, "Ticks that the pole stood")
        ax.grid()
        ax.plot(lengths, ".", color=sheet.COLOURS[0], alpha=0.3, markersize=5)
        ax.plot(lengths.mean(axis=1), color=sheet.FRESH, linewidth=2)
        sheet.legend(ax, ax.lines[-2:], ["episode", "mean of a round"], 1.6)
        sheet.count_steps(ax, len(lengths) - 1)
        ax.set(xlabel="round", ylim=(0, 1.05 * LONGEST))


def main(argv: list[str] | None = None) -> None:
    args = parse(argv, __doc__, rounds=(80, 2))
    rng = tg.manual_seed(args.seed)
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
    leans = np.deg2rad(np.linspace(8, -8, 100))
    games = {"Untrained: tries beside each other": play(policy, 100, rng, leans)}
    lengths = train(policy, args.rounds, rng)
    fresh = (play(policy, 100, rng)[1] >= 0).sum(axis=0)
    print(f"the pole stands for {lengths[0].mean():.0f} ticks; after {lengths.size:,} episodes")
    print(f"for {fresh.mean():.1f} of {LONGEST} in 100 fresh ones, {fresh.min()} in the worst")
    games["Trained, one try: blue pushes left, gold right"] = play(policy, 100, rng, leans)
    draw(args.out / "cartpole.png", lengths, games, fresh.mean())
    print(f"{args.out / 'cartpole.png'}: before and after, and how it learned")


if __name__ == "__main__":
    run_program(main)
