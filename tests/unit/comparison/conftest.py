"""An experiment root to make runs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.comparison.runs_for_tests import Made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)
