"""What came out of a sweep: a row per run, groups over seeds, and the best by validation.

Test figures are reported beside them and never looked at for a choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from can_train.config.codec import Json
from can_train.config.frozen import canonical_json
from can_train.errors import CanTrainError
from can_train.jobs.board import Row
from can_train.runs.layout import evaluation_path, identity_of, summary_path
from can_train.runs.summary import RankedFigure, read_figures, read_validation
from can_train.sweeps.axes import word_of
from can_train.sweeps.manifest import ConfigRecord, Manifest
from can_train.sweeps.standing import SweepBoard, state_shown
from can_train.vocab import WITH_KD

if TYPE_CHECKING:
    from can_train.comparison.intervals import SeedMean
    from can_train.evaluation.report import EvaluationReport

SEED: Final = "seed"
OFFICIAL: Final = "test_"
"""How the official scenarios begin; held-out recordings stand beside them."""

Figures = Mapping[str, Mapping[str, float | None]]
"""Scenario to figure to its value; None: not defined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run, with what the combinations that it belongs to have in common.

    Attributes:
        run: Its folder.
        state: How it stands.
        part: The parts of the grid that have it.
        params: The values that all combinations with it share.
        config_ids: These combinations.
        validation: The figure by which it is chosen; None until it has finished.
        best_epoch, epochs: Which epoch was kept, counted from 1, and how many were trained.
        seconds: Training time.
        figures: On the test scenarios; empty where it wasn't evaluated.
        others: The same figures of detectors of others in its evaluation, by their name.
        seed, windows: Its seed and how its windows are cut, where it was evaluated.
        problem: Why there are no figures although it was evaluated; empty: nothing.
    """

    run: Path
    state: str
    part: str = ""
    params: Mapping[str, Json] = field(default_factory=dict)
    config_ids: tuple[str, ...] = ()
    validation: RankedFigure | None = None
    best_epoch: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    figures: Figures = field(default_factory=dict)
    others: Mapping[str, Figures] = field(default_factory=dict)
    seed: int | None = None
    windows: str = ""
    problem: str = ""

    @property
    def dataset(self) -> str:
        """The dataset that it was trained on."""
        return identity_of(self.run).dataset

    @property
    def model(self) -> str:
        """Its model and size, and whether it was distilled."""
        words = identity_of(self.run)
        distilled = "+KD" if words.distillation_word == WITH_KD else ""
        return f"{words.model} {words.model_size}{distilled}"

    @property
    def words(self) -> str:
        """Its part and its values in words."""
        return _words(self.part, self.params)

    def average(self, figure: str) -> float | None:
        """Mean of a figure over the official scenarios in which it is defined."""
        return average_of(self.figures, figure)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultGroup:
    """Runs that differ by their seed only.

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
    def words(self) -> str:
        """Its part and its values in words; empty where the grid has neither."""
        return _words(self.first.part, self.params)

    @property
    def is_complete(self) -> bool:
        """Whether all of them have finished, with a figure: one that diverged has none."""
        figures = [result.validation for result in self.results]
        return all(figure is not None and math.isfinite(figure.value) for figure in figures)

    @property
    def metric(self) -> str:
        """Name of the figure by which it is chosen; empty until one has finished."""
        known = [r.validation.metric for r in self.results if r.validation is not None]
        return known[0] if known else ""

    @property
    def validation(self) -> SeedMean | None:
        """That figure over seeds; None unless all have finished."""
        return over_seeds_of(
            None if r.validation is None else r.validation.value for r in self.results
        )

    def test(self, figure: str) -> SeedMean | None:
        """A figure, averaged over the official scenarios, over seeds; None unless all have it."""
        return over_seeds_of(result.average(figure) for result in self.results)

    def better_than(self, other: ResultGroup) -> bool:
        """Whether its mean on validation beats that of `other`; the earlier of equals wins."""
        mine, theirs, one = self.validation, other.validation, self.first.validation
        if mine is None or theirs is None or one is None or self.metric != other.metric:
            return False
        return mine.mean > theirs.mean if one.higher_is_better else mine.mean < theirs.mean


