"""Which teacher is registered, and which one replaces it (stdlib only)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from can_train.config.frozen import FrozenConfig
from can_train.config.schema import RunConfig
from can_train.config.spec import spec_of
from can_train.files import sha256_of
from can_train.runs.layout import artifact_path
from can_train.runs.made import check_made
from can_train.runs.summary import RankedFigure, read_parameters, read_validation
from can_train.teachers.files import (
    Teacher,
    read_teacher,
    store_teacher,
    teacher_path,
    writers_lock,
)
from can_train.teachers.weights_file import checked_sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What became of an offered teacher.

    Attributes:
        registered: Whether it stands in the registry now.
        line: One line that says what happened.
        known: Where it stood before, whole; None: it didn't.
    """

    registered: bool
    line: str
    known: Path | None = None


def is_teacher(config: RunConfig) -> bool:
    """Whether a run's artifact can teach: a fusion combines experts and never distils."""
    return config.model_size == "teacher" and spec_of(config.model).distils


def register_teacher(frozen: FrozenConfig) -> str:
    """Offers the artifact of a finished teacher run to its registry, and tells how it stands there.

    The worker offers it, and then who started the worker: for people it is one event.
    """
    why = _why_not(frozen.config)
    if why:
        return why
    if frozen.teacher_root is None:
        return "teacher not registered: --no-register"
    outcome = offer_run(frozen, frozen.teacher_root)
    return outcome.line if outcome.known is None else f"teacher registered: {outcome.known}"


def offer_run(frozen: FrozenConfig, root: Path) -> Registration:
    """Offers the artifact of a finished teacher run to the registry under `root`.

    Raises:
        ArtifactError: The run isn't what it made.
    """
    check_made(frozen.run_dir)
    config = frozen.config
    why = _why_not(config)
    if why:
        return Registration(registered=False, line=why)
    artifact = artifact_path(frozen.run_dir, config.model, config.model_size)
    figure, parameters = read_validation(frozen.run_dir), read_parameters(frozen.run_dir)
    checked_sha256(artifact, figure.artifact_sha256)
    return offer(artifact, described(config, figure, parameters, run_id=frozen.run_id), root)


def offer(artifact: Path, new: Teacher, root: Path) -> Registration:
    """Registers `artifact` if it is better than what is there for the same data.

    It replaces a registered one only with the same features, window and split, and a worse
    validation figure; otherwise it stands beside it.
    """
    variant = f"{new.features}-w{new.window}"
    places = [teacher_path(root, new.dataset, new.model, v) for v in ("", variant)]
    with writers_lock(places[0].parent):
        for place in places:
            old = read_teacher(place)
            if old is not None and not old.same_data(new):
                continue
            if old is not None and old.sha256 == new.sha256:
                whole = place.is_file() and sha256_of(place) == new.sha256
                store_teacher(artifact, place, new)
                line = f"teacher {'already registered' if whole else 'put back'}: {place}"
                return Registration(registered=True, line=line, known=place if whole else None)
            if old is not None and not new.validation.better_than(old.validation):
                return Registration(registered=False, line=_not_better(place, old, new))
            store_teacher(artifact, place, new)
            return Registration(registered=True, line=f"teacher registered: {place}")
    line = (
        f"teacher not registered: {places[0]} and {places[1]} hold teachers of other splits. "
        "Give this one by --teacher-path, or another registry by --teacher-root"
    )
    return Registration(registered=False, line=line)


def described(
    config: RunConfig, figure: RankedFigure, parameters: int, *, run_id: str = ""
) -> Teacher:
    """What the registry says of an artifact.

    Args:
        config: What it was made from.
        figure: Its validation figure.
        parameters: How many it has.
        run_id: The run that made it; empty for weights that were taken in from elsewhere.
    """
    data = config.data
    return Teacher(
        sha256=figure.artifact_sha256,
        dataset=config.dataset,
        features=data.features,
        window=data.window,
        split=data.split,
        dataset_digest=data.dataset_digest,
        split_digest=data.split_digest,
        model=config.model,
        parameters=parameters,
        origin="run" if run_id else "state dict",
        run_id=run_id,
        metric=figure.metric,
        value=figure.value,
        higher_is_better=figure.higher_is_better,
    )


def _why_not(config: RunConfig) -> str:
    """Why no registry takes a run's artifact, however good it is; empty if one may."""
    part = config.data.windows_per_side
    if part is None:
        return ""
    return (
        f"teacher not registered: it saw only a part of the windows (--windows-per-side {part}; "
        "--smoke sets it, too). Plans that see the same part find its run by --auto-find-teacher"
    )


def _not_better(place: Path, old: Teacher, new: Teacher) -> str:
    return (
        f"teacher not registered: {place} is better or as good "
        f"({old.metric} {old.value:.5g}, this one {new.value:.5g})"
    )
