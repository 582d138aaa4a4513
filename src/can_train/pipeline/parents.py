"""Which artifact a stage consumes: its teacher, and the VGAE and GAT it builds on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from can_train.config.build import Stage
from can_train.config.requests import PlanRequest
from can_train.config.schema import DataConfig, Parent
from can_train.errors import CanTrainError, PreflightError
from can_train.runs.layout import Roots
from can_train.teachers.choose import (
    Wanted,
    asked_text,
    explicit_artifact,
    no_teacher,
    teachers_on_disk,
    train_command,
)
from can_train.teachers.policy import Candidate, finished_runs

Role = Literal["teacher", "vgae", "gat"]
AUTO: Final = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageInput:
    """One artifact that a stage consumes.

    Attributes:
        role: What it is to the stage.
        parent: As it stands in the frozen config.
        origin: Where it comes from, in words.
        from_stage: Number of the stage of this plan that makes it, or None.
        others: Further candidates that weren't chosen.
    """

    role: Role
    parent: Parent
    origin: str
    from_stage: int | None = None
    others: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line: `teacher: config/…/gat_teacher.pth, sha256 0123456789ab (registry)`."""
        if self.from_stage is not None:
            return f"{self.role}: made by stage {self.from_stage}, run {self.parent.run_id}"
        line = f"{self.role}: {self.parent.path}, sha256 {self.parent.sha256} ({self.origin})"
        return f"{line}; not chosen: {', '.join(self.others)}" if self.others else line


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """An earlier stage of the plan, with the run that will make its artifact."""

    stage: Stage
    run_id: str


@dataclass(slots=True, kw_only=True)
class World:
    """What parents are looked for in, and what was found wrong on the way.

    Attributes:
        request: The plan as asked for.
        roots: Where runs and teachers lie.
        data: Windows of the plan; None where the dataset can't be read.
        problems: All problems so far.
        used_paths: Explicit `--vgae-path` and `--gat-path` that a stage took.
    """

    request: PlanRequest
    roots: Roots
    data: DataConfig | None
    problems: list[CanTrainError] = field(default_factory=list)
    used_paths: set[str] = field(default_factory=set)


def inputs_of(stage: Stage, earlier: Sequence[Promised], world: World) -> tuple[StageInput, ...]:
    """All artifacts that `stage` consumes; what can't be found goes to `world.problems`."""
    wanted: list[Role] = ["teacher"] if stage.with_kd else []
    wanted += [role for role in _INPUT_ROLES if role in stage.takes]
    found = []
    for role in wanted:
        try:
            if role == "teacher":
                found.append(_teacher(stage, earlier, world))
            else:
                found.append(_input(role, stage, earlier, world))
        except CanTrainError as problem:
            world.problems.append(problem)
    return tuple(found)


def unused_paths(world: World) -> list[CanTrainError]:
    """Explicit paths that no stage takes, because an earlier stage makes what they name."""
    return [
        PreflightError(
            f"{option}: {path} would have no effect: an earlier stage of this plan makes that "
            "model in the same size. Leave it out, or leave the stage out"
        )
        for option, path in (
            ("--vgae-path", world.request.vgae_path),
            ("--gat-path", world.request.gat_path),
        )
        if path is not None and option not in world.used_paths
    ]


_INPUT_ROLES: Final[tuple[Role, ...]] = ("vgae", "gat")

_UNREAD: Final = StageInput(role="teacher", parent=Parent(), origin="the dataset can't be read")
"""Stands for what can't be looked for without the dataset; the plan fails on the dataset."""


def _teacher(stage: Stage, earlier: Sequence[Promised], world: World) -> StageInput:
    """Explicit path, earlier stage of the plan, registry, newest finished run: in this order."""
    wanted = _wanted(stage.model, world, allow_foreign=world.request.allow_foreign_teacher)
    path = stage.teacher_path
    if path is not None and path != AUTO:
        return _explicit("teacher", ("--teacher-path", path), stage, world, wanted)
    for made in reversed(earlier):
        if made.stage.model == stage.model and made.stage.model_size == "teacher":
            return _from_stage("teacher", made)
    if path != AUTO and not world.request.auto_find_teacher:
        raise PreflightError(
            f"{stage.title}: no {stage.model} teacher was given and no earlier stage makes one. "
            "Add --auto-find-teacher or --teacher-path FILE, or train one: "
            f"{train_command(wanted, 'teacher', world.roots, _given(world))}"
        )
    if world.data is None:
        return _UNREAD
    found = teachers_on_disk(wanted, world.roots)
    if not found:
        raise no_teacher(stage.title, wanted, world.roots, _given(world))
    return _from_disk("teacher", found)


def _input(role: Role, stage: Stage, earlier: Sequence[Promised], world: World) -> StageInput:
    """Latest earlier stage of the same size, explicit path, newest finished run: in this order."""
    for made in reversed(earlier):
        if made.stage.model == role and made.stage.model_size == stage.model_size:
            return _from_stage(role, made)
    request = world.request
    wanted = _wanted(role, world)
    option, path = {
        "vgae": ("--vgae-path", request.vgae_path),
        "gat": ("--gat-path", request.gat_path),
    }[role]
    if path is not None:
        world.used_paths.add(option)
        return _explicit(role, (option, path), stage, world, wanted)
    if world.data is None:
        return _UNREAD
    identity = (request.modality, request.dataset, role, stage.model_size)
    found = finished_runs(world.roots.experiments, identity, world.data)
    if not found:
        command = train_command(wanted, stage.model_size, world.roots, _given(world))
        raise PreflightError(
            f"{stage.title}: it needs a {role} of size {stage.model_size}{asked_text(wanted)}; no "
            f"earlier stage makes one and no finished run under {world.roots.experiments} has one. "
            f"Train one: {command}"
        )
    return _from_disk(role, found)


def _explicit(
    role: Role, given: tuple[str, str], stage: Stage, world: World, wanted: Wanted
) -> StageInput:
    """The artifact that was given by an option."""
    option, text = given
    where = f"{option}: stage {stage.number} ({stage.model})"
    path, sha256 = explicit_artifact(where, text, wanted, world.roots)
    return StageInput(role=role, parent=Parent(path=str(path), sha256=sha256), origin=option)


def _wanted(model: str, world: World, *, allow_foreign: bool = False) -> Wanted:
    return Wanted(
        modality=world.request.modality,
        dataset=world.request.dataset,
        model=model,
        data=world.data,
        allow_foreign=allow_foreign,
    )


def _from_stage(role: Role, made: Promised) -> StageInput:
    return StageInput(
        role=role,
        parent=Parent(run_id=made.run_id),
        origin="this plan",
        from_stage=made.stage.number,
    )


def _from_disk(role: Role, found: Sequence[Candidate]) -> StageInput:
    best, *others = found
    return StageInput(
        role=role,
        parent=Parent(path=str(best.path), sha256=best.checked_sha256()),
        origin=best.origin,
        others=tuple(f"{other.path} ({other.origin})" for other in others),
    )


def _given(world: World) -> str:
    """Settings of the plan's windows as options, with a blank before each."""
    settings = world.request.settings.items()
    return "".join(f" --{name.replace('_', '-')} {value}" for name, value in settings)
