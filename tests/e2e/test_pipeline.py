"""Teachers, then the distilled chain, as two commands on synthetic traffic."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from can_train.config.frozen import FrozenConfig, load_frozen
from can_train.dataset.manifest import dataset_dir, load_manifest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate
from can_train.evaluation.report import load_report
from can_train.files import sha256_of
from can_train.runs.layout import frozen_of_run, iter_runs
from can_train.runs.state import read_status

BASE = ("pipeline", "--modality", "automotive", "--dataset", "synthetic", "--threads", "1")
TEACHERS = (*BASE, "--model", "vgae,gat", "--model-size", "teacher",
            "--training-strategy", "autoencoder,curriculum", "--epochs", "1")  # fmt: skip
STUDENTS = (*BASE, "--training-strategyl", "vgae,gat,dqn",
            "--training-strategy", "autoencoder,curriculum,fusion",
            "--distillation", "with-kd,with-kd,no-kd", "--auto-find-teacher",
            "--epochs", "2,2,2")  # fmt: skip
SCENARIOS = {
    "test_01_known_vehicle_known_attack",
    "test_02_unknown_vehicle_known_attack",
    "test_03_known_vehicle_unknown_attack",
    "test_04_unknown_vehicle_unknown_attack",
    "test_05_suppress",
    "test_06_masquerade",
}
MODELS = {"vgae", "gat", "fusion", "vehicle_profile"}
CONTROLS = {"always_attack", "position_only", "id_lookup", "inter_arrival", "boosted_trees",
            "best_fixed_alpha", "logistic_regression", "small_mlp"}  # fmt: skip
ENABLED = "Knowledge Distillation: ENABLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What the two commands left and said; `stages` are the runs of vgae, gat and dqn."""

    home: Path
    teachers: str
    students: str
    stages: tuple[Path, Path, Path]

    @property
    def frozen(self) -> list[FrozenConfig]:
        return [load_frozen(frozen_of_run(run)) for run in self.stages]


def call(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "can_train", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "CAN_TRAIN_HOME": str(home)},
        check=False,
    )


