"""The script of the guide's pictures draws the same from the same, and nothing of the machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from benchmarks.pictures import (
    SCORERS,
    TARGET,
    Scored,
    columns_of,
    roc,
    score_over_time,
    stretches,
    svg_of,
    training_curves,
)

from tests.docs.test_examples import ROOT

drawn = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib"
)
LABEL = np.array([0, 1, 1, 0, 1], np.uint8)
SCORE = np.array([0.1, 0.9, 0.8, 0.2, 0.7])
SCORED = Scored(end_s=np.arange(5.0), label=LABEL, score=dict.fromkeys(SCORERS, SCORE))
TABLE = "epoch,total,task,kd,val_pr_auc\n0,2.0,1.0,3.0,0.5\n1,1.0,0.5,1.5,0.75\n"


def test_attack_stretches_are_found() -> None:
    assert stretches(LABEL) == [(1, 2), (4, 4)]
    assert stretches(np.zeros(3, np.uint8)) == []


@drawn
def test_the_same_data_are_the_same_picture(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(TABLE)
    columns = columns_of(tmp_path / "metrics.csv")
    picture = svg_of(training_curves(columns, columns))
    assert picture == svg_of(training_curves(columns, columns))
    assert "<dc:date>" not in picture and str(ROOT) not in picture


@drawn
def test_pictures_say_what_they_show() -> None:
    assert "gat: 1.0000" in svg_of(roc(SCORED))
    assert "score of gat" in svg_of(score_over_time(SCORED, "gat", 0.5))


def test_every_picture_of_the_page_is_there() -> None:
    page = (TARGET / "pictures.md").read_text("utf-8")
    for name in ("training", "score-over-time", "roc"):
        assert f"({name}.svg)" in page
        assert (TARGET / f"{name}.svg").stat().st_size < 60_000
