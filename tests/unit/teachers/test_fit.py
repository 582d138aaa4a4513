"""Whether an artifact fits: one rule, the same words for plans and for workers."""

from dataclasses import replace
from pathlib import Path

import pytest

from can_train.config.presets import preset
from can_train.config.schema import DataConfig, DistillationConfig, Parent, RunConfig
from can_train.detectors.artifact import save_detector
from can_train.errors import ArtifactError
from can_train.teachers.fit import Seen, Wanted, check, misfits, objection_to
from tests.unit.detectors_for_tests import config_of, untrained
from tests.unit.teachers.test_files import described

OURS = Seen(dataset="car", features="relational", window=100, split="time", dataset_digest="d" * 64,
            split_digest="s" * 64)  # fmt: skip


@pytest.mark.parametrize(
    ("theirs", "text"),
    [
        ({}, None),
        ({"features": "classic"}, "features classic (this plan: relational)"),
        ({"window": 50, "split_digest": "o"}, "window 50 (this plan: 100)"),
        ({"split": "x", "split_digest": "o"}, "split x (this plan: time)"),
        ({"split_digest": "o"}, "graphs of split digest o (this plan: ssssssssssss)"),
        ({"windows_per_side": 60}, "60 windows per side (this plan: all)"),
        ({"dataset": "bus", "dataset_digest": "o"}, "dataset bus (this plan: car)"),
        ({"dataset_digest": "o"}, "other recordings of car, digest o (this plan: dddddddddddd)"),
    ],
)  # fmt: skip
def test_both_sides_are_named_where_a_teacher_does_not_fit(
    theirs: dict[str, object], text: str | None
) -> None:
    found = misfits(replace(OURS, **theirs), OURS)  # type: ignore[arg-type]
    assert list(found.values()) == ([] if text is None else [text])
    allowed = misfits(replace(OURS, **theirs), OURS, allow_foreign=True)  # type: ignore[arg-type]
    assert list(allowed.values()) == ([] if "dataset_digest" in theirs else list(found.values()))


PATH = Path("/t/gat_teacher.pth")
TEACHER = RunConfig(
    modality="automotive",
    dataset="car",
    model="gat",
    model_size="teacher",
    training_strategy="normal",
    data=DataConfig(dataset_digest="d", split_digest="s"),
    architecture=preset("gat", "teacher", "normal").architecture,
)


def student(*, foreign: bool = False, **values: object) -> RunConfig:
    kd = DistillationConfig(teacher=Parent(path=str(PATH)), foreign_teacher=foreign)
    return replace(TEACHER, model_size="student", distillation=kd, **values)  # type: ignore[arg-type]


def refusal(name: str, theirs: RunConfig, ours: RunConfig) -> str:
    with pytest.raises(ArtifactError) as caught:
        check(name, PATH, theirs, ours)
    return str(caught.value)


def test_a_worker_says_what_a_plan_says() -> None:
    data = replace(TEACHER.data, window=50, features="classic")
    wanted = Wanted(modality="automotive", dataset="car", model="gat", data=data)
    seen = Seen.by(TEACHER.dataset, TEACHER.data)
    said = refusal("teacher", TEACHER, student(data=data))
    assert said == objection_to(f"teacher {PATH}", "gat", seen, wanted)
    assert said == (
        f"teacher {PATH}: that gat was trained on features relational (this plan: classic), "
        "window 100 (this plan: 50). Give --features relational --window 100, or choose another "
        "one: can-train teachers list"
    )


@pytest.mark.parametrize(("model", "refused"), [("vgae", True), ("gat", False)])
def test_an_artifact_of_another_score_is_refused_by_plans_and_workers(
    model: str, refused: bool
) -> None:
    strategy = "autoencoder" if model == "vgae" else "normal"
    architecture = preset(model, "teacher", strategy).architecture
    of_model = {"model": model, "training_strategy": strategy, "architecture": architecture}
    old = replace(TEACHER, results=10, **of_model)  # type: ignore[arg-type]
    ours = student(**of_model)  # type: ignore[arg-type]
    text = "another score (results of version 10, 11 is needed)"
    assert list(misfits(Seen.of(old), Seen.of(ours)).values()) == ([text] if refused else [])
    if refused:
        assert refusal("teacher", old, ours) == (
            f"teacher {PATH}: that vgae was trained on {text}. "
            "Choose another one: can-train teachers list"
        )
    else:
        check("teacher", PATH, old, ours)


@pytest.mark.parametrize(("results", "outdated"), [(10, True), (11, False)])
def test_a_registered_teacher_of_another_score_is_told_by_its_file(
    tmp_path: Path, results: int, outdated: bool
) -> None:
    path = tmp_path / "vgae_teacher.pth"
    save_detector(path, untrained(config_of("vgae", results=results)))
    seen = Seen.by_teacher(replace(described(path), model="vgae"), path)
    assert bool(seen.outdated) == outdated
    assert bool(misfits(seen, replace(seen, outdated=""))) == outdated


def test_a_worker_takes_what_fits() -> None:
    check("teacher", PATH, TEACHER, student())
    check("gat", PATH, TEACHER, replace(TEACHER, model="dqn"))


def test_an_expert_is_known_by_its_detectors_name() -> None:
    said = refusal("vgae", TEACHER, replace(TEACHER, model="dqn"))
    assert said == f"vgae {PATH}: that is a gat, a vgae is needed"


def test_only_a_teacher_may_come_from_another_dataset_and_only_where_allowed() -> None:
    data = replace(TEACHER.data, dataset_digest="d2", split_digest="s2")
    assert "dataset car (this plan: bus)" in refusal(
        "teacher", TEACHER, student(dataset="bus", data=data)
    )
    check("teacher", PATH, TEACHER, student(foreign=True, dataset="bus", data=data))
    fusion = replace(student(foreign=True, dataset="bus", data=data), model="dqn")
    assert "dataset car (this plan: bus)" in refusal("gat", TEACHER, fusion)
    same = student(foreign=True, data=replace(data, dataset_digest="d"))
    assert "graphs of split digest s (this plan: s2)" in refusal("teacher", TEACHER, same)


def test_an_artifact_that_saw_a_part_fits_the_same_part_only() -> None:
    part = replace(TEACHER.data, windows_per_side=60)
    check("teacher", PATH, replace(TEACHER, data=part), student(data=part))
    said = refusal("teacher", replace(TEACHER, data=part), student())
    assert "60 windows per side (this plan: all)" in said
