"""Whether an artifact fits what is to be trained on it: one rule and one wording (stdlib only).

Plans, the registry and workers ask here. What counts is what the artifact saw: feature set, window,
dataset and split; a teacher may come from another dataset where that is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from can_train.config.schema import TEACHER, DataConfig, RunConfig
from can_train.config.spec import spec_of
from can_train.errors import ArtifactError, counted
from can_train.teachers.files import Teacher
from can_train.teachers.weights_file import artifact_config


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The windows that an artifact was trained on, or that a plan will train on.

    `outdated`: what is wrong with an artifact of an earlier version, in words; empty if nothing is.
    """

    dataset: str
    features: str
    window: int
    split: str
    dataset_digest: str
    split_digest: str
    windows_per_side: int | None = None
    outdated: str = ""

    @classmethod
    def by(cls, dataset: str, data: DataConfig, outdated: str = "") -> Seen:
        """What a run or plan on `dataset` sees."""
        return cls(
            dataset=dataset,
            features=data.features,
            window=data.window,
            split=data.split,
            dataset_digest=data.dataset_digest,
            split_digest=data.split_digest,
            windows_per_side=data.windows_per_side,
            outdated=outdated,
        )

    @classmethod
    def of(cls, config: RunConfig) -> Seen:
        """What the artifact of a run saw."""
        return cls.by(config.dataset, config.data, _outdated(config))

    @classmethod
    def by_teacher(cls, teacher: Teacher, path: Path) -> Seen:
        """What a registered teacher saw; none is registered that saw only a part.

        Args:
            teacher: What is told of it.
            path: Its file, for what isn't; one that isn't an artifact is found out when it is used.
        """
        outdated = ""
        if spec_of(teacher.model).scores_since > 1:
            with suppress(ArtifactError):
                outdated = _outdated(artifact_config(path))
        return cls(
            outdated=outdated,
            dataset=teacher.dataset,
            features=teacher.features,
            window=teacher.window,
            split=teacher.split,
            dataset_digest=teacher.dataset_digest,
            split_digest=teacher.split_digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a stage needs of an artifact.

    Attributes:
        modality, dataset, model: Which model of which dataset.
        data: The windows of the plan; None where the dataset can't be read.
        allow_foreign: Whether it may come from another dataset.
    """

    modality: str
    dataset: str
    model: str
    data: DataConfig | None
    allow_foreign: bool = False


def check(name: str, path: Path, theirs: RunConfig, ours: RunConfig) -> None:
    """Whether the artifact that a frozen run names is what that run can be trained on.

    Args:
        name: What it is to the run: `teacher`, or an expert by its detector's name.
        path: Its file, for the message.
        theirs: The configuration inside it.
        ours: The run's own.

    Raises:
        ArtifactError: It doesn't fit.
    """
    wanted = Wanted(
        modality=ours.modality,
        dataset=ours.dataset,
        model=ours.model if name == TEACHER else name,
        data=ours.data,
        allow_foreign=name == TEACHER
        and ours.distillation is not None
        and ours.distillation.foreign_teacher,
    )
    seen = Seen.of(theirs)
    objection = objection_to(f"{name} {path}", theirs.model, seen, wanted)
    if objection is not None:
        raise ArtifactError(objection)


def objection_to(where: str, model: str, theirs: Seen, wanted: Wanted) -> str | None:
    """Why an artifact can't be used, and what to do; None if it fits.

    Args:
        where: The option or role, for the message.
        model: What the artifact is.
        theirs: What it saw.
        wanted: What is needed.
    """
    if model != wanted.model:
        return f"{where}: that is a {model}, a {wanted.model} is needed"
    if wanted.data is None:
        return None
    ours = Seen.by(wanted.dataset, wanted.data)
    wrong = misfits(theirs, ours, allow_foreign=wanted.allow_foreign)
    if not wrong:
        return None
    return f"{where}: that {model} was trained on {', '.join(wrong.values())}. {_way_out(wrong)}"


def misfits(theirs: Seen, ours: Seen, *, allow_foreign: bool = False) -> dict[str, str]:
    """What keeps an artifact made on `theirs` from being used on `ours`; both sides named.

    Args:
        theirs: What the artifact saw.
        ours: What the plan will see.
        allow_foreign: Whether it may come from another dataset.

    Returns:
        What differs, in words, by the option that would make it agree; empty if it fits.
    """
    if theirs.outdated:
        return {"": theirs.outdated}
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
            f"{counted(part, 'window')} per side (this plan: {ours.windows_per_side or 'all'})"
        )
    return wrong


def _outdated(config: RunConfig) -> str:
    since = spec_of(config.model).scores_since
    if config.results >= since:
        return ""
    return f"another score (results of version {config.results}, {since} is needed)"


def _other_dataset(theirs: Seen, ours: Seen) -> str:
    if theirs.dataset != ours.dataset:
        return f"dataset {theirs.dataset} (this plan: {ours.dataset})"
    digests = theirs.dataset_digest[:12], ours.dataset_digest[:12]
    return f"other recordings of {ours.dataset}, digest {digests[0]} (this plan: {digests[1]})"


def _way_out(wrong: Mapping[str, str]) -> str:
    options = [option for option in wrong if option]
    agree = f"Give {' '.join(options)}, or choose" if len(options) == len(wrong) else "Choose"
    return f"{agree} another one: can-train teachers list"
