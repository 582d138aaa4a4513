"""The report of one run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from can_train.report.document import Page, PageSection
from can_train.report.parts.alarms import episode_section, reliability_section, slider_section
from can_train.report.parts.origin import commands_section, provenance_section, settings_section
from can_train.report.parts.pictures import curve_section, margin_section, missing_pictures
from can_train.report.parts.scenarios import scenario_section
from can_train.report.parts.training import training_section
from can_train.report.records import RunRecords, records_of
from can_train.report.verdict import how_good, tiles_of, what_to_distrust, what_was_trained


def run_page(run: Path) -> Page:
    """The report of the run in a folder.

    Raises:
        ArtifactError: One of its records is damaged or was changed.
    """
    records = records_of(run)
    config = records.frozen.config
    return Page(
        kind="run",
        title=f"{config.model.upper()} {config.model_size} on {config.dataset}",
        lead=(
            ("What was trained", what_was_trained(records)),
            ("How good it is", how_good(records)),
            ("What to distrust", what_to_distrust(records)),
        ),
        tiles=tiles_of(records),
        sections=tuple(run_sections(records)),
    )


def run_sections(records: RunRecords) -> Iterator[PageSection]:
    """The parts of a run's report, in the order in which a reader needs them."""
    if records.evaluation is not None:
        yield scenario_section(records)
    if records.pictures is None:
        yield missing_pictures(records)
    else:
        yield margin_section(records, records.pictures)
        yield curve_section(records, records.pictures)
        if records.pictures.record.sweeps:
            yield slider_section(records.pictures)
        if records.pictures.record.reliability:
            yield reliability_section(records.pictures)
        yield episode_section(records.pictures)
    yield training_section(records)
    yield settings_section(records)
    yield commands_section(records)
    yield provenance_section(records)
