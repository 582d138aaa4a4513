"""What a report says of a real run, and what it doubts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from can_train.cli.main import main
from can_train.evaluation.pictures import Reliability
from can_train.report.document import PageTable
from can_train.report.parts.stages import stage_settings, stage_training
from can_train.report.parts.training import agreement
from can_train.report.records import RunRecords, records_of
from can_train.report.verdict import doubts
from can_train.runs.state import end_running
from tests.lab import Lab


def table_of(blocks: tuple[object, ...], name: str) -> list[list[str]]:
    (found,) = (each for each in blocks if isinstance(each, PageTable) and each.name == name)
    return [[cell.text for cell in line.cells] for line in found.lines]


@pytest.fixture(scope="module")
def student(lab: Lab) -> RunRecords:
    """A distilled VGAE that was evaluated."""
    run: Path = lab.train(lab.distilled("vgae"))
    end_running(run, "finished")
    roots = ["--experiment-root", str(lab.experiments), "--data-root", str(lab.data_root)]
    assert main(["evaluate", run.name, *roots]) == 0
    return records_of(run)


def with_share(records: RunRecords, share: float) -> RunRecords:
    """The same, with so large a share of benign windows whose p-value is at most 0.01."""
    line = Reliability(
        scenario="test_02_unknown_vehicle_known_attack", scorer=records.scorer, windows=500,
        p=(0.001, 0.01, 1.0), share=(0.0, share, 1.0),
    )  # fmt: skip
    assert records.pictures is not None
    record = replace(records.pictures.record, reliability=(line,))
    return replace(records, pictures=replace(records.pictures, record=record))


def test_p_values_that_promise_too_much_are_a_doubt(student: RunRecords) -> None:
    assert (
        "p-values promise too much in test_02 (test_02: 20% of the benign windows have one of at "
        "most 0.01)"
    ) in doubts(with_share(student, 0.2))
    assert not [text for text in doubts(with_share(student, 0.04)) if "p-values" in text]


def test_whatever_student_and_teacher_were_compared_by_is_shown(student: RunRecords) -> None:
    rows = table_of(tuple(agreement(student)), "agreement of it")
    assert [row[0] for row in rows] == ["latent cka", "latent cosine"]
    for name, row in zip(("latent_cka", "latent_cosine"), rows, strict=True):
        for when, text in zip(("before", "after"), row[1:], strict=True):
            assert text == f"{student.number(f'{name}_{when}'):.4f}"


def test_stages_of_a_plan_tell_agreement_and_settings(student: RunRecords) -> None:
    stages = [("1 VGAE student+KD", student)]
    told = table_of(stage_training(stages).blocks, "agreement of stage 1 VGAE student+KD")
    assert len(told) == 2
    settings = table_of(stage_settings(stages).blocks, "stage-settings")
    assert ["1 VGAE student+KD", "window", "50", "100"] in settings
    assert {row[0] for row in settings} == {"1 VGAE student+KD"}
