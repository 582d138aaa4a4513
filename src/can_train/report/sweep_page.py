"""The report of a sweep: its axes, its table, and the best by validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from can_train.comparison.intervals import SeedMean
from can_train.config.codec import Json
from can_train.errors import counted
from can_train.report.document import (
    Block,
    Cell,
    Commands,
    Facts,
    Heading,
    Note,
    Notes,
    Page,
    PageSection,
    PageTable,
    Picture,
    SideBySide,
    TableLine,
    Tile,
)
from can_train.report.figures.axis import AxisPoint, axis_drawing
from can_train.runs.layout import experiment_option, plan_dir
from can_train.sweeps.axes import word_of
from can_train.sweeps.bill import bill_of
from can_train.sweeps.manifest import Manifest, manifest_of
from can_train.sweeps.report import columns_of, remarks_of, rows_of
from can_train.sweeps.results import Result, ResultGroup, axes_of, best_of, groups_of, results_of
from can_train.sweeps.standing import SweepBoard, sweep_board

_FEWEST_VALUES: Final = 2


def sweep_page(folder: Path) -> Page:
    """The report of the sweep in a folder.

    Raises:
        ArtifactError: Its record, or that of one of its runs, is damaged.
    """
    root = folder.parents[1]
    manifest = manifest_of(folder)
    board = sweep_board(root, manifest)
    results = results_of(board)
    groups = groups_of(results)
    bill = bill_of(board.board.rows, plan_dir(root, manifest.sweep_id)).words
    return Page(
        kind="sweep",
        title=f"Sweep {manifest.name or manifest.sweep_id}",
        lead=(
            ("What was tried", _what(manifest, board)),
            ("What did best", _best(manifest, groups)),
            ("What to distrust", _doubts(results, groups)),
        ),
        tiles=_tiles(manifest, board, results),
        sections=(
            *_axes(manifest, groups),
            _table(manifest, results, bill),
            _origin(root, manifest),
        ),
    )


def _what(manifest: Manifest, board: SweepBoard) -> str:
    axes = ", ".join(
        f"{name.replace('_', ' ')} ({counted(len(values), 'value')})"
        if isinstance(values, list)
        else f"{name.replace('_', ' ')} ({values})"
        for name, values in manifest.grid_definition.items()
    )
    return (
        f"{counted(manifest.total_combinations, 'combination')} of {axes or 'no axis'}; "
        f"{board.counts or 'none has begun'}."
    )


def _best(manifest: Manifest, groups: Sequence[ResultGroup]) -> str:
    best = best_of(groups)
    if not best:
        return "Nobody knows yet: no group of runs has finished."
    return f"{'; '.join(_best_words(group) for group in best)}."


def _best_words(group: ResultGroup) -> str:
    found = group.validation
    value = "n/a" if found is None else f"{found.mean:.4g}"
    params = ", ".join(
        f"{name.replace('_', ' ')} {word_of(name, value)}" for name, value in group.params.items()
    )
    first = group.first
    return f"{first.model} on {first.dataset}: {params or 'all defaults'}, {group.metric} {value}"


def _doubts(results: Sequence[Result], groups: Sequence[ResultGroup]) -> str:
    seeds = {str(result.params.get("seed", "")) for result in results}
    found = []
    if len(seeds) < _FEWEST_VALUES:
        found.append("each combination was trained with one seed, whose luck is part of its figure")
    lacking = sum(result.validation is None for result in results)
    if lacking:
        found.append(f"{lacking} of {counted(len(results), 'run')} lack a figure")
    found += _rivals(groups)
    found.append("the best of many on validation looks better than it is")
    text = "; ".join(found)
    return f"{text[:1].upper()}{text[1:]}."


def _rivals(groups: Sequence[ResultGroup]) -> Iterator[str]:
    """How many combinations can't be told from the best."""
    for best in best_of(groups):
        first = best.first
        others = [
            other.validation
            for other in groups
            if other is not best
            and other.is_complete
            and (other.first.dataset, other.first.model) == (first.dataset, first.model)
        ]
        close = [other for other in others if other is not None and _overlap(best, other)]
        if close:
            yield (
                f"the 95 % intervals of {len(close)} of "
                f"{counted(len(others), 'other combination')} of {first.model} on "
                f"{first.dataset} overlap with that of the best"
            )


