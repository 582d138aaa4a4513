"""Files are whole or absent, whenever a writer ends; locks and links between real processes."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import Timeout

from can_train import files
from can_train.errors import ArtifactError
from can_train.files import (
    PARTIAL,
    copy_file,
    link_exclusively,
    lock,
    partial_name,
    point_link,
    read_object,
    sha256_of,
    write_json,
    write_text,
    writing,
    writing_folder,
)

HALFWAY = """
import sys, time
from pathlib import Path
from can_train.files import writing, writing_folder
path = Path(sys.argv[1])
if sys.argv[2] == "file":
    with writing(path) as stream:
        stream.write(b"new" * 100_000)
        stream.flush()
        print("halfway", flush=True)
        time.sleep(60)
with writing_folder(path) as folder:
    (folder / "part").write_bytes(b"new")
    print("halfway", flush=True)
    time.sleep(60)
"""
HOLD = """
import sys, time
from pathlib import Path
from can_train.files import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
LINK = """
import sys
from pathlib import Path
from can_train.files import link_exclusively
sys.stdin.read()
print(link_exclusively(Path(sys.argv[1]), sys.argv[2]))
"""


def started(script: str, *words: str) -> subprocess.Popen[str]:
    """A process that has said its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() != ""
    return process


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_partial_names_are_hidden_beside_their_target_and_different(tmp_path: Path) -> None:
    first, second = partial_name(tmp_path / "a.json"), partial_name(tmp_path / "a.json")
    assert first.parent == tmp_path and first != second
    assert first.name.startswith(f"{PARTIAL}a.json-") and PARTIAL.startswith(".")


def test_a_file_appears_when_its_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "made" / "a.bin"
    with writing(path, mode=0o600) as stream:
        stream.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(path.parent) == ["a.bin"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), writing(path) as stream:
        stream.write(b"new")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    killed(started(HALFWAY, str(path), "file"))
    assert path.read_bytes() == b"old"
    (left,) = set(names(tmp_path)) - {"a.bin"}
    assert left.startswith(f"{PARTIAL}a.bin-")
    write_text(path, "newer")
    assert path.read_text() == "newer"


def test_a_folder_appears_when_its_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "made"
    with writing_folder(path) as folder:
        (folder / "part").write_text("new")
        assert not path.exists()
    assert (path / "part").read_text() == "new"
    with pytest.raises(RuntimeError), writing_folder(tmp_path / "other") as folder:
        raise RuntimeError
    assert names(tmp_path) == ["made"]


@pytest.mark.parametrize("system", ["Linux", "another"])
def test_every_file_of_a_folder_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    synced, fsync = [], os.fsync

    def seen(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        assert not (tmp_path / "folder").exists()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    if system == "another":
        monkeypatch.setattr(files, "_begin_to_write", lambda: None)
    with writing_folder(tmp_path / "folder") as folder:
        for name in ("a", "b", "c"):
            (folder / name).write_bytes(b"content" * 1000)
        (folder / "inner").mkdir()
    written = {path.stat().st_ino for path in (tmp_path / "folder").iterdir() if path.is_file()}
    assert set(synced) == written and len(synced) == 3


def test_what_can_be_missed_is_whole_but_not_brought_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    write_text(tmp_path / "note", "text", synced=False)
    assert (tmp_path / "note").read_text() == "text"
    assert [path.name for path in tmp_path.iterdir()] == ["note"]
    assert synced == []
    write_text(tmp_path / "note", "text")
    assert len(synced) == 1


def test_the_folder_that_was_there_first_stays(tmp_path: Path) -> None:
    path = tmp_path / "made"
    with writing_folder(path) as folder:
        (folder / "part").write_text("second")
        path.mkdir()
        (path / "part").write_text("first")
    assert (path / "part").read_text() == "first"
    assert names(tmp_path) == ["made"]


def test_a_builder_that_is_killed_leaves_no_folder(tmp_path: Path) -> None:
    killed(started(HALFWAY, str(tmp_path / "made"), "folder"))
    (left,) = names(tmp_path)
    assert left.startswith(f"{PARTIAL}made-")


def test_a_copy_has_the_content_and_is_a_file_of_its_own(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "folder" / "target"
    source.write_bytes(bytes(range(256)) * 1000)
    copy_file(source, target)
    assert sha256_of(target) == sha256_of(source)
    source.write_bytes(b"changed")
    assert target.stat().st_size == 256_000
    with pytest.raises(FileNotFoundError):
        copy_file(tmp_path / "none", target)
    assert target.stat().st_size == 256_000


def test_one_of_many_processes_creates_a_file_exclusively(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LINK, str(path), str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(4)
    ]  # fmt: skip
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()  # all of them wait for this
    answers = []
    for process in processes:
        assert process.stdout is not None
        with process, process.stdout:
            answers.append(process.stdout.read().strip())
    assert sorted(answers) == ["False", "False", "False", "True"]
    assert path.read_text() == str(answers.index("True"))
    assert not link_exclusively(path, "later")
    assert path.read_text() == str(answers.index("True"))
    assert names(tmp_path) == ["claim"]


def test_a_link_is_pointed_elsewhere_in_one_step(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        point_link(tmp_path / "latest", name)
        assert (tmp_path / "latest").resolve() == tmp_path / name
    assert names(tmp_path) == ["latest", "one", "two"]


def test_a_lock_keeps_other_processes_out_until_its_own_ends(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.lock"
    holder = started(HOLD, str(path))
    with pytest.raises(Timeout):
        lock(path).acquire(blocking=False)
    killed(holder)
    with lock(path).acquire(timeout=10):
        other = subprocess.run(
            [sys.executable, "-c", HOLD.replace("with lock(Path(sys.argv[1])):",
             "with lock(Path(sys.argv[1])).acquire(blocking=False):"), str(path)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert "Timeout" in other.stderr


def test_json_comes_back_and_damage_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"b": 1, "a": [0.1]})
    assert read_object(path) == {"a": [0.1], "b": 1}
    with pytest.raises(ValueError, match="Out of range"):
        write_json(path, {"a": float("nan")})
    assert read_object(path) == {"a": [0.1], "b": 1}
    for damage, says in (("[1]", "expected a JSON object"), ("{", "not JSON")):
        path.write_text(damage)
        with pytest.raises(ArtifactError, match=rf"a\.json: {says}"):
            read_object(path)


def test_hashes_are_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    assert sha256_of(path) == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(ArtifactError, match="none: can't be read"):
        sha256_of(tmp_path / "none")
