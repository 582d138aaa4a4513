"""Ten simulated runs from each hand-set factor, as docs/guides/safety-factor.svg.

    python -m benchmarks.safety_factor

A simulated run takes a tenth of the device beside its batch, and its batch needs up to 5 % more or
less than was measured. The factors are those of `training/safety_factor.py`. The figure shows one
draw each; printed are that, and where the tenth runs of a thousand draws end.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from can_train.training.safety_factor import Observation, adjusted

TARGET = Path(__file__).resolve().parents[1] / "docs" / "guides" / "safety-factor.svg"
STARTS = {"set_02 to set_04": 0.35, "default": 0.50, "hcrl_sa": 0.55, "far too high": 0.80}
RUNS = 10
BESIDE = 0.10
NOISE = 0.05
DRAWS = 1000
WIDTH, HEIGHT, MARGIN = 640, 320, 48
COLOURS = ("#1b6ca8", "#c2571a", "#3a7d44", "#7b3f98")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One simulated run: its factor, its peak share, and whether memory ran out."""

    factor: float
    peak: float

    @property
    def out_of_memory(self) -> bool:
        return self.peak > 1


def simulated(start: float, seed: int) -> list[Run]:
    """Ten runs on one device, each with the factor that those before it taught."""
    draws, factor, runs = random.Random(seed), start, []
    for _ in range(RUNS):
        peak = BESIDE + (1 - BESIDE) * factor * (1 + draws.uniform(-NOISE, NOISE))
        runs.append(Run(factor=factor, peak=peak))
        outcome = Observation(outcome="out of memory" if peak > 1 else "finished", peak_share=peak)
        factor = adjusted(factor, outcome, distils=False)
    return runs


def spread(start: float) -> str:
    """Where the tenth runs of many draws end, and how many of these ran out of memory after five.

    Of the peak shares the 5th, 50th and 95th percentile.
    """
    drawn = [simulated(start, seed) for seed in range(DRAWS)]
    peaks = sorted(runs[-1].peak for runs in drawn)
    low, middle, high = (f"{100 * peaks[DRAWS * k // 100]:.0f}" for k in (5, 50, 95))
    short = sum(any(run.out_of_memory for run in runs[5:]) for runs in drawn)
    return f"{low} to {high} %, half above {middle} %, {short} short of memory"


def plot() -> str:
    """Peak shares over the runs, as SVG."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<rect x="{MARGIN}" y="{_y(0.8):.1f}" width="{WIDTH - 2 * MARGIN}" '
        f'height="{_y(0.7) - _y(0.8):.1f}" fill="#e4efe4"/>',
    ]
    for share in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        y = _y(share)
        lines.append(
            f'<line x1="{MARGIN}" y1="{y:.1f}" x2="{WIDTH - MARGIN}" y2="{y:.1f}" stroke="#ccc"/>'
            f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>'
        )
    for run in range(RUNS):
        lines.append(f'<text x="{_x(run):.1f}" y="{HEIGHT - 24}" text-anchor="middle">'
                     f"{run + 1}</text>")  # fmt: skip
    lines.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
                 "run, and its peak share of the memory</text>")  # fmt: skip
    for number, (name, start) in enumerate(STARTS.items()):
        lines += _curve(name, simulated(start, number), COLOURS[number], number)
    return "\n".join([*lines, "</svg>", ""])


def _curve(name: str, runs: list[Run], colour: str, number: int) -> list[str]:
    points = " ".join(f"{_x(n):.1f},{_y(run.peak):.1f}" for n, run in enumerate(runs))
    title = f"{name} ({runs[0].factor:.2f})"
    return [
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
        f'<text x="{MARGIN + 8 + 140 * number}" y="{MARGIN - 24}" fill="{colour}">{title}</text>',
    ]


def _x(run: int) -> float:
    return MARGIN + run * (WIDTH - 2 * MARGIN) / (RUNS - 1)


def _y(share: float) -> float:
    return HEIGHT - MARGIN - (share - 0.35) / 0.65 * (HEIGHT - 2 * MARGIN)


if __name__ == "__main__":
    TARGET.write_text(plot(), encoding="utf-8")
    for name, start in STARTS.items():
        shares = ", ".join(f"{run.peak:.2f}" for run in simulated(start, list(STARTS).index(name)))
        print(f"{name}: {shares}; {DRAWS:,} draws: {spread(start)}")
