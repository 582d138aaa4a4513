"""No compiled function outlives the source that it was compiled from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numba.core.errors import TypingError
from numpy.typing import NDArray

import can_train
from can_train.compiled import SOURCES, borrowed, compiled, folder_for

FUNCTION = """\
from can_train.compiled import compiled
from moved.constants import COLUMN

@compiled()
def column():
    return COLUMN
"""
PROBE = """\
import numba
from pathlib import Path
from can_train.compiled import folder_for

numba.config.CACHE_DIR = str(folder_for([Path("moved")])) if {ours} else "kept"
from moved.function import column
print(column())
"""


@pytest.mark.parametrize(("ours", "second"), [(True, 2), (False, 1)], ids=["ours", "numba's own"])
def test_a_constant_of_another_file_reaches_a_compiled_function(
    tmp_path: Path, ours: bool, second: int
) -> None:
    """With numba's own rule the second run still gives the first constant."""
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "function.py").write_text(FUNCTION)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept")}

    def column(value: int) -> int:
        constants = tmp_path / "moved" / "constants.py"
        constants.write_text(f"COLUMN = {value}\n")
        shutil.rmtree(constants.parent / "__pycache__", ignore_errors=True)
        words = [sys.executable, "-c", PROBE.format(ours=ours)]
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert [column(1), column(2)] == [1, second]


def test_every_source_counts(tmp_path: Path) -> None:
    for folder in SOURCES:
        shutil.copytree(folder, tmp_path / folder.name)
    copies = [tmp_path / folder.name for folder in SOURCES]
    before = folder_for(copies)
    assert before == folder_for(SOURCES)
    features = tmp_path / "graphs" / "features.py"
    features.write_text(features.read_text() + "\n# moved\n")
    after = folder_for(copies)
    assert after != before
    features.rename(features.with_name("columns_moved.py"))
    assert folder_for(copies) not in {before, after}


def test_all_compiled_functions_are_below_the_sources_and_made_by_us() -> None:
    package = Path(can_train.__file__).parent
    for path in package.rglob("*.py"):
        source = path.read_text("utf-8")
        if path.name != "compiled.py":
            assert "njit" not in source and "numba.jit" not in source, path
            assert "@compiled(" not in source or any(f in path.parents for f in SOURCES), path


@pytest.mark.parametrize("module", ["graphs.slots", "graphs.counts", "frames.text.lines"])
def test_each_module_alone_keeps_its_functions_there(module: str) -> None:
    code = (
        f"import can_train.{module} as m; "
        "print(*{f.stats.cache_path for f in vars(m).values() if hasattr(f, 'py_func')})"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    folders = done.stdout.split()
    assert folders
    assert all(folder_for(SOURCES).name in Path(folder).parts for folder in folders)


class Rows(NamedTuple):
    """Rows of numbers, and what they are multiplied with."""

    rows: NDArray[np.float64]
    factor: int


@compiled()
def row_sums(counted: Rows, sums: NDArray[np.float64]) -> None:
    given = borrowed(counted)
    for i in range(len(sums)):
        row = given.rows[i]
        sums[i] = given.factor * row.sum()


@compiled()
def letters(word: str) -> int:
    return len(borrowed(word))


def test_what_is_borrowed_is_the_same_memory_and_stays_its_owners() -> None:
    rows, sums = np.arange(6.0).reshape(3, 2), np.zeros(3)
    before = sys.getrefcount(rows)
    for _ in range(3):
        row_sums(Rows(rows, 2), sums)
    assert sums.tolist() == [2.0, 10.0, 18.0]
    assert sys.getrefcount(rows) == before


def test_only_arrays_and_numbers_can_be_borrowed() -> None:
    with pytest.raises(TypingError, match="can't be borrowed"):
        letters("abc")
