"""Every scorer per scenario, file and attack kind as tables and as JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from can_train.comparison.best_expert import JUDGED, expert_margins, smallest_margin
from can_train.comparison.groups import Comparison
from can_train.comparison.scorer_columns import ALARM_COLUMNS, WINDOW_COLUMNS, FigureColumn
from can_train.comparison.scorers import (
    FIGURES,
    ScorerGroup,
    SeedFigure,
    Subject,
    scorer_groups,
)
from can_train.comparison.tables import TITLES, Table, difference_text, plain_mean
from can_train.errors import counted
from can_train.evaluation.report import NOT_AVAILABLE, RowKind

LEGEND: Final = (
    "How to read the tables by file:",
    "  *: control; +: detector of somebody else's",
    "  ±: half width of the 95 % interval over seeds; worst: of the seeds",
    f"  {NOT_AVAILABLE}: undefined, in one of the seeds at least",
    "  FA/h: benign windows above the threshold per hour of benign time",
    "  alarms/h: false events of the alarm stage per hour of benign time",
    "  (<x): the highest of the seeds' upper 95 % bounds",
    "  found: attacks found by the alarm stage, of all; delay, p95: median and 95th percentile",
    "  before %, after %: FPR before the first attack, and from 5 s after one to the next",
    "  first %, last %: recall in the first and last third of attacks of 10 s and more",
    "  attack kinds: average of the figures of the official test files of a kind; found: their sum",
    "  best: the expert with the better mean over seeds in that row and figure",
)
MARKS: Final[Mapping[RowKind, str]] = {"model": "", "other": " +", "control": " *"}
_ALL: Final = "all files"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByFile:
    """What `compare --files` adds.

    Attributes:
        tables: Of each group of runs.
        remarks: Where a fusion does worst, how to read the tables, and what is left out.
        document: The same as JSON values.
    """

    tables: tuple[Table, ...] = ()
    remarks: tuple[str, ...] = ()
    document: Mapping[str, object] = field(default_factory=dict)


def by_file(comparison: Comparison) -> ByFile:
    """Every scorer of the runs that were lined up.

    Raises:
        ArtifactError: An evaluation is damaged.
    """
    groups, notes = scorer_groups(comparison)
    verdicts = [line for group in groups for line in expert_verdicts(group)]
    return ByFile(
        tables=tuple(table for group in groups for table in scorer_tables(group)),
        remarks=(*verdicts, *(LEGEND if groups else ()), *notes),
        document={
            "files": [scorer_document(group) for group in groups],
            "files_notes": notes,
        },
    )


def scorer_tables(group: ScorerGroup) -> list[Table]:
    """Two per scenario and two of attack kinds, and the fusion against its best expert."""
    name = f"{group.dataset} / {group.model}, {group.label}, {counted(len(group.seeds), 'seed')}"
    levels = (("windows", WINDOW_COLUMNS), ("alarm stage", ALARM_COLUMNS))
    tables = [
        _table(f"{name}: {scenario}, {level}", columns, group, group.of_scenario(scenario))
        for scenario in group.scenarios
        for level, columns in levels
    ]
    if group.kinds:
        tables += [
            _table(f"{name}: attack kinds (average of files), {level}", columns, group, group.kinds)
            for level, columns in levels
        ]
    if group.experts:
        tables.append(_expert_table(name, group))
    return tables


def expert_verdicts(group: ScorerGroup) -> list[str]:
    """Where the fusion does worst against its best expert, in each judged figure."""
    margins = expert_margins(group)
    lines = []
    for figure in JUDGED if margins else ():
        smallest = smallest_margin(margins, figure)
        said = NOT_AVAILABLE
        if smallest is not None:
            where = f"{smallest.subject.scenario}, {_title(smallest.subject)}"
            said = f"{difference_text(smallest.difference)} ({smallest.expert}; {where})"
        lines.append(
            f"{group.dataset}, {group.label}: least {TITLES[figure]} of {group.own} minus best: "
            f"{said}"
        )
    return lines


def scorer_document(group: ScorerGroup) -> dict[str, object]:
    """All figures as JSON values, in full precision; null for n/a."""
    return {
        "dataset": group.dataset,
        "model": group.model,
        "label": group.label,
        "seeds": list(group.seeds),
        "runs": list(group.runs),
        "rows": [
            {
                **_place(subject),
                "scorer": scorer,
                "kind": kind,
                "figures": {f: _plain(group.over_seeds(subject, scorer, f)) for f in FIGURES},
            }
            for subject in group.subjects
            for scorer, kind in group.scorers.items()
        ],
        "minus_best_expert": [
            {
                **_place(margin.subject),
                "figure": margin.figure,
                "expert": margin.expert,
                "difference": plain_mean(margin.difference),
            }
            for margin in expert_margins(group)
        ],
    }


def _place(subject: Subject) -> dict[str, object]:
    place: dict[str, object] = {"scenario": subject.scenario, "file": subject.file}
    if subject.kind is not None:
        place |= {"attack_kind": subject.kind, "files": ["/".join(f) for f in subject.files]}
    return place


def _plain(figure: SeedFigure) -> dict[str, object]:
    return {**asdict(figure), "mean": plain_mean(figure.mean)}


def _table(
    title: str,
    columns: Sequence[FigureColumn],
    group: ScorerGroup,
    subjects: Iterable[Subject],
) -> Table:
    return Table(
        title=title,
        header=("scorer", *(column.title for column in columns)),
        rows=tuple(_rows(columns, group, subjects)),
    )


def _rows(
    columns: Sequence[FigureColumn], group: ScorerGroup, subjects: Iterable[Subject]
) -> Iterator[tuple[str, ...]]:
    for subject in subjects:
        yield (f"-- {_title(subject)}", *[""] * len(columns))
        for scorer, kind in group.scorers.items():
            cells = (column.cell(group, subject, scorer) for column in columns)
            yield (f"{scorer}{MARKS[kind]}", *cells)


def _title(subject: Subject) -> str:
    if subject.kind is None:
        return subject.file or _ALL
    return f"{subject.kind} ({counted(len(subject.files), 'file')})"


def _expert_table(name: str, group: ScorerGroup) -> Table:
    margins = {(m.subject, m.figure): m for m in expert_margins(group)}
    rows: list[tuple[str, ...]] = []
    for scenario in group.scenarios:
        rows.append((f"-- {scenario}", *[""] * (2 * len(JUDGED))))
        for subject in group.of_scenario(scenario):
            cells = [_title(subject)]
            for figure in JUDGED:
                found = margins[subject, figure]
                cells += [found.expert or NOT_AVAILABLE, difference_text(found.difference)]
            rows.append(tuple(cells))
    titles = [title for figure in JUDGED for title in ("best", TITLES[figure])]
    return Table(
        title=f"{name}: {group.own} minus best expert, paired by seed",
        header=("file", *titles),
        rows=tuple(rows),
    )
