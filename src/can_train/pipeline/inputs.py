"""Which artifacts a stage consumes: its teacher, and the experts that it builds on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from can_train.config.fields import option_of
from can_train.config.requests import PlanRequest
from can_train.config.resolve import ResolvedStage
from can_train.config.schema import TEACHER, DataConfig, Parent
from can_train.config.spec import Role, Spec, experts, spec_of, usual_expert
from can_train.errors import CanTrainError, PreflightError
from can_train.runs.layout import Roots
from can_train.teachers.candidates import Candidate, finished_runs, teachers_on_disk
from can_train.teachers.choose import (
    asked_text,
    explicit_artifact,
    no_teacher,
    nothing_fits,
    train_command,
)
from can_train.teachers.fit import Wanted
from can_train.vocab import NO_KD

AUTO: Final = "auto"
TEACHER_OPTION: Final = "--teacher-path"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumedArtifact:
    """One artifact that a stage consumes.

    Attributes:
        name: `teacher`, or the name of the expert's detector.
        parent: As it stands in the frozen config.
        origin: Where it comes from, in words.
        from_stage: Number of the stage of this plan that makes it, or None.
        others: Further candidates that weren't chosen.
    """

    name: str
    parent: Parent
    origin: str
    from_stage: int | None = None
    others: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line: `teacher: config/…/gat_teacher.pth, sha256 0123456789ab (registry)`."""
        if self.from_stage is not None:
            return f"{self.name}: made by stage {self.from_stage}, run {self.parent.run_id}"
        line = f"{self.name}: {self.parent.path}, sha256 {self.parent.sha256} ({self.origin})"
        return f"{line}; not chosen: {', '.join(self.others)}" if self.others else line


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """An earlier stage of the plan, with the run that will make its artifact."""

    stage: ResolvedStage
    run_id: str


@dataclass(slots=True, kw_only=True)
class World:
    """What artifacts are looked for in, and what was found wrong on the way.

    Attributes:
        request: The plan as asked for.
        roots: Where runs and teachers lie.
        data: Windows of the plan; None where the dataset can't be read.
        problems: All problems so far.
        used_paths: Detectors whose `--<name>-path` a stage took.
    """

    request: PlanRequest
    roots: Roots
    data: DataConfig | None
    problems: list[CanTrainError] = field(default_factory=list)
    used_paths: set[str] = field(default_factory=set)

    @property
    def given(self) -> str:
        """Settings of the plan's windows as options, with a blank before each."""
        settings = self.request.settings.items()
        return "".join(f" {option_of(name)} {value}" for name, value in settings)

    def wanted(self, model: str, *, allow_foreign: bool = False) -> Wanted:
        """What the plan needs of an artifact of `model`."""
        return Wanted(
            modality=self.request.modality,
            dataset=self.request.dataset,
            model=model,
            data=self.data,
            allow_foreign=allow_foreign,
        )


def inputs_of(
    stage: ResolvedStage, earlier: Sequence[Promised], world: World
) -> tuple[ConsumedArtifact, ...]:
    """All artifacts that `stage` consumes; what can't be found goes to `world.problems`."""
    found = []
    for role in (None, *stage.takes):
        if role is None and stage.distillation == NO_KD:
            continue
        try:
            if role is None:
                found.append(_teacher(stage, earlier, world))
            else:
                found.append(_expert(role, stage, earlier, world))
        except CanTrainError as problem:
            world.problems.append(problem)
    return tuple(found)


def unused_paths(world: World) -> list[CanTrainError]:
    """Explicit paths that no stage takes, because something else goes before what they name."""
    given = world.request.expert_paths
    return [
        PreflightError(
            f"{option_of(spec.path_word)}: {given[spec.name]} would have no effect: "
            f"{_why_unused(spec, world)}"
        )
        for spec in experts()
        if spec.name in given and spec.name not in world.used_paths
    ]


