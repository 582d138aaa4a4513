"""Which files of a source folder are recordings of which scenario."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from can_train.errors import DataError
from can_train.frames.absent import absent
from can_train.frames.found import regular_files

Labels = Literal["as_found", "needed", "benign"]

_SCENARIO: Final = re.compile(r"(train|test)_\w+")
_FLAT: Final = re.compile(r"((?:train|test)_\w+?)__(.+)")
BENIGN_SCENARIO: Final = "train_01_attack_free"
ATTACK_SCENARIO: Final = "train_02_with_attacks"
TEST_SCENARIO: Final = "test_01_known_vehicle_known_attack"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file to import.

    Attributes:
        path: Where it is.
        scenario: Scenario it belongs to.
        name: Name of the recording.
        source: Path relative to the source folder.
        labels: Whether its frames need labels, or have to be benign.
    """

    path: Path
    scenario: str
    name: str
    source: str
    labels: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSources:
    """What a source holds.

    Attributes:
        files: Files to import.
        not_read: What else lies there, and why it isn't read.
        missing: Parts of a published dataset that don't lie there.
    """

    files: tuple[SourceFile, ...]
    not_read: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def find_files(
    source: Path | None, benign: Path | None, attack: Path | None, test: Path | None
) -> FoundSources:
    """Files to import, by scenario and name.

    Raises:
        DataError: A folder is missing or holds no recordings, or two files have one name.
    """
    if source is not None and (benign or attack or test):
        raise DataError(
            "--source can't stand beside --benign, --attack and --test. Use one of them"
        )
    return in_order(_own(benign, attack, test) if source is None else _by_scenario(source))


def in_order(found: FoundSources) -> FoundSources:
    """The same by scenario and name, those for training first.

    Raises:
        DataError: Two files have one name.
    """
    files = sorted(
        found.files,
        key=lambda file: (not file.scenario.startswith("train"), file.scenario, file.name),
    )
    for file, other in zip(files, files[1:], strict=False):
        if (file.scenario, file.name) == (other.scenario, other.name):
            raise DataError(
                f"{file.path} and {other.path}: both would be {file.scenario}/{file.name}. "
                f"Rename one of them"
            )
    return replace(found, files=tuple(files))


def source_file(path: Path, folder: Path, own: str) -> SourceFile:
    """A file below a folder that isn't imported.

    Args:
        path: The file.
        folder: The folder.
        own: Scenario of the folder itself: of all files that lie in no scenario folder and have
            no flat name. Other scenarios stand behind it.
    """
    relative = path.relative_to(folder)
    flat = _FLAT.fullmatch(relative.stem)
    first = relative.parts[0]
    if len(relative.parts) > 1 and _SCENARIO.fullmatch(first):
        scenario, name = first, relative.relative_to(first).with_suffix("").as_posix()
    elif len(relative.parts) == 1 and flat:
        scenario, name = flat[1], flat[2]
    else:
        scenario, name = "", relative.with_suffix("").as_posix()
    return SourceFile(
        path=path,
        scenario=f"{own}/{scenario}" if scenario else own,
        name=name,
        source=relative.as_posix(),
        labels="benign" if scenario == BENIGN_SCENARIO else "needed",
    )


def attack_kind_of(name: str) -> str:
    """`DoS` from `DoS-kia`, `rpm-accessory` from `rpm-accessory-1`, else the whole name."""
    head, _, tail = name.rpartition("-")
    return head if head and tail else name


def vehicle_of(name: str, scenario: str, dataset: str) -> str:
    """`kia` from `DoS-kia`; the dataset's own vehicle where the name tells none."""
    head, _, tail = name.rpartition("-")
    if head and tail and not tail.isdigit() and name.lower() != "attack-free":
        return tail.lower()
    return f"{dataset}:unknown" if "unknown_vehicle" in scenario else dataset


