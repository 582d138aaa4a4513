"""hydra-zen presets: architecture and training of every model, size and strategy."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from can_train.config.codec import from_plain
from can_train.config.schema import Architecture, CurriculumConfig, FusionConfig, TrainingConfig
from can_train.config.spec import ALIAS_STRATEGY, spec_of, specs
from can_train.vocab import ModelSize

if TYPE_CHECKING:
    from hydra_zen import ZenStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What is used where the user gives nothing."""

    architecture: Architecture
    training: TrainingConfig
    curriculum: CurriculumConfig | None = None
    fusion: FusionConfig | None = None


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


def usual_architecture(model: str, model_size: str) -> Architecture:
    """Sizes of one model and model size; the same for all of its strategies."""
    return preset(model, model_size, spec_of(model).strategies[0]).architecture


def preset_names() -> tuple[tuple[str, ModelSize, str], ...]:
    """Model, size and strategy of every preset."""
    return tuple(
        (spec.name, size, strategy)
        for spec in specs().values()
        for size in spec.presets
        for strategy in spec.strategies
        if strategy != ALIAS_STRATEGY
    )


@cache
def preset_store() -> ZenStore:
    """All presets: group is the model, name is `<size>_<strategy>`."""
    from hydra_zen import ZenStore, builds

    store = ZenStore(name="can_train", deferred_hydra_store=True)
    plain: Any = partial(builds, hydra_convert="all")
    for model, size, strategy in preset_names():
        architecture, training = spec_of(model).presets[size], spec_of(model).training[size]
        curriculum = builds(CurriculumConfig) if strategy == "curriculum" else None
        fusion = builds(FusionConfig) if strategy == "fusion" else None
        store(
            builds(
                Preset,
                architecture=plain(type(architecture), **asdict(architecture)),
                training=builds(TrainingConfig, **asdict(training)),
                curriculum=curriculum,
                fusion=fusion,
            ),
            group=model,
            name=f"{size}_{strategy}",
        )
    return store
