"""The hand-set factors: comments, bounds, and which file counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.config.batch_factors import factors_file, load_factors
from can_train.errors import ConfigError, ProblemList

GOOD = '{"default": 0.5, "distillation": 0.75, "datasets": {"a//b": 0.6}} // the end\n'


def test_the_shipped_file_is_the_one_in_the_repository(
    repo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAN_TRAIN_HOME", str(tmp_path))
    shipped = factors_file()
    monkeypatch.setenv("CAN_TRAIN_HOME", str(repo_root))
    assert factors_file() == repo_root / "config" / "batch_size_factors.json"
    assert factors_file().read_bytes() == shipped.read_bytes()
    mine = tmp_path / "config" / "batch_size_factors.json"
    mine.parent.mkdir()
    mine.write_text(GOOD)
    monkeypatch.setenv("CAN_TRAIN_HOME", str(tmp_path))
    assert load_factors().path == mine


def test_comments_are_left_out_but_not_in_names(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(f"// a comment with \"quotes\" and 'more'\n{GOOD}")
    found = load_factors(path)
    assert (found.default, found.distillation, found.datasets) == (0.5, 0.75, {"a//b": 0.6})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON with // comments"),
        ("[]", "expected an object with default, distillation, datasets"),
        (GOOD.replace("default", "defualt"), "unknown key defualt; did you mean default"),
        (GOOD.replace("0.6", "0"), "datasets.a//b: 0. Allowed: a number > 0 and <= 1"),
        (GOOD.replace("0.75", "1.5"), "distillation: 1.5. Allowed"),
        (GOOD.replace("0.5,", "true,"), "default: True. Allowed"),
        (GOOD.replace('{"a//b": 0.6}', "[]"), "datasets: []. Allowed: an object"),
        (GOOD.replace('"distillation"', '"default"'), "a key is given twice"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "f.json"
    path.write_text(text)
    with pytest.raises((ConfigError, ProblemList)) as caught:
        load_factors(path)
    assert f"{path}: " in str(caught.value) and message in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none.json: can't be read"):
        load_factors(tmp_path / "none.json")
