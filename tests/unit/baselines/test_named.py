"""`--detector`: names, modules, files and entry points, and what is wrong with others."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import pytest

from can_train import __version__
from can_train.baselines.interval_rule import IntervalRule
from can_train.baselines.isolation_forest import FrameIsolationForest
from can_train.baselines.named import BUILT_IN, detectors_called
from can_train.errors import ConfigError

MINE = """
import numpy as np
from beside import ONE

class Mine:
    {body}
    def fit(self, recordings): pass
    def score(self, recording): return np.full(len(recording), ONE)

class NoScore:
    def fit(self, recordings): pass

value = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of somebody, which Python doesn't look into by itself."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (tmp_path / "beside.py").write_text("ONE = 1.0\n")
    (tmp_path / "mine.py").write_text(MINE.format(body=""))
    return tmp_path


def test_those_that_come_with_it_are_found_by_name() -> None:
    found = detectors_called(["interval-rule,isolation-forest"])
    assert [each.cls for each in found] == [IntervalRule, FrameIsolationForest]
    assert [each.name for each in found] == list(BUILT_IN)
    assert [each.cls.name for each in found] == list(BUILT_IN)
    source = Path(str(sys.modules[IntervalRule.__module__].__file__)).read_bytes()
    assert found[0].identity.sha256 == hashlib.sha256(source).hexdigest()
    assert found[0].identity.version == __version__
    assert found[0].identity.word("interval-rule") == "interval-rule"


@pytest.mark.parametrize("word", ["mine:Mine", "mine.py:Mine"])
def test_a_class_of_the_current_folder_is_found_with_what_it_imports(
    folder: Path, word: str
) -> None:
    (found,) = detectors_called([word])
    assert (found.name, found.needs_labels) == ("Mine", False)
    identity = found.identity
    assert (identity.module, identity.cls, identity.version) == (word.split(":")[0], "Mine", "")
    assert identity.sha256 == hashlib.sha256((folder / "mine.py").read_bytes()).hexdigest()
    assert identity.word("Mine") == word
    assert sys.path[-1] == str(folder)  # behind everything that is installed


def test_a_class_says_its_name_and_whether_it_needs_labels(folder: Path) -> None:
    (folder / "mine.py").write_text(MINE.format(body='name, needs_labels = "my-rule", True'))
    (found,) = detectors_called([str(folder / "mine.py:Mine")])
    assert (found.name, found.needs_labels) == ("my-rule", True)
    assert found.identity.module == "mine.py"  # where it lies is nobody's business


def test_an_installed_distribution_declares_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = folder / "site"
    info = site / "theirs-2.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text("[can_train.detectors]\nzscore = theirs_pkg:Mine\n")
    (info / "top_level.txt").write_text("theirs_pkg\n")
    (site / "theirs_pkg.py").write_text(MINE.format(body=""))
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    (found,) = detectors_called(["zscore"])
    assert (found.name, found.identity.module, found.identity.cls) == (
        "zscore", "theirs_pkg", "Mine",
    )  # fmt: skip
    assert found.identity.version == "2.5"
    with pytest.raises(ConfigError, match="did you mean zscore"):
        detectors_called(["zscor"])


WRONG = {
    "interval-rul": "--detector interval-rul: no such detector; did you mean interval-rule? Known: "
    "interval-rule, isolation-forest; your own by module:Class or file.py:Class",
    "mine:": "no such detector",
    "absent:Mine": "absent can't be loaded (ModuleNotFoundError: No module named 'absent')",
    "absent.py:Mine": "no file absent.py",
    "mine:Mein": "mine has no class Mein; did you mean Mine? Its classes: Mine, NoScore",
    "mine:value": "mine has no class value",
    "mine:NoScore": "NoScore has no method score. A detector has fit(recordings) and score",
    "broken:Mine": "broken can't be loaded (ZeroDivisionError: division by zero)",
    "named.py:Mine": "'my rule' is no name for a table",
    "taken.py:Mine": "two scorers would be called gat",
    "interval-rule,interval-rule": "two scorers would be called interval-rule. Give it once",
}


@pytest.mark.parametrize("word", WRONG)
def test_what_is_wrong_is_one_message(folder: Path, word: str) -> None:
    (folder / "broken.py").write_text("1 / 0\n")
    (folder / "named.py").write_text(MINE.format(body='name = "my rule"'))
    (folder / "taken.py").write_text(MINE.format(body='name = "gat"'))
    with pytest.raises(ConfigError, match=re.escape(WRONG[word])) as caught:
        detectors_called([word], {"gat"})
    assert str(caught.value).startswith("--detector ") and "\n" not in str(caught.value)
