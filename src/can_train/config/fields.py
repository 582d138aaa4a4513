"""Which parameters of the schema a user may set, and where each belongs (stdlib only)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from can_train.config.codec import hints_of, unwrap
from can_train.config.schema import DataConfig, DistillationConfig, RunConfig, TrainingConfig

Section = Literal["run", "data", "training", "distillation"]

_SECTIONS: Final[dict[Section, type]] = {
    "run": RunConfig,
    "data": DataConfig,
    "training": TrainingConfig,
    "distillation": DistillationConfig,
}
_SETTABLE: Final[dict[Section, tuple[str, ...]]] = {
    "data": ("features", "window", "stride", "split", "windows_per_side"),
    "training": (
        "epochs",
        "patience",
        "batch_size",
        "learning_rate",
        "weight_decay",
        "gradient_clip",
        "windows_per_epoch",
        "threads",
    ),
    "run": ("seed", "target_fpr"),
    "distillation": (
        "temperature",
        "alpha",
        "latent_weight",
        "reconstruction_weight",
        "feature_weight",
        "kd_warmup_epochs",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One parameter of the schema that has an option.

    Attributes:
        name: Field name; the option is the same with dashes.
        section: Dataclass that holds it. Those in `data` hold for the whole plan, all others
            may differ by stage.
        annotation: Its declared type with its constraints.
        help: Its help text.
        default: Its default in the schema.
    """

    name: str
    section: Section
    annotation: Any
    help: str
    default: object

    @property
    def per_stage(self) -> bool:
        """Whether the option takes one value per stage."""
        return self.section != "data"


def _settings() -> dict[str, Setting]:
    found = {}
    for section, names in _SETTABLE.items():
        cls: Any = _SECTIONS[section]
        defaults = {item.name: item.default for item in fields(cls)}
        for name in names:
            annotation = hints_of(cls)[name]
            param = unwrap(annotation)[1]
            if param is None:
                raise TypeError(f"{cls.__name__}.{name} has no Param, so it can't be an option")
            found[name] = Setting(
                name=name,
                section=section,
                annotation=annotation,
                help=param.help,
                default=defaults[name],
            )
    return found


SETTINGS: Final[dict[str, Setting]] = _settings()
"""All settable parameters by name, in the order in which help shows them."""


def option_of(name: str) -> str:
    """Spelling of a parameter on the command line: `--model-size`."""
    return f"--{name.replace('_', '-')}"
