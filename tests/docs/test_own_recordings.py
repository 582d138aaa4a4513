"""The guide to own recordings: its commands, copied as they stand, do what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from can_train.cli.main import main
from can_train.dataset.manifest import load_manifest
from tests.docs.test_examples import ROOT, commands_in

PAGE = (ROOT / "docs/guides/own-recordings.md").read_text("utf-8")
COMMANDS = [each for each in commands_in(PAGE, fenced=True) if each.startswith("can-train data ")]
SHOWN = re.search(r"^```\n(logs/normal/drive.csv: .*?)```$", PAGE, re.MULTILINE | re.DOTALL)

FRAMES = 500
IDS = [0x100 + 7 * k for k in range(20)]
GVRET = "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8"
LABELLED = "timestamp,arbitration_id,data_field,attack"
ATTACKED = range(200, 260)


def write(path: Path, header: str, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((header, *rows, "")))


def plain(start_s: float, attacked: range) -> list[str]:
    return [
        f"{start_s + k / 1000:.6f},{IDS[k % 20]:03X},{k % 256:02X}00,{int(k in attacked)}"
        for k in range(FRAMES)
    ]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the guide names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAN_TRAIN_HOME", str(tmp_path / "home"))
    gvret = [f"{k * 1000},{IDS[k % 20]:08X},false,Rx,0,8{f',{k % 256:02X}' * 8}"
             for k in range(FRAMES)]  # fmt: skip
    write(tmp_path / "logs/normal/drive.csv", GVRET, gvret)
    write(tmp_path / "logs/attacks/DoS-mycar.csv", LABELLED, plain(1e9, ATTACKED))
    write(tmp_path / "logs/later/DoS-mycar.csv", LABELLED, plain(2e9, ATTACKED))
    write(tmp_path / "logs/drive.csv", "time,id,data,marker", plain(3e9, ATTACKED))
    write(tmp_path / "attacks.csv", "frame", [str(k) for k in ATTACKED])
    return tmp_path / "home"


def test_every_data_command_of_the_guide_works(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {command.split()[2] for command in COMMANDS} == {"sniff", "prepare", "inspect", "export"}
    outputs = []
    for command in COMMANDS:
        assert main(shlex.split(command)[1:]) == 0, (command, capsys.readouterr())
        outputs.append(capsys.readouterr().out)
    assert SHOWN is not None
    assert outputs[0] == SHOWN[1]
    manifest = load_manifest(home / "data", "automotive", "mycar")
    attacked = {each.scenario[:8]: each.attack_frames for each in manifest.recordings}
    assert attacked["train_02"] == len(ATTACKED)
    assert len(list(Path("mycar_logs").rglob("*.log"))) == len(manifest.recordings)
