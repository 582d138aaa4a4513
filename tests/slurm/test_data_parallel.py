"""One stage on several nodes: the weights of one process, and one end for all of them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from can_train.detectors.artifact import load_detector
from tests.slurm.login import COMMON, ONE_GAT, Login, account, slurm, until

NO_DROPOUT = ("--model-args", "dropout=0")
FEW = (*ONE_GAT, *NO_DROPOUT, "--epochs", "2")
MANY = (*ONE_GAT, *NO_DROPOUT, "--epochs", "300")
CLOSE = 2e-6
"""Two epochs of some fifty steps: sums in another order, and an optimiser that divides by them."""


def events(run: Path, name: str) -> list[dict[str, Any]]:
    lines = (run / "logs" / "run.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == name]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_detector(next((run / "models").glob("*.pth"))).network.state_dict()


def tasks(job: str) -> list[tuple[str, int]]:
    """Node and process id of each worker of a job; the virtual nodes are all this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            raw = path.read_bytes().decode(errors="replace").split("\0")
            words = path.with_name("cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        environ = dict(item.split("=", 1) for item in raw if "=" in item)
        if environ.get("SLURM_JOB_ID") == job and "RANK" in environ and b"run" in words:
            found.append((environ["SLURMD_NODENAME"], environ["RANK"], int(path.parent.name)))
    return [(node, pid) for node, _, pid in sorted(found, key=lambda item: item[1])]


def working(login: Login, *words: str) -> tuple[Path, str]:
    """Run and job of `MANY` on two nodes, once it has trained some epochs."""
    login.ok(*MANY, "--nodes", "2", "--submit", *words)
    (row,) = login.rows()
    run = login.run_of("gat")
    login.until_epoch(run, 2)
    return run, row["slurm_job"]


def goes_on_alone(login: Login, run: Path) -> None:
    """What several processes began, one goes on with."""
    until(lambda: not slurm("squeue", "-h", "-n", f"gat-{run.name}"))
    before = len(events(run, "resume"))
    login.ok("resume", login.plan(), "--nodes", "1")
    until(lambda: len(events(run, "resume")) > before)
    assert events(run, "resume")[-1]["epochs_done"] >= 1
    (row,) = login.rows()
    assert slurm("squeue", "-h", "-j", row["slurm_job"], "-o", "%D") == "1"
    slurm("scancel", row["slurm_job"])
    until(lambda: not slurm("squeue", "-h", "-n", f"gat-{run.name}"))


@pytest.mark.slurm
def test_two_nodes_give_what_one_gives(login: Login, tmp_path: Path) -> None:
    here = Login(data=login.data, experiments=tmp_path / "here", teachers=login.teachers)
    here.ok(*FEW)
    login.ok(*FEW, "--nodes", "2", "--submit")
    (row,) = login.until_done()
    assert (row["state"], row["reason"]) == ("finished", "")
    run, alone = login.run_of("gat"), here.run_of("gat")
    assert run.name == alone.name  # the number of processes is no part of what a run is
    assert account(row["slurm_job"], "AllocNodes", "ExitCode") == ["COMPLETED", "2", "0:0"]
    expected = weights(alone)
    for name, value in weights(run).items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=CLOSE)
    summary, one = (json.loads((x / "summary.json").read_text()) for x in (run, alone))
    assert (summary["processes"], one["processes"]) == (2, 1)
    for file in ("logs/metrics.csv", "logs/run.jsonl"):
        lines, same = ((x / file).read_text().count("\n") for x in (run, alone))
        assert lines == same, file
    assert len(events(run, "epoch")) == 2
    log = Path(row["log"]).read_text()
    assert "2 processes train together, by gloo" in log
    assert log.count("epoch 2/2") == 1 and log.count("finished: best epoch") == 1


@pytest.mark.slurm
def test_a_warning_stops_all_after_one_step_and_any_number_goes_on(login: Login) -> None:
    run, job = working(login)
    assert len({node for node, _ in tasks(job)}) == 2
    slurm("scancel", "--batch", "--signal=USR1", job)
    until(lambda: events(run, "resume") != [])  # the warning may have come later than epoch 3
    login.until_epoch(run, 3, restarts=1)
    (place,) = events(run, "resume")
    assert place["epochs_done"] >= 2
    login.ok("cancel", login.plan())
    (row,) = login.until_done()
    assert row["state"] == "cancelled"
    goes_on_alone(login, run)


@pytest.mark.slurm
@pytest.mark.parametrize("rank", [0, 1])
def test_one_that_is_killed_ends_all(login: Login, rank: int) -> None:
    run, job = working(login)
    (_, pid) = tasks(job)[rank]
    os.kill(pid, signal.SIGKILL)
    (row,) = login.until_done(60)
    assert row["state"] == "failed"
    assert account(job)[0] == "FAILED"
    assert not tasks(job)
    assert not list((run / "models").glob("*")), "half of a run"
    if rank:
        assert "another process of the run ended without a word" in row["reason"]
    goes_on_alone(login, run)


@pytest.mark.slurm
def test_a_fusion_takes_one_node(login: Login) -> None:
    done = login.call(
        "pipeline", *COMMON, "--model", "vgae,gat,dqn", "--model-size", "student", "--epochs", "1",
        "--nodes", "2", "--submit",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "a dqn trains in one process" in done.stderr
    rows = login.until_done()
    assert [row["state"] for row in rows] == ["finished"] * 3
    nodes = [account(row["slurm_job"], "AllocNodes")[1] for row in rows]
    assert nodes == ["2", "2", "1"]
    assert (login.run_of("dqn") / "evaluation.json").is_file()
