"""The evaluation of a run in a process of its own: the only place that starts one."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from can_train.cli.other_detectors import wanted_detectors
from can_train.runs.layout import evaluation_path, identity_of
from can_train.runs.summary import read_validation

if TYPE_CHECKING:
    from can_train.baselines.named import NamedDetector


def given_data_root(args: argparse.Namespace) -> Path | None:
    """The data root that was typed; None: that which the run was frozen with counts."""
    root = vars(args).get("data_root")
    return None if root is None else Path(root).absolute()


def evaluation_command(run: Path, data_root: Path | None = None) -> tuple[str, ...]:
    """The command that evaluates a run.

    Args:
        run: Folder of the run.
        data_root: Data root that was typed, over the one that the run was frozen with.
    """
    folders = () if data_root is None else ("--data-root", str(data_root))
    return (sys.executable, "-P", "-m", "can_train", "evaluate", str(run.absolute()), *folders)


def start_evaluation(
    run: Path, data_root: Path | None = None, *, quiet: bool = False
) -> subprocess.Popen[bytes]:
    """Starts it, so that no run inherits another one's memory; `quiet` drops its table."""
    out = subprocess.DEVNULL if quiet else None
    return subprocess.Popen(evaluation_command(run, data_root), stdout=out)


def exit_code_of(process: subprocess.Popen[bytes]) -> int:
    """Exit code once the process has ended; 1 if a signal ended it."""
    code = process.wait()
    return code if code >= 0 else 1


def evaluate(run: Path, data_root: Path | None = None, *, reuse: bool = False) -> int:
    """Evaluates one run, and gives the exit code.

    Args:
        run: Folder of the run.
        data_root: Data root that was typed.
        reuse: Whether an evaluation of its artifact that is there is shown instead: the same
            artifact gives the same figures.

    Raises:
        ArtifactError: What is there was changed.
    """
    if reuse and _shown(run):
        return 0
    sys.stdout.flush()
    code = exit_code_of(start_evaluation(run, data_root))
    if code:
        sys.stderr.write(f"evaluation of run {run.name} failed (exit code {code})\n")
    return code


def is_evaluated(run: Path) -> bool:
    """Whether an evaluation of its artifact is there, with the detectors that are wanted.

    Raises:
        ArtifactError: What is there was changed.
    """
    from can_train.evaluation.report import load_report

    path = evaluation_path(run)
    if not path.is_file():
        return False
    report = load_report(path)
    mine = report.is_of(identity_of(run).model, read_validation(run).artifact_sha256)
    return mine and not lacks_rows_of(run, wanted_detectors())


def lacks_rows_of(run: Path, wanted: Sequence[NamedDetector]) -> bool:
    """Whether its evaluation is there without rows of these detectors, as they are now.

    Raises:
        ArtifactError: What is there was changed.
    """
    from can_train.evaluation.report import load_report

    path = evaluation_path(run)
    if not wanted or not path.is_file():
        return False
    known = load_report(path).detectors
    return any(known.get(each.name) != each.identity for each in wanted)


def _shown(run: Path) -> bool:
    """Shows the evaluation that is there; False if it is of another artifact."""
    from can_train.evaluation.report import load_report
    from can_train.evaluation.table import print_report

    if not is_evaluated(run):
        return False
    path = evaluation_path(run)
    report = load_report(path)
    sys.stdout.write(f"reused: evaluation {path}\n")
    print_report(report, sys.stdout)
    return True
