"""The page of all files of runs, plans, datasets and registered teachers, with their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

from docs.generator.markdown import (
    code,
    fields_table,
    first_paragraph,
    nested,
    page,
    table,
)
from docs.generator.places import (
    DATASET,
    PLAN,
    ROOTS,
    RUN,
    SWEEP,
    Place,
    dataset_places,
    plan_places,
    run_places,
    sweep_places,
    teacher_places,
)

from can_train.config.schema import RunConfig
from can_train.dataset.manifest import DatasetManifest
from can_train.dataset.splits import Split
from can_train.evaluation.report import EvaluationReport
from can_train.frames.frame import COLUMNS
from can_train.graphs.columns import STORED
from can_train.graphs.features import FEATURE_NAMES
from can_train.jobs.slurm.record import Attempt
from can_train.pipeline.stored import StageRecord
from can_train.runs.events import EVENTS
from can_train.runs.layout import Roots
from can_train.runs.state import RunStatus
from can_train.sweeps.manifest import Manifest
from can_train.teachers.files import Teacher
from can_train.training.batch_decision import BatchDecision
from can_train.training.loop import Progress

SUMMARY: Final[Mapping[str, str]] = {
    "validation_metric, validation_value, higher_is_better": "figure by which runs are ranked",
    "artifact_sha256": "of the artifact",
    "epochs, best_epoch": "epochs trained; the one that was kept, counted from 0",
    "best_<figure>": "validation figures of that epoch",
    "parameters": "of the network",
    "threshold, threshold_benign_windows": "the threshold, and how many windows are behind it",
    "validation_accuracy, validation_f1": "of the artifact at its threshold, on validation windows",
    "seconds": "how long the run took",
    "batch_options": "options that give the same batches, whoever decided them",
    "processes": "how many trained it together",
    "batch_halvings, batch_halved_at, batch_windows_at_end": "how often, and where, memory ran out",
    "as_planned": "whether it never did, so that this is the run that its id stands for",
    "epoch_seconds, epoch_windows": "mean time of an epoch, and the windows that it trains on",
    "around_seconds": "time before and after all epochs; estimates of later runs rest on these",
    "teacher_<figure>_before, teacher_<figure>_after": "agreement with the teacher (GAT)",
    "latent_<figure>_before, latent_<figure>_after": "agreement with the teacher (VGAE)",
    "teacher_sha256, teacher_sha256_after": "the teacher's file at the beginning and at the end",
}
ARTIFACT: Final[Mapping[str, str]] = {
    "format": "name and version of this format",
    "config": "the run's configuration, as in its frozen config",
    "state_dict": "weights of the network, by name",
    "vocabulary": "known arbitration IDs, int64; their indices begin at 1",
    "scaler": "mean and scale of node and edge features",
    "threshold": "value, target_fpr, benign_windows, exact",
    "extras": "arrays that the detector needs beside its weights",
    "parents": "sha256 of every artifact that it was made from, by role",
    "versions": "of torch and numpy",
}
CHECKPOINT: Final[Mapping[str, str]] = {
    "format": "name and version of this format; others are refused",
    "module": "weights of all that is trained, a projection among them",
    "optimizer, schedule": "their states",
    "progress": "Progress, below",
    "sums, weight": "loss terms of the current epoch so far, and how many windows they are of",
}
FROZEN: Final[Mapping[str, str]] = {
    "schema_version": "version of the schema",
    "sha256": "hash of the canonical JSON of `config`, and of nothing else",
    "config": "RunConfig, below; each expert has a key of its own instead of `experts`",
    "paths": "data_root, experiment_root, run_dir, teacher_root, absolute",
    "provenance": (
        "created_at, host, command, folder, git_commit, git_dirty, python, versions; decide nothing"
    ),
    "content_sha256": "of all the rest",
}
PLAN_KEYS: Final[Mapping[str, str]] = {
    "plan_id": "hash of the runs",
    "experiment_root": "folder of all runs",
    "stages": "StageRecord, below, and what follows for people and other programs",
    "edges": "pairs of stages: the second consumes the artifact of the first",
    "warnings": "what the user was told",
}
STAGE_KEYS: Final[Mapping[str, str]] = {
    "modality, learning_type, seed": "further words of its identity",
    "state": "whether it was new, resumed or reused when it was planned",
    "run_id": "its run",
    "distillation_settings, training": "these parts of its configuration",
    "teacher": "the teacher among its inputs; null without one",
    "resources": "what was typed for a cluster",
    "estimate": "what it is expected to cost",
}

EVENT_LINES: Final = (
    "One JSON object per line and event, with the system as soon as it happened. Each has `time` "
    "(seconds since 1970), `event`, and the fields of the event. What a killed worker leaves can "
    "be read up to its last whole line: `config/run_log.py:read_events`."
)


def files_page() -> str:
    """Text of files.md."""
    return page("Files", [*_roots(), *_run(), *_plan(), *_sweep(), *_dataset(), *_teachers()])


def _roots() -> Iterator[str]:
    yield (
        "JSON is UTF-8, indented, with sorted keys. Every file is replaced in one step: a reader "
        "sees the old one or the new one. What isn't whole yet begins with `.partial-`."
    )
    yield (
        "Some carry the hash of their own content as JSON with sorted keys: as `sha256` "
        "`status.json`, `plan.json` and `evaluation.json`; as `content_sha256` frozen configs and "
        "descriptions of teachers, where `sha256` is of something else. One that was edited is "
        "refused with code 6; one without the key, of an earlier version, is taken as it is."
    )
    options = {"data": "data", "experiments": "experiment", "teachers": "teacher"}
    yield table(
        ("option", "beside the launcher unless given"),
        ((code(f"--{options[f.name]}-root"), code(f"{_root(f.name)}/")) for f in fields(Roots)),
    )


def _root(name: str) -> Path:
    return {"data": ROOTS.data, "experiments": ROOTS.experiments, "teachers": ROOTS.teachers}[name]


def _run() -> Iterator[str]:
    folder = str(RUN).replace("/distilled/", "/{distilled,no_distillation}/")
    yield from ("## A run", f"`{folder}/`", _places(run_places(), RUN))
    yield from ("### The frozen config", _keys(FROZEN))
    yield "Bounds, defaults, and the keys of `architecture`: [settings](settings.md)."
    yield from _classes(RunConfig)
    yield from ("### `status.json`", *_classes(RunStatus))
    yield (
        "`owner.json` is the Process that owns the run; it exists while one does. The job of a "
        "Process stands in JSON as `<executor>_job`, such as `slurm_job`, and `restarts`."
    )
    yield from ("### `summary.json`", _keys(SUMMARY))
    yield from ("### `batch_size.json`", *_classes(BatchDecision))
    yield from ("### The artifact (`.pth`)", "Read with `weights_only=True`.", _keys(ARTIFACT))
    yield from ("### `last.ckpt`", "Read with `weights_only=True`.", _keys(CHECKPOINT))
    yield from _classes(Progress)
    yield "`best.pt` holds what stands under `module`, of the best epoch."
    yield from ("### `run.jsonl`", EVENT_LINES)
    yield table(("event", "further fields"), ((code(w), c.__name__) for w, c in EVENTS.items()))
    for event in EVENTS.values():
        yield from _classes(event)
    yield from ("### `evaluation.json`", "With `schema_version`:")
    yield from _classes(EvaluationReport)


def _plan() -> Iterator[str]:
    yield from ("## A plan", f"`{PLAN}/`", _places(plan_places(), PLAN))
    yield from ("### `plan.json`", _keys(PLAN_KEYS), *_classes(StageRecord), _keys(STAGE_KEYS))
    yield from ("### `submission.json`", "Under `attempts`, the latest last:", *_classes(Attempt))


def _sweep() -> Iterator[str]:
    yield from ("## A sweep", f"`{SWEEP}/`", _places(sweep_places(), SWEEP))
    yield (
        "Its runs are those of the plan of the same id. Keys keep the order in which they were "
        "written, since axes have one."
    )
    yield from ("### `manifest.json`", *_classes(Manifest))


def _dataset() -> Iterator[str]:
    yield from ("## A dataset", f"`{DATASET}/`", _places(dataset_places(), DATASET))
    yield from ("### `dataset.json`", "With `schema_version` and `digest`:")
    yield from _classes(DatasetManifest)
    yield "### Frames"
    yield table(("column", "dtype"), ((code(c.name), code(c.dtype)) for c in COLUMNS))
    yield from ("### A split", *_classes(Split))
    yield from ("### A packed store", "Raw numbers without a header, graph after graph:")
    rows = ((code(c.name), code(c.dtype), _width(c.wide, c.per)) for c in STORED)
    yield table(("file", "dtype", "one row per"), rows)
    for name, names in FEATURE_NAMES.items():
        yield f"Columns of `node_x`, {name}: {_listed(names.node)}."
        yield f"Columns of `edge_x`, {name}: {_listed(names.edge)}."


def _width(wide: bool, per: str) -> str:
    return f"{per}: one number per feature" if wide else per


def _teachers() -> Iterator[str]:
    places = teacher_places()
    folder = places[0].path.parent
    yield from ("## Registered teachers", f"`{folder}/`", _places(places, folder))
    yield from _classes(Teacher)


def _places(places: Sequence[Place], folder: Path) -> str:
    rows = []
    for place in places:
        inside = place.path.is_relative_to(folder)
        path = place.path.relative_to(folder if inside else folder.parent)
        rows.append((code(f"{path}" if inside else f"../{path}"), place.meaning))
    return table(("file", "what it is"), rows)


def _keys(keys: Mapping[str, str]) -> str:
    rows = ((", ".join(map(code, names.split(", "))), text) for names, text in keys.items())
    return table(("key", "meaning"), rows)


def _classes(cls: type) -> Iterator[str]:
    """A dataclass and those within it."""
    for each in (cls, *nested(cls)):
        yield f"**{each.__name__}** – {first_paragraph(each)}"
        yield fields_table(each)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(code, names))
