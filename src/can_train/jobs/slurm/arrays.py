"""Which runs go out together as an array, and what each waits for (stdlib only)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from can_train.config.schema import Resources
from can_train.jobs.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmRequest:
    """One run that is to be submitted.

    Attributes:
        job: What is run.
        resources: Everything that it asks for.
        evaluate: Whether its job evaluates it, too.
    """

    job: Job
    resources: Resources
    evaluate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobGroup:
    """What one call of sbatch submits: a run, or the tasks of an array.

    Attributes:
        requests: Its runs.
        after: Stages that have to end well before any of them starts.
        corresponding: First tasks of arrays; each of its tasks waits for the task of the same
            position there.
    """

    requests: tuple[SlurmRequest, ...]
    after: tuple[int, ...]
    corresponding: tuple[int, ...] = ()


def single_runs(requests: Sequence[SlurmRequest]) -> tuple[JobGroup, ...]:
    """Each run as a job of its own."""
    return tuple(JobGroup(requests=(r,), after=tuple(sorted(r.job.depends_on))) for r in requests)


def arrays(requests: Sequence[SlurmRequest]) -> tuple[JobGroup, ...]:
    """Runs that are alike, and wait for the same runs or for runs that are alike, as arrays.

    Args:
        requests: Runs in topological order.
    """
    groups: list[JobGroup] = []
    places: dict[int, tuple[int, int]] = {}
    for members in _alike(requests):
        for group in _groups(members, places):
            for position, request in enumerate(group.requests):
                places[request.job.number] = (len(groups), position)
            groups.append(group)
    return tuple(groups)


def _alike(requests: Sequence[SlurmRequest]) -> Iterator[list[SlurmRequest]]:
    """Runs of one model that ask for the same, and whose parents are alike in turn.

    Of runs that neither need others nor are needed the model doesn't matter.
    """
    needed = {number for request in requests for number in request.job.depends_on}
    kinds: dict[object, int] = {}
    kind_of: dict[int, int] = {}
    found: dict[int, list[SlurmRequest]] = {}
    for request in requests:
        job = request.job
        parents = tuple(sorted(kind_of[n] for n in job.depends_on if n in kind_of))
        others = tuple(n for n in job.depends_on if n not in kind_of)
        alone = not job.depends_on and job.number not in needed
        key = ("" if alone else job.name, request.resources, request.evaluate, parents, others)
        kind_of[job.number] = kinds.setdefault(key, len(kinds))
        found.setdefault(kind_of[job.number], []).append(request)
    yield from found.values()


def _groups(
    members: Sequence[SlurmRequest], places: Mapping[int, tuple[int, int]]
) -> Iterator[JobGroup]:
    """Runs that are alike as one array, or, where their parents don't stand in its order, several.

    Those that wait for the very same runs always go together.
    """
    whole = _corresponding(members, places)
    if whole is not None:
        yield whole
        return
    by_parents: dict[tuple[int, ...], list[SlurmRequest]] = {}
    for request in members:
        by_parents.setdefault(tuple(sorted(request.job.depends_on)), []).append(request)
    for after, requests in by_parents.items():
        yield JobGroup(requests=tuple(requests), after=after)


def _corresponding(
    members: Sequence[SlurmRequest], places: Mapping[int, tuple[int, int]]
) -> JobGroup | None:
    """One group, if each parent is that of all or stands in an array at its child's position."""
    parents = [sorted(m.job.depends_on, key=lambda n: places.get(n, (-1, n))) for m in members]
    after, corresponding = [], []
    for column in zip(*parents, strict=True):
        if len(set(column)) == 1:
            after.append(column[0])
        elif _in_order(column, places):
            corresponding.append(column[0])
        else:
            return None
    return JobGroup(
        requests=tuple(members), after=tuple(sorted(after)), corresponding=tuple(corresponding)
    )


def _in_order(numbers: Sequence[int], places: Mapping[int, tuple[int, int]]) -> bool:
    """Whether these are the tasks 0, 1, 2, … of one array."""
    found = [places.get(number) for number in numbers]
    first = found[0]
    return first is not None and found == [(first[0], n) for n in range(len(numbers))]
