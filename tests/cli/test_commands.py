"""The command line as its users see it: messages, exit codes, what is written and what isn't."""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from can_train.cli.main import COMMANDS, build_parser, main
from can_train.cli.options import typed_from
from can_train.config.frozen import load_frozen
from can_train.runs.layout import frozen_of_run, iter_runs
from can_train.runs.state import RunStatus, end_running, write_status
from tests.in_process import Done, can_train

BASE = ("--modality", "automotive", "--dataset", "synthetic")
QUICK = ("--epochs", "2", "--threads", "1", "--seed", "3", "--windows-per-epoch", "64")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short synthetic dataset, as beside a launcher."""
    home = tmp_path_factory.mktemp("home")
    synth = ("data", "synth", "--modality", "automotive", "--scale", "0.3")
    done = can_train(home, *synth)
    assert done.code == 0, done.err
    return home


def tree(root: Path) -> list[tuple[str, float]]:
    return sorted((str(path), path.lstat().st_mtime) for path in root.rglob("*"))


def only_run(root: Path) -> Path:
    (run,) = iter_runs(root)
    return run


def test_unknown_commands_and_flags_get_the_nearest_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["trian"]) == 2
    assert "trian isn't known; did you mean train?" in capsys.readouterr().err
    assert main(["train", "--modle", "gat"]) == 2
    assert "--modle isn't known; did you mean --model?" in capsys.readouterr().err
    assert main(["train", "--mod", "gat"]) == 2  # no abbreviations


def test_nothing_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "start with: can-train demo" in capsys.readouterr().out


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "--model", "gat"])
    assert "Traceback" not in capsys.readouterr().err
    main(["train", "--model", "gat", "--debug"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    if command not in {"data", "config", "teachers"}:
        shown = " ".join(capsys.readouterr().out.split())
        assert re.search(rf"examples?: (# .*)?can-train {command}", shown)


def test_a_flag_that_was_not_given_is_absent() -> None:
    args = build_parser().parse_args(["train"])
    assert vars(args) == {"command": "train"}


def test_aliases_of_the_field_are_accepted_and_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    aliases = ("--training-strategyl", "--training-strategyl-size", "--teacher_path", "--use-kd")
    words = ["train", aliases[0], "gat", aliases[1], "student", aliases[2], "t.pth", aliases[3]]
    typed = typed_from(build_parser().parse_args(words), one_stage=True)
    assert typed.text == {"model": "gat", "model_size": "student", "teacher_path": "t.pth"}
    assert typed.use_kd
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    shown = capsys.readouterr().out
    assert not any(alias in shown for alias in aliases)


def test_fusion_with_kd_ends_with_2_one_message_and_nothing_written(home: Path) -> None:
    before = tree(home)
    done = can_train(home, "pipeline", *BASE, "--model", "vgae,gat,dqn",
                     "--distillation", "with-kd,with-kd,with-kd")  # fmt: skip
    assert done == Done(
        code=2,
        out="",
        err="--distillation: stage 3 (dqn, fusion) can't use with-kd: fusion combines models that "
        "are already distilled. Use: --distillation with-kd,with-kd,no-kd\n",
    )
    assert tree(home) == before


def test_a_dry_run_prints_the_plan_and_writes_nothing(home: Path) -> None:
    before = tree(home)
    done = can_train(
        home,
        "pipeline",
        *BASE,
        "--model",
        "vgae,gat,dqn",
        "--dry-run",
        "--local",
    )
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()]
    assert rows[0][:1] == ["plan"] and str(home / "experimentruns") in rows[0]
    assert rows[3][2:7] == ["new", "gat", "teacher", "curriculum", "no-kd"]
    assert rows[4][7] == "1,2" and rows[4][9] == "unknown"
    assert tree(home) == before


def test_padding_is_told_once_on_stderr(home: Path) -> None:
    done = can_train(home, "pipeline", *BASE, "--model", "vgae,gat,gat", "--distillation",
                     "no-kd,no-kd", "--seed", "0,0,1", "--dry-run")  # fmt: skip
    assert (done.code, done.err) == (0, "")
    done = can_train(home, "pipeline", *BASE, "--model", "vgae,vgae", "--model-size",
                     "teacher,student", "--distillation", "no-kd,with-kd", "--dry-run")  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[3].split()[6:8] == ["with-kd", "1"]


def test_the_folders_that_are_given_are_used(home: Path, tmp_path: Path) -> None:
    elsewhere = ("--experiment-root", str(tmp_path / "e"), "--teacher-root", str(tmp_path / "t"))
    done = can_train(tmp_path, "train", *BASE, "--model", "vgae", "--data-root",
                     str(home / "data"), *elsewhere, "--dry-run")  # fmt: skip
    assert done.code == 0
    assert f"runs under {tmp_path / 'e'}\n" in done.out
    missing = can_train(tmp_path, "train", *BASE, "--model", "vgae", "--dry-run")
    assert missing.code == 3
    assert "dataset synthetic isn't prepared" in missing.err


def test_a_run_that_fails_says_so_everywhere(home: Path, tmp_path: Path) -> None:
    """The worker finds the dataset changed after planning: exit code 5, in status, log and code."""
    root = ("--experiment-root", str(tmp_path))
    frozen = _planned(home, tmp_path)
    store = home / "data" / "automotive" / "synthetic" / "dataset.json"
    text = store.read_text()
    store.write_text("{")
    done = can_train(home, "run", "--frozen-config", str(frozen))
    store.write_text(text)
    assert done.code == 5
    assert "Traceback" not in done.err and "not a dataset manifest" in done.err
    status = can_train(home, "status", *root)
    assert status.code == 1
    assert "failed" in status.out and "not a dataset manifest" in status.out


def _planned(home: Path, root: Path) -> Path:
    """A frozen config on disk whose run never started."""
    from can_train.config.typed import Typed
    from can_train.pipeline.plan import jobs_of, make_plan
    from can_train.pipeline.record import write_plan
    from can_train.runs.layout import roots_from

    words = {"modality": "automotive", "dataset": "synthetic", "model": "gat", "threads": "1"}
    roots = roots_from(str(home / "data"), str(root), str(root / "teachers"))
    plan = make_plan(Typed(text=words), roots)
    write_plan(plan)
    return jobs_of(plan)[0].frozen


def test_status_shows_planned_failed_and_finished_runs(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _planned(home, tmp_path).parent.parent
    words = ["status", "--experiment-root", str(tmp_path)]
    assert main(words) == 0
    assert "planned" in capsys.readouterr().out
    write_status(run, RunStatus(state="running", epoch=2, epochs=5, metric="val_loss", value=0.25))
    end_running(run, "failed", exit_code=-9, message="killed by SIGKILL")
    assert main([*words, run.name[:6]]) == 1
    shown = capsys.readouterr().out
    assert "2/5" in shown and "val_loss 0.25" in shown and "killed by SIGKILL" in shown
    run.with_name(f"{run.name}-2").mkdir()
    assert main([*words, run.name]) == 0  # made again by --force
    end_running(run, "finished")
    (plan,) = (tmp_path / "plans").iterdir()
    assert main([*words, plan.name]) == 0
    assert main([*words, "nothing"]) == 3
    assert "no run nothing under" in capsys.readouterr().err


def test_a_run_that_has_not_finished_is_not_evaluated(home: Path, tmp_path: Path) -> None:
    run = _planned(home, tmp_path).parent.parent
    done = can_train(home, "evaluate", run.name, "--experiment-root", str(tmp_path))
    assert done.code == 3
    assert f"run {run.name} is planned, so there is nothing to evaluate" in done.err


def test_an_edited_frozen_config_is_refused(home: Path, tmp_path: Path) -> None:
    frozen = _planned(home, tmp_path)
    edited = tmp_path / "edited.json"
    edited.write_text(frozen.read_text().replace('"seed": 0', '"seed": 1'))
    done = can_train(home, "run", "--frozen-config", str(edited))
    assert done.code == 6
    assert "it was changed after freezing" in done.err


def test_train_reuse_force_and_registry(home: Path, tmp_path: Path) -> None:
    roots = ("--experiment-root", str(tmp_path / "e"), "--teacher-root", str(tmp_path / "t"))
    words = ("train", *BASE, "--model", "gat", "--model-size", "teacher", *QUICK, *roots)
    first = can_train(home, *words, "--no-register")
    assert first.code == 0, first.err
    assert "epoch 2/2" in first.err
    run = only_run(tmp_path / "e")
    assert load_frozen(frozen_of_run(run)).config.training.epochs == 2
    assert (run.parent / "latest").resolve() == run.resolve()
    assert not (tmp_path / "t").exists()
    again = can_train(home, *words)
    assert again.code == 0
    assert f"reused: stage 1 (gat teacher, normal, no-kd), run {run.name}" in again.out
    assert (tmp_path / "t" / "synthetic" / "gat_teacher.pth").is_file()
    forced = can_train(home, *words, "--force")
    assert forced.code == 0, forced.err
    assert {r.name for r in iter_runs(tmp_path / "e")} == {run.name, f"{run.name}-2"}
    student = can_train(home, "train", *BASE, "--model", "gat", "--use-kd", "--auto-find-teacher",
                        "--temperature", "8", *QUICK, *roots)  # fmt: skip
    assert student.code == 0, student.err
    assert "(registry)" in student.out
    (distilled,) = (r for r in iter_runs(tmp_path / "e") if "distilled" in r.parts)
    log = distilled / "slurm_logs" / "gat_local.err"
    assert "Knowledge Distillation: ENABLED" in log.read_text()


def test_a_killed_stage_is_failed_and_resumes(home: Path, tmp_path: Path) -> None:
    root = tmp_path / "e"
    words = ("pipeline", *BASE, "--model", "vgae,gat", "--model-size", "student", "--threads", "1",
             "--epochs", "400,1", "--patience", "400", "--experiment-root", str(root),
             "--no-register")  # fmt: skip
    command = [sys.executable, "-P", "-m", "can_train", *words]
    environ = {**os.environ, "CAN_TRAIN_HOME": str(home)}
    launcher = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    status = _running(root)
    assert status.process is not None
    os.kill(status.process.pid, signal.SIGKILL)
    out, _ = launcher.communicate()
    assert launcher.returncode == 1
    assert "killed by SIGKILL" in out
    assert "never started: stage 2 (gat student, curriculum, no-kd)" in out
    shown = can_train(home, "status", "--experiment-root", str(root))
    assert shown.code == 1
    assert "failed" in shown.out and "blocked" in shown.out


def _running(root: Path) -> RunStatus:
    """Waits until the first run has finished an epoch."""
    from can_train.runs.state import read_status

    while True:
        for run in iter_runs(root):
            status = read_status(run)
            if status is not None and status.state == "running" and status.epoch:
                return status
        time.sleep(0.05)


def test_local_is_a_flag_of_training_commands() -> None:
    parsed: argparse.Namespace = build_parser().parse_args(["train", "--local"])
    assert parsed.places == ["local"]
