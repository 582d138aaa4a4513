"""Published datasets by name: which of their files is what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.dataset.discovery import (
    BENIGN_SCENARIO,
    FoundSources,
    SourceFile,
    has_scenarios,
    in_order,
)
from can_train.dataset.label_tables import ROAD_METADATA
from can_train.errors import DataError
from can_train.frames.found import regular_files

_METADATA: Final = (ROAD_METADATA, "Attacks_metadata.json")
"""What lies beside recordings; CAN-MIRGU's says when it attacked, and so do its labels."""

_ATTACKS: Final = "train_02_with_attacks"
_TEST_01: Final = "test_01_known_vehicle_known_attack"
_TEST_02: Final = "test_02_unknown_vehicle_known_attack"
_TEST_03: Final = "test_03_known_vehicle_unknown_attack"
_TEST_04: Final = "test_04_unknown_vehicle_unknown_attack"
_SUPPRESS: Final = "test_05_suppress"
_MASQUERADE: Final = "test_06_masquerade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Files of a published dataset that belong to one scenario.

    Attributes:
        files: Pattern of their paths below the source, whatever the case; the first part that
            fits a file is its.
        scenario: Scenario that they belong to.
        name: Name of the recording, with the groups of the pattern.
        title: What they are, for the message that they are missing.
        needed: Whether they are missed where they aren't there.
    """

    files: str
    scenario: str
    name: str
    title: str
    needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published dataset.

    Attributes:
        parts: What it is made of.
        labels: What `--labels` has to be, as its files carry none.
    """

    parts: tuple[Part, ...]
    labels: str | None = None


def _survival(vehicle: str, dos: str, fuzzing: str, malfunction: str) -> tuple[Part, ...]:
    """Files of one car of the survival set; only Kia and Sonata drive freely in training."""
    kinds = (("Flood", "DoS", dos), ("Fuzz", "fuzzing", fuzzing),
             ("Malfunction", "malfunction", malfunction))  # fmt: skip
    return tuple(
        Part(
            files=rf".*{word}[^/]*{vehicle}[^/]*",
            scenario=scenario,
            name=f"{kind}-{vehicle.lower()}",
            title=f"{kind} of {vehicle}",
        )
        for word, kind, scenario in kinds
    )


def _one_name(pattern: str, scenario: str, name: str) -> Part:
    return Part(files=rf"(?:.*/)?{pattern}[^/]*", scenario=scenario, name=name, title=name)


def _each(pattern: str, scenario: str, title: str) -> Part:
    """Files that keep their own names."""
    return Part(files=pattern, scenario=scenario, name="", title=title)


