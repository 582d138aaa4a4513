"""What a stage will roughly take: windows times epochs at the pace of its like."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.config.schema import AUGMENTED_EPOCH
from can_train.dataset.manifest import DatasetManifest
from can_train.pipeline.estimates import BASE_BYTES, TRAIN_SHARE, cost_of, pace_of
from can_train.pipeline.plan import Plan
from can_train.pipeline.record import write_plan
from can_train.runs.layout import Roots
from can_train.runs.state import end_running, start_running
from can_train.runs.summary import Pace, RankedFigure, write_summary

MakePlan = Callable[..., Plan]
PACE = Pace(epoch_s=2.0, epoch_windows=1000, around_s=20.0, ended_at=0.0)
WORDS = {"model": "gat", "threads": "1", "model_size": "student"}


def long(dataset: DatasetManifest) -> DatasetManifest:
    """With 1000 whole windows in each of the two training recordings."""
    recordings = tuple(replace(recording, frames=100_050) for recording in dataset.recordings)
    return replace(dataset, recordings=recordings)


def test_epochs_and_windows_make_the_time(plan_of: MakePlan, dataset: DatasetManifest) -> None:
    manifest = long(dataset)
    for epochs in (2, 80):
        config = plan_of(**WORDS, epochs=str(epochs)).stages[0].config
        found = cost_of(config, manifest, PACE)
        assert found.seconds == pytest.approx(20 + epochs * 2.0 * TRAIN_SHARE * 2, abs=0.1)
        assert found.memory_bytes > BASE_BYTES
    some = plan_of(**WORDS, epochs="10", windows_per_side="60").stages[0].config
    assert cost_of(some, manifest, PACE).seconds == pytest.approx(20 + 10 * 2.0 * 0.06, abs=0.1)


def test_a_fusion_that_is_solved_at_once_has_one_epoch(
    plan_of: MakePlan, dataset: DatasetManifest
) -> None:
    chain = {"model": "vgae,gat,dqn", "threads": "1", "epochs": "5,5,200"}
    for policy, epochs in (("maximum", 1), ("dqn", 200)):
        config = plan_of(**chain, fusion_policy=policy).stages[2].config
        per_epoch = 2.0 * TRAIN_SHARE * 2
        found = cost_of(replace(config, data=replace(config.data, augment=0)), long(dataset), PACE)
        assert found.seconds == pytest.approx(20 + epochs * per_epoch, abs=0.1)


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, "unknown"), (0.2, "1 s"), (59.0, "59 s"), (150.0, "2 min"),
                          (5400.0, "1.5 h")],
)  # fmt: skip
def test_a_time_in_words(
    plan_of: MakePlan, dataset: DatasetManifest, seconds: float | None, told: str
) -> None:
    cost = cost_of(plan_of(**WORDS).stages[0].config, dataset)
    assert cost.seconds is None
    assert replace(cost, seconds=seconds).time_text == told


def test_synthetic_recordings_count(plan_of: MakePlan, dataset: DatasetManifest) -> None:
    plain, more = (
        cost_of(plan_of(model="gat", augment=number).stages[0].config, long(dataset), PACE)
        for number in ("0", "36")
    )
    assert more.memory_bytes > plain.memory_bytes
    assert plain.seconds is not None and more.seconds is not None
    longer = (more.seconds - PACE.around_s) / (plain.seconds - PACE.around_s)
    assert 1.0 < longer <= AUGMENTED_EPOCH + 0.01


def finished(plan: Plan, **figures: float) -> Path:
    """The run of a plan of one stage, as a worker on this machine leaves it."""
    run = plan.stages[0].frozen.run_dir
    write_plan(plan)
    start_running(run)
    validation = RankedFigure(
        metric="val_loss", value=1.0, higher_is_better=False, artifact_sha256="x"
    )
    write_summary(run, validation, figures)
    end_running(run, "finished", exit_code=0)
    return run


MEASURED = {"epoch_seconds": 3.0, "epoch_windows": 700, "around_seconds": 11.0}


def test_the_pace_is_that_of_a_run_of_the_same_network_on_this_machine(
    plan_of: MakePlan, roots: Roots
) -> None:
    finished(plan_of(**WORDS), **MEASURED)
    like = plan_of(**WORDS, seed="1", epochs="80")
    pace = pace_of(roots.experiments, like.stages[0].config)
    assert pace is not None
    assert (pace.epoch_s, pace.epoch_windows, pace.around_s) == (3.0, 700, 11.0)
    assert like.stages[0].cost.seconds is not None
    for other in ({"model_size": "teacher"}, {"threads": "2"}, {"window": "50"}):
        config = plan_of(**{**WORDS, **other}).stages[0].config
        assert pace_of(roots.experiments, config) is None


def test_runs_of_elsewhere_or_without_a_pace_or_damaged_tell_nothing(
    plan_of: MakePlan, roots: Roots
) -> None:
    finished(plan_of(**WORDS))
    config = plan_of(**WORDS, seed="1").stages[0].config
    assert pace_of(roots.experiments, config) is None
    run = finished(plan_of(**WORDS, seed="2"), **MEASURED)
    assert pace_of(roots.experiments, config) is not None
    status = run / "status.json"
    text = status.read_text()
    status.write_text(text.replace('"host": "', '"host": "other-'))
    assert pace_of(roots.experiments, config) is None
    status.write_text("{")
    assert pace_of(roots.experiments, config) is None
