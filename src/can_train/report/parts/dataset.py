"""The tables of a dataset: what its scenarios hold, and what training and test share."""

from __future__ import annotations

from typing import Final

from can_train.dataset.inspect_report import DatasetReport, ScenarioReport, SharedReport, Sizes
from can_train.evaluation.report import NOT_AVAILABLE
from can_train.report.document import Cell, Heading, PageSection, PageTable, TableLine

REPEATED: Final = 0.05
"""Share of test windows that training frames repeat from which it is a doubt."""


def scenarios_section(report: DatasetReport) -> PageSection:
    """What each scenario holds."""
    return PageSection(
        name="scenarios",
        title="Scenarios",
        lead=f"Windows are of {report.window} frames, a new one every {report.stride}.",
        blocks=(
            PageTable(
                name="scenarios",
                caption="What each scenario holds",
                headings=(
                    Heading(title="scenario", number=False), Heading(title="files"),
                    Heading(title="frames"), Heading(title="seconds"), Heading(title="frames/s"),
                    Heading(title="IDs"), Heading(title="attack frames"),
                    Heading(title="windows"), Heading(title="attack windows"),
                    Heading(title="IDs per window"),
                ),
                lines=tuple(_scenario(each) for each in report.scenarios),
            ),
        ),
    )  # fmt: skip


def _scenario(each: ScenarioReport) -> TableLine:
    rate = each.frames_per_s
    return TableLine(
        cells=(
            Cell(text=each.scenario),
            Cell(text=str(each.files), value=each.files),
            Cell(text=f"{each.frames:,}", value=each.frames),
            Cell(text=f"{each.duration_s:,.1f}", value=each.duration_s),
            Cell(text=NOT_AVAILABLE if rate is None else f"{rate:,.0f}", value=rate),
            Cell(text=f"{each.ids:,}", value=each.ids),
            Cell(text=f"{each.attack_share:.2%}", value=each.attack_share),
            Cell(text=f"{each.windows:,}", value=each.windows),
            Cell(text=f"{each.attack_windows:,}", value=each.attack_windows),
            _sizes(each.nodes),
        )
    )


def _sizes(sizes: Sizes) -> Cell:
    if sizes.mean is None or sizes.max is None:
        return Cell(text=NOT_AVAILABLE)
    return Cell(text=f"{sizes.mean:.1f}", value=sizes.mean, note=f"most {sizes.max}")


def shared_section(report: DatasetReport) -> PageSection:
    """What training and test share."""
    table = PageTable(
        name="shared",
        caption="Shares of each test scenario that training knows",
        headings=(
            Heading(title="scenario", number=False), Heading(title="known IDs"),
            Heading(title="benign frames with a known ID"),
            Heading(title="windows that are in training, too"),
            Heading(title="files left out of training"),
        ),
        lines=tuple(_shared_line(each) for each in report.shared),
    )  # fmt: skip
    return PageSection(
        name="shared",
        title="What training and test share",
        lead="Known IDs make an unknown car look familiar; windows that are in training, too, make "
        "figures too good. IDs are counted with those that only attacks send: fuzzing brings "
        "hundreds.",
        blocks=(table,),
    )


def _shared_line(each: SharedReport) -> TableLine:
    repeated = each.repeated_windows
    is_care = repeated is not None and repeated > REPEATED
    return TableLine(
        cells=(
            Cell(text=each.scenario),
            Cell(text=f"{each.known_ids:.1%}", value=each.known_ids),
            _share(each.known_benign_frames),
            _share(repeated),
            Cell(text=str(len(each.shared_recordings)), value=len(each.shared_recordings)),
        ),
        tone="care" if is_care else "plain",
    )


def _share(value: float | None) -> Cell:
    return Cell(text=NOT_AVAILABLE if value is None else f"{value:.1%}", value=value)
