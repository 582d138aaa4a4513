"""The report on a dataset as tables for people and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final, TextIO

from can_train.dataset.inspect_report import DatasetReport, ScenarioReport, SharedReport, Sizes
from can_train.tables import TableColumn, write_lines, write_table

_NOT_AVAILABLE: Final = "n/a"


def report_json(report: DatasetReport) -> str:
    """One JSON object, indented, with a line end."""
    return json.dumps(asdict(report), indent=1) + "\n"


def print_report(report: DatasetReport, stream: TextIO) -> None:
    """Writes the report as tables."""
    head = (
        f"{report.modality}/{report.dataset}: windows of {report.window} frames, stride "
        f"{report.stride}; {report.features} graphs have {report.node_features} node and "
        f"{report.edge_features} edge features"
    )
    write_lines(stream, (head, "", "Recordings"))
    write_table(stream, _RECORDINGS, map(_recordings, report.scenarios))
    write_lines(stream, ("", "Windows and graphs (mean / p95 / max)"))
    write_table(stream, _GRAPHS, map(_graphs, report.scenarios))
    if report.shared:
        write_lines(stream, ("", _SHARED_TITLE))
        write_table(stream, _SHARED, map(_shared, report.shared))
    write_lines(stream, report.clocks)
    write_lines(stream, (f"left out: {line}" for line in report.left_out))


def _number_column(title: str, drop: int = 0) -> TableColumn:
    return TableColumn(title=title, right=True, drop=drop)


_SCENARIO: Final = TableColumn(title="scenario")
_RECORDINGS: Final = (
    _SCENARIO,
    _number_column("files"),
    _number_column("frames"),
    _number_column("seconds", drop=1),
    _number_column("frames/s", drop=2),
    _number_column("IDs"),
    _number_column("29-bit", drop=3),
    _number_column("attack"),
    TableColumn(title="DLC mix", drop=4),
)
_GRAPHS: Final = (
    _SCENARIO,
    _number_column("windows"),
    _number_column("attack"),
    _number_column("nodes"),
    _number_column("edges"),
    _number_column("features", drop=1),
)
_SHARED_TITLE: Final = (
    "What test scenarios share with training: recordings; shares of the IDs, of the benign frames "
    "with a known ID, and of the windows"
)
_SHARED: Final = (
    _SCENARIO,
    _number_column("files"),
    _number_column("IDs"),
    _number_column("benign frames"),
    _number_column("windows"),
)


def _recordings(row: ScenarioReport) -> tuple[str, ...]:
    return (
        row.scenario,
        str(row.files),
        f"{row.frames:,}",
        f"{row.duration_s:,.1f}",
        _number(row.frames_per_s, ",.0f"),
        str(row.ids),
        str(row.extended_ids),
        f"{row.attack_share:.2%}",
        " ".join(f"{dlc}:{share:.1%}" for dlc, share in row.dlc_share.items()),
    )


def _graphs(row: ScenarioReport) -> tuple[str, ...]:
    return (
        row.scenario,
        f"{row.windows:,}",
        f"{row.attack_windows:,}",
        _sizes(row.nodes),
        _sizes(row.edges),
        f"{row.packed_bytes / 1e6:.1f} MB",
    )


def _sizes(sizes: Sizes) -> str:
    if sizes.max is None:
        return _NOT_AVAILABLE
    return f"{_number(sizes.mean, '.1f')}/{_number(sizes.p95, '.0f')}/{sizes.max}"


def _shared(row: SharedReport) -> tuple[str, ...]:
    return (
        row.scenario,
        str(len(row.shared_recordings)),
        f"{row.known_ids:.1%}",
        _number(row.known_benign_frames, ".1%"),
        _number(row.repeated_windows, ".1%"),
    )


def _number(value: float | None, form: str) -> str:
    return _NOT_AVAILABLE if value is None else format(value, form)
