"""`compare --files` as its users see it, on written evaluations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from can_train.cli.main import main
from tests.unit.comparison.fusions_for_tests import fusions
from tests.unit.comparison.runs_for_tests import FIRST, Made


def test_files_adds_tables_that_fit_a_wide_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Made(tmp_path)
    fusions(made)
    root = ("--experiment-root", str(made.roots.experiments))
    page = tmp_path / "page.md"
    assert main(["compare", "car", *root]) == 0
    assert "id_lookup *" not in capsys.readouterr().out
    assert main(["compare", "car", "--files", "--full", *root, "--out", str(page)]) == 0
    out = capsys.readouterr().out
    assert "car / dqn: models\n" in out
    assert f"car / dqn, student, 3 seeds: {FIRST}, alarm stage\n" in out
    assert "\nid_lookup *  " in out and "\nHow to read the tables by file:\n" in out
    tables = out[out.index("car / dqn, student, 3 seeds") : out.index("car, student: least")]
    assert max(map(len, tables.splitlines())) <= 120
    text = page.read_text()
    assert "can-train compare car --files\n" in text and "| -- DoS-1 |" in text


def test_json_has_the_files_only_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Made(tmp_path)
    fusions(made)
    words = ["compare", "car", "--json", "--experiment-root", str(made.roots.experiments)]
    assert main(words) == 0
    assert "files" not in json.loads(capsys.readouterr().out)
    assert main([*words, "--files"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [group["model"] for group in document["files"]] == ["dqn"]
    assert [section["model"] for section in document["sections"]] == ["vgae", "gat", "dqn"]
