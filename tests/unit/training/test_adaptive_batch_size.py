"""The records behind learned factors: many writers, killed ones, full disks, coarser keys."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import resource
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.config.batch_factors import load_factors
from can_train.files import sha256_of
from can_train.training.adaptive_batch_size import (
    KEPT_RUNS,
    FactorRecord,
    SafetyFactorDatabase,
)
from tests.unit.training.test_safety_factor import KEY

FACTORS = load_factors()
WRITERS, RECORDS, KILLED = 20, 50, 5


def finished(run: str, share: float, **changes) -> FactorRecord:
    whole = FactorRecord(
        run=run, kind="finished", key=KEY, windows=64, factor=0.55, peak_share=share
    )
    return replace(whole, **changes)


@pytest.fixture
def database(tmp_path: Path) -> SafetyFactorDatabase:
    return SafetyFactorDatabase(tmp_path)


def test_nothing_learned_is_the_hand_set_factor(database: SafetyFactorDatabase) -> None:
    found = database.factor(KEY, FACTORS)
    assert (found.value, found.source) == (0.55, "hand-set")
    unknown = database.factor(replace(KEY, dataset="mycar"), FACTORS)
    assert (unknown.value, unknown.source) == (0.50, "default")


def test_a_run_counts_once_by_its_largest_peak(database: SafetyFactorDatabase) -> None:
    for share in (0.2, 0.6, 0.4):
        database.record(finished("a", share, kind="peak"))
    assert database.factor(KEY, FACTORS).source == "hand-set"  # it may still run out of memory
    database.record(finished("a", 0.5))
    found = database.factor(KEY, FACTORS)
    assert found.value == pytest.approx(0.55 + 0.3 * (0.9 - 0.6) * 0.3)
    assert (found.source, found.detail) == ("learned", "1 run of the same kind of run")


def test_a_run_that_ran_out_of_memory_lowers_it_each_time_and_its_peak_is_left_out(
    database: SafetyFactorDatabase,
) -> None:
    database.record(finished("a", 0.99, kind="out of memory"))
    assert database.factor(KEY, FACTORS).value == pytest.approx(0.40)  # at once, while it goes on
    database.record(finished("a", 0.3))
    assert database.factor(KEY, FACTORS).value == pytest.approx(0.40)


def test_a_peak_of_a_batch_that_something_else_decided_says_nothing(
    database: SafetyFactorDatabase,
) -> None:
    database.record(finished("a", 0.1, decides=False))
    assert database.factor(KEY, FACTORS).source == "hand-set"
    database.record(finished("b", 0.1, decides=False, kind="out of memory"))
    assert database.factor(KEY, FACTORS).value == pytest.approx(0.40)


def test_only_the_latest_runs_count(database: SafetyFactorDatabase) -> None:
    for number in range(KEPT_RUNS):
        database.record(finished(f"old{number}", 0.1))
    assert database.factor(KEY, FACTORS).value == 0.8
    for number in range(KEPT_RUNS):
        database.record(finished(f"new{number}", 0.9))  # on the target: moves nothing
    assert database.factor(KEY, FACTORS).value == pytest.approx(0.55)


def test_a_new_combination_takes_what_coarser_ones_learned(database: SafetyFactorDatabase) -> None:
    database.record(finished("a", 0.4, key=replace(KEY, training_strategy="curriculum")))
    found = database.factor(KEY, FACTORS)
    assert found.detail == "1 run of any strategy" and found.value > 0.55
    vgae = replace(KEY, model="vgae", training_strategy="autoencoder")
    assert database.factor(vgae, FACTORS).detail == "1 run of any model"
    database.record(finished("b", 0.9, key=vgae))
    assert database.factor(vgae, FACTORS).detail == "1 run of the same kind of run"
    taught = replace(KEY, distillation="with-kd")
    assert database.factor(taught, FACTORS).source == "hand-set"


def test_a_line_that_was_cut_off_costs_that_line_alone(database: SafetyFactorDatabase) -> None:
    database.record(finished("a", 0.4))
    (path,) = database.folder.iterdir()
    whole = path.read_bytes()
    for length in (len(whole) - 2, len(whole) // 2, 3):
        path.write_bytes(whole[:length])
        assert database.records() == ()
        database.record(finished("b", 0.4))
        assert [record.run for record in database.records()] == ["b"]


DAMAGE = {
    "of a newer version": {"version": 2, "what": "ever"},
    "without a key": {"key": None},
    "with a key of another kind": {"key": {"dataset": "hcrl_sa"}},
    "with an unknown field": {"what": "ever"},
    "with a time that is none": {"time": "now"},
    "with a peak that is no number": {"peak_share": float("nan")},
    "with a peak that can't be": {"peak_share": -0.5},
    "with an unknown kind": {"kind": "else"},
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_record_costs_that_record_alone(
    database: SafetyFactorDatabase, damage: str
) -> None:
    database.record(finished("a", 0.4))
    (path,) = database.folder.iterdir()
    line = json.dumps(json.loads(path.read_text()) | DAMAGE[damage])
    with path.open("a") as file:
        file.write(f"{line}\n[1, 2]\n\0\0\0\n{'[' * 100_000}\n")
    assert [record.run for record in database.records()] == ["a"]
    assert database.factor(KEY, FACTORS).source == "learned"


def test_records_that_may_not_be_read_are_left_out_and_told(
    database: SafetyFactorDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    database.record(finished("a", 0.4))
    (database.folder / "of-another-user.jsonl").mkdir()  # read by nobody, not even by root
    assert [record.run for record in database.records()] == ["a"]
    assert "of-another-user.jsonl: left out (Is a directory)" in caplog.text


def test_a_full_disk_costs_the_record_and_not_the_run(
    database: SafetyFactorDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    database.record(finished("a", 0.4))
    (path,) = database.folder.iterdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
    try:
        assert not database.record(finished("b", 0.4))  # its first 20 bytes are written
        assert not database.record(finished("c", 0.4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert "not recorded (File too large)" in caplog.text
    assert database.record(finished("d", 0.4))
    assert [record.run for record in database.records()] == ["a", "d"]


def test_what_many_commands_see_is_recorded_once(database: SafetyFactorDatabase) -> None:
    record = finished("a", 0.9, kind="out of memory")
    assert [database.record_once(record, "a-job-7") for _ in range(3)] == [True, False, False]
    assert len(database.records()) == 1


def test_reset_forgets_one_dataset_or_all(database: SafetyFactorDatabase) -> None:
    database.record(finished("a", 0.4))
    database.record(finished("b", 0.4, key=replace(KEY, dataset="set_01")))
    newer = database.folder / "set_02-newer.jsonl"
    newer.write_text('{"version": 2}\n')
    assert database.reset("set_01") == 1
    assert newer.exists()
    assert [record.run for record in database.records()] == ["a"]
    killed = finished("c", 0.9, kind="out of memory")
    assert database.record_once(killed, "c-1")
    assert database.reset() == 2
    assert database.records() == ()
    assert not database.record_once(killed, "c-1")  # the run still stands there, killed
    assert database.record_once(killed, "c-2")


def write_many(root: str, number: int, ready, kill_at: int) -> None:
    """Writes the records of one job; one to be killed dies in the middle of a line."""
    database = SafetyFactorDatabase(Path(root))
    ready.wait()
    for count in range(RECORDS):
        if count == kill_at:
            (path,) = database.folder.glob(f"*-{os.getpid()}-*")
            with path.open("ab") as file:
                file.write(b'\n{"version": 1, "run": "cut')
            os.kill(os.getpid(), signal.SIGKILL)
        database.record(finished(f"{number}-{count}", 0.5))


def test_twenty_writers_at_once_of_which_five_are_killed(
    database: SafetyFactorDatabase, repo_root: Path
) -> None:
    hand_set_file = repo_root / "config" / "batch_size_factors.json"
    before = sha256_of(hand_set_file)
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    root = str(database.folder.parent)
    kills = [10 * (n + 1) if n < KILLED else RECORDS for n in range(WRITERS)]
    kills[KILLED - 1] = RECORDS - 1
    jobs = [
        context.Process(target=write_many, args=(root, n, ready, kill_at))
        for n, kill_at in enumerate(kills)
    ]
    for job in jobs:
        job.start()
    ready.set()
    for job in jobs:
        job.join()
    with contextlib.ExitStack() as closing:
        for job in jobs:
            closing.callback(job.close)
        codes = [job.exitcode for job in jobs]
    assert codes == [-signal.SIGKILL] * KILLED + [0] * (WRITERS - KILLED)
    expected = {f"{n}-{count}" for n in range(WRITERS) for count in range(kills[n])}
    assert {record.run for record in database.records()} == expected
    assert len(database.records()) == len(expected)
    assert sha256_of(hand_set_file) == before
