"""One builder per model: what each stage trains on, and what its artifact is calibrated with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from can_train.config.schema import CurriculumConfig, RunConfig, VgaeConfig
from can_train.dataset.windows import DatasetWindows
from can_train.detectors.base import Artifact, build_model
from can_train.detectors.calibration import Threshold, conformal_threshold
from can_train.detectors.curriculum import epoch_windows
from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.fusion.stage import FusionStage, FusionWindows, fusion_rewards
from can_train.detectors.fusion.views import ExpertViews
from can_train.detectors.gat.network import GAT
from can_train.detectors.graph_stages import GatStage, VgaeStage
from can_train.detectors.scoring import (
    feed_of,
    score_fusion,
    score_gat,
    score_vgae,
    standardised_states,
    vgae_calibration,
    vgae_window_errors,
)
from can_train.detectors.stage import EpochWindows, StageModule, StageWindows, shuffled
from can_train.detectors.teacher import GatTeacher, VgaeTeacher
from can_train.detectors.vgae.network import VGAE
from can_train.distil.agreement import Agreement, LatentAgreement, PredictionAgreement
from can_train.errors import TrainingError
from can_train.graphs.feed import GraphFeed
from can_train.graphs.store import GraphStore

_UNSET = Threshold(value=float("inf"), target_fpr=0.5, benign_windows=0, exact=False)
SMALLEST_STATE_SCALE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage ready to be fitted.

    Attributes:
        config: Configuration of the run.
        inputs: Windows and sides.
        module: What Lightning trains.
        parents: sha256 of every artifact that it was made from, by role.
        experts: Those that its own scores are computed from: VGAE and GAT of a fusion.
        agreement: Compares a student with its teacher; None without a teacher.
        extras: Arrays that the artifact needs and that training doesn't change.
    """

    config: RunConfig
    inputs: DatasetWindows
    module: StageModule
    parents: dict[str, str]
    experts: dict[str, Artifact]
    agreement: Agreement | None
    extras: dict[str, NDArray[np.float64]]


def build_stage(config: RunConfig, inputs: DatasetWindows, parents: dict[str, Artifact]) -> Stage:
    """The stage for `config.model`; draws its initial weights from the run's seed.

    A teacher, or the VGAE of a curriculum, isn't kept: what it says is computed here.

    Raises:
        ArtifactError: The teacher is of another model.
        TrainingError: The windows that this stage needs don't exist.
        Stopped: Somebody asked while a teacher's outputs were computed.
    """
    torch.manual_seed(config.seed)
    model = build_model(config, len(inputs.vocabulary))
    feed = GraphFeed(inputs.store, scaler=inputs.scaler, vocabulary=inputs.vocabulary)
    extras: dict[str, NDArray[np.float64]] = {}
    experts: dict[str, Artifact] = {}
    agreement: Agreement | None = None
    module: StageModule
    match model:
        case VGAE():
            module = _vgae(config, inputs, parents, model, feed)
            if config.distillation is not None:
                agreement = LatentAgreement(module, parents["teacher"], inputs)
        case GAT():
            module = _gat(config, inputs, parents, model, feed)
            if config.distillation is not None:
                agreement = PredictionAgreement(module, parents["teacher"], inputs)
        case QNetwork():
            module, extras = _fusion(config, inputs, parents, model)
            experts = dict(parents)
        case _:
            raise TypeError(f"no stage trains a {type(model).__name__}")
    return Stage(
        config=config,
        inputs=inputs,
        module=module,
        parents={role: parent.sha256 for role, parent in parents.items()},
        experts=experts,
        agreement=agreement,
        extras=extras,
    )


def calibrated_artifact(stage: Stage) -> Artifact:
    """The trained model of `stage` with its threshold from benign calibration windows."""
    config, inputs = stage.config, stage.inputs
    extras = dict(stage.extras)
    draft = Artifact(
        config=config,
        model=stage.module.model.eval(),
        vocabulary=inputs.vocabulary,
        scaler=inputs.scaler,
        threshold=_UNSET,
        extras=extras,
        parents=dict(stage.parents),
    )
    if config.model == "vgae":
        errors, _ = vgae_window_errors(
            cast(VGAE, draft.model),
            feed_of(draft, inputs.store),
            inputs.windows("validation", benign=True),
        )
        scale, cdf = vgae_calibration(errors)
        extras |= {"error_scale": scale, "cdf": cdf.to_array()}
    benign = inputs.windows("threshold", benign=True)
    scores = artifact_scores(draft, stage.experts, inputs.store, benign)
    return Artifact(
        config=config,
        model=draft.model,
        vocabulary=draft.vocabulary,
        scaler=draft.scaler,
        threshold=conformal_threshold(scores, config.target_fpr),
        extras=extras,
        parents=draft.parents,
    )


