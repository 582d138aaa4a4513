"""What an evaluation scores: held-out recordings and test scenarios, whole and by file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.alarms.rule import windows_apart
from can_train.dataset.windows import DatasetWindows
from can_train.evaluation.timeline import Timeline, attack_frames_between, episodes_of
from can_train.frames.store import verified_frames
from can_train.graphs.steady import SteadyClock
from can_train.graphs.store import GraphStore, open_store

logger = logging.getLogger("can_train")

HELD_OUT: Final = "held_out"
"""Scenario name of the recordings that a leave-one-out split kept out of training."""

_S_PER_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Windows [B] of one scenario, or of one file of it.

    Attributes:
        folder: Where its recordings are stored.
        store: Graphs that they are of.
        scenario: Its name.
        windows: Their indices.
        file: Name of the recording; None: all of the scenario's.
    """

    folder: Path
    store: GraphStore
    scenario: str
    windows: NDArray[np.int64]
    file: str | None = None

    @property
    def label(self) -> NDArray[np.uint8]:
        """1 for attack windows [B]."""
        return self.store.label[self.windows]

    @property
    def labels_say_nothing(self) -> bool:
        """Whether frames were suppressed in one of its recordings."""
        present = np.unique(self.store.recording[self.windows])
        return any(self.store.recordings[i].labels_say_nothing for i in present)

    @property
    def benign_hours(self) -> float:
        """Recording time behind its benign windows; overlapping frames count once."""
        benign = self.windows[self.label == 0]
        seconds = float(self.store.duration_s[benign].sum(dtype=np.float64)) * self._share
        return seconds / _S_PER_HOUR

    @property
    def _share(self) -> float:
        """Part of a window's time that the one before doesn't cover."""
        return min(1.0, self.store.spec.stride / self.store.spec.window)

    @property
    def digests(self) -> dict[str, str]:
        """Digest of the frames of each of its recordings, by `scenario/file`."""
        present = [self.store.recordings[i] for i in np.unique(self.store.recording[self.windows])]
        return {f"{self.scenario}/{recording.name}": recording.digest for recording in present}

    def files(self) -> Iterator[tuple[Place, NDArray[np.bool_]]]:
        """Each file of it, and which of its windows are that file's [B]."""
        of_window = self.store.recording[self.windows]
        for number in np.unique(of_window):
            inside = of_window == number
            name = self.store.recordings[number].name
            yield replace(self, windows=self.windows[inside], file=name), inside

    def timeline(self) -> Timeline | None:
        """Its windows and attacks by time.

        None where its windows aren't consecutive ones of a single recording, such as with
        `--windows-per-side`: an alarm stage has to see all of them.
        """
        store, windows, spec = self.store, self.windows, self.store.spec
        numbers = np.unique(store.recording[windows])
        if len(numbers) != 1 or (np.diff(store.start[windows]) != spec.stride).any():
            return None
        frames = verified_frames(self.folder, store.recordings[numbers[0]])
        # Of a clock that was set or began anew, times before and after would be mixed up.
        steady_s = SteadyClock().follow(frames.timestamp)
        attack_s = attack_frames_between(
            replace(frames, timestamp=steady_s),
            int(store.start[windows[0]]),
            int(store.start[windows[-1]]) + spec.window,
        )
        start_s = steady_s[store.start[windows]]
        return Timeline(
            start_s=start_s,
            end_s=start_s + store.duration_s[windows],
            attack=self.label == 1,
            episodes=episodes_of(attack_s, attack_s),
            apart=windows_apart(spec.window, spec.stride),
            share=self._share,
        )


def places_of(inputs: DatasetWindows) -> Iterator[Place]:
    """The held-out recordings, if any, and each test scenario of a dataset."""
    held_out = inputs.windows(HELD_OUT)
    if len(held_out):
        yield Place(folder=inputs.folder, store=inputs.store, scenario=HELD_OUT, windows=held_out)
    if not inputs.manifest.test:
        return
    store = open_store(inputs.folder, inputs.manifest.test, inputs.store.spec)
    yield from scenario_places(inputs.folder, store)


def scenario_places(folder: Path, store: GraphStore) -> Iterator[Place]:
    """Each scenario of a store of recordings to score; what is too short for it is told.

    Args:
        folder: Where the recordings are stored.
        store: Graphs of them.
    """
    for recording in store.recordings:
        if recording.frames < store.spec.window:
            logger.warning(
                "%s/%s isn't scored: its %d frames are fewer than a window of %d",
                recording.scenario,
                recording.name,
                recording.frames,
                store.spec.window,
            )
    of_window = np.array([r.scenario for r in store.recordings])[store.recording]
    for scenario in np.unique(of_window).tolist():
        yield Place(
            folder=folder,
            store=store,
            scenario=scenario,
            windows=np.flatnonzero(of_window == scenario),
        )
