"""A plan as JSON, and on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from can_train.config.codec import Json, to_plain
from can_train.config.frozen import encode_run_config, write_frozen
from can_train.config.schema import TEACHER, Resources
from can_train.files import sealed, write_text
from can_train.pipeline.estimates import StageCost
from can_train.pipeline.plan import Plan, PlannedStage
from can_train.pipeline.stored import InputRecord, StageRecord
from can_train.runs.layout import is_run, plan_dir, plan_path
from can_train.runs.remove import remove_plan, remove_run
from can_train.runs.state import living_owner, read_status


def write_plan(plan: Plan) -> Path:
    """Writes the frozen configs of all runs that haven't finished, and `plan.json`.

    Returns:
        Folder of the plan.
    """
    for planned in plan.stages:
        if planned.state != "reused":
            write_frozen(planned.frozen)
    folder = plan_dir(plan.roots.experiments, plan.plan_id)
    write_text(plan_path(folder), plan_json(plan))
    return folder


def unwrite_plan(plan: Plan) -> None:
    """Removes what `write_plan` left of a plan that nobody took: runs that never had a status.

    The record of the plan goes with them, unless one of its runs stays.
    """
    runs = [planned.frozen.run_dir for planned in plan.stages]
    for run in runs:
        if is_run(run) and read_status(run) is None and living_owner(run) is None:
            remove_run(run)
    if not any(is_run(run) for run in runs):
        remove_plan(plan_dir(plan.roots.experiments, plan.plan_id))


def plan_json(plan: Plan) -> str:
    """Text of `plan.json`: the same as of `--dry-run --json`, with its hash."""
    return json.dumps(sealed(plan_document(plan)), indent=1, sort_keys=True) + "\n"


def plan_document(plan: Plan) -> dict[str, Json]:
    """The plan as JSON values."""
    return {
        "plan_id": plan.plan_id,
        "experiment_root": str(plan.roots.experiments),
        "stages": [_stage_document(plan, planned) for planned in plan.stages],
        "edges": [list(edge) for edge in plan.edges],
        "warnings": list(plan.warnings),
    }


def _stage_document(plan: Plan, planned: PlannedStage) -> Json:
    """What later commands read (`StageRecord`), and the rest for people and other programs."""
    config = planned.config
    encoded = encode_run_config(config)
    record = _record(plan, planned)
    teachers = [item for item in record.inputs if item.role == TEACHER]
    return {
        **cast(dict[str, Json], to_plain(record, StageRecord)),
        "modality": config.modality,
        "learning_type": config.learning_type,
        "seed": config.seed,
        "state": planned.state,
        "run_id": planned.run_id,
        "distillation_settings": encoded["distillation"],
        "training": encoded["training"],
        "teacher": to_plain(teachers[0], InputRecord) if teachers else None,
        "resources": to_plain(planned.stage.resources, Resources),
        "estimate": to_plain(planned.cost, StageCost),
    }


def _record(plan: Plan, planned: PlannedStage) -> StageRecord:
    config = planned.config
    return StageRecord(
        number=planned.stage.number,
        dataset=config.dataset,
        model=config.model,
        model_size=config.model_size,
        distillation=config.distillation_word,
        training_strategy=config.training_strategy,
        sha256=planned.frozen.sha256,
        run_dir=str(planned.frozen.run_dir.relative_to(plan.roots.experiments)),
        inputs=tuple(
            InputRecord(
                role=item.name,
                from_stage=item.from_stage,
                run_id=item.parent.run_id,
                path=item.parent.path,
                sha256=item.parent.sha256,
                origin=item.origin,
            )
            for item in planned.inputs
        ),
    )
