"""Runs that were killed for memory can't record it; the next command that sees them does."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from can_train.errors import ArtifactError
from can_train.jobs.board import Row, board_of
from can_train.runs.job_views import OUT_OF_MEMORY
from can_train.runs.state import read_status
from can_train.training.adaptive_batch_size import SafetyFactorDatabase
from can_train.training.batch_decision import read_decision, record_of

logger = logging.getLogger("can_train")


def record_kills(experiment_root: Path, rows: Iterable[Row]) -> int:
    """Records each attempt among `rows` that was killed for memory, once; how many are new.

    Args:
        experiment_root: Folder of all runs.
        rows: Runs as they stand.
    """
    database, new = SafetyFactorDatabase(experiment_root), 0
    for row in rows:
        if row.state != "failed" or row.reason != OUT_OF_MEMORY:
            continue
        try:
            decision = read_decision(row.job.run_dir)
        except ArtifactError as error:  # whoever trains it again says more
            logger.warning("%s", error)
            continue
        if decision is None:  # it was killed before it trained
            continue
        status, run = read_status(row.job.run_dir), row.job.run_dir.name
        attempt = status.started_at if status and status.started_at else 0.0
        record = record_of(decision, run, "out of memory")
        new += database.record_once(record, f"{run}-{attempt:.3f}")
    return new


def record_all_kills(experiment_root: Path) -> int:
    """The same for all runs under `experiment_root`."""
    from can_train.pipeline.stored import all_stages, listed_plans

    stages = all_stages(experiment_root, listed_plans(experiment_root))
    return record_kills(experiment_root, board_of([stage.job for stage in stages]).rows)
