"""The closed word lists of the command line, each spelled once (stdlib only)."""

from typing import Final, Literal, get_args

Modality = Literal["automotive", "industrial", "robotics"]
Model = Literal["vgae", "gat", "dqn"]
ModelSize = Literal["teacher", "student"]
LearningType = Literal["unsupervised", "supervised", "rl_fusion"]
TrainingStrategy = Literal["autoencoder", "normal", "curriculum", "distillation", "fusion"]
Distillation = Literal["with-kd", "no-kd"]
FeatureSet = Literal["classic", "relational"]

MODALITIES: Final[tuple[str, ...]] = get_args(Modality)
MODALITIES_WITH_DATA: Final[tuple[str, ...]] = ("automotive",)
MODELS: Final[tuple[str, ...]] = get_args(Model)
MODEL_SIZES: Final[tuple[str, ...]] = get_args(ModelSize)
LEARNING_TYPES: Final[tuple[str, ...]] = get_args(LearningType)
TRAINING_STRATEGIES: Final[tuple[str, ...]] = get_args(TrainingStrategy)
DISTILLATIONS: Final[tuple[str, ...]] = get_args(Distillation)
FEATURE_SETS: Final[tuple[str, ...]] = get_args(FeatureSet)

LEARNING_TYPE_OF_STRATEGY: Final[dict[str, LearningType]] = {
    "autoencoder": "unsupervised",
    "normal": "supervised",
    "curriculum": "supervised",
    "distillation": "supervised",
    "fusion": "rl_fusion",
}
STRATEGIES_OF_MODEL: Final[dict[str, tuple[TrainingStrategy, ...]]] = {
    "vgae": ("autoencoder",),
    "gat": ("normal", "curriculum", "distillation"),
    "dqn": ("fusion",),
}
