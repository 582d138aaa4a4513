"""What a reader should see in an evaluation: who is ahead, what ties, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from can_train.detectors.calibration import Threshold
from can_train.errors import counted
from can_train.evaluation.report import NOT_AVAILABLE, EvaluationRow, RowKind

USELESS_FPR: Final = 0.5
"""False-alarm rate from which on a scorer is said to beat nothing."""

HIGH_FPR: Final = 0.05
"""False-alarm rate that is worth a line of its own."""

GOOD_ROC_AUC: Final = 0.9
POOR_F1: Final = 0.5
"""Scores that rank this well and decide this badly have a wrong threshold."""

TIE: Final = 5e-5
"""Figures that differ by less are shown as the same four digits."""

_SHORT_NAME: Final = re.compile(r"test_\d+")

Outcome = Literal["model", "control", "tie", "none", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A scorer on a scenario, as far as it is judged.

    Attributes:
        name, kind: Which scorer.
        roc_auc, f1, recall, fpr, false_alarms_per_hour: Its figures; None: undefined.
        threshold: What they were decided by; None: it couldn't be fitted.
    """

    name: str
    kind: RowKind
    roc_auc: float | None = None
    f1: float | None = None
    recall: float | None = None
    fpr: float | None = None
    false_alarms_per_hour: float | None = None
    threshold: Threshold | None = None

    @property
    def is_useless(self) -> bool:
        """Whether it alarms on half of the benign windows or more."""
        return self.fpr is not None and self.fpr >= USELESS_FPR


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How trained models and controls stand to each other on a scenario.

    Attributes:
        outcome: Who is ahead in F1 or in ROC-AUC: a control, or else a model; `tie`: they are
            equal in both; `none`: every model is useless; `unknown`: nothing to compare.
        figures: The figures of both, in words.
    """

    outcome: Outcome
    figures: str = ""


def judged(row: EvaluationRow) -> Judged:
    """A row of an evaluation."""
    found = row.metrics
    if found is None:
        return Judged(name=row.scorer, kind=row.kind, threshold=row.threshold)
    return Judged(
        name=row.scorer,
        kind=row.kind,
        roc_auc=found.roc_auc,
        f1=found.f1,
        recall=found.recall,
        fpr=found.fpr,
        false_alarms_per_hour=found.false_alarms_per_hour,
        threshold=row.threshold,
    )


def standing(scorers: Sequence[Judged]) -> Standing:
    """Who is ahead; scorers that alarm more often than not don't count."""
    models = [s for s in scorers if s.kind == "model" and s.f1 is not None]
    usable = [s for s in scorers if not s.is_useless]
    if models and not any(s in usable for s in models):
        return Standing(outcome="none")
    found = [
        _compared(title, _best(usable, "model", name), _best(usable, "control", name))
        for title, name in (("F1", "f1"), ("ROC-AUC", "roc_auc"))
    ]
    known = [pair for pair in found if pair is not None]
    if not known:
        return Standing(outcome="unknown")
    controls = [text for outcome, text in known if outcome == "control"]
    if controls:
        return Standing(outcome="control", figures="; ".join(controls))
    is_tie = all(outcome == "tie" for outcome, _ in known)
    figures = "; ".join(text for _, text in known)
    return Standing(outcome="tie" if is_tie else "model", figures=figures)


def others_ahead(scorers: Sequence[Judged]) -> str:
    """Where detectors of others are ahead of all models, in words; empty: nowhere.

    Scorers that alarm more often than not don't count.
    """
    usable = [s for s in scorers if not s.is_useless]
    found = [
        _compared(title, _best(usable, "model", name), _best(usable, "other", name))
        for title, name in (("F1", "f1"), ("ROC-AUC", "roc_auc"))
    ]
    return "; ".join(pair[1] for pair in found if pair is not None and pair[0] == "control")


