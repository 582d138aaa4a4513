"""Finished runs side by side: groups that differ by seed only, and what distillation changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from can_train.comparison.intervals import SeedMean, over_seeds, paired
from can_train.comparison.runs import (
    KINDS,
    ComparedRun,
    base_of,
    evaluation_of,
    key_of,
    load_compared,
    reports_of,
    settings_of,
)
from can_train.config.codec import Json
from can_train.config.schema import RunConfig
from can_train.config.spec import model_names
from can_train.errors import counted

METRICS: Final = ("roc_auc", "pr_auc", "f1", "fpr")
"""Figures that are lined up, by their names in `WindowMetrics`."""

FIGURES: Final = (*METRICS, "recall", "false_alarms_per_hour")
"""The same and those that only one kind of table shows."""

OFFICIAL: Final = "test_"
"""How the official scenarios begin; held-out recordings stand beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Runs that differ by their seed (and by the runs they were built on) only.

    Attributes:
        label: Its kind, and what tells it from other groups of that kind.
        runs: By seed.
    """

    label: str
    runs: tuple[ComparedRun, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of its runs."""
        return tuple(run.config.seed for run in self.runs)

    def of_seeds(self, seeds: Iterable[int]) -> tuple[ComparedRun, ...]:
        """Its runs with these seeds, in their order."""
        by_seed = {run.config.seed: run for run in self.runs}
        return tuple(by_seed[seed] for seed in seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A distilled group and the one that differs from it by distillation only."""

    distilled: Group
    plain: Group

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that both have."""
        return tuple(sorted(set(self.distilled.seeds) & set(self.plain.seeds)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """All groups of one model on one dataset.

    Attributes:
        dataset, model: Which.
        scenarios: Those that were evaluated, in their order.
        groups: By kind.
        pairs: What distillation is judged by.
    """

    dataset: str
    model: str
    scenarios: tuple[str, ...]
    groups: tuple[Group, ...]
    pairs: tuple[Pair, ...]

    @property
    def averaged(self) -> tuple[str, ...]:
        """Official scenarios whose figures are defined in every run, for the mean of them."""
        runs = [run for group in self.groups for run in group.runs]
        return tuple(
            scenario
            for scenario in self.scenarios
            if scenario.startswith(OFFICIAL)
            and all(run.value(scenario, metric) is not None for run in runs for metric in METRICS)
        )

    def of_group(self, group: Group, scenario: str | None, metric: str) -> SeedMean | None:
        """A figure over seeds; `scenario` None: the mean of the official ones."""
        return over_seeds([self._value(run, scenario, metric) for run in group.runs])

    def of_pair(self, pair: Pair, scenario: str | None, metric: str) -> SeedMean | None:
        """The paired difference, distilled minus plain, over the common seeds."""
        sides = [
            [self._value(run, scenario, metric) for run in group.of_seeds(pair.seeds)]
            for group in (pair.distilled, pair.plain)
        ]
        return paired(*sides)

    def _value(self, run: ComparedRun, scenario: str | None, metric: str) -> float | None:
        if scenario is None:
            return run.average(self.averaged, metric)
        return run.value(scenario, metric)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that was lined up, and what the reader should know about it."""

    sections: tuple[Section, ...]
    notes: tuple[str, ...]


def without_evaluation(runs: Sequence[Path]) -> list[Path]:
    """Runs whose figures stand in no `evaluation.json`: not their own, nor one of the others."""
    reports = reports_of(runs)
    return [run for run in runs if evaluation_of(run, reports) is None]


def compare_runs(runs: Sequence[Path]) -> Comparison:
    """Lines up finished, evaluated runs.

    Raises:
        PreflightError: One of them isn't evaluated.
        ArtifactError: One of its files is missing or damaged.
    """
    reports = reports_of(runs)
    notes: list[str] = []
    loaded = [load_compared(run, reports) for run in runs]
    loaded.sort(key=_place)
    sections = tuple(
        _section(dataset, model, list(found), notes)
        for (dataset, model), found in groupby(
            loaded, key=lambda r: (r.config.dataset, r.config.model)
        )
    )
    return Comparison(sections=sections, notes=tuple(notes))


def _words(config: RunConfig) -> tuple[str, str]:
    return config.dataset, config.model


def _place(run: ComparedRun) -> tuple[str, int, int, str, int, float]:
    config = run.config
    kind = KINDS.index(run.kind)
    return (
        config.dataset,
        model_names().index(config.model),
        kind,
        key_of(run),
        config.seed,
        run.made_s,
    )


def _other_tests(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """Runs that were evaluated on other test files than the run that was made last."""
    last = max(runs, key=lambda run: run.made_s)
    return [run for run in runs if run.tests != last.tests]


def _different_others(what: str, runs: Sequence[ComparedRun]) -> Iterator[str]:
    """Detectors of others that aren't the same beside all runs."""
    for name in sorted({name for run in runs for name in run.detectors}):
        newest = max((r for r in runs if name in r.detectors), key=lambda run: run.made_s)
        wanted = newest.detectors[name]
        others = [run for run in runs if run.detectors.get(name) != wanted]
        if others:
            word = wanted.word(name)
            again = "; ".join(f"can-train evaluate {r.run_id} --detector {word}" for r in others)
            yield (
                f"{what}: {name} isn't beside {len(others)} of {counted(len(runs), 'run')}, or it "
                f"is another one there. Evaluate again: {again}"
            )


def _section(dataset: str, model: str, runs: list[ComparedRun], notes: list[str]) -> Section:
    if others := _other_tests(runs):
        again = "; ".join(f"can-train evaluate {run.run_id}" for run in others)
        notes.append(
            f"{dataset} {model}: {len(others)} of {counted(len(runs), 'run')} were evaluated on "
            f"other test files than the newest run, so the figures don't compare. "
            f"Evaluate again: {again}"
        )
    notes += _different_others(f"{dataset} {model}", runs)
    keyed = [(key, _one_per_seed(list(found), notes)) for key, found in groupby(runs, key=key_of)]
    labels = _labels([found[0] for _, found in keyed])
    groups = [Group(label=labels[key], runs=found) for key, found in keyed]
    plain = {base_of(g.runs[0]): g for g in groups if not g.runs[0].distilled}
    pairs = []
    for group in (g for g in groups if g.runs[0].distilled):
        partner = plain.get(base_of(group.runs[0]))
        if partner is None or not set(group.seeds) & set(partner.seeds):
            notes.append(
                f"{dataset} {model}: {group.label} has no runs beside it that differ by "
                "distillation only, so there is no paired difference"
            )
        else:
            pairs.append(Pair(distilled=group, plain=partner))
    return Section(
        dataset=dataset,
        model=model,
        scenarios=tuple(sorted({name for run in runs for name in run.metrics})),
        groups=tuple(groups),
        pairs=tuple(pairs),
    )


def _one_per_seed(runs: list[ComparedRun], notes: list[str]) -> tuple[ComparedRun, ...]:
    """The newest run of each seed: made again with `--force`, or built on other runs."""
    kept: dict[int, ComparedRun] = {}
    for run in runs:
        before = kept.get(run.config.seed)
        if before is not None:
            notes.append(
                f"run {before.run_id} isn't compared: run {run.run_id} has the same settings and "
                f"seed {run.config.seed}"
            )
        kept[run.config.seed] = run
    return tuple(kept.values())


def _labels(firsts: Sequence[ComparedRun]) -> dict[str, str]:
    """Kind of each group, with the settings in which groups of one kind differ."""
    labels = {}
    for kind in KINDS:
        same = [run for run in firsts if run.kind == kind]
        settings = [settings_of(run) for run in same]
        names = sorted({name for each in settings for name in each})
        differing = [n for n in names if len({json.dumps(each.get(n)) for each in settings}) > 1]
        for run, each in zip(same, settings, strict=True):
            words = [f"{n.rpartition('.')[2]} {_word(each[n])}" for n in differing if n in each]
            labels[key_of(run)] = f"{kind} ({', '.join(words)})" if words else kind
    return labels


def _word(value: Json) -> str:
    text = "absent" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text[:12] if len(text) == 64 else text