def lone_file(path: Path) -> SourceFile:
    """A file that belongs to no scenario, with or without labels."""
    return SourceFile(path=path, scenario="", name=path.stem, source=path.name, labels="as_found")


def _by_scenario(source: Path) -> FoundSources:
    """Files of scenario folders, whatever lies between, and those with flat names."""
    files, not_read = [], []
    for entry in _entries(source, "--source"):
        flat = _FLAT.fullmatch(entry.stem)
        if entry.is_dir() and _SCENARIO.fullmatch(entry.name):
            inside, odd = regular_files(entry)
            not_read += odd
            files += [_file(path, source, entry.name, _name(path, entry)) for path in inside]
        elif entry.is_file() and flat:
            files.append(_file(entry, source, flat[1], flat[2]))
        else:
            not_read.append(f"{entry}: neither a scenario folder nor a flat name")
    if not files:
        raise DataError(
            f"--source {source}: neither scenario folders (train_01_attack_free/, "
            f"test_01_…/ with files in them) nor flat names (train_01_attack_free__NAME.parquet) "
            f"there. {_elsewhere(source)}"
        )
    return FoundSources(files=tuple(files), not_read=tuple(not_read))


def _elsewhere(source: Path) -> str:
    """What to type where a folder holds no scenarios: maybe those within it do."""
    entries = _entries(source, "--source")
    open_to_us = [path for path in entries if path.is_dir() and os.access(path, os.R_OK | os.X_OK)]
    inner = [path for path in open_to_us if has_scenarios(path)]
    if not inner:
        return "For recordings of your own: --benign DIR --attack DIR [--test DIR]"
    names = ", ".join(path.name for path in inner)
    return f"They are in {names}, each a dataset of its own: --source {inner[0]}"


def has_scenarios(source: Path) -> bool:
    """Whether a folder holds scenario folders or flat names."""
    return any(
        _SCENARIO.fullmatch(path.name) or _FLAT.fullmatch(path.stem)
        for path in _entries(source, "--source")
    )


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _file(path: Path, source: Path, scenario: str, name: str) -> SourceFile:
    relative = path.relative_to(source).as_posix()
    benign = scenario == BENIGN_SCENARIO
    return SourceFile(
        path=path,
        scenario=scenario,
        name=name,
        source=relative,
        labels="benign" if benign else "needed",
    )


def _own(benign: Path | None, attack: Path | None, test: Path | None) -> FoundSources:
    if benign is None:
        raise DataError(
            "nothing to import: give --source DIR, or --benign DIR [--attack DIR] [--test DIR]"
        )
    files: list[SourceFile] = []
    not_read: list[str] = []
    folders: list[tuple[Path | None, str, str, Labels]] = [
        (benign, "--benign", BENIGN_SCENARIO, "benign"),
        (attack, "--attack", ATTACK_SCENARIO, "needed"),
        (test, "--test", TEST_SCENARIO, "needed"),
    ]
    for folder, flag, scenario, labels in folders:
        if folder is None:
            continue
        above = folder.parent if folder.is_file() else folder
        found, odd = ([folder], []) if folder.is_file() else regular_files(_folder(folder, flag))
        if not found:
            raise DataError(
                f"{flag} {folder}: no files there. Name a folder that holds at least one "
                f"recording: {flag} DIR"
            )
        not_read += odd
        files += [
            SourceFile(
                path=path,
                scenario=scenario,
                name=_name(path, above),
                source=path.relative_to(above).as_posix(),
                labels=labels,
            )
            for path in found
        ]
    return FoundSources(files=tuple(files), not_read=tuple(not_read))


def _folder(folder: Path, flag: str) -> Path:
    if not folder.is_dir():
        raise DataError(
            f"{flag} {folder}: {absent(folder, 'folder')} Name one that holds recordings: "
            f"{flag} DIR"
        )
    return folder


def _entries(folder: Path, flag: str) -> list[Path]:
    entries = _folder(folder, flag).iterdir()
    return sorted(path for path in entries if not path.name.startswith("."))
