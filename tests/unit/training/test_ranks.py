"""Processes that train one run together: one writes, and one end for all."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from can_train.config.schema import RunConfig
from can_train.errors import ConfigError
from can_train.runs.processes import several
from can_train.runs.state import read_status
from can_train.training.ranks import Ranks
from tests.lab import Lab
from tests.ranks import calling, ended, environment, started

pytestmark = pytest.mark.slow

RUN = ("-m", "can_train", "run", "--frozen-config")


def long_run(lab: Lab, seed: int) -> RunConfig:
    config = lab.config("gat", seed=seed)
    return replace(config, training=replace(config.training, epochs=5_000, patience=5_000))


def until(condition: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def has_trained(run: Path, epochs: int) -> bool:
    status = read_status(run)
    return status is not None and status.state == "running" and status.epoch >= epochs


def events(run: Path, name: str) -> list[dict[str, Any]]:
    lines = (run / "logs" / "run.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == name]


def test_the_first_process_alone_writes(lab: Lab) -> None:
    config = lab.config("gat", seed=21)
    path, run = lab.frozen(config), lab.run_of(config)
    with started(2, [*RUN, str(path)]) as processes:
        (first, log), (second, other) = ended(processes)
    assert (first, second) == (0, 0), log + other
    assert "2 processes train together, by gloo" in log
    assert not [line for line in other.splitlines() if "[W" not in line], "the second one spoke"
    status = read_status(run)
    assert status is not None and status.state == "finished" and status.exit_code == 0
    assert json.loads((run / "summary.json").read_text())["processes"] == 2
    assert len(events(run, "start")) == 1 and len(events(run, "epoch")) == 2
    again = lab.train(replace(config, seed=22))
    names = [sorted(x.relative_to(at) for x in at.rglob("*.pt*")) for at in (run, again)]
    assert names[0] == names[1]
    with started(2, [*RUN, str(path)]) as processes:  # nothing is left to do, and nobody waits
        assert [code for code, _ in ended(processes)] == [0, 0]


def test_a_wish_of_any_process_stops_all_and_one_goes_on(lab: Lab) -> None:
    config = long_run(lab, 23)
    path, run = lab.frozen(config), lab.run_of(config)
    with started(2, [*RUN, str(path)]) as processes:
        until(lambda: has_trained(run, 3))
        processes[1].send_signal(signal.SIGUSR1)
        (first, log), (second, other) = ended(processes)
    assert (first, second) == (1, 0), log + other
    status = read_status(run)
    assert status is not None
    assert (status.state, status.message) == (
        "cancelled",
        "stopped at a step, its position is saved",
    )
    with started(1, [*RUN, str(path)]) as processes:
        until(lambda: bool(events(run, "resume")) and has_trained(run, status.epoch + 1))
        processes[0].send_signal(signal.SIGUSR1)
        ended(processes)
    assert events(run, "resume")[-1]["epochs_done"] == status.epoch


@pytest.mark.parametrize("killed", [0, 1])
def test_one_that_is_killed_ends_the_other(lab: Lab, killed: int) -> None:
    config = long_run(lab, 24 + killed)
    run = lab.run_of(config)
    with started(2, [*RUN, str(lab.frozen(config))]) as processes:
        until(lambda: has_trained(run, 2))
        processes[killed].kill()
        codes = [code for code, _ in ended(processes)]
    # The first process keeps the store of all: without it a thread of gloo may end the other one.
    others = {1} if killed else {1, -signal.SIGABRT}
    assert codes[killed] == -signal.SIGKILL and codes[1 - killed] in others
    assert not list((run / "models").glob("*"))
    status = read_status(run)
    if killed:
        assert status is not None and status.state == "failed"
        assert "another process of the run ended without a word" in status.message


def test_the_first_process_ends_with_the_reason_of_the_other() -> None:
    with started(2, calling("lonely")) as processes:
        (_, first), (_, second) = ended(processes)
    assert "DataError: process 2 of 2 on " in first
    assert first.rstrip().endswith("no such dataset here")
    assert "DataError: no such dataset here" in second


def test_a_launcher_that_says_too_little_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = environment(0, 2, 1234)
    assert several(variables) and not several({}) and not several({"WORLD_SIZE": "1"})
    for name in ("RANK", "MASTER_PORT"):
        with pytest.raises(ConfigError, match=rf"\${name}: '' isn't a number.*unset WORLD_SIZE"):
            Ranks({key: value for key, value in variables.items() if key != name})


def test_a_fusion_says_that_it_takes_one_process(lab: Lab) -> None:
    config = replace(lab.fusion(), seed=26)
    with started(2, [*RUN, str(lab.frozen(config))]) as processes:
        (first, log), (second, _) = ended(processes)
    assert (first, second) == (2, 0)
    assert "dqn trains in one process, and 2 were started. Use: --nodes 1" in log
