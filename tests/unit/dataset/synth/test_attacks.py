"""Attacks: what each of them does to the bus, frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.dataset.synth.attacks import (
    ATTACK_SHARE_PERCENT,
    TEST_BURST_EVERY_US,
    WARM_UP_US,
    burst_times,
)
from can_train.dataset.synth.bus import (
    join,
    transmit,
)
from can_train.dataset.synth.dataset import record
from can_train.dataset.synth.fields import write_checksum
from can_train.dataset.synth.signals import drive
from can_train.dataset.synth.traffic import message_traffic
from can_train.dataset.synth.vehicles import VEHICLES, Vehicle
from tests.unit.dataset.synth.recordings_for_tests import (
    in_bursts,
    made,
    of_message,
    planned_as,
    scene_of,
)


def test_dos_labels_its_flood_and_nothing_else():
    traffic = made("DoS", "alpha")
    flood = traffic.label == 1
    assert not traffic.arbitration_id[flood].any()
    assert not traffic.payload[flood].any()
    assert (traffic.arbitration_id[~flood] > 0).all()


def test_injected_frames_delay_the_benign_ones():
    scene = scene_of(planned_as("DoS", "bravo"))
    signals = drive(scene.duration_us, scene.rng("drive"))
    parts = [message_traffic(scene, message, signals) for message in scene.vehicle.messages]
    undisturbed, attacked = transmit(join(parts)), made("DoS", "bravo")
    bursts = burst_times(scene, TEST_BURST_EVERY_US)
    for message in (m for m in scene.vehicle.messages if m.period_ms == 10):
        at = of_message(undisturbed, message)
        late = of_message(attacked, message).time_us - at.time_us
        during = in_bursts(at, bursts, slack_us=0)
        assert late[during].mean() > 20
        assert not late[~in_bursts(at, bursts)].any()


def test_fuzzing_sends_identifiers_the_vehicle_never_uses():
    traffic = made("fuzzing", "bravo")
    known = {m.arbitration_id for m in VEHICLES["bravo"].messages}
    fuzzed = set(traffic.arbitration_id[traffic.label == 1].tolist())
    assert len(fuzzed) > 1_000
    assert set(traffic.arbitration_id[traffic.label == 0].tolist()) == known


@pytest.mark.parametrize("vehicle", ["alpha", "bravo", "charlie"])
def test_malfunction_repeats_one_identifier_of_the_vehicle(vehicle: str):
    traffic = made("malfunction", vehicle)
    (target,) = set(traffic.arbitration_id[traffic.label == 1].tolist())
    message = next(m for m in VEHICLES[vehicle].messages if m.arbitration_id == target)
    assert set(traffic.dlc[traffic.label == 1].tolist()) == {message.layout.dlc}
    injected = traffic.take(traffic.label == 1).time_us
    assert np.median(np.diff(injected)) < 500 * message.period_ms


def test_suppress_withholds_one_ecu_and_labels_nothing():
    planned = planned_as("suppress", "alpha")
    traffic = made("suppress", "alpha")
    bursts = burst_times(scene_of(planned), TEST_BURST_EVERY_US)
    assert not traffic.label.any()
    for start, end in bursts:
        inside = traffic.take((traffic.time_us >= start + 5_000) & (traffic.time_us < end))
        seen = set(inside.arbitration_id.tolist())
        frequent = [m for m in VEHICLES["alpha"].messages if m.period_ms <= 20]
        missing = {m.ecu for m in frequent if m.arbitration_id not in seen}
        assert len(missing) == 1
        assert not {m.arbitration_id for m in frequent if m.ecu in missing} & seen


def test_masquerade_replaces_frames_of_an_ecu_at_its_own_pace():
    planned = planned_as("masquerade", "bravo")
    traffic = made("masquerade", "bravo")
    bursts = burst_times(scene_of(planned), TEST_BURST_EVERY_US)
    false = traffic.label == 1
    assert not (false & ~in_bursts(traffic, bursts)).any()
    for message in VEHICLES["bravo"].messages:
        if message.event_driven:
            continue
        at = of_message(traffic, message).time_us
        expected = planned.duration_s * 1_000 / message.period_ms
        assert len(at) == pytest.approx(expected, abs=2)
    for start, end in bursts:
        spoken = traffic.take(false & (traffic.time_us >= start + 5_000) & (traffic.time_us < end))
        assert len({ecu_of(VEHICLES["bravo"], i) for i in spoken.arbitration_id.tolist()}) == 1


def test_masquerade_is_sometimes_betrayed_by_its_checksum():
    outcome = set()
    for seed in range(3):
        traffic = record(planned_as("masquerade", "bravo"), seed=seed)
        for message in VEHICLES["bravo"].messages:
            if message.layout.checksum() is None:
                continue
            frames = of_message(traffic, message)
            right = (write_checksum(message.layout, frames.payload) == frames.payload).all(axis=1)
            assert right[frames.label == 0].all()
            outcome |= set(right[frames.label == 1].tolist())
    assert outcome == {True, False}


@pytest.mark.parametrize("seed", range(5))
def test_bursts_are_apart_after_the_warm_up_and_cover_a_quarter(seed: int):
    planned = planned_as("DoS", "bravo")
    scene = scene_of(planned, seed)
    bursts = burst_times(scene, TEST_BURST_EVERY_US)
    assert bursts[0, 0] >= WARM_UP_US
    assert bursts[-1, 1] <= scene.duration_us
    assert (bursts[1:, 0] > bursts[:-1, 1]).all()
    share = (bursts[:, 1] - bursts[:, 0]).sum() / (scene.duration_us - WARM_UP_US)
    assert share == pytest.approx(ATTACK_SHARE_PERCENT / 100, rel=0.01)


def ecu_of(vehicle: Vehicle, arbitration_id: int) -> str:
    return next(m.ecu for m in vehicle.messages if m.arbitration_id == arbitration_id)
