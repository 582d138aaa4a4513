"""A detector that `src` doesn't know: a perceptron on the mean node of a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import global_mean_pool

from can_train.config.schema import Architecture, Param, TrainingConfig
from can_train.config.spec import Spec
from can_train.detectors.base import Detector, NetworkShape, Scores
from can_train.detectors.epochs import shuffled
from can_train.detectors.signal import WindowRows
from can_train.detectors.stage import GraphStage, Judgement, Means, StageWindows
from can_train.detectors.task import Prepared, StageTask
from can_train.distil.losses import (
    LossTerms,
    TeacherSignal,
    soft_target_loss,
    with_teacher_signal,
)
from can_train.distil.outputs import teacher_outputs
from can_train.graphs.batch import GraphBatch, ScaledGraphs


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyConfig(Architecture):
    hidden_channels: Annotated[int, Param(help="width of the hidden layer", ge=1, le=64)]


SPEC = Spec(
    name="toy",
    title="perceptron on the mean node",
    strategies=("normal", "distillation"),
    architecture=ToyConfig,
    presets={"teacher": ToyConfig(hidden_channels=12), "student": ToyConfig(hidden_channels=4)},
    training={"teacher": TrainingConfig(), "student": TrainingConfig()},
    detector="can_train_plugin_toy_detector:ToyDetector",
    stage="can_train_plugin_toy_detector:build",
    role="probability",
    distillation_settings=("temperature",),
    state_channels=4,
    order=25,
)


class ToyNetwork(nn.Module):
    def __init__(self, node_channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.body = nn.Linear(node_channels, hidden_channels)
        self.head = nn.Linear(hidden_channels, 2)

    def forward(self, batch: ScaledGraphs) -> Tensor:
        mean = global_mean_pool(batch.x, batch.batch, size=batch.num_graphs)
        logits: Tensor = self.head(functional.elu(self.body(mean)))
        return logits


class ToyDetector(Detector):
    @classmethod
    def build_network(cls, architecture: Architecture, shape: NetworkShape) -> nn.Module:
        assert isinstance(architecture, ToyConfig)
        return ToyNetwork(shape.node_channels, architecture.hidden_channels)

    def scored(self, graphs: ScaledGraphs) -> Scores:
        return self.said(self.network(graphs).double().diff(dim=1).squeeze(1))

    def teach(self, graphs: ScaledGraphs) -> dict[str, Tensor]:
        return {"logits": self.network(graphs)}


class ToyStage(GraphStage):
    def __init__(self, task: StageTask, windows: StageWindows, soft: Any) -> None:
        super().__init__(task.network, task.config.training, task.config.seed, windows)
        self.distillation = task.config.distillation
        self._soft = soft
        self._loss = Means()

    def training_step(self, batch: GraphBatch) -> Tensor:
        logits = self.model(batch)
        loss = functional.cross_entropy(logits, batch.y)
        terms = LossTerms(total=loss, task=loss)
        if self.distillation is not None:
            kd = soft_target_loss(logits, self._soft(batch), self.distillation.temperature)
            terms = with_teacher_signal(terms, TeacherSignal(loss=kd, parts={}), self.alpha)
        return self._record(terms, batch.num_graphs)

    def validation_step(self, batch: GraphBatch) -> None:
        loss = functional.cross_entropy(self.model(batch).double(), batch.y)
        self._loss.add({"loss": float(loss)}, batch.num_graphs)

    def judge(self) -> Judgement:
        loss = self._loss.take()["loss"]
        return Judgement(metrics={"val_loss": loss}, key=(-loss,))


def build(task: StageTask) -> Prepared:
    inputs, seed = task.inputs, task.config.seed
    windows, soft = inputs.windows("train"), None
    if task.config.distillation is not None:
        logits = teacher_outputs(task.teacher(), inputs, windows, ("logits",)).arrays["logits"]
        rows = WindowRows(inputs.store, windows)
        soft = lambda batch: rows.of_windows(logits, batch)  # noqa: E731
    trained_on = StageWindows(
        feed=task.feed, epoch=shuffled(windows, seed), validation=inputs.windows("validation")
    )
    return Prepared(module=ToyStage(task, trained_on, soft))
