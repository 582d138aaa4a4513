"""`can-train detect` as its users see it: on a recording, standard input and a live bus."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import can
import pytest

from can_train.cli.live import follow
from can_train.cli.main import main
from can_train.cli.sources import Source
from can_train.detectors.loading import load_detector
from can_train.errors import EXIT_INTERRUPTED
from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording
from can_train.streaming.bus import BusAddress, BusFrames
from tests.lab import Lab

CHANNEL = "can-train-detect"


@pytest.fixture(scope="module")
def bundle(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "car.cantrain"
    artifact = str(lab.student("gat").path)
    assert main(["export", artifact, "--format", "bundle", "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def attack(lab: Lab) -> Path:
    folder = lab.home / "csv" / lab.dataset / "test_01_known_vehicle_known_attack"
    return folder / "DoS-bravo.csv"


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def frames(attack: Path) -> Frames:
    return read_recording(attack).frames


def lines_of(frames: Frames) -> str:
    """The frames as candump logs them."""
    return "".join(
        f"({frames.timestamp[k]:.6f}) can0 {frames.arbitration_id[k]:03X}#"
        f"{frames.payload[k, : frames.dlc[k]].tobytes().hex().upper()}\n"
        for k in range(len(frames))
    )


def test_a_recording_gives_the_events_of_score(
    bundle: Path, attack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "alarms.jsonl"
    log.write_text('{"type": "before"}\n')
    assert main(["detect", str(bundle), str(attack), "--json", "--log", str(log)]) == 0
    shown = capsys.readouterr().out
    assert main(["score", str(bundle), str(attack), "--json", "-"]) == 0
    scored = json.loads(capsys.readouterr().out)["recordings"][0]
    told = records(shown)
    assert records(log.read_text()) == [{"type": "before"}, *told]
    over = [record for record in told if record["type"] == "over"]
    keys = ("severity", "start_s", "end_s", "first_alarm_s", "windows", "ids", "kind")
    assert [{key: record[key] for key in keys} for record in over] == [
        {key: event[key] for key in keys} for event in scored["events"]["gat"]
    ]
    reasons = [[(r["id"], r["feature"], r["frames"]) for r in o["reasons"]] for o in over]
    assert reasons == [
        [(r["id"], r["feature"], r["frames"]) for r in event] for event in scored["reasons"]
    ]
    alarms = [record for record in told if record["type"] == "alarm"]
    assert len(alarms) == sum(event["severity"] == "alarm" for event in scored["events"]["gat"]) > 0
    summary = told[-1]
    assert summary["type"] == "summary"
    assert summary["frames"] == scored["frames"]
    assert summary["windows"] == len(scored["windows"]["start"])
    assert (summary["alarms"], summary["dropped"]) == (len(alarms), 0)


def test_people_read_a_line_for_each_alarm(
    bundle: Path, attack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", str(bundle), str(attack)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (first, *_), (frames, alarms) = lines[:-2], lines[-2:]
    assert "  ALARM  margin " in first and ", frames " in first and "IDs " in first
    assert ", because of " in first
    assert "windows, dropped 0; per decision " in frames
    assert alarms.startswith("alarms ") and "with 95 % confidence), notices " in alarms


def test_standard_input_gives_the_same(
    bundle: Path, attack: Path, frames: Frames, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", str(bundle), str(attack), "--json"]) == 0
    expected = records(capsys.readouterr().out)
    done = subprocess.run(
        [sys.executable, "-m", "can_train", "detect", str(bundle), "-", "--json"],
        input=lines_of(frames), capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    found = records(done.stdout)
    assert [r["type"] for r in found] == [r["type"] for r in expected]
    assert [r.get("frames") for r in found] == [r.get("frames") for r in expected]


def test_what_was_printed_survives_a_kill_and_ctrl_c_ends_with_the_summary(
    bundle: Path, frames: Frames, tmp_path: Path
) -> None:
    for number in (signal.SIGKILL, signal.SIGINT):
        log = tmp_path / f"{number.name}.jsonl"
        words = ["detect", str(bundle), "-", "--json", "--log", str(log)]
        process = subprocess.Popen(
            [sys.executable, "-m", "can_train", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(lines_of(frames))
        process.stdin.flush()
        first = process.stdout.readline()
        process.send_signal(number)
        rest, said = process.communicate(timeout=60)
        told = records(first + rest)
        assert told[0]["type"] == "alarm"
        assert records(log.read_text())[: len(told)] == told
        if number is signal.SIGINT:
            assert (process.returncode, told[-1]["type"]) == (EXIT_INTERRUPTED, "summary"), said
        else:
            assert process.returncode == -signal.SIGKILL


def test_a_live_bus_raises_the_alarm(
    bundle: Path, attack: Path, frames: Frames, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", str(bundle), str(attack), "--json"]) == 0
    expected = records(capsys.readouterr().out)
    first = next(record for record in expected if record["type"] == "alarm")

    def send() -> None:
        with can.Bus(interface="virtual", channel=CHANNEL, preserve_timestamps=True) as bus:
            time.sleep(1.0)  # until the other side listens
            for k in range(first["frames"][1]):
                data = frames.payload[k, : frames.dlc[k]].tobytes()
                message = can.Message(
                    timestamp=frames.timestamp[k], arbitration_id=int(frames.arbitration_id[k]),
                    data=data, is_extended_id=False,
                )  # fmt: skip
                bus.send(message)
            time.sleep(2.0)
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    assert main(["detect", str(bundle), "--bus", f"virtual:{CHANNEL}", "--json"]) == 130
    sender.join()
    told = records(capsys.readouterr().out)
    alarm = next(record for record in told if record["type"] == "alarm")
    assert alarm["frames"] == first["frames"]
    assert alarm["first_alarm_s"] == first["first_alarm_s"]
    assert told[-1]["frames"] == first["frames"][1]


def test_it_is_calibrated_on_the_first_traffic(
    lab: Lab, bundle: Path, attack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benign = lab.home / "csv" / lab.dataset / "train_01_attack_free" / "attack-free-alpha.csv"
    span_s = 6
    words = ["detect", str(bundle), str(benign), "--calibrate", f"{span_s}s", "--json"]
    assert main(words) == 0
    told = capsys.readouterr()
    assert f"calibrated on the first {span_s} s" in told.err
    whole = read_recording(benign).frames
    behind = int((whole.timestamp - whole.timestamp[0] > span_s).sum())
    assert records(told.out)[-1]["frames"] == behind > 0
    assert main(["detect", str(bundle), str(benign), "--calibrate", "60min"]) == 5
    assert "ended before 3600 s. Give less time" in capsys.readouterr().err


def test_requests_that_cannot_be_met_say_why(
    bundle: Path, attack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = {
        (): (2, "nothing to listen to"),
        ("-", "--realtime"): (2, "--realtime has no effect"),
        (str(attack), "--fd"): (2, "--fd has no effect on a recording"),
        ("-", "--bus", "can0"): (2, "--bus has no effect on standard input"),
        ("-", "--time-unit", "us", "--lenient"): (2, "--lenient, --time-unit: about a recording"),
        ("--bus", "virtual:x", "--format", "candump"): (2, "--format: about a recording"),
        ("--bus", "virtual:x", "--columns", "time=1"): (2, "--columns: about a recording"),
        ("--bus", "can0"): (2, "not of the form INTERFACE:CHANNEL"),
        ("--bus", "nosuch:can0"): (3, "can't be opened"),
        (str(attack), "--calibrate", "soon"): (
            2,
            "soon isn't allowed. Allowed: a number from 1 to 86400",
        ),
        (str(attack), "--log", str(tmp_path / "no" / "log")): (3, "--log"),
        (str(tmp_path / "no.csv"),): (5, "no such file"),
    }
    for words, (code, message) in cases.items():
        assert main(["detect", str(bundle), *words]) == code, words
        assert message in capsys.readouterr().err


def test_overload_is_told_and_counted_exactly(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detector, told = load_detector(bundle), list[str]()
    channel = f"{CHANNEL}-overload"
    bus = BusFrames(BusAddress.of(f"virtual:{channel}"), told.append, room=100)
    with can.Bus(interface="virtual", channel=channel) as sender:
        for number in range(1000):
            sender.send(can.Message(arbitration_id=number % 8, data=[1], is_extended_id=False))
        while bus.ring.offered < 1000:
            time.sleep(0.01)
    source = Source(name="bus", blocks=bus.blocks(), width=8, bus=bus)
    threading.Timer(0.5, source.stop).start()
    args = argparse.Namespace(json=True, log=None, calibrate=None)
    assert follow(args, detector, source) == 0
    *events, summary = records(capsys.readouterr().out)
    # How fast they were sent is this machine's affair, and may look like an attack.
    lost = [record for record in events if record["type"] == "dropped"]
    assert lost == [{"type": "dropped", "frames": 900, "total": 900}]
    assert (summary["frames"], summary["dropped"]) == (100, 900)
