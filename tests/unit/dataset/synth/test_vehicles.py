"""Vehicles: what tells them apart."""

from __future__ import annotations

from can_train.dataset.synth.vehicles import VEHICLES


def test_dlc_mix_reaches_from_empty_to_eight_bytes():
    for vehicle in VEHICLES.values():
        lengths = {message.layout.dlc for message in vehicle.messages}
        assert lengths == {0, 2, 3, 4, 5, 6, 7, 8}


def test_vehicles_have_their_own_identifiers():
    ids = {name: {m.arbitration_id for m in car.messages} for name, car in VEHICLES.items()}
    assert all(len(ids[name]) == len(VEHICLES[name].messages) >= 30 for name in ids)
    assert ids["alpha"] != ids["bravo"]
    assert 1 <= len(ids["charlie"] & (ids["alpha"] | ids["bravo"])) <= 3
