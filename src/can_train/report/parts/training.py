"""How training went: its curves, what it cost, and what a student and its teacher agree on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from can_train.report.document import (
    Block,
    Cell,
    Facts,
    Heading,
    Note,
    PageSection,
    PageTable,
    Picture,
    SideBySide,
    TableLine,
)
from can_train.report.figures.training import figures_by_kind, training_drawing
from can_train.report.records import RunRecords

_BEFORE: Final = "_before"
_AFTER: Final = "_after"
_MEANINGS: Final = {
    "teacher_agreement": "share of windows that both call the same",
    "teacher_probability_difference": "mean distance of their attack probabilities",
    "latent_cka": "1 where their latent spaces are the same but for rotation and scale",
    "latent_cosine": "mean cosine of their latent means, after the projection",
}
_MIB: Final = 1024.0


def training_section(records: RunRecords) -> PageSection:
    """Curves of all that was told by epoch, costs, and agreement."""
    blocks: list[Block] = []
    if len(records.epochs) > 1:
        drawn = tuple(
            Picture(drawing=training_drawing(kind, names, records.epochs))
            for kind, names in figures_by_kind(records.epochs).items()
        )
        blocks.append(SideBySide(pictures=drawn))
    elif records.epochs:
        blocks.append(Note(text="One epoch was enough: this kind of model is fitted in one pass."))
    blocks.append(Facts(pairs=tuple(_costs(records))))
    blocks += agreement(records)
    return PageSection(
        name="training",
        title="How training went",
        lead="The epoch that did best on validation windows was kept; test files play no part.",
        blocks=tuple(blocks),
    )


def _costs(records: RunRecords) -> Iterator[tuple[str, str]]:
    """What is on record of time and memory."""
    if (seconds := records.number("seconds")) is not None:
        yield "time", f"{seconds:,.1f} s"
    epochs, best = records.number("epochs"), records.number("best_epoch")
    if epochs is not None and best is not None:
        yield "epochs", f"{epochs:.0f}, number {best + 1:.0f} kept"
    metric, value = records.summary.get("validation_metric"), records.number("validation_value")
    if value is not None:
        yield "validation", f"{metric} {value:.6g}"
    speeds = [e.windows_per_s for e in records.resources if e.windows_per_s is not None]
    if speeds:
        yield "speed", f"{sum(speeds) / len(speeds):,.0f} windows per second"
    memory = [e.host_mib for e in records.resources if e.host_mib is not None]
    if memory:
        yield "most memory", f"{max(memory) / _MIB:.2f} GiB"
    halvings = records.number("batch_halvings")
    if halvings:
        yield "memory ran out", f"{halvings:.0f} times; the batch was halved each time"


def agreement(records: RunRecords, of: str = "it") -> Iterator[Block]:
    """Figures of student and teacher on validation windows, before and after.

    Args:
        records: The student's run; without a teacher there is nothing to show.
        of: What the student is called, where a page shows several.
    """
    if records.frozen.config.distillation is None:
        return
    summary = records.summary
    names = [name.removesuffix(_AFTER) for name in summary if name.endswith(_AFTER)]
    lines = [
        TableLine(
            cells=(
                Cell(text=name.replace("_", " "), note=_MEANINGS.get(name, "")),
                *(_figure(records.number(f"{name}{when}")) for when in (_BEFORE, _AFTER)),
            )
        )
        for name in names
        if records.number(f"{name}{_BEFORE}") is not None
    ]
    if not lines:
        yield Note(text=f"What {of} and its teacher agree on isn't on record.")
        return
    yield PageTable(
        name=f"agreement of {of}",
        caption=f"What {of} and its teacher agree on, on validation windows",
        headings=(
            Heading(title="figure", number=False),
            Heading(title="before training"),
            Heading(title="after training"),
        ),
        lines=tuple(lines),
    )


def _figure(value: float | None) -> Cell:
    return Cell(text="n/a" if value is None else f"{value:.4f}", value=value)
