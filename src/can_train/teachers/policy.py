"""Which teacher is registered, which one replaces it, and what fits a plan (stdlib only)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from can_train.config.frozen import FrozenConfig, load_frozen
from can_train.config.schema import DataConfig, RunConfig
from can_train.errors import ArtifactError
from can_train.files import sha256_of
from can_train.runs.layout import artifact_path, frozen_of_run, iter_runs
from can_train.runs.state import read_status
from can_train.runs.summary import read_parameters, read_validation
from can_train.teachers.files import (
    Teacher,
    locked,
    places_of,
    read_teacher,
    store_teacher,
    teacher_path,
)
from can_train.teachers.weights_file import artifact_config, check_weights_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The windows that an artifact was trained on, or that a plan will train on."""

    dataset: str
    features: str
    window: int
    split: str
    dataset_digest: str
    split_digest: str
    windows_per_side: int | None = None

    @classmethod
    def by(cls, dataset: str, data: DataConfig) -> Seen:
        """What a run or plan on `dataset` sees."""
        return cls(
            dataset=dataset,
            features=data.features,
            window=data.window,
            split=data.split,
            dataset_digest=data.dataset_digest,
            split_digest=data.split_digest,
            windows_per_side=data.windows_per_side,
        )

    @classmethod
    def by_teacher(cls, teacher: Teacher) -> Seen:
        """What a registered teacher saw; none is registered that saw only a part."""
        return cls(
            dataset=teacher.dataset,
            features=teacher.features,
            window=teacher.window,
            split=teacher.split,
            dataset_digest=teacher.dataset_digest,
            split_digest=teacher.split_digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An artifact that could be a stage's teacher or input.

    Attributes:
        path: The `.pth` file.
        origin: Where it comes from, in words.
        recorded: The hash it had when it was registered.
        run: The run that made it; its summary says the hash if none is recorded.
    """

    path: Path
    origin: str
    recorded: str | None = None
    run: Path | None = None

    def checked_sha256(self) -> str:
        """Hash of the file after a look at its wholeness; only the chosen one need be whole.

        Raises:
            ArtifactError: Truncated, altered, missing, or holding code.
        """
        expected = self.recorded
        if expected is None and self.run is not None:
            expected = read_validation(self.run).artifact_sha256
        return checked_sha256(self.path, expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What became of an offered teacher.

    Attributes:
        registered: Whether it stands in the registry now.
        line: One line that says what happened.
    """

    registered: bool
    line: str


def is_teacher(config: RunConfig) -> bool:
    """Whether a run's artifact can teach: fusion combines experts and never distils."""
    return config.model_size == "teacher" and config.model != "dqn"


def register_teacher(frozen: FrozenConfig) -> str:
    """Offers the artifact of a finished teacher run to its registry, and tells what happened."""
    if frozen.teacher_root is None:
        return "teacher not registered: --no-register"
    return offer_run(frozen, frozen.teacher_root).line


def offer_run(frozen: FrozenConfig, root: Path) -> Registration:
    """Offers the artifact of a finished teacher run to the registry under `root`."""
    config = frozen.config
    if config.data.windows_per_side is not None:
        why = "it saw only a part of the windows (--windows-per-side)"
        return Registration(registered=False, line=f"teacher not registered: {why}")
    artifact = artifact_path(frozen.run_dir, config.model, config.model_size)
    new = _described(frozen)
    found = sha256_of(artifact)
    if found != new.sha256:
        raise _altered(artifact, new.sha256, found)
    return offer(artifact, new, root)


def offer(artifact: Path, new: Teacher, root: Path) -> Registration:
    """Registers `artifact` if it is better than what is there for the same data.

    It replaces a registered one only with the same features, window and split, and a worse
    validation figure; otherwise it stands beside it.
    """
    variant = f"{new.features}-w{new.window}"
    places = [teacher_path(root, new.dataset, new.model, v) for v in ("", variant)]
    places[0].parent.mkdir(parents=True, exist_ok=True)
    with locked(places[0].parent, writing=True):
        for place in places:
            old = read_teacher(place)
            if old is not None and not old.same_data(new):
                continue
            if old is not None and old.sha256 == new.sha256:
                store_teacher(artifact, place, new)
                line = f"teacher already registered: {place}"
                return Registration(registered=True, line=line)
            if old is not None and not new.validation.better_than(old.validation):
                return Registration(registered=False, line=_not_better(place, old, new))
            store_teacher(artifact, place, new)
            return Registration(registered=True, line=f"teacher registered: {place}")
    line = (
        f"teacher not registered: {places[0]} and {places[1]} hold teachers of other splits. "
        "Give this one by --teacher-path, or another registry by --teacher-root"
    )
    return Registration(registered=False, line=line)


def registered_teachers(root: Path, dataset: str, model: str, data: DataConfig) -> list[Candidate]:
    """Registered teachers that fit `data`, the main one first.

    A `.pth` that was put there by hand, without a `.json`, counts by its own configuration.

    Raises:
        ArtifactError: The `.json` of one is damaged, or a file without one isn't an artifact.
    """
    folder = root / dataset
    if not folder.is_dir():
        return []
    ours = Seen.by(dataset, data)
    found = []
    with locked(folder, writing=False):
        for path in places_of(root, dataset, model):
            teacher = read_teacher(path)
            if teacher is None:
                config = artifact_config(path)
                seen, origin = Seen.by(config.dataset, config.data), "registry, without .json"
            else:
                seen, origin = Seen.by_teacher(teacher), "registry"
            if not misfits(seen, ours):
                recorded = teacher.sha256 if teacher else None
                found.append(Candidate(path=path, origin=origin, recorded=recorded))
    return found


def finished_runs(
    experiment_root: Path, identity: tuple[str, str, str, str], data: DataConfig
) -> list[Candidate]:
    """Artifacts of finished runs that fit `data`, newest first.

    Args:
        experiment_root: Where runs lie.
        identity: Modality, dataset, model and model size.
        data: Features, window and split that must agree.
    """
    ours = Seen.by(identity[1], data)
    found: list[tuple[float, Candidate]] = []
    for run in iter_runs(experiment_root):
        words = run.relative_to(experiment_root).parts
        if (words[0], words[1], words[3], words[4]) != identity:
            continue
        status = read_status(run)
        artifact = artifact_path(run, words[3], words[4])
        if status is None or status.state != "finished" or not artifact.is_file():
            continue
        if not misfits(Seen.by(words[1], load_frozen(frozen_of_run(run)).config.data), ours):
            candidate = Candidate(path=artifact, origin=f"run {run.name}", run=run)
            found.append((artifact.stat().st_mtime, candidate))
    return [candidate for _, candidate in sorted(found, key=lambda item: item[0], reverse=True)]


def misfits(theirs: Seen, ours: Seen, *, allow_foreign: bool = False) -> dict[str, str]:
    """What keeps an artifact made on `theirs` from being used on `ours`; both sides named.

    Args:
        theirs: What the artifact saw.
        ours: What the plan will see.
        allow_foreign: Whether it may come from another dataset.

    Returns:
        What differs, in words, by the option that would make it agree; empty if it fits.
    """
    pairs = [("--features", theirs.features, ours.features),
             ("--window", str(theirs.window), str(ours.window))]  # fmt: skip
    wrong = {f"{name} {a}": f"{name[2:]} {a} (this plan: {b})" for name, a, b in pairs if a != b}
    if theirs.dataset_digest != ours.dataset_digest:
        if not allow_foreign:
            wrong["--allow-foreign-teacher"] = _other_dataset(theirs, ours)
        return wrong
    if theirs.split != ours.split:
        wrong[f"--split {theirs.split}"] = f"split {theirs.split} (this plan: {ours.split})"
    elif theirs.split_digest != ours.split_digest and theirs.window == ours.window:
        digests = theirs.split_digest[:12], ours.split_digest[:12]
        wrong[""] = f"graphs of split digest {digests[0]} (this plan: {digests[1]})"
    if theirs.windows_per_side not in {None, ours.windows_per_side}:
        part = theirs.windows_per_side
        wrong[f"--windows-per-side {part}"] = (
            f"{part} windows per side (this plan: {ours.windows_per_side or 'all'})"
        )
    return wrong


def checked_sha256(path: Path, expected: str | None = None) -> str:
    """Hash of an artifact file after a look at its wholeness and at what it names.

    Raises:
        ArtifactError: Missing, truncated, holding code, or with another hash than `expected`.
    """
    check_weights_file(path)
    found = sha256_of(path)
    if expected is not None and found != expected:
        raise _altered(path, expected, found)
    return found


def _other_dataset(theirs: Seen, ours: Seen) -> str:
    if theirs.dataset != ours.dataset:
        return f"dataset {theirs.dataset} (this plan: {ours.dataset})"
    digests = theirs.dataset_digest[:12], ours.dataset_digest[:12]
    return f"other recordings of {ours.dataset}, digest {digests[0]} (this plan: {digests[1]})"


def _not_better(place: Path, old: Teacher, new: Teacher) -> str:
    return (
        f"teacher not registered: {place} is better or as good "
        f"({old.metric} {old.value:.5g}, this one {new.value:.5g})"
    )


def _described(frozen: FrozenConfig) -> Teacher:
    validation = read_validation(frozen.run_dir)
    config = frozen.config
    return Teacher(
        sha256=validation.artifact_sha256,
        dataset=config.dataset,
        features=config.data.features,
        window=config.data.window,
        split=config.data.split,
        dataset_digest=config.data.dataset_digest,
        split_digest=config.data.split_digest,
        model=config.model,
        parameters=read_parameters(frozen.run_dir),
        origin="run",
        run_id=frozen.run_id,
        metric=validation.metric,
        value=validation.value,
        higher_is_better=validation.higher_is_better,
    )


def _altered(path: Path, expected: str, found: str) -> ArtifactError:
    return ArtifactError(
        f"{path}: sha256 is {found[:12]}, recorded was {expected[:12]}: truncated or changed. "
        "Train it again, or give another one by --teacher-path"
    )
