"""The plans of a sweep as one plan, in which every run stands once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from can_train.pipeline.plan import Plan, PlannedStage, plan_id_of
from can_train.runs.layout import Roots


def union(plans: Sequence[Plan], roots: Roots) -> Plan:
    """One plan with the stages of all `plans`; those that are the same run are one stage.

    Args:
        plans: Plans whose runs lie under the same roots.
        roots: These.
    """
    stages: dict[Path, PlannedStage] = {}
    for plan in plans:
        numbers: dict[int, int] = {}
        for planned in plan.stages:
            run = planned.frozen.run_dir
            if run not in stages:
                numbers[planned.stage.number] = len(stages) + 1
                stages[run] = _renumbered(planned, numbers)
            numbers[planned.stage.number] = stages[run].stage.number
    found = tuple(stages.values())
    return Plan(
        plan_id=plan_id_of([stage.run_id for stage in found]),
        roots=roots,
        stages=found,
        warnings=tuple(dict.fromkeys(text for plan in plans for text in plan.warnings)),
    )


def _renumbered(planned: PlannedStage, numbers: Mapping[int, int]) -> PlannedStage:
    inputs = tuple(
        item if item.from_stage is None else replace(item, from_stage=numbers[item.from_stage])
        for item in planned.inputs
    )
    stage = replace(planned.stage, number=numbers[planned.stage.number])
    return replace(planned, stage=stage, inputs=inputs)
