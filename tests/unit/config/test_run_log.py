"""`run.jsonl`: every event comes back, and what is whole can be read whenever its writer dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from can_train.config.run_log import append_event, read_events
from can_train.errors import ArtifactError
from can_train.runs.events import (
    EVENTS,
    DatasetStatistics,
    EnergyUsed,
    EpochEnded,
    EpochResources,
    Event,
    RunFinished,
    RunInterrupted,
    RunResumed,
    RunStarted,
    SideStatistics,
    Spread,
)
from can_train.runs.layout import run_log

SAMPLES: tuple[Event, ...] = (
    RunStarted(
        parameters=7, distillation="with-kd", parents={"teacher": "ab" * 32}, epochs=3,
        batch_size=16, device="cpu",
    ),
    DatasetStatistics(
        sides={"train": SideStatistics(windows=9, attacks=2, attack_kinds={"DoS": 2})},
        nodes=Spread(mean=4.5, p95=6.0, max=7),
        edges=Spread(mean=14.5, p95=16.0, max=17),
        shared_frames=0,
    ),
    RunResumed(epochs_done=1, steps_done=4),
    EpochEnded(epoch=1, best=True, figures={"total": 0.5, "val_loss": 2.0}),
    EpochResources(epoch=1, seconds=0.25, windows_per_s=8.0, host_mib=300.5, host_share=0.01),
    EnergyUsed(cpu_kj=1.5, gpu_kj=None),
    RunFinished(artifact_sha256="cd" * 32, best_epoch=1),
    RunInterrupted(reason="failed", message="no room"),
)  # fmt: skip

WRITER = """\
import sys
from pathlib import Path
from can_train.config.run_log import append_event
from can_train.runs.events import EpochEnded
for epoch in range(10**9):
    figures = {f"a figure with a long name {number}": epoch + number / 7 for number in range(400)}
    append_event(Path(sys.argv[1]), EpochEnded(epoch=epoch, best=False, figures=figures))
"""


def test_there_is_a_sample_of_every_event() -> None:
    assert {type(sample) for sample in SAMPLES} == set(EVENTS.values())


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_as_it_was(event: Event, tmp_path: Path) -> None:
    before = time.time()
    append_event(tmp_path, event)
    (line,) = run_log(tmp_path).read_text().splitlines()
    assert EVENTS[json.loads(line)["event"]] is type(event)
    (logged,) = read_events(tmp_path)
    assert logged.event == event
    assert before - 0.001 <= logged.time <= time.time() + 0.001


def test_a_run_that_has_not_begun_has_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path) == []


def test_what_a_killed_writer_left_is_read_to_its_last_event_and_goes_on(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-P", "-c", WRITER, str(tmp_path)])
    path = run_log(tmp_path)
    while not path.exists() or path.stat().st_size < 200_000:
        assert writer.poll() is None
        time.sleep(0.01)
    writer.kill()
    assert writer.wait() == -signal.SIGKILL
    found = [logged.event for logged in read_events(tmp_path)]
    assert [event.epoch for event in found if isinstance(event, EpochEnded)] == [*range(len(found))]
    os.truncate(path, path.stat().st_size - 100)  # as if it had died in the middle of a line
    assert [logged.event for logged in read_events(tmp_path)] == found[:-1]
    append_event(tmp_path, RunResumed(epochs_done=1, steps_done=0))
    assert [e.event for e in read_events(tmp_path)] == [
        *found[:-1],
        RunResumed(epochs_done=1, steps_done=0),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"time": 1.0}', "'event'"),
        ("half of a li", "Expecting value"),
        ('"text"', "pop"),
        ('{"time": 1.0, "event": "dance"}', "'dance'"),
        ('{"time": 1.0, "event": "resume", "epochs_done": 1}', "steps_done: missing key"),
        (
            '{"time": 1.0, "event": "epoch", "epoch": 1, "best": true, "figures": [1]}',
            "figures: expected an object",
        ),
        (
            '{"time": 1.0, "event": "epoch", "epoch": 1, "best": true, "figures": {"a": "b"}}',
            "figures.a: 'b'",
        ),
    ],
)
def test_a_damaged_line_is_named(line: str, why: str, tmp_path: Path) -> None:
    append_event(tmp_path, SAMPLES[2])
    with run_log(tmp_path).open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(ArtifactError, match=f"run.jsonl:2: not an event .*{why}"):
        read_events(tmp_path)
