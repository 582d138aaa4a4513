"""`can-train run`: train the run that one frozen config describes, in this process."""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import sys
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, TypeAlias

from can_train.cli.loading import loading
from can_train.cli.place import LARGEST
from can_train.cli.recording import add_recording_options
from can_train.cli.values import WholeNumber, file_path
from can_train.errors import CanTrainError, PreflightError, TrainingError, exit_code_of
from can_train.runs.jobs import own_job
from can_train.runs.log_format import set_up_logging
from can_train.runs.stop import Stopped, request_stop

if TYPE_CHECKING:
    from can_train.config.frozen import FrozenConfig
    from can_train.runs.state import State
    from can_train.training.ranks import Ranks

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `run`."""
    parser = subparsers.add_parser(
        "run",
        help="train what a frozen config describes, in this process",
        description="Train the run that a frozen config describes; jobs call this. Started by "
        "torchrun or a job of several tasks, all of them train it together.",
        epilog="example: can-train run --frozen-config RUN/configs/frozen_config_0123456789ab.json",
    )
    parser.add_argument(
        "--frozen-config", required=True, metavar="FILE", type=file_path, help="the frozen config"
    )
    parser.add_argument(
        "--max-requeues",
        metavar="N",
        type=WholeNumber(least=0, most=LARGEST),
        default=0,
        help="how often the job of this run may be started again (default: 0)",
    )
    parser.add_argument(
        "--evaluate", action="store_true", help="evaluate the finished run afterwards"
    )
    add_recording_options(parser)


def run(args: argparse.Namespace) -> int:
    """Trains under ownership of the run's folder, keeping `status.json`; 0 when it finished."""
    # First of all: the warning of a job's time limit may come while torch is imported.
    signal.signal(signal.SIGUSR1, _stop_at_next_step)
    from can_train.config.frozen import load_frozen
    from can_train.runs.processes import several

    if not several():
        _log_from(logging.INFO)
        return _lead(load_frozen(args.frozen_config), args, None)
    from can_train.training.ranks import Ranks

    with Ranks() as ranks:
        _log_from(logging.INFO if ranks.leads else logging.WARNING)
        if ranks.leads:
            return _lead(load_frozen(args.frozen_config), args, ranks)
        return _help(args.frozen_config, ranks)


def _log_from(level: int) -> None:
    set_up_logging(sys.stderr, "%(asctime)s %(levelname)s %(message)s", level)


def _lead(frozen: FrozenConfig, args: argparse.Namespace, ranks: Ranks | None) -> int:
    """Everything that a run needs once, however many processes train it."""
    from can_train.cli.worker import evaluate_here, go_on_later, log_closing
    from can_train.tracking.follow import Mirroring

    with Mirroring([frozen.run_dir], frozen.experiment_root):
        try:
            _train(frozen, args, ranks)
        except Stopped:
            return go_on_later(frozen.run_dir, args.max_requeues)
        code = evaluate_here(frozen.run_dir, args.max_requeues) if args.evaluate else 0
        log_closing(frozen.run_dir)
    return code


def _help(path: Path, ranks: Ranks) -> int:
    """The part of another process than the first; what ends it is the first one's to tell."""
    from can_train.training.run import help_frozen

    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it has nothing to put in order
    with contextlib.suppress(Stopped):
        help_frozen(path, ranks)
    return 0


def _train(frozen: FrozenConfig, args: argparse.Namespace, ranks: Ranks | None) -> None:
    from can_train.cli.worker import JobLog
    from can_train.pipeline.checkpoints import check_checkpoint
    from can_train.runs.made import check_made
    from can_train.runs.state import owned, point_latest, read_status
    from can_train.teachers.policy import is_teacher

    with owned(frozen.run_dir):
        status = read_status(frozen.run_dir)
        if status is not None and status.state == "finished":
            check_made(frozen.run_dir)
            sys.stdout.write(f"reused: run {frozen.run_id} has finished\n")
            return
        check_checkpoint(frozen.run_dir)
        with JobLog(frozen.run_dir, args.frozen_config), _RecordedState(frozen.run_dir):
            _check_restarts(args.max_requeues)
            point_latest(frozen.run_dir)
            # Groups of processes stay as they are: what ends them at exit is not ours to change.
            with loading() if ranks is None else contextlib.nullcontext():
                from can_train.training.energy import EnergyMeter
                from can_train.training.run import run_frozen

            with EnergyMeter(frozen.run_dir, frozen.config.training.threads):
                run_frozen(args.frozen_config, ranks)
        if is_teacher(frozen.config):
            _register(frozen)


def _register(frozen: FrozenConfig) -> None:
    """Offers a finished teacher to the registry; a damaged registry doesn't undo the training."""
    from can_train.teachers.policy import register_teacher

    try:
        sys.stdout.write(f"{register_teacher(frozen)}\n")
    except CanTrainError as error:
        logging.getLogger("can_train").warning(
            "teacher not registered: %s. Then: can-train teachers add %s", error, frozen.run_id
        )


def _check_restarts(max_requeues: int) -> None:
    job = own_job()
    if job is not None and job.restarts > max_requeues:
        raise TrainingError(
            f"{job} was started again {job.restarts} times, more than "
            f"--max-requeues {max_requeues} allows. Look into its log, then: can-train resume PLAN"
        )


class Terminated(KeyboardInterrupt):
    """The process got SIGTERM."""


class _RecordedState:
    """Keeps `status.json` true while the block runs, however it ends."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._terminated = False

    def __enter__(self) -> None:
        from can_train.runs.state import start_running

        self._handler = signal.signal(signal.SIGTERM, self._terminate)
        start_running(self._run_dir)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what ended isn't cancelled any more
        self._record(error)
        signal.signal(signal.SIGTERM, self._handler)

    def _record(self, error: BaseException | None) -> None:
        from can_train.runs.made import finish
        from can_train.runs.state import end_running

        if error is None:
            finish(self._run_dir)
        elif isinstance(error, Stopped):
            state: State = "cancelled" if own_job() is None else "pending"
            message = "stopped at a step, its position is saved"
            end_running(self._run_dir, state, message=message)
        elif self._terminated or isinstance(error, KeyboardInterrupt):
            end_running(self._run_dir, "cancelled", exit_code=1, message="stopped by a signal")
        elif isinstance(error, CanTrainError):
            code = exit_code_of(error)
            end_running(self._run_dir, "failed", exit_code=code, message=str(error))
        else:
            # The command line shows no traceback; the log of the run does.
            logging.getLogger("can_train").error("failed", exc_info=error)
            code = PreflightError.exit_code if isinstance(error, OSError) else 1
            message = f"{type(error).__name__}: {error}"
            end_running(self._run_dir, "failed", exit_code=code, message=message)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self._terminated = True  # Lightning makes a SystemExit of what is raised here
        raise Terminated


def _stop_at_next_step(number: int, frame: FrameType | None) -> None:
    request_stop()
