"""A vehicle's profile as stored arrays."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.errors import ArtifactError
from can_train.vehicle.profile import VehicleProfile
from tests.unit.vehicle.cars_for_tests import profile


def test_arrays_restore_every_number_and_type() -> None:
    made = profile("alpha")
    again = VehicleProfile.from_arrays("alpha", made.to_arrays())
    np.testing.assert_array_equal(made.familiar, again.familiar)
    for name, one in made.known._asdict().items():
        other = again.known._asdict()[name]
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_arrays_hold_no_type_that_an_artifact_could_not() -> None:
    kinds = {array.dtype.name for array in profile("alpha").to_arrays().values()}
    assert kinds <= {"int64", "float64", "bool"}


def test_an_incomplete_profile_is_refused_by_name() -> None:
    arrays = profile("alpha").to_arrays()
    arrays.pop("period")
    with pytest.raises(ArtifactError, match=r"vehicle profile of alpha: .*Train this model again"):
        VehicleProfile.from_arrays("alpha", arrays)


def test_arrays_of_different_lengths_are_refused() -> None:
    arrays = profile("alpha").to_arrays()
    arrays["period"] = arrays["period"][1:]
    with pytest.raises(ArtifactError, match="different lengths"):
        VehicleProfile.from_arrays("alpha", arrays)
