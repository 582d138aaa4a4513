"""A comparison as tables: cells for the terminal, Markdown, and a JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from can_train.comparison.groups import FIGURES, METRICS, OFFICIAL, Comparison, Group, Pair, Section
from can_train.comparison.intervals import SeedMean
from can_train.errors import counted
from can_train.evaluation.report import NOT_AVAILABLE

TITLES: Final = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "f1": "F1", "fpr": "FPR"}
MODEL_HEADER: Final = (
    "model", "seeds", "parameters", "artifact bytes", "p50 ms/window", "p99 ms/window",
)  # fmt: skip
SCENARIO_HEADER: Final = ("scenario", "model", *(TITLES[metric] for metric in METRICS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table with its title."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(section: Section) -> tuple[Table, Table]:
    """What the models cost, and what they find per scenario."""
    name = f"{section.dataset} / {section.model}"
    return (
        Table(
            title=f"{name}: models",
            header=MODEL_HEADER,
            rows=tuple(_model_row(group) for group in section.groups),
        ),
        Table(
            title=f"{name}: mean and 95 % interval over seeds",
            header=SCENARIO_HEADER,
            rows=tuple(_scenario_rows(section)),
        ),
    )


def verdicts_of(section: Section) -> list[str]:
    """Per pair: whether distillation made ROC-AUC worse anywhere, and what it brings on average."""
    return [_verdict(section, pair) for pair in section.pairs]


def markdown_of(
    comparison: Comparison,
    command: str,
    more: Sequence[Table] = (),
    remarks: Sequence[str] = (),
) -> str:
    """The comparison as a Markdown page with the command that makes it.

    Args:
        comparison: What was lined up.
        command: What was typed.
        more: Further tables.
        remarks: Lines below all tables, before the notes.
    """
    lines = ["# Comparison of runs", "", "```", command, "```", ""]
    for section in comparison.sections:
        for table in tables_of(section):
            lines += _markdown_table(table)
        lines += [f"* {text}" for text in verdicts_of(section)]
        lines += [f"* runs of {g.label}: {', '.join(r.run_id for r in g.runs)}"
                  for g in section.groups]  # fmt: skip
        lines.append("")
    lines += [line for table in more for line in _markdown_table(table)]
    lines += [f"* {note}" for note in (*remarks, *comparison.notes)]
    return "\n".join(lines).rstrip() + "\n"


def document_of(comparison: Comparison) -> dict[str, object]:
    """The comparison as JSON values: every number in full precision, null for n/a."""
    return {
        "sections": [_section_document(section) for section in comparison.sections],
        "notes": list(comparison.notes),
    }


def _model_row(group: Group) -> tuple[str, ...]:
    runs = group.runs
    latencies = [run.latency_ms for run in runs if run.latency_ms is not None]
    middle, high = NOT_AVAILABLE, NOT_AVAILABLE
    if latencies and len(latencies) == len(runs):
        middle = f"{max(p50 for p50, _ in latencies):.2f}"
        high = f"{max(p99 for _, p99 in latencies):.2f}"
    return (
        group.label,
        ", ".join(map(str, group.seeds)),
        _range([run.parameters for run in runs]),
        _range([run.artifact_bytes for run in runs]),
        middle,
        high,
    )


def _scenario_rows(section: Section) -> Iterator[tuple[str, ...]]:
    names: list[str | None] = list(section.scenarios)
    if len(section.averaged) > 1:
        names.append(None)
    for scenario in names:
        title = scenario or f"mean of {counted(len(section.averaged), 'scenario')}"
        for group in section.groups:
            found = [section.of_group(group, scenario, metric) for metric in METRICS]
            yield (title, group.label, *map(_mean, found))
        for pair in section.pairs:
            found = [section.of_pair(pair, scenario, metric) for metric in METRICS]
            yield (title, _pair_label(pair), *map(difference_text, found))


def _verdict(section: Section, pair: Pair) -> str:
    official = [name for name in section.scenarios if name.startswith(OFFICIAL)]
    found = {name: section.of_pair(pair, name, "roc_auc") for name in official}
    known = {name: e.high for name, e in found.items() if e is not None and e.high is not None}
    what = f"{section.dataset} {section.model}: {_pair_label(pair)}, ROC-AUC"
    if not known:
        return f"{what}: {NOT_AVAILABLE} (an interval needs two common seeds)"
    worse = [name for name, high in known.items() if high < 0]
    of_all = f"{len(known) - len(worse)} of {counted(len(known), 'scenario')}"
    line = f"{what}: upper bound >= 0 in {of_all}"
    if worse:
        line += f", worse in {', '.join(worse)}"
    return f"{line}; mean difference {difference_text(section.of_pair(pair, None, 'roc_auc'))}"


def _pair_label(pair: Pair) -> str:
    return f"{pair.distilled.label} - {pair.plain.label}, {counted(len(pair.seeds), 'seed')}"


def _mean(found: SeedMean | None) -> str:
    if found is None:
        return NOT_AVAILABLE
    spread = NOT_AVAILABLE if found.half_width is None else f"{found.half_width:.4f}"
    return f"{found.mean:.4f} ± {spread}"


def difference_text(found: SeedMean | None) -> str:
    """A mean difference with its interval."""
    if found is None:
        return NOT_AVAILABLE
    if found.low is None or found.high is None:
        return f"{found.mean:+.4f} [{NOT_AVAILABLE}]"
    return f"{found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _markdown_table(table: Table) -> list[str]:
    head = [f"## {table.title}", "", _line(table.header), _line(["---"] * len(table.header))]
    return [*head, *map(_line, table.rows), ""]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _section_document(section: Section) -> dict[str, object]:
    names: list[str | None] = [*section.scenarios, None]
    groups = [
        {
            "label": group.label,
            "kind": group.runs[0].kind,
            "seeds": list(group.seeds),
            "runs": [run.run_id for run in group.runs],
            "parameters": [run.parameters for run in group.runs],
            "artifact_bytes": [run.artifact_bytes for run in group.runs],
            "latency_ms": [run.latency_ms for run in group.runs],
            "figures": {
                name or "mean": {m: plain_mean(section.of_group(group, name, m)) for m in FIGURES}
                for name in names
            },
        }
        for group in section.groups
    ]
    pairs = [
        {
            "distilled": pair.distilled.label,
            "plain": pair.plain.label,
            "seeds": list(pair.seeds),
            "differences": {
                name or "mean": {m: plain_mean(section.of_pair(pair, name, m)) for m in METRICS}
                for name in names
            },
        }
        for pair in section.pairs
    ]
    return {
        "dataset": section.dataset,
        "model": section.model,
        "averaged": list(section.averaged),
        "groups": groups,
        "pairs": pairs,
    }


def plain_mean(found: SeedMean | None) -> dict[str, float | int | None] | None:
    """A mean over seeds as JSON values."""
    return None if found is None else {**asdict(found), "low": found.low, "high": found.high}
