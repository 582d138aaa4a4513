"""A search chooses by validation, remembers what it tried, and goes on where it was killed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from can_train.config.run_log import append_event
from can_train.errors import CanTrainError
from can_train.jobs.job import Job, JobResult
from can_train.pipeline.stored import load_plan
from can_train.runs.events import EpochEnded
from can_train.runs.layout import Roots, manifest_path, plan_dir, search_journal, sweep_dir
from can_train.runs.remove import remove_run
from can_train.runs.state import PRUNED, RunStatus, end_running, write_status
from can_train.sweeps.make import check_reproduced, make_sweep, order_of
from can_train.sweeps.manifest import read_manifest
from can_train.sweeps.results import best_of, groups_of, results_of
from can_train.sweeps.search import MOST_FAILURES, Search, check_search
from can_train.sweeps.standing import sweep_board
from can_train.sweeps.study import PRUNED_AFTER, opened_study
from tests.unit.pipeline.conftest import Finish
from tests.unit.sweeps.conftest import Ask, Runner

pytestmark = pytest.mark.search


def params_of(search: Search) -> list[Mapping[str, Any]]:
    return [config.params for config in search.manifest.configs]


def test_the_record_has_all_trials_and_the_best_is_that_on_validation(
    asked: Ask, runner: Runner, roots: Roots
) -> None:
    search = runner.run(asked(trials=6))
    manifest = read_manifest(manifest_path(sweep_dir(roots.experiments, search.manifest.sweep_id)))
    assert manifest == search.manifest
    assert (manifest.total_combinations, len(manifest.configs)) == (6, 6)
    assert manifest.grid_definition == {
        "learning_rate": "0.0001..0.01:log", "gat.heads": [2, 4],
    }  # fmt: skip
    distances = [abs(float(each["learning_rate"]) - 0.002) for each in params_of(search)]
    board = sweep_board(roots.experiments, manifest)
    assert (board.state, board.done) == ("finished", 6)
    (best,) = best_of(groups_of(results_of(board)))
    assert abs(float(str(best.params["learning_rate"])) - 0.002) == min(distances)


def test_one_that_was_killed_tries_what_it_would_have_tried(
    asked: Ask, runner: Runner, roots: Roots, finish: Finish, tmp_path: Path
) -> None:
    whole = runner.run(asked())
    elsewhere = replace(roots, experiments=tmp_path / "other")
    other = Runner(elsewhere, finish)
    killed = other.run(asked(), until=5)
    folder = sweep_dir(elsewhere.experiments, killed.manifest.sweep_id)
    with search_journal(folder).open("ab") as stream:
        stream.write(b'{"half a line')
    resumed = other.run(asked())
    assert params_of(resumed) == params_of(whole)
    assert len(other.order) == 9 and other.order[4] == other.order[5]  # nobody was told of its end
    assert resumed.manifest.created_at == killed.manifest.created_at


@pytest.mark.parametrize("unwritten", [1, 2])
def test_a_trial_that_was_killed_while_it_was_chosen_is_left_out(
    asked: Ask, runner: Runner, roots: Roots, unwritten: int
) -> None:
    search = runner.run(asked(trials=2))
    folder = sweep_dir(roots.experiments, search.manifest.sweep_id)
    journal = search_journal(folder)
    with opened_study(folder, asked().axes) as study:
        study.ask()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-unwritten]))  # each value of a trial is a line
    resumed = runner.run(asked(trials=4))
    assert params_of(resumed)[:2] == params_of(search) and len(params_of(resumed)) == 4
    assert sweep_board(roots.experiments, resumed.manifest).done == 4
    with opened_study(folder, asked().axes) as study:
        assert [trial.number for trial in study.trials] == [0, 1, 3, 4]


def test_what_was_removed_is_trained_again(asked: Ask, runner: Runner, roots: Roots) -> None:
    search = runner.run(asked(trials=3))
    run = search.manifest.configs[1].last(roots.experiments)
    remove_run(run)
    again = runner.run(asked(trials=3))
    assert runner.order[3:] == [run.name] and params_of(again) == params_of(search)


def test_more_trials_go_on_with_the_same_search(asked: Ask, runner: Runner) -> None:
    few, many = runner.run(asked(trials=3)), runner.run(asked(trials=5))
    assert few.manifest.sweep_id == many.manifest.sweep_id
    assert params_of(many)[:3] == params_of(few) and len(params_of(many)) == 5


def test_stages_that_trials_share_run_once(asked: Ask, runner: Runner, roots: Roots) -> None:
    search = runner.run(asked("gat.heads=1..8", trials=4, model="vgae,gat"), at_once=2)
    assert len(search.manifest.configs) == 4
    plan = load_plan(roots.experiments, plan_dir(roots.experiments, search.manifest.sweep_id))
    assert [stage.job.name for stage in plan.stages].count("vgae") == 1
    assert not search.manifest.evaluated(roots.experiments, [s.job for s in plan.stages])


def test_what_is_tried_twice_runs_once(asked: Ask, runner: Runner) -> None:
    search = runner.run(asked("gat.heads=1..8", trials=7), at_once=3)
    configs = search.manifest.configs
    assert len(configs) == 7
    assert len(runner.order) == len({config.id for config in configs})


def test_the_record_alone_makes_the_same_runs(asked: Ask, runner: Runner, roots: Roots) -> None:
    search = runner.run(asked(trials=3))
    sweep = make_sweep(order_of(search.manifest), roots)
    check_reproduced(search.manifest, sweep)
    assert len(sweep.manifest.configs) == 3 and sweep.manifest.search is None


def test_a_trial_that_is_worse_than_most_is_given_up(
    asked: Ask, runner: Runner, roots: Roots
) -> None:
    seen: list[str] = []

    def told(search: Search, job: Job) -> JobResult:
        number = len(seen)
        loss = 1.0 if number < PRUNED_AFTER else 5.0
        for epoch in range(6):
            append_event(
                job.run_dir, EpochEnded(epoch=epoch, best=True, figures={"val_loss": loss})
            )
        status = RunStatus(state="running", epoch=6, epochs=9, metric="val_loss", value=loss)
        write_status(job.run_dir, status)
        unwanted = search.unwanted()
        seen.append(unwanted.get(job.number, ""))
        if not unwanted:
            return runner.finished(search, job)
        end_running(job.run_dir, "cancelled", message=unwanted[job.number])
        return JobResult(job=job, outcome="cancelled", message=unwanted[job.number])

    search = runner.run(asked(trials=PRUNED_AFTER + 2), outcome=told)
    assert seen == [""] * PRUNED_AFTER + ["pruned: below the median after 6 epochs"] * 2
    board = sweep_board(roots.experiments, search.manifest)
    assert (board.state, board.done) == ("finished", PRUNED_AFTER + 2)
    assert [item.state for item in board.combinations][-1] == "pruned"
    assert [result.state for result in results_of(board)][-1] == "pruned"


def test_what_repeats_a_trial_that_was_given_up_is_given_up_too(
    asked: Ask, runner: Runner, roots: Roots
) -> None:
    def given_up(search: Search, job: Job) -> JobResult:
        for trial in search._open.values():
            trial.pruned = True
        end_running(job.run_dir, "cancelled", message=f"{PRUNED}: below the median")
        return JobResult(job=job, outcome="cancelled", message=f"{PRUNED}: below the median")

    two_values = "learning_rate=0.001..0.001001"  # numbers have four digits
    search = runner.run(asked(two_values, trials=4), outcome=given_up)
    board = sweep_board(roots.experiments, search.manifest)
    assert (board.done, len(board.combinations)) == (4, 4) and len(runner.order) <= 2
    with opened_study(sweep_dir(roots.experiments, search.manifest.sweep_id), ()) as study:
        assert [trial.state for trial in study.trials] == ["pruned"] * 4


def failed(search: Search, job: Job) -> JobResult:
    end_running(job.run_dir, "failed", exit_code=1, message="burst")
    return JobResult(job=job, outcome="failed", exit_code=1)


def cancelled(search: Search, job: Job) -> JobResult:
    end_running(job.run_dir, "cancelled", message="stopped by a signal")
    return JobResult(job=job, outcome="failed", exit_code=1)


def test_one_failure_after_another_ends_it(asked: Ask, runner: Runner) -> None:
    search = runner.run(asked(), outcome=failed)
    assert len(search.manifest.configs) == MOST_FAILURES and search.is_hopeless


def test_what_the_user_cancelled_is_tried_when_it_goes_on(asked: Ask, runner: Runner) -> None:
    search = runner.run(asked(trials=3), outcome=cancelled)
    assert len(search.manifest.configs) == 1 and not search.is_hopeless
    again = runner.run(asked(trials=3))
    assert params_of(again)[:1] == params_of(search) and len(params_of(again)) == 3
    assert runner.order[0] == runner.order[1]


@pytest.mark.parametrize(
    ("axes", "text", "said"),
    [
        (["gat.heads=2,4"], {}, "--trials 8: the grid has 2 combinations. Train all of them"),
        (["start_ratio=1..2"], {"training_strategy": "normal"}, "start_ratio: no stage trains by"),
        (["temperature=1..8"], {}, "--temperature: no stage distils"),
    ],
)
def test_what_cant_be_trained_is_refused_before_anything_is_written(
    asked: Ask, roots: Roots, axes: Sequence[str], text: Mapping[str, str], said: str
) -> None:
    with pytest.raises(CanTrainError) as error:
        check_search(asked(*axes, **text), roots)
    assert said in str(error.value)
    assert not roots.experiments.exists()
