"""Limits as Slurm spells them."""

from __future__ import annotations

import pytest

from can_train.jobs.slurm.limits import memory_mb, walltime_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1", 60),
        ("90", 5400),
        ("1:30", 90),
        ("2:00:00", 7200),
        ("1-0", 86400),
        ("1-2:30", 95400),
        ("1-02:03:04", 93784),
        ("INVALID", None),
        ("UNLIMITED", None),
        ("1:2:3:4", None),
    ],
)
def test_time_limits_as_slurm_spells_them(text: str, seconds: int | None) -> None:
    assert walltime_s(text) == seconds


@pytest.mark.parametrize(
    ("text", "megabytes"),
    [("500", 500), ("512K", 0.5), ("16g", 16384), ("2T", 2 * 1024**2), ("1.5G", None), ("", None)],
)
def test_amounts_of_memory_as_slurm_spells_them(text: str, megabytes: float | None) -> None:
    assert memory_mb(text) == megabytes
