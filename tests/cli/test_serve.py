"""`can-train serve` as its users and others see it, over real connections."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from can_train.cli.main import main
from can_train.errors import EXIT_INTERRUPTED
from can_train.frames.readers import read_recording
from can_train.serving.listing import REPORT
from tests.lab import Lab
from tests.pages import attack_of, candump_lines, exported, served

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def bundle(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(lab, tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="module")
def attack(lab: Lab) -> Path:
    return attack_of(lab)


def test_a_replay_tells_the_events_of_detect_and_ends_as_detect_does(
    bundle: Path, attack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", str(bundle), str(attack), "--json"]) == 0
    expected = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    log, found = tmp_path / "events.jsonl", []
    words = [str(bundle), "--replay", str(attack), "--speed", "20", "--log", str(log)]
    with served(*words) as page:
        for name, data in page.events():
            found.append((name, data))
            if name == "status" and data["state"] == "over":
                break
        code = page.stop()
    hello = found[0][1]
    assert found[0][0] == "hello"
    assert (hello["source"], hello["kind"]) == (attack.name, "replay")
    told = [*hello["events"], *(data for name, data in found if name in ("alarm", "over"))]
    told += [event for name, data in found if name == "missed" for event in data["events"]]
    told = list({event["told"]: event for event in told}.values())
    alarms = [record for record in expected if record.get("severity") == "alarm"]
    assert alarms
    for mine, theirs in zip(told, alarms, strict=True):
        keys = ("type", "start_s", "end_s", "first_alarm_s", "peak_score", "kind", "frames")
        assert {key: mine[key] for key in keys} == {key: theirs[key] for key in keys}
        assert mine["ids"] == theirs["ids"][:16]
    summary, status = expected[-1], found[-1][1]
    for key in ("frames", "windows", "alarms", "notices", "dropped"):
        assert status[key] == summary[key], key
    ticks = [data["point"] for name, data in found if name == "margin"]
    peak = max(record["peak_score"] for record in expected[:-1])
    points = [*hello["points"], *ticks]
    assert max(point[1] for point in points) == pytest.approx(peak, rel=1e-4)
    assert code == EXIT_INTERRUPTED
    assert page.said[-1] == "the stream is over; the page stays until Ctrl-C"
    assert page.said[-2].startswith("alarms ")
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert [r["type"] for r in logged] == [r["type"] for r in expected]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_stream_and_page_with_the_summary(
    bundle: Path, attack: Path, number: signal.Signals
) -> None:
    lines = candump_lines(read_recording(attack).frames)
    with served(str(bundle), "--replay", "-", stdin=subprocess.PIPE) as page:
        assert page.process.stdin is not None
        page.process.stdin.write(lines)
        page.process.stdin.flush()
        for name, data in page.events():
            if name == "status" and data["alarms"]:
                break
        watching = page.events()
        assert next(watching)[0] == "hello"
        page.process.send_signal(number)
        assert [name for name, _ in watching][-1] == "bye"
        assert page.ended() == EXIT_INTERRUPTED
    assert "  ALARM  margin " in page.said[0]
    assert ", dropped 0" in page.said[-2] and page.said[-1].startswith("alarms ")


def test_an_upload_gives_the_events_of_score(
    bundle: Path, attack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", str(bundle), str(attack), "--json", "-"]) == 0
    scored = json.loads(capsys.readouterr().out)["recordings"][0]
    with served(str(bundle), "--upload-limit", "10") as page:
        status, headers, body = page.ask("/score")
        assert status == 200 and b"up to 10 MB" in body
        status, headers, body = page.ask(
            "/score?name=%3Cb%3Eattack%3C%2Fb%3E.csv", method="POST", body=attack.read_bytes()
        )
        assert (status, headers["content-type"]) == (200, "application/json")
        found = json.loads(body)
        assert found["file"] == "b>.csv"
        (recording,) = found["recordings"]
        for key in ("frames", "duration_s", "format"):
            assert recording[key] == scored[key]
        assert recording["windows"] == len(scored["windows"]["start"])
        events = scored["events"]["gat"]
        assert [e["peak_score"] for e in recording["events"]] == [e["peak_score"] for e in events]
        assert [e["severity"] for e in recording["events"]] == [e["severity"] for e in events]

        broken = attack.read_bytes()[:2000] + b"\nnonsense,<script>alert(1)</script>,x,y\n"
        status, _, body = page.ask("/score?name=broken.csv", method="POST", body=broken)
        assert status == 422
        message = json.loads(body)["error"]
        assert message.startswith("broken.csv:") and "/" not in message.partition(":")[0]
        assert "tmp" not in message

        status, _, body = page.ask("/score?name=x", method="POST", body=b"x", Content_Length="1")
        assert status == 422
        large = {"Content_Length": "10000001"}
        status, _, body = page.ask("/score?name=large", method="POST", body=b"", **large)
        assert status == 413 and "larger than 10 MB" in json.loads(body)["error"]


def test_a_broken_upload_has_its_readers_own_words(
    bundle: Path, attack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    broken = tmp_path / "recording.csv"
    broken.write_bytes(attack.read_bytes()[:3000] + b"\n1,2\n")
    monkeypatch.chdir(tmp_path)
    assert main(["score", str(bundle), broken.name]) == 5
    expected = capsys.readouterr().err
    with served(str(bundle)) as page:
        status, _, body = page.ask(
            "/score?name=recording.csv", method="POST", body=broken.read_bytes()
        )
    assert status == 422
    assert json.loads(body)["error"] == expected.strip()


def test_runs_are_browsed_and_reports_run_without_an_origin(lab: Lab) -> None:
    lab.student("gat")
    run = lab.run_of(lab.config("gat"))
    (run / REPORT).write_text("<script>document.title = 1</script>")
    with served("--runs", "--experiment-root", str(lab.experiments)) as page:
        status, headers, body = page.ask("/runs")
        assert status == 200 and f"<code>{run.name}</code>".encode() in body
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        status, headers, body = page.ask(f"/runs/{run.name}/report")
        assert (status, body) == (200, b"<script>document.title = 1</script>")
        policy = headers["content-security-policy"]
        assert policy.startswith("sandbox allow-scripts allow-downloads; default-src 'none'")
        assert "connect-src" not in policy and "allow-same-origin" not in policy
        for name in ("..", "%2e%2e", run.name[:5], "x" * 5000, "%00", f"..%2f{run.name}"):
            assert page.ask(f"/runs/{name}/report")[0] == 404
        for path in ("/live", "/events", "/score", "/static/..%2fapp.py", "/static/x.css"):
            assert page.ask(path)[0] == 404
        assert page.ask("/static/page.css")[1]["content-type"] == "text/css; charset=utf-8"
        assert page.stop(signal.SIGTERM) == EXIT_INTERRUPTED


def test_slow_readers_cost_nothing_and_hold_nobody_up(bundle: Path, attack: Path) -> None:
    words = [str(bundle), "--replay", str(attack), "--speed", "0.5"]
    with served(*words) as page:
        quick = page.events()
        assert next(quick)[0] == "hello"
        before = page.memory_mb()
        slow = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(20)]
        for each in slow:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.sendall(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n\r\n".encode())
        begun, statuses = time.monotonic(), 0
        while statuses < 6:
            statuses += next(quick)[0] == "status"
        took = time.monotonic() - begun
        assert page.memory_mb() < before + 60
        assert took < 60
        for each in slow:
            each.close()
        assert page.ask("/live")[0] == 200


def test_a_taken_port_is_one_message(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", str(bundle), "--port", str(port)]) == 3
    said = capsys.readouterr().err
    assert f"--port {port}: another program listens at 127.0.0.1:{port}" in said


def test_requests_that_cannot_be_met_say_why(
    bundle: Path, attack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(bundle)
    cases = {
        (): (2, "serve: nothing to show"),
        ("--replay", str(attack)): (2, "--replay: needs a detector"),
        ("--bus", "virtual:x", "--runs"): (2, "--bus: needs a detector"),
        ("--upload-limit", "5", "--runs"): (2, "--upload-limit: needs a detector"),
        (run, "--fd"): (2, "--fd: about a stream that isn't named"),
        (run, "--speed", "2", "--format", "candump"): (2, "--format, --speed: about a stream"),
        (run, "--replay", "-", "--speed", "2"): (2, "--speed has no effect"),
        (run, "--replay", str(attack), "--fd"): (2, "--fd has no effect on a recording"),
        (run, "--replay", "-", "--bus", "can0"): (2, "--bus has no effect on standard input"),
        (run, "--replay", "-", "--format", "candump"): (2, "--format: about a recording"),
        (run, "--bus", "can0"): (2, "not of the form INTERFACE:CHANNEL"),
        (run, "--replay", str(tmp_path / "no.csv")): (5, "no such file"),
        (run, "--replay", "-", "--log", str(tmp_path / "no" / "log")): (3, "--log"),
        (run, "--token-file", str(tmp_path / "none")): (3, "can't be read"),
        (run, "--host", "192.0.2.1"): (3, "no address of this machine"),
    }
    for words, (code, message) in cases.items():
        assert main(["serve", *words, *([] if "--port" in words else ["--port", "0"])]) == code, (
            words
        )
        assert message in capsys.readouterr().err, words


def test_without_the_extra_one_message_names_the_command(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from can_train.serving import extra

    monkeypatch.setattr(extra, "PACKAGES", ("starlette", "no_such_package"))
    assert main(["serve", str(bundle)]) == 3
    said = capsys.readouterr().err
    assert said == (
        "serve needs packages that aren't installed (no_such_package). Get them, once: can-train "
        "env --install live\n"
    )
