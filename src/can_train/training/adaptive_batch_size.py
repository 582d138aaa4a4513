"""What runs have learned about safety factors: records in files that only grow (stdlib only).

Each process appends to a file of its own, a line per record, so jobs never wait for each other and
no file needs a lock, on network disks neither. Reading adds all files up. A line that a killed
writer or a full disk cut off, or a disk damaged, is no record, and is left out.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from can_train.config.batch_factors import HandSetFactors
from can_train.config.codec import from_plain
from can_train.errors import ConfigError, counted
from can_train.files import link_exclusively, write_text
from can_train.training.safety_factor import (
    FactorKey,
    Observation,
    SafetyFactor,
    hand_set,
    learned,
)

logger = logging.getLogger("can_train")

RECORD_VERSION: Final = 1
"""Of a line; those of a newer version are left to the newer program."""

KEPT_RUNS: Final = 50
"""Latest runs of a key that count."""

FOLDER: Final = "safety_factors"
_SUFFIX: Final = ".jsonl"
_SEEN: Final = "-seen-"
"""In the names of files with what several commands may see."""

Kind = Literal["peak", "finished", "out of memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRecord:
    """One line.

    Attributes:
        time: Seconds since 1970.
        run: Id of the run.
        kind: A new peak of a run that goes on, its end, or a shortage of memory.
        key: What the record is for.
        windows, nodes, edges: The batch; nodes and edges None where it is a number of windows.
        factor: The factor that was used; None where it didn't decide the batch.
        peak_share: Largest peak share of the device's memory so far.
        decides: Whether the factor decided the batch, so that the peak says something about it.
    """

    run: str
    kind: Kind
    key: FactorKey
    windows: int
    nodes: int | None = None
    edges: int | None = None
    factor: float | None = None
    peak_share: float | None = None
    decides: bool = True
    time: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRun:
    """All records of one run, added up.

    Attributes:
        last: Its last record.
        peak_share: Its largest peak share.
        shortages: How often memory ran out.
        finished: Whether it finished.
    """

    last: FactorRecord
    peak_share: float | None
    shortages: int
    finished: bool

    @property
    def observations(self) -> tuple[Observation, ...]:
        """What it says about the factor.

        After a shortage the batch was smaller than the factor's, so its peak says nothing; nor does
        that of a batch which something else decided.
        """
        if self.shortages:
            return (Observation(outcome="out of memory"),) * self.shortages
        if not self.finished or not self.last.decides or self.peak_share is None:
            return ()
        return (Observation(outcome="finished", peak_share=self.peak_share),)


class SafetyFactorDatabase:
    """Records of runs, and the factors that follow from them.

    Args:
        experiment_root: Folder of all runs; the records lie in `safety_factors/` of it.
    """

    def __init__(self, experiment_root: Path) -> None:
        self.folder = experiment_root / FOLDER
        self._token = secrets.token_hex(4)

    def record(self, record: FactorRecord) -> bool:
        """Appends `record`, with the time; whether that worked.

        A disk that is full, or can't be written to, costs the record and not the run.
        """
        path = self.folder / self._name(record.key, f"{socket.gethostname()}-{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # A line begins with a line feed, too: the one before it may have been cut off.
            with path.open("ab", buffering=0) as file:
                text = f"\n{_line(record)}\n".encode("ascii")
                whole = file.write(text) == len(text)
                os.fsync(file.fileno())
        except OSError as error:
            logger.warning("%s: not recorded (%s)", path, error.strerror)
            return False
        return whole

    def record_once(self, record: FactorRecord, name: str) -> bool:
        """Records what several commands may see; whether this was the first one.

        Args:
            record: What was seen.
            name: Of the event, the same for whoever sees it.
        """
        path = self.folder / f"{_safe(record.key.dataset)}{_SEEN}{_safe(name)}{_SUFFIX}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return link_exclusively(path, _line(record) + "\n")
        except OSError as error:
            logger.warning("%s: not recorded (%s)", path, error.strerror)
            return False

    def records(self) -> tuple[FactorRecord, ...]:
        """All whole records, the oldest first."""
        found = [record for path in self._files() for record in _records_in(path)]
        return tuple(sorted(found, key=lambda record: record.time))

    def runs(self) -> tuple[SeenRun, ...]:
        """All runs, in the order of their last records."""
        by_run: dict[tuple[str, FactorKey], list[FactorRecord]] = {}
        for record in self.records():
            by_run.setdefault((record.run, record.key), []).append(record)
        return tuple(sorted(map(_added_up, by_run.values()), key=lambda run: run.last.time))

    def factor(self, key: FactorKey, factors: HandSetFactors) -> SafetyFactor:
        """The factor for runs of `key`: learned, else hand-set, else the default.

        A new combination takes what coarser ones have learned.
        """
        start, runs = hand_set(key, factors), self.runs()
        for words, wider in key.coarser():
            telling = [r for r in runs if wider.covers(r.last.key) and r.observations][-KEPT_RUNS:]
            if telling:
                seen = [observation for run in telling for observation in run.observations]
                return SafetyFactor(
                    value=learned(start.value, seen, distils=key.distils),
                    source="learned",
                    base=start.base,
                    multiplier=start.multiplier,
                    detail=f"{counted(len(telling), 'run')} of {words}",
                )
        return start

    def reset(self, dataset: str | None = None) -> int:
        """Removes the records of `dataset`, or all; how many there were."""
        gone = 0
        for path in self._files():
            found = list(_records_in(path))
            of_it = [record.key.dataset == dataset for record in found]
            if dataset is None or (of_it and all(of_it)):  # what can't be read is left alone
                if _SEEN in path.name:
                    write_text(path, "")  # whoever sees it again doesn't record it again
                else:
                    path.unlink(missing_ok=True)
                gone += len(found)
        return gone

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{_SUFFIX}"))

    def _name(self, key: FactorKey, process: str) -> str:
        return f"{_safe(key.dataset)}-{_safe(process)}-{self._token}{_SUFFIX}"


def _safe(text: str) -> str:
    return re.sub(r"[^\w.-]", "_", text)


def _line(record: FactorRecord) -> str:
    document = asdict(record) | {"time": record.time or round(time.time(), 3)}
    return json.dumps({"version": RECORD_VERSION, **document}, sort_keys=True)


def _records_in(path: Path) -> Iterator[FactorRecord]:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:  # another process reset them
        return
    except OSError as error:  # of another user, who shares them with nobody
        logger.warning("%s: left out (%s)", path, error.strerror)
        return
    for line in lines:
        record = _record_of(line)
        if record is not None:
            yield record


def _record_of(line: bytes) -> FactorRecord | None:
    """The record in a line; None where it was cut off or damaged, or is of a newer version."""
    try:
        document = json.loads(line)
        if not isinstance(document, dict) or document.pop("version", None) != RECORD_VERSION:
            return None
        record = from_plain(FactorRecord, document, "record")
    except (ValueError, RecursionError, ConfigError):
        return None
    numbers = (record.time, record.peak_share or 0.0)
    return record if all(math.isfinite(n) and n >= 0 for n in numbers) else None


def _added_up(records: list[FactorRecord]) -> SeenRun:
    peaks = [record.peak_share for record in records if record.peak_share is not None]
    return SeenRun(
        last=records[-1],
        peak_share=max(peaks, default=None),
        shortages=sum(record.kind == "out of memory" for record in records),
        finished=any(record.kind == "finished" for record in records),
    )
