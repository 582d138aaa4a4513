"""The figure of the guide is what the script draws, and shows what the guide says."""

from __future__ import annotations

from benchmarks.safety_factor import STARTS, TARGET, plot, simulated, spread


def test_the_figure_is_what_the_script_draws() -> None:
    assert TARGET.read_text(encoding="utf-8") == plot()


def test_ten_runs_come_to_seventy_to_eighty_percent_without_a_shortage_in_the_last_five() -> None:
    for number, start in enumerate(STARTS.values()):
        runs = simulated(start, number)
        assert not any(run.out_of_memory for run in runs[5:])
        assert 0.695 < runs[-1].peak < 0.805


def test_the_guide_says_where_a_thousand_draws_end() -> None:
    guide = (TARGET.parent / "out-of-memory.md").read_text(encoding="utf-8")
    for start in STARTS.values():
        assert f"* from {start:.2f}: {spread(start)}\n" in guide
        assert ", 0 short of memory" in spread(start)
