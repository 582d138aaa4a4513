"""How often the IDs and the kind that an event names are right, on the synthetic universe.

    python -m benchmarks.alarm_suspects --data-root DIR --datasets hcrl_sa,set_01,set_04

No model takes part: the windows that an episode touches are taken as those above the threshold, so
the figures are of the naming alone. The rules were made on `train` with seed 0, and one of them
(`_FLOOD_RATE`) after a look at `held-out` with seed 0: only another seed is unseen.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from can_train.alarms.sightings import sightings_of
from can_train.alarms.suspects import Suspects, suspects_of
from can_train.dataset.augment.episodes import Episode
from can_train.dataset.augment.recipe import Recipe, Universe
from can_train.dataset.augment.synthesis import SyntheticRecording, recordings
from can_train.dataset.manifest import load_manifest
from can_train.dataset.splits import open_split
from can_train.dataset.universe import SplitUniverse
from can_train.graphs.build import build_graphs
from can_train.graphs.identity import WindowSpec

SPEC: Final = WindowSpec(features="relational", window=100, stride=100)
RECORDINGS: Final = 24
RIGHT: Final = {
    "flood": "flood", "flood-known": "flood", "fuzz-new": "fuzzing", "fuzz-known": "fuzzing",
    "sweep": "fuzzing", "sweep-known": "fuzzing", "malfunction": "injection",
    "single": "injection", "targeted": "injection", "replay": "replay",
    "suppression": "suppression", "masquerade": "unknown", "late-id": "unknown",
}  # fmt: skip
"""Kind that each synthetic kind should be taken for; the last two look like none."""


def main() -> int:
    """Prints both purposes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--datasets", default="hcrl_sa,set_01,set_04")
    parser.add_argument("--seed", type=int, default=1, help="of the universe")
    args = parser.parse_args()
    for purpose in ("train", "held-out"):
        _print(
            purpose,
            [
                pair
                for dataset in args.datasets.split(",")
                for made in _made(args.data_root, dataset, purpose, args.seed)
                for pair in _named(made)
            ],
        )
    return 0


def _made(root: Path, dataset: str, purpose: str, seed: int) -> Iterator[SyntheticRecording]:
    manifest = load_manifest(root, "automotive", dataset)
    split = open_split(root, manifest, name="time", window=SPEC.window)
    folder = root / "automotive" / dataset
    of_split = SplitUniverse(
        folder=folder, manifest=manifest, split=split, size=RECORDINGS, window=SPEC.window
    )
    universe = Universe(dataset_digest=manifest.digest, seed=seed, purpose=purpose)
    sources = of_split._sources(training=purpose == "train")
    return recordings(sources, universe, Recipe.of_size(RECORDINGS))


def _named(made: SyntheticRecording) -> Iterator[tuple[Episode, set[int], Suspects]]:
    """Each episode that touches a window, the IDs of it that are there, and what is named."""
    graphs = build_graphs(made.frames, SPEC)
    found = sightings_of(graphs, np.arange(len(graphs)), SPEC)
    assert found is not None
    attack = (made.kind_of_frame[graphs.start[:, None] + np.arange(SPEC.window)] >= 0).any(axis=1)
    duration_s = graphs.duration_s.astype(np.float64)
    end_s, quiet = graphs.start_s + duration_s, np.flatnonzero(~attack)
    for episode in made.episodes:
        touched = (graphs.start_s <= episode.end_s) & (end_s >= episode.start_s)
        windows = np.flatnonzero(attack & touched)
        if len(windows):
            before = quiet[quiet < windows[0]]
            present = set(episode.ids) & set(graphs.node_id.tolist())
            yield episode, present, suspects_of(found, windows, before, duration_s)


def _print(purpose: str, named: list[tuple[Episode, set[int], Suspects]]) -> None:
    _say(f"{purpose}: {len(named)} episodes")
    _say(f"{'attack':<14}{'episodes':>9}{'named IDs':>11}{'right':>7}{'of its IDs':>12}  taken for")
    for kind in [*RIGHT, "all"]:
        part = [one for one in named if kind in ("all", one[0].kind)]
        named_ids = [(len(set(s.ids) & ids) / len(s.ids)) for _, ids, s in part if s.ids]
        recall = [len(set(s.ids) & ids) / max(len(ids), 1) for _, ids, s in part]
        taken = Counter(suspects.kind for _, _, suspects in part)
        _say(
            f"{kind:<14}{len(part):>9}{len(named_ids):>11}{np.mean(named_ids or [0]):>7.2f}"
            f"{np.mean(recall or [0]):>12.2f}  "
            + ", ".join(f"{name} {count}" for name, count in taken.most_common())
        )
    claims = Counter(s.kind for _, _, s in named)
    right = Counter(s.kind for e, _, s in named if s.kind == RIGHT[e.kind])
    _say("claims right: " + ", ".join(f"{k} {right[k]}/{n}" for k, n in claims.most_common()))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
