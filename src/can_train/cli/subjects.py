"""What a report can be about, found by what a user calls it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from can_train.errors import PreflightError
from can_train.runs.find import RUN_OR_PLAN, find
from can_train.runs.layout import Roots, is_sweep, report_path, sweep_dir

SubjectKind = Literal["run", "plan", "sweep", "dataset", "recording"]

_DATASET: Final = "dataset.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSubject:
    """What a report is about.

    Attributes:
        kind: What it is.
        path: Its folder; a recording's file.
    """

    kind: SubjectKind
    path: Path

    @property
    def page(self) -> Path:
        """Where its page is written unless another place is named."""
        if self.kind == "recording":
            return Path(f"report-{self.path.stem}.html")
        return report_path(self.path)


def subject_called(roots: Roots, name: str) -> ReportSubject:
    """The recording, dataset, sweep, run or plan that a name means.

    A file is a recording. A sweep is also a plan of the same id, and goes before it.

    Raises:
        PreflightError: Nothing, or several things, are called so.
    """
    path = Path(name)
    if path.is_file():
        return ReportSubject(kind="recording", path=path)
    if is_sweep(path):
        return ReportSubject(kind="sweep", path=path.resolve())
    datasets = _datasets(roots.data, name)
    if len(datasets) > 1:
        listed = ", ".join(f"{folder.parent.name}/{folder.name}" for folder in datasets)
        raise PreflightError(f"{name}: several datasets are called so: {listed}. Name one of them")
    if datasets:
        return ReportSubject(kind="dataset", path=datasets[0])
    try:
        found = find(roots.experiments, name, RUN_OR_PLAN)
    except PreflightError as error:
        raise PreflightError(
            f"{error}\nA report is about a run, a plan, a sweep, a dataset under {roots.data}, or "
            f"a recording: show the datasets: can-train data list"
        ) from error
    sweep = sweep_dir(roots.experiments, found.name)
    if found.kind == "plan" and is_sweep(sweep):
        return ReportSubject(kind="sweep", path=sweep)
    return ReportSubject(kind="run" if found.kind == "run" else "plan", path=found.folder)


def _datasets(data_root: Path, name: str) -> list[Path]:
    """Folders of prepared datasets with that name, with or without their modality."""
    path = Path(name)
    if (path / _DATASET).is_file():
        return [path.resolve()]
    if not name.strip("/. ") or ".." in path.parts or path.is_absolute():
        return []
    known = [data_root / name, *(folder / name for folder in sorted(data_root.glob("*")))]
    return [folder for folder in known if (folder / _DATASET).is_file()]
