"""The test cluster itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.slurm.login import CLUSTER, cluster


@pytest.mark.slurm
def test_a_daemon_holds_nothing_of_who_starts_it_open(tmp_path: Path) -> None:
    cluster("stop", "dbd")
    with (tmp_path / "lock").open("w") as lock:
        # Run from a command that holds a lock, a daemon would hold it as long as it lives.
        command = [str(CLUSTER), "start", "dbd"]
        subprocess.run(command, check=True, capture_output=True, pass_fds=[lock.fileno()])
    conf = subprocess.run([str(CLUSTER), "path"], check=True, capture_output=True, text=True)
    pid = Path(conf.stdout.strip()).with_name("dbd.pid").read_text().strip()
    files = [os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
    assert files and not [file for file in files if file.startswith(str(tmp_path))]
