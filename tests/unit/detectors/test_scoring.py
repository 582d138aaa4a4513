"""Windows scored by several detectors at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from can_train.detectors import scoring
from can_train.detectors.artifact import load_detector
from can_train.detectors.scoring import score_windows
from tests.lab import Lab


def test_batches_change_memory_and_not_what_is_said(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    detectors = [load_detector(Path(str(lab.student(name).path))) for name in ("vgae", "gat")]
    store = lab.inputs(lab.config("gat")).store
    windows = np.arange(25)
    whole = score_windows(detectors, store, windows)
    monkeypatch.setattr(scoring, "scoring_batch", lambda networks: 7)
    parts = score_windows(detectors, store, windows)
    assert list(whole) == list(parts) == ["vgae", "gat"]
    for name, said in whole.items():
        np.testing.assert_allclose(parts[name].score, said.score, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(parts[name].state, said.state, rtol=1e-4, atol=1e-5)


def test_windows_are_scored_in_the_order_in_which_they_are_asked_for(lab: Lab) -> None:
    gat = load_detector(Path(str(lab.student("gat").path)))
    store = lab.inputs(lab.config("gat")).store
    forth = score_windows([gat], store, np.arange(9))["gat"].score
    back = score_windows([gat], store, np.arange(9)[::-1].copy())["gat"].score
    np.testing.assert_allclose(back[::-1], forth, rtol=1e-5)


def test_no_windows_have_no_scores(lab: Lab) -> None:
    gat = load_detector(Path(str(lab.student("gat").path)))
    said = score_windows([gat], lab.inputs(lab.config("gat")).store, np.array([], np.int64))
    assert said["gat"].score.shape == (0,)
