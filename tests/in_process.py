"""Commands of can-train in this process: a tenth of what starting one costs."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from can_train.cli.main import build_parser, main
from can_train.cli.planning import plans_of
from can_train.pipeline.plan import jobs_of
from can_train.pipeline.record import write_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedStage:
    """A stage's run, and what was logged."""

    run: Path
    said: str


def can_train(home: Path, *words: str) -> Done:
    """What a command does beside a launcher in `home`; its workers are processes of their own."""
    out, err = io.StringIO(), io.StringIO()
    with _beside(home), redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    return Done(code=code, out=out.getvalue(), err=err.getvalue())


def train_here(home: Path, *words: str) -> list[TrainedStage]:
    """Trains the stages that `train` or `pipeline` would, one after the other in this process.

    They are neither evaluated nor run side by side.
    """
    with _beside(home):
        args = build_parser(words[0]).parse_args(words)
        (plan,) = plans_of(args, one_stage=words[0] == "train")
        write_plan(plan)
    stages = []
    for job in jobs_of(plan):
        with _logged() as said:
            done = can_train(home, "run", "--frozen-config", str(job.frozen))
        assert done.code == 0, done.err
        stages.append(TrainedStage(run=job.run_dir, said=said.getvalue()))
    return stages


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    """What is logged: a worker writes it to stderr, unless pytest listens already."""
    said, logger = io.StringIO(), logging.getLogger("can_train")
    handler, before = logging.StreamHandler(said), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield said
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


@contextmanager
def _beside(home: Path) -> Iterator[None]:
    """In the environment that the launcher in `home` makes."""
    with patch.dict(os.environ, CAN_TRAIN_HOME=str(home)):
        yield
