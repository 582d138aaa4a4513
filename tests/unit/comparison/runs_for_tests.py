"""Finished runs on disk to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from can_train.comparison.groups import Comparison, Section
from can_train.config.frozen import freeze, run_id_of, write_frozen
from can_train.config.presets import preset
from can_train.config.schema import DataConfig, DistillationConfig, Parent, RunConfig
from can_train.evaluation.metrics import WindowMetrics
from can_train.evaluation.report import EvaluationReport, EvaluationRow, write_report
from can_train.files import sha256_of
from can_train.runs.layout import Roots, artifact_path, run_dir
from can_train.runs.made import finish
from can_train.runs.summary import RankedFigure, write_summary

FIRST, SECOND = "test_01_known_vehicle_known_attack", "test_02_unknown_vehicle_known_attack"


def figures(roc_auc: float | None) -> WindowMetrics:
    names = WindowMetrics.__dataclass_fields__
    empty: dict[str, float | None] = dict.fromkeys(names)
    base = {"roc_auc": roc_auc, "pr_auc": roc_auc, "f1": roc_auc, "fpr": 0.25}
    return WindowMetrics(**{**empty, "windows": 10, "attacks": 5, **base})  # type: ignore[arg-type]


def on(vgae: Path, gat: Path) -> dict[str, Parent]:
    """Both as the experts of a fusion."""
    return {"vgae": Parent(run_id=vgae.name), "gat": Parent(run_id=gat.name)}


class Made:
    """Finished runs under one experiment root."""

    def __init__(self, folder: Path) -> None:
        self.roots = Roots(data=folder / "d", experiments=folder / "e", teachers=folder / "t")

    def config(self, model: str = "gat", size: str = "student", seed: int = 0,
               alpha: float | None = None, **more: object) -> RunConfig:  # fmt: skip
        strategy = {"gat": "normal", "vgae": "autoencoder", "dqn": "fusion"}[model]
        base = preset(model, size, strategy)
        config = RunConfig(
            modality="automotive",
            dataset="car",
            model=model,
            model_size=size,  # type: ignore[arg-type]
            training_strategy=strategy,  # type: ignore[arg-type]
            data=DataConfig(dataset_digest="d", split_digest="s"),
            architecture=base.architecture,
            seed=seed,
        )
        if alpha is not None:
            teacher = Parent(path=f"/t{seed}.pth", sha256=str(seed))
            config = replace(config, distillation=DistillationConfig(teacher=teacher, alpha=alpha))
        return replace(config, **more)  # type: ignore[arg-type]

    def run(self, config: RunConfig, values: Mapping[str, float | None] | None = None,
            suffix: str = "") -> Path:  # fmt: skip
        """A finished run; evaluated if `values` (ROC-AUC by scenario) are given."""
        folder = run_dir(self.roots.experiments, config, run_id_of(config) + suffix)
        write_frozen(freeze(config, folder, self.roots, register=False))
        artifact = artifact_path(folder, config.model, config.model_size)
        artifact.parent.mkdir(parents=True)
        artifact.write_bytes(b"x" * 1234)
        validation = RankedFigure(
            metric="val_loss",
            value=1.0,
            higher_is_better=False,
            artifact_sha256=sha256_of(artifact),
        )
        write_summary(folder, validation, {"parameters": 5678})
        finish(folder)
        if values is not None:
            self.evaluation(folder, {config.model: (folder.name, values)})
        return folder

    def evaluation(
        self, folder: Path, models: Mapping[str, tuple[str, Mapping[str, float | None]]]
    ) -> None:
        """An evaluation with the rows of several models, a control and a file."""
        scorers = {"dqn": "fusion"}
        rows = [
            EvaluationRow(
                scenario=scenario,
                file=file,
                scorer=scorers.get(model, model),
                kind="model",
                threshold=None,
                metrics=figures(value if file is None else 0.1),
            )
            for model, (_, values) in models.items()
            for scenario, value in values.items()
            for file in (None, "DoS-kia")
        ]
        control = replace(rows[0], scorer="id_lookup", kind="control", metrics=figures(1.0))
        runs = {scorers.get(model, model): run for model, (run, _) in models.items()}
        report = EvaluationReport(
            modality="automotive", dataset="car", run_id=folder.name, rows=(*rows, control),
            runs=runs,
        )  # fmt: skip
        write_report(report, folder)


def three_seeds(made: Made) -> list[Path]:
    """A teacher, three students, and three distilled ones that are better by 0.01 to 0.03."""
    runs = [made.run(made.config(size="teacher"), {FIRST: 0.99, SECOND: 0.9})]
    for seed in range(3):
        plain = 0.90 + 0.01 * seed
        runs.append(made.run(made.config(seed=seed), {FIRST: plain, SECOND: 0.8}))
        better = {FIRST: plain + 0.01 * (seed + 1), SECOND: 0.7}
        runs.append(made.run(made.config(seed=seed, alpha=0.7), better))
    return runs


def only(comparison: Comparison) -> Section:
    (section,) = comparison.sections
    return section
