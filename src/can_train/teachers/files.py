"""The registry's files: one `.pth` and one `.json` per teacher, replaced atomically (stdlib only).

Every teacher that was ever registered stays as `<model>_teacher.<sha12>.pth` with a `.json` that
never changes. `<model>_teacher.pth` is a copy of one of them (no link: whoever writes into it
leaves the kept one whole), so a process that is killed between the two renames of a replacement
leaves a teacher whose description is still found. For the same reason readers take no lock: at
every moment what stands in a place is described, by the `.json` beside it or by the kept one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast

from can_train.config.codec import Json, from_plain, to_plain
from can_train.errors import ArtifactError, ConfigError
from can_train.files import (
    OWN_SEAL,
    SHORT_HASH,
    copy_file,
    lock,
    read_object,
    sealed,
    sha256_of,
    unsealed,
    write_json,
)
from can_train.runs.layout import is_run, summary_path
from can_train.runs.made import check_made
from can_train.runs.summary import RankedFigure, read_validation

if TYPE_CHECKING:
    from filelock import BaseFileLock

_KEPT: Final = re.compile(rf"\w+_teacher\.[0-9a-f]{{{SHORT_HASH}}}\.pth")

_WAY_OUT: Final = (
    "Remove it and its .pth, then register the teacher again: can-train teachers add {}"
)

Origin = Literal["run", "state dict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """What the `.json` beside a registered teacher says.

    Attributes:
        sha256: Of the `.pth` file.
        dataset, features, window, split: What it was trained on, in words.
        dataset_digest, split_digest: The same, exactly.
        model: Which model it is.
        parameters: How many it has.
        origin: A run of ours, or weights that were taken in from elsewhere.
        run_id: The run; empty for a state dict.
        metric, value, higher_is_better: Its validation figure.
    """

    sha256: str
    dataset: str
    features: str
    window: int
    split: str
    dataset_digest: str
    split_digest: str
    model: str
    parameters: int
    origin: Origin
    run_id: str
    metric: str
    value: float
    higher_is_better: bool

    @property
    def validation(self) -> RankedFigure:
        """The figure by which it is compared with its successor."""
        return RankedFigure(
            metric=self.metric,
            value=self.value,
            higher_is_better=self.higher_is_better,
            artifact_sha256=self.sha256,
        )

    def same_data(self, other: Teacher) -> bool:
        """Whether features, window and split agree, so that the figures compare."""
        mine = (self.features, self.window, self.split_digest)
        return mine == (other.features, other.window, other.split_digest)


def teacher_path(root: Path, dataset: str, model: str, variant: str = "") -> Path:
    """Place of a registered teacher; variants (`relational-w100`) stand beside the main one."""
    name = f"{model}_teacher.{variant}.pth" if variant else f"{model}_teacher.pth"
    return root / dataset / name


def kept_path(place: Path, sha256: str) -> Path:
    """Where the teacher with this hash stays, whatever stands at `place` later."""
    return place.with_name(f"{place.name.partition('.')[0]}.{sha256[:SHORT_HASH]}.pth")


def places_of(root: Path, dataset: str, model: str) -> list[Path]:
    """Places of teachers of one model that are taken, the main one first."""
    folder = root / dataset
    variants = sorted(folder.glob(f"{model}_teacher.*-w*.pth"))
    places = [teacher_path(root, dataset, model), *variants]
    return [p for p in places if p.is_file() or p.with_suffix(".json").is_file()]


def all_places(root: Path, *, kept: bool = False) -> list[Path]:
    """Every teacher in the registry; with `kept` also those that were replaced."""
    found = {p.with_suffix(".pth") for suffix in ("pth", "json")
             for p in root.glob(f"*/*_teacher*.{suffix}")}  # fmt: skip
    current = sorted(p for p in found if _KEPT.fullmatch(p.name) is None)
    if not kept:
        return current
    with_hash = {kept_path(p, t.sha256) for p in current if (t := read_teacher(p)) is not None}
    return sorted([*current, *(found - set(current) - with_hash)])


def read_teacher(path: Path) -> Teacher | None:
    """Description of a registered teacher, or None if there is none for the file.

    Where the `.json` beside it is of another file (a replacement was interrupted), the one that
    was kept under the file's own hash counts.

    Raises:
        ArtifactError: The `.json` is damaged.
    """
    described = path.with_suffix(".json")
    found = _description(described) if described.is_file() else None
    if not path.is_file():
        return found
    sha256 = sha256_of(path)
    if found is not None and found.sha256 == sha256:
        return found
    kept = kept_path(path, sha256).with_suffix(".json")
    own = _description(kept) if kept.is_file() else None
    return own if own is not None and own.sha256 == sha256 else found


def recorded_sha256(artifact: Path) -> str | None:
    """What was recorded of a model file: beside it, or by the finished run in which it lies.

    Raises:
        ArtifactError: The record is damaged, or the run isn't what it made.
    """
    teacher = read_teacher(artifact)
    if teacher is not None:
        return teacher.sha256
    run = artifact.absolute().parent.parent
    if not is_run(run):
        return None
    check_made(run)
    return read_validation(run).artifact_sha256 if summary_path(run).is_file() else None


def store_teacher(artifact: Path, place: Path, teacher: Teacher) -> None:
    """Puts `artifact` in `place`; what stood there stays under its hash.

    The caller holds `writers_lock` of the folder. The order is what makes it safe against a kill
    at any point: the kept pair is whole before `place` is touched, and whichever file stands in
    `place` has a kept description.
    """
    before = read_teacher(place)
    if before is not None and place.is_file() and before.sha256 == sha256_of(place):
        _keep(place, before, place)
    _keep(artifact, teacher, place)
    copy_file(kept_path(place, teacher.sha256), place)
    _describe(place, teacher)


def writers_lock(folder: Path) -> BaseFileLock:
    """Keeps the writers of a registry folder apart; a context that makes the folder if missing."""
    return lock(folder / ".lock")


def _keep(source: Path, teacher: Teacher, place: Path) -> None:
    kept = kept_path(place, teacher.sha256)
    if not kept.is_file() or sha256_of(kept) != teacher.sha256:
        copy_file(source, kept)
    _describe(kept, teacher)


def _describe(path: Path, teacher: Teacher) -> None:
    document = cast(dict[str, Json], to_plain(teacher, Teacher))
    write_json(path.with_suffix(".json"), sealed(document, OWN_SEAL))


def _description(path: Path) -> Teacher:
    raw = read_object(path, _WAY_OUT.format("RUN"))
    way_out = _WAY_OUT.format(raw.get("run_id") or "RUN")
    content = unsealed(path, raw, OWN_SEAL, way_out)
    try:
        return from_plain(Teacher, content, f"{path}: teacher")
    except ConfigError as error:
        raise ArtifactError(f"{error}. {way_out}") from error
