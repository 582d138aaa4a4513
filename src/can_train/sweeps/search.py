"""A search: trials become plans, one after another, and their runs tell which come next."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from can_train.config.codec import Json
from can_train.config.frozen import canonical_json
from can_train.config.run_log import read_events
from can_train.config.typed import Typed
from can_train.errors import (
    CanTrainError,
    ConfigError,
    PreflightError,
    counted,
    each,
    raise_all,
)
from can_train.jobs.job import Job, JobResult
from can_train.pipeline.plan import Plan, jobs_of, make_plan
from can_train.pipeline.record import write_plan
from can_train.runs.events import EpochEnded
from can_train.runs.layout import RUN_ID_LENGTH, Roots
from can_train.runs.state import PRUNED, read_status
from can_train.runs.summary import RankedFigure, ranked, read_validation
from can_train.sweeps.axes import with_values
from can_train.sweeps.grid import Point, request_document
from can_train.sweeps.make import Order, config_of, searched
from can_train.sweeps.manifest import Manifest, PartRecord, SearchRecord, write_manifest
from can_train.sweeps.space import SearchAxis, base_of, definition_of, ends_of, size_of
from can_train.sweeps.study import Study, Trial
from can_train.sweeps.union import union

MOST_FAILURES: Final = 5
"""Trials in a row that may fail before a search ends: more of them won't help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOrder:
    """What was asked for.

    Attributes:
        typed: The request.
        axes: What is chosen from.
        record: Who chooses, and how often.
        order: Name, command and the rest; it has no parts.
    """

    typed: Typed
    axes: tuple[SearchAxis, ...]
    record: SearchRecord
    order: Order


def check_search(asked: SearchOrder, roots: Roots) -> Manifest:
    """The record of a search before its first trial; nothing is written.

    A plan is made for every value, and for both ends of every range, so that none is refused later.

    Raises:
        CanTrainError: What is wrong with any of them, each thing once.
    """
    size = size_of(asked.axes)
    if size <= asked.record.trials:
        raise ConfigError(
            f"--trials {asked.record.trials}: the grid has {size:.0f} combinations. Train all of "
            "them: the same without --search"
        )
    first, problems, plans = base_of(asked.axes), dict[str, CanTrainError](), list[Plan]()
    for params in _probes(asked.axes, first):
        try:
            plans.append(_plan(asked, params, roots))
        except CanTrainError as error:
            problems |= {str(problem): problem for problem in each(error)}
    raise_all(list(problems.values()))
    _refuse_twins(asked.axes, plans)
    plan = replace(plans[0], plan_id=_search_id(asked, plans[0]))
    request, switches = request_document(asked.typed)
    part = PartRecord(
        name="",
        grid_definition=definition_of(asked.axes),
        request=request,
        switches=switches,
    )
    return searched(asked.order, part, plan, asked.record)


