"""Energy from counters that begin anew, from nvidia-smi, and silence where nobody tells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from can_train.config.run_log import read_events
from can_train.runs.events import EnergyUsed
from can_train.training.energy import EnergyMeter, gpu_power_w

RANGE_UJ = 1_000_000_000


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def counter(powercap: Path, name: str, says: int, what: str = "package-0") -> Path:
    domain = powercap / name
    domain.mkdir(parents=True, exist_ok=True)
    (domain / "name").write_text(f"{what}\n")
    (domain / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    (domain / "energy_uj").write_text(f"{says}\n")
    return domain / "energy_uj"


def events(run: Path) -> list[object]:
    return [logged.event for logged in read_events(run)]


@pytest.mark.usefixtures("alone")
def test_a_run_pays_its_share_of_the_packages(tmp_path: Path) -> None:
    powercap, run = tmp_path / "powercap", tmp_path / "run"
    first = counter(powercap, "intel-rapl:0", 900_000_000)
    second = counter(powercap, "intel-rapl:1", 0, "package-1")
    part = counter(powercap, "intel-rapl:0:0", 0, "core")
    whole = counter(powercap, "intel-rapl:2", 0, "psys")
    with EnergyMeter(run, os.cpu_count() or 1, powercap):
        first.write_text("100000000")  # it began anew
        for other in (second, part, whole):
            other.write_text("300000000")
    assert events(run) == [EnergyUsed(cpu_kj=0.5, gpu_kj=None)]
    with EnergyMeter(run, (os.cpu_count() or 1) * 8, powercap):
        second.write_text("400000000")
    assert events(run)[1:] == [EnergyUsed(cpu_kj=0.1, gpu_kj=None)]


@pytest.mark.usefixtures("alone")
def test_a_machine_that_tells_nothing_is_not_asked(tmp_path: Path) -> None:
    counter(tmp_path / "powercap", "intel-rapl:0", 0).unlink()
    with EnergyMeter(tmp_path / "run", 1, tmp_path / "powercap"):
        pass
    assert gpu_power_w() is None and not (tmp_path / "run").exists()


def test_the_power_of_several_gpus_is_added(alone: Path, tmp_path: Path) -> None:
    smi = alone / "nvidia-smi"
    smi.write_text('#!/bin/sh\ncase "$*" in *power.draw*) echo 60.5; echo 40.0;; esac\n')
    smi.chmod(0o755)
    assert gpu_power_w() == 100.5
    with EnergyMeter(tmp_path / "run", 1, tmp_path / "none"):
        pass
    (used,) = events(tmp_path / "run")
    assert isinstance(used, EnergyUsed) and used.cpu_kj is None and used.gpu_kj is not None
    smi.write_text("#!/bin/sh\necho '[N/A]'\n")
    assert gpu_power_w() is None
