"""What thresholds are calibrated on isn't evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.request import Reading
from can_train.errors import DataError
from can_train.evaluation.experts import load_experts
from can_train.evaluation.new_vehicle import Calibrated, CalibrateOn, calibrate_on
from can_train.evaluation.places import places_of
from can_train.evaluation.scenarios import Asked, evaluate_run
from can_train.frames.readers import read_recording
from can_train.runs.layout import evaluation_path
from can_train.runs.state import end_running
from tests.lab import Lab

FILE = "test_04_unknown_vehicle_unknown_attack/malfunction-charlie.csv"


def test_windows_of_the_stretch_and_no_others_are_left_out(lab: Lab) -> None:
    config = lab.config("gat")
    run, told = lab.train(config), list[Calibrated]()
    end_running(run, "finished")
    experts = load_experts(run)
    file = lab.home / "csv" / lab.dataset / FILE
    frames = read_recording(file).frames
    first = float(frames.timestamp[np.flatnonzero(frames.label)[0]] - frames.timestamp[0])
    # Half of the benign beginning is too short in the lab: the labels are taken away instead.
    assert first > 0
    benign = lab.home / "benign.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    benign.write_text("\n".join([lines[0], *(x for x in lines[1:] if x.endswith(",0"))]) + "\n")
    wanted = CalibrateOn(file=benign, minutes=5.0, tell=told.append)
    calibrated = calibrate_on(wanted, experts.scorer)
    assert told == [calibrated]
    for place in places_of(lab.inputs(config)):
        assert len(calibrated.unused_part(place).windows) == len(place.windows)
        recordings = place.store.recordings
        for number in np.unique(place.store.recording[place.windows]).tolist():
            same = Calibrated(file=file, digest=recordings[number].digest, result=calibrated.result)
            left = same.unused_part(place)
            used = np.setdiff1d(place.windows, left.windows)
            assert len(used)
            assert (place.store.recording[used] == number).all()
            assert (place.store.start[used] < calibrated.result.frames).all()
            here = left.windows[place.store.recording[left.windows] == number]
            assert (place.store.start[here] >= calibrated.result.frames).all()


def test_an_evaluation_with_other_thresholds_writes_nothing_and_says_so(
    lab: Lab,
) -> None:
    run = lab.run_of(lab.config("gat"))
    file = lab.home / "benign.csv"
    plain = evaluate_run(run, lab.data_root)
    written = evaluation_path(run).read_bytes()
    other = evaluate_run(run, lab.data_root, Asked(calibrate=CalibrateOn(file=file, minutes=5.0)))
    assert evaluation_path(run).read_bytes() == written
    assert other.settings["calibrated_on"] == read_recording(file).frames.digest()
    assert "calibrated_on" not in plain.settings
    rows = {(row.scenario, row.file, row.scorer): row for row in other.rows}
    for before in plain.rows:
        after = rows[before.scenario, before.file, before.scorer]
        if before.threshold is None or after.threshold is None or before.kind == "control":
            assert before.threshold == after.threshold
            continue
        assert after.threshold.value >= before.threshold.value
        if before.metrics and after.metrics and before.metrics.fpr is not None:
            assert (after.metrics.fpr or 0.0) <= before.metrics.fpr


def test_a_vehicle_has_one_bus(lab: Lab, tmp_path: Path) -> None:
    log = tmp_path / "both.log"
    log.write_text("".join(f"({k / 100}) can{k % 2} 123#00\n" for k in range(100)))
    experts = load_experts(lab.run_of(lab.config("gat")))
    with pytest.raises(DataError, match="both.log: holds 2 buses, .* Name it: --bus can0"):
        calibrate_on(CalibrateOn(file=log, minutes=5.0), experts.scorer)
    wanted = CalibrateOn(file=log, minutes=5.0, reading=Reading(bus="can1"))
    with pytest.raises(DataError, match="needs|few|short|windows"):
        calibrate_on(wanted, experts.scorer)
