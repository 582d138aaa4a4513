"""A scheduler is a folder: executors are found, one outside of `src` works, nobody knows Slurm."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from can_train.cli.place import add_executor_choice, add_executor_options, chosen_executor
from can_train.config.schema import Resources
from can_train.errors import ConfigError
from can_train.files import SEAL
from can_train.jobs.board import board_of
from can_train.jobs.cancel import cancel
from can_train.jobs.executor import Executor, executor_called, executors
from can_train.jobs.job import Handover, Job, JobRequest, Needs
from can_train.runs.layout import status_path
from can_train.runs.state import current_status, read_status

ROOT = Path(__file__).resolve().parents[3]
TOY = ROOT / "tests" / "plugins" / "toy_executor.py"

WORKER = """
import sys
from pathlib import Path
from can_train.runs.state import end_running, owned, start_running
run = Path(sys.argv[-1]).parent.parent
with owned(run):
    start_running(run)
    end_running(run, "finished", exit_code=0)
"""

NAMES_SLURM = {
    "cli/commands/env.py": "help, and the first site profile",
    "cli/commands/status.py": "a key of `status --json` that scripts read",
    "cli/options.py": "help of --slurm-args",
    "cli/planning.py": "--slurm-args in a message",
    "config/buckets.py": "--slurm-args",
    "config/explain.py": "where a resource comes from",
    "config/fields.py": "--slurm-args",
    "config/schema.py": "help of resources",
    "config/typed.py": "--slurm-args",
    "plugins.py": "an example in its text",
    "runs/layout.py": "name of a folder of every run",
    "training/host_memory.py": "the memory that a job is given bounds its batches",
}
"""Files outside of `jobs/slurm/` that may hold the word, and what for."""


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Executor:
    monkeypatch.setenv("CAN_TRAIN_PLUGINS", str(TOY))
    monkeypatch.setenv("TOY_WORKER", shlex.join([sys.executable, "-c", WORKER]))
    return executor_called("toy")


def handover(root: Path) -> Handover:
    requests = []
    for number in (1, 2):
        run = root / "automotive" / "car" / "supervised" / "gat" / "student" / "no_distillation"
        run = run / "normal" / f"run{number}"
        (run / "configs").mkdir(parents=True)
        frozen = run / "configs" / "frozen.json"
        job = Job(number=number, name="gat", title=f"stage {number}", run_dir=run, frozen=frozen,
                  depends_on=(1,)[: number - 1])  # fmt: skip
        needs = Needs(number=number, title=job.title, model="gat", model_size="student",
                      resources=Resources())  # fmt: skip
        requests.append(JobRequest(job=job, needs=needs))
    (root / "plans" / "p").mkdir(parents=True)
    return Handover(plan=root / "plans" / "p", experiment_root=root, requests=tuple(requests))


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_executor_choice(parser.add_argument_group())
    add_executor_options(parser.add_argument_group())
    return parser.parse_args(words)


def test_executors_are_found_by_their_folders() -> None:
    assert list(executors()) == ["local", "slurm"]


def test_an_executor_in_a_plugin_runs_a_plan(tmp_path: Path, toy: Executor) -> None:
    chosen = chosen_executor(parsed("--executor", "toy", "--toy-note", "hello"))
    assert type(chosen) is type(toy)
    work = handover(tmp_path)
    results = chosen.execute(work)
    assert [result.outcome for result in results] == ["finished", "finished"]
    log = (work.plan / "toy.log").read_text()
    assert log == "stage 1: 0 hello\nstage 2: 0 hello\n"


def test_runs_remember_the_job_of_a_plugin(
    tmp_path: Path, toy: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = handover(tmp_path)
    toy.execute(work)
    run = work.jobs[1].run_dir
    assert json.loads(status_path(run).read_text())["process"]["toy_job"] == "job2"
    row = board_of(work.jobs).rows[1]
    assert (row.state, str(row.worker_job)) == ("finished", "Toy job job2")
    monkeypatch.delenv("CAN_TRAIN_PLUGINS")  # somebody looks who doesn't have the plugin
    assert board_of(work.jobs).rows[1].state == "finished"
    text = status_path(run).read_text().replace('"finished"', '"running"')
    document = json.loads(text.replace('"host": "', '"host": "another-'))
    status_path(run).write_text(json.dumps({k: v for k, v in document.items() if k != SEAL}))
    row = board_of(work.jobs).rows[1]
    assert (row.state, row.reason) == ("running", "Toy can't be asked")
    status = current_status(run)
    assert status is not None and status.state == "running"
    assert read_status(run) is not None
    with pytest.raises(ConfigError, match=r"run run2 belongs to Toy job job2, whose .*PLUGINS"):
        list(cancel(work.jobs[1:]))


def test_a_plugin_takes_no_built_in_name_and_has_to_execute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TOY.read_text()
    namesake, idle = tmp_path / "toy_namesake.py", tmp_path / "toy_idle.py"
    namesake.write_text(text.replace('name = "toy"', 'name = "slurm"'))
    monkeypatch.setenv("CAN_TRAIN_PLUGINS", str(namesake))
    with pytest.raises(ConfigError, match="two executors are called slurm. Rename"):
        executors()
    idle.write_text(text.replace("def execute", "def perform"))
    monkeypatch.setenv("CAN_TRAIN_PLUGINS", str(idle))
    with pytest.raises(ConfigError, match=r"toy_idle.py can't be loaded .*execute"):
        executors()


def test_options_belong_to_an_executor(toy: Executor) -> None:
    with pytest.raises(ConfigError, match="--toy-note: has no effect without --executor toy. Use"):
        chosen_executor(parsed("--submit", "--toy-note", "x"))
    with pytest.raises(ConfigError, match="--site: has no effect without --submit. Use: --submit"):
        chosen_executor(parsed("--executor", "toy", "--site", "x"))
    with pytest.raises(ConfigError, match="--executor toy, --submit: a plan runs in one place"):
        chosen_executor(parsed("--executor", "toy", "--submit"))
    with pytest.raises(ConfigError, match="--executor: toi isn't known; did you mean toy"):
        chosen_executor(parsed("--executor", "toi"))
    assert chosen_executor(parsed("--submit", "--executor", "slurm")).name == "slurm"
    assert chosen_executor(parsed("--local")).name == "local"


def test_nobody_but_its_folder_knows_slurm() -> None:
    source = ROOT / "src" / "can_train"
    words = re.compile("slurm|sbatch|squeue|sacct|scontrol", re.IGNORECASE)
    naming = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if path.parent != source / "jobs" / "slurm" and words.search(path.read_text("utf-8"))
    }
    assert naming == set(NAMES_SLURM)


def test_who_takes_plans_as_a_whole_takes_no_search() -> None:
    executor_called("local").require_feeds()
    with pytest.raises(ConfigError, match="--submit: takes a plan as a whole, and a search makes"):
        executor_called("slurm").require_feeds()
