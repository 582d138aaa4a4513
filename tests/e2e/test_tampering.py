"""Every file that is reused × what can happen to it × every command that reads it.

One tiny plan (a VGAE and a GAT of teacher size) is trained in this process; every case works on a
copy of its folder. What can't be told before training is refused by the worker, so a checkpoint
goes through `run`.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from can_train.cli.main import main
from can_train.config.typed import Typed
from can_train.dataset.manifest import load_manifest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate
from can_train.frames.recording import column_file
from can_train.pipeline.plan import Plan, make_plan
from can_train.pipeline.record import write_plan
from can_train.runs.layout import (
    Roots,
    artifact_path,
    frozen_path,
    last_checkpoint,
    plan_dir,
    plan_path,
    status_path,
)
from can_train.runs.made import finish
from can_train.runs.state import end_running
from can_train.teachers.files import teacher_path
from can_train.teachers.policy import register_teacher
from can_train.training.run import run_frozen
from tests.damage import one_bit_flipped, pickle_with_code, truncated

GAT_ARGS: Final = (
    "gat.layers=1,gat.heads=2,gat.hidden_channels=4,gat.id_embedding=2,gat.fc_channels=6x5"
)
VGAE_ARGS: Final = (
    "vgae.encoder_channels=8x8,vgae.decoder_channels=6,vgae.latent_channels=3,vgae.heads=2,"
    "vgae.id_embedding=2"
)
PLANNED: Final = {
    "modality": "automotive", "dataset": "small", "epochs": "2", "threads": "1", "augment": "off",
    "window": "50", "stride": "150",
}  # fmt: skip
GAT: Final = {**PLANNED, "model": "gat", "model_args": GAT_ARGS}
BOTH: Final = {**PLANNED, "model": "vgae,gat", "training_strategy": "autoencoder,normal",
               "model_args": f"{VGAE_ARGS},{GAT_ARGS}"}  # fmt: skip
STUDENT: Final = {**GAT, "model_size": "student", "distillation": "with-kd"}
REFUSED: Final = {"artifact": 6, "frozen config": 6, "status": 6, "plan": 6, "checkpoint": 6,
                  "teacher": 6, "store": 5, "frames": 5}  # fmt: skip
"""Exit code by what was altered: of models and of the records of runs 6, of data 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A folder with data, runs and teachers; paths in it don't depend on where it lies."""

    home: Path
    plan: Plan
    other: Plan

    @property
    def roots(self) -> Roots:
        return self.plan.roots

    @property
    def dataset(self) -> Path:
        return self.roots.data / "automotive" / "small"

    @property
    def run(self) -> Path:
        return self.plan.stages[1].frozen.run_dir

    def columns(self, name: str) -> list[Path]:
        """A column of the graphs of training, and that of those to test on."""
        return sorted(self.dataset.glob(f"stores/*/{name}"), key=lambda p: -p.stat().st_size)

    def labels(self) -> list[Path]:
        """Labels of the training recordings."""
        manifest = load_manifest(self.roots.data, "automotive", "small")
        return [column_file(self.dataset / "frames" / r.digest, "label") for r in manifest.train]

    def file(self, what: str, stage: int = 1, *, other: bool = False) -> Path:
        """The file of that kind; that of the other plan, or of the other stage, if it is asked."""
        plan = self.other if other else self.plan
        planned = plan.stages[stage]
        run, model = planned.frozen.run_dir, planned.stage.model
        return {
            "artifact": artifact_path(run, model, "teacher"),
            "frozen config": frozen_path(run, planned.frozen.sha256),
            "status": status_path(run),
            "plan": plan_path(plan_dir(self.roots.experiments, plan.plan_id)),
            "store": self.columns("edge_x")[int(other)],
            "frames": self.labels()[int(other)],
            "checkpoint": last_checkpoint(run),
            "teacher": artifact_path(run, model, "teacher")
            if other or stage == 0
            else teacher_path(self.roots.teachers, "small", model),
        }[what]

    def of_another_kind(self, what: str) -> Path:
        """A file that doesn't belong there."""
        foreign = {"plan": status_path(self.run), "store": self.columns("edges")[0],
                   "frames": self.labels()[0].with_name("dlc.npy")}  # fmt: skip
        return foreign.get(what) or self.file(what, stage=0)


def planned(roots: Roots, **more: str) -> Plan:
    return make_plan(Typed(text={**BOTH, **more}), roots)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Path]]:
    """Two plans that differ by seed, one of them evaluated and registered; and a copy of all."""
    home = tmp_path_factory.mktemp("world")
    generate(home / "csv", seed=1, scale=0.3)
    roots = Roots(data=home / "data", experiments=home / "runs", teachers=home / "teachers")
    prepare_dataset(
        PrepareRequest(
            modality="automotive", dataset="small", data_root=roots.data, source=home / "csv"
        )
    )
    plans = [planned(roots), planned(roots, seed="1")]
    for plan in plans:
        write_plan(plan)
        for stage in plan.stages:
            run_frozen(frozen_path(stage.frozen.run_dir, stage.frozen.sha256))
            finish(stage.frozen.run_dir)
    world = World(home=home, plan=plans[0], other=plans[1])
    register_teacher(plans[0].stages[1].frozen)
    code, said = call(world, "evaluate")
    assert code == 0, said
    copy = tmp_path_factory.mktemp("copy") / "world"
    shutil.copytree(home, copy, copy_function=os.link, symlinks=True)
    yield world, copy


