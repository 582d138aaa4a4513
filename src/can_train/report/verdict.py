"""The three sentences that a run's report begins with: what it is, how good, what to distrust."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from can_train.errors import counted
from can_train.evaluation.compact import scenarios_of
from can_train.evaluation.judgement import fault, others_ahead, short_name, standing
from can_train.evaluation.report import NOT_AVAILABLE, EvaluationRow
from can_train.report.document import Tile
from can_train.report.figures.reliability import TOLD_P, share_at
from can_train.report.records import RunRecords
from can_train.vocab import WITH_KD

MISLEADING: Final = 5.0
"""By what factor small p-values are more common than they should be before it is a doubt."""

FEW_WINDOWS: Final = 200
"""Attack or benign windows of a scenario below which its figures say little."""

MANY_ALARMS: Final = 10.0
"""Alarms per hour that can't be ruled out; a scenario's benign time was too short."""

_MINUTE_S: Final = 60.0

MOST_DOUBTS: Final = 3
"""In the sentence; the others stand in the list below the table."""


def what_was_trained(records: RunRecords) -> str:
    """The model, its data, and the epoch that was kept."""
    config, parameters = records.frozen.config, records.number("parameters")
    size = "" if parameters is None else f" of {counted(int(parameters), 'parameter')}"
    how = f"by {config.training_strategy}"
    if config.distillation_word == WITH_KD:
        how += ", distilled from a teacher"
    if config.experts:
        how += f", on top of {' and '.join(name.upper() for name in config.experts)}"
    data = f"windows of {counted(config.data.window, 'frame')} of {config.dataset}"
    if (seen := records.statistics) is not None and "train" in seen.sides:
        train = seen.sides["train"]
        data = f"{train.windows:,} {data}, {train.attacks:,} of them attacked"
    text = f"A {config.model.upper()} {config.model_size}{size}, trained {how} on {data}"
    best, epochs = records.number("best_epoch"), records.number("epochs")
    if best is not None and epochs is not None:
        text += f"; epoch {best + 1:.0f} of {epochs:.0f} was kept"
    return f"{text}."


def how_good(records: RunRecords) -> str:
    """Attacks found, and the range of the usual figures over scenarios."""
    rows = list(records.own_rows.values())
    if not rows:
        return (
            f"Nobody knows yet: it wasn't evaluated. Do so: can-train evaluate {records.run.name}"
        )
    found, attacks = _found(rows)
    text = f"On {counted(len(rows), 'test scenario')}"
    if attacks:
        delays = _range([r.alarms.delay_median_s for r in rows if r.alarms], "{:.2f}")
        text += f" its alarms find {found} of {counted(attacks, 'labelled attack')}"
        text += f" (median delay {delays} s)" if delays != NOT_AVAILABLE else ""
        text += ", and"
    aucs = _range([r.metrics.roc_auc for r in rows if r.metrics], "{:.4f}")
    f1s = _range([r.metrics.f1 for r in rows if r.metrics], "{:.4f}")
    return f"{text} its ROC-AUC is {aucs}; at the stored threshold F1 is {f1s}."


def what_to_distrust(records: RunRecords) -> str:
    """The first few doubts in a sentence."""
    found = doubts(records)
    if not found:
        return (
            "Nothing stands out in these figures, which are of one seed: others may differ. Train "
            "some more and compare them."
        )
    text = "; ".join(found[:MOST_DOUBTS])
    more = len(found) - MOST_DOUBTS
    return f"{text[:1].upper()}{text[1:]}{f'; {more} more below the table' if more > 0 else ''}."


def doubts(records: RunRecords) -> list[str]:
    """Everything that speaks against taking the figures at their word."""
    if records.evaluation is None:
        return [] if records.state == "finished" else [f"the run is {records.state}"]
    return [
        *_controls(records),
        *_faults(records),
        *_thresholds(records),
        *_p_values(records),
        *_short(records),
        *_unjudged(records),
    ]


def tiles_of(records: RunRecords) -> tuple[Tile, ...]:
    """The numbers that come first."""
    rows = list(records.own_rows.values())
    tiles = []
    found, attacks = _found(rows)
    if attacks:
        delays = _range([r.alarms.delay_median_s for r in rows if r.alarms], "{:.2f}")
        tiles.append(
            Tile(value=f"{found} / {attacks}", label="attacks found by an alarm",
                 note=f"median delay {delays} s")
        )  # fmt: skip
    if rows:
        per_hour = [r.alarms.alarms_per_hour for r in rows if r.alarms]
        upper = _range([r.alarms.alarms_per_hour_upper for r in rows if r.alarms], "{:.1f}")
        tiles += [
            Tile(value=_range([r.metrics.roc_auc for r in rows if r.metrics], "{:.3f}"),
                 label="ROC-AUC", note="least and largest of the scenarios"),
            Tile(value=_range([r.metrics.f1 for r in rows if r.metrics], "{:.3f}"),
                 label="F1", note="at the stored threshold"),
            Tile(value=_range(per_hour, "{:.1f}"), label="false alarms per hour",
                 note=f"upper 95 % bounds {upper}"),
        ]  # fmt: skip
    if (parameters := records.number("parameters")) is not None:
        seconds = records.number("seconds")
        spent = "" if seconds is None else f"trained in {_time(seconds)}"
        tiles.append(Tile(value=f"{parameters:,.0f}", label="parameters", note=spent))
    return tuple(tiles)


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < _MINUTE_S else f"{seconds / _MINUTE_S:.1f} min"


def _found(rows: Sequence[EvaluationRow]) -> tuple[int, int]:
    alarms = [row.alarms for row in rows if row.alarms is not None]
    return sum(a.found_by_alarm or 0 for a in alarms), sum(a.episodes or 0 for a in alarms)


def _range(values: Sequence[float | None], form: str) -> str:
    """Least and largest; one number where they look the same."""
    known = [value for value in values if value is not None]
    if not known:
        return NOT_AVAILABLE
    low, high = form.format(min(known)), form.format(max(known))
    return low if low == high else f"{low} – {high}"


def _controls(records: RunRecords) -> Iterator[str]:
    """Who else does as well, all scenarios together."""
    scenarios = [] if records.evaluation is None else scenarios_of(records.evaluation)
    found = {short_name(scenario): standing(scorers) for scenario, scorers in scenarios}
    for outcome, words in (
        ("control", "a simple control does better in"),
        ("tie", "simple controls do as well in"),
    ):
        names = [name for name, how in found.items() if how.outcome == outcome]
        if names:
            yield f"{words} {_listed(names)} ({names[0]}: {found[names[0]].figures})"
    others = {short_name(scenario): others_ahead(scorers) for scenario, scorers in scenarios}
    ahead = [name for name, figures in others.items() if figures]
    if ahead:
        yield f"another detector does better in {_listed(ahead)} ({ahead[0]}: {others[ahead[0]]})"
    useless = [name for name, how in found.items() if how.outcome == "none"]
    if useless:
        yield f"every model alarms on half of the benign windows or more in {_listed(useless)}"


def _faults(records: RunRecords) -> Iterator[str]:
    scenarios = [] if records.evaluation is None else scenarios_of(records.evaluation)
    for scenario, scorers in scenarios:
        for scorer in scorers:
            if scorer.name == records.scorer and (wrong := fault(scorer)):
                yield f"in {short_name(scenario)} {wrong}"


def _thresholds(records: RunRecords) -> Iterator[str]:
    at = next((row.threshold for row in records.own_rows.values() if row.threshold), None)
    if at is not None and not at.exact and at.rule != "robust":
        yield (
            f"the threshold rests on {counted(at.benign_windows, 'benign window')}, too few for a "
            f"false-alarm rate of {at.target_fpr:g}"
        )


def _p_values(records: RunRecords) -> Iterator[str]:
    """Scenarios on which rare p-values are common."""
    lines = () if records.pictures is None else records.pictures.record.reliability
    shares = {
        short_name(line.scenario): share
        for line in lines
        if line.scorer == records.scorer and (share := share_at(line, TOLD_P)) > MISLEADING * TOLD_P
    }
    if shares:
        most = max(shares, key=lambda name: shares[name])
        yield (
            f"p-values promise too much in {_listed(list(shares))} ({most}: {shares[most]:.0%} of "
            f"the benign windows have one of at most {TOLD_P:g})"
        )


def _short(records: RunRecords) -> Iterator[str]:
    """Scenarios with little traffic behind their figures."""
    uppers = {
        short_name(scenario): upper
        for scenario, row in records.own_rows.items()
        if row.alarms is not None
        and (upper := row.alarms.alarms_per_hour_upper) is not None
        and upper > MANY_ALARMS
    }
    if uppers:
        most = max(uppers, key=lambda name: uppers[name])
        yield (
            f"the benign time of {_listed(list(uppers))} is too short to rule out more than "
            f"{MANY_ALARMS:g} false alarms per hour ({most}: up to {uppers[most]:,.0f})"
        )
    few = list(_few_windows(records))
    if few:
        yield f"there are few windows in {_listed(few)}"


def _few_windows(records: RunRecords) -> Iterator[str]:
    for scenario, row in records.own_rows.items():
        found = row.metrics
        if found is None or found.roc_auc is None:
            continue
        least = min(found.attacks, found.windows - found.attacks)
        if least < FEW_WINDOWS:
            kind = "attack" if least == found.attacks else "benign"
            yield f"{short_name(scenario)} ({counted(least, f'{kind} window')})"


def _unjudged(records: RunRecords) -> Iterator[str]:
    names = [
        short_name(scenario)
        for scenario, row in records.own_rows.items()
        if row.metrics is None or (row.metrics.roc_auc is None and row.metrics.fpr is None)
    ]
    if names:
        yield f"nothing can be judged in {_listed(names)}: its labels say nothing"


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else names[0]
