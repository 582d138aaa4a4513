"""What a fusion brings over the better of its experts, paired by seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from can_train.comparison.intervals import SeedMean, paired
from can_train.comparison.scorers import ScorerGroup, Subject

JUDGED: Final = ("roc_auc", "f1")
"""Figures in which a fusion should never be worse than its best expert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertMargin:
    """Fusion minus its best expert in one figure.

    Attributes:
        subject: A scenario, or one file of it.
        figure: One of `JUDGED`.
        expert: The expert with the better mean over seeds in this row and figure; the first of
            equals, None where no expert has one.
        difference: Mean of the differences, seed by seed; None where one isn't defined.
    """

    subject: Subject
    figure: str
    expert: str | None
    difference: SeedMean | None


def expert_margins(group: ScorerGroup) -> list[ExpertMargin]:
    """Of every scenario and file; empty unless the group is a fusion."""
    if not group.experts:
        return []
    return [
        _margin(group, subject, figure)
        for subject in group.subjects
        if subject.kind is None
        for figure in JUDGED
    ]


def smallest_margin(margins: list[ExpertMargin], figure: str) -> ExpertMargin | None:
    """The row in which the fusion does worst; None where nothing is defined."""
    found = [
        (margin.difference.mean, margin)
        for margin in margins
        if margin.figure == figure and margin.difference is not None
    ]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _margin(group: ScorerGroup, subject: Subject, figure: str) -> ExpertMargin:
    """Chosen after the fact and for each row anew, which favours the experts."""
    means = {name: group.over_seeds(subject, name, figure).mean for name in group.experts}
    known = {name: found.mean for name, found in means.items() if found is not None}
    if not known:
        return ExpertMargin(subject=subject, figure=figure, expert=None, difference=None)
    best = max(known, key=lambda name: known[name])
    own, other = (group.values(subject, name, figure) for name in (group.own, best))
    return ExpertMargin(subject=subject, figure=figure, expert=best, difference=paired(own, other))
