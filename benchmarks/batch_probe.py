"""What measuring the batch costs, beside ten epochs of the same stage, in CPU-seconds.

python -m benchmarks.batch_probe --data-root data --dataset hcrl_sa [--threads N]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from can_train.config.schema import DataConfig, RunConfig, TrainingConfig
from can_train.config.spec import spec_of
from can_train.dataset.manifest import DatasetRef, load_manifest, split_digest
from can_train.dataset.windows import DatasetWindows, open_windows
from can_train.detectors.build import build_stage
from can_train.training.batch_probe import measure
from can_train.training.device import memory_of, training_device
from can_train.training.loop import validate

EPOCHS = 10
MIB = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description="What measuring the batch costs.")
    parser.add_argument("--data-root", type=Path, default=Path("data"))
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    manifest = load_manifest(args.data_root, "automotive", args.dataset)
    data = DataConfig(
        dataset_digest=manifest.digest, split_digest=split_digest(manifest.digest, "time", 100)
    )
    ref = DatasetRef(modality=manifest.modality, dataset=manifest.dataset)
    inputs = open_windows(args.data_root, ref, data)
    print(f"{'stage':<16} {'windows':>8} {'fits':>10} {'MiB each':>9} {'probe':>7} {'share':>7}")
    for model in ("vgae", "gat"):
        for size in ("student", "teacher"):
            print(_row(inputs, data, model, size))


def _row(inputs: DatasetWindows, data: DataConfig, model: str, size: str) -> str:
    spec = spec_of(model)
    presets = {str(known): architecture for known, architecture in spec.presets.items()}
    config = RunConfig(
        modality="automotive",
        dataset=inputs.manifest.dataset,
        model=model,
        model_size=size,  # type: ignore[arg-type]
        training_strategy=spec.strategies[0],
        data=data,
        architecture=presets[size],
        training=TrainingConfig(),
    )
    device = training_device()
    stage = build_stage(config, inputs, {}).module.to(device)
    optimizer = stage.optimizer()

    def epoch() -> None:
        stage.train()
        for step in range(stage.steps):
            optimizer.zero_grad()
            stage.learn(stage.training_batch(step).to(device))
            optimizer.clip(1.0)
            optimizer.step()
        stage.take_means()
        validate(stage, device)

    measure(stage, memory_of(device))  # what is compiled once is no cost of measuring
    begun = time.process_time()
    measured = measure(stage, memory_of(device))
    probe = time.process_time() - begun
    begun = time.process_time()
    epoch()
    share = probe / (EPOCHS * (time.process_time() - begun))
    each = measured.bytes_per_window / MIB
    return (
        f"{model + ' ' + size:<16} {len(stage.chosen):>8,} {measured.largest:>10,} {each:>9.3f} "
        f"{probe:>6.1f}s {share:>6.1%}"
    )


if __name__ == "__main__":
    main()
