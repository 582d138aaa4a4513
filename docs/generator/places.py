"""Where every file lies, asked of the code that decides it, with <words> for what varies."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docs.generator.markdown import first_paragraph

from can_train.frames.stamp import STAMP
from can_train.graphs.columns import STORED
from can_train.runs import layout
from can_train.runs.layout import Roots, RunIdentity
from can_train.teachers.files import kept_path, teacher_path

ROOTS: Final = Roots(
    data=Path("data"), experiments=Path("experimentruns"), teachers=Path("config/teacher_models")
)
_IDENTITY: Final = RunIdentity(
    modality="<modality>",
    dataset="<dataset>",
    learning_type="<learning_type>",
    model="<model>",
    model_size="<size>",
    distillation_word="with-kd",
    training_strategy="<strategy>",
)
RUN: Final = layout.run_dir(ROOTS.experiments, _IDENTITY, "<run_id>")
PLAN: Final = layout.plan_dir(ROOTS.experiments, "<plan_id>")
SWEEP: Final = layout.sweep_dir(ROOTS.experiments, "<sweep_id>")
DATASET: Final = ROOTS.data / "<modality>" / "<dataset>"
_LOGS: Final = layout.stage_logs(RUN, "", "")[0].parent
_ARGUMENTS: Final[dict[str, object]] = {
    "run": RUN,
    "plan": PLAN,
    "sweep": SWEEP,
    "folder": _LOGS,
    "sha256": "<sha12>",
    "model": "<model>",
    "model_size": "<size>",
    "stage": "<model>",
    "job": "<job>",
    "number": "<n>",
}
_NOT_PLACES: Final = frozenset({"frozen_of_run", "home_dir"})
"""Functions of the layout that look at what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file or folder, and what it is."""

    path: Path
    meaning: str


def run_places() -> list[Place]:
    """Everything in the folder of a run, and the link beside it."""
    return _distinct([*_of_layout("run"), *_of_layout("folder")])


def plan_places() -> list[Place]:
    """Everything in the folder of a plan, and the lock beside it."""
    array = layout.array_dir(PLAN, "<n>")
    more = (
        Place(path=layout.job_script(array, is_array=True), meaning="What Slurm ran as an array."),
        Place(path=array / "array_<job>_<task>.<out or err>", meaning="Logs of its tasks."),
    )
    return _distinct([*_of_layout("plan"), *more])


def sweep_places() -> list[Place]:
    """Everything in the folder of a sweep."""
    return _distinct(list(_of_layout("sweep")))


def dataset_places() -> list[Place]:
    """Everything in the folder of a dataset."""
    store = DATASET / "stores" / "<key>"
    outputs = DATASET / "teacher_outputs" / "<key>"
    stamped = "Size, inode and times of each file when all bytes were looked at."
    return [
        Place(path=DATASET / "dataset.json", meaning="What the dataset holds."),
        Place(path=DATASET / "frames" / "<digest>" / "<column>.npy", meaning="Frames."),
        Place(path=DATASET / "frames" / "<digest>" / STAMP, meaning=stamped),
        Place(path=DATASET / "splits" / "<sha16>.json", meaning="A split."),
        Place(
            path=DATASET / "splits" / "<sha16>-<key>.json",
            meaning="Scaler and vocabulary that were fitted on a split's training windows.",
        ),
        Place(path=store / "meta.json", meaning="Rows of each column, sha256 of each file."),
        Place(path=store / STAMP, meaning=stamped),
        *(Place(path=store / c.name, meaning=f"One row per {c.per}.") for c in STORED),
        Place(path=outputs / "meta.json", meaning="Shape and sha256 of each output."),
        Place(path=outputs / "<output>", meaning="One output of a teacher, float32."),
        Place(path=DATASET / ".prepare.lock", meaning="Lock of `data prepare`."),
        Place(
            path=DATASET / ".importing",
            meaning="Files that a stopped `data prepare` has done; gone when it ends.",
        ),
    ]


def teacher_places() -> list[Place]:
    """Everything in the folder of a dataset's registered teachers."""
    main = teacher_path(ROOTS.teachers, "<dataset>", "<model>")
    other = teacher_path(ROOTS.teachers, "<dataset>", "<model>", "<features>-w<window>")
    kept = kept_path(main, "<sha12>")
    return [
        Place(path=main, meaning="The teacher that counts: an artifact."),
        Place(path=main.with_suffix(".json"), meaning="What it is."),
        Place(path=other, meaning="The same for windows of another kind, with its `.json`."),
        Place(path=kept, meaning="Every teacher that was ever registered, with its `.json`."),
        Place(path=main.parent / ".lock", meaning="Lock of those who register."),
    ]


def _of_layout(first: str) -> Iterator[Place]:
    """What the functions of `runs.layout` give whose first argument is called `first`."""
    for name, function in vars(layout).items():
        if not inspect.isfunction(function) or function.__module__ != layout.__name__:
            continue
        parameters = inspect.signature(function, eval_str=True)
        names = list(parameters.parameters)
        if names[:1] != [first] or name.startswith("_") or name in _NOT_PLACES:
            continue
        if parameters.return_annotation not in {Path, tuple[Path, Path]}:
            continue
        for path in _paths(function, parameters):
            yield Place(path=path, meaning=first_paragraph(function))


def _paths(function: Any, parameters: inspect.Signature) -> Iterator[Path]:
    """Its results for placeholders."""
    found = function(**{n: _ARGUMENTS[n] for n in parameters.parameters if n in _ARGUMENTS})
    yield from found if isinstance(found, tuple) else (found,)


def _distinct(places: list[Place]) -> list[Place]:
    """Each path once; folders are left out if something in them is listed."""
    known: dict[Path, Place] = {}
    for place in places:
        known.setdefault(place.path, place)
    folders = {parent for path in known for parent in path.parents}
    return [place for path, place in known.items() if path not in folders]
