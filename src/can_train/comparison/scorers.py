"""Every scorer of groups of evaluated runs: per scenario, file and attack kind, over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from can_train.comparison.groups import OFFICIAL, Comparison, Group
from can_train.comparison.intervals import SeedMean, over_seeds
from can_train.comparison.runs import reports_of
from can_train.config.spec import spec_of, specs
from can_train.dataset.discovery import attack_kind_of
from can_train.evaluation.alarms import ALARM_METRIC_NAMES
from can_train.evaluation.metrics import METRIC_NAMES
from can_train.evaluation.report import EvaluationReport, EvaluationRow, RowKind

FIGURES: Final = (*METRIC_NAMES, *ALARM_METRIC_NAMES)
"""Of a row: those of its windows, then those with the alarm stage on."""

TOTALS: Final = ("windows", "attacks", "episodes", "found_by_alarm", "found_by_notice")
"""Counts: the files of an attack kind are added up, not averaged."""

BOUNDS: Final = tuple(name for name in FIGURES if name.endswith("_upper"))
"""Upper bounds: an average of them bounds nothing."""

LOW_IS_GOOD: Final = tuple(
    name
    for name in FIGURES
    if name.startswith(("fpr", "false_alarms", "delay", "alarms_per", "notices_per"))
)

NO_ATTACK: Final = "none"
"""Kind of files in which nothing is labelled."""

_Key = tuple[str, str | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a row of figures is about.

    Attributes:
        files: Its files as (scenario, name); empty for all of a scenario together.
        scenario: Its scenario; None for an attack kind, whose files lie in several.
        kind: Attack kind, whose figures are the average of its files'; None for all others.
    """

    files: tuple[tuple[str, str], ...] = ()
    scenario: str | None = None
    kind: str | None = None

    @property
    def file(self) -> str | None:
        """Name of its recording; None unless it is a single one."""
        return self.files[0][1] if self.files and self.kind is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedFigure:
    """One figure over seeds.

    Attributes:
        values: One per seed; None where it isn't defined.
        mean: With its interval; None where one value is.
        worst: The worst of the values; None where the mean is.
        worst_seed: Its seed.
    """

    values: tuple[float | None, ...]
    mean: SeedMean | None
    worst: float | None
    worst_seed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerGroup:
    """The evaluations of one group of runs.

    Attributes:
        dataset, model, label: Which group.
        seeds, runs: Of its runs that have an evaluation of their own.
        scorers: Kind of each scorer by name, models first.
        subjects: Scenarios, each followed by its files, then attack kinds.
        own: Scorer of the group's model.
        experts: Scorers that a fusion is made of; empty for others.
        figures: Of each seed, by (scenario, file, scorer).
    """

    dataset: str
    model: str
    label: str
    seeds: tuple[int, ...]
    runs: tuple[str, ...]
    scorers: Mapping[str, RowKind]
    subjects: tuple[Subject, ...]
    own: str
    experts: tuple[str, ...]
    figures: tuple[Mapping[_Key, Mapping[str, float | None]], ...]

    @property
    def scenarios(self) -> tuple[str, ...]:
        """In their order."""
        return tuple(s.scenario for s in self.subjects if s.scenario and not s.files)

    @property
    def kinds(self) -> tuple[Subject, ...]:
        """One for each attack kind."""
        return tuple(subject for subject in self.subjects if subject.kind is not None)

    def of_scenario(self, scenario: str) -> tuple[Subject, ...]:
        """All of its files together, then each."""
        return tuple(s for s in self.subjects if s.scenario == scenario)

    def over_seeds(self, subject: Subject, scorer: str, figure: str) -> SeedFigure:
        """One of `FIGURES` over seeds."""
        values = self.values(subject, scorer, figure)
        mean = over_seeds(values)
        if mean is None:
            return SeedFigure(values=values, mean=None, worst=None, worst_seed=None)
        order = max if figure in LOW_IS_GOOD else min
        worst, seed = order(
            ((v, s) for v, s in zip(values, self.seeds, strict=True) if v is not None),
            key=lambda pair: pair[0],
        )
        return SeedFigure(values=values, mean=mean, worst=worst, worst_seed=seed)

    def values(self, subject: Subject, scorer: str, figure: str) -> tuple[float | None, ...]:
        """The figure of each seed."""
        if subject.kind is None:
            key = (subject.scenario or "", subject.file, scorer)
            return tuple(self._value(seed, key, figure) for seed in range(len(self.seeds)))
        keys = [(*file, scorer) for file in subject.files if self._is_defined(file, figure)]
        return tuple(self._average(seed, keys, figure) for seed in range(len(self.seeds)))

    def _value(self, seed: int, key: _Key, figure: str) -> float | None:
        return self.figures[seed].get(key, {}).get(figure)

    def _average(self, seed: int, keys: Sequence[_Key], figure: str) -> float | None:
        """Over files; None where one lacks the figure: without it they would be another sample."""
        found = [self._value(seed, key, figure) for key in keys]
        known = [value for value in found if value is not None]
        if not known or len(known) < len(found) or figure in BOUNDS:
            return None
        total = math.fsum(known)
        return total if figure in TOTALS else total / len(known)

    def _is_defined(self, file: tuple[str, str], figure: str) -> bool:
        """Whether any scorer has it: a file without long episodes has no thirds, say."""
        return any(
            self._value(seed, (*file, scorer), figure) is not None
            for seed in range(len(self.seeds))
            for scorer in self.scorers
        )


