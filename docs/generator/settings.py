"""The page of all parameters, from the schema and the detectors' presets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Final

from docs.generator.markdown import code, page, table

from can_train.config.codec import JOIN, allowed_text, is_optional
from can_train.config.explain import DECIDED
from can_train.config.fields import ARCHITECTURE_SETTINGS, SETTINGS, Setting, option_of
from can_train.config.requests import PLAN_WORDS, STAGE_WORDS
from can_train.config.schema import Architecture, CurriculumConfig, TrainingConfig
from can_train.config.spec import Spec, experts, specs
from can_train.config.typed import SMOKE

_INTRO: Final = (
    "A parameter is given by its option, by the bucket (`--model-args` or `--slurm-args`) as "
    "`name=value`, or in a request file (`--config`) under its name. Flags win over the file, both "
    "win over presets. *Plan*: one value for all stages; *stage*: one value for all or one per "
    "stage. `can-train config explain` shows where a value comes from."
)
_TITLES: Final[Mapping[str, str]] = {
    "data": "Windows (`config.data`)",
    "training": "Optimisation (`config.training`)",
    "run": "The run (`config`)",
    "distillation": "Distillation (`config.distillation`)",
    "curriculum": "Curriculum (`config.curriculum`)",
    "fusion": "Fusion (`config.fusion`)",
    "resources": "Resources (not part of the frozen config)",
}


def settings_page() -> str:
    """Text of settings.md."""
    parts = [_INTRO, "## Words of a request", _words()]
    for section, title in _TITLES.items():
        parts += [f"## {title}", *_section(section)]
    for spec in specs().values():
        parts += [f"## Architecture of {spec.name} (`config.architecture`)", *_architecture(spec)]
    return page("Settings", parts)


def _words() -> str:
    rows = []
    for name, annotation in {**PLAN_WORDS, **STAGE_WORDS}.items():
        by = "stage" if name in STAGE_WORDS else "plan"
        default = DECIDED.get(name, "has to be given").removeprefix("default: ")
        rows.append((code(option_of(name)), by, allowed_text(annotation), default))
    return table(("option", "by", "allowed", "default"), rows)


def _section(name: str) -> Iterator[str]:
    settings = [setting for setting in SETTINGS.values() if setting.section == name]
    rows = [
        (_spelling(s), "stage" if s.per_stage else "plan", allowed_text(s.annotation),
         _default(s), s.help + _owners(s))
        for s in settings
    ]  # fmt: skip
    yield table(("parameter", "by", "allowed", "default", "meaning"), rows)
    if name == "training":
        yield "Where a preset differs from the defaults:"
        yield _training_presets()
    if name == "curriculum":
        yield "Only stages of strategy `curriculum` have it; their presets are the defaults."
    if set(SMOKE) & {setting.name for setting in settings}:
        given = [f"{code(n)} {v}" for n, v in SMOKE.items() if SETTINGS[n].section == name]
        yield f"`--smoke` sets {' and '.join(given)}."


def _spelling(setting: Setting) -> str:
    if setting.has_option:
        return code(option_of(setting.name))
    return code(f"{setting.bucket} {setting.name}=…")


def _default(setting: Setting) -> str:
    if setting.default is None:
        return "absent" if is_optional(setting.annotation) else "by preset"
    return str(setting.default).lower() if setting.default is True else str(setting.default)


def _owners(setting: Setting) -> str:
    """Which detectors alone have a setting of distillation."""
    owners = [spec.name for spec in experts() if setting.name in spec.distillation_settings]
    return f" (only {', '.join(owners)})" if setting.section == "distillation" and owners else ""


def _training_presets() -> str:
    usual = TrainingConfig()
    names = [item.name for item in fields(TrainingConfig)]
    rows = []
    for spec in specs().values():
        for size, training in spec.training.items():
            values = {name: _value(training, name) for name in names}
            other = {n: v for n, v in values.items() if v != _value(usual, n)}
            told = ", ".join(f"{code(n)} {v}" for n, v in other.items()) or "as above"
            rows.append((spec.name, size, told))
    return table(("model", "size", "preset"), rows)


def _architecture(spec: Spec) -> Iterator[str]:
    sizes = list(spec.presets)
    rows = [
        (
            code(f"{spec.name}.{name}"),
            allowed_text(setting.annotation),
            *(_value(spec.presets[size], name) for size in sizes),
            setting.help,
        )
        for name, setting in ARCHITECTURE_SETTINGS[spec.name].items()
    ]
    first = next(iter(ARCHITECTURE_SETTINGS[spec.name]))
    yield (
        f"{spec.title[:1].upper()}{spec.title[1:]}. Strategies: {', '.join(spec.strategies)}. "
        f"Given by `--model-args {first}=…`, with the model's name before it where other models "
        "have the same."
    )
    yield table(("key", "allowed", *sizes, "meaning"), rows)


def _value(config: Architecture | TrainingConfig | CurriculumConfig, name: str) -> str:
    value = getattr(config, name)
    return JOIN.join(map(str, value)) if isinstance(value, tuple) else str(value)
