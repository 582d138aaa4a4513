"""The table of kinds, and twins of recorded attacks."""

from __future__ import annotations

import pytest

from can_train.dataset.augment.attacks import ATTACKS, KINDS, require_kinds, twins_of
from can_train.errors import ConfigError


def test_the_table_names_each_kind_once_and_fits_int8():
    assert len(set(KINDS)) == len(ATTACKS) < 128
    assert all(attack.weight > 0 for attack in ATTACKS)


@pytest.mark.parametrize(
    ("recorded", "left_out"),
    [
        ("DoS", {"flood", "flood-known"}),
        ("Flooding", {"flood", "flood-known"}),
        ("fuzzing", {"fuzz-new", "fuzz-known"}),
        ("Fuzzy", {"fuzz-new", "fuzz-known"}),
        ("malfunction", {"malfunction", "single", "targeted", "flood-known"}),
        ("rpm-accessory", {"malfunction", "single", "targeted", "flood-known"}),
        ("RPM", {"malfunction", "single", "targeted", "flood-known"}),
        ("standstill", {"malfunction", "single", "targeted", "flood-known"}),
        ("force-neutral", {"malfunction", "single", "targeted", "flood-known"}),
        ("systematic", {"sweep", "sweep-known"}),
        ("valid_systematic", {"sweep", "sweep-known"}),
        ("replay", {"replay"}),
        ("suppress", {"suppression", "late-id"}),
        ("masquerade-untimed", {"masquerade", "late-id"}),
        ("none", set()),
    ],
)
def test_twins(recorded: str, left_out: set[str]):
    assert set(twins_of(recorded)) == left_out


def test_payload_fuzzing_is_spoofing_too():
    assert {"fuzz-known", "malfunction", "single"} <= set(twins_of("targeted_payload_fuzzing"))


def test_a_name_that_tells_nothing_has_all_twins_that_speak_for_known_ids():
    assert {"malfunction", "replay", "masquerade"} <= set(twins_of("Wiper_warning"))
    assert "flood" not in twins_of("Wiper_warning")


def test_unknown_kinds_are_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no kind of synthetic attack: replai; did you mean"):
        require_kinds(["flood", "replai"])
