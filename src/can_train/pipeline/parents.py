"""Which artifact a stage consumes: its teacher, and the VGAE and GAT it builds on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from can_train.config.build import Stage
from can_train.config.frozen import load_frozen
from can_train.config.requests import PlanRequest
from can_train.config.schema import DataConfig, Parent
from can_train.errors import CanTrainError, PreflightError
from can_train.runs.layout import Roots, artifact_path, find_run, frozen_of_run, root_options
from can_train.runs.registry import (
    Candidate,
    checked_sha256,
    finished_runs,
    fits,
    read_teacher,
    registered_teachers,
)
from can_train.runs.status import read_status

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
    path = stage.teacher_path
    if path is not None and path != AUTO:
        return _explicit("teacher", "--teacher-path", path, stage, world)
    for made in reversed(earlier):
        if made.stage.model == stage.model and made.stage.model_size == "teacher":
            return _from_stage("teacher", made)
    command = _command(world, stage.model, "teacher")
    if path != AUTO and not world.request.auto_find_teacher:
        raise PreflightError(
            f"{stage.title}: no {stage.model} teacher was given and no earlier stage makes one. "
            f"Add --auto-find-teacher or --teacher-path FILE, or train one: {command}"
        )
    if world.data is None:
        return _UNREAD
    found = _teachers_on_disk(stage, world, world.data)
    if not found:
        raise PreflightError(
            f"{stage.title}: no {stage.model} teacher{_asked(world)} under {world.roots.teachers} "
            f"or among the finished runs under {world.roots.experiments}. Train one: {command}"
        )
    return _from_disk("teacher", found)


def _teachers_on_disk(stage: Stage, world: World, data: DataConfig) -> list[Candidate]:
    request = world.request
    identity = (request.modality, request.dataset, stage.model, "teacher")
    registered = registered_teachers(world.roots.teachers, request.dataset, stage.model, data)
    return [*registered, *finished_runs(world.roots.experiments, identity, data)]


def _input(role: Role, stage: Stage, earlier: Sequence[Promised], world: World) -> StageInput:
    """Latest earlier stage of the same size, explicit path, newest finished run: in this order."""
    for made in reversed(earlier):
        if made.stage.model == role and made.stage.model_size == stage.model_size:
            return _from_stage(role, made)
    request = world.request
    option, path = {
        "vgae": ("--vgae-path", request.vgae_path),
        "gat": ("--gat-path", request.gat_path),
    }[role]
    if path is not None:
        world.used_paths.add(option)
        return _explicit(role, option, path, stage, world)
    if world.data is None:
        return _UNREAD
    identity = (request.modality, request.dataset, role, stage.model_size)
    found = finished_runs(world.roots.experiments, identity, world.data)
    if not found:
        raise PreflightError(
            f"{stage.title}: it needs a {role} of size {stage.model_size}{_asked(world)}; no "
            f"earlier stage makes one and no finished run under {world.roots.experiments} has one. "
            f"Train one: {_command(world, role, stage.model_size)}"
        )
    return _from_disk(role, found)


def _explicit(role: Role, option: str, text: str, stage: Stage, world: World) -> StageInput:
    """The artifact in a file, or that of a run given by id or folder."""
    model = stage.model if role == "teacher" else role
    where = f"{option}: stage {stage.number} ({stage.model})"
    path = Path(text).absolute()
    expected = None
    if path.is_file():
        run = path.parent.parent
        teacher = read_teacher(path) if path.suffix == ".pth" else None
        if teacher is not None:
            _check(where, (teacher.model, model), world.data is None or teacher.fits(world.data))
            expected = teacher.sha256
        elif (run / "configs").is_dir():
            _check_run(where, run, model, world)
    elif path.suffix == ".pth":
        raise PreflightError(f"{where}: {text} doesn't exist. Show what does: can-train status")
    else:
        run = find_run(world.roots.experiments, text)
        path = _check_run(where, run, model, world)
    sha256 = checked_sha256(path, expected)
    parent = Parent(path=str(path), sha256=sha256)
    return StageInput(role=role, parent=parent, origin=option)


def _check_run(where: str, run: Path, model: str, world: World) -> Path:
    """The artifact of a run that finished, is of `model` and fits the plan's windows."""
    config = load_frozen(frozen_of_run(run)).config
    _check(where, (config.model, model), world.data is None or fits(config.data, world.data))
    status = read_status(run)
    if status is None or status.state != "finished":
        raise PreflightError(
            f"{where}: run {run.name} hasn't finished. Look at it: can-train status {run.name}"
        )
    return artifact_path(run, config.model, config.model_size)


def _check(where: str, models: tuple[str, str], same_windows: bool) -> None:
    theirs, needed = models
    if theirs != needed:
        raise PreflightError(f"{where}: that is a {theirs}, a {needed} is needed")
    if not same_windows:
        raise PreflightError(
            f"{where}: that {theirs} was trained on other features, another window or another "
            "split than this plan. Give --features, --window and --split as for that one"
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


def _asked(world: World) -> str:
    if world.data is None:
        return ""
    data = world.data
    return f" for {world.request.dataset} ({data.features}, window {data.window}, {data.split})"


def _command(world: World, model: str, size: str) -> str:
    request = world.request
    given = "".join(f" --{name} {value}" for name, value in request.settings.items())
    return (
        f"can-train train --modality {request.modality} --dataset {request.dataset} "
        f"--model {model} --model-size {size}{given}{root_options(world.roots)}"
    )
