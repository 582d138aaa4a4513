"""`can-train mlflow`: bring records into MLflow, and look at them there."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO, TypeAlias, cast

from can_train.cli.options import add_root_options, roots_of
from can_train.cli.recording import add_store_option
from can_train.cli.values import WholeNumber

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `mlflow sync` and `mlflow ui`."""
    parser = subparsers.add_parser(
        "mlflow",
        help="bring the records of runs into MLflow, or open its pages",
        description="MLflow mirrors the records of runs. Get it, once: can-train env --install "
        "mlflow",
        epilog="example: can-train mlflow sync",
    )
    inner = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    sync = inner.add_parser(
        "sync",
        help="bring over exactly what MLflow lacks",
        description="Bring over exactly what MLflow lacks of all runs, or of some. It can be "
        "repeated at any time.",
        epilog="example: can-train mlflow sync 0123456789ab",
    )
    sync.add_argument(
        "names", nargs="*", metavar="RUN|PLAN|DATASET", help="id, beginning of an id, or folder"
    )
    sync.add_argument(
        "--follow", action="store_true", help="of runs: go on until standard input ends"
    )
    ui = inner.add_parser(
        "ui",
        help="open MLflow's pages on the mirror",
        description="Serve MLflow's pages on the mirror until Ctrl-C.",
        epilog="example: can-train mlflow ui --port 5000",
    )
    ui.add_argument(
        "--host", metavar="HOST", default="127.0.0.1",
        help="address to serve at (default: %(default)s)",
    )  # fmt: skip
    ui.add_argument(
        "--port", type=WholeNumber(least=1, most=65_535), metavar="N", default=5000,
        help="its port (default: %(default)s)",
    )  # fmt: skip
    for each in (sync, ui):
        add_store_option(each)
        add_root_options(each, "experiment")


def run(args: argparse.Namespace) -> int:
    """Syncs or serves; gives the exit code."""
    from can_train.tracking.store import require_installed

    require_installed(f"mlflow {args.action}")
    root = roots_of(args).experiments
    if args.action == "ui":
        return _serve(args, root)
    return _follow(args, root) if args.follow else _sync(args, root)


def _sync(args: argparse.Namespace, root: Path) -> int:
    """Brings over what is missing of each run; those with damaged records are named."""
    from can_train.errors import ArtifactError, counted
    from can_train.runs.find import select
    from can_train.runs.layout import iter_runs
    from can_train.tracking.mirror import Brought, Mirror
    from can_train.tracking.record import tracked_run
    from can_train.tracking.store import store_uri, without_password

    selection = select(root, args.names)
    runs = [*selection.named, *selection.found] if args.names else list(iter_runs(root))
    mirror, code, total, known = Mirror(store_uri(root), root), 0, Brought(), 0
    for run_dir in runs:
        try:
            record = tracked_run(run_dir)
        except ArtifactError as error:
            sys.stderr.write(f"{error}\n")
            code = error.exit_code
            continue
        if record is not None:
            known += 1
            total += mirror.bring(record)
    sys.stdout.write(
        f"{without_password(store_uri(root))}: {counted(known, 'run')}; brought over: "
        f"{counted(total.runs, 'run')}, {counted(total.params, 'param')}, "
        f"{counted(total.metrics, 'metric')}\n"
    )
    return code


class _LogOfRuns(io.TextIOBase):
    """Text that goes to the end of a run's log: of the last one of `runs` that has one."""

    def __init__(self, runs: Sequence[Path]) -> None:
        self._runs = runs

    def write(self, text: str) -> int:
        """Writes, where there is a log yet."""
        from can_train.jobs.executor import HERE
        from can_train.runs.layout import log_of

        logs = [log for run in self._runs if (log := log_of(run, HERE)) is not None]
        for log in logs[-1:]:
            with log.open("a", encoding="utf-8") as file:
                file.write(text)
        return len(text)


def _follow(args: argparse.Namespace, root: Path) -> int:
    import logging

    from can_train.errors import ConfigError
    from can_train.runs.find import find_run
    from can_train.runs.log_format import set_up_logging
    from can_train.tracking.follow import follow

    if not args.names:
        raise ConfigError("--follow: give the runs. Bring over all of them: can-train mlflow sync")
    # A plan's folders may come later than the process that mirrors it.
    runs = [Path(n) if os.sep in n else find_run(root, n) for n in args.names]
    log = sys.stderr if len(runs) == 1 else cast(TextIO, _LogOfRuns(runs))
    set_up_logging(log, "%(asctime)s %(levelname)s %(message)s", logging.WARNING)
    code = follow(runs, root, sys.stdin.buffer)
    if not any(run.is_dir() for run in runs):
        raise ConfigError(
            f"--follow: nothing came of {', '.join(map(str, runs))}. "
            f"Show the runs that exist: can-train status"
        )
    return code


def _serve(args: argparse.Namespace, root: Path) -> int:
    """Replaces this process by MLflow's own server; one that is elsewhere has its own pages."""
    from can_train.tracking.store import is_server, mirror_dir, store_uri, without_password

    uri = store_uri(root)
    if is_server(uri):
        sys.stdout.write(f"open: {without_password(uri)}\n")
        return 0
    mirror_dir(root).mkdir(parents=True, exist_ok=True)
    sys.stdout.write(
        f"{without_password(uri)}\nopen: http://{args.host}:{args.port} (Ctrl-C ends)\n"
    )
    sys.stdout.flush()
    words = ["-m", "mlflow", "server", "--backend-store-uri", uri]
    words += ["--default-artifact-root", (mirror_dir(root) / "artifacts").as_uri()]
    words += ["--host", args.host, "--port", str(args.port)]
    return os.execv(sys.executable, [sys.executable, *words])
