"""Registered teachers as documents and as lines of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

from can_train.config.codec import Json, to_plain
from can_train.errors import ArtifactError
from can_train.tables import TableColumn
from can_train.teachers.files import Teacher, read_teacher
from can_train.teachers.weights_file import checked_sha256

HEADER: Final = (
    TableColumn(title="dataset"),
    TableColumn(title="model"),
    TableColumn(title="features", drop=3),
    TableColumn(title="window", drop=2, right=True),
    TableColumn(title="split", drop=4),
    TableColumn(title="run"),
    TableColumn(title="figure", drop=1),
    TableColumn(title="parameters", drop=6, right=True),
    TableColumn(title="sha256", drop=5),
    TableColumn(title="file"),
)


def document_of(place: Path) -> dict[str, Any]:
    """What is known of a registered teacher; `file` says ok or what is wrong."""
    known: dict[str, Any] = {"path": str(place)}
    try:
        teacher = read_teacher(place)
        if teacher is None:
            raise ArtifactError(f"{place}: no .json beside it, or no such file")
        known |= cast(dict[str, Json], to_plain(teacher, Teacher))
        checked_sha256(place, teacher.sha256)
        return {**known, "file": "ok"}
    except ArtifactError as error:
        return {**known, "file": str(error)}


def row_of(document: dict[str, Any]) -> tuple[str, ...]:
    """A line of the table under `HEADER`."""
    path = Path(document["path"])
    if "sha256" not in document:
        model = path.name.partition("_teacher")[0]
        return (path.parent.name, model, "", "", "", "", "", "", "", document["file"])
    return (
        document["dataset"],
        document["model"],
        document["features"],
        str(document["window"]),
        document["split"],
        document["run_id"] or document["origin"],
        f"{document['metric']} {document['value']:.5g}",
        f"{document['parameters']:,}",
        document["sha256"][:12],
        document["file"],
    )
