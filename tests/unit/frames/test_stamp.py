"""A stamp stands until anything touches the folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from can_train.frames import stamp as module
from can_train.frames.stamp import STAMP, is_stamped, is_written, note_written, stamp

TICK_S = 0.02
"""Longer than clocks of file systems stand still."""


@pytest.fixture
def stamped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "SETTLED_S", -1.0)
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(name.encode())
    assert not is_stamped(tmp_path)
    stamp(tmp_path)
    assert is_stamped(tmp_path)
    return tmp_path


def in_place(file: Path) -> None:
    """The same size, inode and time of modification."""
    before = file.stat()
    with file.open("r+b") as stream:
        stream.write(b"ENO")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    now = file.stat()
    assert (now.st_size, now.st_ino, now.st_mtime_ns) == (
        before.st_size, before.st_ino, before.st_mtime_ns,
    )  # fmt: skip


def replaced(file: Path) -> None:
    content, times = file.read_bytes(), file.stat()
    other = file.with_name("other")
    other.write_bytes(content)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(file)


@pytest.mark.parametrize(
    "touch",
    [
        in_place, replaced, Path.unlink, lambda file: file.write_bytes(b"longer"),
        lambda file: file.with_name("more").write_bytes(b""),
        lambda file: file.with_name(STAMP).unlink(),
        lambda file: file.with_name(STAMP).write_text("{}"),
    ],
)  # fmt: skip
def test_whatever_is_touched_is_looked_at_again(
    stamped: Path, touch: Callable[[Path], object]
) -> None:
    touch(stamped / "one")
    assert not is_stamped(stamped)


def test_what_was_just_written_is_not_trusted(stamped: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "SETTLED_S", 60.0)
    (stamped / STAMP).unlink()
    stamp(stamped)
    assert not is_stamped(stamped)


def test_where_nothing_can_be_written_nothing_is_stamped(stamped: Path, monkeypatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (stamped / STAMP).unlink()
    monkeypatch.setattr(module, "write_json", refused)
    stamp(stamped)
    assert not is_stamped(stamped)


@pytest.mark.parametrize("touch", [in_place, replaced, Path.unlink])
def test_what_this_process_has_written_is_known_until_it_is_touched(
    tmp_path: Path, touch: Callable[[Path], object]
) -> None:
    (tmp_path / "one").write_bytes(b"one")
    assert not is_written(tmp_path)
    note_written(tmp_path)
    assert is_written(tmp_path)
    assert not is_stamped(tmp_path)
    time.sleep(TICK_S)
    touch(tmp_path / "one")
    assert not is_written(tmp_path)
