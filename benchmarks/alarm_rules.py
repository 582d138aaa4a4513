"""Which alarm rule: k of n windows or CUSUM, for a false-alarm budget per hour, on folds.

    python -m benchmarks.alarm_rules --data-root DIR --experiment-root DIR RUN ...

A RUN is a finished one of a `leave-vehicle-out` or `leave-attack-out` split that was trained with
synthetic recordings. Scored are the recordings that the split held out and the synthetic ones that
choose epochs, never an official test; the figures of several runs are pooled. First every rule at
the run's stored threshold; then at one that is too low, as it may be on a car nobody trained on;
then each at the lowest threshold that keeps it within the budget: a rule that needs more windows
affords a lower one. These thresholds are shares of the run's benign windows here, so all rules have
the same advantage. Times are those of windows.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from can_train.alarms.rule import AlarmRule, windows_apart
from can_train.dataset.manifest import DatasetRef
from can_train.dataset.splits import UNUSED
from can_train.dataset.windows import DatasetWindows, open_windows
from can_train.evaluation.alarms import AlarmMetrics, alarm_metrics, count_fired
from can_train.evaluation.experts import load_experts, score_by_experts
from can_train.evaluation.timeline import Timeline, episodes_of
from can_train.runs.find import find_run

Fires = Callable[[NDArray[np.bool_]], NDArray[np.bool_]]

K_OF_N: Final = ((1, 1), (2, 2), (2, 3), (2, 5), (2, 10), (3, 3), (3, 5), (3, 10), (3, 20),
                 (4, 10), (5, 10), (5, 20))  # fmt: skip
CUSUM: Final = ((0.25, 2.0), (0.5, 2.0), (0.5, 4.0), (1.0, 2.0), (1.0, 4.0))
"""Drift and limit; a window above the threshold adds 2, every window takes the drift away."""

SIDES: Final = ("held_out", "synthetic_validation")
BUDGET_PER_HOUR: Final = 10.0
TOO_LOW: Final = 0.02
"""Benign windows above a threshold that doesn't fit the car."""

SHARES: Final = (0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0)
"""Of benign windows that may be above a threshold, tried from the first on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """One recording.

    Attributes:
        timeline: Its windows and attacks.
        score: Of each window [B].
        above: Whether it is above the stored threshold [B].
        benign_share: Of the run's benign windows, those with at least this score [B].
    """

    timeline: Timeline
    score: NDArray[np.float64]
    above: NDArray[np.bool_]
    benign_share: NDArray[np.float64]


def main() -> int:
    """Prints the three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="finished runs of folds")
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--experiment-root", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=BUDGET_PER_HOUR, help="false alarms/hour")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    scored: list[Scored] = []
    for name in args.runs:
        scored += _ranked(list(_scored(find_run(args.experiment_root, name), args.data_root)))
    hours = sum(each.timeline.quiet_s for each in scored) / 3600
    _say(f"{len(scored)} recordings, {hours * 60:.1f} benign minutes")
    _say("at the stored threshold")
    stored = [each.above for each in scored]
    _table({name: (alarms(scored, stored, fires), "") for name, fires in rules().items()})
    _say(f"at a threshold that {TOO_LOW:.0%} of the benign windows exceed")
    low = [each.benign_share <= TOO_LOW for each in scored]
    _table({name: (alarms(scored, low, fires), "") for name, fires in rules().items()})
    _say(f"at most {args.budget:g} false alarms per hour")
    _table({n: within_budget(scored, fires, args.budget) for n, fires in rules().items()})
    return 0


def rules() -> Mapping[str, Fires]:
    """Every candidate by its name."""
    counted = {f"{k} of {n}": AlarmRule(k=k, n=n).fires for k, n in K_OF_N}
    summed = {
        f"CUSUM {drift:g}, {limit:g}": partial(cusum, drift=drift, limit=limit)
        for drift, limit in CUSUM
    }
    return {**counted, **summed}


