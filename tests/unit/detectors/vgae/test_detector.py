"""Scores of a VGAE: errors as one number, and what it shows a fusion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from can_train.config.presets import preset
from can_train.detectors.artifact import load_detector
from can_train.detectors.base import Detector, NetworkShape
from can_train.detectors.evidence import Margins, yardstick_of
from can_train.detectors.kernels.window import excess_of
from can_train.detectors.scoring import score_windows
from can_train.detectors.vgae.detector import VgaeDetector, combined_error
from can_train.detectors.vgae.errors import window_errors
from can_train.detectors.vgae.network import VGAE
from can_train.graphs.feed import GraphFeed
from can_train.graphs.scaling import IdVocabulary
from tests.lab import Lab


def trained(lab: Lab) -> Detector:
    return load_detector(Path(str(lab.student("vgae").path)))


def test_errors_are_added_in_units_of_their_benign_mean() -> None:
    errors = torch.tensor([[1.0, 3.0], [3.0, 6.0]], dtype=torch.float64)
    scale = torch.tensor([2.0, 3.0], dtype=torch.float64)
    assert combined_error(errors, scale).tolist() == pytest.approx([1.5, 3.5])


def test_the_calibration_is_that_of_the_benign_validation_windows(lab: Lab) -> None:
    vgae, inputs = trained(lab), lab.inputs(lab.config("vgae"))
    benign = inputs.windows("validation", benign=True)
    batch = vgae.feed(inputs.store).batch(benign)
    with torch.no_grad():
        errors = window_errors(vgae.network(batch), batch).double().numpy()
    assert np.array_equal(vgae.extras["error_scale"], errors.mean(axis=0))


def test_the_same_graphs_of_a_strange_car_have_the_same_errors(lab: Lab) -> None:
    vgae, inputs = trained(lab), lab.inputs(lab.config("vgae"))
    strangers = IdVocabulary(ids=np.arange(len(vgae.vocabulary) - 1, dtype=np.uint32) + 2**30)
    benign = inputs.windows("validation", benign=True)
    of_car, of_stranger = (
        VgaeDetector.calibrated(
            vgae.network, GraphFeed(inputs.store, scaler=vgae.scaler, vocabulary=ids), benign
        )["error_scale"]
        for ids in (vgae.vocabulary, strangers)
    )
    assert of_car.tolist() == of_stranger.tolist()
    assert (of_car > 0).all()


@pytest.mark.parametrize("weight", ["id_weight", "neighbour_weight"])
def test_only_what_the_loss_asks_for_has_heads(weight: str) -> None:
    usual = preset("vgae", "student", "autoencoder").architecture
    shape = NetworkShape(node_channels=4, edge_channels=2, num_ids=0, vocabulary_size=9)
    asked = replace(usual, **{weight: 0.1})
    for architecture, heads in ((usual, 0), (asked, 4)):
        names = VgaeDetector.build_network(architecture, shape).state_dict()
        assert len([name for name in names if name.startswith("id_heads.")]) == heads


def test_the_score_is_the_log_of_the_combined_error_and_the_state_holds_its_parts(
    lab: Lab,
) -> None:
    vgae = trained(lab)
    store = lab.inputs(lab.config("vgae")).store
    windows = np.arange(12)
    said = score_windows([vgae], store, windows)["vgae"]
    batch = vgae.feed(store).batch(windows)
    with torch.no_grad():
        errors = window_errors(vgae.network(batch), batch).double().numpy()
    combined = (errors / vgae.extras["error_scale"]).sum(axis=1)
    np.testing.assert_allclose(said.score, np.log(combined + 1e-6), rtol=1e-12)
    assert np.array_equal(said.state[:, 0], said.score)
    np.testing.assert_allclose(said.state[:, 4:], np.log(errors + 1e-6), rtol=1e-12)
    yardstick = yardstick_of(vgae.threshold, vgae.evidence, holds_on_other_cars=False)
    each = zip(said.score.tolist(), said.familiarity.tolist(), strict=True)
    expected = [excess_of(score, known, yardstick) for score, known in each]
    np.testing.assert_allclose(said.excess, expected)


def test_what_is_rare_on_the_own_car_is_relied_on_as_far_as_the_car_is_known(lab: Lab) -> None:
    vgae, store = trained(lab), lab.inputs(lab.config("vgae")).store
    benign = vgae.evidence.benign
    elsewhere = Margins.of(benign.values + 1.0)
    vgae.settle(vgae.threshold, replace(vgae.evidence, synthetic=elsewhere))
    strangers = IdVocabulary(ids=np.arange(len(vgae.vocabulary) - 1, dtype=np.uint32) + 2**30)
    feeds = [
        GraphFeed(store, scaler=vgae.scaler, vocabulary=v) for v in (vgae.vocabulary, strangers)
    ]
    index = vgae.vocabulary.index(store.node_id)
    ends = np.searchsorted(store.node_ptr, np.flatnonzero(index == 0), side="right") - 1
    windows = np.setdiff1d(np.flatnonzero(store.label == 0), ends)[:40]  # all their IDs are known
    assert len(windows) == 40
    with torch.no_grad():
        known, stranger = (vgae.scored(feed.batch(windows)) for feed in feeds)
    assert torch.equal(known.state[:, 3], known.state[:, 1])
    assert torch.equal(stranger.state[:, 3], stranger.state[:, 2])
    assert bool((stranger.state[:, 2] <= stranger.state[:, 1]).all())
    assert float((known.state[:, 3] - known.state[:, 2]).max()) > 0.5


def test_scoring_and_teaching_decode_the_means_and_draw_nothing(lab: Lab) -> None:
    vgae = trained(lab)
    batch = vgae.feed(lab.inputs(lab.config("vgae")).store).batch(np.arange(5))
    before = torch.get_rng_state()
    assert isinstance(vgae.network, VGAE)
    with torch.no_grad():
        taught = vgae.teach(batch)
        mu = vgae.network.encode(batch)[0]
        first, again = vgae.scored(batch), vgae.scored(batch)
        assert torch.equal(taught["reconstruction"], vgae.network.decode(mu))
    assert torch.equal(taught["mu"], mu)
    assert torch.equal(first.score, again.score)
    assert torch.equal(before, torch.get_rng_state())
