"""What a student GAT is told about each window by its teacher."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from can_train.detectors.artifact import load_detector
from can_train.detectors.gat.network import GAT
from can_train.detectors.gat.signal import GatTeacher, PredictionAgreement
from tests.lab import Lab

pytestmark = pytest.mark.kd


def test_a_window_without_a_signal_is_an_error_and_not_another_windows_signal(lab: Lab) -> None:
    config = lab.distilled("gat")
    teacher = load_detector(Path(str(lab.teacher("gat").path)))
    inputs = lab.inputs(config)
    assert config.distillation is not None
    windows = inputs.windows("train")
    signal = GatTeacher(teacher, inputs, windows, config.distillation, channels=16, seed=0)
    feed = teacher.feed(inputs.store)
    assert signal.signal(feed.batch(windows[[3, 0]])).logits.shape == (2, 2)
    with pytest.raises(IndexError):
        signal.signal(feed.batch(inputs.windows("validation")))


def test_the_signal_is_what_the_teacher_says_about_those_windows(lab: Lab) -> None:
    config = lab.distilled("gat", {"feature_weight": 0.5})
    teacher = load_detector(Path(str(lab.teacher("gat").path)))
    inputs = lab.inputs(config)
    assert config.distillation is not None
    windows = inputs.windows("train")
    signal = GatTeacher(teacher, inputs, windows, config.distillation, channels=16, seed=0)
    batch = teacher.feed(inputs.store).batch(windows[[5, 1, 8]])
    with torch.no_grad():
        output = teacher.network(batch)
    told = signal.signal(batch)
    torch.testing.assert_close(told.logits, output.logits, rtol=1e-5, atol=1e-6)
    assert told.embedding is not None and signal.projection is not None
    torch.testing.assert_close(told.embedding, output.embedding, rtol=1e-5, atol=1e-6)
    assert signal.projection(torch.zeros(3, 16)).shape == told.embedding.shape


def test_a_teacher_agrees_with_itself(lab: Lab) -> None:
    teacher = load_detector(Path(str(lab.teacher("gat").path)))
    inputs = lab.inputs(lab.config("gat", "teacher"))
    assert isinstance(teacher.network, GAT)
    agreement = PredictionAgreement(teacher.network, teacher.feed(inputs.store), teacher, inputs)
    figures = agreement.figures("after")
    assert figures["teacher_agreement_after"] == 1.0
    assert figures["teacher_probability_difference_after"] < 1e-6
    assert np.isfinite(list(agreement.figures("before").values())).all()
