"""Runs as a page lists them, and whose reports are given away."""

from __future__ import annotations

import asyncio
from pathlib import Path

from can_train.serving.listing import REPORT, RunList
from tests.lab import Lab


def test_runs_are_listed_with_their_reports(lab: Lab) -> None:
    lab.student("gat")
    run = lab.run_of(lab.config("gat"))
    listing = asyncio.run(RunList(lab.experiments).rows())
    (row,) = (row for row in listing.rows if row.name == run.name)
    assert (row.model, row.size, row.dataset) == ("gat", "student", "small")
    assert row.state == "running"  # this very process trained it, and still lives
    assert row.figure and not row.reported
    (run / REPORT).write_text("<h1>fine</h1>")
    runs = RunList(lab.experiments)
    listing = asyncio.run(runs.rows())
    assert [row.reported for row in listing.rows if row.name == run.name] == [True]
    assert asyncio.run(runs.report(run.name)) == b"<h1>fine</h1>"


def test_only_a_file_beside_a_run_is_a_report(lab: Lab, tmp_path: Path) -> None:
    lab.student("gat")
    run, runs = lab.run_of(lab.config("gat")), RunList(lab.experiments)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (run / REPORT).unlink(missing_ok=True)
    (run / REPORT).symlink_to(secret)
    for name in (run.name, f"../{run.name}", str(run), "", "..", run.name[:6]):
        assert asyncio.run(runs.report(name)) is None
    (run / REPORT).unlink()


def test_a_folder_without_runs_is_an_empty_list(tmp_path: Path) -> None:
    listing = asyncio.run(RunList(tmp_path).rows())
    assert (listing.rows, listing.total) == ((), 0)