def average_of(figures: Figures, figure: str) -> float | None:
    """Mean of a figure over the official scenarios in which it is defined."""
    known = [
        value
        for scenario, found in figures.items()
        if scenario.startswith(OFFICIAL) and (value := found.get(figure)) is not None
    ]
    return sum(known) / len(known) if known else None


def results_of(board: SweepBoard, *, every_stage: bool = False) -> tuple[Result, ...]:
    """A row per combination, judged by its last run, in the order of the grid.

    Args:
        board: The sweep.
        every_stage: Whether the other runs of each combination have rows, too; each run once.
    """
    members: dict[Path, list[ConfigRecord]] = {}
    rows: dict[Path, Row] = {}
    for item in board.combinations:
        for row in item.rows if every_stage else (item.last,):
            rows[row.job.run_dir] = row
            members.setdefault(row.job.run_dir, []).append(item.config)
    evaluated = _evaluated([row.job.run_dir for row in board.board.rows])
    return tuple(_result(rows[run], configs, evaluated) for run, configs in members.items())


def groups_of(results: Sequence[Result]) -> tuple[ResultGroup, ...]:
    """Runs that differ by their seed only, in the order of the grid."""
    found: dict[str, list[Result]] = {}
    for result in results:
        words = identity_of(result.run)
        key = canonical_json(
            [result.part, result.dataset, result.model, words.training_strategy]
            + [_without_seed(result)]
        )
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


def _words(part: str, params: Mapping[str, Json]) -> str:
    values = ", ".join(f"{name} {word_of(name, value)}" for name, value in params.items())
    return ": ".join(text for text in (part, values) if text)


def _without_seed(result: Result) -> dict[str, Json]:
    return {name: value for name, value in result.params.items() if name != SEED}


def _result(
    row: Row, configs: Sequence[ConfigRecord], evaluated: Mapping[Path, EvaluationReport]
) -> Result:
    run, first = row.job.run_dir, configs[0]
    found = Result(
        run=run,
        state=state_shown(row),
        part=", ".join(dict.fromkeys(config.part for config in configs)),
        params={
            name: value
            for name, value in first.params.items()
            if all(config.params.get(name) == value for config in configs)
        },
        config_ids=tuple(config.id for config in configs),
    )
    return _with_figures(found, evaluated) if summary_path(run).is_file() else found


def _with_figures(result: Result, evaluated: Mapping[Path, EvaluationReport]) -> Result:
    """The same once its run has finished."""
    known = read_figures(result.run)
    best, epochs = known.get("best_epoch"), known.get("epochs")
    return replace(
        _tested(result, evaluated),
        validation=read_validation(result.run),
        best_epoch=None if best is None else int(best) + 1,
        epochs=None if epochs is None else int(epochs),
        seconds=known.get("seconds"),
    )


def _evaluated(runs: Sequence[Path]) -> dict[Path, EvaluationReport]:
    """Evaluations of these runs; that of a fusion holds its experts, too."""
    if not any(evaluation_path(run).is_file() for run in runs):
        return {}
    from can_train.comparison.runs import reports_of

    return reports_of(runs)


def _tested(result: Result, evaluated: Mapping[Path, EvaluationReport]) -> Result:
    """With figures on the test scenarios, or what is wrong with them."""
    if not evaluated:
        return result
    from can_train.comparison.groups import FIGURES
    from can_train.comparison.runs import evaluation_of, figures_of, load_compared

    if evaluation_of(result.run, evaluated) is None:
        return result
    try:
        found = load_compared(result.run, evaluated)
    except CanTrainError as error:
        return replace(result, problem=str(error))
    others: dict[str, dict[str, Mapping[str, float | None]]] = {}
    for scenario, rows in found.others.items():
        for name, metrics in rows.items():
            others.setdefault(name, {})[scenario] = figures_of(metrics)
    data = found.config.data
    return replace(
        result,
        figures={s: {name: found.value(s, name) for name in FIGURES} for s in found.metrics},
        others=others,
        seed=found.config.seed,
        windows=f"{data.window} frames at {data.stride}, {data.split}",
    )


def over_seeds_of(values: Iterable[float | None]) -> SeedMean | None:
    """Mean of a figure of each seed; None unless all have it."""
    from can_train.comparison.intervals import over_seeds

    return over_seeds(list(values))
