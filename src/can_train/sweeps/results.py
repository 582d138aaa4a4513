"""What came out of a sweep: a row per combination, groups over seeds, and the best by validation.

Test figures are reported beside them and never looked at for a choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from can_train.config.codec import Json
from can_train.config.frozen import canonical_json
from can_train.errors import CanTrainError
from can_train.runs.layout import evaluation_path, identity_of, summary_path
from can_train.runs.summary import RankedFigure, read_figures, read_validation
from can_train.sweeps.manifest import ConfigRecord, Manifest
from can_train.sweeps.standing import SweepBoard

if TYPE_CHECKING:
    from can_train.comparison.intervals import SeedMean

SEED: Final = "seed"
OFFICIAL: Final = "test_"
"""How the official scenarios begin; held-out recordings stand beside them."""

Figures = Mapping[str, Mapping[str, float | None]]
"""Scenario to figure to its value; None: not defined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One combination.

    Attributes:
        config: The combination.
        run: Folder of the run that it is judged by.
        state: How it stands.
        validation: The figure by which it is chosen; None until it has finished.
        best_epoch, epochs: Which epoch was kept, counted from 1, and how many were trained.
        seconds: Training time of its last run.
        figures: On the test scenarios; empty where it wasn't evaluated.
        problem: Why there are no figures although it finished; empty: nothing.
    """

    config: ConfigRecord
    run: Path
    state: str
    validation: RankedFigure | None = None
    best_epoch: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    figures: Figures = field(default_factory=dict)
    problem: str = ""

    @property
    def dataset(self) -> str:
        """The dataset that it was trained on."""
        return identity_of(self.run).dataset

    @property
    def model(self) -> str:
        """The model of its last run, with its size."""
        words = identity_of(self.run)
        return f"{words.model} {words.model_size}"

    def average(self, figure: str) -> float | None:
        """Mean of a figure over the official scenarios in which it is defined."""
        known = [
            value
            for scenario, found in self.figures.items()
            if scenario.startswith(OFFICIAL) and (value := found.get(figure)) is not None
        ]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultGroup:
    """Combinations that differ by their seed only.

    Attributes:
        params: The values that they have in common, without the seed.
        results: By seed.
    """

    params: Mapping[str, Json]
    results: tuple[Result, ...]

    @property
    def first(self) -> Result:
        """One of them, for what they have in common."""
        return self.results[0]

    @property
    def is_complete(self) -> bool:
        """Whether all of them have finished."""
        return all(result.validation is not None for result in self.results)

    @property
    def metric(self) -> str:
        """Name of the figure by which it is chosen; empty until one has finished."""
        known = [r.validation.metric for r in self.results if r.validation is not None]
        return known[0] if known else ""

    @property
    def validation(self) -> SeedMean | None:
        """That figure over seeds; None unless all have finished."""
        return _over_seeds(
            None if r.validation is None else r.validation.value for r in self.results
        )

    def test(self, figure: str) -> SeedMean | None:
        """A figure, averaged over the official scenarios, over seeds; None unless all have it."""
        return _over_seeds(result.average(figure) for result in self.results)

    def better_than(self, other: ResultGroup) -> bool:
        """Whether its mean on validation beats that of `other`; the earlier of equals wins."""
        mine, theirs, one = self.validation, other.validation, self.first.validation
        if mine is None or theirs is None or one is None or self.metric != other.metric:
            return False
        return mine.mean > theirs.mean if one.higher_is_better else mine.mean < theirs.mean


def results_of(board: SweepBoard) -> tuple[Result, ...]:
    """A row per combination, in the order of the grid."""
    figures, problems = _figures([c.last.job.run_dir for c in board.combinations])
    return tuple(
        _result(item.config, item.last.job.run_dir, item.state, figures, problems)
        for item in board.combinations
    )


def groups_of(results: Sequence[Result]) -> tuple[ResultGroup, ...]:
    """Combinations that differ by their seed only, in the order of the grid."""
    found: dict[str, list[Result]] = {}
    for result in results:
        key = canonical_json([result.config.part, result.dataset, _without_seed(result)])
        found.setdefault(key, []).append(result)
    return tuple(
        ResultGroup(params=_without_seed(each[0]), results=tuple(each)) for each in found.values()
    )


def best_of(groups: Sequence[ResultGroup]) -> tuple[ResultGroup, ...]:
    """The best on validation of each dataset and model: figures of others don't compare."""
    best: dict[tuple[str, str], ResultGroup] = {}
    for group in groups:
        key = (group.first.dataset, group.first.model)
        if group.is_complete and (key not in best or group.better_than(best[key])):
            best[key] = group
    return tuple(best.values())


def scenarios_of(results: Iterable[Result]) -> tuple[str, ...]:
    """Every scenario that one of them was evaluated on."""
    return tuple(sorted({name for result in results for name in result.figures}))


def axes_of(manifest: Manifest) -> tuple[str, ...]:
    """Names of the axes, without the seed."""
    return tuple(name for name in manifest.grid_definition if name != SEED)


def _without_seed(result: Result) -> dict[str, Json]:
    return {name: value for name, value in result.config.params.items() if name != SEED}


def _result(
    config: ConfigRecord,
    run: Path,
    state: str,
    figures: Mapping[Path, Figures],
    problems: Mapping[Path, str],
) -> Result:
    if not summary_path(run).is_file():
        return Result(config=config, run=run, state=state)
    known = read_figures(run)
    best = known.get("best_epoch")
    return Result(
        config=config,
        run=run,
        state=state,
        validation=read_validation(run),
        best_epoch=None if best is None else int(best) + 1,
        epochs=None if (epochs := known.get("epochs")) is None else int(epochs),
        seconds=known.get("seconds"),
        figures=figures.get(run, {}),
        problem=problems.get(run, ""),
    )


def _figures(runs: Sequence[Path]) -> tuple[dict[Path, Figures], dict[Path, str]]:
    """Figures of the runs that were evaluated, and what is wrong with others."""
    evaluated = [run for run in runs if evaluation_path(run).is_file()]
    if not evaluated:
        return {}, {}
    from can_train.comparison.groups import FIGURES
    from can_train.comparison.runs import load_compared, reports_of

    figures: dict[Path, Figures] = {}
    problems: dict[Path, str] = {}
    reports = reports_of(evaluated)
    for run in evaluated:
        try:
            compared = load_compared(run, reports)
        except CanTrainError as error:
            problems[run] = str(error)
            continue
        figures[run] = {
            scenario: {name: compared.value(scenario, name) for name in FIGURES}
            for scenario in compared.metrics
        }
    return figures, problems


def _over_seeds(values: Iterable[float | None]) -> SeedMean | None:
    from can_train.comparison.intervals import over_seeds

    return over_seeds(list(values))