def _overlap(best: ResultGroup, other: SeedMean) -> bool:
    """Whether both have intervals, and these meet."""
    mine = best.validation
    if mine is None or mine.half_width is None or other.half_width is None:
        return False
    return abs(mine.mean - other.mean) <= mine.half_width + other.half_width


def _tiles(manifest: Manifest, board: SweepBoard, results: Sequence[Result]) -> tuple[Tile, ...]:
    seconds = sum(result.seconds or 0.0 for result in results)
    axes, besides = axes_of(manifest), "besides the seed"
    return (
        Tile(value=f"{board.done} / {manifest.total_combinations}", label="combinations done"),
        Tile(value=str(len(axes)), label="axis" if len(axes) == 1 else "axes", note=besides),
        Tile(value=f"{seconds / 60:,.1f} min", label="training", note="of the last stages"),
    )


def _axes(manifest: Manifest, groups: Sequence[ResultGroup]) -> Iterator[PageSection]:
    """A picture per axis with several values, for each model on each dataset."""
    finished = [group for group in groups if group.is_complete]
    drawn = []
    for key in dict.fromkeys((group.first.dataset, group.first.model) for group in finished):
        mine = [g for g in finished if (g.first.dataset, g.first.model) == key]
        for axis in axes_of(manifest):
            values = _values(manifest, axis, mine)
            if len(values) < _FEWEST_VALUES:
                continue
            points = [
                AxisPoint(at=values.index(g.params[axis]), mean=v.mean, half_width=v.half_width)
                for g in mine
                if axis in g.params and (v := g.validation) is not None
            ]
            words = [word_of(axis, value) for value in values]
            drawing = axis_drawing(axis, f"{key[1]} on {key[0]}", mine[0].metric, words, points)
            drawn.append(Picture(drawing=drawing, caption=drawing.description))
    if drawn:
        yield PageSection(
            name="axes",
            title="Axis by axis",
            lead="Each dot is a group of runs that differ by their seed only, with its 95 % "
            "interval where there are several; the line goes through means over the other axes.",
            blocks=(SideBySide(pictures=tuple(drawn)),),
        )


def _values(manifest: Manifest, axis: str, groups: Sequence[ResultGroup]) -> list[Json]:
    """Values of an axis in the order of the grid; numbers of a range by their size."""
    found: list[Json] = []
    for group in groups:
        if axis in group.params and group.params[axis] not in found:
            found.append(group.params[axis])
    if isinstance(manifest.grid_definition[axis], list):
        return found
    return sorted(found, key=lambda value: float(str(value)))


def _table(manifest: Manifest, results: Sequence[Result], bill: str) -> PageSection:
    columns = columns_of(manifest, results)
    lines = []
    for row in rows_of(manifest, results):
        cells = tuple(
            Cell(text=text, note="; ".join(row.notes) if number == 0 else "")
            for number, text in enumerate(row.cells)
        )
        lines.append(TableLine(cells=cells, tone="own" if row.style == "green" else "plain"))
    table = PageTable(
        name="results",
        caption="All combinations, means over seeds",
        headings=tuple(Heading(title=c.title or "best", number=c.right) for c in columns),
        lines=tuple(lines),
    )
    remarks = tuple(
        f"{text[:1].upper()}{text[1:]}." for text in (*remarks_of(manifest, results), bill)
    )
    blocks: tuple[Block, ...] = (table, Notes(texts=remarks))
    if not lines:
        blocks = (Note(text="No run has begun."),)
    return PageSection(name="results", title="All combinations", blocks=blocks)


def _origin(root: Path, manifest: Manifest) -> PageSection:
    option = experiment_option(root)
    return PageSection(
        name="commands",
        title="Make it again",
        blocks=(
            Commands(
                lines=(
                    manifest.command,
                    f"can-train sweep results {manifest.sweep_id}{option}",
                    f"can-train report {manifest.sweep_id}{option}",
                )
            ),
            Facts(pairs=(("sweep", manifest.sweep_id),)),
        ),
    )
