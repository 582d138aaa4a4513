"""A synthetic universe for training: other cars, benign oddities, attacks of all kinds."""

from can_train.dataset.augment.episodes import Episode
from can_train.dataset.augment.recipe import Recipe, Universe
from can_train.dataset.augment.synthesis import (
    SyntheticRecording,
    TrafficSource,
    recordings,
    synthesise,
)

__all__ = [
    "Episode",
    "Recipe",
    "SyntheticRecording",
    "TrafficSource",
    "Universe",
    "recordings",
    "synthesise",
]
