"""What runs have learned about batches, as two tables."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Final

from can_train.tables import TableColumn

if TYPE_CHECKING:
    from can_train.training.adaptive_batch_size import SafetyFactorDatabase, SeenRun
    from can_train.training.safety_factor import FactorKey

_KEY: Final = (
    TableColumn(title="dataset"),
    TableColumn(title="model"),
    TableColumn(title="size"),
    TableColumn(title="strategy", drop=2),
    TableColumn(title="distillation", drop=3),
    TableColumn(title="device", drop=1),
)
FACTORS: Final = (
    *_KEY,
    TableColumn(title="factor", right=True),
    TableColumn(title="hand-set", right=True),
)
RUNS: Final = (
    TableColumn(title="when", drop=4),
    TableColumn(title="run"),
    *_KEY,
    TableColumn(title="batch", right=True),
    TableColumn(title="peak", right=True),
    TableColumn(title="outcome"),
)


def write_history(database: SafetyFactorDatabase, dataset: str | None) -> None:
    """Writes the factor of every kind of run, then all runs, the oldest first.

    Args:
        database: The records.
        dataset: Of one dataset alone; None: of all.
    """
    from can_train.config.batch_factors import load_factors
    from can_train.tables import write_table

    runs = [r for r in database.runs() if dataset in {None, r.last.key.dataset}]
    if not runs:
        sys.stdout.write(f"no records under {database.folder}: hand-set factors hold\n")
        return
    hand_set = load_factors()
    factors = []
    for key in dict.fromkeys(run.last.key for run in runs):
        found = database.factor(key, hand_set)
        start = found.base * found.multiplier
        factors.append((*_words(key), f"{found.value:.3f}", f"{start:.3f}"))
    write_table(sys.stdout, FACTORS, factors)
    sys.stdout.write("\n")
    write_table(sys.stdout, RUNS, [_cells(run) for run in runs])


def _cells(run: SeenRun) -> tuple[str, ...]:
    when = datetime.fromtimestamp(run.last.time).astimezone().isoformat(" ", "minutes")
    peak = "" if run.peak_share is None else f"{100 * run.peak_share:.1f} %"
    batch = f"{run.last.windows:,}"
    return (when[:16], run.last.run, *_words(run.last.key), batch, peak, _outcome(run))


def _words(key: FactorKey) -> tuple[str, ...]:
    return (
        key.dataset,
        key.model,
        key.model_size,
        key.training_strategy,
        key.distillation,
        key.device_class,
    )


def _outcome(run: SeenRun) -> str:
    ended = "finished" if run.finished else "not finished"
    if run.shortages:
        return f"{ended}, out of memory {run.shortages} x"
    return ended if run.observations or not run.finished else f"{ended}; batch not by the factor"
