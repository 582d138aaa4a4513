"""The report of a recording that need not be imported."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from can_train.dataset.discovery import lone_file
from can_train.dataset.labels import Labels
from can_train.dataset.reading import Report, read_labelled, timed_buses
from can_train.dataset.request import Reading
from can_train.errors import DataError, counted
from can_train.evaluation.report import NOT_AVAILABLE
from can_train.frames.timing import clock_notes, clock_report
from can_train.report.document import Notes, Page, PageSection, Tile
from can_train.report.parts.traffic import traffic_blocks
from can_train.report.traffic import RecordedTraffic, traffic_of

FEWEST_FRAMES: Final = 2


def recording_page(path: Path, reading: Reading, report: Report) -> Page:
    """The report of a file with frames, a section for each of its buses.

    Args:
        path: The file.
        reading: How it is read.
        report: Takes each line worth telling.

    Raises:
        DataError: It can't be read, is no recording, or too short.
    """
    file = lone_file(path)
    read = read_labelled(file, reading, Labels(reading.labels, [file]), report).result
    found: list[tuple[RecordedTraffic, tuple[str, ...]]] = []
    for bus in timed_buses(path, read, reading, report):
        if len(bus.frames) < FEWEST_FRAMES:
            raise DataError(
                f"{bus.named(path)}: {counted(len(bus.frames), 'frame')}, so there is nothing to "
                f"draw. Give a longer recording"
            )
        traffic = traffic_of(bus.named(path.name), bus.frames, has_labels=read.labelled)
        found.append((traffic, tuple(clock_notes(clock_report(bus.frames.timestamp)))))
    buses = [traffic for traffic, _ in found]
    return Page(
        kind="recording",
        title=path.name,
        lead=(
            ("What it is", _what(read.format, buses)),
            ("What happens in it", _happens(buses, labelled=read.labelled)),
            ("What to distrust", _doubts(found, read.skipped)),
        ),
        tiles=_tiles(buses),
        sections=tuple(
            PageSection(
                name=f"bus{number}",
                title=f"Traffic of {traffic.name}",
                blocks=(
                    *([Notes(texts=notes)] if notes else []),
                    *traffic_blocks(traffic, whole=True),
                ),
            )
            for number, (traffic, notes) in enumerate(found)
        ),
    )


def _what(format_name: str, buses: list[RecordedTraffic]) -> str:
    frames = sum(traffic.frames for traffic in buses)
    on = f" on {counted(len(buses), 'bus')}".replace("buss", "buses") if len(buses) > 1 else ""
    return f"{counted(frames, 'frame')}{on}, read as {format_name}."


def _happens(buses: list[RecordedTraffic], *, labelled: bool) -> str:
    attacks = sum(len(traffic.attacks) for traffic in buses)
    busy = sum(int(traffic.busy.any(axis=1).sum()) for traffic in buses)
    told = counted(attacks, "labelled attack") if labelled else "No labels"
    return f"{told}; {counted(busy, 'ID')} at times far busier than usual."


def _doubts(found: list[tuple[RecordedTraffic, tuple[str, ...]]], skipped: int) -> str:
    texts = [note for _, notes in found for note in notes]
    if skipped:
        texts.append(f"{counted(skipped, 'malformed line')} left out")
    if not texts:
        return "Nothing stands out: its clock is steady and every line could be read."
    text = "; ".join(texts)
    return f"{text[:1].upper()}{text[1:]}."


def _tiles(buses: list[RecordedTraffic]) -> tuple[Tile, ...]:
    frames = sum(traffic.frames for traffic in buses)
    seconds = max(traffic.duration_s for traffic in buses)
    ids = len({each.id for traffic in buses for each in traffic.ids})
    labelled = sum(traffic.labelled for traffic in buses)
    share = f"{labelled / frames:.2%}" if all(t.has_labels for t in buses) else NOT_AVAILABLE
    return (
        Tile(value=f"{frames:,}", label="frames"),
        Tile(value=f"{seconds:,.1f} s", label="recorded"),
        Tile(value=str(ids), label="IDs"),
        Tile(value=share, label="labelled as attacks"),
    )
