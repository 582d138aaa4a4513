"""One run as a comparison sees it: whose evaluation, whose teacher."""

from __future__ import annotations

import pytest

from can_train.comparison.groups import compare_runs, without_evaluation
from can_train.errors import PreflightError
from tests.unit.comparison.runs_for_tests import FIRST, Made, on, only


def test_an_expert_is_evaluated_by_the_run_that_was_built_on_it(made: Made) -> None:
    vgae, gat = made.run(made.config("vgae")), made.run(made.config("gat"))
    dqn = made.run(made.config("dqn", experts=on(vgae, gat)))
    assert without_evaluation([vgae, gat, dqn]) == [vgae, gat, dqn]
    models = {"vgae": (vgae.name, {FIRST: 0.7}), "gat": (gat.name, {FIRST: 0.8})}
    made.evaluation(dqn, {**models, "dqn": (dqn.name, {FIRST: 0.9})})
    assert without_evaluation([vgae, gat, dqn]) == []
    sections = compare_runs([vgae, gat, dqn]).sections
    found = [section.of_group(section.groups[0], FIRST, "roc_auc") for section in sections]
    assert [section.model for section in sections] == ["vgae", "gat", "dqn"]
    assert [mean and mean.mean for mean in found] == [0.7, 0.8, 0.9]
    assert without_evaluation([vgae]) == [vgae]


def test_fusion_counts_as_distilled_if_its_experts_are(made: Made) -> None:
    plain = [made.run(made.config(m)) for m in ("vgae", "gat")]
    distilled = [made.run(made.config(m, alpha=0.7)) for m in ("vgae", "gat")]
    runs = [
        made.run(made.config("dqn", experts=on(v, g)), {FIRST: 0.5}) for v, g in (plain, distilled)
    ]
    section = only(compare_runs(runs))
    assert [group.label for group in section.groups] == ["student", "student+KD"]
    assert len(section.pairs) == 1


def test_a_run_without_evaluation_is_an_error_with_the_command(made: Made) -> None:
    run = made.run(made.config())
    with pytest.raises(PreflightError, match=f"Use: can-train evaluate {run.name}"):
        compare_runs([run])
