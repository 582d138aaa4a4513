"""Reads one file as it was asked for: labels put on, clock questioned, a part for each bus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from can_train.dataset.discovery import SourceFile
from can_train.dataset.labels import LabelledResult, Labels
from can_train.dataset.request import Reading
from can_train.errors import DataError, counted
from can_train.frames.buses import Bus, buses_of
from can_train.frames.frame import Frames
from can_train.frames.options import Advance, no_advance
from can_train.frames.readers import read_recording
from can_train.frames.result import ReadResult
from can_train.frames.sniffing import told
from can_train.frames.timing import (
    RATES,
    UNITS_PER_S,
    ClockReport,
    TimeUnit,
    clock_notes,
    clock_report,
)

Report = Callable[[str], None]

FEWEST_WITHOUT_TIME: Final = 3
"""Frames that can't all have come at one time."""


def read_labelled(
    file: SourceFile,
    reading: Reading,
    labels: Labels,
    report: Report,
    advance: Advance = no_advance,
) -> LabelledResult:
    """One file whole, on a clock in seconds, with the labels of a table.

    Args:
        file: The file.
        reading: How it is read.
        labels: Labels that stand in files of their own.
        report: Takes each line worth telling.
        advance: Takes bytes of a large file as they are read.

    Raises:
        DataError: It can't be read, or its labels don't fit.
    """
    read = _in_seconds(file.path, reading, advance)
    if read.understood:
        report(f"{file.path}: {'; '.join(read.understood)}")
    for line in left_out(read):
        report(f"{file.path}: {line}")
    labelled = labels.put_on(file, read)
    if labelled.note:
        report(labelled.note)
    return labelled


def timed_buses(path: Path, read: ReadResult, reading: Reading, report: Report) -> list[Bus]:
    """The buses of a file that are wanted, each on a clock that means something.

    Args:
        path: The file.
        read: What it holds.
        reading: Which bus is wanted, and what unit its time has.
        report: Takes each line worth telling.

    Raises:
        DataError: It has no bus of that name, or its time means nothing.
    """
    buses = []
    for bus in buses_of(path, read, reading.bus):
        clock = question_clock(path, bus.frames, reading.time_unit)
        for note in clock_notes(clock):
            report(f"{bus.named(path)}: {note}")
        buses.append(replace(bus, clock=clock))
    if len(buses) > 1:
        told = ", ".join(f"{bus.name} ({counted(len(bus.frames), 'frame')})" for bus in buses)
        report(f"{path}: {len(buses)} buses, a recording each: {told}. One alone: --bus NAME")
    return buses


def question_clock(path: Path, frames: Frames, unit: TimeUnit | None) -> ClockReport:
    """What is odd about the time of a recording.

    Args:
        path: The recording.
        frames: Its frames.
        unit: Unit that the user named; it isn't questioned.

    Raises:
        DataError: All timestamps are the same, or can't be seconds.
    """
    clock = clock_report(frames.timestamp)
    if clock.standing and len(frames) >= FEWEST_WITHOUT_TIME:
        raise DataError(
            f"{path}: all {len(frames):,} timestamps are {frames.timestamp[0]:g}, and without time "
            f"nothing can be said about traffic. Export the recording with its timestamps"
        )
    fitting = clock.fitting_unit
    if unit is None and fitting is not None and fitting != "s":
        rate = (clock.frames_per_s or 0.0) * UNITS_PER_S[fitting]
        raise DataError(
            f"{path}: timestamps can't be seconds: {clock.frames_per_s:.4g} frames/s (possible: "
            f"{RATES[0]:g} to {RATES[1]:,g}) up to {clock.latest:.4g}. In {fitting} it would be "
            f"{rate:,.0f} frames/s: read it with --time-unit {fitting}, or --time-unit s if they "
            f"are seconds"
        )
    return clock


def left_out(result: ReadResult) -> Iterator[str]:
    """What of a file isn't in its frames, or is no data frame, a line each."""
    if result.skipped:
        yield "\n".join(["malformed lines:", *result.first_problems])
        yield f"{counted(result.skipped, 'malformed line')} left out, none with an attack label"
    if result.error_frames:
        yield f"{counted(result.error_frames, 'bus error')} left out"
    if result.remote_frames:
        yield f"{counted(result.remote_frames, 'remote frame')}, asking for data and carrying none"


def sniffed(path: Path, reading: Reading) -> Iterator[str]:
    """What a recording holds, in a line, then how it is understood and what is odd about it.

    Args:
        path: The recording.
        reading: How it is read.

    Raises:
        DataError: It can't be read, or its time means nothing.
    """
    read = _in_seconds(path, reading)
    yield told(read)
    yield from (*read.understood, *read.first_problems)
    odd: list[str] = []
    timed_buses(path, read, reading, odd.append)
    yield from (line.removeprefix(f"{path}: ") for line in odd)


def _in_seconds(path: Path, reading: Reading, advance: Advance = no_advance) -> ReadResult:
    """One file whole, with its own labels, its time as seconds."""
    read = read_recording(
        path,
        format=reading.format,
        lenient=reading.lenient,
        columns=reading.columns,
        advance=advance,
    )
    if reading.time_unit in (None, "s"):
        return read
    seconds = read.frames.timestamp / UNITS_PER_S[reading.time_unit]
    return replace(read, frames=replace(read.frames, timestamp=seconds))