def best_control(scorers: Iterable[Judged]) -> Judged | None:
    """The control that models are held against: by F1, then ROC-AUC, of those that are usable."""
    controls = [s for s in scorers if s.kind == "control" and s.f1 is not None]
    return max(
        controls,
        key=lambda s: (not s.is_useless, s.f1 or 0.0, s.roc_auc or 0.0),
        default=None,
    )


def controls_to_beat(scorers: Sequence[Judged]) -> list[Judged]:
    """The best control by F1, and the best by ROC-AUC where that is another one and ahead."""
    by_f1 = best_control(scorers)
    usable = [s for s in scorers if s.kind == "control" and not s.is_useless]
    by_rank = max(usable, key=lambda s: (s.roc_auc or 0.0, s.f1 or 0.0), default=None)
    if by_f1 is None or by_rank is None:
        return [] if by_f1 is None else [by_f1]
    is_ahead = (by_rank.roc_auc or 0.0) - (by_f1.roc_auc or 0.0) >= TIE
    return [by_f1, by_rank] if is_ahead else [by_f1]


def fault(scorer: Judged) -> str:
    """What is wrong with a scorer on a scenario, in a line; empty: nothing."""
    fpr, f1, roc_auc = scorer.fpr, scorer.f1, scorer.roc_auc
    if fpr is not None and fpr >= HIGH_FPR:
        return f"{scorer.name}: {_percent(fpr)} of benign windows alarm{_because(scorer)}"
    if f1 is not None and roc_auc is not None and roc_auc >= GOOD_ROC_AUC and f1 < POOR_F1:
        why = _because(scorer) or f": recall is {_share(scorer.recall)} at the threshold"
        return f"{scorer.name}: ROC-AUC {roc_auc:.3f} but F1 {f1:.3f}{why}"
    return ""


def verdict(scenario: str, found: Standing) -> str:
    """The standing on a scenario in a line."""
    said = {
        "control": f"a simple control beats the trained models: {found.figures}",
        "model": f"no control beats the trained models: {found.figures}",
        "tie": f"trained models and controls tie: {found.figures}",
        "none": "every trained model alarms on half of the benign windows or more: none beats "
        "anything",
        "unknown": f"{NOT_AVAILABLE} (no model and control to compare)",
    }
    return f"{scenario}: {said[found.outcome]}"


def short_name(scenario: str) -> str:
    """`test_01` of an official scenario; others as they are."""
    found = _SHORT_NAME.match(scenario)
    return scenario if found is None else found[0]


def _compared(
    title: str, model: tuple[float, str] | None, control: tuple[float, str] | None
) -> tuple[Outcome, str] | None:
    """Who is ahead in one figure, and by how much."""
    if model is None or control is None:
        return None
    text = f"{title} {control[1]} {control[0]:.4f}, {model[1]} {model[0]:.4f}"
    if abs(control[0] - model[0]) < TIE:
        return "tie", text
    return ("control" if control[0] > model[0] else "model"), text


def _best(scorers: Sequence[Judged], kind: RowKind, figure: str) -> tuple[float, str] | None:
    """Highest value and its scorer among those of one kind; of equals the better in the other."""
    pairs = [(s.f1, s.roc_auc) if figure == "f1" else (s.roc_auc, s.f1) for s in scorers]
    known = [
        (value, other or 0.0, s.name)
        for (value, other), s in zip(pairs, scorers, strict=True)
        if s.kind == kind and value is not None
    ]
    best = max(known, key=lambda each: each[:2], default=None)
    return None if best is None else (best[0], best[2])


def _because(scorer: Judged) -> str:
    """That too few windows set the threshold, if so."""
    threshold = scorer.threshold
    if threshold is None or threshold.exact or threshold.rule == "robust":
        return ""
    return f": the threshold rests on {counted(threshold.benign_windows, 'benign window')}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _share(value: float | None) -> str:
    return NOT_AVAILABLE if value is None else f"{value:.3f}"
