"""Single windows by the module itself: what the compiled scorers say."""

from __future__ import annotations

import numpy as np

from can_train.detectors.module_scorer import ModuleWindowScorer, window_scorers
from can_train.detectors.window_scorer import WindowScorer
from can_train.graphs.identity import WindowSpec
from can_train.graphs.live import LiveGraphs
from tests.unit.detectors.windows_for_tests import EVIDENCE, known_in, odd_windows, on_windows
from tests.unit.detectors_for_tests import untrained


def test_it_says_what_a_compiled_scorer_says() -> None:
    frames = odd_windows()[0]
    detectors = {
        name: untrained(on_windows(name), vocabulary=known_in(frames), evidence=EVIDENCE)
        for name in ("vgae", "gat")
    }
    detectors["dqn"] = untrained(on_windows("dqn", hidden_layers=1), evidence=EVIDENCE)
    compiled, plain = window_scorers(detectors), dict[str, WindowScorer]()
    for name, detector in detectors.items():
        plain[name] = ModuleWindowScorer(detector, {**plain} if detector.fuses else {})
    for graph in LiveGraphs(WindowSpec.of(detectors["gat"].config.data)).windows_of(frames):
        for name in detectors:
            compiled[name].look(graph)
            plain[name].look(graph)
            given, expected = (
                [*each.state, each.score, each.excess] for each in (compiled[name], plain[name])
            )
            np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-5)
