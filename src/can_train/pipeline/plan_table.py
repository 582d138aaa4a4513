"""A plan as a table: a row per stage, and what all stages share in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

from can_train.config.codec import Json, to_plain
from can_train.config.schema import AUTOMATIC_BATCH, Resources, TrainingConfig
from can_train.errors import counted
from can_train.pipeline.plan import Plan, PlannedStage
from can_train.tables import TableColumn, TableRow

COLUMNS: Final = (
    TableColumn(title="stage", right=True),
    TableColumn(title="run"),
    TableColumn(title="state"),
    TableColumn(title="model"),
    TableColumn(title="size"),
    TableColumn(title="strategy"),
    TableColumn(title="distillation", drop=3),
    TableColumn(title="from", drop=1),
    TableColumn(title="epochs", right=True, drop=2),
    TableColumn(title="time"),
    TableColumn(title="memory", drop=4),
)
STYLES: Final[Mapping[str, str]] = {"reused": "green", "resumed": "yellow"}


def heading(plan: Plan) -> str:
    """The plan, and where its runs lie."""
    stages = counted(len(plan.stages), "stage")
    return f"plan {plan.plan_id}: {stages}, runs under {plan.roots.experiments}"


def plan_rows(plan: Plan) -> Iterator[TableRow]:
    """A row per stage; below it what comes from disk, and settings of its own."""
    shared = _shared(plan)
    for planned in plan.stages:
        own = [text for text in _settings(planned) if text not in shared]
        found = [item.text for item in planned.inputs if item.from_stage is None]
        notes = (*found, *([", ".join(own)] if own else []))
        yield TableRow(cells=_cells(planned), style=STYLES.get(planned.state, ""), notes=notes)


def remarks(plan: Plan) -> Iterator[str]:
    """What all stages share, and what the estimates rest on."""
    shared = _shared(plan)
    if shared:
        yield ("all stages: " if len(plan.stages) > 1 else "") + ", ".join(shared)
    if any(planned.cost.seconds is None for planned in plan.stages):
        yield "where the time is unknown, nothing like it has finished on this machine yet"


def _cells(planned: PlannedStage) -> tuple[str, ...]:
    config = planned.config
    return (
        str(planned.stage.number),
        planned.frozen.run_dir.name,
        planned.state,
        config.model,
        config.model_size,
        config.training_strategy,
        config.distillation_word,
        ",".join(map(str, planned.depends_on)),
        str(config.epochs),
        "" if planned.state == "reused" else planned.cost.time_text,
        "" if planned.state == "reused" else planned.cost.memory_text,
    )


def _shared(plan: Plan) -> list[str]:
    """Settings that all stages have."""
    first, *others = map(_settings, plan.stages)
    return [text for text in first if all(text in other for other in others)]


def _settings(planned: PlannedStage) -> list[str]:
    config = planned.config
    data, training, kd = config.data, config.training, config.distillation
    asked = cast(dict[str, Json], to_plain(planned.stage.resources, Resources))
    return [
        f"seed {config.seed}",
        f"{data.features} graphs",
        f"window {data.window}",
        f"stride {data.stride}",
        f"split {data.split}",
        *_at_most(data.windows_per_side, "side"),
        *_at_most(training.windows_per_epoch, "epoch"),
        *_batch(training),
        f"learning rate {training.learning_rate:g}",
        *([] if kd is None else [f"temperature {kd.temperature:g}", f"alpha {kd.alpha:g}"]),
        *(f"{name} {value}" for name, value in asked.items() if value is not None),
    ]


def _at_most(windows: int | None, of_what: str) -> list[str]:
    return [] if windows is None else [f"at most {counted(windows, 'window')} per {of_what}"]


def _batch(training: TrainingConfig) -> list[str]:
    """The batch where one was asked for."""
    windows = "auto" if training.batch_size == AUTOMATIC_BATCH else training.batch_size
    asked = {"size": windows, "nodes": training.batch_nodes, "edges": training.batch_edges}
    return [f"batch {name} {most}" for name, most in asked.items() if most is not None]
