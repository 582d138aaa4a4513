"""Plans: edges by artifacts, parents, ids, what is found in the world and what is refused."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.config.frozen import load_frozen, write_frozen
from can_train.dataset.manifest import DatasetManifest, dataset_dir, load_manifest, manifest_json
from can_train.errors import (
    ArtifactError,
    CanTrainError,
    PreflightError,
    ProblemList,
    exit_code_of,
)
from can_train.files import sha256_of
from can_train.pipeline.plan import Plan, jobs_of
from can_train.pipeline.plan_table import plan_rows
from can_train.pipeline.record import write_plan
from can_train.runs.find import find_run
from can_train.runs.layout import Roots, iter_runs
from can_train.runs.state import point_latest, start_running
from can_train.teachers.policy import register_teacher

MakePlan = Callable[..., Plan]
Finish = Callable[..., Path]
FIVE = {
    "model": "vgae,gat,vgae,gat,dqn",
    "model_size": "teacher,teacher,student,student,student",
    "training_strategy": "autoencoder,curriculum,autoencoder,curriculum,fusion",
    "distillation": "no-kd,no-kd,with-kd,with-kd,no-kd",
}
STUDENT = {"model": "gat", "model_size": "student", "distillation": "with-kd"}
TEACHER = {"model": "gat", "model_size": "teacher"}


def refusal(plan_of: MakePlan, **asked: object) -> CanTrainError:
    with pytest.raises(CanTrainError) as caught:
        plan_of(**asked)
    return caught.value


def tree(root: Path) -> list[tuple[str, float]]:
    return sorted((str(p), p.lstat().st_mtime) for p in root.rglob("*"))


def test_edges_follow_the_artifacts(plan_of: MakePlan) -> None:
    plan = plan_of(**FIVE)
    assert plan.edges == ((1, 2), (1, 3), (2, 4), (3, 4), (3, 5), (4, 5))
    assert [stage.stage.number for stage in plan.terminal] == [5]
    student = plan.stages[2].config
    assert student.distillation is not None
    assert student.distillation.teacher.run_id == plan.stages[0].run_id
    assert student.distillation.teacher.path is None


def test_all_stages_refer_to_one_split(plan_of: MakePlan) -> None:
    plan = plan_of(**FIVE, window="50", split="leave-vehicle-out:kia")
    assert len({stage.config.data for stage in plan.stages}) == 1


def test_the_same_request_is_the_same_plan_and_a_seed_makes_another(plan_of: MakePlan) -> None:
    assert plan_of(**FIVE).plan_id == plan_of(**FIVE).plan_id != plan_of(**FIVE, seed="1").plan_id


def test_planning_writes_nothing(plan_of: MakePlan, tmp_path: Path) -> None:
    before = tree(tmp_path)
    list(plan_rows(plan_of(**FIVE)))
    assert tree(tmp_path) == before


def test_writing_leaves_frozen_configs_and_the_plan(plan_of: MakePlan, roots: Roots) -> None:
    plan = plan_of(**FIVE)
    document = json.loads((write_plan(plan) / "plan.json").read_text())
    assert document["edges"] == [[1, 2], [1, 3], [2, 4], [3, 4], [3, 5], [4, 5]]
    assert [s["run_id"] for s in document["stages"]] == [s.run_id for s in plan.stages]
    assert len(list(iter_runs(roots.experiments))) == 5
    for job, stage in zip(jobs_of(plan), plan.stages, strict=True):
        frozen = load_frozen(job.frozen)
        assert frozen.config == stage.config
        manifest = load_manifest(roots.data, "automotive", "car")
        assert frozen.training_digest == manifest.training_digest
        assert find_run(roots.experiments, stage.run_id) == job.run_dir


def test_a_teacher_without_a_source_is_refused(plan_of: MakePlan) -> None:
    error = refusal(plan_of, **STUDENT)
    assert exit_code_of(error) == 3
    assert "no gat teacher was given and no earlier stage makes one" in str(error)
    assert "Add --auto-find-teacher or --teacher-path FILE" in str(error)
    auto = refusal(plan_of, auto=True, **STUDENT)
    assert "can-train train --modality automotive --dataset car --model gat" in str(auto)


def test_auto_find_takes_the_registry_before_the_newest_run(
    plan_of: MakePlan, finish: Callable[..., Path], roots: Roots
) -> None:
    old = plan_of(**TEACHER, seed="1").stages[0]
    new = plan_of(**TEACHER, seed="2").stages[0]
    finish(old, weight=1.0)
    os.utime(finish(old, weight=1.0), (1, 1))
    artifact = finish(new, weight=2.0)
    (chosen,) = plan_of(auto=True, **STUDENT).stages[0].inputs
    assert chosen.parent.path == str(artifact)
    assert chosen.parent.sha256 == sha256_of(artifact)
    assert chosen.others == (f"{_artifact_of(old)} (run {old.run_id})",)
    register_teacher(old.frozen)
    (chosen,) = plan_of(auto=True, **STUDENT).stages[0].inputs
    assert chosen.parent.path == str(roots.teachers / "car" / "gat_teacher.pth")
    assert chosen.origin == "registry"
    (chosen,) = plan_of(teacher_path="auto", **STUDENT).stages[0].inputs
    assert chosen.origin == "registry"


def _artifact_of(planned: object) -> Path:
    return planned.frozen.run_dir / "models" / "gat_teacher.pth"  # type: ignore[attr-defined]


@pytest.mark.parametrize("changed", [{"features": "classic"}, {"window": "50"}])
def test_teachers_of_other_windows_are_not_found_and_not_accepted(
    plan_of: MakePlan, finish: Callable[..., Path], changed: dict[str, str]
) -> None:
    artifact = finish(plan_of(**TEACHER).stages[0])
    assert "no gat teacher for car" in str(refusal(plan_of, auto=True, **STUDENT, **changed))
    error = refusal(plan_of, teacher_path=str(artifact), **STUDENT, **changed)
    (name, value), ours = *changed.items(), {"features": "relational", "window": "100"}
    assert f"that gat was trained on {name} {ours[name]} (this plan: {value})" in str(error)
    assert f"Give --{name} {ours[name]}, or choose another one" in str(error)


def test_an_explicit_teacher_is_a_file_a_run_or_the_beginning_of_an_id(
    plan_of: MakePlan, finish: Callable[..., Path]
) -> None:
    teacher = plan_of(**TEACHER).stages[0]
    artifact = finish(teacher)
    for text in (str(artifact), str(teacher.frozen.run_dir), teacher.run_id, teacher.run_id[:5]):
        (found,) = plan_of(teacher_path=text, **STUDENT).stages[0].inputs
        assert found.parent.path == str(artifact)


def test_a_teacher_of_another_model_is_refused(
    plan_of: MakePlan, finish: Callable[..., Path]
) -> None:
    artifact = finish(plan_of(model="vgae").stages[0])
    error = refusal(plan_of, teacher_path=str(artifact), **STUDENT)
    assert "that is a vgae, a gat is needed" in str(error)


def test_a_truncated_teacher_is_an_artifact_error(
    plan_of: MakePlan, finish: Callable[..., Path], tmp_path: Path
) -> None:
    artifact = finish(plan_of(**TEACHER).stages[0])
    copy = tmp_path / "copy.pth"
    copy.write_bytes(artifact.read_bytes()[:-40])
    error = refusal(plan_of, teacher_path=str(copy), **STUDENT)
    assert isinstance(error, ArtifactError)
    artifact.write_bytes(copy.read_bytes())
    assert exit_code_of(refusal(plan_of, auto=True, **STUDENT)) == 6


def test_a_damaged_run_that_is_not_chosen_blocks_nobody(
    plan_of: MakePlan, finish: Callable[..., Path]
) -> None:
    old = finish(plan_of(**TEACHER).stages[0])
    old.write_bytes(old.read_bytes()[:-40])
    os.utime(old, (1, 1))
    new = finish(plan_of(**TEACHER, seed="1").stages[0], weight=1.0)
    (found,) = plan_of(auto=True, **STUDENT).stages[0].inputs
    assert found.parent.path == str(new)
    assert str(old) in found.text


def test_the_command_that_trains_a_teacher_works_on_the_same_folders(
    plan_of: MakePlan, roots: Roots
) -> None:
    assert str(refusal(plan_of, auto=True, **STUDENT)).endswith(
        "Train one: can-train train --modality automotive --dataset car --model gat "
        f"--model-size teacher --data-root {roots.data} --experiment-root {roots.experiments} "
        f"--teacher-root {roots.teachers}"
    )


def test_curriculum_and_fusion_take_the_plan_then_the_path_then_the_newest_run(
    plan_of: MakePlan, finish: Callable[..., Path]
) -> None:
    gat = {"model": "gat", "training_strategy": "curriculum", "model_size": "student"}
    error = refusal(plan_of, **gat)
    assert "it needs a vgae of size student" in str(error)
    assert "--model vgae --model-size student" in str(error)
    first = finish(plan_of(model="vgae", model_size="student").stages[0])
    os.utime(first, (1, 1))
    second = finish(plan_of(model="vgae", model_size="student", seed="1").stages[0], weight=1.0)
    assert plan_of(**gat).stages[0].inputs[0].parent.path == str(second)
    assert plan_of(**gat, vgae_path=str(first)).stages[0].inputs[0].parent.path == str(first)
    both = plan_of(model="vgae,gat", model_size="student")
    assert both.stages[1].inputs[0].from_stage == 1


def test_a_path_that_no_stage_takes_is_refused(
    plan_of: MakePlan, finish: Callable[..., Path]
) -> None:
    artifact = finish(plan_of(model="vgae").stages[0])
    error = refusal(plan_of, model="vgae,gat", vgae_path=str(artifact))
    assert f"--vgae-path: {artifact} would have no effect" in str(error)


def test_force_makes_a_second_run_and_dependants_refer_to_it(
    plan_of: MakePlan, finish: Callable[..., Path]
) -> None:
    first = plan_of(model="vgae,gat")
    assert plan_of(model="vgae,gat", force=True) == first
    for stage in first.stages:
        finish(stage)
    forced = plan_of(model="vgae,gat", force=True)
    assert forced.stages[0].run_id == f"{first.stages[0].run_id}-2"
    assert forced.stages[1].config.experts["vgae"].run_id == forced.stages[0].run_id
    assert forced.stages[1].run_id not in {s.run_id for s in first.stages}
    assert [s.state for s in plan_of(model="vgae,gat").stages] == ["reused", "reused"]


def test_a_living_run_is_refused(plan_of: MakePlan) -> None:
    plan = plan_of(model="vgae")
    write_plan(plan)
    start_running(plan.stages[0].frozen.run_dir)
    error = refusal(plan_of, model="vgae")
    assert exit_code_of(error) == 3
    assert f"is running in pid {os.getpid()} on " in str(error)


def test_a_finished_run_without_artifact_is_an_artifact_error(
    plan_of: MakePlan, finish: Callable[..., Path]
) -> None:
    finish(plan_of(model="vgae").stages[0]).unlink()
    error = refusal(plan_of, model="vgae")
    assert exit_code_of(error) == 6
    assert "the training command with --force" in str(error)


def test_findings_of_all_layers_come_together_with_the_lowest_code(
    plan_of: MakePlan, roots: Roots
) -> None:
    (dataset_dir(roots.data, "automotive", "car") / "dataset.json").write_text("{")
    started = time.monotonic()
    error = refusal(plan_of, **STUDENT, epochs="0", alpha="2", teacher_path="/no/such.pth")
    assert time.monotonic() - started < 1
    assert isinstance(error, ProblemList)
    assert exit_code_of(error) == 2
    lines = str(error).splitlines()
    assert [line.split(":")[0] for line in lines if line.startswith("--")] == [
        "--alpha", "--epochs", "--teacher-path",
    ]  # fmt: skip
    assert any("not a dataset manifest" in line for line in lines)


def test_missing_frames_and_unknown_splits_are_found(
    plan_of: MakePlan, roots: Roots, dataset: DatasetManifest
) -> None:
    folder = dataset_dir(roots.data, "automotive", "car") / "frames" / dataset.train[0].digest
    (folder / "label.npy").unlink()
    error = refusal(plan_of, model="vgae", split="leave-vehicle-out:golf")
    assert exit_code_of(error) == 3
    assert "frames of attack-free-kia are missing" in str(error)
    assert "Allowed: leave-vehicle-out:kia, leave-vehicle-out:sonata" in str(error)


@pytest.mark.parametrize(
    ("split", "what"),
    [
        ("leave-vehicle-out:kia", "kia is the only vehicle in the training recordings of car"),
        ("leave-attack-out:DoS", "DoS is the only attack kind in the training recordings of car"),
    ],
)
def test_a_fold_that_would_leave_nothing_to_train_on_is_found_before_the_job(
    plan_of: MakePlan, roots: Roots, dataset: DatasetManifest, split: str, what: str
) -> None:
    kia = tuple(replace(r, vehicle="kia") for r in dataset.recordings)
    path = dataset_dir(roots.data, "automotive", "car") / "dataset.json"
    path.write_text(manifest_json(replace(dataset, recordings=kia)))
    error = refusal(plan_of, model="vgae", split=split)
    assert exit_code_of(error) == 3
    assert f"--split: {what}" in str(error)
    assert "Allowed: time" in str(error)


def test_a_root_that_is_a_file_is_found(plan_of: MakePlan, roots: Roots) -> None:
    roots.experiments.write_text("")
    assert "can't be written to" in str(refusal(plan_of, model="vgae"))


def test_latest_points_at_a_run_and_is_no_run_itself(plan_of: MakePlan, roots: Roots) -> None:
    plan = plan_of(model="vgae")
    write_plan(plan)
    run = plan.stages[0].frozen.run_dir
    point_latest(run)
    point_latest(run)
    assert (run.parent / "latest").readlink() == Path(run.name)
    assert list(iter_runs(roots.experiments)) == [run]
    assert find_run(roots.experiments, str(run.parent / "latest")) == run.resolve()


def test_runs_that_come_near_are_named_with_what_keeps_them_out(
    plan_of: MakePlan, finish: Finish
) -> None:
    part, narrow, small, unfinished = (
        plan_of(model="gat", **words).stages[0]
        for words in (
            {"windows_per_side": "60"},
            {"window": "50"},
            {"model_size": "student"},
            {"seed": "9"},
        )
    )
    for planned in (part, narrow, small):
        finish(planned)
    write_frozen(unfinished.frozen)
    with pytest.raises(PreflightError) as caught:
        plan_of(model="gat", distillation="with-kd", auto=True)
    for planned, why in (
        (part, "60 windows per side (this plan: all)"),
        (narrow, "window 50 (this plan: 100)"),
        (small, "size student, teacher is needed"),
        (unfinished, "it is planned"),
    ):
        assert f"run {planned.run_id} ({why})" in str(caught.value)


def test_a_run_that_might_fit_and_is_damaged_is_a_matter_of_artifacts(
    plan_of: MakePlan, finish: Finish
) -> None:
    artifact = finish(plan_of(model="vgae").stages[0])
    artifact.unlink()
    with pytest.raises(ArtifactError, match=rf"run \w+ \({artifact} is missing\)"):
        plan_of(model="gat", model_size="teacher", training_strategy="curriculum")