@pytest.fixture
def world(trained: tuple[World, Path]) -> Iterator[World]:
    """The same for every case: what a case replaces is put back afterwards."""
    found, copy = trained
    yield found
    shutil.rmtree(found.home)
    shutil.copytree(copy, found.home, copy_function=os.link, symlinks=True)


def call(world: World, command: str) -> tuple[int, str]:
    """Exit code and all that was said."""
    roots = world.roots
    data, experiments, teachers = (
        (f"--{name}-root", str(root))
        for name, root in (
            ("data", roots.data),
            ("experiment", roots.experiments),
            ("teacher", roots.teachers),
        )
    )
    run = world.run.name
    words = {
        "train": ("train", *options(GAT), *data, *experiments, *teachers),
        "pipeline": ("pipeline", *options(BOTH), *data, *experiments, *teachers),
        "distil": (
            "train", *options(STUDENT), "--auto-find-teacher", "--dry-run", *data, *experiments,
            *teachers,
        ),
        "evaluate": ("evaluate", run, *data, *experiments),
        "compare": ("compare", run, *data, *experiments),
        "score": ("score", run, "never-read.log", *experiments),
        "teachers add": ("teachers", "add", run, *data, *experiments, *teachers),
        "teachers list": ("teachers", "list", *teachers),
        "teachers show": ("teachers", "show", "small", "gat", *teachers),
        "status": ("status", *experiments),
        "resume": ("resume", world.plan.plan_id, *experiments),
        "run": ("run", "--frozen-config", str(world.file("frozen config"))),
    }[command]  # fmt: skip
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main(words)
    return code, said.getvalue()


def options(words: Mapping[str, str]) -> list[str]:
    return [part for n, text in words.items() for part in (f"--{n.replace('_', '-')}", text)]


USERS: Final = ("train", "pipeline", "evaluate", "compare", "teachers add", "resume", "score")
READERS: Final[Mapping[str, tuple[str, ...]]] = {
    "artifact": (*USERS, "run"),
    "frozen config": USERS,
    "status": USERS,
    "plan": ("resume",),
    "store": ("evaluate",),
    "frames": ("train", "pipeline"),
    "checkpoint": ("train", "pipeline", "resume"),
    "teacher": ("distil", "teachers show", "teachers list"),
}
"""Commands that read a file, and so have to refuse an altered one."""

ELSEWHERE: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("checkpoint", "swapped"): ("run",),  # only the worker sees whose it is
    ("checkpoint", "of another kind"): ("run",),
    ("status", "missing"): (),  # of such a run nothing is known: see below
}
DAMAGES: Final = ("missing", "truncated", "one bit", "swapped", "of another kind", "with code")


def damage(world: World, what: str, how: str, proof: Path) -> Path:
    """Alters the file of one kind, and gives its path."""
    path = world.file(what)
    content = path.read_bytes()
    other = (
        world.of_another_kind(what) if how == "of another kind" else world.file(what, other=True)
    )
    path.unlink()  # the copy, which it is linked to, stays
    if how == "truncated":
        path.write_bytes(truncated(content))
    elif how == "one bit":
        path.write_bytes(one_bit_flipped(content))
    elif how == "with code":
        path.write_bytes(pickle_with_code(proof))
    elif how != "missing":
        shutil.copy(other, path)
    return path


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("what", READERS)
def test_what_was_altered_is_refused_by_name(
    world: World, tmp_path: Path, what: str, how: str
) -> None:
    proof = tmp_path / "proof"
    if what == "checkpoint":
        end_running(world.run, "failed", exit_code=1, message="killed")
    path = damage(world, what, how, proof)
    expected = 3 if (what, how) == ("plan", "missing") else REFUSED[what]
    for command in ELSEWHERE.get((what, how), READERS[what]):
        code, said = call(world, command)
        assert (command, code) == (command, expected), said
        assert "Traceback" not in said and "reused" not in said, said
        named = (path.parent.name, world.run.name, "frames of ")
        assert any(name in said for name in named), said
    code, said = call(world, "status")
    assert code in {0, 1, 6} and "Traceback" not in said, said
    assert not proof.exists()


def test_of_a_run_without_status_nothing_is_known(world: World) -> None:
    status_path(world.run).unlink()
    for command in ("evaluate", "compare", "teachers add", "score"):
        code, said = call(world, command)
        assert (code, "is planned" in said) == (3, True), said


def test_what_nobody_altered_is_reused(world: World) -> None:
    for command, told in {
        "train": "reused: stage 1 (gat",
        "compare": "test_01_known",
        "teachers add": "teacher already registered",
        "distil": "(registry)",
        "teachers show": "file: ok",
        "run": "has finished",
    }.items():
        code, said = call(world, command)
        assert (command, code, told in said) == (command, 0, True), said


def test_evaluating_again_gives_the_same_file(world: World) -> None:
    before = {path.name: path.read_bytes() for path in world.run.glob("evaluation.*")}
    code, said = call(world, "evaluate")
    assert (code, "other figures than before" in said) == (0, False)
    assert {path.name: path.read_bytes() for path in world.run.glob("evaluation.*")} == before
    assert len(before) == 2
