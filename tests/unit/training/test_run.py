"""What whole distilling runs give, log and leave."""

from __future__ import annotations

import csv
import gc
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from can_train.config.frozen import load_frozen
from can_train.config.schema import RESULTS_VERSION, RunConfig
from can_train.detectors.artifact import load_detector
from can_train.detectors.gat.network import GAT
from can_train.detectors.parents import load_parents
from can_train.distil.losses import alpha_in_epoch
from can_train.errors import ArtifactError, ConfigError
from can_train.files import sha256_of
from can_train.training.run import prepare, run_frozen
from tests.lab import Lab, make_lab

pytestmark = pytest.mark.kd

OPTIONS: dict[str, Mapping[str, Any]] = {
    "vgae": {"kd_warmup_epochs": 2},
    "gat": {"kd_warmup_epochs": 2, "feature_weight": 0.5},
}


def best(run: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run / "checkpoints" / "best.pt", weights_only=True)
    return state


def deployed(run: Path) -> dict[str, torch.Tensor]:
    return load_detector(next((run / "models").glob("*.pth"))).network.state_dict()


def rows(run: Path) -> list[dict[str, float]]:
    with (run / "logs" / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def summary(run: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return read


@pytest.mark.parametrize("model", OPTIONS)
def test_alpha_zero_is_plain_training_bit_for_bit(model: str, lab: Lab) -> None:
    plain = deployed(lab.train(lab.config(model)))
    for options in ({}, OPTIONS[model]):
        student = deployed(lab.train(lab.distilled(model, {**options, "alpha": 0.0})))
        assert all(torch.equal(value, student[name]) for name, value in plain.items())
    taught = deployed(lab.train(lab.distilled(model)))
    assert not all(torch.equal(value, taught[name]) for name, value in plain.items())


@pytest.mark.parametrize("model", OPTIONS)
def test_logged_terms_add_up_in_every_epoch_of_a_warm_up(model: str, lab: Lab) -> None:
    config = lab.distilled(model, dict(OPTIONS[model]))
    config = replace(config, training=replace(config.training, epochs=4))
    records = rows(lab.train(config))
    assert [row["alpha"] for row in records] == pytest.approx([0.7 / 3, 1.4 / 3, 0.7, 0.7])
    for row in records:
        total = row["alpha"] * row["kd"] + (1 - row["alpha"]) * row["task"]
        assert row["total"] == pytest.approx(total, rel=1e-9)
        parts = [value for name, value in row.items() if name.startswith("kd_")]
        if model == "vgae":
            assert row["kd"] == pytest.approx(0.5 * sum(parts), rel=1e-5)
        else:
            weighted = row["kd_soft_target"] + 0.5 * row["kd_feature"]
            assert row["kd"] == pytest.approx(weighted, rel=1e-5)


def test_warm_up_rises_by_equal_steps_and_none_means_the_full_weight_at_once(lab: Lab) -> None:
    kd = lab.distilled("gat", {"alpha": 0.6, "kd_warmup_epochs": 2}).distillation
    assert kd is not None
    assert [alpha_in_epoch(kd, e) for e in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.6])
    assert alpha_in_epoch(replace(kd, kd_warmup_epochs=0), 0) == 0.6


@pytest.mark.parametrize("model", OPTIONS)
def test_the_projection_is_trained_and_kept_but_not_deployed(model: str, lab: Lab) -> None:
    config = lab.distilled(model, dict(OPTIONS[model]))
    run = lab.train(config)
    start = lab.stage(config).module.state_dict()
    state = best(run)
    assert not torch.equal(state["projection.weight"], start["projection.weight"])
    last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert "projection.weight" in last["module"]
    assert not any("projection" in name or "teacher" in name for name in deployed(run))
    assert {n.split(".")[0] for n in state} == {"model", "projection"}


def test_the_feature_signal_changes_the_student_only_with_a_weight(lab: Lab) -> None:
    without = best(lab.train(lab.distilled("gat")))
    zero = best(lab.train(lab.distilled("gat", {"feature_weight": 0.0})))
    some = best(lab.train(lab.distilled("gat", {"feature_weight": 0.5})))
    assert all(torch.equal(value, zero[name]) for name, value in without.items())
    assert "projection.weight" not in without
    assert not all(torch.equal(value, some[name]) for name, value in without.items())


def test_evidence_of_a_vgae_and_of_a_gat_and_an_untouched_teacher(lab: Lab) -> None:
    config = lab.distilled("vgae", {"latent_weight": 4.0})
    long = replace(config, training=replace(config.training, epochs=15, learning_rate=0.02))
    vgae = summary(lab.train(long))
    assert vgae["latent_cosine_before"] < 0.5 < vgae["latent_cosine_after"] <= 1
    assert 0 <= vgae["latent_cka_before"] < vgae["latent_cka_after"] <= 1
    gat = summary(lab.train(lab.distilled("gat")))
    for when in ("before", "after"):
        assert 0 <= gat[f"teacher_agreement_{when}"] <= 1
        assert 0 <= gat[f"teacher_probability_difference_{when}"] <= 1
    for model, figures in (("vgae", vgae), ("gat", gat)):
        teacher = lab.teacher(model)
        now = sha256_of(Path(str(teacher.path)))
        assert figures["teacher_sha256"] == figures["teacher_sha256_after"] == now
    plain = summary(lab.train(lab.config("gat")))
    assert not [name for name in plain if "teacher" in name or "latent" in name]


def test_every_log_says_whether_it_distils_and_with_what(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    configs = {
        "vgae": lab.config("vgae"),
        "gat": lab.config("gat"),
        "dqn": lab.fusion(),
        "taught": lab.distilled("gat", {"temperature": 8.0}),
    }
    for name, config in configs.items():
        training = replace(config.training, epochs=1, learning_rate=0.003)
        caplog.clear()
        with caplog.at_level(logging.INFO, "can_train"):
            lab.train(replace(config, training=training, seed=11))
        said = [r.getMessage() for r in caplog.records]
        lines = [line for line in said if line.startswith("Knowledge Distillation:")]
        if name == "taught":
            sha256 = str(lab.teacher("gat").sha256)[:12]
            enabled = f"ENABLED (teacher {sha256}, T=8, alpha=0.7)"
            assert lines == [f"Knowledge Distillation: {enabled}"]
        else:
            assert lines == ["Knowledge Distillation: DISABLED"]
        assert "epochs 1, learning rate 0.003, batch size 16, seed 11" in said


def test_a_prepared_run_holds_the_student_only(lab: Lab) -> None:
    frozen = load_frozen(lab.frozen(lab.distilled("gat"), "-prepared"))
    gc.collect()
    before = {id(o) for o in gc.get_objects() if type(o) is GAT}
    stage = prepare(frozen)
    gc.collect()
    made = [o for o in gc.get_objects() if type(o) is GAT and id(o) not in before]
    assert made == [stage.module.model]


def foreign(lab: Lab, other: Lab, *, allowed: bool) -> RunConfig:
    config = lab.distilled("gat", {"foreign_teacher": allowed})
    kd = config.distillation
    assert kd is not None
    return replace(config, distillation=replace(kd, teacher=other.teacher("gat")))


def test_a_teacher_of_another_dataset_is_taken_only_where_allowed(lab: Lab, tmp_path: Path) -> None:
    other = make_lab(tmp_path / "other", dataset="elsewhere", seed=7)
    with pytest.raises(ArtifactError, match=r"dataset elsewhere \(this plan: small\)"):
        lab.train(foreign(lab, other, allowed=False))
    run = lab.train(foreign(lab, other, allowed=True))
    summary = json.loads((run / "summary.json").read_text())
    assert summary["teacher_sha256"] == summary["teacher_sha256_after"]


def test_a_teacher_of_another_split_of_the_same_dataset_is_never_taken(lab: Lab) -> None:
    teacher = load_detector(Path(str(lab.teacher("gat").path)))
    config = lab.distilled("gat", {"foreign_teacher": True})
    other = replace(config, data=replace(config.data, split_digest="0" * 64))
    assert teacher.config.data.dataset_digest == other.data.dataset_digest
    with pytest.raises(ArtifactError, match=r"split digest \w{12} \(this plan: 0{12}\)"):
        load_parents(other, lab.experiments)


def test_a_run_frozen_for_other_results_is_refused(lab: Lab) -> None:
    frozen = lab.frozen(lab.config("gat", results=RESULTS_VERSION - 1))
    with pytest.raises(ConfigError, match=r"results of version \d+, .* Give the training command"):
        run_frozen(frozen)
