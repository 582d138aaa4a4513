"""An earlier evaluation is put aside where the new one doesn't hold all of it, and only then."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.baselines.named import DetectorIdentity
from can_train.evaluation.report import EvaluationReport, load_report, write_report
from tests.unit.evaluation.reports_for_tests import GOOD, SMALL, WORSE, row

IDENTITY = DetectorIdentity(module="mine", cls="Mine", version="", sha256="0" * 64)


def with_others(**scores: list[float]) -> EvaluationReport:
    """`SMALL` with detectors of others between its models and controls."""
    others = (row(name, score, kind="other") for name, score in scores.items())
    return replace(
        SMALL,
        rows=(SMALL.rows[0], *others, *SMALL.rows[1:]),
        detectors=dict.fromkeys(scores, IDENTITY),
    )


ONE = with_others(mine=GOOD)


def test_detectors_of_others_survive_json(tmp_path: Path) -> None:
    path, *_ = write_report(ONE, tmp_path)
    assert load_report(path) == ONE
    assert json.loads(path.read_text())["detectors"]["mine"]["module"] == "mine"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (SMALL, ONE, None),
        (ONE, with_others(mine=GOOD, yours=WORSE), None),
        (ONE, replace(ONE, detectors={"mine": replace(IDENTITY, sha256="1" * 64)}), None),
        (ONE, SMALL, "no --detector mine this time"),
        (ONE, with_others(mine=WORSE), "mine changed in between"),
        (
            with_others(mine=GOOD, yours=GOOD, his=GOOD),
            with_others(his=WORSE),
            "his changed in between; no --detector mine,yours this time",
        ),
        (ONE, replace(ONE, settings={}), "the test files or this program changed in between"),
    ],
)
def test_what_is_lost_is_kept_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, before: EvaluationReport,
    after: EvaluationReport, why: str | None,
) -> None:  # fmt: skip
    path, *_ = write_report(before, tmp_path)
    first = path.read_bytes()
    write_report(after, tmp_path)
    assert load_report(path) == after
    kept = [p.read_bytes() for p in tmp_path.glob("evaluation.*.json")]
    assert kept == ([] if why is None else [first])
    assert [m.partition(".json: ")[2] for m in caplog.messages] == (
        [] if why is None else [f"other figures than before, which are kept as "
                                f"{next(tmp_path.glob('evaluation.*.json')).name}: {why}"]
    )  # fmt: skip


def test_a_damaged_one_is_kept_too(tmp_path: Path) -> None:
    path, *_ = write_report(ONE, tmp_path)
    path.write_text("{")
    write_report(ONE, tmp_path)
    (kept,) = tmp_path.glob("evaluation.*.json")
    assert kept.read_text() == "{" and load_report(path) == ONE
