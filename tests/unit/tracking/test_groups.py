"""Plans and sweeps that a run belongs to."""

from __future__ import annotations

import json
from pathlib import Path

from can_train.runs.state import RunStatus, State, write_status
from can_train.tracking.groups import groups_of


def record(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document))


def test_sweeps_come_before_plans_and_single_runs_have_no_group(tmp_path: Path) -> None:
    for name, runs in (("p1", ["a", "b"]), ("p2", ["a"]), ("p3", ["c", "d"])):
        stages = [{"run_dir": run} for run in runs]
        record(tmp_path / "plans" / name / "plan.json", {"stages": stages})
    configs = [{"runs": [{"run_dir": "a"}]}, {"runs": [{"run_dir": "a"}, {"run_dir": "e"}]}]
    record(tmp_path / "sweeps" / "s1" / "manifest.json", {"configs": configs})
    record(tmp_path / "sweeps" / "s2" / "manifest.json", [])
    groups = groups_of(tmp_path, tmp_path / "a")
    assert [group.key for group in groups] == ["sweep/s1", "plan/p1"]
    assert groups[0].runs == (tmp_path / "a", tmp_path / "e")
    assert groups_of(tmp_path, tmp_path / "x") == ()


def test_a_group_runs_until_all_of_its_runs_have_ended(tmp_path: Path) -> None:
    record(tmp_path / "plans" / "p" / "plan.json", {"stages": [{"run_dir": r} for r in "ab"]})
    (group,) = groups_of(tmp_path, tmp_path / "a")
    assert group.state == "RUNNING"
    states: tuple[tuple[State, State, str], ...] = (
        ("finished", "pending", "RUNNING"),
        ("finished", "failed", "FAILED"),
        ("finished", "finished", "FINISHED"),
    )
    for first, second, state in states:
        write_status(tmp_path / "a", RunStatus(state=first))
        write_status(tmp_path / "b", RunStatus(state=second))
        assert group.state == state


def test_a_group_lasts_from_its_first_command_to_the_end_of_its_last_run(tmp_path: Path) -> None:
    manifest = {
        "created_at": "2026-11-27T11:27:28+00:00",
        "configs": [{"runs": [{"run_dir": "a"}, {"run_dir": "b"}]}],
    }
    record(tmp_path / "sweeps" / "s" / "manifest.json", manifest)
    record(tmp_path / "plans" / "p" / "plan.json", {"stages": [{"run_dir": r} for r in "ab"]})
    sweep, plan = groups_of(tmp_path, tmp_path / "a")
    assert sweep.created_s == 1795778848.0
    assert plan.created_s == (tmp_path / "plans" / "p" / "plan.json").stat().st_mtime
    assert sweep.ended_ms is None
    write_status(tmp_path / "a", RunStatus(state="finished", ended_at=2000.5))
    write_status(tmp_path / "b", RunStatus(state="failed", ended_at=1000.0))
    assert sweep.ended_ms == 2_000_500
