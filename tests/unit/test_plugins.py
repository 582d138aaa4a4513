"""What a file adds: a log format, without an edit in `src`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from can_train.dataset.manifest import dataset_dir, load_manifest
from can_train.errors import ConfigError
from can_train.frames.readers.registry import formats
from can_train.frames.store import load_frames
from can_train.plugins import PLUGINS_VARIABLE

TOY = Path(__file__).parents[1] / "plugins" / "toy_format.py"
BUILT_IN = [
    "parquet", "table", "can-train-and-test", "hcrl", "otids", "candump", "candump-console", "trc",
    "crtd", "busmaster", "carbus", "asc", "blf", "mf4", "sqlite", "pcap",
]  # fmt: skip


def prepare(root: Path, *options: str, plugins: str) -> subprocess.CompletedProcess[str]:
    named = ("--modality", "automotive", "--dataset", "mini", "--data-root", str(root / "data"))
    return subprocess.run(
        [sys.executable, "-m", "can_train", "data", "prepare", *named, *options],
        env={**os.environ, PLUGINS_VARIABLE: plugins},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "drive.toy"
    path.write_text("1.5|1C7|0a0B|0\n1.6|7FF||0\n")
    return path


@pytest.mark.parametrize("options", [(), ("--format", "toy")], ids=["by content", "by name"])
def test_toy_format_is_imported(tmp_path: Path, log: Path, options: tuple[str, ...]) -> None:
    done = prepare(tmp_path, "--benign", str(log), *options, plugins=str(TOY))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("mini: 2 distinct training frames in 1 file")
    (recording,) = load_manifest(tmp_path / "data", "automotive", "mini").recordings
    frames = load_frames(dataset_dir(tmp_path / "data", "automotive", "mini"), recording)
    assert frames.arbitration_id.tolist() == [0x1C7, 0x7FF]
    assert frames.payload[0, :3].tolist() == [10, 11, 0]


def test_toy_format_is_unknown_without_its_file(tmp_path: Path, log: Path) -> None:
    done = prepare(tmp_path, "--benign", str(log), "--format", "toy", plugins="")
    assert done.returncode == 5
    assert f"--format toy: no such format. Known: {', '.join(BUILT_IN)}" in done.stderr


def test_toy_format_stands_behind_the_built_in_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(formats()) == BUILT_IN
    monkeypatch.setenv(PLUGINS_VARIABLE, str(TOY))
    assert list(formats()) == [*BUILT_IN, "toy"]


def test_two_formats_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again = tmp_path / "toy_again.py"
    again.write_text(TOY.read_text())
    monkeypatch.setenv(PLUGINS_VARIABLE, os.pathsep.join([str(TOY), str(again)]))
    with pytest.raises(ConfigError) as caught:
        formats()
    assert str(caught.value) == (
        "two log formats are called toy. Rename the one that $CAN_TRAIN_PLUGINS adds, or unset "
        "the variable"
    )


def test_file_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLUGINS_VARIABLE, "/absent/format.py")
    with pytest.raises(ConfigError, match="/absent/format.py isn't a Python file. Name files"):
        formats()


def test_file_that_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import can_train.absent\n")
    monkeypatch.setenv(PLUGINS_VARIABLE, str(broken))
    with pytest.raises(ConfigError, match="can't be loaded .ModuleNotFoundError: No module named"):
        formats()


def test_file_that_raises_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    careless = tmp_path / "careless.py"
    careless.write_text("{}['absent']\n")
    monkeypatch.setenv(PLUGINS_VARIABLE, str(careless))
    with pytest.raises(ConfigError, match=r"careless.py can't be loaded \(KeyError: 'absent'\)"):
        formats()


def test_two_files_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One would take the other's place where dataclasses look their module up."""
    files = [tmp_path / folder / "namesake.py" for folder in "ab"]
    for file in files:
        file.parent.mkdir()
        file.write_text("")
    monkeypatch.setenv(PLUGINS_VARIABLE, os.pathsep.join(map(str, files)))
    with pytest.raises(ConfigError, match=r"a/namesake.py and .*b/namesake.py have one file name"):
        formats()
