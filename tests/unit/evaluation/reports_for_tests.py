"""A small evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from can_train.detectors.calibration import Threshold
from can_train.evaluation.alarms import AlarmMetrics
from can_train.evaluation.bootstrap import block_bootstrap
from can_train.evaluation.metrics import window_metrics
from can_train.evaluation.report import EvaluationReport, EvaluationRow, RowKind

LABEL = [1, 1, 0, 0] * 25
GOOD = [0.9, 0.7, 0.4, 0.1] * 25
WORSE = [0.9, 0.2, 0.4, 0.1] * 25
THRESHOLD = Threshold(
    value=0.5, target_fpr=0.001, benign_windows=1200, exact=True, rule="real", real_value=0.5
)
SCENARIO = "test_01_known_vehicle_known_attack"


def row(
    scorer: str,
    score: Sequence[float] | None,
    *,
    scenario: str = SCENARIO,
    file: str | None = None,
    kind: RowKind = "model",
) -> EvaluationRow:
    return EvaluationRow(
        scenario=scenario,
        file=file,
        scorer=scorer,
        kind=kind,
        threshold=None if score is None else THRESHOLD,
        metrics=None if score is None else window_metrics(LABEL, score, 0.5, 0.5),
        intervals=None if score is None or file is None else block_bootstrap(LABEL, score, 0.5, 0),
    )


def report(*rows: EvaluationRow) -> EvaluationReport:
    return EvaluationReport(
        modality="automotive",
        dataset="hcrl_sa",
        run_id="0123abcd",
        rows=rows,
        runs={"gat": "0123abcd"},
        settings={"seed": 0, "window": 100},
        latency_ms={"gat": (1.5, 2.25)},
        frames_per_s={"gat": 61_000.0},
    )


FOUND = AlarmMetrics(
    episodes=8,
    found_by_alarm=6,
    found_by_notice=8,
    delay_median_s=0.171,
    delay_p95_s=1.704,
    alarms_per_hour=42.61,
    alarms_per_hour_upper=202.06,
    notices_per_hour=1085.2,
    notices_per_hour_upper=1200.0,
    fpr_before=0.0,
    fpr_after=0.00004,
    recall_first_third=1.0,
    recall_last_third=None,
)

SMALL = report(
    row("gat", GOOD),
    row("position_only", WORSE, kind="control"),
    row("gat", GOOD, file="DoS-kia"),
    row("id_lookup", None, file="DoS-kia", kind="control"),
)
