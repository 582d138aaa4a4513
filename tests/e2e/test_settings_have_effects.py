"""Every setting changes what a run does: weights, threshold, epochs, or what it computes with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from can_train.config.fields import ARCHITECTURE_SETTINGS, SETTINGS, Setting
from can_train.config.typed import Typed
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate
from can_train.detectors.artifact import load_detector
from can_train.pipeline.plan import jobs_of, make_plan
from can_train.pipeline.record import write_plan
from can_train.runs.layout import Roots, artifact_path
from can_train.runs.state import end_running
from can_train.training.precision import INSTRUCTIONS
from can_train.training.run import run_frozen

COMMON = {"modality": "automotive", "dataset": "synthetic", "threads": "1", "epochs": "2",
          "windows_per_side": "120"}  # fmt: skip
PLANS = {
    "vgae": {"model": "vgae"},
    "gat": {"model": "vgae,gat"},
    "dqn": {"model": "vgae,gat,dqn"},
    "kd-gat": {"model": "gat,gat", "model_size": "teacher,student",
               "distillation": "no-kd,with-kd"},
    "kd-vgae": {"model": "vgae,vgae", "model_size": "teacher,student",
                "distillation": "no-kd,with-kd"},
}  # fmt: skip
VALUES = {
    "epochs": "1", "patience": "1", "batch_size": "16", "learning_rate": "0.01",
    "batch_nodes": "100", "batch_edges": "100", "scale_lr": "true",
    "weight_decay": "0.5", "gradient_clip": "0.001", "windows_per_epoch": "50", "threads": "2",
    "seed": "7", "target_fpr": "0.3", "features": "classic", "window": "80", "stride": "50",
    "split": "leave-attack-out:DoS", "windows_per_side": "80", "temperature": "8", "alpha": "0.2",
    "latent_weight": "2", "reconstruction_weight": "2", "feature_weight": "1",
    "kd_warmup_epochs": "3", "start_ratio": "0.5", "end_ratio": "0.6", "release_epochs": "1",
    "percentile": "90", "augment": "6", "fusion_policy": "mean",
    "precision": "bfloat16",
}  # fmt: skip
SIZES = {
    "layers": "3", "heads": "2", "hidden_channels": "16", "id_embedding": "3",
    "fc_channels": "8x4", "dropout": "0.5", "encoder_channels": "12x8", "decoder_channels": "6",
    "latent_channels": "3", "id_weight": "3", "neighbour_weight": "3", "kl_weight": "3",
    "hidden_layers": "1", "pooling": "mean", "neighbours": "mean", "edge_features": "false",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What can be told of a finished run."""

    weights: str
    threshold: float
    epochs: int
    threads: int


@dataclass(slots=True, kw_only=True)
class Workshop:
    """Trains plans in this process; equal ones once."""

    roots: Roots
    known: dict[str, Outcome]

    def outcome(self, **words: str) -> Outcome:
        plan = make_plan(Typed(text={**COMMON, **words}), self.roots, register=False)
        write_plan(plan)
        for planned, job in zip(plan.stages, jobs_of(plan), strict=True):
            if planned.run_id not in self.known:
                before = torch.get_num_threads()
                run_frozen(job.frozen)
                end_running(job.run_dir, "finished", exit_code=0)
                path = artifact_path(job.run_dir, planned.stage.model, planned.stage.model_size)
                self.known[planned.run_id] = told(path, job.run_dir)
                torch.set_num_threads(before)
        return self.known[plan.stages[-1].run_id]


def told(path: Path, run: Path) -> Outcome:
    detector = load_detector(path)
    digest = hashlib.sha256()
    for name, value in sorted(detector.network.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return Outcome(
        weights=digest.hexdigest(),
        threshold=detector.threshold.value,
        epochs=len((run / "logs" / "metrics.csv").read_text().splitlines()) - 1,
        threads=torch.get_num_threads(),
    )


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    home = tmp_path_factory.mktemp("home")
    generate(home / "source", scale=0.6)
    request = PrepareRequest(modality="automotive", dataset="synthetic", data_root=home / "data",
                             source=home / "source")  # fmt: skip
    prepare_dataset(request, report=lambda line: None)
    roots = Roots(data=home / "data", experiments=home / "runs", teachers=home / "teachers")
    return Workshop(roots=roots, known={})


def plan_for(setting: Setting) -> dict[str, str]:
    if setting.section == "distillation":
        vgae = setting.name in {"latent_weight", "reconstruction_weight"}
        return PLANS["kd-vgae" if vgae else "kd-gat"]
    return PLANS[{"curriculum": "gat", "fusion": "dqn"}.get(setting.section, "vgae")]


SETTABLE = [name for name, s in SETTINGS.items() if s.section != "resources"]
ARCHITECTURE = [(m, name) for m, known in ARCHITECTURE_SETTINGS.items() for name in known]


@pytest.mark.parametrize("name", SETTABLE)
def test_every_setting_changes_the_run(workshop: Workshop, name: str) -> None:
    words = {"model_size": "student", **plan_for(SETTINGS[name])}
    given = VALUES[name]
    if name == "precision" and not any(map(torch.cpu.get_capabilities().get, INSTRUCTIONS)):
        pytest.skip("the CPU has no bfloat16")
    if name in {"patience"}:
        # Only a run that gets no better for an epoch stops early.
        words |= {"epochs": "6", "learning_rate": "5", "gradient_clip": "1000"}
    if name == "scale_lr":
        words |= {"batch_size": "2"}  # the usual one scales by 1
    if SETTINGS[name].has_option:
        changed = workshop.outcome(**{**words, name: given})
    else:
        changed = workshop.outcome(**words, model_args=f"{name}={given}")
    assert changed != workshop.outcome(**words)


@pytest.mark.parametrize(("model", "name"), ARCHITECTURE, ids=[f"{m}-{n}" for m, n in ARCHITECTURE])
def test_every_size_changes_the_weights(workshop: Workshop, model: str, name: str) -> None:
    words = {"model_size": "student", **PLANS[model]}
    if model == "dqn":
        words["fusion_policy"] = "dqn"  # the others have no agent
    if name == "id_embedding":
        words["features"] = "classic"  # relational graphs have no IDs to embed
    changed = workshop.outcome(**words, model_args=f"{model}.{name}={SIZES[name]}")
    assert changed.weights != workshop.outcome(**words).weights
