"""hydra-zen presets: architecture and training of every model, size and strategy."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from can_train.config.codec import from_plain
from can_train.config.schema import (
    CurriculumConfig,
    DqnConfig,
    GatConfig,
    TrainingConfig,
    VgaeConfig,
)
from can_train.vocab import MODEL_SIZES, STRATEGIES_OF_MODEL

if TYPE_CHECKING:
    from hydra_zen import ZenStore

ALIAS_STRATEGY: Final = "distillation"
"""Means `normal` with with-kd, so it has no preset of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What is used where the user gives nothing."""

    architecture: GatConfig | VgaeConfig | DqnConfig
    training: TrainingConfig
    curriculum: CurriculumConfig | None = None


def preset(model: str, model_size: str, training_strategy: str) -> Preset:
    """The preset of one model, size and strategy."""
    from hydra_zen import instantiate

    found = instantiate(preset_store()[model, f"{model_size}_{training_strategy}"])
    if not isinstance(found, Preset):
        raise TypeError(f"{model}, {model_size}, {training_strategy}: not a preset")
    # Hydra gives lists for tuples; the codec restores (and checks) the declared types.
    plain = asdict(found.architecture)
    checked = from_plain(type(found.architecture), plain, f"preset {model} {model_size}")
    return replace(found, architecture=checked)


def preset_names() -> tuple[tuple[str, str, str], ...]:
    """Model, size and strategy of every preset."""
    return tuple(
        (model, size, strategy)
        for model, strategies in STRATEGIES_OF_MODEL.items()
        for size in MODEL_SIZES
        for strategy in strategies
        if strategy != ALIAS_STRATEGY
    )


@cache
def preset_store() -> ZenStore:
    """All presets: group is the model, name is `<size>_<strategy>`."""
    from hydra_zen import ZenStore, builds

    store = ZenStore(name="can_train", deferred_hydra_store=True)
    plain: Any = partial(builds, hydra_convert="all")
    architectures: dict[tuple[str, str], Any] = {
        ("gat", "teacher"): plain(
            GatConfig, layers=5, heads=8, hidden_channels=64, id_embedding=32, fc_channels=(24, 12)
        ),
        ("gat", "student"): plain(
            GatConfig, layers=2, heads=4, hidden_channels=24, id_embedding=8, fc_channels=(96, 48)
        ),
        ("vgae", "teacher"): plain(
            VgaeConfig,
            encoder_channels=(1024, 512),
            decoder_channels=(512, 1024),
            latent_channels=96,
            heads=4,
            id_embedding=64,
        ),
        ("vgae", "student"): plain(
            VgaeConfig,
            encoder_channels=(80, 40),
            decoder_channels=(24,),
            latent_channels=16,
            heads=1,
            id_embedding=4,
        ),
        ("dqn", "teacher"): plain(DqnConfig, hidden_channels=576, hidden_layers=3),
        ("dqn", "student"): plain(DqnConfig, hidden_channels=160, hidden_layers=2),
    }
    training: dict[str, Any] = {
        "gat": builds(TrainingConfig),
        "vgae": builds(TrainingConfig),
        # Small and quick: at the teacher's rate it is far from done after 40 epochs.
        "vgae student": builds(TrainingConfig, epochs=80, learning_rate=0.003),
        # Q-values of a few hundred windows: an epoch is milliseconds and says little.
        "dqn": builds(TrainingConfig, epochs=200, patience=30, learning_rate=0.001),
    }
    for model, size, strategy in preset_names():
        curriculum = builds(CurriculumConfig) if strategy == "curriculum" else None
        store(
            builds(
                Preset,
                architecture=architectures[model, size],
                training=training.get(f"{model} {size}", training[model]),
                curriculum=curriculum,
            ),
            group=model,
            name=f"{size}_{strategy}",
        )
    return store
