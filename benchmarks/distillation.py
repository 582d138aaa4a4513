"""`make bench-kd`: what distilling costs beside training the same student without a teacher.

Whole runs at the default epochs, one after the other: data, filling the cache of teacher outputs,
training, calibration; then once more with another seed, which finds the cache filled. On synthetic
traffic with about as many windows as hcrl_sa. Needs an idle machine: the ratio is one of wall
seconds, and CPU seconds stand beside it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from can_train.config.frozen import freeze, run_id_of, write_frozen
from can_train.config.presets import preset
from can_train.config.schema import DataConfig, DistillationConfig, Parent, RunConfig
from can_train.dataset.manifest import load_manifest, split_digest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate
from can_train.files import sha256_of
from can_train.runs.layout import Roots, artifact_path, run_dir
from can_train.training.run import run_frozen

STRATEGIES = {"vgae": "autoencoder", "gat": "normal"}
MOST_COST = 1.15


def main() -> int:
    """Prints one line per model; 1 if distilling costs more than 1.15 times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, help="epochs of the students (default: the preset's)")
    parser.add_argument("--scale", type=float, default=4.0, help="length of the recordings")
    parser.add_argument("--models", default="vgae,gat", help="models to measure")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        data = _dataset(home, args.scale)
        for model in args.models.split(","):
            worst = max(worst, _measure(home, data, model, args.epochs))
    return 0 if worst <= MOST_COST else 1


def _dataset(home: Path, scale: float) -> DataConfig:
    generate(home / "csv", seed=0, scale=scale)
    prepare_dataset(
        PrepareRequest(
            modality="automotive", dataset="bench", data_root=home / "data", source=home / "csv"
        ),
        report=lambda _: None,
    )
    digest = load_manifest(home / "data", "automotive", "bench").digest
    return DataConfig(dataset_digest=digest, split_digest=split_digest(digest, "time", 100))


def _measure(home: Path, data: DataConfig, model: str, epochs: int | None) -> float:
    teacher = _config(data, model, "teacher", 1)
    _train(home, teacher)
    path = artifact_path(_folder(home, teacher), model, "teacher")
    parent = Parent(path=str(path), sha256=sha256_of(path))
    plain = _config(data, model, "student", epochs)
    _train(home, replace(plain, training=replace(plain.training, epochs=1)))  # warm-up
    distilled = replace(plain, distillation=DistillationConfig(teacher=parent))
    without = _train(home, plain)
    first = _train(home, distilled)
    again = _train(home, replace(distilled, seed=1))
    ratio = first[1] / without[1]
    sys.stdout.write(
        f"{model}, {plain.training.epochs} epochs, {plain.training.threads} threads: "
        f"without {without[1]:.1f} s ({without[0]:.1f} s CPU), "
        f"distilled {first[1]:.1f} s ({first[0]:.1f} s CPU), "
        f"again {again[1]:.1f} s ({again[0]:.1f} s CPU); "
        f"ratio {ratio:.3f} (at most {MOST_COST}), {again[1] / without[1]:.3f} with the cache\n"
    )
    sys.stdout.flush()
    return ratio


def _config(data: DataConfig, model: str, size: str, epochs: int | None) -> RunConfig:
    chosen = preset(model, size, STRATEGIES[model])
    most = epochs or chosen.training.epochs
    # Without early stopping, both students do the same number of steps.
    training = replace(chosen.training, epochs=most, patience=most)
    return RunConfig(
        modality="automotive",
        dataset="bench",
        model=model,
        model_size=size,  # type: ignore[arg-type]
        training_strategy=STRATEGIES[model],  # type: ignore[arg-type]
        data=data,
        architecture=chosen.architecture,
        training=training,
    )


def _folder(home: Path, config: RunConfig) -> Path:
    return run_dir(home / "experimentruns", config, run_id_of(config))


def _train(home: Path, config: RunConfig) -> tuple[float, float]:
    """CPU and wall seconds of the whole run."""
    roots = Roots(
        data=home / "data", experiments=home / "experimentruns", teachers=home / "teachers"
    )
    path = write_frozen(freeze(config, _folder(home, config), roots, register=False))
    cpu, wall = time.process_time(), time.perf_counter()
    run_frozen(path)
    return time.process_time() - cpu, time.perf_counter() - wall


if __name__ == "__main__":
    sys.exit(main())
