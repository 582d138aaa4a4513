"""The closed word lists of the command line, each spelled once (stdlib only)."""

from typing import Final, Literal, get_args

Modality = Literal["automotive", "industrial", "robotics"]
ModelSize = Literal["teacher", "student"]
LearningType = Literal["unsupervised", "supervised", "rl_fusion"]
TrainingStrategy = Literal["autoencoder", "normal", "curriculum", "distillation", "fusion"]
Distillation = Literal["with-kd", "no-kd"]
FeatureSet = Literal["classic", "relational"]
Precision = Literal["float32", "bfloat16"]
FusionPolicy = Literal["logistic", "maximum", "mean", "dqn"]

AGENT_POLICY: Final[FusionPolicy] = "dqn"
"""The policy that is an agent: it has sizes and learns over epochs."""

MODALITIES: Final[tuple[str, ...]] = get_args(Modality)
MODALITIES_WITH_DATA: Final[tuple[str, ...]] = ("automotive",)
MODEL_SIZES: Final[tuple[str, ...]] = get_args(ModelSize)
LEARNING_TYPES: Final[tuple[str, ...]] = get_args(LearningType)
TRAINING_STRATEGIES: Final[tuple[str, ...]] = get_args(TrainingStrategy)
DISTILLATIONS: Final[tuple[str, ...]] = get_args(Distillation)
WITH_KD: Final[Distillation] = "with-kd"
NO_KD: Final[Distillation] = "no-kd"
FEATURE_SETS: Final[tuple[str, ...]] = get_args(FeatureSet)

LEARNING_TYPE_OF_STRATEGY: Final[dict[str, LearningType]] = {
    "autoencoder": "unsupervised",
    "normal": "supervised",
    "curriculum": "supervised",
    "distillation": "supervised",
    "fusion": "rl_fusion",
}
EXPERTS_OF_SCHEMA_1: Final = ("vgae", "gat")
"""Detectors whose keys every frozen config of schema version 1 has, null where none is built on."""
