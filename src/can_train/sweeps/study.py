"""What a search has tried so far, kept by Optuna in a journal in the sweep's folder.

One process at a time has a study: it holds a lock among the sweep's files for as long. Every trial
draws from a generator of its own, seeded by the sweep and the trial's number, so that a search
which was killed and resumed tries what it would have tried.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from can_train.config.codec import Json
from can_train.errors import ArtifactError, PreflightError
from can_train.files import lock
from can_train.runs.layout import search_journal, search_lock
from can_train.sweeps.axes import Axis
from can_train.sweeps.space import SearchAxis

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.trial import FrozenTrial

_JOINT: Final = ","
INSTALL: Final = "can-train env --install search"
STARTUP: Final = 10
"""Trials at random before the sampler learns from them."""

PRUNED_AFTER: Final = 5
"""Finished trials that a trial is compared with at least before it is given up."""

WARMUP_EPOCHS: Final = 3
"""Epochs in which no trial is given up: the first ones say little."""

TrialState = Literal["open", "finished", "pruned", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One trial.

    Attributes:
        number: From 0.
        params: The value of each axis.
        state: How it stands; open: it runs, or its process was killed.
    """

    number: int
    params: Mapping[str, Json]
    state: TrialState


def require_search() -> None:
    """Refuses a search where its extra is missing.

    Raises:
        PreflightError: It is.
    """
    if importlib.util.find_spec("optuna") is None:
        raise PreflightError(
            f"--search needs Optuna, which isn't installed. Get it, once: {INSTALL}"
        )


@contextmanager
def opened_study(folder: Path, axes: Sequence[SearchAxis]) -> Iterator[Study]:
    """The study of a sweep, while the block lasts.

    Args:
        folder: Of the sweep, whose name is its id.
        axes: What is chosen from.

    Raises:
        PreflightError: Another process has it.
        ArtifactError: Its journal is damaged.
    """
    from filelock import Timeout

    try:
        held = lock(search_lock(folder)).acquire(blocking=False)
    except Timeout as error:
        raise PreflightError(
            f"sweep {folder.name} is searched by another process. Wait for it (can-train sweep "
            f"status {folder.name}), or end it: can-train sweep cancel {folder.name}"
        ) from error
    with held:
        yield Study(_loaded(folder), folder.name, axes)


class Study:
    """Trials, and the choice of the next one.

    Args:
        study: Optuna's own.
        name: Id of the sweep.
        axes: What is chosen from.
    """

    def __init__(self, study: OptunaStudy, name: str, axes: Sequence[SearchAxis]) -> None:
        self._study, self._name, self._axes = study, name, axes
        self._end_half_chosen()

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All of them in their order, without those that were killed while they were chosen."""
        trials = self._study.get_trials(deepcopy=False)
        return tuple(self._trial(each) for each in trials if self._is_chosen(each))

    def ask(self) -> Trial:
        """The next trial."""
        from optuna.samplers import TPESampler

        number = len(self._study.get_trials(deepcopy=False))
        self._study.sampler = TPESampler(
            n_startup_trials=STARTUP, seed=int(self._name, 16) % 2**31 + number
        )
        asked = self._study.ask({axis.name: _distribution(axis) for axis in self._axes})
        return self._trial(self._study.get_trials(deepcopy=False)[asked.number])

    def tell(self, number: int, state: TrialState, merit: float | None = None) -> None:
        """Records how a trial ended.

        Args:
            number: The trial.
            state: How.
            merit: Of one that finished: the figure of its choice; higher is better.
        """
        from optuna.trial import TrialState as States

        states = {"finished": States.COMPLETE, "pruned": States.PRUNED, "failed": States.FAIL}
        self._study.tell(number, merit, state=states[state])

    def is_hopeless(self, number: int, merits: Mapping[int, float]) -> bool:
        """Whether a trial is worse so far than half of those before it were by then.

        Args:
            number: The trial.
            merits: By epoch, counted from 0; higher is better.
        """
        from optuna.trial import Trial as OptunaTrial

        frozen = self._study.get_trials(deepcopy=False)[number]
        trial = OptunaTrial(self._study, frozen._trial_id)
        for epoch in sorted(set(merits) - set(frozen.intermediate_values)):
            trial.report(merits[epoch], epoch)
            if trial.should_prune():
                return True
        return False

    def _end_half_chosen(self) -> None:
        """Records trials as failed whose process was killed before all axes had a value."""
        for trial in self._study.get_trials(deepcopy=False):
            if not trial.state.is_finished() and not self._is_chosen(trial):
                self.tell(trial.number, "failed")

    def _is_chosen(self, trial: FrozenTrial) -> bool:
        return all(axis.name in trial.params for axis in self._axes)

    def _trial(self, trial: FrozenTrial) -> Trial:
        states: dict[str, TrialState] = {
            "COMPLETE": "finished",
            "PRUNED": "pruned",
            "FAIL": "failed",
        }
        return Trial(
            number=trial.number,
            params={axis.name: _value(axis, trial.params[axis.name]) for axis in self._axes},
            state=states.get(trial.state.name, "open"),
        )


def _loaded(folder: Path) -> OptunaStudy:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = search_journal(folder)
    for left in folder.glob(f"{path.name}.lock*"):
        left.unlink()  # of a process that was killed; nobody else is here
    _drop_half_a_line(path)
    try:
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(path))),
            study_name=folder.name,
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=PRUNED_AFTER, n_warmup_steps=WARMUP_EPOCHS
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{path}: damaged ({error}). Remove it; the same command then begins anew, and reuses "
            "the runs that are there"
        ) from error


def _drop_half_a_line(path: Path) -> None:
    """Removes what a killed process left: it would spoil the next line."""
    if path.is_file():
        whole = path.read_bytes().rfind(b"\n") + 1
        if whole != path.stat().st_size:
            os.truncate(path, whole)


def _distribution(axis: SearchAxis) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(axis, Axis):
        return CategoricalDistribution([_choice(value) for value in axis.values])
    if axis.whole:
        return IntDistribution(round(axis.low), round(axis.high), log=axis.log)
    return FloatDistribution(axis.low, axis.high, log=axis.log)


def _choice(value: Json) -> Any:
    """A value that Optuna keeps: one per stage is written as text."""
    return _JOINT.join(map(str, value)) if isinstance(value, list) else value


def _value(axis: SearchAxis, chosen: Any) -> Json:
    if not isinstance(axis, Axis):
        return axis.rounded(chosen)
    return next(value for value in axis.values if _choice(value) == chosen)
