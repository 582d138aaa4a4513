"""All commands that take a name read it by the same rule."""

import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from can_train.cli.main import main

COMMANDS = ("status", "logs", "cancel", "resume", "evaluate", "compare")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two runs, and one plan of both."""
    runs = [
        tmp_path.joinpath("automotive", "car", "unsupervised", "vgae", "student",
                          "no_distillation", "autoencoder", name)
        for name in ("a1b2", "a1c3")
    ]  # fmt: skip
    for run in runs:
        (run / "configs").mkdir(parents=True)
    _plan(tmp_path, "f00d", runs)
    return tmp_path


def _plan(root: Path, name: str, runs: list[Path]) -> None:
    folder = root / "plans" / name
    folder.mkdir(parents=True)
    stages = [
        {
            "number": number, "dataset": "car", "model": "vgae", "model_size": "student",
            "training_strategy": "autoencoder", "distillation": "no-kd", "sha256": "0" * 64,
            "run_dir": str(run.relative_to(root)), "inputs": [],
        }
        for number, run in enumerate(runs, start=1)
    ]  # fmt: skip
    (folder / "plan.json").write_text(json.dumps({"stages": stages}))


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_name_is_refused(
    command: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "", "--experiment-root", str(root)]) == 2
    assert ": an empty value isn't allowed. Give one" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "cancel", "resume", "compare"])
def test_the_beginning_of_several_plans_is_refused_with_all_of_them(
    command: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _plan(root, "f0cc", [])
    assert main([command, "f0", "--experiment-root", str(root)]) == 3
    told = "f0 is the beginning of several plans: f00d, f0cc. Give more letters.\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("command", ["status", "logs", "cancel", "evaluate", "compare"])
def test_the_beginning_of_several_runs_is_refused_with_all_of_them(
    command: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "a1", "--experiment-root", str(root)]) == 3
    assert "a1 is the beginning of several runs: a1b2, a1c3" in capsys.readouterr().err


def test_a_plan_is_found_by_the_beginning_of_its_id(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "f0", "--json", "--experiment-root", str(root)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["run_id"] for row in rows] == ["a1b2", "a1c3"]


@pytest.mark.parametrize("width", [60, 200])
def test_ids_are_whole_on_a_real_terminal(root: Path, width: int) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, width))
    environ = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR"}}
    words = ["status", "--experiment-root", str(root)]
    done = subprocess.Popen(
        [sys.executable, "-P", "-m", "can_train", *words],
        stdout=theirs,
        env={**environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65_536):
            shown += part
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    assert done.wait() == 0
    first = [line.split()[0] for line in shown.decode().splitlines() if line.strip()]
    assert first[0].endswith("plan") and first[1] == "f00d"
    assert first[-2:] == ["a1b2", "a1c3"]
    assert (b"distillation" in shown) is (width == 200)
