"""How often an injected ID is among the first three that are said to have moved a margin.

    python -m benchmarks.alarm_reasons --data-root DIR --experiment-root DIR DATASET:RUN ...

On held-out synthetic recordings, whose cars, attacks and draws no training saw; the run's own
margin. Counted are the attacks that put at least one window above the threshold. Occlusion is what
`score` and `detect` show; beside it gradient times input of the modules, and three IDs of the
window drawn at random.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.alarm_suspects import SPEC, _made
from can_train.dataset.augment.synthesis import SyntheticRecording
from can_train.detectors.base import Scores
from can_train.detectors.frame_scorer import ModuleFrameScorer
from can_train.detectors.loading import load_detector
from can_train.detectors.reasons import MOST_REASONS, Explainer, KeptWindow
from can_train.graphs.build import build_graphs
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.feed import raw_graphs

SEED: Final = 1
WAYS: Final = ("occlusion", "gradient", "at random")
Found = dict[str, bool | float]


def main() -> int:
    """Prints a line per kind of attack and dataset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--experiment-root", type=Path, required=True)
    parser.add_argument("runs", nargs="+", metavar="DATASET:RUN")
    args = parser.parse_args()
    torch.set_num_threads(1)
    everything: dict[str, list[Found]] = defaultdict(list)
    for dataset, _, run in (pair.partition(":") for pair in args.runs):
        detector = load_detector(run, experiment_root=args.experiment_root)
        if not isinstance(detector, ModuleFrameScorer):
            raise SystemExit(f"{run}: has no modules to compare with. Name a run")
        for made in _made(args.data_root, dataset, "held-out", SEED):
            for kind, found in _explained(detector, made):
                everything[kind].append(found)
    for kind in [*sorted(everything), "all that inject"]:
        _print(kind, everything)
    return 0


def _explained(
    detector: ModuleFrameScorer, made: SyntheticRecording
) -> Iterator[tuple[str, Found]]:
    """Each attack that was found: its kind, and which way names one of its IDs."""
    graphs, explainer = build_graphs(made.frames, SPEC), Explainer(detector)
    said, row = detector.score(made.frames), detector.own.spec.row
    attack = (made.kind_of_frame[graphs.start[:, None] + np.arange(SPEC.window)] >= 0).any(axis=1)
    end_s = graphs.start_s + graphs.duration_s.astype(np.float64)
    for episode in made.episodes:
        touched = (graphs.start_s <= episode.end_s) & (end_s >= episode.start_s)
        windows = np.flatnonzero(attack & touched & said.alarm[row])
        if not len(windows):
            continue
        peak = int(windows[np.argmax(said.score[row][windows])])
        rows = slice(int(graphs.start[peak]), int(graphs.start[peak]) + SPEC.window)
        kept = KeptWindow.of_packed(graphs, peak, made.frames.arbitration_id[rows])
        named = {reason.id for reason in explainer.reasons(kept)}
        pulled = _by_gradient(detector, graphs, peak)
        present = np.isin(kept.node_id, np.array(episode.ids, np.uint32))
        found: Found = {
            "occlusion": bool(named & set(episode.ids)),
            "gradient": bool(present[np.argsort(-pulled)[:MOST_REASONS]].any()),
            "at random": _by_chance(int(present.sum()), len(present)),
        }
        yield episode.kind, found


def _by_gradient(
    detector: ModuleFrameScorer, graphs: PackedGraphs, window: int
) -> NDArray[np.float32]:
    """Gradient of the margin times input, summed over the features of each node."""
    raw, seen, taken = raw_graphs(graphs, np.array([window])), dict[str, Scores](), []
    for name, module in detector.modules.items():
        if module.fuses:
            seen[name] = module.fused(seen, raw)
            continue
        scaled = module.inputs(raw)
        scaled = replace(scaled, x=scaled.x.detach().clone().requires_grad_(True))
        taken.append(scaled.x)
        seen[name] = module.scored(scaled)
    seen[detector.own.config.model].score.sum().backward()
    pulled = [(x.grad * x).detach().sum(dim=1).numpy() for x in taken if x.grad is not None]
    return np.sum(pulled, axis=0)


def _by_chance(present: int, nodes: int) -> float:
    """How often three of so many IDs, drawn at random, hold one of those present."""
    missed = 1.0
    for drawn in range(min(MOST_REASONS, nodes)):
        missed *= max(nodes - present - drawn, 0) / (nodes - drawn)
    return 1.0 - missed


def _print(kind: str, everything: dict[str, list[Found]]) -> None:
    kinds = [kind] if kind in everything else [each for each in everything if each != "suppression"]
    part = [found for each in kinds for found in everything[each]]
    shares: Sequence[str] = [f"{way} {np.mean([f[way] for f in part]):.3f}" for way in WAYS]
    sys.stdout.write(f"{kind:<18}{len(part):>5}  {'  '.join(shares)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
