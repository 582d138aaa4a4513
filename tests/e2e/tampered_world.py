"""Two small plans, trained in this process, and what can happen to each kind of file of them."""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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

_GAT_ARGS: Final = (
    "gat.layers=1,gat.heads=2,gat.hidden_channels=4,gat.id_embedding=2,gat.fc_channels=6x5"
)
_VGAE_ARGS: Final = (
    "vgae.encoder_channels=8x8,vgae.decoder_channels=6,vgae.latent_channels=3,vgae.heads=2,"
    "vgae.id_embedding=2"
)
_WINDOWS: Final = {"window": "50", "stride": "150", "augment": "off"}
_PLANNED: Final = {
    "modality": "automotive", "dataset": "small", "epochs": "2", "threads": "1", **_WINDOWS,
}  # fmt: skip
_GAT: Final = {**_PLANNED, "model": "gat", "model_args": _GAT_ARGS}
_BOTH: Final = {**_PLANNED, "model": "vgae,gat", "training_strategy": "autoencoder,normal",
                "model_args": f"{_VGAE_ARGS},{_GAT_ARGS}"}  # fmt: skip
_STUDENT: Final = {**_GAT, "model_size": "student", "distillation": "with-kd"}
_FUSION: Final = {**_PLANNED, "model": "dqn", "model_size": "teacher"}
del _FUSION["epochs"]

_OTHERS: Final = re.compile(r"; not chosen: .*|^not chosen: .*\n", re.MULTILINE)

COMMANDS: Final = (
    "train", "pipeline", "distil", "fuse", "evaluate", "compare", "score", "teachers add",
    "teachers list", "teachers show", "teachers find", "status", "resume", "run",
)  # fmt: skip
DAMAGES: Final = ("missing", "truncated", "one bit", "swapped", "of another kind", "with code")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A folder with data, runs and teachers; paths in it don't depend on where it lies.

    Attributes:
        home: The folder.
        copy: What it holds while nothing is damaged, by hard links.
        plan: The plan whose second run's files are damaged.
        other: The same with another seed.
        new: A run that was planned and never started.
        training_store: Name of the store that holds the graphs of training.
    """

    home: Path
    copy: Path
    plan: Plan
    other: Plan
    new: Plan
    training_store: str

    @property
    def roots(self) -> Roots:
        return self.plan.roots

    @property
    def dataset(self) -> Path:
        return self.roots.data / "automotive" / "small"

    @property
    def run(self) -> Path:
        return self.plan.stages[1].frozen.run_dir

    def column(self, name: str, *, training: bool) -> Path:
        """A column of the graphs of training, or of those to test on."""
        stores = self.dataset.glob("stores/*")
        (found,) = (s for s in stores if (s.name == self.training_store) is training)
        return found / name

    def labels(self) -> list[Path]:
        """Labels of the training recordings."""
        manifest = load_manifest(self.roots.data, "automotive", "small")
        return [column_file(self.dataset / "frames" / r.digest, "label") for r in manifest.train]

    def file(self, what: str, stage: int = 1, *, other: bool = False) -> Path:
        """The file of that kind; that of the other plan, or of the other stage, if it is asked."""
        plan = self.other if other else self.plan
        planned = plan.stages[stage]
        run, model = planned.frozen.run_dir, planned.stage.model
        registered = teacher_path(self.roots.teachers, "small", model)
        described = teacher_path(self.roots.teachers, "small", "vgae" if other else model)
        return {
            "artifact": artifact_path(run, model, "teacher"),
            "frozen config": frozen_path(run, planned.frozen.sha256),
            "status": status_path(run),
            "plan": plan_path(plan_dir(self.roots.experiments, plan.plan_id)),
            "store": self.column("edge_x", training=other),
            "training store": self.column("edge_x", training=not other),
            "frames": self.labels()[int(other)],
            "checkpoint": last_checkpoint(run),
            "teacher": artifact_path(run, model, "teacher") if other else registered,
            "entry": described.with_suffix(".json"),
        }[what]

    def of_another_kind(self, what: str) -> Path:
        """A file that doesn't belong there."""
        foreign = {"plan": status_path(self.run), "store": self.column("edges", training=False),
                   "training store": self.column("edges", training=True),
                   "frames": self.labels()[0].with_name("dlc.npy"),
                   "checkpoint": self.file("artifact"),
                   "entry": status_path(self.run)}  # fmt: skip
        return foreign.get(what) or self.file(what, stage=0)

    def damage(self, what: str, how: str, proof: Path) -> Path:
        """Alters the file of one kind, and gives its path."""
        path = self.file(what)
        content = path.read_bytes()
        if how in {"swapped", "of another kind"}:
            swapped = how == "swapped"
            other = self.file(what, other=True) if swapped else self.of_another_kind(what)
            content = other.read_bytes()
        path.unlink()  # the copy, which it is linked to, stays
        if how != "missing":
            path.write_bytes(_altered(content, how, proof))
        return path

    def interrupt(self) -> None:
        """Makes a run of it that failed after its epochs."""
        end_running(self.run, "failed", exit_code=1, message="killed")

    def restore(self) -> None:
        """Puts back whatever was replaced."""
        shutil.rmtree(self.home)
        shutil.copytree(self.copy, self.home, copy_function=os.link, symlinks=True)

    def call(self, command: str) -> tuple[int, str]:
        """Exit code and all that was said, without the teachers that weren't chosen."""
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            code = main(self.words(command))
        return code, _OTHERS.sub("", said.getvalue())

    def words(self, command: str) -> tuple[str, ...]:
        """What is typed for a command."""
        data = ("--data-root", str(self.roots.data))
        runs = ("--experiment-root", str(self.roots.experiments))
        teachers = ("--teacher-root", str(self.roots.teachers))
        everything, run = (*data, *runs, *teachers), self.run.name
        experts = ("--vgae-path", self.plan.stages[0].run_id, "--gat-path", run)
        place = options({k: _GAT[k] for k in ("modality", "dataset", "model", "window")})
        return {
            "train": ("train", *options(_GAT), *everything),
            "pipeline": ("pipeline", *options(_BOTH), *everything),
            "distil": (
                "train", *options(_STUDENT), "--auto-find-teacher", "--dry-run", *everything,
            ),
            "fuse": ("train", *options(_FUSION), *experts, "--dry-run", *everything),
            "evaluate": ("evaluate", run, *data, *runs),
            "compare": ("compare", run, *data, *runs),
            "score": ("score", run, "never-read.log", *runs),
            "teachers add": ("teachers", "add", run, *everything),
            "teachers list": ("teachers", "list", *teachers),
            "teachers show": ("teachers", "show", "small", "gat", *teachers),
            "teachers find": ("teachers", "find", *place, *everything),
            "status": ("status", *runs),
            "resume": ("resume", self.plan.plan_id, *runs),
            "run": ("run", "--frozen-config", str(self.file("frozen config"))),
            "run new": ("run", "--frozen-config", str(_frozen(self.new))),
        }[command]  # fmt: skip


