"""A study draws nearer to the best, the same way each time, and one process has it at a time."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest

from can_train.errors import ArtifactError, PreflightError
from can_train.runs.layout import search_journal
from can_train.sweeps.space import parse_search_axis
from can_train.sweeps.study import STARTUP, opened_study

pytestmark = pytest.mark.search
AXES = [parse_search_axis(text) for text in ("learning_rate=1e-4..1e-2", "epochs=[3,4],[4,4]")]
NAME = "0123456789ab"


def test_trials_come_nearer_to_the_best_and_are_kept(tmp_path: Path) -> None:
    distances = []
    with opened_study(tmp_path / NAME, AXES) as study:
        for number in range(6 * STARTUP):
            trial = study.ask()
            assert trial.number == number and trial.params["epochs"] in ([3, 4], [4, 4])
            distances.append(abs(math.log(float(str(trial.params["learning_rate"])) / 0.002)))
            study.tell(number, "finished", -distances[-1])
        tried = study.trials
    random, chosen = distances[:STARTUP], distances[3 * STARTUP :]
    assert statistics.median(chosen) < 0.7 * statistics.median(random)
    with opened_study(tmp_path / NAME, AXES) as study:
        assert study.trials == tried


def test_one_process_searches_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    with opened_study(folder, AXES), pytest.raises(PreflightError, match="is searched by another"):
        with opened_study(folder, AXES):
            pass


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    folder.mkdir(parents=True)
    search_journal(folder).write_text("nonsense\n{}\n")
    with pytest.raises(ArtifactError, match="search.journal: damaged .* Remove it"):
        with opened_study(folder, AXES):
            pass
