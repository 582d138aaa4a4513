"""Comparisons from real files on disk: groups, pairs, what is left out, and the tables."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.comparison.groups import Comparison, Section, compare_runs, without_evaluation
from can_train.comparison.tables import document_of, markdown_of, tables_of, verdicts_of
from can_train.config.frozen import freeze, run_id_of, write_frozen
from can_train.config.presets import preset
from can_train.config.schema import DataConfig, DistillationConfig, Parent, RunConfig
from can_train.errors import PreflightError
from can_train.evaluation.metrics import WindowMetrics
from can_train.evaluation.report import EvaluationReport, EvaluationRow, write_report
from can_train.runs.layout import Roots, artifact_path, run_dir
from can_train.runs.state import end_running
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
            metric="val_loss", value=1.0, higher_is_better=False, artifact_sha256="x"
        )
        write_summary(folder, validation, {"parameters": 5678})
        end_running(folder, "finished", exit_code=0)
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


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


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


def test_runs_that_differ_by_seed_and_parents_are_one_group(made: Made) -> None:
    section = only(compare_runs(three_seeds(made)))
    assert [(g.label, g.seeds) for g in section.groups] == [
        ("student", (0, 1, 2)), ("student+KD", (0, 1, 2)), ("teacher", (0,)),
    ]  # fmt: skip
    assert (section.dataset, section.model, section.scenarios) == ("car", "gat", (FIRST, SECOND))


def test_differences_are_paired_by_seed(made: Made) -> None:
    section = only(compare_runs(three_seeds(made)))
    (pair,) = section.pairs
    found = section.of_pair(pair, FIRST, "roc_auc")
    assert found is not None and found.half_width is not None
    assert found.mean == pytest.approx(0.02)
    assert found.half_width == pytest.approx(4.302652729911275 * 0.01 / 3**0.5)
    average = section.of_pair(pair, None, "roc_auc")
    assert average is not None
    assert average.mean == pytest.approx((0.02 - 0.1) / 2)
    student = section.of_group(section.groups[0], FIRST, "roc_auc")
    assert student is not None and student.mean == pytest.approx(0.91)


def test_only_common_seeds_are_paired(made: Made) -> None:
    runs = [made.run(made.config(seed=s), {FIRST: 0.5}) for s in (0, 1)]
    runs += [made.run(made.config(seed=s, alpha=0.7), {FIRST: 0.5}) for s in (1, 2)]
    (pair,) = only(compare_runs(runs)).pairs
    assert pair.seeds == (1,)


def test_groups_of_one_kind_are_told_apart_by_what_differs(made: Made) -> None:
    runs = [made.run(made.config(alpha=alpha), {FIRST: 0.5}) for alpha in (0.3, 0.7)]
    comparison = compare_runs(runs)
    labels = [group.label for group in only(comparison).groups]
    assert sorted(labels) == ["student+KD (alpha 0.3)", "student+KD (alpha 0.7)"]
    assert only(comparison).pairs == ()
    assert len(comparison.notes) == 2 and "no paired difference" in comparison.notes[0]


def test_a_run_made_again_replaces_the_first(made: Made) -> None:
    first = made.run(made.config(), {FIRST: 0.5})
    second = made.run(made.config(), {FIRST: 0.6}, suffix="-2")
    os.utime(artifact_path(first, "gat", "student"), (1, 1))
    comparison = compare_runs([second, first])
    (group,) = only(comparison).groups
    assert [run.run_id for run in group.runs] == [second.name]
    assert comparison.notes == (
        f"run {first.name} isn't compared: run {second.name} has the same settings and seed 0",
    )


def test_an_expert_is_evaluated_by_the_run_that_was_built_on_it(made: Made) -> None:
    vgae, gat = made.run(made.config("vgae")), made.run(made.config("gat"))
    dqn = made.run(made.config("dqn", experts=on(vgae, gat)))
    assert without_evaluation([vgae, gat, dqn]) == [vgae, gat, dqn]
    models = {"vgae": (vgae.name, {FIRST: 0.7}), "gat": (gat.name, {FIRST: 0.8})}
    made.evaluation(dqn, {**models, "dqn": (dqn.name, {FIRST: 0.9})})
    assert without_evaluation([vgae, gat, dqn]) == []
    sections = compare_runs([vgae, gat, dqn]).sections
    found = [section.of_group(section.groups[0], FIRST, "roc_auc") for section in sections]
    assert [section.model for section in sections] == ["vgae", "gat", "dqn"]
    assert [mean and mean.mean for mean in found] == [0.7, 0.8, 0.9]
    assert without_evaluation([vgae]) == [vgae]


def test_fusion_counts_as_distilled_if_its_experts_are(made: Made) -> None:
    plain = [made.run(made.config(m)) for m in ("vgae", "gat")]
    distilled = [made.run(made.config(m, alpha=0.7)) for m in ("vgae", "gat")]
    runs = [
        made.run(made.config("dqn", experts=on(v, g)), {FIRST: 0.5}) for v, g in (plain, distilled)
    ]
    section = only(compare_runs(runs))
    assert [group.label for group in section.groups] == ["student", "student+KD"]
    assert len(section.pairs) == 1


def test_what_is_not_defined_is_not_available(made: Made) -> None:
    values: dict[str, float | None] = {FIRST: 0.5, SECOND: None}
    runs = [made.run(made.config(seed=s), values) for s in (0, 1)]
    section = only(compare_runs(runs))
    assert section.averaged == (FIRST,)
    assert section.of_group(section.groups[0], SECOND, "roc_auc") is None
    rows = tables_of(section)[1].rows
    assert rows[1] == (SECOND, "student", "n/a", "n/a", "n/a", "0.2500 ± 0.0000")
    assert len(rows) == 2


def test_a_run_without_evaluation_is_an_error_with_the_command(made: Made) -> None:
    run = made.run(made.config())
    with pytest.raises(PreflightError, match=f"Use: can-train evaluate {run.name}"):
        compare_runs([run])


def test_tables_markdown_and_json_say_the_same(made: Made) -> None:
    comparison = compare_runs(three_seeds(made))
    section = only(comparison)
    models, scenarios = tables_of(section)
    assert models.rows[0] == ("student", "0, 1, 2", "5,678", "1,234", "n/a", "n/a")
    assert scenarios.rows[0][:3] == (FIRST, "student", "0.9100 ± 0.0248")
    assert scenarios.rows[2][:3] == (FIRST, "teacher", "0.9900 ± n/a")
    assert scenarios.rows[3][:3] == (
        FIRST, "student+KD - student, 3 seeds", "+0.0200 [-0.0048, +0.0448]",
    )  # fmt: skip
    (verdict,) = verdicts_of(section)
    assert "upper bound >= 0 in 1 of 2 scenarios" in verdict
    assert f"worse in {SECOND}" in verdict
    page = markdown_of(comparison, "can-train compare car")
    assert "```\ncan-train compare car\n```" in page
    for row in (*models.rows, *scenarios.rows):
        assert f"| {' | '.join(row)} |" in page
    document = json.loads(json.dumps(document_of(comparison)))
    (pair,) = document["sections"][0]["pairs"]
    assert pair["differences"][FIRST]["roc_auc"]["mean"] == pytest.approx(0.02)
    assert pair["seeds"] == [0, 1, 2]
    assert document["sections"][0]["groups"][2]["figures"][FIRST]["roc_auc"]["low"] is None
