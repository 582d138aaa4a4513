"""Results of a sweep as tables: cells for the screen, Markdown, LaTeX, and rows for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from can_train.config.codec import Json
from can_train.errors import counted
from can_train.runs.state import PRUNED
from can_train.sweeps.axes import text_of, word_of
from can_train.sweeps.manifest import Manifest
from can_train.sweeps.others import OtherRows, others_of
from can_train.sweeps.results import (
    Result,
    ResultGroup,
    axes_of,
    best_of,
    groups_of,
    scenarios_of,
)
from can_train.tables import TableColumn, TableRow, latex_line

if TYPE_CHECKING:
    from polars import DataFrame

    from can_train.comparison.intervals import SeedMean

NOT_AVAILABLE: Final = "n/a"
TESTED: Final = (("roc_auc", "ROC-AUC"), ("f1", "F1"), ("fpr", "FPR"))
"""Figures that stand beside the one of validation, averaged over the official scenarios."""

OTHERS: Final = "detectors of others"
"""Part of a grid to which they are said to belong."""

BEST: Final = "*"
LEGEND: Final = (
    f"means over seeds, ± half width of the 95 % interval; {BEST}: best on validation of its "
    "dataset and model; test figures: mean over the official scenarios, never used to choose"
)


def columns_of(manifest: Manifest, results: Sequence[Result]) -> tuple[TableColumn, ...]:
    """Header of the table: parts and axes, the model, and figures."""
    words = [*(["part"] if len(manifest.parts) > 1 else []), *axes_of(manifest)]
    several = len({result.dataset for result in results}) > 1 and "dataset" not in words
    return (
        *(TableColumn(title=name) for name in words),
        *([TableColumn(title="dataset")] if several else []),
        TableColumn(title="model", drop=3),
        TableColumn(title="seeds", right=True, drop=2),
        TableColumn(title="validation"),
        *(TableColumn(title=title, right=True, drop=1) for _, title in TESTED),
        TableColumn(title="minutes", right=True, drop=4),
        TableColumn(title=""),
    )


def rows_of(manifest: Manifest, results: Sequence[Result]) -> Iterator[TableRow]:
    """A row per group of seeds, in the order of the grid; what hasn't finished says so.

    Detectors of others come last.
    """
    groups = groups_of(results)
    best = best_of(groups)
    titles = [column.title for column in columns_of(manifest, results)]
    for group in groups:
        cells = (*_words(manifest, group, titles), *_figures(group), BEST if group in best else "")
        problems = (f"{r.run.name}: {r.problem}" for r in group.results if r.problem)
        yield TableRow(cells=cells, style="green" if group in best else "", notes=tuple(problems))
    for other in others_of(results):
        yield TableRow(cells=_cells_of(other, titles))


def remarks_of(manifest: Manifest, results: Sequence[Result]) -> Iterator[str]:
    """What a reader should know about the table."""
    yield LEGEND
    lacking = [r for r in results if r.validation is None and r.state != PRUNED]
    pruned = sum(result.state == PRUNED for result in results)
    if pruned:
        yield (
            f"{counted(pruned, 'trial')} of {len(results)} were given up early: others were better "
            "by then"
        )
    if lacking:
        yield (
            f"{counted(len(lacking), 'run')} of {len(results)} haven't finished; groups "
            "with one of them aren't chosen from"
        )
    untested = [r for r in results if r.validation is not None and not r.figures]
    if untested and not lacking:
        yield (
            f"{counted(len(untested), 'run')} of {len(results)} weren't evaluated: add "
            "--evaluate, or evaluate the best alone"
        )
    others = [n for n in axes_of(manifest) if n in ("features", "window", "stride", "split")]
    if others:
        yield (
            f"validation figures of different {', '.join(others)} are of different windows: "
            "compare them with care"
        )


def markdown_of(manifest: Manifest, results: Sequence[Result], more: Sequence[str] = ()) -> str:
    """The table as a Markdown page, with the command that made the sweep."""
    columns = [column.title or "best" for column in columns_of(manifest, results)]
    lines = [
        f"# Sweep {manifest.name or manifest.sweep_id}",
        "",
        "```",
        manifest.command,
        "```",
        "",
    ]
    lines += [_line(columns), _line(["---"] * len(columns))]
    lines += [_line(row.cells) for row in rows_of(manifest, results)]
    lines += ["", *(f"* {text}" for text in (*remarks_of(manifest, results), *more))]
    return "\n".join(lines) + "\n"


def latex_of(manifest: Manifest, results: Sequence[Result], more: Sequence[str] = ()) -> str:
    """The table as LaTeX, for `booktabs`; what a reader should know stands in comments."""
    columns = columns_of(manifest, results)
    form = "".join("r" if column.right else "l" for column in columns)
    lines = [f"% sweep {manifest.sweep_id}: {manifest.command}"]
    lines += [f"% {text}" for text in (*remarks_of(manifest, results), *more)]
    lines += [rf"\begin{{tabular}}{{{form}}}", r"\toprule"]
    lines += [latex_line([column.title for column in columns]), r"\midrule"]
    lines += [latex_line(row.cells) for row in rows_of(manifest, results)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def records_of(manifest: Manifest, results: Sequence[Result]) -> list[dict[str, Json]]:
    """A flat record per run, and per seed of detectors of others: all have the same keys."""
    names = [(s, f) for s in scenarios_of(results) for f in _figure_names(results)]
    found = [_record(manifest, result, names) for result in results]
    others = [record for each in others_of(results) for record in _other_records(each, names)]
    keys = found[0] if found else {}
    known = {"sweep_id": manifest.sweep_id}
    return [*found, *({name: {**known, **r}.get(name) for name in keys} for r in others)]


def _other_records(other: OtherRows, names: Sequence[tuple[str, str]]) -> Iterator[dict[str, Json]]:
    """A record per seed, with what is known of it."""
    for seed, figures in other.figures.items():
        yield {
            "part": OTHERS,
            "param.seed": seed,
            "dataset": other.dataset,
            "model": other.name,
            "state": "evaluated",
            **{f"{s}.{f}": figures.get(s, {}).get(f) for s, f in names},
        }


def _record(
    manifest: Manifest, result: Result, names: Sequence[tuple[str, str]]
) -> dict[str, Json]:
    validation = result.validation
    params = result.params
    return {
        "sweep_id": manifest.sweep_id,
        "config_ids": " ".join(result.config_ids),
        "run_id": result.run.name,
        "part": result.part,
        **{f"param.{name}": _plain(params.get(name)) for name in manifest.grid_definition},
        "dataset": result.dataset,
        "model": result.model,
        "state": result.state,
        "validation_metric": None if validation is None else validation.metric,
        "validation_value": None if validation is None else finite(validation.value),
        "best_epoch": result.best_epoch,
        "epochs": result.epochs,
        "seconds": result.seconds,
        **{f"{s}.{f}": result.figures.get(s, {}).get(f) for s, f in names},
    }


def finite(value: float | None) -> float | None:
    """A number that JSON has; None for that of a run that diverged."""
    return value if value is not None and math.isfinite(value) else None


def _plain(value: Json) -> Json:
    """A value of an axis as one cell."""
    return text_of(value) if isinstance(value, list) else value


def _figure_names(results: Sequence[Result]) -> tuple[str, ...]:
    found = (figures for result in results for figures in result.figures.values())
    return tuple(dict.fromkeys(name for figures in found for name in figures))


def _words(manifest: Manifest, group: ResultGroup, titles: Sequence[str]) -> list[str]:
    first = group.first
    known = {name: word_of(name, value) for name, value in group.params.items()}
    words = {"part": first.part, "dataset": first.dataset} | known
    names = [*axes_of(manifest), *(name for name in ("part", "dataset") if name in titles)]
    shown = [words.get(title, "") for title in titles if title in names]
    return [*shown, first.model]


def _figures(group: ResultGroup) -> list[str]:
    """Seeds, validation, test figures, and minutes of training of the last stage, all seeds."""
    seconds = [result.seconds for result in group.results if result.seconds is not None]
    found = group.validation
    state = ", ".join(dict.fromkeys(r.state for r in group.results if r.validation is None))
    return [
        str(len(group.results)),
        state if found is None else f"{group.metric} {_mean(found)}",
        *(_mean(group.test(name)) for name, _ in TESTED),
        f"{sum(seconds) / 60:.1f}" if seconds else NOT_AVAILABLE,
    ]


def _cells_of(other: OtherRows, titles: Sequence[str]) -> tuple[str, ...]:
    """A detector of somebody else's below these titles."""
    known = {
        "part": OTHERS,
        "dataset": other.dataset,
        "model": other.name,
        "seeds": str(len(other.figures)),
        **{title: _mean(other.test(name)) for name, title in TESTED},
    }
    return tuple(known.get(title, "") for title in titles)


def _mean(found: SeedMean | None) -> str:
    """Four digits, and the half width of the interval where there is one."""
    if found is None:
        return NOT_AVAILABLE
    spread = "" if found.half_width is None else f" ± {found.half_width:.4f}"
    return f"{found.mean:.4f}{spread}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def frame_of(manifest: Manifest, results: Sequence[Result]) -> DataFrame:
    """The same records as a table of polars, which writes CSV and parquet."""
    import polars as pl

    return pl.DataFrame(records_of(manifest, results), infer_schema_length=None)
