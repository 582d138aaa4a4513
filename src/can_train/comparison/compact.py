"""Runs side by side on one screen: per scenario each group and the best control."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from can_train.comparison.groups import Group, Section
from can_train.comparison.intervals import SeedMean, over_seeds
from can_train.errors import counted
from can_train.evaluation.compact import (
    FIGURES,
    blank_row,
    is_blank,
    per_hour_text,
    rate_text,
    scenario_remarks,
    share_text,
)
from can_train.evaluation.judgement import Judged, best_control, fault
from can_train.evaluation.metrics import WindowMetrics
from can_train.evaluation.report import RowKind, shown_name
from can_train.tables import TableColumn, TableRow

COLUMNS: Final = (TableColumn(title="scenario, model"), *FIGURES)
LEGEND: Final = (
    "means over seeds at the stored thresholds; ±: half width of the 95 % interval; FPR: share of "
    "benign windows that alarm; FA/h: those per hour; control: the best one"
)


BESIDE: Final[tuple[RowKind, ...]] = ("other", "control")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A scorer with the intervals of the figures that have one."""

    judged: Judged
    roc_auc: SeedMean | None
    f1: SeedMean | None


def compact_section(section: Section) -> Iterator[TableRow]:
    """Rows of the table: a heading per scenario, its groups, others, and the best control."""
    for scenario in section.scenarios:
        shown = [_group(section, group, scenario) for group in section.groups]
        if is_blank(item.judged for item in shown):
            yield blank_row(scenario)
            continue
        yield TableRow(cells=(scenario,), style="bold")
        controls = _beside(section, scenario, "control")
        best = best_control(s.judged for s in controls)
        shown += _beside(section, scenario, "other")
        shown += [s for s in controls if s.judged == best]
        yield from map(_row, shown)


def section_remarks(section: Section) -> list[str]:
    """What stands below: what the groups are, what is wrong, and who leads."""
    scenarios = [
        (
            scenario,
            [_group(section, group, scenario).judged for group in section.groups]
            + [shown.judged for kind in BESIDE for shown in _beside(section, scenario, kind)],
        )
        for scenario in section.scenarios
    ]
    return [*map(_cost, section.groups), *scenario_remarks(scenarios)]


def _group(section: Section, group: Group, scenario: str) -> _Shown:
    found = {
        name: section.of_group(group, scenario, name)
        for name in ("roc_auc", "f1", "recall", "fpr", "false_alarms_per_hour")
    }
    judged = Judged(
        name=group.label,
        kind="model",
        threshold=group.runs[0].threshold,
        **{name: None if mean is None else mean.mean for name, mean in found.items()},
    )
    return _Shown(judged=judged, roc_auc=found["roc_auc"], f1=found["f1"])


def _beside(section: Section, scenario: str, kind: RowKind) -> list[_Shown]:
    """Controls, or detectors of others, beside the runs of a section, over all of these."""
    by_name: dict[str, list[WindowMetrics]] = {}
    for group in section.groups:
        for run in group.runs:
            rows = run.controls if kind == "control" else run.others
            for name, metrics in rows.get(scenario, {}).items():
                by_name.setdefault(name, []).append(metrics)
    return [_shown(name, kind, found) for name, found in by_name.items()]


def _shown(name: str, kind: RowKind, found: Iterable[WindowMetrics]) -> _Shown:
    parts = list(found)
    roc_auc, f1 = over_seeds([m.roc_auc for m in parts]), over_seeds([m.f1 for m in parts])
    judged = Judged(
        name=name,
        kind=kind,
        roc_auc=_mean(roc_auc),
        f1=_mean(f1),
        recall=_mean(over_seeds([m.recall for m in parts])),
        fpr=_mean(over_seeds([m.fpr for m in parts])),
        false_alarms_per_hour=_mean(over_seeds([m.false_alarms_per_hour for m in parts])),
    )
    return _Shown(judged=judged, roc_auc=roc_auc, f1=f1)


def _row(shown: _Shown) -> TableRow:
    scorer = shown.judged
    is_control = scorer.kind == "control"
    cells = (
        f"  {shown_name(scorer.name, scorer.kind)}",
        _interval(shown.roc_auc),
        _interval(shown.f1),
        share_text(scorer.recall),
        rate_text(scorer.fpr),
        per_hour_text(scorer.false_alarms_per_hour),
    )
    return TableRow(cells=cells, style="dim" if is_control else "red" if fault(scorer) else "")


def _interval(found: SeedMean | None) -> str:
    """Three digits and the half width, or four digits where there is none."""
    if found is None or found.half_width is None:
        return share_text(_mean(found))
    return f"{found.mean:.3f}±{found.half_width:.3f}"


def _cost(group: Group) -> str:
    """What a group is, and what it costs."""
    runs = group.runs
    ids = ", ".join(run.run_id for run in runs)
    words = [
        f"{group.label}: {counted(len(group.seeds), 'seed')}",
        f"{max(run.parameters for run in runs):,} parameters",
        f"{max(run.artifact_bytes for run in runs) / 1000:,.0f} kB",
    ]
    latencies = [run.latency_ms for run in runs if run.latency_ms is not None]
    if len(latencies) == len(runs):
        words.append(f"{max(p50 for p50, _ in latencies):.2f} ms per window")
    found = [run.threshold.benign_windows for run in runs if run.threshold is not None]
    if found:
        words.append(f"threshold from {counted(min(found), 'benign window')}")
    return f"{', '.join(words)}; run{'s' * (len(runs) > 1)} {ids}"


def _mean(found: SeedMean | None) -> float | None:
    return None if found is None else found.mean
