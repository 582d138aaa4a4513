"""No compiled function outlives the source that it was compiled from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import pytest

from can_train.compiled import SOURCES, digest_of
from can_train.frames.text import lines
from can_train.graphs.kernels import topology

FUNCTION = """\
import numba
from {package}.constants import COLUMN

@numba.njit(cache=True)
def column():
    return COLUMN
"""
PROBE = """\
import can_train.compiled as compiled
from pathlib import Path
compiled.SOURCES = (Path("{package}"),)
if {ours}:
    compiled.keep_compiled_by_source()
from {package}.function import column
print(column())
"""


@pytest.mark.parametrize(("ours", "second"), [(True, 2), (False, 1)], ids=["ours", "numba's own"])
def test_a_constant_of_another_file_reaches_a_compiled_function(
    tmp_path: Path, ours: bool, second: int
) -> None:
    """With numba's own rule the second run still gives the first constant."""
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "function.py").write_text(FUNCTION.format(package="moved"))
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept")}

    def column(value: int) -> int:
        constants = tmp_path / "moved" / "constants.py"
        constants.write_text(f"COLUMN = {value}\n")
        shutil.rmtree(constants.parent / "__pycache__", ignore_errors=True)
        words = [sys.executable, "-c", PROBE.format(package="moved", ours=ours)]
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert [column(1), column(2)] == [1, second]


def test_every_source_counts(tmp_path: Path) -> None:
    for folder in SOURCES:
        shutil.copytree(folder, tmp_path / folder.name)
    copies = [tmp_path / folder.name for folder in SOURCES]
    before = digest_of(copies)
    assert before == digest_of(SOURCES)
    features = tmp_path / "graphs" / "features.py"
    features.write_text(features.read_text() + "\n# moved\n")
    after = digest_of(copies)
    assert after != before
    features.rename(features.with_name("columns_moved.py"))
    assert digest_of(copies) not in {before, after}


def test_our_functions_lie_below_that_name() -> None:
    name = f"compiled-{digest_of(SOURCES)[:16]}"
    assert Path(vars(numba.config)["CACHE_DIR"]).name == name
    functions: tuple[Any, ...] = (lines.put, topology.has_reverse)
    for function in functions:
        assert name in Path(function.stats.cache_path).parts
