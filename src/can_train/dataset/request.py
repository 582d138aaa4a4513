"""What to import, from where and how (stdlib only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from can_train.frames.timing import TimeUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRequest:
    """What to import, and under which name.

    Attributes:
        modality: Application domain.
        dataset: Name of the dataset.
        data_root: Folder of all datasets.
        source: Folder with scenario folders or flat `<scenario>__<file>` names.
        benign: Folder (or file) of own recordings without attacks, instead of `source`.
        attack: Folder (or file) of own labelled recordings with attacks.
        test: Folder (or file) of own labelled recordings that are only reported.
        format: Format of all files; absent: recognised by content.
        columns: Columns of tables by role; absent: by their names and content.
        lenient: Share of a text's lines that may be malformed: they are left out and counted.
        labels: Table of labels, a folder of such, or `road`; absent: recordings bring their own.
        time_unit: Unit of the timestamps; absent: seconds, and questioned.
        bus: Only bus of each file to take; absent: each becomes a recording.
        accept_unlabelled: Take attacks that are labelled nowhere; they are never trained on.
        force: Replace a dataset of the same name with other content.
    """

    modality: str
    dataset: str
    data_root: Path
    source: Path | None = None
    benign: Path | None = None
    attack: Path | None = None
    test: Path | None = None
    format: str | None = None
    columns: Mapping[str, str] | None = None
    lenient: float = 0.0
    labels: str | None = None
    time_unit: TimeUnit | None = None
    bus: str | None = None
    accept_unlabelled: bool = False
    force: bool = False
