"""Where the value of a parameter comes from, and in what two configurations differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from can_train.config.build import Built
from can_train.config.codec import Json, allowed_text
from can_train.config.fields import ARCHITECTURE_SETTINGS, SETTINGS, Setting
from can_train.config.presets import Preset, preset
from can_train.config.requests import PLAN_WORDS, STAGE_WORDS
from can_train.config.resolve import ResolvedStage, resolve_stages
from can_train.config.spec import experts
from can_train.errors import ConfigError, did_you_mean
from can_train.vocab import NO_KD, WITH_KD

DECIDED: Final = {
    "model_size": "default: student if any stage distils, else teacher",
    "training_strategy": "default: by model, curriculum where the plan has a VGAE",
    "distillation": "default: no-kd",
    "learning_type": "follows from the training strategy",
    "teacher_path": "not given",
    **{spec.path_word: "not given" for spec in experts()},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One value of one stage.

    Attributes:
        where: The stage in words, or "plan".
        value: Its value as text.
        origin: flag, file, bucket, preset or default.
    """

    where: str
    value: str
    origin: str


def known_names() -> tuple[str, ...]:
    """Everything that can be explained."""
    sizes = {name for known in ARCHITECTURE_SETTINGS.values() for name in known}
    return (*STAGE_WORDS, *PLAN_WORDS, *SETTINGS, *sorted(sizes))


def checked_name(flag: str) -> str:
    """Field name of a flag.

    Raises:
        ConfigError: There is no such parameter.
    """
    name = flag.lstrip("-").replace("-", "_")
    if name not in known_names():
        raise ConfigError(
            f"{flag}: no such parameter{did_you_mean(name, known_names()) or '.'} "
            "Show all: can-train config explain"
        )
    return name


def summary_of(name: str) -> str:
    """Help, allowed values and default of a parameter, in one line."""
    found = {name: SETTINGS[name]} if name in SETTINGS else {}
    found |= {m: known[name] for m, known in ARCHITECTURE_SETTINGS.items() if name in known}
    if not found:
        annotation = {**STAGE_WORDS, **PLAN_WORDS}[name]
        return f"{allowed_text(annotation)}; {DECIDED.get(name, 'has to be given')}"
    texts = []
    for owner, setting in found.items():
        default = "" if setting.default is None else f"; default {setting.default}"
        prefix = "" if owner == name else f"{owner}: "
        texts.append(f"{prefix}{setting.help} ({allowed_text(setting.annotation)}{default})")
    return " | ".join(texts)


def explain(name: str, built: Built) -> Iterator[Explained]:
    """The value of parameter `name` in every stage that has it, and where it comes from."""
    if built.request is None:
        return
    setting = SETTINGS.get(name)
    if name in PLAN_WORDS or (setting is not None and not setting.per_stage):
        request = built.request
        words: dict[str, str | None] = {"modality": request.modality, "dataset": request.dataset}
        words |= {spec.path_word: request.expert_paths.get(spec.name) for spec in experts()}
        given = {**words, **built.request.settings}
        fallback = None if setting is None else setting.default
        value = given.get(name, fallback)
        origin = built.origins.get(name) or DECIDED.get(name, "default")
        yield Explained(where="plan", value=_shown(value), origin=origin)
        return
    for stage in resolve_stages(built.request)[0]:
        found = _of_stage(name, stage, built.origins)
        if found is not None:
            yield Explained(where=stage.title, value=found[0], origin=found[1])


def differences(
    one: Mapping[str, Json], other: Mapping[str, Json], prefix: str = ""
) -> Iterator[tuple[str, str, str]]:
    """Keys whose values differ between two frozen configs, with both values."""
    for key in sorted({*one, *other}):
        left, right = one.get(key, "absent"), other.get(key, "absent")
        if isinstance(left, dict) or isinstance(right, dict):
            parts = (_parts(left), _parts(right))
            yield from differences(*parts, f"{prefix}{key}.")
        elif left != right:
            yield f"{prefix}{key}", _shown(left), _shown(right)


def _parts(value: Json) -> Mapping[str, Json]:
    """Values of a group of settings; none where the group isn't there, or a value isn't given."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else {}


def _of_stage(
    name: str, stage: ResolvedStage, origins: Mapping[str, str]
) -> tuple[str, str] | None:
    """Value and origin in one stage; None if it has no such parameter."""
    if name in STAGE_WORDS:
        words = {
            "model": stage.model,
            "model_size": stage.model_size,
            "training_strategy": stage.training_strategy,
            "learning_type": stage.learning_type,
            "distillation": stage.distillation,
            "teacher_path": stage.teacher_path,
        }
        origin = origins.get(name) or DECIDED[name]
        if name == "distillation" and stage.distillation == WITH_KD and name not in origins:
            origin = "what the training strategy or --use-kd means"
        return _shown(words[name]), origin
    base = preset(stage.model, stage.model_size, stage.training_strategy)
    if name in ARCHITECTURE_SETTINGS[stage.model]:
        given = stage.architecture.get(name, getattr(base.architecture, name))
        bucket = origins.get(f"{stage.model}.{name}") or origins.get(name)
        return _shown(given), bucket or f"preset {stage.model} {stage.model_size}"
    setting = SETTINGS.get(name)
    if setting is None or (setting.section == "distillation" and stage.distillation == NO_KD):
        return None
    if name in stage.settings:
        return _shown(stage.settings[name]), origins[name]
    return _preset_value(setting, base, stage)


def _preset_value(setting: Setting, base: Preset, stage: ResolvedStage) -> tuple[str, str] | None:
    holders = {"training": base.training, "curriculum": base.curriculum, "fusion": base.fusion}
    holder = holders.get(setting.section)
    if setting.section in holders and holder is None:
        return None
    value = setting.default if holder is None else getattr(holder, setting.name)
    if value != setting.default:
        return _shown(value), f"preset {stage.model} {stage.model_size}_{stage.training_strategy}"
    site = "site profile, else Slurm" if setting.section == "resources" else "default"
    return _shown(value), site


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return "x".join(str(item) for item in value)
    return "not given" if value is None else str(value)