class Search:
    """Gives the runner the jobs of one trial after another.

    Args:
        asked: What was asked for.
        study: What was tried so far.
        roots: Where everything lies.
        manifest: Its record so far.
        at_once: Most trials at the same time; None: as many as the CPUs allow.
    """

    def __init__(
        self,
        asked: SearchOrder,
        study: Study,
        roots: Roots,
        manifest: Manifest,
        at_once: int | None = None,
    ) -> None:
        self._asked, self._study, self._roots = asked, study, roots
        self._at_once = at_once
        self.manifest = replace(manifest, configs=())
        self._before = {config.runs for config in manifest.configs}
        self._plans: list[Plan] = []
        self._jobs: list[Job] = []
        self._open: dict[int, _OpenTrial] = {}
        self._again = list(self._take_up())
        self._failures = 0
        self._ends = False

    @property
    def is_hopeless(self) -> bool:
        """Whether it ended since one trial after another failed."""
        return self._failures >= MOST_FAILURES

    @property
    def _room(self) -> int:
        """Most trials at the same time."""
        if self._at_once is not None:
            return self._at_once
        threads = [s.config.training.threads for plan in self._plans for s in plan.stages]
        return max(1, len(os.sched_getaffinity(0)) // max(threads, default=1))

    def more(self, results: Mapping[int, JobResult]) -> Sequence[Job]:
        """Jobs of the trials that can begin now."""
        given = len(self._jobs)
        self._settle_ended(results)
        while len(self._open) < self._room and (trial := self._next()) is not None:
            self._begin(trial)
            self._settle_ended(results)  # one that was tried before has ended already
        return self._jobs[given:]

    def unwanted(self) -> Mapping[int, str]:
        """Jobs of trials that are worse than half of the others were by then."""
        found = {}
        for number, trial in self._open.items():
            merits = trial.new_merits()
            if merits and self._study.is_hopeless(number, merits):
                trial.pruned = True
                trained = counted(trial.epochs, "epoch")
                found[trial.last.number] = f"{PRUNED}: below the median after {trained}"
        return found

    def _take_up(self) -> Sequence[Trial]:
        """Plans what was tried before, and gives what is still open."""
        trials = self._study.trials
        for trial in trials:
            self._add(trial)
        lost = self._before - {config.runs for config in self.manifest.configs}
        if lost:
            raise PreflightError(
                f"{len(lost)} of the trials would be other runs than before: defaults, data or "
                "teachers aren't what they were. Give the command again, which begins a new search"
            )
        return [
            t for t in trials if t.state == "open" or (t.state == "finished" and self._lacks(t))
        ]

    def _lacks(self, trial: Trial) -> bool:
        """Whether the run that a trial is judged by was removed since."""
        return self._plans[trial.number].stages[-1].state != "reused"

    def _next(self) -> Trial | None:
        if self._ends:
            return None
        if self._again:
            return self._again.pop(0)
        if len(self._plans) >= self._asked.record.trials:
            return None
        trial = self._study.ask()
        self._add(trial)
        return trial

    def _add(self, trial: Trial) -> None:
        """Adds the plan of a trial to the record of all."""
        working = {job.run_dir for job in self._jobs}
        plan = _plan(self._asked, trial.params, self._roots, working)
        self._plans.append(plan)
        point = Point(part="", params=trial.params, typed=self._asked.typed)
        configs = (*self.manifest.configs, config_of(point, plan))
        self.manifest = replace(self.manifest, configs=configs)

    def _begin(self, trial: Trial) -> None:
        whole = replace(union(self._plans, self._roots), plan_id=self.manifest.sweep_id)
        write_manifest(self._roots.experiments, self.manifest)
        write_plan(whole)
        known = {job.run_dir for job in self._jobs}
        runs = {planned.frozen.run_dir for planned in self._plans[trial.number].stages}
        mine = [job for job in jobs_of(whole) if job.run_dir in runs]
        self._jobs += [job for job in mine if job.run_dir not in known]
        last = self._plans[trial.number].stages[-1].frozen.run_dir
        self._open[trial.number] = _OpenTrial(
            number=trial.number,
            jobs=tuple(mine),
            last=next(job for job in mine if job.run_dir == last),
            told=trial.state != "open",
        )

    def _settle_ended(self, results: Mapping[int, JobResult]) -> None:
        for number, trial in list(self._open.items()):
            if all(job.number in results for job in trial.jobs):
                del self._open[number]
                self._settle(trial, results)

    def _settle(self, trial: _OpenTrial, results: Mapping[int, JobResult]) -> None:
        """Tells the study how a trial ended; one that the user cancelled stays open."""
        run, merit = trial.last.run_dir, None
        if results[trial.last.number].ok:
            merit = merit_of(read_validation(run))
        status = read_status(run)
        if trial.told:
            return
        if merit is not None and math.isfinite(merit):
            self._study.tell(trial.number, "finished", merit)
            self._failures = 0
        elif trial.pruned:
            self._study.tell(trial.number, "pruned")
        elif status is not None and status.state == "cancelled":
            self._ends = True
        else:
            self._study.tell(trial.number, "failed")
            self._failures += 1
            self._ends = self._ends or self.is_hopeless


@dataclass(slots=True, kw_only=True)
class _OpenTrial:
    """A trial whose jobs were handed over.

    Attributes:
        number: Its number.
        jobs: All of its jobs; those that other trials need, too, are among them.
        last: The one that it is judged by.
        epochs: How many of its epochs are known.
        pruned: Whether it was given up.
        told: Whether the study knows how it ended: its run was removed since.
    """

    number: int
    jobs: tuple[Job, ...]
    last: Job
    epochs: int = 0
    pruned: bool = False
    told: bool = False

    def new_merits(self) -> Mapping[int, float]:
        """Figures of its epochs, if there are new ones."""
        status = read_status(self.last.run_dir)
        if self.pruned or self.told or status is None or status.state != "running":
            return {}
        if status.epoch <= self.epochs or not status.metric:
            return {}
        self.epochs = status.epoch
        events = (logged.event for logged in read_events(self.last.run_dir))
        return {
            event.epoch: merit_of(ranked(status.metric, event.figures[status.metric], ""))
            for event in events
            if isinstance(event, EpochEnded) and status.metric in event.figures
        }


def merit_of(figure: RankedFigure) -> float:
    """A validation figure so that higher is better."""
    return figure.value if figure.higher_is_better else -figure.value


def _probes(axes: Sequence[SearchAxis], first: Mapping[str, Json]) -> Sequence[dict[str, Json]]:
    """The first combination, and each other value beside the first ones of other axes."""
    others = [{**first, axis.name: value} for axis in axes for value in ends_of(axis)[1:]]
    return [dict(first), *others]


def _refuse_twins(axes: Sequence[SearchAxis], plans: Sequence[Plan]) -> None:
    """Refuses an axis whose values are the same runs."""
    number = 0
    for axis in axes:
        for _ in ends_of(axis)[1:]:
            number += 1
            if plans[number].plan_id == plans[0].plan_id:
                raise ConfigError(f"--grid {axis.name}: decides nothing here. Leave it out")


def _search_id(asked: SearchOrder, first: Plan) -> str:
    """Identity: request and data by the first plan, and what is chosen from; not how often."""
    words: list[Json] = [first.plan_id, definition_of(asked.axes), asked.record.sampler]
    text = canonical_json(words)
    return hashlib.sha256(text.encode()).hexdigest()[:RUN_ID_LENGTH]


def _plan(
    asked: SearchOrder,
    params: Mapping[str, Json],
    roots: Roots,
    working: Collection[Path] = (),
) -> Plan:
    typed = with_values(asked.typed, params)
    return make_plan(typed, roots, register=asked.order.register, worked_on=working)
