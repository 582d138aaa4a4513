"""Everything that is on record of one run, as its report needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from can_train.config.frozen import FrozenConfig, frozen_config_of
from can_train.config.run_log import Logged, read_events
from can_train.errors import ArtifactError
from can_train.evaluation.pictures import EvaluationPictures, load_pictures
from can_train.evaluation.report import EvaluationReport, EvaluationRow, load_report
from can_train.files import read_object
from can_train.runs.events import DatasetStatistics, EpochEnded, EpochResources
from can_train.runs.layout import IDENTITY_WORDS, evaluation_path, identity_of, summary_path
from can_train.runs.state import current_status


@dataclass(frozen=True, kw_only=True, eq=False)
class RunRecords:
    """The records of one run.

    Attributes:
        run: Its folder.
        frozen: Its frozen config.
        state: How it stands.
        summary: Final figures; empty until it has finished.
        events: What it told of itself.
        evaluation: Figures on the test scenarios of the artifact that it made; None: not evaluated.
        pictures: What pictures are drawn from; None: not evaluated, or by an earlier version.
    """

    run: Path
    frozen: FrozenConfig
    state: str
    summary: Mapping[str, object]
    events: tuple[Logged, ...]
    evaluation: EvaluationReport | None
    pictures: EvaluationPictures | None

    @property
    def experiment_root(self) -> Path:
        """Where it lies now."""
        return self.run.absolute().parents[IDENTITY_WORDS]

    @cached_property
    def epochs(self) -> tuple[EpochEnded, ...]:
        """Each epoch once, by number: one after a kill may be told twice."""
        told = {e.event.epoch: e.event for e in self.events if isinstance(e.event, EpochEnded)}
        return tuple(told[number] for number in sorted(told))

    @cached_property
    def resources(self) -> tuple[EpochResources, ...]:
        """What each epoch cost."""
        told = {e.event.epoch: e.event for e in self.events if isinstance(e.event, EpochResources)}
        return tuple(told[number] for number in sorted(told))

    @cached_property
    def statistics(self) -> DatasetStatistics | None:
        """What it saw of its dataset."""
        told = [e.event for e in self.events if isinstance(e.event, DatasetStatistics)]
        return told[-1] if told else None

    @cached_property
    def scorer(self) -> str:
        """Name of its own rows in its evaluation."""
        if self.evaluation is None:
            return self.frozen.config.model
        named = [name for name, run in self.evaluation.runs.items() if run == self.run.name]
        return named[-1] if named else self.frozen.config.model

    @cached_property
    def scenarios(self) -> dict[str, list[EvaluationRow]]:
        """Rows of each scenario: all of its files together, then each file."""
        rows = () if self.evaluation is None else self.evaluation.rows
        return {name: list(found) for name, found in groupby(rows, key=lambda row: row.scenario)}

    @cached_property
    def own_rows(self) -> dict[str, EvaluationRow]:
        """Its own row of each scenario, all files together."""
        return {
            name: row
            for name, rows in self.scenarios.items()
            for row in rows
            if row.file is None and row.scorer == self.scorer
        }

    def number(self, name: str) -> float | None:
        """A number of its summary."""
        value = self.summary.get(name)
        return float(value) if isinstance(value, int | float) else None


def records_of(run: Path) -> RunRecords:
    """Reads all records of a run.

    Raises:
        ArtifactError: One of them is damaged, changed, or of another version.
    """
    status, path = current_status(run), summary_path(run)
    summary = read_object(path) if path.is_file() else {}
    evaluation = _evaluation(run, summary)
    pictures = None if evaluation is None else load_pictures(run, evaluation_path(run))
    return RunRecords(
        run=run,
        frozen=frozen_config_of(run),
        state="planned" if status is None else status.state,
        summary=summary,
        events=tuple(read_events(run)),
        evaluation=evaluation,
        pictures=pictures,
    )


def _evaluation(run: Path, summary: Mapping[str, object]) -> EvaluationReport | None:
    """The evaluation in its folder.

    Raises:
        ArtifactError: It is of another artifact than the run has.
    """
    path = evaluation_path(run)
    if not path.is_file():
        return None
    found = load_report(path)
    if not found.is_of(identity_of(run).model, str(summary.get("artifact_sha256"))):
        raise ArtifactError(
            f"{path}: of another model file than the run has. Evaluate it again: "
            f"can-train evaluate {run.name}"
        )
    return found
