"""Stages of a plan: how each was trained, and what was set for it."""

from __future__ import annotations

from collections.abc import Sequence

from can_train.report.document import (
    Block,
    Heading,
    Note,
    PageSection,
    PageTable,
    Picture,
    SideBySide,
    TableLine,
    words,
)
from can_train.report.figures.training import figures_by_kind, training_drawing
from can_train.report.parts.origin import different_settings, setting_text
from can_train.report.parts.training import agreement
from can_train.report.records import RunRecords

Stages = Sequence[tuple[str, RunRecords]]
"""Title and records of each stage that has finished."""


def stage_training(stages: Stages) -> PageSection:
    """Losses of each stage, and what distilled ones and their teachers agree on."""
    drawn, agreed = [], list[Block]()
    for title, found in stages:
        names = figures_by_kind(found.epochs).get("loss", ())
        if names and len(found.epochs) > 1:
            drawn.append(
                Picture(drawing=training_drawing("loss", names, found.epochs, f"stage {title}"))
            )
        agreed += agreement(found, f"stage {title}")
    return PageSection(
        name="stage-training",
        title="How each stage was trained",
        lead="The epoch that did best on validation windows was kept; test files play no part.",
        blocks=(SideBySide(pictures=tuple(drawn)), *agreed),
    )


def stage_settings(stages: Stages) -> PageSection:
    """What was set other than by default, stage by stage."""
    lines = tuple(
        TableLine(cells=words(title, name, setting_text(value), setting_text(usual)))
        for title, found in stages
        for name, value, usual in different_settings(found.frozen.config)
    )
    titles = ("stage", "setting", "of this stage", "default")
    table = PageTable(
        name="stage-settings",
        caption="Settings that differ from the defaults of a stage's model, size and strategy",
        headings=tuple(Heading(title=title, number=False) for title in titles),
        lines=lines,
    )
    note = Note(text="All settings are the defaults of each stage's model, size and strategy.")
    return PageSection(
        name="stage-settings",
        title="Settings of each stage",
        blocks=(table if lines else note,),
    )
