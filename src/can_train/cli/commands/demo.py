"""`can-train demo`: the whole chain on synthetic traffic, in a few minutes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.options import add_root_options, roots_of
from can_train.cli.recording import add_recording_options
from can_train.errors import counted
from can_train.runs.layout import Roots, experiment_option, root_options, roots_from

if TYPE_CHECKING:
    from can_train.pipeline.plan import Plan

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

DATASET: Final = "synthetic"
SCALE: Final = 1.0
"""Length of the synthetic drives that gives about 1,500 training windows of 100 frames."""

WORDS: Final[Mapping[str, str]] = {
    "modality": "automotive",
    "dataset": DATASET,
    "model": "vgae,gat,vgae,gat,dqn",
    "model_size": "teacher,teacher,student,student,student",
    "training_strategy": "autoencoder,curriculum,autoencoder,curriculum,fusion",
    "distillation": "no-kd,no-kd,with-kd,with-kd,no-kd",
    "epochs": "6,4,12,8,12",
    "windows_per_side": "800",
    "threads": "1",
}
LEAST_ROC_AUC: Final = 0.9
SCENARIO: Final = "test_01"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `demo`."""
    parser = subparsers.add_parser(
        "demo",
        help="train and evaluate the whole chain on synthetic traffic",
        description=(
            "Make synthetic traffic, train teachers, distil students, fuse and evaluate them; "
            "a few minutes on a laptop. A second call reuses what is there."
        ),
        epilog=epilog("demo"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_recording_options(parser)
    add_root_options(parser, "data", "experiment", "teacher")


def run(args: argparse.Namespace) -> int:
    """Runs the chain; 1 if GAT or fusion ends below the least ROC-AUC on test_01."""
    from can_train.cli.evaluation_process import given_data_root
    from can_train.cli.launch import conclude, exit_code, mirroring_all, run_plan
    from can_train.cli.planning import show
    from can_train.config.typed import Typed
    from can_train.jobs.executor import HERE, executor_called
    from can_train.pipeline.plan import jobs_of, make_plan

    roots = roots_of(args)
    _synthesise(roots)
    plan = make_plan(Typed(text=WORDS), roots)
    show(plan)
    here = executor_called(HERE)
    with mirroring_all(jobs_of(plan), roots.experiments, here):
        ended = run_plan(plan)
        last = [plan.stages[-1].frozen.run_dir] if exit_code(ended.results) == 0 else []
        code = conclude(ended, here, last, given_data_root(args))
    return code or _verdict(plan)


def _synthesise(roots: Roots) -> None:
    """Makes and imports the dataset unless it is there."""
    from can_train.dataset.manifest import dataset_dir

    if (dataset_dir(roots.data, WORDS["modality"], DATASET) / "dataset.json").is_file():
        sys.stdout.write(f"reused: dataset {DATASET} under {roots.data}\n")
        return
    from can_train.dataset.prepare import PrepareRequest, prepare_dataset
    from can_train.dataset.synth import generate

    source = roots.data / "source" / DATASET
    files = generate(source, scale=SCALE)
    sys.stdout.write(f"wrote {counted(len(files), 'synthetic recording')} to {source}\n")
    request = PrepareRequest(
        modality=WORDS["modality"], dataset=DATASET, data_root=roots.data, source=source
    )
    prepare_dataset(request, report=_write_line)


def _verdict(plan: Plan) -> int:
    """Compares the figures with the least, and says what to type next."""
    from can_train.runs.layout import evaluation_path

    run_dir = plan.stages[-1].frozen.run_dir
    figures = _roc_auc(evaluation_path(run_dir))
    code = 0
    for scorer in _scorers(plan):
        value = figures.get(scorer)
        if value is None or value < LEAST_ROC_AUC:
            shown = "n/a" if value is None else f"{value:.3f}"
            sys.stderr.write(
                f"demo failed: {scorer} has ROC-AUC {shown} on {SCENARIO}, at least "
                f"{LEAST_ROC_AUC} is expected. Look into its log: can-train logs {run_dir.name}"
                f"{experiment_option(plan.roots.experiments)}\n"
            )
            code = 1
    _write_line(f"report: {_report(plan)}")
    for line in _own_data(plan.roots):
        _write_line(line)
    return code


def _report(plan: Plan) -> Path:
    """Writes the page of the plan, and gives its place."""
    from can_train.report.plan_page import plan_page
    from can_train.report.write import write_page
    from can_train.runs.layout import plan_dir, report_path

    folder = plan_dir(plan.roots.experiments, plan.plan_id)
    write_page(plan_page(folder), report_path(folder))
    return report_path(folder)


def _own_data(roots: Roots) -> tuple[str, ...]:
    """What to type for recordings of one's own."""
    data = replace(roots_from(), data=roots.data)
    return (
        "your own recordings:",
        "  can-train data prepare --modality automotive --dataset mycar --benign DIR --attack DIR"
        f"{root_options(data)}",
        "  can-train pipeline --modality automotive --dataset mycar --model vgae,gat,dqn"
        f"{root_options(roots)}",
    )


def _scorers(plan: Plan) -> tuple[str, str]:
    """Rows that must be good: the classifier's, and those of the stage that combines all."""
    from can_train.config.spec import spec_of, usual_expert

    return usual_expert("probability").row, spec_of(plan.stages[-1].stage.model).row


def _roc_auc(path: Path) -> dict[str, float | None]:
    """ROC-AUC of every scorer on the whole of test_01."""
    from can_train.evaluation.report import load_report

    return {
        row.scorer: row.metrics.roc_auc if row.metrics else None
        for row in load_report(path).rows
        if row.scenario.startswith(SCENARIO) and row.file is None
    }


def _write_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
