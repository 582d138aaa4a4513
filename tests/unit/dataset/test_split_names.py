"""Which splits a dataset has: preflight and the worker agree."""

from __future__ import annotations

import pytest

from can_train.dataset.manifest import DatasetManifest
from can_train.dataset.split_names import folds, held_out_recordings, split_problems
from can_train.errors import PreflightError
from can_train.frames.recording import Recording


def recording(vehicle: str, kind: str) -> Recording:
    return Recording(
        scenario="train_02_with_attacks",
        name=f"{kind}-{vehicle}",
        digest=f"{kind}{vehicle}",
        frames=9,
        attack_frames=0 if kind == "none" else 3,
        start_s=0.0,
        duration_s=1.0,
        attack_kind=kind,
        vehicle=vehicle,
        source="x.csv",
    )


def manifest(*recordings: Recording) -> DatasetManifest:
    return DatasetManifest(modality="automotive", dataset="car", recordings=recordings)


ONE_VEHICLE = manifest(recording("kia", "none"), recording("kia", "DoS"), recording("kia", "rpm"))
ONE_ATTACK = manifest(recording("kia", "none"), recording("sonata", "DoS"))
BENIGN = manifest(recording("kia", "none"))
NAMES = ("time", "random", "leave-vehicle-out:kia", "leave-vehicle-out:sonata",
         "leave-attack-out:DoS", "leave-attack-out:none", "leave-attack-out:rpm")  # fmt: skip


@pytest.mark.parametrize("dataset", [ONE_VEHICLE, ONE_ATTACK, BENIGN])
@pytest.mark.parametrize("name", NAMES)
def test_preflight_finds_what_the_worker_refuses_and_nothing_else(dataset, name):
    problems = list(split_problems(dataset, name))
    if problems:
        with pytest.raises(PreflightError):
            held_out_recordings(dataset, name)
    else:
        held_out = held_out_recordings(dataset, name)
        assert len(held_out) < len(dataset.train)
        assert bool(held_out) == (name != "time")


def test_only_what_leaves_something_to_train_on_can_be_left_out():
    assert list(map(str, folds(ONE_VEHICLE))) == ["leave-attack-out:DoS", "leave-attack-out:rpm"]
    assert list(map(str, folds(ONE_ATTACK))) == [
        "leave-vehicle-out:kia",
        "leave-vehicle-out:sonata",
    ]
    assert folds(BENIGN) == ()


@pytest.mark.parametrize(
    ("dataset", "name", "message"),
    [
        (ONE_VEHICLE, "leave-vehicle-out:kia",
         "--split: kia is the only vehicle in the training recordings of car: no recording would "
         "be left to train on. Allowed: time, leave-attack-out:DoS, leave-attack-out:rpm"),
        (ONE_ATTACK, "leave-attack-out:DoS",
         "--split: DoS is the only attack kind in the training recordings of car: no attack would "
         "be left to train on. Allowed: time, leave-vehicle-out:kia, leave-vehicle-out:sonata"),
        (ONE_ATTACK, "leave-vehicle-out:kai",
         "--split: car has no vehicle kai in its training recordings; did you mean "
         "leave-vehicle-out:kia? Allowed: leave-vehicle-out:kia, leave-vehicle-out:sonata, time"),
        (BENIGN, "leave-attack-out:none",
         "--split: car has no attack kind none in its training recordings. Allowed: time"),
    ],
)  # fmt: skip
def test_the_refusal_says_why_and_what_is_allowed(dataset, name, message):
    (problem,) = split_problems(dataset, name)
    assert str(problem) == message
