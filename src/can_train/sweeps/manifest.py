"""The record of a sweep: `sweeps/<sweep_id>/manifest.json`, from which it can be made again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from can_train.config.codec import Json, from_plain, to_plain
from can_train.config.schema import Param
from can_train.errors import ArtifactError, ConfigError
from can_train.files import read_object, sealed, unsealed, write_text
from can_train.jobs.job import Job
from can_train.runs.layout import iter_sweeps, manifest_path, sweep_dir

Sampler = Literal["tpe"]
SAMPLERS: Final[tuple[str, ...]] = get_args(Sampler)
SweepState = Literal["planned", "running", "submitted", "finished", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRun:
    """One run of a combination.

    Attributes:
        run_dir: Its folder, relative to the experiment root.
        sha256: Hash of its frozen config.
    """

    run_dir: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRecord:
    """One combination of the grid.

    Attributes:
        id: Its identity: follows from its runs.
        path: Frozen config of its last stage, relative to the experiment root.
        params: The value of each axis.
        part: The part of the grid that it belongs to; empty where there is one.
        runs: Its stages in order; combinations share those that are the same.
    """

    id: str
    path: str
    params: Mapping[str, Json]
    part: str
    runs: tuple[ConfigRun, ...]

    def last(self, experiment_root: Path) -> Path:
        """Folder of the run that the combination is judged by."""
        return experiment_root / self.runs[-1].run_dir

    @property
    def words(self) -> str:
        """Its part and its values in words."""
        values = ", ".join(f"{name} {_word(value)}" for name, value in self.params.items())
        return f"{self.part}: {values}" if self.part and values else self.part or values


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """What was asked for in one part of the grid.

    Attributes:
        name: As in `ConfigRecord.part`.
        grid_definition: Values by axis.
        request: What was typed beside them, by parameter name.
        switches: Switches that were on.
    """

    name: str
    grid_definition: Mapping[str, Json]
    request: Mapping[str, str]
    switches: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRecord:
    """How combinations were chosen where not all were trained.

    Attributes:
        sampler: Who chose them.
        trials: How many there are in the end; those of before are among the combinations.
    """

    sampler: Sampler
    trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A sweep.

    Attributes:
        sweep_id: Its identity, which is also that of the plan of all its runs.
        name: What the user calls it.
        created_at: When it was first asked for.
        command: What was typed.
        can_train: Version of this program.
        git_commit: The checkout that planned it; None: it wasn't one.
        state: How it stood when this was written; its runs say how it stands.
        one_stage: Whether a combination is one stage, which isn't evaluated by itself.
        register: Whether finished teachers go into the registry.
        data_digests: Digest of each dataset.
        grid_definition: Values by axis, those of all parts together.
        total_combinations: How many there are.
        configs: The combinations.
        parts: What they were made of.
        search: What chose them; absent: all of the grid are there.
    """

    sweep_id: str
    name: str
    created_at: str
    command: str
    can_train: str
    git_commit: str | None
    state: SweepState
    one_stage: bool
    register: bool
    data_digests: Mapping[str, str]
    grid_definition: Mapping[str, Json]
    total_combinations: int
    configs: tuple[ConfigRecord, ...]
    parts: tuple[PartRecord, ...]
    search: Annotated[
        SearchRecord | None, Param(help="what chose them", added=True, settable=False)
    ] = None

    def evaluated(self, experiment_root: Path, jobs: Sequence[Job]) -> frozenset[int]:
        """Numbers of the jobs that are evaluated: those that end a combination of several stages.

        What a search tries isn't: test figures of many trials invite a choice by them.

        Args:
            experiment_root: Where its runs lie.
            jobs: All of its jobs.
        """
        found: set[int] = set()
        for config in () if self.one_stage or self.search else self.configs:
            runs = {experiment_root / run.run_dir for run in config.runs}
            mine = [job for job in jobs if job.run_dir in runs]
            consumed = {number for job in mine for number in job.depends_on}
            found |= {job.number for job in mine} - consumed
        return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSweep:
    """A sweep folder among others, one of which may be damaged.

    Attributes:
        folder: Its folder.
        manifest: Its record; None where that is damaged.
        problem: What is wrong with it; empty: nothing.
    """

    folder: Path
    manifest: Manifest | None = None
    problem: str = ""


def write_manifest(experiment_root: Path, manifest: Manifest) -> Path:
    """Writes the record, and gives its path; the order of axes is kept."""
    path = manifest_path(sweep_dir(experiment_root, manifest.sweep_id))
    write_text(path, json.dumps(sealed(manifest_document(manifest)), indent=1) + "\n")
    return path


def manifest_document(manifest: Manifest) -> dict[str, object]:
    """The record as JSON values."""
    document = to_plain(manifest, Manifest)
    return dict(document) if isinstance(document, dict) else {}


def read_manifest(path: Path) -> Manifest:
    """The record in a file.

    Raises:
        ArtifactError: It is missing, changed, or of another version.
    """
    try:
        document = unsealed(path, read_object(path))
    except OSError as error:
        raise ArtifactError(f"{path}: can't be read ({error.strerror})") from error
    try:
        return from_plain(Manifest, document, path.name)
    except ConfigError as error:
        raise ArtifactError(
            f"{path}: not a sweep of this version ({error}). Give the command that made it again"
        ) from error


def manifest_of(sweep: Path) -> Manifest:
    """The record in the folder of a sweep.

    Raises:
        ArtifactError: It is damaged, or of another sweep.
    """
    path = manifest_path(sweep)
    manifest = read_manifest(path)
    if manifest.sweep_id != sweep.name:
        raise ArtifactError(
            f"{path}: of sweep {manifest.sweep_id}. Run that one again: "
            f"can-train sweep reproduce {path}"
        )
    return manifest


def mark(experiment_root: Path, manifest: Manifest, state: SweepState) -> None:
    """Records how the sweep stands."""
    write_manifest(experiment_root, replace(manifest, state=state))


def listed_sweeps(experiment_root: Path) -> Iterator[ListedSweep]:
    """Every sweep, those with a damaged record among them."""
    yield from map(listed_sweep, iter_sweeps(experiment_root))


def listed_sweep(folder: Path) -> ListedSweep:
    """The sweep in `folder`, with what is wrong with its record."""
    try:
        return ListedSweep(folder=folder, manifest=manifest_of(folder))
    except ArtifactError as error:
        return ListedSweep(folder=folder, problem=str(error))


def _word(value: Json) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