def make_world(home: Path, copy: Path) -> World:
    """Trains both plans, registers the teachers of one of them and evaluates it."""
    generate(home / "csv", seed=1, scale=0.3)
    roots = Roots(data=home / "data", experiments=home / "runs", teachers=home / "teachers")
    prepare_dataset(
        PrepareRequest(
            modality="automotive", dataset="small", data_root=roots.data, source=home / "csv"
        )
    )
    plans = [make_plan(Typed(text={**_BOTH, "seed": seed}), roots) for seed in "01"]
    for plan in plans:
        write_plan(plan)
        for stage in plan.stages:
            run_frozen(frozen_path(stage.frozen.run_dir, stage.frozen.sha256))
            finish(stage.frozen.run_dir)
    for stage in plans[0].stages:
        register_teacher(stage.frozen)
    (store,) = roots.data.glob("automotive/small/stores/*")
    new = make_plan(Typed(text={**_GAT, "seed": "2"}), roots)
    world = World(
        home=home, copy=copy, plan=plans[0], other=plans[1], new=new, training_store=store.name
    )
    for stage in plans[0].stages:
        code = main(["evaluate", str(stage.frozen.run_dir), "--data-root", str(roots.data)])
        assert code == 0
    write_plan(new)
    assert world.call("train")[0] == 0  # its plan is there from now on
    shutil.copytree(home, copy, copy_function=os.link, symlinks=True)
    return world


def options(words: Mapping[str, str]) -> list[str]:
    """Settings as they are typed."""
    return [part for n, text in words.items() for part in (f"--{n.replace('_', '-')}", text)]


def _altered(content: bytes, how: str, proof: Path) -> bytes:
    if how == "truncated":
        return truncated(content)
    if how == "one bit":
        return one_bit_flipped(content)
    return pickle_with_code(proof) if how == "with code" else content


def _frozen(plan: Plan) -> Path:
    (stage,) = plan.stages
    return frozen_path(stage.frozen.run_dir, stage.frozen.sha256)
