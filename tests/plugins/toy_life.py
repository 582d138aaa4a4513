"""Trains, distils, fuses and evaluates the toy detector in a fresh process, and prints a record.

Run with `$CAN_TRAIN_PLUGINS` naming `toy_detector.py`; the argument is an empty folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from can_train.config.fields import bucket_keys
from can_train.config.frozen import load_frozen
from can_train.config.presets import preset_names
from can_train.config.schema import RunConfig
from can_train.config.spec import experts, specs
from can_train.detectors.artifact import load_detector
from can_train.evaluation.report import EvaluationReport
from can_train.evaluation.scenarios import evaluate_run
from can_train.runs.layout import artifact_path, frozen_of_run
from tests.lab import Lab, make_lab


def main() -> None:
    lab = make_lab(Path(sys.argv[1]))
    record = {
        "listed": {
            "models": list(specs()),
            "experts": [spec.name for spec in experts()],
            "presets": [f"{model} {size} {word}" for model, size, word in preset_names()],
            "settings": [key for key in bucket_keys("--model-args") if key.startswith("toy.")],
        },
        "teacher": life(lab, lab.config("toy", "teacher")),
        "student": life(lab, lab.config("toy")),
        "distilled": life(lab, lab.distilled("toy", {"temperature": 2.0})),
        "fusion": life(lab, lab.fusion(probability="toy")),
    }
    sys.stdout.write(json.dumps(record))


def life(lab: Lab, config: RunConfig) -> dict[str, Any]:
    """A trained and evaluated run in figures."""
    run = lab.train(config)
    frozen = frozen_of_run(run)
    assert load_frozen(frozen).config == config
    raw = json.loads(frozen.read_text())["config"]
    detector = load_detector(artifact_path(run, config.model, config.model_size))
    summary = json.loads((run / "summary.json").read_text())
    return {
        "folder": str(run.relative_to(lab.experiments).parent),
        "class": type(detector).__name__,
        "weights": [
            float(value.double().sum()) for value in detector.network.state_dict().values()
        ],
        "parents": sorted(detector.parents),
        "experts": {
            name: raw[name] and sorted(raw[name]) for name in ("vgae", "gat", "toy") if name in raw
        },
        "validation": {k: v for k, v in summary.items() if k.startswith("best_val")},
        "teacher_sha256": summary.get("teacher_sha256"),
        "scorers": scorers(evaluate_run(run, lab.data_root)),
    }


def scorers(report: EvaluationReport) -> list[str]:
    """Models with a defined ROC-AUC in the first scenario."""
    rows = [row for row in report.rows if row.file is None and row.kind == "model"]
    first = [row for row in rows if row.scenario.startswith("test_01")]
    return [row.scorer for row in first if row.metrics and row.metrics.roc_auc is not None]


if __name__ == "__main__":
    main()
