"""How a sweep stands: what its commands show before, while and after it runs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from can_train.cli.options import roots_of
from can_train.errors import ArtifactError, counted
from can_train.runs.layout import experiment_option, sweep_dir
from can_train.sweeps.axes import word_of
from can_train.sweeps.manifest import Manifest, manifest_of
from can_train.sweeps.report import finite
from can_train.sweeps.standing import Combination, SweepBoard, sweep_board
from can_train.tables import TableColumn, TableRow, write_lines, write_table

if TYPE_CHECKING:
    from can_train.sweeps.make import Sweep


def show_plan(sweep: Sweep, *, whole: bool) -> None:
    """Writes what would run: the combinations, and where the whole plan is wanted its stages."""
    from can_train.cli.planning import show

    manifest, plan = sweep.manifest, sweep.plan
    asked = sum(len(config.runs) for config in manifest.configs)
    shared = asked - len(plan.stages)
    write_lines(
        sys.stdout,
        [
            f"sweep {manifest.sweep_id}: {counted(manifest.total_combinations, 'combination')}, "
            f"{counted(len(plan.stages), 'run')} ({shared} of {counted(asked, 'stage')} shared)"
        ],
    )
    write_table(sys.stdout, _columns(manifest, ("run",)), _planned_rows(manifest))
    if whole:
        show(plan)
    for warning in () if whole else plan.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    sys.stdout.flush()


def show_search(manifest: Manifest) -> None:
    """Writes what a search will choose from, and how often."""
    search = manifest.search
    known = counted(0 if search is None else search.trials, "trial")
    rows = [
        (name, ", ".join(word_of(name, v) for v in values) if isinstance(values, list) else values)
        for name, values in manifest.grid_definition.items()
    ]
    write_lines(sys.stdout, [f"sweep {manifest.sweep_id}: a search of {known}, chosen from"])
    columns = (TableColumn(title="axis"), TableColumn(title="values"))
    write_table(sys.stdout, columns, [[str(cell) for cell in row] for row in rows])
    sys.stdout.flush()


def show_as_json(document: object) -> None:
    """Writes one JSON document."""
    sys.stdout.write(json.dumps(document, indent=1, allow_nan=False) + "\n")


def write_sweep_ending(root: Path, board: SweepBoard) -> None:
    """Writes how a sweep stands after a command that ran it, and what to type next."""
    manifest = board.manifest
    lines = [
        f"sweep {manifest.sweep_id}: {board.state}, {board.done} of "
        f"{counted(manifest.total_combinations, 'combination')} done",
        *_failures(board),
        f"files: {sweep_dir(root, manifest.sweep_id)}",
        _next(root, board),
    ]
    write_lines(sys.stdout, lines)
    sys.stdout.flush()


def _next(root: Path, board: SweepBoard) -> str:
    word, sweep_id = next_word(board.state), board.manifest.sweep_id
    return f"next: can-train {word} {sweep_id}{experiment_option(root)}"


def next_word(state: str) -> str:
    """What to do with a sweep in that state."""
    if state == "finished":
        return "sweep results"
    return "sweep status" if state in {"running", "pending"} else "sweep resume"


def show_status(args: argparse.Namespace) -> int:
    """Writes how sweeps or the combinations of one stand; 1 if a run of it failed.

    Raises:
        PreflightError: There is no such sweep.
        ArtifactError: Its record is damaged.
    """
    root = roots_of(args).experiments
    if args.name is None:
        return _show_sweeps(root, as_json=args.json)
    manifest = sweep_called(root, args.name)
    board = sweep_board(root, manifest)
    if args.json:
        show_as_json(_status_document(board))
    else:
        write_lines(sys.stdout, heading(board))
        columns = _columns(manifest, ("run", "state", "done", "figure"))
        write_table(
            sys.stdout, columns, (_status_row(manifest, item) for item in board.combinations)
        )
        write_lines(sys.stdout, (*_failures(board), _next(root, board)))
    for problem in board.board.problems:
        sys.stderr.write(f"warning: {problem}\n")
    return int(any(row.state in {"failed", "blocked"} for row in board.board.rows))


def _show_sweeps(root: Path, *, as_json: bool) -> int:
    from can_train.cli.sweep_table import SWEEP_COLUMNS, sweep_lines
    from can_train.sweeps.manifest import listed_sweeps

    found = list(listed_sweeps(root))
    boards = [sweep_board(root, item.manifest) for item in found if item.manifest is not None]
    if as_json:
        show_as_json([_status_document(board) for board in boards])
    elif found:
        write_table(sys.stdout, SWEEP_COLUMNS, sweep_lines(found, boards, root))
    else:
        sys.stdout.write(f"no sweeps under {root}. See the examples: can-train list-configs\n")
    damaged = any(item.problem for item in found)
    return ArtifactError.exit_code if damaged else 0


def sweep_called(root: Path, name: str) -> Manifest:
    """The sweep of that name.

    Raises:
        PreflightError: There is none.
        ArtifactError: Its record is damaged.
    """
    from can_train.runs.find import find_sweep

    return manifest_of(find_sweep(root, name))


def heading(board: SweepBoard) -> list[str]:
    """How a sweep stands, and what made it."""
    manifest = board.manifest
    name = f" ({manifest.name})" if manifest.name else ""
    return [
        f"sweep {manifest.sweep_id}{name}: {board.state}, {board.done} of "
        f"{counted(manifest.total_combinations, 'combination')} done ({board.counts})",
        f"made by: {manifest.command}",
    ]


def _columns(manifest: Manifest, more: Sequence[str]) -> tuple[TableColumn, ...]:
    words = [*(["part"] if len(manifest.parts) > 1 else []), *manifest.grid_definition]
    return tuple(TableColumn(title=name) for name in (*words, *more))


def _words(manifest: Manifest, part: str, params: Mapping[str, Any]) -> list[str]:
    shown = [part] if len(manifest.parts) > 1 else []
    return [
        *shown,
        *(word_of(n, params[n]) if n in params else "" for n in manifest.grid_definition),
    ]


def _planned_rows(manifest: Manifest) -> Iterator[list[str]]:
    for config in manifest.configs:
        words = _words(manifest, config.part, config.params)
        yield [*words, Path(config.runs[-1].run_dir).name]


def _status_row(manifest: Manifest, item: Combination) -> TableRow:
    from can_train.cli.status_table import COLOURS

    last, config = item.last, item.config
    done = sum(row.state == "finished" for row in item.rows)
    figure = "" if last.value is None else f"{last.metric} {last.value:.4g}"
    words = _words(manifest, config.part, config.params)
    cells = (*words, last.job.run_dir.name, item.state, f"{done} of {len(item.rows)}", figure)
    return TableRow(cells=cells, style=COLOURS.get(item.state, ""))


def _failures(board: SweepBoard) -> list[str]:
    """Why runs failed, each once."""
    return [
        f"failed: run {row.job.run_dir.name} ({row.job.title}): {row.reason}"
        for row in board.board.rows
        if row.state == "failed"
    ]


def _status_document(board: SweepBoard) -> dict[str, object]:
    manifest = board.manifest
    return {
        "sweep_id": manifest.sweep_id,
        "name": manifest.name,
        "state": board.state,
        "total_combinations": manifest.total_combinations,
        "done": board.done,
        "combinations": [
            {
                "id": item.config.id,
                "part": item.config.part,
                "params": dict(item.config.params),
                "state": item.state,
                "run_id": item.last.job.run_dir.name,
                "runs": {row.job.run_dir.name: row.state for row in item.rows},
                "metric": item.last.metric,
                "value": finite(item.last.value),
            }
            for item in board.combinations
        ],
    }
