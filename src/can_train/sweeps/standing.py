"""How the combinations of a sweep stand, from how their runs do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from can_train.jobs.board import Board, Row, board_of, state_of
from can_train.pipeline.stored import StoredStage, load_plan, single
from can_train.runs.layout import is_plan, plan_dir
from can_train.runs.state import PRUNED
from can_train.sweeps.manifest import ConfigRecord, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """One combination and its runs.

    Attributes:
        config: The combination.
        rows: How its runs stand, in the order of its stages.
    """

    config: ConfigRecord
    rows: tuple[Row, ...]

    @property
    def state(self) -> str:
        """That of a plan with these runs, or that a search gave it up."""
        return state_shown(self.last) if is_pruned(self.last) else state_of(self.rows)

    @property
    def last(self) -> Row:
        """The run that it is judged by."""
        return self.rows[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepBoard:
    """A sweep at one moment.

    Attributes:
        manifest: Its record.
        combinations: How each stands.
        board: Its runs, each once, and what is wrong with what executors say.
    """

    manifest: Manifest
    combinations: tuple[Combination, ...]
    board: Board

    @property
    def state(self) -> str:
        """That of a plan with all of its runs; a search that isn't through waits to go on."""
        state = state_of([row for row in self.board.rows if not is_pruned(row)])
        missing = len(self.combinations) < self.manifest.total_combinations
        return "planned" if missing and state == "finished" else state

    @property
    def done(self) -> int:
        """How many combinations have finished, or were given up by a search."""
        return sum(item.state in {"finished", PRUNED} for item in self.combinations)

    @property
    def counts(self) -> str:
        """How many combinations are in each state, in words."""
        found = Counter(item.state for item in self.combinations)
        return ", ".join(f"{count} {state}" for state, count in found.items())


def is_pruned(row: Row) -> bool:
    """Whether a search gave the run up."""
    return row.state == "cancelled" and row.reason.startswith(PRUNED)


def state_shown(row: Row) -> str:
    """State of a run, or that a search gave it up."""
    return PRUNED if is_pruned(row) else row.state


def stages_of_sweep(experiment_root: Path, manifest: Manifest) -> tuple[StoredStage, ...]:
    """Its runs, each once; those of a sweep that was killed before its plan was written, too.

    Raises:
        ArtifactError: The record of its plan is damaged.
    """
    folder = plan_dir(experiment_root, manifest.sweep_id)
    if is_plan(folder):
        return load_plan(experiment_root, folder).stages
    runs = dict.fromkeys(run.run_dir for config in manifest.configs for run in config.runs)
    alone = [single(experiment_root / run) for run in runs]
    return tuple(
        replace(stage, job=replace(stage.job, number=number))
        for number, stage in enumerate(alone, start=1)
    )


def sweep_board(experiment_root: Path, manifest: Manifest) -> SweepBoard:
    """How a sweep stands; each executor is asked once.

    Raises:
        ArtifactError: The record of its plan is damaged.
    """
    board = board_of([stage.job for stage in stages_of_sweep(experiment_root, manifest)])
    return standing(experiment_root, manifest, board)


def standing(experiment_root: Path, manifest: Manifest, board: Board) -> SweepBoard:
    """The same from rows that are known, among others."""
    rows = {row.job.run_dir: row for row in board.rows}
    return SweepBoard(
        manifest=manifest,
        combinations=tuple(_standing(experiment_root, c, rows) for c in manifest.configs),
        board=replace(board, rows=_own(experiment_root, manifest, rows)),
    )


def _own(experiment_root: Path, manifest: Manifest, rows: dict[Path, Row]) -> tuple[Row, ...]:
    runs = dict.fromkeys(run.run_dir for config in manifest.configs for run in config.runs)
    return tuple(rows[experiment_root / run] for run in runs if experiment_root / run in rows)


def _standing(experiment_root: Path, config: ConfigRecord, rows: dict[Path, Row]) -> Combination:
    mine = (rows.get(experiment_root / run.run_dir) for run in config.runs)
    return Combination(config=config, rows=tuple(row for row in mine if row is not None))


def numbers_in(board: SweepBoard, states: Sequence[str]) -> frozenset[int]:
    """Numbers of the runs in one of these states."""
    return frozenset(row.job.number for row in board.board.rows if row.state in states)
