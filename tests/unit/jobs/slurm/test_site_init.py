"""The first site profile, from what the cluster says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.config.schema import Resources
from can_train.errors import PreflightError
from can_train.jobs.slurm.site import load_site
from can_train.jobs.slurm.site_init import first_profile, write_first_profile
from tests.unit.jobs.fake_slurm import FakeSlurm


def test_a_first_profile_says_what_the_cluster_has(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    fake_slurm.answers("sinfo", "cpu*|7-00:00:00|4|8000|(null)\ngpu|1:00:00|8|16000|gpu:v100:2\n")
    fake_slurm.answers("sacctmgr", "lab\nroot\n")
    path = tmp_path / "folder" / "site.toml"
    write_first_profile(path)
    site = load_site(str(path))
    assert site.login_node and site.setup == ()
    assert site.defaults == Resources(partition="cpu", account="lab")
    assert "#   gpu: 1:00:00, 8, 16000, gpu:v100:2\n" in path.read_text()
    with pytest.raises(PreflightError, match="is there already"):
        write_first_profile(path)
    fake_slurm.answers("sacctmgr", "You are not running a supported accounting_storage plugin", 1)
    assert "account" not in first_profile().partition("[defaults]")[2]
