"""Formats in which a detector leaves the lab: each a folder beside this file (stdlib only).

Such a folder holds an `exporter.py` that declares an `Exporter`; a file that `$CAN_TRAIN_PLUGINS`
names may declare more. Nothing else has to know a format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from can_train.plugins import by_name, declared

if TYPE_CHECKING:
    from can_train.detectors.frame_scorer import FrameScorer


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOption:
    """An option of `can-train export` that only some formats take.

    Attributes:
        name: Its name with underscores.
        help: As argparse has it.
        choices: What may follow; empty: see `metavar`.
        metavar: What stands for the text that follows; empty without choices: it is a switch.
    """

    name: str
    help: str
    choices: tuple[str, ...] = ()
    metavar: str = ""

    @property
    def flag(self) -> str:
        """Its spelling."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """One format.

    Attributes:
        name: Its word for `--format`.
        title: What it is, in a few words.
        suffix: End of the name where none is given; empty: what is written is a folder.
        write: `module:function` that takes an `Export` and writes it.
        options: Options that only some formats take; two formats may share one.
        order: Place in lists.
    """

    name: str
    title: str
    suffix: str
    write: str
    options: tuple[ExportOption, ...] = ()
    order: int = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Export:
    """One detector on its way out.

    Attributes:
        detector: The detector with those that it fuses; `trained` has it as arrays.
        source: Folder of its run, or its file.
        out: File, or folder, that is written.
        given: The options that were typed, by name; a switch has an empty value.
        report: Takes each line worth telling.
    """

    detector: FrameScorer
    source: Path
    out: Path
    given: Mapping[str, str]
    report: Callable[[str], None]


def exporters() -> dict[str, Exporter]:
    """All formats by name, in their order.

    Raises:
        ConfigError: Two formats have one name, or a plugin can't be loaded.
    """
    found = sorted(declared(Exporter, "deploy", "exporter"), key=lambda each: each.order)
    return by_name(found, "export formats")
