"""Where a run comes from: settings of its own, commands that make it again, and provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from can_train.config.frozen import FrozenConfig, frozen_config_of
from can_train.config.presets import preset
from can_train.config.schema import DataConfig, Parent, RunConfig
from can_train.dataset.manifest import DatasetRef, load_manifest
from can_train.errors import counted
from can_train.report.document import (
    Block,
    Cell,
    Commands,
    Facts,
    Heading,
    Note,
    PageSection,
    PageTable,
    TableLine,
)
from can_train.report.records import RunRecords
from can_train.runs.layout import is_run, iter_runs, root_options, roots_from

_DECIDED: Final = frozenset({"dataset_digest", "split_digest", "universe", "augment", "teacher"})
"""What follows from the data or stands elsewhere."""

_SHORT: Final = 12


def settings_section(records: RunRecords) -> PageSection:
    """What was set other than by default."""
    config = records.frozen.config
    lines = tuple(
        TableLine(
            cells=(Cell(text=name), Cell(text=setting_text(value)), Cell(text=setting_text(usual)))
        )
        for name, value, usual in different_settings(config)
    )
    table: Block = (
        PageTable(
            name="settings",
            caption="Settings that differ from the defaults of this model, size and strategy",
            headings=(
                Heading(title="setting", number=False),
                Heading(title="of this run", number=False),
                Heading(title="default", number=False),
            ),
            lines=lines,
        )
        if lines
        else Note(text="All settings are the defaults of this model, size and strategy.")
    )
    data = config.data
    facts = Facts(
        pairs=(
            ("windows", f"{counted(data.window, 'frame')}, a new one every {data.stride}"),
            ("features", data.features),
            ("split", data.split),
            ("synthetic recordings", str(data.augment) if data.augment else "none"),
            ("seed", str(config.seed)),
            ("target false-alarm rate", f"{config.target_fpr:g} per window"),
        )
    )
    return PageSection(name="settings", title="Settings", blocks=(table, facts))


def different_settings(config: RunConfig) -> Iterator[tuple[str, object, object]]:
    """Name, value and default of each setting that isn't its default."""
    base = preset(config.model, config.model_size, config.training_strategy)
    yield from _different(config.data, {f.name: f.default for f in fields(DataConfig)})
    for mine, usual in (
        (config.architecture, base.architecture),
        (config.training, base.training),
        (config.curriculum, base.curriculum),
        (config.fusion, base.fusion),
    ):
        if mine is not None and usual is not None:
            yield from _different(mine, {f.name: _value(usual, f.name) for f in fields(usual)})
    if config.distillation is not None:
        kd = config.distillation
        yield from _different(kd, {f.name: f.default for f in fields(kd)})
    plain = {f.name: f.default for f in fields(RunConfig) if f.name in {"seed", "target_fpr"}}
    for name, usual_value in plain.items():
        if _value(config, name) != usual_value:
            yield name, _value(config, name), usual_value


def _different(holder: Any, usual: Mapping[str, object]) -> Iterator[tuple[str, object, object]]:
    for name, default in usual.items():
        value = _value(holder, name)
        if name not in _DECIDED and value != default:
            yield name, value, default


def _value(holder: Any, name: str) -> object:
    """A field by its name."""
    found: object = getattr(holder, name)
    return found


def setting_text(value: object) -> str:
    """The value of a setting in words."""
    if isinstance(value, tuple | list):
        return "x".join(map(str, value))
    return "not given" if value is None else str(value)


def commands_section(records: RunRecords) -> PageSection:
    """What was typed for this run and what it builds on, and what gives its figures."""
    lines: dict[str, None] = {}
    for frozen in [*_ancestors(records), records.frozen]:
        command = frozen.provenance.get("command")
        if isinstance(command, str):
            lines[command] = None
    options = root_options(roots_from(experiments=records.experiment_root))
    lines[f"can-train evaluate {records.run.name}{options}"] = None
    lines[f"can-train report {records.run.name}{options}"] = None
    return PageSection(
        name="commands",
        title="Make it again",
        lead="As they were typed, what this run builds on first. The same request on the same data "
        "gives the same run id, and the same bits on the same kind of machine.",
        blocks=(
            Commands(lines=tuple(lines)),
            Note(text=f"They were typed in {records.frozen.provenance.get('folder', 'n/a')}."),
        ),
    )


def _ancestors(records: RunRecords) -> list[FrozenConfig]:
    """Frozen configs of the runs that it was made from, those first that others need."""
    known = {run.name: run for run in iter_runs(records.experiment_root)}
    found: dict[Path, FrozenConfig] = {}

    def add(config: RunConfig) -> None:
        for parent in config.parents.values():
            run = _run_of(parent, known)
            if run is not None and run not in found:
                frozen = frozen_config_of(run)
                add(frozen.config)
                found[run] = frozen

    add(records.frozen.config)
    return list(found.values())


def _run_of(parent: Parent, known: Mapping[str, Path]) -> Path | None:
    """The run that made an artifact; None where it came from elsewhere."""
    if parent.run_id is not None:
        return known.get(parent.run_id)
    folder = Path(parent.path or "").parent.parent
    return folder if parent.path and is_run(folder) else None


def provenance_section(records: RunRecords) -> PageSection:
    """Ids, hashes, versions, and where it was made."""
    frozen = records.frozen
    made = frozen.provenance
    versions = made.get("versions")
    pairs = [
        ("run", records.run.name),
        ("state", records.state),
        ("frozen config", frozen.sha256),
        ("artifact", str(records.summary.get("artifact_sha256", "n/a"))),
        ("dataset digest", frozen.config.data.dataset_digest),
        ("split digest", frozen.config.data.split_digest),
        *((f"built on: {role}", _parent(p)) for role, p in frozen.config.parents.items()),
        ("frozen at", str(made.get("created_at", "n/a"))),
        ("on", str(made.get("host", "n/a"))),
        ("git commit", _commit(made)),
        ("python", str(made.get("python", "n/a"))),
    ]
    if isinstance(versions, dict):
        pairs += [(name, str(version)) for name, version in versions.items() if version]
    return PageSection(
        name="provenance",
        title="Provenance",
        blocks=(Facts(pairs=tuple(pairs), wide=True), *_dataset_note(records)),
    )


def _dataset_note(records: RunRecords) -> Iterator[Block]:
    """Whether the dataset is still the one that it was trained on."""
    config = records.frozen.config
    ref = DatasetRef(modality=config.modality, dataset=config.dataset)
    root = records.frozen.data_root
    if not (ref.folder(root) / "dataset.json").is_file():
        yield Note(text=f"Its dataset isn't under {root} any more.")
        return
    manifest = load_manifest(root, ref.modality, ref.dataset)
    training = records.frozen.training_digest
    if training is not None and manifest.training_digest != training:
        yield Note(
            tone="care",
            text=f"The training recordings of {config.dataset} under {root} aren't those that it "
            "was trained on.",
        )


def _parent(parent: Parent) -> str:
    if parent.run_id is not None:
        return f"run {parent.run_id}"
    return f"{parent.path} ({(parent.sha256 or '')[:_SHORT]})"


def _commit(made: Mapping[str, object]) -> str:
    commit = made.get("git_commit")
    if commit is None:
        return "n/a"
    return f"{commit}{', with changes' if made.get('git_dirty') else ''}"
