"""What is kept for pictures says what the figures of the same evaluation say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from can_train.alarms.rule import ALARM
from can_train.evaluation.pictures import EvaluationPictures, load_pictures
from can_train.evaluation.report import EvaluationReport
from can_train.evaluation.scenarios import evaluate_run
from can_train.runs.layout import evaluation_path
from can_train.runs.state import end_running
from tests.lab import Lab

OWN = "vgae"


@pytest.fixture(scope="module")
def run(lab: Lab) -> Path:
    run = lab.train(lab.config(OWN))
    end_running(run, "finished")
    return run


@pytest.fixture(scope="module")
def report(run: Path, lab: Lab) -> EvaluationReport:
    return evaluate_run(run, lab.data_root)


@pytest.fixture(scope="module")
def pictures(report: EvaluationReport) -> EvaluationPictures:
    assert report.pictures is not None
    return report.pictures


def test_attacks_and_delays_are_those_that_were_counted(
    report: EvaluationReport, pictures: EvaluationPictures
) -> None:
    compared = 0
    for trace in pictures.record.files:
        (row,) = [
            r
            for r in report.rows
            if (r.scenario, r.file, r.scorer) == (trace.scenario, trace.file, OWN)
        ]
        if not trace.judged:
            continue
        assert row.alarms is not None
        delays = [e.delay_s for e in trace.episodes if e.delay_s is not None]
        assert len(trace.episodes) == row.alarms.episodes
        assert len(delays) == row.alarms.found_by_alarm
        assert sum(e.noticed for e in trace.episodes) == row.alarms.found_by_notice
        if delays:
            assert np.median(delays) == row.alarms.delay_median_s
            compared += 1
    assert compared


def test_windows_have_the_margins_that_were_judged(
    report: EvaluationReport, pictures: EvaluationPictures
) -> None:
    at = next(r.threshold for r in report.rows if r.scorer == OWN)
    assert at is not None
    for trace in pictures.record.files:
        windows = pictures.windows[trace.scenario, trace.file]
        (row,) = [
            r
            for r in report.rows
            if (r.scenario, r.file, r.scorer) == (trace.scenario, trace.file, OWN)
        ]
        assert row.metrics is not None
        assert len(windows.score[OWN]) == trace.windows == row.metrics.windows
        if trace.judged:
            benign = windows.score[OWN][~windows.attack]
            assert np.mean(benign > at.value) == pytest.approx(row.metrics.fpr)
        alarms = [event for event in trace.events if event.severity == "alarm"]
        assert bool(alarms) == bool((windows.severity[OWN] == ALARM).any())


def test_sweeps_hold_the_stored_threshold_with_the_figures_of_the_table(
    report: EvaluationReport, pictures: EvaluationPictures
) -> None:
    assert len(pictures.record.sweeps) >= 4
    for sweep in pictures.record.sweeps:
        (row,) = [
            r for r in report.rows if (r.scenario, r.file, r.scorer) == (sweep.scenario, None, OWN)
        ]
        assert row.metrics is not None
        assert row.alarms is not None
        stored = sweep.steps[sweep.stored]
        assert stored.alarms_per_hour == row.alarms.alarms_per_hour
        assert (stored.found, sweep.episodes) == (row.alarms.found_by_alarm, row.alarms.episodes)
        assert stored.recall == pytest.approx(row.metrics.recall)
        assert stored.fpr == pytest.approx(row.metrics.fpr)


def test_the_explained_window_names_ids_that_are_in_it(pictures: EvaluationPictures) -> None:
    explained = [trace.explained for trace in pictures.record.files if trace.explained]
    assert explained
    for window in explained:
        ids = {node.id for node in window.nodes}
        assert {reason.id for reason in window.reasons} <= ids
        assert sum(node.frames for node in window.nodes) == 50
        assert sum(edge.frames for edge in window.edges) == 49
        drops = {node.id: node.drop for node in window.nodes}
        assert [drops[reason.id] for reason in window.reasons] == sorted(
            (drops[reason.id] for reason in window.reasons), reverse=True
        )


def test_what_was_written_is_read_back(
    run: Path, report: EvaluationReport, pictures: EvaluationPictures
) -> None:
    again = load_pictures(run, evaluation_path(run))
    assert again is not None
    assert again.record == pictures.record
    assert again.windows.keys() == pictures.windows.keys()
    for key, windows in pictures.windows.items():
        np.testing.assert_array_equal(again.windows[key].score[OWN], windows.score[OWN])
        np.testing.assert_array_equal(again.windows[key].attack, windows.attack)
