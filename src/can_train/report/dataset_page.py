"""The report of a prepared dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from can_train.dataset.inspect import inspect_dataset
from can_train.dataset.inspect_report import DatasetReport
from can_train.dataset.manifest import DatasetManifest, DatasetRef, load_manifest
from can_train.errors import counted
from can_train.evaluation.judgement import short_name
from can_train.evaluation.report import NOT_AVAILABLE
from can_train.frames.recording import Recording
from can_train.frames.store import load_frames
from can_train.graphs.identity import WindowSpec
from can_train.report.document import (
    Block,
    Commands,
    Facts,
    Folded,
    Note,
    Notes,
    Page,
    PageSection,
    Tile,
)
from can_train.report.parts.dataset import REPEATED, scenarios_section, shared_section
from can_train.report.parts.traffic import traffic_blocks
from can_train.report.traffic import RecordedTraffic, traffic_of

SPEC: Final = WindowSpec(features="relational", window=100, stride=100)
"""Windows that sizes and shares are told of: those of a run without further settings."""

MOST_RECORDINGS: Final = 14
"""Recordings that are drawn; a single one of the others is drawn by its file."""


def dataset_page(folder: Path) -> Page:
    """The report of the dataset in a folder.

    Raises:
        DataError: It is damaged.
    """
    data_root, ref = (
        folder.parents[1],
        DatasetRef(modality=folder.parent.name, dataset=folder.name),
    )
    manifest = load_manifest(data_root, ref.modality, ref.dataset)
    report = inspect_dataset(data_root, ref, SPEC)
    return Page(
        kind="dataset",
        title=ref.dataset,
        lead=(
            ("What it is", _what(manifest, report)),
            ("What it tests", _tests(report)),
            ("What to distrust", _doubts(report)),
        ),
        tiles=_tiles(manifest),
        sections=(
            scenarios_section(report),
            *([shared_section(report)] if report.shared else []),
            *_recordings(folder, manifest),
            _origin(manifest, report),
        ),
    )


def _what(manifest: DatasetManifest, report: DatasetReport) -> str:
    vehicles = sorted({r.vehicle for r in manifest.recordings})
    return (
        f"{counted(len(manifest.recordings), 'recording')} of {_listed(vehicles)}: "
        f"{counted(sum(r.frames for r in manifest.train), 'training frame')} and "
        f"{counted(sum(r.frames for r in manifest.test), 'test frame')} in "
        f"{counted(len(report.scenarios), 'scenario')}."
    )


def _tests(report: DatasetReport) -> str:
    if not report.shared:
        return "Nothing: it has no test scenario, so runs on it can't be evaluated."
    parts = [
        f"{short_name(each.scenario)} "
        + (NOT_AVAILABLE if (known := each.known_benign_frames) is None else f"{known:.0%}")
        for each in report.shared
    ]
    return (
        f"{counted(len(parts), 'test scenario')}. Share of their benign frames whose ID training "
        f"knows: {', '.join(parts)}."
    )


def _doubts(report: DatasetReport) -> str:
    found = [
        f"{each.repeated_windows:.0%} of the windows of {short_name(each.scenario)} are also in "
        f"training"
        for each in report.shared
        if each.repeated_windows is not None and each.repeated_windows > REPEATED
    ]
    quiet = [
        short_name(s.scenario)
        for s in report.scenarios
        if s.scenario.startswith("test") and not s.attack_share
    ]
    if quiet:
        found.append(f"no frame is labelled in {', '.join(quiet)}")
    if report.clocks:
        found.append(f"the clock of {counted(len(report.clocks), 'recording')} is odd")
    if not found:
        return "Nothing stands out: no test window repeats training, and clocks are steady."
    text = "; ".join(found)
    return f"{text[:1].upper()}{text[1:]}."


def _listed(names: list[str]) -> str:
    few = names[:4]
    more = len(names) - len(few)
    return f"{', '.join(few)}{f' and {more} more vehicles' if more else ''}"


def _tiles(manifest: DatasetManifest) -> tuple[Tile, ...]:
    every = manifest.recordings
    frames = sum(r.frames for r in every)
    attacks = sum(r.attack_frames for r in every)
    seconds = sum(r.duration_s for r in every)
    return (
        Tile(value=f"{frames:,}", label="frames", note=f"in {counted(len(every), 'recording')}"),
        Tile(value=f"{seconds / 60:,.1f} min", label="recorded"),
        Tile(value=f"{attacks / frames:.2%}", label="labelled as attacks"),
        Tile(value=str(len({r.vehicle for r in every})), label="vehicles"),
    )


def _recordings(folder: Path, manifest: DatasetManifest) -> Iterator[PageSection]:
    """A section for the first recording of each vehicle, and one for all others."""
    ordered = sorted(manifest.recordings, key=lambda r: (not r.is_train, r.scenario, r.name))
    first: dict[str, Recording] = {}
    for recording in ordered:
        first.setdefault(recording.vehicle, recording)
    shown = list(first.values())[:MOST_RECORDINGS]
    others = [r for r in ordered if r not in shown][: MOST_RECORDINGS - len(shown)]
    for number, recording in enumerate(shown):
        yield PageSection(
            name=f"vehicle{number}",
            title=f"Traffic of {recording.vehicle}",
            lead=f"Recording {recording.name} of {recording.scenario}.",
            blocks=traffic_blocks(_traffic(folder, recording), whole=True),
        )
    if others:
        folded = [
            Folded(
                summary=f"{r.scenario} / {r.name}: {counted(r.frames, 'frame')}, "
                f"{r.attack_frames / r.frames:.1%} labelled",
                blocks=traffic_blocks(_traffic(folder, r), whole=False),
            )
            for r in others
        ]
        left = len(ordered) - len(shown) - len(others)
        blocks: tuple[Block, ...] = tuple(folded)
        if left:
            text = f"{counted(left, 'more recording')} left out; one alone is drawn by its file:"
            blocks += (Note(text=text, commands=("can-train report FILE",)),)
        yield PageSection(name="recordings", title="Further recordings", blocks=blocks)


def _traffic(folder: Path, recording: Recording) -> RecordedTraffic:
    return traffic_of(f"{recording.scenario}/{recording.name}", load_frames(folder, recording))


def _origin(manifest: DatasetManifest, report: DatasetReport) -> PageSection:
    command = f"can-train data inspect --modality {manifest.modality} --dataset {manifest.dataset}"
    notes = [*report.clocks, *(f"left out: {line}" for line in report.left_out)]
    blocks: list[Block] = [Notes(texts=tuple(notes))] if notes else []
    return PageSection(
        name="provenance",
        title="Provenance",
        blocks=(
            *blocks,
            Facts(
                pairs=(
                    ("digest", manifest.digest),
                    ("training digest", manifest.training_digest),
                ),
                wide=True,
            ),
            Commands(lines=(command,)),
        ),
    )
