"""The registry's files: one `.pth` and one `.json` per teacher, replaced atomically (stdlib only).

Every teacher that was ever registered stays as `<model>_teacher.<sha12>.pth` with a `.json` that
never changes. `<model>_teacher.pth` is a copy of one of them (no link: whoever writes into it
leaves the kept one whole), so a process that is killed between the two renames of a replacement
leaves a teacher whose description is still found.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from can_train.errors import ArtifactError
from can_train.files import read_object, sha256_of, write_text
from can_train.runs.summary import Validation

SHORT_HASH: Final = 12
_KEPT: Final = re.compile(rf"\w+_teacher\.[0-9a-f]{{{SHORT_HASH}}}\.pth")

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
    def validation(self) -> Validation:
        """The figure by which it is compared with its successor."""
        return Validation(
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


def store_teacher(artifact: Path, place: Path, teacher: Teacher) -> None:
    """Puts `artifact` in `place`; what stood there stays under its hash.

    The order is what makes it safe against a kill at any point: the kept pair is whole before
    `place` is touched, and whichever file stands in `place` has a kept description.
    """
    before = read_teacher(place)
    if before is not None and place.is_file() and before.sha256 == sha256_of(place):
        _keep(place, before, place)
    _keep(artifact, teacher, place)
    _put(kept_path(place, teacher.sha256), place)
    write_text(place.with_suffix(".json"), _text(teacher))


@contextmanager
def locked(folder: Path, *, writing: bool) -> Iterator[None]:
    """Keeps writers and readers of a registry folder apart; a read-only one has no writers."""
    path = folder / ".lock"
    if not writing and not path.exists():
        yield
        return
    with path.open("a" if writing else "r") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX if writing else fcntl.LOCK_SH)
        yield


def _keep(source: Path, teacher: Teacher, place: Path) -> None:
    kept = kept_path(place, teacher.sha256)
    if not kept.is_file() or sha256_of(kept) != teacher.sha256:
        _put(source, kept)
    write_text(kept.with_suffix(".json"), _text(teacher))


def _put(source: Path, target: Path) -> None:
    """Makes `target` a copy of `source` in one step."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with source.open("rb") as reading, temporary.open("xb") as writing:
            shutil.copyfileobj(reading, writing)
            writing.flush()
            os.fsync(writing.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _description(path: Path) -> Teacher:
    raw = read_object(path)
    names = set(Teacher.__dataclass_fields__)
    if set(raw) != names:
        run = raw.get("run_id") or "RUN"
        raise ArtifactError(
            f"{path}: missing {', '.join(sorted(names - set(raw))) or 'nothing'}; "
            f"unexpected {', '.join(sorted(set(raw) - names)) or 'nothing'}. "
            f"Remove it and its .pth, then register the teacher again: can-train teachers add {run}"
        )
    return Teacher(**raw)  # type: ignore[arg-type]  # keys checked above


def _text(teacher: Teacher) -> str:
    return json.dumps(asdict(teacher), indent=1, sort_keys=True) + "\n"
