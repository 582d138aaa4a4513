"""A teacher's outputs for fixed windows: computed once, kept on disk, shared by runs.

They lie beside the packed stores under `<dataset>/teacher_outputs/<key>/`, one raw float32 file
per output, addressed by everything that decides a bit of them. A folder appears whole or not at
all, so builders may run at once or be killed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from can_train.dataset.windows import DatasetWindows
from can_train.errors import ArtifactError, DataError
from can_train.files import (
    PARTIAL,
    partial_name,
    read_object,
    sha256_of,
    write_json,
    writing_folder,
)
from can_train.graphs.batch import ScaledGraphs
from can_train.graphs.feed import GraphFeed
from can_train.graphs.store import GraphStore
from can_train.runs.process import is_alive, process_document, process_from, this_process
from can_train.runs.stop import Stopped, stop_requested

logger = logging.getLogger("can_train")

OUTPUTS_VERSION: Final = 1
"""Part of the key; rises when the same teacher would give other numbers."""

TEACHER_BATCH: Final = 64
"""Windows per forward pass: a teacher's messages then stay in the cache of a core (1.7 x as fast
as 256 for the VGAE)."""

_META: Final = "meta.json"
_OWNER: Final = "owner.json"


class TeacherModel(Protocol):
    """What is asked of a teacher; every `Detector` that distils is one."""

    network: nn.Module
    sha256: str

    def feed(self, store: GraphStore) -> GraphFeed:
        """Batches as the teacher sees them."""

    def teach(self, graphs: ScaledGraphs) -> dict[str, Tensor]:
        """Outputs by name, for windows or nodes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TeacherOutputs:
    """What a teacher says about B windows with N nodes.

    Attributes:
        windows: The windows, in the order of the arrays [B], int64.
        arrays: Memory-mapped float32 arrays by name; what each holds, and whether its rows are
            windows or nodes, is the teacher's (`Detector.teach`).
    """

    windows: NDArray[np.int64]
    arrays: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """Which outputs are computed, and on which device."""

    names: tuple[str, ...]
    device: str


def teacher_outputs(
    teacher: TeacherModel,
    inputs: DatasetWindows,
    windows: NDArray[np.int64],
    names: tuple[str, ...],
) -> TeacherOutputs:
    """The stored outputs `names` of `teacher` for `windows`, computed first if they aren't there.

    The teacher sees the windows through its own vocabulary and scaler, in eval mode and without
    gradients.

    Raises:
        ArtifactError: The teacher has no such outputs.
        DataError: They can't be stored.
        Stopped: Somebody asked while they were computed.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    request = _Request(names=names, device=device)
    key = _key(teacher, inputs, windows, request)
    path = inputs.folder / "teacher_outputs" / key[:16]
    found = _load(path, names)
    if found is None:
        if path.exists():
            logger.warning("%s: damaged teacher outputs; they are computed again", path)
            _discard(path)
        started = time.monotonic()
        _build(path, _batches(teacher, inputs, windows, request))
        seconds = time.monotonic() - started
        logger.info("teacher outputs of %s windows: %.1f s", f"{len(windows):,}", seconds)
        found = _load(path, names)
    if found is None:
        raise DataError(f"{path}: can't be read back. Remove it and give the same command again")
    return TeacherOutputs(windows=windows, arrays=found)


def _key(
    teacher: TeacherModel,
    inputs: DatasetWindows,
    windows: NDArray[np.int64],
    request: _Request,
) -> str:
    """Address of the outputs; threads and device are part of it since they change the last bit."""
    document = {
        "version": OUTPUTS_VERSION,
        "torch": str(torch.__version__),
        "teacher": teacher.sha256,
        "data": asdict(inputs.data),
        "store": inputs.store.key,
        "windows": hashlib.sha256(np.ascontiguousarray(windows).data).hexdigest(),
        "outputs": request.names,
        "device": request.device,
        "threads": torch.get_num_threads(),
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@torch.no_grad()
def _batches(
    teacher: TeacherModel,
    inputs: DatasetWindows,
    windows: NDArray[np.int64],
    request: _Request,
) -> Iterator[dict[str, NDArray[np.float32]]]:
    teacher.network.eval().to(request.device)
    for batch in teacher.feed(inputs.store).batches(windows, TEACHER_BATCH):
        if stop_requested():
            raise Stopped("stopped while the teacher's outputs were computed")
        outputs = teacher.teach(batch.to(request.device))
        yield {name: outputs[name].cpu().numpy() for name in request.names}


def _build(path: Path, batches: Iterator[dict[str, NDArray[np.float32]]]) -> None:
    """Writes all batches into a folder beside `path`, which then takes its name."""
    try:
        _remove_abandoned(path)
        with writing_folder(path) as temporary:
            write_json(temporary / _OWNER, process_document(this_process()))
            shapes: dict[str, list[int]] = {}
            for arrays in batches:
                for name, array in arrays.items():
                    with (temporary / name).open("ab") as file:
                        file.write(np.ascontiguousarray(array, dtype="<f4").data)
                    rows = shapes.get(name, [0])[0]
                    shapes[name] = [rows + array.shape[0], array.shape[1]]
            hashes = {name: sha256_of(temporary / name) for name in shapes}
            write_json(temporary / _META, {"shapes": shapes, "sha256": hashes})
            (temporary / _OWNER).unlink()
    except OSError as error:
        raise DataError(
            f"{path}: the teacher's outputs can't be stored ({error.strerror}). Make room or "
            "make the data root writable, or name another one with --data-root"
        ) from error


def _load(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[np.float32]] | None:
    """The arrays after a look at every byte; None if any isn't what was stored."""
    try:
        meta = json.loads((path / _META).read_text(encoding="utf-8"))
        if any(sha256_of(path / name) != meta["sha256"][name] for name in names):
            return None
        return {
            name: np.memmap(path / name, "<f4", "r", shape=tuple(meta["shapes"][name]))
            for name in names
        }
    except (OSError, ValueError, KeyError, TypeError, ArtifactError):
        return None


def _discard(path: Path) -> None:
    """Takes a damaged folder out of the way; whoever has mapped it keeps what is mapped."""
    aside = partial_name(path)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return  # another process did
    shutil.rmtree(aside, ignore_errors=True)


def _remove_abandoned(path: Path) -> None:
    """Removes what killed builders of the same outputs left behind."""
    for folder in path.parent.glob(f"{PARTIAL}{path.name}-*"):
        try:
            owner = process_from(read_object(folder / _OWNER), folder / _OWNER)
        except (OSError, ArtifactError):
            continue  # just begun, or just finished
        if not is_alive(owner):
            shutil.rmtree(folder, ignore_errors=True)