def cusum(above: NDArray[np.bool_], drift: float, limit: float) -> NDArray[np.bool_]:
    """Where a cumulative sum (Page, Continuous inspection schemes, Biometrika 41, 1954) alarms.

    S = min(limit, max(0, S + 2 * above - drift)), alarm at S = limit. Without the cap it would
    take minutes to forget a flood.
    """
    fired = np.zeros(len(above), np.bool_)
    total = 0.0
    for i, step in enumerate((2.0 * above - drift).tolist()):
        total = min(limit, max(0.0, total + step))
        fired[i] = total >= limit
    return fired


def alarms(
    scored: Sequence[Scored], above: Sequence[NDArray[np.bool_]], fires: Fires
) -> AlarmMetrics:
    """Figures of a rule over all recordings."""
    return alarm_metrics(
        [
            count_fired(each.timeline, hot, fires(hot) & hot)
            for each, hot in zip(scored, above, strict=True)
        ]
    )


def within_budget(
    scored: Sequence[Scored], fires: Fires, budget: float
) -> tuple[AlarmMetrics, str]:
    """Figures at the lowest threshold that keeps the budget, and what that threshold is."""
    for share in SHARES:
        above = [each.benign_share <= share for each in scored]
        metrics = alarms(scored, above, fires)
        if (metrics.alarms_per_hour or 0.0) <= budget:
            return metrics, f"{share:g}"
    return metrics, "never"


def _scored(run: Path, data_root: Path) -> Iterator[Scored]:
    """Every window of the recordings of the sides."""
    experts = load_experts(run)
    config = experts.frozen.config
    ref = DatasetRef(modality=config.modality, dataset=config.dataset)
    inputs = open_windows(data_root, ref, config.data)
    row = experts.own.spec.row
    for number in np.unique(inputs.store.recording[inputs.windows(*SIDES)]):
        windows = np.flatnonzero(inputs.store.recording == number)
        score = score_by_experts(experts, inputs.store, windows).by_scorer[row]
        yield Scored(
            timeline=_timeline(inputs, windows),
            score=score,
            above=score > experts.thresholds[row].value,
            benign_share=np.ones(len(score)),
        )


def _ranked(scored: Sequence[Scored]) -> list[Scored]:
    """The recordings of one run with each window's rank among the benign ones."""
    benign = np.sort(np.concatenate([each.score[each.timeline.quiet] for each in scored]))
    return [
        replace(each, benign_share=1.0 - np.searchsorted(benign, each.score) / len(benign))
        for each in scored
    ]


def _timeline(inputs: DatasetWindows, windows: NDArray[np.int64]) -> Timeline:
    store = inputs.store
    start_s = np.asarray(store.start_s[windows], np.float64)
    end_s = start_s + store.duration_s[windows]
    attack = store.label[windows] == 1
    return Timeline(
        start_s=start_s,
        end_s=end_s,
        attack=attack,
        episodes=episodes_of(start_s[attack], end_s[attack]),
        apart=windows_apart(store.spec.window, store.spec.stride),
        share=min(1.0, store.spec.stride / store.spec.window),
        # Suppressed frames leave no label: such windows of made recordings are UNUSED.
        unjudged=store.marks[windows] == UNUSED,
    )


def _table(found: Mapping[str, tuple[AlarmMetrics, str]]) -> None:
    _say(f"{'rule':<16}{'found':>8}{'noticed':>9}{'delay s (p95)':>15}"
         f"{'alarms/h (95 %)':>18}  benign share")  # fmt: skip
    for name, (metrics, share) in found.items():
        middle, high = metrics.delay_median_s or 0.0, metrics.delay_p95_s or 0.0
        per_hour, upper = metrics.alarms_per_hour or 0.0, metrics.alarms_per_hour_upper or 0.0
        _say(
            f"{name:<16}{f'{metrics.found_by_alarm}/{metrics.episodes}':>8}"
            f"{f'{metrics.found_by_notice}/{metrics.episodes}':>9}"
            f"{f'{middle:.2f} ({high:.2f})':>15}{f'{per_hour:,.1f} (<{upper:,.1f})':>18}  {share}"
        )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
