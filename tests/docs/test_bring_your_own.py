"""The guide to detectors of one's own: its class and its commands, copied as they stand, work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from can_train.evaluation.report import load_report
from tests.docs.test_examples import ROOT, commands_in
from tests.in_process import can_train

PAGE = (ROOT / "docs/guides/bring-your-own.md").read_text("utf-8")
(CLASS,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [each for each in commands_in(PAGE, fenced=True) if "evaluate synthetic" in each]


def test_the_third_detector_has_at_most_thirty_lines_and_finds_fuzzing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(CLASS.splitlines()) <= 30
    (tmp_path / "byte_range.py").write_text(CLASS)
    monkeypatch.chdir(tmp_path)
    synth = can_train(tmp_path, "data", "synth", "--modality", "automotive", "--scale", "0.3")
    assert synth.code == 0, synth.err
    (command,) = COMMANDS
    done = can_train(tmp_path, *shlex.split(command)[1:], "--out", "out")
    assert done.code == 0, done.err
    report = load_report(tmp_path / "out/evaluation.json")
    (fuzzing,) = [r for r in report.rows if (r.file, r.scorer) == ("fuzzing-alpha", "byte-range")]
    assert fuzzing.metrics is not None and fuzzing.threshold is not None
    assert (fuzzing.metrics.roc_auc or 0) > 0.8
    assert report.detectors["byte-range"].module == "byte_range.py"
    assert "byte-range (other)" in done.out


def test_every_option_of_the_interface_is_explained() -> None:
    from dataclasses import fields

    from can_train.baselines.recording import UnlabelledRecording

    for name in (*(f.name for f in fields(UnlabelledRecording)), "starts", "needs_labels"):
        assert f"`{name}" in PAGE, name
