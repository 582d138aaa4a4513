"""What a student VGAE is told about each node by its teacher."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from can_train.detectors.artifact import load_detector
from can_train.detectors.vgae.network import VGAE
from can_train.detectors.vgae.signal import LatentAgreement, VgaeTeacher
from tests.lab import Lab

pytestmark = pytest.mark.kd


def test_the_signal_is_what_the_teacher_says_about_those_nodes(lab: Lab) -> None:
    config = lab.distilled("vgae")
    teacher = load_detector(Path(str(lab.teacher("vgae").path)))
    inputs = lab.inputs(config)
    assert config.distillation is not None
    windows = inputs.windows("train", benign=True)
    signal = VgaeTeacher(teacher, inputs, windows, config.distillation, channels=3, seed=0)
    batch = teacher.feed(inputs.store).batch(windows[[5, 1, 8]])
    network = teacher.network
    assert isinstance(network, VGAE)
    with torch.no_grad():
        mu, _ = network.encode(batch)
        decoded = network.decode(mu)
    told = signal.signal(batch)
    torch.testing.assert_close(told.mu, mu, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(told.reconstruction, decoded, rtol=1e-4, atol=1e-5)
    assert signal.projection(torch.zeros(4, 3)).shape == (4, 5)


def test_a_teacher_agrees_with_itself(lab: Lab) -> None:
    teacher = load_detector(Path(str(lab.teacher("vgae").path)))
    inputs = lab.inputs(lab.config("vgae", "teacher"))
    network = teacher.network
    assert isinstance(network, VGAE)
    feed = teacher.feed(inputs.store)
    figures = LatentAgreement(network, nn.Identity(), feed, teacher, inputs).figures("after")
    assert figures["latent_cka_after"] == pytest.approx(1.0, abs=1e-6)
    assert figures["latent_cosine_after"] == pytest.approx(1.0, abs=1e-6)
