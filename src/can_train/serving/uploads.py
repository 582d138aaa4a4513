"""Recordings that somebody brings: taken in piece by piece, scored beside the page, deleted.

They are read in a process of their own, with limits: whatever a file does to its reader, the page
and the stream that it follows go on.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

LONGEST_S: Final = 300.0
"""Time in which a recording has to be read and scored."""

STALLED_S: Final = 20.0
"""An upload that brings nothing for so long is given up, as others wait for it."""

UPLOAD_S: Final = 900.0
"""Time in which an upload has to be whole."""

MOST_ANSWER_BYTES: Final = 4_000_000
_PIECE: Final = 65_536
_LOOK_S: Final = 0.25
_LONGEST_NAME: Final = 80
_LONGEST_END: Final = 24
_END: Final = re.compile(r"(?:\.[A-Za-z0-9]{1,8}){1,2}\Z")
"""Of a name: by it some formats are told apart, such as `.log.gz`."""

STORED: Final = "recording"
"""What every upload is called here; its own name is only shown."""


class UploadRefused(Exception):
    """A recording that isn't scored, and why.

    Args:
        code: Of the answer.
        message: What is wrong, what is allowed, what to do next.
    """

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringJob:
    """What scores a recording.

    Attributes:
        detector: File or folder of the detector.
        experiment_root: Where runs lie.
    """

    detector: Path
    experiment_root: Path

    def command(self, name: str) -> list[str]:
        """The process for a file of that name in its working directory."""
        words = [str(self.detector.absolute()), str(self.experiment_root.absolute()), name]
        return [sys.executable, "-m", "can_train.serving.judge", *words]


class Uploads:
    """Takes recordings, one at a time.

    Args:
        job: Scores them.
        most_bytes: Size of the largest.
        longest_s: Time in which one has to be scored.
    """

    def __init__(self, job: ScoringJob, most_bytes: int, longest_s: float = LONGEST_S) -> None:
        self._job, self.most_bytes, self._longest_s = job, most_bytes, longest_s
        self._busy = False

    async def score(self, request: Request) -> dict[str, Any]:
        """What the detector says about the recording in the body of a request.

        Raises:
            UploadRefused: It is too large, another one is being scored, or it can't be read.
        """
        name = shown_name(request.query_params.get("name", ""))
        self._check_size(request.headers.get("content-length"))
        if self._busy:
            raise UploadRefused(409, "another recording is being scored. Try again when it is done")
        self._busy = True
        try:
            with tempfile.TemporaryDirectory(prefix="can-train-") as folder:
                path = Path(folder) / f"{STORED}{_end_of(name)}"
                await self._store(request, path)
                return await self._scored(request, path, name)
        finally:
            self._busy = False

    def _check_size(self, length: str | None) -> None:
        if length is not None and length.isdecimal() and int(length) > self.most_bytes:
            raise self._too_large()

    def _too_large(self) -> UploadRefused:
        return UploadRefused(
            413,
            f"the recording is larger than {self.most_bytes / 1e6:g} MB. Give a shorter one, serve "
            f"with a larger --upload-limit, or score it with can-train score",
        )

    async def _store(self, request: Request, path: Path) -> None:
        """Writes the body into a file, piece by piece."""
        size, pieces = 0, aiter(request.stream())
        try:
            async with asyncio.timeout(UPLOAD_S):
                with path.open("wb") as file:
                    while (piece := await _next(pieces)) is not None:
                        size += len(piece)
                        if size > self.most_bytes:
                            raise self._too_large()
                        await asyncio.to_thread(file.write, piece)
        except TimeoutError as error:
            raise UploadRefused(408, "the upload stalled. Send it again") from error
        except ClientDisconnect as error:
            raise UploadRefused(400, "the upload was broken off. Send it again") from error
        except OSError as error:
            raise UploadRefused(
                507, f"no room for the recording ({error.strerror}). Give a shorter one"
            ) from error

    async def _scored(self, request: Request, path: Path, name: str) -> dict[str, Any]:
        async with self._process(path) as process:
            reading = asyncio.create_task(_answer_of(process))
            loop = asyncio.get_running_loop()
            begun = loop.time()
            while not (await asyncio.wait({reading}, timeout=_LOOK_S))[0]:
                if loop.time() - begun > self._longest_s:
                    reading.cancel()
                    raise UploadRefused(
                        422,
                        f"{name}: not read and scored within {self._longest_s:g} s. Give a "
                        f"shorter recording, or score it with can-train score",
                    )
                if await request.is_disconnected():
                    reading.cancel()
                    raise UploadRefused(400, "nobody waits for the answer")
            return _told(reading.result(), await process.wait(), path, name)

    @asynccontextmanager
    async def _process(self, path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
        """The scoring of a file; it doesn't outlive its request."""
        process = await asyncio.create_subprocess_exec(
            *self._job.command(path.name),
            cwd=path.parent,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def shown_name(text: str) -> str:
    """The name of a file as it may be shown: without folders and without what steers a screen."""
    name = PureWindowsPath(PurePosixPath(text).name).name
    plain = "".join(c for c in name if not unicodedata.category(c).startswith("C")).strip()
    if len(plain) > _LONGEST_NAME:
        plain = f"{plain[: _LONGEST_NAME - _LONGEST_END]}…{plain[-_LONGEST_END:]}"
    return plain or STORED


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    """The next piece of a body; None at its end.

    Raises:
        TimeoutError: It doesn't come.
    """
    async with asyncio.timeout(STALLED_S):
        return await anext(pieces, None)


async def _answer_of(process: asyncio.subprocess.Process) -> bytes:
    """What it writes, as far as an answer may be long."""
    assert process.stdout is not None
    answer = bytearray()
    while piece := await process.stdout.read(_PIECE):
        answer += piece
        if len(answer) > MOST_ANSWER_BYTES:
            process.kill()
            return b""
    return bytes(answer)


def _told(answer: bytes, code: int, path: Path, name: str) -> dict[str, Any]:
    """What a process said, with the name that its recording came with.

    Raises:
        UploadRefused: The recording couldn't be scored.
    """
    try:
        found = json.loads(answer)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UploadRefused(
            422,
            f"{name}: reading it took more memory than there may be, or broke its reader (exit "
            f"code {code}). Look at it: can-train data sniff, and can-train score",
        )
    if "error" in found:
        raise UploadRefused(422, _named(str(found["error"]), path, name))
    found["notes"] = [_named(str(note), path, name) for note in found["notes"]]
    return {**found, "file": name}


def _named(text: str, path: Path, name: str) -> str:
    return text.replace(f"{path.parent}/", "").replace(path.name, name)


def _end_of(name: str) -> str:
    found = _END.search(name)
    return found[0].lower() if found else ""