def _why_unused(spec: Spec, world: World) -> str:
    for name in sorted(world.used_paths):
        if spec_of(name).role == spec.role:
            return f"{option_of(spec_of(name).path_word)} gives what it is for. Leave one out"
    return (
        "an earlier stage of this plan makes that "
        "model in the same size. Leave it out, or leave the stage out"
    )


def _teacher(stage: ResolvedStage, earlier: Sequence[Promised], world: World) -> ConsumedArtifact:
    """Explicit path, earlier stage of the plan, registry, newest finished run: in this order."""
    wanted = world.wanted(stage.model, allow_foreign=world.request.allow_foreign_teacher)
    path = stage.teacher_path
    if path is not None and path != AUTO:
        return _explicit(TEACHER, _Given(option=TEACHER_OPTION, path=path), stage, world, wanted)
    for made in reversed(earlier):
        if made.stage.model == stage.model and made.stage.model_size == "teacher":
            return _from_stage(TEACHER, made)
    if path != AUTO and not world.request.auto_find_teacher:
        raise PreflightError(
            f"{stage.title}: no {stage.model} teacher was given and no earlier stage makes one. "
            f"Add --auto-find-teacher or {TEACHER_OPTION} FILE, or train one: "
            f"{train_command(wanted, 'teacher', world.roots, world.given)}"
        )
    if world.data is None:
        return _unread(TEACHER)
    found = teachers_on_disk(wanted, world.roots)
    if not found:
        raise no_teacher(stage.title, wanted, world.roots, world.given)
    return _from_disk(TEACHER, found)


def _expert(
    role: Role, stage: ResolvedStage, earlier: Sequence[Promised], world: World
) -> ConsumedArtifact:
    """Latest earlier stage of the same size, explicit path, newest finished run: in this order."""
    for made in reversed(earlier):
        if spec_of(made.stage.model).role == role and made.stage.model_size == stage.model_size:
            return _from_stage(made.stage.model, made)
    paths = world.request.expert_paths
    for spec in experts():
        if spec.role == role and spec.name in paths:
            world.used_paths.add(spec.name)
            given = _Given(option=option_of(spec.path_word), path=paths[spec.name])
            return _explicit(spec.name, given, stage, world, world.wanted(spec.name))
    name = usual_expert(role).name
    if world.data is None:
        return _unread(name)
    wanted = world.wanted(name)
    found = finished_runs(world.roots.experiments, wanted, stage.model_size)
    if not found:
        what = (
            f"{stage.title}: it needs a {name} of size {stage.model_size}{asked_text(wanted)}; no "
            f"earlier stage makes one and no finished run under {world.roots.experiments} has one."
        )
        raise nothing_fits(what, wanted, stage.model_size, world.roots, world.given)
    return _from_disk(name, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """An artifact that was given by an option."""

    option: str
    path: str


def _explicit(
    name: str, given: _Given, stage: ResolvedStage, world: World, wanted: Wanted
) -> ConsumedArtifact:
    where = f"{given.option}: stage {stage.number} ({stage.model})"
    path, sha256 = explicit_artifact(where, given.path, wanted, world.roots)
    parent = Parent(path=str(path), sha256=sha256)
    return ConsumedArtifact(name=name, parent=parent, origin=given.option)


def _from_stage(name: str, made: Promised) -> ConsumedArtifact:
    return ConsumedArtifact(
        name=name,
        parent=Parent(run_id=made.run_id),
        origin="this plan",
        from_stage=made.stage.number,
    )


def _from_disk(name: str, found: Sequence[Candidate]) -> ConsumedArtifact:
    best, *others = found
    return ConsumedArtifact(
        name=name,
        parent=Parent(path=str(best.path), sha256=best.checked_sha256()),
        origin=best.origin,
        others=tuple(f"{other.path} ({other.origin})" for other in others),
    )


def _unread(name: str) -> ConsumedArtifact:
    """Stands for what can't be looked for without the dataset; the plan fails on the dataset."""
    return ConsumedArtifact(name=name, parent=Parent(), origin="the dataset can't be read")
