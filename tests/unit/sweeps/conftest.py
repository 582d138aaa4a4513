"""Sweeps on a prepared dataset with real frames, whose runs are left as workers leave them."""

from collections.abc import Callable
from typing import Any

import pytest

from can_train.config.typed import Typed
from can_train.dataset.manifest import DatasetManifest
from can_train.jobs.job import Job, JobResult
from can_train.runs.layout import Roots, manifest_path, sweep_dir
from can_train.runs.process import this_process
from can_train.runs.state import RunStatus, read_status, write_status
from can_train.sweeps.axes import parse_axis
from can_train.sweeps.grid import Grid, spanned
from can_train.sweeps.make import Order, Sweep, make_sweep
from can_train.sweeps.manifest import SearchRecord, read_manifest
from can_train.sweeps.search import Search, SearchOrder, check_search
from can_train.sweeps.space import parse_search_axis
from can_train.sweeps.study import opened_study
from tests.unit.pipeline.conftest import Finish
from tests.unit.pipeline.conftest import dataset as dataset
from tests.unit.pipeline.conftest import finish as finish
from tests.unit.pipeline.conftest import roots as roots

AXES = ("learning_rate=1e-4..1e-2", "gat.heads=2,4")
MakeSweep = Callable[..., Sweep]
Ask = Callable[..., SearchOrder]
Outcome = Callable[[Search, Job], JobResult]
ALONE = Grid()


@pytest.fixture
def sweep_of(roots: Roots, dataset: DatasetManifest) -> MakeSweep:
    """The sweep of some axes, such as `learning_rate=0.001,0.003`; other words are the request."""

    def make(*axes: str, one_stage: bool = False, grid: Grid = ALONE, **text: str) -> Sweep:
        words = {"modality": "automotive", "dataset": "car", **text}
        typed = Typed(text=words, one_stage=one_stage)
        parts = spanned(typed, [parse_axis(axis) for axis in axes], grid)
        order = Order(parts=parts, name="a name", command="typed", one_stage=one_stage)
        return make_sweep(order, roots)

    return make


@pytest.fixture
def asked(dataset: DatasetManifest) -> Ask:
    def make(*axes: str, trials: int = 8, **text: str) -> SearchOrder:
        words = {"modality": "automotive", "dataset": "car", "model": "gat", **text}
        return SearchOrder(
            typed=Typed(text=words, one_stage="," not in words["model"]),
            axes=tuple(parse_search_axis(text) for text in axes or AXES),
            record=SearchRecord(sampler="tpe", trials=trials),
            order=Order(parts=(), name="a search", command="typed", one_stage=True),
        )

    return make


class Runner:
    """Hands jobs out and takes them back, as the one of this machine does, without processes."""

    def __init__(self, roots: Roots, finish: Finish, best: float = 0.002) -> None:
        self.roots, self.finish, self.best = roots, finish, best
        self.order: list[str] = []

    def run(self, asked: SearchOrder, until: int = 1000, at_once: int = 1, **how: Any) -> Search:
        manifest = check_search(asked, self.roots)
        folder = sweep_dir(self.roots.experiments, manifest.sweep_id)
        path = manifest_path(folder)
        manifest = read_manifest(path) if path.is_file() else manifest
        with opened_study(folder, asked.axes) as study:
            search = Search(asked, study, self.roots, manifest, at_once)
            self._work(search, until, **how)
        return search

    def _work(self, search: Search, until: int, outcome: Outcome | None = None) -> None:
        results: dict[int, JobResult] = {}
        open_jobs: list[Job] = []
        while len(results) < until:
            more = search.more(results)
            for job in more:
                if read_status(job.run_dir) is None:  # as the runner claims what it will start
                    write_status(job.run_dir, RunStatus(state="pending", process=this_process()))
            open_jobs += more
            if not open_jobs:
                return
            job = open_jobs.pop(0)
            self.order.append(job.run_dir.name)
            results[job.number] = (outcome or self.finished)(search, job)

    def finished(self, search: Search, job: Job) -> JobResult:
        """The loss grows with the distance from the best learning rate."""
        plans = [planned for plan in search._plans.values() for planned in plan.stages]
        planned = next(p for p in plans if p.frozen.run_dir == job.run_dir)
        self.finish(planned, abs(planned.config.training.learning_rate - self.best))
        return JobResult(job=job, outcome="finished")


@pytest.fixture
def runner(roots: Roots, finish: Finish) -> Runner:
    return Runner(roots, finish)
