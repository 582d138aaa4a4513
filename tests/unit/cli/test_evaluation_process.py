"""One way to evaluate a run in a process of its own, whoever asks."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from can_train.cli import evaluation_process
from can_train.cli.evaluation_process import (
    evaluate,
    evaluation_command,
    exit_code_of,
    given_data_root,
)
from can_train.cli.main import build_parser, main

CLI = Path(evaluation_process.__file__).parent


def roots_in(command: tuple[str, ...]) -> list[str]:
    return [word for word in command if word.endswith("-root")]


@pytest.mark.parametrize("words", [("compare", "hcrl_sa", "--evaluate")])
def test_a_data_root_that_was_not_typed_leaves_the_frozen_one_alone(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    """`compare --evaluate` once gave its own default, which isn't where the run's data lies."""
    args = build_parser(words[0]).parse_args(words)
    assert roots_in(evaluation_command(tmp_path, given_data_root(args))) == []
    args = build_parser(words[0]).parse_args([*words, "--data-root", "elsewhere"])
    command = evaluation_command(tmp_path, given_data_root(args))
    assert command[command.index("--data-root") + 1] == str(Path.cwd() / "elsewhere")


STAND_IN = """#!/bin/sh
echo "$@" >> '{log}'
"""


def test_compare_evaluates_where_the_data_lay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, python = tmp_path / "called", tmp_path / "python"
    python.write_text(STAND_IN.format(log=log))
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))  # the process border
    monkeypatch.setenv("CAN_TRAIN_HOME", str(tmp_path / "home"))
    run = make_finished_run(tmp_path / "home" / "experimentruns")
    main(["compare", run.name, "--evaluate"])
    assert log.read_text() == f"-P -m can_train evaluate {run}\n"


def make_finished_run(experiments: Path) -> Path:
    from can_train.files import sha256_of
    from can_train.runs.made import finish
    from can_train.runs.summary import ranked, write_summary

    words = ("automotive", "car", "supervised", "gat", "student", "no_distillation", "normal")
    run = experiments.joinpath(*words, "0123456789ab")
    (run / "configs").mkdir(parents=True)
    artifact = run / "models" / "gat_student.pth"
    artifact.parent.mkdir()
    artifact.touch()
    write_summary(run, ranked("val_loss", 1.0, sha256_of(artifact)), {"parameters": 3})
    finish(run)
    return run


def test_a_signal_is_no_success() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    os.kill(process.pid, signal.SIGKILL)
    assert exit_code_of(process) == 1
    assert exit_code_of(subprocess.Popen([sys.executable, "-c", "raise SystemExit(6)"])) == 6


def test_a_failure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    run = tmp_path / "0123456789ab"
    assert evaluate(run, reuse=True) == 1
    told = "evaluation of run 0123456789ab failed (exit code 1)\n"
    assert capsys.readouterr().err == told


def test_nobody_else_starts_an_evaluation() -> None:
    starting = {
        path.name
        for path in CLI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Tuple | ast.List)
        and {"-m", "evaluate"}
        <= {item.value for item in node.elts if isinstance(item, ast.Constant)}
    }
    assert starting == {"evaluation_process.py"}
