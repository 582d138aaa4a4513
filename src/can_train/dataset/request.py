"""How recordings are read; what to import, and from where (stdlib only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from can_train.frames.timing import TimeUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How recordings are read.

    Attributes:
        format: Format of all files; absent: recognised by content.
        columns: Columns of tables by role; absent: by their names and content.
        lenient: Share of a text's lines that may be malformed: they are left out and counted.
        labels: Table of labels, a folder of such, or `road`; absent: recordings bring their own.
        time_unit: Unit of the timestamps; absent: seconds, and questioned.
        bus: Only bus of each file to take; absent: each is a recording.
        accept_unlabelled: Take attacks that are labelled nowhere; they count as no benign traffic.
    """

    format: str | None = None
    columns: Mapping[str, str] | None = None
    lenient: float = 0.0
    labels: str | None = None
    time_unit: TimeUnit | None = None
    bus: str | None = None
    accept_unlabelled: bool = False

    @property
    def any_file(self) -> bool:
        """Whether every file of a folder is to be read, since its format was named."""
        return bool(self.format or self.columns)


AS_FOUND: Final = Reading()
"""By content, every line whole, every bus, with the labels that recordings bring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRequest:
    """What to import, how, and under which name.

    Attributes:
        modality: Application domain.
        dataset: Name of the dataset.
        data_root: Folder of all datasets.
        source: Folder with scenario folders or flat `<scenario>__<file>` names.
        benign: Folder (or file) of own recordings without attacks, instead of `source`.
        attack: Folder (or file) of own labelled recordings with attacks.
        test: Folder (or file) of own labelled recordings that are only reported.
        reading: How the recordings are read.
        force: Replace a dataset of the same name with other content.
    """

    modality: str
    dataset: str
    data_root: Path
    source: Path | None = None
    benign: Path | None = None
    attack: Path | None = None
    test: Path | None = None
    reading: Reading = AS_FOUND
    force: bool = False