def scorer_groups(comparison: Comparison) -> tuple[list[ScorerGroup], list[str]]:
    """The groups whose runs have evaluations of their own, and what is said about the others.

    Raises:
        ArtifactError: An evaluation is damaged.
    """
    groups, notes = [], []
    for section in comparison.sections:
        for group in section.groups:
            name = f"{section.dataset} {section.model}, {group.label}"
            reports = reports_of([run.folder for run in group.runs])
            lacking = [run for run in group.runs if run.folder not in reports]
            if not reports:
                notes.append(
                    f"{name}: no tables by file of its own; its rows stand in the evaluations of "
                    "the runs that were built on it"
                )
                continue
            if lacking:
                again = "; ".join(f"can-train evaluate {run.run_id}" for run in lacking)
                notes.append(
                    f"{name}: the tables by file lack the seeds "
                    f"{', '.join(str(run.config.seed) for run in lacking)}, whose runs have no "
                    f"evaluation of their own. Use: {again}"
                )
            groups.append(_group(group, [reports.get(run.folder) for run in group.runs]))
    return groups, notes


def _group(group: Group, found: Sequence[EvaluationReport | None]) -> ScorerGroup:
    pairs = [(r, report) for r, report in zip(group.runs, found, strict=True) if report is not None]
    config = pairs[0][0].config
    rows = [row for _, report in pairs for row in report.rows]
    return ScorerGroup(
        dataset=config.dataset,
        model=config.model,
        label=group.label,
        seeds=tuple(run.config.seed for run, _ in pairs),
        runs=tuple(run.run_id for run, _ in pairs),
        scorers=_in_order({row.scorer: row.kind for row in rows}),
        subjects=(*_places(rows), *_kinds(rows)),
        own=spec_of(config.model).row,
        experts=(
            tuple(spec_of(name).row for name in config.experts)
            if config.training_strategy == "fusion"
            else ()
        ),
        figures=tuple(
            {(row.scenario, row.file, row.scorer): _figures(row) for row in report.rows}
            for _, report in pairs
        ),
    )


def _in_order(scorers: Mapping[str, RowKind]) -> dict[str, RowKind]:
    """Detectors, what else runs trained (a profile of the vehicle), those of others, controls."""
    detectors = [spec.row for spec in specs().values()]
    models = [name for name, kind in scorers.items() if kind == "model"]
    models.sort(key=lambda name: detectors.index(name) if name in detectors else len(detectors))
    beside = sorted((n for n in scorers if n not in models), key=lambda n: scorers[n] == "control")
    return {name: scorers[name] for name in (*models, *beside)}


def _figures(row: EvaluationRow) -> dict[str, float | None]:
    windows = asdict(row.metrics) if row.metrics else {}
    return windows | (asdict(row.alarms) if row.alarms else {})


def _places(rows: Sequence[EvaluationRow]) -> list[Subject]:
    """Each scenario, then its files."""
    found = []
    for scenario in sorted({row.scenario for row in rows}):
        files = {row.file: None for row in rows if row.scenario == scenario and row.file}
        found.append(Subject(scenario=scenario))
        found += [Subject(scenario=scenario, files=((scenario, file),)) for file in files]
    return found


def _kinds(rows: Sequence[EvaluationRow]) -> list[Subject]:
    """Each attack kind with the official test files of it."""
    files: dict[str, dict[tuple[str, str], None]] = {}
    for row in rows:
        if row.file and row.metrics and row.scenario.startswith(OFFICIAL):
            # Labels that say nothing leave the rate undefined: such a file is what its name says.
            benign = not row.metrics.attacks and row.metrics.fpr is not None
            kind = NO_ATTACK if benign else attack_kind_of(row.file)
            files.setdefault(kind, {})[row.scenario, row.file] = None
    return [Subject(kind=kind, files=tuple(files[kind])) for kind in sorted(files)]
