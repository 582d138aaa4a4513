"""Networks and stages from a run's configuration."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from can_train.config.schema import DistillationConfig
from can_train.detectors.artifact import load_detector
from can_train.detectors.build import build_stage, calibrated_detector, network, network_of
from can_train.detectors.calibration import (
    FEWEST_RECORDINGS,
    HeldOut,
    conformal_threshold,
    robust_threshold,
)
from can_train.detectors.counts import parameter_count
from can_train.detectors.parents import load_parents
from can_train.detectors.scoring import score_windows
from can_train.errors import ArtifactError, TrainingError
from tests.lab import Lab
from tests.unit.detectors_for_tests import config_of, with_features


@pytest.mark.parametrize("model", ["vgae", "gat"])
@pytest.mark.kd
def test_a_teacher_of_another_model_is_refused(lab: Lab, model: str) -> None:
    other = {"vgae": "gat", "gat": "vgae"}[model]
    teacher = load_detector(Path(str(lab.teacher(other).path)))
    config = lab.config(model, distillation=DistillationConfig(teacher=lab.teacher(other)))
    message = f"teacher of a {model} stage must be a {model}, not a {other}"
    with pytest.raises(ArtifactError, match=message):
        build_stage(config, lab.inputs(config), {"teacher": teacher})


@pytest.mark.kd
def test_the_teacher_is_freed_before_the_student_trains(lab: Lab) -> None:
    config = lab.distilled("gat")
    parents = load_parents(config, lab.experiments)
    teacher = weakref.ref(parents["teacher"].network)
    stage = build_stage(config, lab.inputs(config), parents)
    parents.clear()
    gc.collect()
    assert teacher() is None
    assert stage.parents == {"teacher": lab.teacher("gat").sha256}


def test_a_relational_gat_has_no_parameter_that_depends_on_ids() -> None:
    config = config_of("gat")
    small, large = (network_of(config, size).state_dict() for size in (4, 2001))
    assert {k: v.shape for k, v in small.items()} == {k: v.shape for k, v in large.items()}
    classic = network_of(with_features(config, "classic"), 2001).state_dict()
    assert any(2001 in value.shape for value in classic.values())


@pytest.mark.parametrize("model", ["vgae", "gat", "dqn"])
@pytest.mark.parametrize("features", ["classic", "relational"])
def test_a_network_on_the_usual_experts_is_that_of_a_run(model: str, features: str) -> None:
    config = with_features(config_of(model), features)
    planned, built = network(model, config.architecture, features, 9), network_of(config, 9)
    assert parameter_count(planned) == parameter_count(built)
    assert planned.state_dict().keys() == built.state_dict().keys()


def test_initial_weights_follow_from_the_seed(lab: Lab) -> None:
    first, again, other = (
        build_stage(config, lab.inputs(config), {}).module.model.state_dict()
        for config in (lab.config("gat"), lab.config("gat"), lab.config("gat", seed=1))
    )
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not all(torch.equal(value, other[name]) for name, value in first.items())


def test_a_side_with_one_class_is_refused_with_its_counts(lab: Lab) -> None:
    config = lab.config("gat")
    inputs = lab.inputs(config)
    benign = replace(inputs.store, attack_fraction=np.zeros(len(inputs.store), np.float32))
    inputs = replace(inputs, store=benign)
    windows = len(inputs.windows("train"))
    message = f"dataset small has {windows} benign and 0 attack windows on side train of split time"
    with pytest.raises(TrainingError, match=message):
        build_stage(config, inputs, {})


@pytest.mark.parametrize("model", ["vgae", "gat"])
def test_with_enough_windows_no_single_recording_decides_a_threshold(lab: Lab, model: str) -> None:
    config = lab.config(model)
    inputs = lab.inputs(config)
    few = len(inputs.windows("threshold", benign=True))
    recordings = len(np.unique(inputs.store.recording[inputs.undisturbed("threshold")]))
    assert recordings >= FEWEST_RECORDINGS
    for target_fpr, rule in ((0.9 / few, "real"), (2.0 / few, "robust")):
        asked = replace(config, target_fpr=target_fpr)
        threshold = calibrated_detector(build_stage(asked, inputs, {})).threshold
        assert (threshold.rule, threshold.exact) == (rule, rule == "robust")
        asked_for = {"real": threshold.real_value, "robust": threshold.robust_value}
        assert threshold.value == asked_for[rule]
        assert (threshold.robust_value is None) == (rule == "real")


def test_no_window_is_scored_twice_for_a_threshold(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = lab.config("gat")
    inputs = lab.inputs(config)
    few = len(inputs.windows("threshold", benign=True))
    stage = build_stage(replace(config, target_fpr=2.0 / few), inputs, {})
    seen: list[np.ndarray] = []

    def counted(detectors, store, windows):
        seen.append(windows)
        return score_windows(detectors, store, windows)

    monkeypatch.setattr("can_train.detectors.build.score_windows", counted)
    detector = calibrated_detector(stage)
    windows = np.concatenate(seen)
    assert len(np.unique(windows)) == len(windows)
    held = inputs.undisturbed("threshold")
    said = score_windows([detector], inputs.store, held)["gat"]
    benign = inputs.windows("threshold", benign=True)
    of_benign = score_windows([detector], inputs.store, benign)["gat"].score
    expected = robust_threshold(
        HeldOut(
            score=said.score,
            recording=inputs.store.recording[held],
            synthetic=inputs.synthetic(held),
            familiarity=said.familiarity,
        ),
        conformal_threshold(of_benign, 2.0 / few),
    )
    assert detector.threshold.value == pytest.approx(expected.value)
