"""`--detector` reaches every evaluation that a command starts, in other folders, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.cli.main import build_parser, main
from can_train.cli.other_detectors import wanted_detectors
from can_train.cli.recording import pass_on
from can_train.errors import ConfigError
from can_train.runs.passed_on import DETECTORS, exports


def test_what_was_typed_is_passed_on_with_files_by_their_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--detector", "interval-rule, a.b:C", "--detector", "mine.py:Mine"]
    args = build_parser("evaluate").parse_args(["evaluate", "0123456789ab", *words])
    environ: dict[str, str] = {}
    pass_on(vars(args), environ)
    assert environ == {DETECTORS: f"interval-rule,a.b:C,{tmp_path}/mine.py:Mine"}
    assert exports(environ) == (f"export {DETECTORS}={environ[DETECTORS]}",)


def test_nothing_is_wanted_unless_it_was_said() -> None:
    environ: dict[str, str] = {}
    pass_on(vars(build_parser("campaign").parse_args(["campaign"])), environ)
    assert environ == {} and wanted_detectors(environ) == ()
    assert [d.name for d in wanted_detectors({DETECTORS: "interval-rule"})] == ["interval-rule"]


@pytest.mark.parametrize("name", ["gat", "fusion", "vehicle_profile", "boosted_trees", "small_mlp"])
def test_none_may_be_called_like_a_model_or_a_control(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"class A:\n name = {name!r}\n def fit(s, r): 0\n def score(s, r): 0\n")
    with pytest.raises(ConfigError, match=f"two scorers would be called {name}"):
        wanted_detectors({DETECTORS: f"{path}:A"})


def test_a_campaign_tells_before_it_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DETECTORS, "")  # restored at the end
    words = ["campaign", "--modality", "automotive", "--grid", "dataset=car", "--detector", "nix"]
    assert main([*words, "--experiment-root", str(tmp_path)]) == 2
    assert "--detector nix: no such detector" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
