"""What is submitted for a plan: one call of sbatch per run, or per array of independent runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from can_train.config.schema import Resources
from can_train.jobs.job import Job
from can_train.jobs.slurm.record import SubmissionSettings
from can_train.jobs.slurm.script import JobScript, log_pattern, render
from can_train.runs.layout import array_dir, job_script, stage_logs_dir
from can_train.runs.passed_on import exports


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
class Batch:
    """What one call of sbatch submits.

    Attributes:
        requests: One, or the tasks of an array.
        name: Name of the job.
        script: Text of its script.
        folder: Where the script and the logs of the job lie.
        is_array: Whether it is an array.
    """

    requests: tuple[SlurmRequest, ...]
    name: str
    script: str
    folder: Path
    is_array: bool

    @property
    def numbers(self) -> tuple[int, ...]:
        """Stages that it holds."""
        return tuple(request.job.number for request in self.requests)

    @property
    def title(self) -> str:
        """Its stages in words."""
        first = self.requests[0].job.title
        return f"array of {len(self.requests)} runs, {first} first" if self.is_array else first

    @property
    def script_path(self) -> Path:
        """Where the script is kept."""
        return job_script(self.folder, is_array=self.is_array)

    def command(self, dependencies: Sequence[str]) -> list[str]:
        """The call of sbatch; paths are arguments of it, for a script can't hold each of them."""
        word = "array" if self.is_array else self.requests[0].job.name
        number = "%A_%a" if self.is_array else "%j"
        out, err = (self.folder / f"{word}_{number}.{kind}" for kind in ("out", "err"))
        after = [f"--dependency=afterok:{':'.join(dependencies)}"] if dependencies else []
        return [
            "sbatch",
            "--parsable",
            "--hold",
            f"--chdir={self.folder}",
            f"--output={log_pattern(out)}",
            f"--error={log_pattern(err)}",
            *after,
            str(self.script_path),
        ]


def batches(
    folder: Path, requests: Sequence[SlurmRequest], settings: SubmissionSettings
) -> tuple[Batch, ...]:
    """What is submitted for `requests`, in this order; nothing is written.

    Args:
        folder: Folder of the plan.
        requests: Runs in topological order.
        settings: What holds for all of them.

    Raises:
        ConfigError: Something can't be told to Slurm.
    """
    needed = {number for request in requests for number in request.job.depends_on}
    groups: dict[object, list[SlurmRequest]] = {}
    for request in requests:
        independent = request.job.number not in needed and not request.job.depends_on
        alike = (request.resources, request.evaluate)
        as_array = settings.array_limit is not None and independent
        groups.setdefault(alike if as_array else request.job.number, []).append(request)
    found = []
    for number, group in enumerate(groups.values(), start=1):
        is_array = len(group) > 1
        job = group[0].job
        name = f"{folder.name}-array{number}" if is_array else f"{job.name}-{job.run_dir.name}"
        logs = array_dir(folder, number) if is_array else stage_logs_dir(job.run_dir)
        found.append(
            Batch(
                requests=tuple(group),
                name=name,
                script=_script(group, name, settings),
                folder=logs,
                is_array=is_array,
            )
        )
    for batch in found:
        batch.command(())  # tells what can't be spelled before anything is submitted
    return tuple(found)


def _script(requests: Sequence[SlurmRequest], name: str, settings: SubmissionSettings) -> str:
    return render(
        JobScript(
            name=name,
            frozen=tuple(request.job.frozen for request in requests),
            resources=requests[0].resources,
            setup=(*exports(), *settings.setup),
            max_requeues=settings.max_requeues,
            evaluate=requests[0].evaluate,
            array_limit=settings.array_limit if len(requests) > 1 else None,
        )
    )
