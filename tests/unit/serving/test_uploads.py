"""Names of uploads, and what their process may say. What is sent for real: cli/test_serve.py."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from can_train.serving import uploads
from can_train.serving.uploads import ScoringJob, UploadRefused, Uploads, shown_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("drive.log", "drive.log"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\drive.log", "drive.log"),
        ("/", "recording"),
        ("", "recording"),
        ("a\0b\nc\x1b[31m\u202ed.csv", "abc[31md.csv"),
        ("<img src=x onerror=alert(1)>.csv", "<img src=x onerror=alert(1)>.csv"),
    ],
)
def test_a_name_is_shown_without_folders_and_without_what_steers_a_screen(
    name: str, shown: str
) -> None:
    assert shown_name(name) == shown


def test_a_long_name_keeps_beginning_and_end() -> None:
    shown = shown_name(f"{'x' * 5000}.candump.log")
    assert len(shown) < 100 and shown.startswith("xxx") and shown.endswith(".candump.log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script(ScoringJob):
    """Another program in the place of the scoring one: the border to the process."""

    text: str

    def command(self, name: str) -> list[str]:
        return [sys.executable, "-c", self.text, name]


def scored(text: str, body: bytes = b"abc", name: str = "drive.log", **more: Any) -> dict[str, Any]:
    """The answer about a body that comes in pieces of one byte."""

    async def run() -> dict[str, Any]:
        pieces = [body[at : at + 1] for at in range(len(body))]

        async def receive() -> Any:
            if pieces:
                return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}
            await asyncio.sleep(60)

        scope = {"type": "http", "method": "POST", "path": "/score", "headers": [],
                 "query_string": f"name={name}".encode()}  # fmt: skip
        job = Script(detector=Path("x"), experiment_root=Path("y"), text=text)
        return await Uploads(job, **{"most_bytes": 1000, **more}).score(Request(scope, receive))

    return asyncio.run(run())


def refusal(text: str, **more: Any) -> tuple[int, str]:
    with pytest.raises(UploadRefused) as caught:
        scored(text, **more)
    return caught.value.code, str(caught.value)


ECHO = """
import json, os, sys
print(json.dumps({"notes": [os.getcwd(), sys.argv[1]], "body": open(sys.argv[1]).read()}))
"""


def test_the_body_is_scored_and_gone_and_its_answer_names_no_path(tmp_path: Path) -> None:
    found = scored(ECHO, name="my drive.LOG.GZ")
    assert found["body"] == "abc" and found["file"] == "my drive.LOG.GZ"
    folder, name = found["notes"]
    assert name == "my drive.LOG.GZ"
    assert not Path(folder).exists()


def test_a_message_has_the_name_that_the_file_came_with() -> None:
    text = (
        'import json, os, sys; print(json.dumps({"error": f"{os.getcwd()}/{sys.argv[1]}:3: no"}))'
    )
    assert refusal(text, name="<b>x</b>.csv") == (422, "b>.csv:3: no")
    assert refusal(text, name="drive.csv") == (422, "drive.csv:3: no")


def test_what_is_too_large_is_refused_while_it_comes() -> None:
    code, message = refusal("raise SystemExit", body=b"x" * 1001)
    assert code == 413 and "larger than 0.001 MB" in message and "--upload-limit" in message


def test_a_recording_that_breaks_or_holds_up_its_reader_is_told_so() -> None:
    code, message = refusal("import os; os.abort()")
    assert code == 422 and message.startswith("drive.log: reading it took more memory")
    code, message = refusal("import time; time.sleep(60)", longest_s=0.5)
    assert code == 422 and "not read and scored within 0.5 s" in message


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_ANSWER_BYTES", 100_000)
    code, message = refusal("import sys\nwhile True: sys.stdout.write('x' * 10_000)")
    assert code == 422 and "broke its reader" in message


def test_an_upload_that_stalls_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "STALLED_S", 0.2)

    async def run() -> None:
        async def receive() -> Any:
            await asyncio.sleep(60)

        scope = {"type": "http", "method": "POST", "path": "/score", "headers": [],
                 "query_string": b""}  # fmt: skip
        job = Script(detector=Path("x"), experiment_root=Path("y"), text="")
        await Uploads(job, most_bytes=10).score(Request(scope, receive))

    with pytest.raises(UploadRefused, match="stalled") as caught:
        asyncio.run(run())
    assert caught.value.code == 408


def test_one_at_a_time() -> None:
    async def run() -> None:
        going = asyncio.Event()

        async def slow() -> Any:
            going.set()
            await asyncio.sleep(60)

        async def quick() -> Any:
            return {"type": "http.request", "body": b"x", "more_body": False}

        scope = {"type": "http", "method": "POST", "path": "/score", "headers": [],
                 "query_string": b""}  # fmt: skip
        job = Script(detector=Path("x"), experiment_root=Path("y"), text=ECHO)
        found = Uploads(job, most_bytes=10)
        first = asyncio.create_task(found.score(Request(scope, slow)))
        await going.wait()
        with pytest.raises(UploadRefused, match="another recording") as caught:
            await found.score(Request(dict(scope), quick))
        assert caught.value.code == 409
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(run())
