"""What is left of a limit, and which peak counts."""

from __future__ import annotations

from can_train.training.memory import MemoryLimit, PeakMemory


def test_what_is_left_is_never_less_than_nothing() -> None:
    assert MemoryLimit(name="Slurm", total=10, used=4).free == 6
    assert MemoryLimit(name="Slurm", total=10, used=14).free == 0


def test_the_peak_of_a_device_counts_where_there_is_one() -> None:
    assert PeakMemory(host_mib=1.0, host_share=0.5).share == 0.5
    assert PeakMemory(host_mib=1.0, host_share=0.5, device_share=0.0).share == 0.0
