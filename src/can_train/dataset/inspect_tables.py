"""The report on a dataset as tables for people and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final, TextIO

from rich.console import Console
from rich.table import Table

from can_train.dataset.inspect_report import DatasetReport, ScenarioReport, SharedReport, Sizes

_PLAIN_WIDTH: Final = 200
_NOT_AVAILABLE: Final = "n/a"


def report_json(report: DatasetReport) -> str:
    """One JSON object, indented, with a line end."""
    return json.dumps(asdict(report), indent=1) + "\n"


def print_report(report: DatasetReport, stream: TextIO) -> None:
    """Writes the report as tables; without colours where `stream` is no terminal."""
    console = Console(file=stream, width=None if stream.isatty() else _PLAIN_WIDTH, highlight=False)
    console.print(
        f"{report.modality}/{report.dataset}: windows of {report.window} frames, stride "
        f"{report.stride}; {report.features} graphs have {report.node_features} node and "
        f"{report.edge_features} edge features"
    )
    console.print(_recordings(report))
    console.print(_graphs(report))
    if report.shared:
        console.print(_shared(report.shared))
    for line in report.clocks:
        console.print(line, soft_wrap=True)
    for line in report.left_out:
        console.print(f"left out: {line}", soft_wrap=True)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("scenario", overflow="fold")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _recordings(report: DatasetReport) -> Table:
    table = _table(
        "Recordings", "files", "frames", "seconds", "frames/s", "IDs", "29-bit", "DLC mix", "attack"
    )
    for row in report.scenarios:
        table.add_row(
            row.scenario,
            str(row.files),
            f"{row.frames:,}",
            f"{row.duration_s:,.1f}",
            _number(row.frames_per_s, ",.0f"),
            str(row.ids),
            str(row.extended_ids),
            _dlc_mix(row),
            f"{row.attack_share:.2%}",
        )
    return table


def _dlc_mix(row: ScenarioReport) -> str:
    return " ".join(f"{dlc}:{share:.1%}" for dlc, share in row.dlc_share.items())


def _graphs(report: DatasetReport) -> Table:
    table = _table(
        "Windows and graphs (mean / p95 / max)", "windows", "attack", "nodes", "edges", "features"
    )
    for row in report.scenarios:
        table.add_row(
            row.scenario,
            f"{row.windows:,}",
            f"{row.attack_windows:,}",
            _sizes(row.nodes),
            _sizes(row.edges),
            f"{row.packed_bytes / 1e6:.1f} MB",
        )
    return table


def _sizes(sizes: Sizes) -> str:
    if sizes.max is None:
        return _NOT_AVAILABLE
    return f"{_number(sizes.mean, '.1f')} / {_number(sizes.p95, '.0f')} / {sizes.max}"


def _shared(rows: tuple[SharedReport, ...]) -> Table:
    table = _table(
        "What test scenarios share with training",
        "recordings",
        "IDs known",
        "benign frames with known ID",
        "windows repeated",
    )
    for row in rows:
        table.add_row(
            row.scenario,
            str(len(row.shared_recordings)),
            f"{row.known_ids:.1%}",
            _number(row.known_benign_frames, ".1%"),
            _number(row.repeated_windows, ".1%"),
        )
    return table


def _number(value: float | None, form: str) -> str:
    return _NOT_AVAILABLE if value is None else format(value, form)
