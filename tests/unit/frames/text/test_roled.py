"""What is shared by tables and words: data length codes."""

from __future__ import annotations

from can_train.frames.text.roled import fd_length


def test_data_length_codes_are_those_of_iso_11898_1() -> None:
    lengths = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64]
    assert [fd_length(code) for code in range(16)] == lengths