def artifact_scores(
    artifact: Artifact,
    experts: dict[str, Artifact],
    store: GraphStore,
    windows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The score that `artifact`'s threshold is for, of `windows` [B], float64."""
    if artifact.config.model == "vgae":
        return score_vgae(artifact, store, windows).anomaly
    if artifact.config.model == "gat":
        return score_gat(artifact, store, windows).p_attack
    vgae = score_vgae(experts["vgae"], store, windows)
    return score_fusion(artifact, vgae, score_gat(experts["gat"], store, windows))


def _vgae(
    config: RunConfig,
    inputs: DatasetWindows,
    parents: dict[str, Artifact],
    model: VGAE,
    feed: GraphFeed,
) -> VgaeStage:
    windows = inputs.windows("train", benign=True)
    teacher = None
    if config.distillation is not None:
        width = cast(VgaeConfig, config.architecture).latent_channels
        teacher = VgaeTeacher(
            parents["teacher"],
            inputs,
            windows,
            config.distillation,
            student=(width, config.seed),
        )
    trained_on = StageWindows(
        feed=feed,
        epoch=shuffled(windows, config.seed),
        validation=inputs.windows("validation", benign=True),
    )
    return VgaeStage(
        model,
        config.training,
        config.seed,
        trained_on,
        architecture=cast(VgaeConfig, config.architecture),
        teacher=teacher,
    )


def _gat(
    config: RunConfig,
    inputs: DatasetWindows,
    parents: dict[str, Artifact],
    model: GAT,
    feed: GraphFeed,
) -> GatStage:
    windows = inputs.windows("train")
    label = inputs.store.label[windows]
    if not 0 < label.sum() < len(label):
        raise TrainingError(
            f"a gat needs benign and attack windows to train on; dataset {config.dataset} has "
            f"{int((label == 0).sum())} benign and {int(label.sum())} attack windows on side "
            f"train of split {config.data.split}"
        )
    teacher = None
    if config.distillation is not None:
        teacher = GatTeacher(
            parents["teacher"],
            inputs,
            windows,
            config.distillation,
            student=(model.embedding_channels, config.seed),
        )
    trained_on = StageWindows(
        feed=feed,
        epoch=_gat_epochs(config, inputs, parents, windows),
        validation=inputs.windows("validation"),
    )
    return GatStage(model, config.training, config.seed, trained_on, teacher=teacher)


def _gat_epochs(
    config: RunConfig,
    inputs: DatasetWindows,
    parents: dict[str, Artifact],
    windows: NDArray[np.int64],
) -> EpochWindows:
    if config.training_strategy != "curriculum":
        return shuffled(windows, config.seed)
    pacing = config.curriculum or CurriculumConfig()
    difficulty = score_vgae(parents["vgae"], inputs.store, windows).error
    label = inputs.store.label[windows]
    return lambda epoch: windows[epoch_windows(label, difficulty, epoch, config.seed, pacing)]


def _fusion(
    config: RunConfig,
    inputs: DatasetWindows,
    parents: dict[str, Artifact],
    model: QNetwork,
) -> tuple[FusionStage, dict[str, NDArray[np.float64]]]:
    held_out = inputs.windows("fusion")
    label = inputs.store.label[held_out]
    if not 0 < label.sum() < len(label):
        raise TrainingError(
            f"fusion needs benign and attack windows that the experts weren't fitted on; dataset "
            f"{config.dataset} has {int((label == 0).sum())} benign and {int(label.sum())} attack "
            f"windows on side fusion of split {config.data.split}"
        )
    views = [
        ExpertViews.of(inputs.store, parents, windows)
        for windows in (held_out, inputs.windows("validation"))
    ]
    mean = views[0].states.mean(axis=0)
    scale = np.maximum(views[0].states.std(axis=0), SMALLEST_STATE_SCALE)
    train, validation = (
        FusionWindows(
            states=standardised_states(view.states, mean, scale),
            rewards=fusion_rewards(view.anomaly, view.p_attack, view.label),
        )
        for view in views
    )
    module = FusionStage(model, config.training, config.seed, train=train, validation=validation)
    return module, {"state_mean": mean, "state_scale": scale}
