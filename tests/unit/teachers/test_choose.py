"""Which teacher a distilling stage gets, and the one message where it gets none."""

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from can_train.config.frozen import encode_run_config
from can_train.dataset.manifest import DatasetManifest, dataset_dir, manifest_json
from can_train.errors import ArtifactError, CanTrainError, PreflightError, exit_code_of
from can_train.files import OWN_SEAL, sealed, sha256_of, unsealed
from can_train.pipeline.plan import Plan
from can_train.runs.layout import Roots
from can_train.teachers.policy import register_teacher
from can_train.teachers.weights_file import ARTIFACT_FORMAT

MakePlan = Callable[..., Plan]
Finish = Callable[..., Path]
STUDENT = {"model": "gat", "model_size": "student", "distillation": "with-kd"}
TEACHER = {"model": "gat", "model_size": "teacher"}


class Runs:
    """Makes a file when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self._proof = proof

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.open, (str(self._proof), os.O_CREAT)


def refusal(plan_of: MakePlan, **asked: object) -> CanTrainError:
    with pytest.raises(CanTrainError) as caught:
        plan_of(**{**STUDENT, **asked})
    return caught.value


@pytest.fixture
def registered(plan_of: MakePlan, finish: Finish, roots: Roots) -> Path:
    """A teacher in the registry."""
    planned = plan_of(**TEACHER).stages[0]
    finish(planned)
    register_teacher(planned.frozen)
    return roots.teachers / "car" / "gat_teacher.pth"


def test_no_teacher_ends_with_3_and_says_what_was_searched(plan_of: MakePlan, roots: Roots) -> None:
    error = refusal(plan_of, auto=True, window="50")
    assert exit_code_of(error) == 3
    text = str(error)
    assert len(text.splitlines()) == 1
    assert "no gat teacher for car (relational, window 50, time)" in text
    assert f"Searched: {roots.teachers}/car/gat_teacher.pth" in text
    assert f"finished runs under {roots.experiments}/automotive/car/*/gat/teacher" in text
    assert "Train one: can-train train --modality automotive --dataset car --model gat" in text
    assert "--model-size teacher --window 50" in text


def test_no_fitting_teacher_names_those_that_do_not_fit(
    plan_of: MakePlan, registered: Path
) -> None:
    text = str(refusal(plan_of, auto=True, window="50"))
    assert f"Registered, but not fitting: {registered} (window 100 (this plan: 50))" in text


def test_one_teacher_is_chosen_and_its_path_and_hash_are_frozen(
    plan_of: MakePlan, finish: Finish
) -> None:
    artifact = finish(plan_of(**TEACHER).stages[0])
    (planned,) = plan_of(auto=True, **STUDENT).stages
    (chosen,) = planned.inputs
    assert chosen.others == ()
    kd = planned.frozen.config.distillation
    assert kd is not None
    assert (kd.teacher.path, kd.teacher.sha256) == (str(artifact), sha256_of(artifact))


@pytest.mark.parametrize("named", ["run", "file"])
def test_an_altered_artifact_of_a_run_is_refused_by_name_as_it_is_when_found(
    plan_of: MakePlan, finish: Finish, named: str
) -> None:
    artifact = finish(plan_of(**TEACHER).stages[0])
    torch.save({"weight": torch.ones(3)}, artifact)
    teacher = str(artifact if named == "file" else artifact.parent.parent)
    _is_one_message(refusal(plan_of, teacher_path=teacher), artifact, "recorded")


def test_of_two_the_newest_compatible_one_is_chosen_and_both_are_listed(
    plan_of: MakePlan, finish: Finish
) -> None:
    old = finish(plan_of(**TEACHER, seed="1").stages[0], weight=1.0)
    new = finish(plan_of(**TEACHER, seed="2").stages[0], weight=2.0)
    newest = finish(plan_of(**TEACHER, seed="3", window="50").stages[0], weight=3.0)
    for age, path in enumerate((newest, new, old)):
        os.utime(path, (1000 - age, 1000 - age))
    (chosen,) = plan_of(auto=True, **STUDENT).stages[0].inputs
    assert chosen.parent.path == str(new)
    assert str(new) in chosen.text and str(old) in chosen.text
    assert str(newest) not in chosen.text


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_teacher_ends_with_6(plan_of: MakePlan, registered: Path, share: float) -> None:
    data = registered.read_bytes()
    registered.write_bytes(data[: int(len(data) * share)])
    _is_one_message(refusal(plan_of, auto=True), registered, "truncated")


def test_a_teacher_with_another_hash_than_recorded_ends_with_6(
    plan_of: MakePlan, registered: Path
) -> None:
    described = registered.with_suffix(".json")
    recorded = json.loads(described.read_text())["sha256"]
    torch.save({"weight": torch.ones(3)}, registered)
    text = f"sha256 is {sha256_of(registered)[:12]}, recorded was {recorded[:12]}"
    _is_one_message(refusal(plan_of, auto=True), registered, text)


@pytest.mark.parametrize("form", ["torch", "pickle"])
@pytest.mark.parametrize("told", ["recorded", "unrecorded", "without .json"])
def test_a_teacher_that_would_run_code_ends_with_6_and_does_not_run(
    plan_of: MakePlan, registered: Path, tmp_path: Path, form: str, told: str
) -> None:
    proof, described = tmp_path / "proof", registered.with_suffix(".json")
    if form == "torch":
        torch.save({"weight": torch.ones(3), "more": Runs(proof)}, registered)
    else:
        registered.write_bytes(pickle.dumps(Runs(proof)))
    if told == "recorded":
        raw = unsealed(described, json.loads(described.read_text()), OWN_SEAL)
        raw = {**raw, "sha256": sha256_of(registered)}
        described.write_text(json.dumps(sealed(raw, OWN_SEAL)))
    elif told == "without .json":
        described.unlink()
    _is_one_message(refusal(plan_of, auto=True), registered, "could run code")
    _is_one_message(refusal(plan_of, teacher_path=str(registered)), registered, "could run code")
    assert not proof.exists()


def _is_one_message(error: CanTrainError, path: Path, text: str) -> None:
    assert isinstance(error, ArtifactError)
    assert exit_code_of(error) == 6
    assert text in str(error) and str(path) in str(error)
    assert len(str(error).splitlines()) == 1


def test_each_stage_can_have_its_own_teacher(plan_of: MakePlan, finish: Finish) -> None:
    gat = finish(plan_of(**TEACHER).stages[0])
    vgae = finish(plan_of(model="vgae", model_size="teacher").stages[0], weight=1.0)
    plan = plan_of(model="vgae,gat,gat", model_size="student", distillation="with-kd,with-kd,no-kd",
                   training_strategy="autoencoder,normal,normal",
                   teacher_path=f"{vgae},auto,none")  # fmt: skip
    paths = [[i.parent.path for i in s.inputs if i.name == "teacher"] for s in plan.stages]
    assert paths == [[str(vgae)], [str(gat)], []]


def test_a_plain_artifact_is_judged_by_the_config_inside(
    plan_of: MakePlan, finish: Finish, tmp_path: Path
) -> None:
    config = plan_of(**TEACHER).stages[0].config
    path = tmp_path / "elsewhere.pth"
    torch.save({"format": ARTIFACT_FORMAT, "config": encode_run_config(config)}, path)
    (chosen,) = plan_of(teacher_path=str(path), **STUDENT).stages[0].inputs
    assert chosen.parent.sha256 == sha256_of(path)
    error = refusal(plan_of, teacher_path=str(path), features="classic")
    assert isinstance(error, PreflightError)
    assert "trained on features relational (this plan: classic)" in str(error)


@pytest.fixture
def foreign(plan_of: MakePlan, finish: Finish, roots: Roots, dataset: DatasetManifest) -> Path:
    """A registered teacher of another dataset, made of other recordings."""
    recordings = tuple(replace(r, name=f"{r.name}-b") for r in dataset.recordings)
    folder = dataset_dir(roots.data, "automotive", "bus")
    folder.mkdir(parents=True)
    manifest = replace(dataset, dataset="bus", recordings=recordings)
    (folder / "dataset.json").write_text(manifest_json(manifest))
    (folder / "frames").symlink_to(dataset_dir(roots.data, "automotive", "car") / "frames")
    planned = plan_of(dataset="bus", **TEACHER).stages[0]
    finish(planned)
    register_teacher(planned.frozen)
    return roots.teachers / "bus" / "gat_teacher.pth"


def test_a_teacher_of_another_dataset_needs_leave(plan_of: MakePlan, foreign: Path) -> None:
    error = refusal(plan_of, teacher_path=str(foreign))
    assert exit_code_of(error) == 3
    assert "that gat was trained on dataset bus (this plan: car)" in str(error)
    assert "Give --allow-foreign-teacher" in str(error)
    (planned,) = plan_of(teacher_path=str(foreign), foreign=True, **STUDENT).stages
    assert planned.inputs[0].parent.path == str(foreign)
    error = refusal(plan_of, teacher_path=str(foreign), foreign=True, window="50")
    assert "trained on window 100 (this plan: 50)" in str(error)
    assert "dataset bus" in str(refusal(plan_of, auto=True))
