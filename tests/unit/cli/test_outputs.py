"""Outputs that can't be written are refused before the work for them is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.cli.outputs import require_writable, writing_for
from can_train.errors import PreflightError


def test_only_the_folder_that_is_named_is_made(tmp_path: Path) -> None:
    require_writable("--out", tmp_path / "new", folder=True)
    require_writable("--out", tmp_path, folder=True)
    for folder in (False, True):
        with pytest.raises(PreflightError, match=r"new doesn't exist\). Give another place"):
            require_writable("--csv", tmp_path / "new" / "x.csv", folder=folder)
    assert not list(tmp_path.iterdir())


def test_a_folder_or_something_below_a_file_cannot_be_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PreflightError) as caught:
        require_writable("--csv", tmp_path)
    assert str(caught.value) == (
        f"--csv {tmp_path}: can't be written (it is a folder). Give another place"
    )
    for folder in (False, True):
        with pytest.raises(PreflightError, match="file is no folder"):
            require_writable("--csv", tmp_path / "file" / "x.csv", folder=folder)


def test_a_failing_write_names_its_option() -> None:
    with (
        pytest.raises(PreflightError, match=r"--csv x.csv: can't be written \(No space left"),
        writing_for("--csv", Path("x.csv")),
    ):
        raise OSError(28, "No space left on device")
