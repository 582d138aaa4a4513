"""The processes that train one run together: who they are, and how they talk.

They are found as torch's own launcher tells it, in `RANK`, `WORLD_SIZE`, `LOCAL_RANK`,
`MASTER_ADDR` and `MASTER_PORT`; a cluster's job script sets these from what the scheduler says. The
first process leads: it alone reads and writes the run. Tensors on a CPU travel by gloo, those on
GPUs by nccl.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Final

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # not in its __all__

from can_train.detectors.part import BatchPlace
from can_train.detectors.shortage import is_out_of_memory
from can_train.errors import (
    ArtifactError,
    CanTrainError,
    ConfigError,
    DataError,
    PreflightError,
    TrainingError,
    exit_code_of,
)
from can_train.runs.processes import RANK, VARIABLES, WORLD_SIZE

JOIN: Final = timedelta(minutes=5)
"""How long processes wait for each other at the start."""

PATIENCE: Final = timedelta(days=7)
"""How long the others wait while the first one prepares or validates: one that has ended is noticed
at once by its closed connection, and its job's time limit bounds the rest."""

LAST_WORDS_S: Final = 3.0
"""How long the first process waits for the message of one that has ended."""

_FAILED: Final = "can-train failed"


class Ranks:
    """The processes of one run, in one of them; the constructor waits for all of them.

    Args:
        environ: Variables of torch's launcher.

    Attributes:
        place: Which of them this one is.

    Raises:
        ConfigError: A variable is missing or isn't a number.
        TrainingError: The others didn't come.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        rank, size, local, port = (_number(environ, name) for name in VARIABLES[:4])
        host = environ.get(VARIABLES[4], "")
        self.place = BatchPlace(rank=rank, size=size)
        self._begun = self._is_alone = False
        if torch.cuda.is_available():
            torch.cuda.set_device(local % torch.cuda.device_count())
        try:
            self._store = TCPStore(host, port, size, rank == 0, timeout=JOIN)
            dist.init_process_group(
                "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
                store=self._store,
                rank=rank,
                world_size=size,
                timeout=PATIENCE,
            )
        except RuntimeError as error:
            raise TrainingError(
                f"{self.name}: the {size} processes of the run didn't find each other at "
                f"{host}:{port} ({_first_line(error)}). Look into the job's log for one that "
                "ended; if the port was taken, submit again"
            ) from error

    def __enter__(self) -> Ranks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.leads and not self._begun:
            with contextlib.suppress(CanTrainError):
                self.first_says(False)
        if not self.leads and error is not None and not self._is_alone:
            self._tell(error)
        if error is None:
            dist.destroy_process_group()

    @property
    def leads(self) -> bool:
        """Whether this is the first process."""
        return self.place.rank == 0

    @property
    def name(self) -> str:
        """This process in words."""
        return f"process {self.place.rank + 1} of {self.place.size} on {socket.gethostname()}"

    @property
    def backend(self) -> str:
        """What gradients travel by."""
        return "nccl" if torch.cuda.is_available() else "gloo"

    def begin(self) -> None:
        """The first process tells the others that there is something to train."""
        self._begun = True
        self.first_says(True)

    def shall_begin(self) -> bool:
        """Whether the first process has something to train, once it knows."""
        return bool(self.first_says())

    def first_says(self, value: Any = None) -> Any:
        """What the first process gives here, in all of them.

        Raises:
            TrainingError: Another process has ended.
        """
        held = [value]
        device = torch.device("cpu")
        self._together(lambda: dist.broadcast_object_list(held, src=0, device=device))
        return held[0]

    def told_first(self, value: Any) -> list[Any]:
        """What each process gives here, in the first one; empty in the others.

        Raises:
            TrainingError: Another process has ended.
        """
        found: list[Any] | None = [None] * self.place.size if self.leads else None
        self._together(lambda: dist.gather_object(value, found))
        return found or []

    def add_up(self, tensor: Tensor) -> None:
        """Puts the sum of all processes' `tensor` into it.

        Raises:
            TrainingError: Another process has ended.
        """
        self._together(lambda: dist.all_reduce(tensor))

    def copy_first(self, tensor: Tensor) -> None:
        """Puts the first process's `tensor` into it.

        Raises:
            TrainingError: Another process has ended.
        """
        self._together(lambda: dist.broadcast(tensor, src=0))

    def _together(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            raise self._lost(error) from error

    def _lost(self, error: RuntimeError) -> CanTrainError:
        """What the process said that ended first, with its exit code, if it could say something."""
        self._is_alone = True
        if not self.leads:
            return TrainingError(f"{self.name}: another process of the run ended")
        deadline = time.monotonic() + LAST_WORDS_S
        while time.monotonic() < deadline:
            if self._store.check([_FAILED]):
                said = json.loads(self._store.get(_FAILED))
                return _ERRORS.get(said["code"], TrainingError)(said["message"])
            time.sleep(0.1)
        return TrainingError(
            f"another process of the run ended without a word, as one does that is killed "
            f"({_first_line(error)}). The job's log may say why"
        )

    def _tell(self, error: BaseException) -> None:
        """Leaves the reason for this process's end to the first one; the first reason stands."""
        code = exit_code_of(error) if isinstance(error, CanTrainError) else 1
        what = (
            str(error) if isinstance(error, CanTrainError) else f"{type(error).__name__}: {error}"
        )
        message = what if what.startswith(self.name) else f"{self.name}: {what}"
        with contextlib.suppress(RuntimeError):  # the first one may be gone
            said = json.dumps({"code": code, "message": message})
            self._store.compare_set(_FAILED, "", said)


_ERRORS: Final = {
    kind.exit_code: kind for kind in (ConfigError, PreflightError, DataError, ArtifactError)
}


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name, "")
    if not text.isdecimal():
        raise ConfigError(
            f"${name}: {text!r} isn't a number. With ${WORLD_SIZE} above 1, ${RANK}, "
            "$LOCAL_RANK, $MASTER_PORT and $MASTER_ADDR have to be set, as torchrun does; to train "
            f"in one process: unset {WORLD_SIZE}"
        )
    return int(text)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