PUBLISHED: Final[dict[str, Published]] = {
    "hcrl_ch": Published(
        parts=(
            _one_name("normal_run_data", BENIGN_SCENARIO, "attack-free-sonata"),
            _one_name("DoS_dataset", _ATTACKS, "DoS-sonata"),
            _one_name("Fuzzy_dataset", _ATTACKS, "fuzzing-sonata"),
            _one_name("gear_dataset", _ATTACKS, "gear-sonata"),
            _one_name("RPM_dataset", _ATTACKS, "rpm-sonata"),
        )
    ),
    "hcrl_sa": Published(
        parts=(
            Part(
                files=r".*free[^/]*kia[^/]*",
                scenario=BENIGN_SCENARIO,
                name="attack-free-kia",
                title="free driving of KIA",
            ),
            Part(
                files=r".*free[^/]*sonata[^/]*",
                scenario=BENIGN_SCENARIO,
                name="attack-free-sonata",
                title="free driving of SONATA",
            ),
            *_survival("KIA", _ATTACKS, _TEST_01, _TEST_03),
            *_survival("SONATA", _TEST_01, _ATTACKS, _TEST_03),
            *_survival("Spark", _TEST_02, _TEST_02, _TEST_04),
        )
    ),
    "otids": Published(
        parts=(
            Part(
                files=r"(?:.*/)?Attack_free_dataset(\d*)\.[^/]*",
                scenario=BENIGN_SCENARIO,
                name=r"attack-free\1-soul",
                title="attack-free-soul",
            ),
            _one_name("DoS_attack_dataset", _TEST_01, "DoS-soul"),
            _one_name("Fuzzy_attack_dataset", _TEST_01, "fuzzing-soul"),
            _one_name("Impersonation_attack_dataset", _TEST_01, "impersonation-soul"),
            Part(
                files=r"(?:.*/)?(\d{6})_impersonation(_\d+)?\.[^/]*",
                scenario=_TEST_01,
                name=r"impersonation-\1\2-soul",
                title="later impersonation recordings",
                needed=False,
            ),
        )
    ),
    "road": Published(
        parts=(
            _each(r"(?:.*/)?ambient/[^/]*\.log", BENIGN_SCENARIO, "ambient recordings"),
            _each(r"(?:.*/)?attacks/[^/]*masquerade[^/]*\.log", _MASQUERADE, "masquerade attacks"),
            _each(r"(?:.*/)?attacks/[^/]*\.log", _TEST_01, "fabrication attacks"),
        ),
        labels="road",
    ),
    "car_hacking_challenge": Published(
        parts=(
            _each(r"(?:.*/)?Pre_train_[^/]*\.csv", _ATTACKS, "training files of the qualifier"),
            _each(r"(?:.*/)?Pre_submit_[^/]*\.csv", _TEST_01, "test files of the qualifier"),
            _each(r"(?:.*/)?Fin_[^/]*\.csv", _TEST_01, "files of the final"),
        )
    ),
    "can_mirgu": Published(
        parts=(
            _each(r"(?:.*/)?Masquerade_attacks/[^/]*\.log", _MASQUERADE, "masquerade attacks"),
            _each(r"(?:.*/)?Suspension_attacks/[^/]*\.log", _SUPPRESS, "suspension attacks"),
            # Some names there say no attack: Fuzzing_random_IDs.log, Steering_angle_replay.log.
            _each(r"(?:.*/)?Real_attacks/[^/]*\.log", _TEST_01, "real attacks"),
            _each(r"(?:.*/)?Benign_day[^/]*\.log", BENIGN_SCENARIO, "benign recordings"),
        )
    ),
    "tt_ids": Published(
        parts=(
            _each(r".*(?:normal|benign|attack_?free).*\.csv", BENIGN_SCENARIO, "benign recordings"),
            _each(r".*masquerade.*\.csv", _MASQUERADE, "masquerade attacks"),
            _each(r".*(?:suspension|suppress).*\.csv", _SUPPRESS, "suspension attacks"),
            _each(r".*attack.*\.csv", _TEST_01, "other attacks"),
        )
    ),
}
"""Datasets whose publishers' own files are known by name.

can-train-and-test (`set_01` to `set_04`) comes in scenario folders already.
"""


def published_files(dataset: str, source: Path) -> FoundSources | None:
    """Files of a published dataset as its publisher arranges them.

    Args:
        dataset: Name of the dataset.
        source: Where it was unpacked.

    Returns:
        None where the name isn't known, or the folder holds scenarios already.

    Raises:
        DataError: It holds none of its files.
    """
    if dataset not in PUBLISHED or has_scenarios(source):
        return None
    parts = PUBLISHED[dataset].parts
    inside, not_read = regular_files(source)
    files, found = [], set()
    for path in inside:
        relative = path.relative_to(source).as_posix()
        fits = ((part, re.fullmatch(part.files, relative, re.IGNORECASE)) for part in parts)
        part, match = next(((p, m) for p, m in fits if m is not None), (None, None))
        if part is None or match is None:
            if path.name not in _METADATA:
                not_read.append(f"{path}: no file of {dataset}")
            continue
        found.add(part.title)
        files.append(_file(path, part, match))
    missing = [part.title for part in parts if part.needed and part.title not in found]
    if not files:
        raise DataError(
            f"--source {source}: holds no file of {dataset}. Expected: {', '.join(missing)}. "
            f"docs/guides/datasets.md says where to get them; a dataset in scenario folders may "
            f"have any name"
        )
    return in_order(
        FoundSources(files=tuple(files), not_read=tuple(not_read), missing=tuple(missing))
    )


def labels_of(dataset: str, source: Path | None) -> str | None:
    """What `--labels` is for a published dataset in its publisher's layout."""
    known = PUBLISHED.get(dataset)
    return None if known is None or source is None or has_scenarios(source) else known.labels


def scenario_folder(dataset: str, source: Path) -> Path:
    """The folder of a dataset in that of a collection, such as `set_01` of can-train-and-test."""
    inner = source / dataset
    return inner if inner.is_dir() and not has_scenarios(source) else source


def _file(path: Path, part: Part, match: re.Match[str]) -> SourceFile:
    return SourceFile(
        path=path,
        scenario=part.scenario,
        name=match.expand(part.name) or path.stem,
        source=match.string,
        labels="benign" if part.scenario == BENIGN_SCENARIO else "needed",
    )
