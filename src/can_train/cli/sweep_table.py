"""Sweeps as `status` shows them: the id first, and below each what to type next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from can_train.cli.status_table import COLOURS
from can_train.cli.sweep_views import next_word
from can_train.jobs.board import DAMAGED
from can_train.runs.layout import experiment_option
from can_train.sweeps.manifest import ListedSweep
from can_train.sweeps.standing import SweepBoard
from can_train.tables import TableColumn, TableRow

SWEEP_COLUMNS: Final = (
    TableColumn(title="sweep"),
    TableColumn(title="state"),
    TableColumn(title="combinations"),
    TableColumn(title="name", drop=1),
    TableColumn(title="axes", drop=2),
)


def sweep_lines(
    sweeps: Sequence[ListedSweep], boards: Sequence[SweepBoard], experiment_root: Path
) -> Iterator[TableRow]:
    """A line for each sweep, and below it what to type next.

    Args:
        sweeps: The sweeps.
        boards: How those with a readable record stand.
        experiment_root: Where they lie.
    """
    by_id = {board.manifest.sweep_id: board for board in boards}
    option = experiment_option(experiment_root)
    for sweep in sweeps:
        board = by_id.get(sweep.folder.name)
        if board is None:
            cells = (sweep.folder.name, DAMAGED, "", "", "")
            yield TableRow(cells=cells, style=COLOURS[DAMAGED], notes=(sweep.problem,))
            continue
        manifest = board.manifest
        cells = (
            manifest.sweep_id,
            board.state,
            f"{board.done} of {manifest.total_combinations} done",
            manifest.name,
            ",".join(manifest.grid_definition),
        )
        note = f"next: can-train {next_word(board.state)} {manifest.sweep_id}{option}"
        yield TableRow(cells=cells, style=COLOURS.get(board.state, ""), notes=(note,))
