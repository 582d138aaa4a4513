"""A small dataset, and real runs on it in this process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from can_train.config.frozen import freeze, run_id_of, write_frozen
from can_train.config.schema import (
    CurriculumConfig,
    DataConfig,
    DistillationConfig,
    FusionConfig,
    Parent,
    RunConfig,
    TrainingConfig,
)
from can_train.config.spec import spec_of
from can_train.dataset.manifest import DatasetRef, load_manifest, split_digest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate
from can_train.dataset.windows import DatasetWindows, open_windows
from can_train.detectors.build import Trainable, build_stage
from can_train.detectors.fusion.spec import DqnConfig
from can_train.detectors.gat.spec import GatConfig
from can_train.detectors.parents import load_parents
from can_train.detectors.vgae.spec import VgaeConfig
from can_train.files import sha256_of
from can_train.runs.layout import Roots, artifact_path, run_dir
from can_train.training.run import run_frozen
from tests.kept import copy_of

ARCHITECTURES: dict[tuple[str, str], Any] = {
    ("gat", "student"): GatConfig(
        layers=2, heads=2, hidden_channels=4, id_embedding=2, fc_channels=(6, 5)
    ),
    ("gat", "teacher"): GatConfig(
        layers=2, heads=2, hidden_channels=8, id_embedding=2, fc_channels=(8, 5)
    ),
    ("vgae", "student"): VgaeConfig(
        encoder_channels=(8, 8), decoder_channels=(6,), latent_channels=3, heads=2, id_embedding=2
    ),
    ("vgae", "teacher"): VgaeConfig(
        encoder_channels=(16, 8), decoder_channels=(12,), latent_channels=5, heads=2, id_embedding=2
    ),
    ("dqn", "student"): DqnConfig(hidden_channels=8, hidden_layers=1),
}
"""Small ones; those of other detectors are their presets."""


@dataclass(kw_only=True)
class Lab:
    """Builds configs on one dataset and trains them; runs lie under `home`."""

    home: Path
    data_root: Path
    dataset: str = "small"
    made: dict[str, Parent] = field(default_factory=dict)

    @property
    def experiments(self) -> Path:
        return self.home / "experimentruns"

    @property
    def roots(self) -> Roots:
        return Roots(
            data=self.data_root, experiments=self.experiments, teachers=self.home / "teachers"
        )

    def data(self, **changes: Any) -> DataConfig:
        manifest = load_manifest(self.data_root, "automotive", self.dataset)
        plain = DataConfig(
            dataset_digest=manifest.digest,
            split_digest=split_digest(manifest.digest, "time", 50),
            window=50,
            stride=50,
            windows_per_side=60,
        )
        return replace(plain, **changes)

    def config(self, model: str, size: str = "student", **changes: Any) -> RunConfig:
        """A run of four steps per epoch (fusion: of the 15 windows there may be)."""
        spec = spec_of(model)
        presets = {str(known): architecture for known, architecture in spec.presets.items()}
        training = TrainingConfig(epochs=2, patience=9, batch_size=16, threads=1)
        plain = RunConfig(
            modality="automotive",
            dataset=self.dataset,
            model=model,
            model_size=size,  # type: ignore[arg-type]
            training_strategy=spec.strategies[0],
            data=self.data(),
            architecture=ARCHITECTURES.get((model, size)) or presets[size],
            training=training,
            fusion=FusionConfig(fusion_policy="dqn") if spec.scorer == "fusion" else None,
        )
        return replace(plain, **changes)

    def distilled(self, model: str, kd: dict[str, Any] | None = None, **changes: Any) -> RunConfig:
        """A student of the model's teacher (trained on first use)."""
        teacher = self.teacher(model, changes.get("data"))
        distillation = DistillationConfig(teacher=teacher, **(kd or {}))
        return self.config(model, distillation=distillation, **changes)

    def curriculum(self, config: RunConfig) -> RunConfig:
        return replace(
            config,
            training_strategy="curriculum",
            curriculum=CurriculumConfig(end_ratio=3.0, release_epochs=2),
            experts={"vgae": self.student("vgae")},
        )

    def fusion(self, probability: str = "gat") -> RunConfig:
        experts = {name: self.student(name) for name in ("vgae", probability)}
        return self.config("dqn", experts=experts)

    def teacher(self, model: str, data: DataConfig | None = None) -> Parent:
        return self.parent_of(self.config(model, "teacher", data=data or self.data()))

    def student(self, model: str) -> Parent:
        return self.parent_of(self.config(model))

    def parent_of(self, config: RunConfig) -> Parent:
        """The artifact of `config`, trained on first use in this session of tests."""
        key = run_id_of(config)
        if key not in self.made:
            run = self.run_of(config)
            copy_of(f"run {key}", run.parent, lambda folder: self._train_in(folder / key, config))
            self.frozen(config)  # names its new place
            path = artifact_path(run, config.model, config.model_size)
            self.made[key] = Parent(path=str(path), sha256=sha256_of(path))
        return self.made[key]

    def _train_in(self, folder: Path, config: RunConfig) -> None:
        frozen = freeze(config, folder, self.roots, register=False)
        run_frozen(write_frozen(frozen))

    def run_of(self, config: RunConfig, attempt: str = "") -> Path:
        return run_dir(self.experiments, config, run_id_of(config) + attempt)

    def frozen(self, config: RunConfig, attempt: str = "") -> Path:
        return write_frozen(
            freeze(config, self.run_of(config, attempt), self.roots, register=False)
        )

    def train(self, config: RunConfig, attempt: str = "") -> Path:
        """Trains `config` in a folder of its own and returns it."""
        run_frozen(self.frozen(config, attempt))
        return self.run_of(config, attempt)

    def inputs(self, config: RunConfig) -> DatasetWindows:
        return open_windows(
            self.data_root,
            DatasetRef(modality=config.modality, dataset=config.dataset),
            config.data,
        )

    def stage(self, config: RunConfig) -> Trainable:
        return build_stage(config, self.inputs(config), load_parents(config, self.experiments))


def make_lab(home: Path, dataset: str = "small", seed: int = 1, scale: float = 0.3) -> Lab:
    """A lab with a synthetic dataset of its own."""

    def make(folder: Path) -> None:
        generate(folder / "csv" / dataset, seed=seed, scale=scale)
        prepare_dataset(
            PrepareRequest(
                modality="automotive",
                dataset=dataset,
                data_root=folder / "data",
                source=folder / "csv" / dataset,
            )
        )

    copy_of(f"lab {dataset} {seed} {scale}", home, make)
    return Lab(home=home, data_root=home / "data", dataset=dataset)
