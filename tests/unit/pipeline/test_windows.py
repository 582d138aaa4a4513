"""Windows that a stage lacks are told before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.manifest import DatasetManifest, dataset_dir, manifest_json
from can_train.errors import DataError, PreflightError
from can_train.pipeline.plan import Plan
from can_train.runs.layout import Roots

MakePlan = Callable[..., Plan]


def labels_of(roots: Roots, manifest: DatasetManifest, number: int = 1) -> Path:
    folder = dataset_dir(roots.data, "automotive", "car")
    return folder / "frames" / manifest.recordings[number].digest / "label.npy"


def relabel(roots: Roots, manifest: DatasetManifest, attack: slice) -> None:
    """Attacks of the recording that has some."""
    clean, attacked, test = manifest.recordings
    label = np.zeros(attacked.frames, np.uint8)
    label[attack] = 1
    np.save(labels_of(roots, manifest), label)
    attacked = replace(attacked, attack_frames=int(label.sum()))
    changed = replace(manifest, recordings=(clean, attacked, test))
    path = dataset_dir(roots.data, "automotive", "car") / "dataset.json"
    path.write_text(manifest_json(changed))


def test_a_plan_on_enough_windows_has_nothing_to_say(plan_of: MakePlan) -> None:
    assert plan_of(model="vgae,gat,dqn", augment="off").warnings == ()


def test_too_large_a_window_is_refused_for_every_stage(plan_of: MakePlan) -> None:
    with pytest.raises(PreflightError) as caught:
        plan_of(model="vgae", window="4096", stride="4096")
    assert str(caught.value) == (
        "dataset car, split time, --window 4096, --stride 4096: no benign window on side "
        "validation, threshold, and every stage needs some there (train 16 benign + 5 attack, "
        "validation 0 benign + 0 attack, fusion 0 benign + 0 attack, threshold 0 benign + 0 "
        "attack). Use a smaller --window, or import longer recordings of benign traffic"
    )


def test_without_attacks_only_what_needs_none_is_trained(
    plan_of: MakePlan, roots: Roots, dataset: DatasetManifest
) -> None:
    relabel(roots, dataset, slice(0))
    assert plan_of(model="vgae", augment="off").warnings == ()
    with pytest.raises(PreflightError) as caught:
        plan_of(model="gat", augment="off")
    assert str(caught.value).startswith(
        "stage 1 (gat teacher, normal, no-kd): it learns benign from attack windows, and side "
        "train doesn't hold both. dataset car, split time, --window 100, --stride 100: train "
    )
    assert "+ 0 attack" in str(caught.value)
    assert str(caught.value).endswith("or train on synthetic ones, too: --augment on")
    assert plan_of(model="gat", augment="on").warnings == ()


def test_a_single_attack_window_is_nothing_to_learn_from(
    plan_of: MakePlan, roots: Roots, dataset: DatasetManifest
) -> None:
    relabel(roots, dataset, slice(5000, 5001))
    with pytest.raises(PreflightError, match="side train holds a single attack window. dataset"):
        plan_of(model="gat", augment="off")
    assert plan_of(model="gat", augment="on").warnings == ()


def test_few_attack_windows_train_a_classifier_that_nothing_judges(
    plan_of: MakePlan, roots: Roots, dataset: DatasetManifest
) -> None:
    relabel(roots, dataset, slice(5095, 5105))
    assert plan_of(model="gat", augment="off").warnings == (
        "stage 1 (gat teacher, normal, no-kd): side validation holds no attack window: the best "
        "epoch is chosen by the loss alone, whatever attacks it finds",
        "stage 1 (gat teacher, normal, no-kd): side threshold holds no attack window: the "
        "threshold rests on benign windows alone, and nothing tells what it finds",
    )
    with pytest.raises(PreflightError, match=r"stage 3 \(dqn .*side fusion doesn't hold both"):
        plan_of(model="vgae,gat,dqn", augment="off")


def test_labels_that_are_not_those_of_the_manifest_are_refused(
    plan_of: MakePlan, roots: Roots, dataset: DatasetManifest
) -> None:
    np.save(labels_of(roots, dataset), np.zeros(3, np.uint8))
    with pytest.raises(DataError, match=r"label.npy: not the label column of DoS-sonata"):
        plan_of(model="vgae")
    labels_of(roots, dataset).write_bytes(b"x")
    with pytest.raises(DataError, match=r"label.npy: no stored column"):
        plan_of(model="vgae")


@pytest.mark.parametrize(
    ("seconds", "parts"),
    [
        (9.0, "validation and calibration"),
        (2.0, "training and in that for validation and calibration"),
    ],
)
def test_too_little_benign_traffic_to_make_recordings_from_is_refused(
    plan_of: MakePlan, roots: Roots, dataset: DatasetManifest, seconds: float, parts: str
) -> None:
    for number, recording in enumerate(dataset.train):
        path = labels_of(roots, dataset, number).with_name("timestamp.npy")
        np.save(path, np.linspace(0, seconds, recording.frames))
    with pytest.raises(PreflightError) as caught:
        plan_of(model="vgae", augment="on")
    assert str(caught.value) == (
        f"--augment: dataset car, split time has no 3 s of benign traffic in one piece in its part "
        f"for {parts} to make synthetic recordings from. Train without them: --augment off, or "
        "import longer recordings of benign traffic"
    )
    assert plan_of(model="vgae", augment="off")


def test_timestamps_of_another_length_are_named(
    plan_of: MakePlan, roots: Roots, dataset: DatasetManifest
) -> None:
    np.save(labels_of(roots, dataset, 0).with_name("timestamp.npy"), np.zeros(7))
    with pytest.raises(DataError, match=r"timestamp.npy: not the timestamp column of attack-free"):
        plan_of(model="vgae", augment="on")
