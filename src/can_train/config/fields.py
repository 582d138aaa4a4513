"""Which parameters of the schema a user may set, and where each belongs (stdlib only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from can_train.config.codec import hints_of, unwrap
from can_train.config.schema import (
    CurriculumConfig,
    DataConfig,
    DistillationConfig,
    FusionConfig,
    Resources,
    RunConfig,
    TrainingConfig,
)
from can_train.config.spec import specs

Section = Literal[
    "run", "data", "training", "distillation", "curriculum", "fusion", "resources", "architecture"
]

_SECTIONS: Final[dict[Section, type]] = {
    "data": DataConfig,
    "training": TrainingConfig,
    "run": RunConfig,
    "distillation": DistillationConfig,
    "curriculum": CurriculumConfig,
    "fusion": FusionConfig,
    "resources": Resources,
}
"""Dataclasses whose parameters can be set, in the order in which help shows them."""

_BUCKET_ONLY: Final[frozenset[Section]] = frozenset({"curriculum", "architecture"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One parameter of the schema that a user may set.

    Attributes:
        name: Field name; the option is the same with dashes.
        section: Dataclass that holds it. Those in `data` hold for the whole plan, all others
            may differ by stage.
        annotation: Its declared type with its constraints.
        help: Its help text.
        default: Its default in the schema, or how it is decided; None where only the preset
            has one.
    """

    name: str
    section: Section
    annotation: Any
    help: str
    default: object

    @property
    def per_stage(self) -> bool:
        """Whether it may differ by stage."""
        return self.section != "data"

    @property
    def has_option(self) -> bool:
        """Whether it has an option of its own, beside `--model-args`."""
        return self.section not in _BUCKET_ONLY

    @property
    def is_switch(self) -> bool:
        """Whether it is true or false, so that its name alone means true."""
        return unwrap(self.annotation)[0] is bool

    @property
    def bucket(self) -> str:
        """The option that takes it as `key=value`."""
        return "--slurm-args" if self.section == "resources" else "--model-args"


def _of(section: Section, cls: Any) -> dict[str, Setting]:
    """Every field that carries a `Param`, but for those that aren't settable."""
    found = {}
    for item in fields(cls):
        annotation = hints_of(cls)[item.name]
        param = unwrap(annotation)[1]
        if param is None or not param.settable:
            continue
        default = item.default if isinstance(item.default, int | float | str) else None
        found[item.name] = Setting(
            name=item.name,
            section=section,
            annotation=annotation,
            help=param.help,
            default=param.usual or default,
        )
    return found


SETTINGS: Final[Mapping[str, Setting]] = {
    name: setting
    for section, cls in _SECTIONS.items()
    for name, setting in _of(section, cls).items()
}
"""All settable parameters but those of architectures, in the order in which help shows them."""

ARCHITECTURE_SETTINGS: Final[Mapping[str, Mapping[str, Setting]]] = {
    name: _of("architecture", spec.architecture) for name, spec in specs().items()
}
"""Settable parameters of each model's architecture; only `--model-args` takes them."""


def setting_called(name: str) -> Setting | None:
    """The setting of that name; of architectures `gat.heads`, or `heads` of the first that has it.

    None where there is no such setting.
    """
    if name in SETTINGS:
        return SETTINGS[name]
    model, _, bare = name.rpartition(".")
    owners = {model: ARCHITECTURE_SETTINGS.get(model, {})} if model else ARCHITECTURE_SETTINGS
    return next((known[bare] for known in owners.values() if bare in known), None)


def option_of(name: str) -> str:
    """Spelling of a parameter on the command line: `--model-size`."""
    return f"--{name.replace('_', '-')}"


def bucket_keys(option: str) -> tuple[str, ...]:
    """Keys that a bucket takes."""
    keys = [name for name, setting in SETTINGS.items() if setting.bucket == option]
    if option == "--model-args":
        keys += [
            f"{model}.{name}" for model, known in ARCHITECTURE_SETTINGS.items() for name in known
        ]
        keys += sorted({name for known in ARCHITECTURE_SETTINGS.values() for name in known})
    return tuple(keys)
