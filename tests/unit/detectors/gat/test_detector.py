"""Scores of a GAT: log odds, and what it shows a fusion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from can_train.detectors.artifact import load_detector
from can_train.detectors.gat.detector import attack_margin, attack_probability
from can_train.detectors.scoring import score_windows
from tests.lab import Lab


def test_the_probability_is_the_softmax_in_double_precision() -> None:
    logits = torch.tensor([[0.5, -1.25], [2.0, 2.0], [-3.0, 1.0]])
    expected = torch.softmax(logits.double(), dim=1)[:, 1]
    torch.testing.assert_close(attack_probability(logits), expected, rtol=1e-14, atol=0.0)


def test_confident_windows_still_rank() -> None:
    logits = torch.tensor([[0.0, 20.0], [0.0, 21.0], [0.0, 60.0], [0.0, 61.0]])
    p, margin = attack_probability(logits), attack_margin(logits)
    assert p[0] < p[1]
    assert margin.tolist() == [20.0, 21.0, 60.0, 61.0]  # where p itself is 1


def test_the_score_is_the_difference_of_the_logits(lab: Lab) -> None:
    gat = load_detector(Path(str(lab.student("gat").path)))
    store = lab.inputs(lab.config("gat")).store
    windows = np.arange(12)
    said = score_windows([gat], store, windows)["gat"]
    with torch.no_grad():
        logits = gat.network(gat.feed(store).batch(windows)).logits.double().numpy()
    assert np.array_equal(said.score, logits[:, 1] - logits[:, 0])
    known = gat.known_car(torch.from_numpy(said.score)).numpy()
    np.testing.assert_array_equal(said.state, np.stack([said.score, known, known, known], axis=1))


def test_it_teaches_logits_and_the_pooled_embedding_in_its_own_view(lab: Lab) -> None:
    gat = load_detector(Path(str(lab.student("gat").path)))
    batch = gat.feed(lab.inputs(lab.config("gat")).store).batch(np.arange(5))
    with torch.no_grad():
        taught, output = gat.teach(batch), gat.network(batch)
    assert set(taught) == {"logits", "embedding"}
    assert torch.equal(taught["logits"], output.logits)
    assert torch.equal(taught["embedding"], output.embedding)
