"""A fusion against the better of its experts."""

from __future__ import annotations

import pytest

from can_train.comparison.best_expert import expert_margins, smallest_margin
from can_train.comparison.groups import compare_runs
from can_train.comparison.scorers import Subject, scorer_groups
from tests.unit.comparison.fusions_for_tests import evaluate, fusions
from tests.unit.comparison.runs_for_tests import FIRST, Made


def test_the_better_mean_over_seeds_is_the_best_expert_of_each_row_and_figure(made: Made) -> None:
    (group,) = scorer_groups(compare_runs(fusions(made)))[0]
    found = {(m.subject, m.figure): m for m in expert_margins(group)}
    roc_auc = found[Subject(scenario=FIRST), "roc_auc"]
    # Seed by seed 0.1, 0.2 and 0: another expert being as good in one seed changes nothing.
    assert roc_auc.expert == "gat" and roc_auc.difference is not None
    assert roc_auc.difference.mean == pytest.approx(0.1)
    assert roc_auc.difference.half_width == pytest.approx(4.302652729911275 * 0.1 / 3**0.5)
    f1 = found[Subject(scenario=FIRST), "f1"]
    assert f1.expert == "vgae" and f1.difference is not None
    assert f1.difference.mean == pytest.approx((0.3 + 0.1 - 0.1) / 3)
    quiet = found[Subject(scenario=FIRST, files=((FIRST, "quiet-1"),)), "f1"]
    assert (quiet.expert, quiet.difference) == (None, None)
    assert not any(subject.kind for subject, _ in found)


def test_the_smallest_margin_is_found_among_the_defined_ones(made: Made) -> None:
    (group,) = scorer_groups(compare_runs(fusions(made)))[0]
    margins = expert_margins(group)
    smallest = smallest_margin(margins, "roc_auc")
    defined = [m.difference.mean for m in margins if m.figure == "roc_auc" and m.difference]
    assert smallest is not None and smallest.difference is not None
    assert smallest.difference.mean == min(defined)
    assert smallest_margin([], "f1") is None


def test_only_a_fusion_has_experts(made: Made) -> None:
    gat = made.run(made.config("gat"))
    evaluate(gat, {"gat": gat.name}, 0)
    (group,) = scorer_groups(compare_runs([gat]))[0]
    assert expert_margins(group) == []
