"""What a detector declares about itself, and how declared detectors are found (stdlib only).

A detector is a folder in `detectors/` whose `spec.py` holds one `Spec`; see `can_train.plugins`.
Everything outside that folder asks the `Spec` and never which detector it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

from can_train.config.schema import Architecture, TrainingConfig
from can_train.plugins import by_name, declared
from can_train.vocab import TRAINING_STRATEGIES, ModelSize, TrainingStrategy

Role = Literal["anomaly", "probability"]
"""What a detector's score is to those that build on it: an anomaly score of a model of benign
traffic, or the probability of an attack."""

ALIAS_STRATEGY: Final = "distillation"
"""Means `normal` with with-kd, so no run has it and it has no preset of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One detector.

    Attributes:
        name: Word of `--model`.
        title: What it is, in a few words.
        strategies: Training strategies that it takes, the usual one first.
        architecture: Dataclass of its settable sizes.
        presets: Its sizes by model size.
        training: Optimisation settings by model size.
        detector: `module:class` of its `Detector`.
        stage: `module:function` that builds what is trained.
        role: What its score is to others; None: nothing builds on it.
        needs: Roles of the detectors that a strategy consumes.
        distils: Whether it can learn from a teacher of its own kind.
        refusal: Why it can't, if it can't.
        distillation_settings: Settings that only its teacher's signal has.
        scorer: Name under which its rows stand in evaluations.
        window_scorer: `module:function` that builds what scores single windows of a stream
            (`detectors/window_scorer.py`); empty: its `Detector` does that, too, more slowly.
        onnx: `module:function` that adds it to an ONNX graph (`detectors/onnx/`); empty: it has no
            such form.
        state_channels: How many numbers it shows a fusion.
        holds_on_other_cars: Whether its threshold is set on synthetic recordings of other cars,
            where there are any; one that knows a single car's traffic would be blinded by them.
        scores_since: Version of results from which its scores are what they are now; artifacts of
            earlier ones aren't taken.
        data_parallel: Whether several processes can train it together: its stage says what its
            loss is a mean over (`detectors/stage.py:StageModule.counts`).
        order: Place in lists: those that others build on come first.
    """

    name: str
    title: str
    strategies: tuple[TrainingStrategy, ...]
    architecture: type[Architecture]
    presets: Mapping[ModelSize, Architecture]
    training: Mapping[ModelSize, TrainingConfig]
    detector: str
    stage: str
    role: Role | None = None
    needs: Mapping[TrainingStrategy, tuple[Role, ...]] = field(default_factory=dict)
    distils: bool = True
    refusal: str = ""
    distillation_settings: tuple[str, ...] = ()
    scorer: str = ""
    window_scorer: str = ""
    onnx: str = ""
    state_channels: int = 0
    holds_on_other_cars: bool = True
    scores_since: int = 1
    data_parallel: bool = False
    order: int = 100

    @property
    def row(self) -> str:
        """Name under which its rows stand."""
        return self.scorer or self.name

    @property
    def path_word(self) -> str:
        """Request word that names its artifact: `gat_path`, on the command line `--gat-path`."""
        return f"{self.name}_path"

    def needed(self, strategy: str) -> tuple[Role, ...]:
        """Roles of the detectors that it consumes when trained by `strategy`."""
        return {str(known): roles for known, roles in self.needs.items()}.get(strategy, ())


@cache
def specs() -> Mapping[str, Spec]:
    """All detectors by name, those that others build on first.

    Raises:
        ConfigError: Two of them have one name.
    """
    found = sorted(declared(Spec, "detectors", "spec"), key=lambda s: (s.order, s.name))
    return by_name(found, "detectors")


def spec_of(model: str) -> Spec:
    """The detector called `model`; requests and frozen configs were checked before."""
    return specs()[model]


def model_names() -> tuple[str, ...]:
    """Words of `--model`."""
    return tuple(specs())


def experts() -> tuple[Spec, ...]:
    """Detectors that others can build on."""
    return tuple(spec for spec in specs().values() if spec.role is not None)


def usual_expert(role: Role) -> Spec:
    """The detector that is looked for where a plan makes none of that role."""
    return next(spec for spec in experts() if spec.role == role)


def strategies_on(spec: Spec) -> tuple[str, ...]:
    """Strategies of any detector that consume one of the role of `spec`."""
    takers = {
        s for other in specs().values() for s in other.strategies if spec.role in other.needed(s)
    }
    return tuple(strategy for strategy in TRAINING_STRATEGIES if strategy in takers)


def implementation(reference: str) -> Any:
    """What `module:name` refers to; imports torch, so only workers call it."""
    module, _, name = reference.partition(":")
    loaded = importlib.import_module(module)
    return vars(loaded)[name]
