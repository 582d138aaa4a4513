"""Mistakes that users make: each gets one true message, and none does nothing silently."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from can_train.cli.main import main

BASE = ["--modality", "automotive", "--dataset", "synthetic"]


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAN_TRAIN_HOME", str(tmp_path))
    return tmp_path


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    code = main([*words])
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err.splitlines()


def test_a_dataset_that_was_never_prepared_is_a_matter_of_preflight(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, lines = refusal(capsys, "train", *BASE, "--model", "gat")
    assert code == 3
    assert lines == [
        f"dataset synthetic isn't prepared under {tmp_path}/data/automotive. Prepare it first: "
        "can-train data prepare --modality automotive --dataset synthetic --source DIR"
    ]


def test_a_damaged_dataset_is_a_matter_of_data(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "automotive" / "synthetic"
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text("{")
    assert refusal(capsys, "train", *BASE, "--model", "gat")[0] == 5


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("--model", "--training-strategyl", "--training-strategyl vgae: --model is already gat"),
        ("--epochs", "--epochs", "--epochs vgae: --epochs is already gat"),
    ],
)
def test_an_option_given_twice_is_refused(
    capsys: pytest.CaptureFixture[str], first: str, second: str, message: str
) -> None:
    code, lines = refusal(capsys, "train", *BASE, first, "gat", second, "vgae")
    assert code == 2
    assert lines == [f"{message}; give it once. See: can-train train --help"]


def test_one_wrong_value_for_all_stages_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("pipeline", *BASE, "--model", "vgae,gat", "--seed", "-1", "--epochs", "4,0")
    code, lines = refusal(capsys, *words)
    assert code == 2
    assert lines[:-1] == [
        "--seed: -1 isn't allowed. Allowed: a whole number >= 0 and <= 2147483647",
        "--epochs: stage 2: 0 isn't allowed. Allowed: a whole number >= 1 and <= 10000",
    ]


def test_use_kd_on_a_pipeline_names_a_list_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("pipeline", *BASE, "--model", "vgae,gat,dqn", "--use-kd")
    assert "Use: --distillation with-kd,with-kd,no-kd" in refusal(capsys, *words)[1][0]


def test_a_temperature_without_a_distilling_gat_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("train", *BASE, "--model", "vgae", "--use-kd", "--temperature", "8")
    code, lines = refusal(capsys, *words)
    assert code == 2
    assert (
        "--temperature: it belongs to the distillation of a gat, and no gat stage distils"
        in lines[0]
    )


def test_what_the_system_refuses_is_one_message_without_a_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = tmp_path / "experimentruns"
    run = root.joinpath("a", "b", "c", "d", "e", "f", "g", "0123456789ab")
    (run / "configs").mkdir(parents=True)
    (run / "status.json").mkdir()
    code, lines = refusal(capsys, "logs", run.name, "--follow")
    assert code == 3
    assert "is damaged and has no log" in lines[0]
    code, lines = refusal(capsys, "evaluate", run.name)
    assert code == 3
    assert lines == [f"{run / 'status.json'}: Is a directory"]


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "can_train", "status"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "CAN_TRAIN_HOME": str(tmp_path)},
    )
    os.close(writing)
    _, err = process.communicate()
    assert err == ""
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_as_ctrl_c_does(tmp_path: Path, number: signal.Signals) -> None:
    request = tmp_path / "request.json"
    os.mkfifo(request)  # whoever opens it waits
    words = ["validate", "--config", str(request)]
    command = subprocess.Popen(
        [sys.executable, "-P", "-m", "can_train", *words], stderr=subprocess.PIPE, text=True
    )
    writer = os.open(request, os.O_WRONLY)  # returns once the command has opened it
    command.send_signal(number)
    _, said = command.communicate(timeout=60)
    os.close(writer)
    assert (command.returncode, said) == (130, "stopped by the user\n")
