"""The batch of a run, or of the stages of a request, as `batch-size explain` shows it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from can_train.cli.options import roots_of, typed_from
from can_train.config.schema import AUTOMATIC_BATCH, TEACHER, Parent, RunConfig
from can_train.config.spec import spec_of
from can_train.errors import CanTrainError, ConfigError, PreflightError, counted, raise_all
from can_train.tables import TableColumn

if TYPE_CHECKING:
    from can_train.config.requests import PlanRequest
    from can_train.config.resolve import ResolvedStage
    from can_train.pipeline.data import PlanData
    from can_train.runs.layout import Roots
    from can_train.training.batch_decision import BatchDecision

GIB: Final = 2**30
MIB: Final = 2**20
COLUMNS: Final = (
    TableColumn(title="stage"),
    TableColumn(title="fits", right=True),
    TableColumn(title="factor", right=True),
    TableColumn(title="batch", right=True),
    TableColumn(title="steps per epoch", right=True),
    TableColumn(title="decided by"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedBatch:
    """One batch.

    Attributes:
        title: The stage or the run.
        decision: Its batch.
        steps: Of its first epoch; at least so many where its windows are of different size.
    """

    title: str
    decision: BatchDecision
    steps: int


def decision_of_run(args: argparse.Namespace) -> list[ExplainedBatch]:
    """The batch of the run that was named, as it was decided.

    Raises:
        PreflightError: None was decided yet.
    """
    from can_train.runs.find import find_run
    from can_train.training.batch_decision import read_decision

    run = find_run(roots_of(args).experiments, args.name)
    decision = read_decision(run)
    if decision is None:
        raise PreflightError(
            f"run {run.name}: no batch was decided yet: its training didn't start, or an older "
            f"can-train trained it. Show how it stands: can-train status {run.name}"
        )
    steps = -(-decision.epoch_windows // decision.windows)
    return [ExplainedBatch(title=f"run {run.name}", decision=decision, steps=steps)]


def decisions_of_request(args: argparse.Namespace) -> list[ExplainedBatch]:
    """What `--batch-size auto` would take here for every stage that is asked for.

    Raises:
        ConfigError: The request is wrong, or no stage of it trains on graphs.
        PreflightError: The dataset isn't prepared.
    """
    from can_train.config.build import build_request
    from can_train.config.resolve import resolve_stages
    from can_train.pipeline.data import plan_data

    built = build_request(typed_from(args, one_stage=False))
    raise_all(built.problems)
    if built.request is None:
        raise ConfigError("batch-size explain: give a RUN, or what is trained, such as --model gat")
    problems: list[CanTrainError] = []
    roots = roots_of(args)
    data = plan_data(built.request, roots, problems)
    raise_all(problems)
    stages = [s for s in resolve_stages(built.request)[0] if _trains_on_graphs(s)]
    if data is None or not stages:
        raise ConfigError(
            "batch-size explain: no stage trains on graphs; a fusion is fitted on scores, which "
            "always fit. Use for example: --model gat"
        )
    return [_measured(built.request, stage, data, roots) for stage in stages]


def write_decisions(found: Sequence[ExplainedBatch]) -> None:
    """Writes a table, and below it where each number comes from."""
    from can_train.tables import write_lines, write_table

    write_table(sys.stdout, COLUMNS, [_cells(each) for each in found])
    write_lines(sys.stdout, [line for each in found for line in _lines(each)])


def _trains_on_graphs(stage: ResolvedStage) -> bool:
    return not spec_of(stage.model).needed(spec_of(stage.model).strategies[0])


def _measured(
    request: PlanRequest, stage: ResolvedStage, data: PlanData, roots: Roots
) -> ExplainedBatch:
    import torch

    from can_train.config.resolve import run_config
    from can_train.dataset.windows import open_windows
    from can_train.detectors.batching import BatchBudget
    from can_train.detectors.build import build_stage
    from can_train.training.adaptive_batch_size import SafetyFactorDatabase
    from can_train.training.batch_size import decided
    from can_train.training.device import memory_of, training_device

    config = run_config(request, stage, data.windows, {TEACHER: Parent()})
    if config.training.batch_size is None:
        training = replace(config.training, batch_size=AUTOMATIC_BATCH)
        config = replace(config, training=training)
    torch.set_num_threads(config.training.threads)
    inputs = open_windows(roots.data, data.manifest.ref, config.data, data.manifest.training_digest)
    device = training_device()
    module = build_stage(_alone(config), inputs, {}).module.to(device)
    database = SafetyFactorDatabase(roots.experiments)
    decision = decided(config, module, memory_of(device), database)
    module.use_budget(
        BatchBudget(windows=decision.windows, nodes=decision.nodes, edges=decision.edges)
    )
    return ExplainedBatch(title=stage.title, decision=decision, steps=module.steps)


def _alone(config: RunConfig) -> RunConfig:
    """The same network without teacher and experts."""
    strategy = spec_of(config.model).strategies[0]
    return replace(
        config, distillation=None, curriculum=None, experts={}, training_strategy=strategy
    )


def _cells(each: ExplainedBatch) -> tuple[str, ...]:
    decision = each.decision
    return (
        each.title,
        "" if decision.largest is None else f"{decision.largest:,}",
        "" if decision.factor is None else f"{decision.factor:.2f}",
        f"{decision.windows:,}",
        f"{each.steps:,}",
        decision.bound if decision.is_automatic else decision.source,
    )


def _lines(each: ExplainedBatch) -> Iterator[str]:
    """Where the numbers come from."""
    decision = each.decision
    if decision.largest is None or decision.factor is None:
        yield f"{each.title}: nothing was measured: {decision.options} ({decision.source})"
        return
    yield (
        f"{each.title}: at most {counted(decision.largest, 'window')} in the "
        f"{(decision.free_bytes or 0) / GIB:.1f} GiB that are free of "
        f"{(decision.total_bytes or 0) / GIB:.1f} GiB ({decision.limit}, {decision.device_class}), "
        f"at {(decision.bytes_per_window or 0) / MIB:.3f} MiB each; measured in "
        f"{decision.probe_s or 0:.1f} s"
    )
    yield f"{each.title}: factor {decision.factor:.4g}: {_origin(decision)}"
    if decision.bound == "50 steps per epoch":
        yield (
            f"{each.title}: {counted(decision.epoch_windows, 'window')} per epoch "
            "bound the batch: at least 50 steps"
        )
    if decision.rate_scale != 1.0:
        yield f"{each.title}: learning rate times {decision.rate_scale:.3g} (--scale-lr)"
    yield f"{each.title}: the same batches anywhere: {decision.options}"


def _origin(decision: BatchDecision) -> str:
    if decision.source == "learned":
        return f"learned from {decision.factor_detail}"
    times = ""
    if decision.factor_multiplier != 1.0:
        times = f" x {decision.factor_multiplier:g} with distillation"
    return f"{decision.source} {decision.factor_base:g}{times} ({decision.factor_detail})"