def can_train(home: Path, *words: str) -> str:
    done = call(home, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    home = tmp_path_factory.mktemp("home")
    generate(home / "csv", seed=1, scale=0.3)
    prepare_dataset(
        PrepareRequest(
            modality="automotive", dataset="synthetic", data_root=home / "data", source=home / "csv"
        )
    )
    teachers, students = can_train(home, *TEACHERS), can_train(home, *STUDENTS)
    runs = {
        run.parts[-5]: run
        for run in iter_runs(home / "experimentruns")
        if run.parts[-4] == "student"
    }
    stages = (runs["vgae"], runs["gat"], runs["dqn"])
    return Chain(home=home, teachers=teachers, students=students, stages=stages)


def tree(root: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime for path in root.rglob("*") if path.is_file()}


def test_frozen_configs_say_who_distils_from_which_teacher(chain: Chain) -> None:
    configs = [frozen.config for frozen in chain.frozen]
    assert [config.model_size for config in configs] == ["student"] * 3
    assert [config.distillation_word for config in configs] == ["with-kd", "with-kd", "no-kd"]
    for config in configs[:2]:
        assert config.distillation is not None
        teacher = config.distillation.teacher
        path = (
            chain.home / "config" / "teacher_models" / "synthetic" / f"{config.model}_teacher.pth"
        )
        assert (teacher.path, teacher.sha256) == (str(path), sha256_of(path))
        assert f"teacher: {path}, sha256 {teacher.sha256} (registry)" in chain.students
    raw = json.loads(frozen_of_run(chain.stages[2]).read_text())
    assert raw["config"]["distillation"] is None
    vgae, gat, dqn = configs
    by_run = [{n: e.run_id for n, e in config.experts.items()} for config in (vgae, gat, dqn)]
    first, second, _ = (stage.name for stage in chain.stages)
    assert by_run == [{}, {"vgae": first}, {"vgae": first, "gat": second}]
    assert vgae.data == gat.data == dqn.data


def test_only_the_logs_of_distilling_stages_say_so(chain: Chain) -> None:
    logs = [
        "".join(log.read_text() for log in sorted((run / "slurm_logs").iterdir()))
        for run in chain.stages
    ]
    assert [log.count(ENABLED) for log in logs] == [1, 1, 0]
    for log, frozen in zip(logs, chain.frozen, strict=True):
        kd = frozen.config.distillation
        assert kd is None or f"{ENABLED} (teacher {str(kd.teacher.sha256)[:12]}" in log


def test_statuses_record_the_artifacts_that_were_consumed(chain: Chain) -> None:
    made = {run.parts[-5]: sha256_of(next(run.glob("models/*.pth"))) for run in chain.stages}
    vgae, gat, dqn = (read_status(run) for run in chain.stages)
    assert vgae is not None and gat is not None and dqn is not None
    assert {vgae.state, gat.state, dqn.state} == {"finished"}
    assert set(vgae.parents) == {"teacher"}
    assert gat.parents["vgae"] == made["vgae"]
    assert dict(dqn.parents) == {"vgae": made["vgae"], "gat": made["gat"]}


def test_the_evaluation_holds_every_scenario_model_and_control(chain: Chain) -> None:
    run = chain.stages[2]
    report = load_report(run / "evaluation.json")
    assert {row.scenario for row in report.rows} == SCENARIOS
    for scenario in SCENARIOS:
        whole = [r for r in report.rows if r.scenario == scenario and r.file is None]
        assert {r.scorer for r in whole if r.kind == "model"} == MODELS
        assert {r.scorer for r in whole if r.kind == "control"} == CONTROLS
        assert len(whole) == len(MODELS | CONTROLS)
        assert any(r.scenario == scenario and r.file is not None for r in report.rows)
    raw = json.loads((run / "evaluation.json").read_text())
    suppress = [r["metrics"] for r in raw["rows"] if r["scenario"] == "test_05_suppress"]
    assert suppress
    for metrics in suppress:
        assert metrics is None or metrics["f1"] is metrics["recall"] is metrics["roc_auc"] is None
    known = [r for r in report.rows if r.scenario.startswith("test_01") and r.file is None]
    for row in known:
        assert row.threshold is not None and row.metrics is not None, row.scorer
        assert row.metrics.roc_auc is not None, row.scorer
    assert (run / "evaluation.csv").is_file()
    assert "test_06_masquerade" in chain.students
    assert "test_06_masquerade" in chain.teachers


def test_identical_calls_reuse_everything_and_say_so(chain: Chain) -> None:
    root = chain.home / "experimentruns"
    plans = root / "plans"
    before = {k: v for k, v in tree(root).items() if not k.startswith(str(plans))}
    for words, runs in ((STUDENTS, 3), (TEACHERS, 2)):
        said = can_train(chain.home, *words).splitlines()
        reused = [line for line in said if line.startswith("reused: ")]
        assert len([line for line in reused if line.startswith("reused: stage ")]) == runs
        assert len([line for line in reused if line.startswith("reused: evaluation ")]) == 1
        assert not any(line.startswith(("running: ", "finished: ")) for line in said)
    after = {k: v for k, v in tree(root).items() if not k.startswith(str(plans))}
    assert after == before
    rows = json.loads(can_train(chain.home, "status", "--json"))
    assert [row["state"] for row in rows] == ["finished"] * 5


def test_a_failing_evaluation_fails_the_pipeline(chain: Chain) -> None:
    run, data = chain.stages[2], chain.home / "data"
    recording = load_manifest(data, "automotive", "synthetic").test[0]
    frames = dataset_dir(data, "automotive", "synthetic") / "frames" / recording.digest
    payload, evaluation = frames / "payload.npy", run / "evaluation.json"
    whole, text = payload.read_bytes(), evaluation.read_text()
    evaluation.unlink()
    payload.write_bytes(whole[:-100])
    done = call(chain.home, *STUDENTS)
    payload.write_bytes(whole)
    evaluation.write_text(text)
    assert done.returncode == 5, done.stdout + done.stderr
    assert f"evaluation of run {run.name} failed (exit code 5)" in done.stderr
    assert str(payload) in done.stderr and "Prepare the dataset again" in done.stderr
    assert "Traceback" not in done.stderr
