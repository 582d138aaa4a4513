"""What MLflow is told of a run equals the run's own records."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from can_train.config.frozen import frozen_config_of
from can_train.config.run_log import append_event
from can_train.runs.events import EpochEnded
from can_train.runs.layout import IDENTITY_WORDS, artifact_path, plan_dir, plan_path, run_log
from can_train.tracking.record import TrackedRun, tracked_run
from tests.lab import Lab


def told(run: Path) -> TrackedRun:
    found = tracked_run(run)
    assert found is not None
    return found


def test_every_figure_of_every_epoch_is_told_once(trained: Path) -> None:
    lines = [json.loads(line) for line in run_log(trained).read_text().splitlines()]
    expected: dict[tuple[str, int], tuple[float, int]] = {}
    for line in lines:
        when = int(line["time"] * 1000)
        if line["event"] == "epoch":
            expected |= {(k, line["epoch"]): (v, when) for k, v in line["figures"].items()}
        if line["event"] == "resources":
            expected |= {
                (f"resources/{name}", line["epoch"]): (value, when)
                for name, value in line.items()
                if name not in {"time", "event", "epoch"} and value is not None
            }
    found = told(trained).figures
    of_epochs = [figure for figure in found if figure.step is not None]
    assert {(f.name, f.step): (f.value, f.time_ms) for f in of_epochs} == expected
    assert len(of_epochs) == len(expected) > 20
    summary = json.loads((trained / "summary.json").read_text())
    final = {f.name: f.value for f in found if f.name.startswith("final/")}
    assert final["final/validation_f1"] == summary["validation_f1"]
    assert final["final/parameters"] == summary["parameters"]


def test_settings_identity_dataset_and_files_are_told(trained: Path) -> None:
    record, frozen = told(trained), frozen_config_of(trained)
    assert record.params["training.learning_rate"] == "0.001"
    assert record.params["architecture.fc_channels"] == "[6, 5]"
    assert record.params["used_batch_size"] == "16"
    assert not [name for name, value in record.params.items() if value in {"", "None", "null"}]
    words = ("modality", "dataset", "learning_type", "model", "model_size", "distillation")
    assert [record.tags[word] for word in (*words, "training_strategy", "seed")] == [
        "automotive", "small", "supervised", "gat", "student", "no-kd", "normal", "3",
    ]  # fmt: skip
    assert record.tags["git_commit"] == frozen.provenance["git_commit"]
    artifact = artifact_path(trained, "gat", "student")
    assert record.tags["artifact"] == str(artifact)
    assert (
        record.tags["artifact_sha256"]
        == json.loads((trained / "summary.json").read_text())["artifact_sha256"]
    )
    assert record.dataset.digest == frozen.config.data.dataset_digest[:32]
    assert json.loads(record.dataset.profile or "")["shared_frames"] == 0
    assert (record.state, record.experiment, record.groups) == (
        "FINISHED", "automotive/small", (),
    )  # fmt: skip
    assert record.ended_ms is not None and record.ended_ms >= record.started_ms


def test_a_run_whose_folder_was_moved_keeps_its_group(trained: Path, tmp_path: Path) -> None:
    name = trained.relative_to(trained.parents[IDENTITY_WORDS])
    shutil.copytree(trained, tmp_path / name)
    plan = plan_path(plan_dir(tmp_path, "0123456789ab"))
    plan.parent.mkdir(parents=True)
    plan.write_text(json.dumps({"stages": [{"run_dir": str(name)}, {"run_dir": "another"}]}))
    assert [group.key for group in told(tmp_path / name).groups] == ["plan/0123456789ab"]


def test_an_epoch_that_a_killed_attempt_told_before_counts_once(trained: Path) -> None:
    before, whole = told(trained), run_log(trained).read_bytes()
    append_event(trained, EpochEnded(epoch=1, best=False, figures={"val_loss": 123.0}))
    after = told(trained)
    run_log(trained).write_bytes(whole)
    assert after.figures == before.figures


def test_a_run_that_has_not_begun_is_not_told(lab: Lab) -> None:
    assert tracked_run(lab.frozen(lab.config("gat", seed=4)).parent.parent) is None
