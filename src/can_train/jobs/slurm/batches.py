"""What is submitted for a plan: one call of sbatch per run, or per array of independent runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from can_train.jobs.slurm.arrays import SlurmRequest, arrays, single_runs
from can_train.jobs.slurm.record import SubmissionSettings
from can_train.jobs.slurm.script import JobScript, log_pattern, render
from can_train.runs.layout import array_dir, job_script, stage_logs_dir
from can_train.runs.passed_on import exports


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one call of sbatch submits.

    Attributes:
        requests: One, or the tasks of an array.
        name: Name of the job.
        script: Text of its script.
        folder: Where the script and the logs of the job lie.
        is_array: Whether it is an array.
        after, corresponding: What it waits for, as in `arrays.JobGroup`.
    """

    requests: tuple[SlurmRequest, ...]
    name: str
    script: str
    folder: Path
    is_array: bool
    after: tuple[int, ...] = ()
    corresponding: tuple[int, ...] = ()

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

    def command(self, job_ids: Mapping[int, str]) -> list[str]:
        """The call of sbatch; paths are arguments of it, for a script can't hold each of them.

        Args:
            job_ids: Jobs by stage; what has none there is waited for no more.
        """
        word = "array" if self.is_array else self.requests[0].job.name
        number = "%A_%a" if self.is_array else "%j"
        out, err = (self.folder / f"{word}_{number}.{kind}" for kind in ("out", "err"))
        return [
            "sbatch",
            "--parsable",
            "--hold",
            f"--chdir={self.folder}",
            f"--output={log_pattern(out)}",
            f"--error={log_pattern(err)}",
            *self._dependency(job_ids),
            str(self.script_path),
        ]

    def _dependency(self, job_ids: Mapping[int, str]) -> list[str]:
        after = [job_ids[number] for number in self.after if number in job_ids]
        bases = [job_ids[n].partition("_")[0] for n in self.corresponding if n in job_ids]
        words = [
            ":".join([word, *ids])
            for word, ids in (("afterok", after), ("aftercorr", bases))
            if ids
        ]
        return [f"--dependency={','.join(words)}"] if words else []


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
    groups = single_runs(requests) if settings.array_limit is None else arrays(requests)
    found = []
    for number, group in enumerate(groups, start=1):
        is_array = len(group.requests) > 1
        job = group.requests[0].job
        name = f"{folder.name}-array{number}" if is_array else f"{job.name}-{job.run_dir.name}"
        logs = array_dir(folder, number) if is_array else stage_logs_dir(job.run_dir)
        found.append(
            Batch(
                requests=group.requests,
                name=name,
                script=_script(group.requests, name, settings),
                folder=logs,
                is_array=is_array,
                after=group.after,
                corresponding=group.corresponding,
            )
        )
    for batch in found:
        batch.command({})  # tells what can't be spelled before anything is submitted
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
