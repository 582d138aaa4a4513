"""`can-train score` and `can-train evaluate --recordings`, as their users see them."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from can_train.cli.main import main
from can_train.detectors.scoring import score_windows
from can_train.evaluation.experts import load_experts, score_by_experts
from can_train.frames.readers import read_recording
from can_train.graphs.build import GraphBuilder
from can_train.graphs.store import open_store
from can_train.runs.layout import evaluation_path, evaluation_table_path
from can_train.runs.state import end_running
from tests.lab import Lab

KNOWN = "test_01_known_vehicle_known_attack"
SCORERS = ("vgae", "gat", "fusion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A fusion's run, and the files that its dataset was imported from."""

    lab: Lab
    run: Path
    source: Path

    @property
    def words(self) -> tuple[str, ...]:
        return (self.run.name[:9], "--experiment-root", str(self.lab.experiments))

    @property
    def attack(self) -> Path:
        return self.source / KNOWN / "DoS-bravo.csv"


@pytest.fixture(scope="module")
def trained(lab: Lab) -> Trained:
    data = lab.data(stride=20)
    experts = {name: lab.parent_of(lab.config(name, data=data)) for name in ("vgae", "gat")}
    run = lab.train(lab.config("dqn", data=data, experts=experts))
    end_running(run, "finished")  # as the process does that trains
    return Trained(lab=lab, run=run, source=lab.home / "csv" / lab.dataset)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_evaluate_score_and_frame_by_frame_agree(trained: Trained, tmp_path: Path) -> None:
    assert (
        main(["score", *trained.words, str(trained.attack), "--csv", str(tmp_path / "w.csv")]) == 0
    )
    rows = table(tmp_path / "w.csv")
    experts = load_experts(trained.run)
    detector = experts.scorer
    inputs = trained.lab.inputs(experts.frozen.config)
    store = open_store(inputs.folder, inputs.manifest.test, detector.spec)
    number = [r.source for r in store.recordings].index(f"{KNOWN}/DoS-bravo.csv")
    windows = np.flatnonzero(store.recording == number)
    evaluated = score_by_experts(experts, store, windows).by_scorer
    assert len(rows) == len(windows) > 256
    for name in SCORERS:
        assert {0 < float(row[f"{name}_p_value"]) <= 1 for row in rows} == {True}
        scored = np.array([float(row[f"{name}_score"]) for row in rows])
        assert np.abs(scored - evaluated[name]).max() <= 1e-5
        threshold = experts.thresholds[name].value
        assert {float(row[f"{name}_threshold"]) for row in rows} == {threshold}
        assert [row[f"{name}_above"] == "1" for row in rows] == list(scored > threshold)
    assert [int(row["label"]) for row in rows] == store.label[windows].tolist()
    frames = read_recording(trained.attack).frames
    builder, streamed = GraphBuilder(detector.spec), []
    for at in range(1500):
        for graphs in builder.build(frames[at : at + 1]):
            if len(graphs):
                said = score_windows(detector.modules.values(), graphs, np.arange(1))
                streamed.append([said[name].score[0] for name in detector.detectors])
    expected = [[float(row[f"{name}_score"]) for name in SCORERS] for row in rows]
    assert len(streamed) == (1500 - 50) // 20 + 1
    assert np.abs(np.array(streamed) - expected[: len(streamed)]).max() <= 1e-5


def test_the_table_names_files_scorers_and_events(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", *trained.words, str(trained.source / KNOWN)]) == 0
    shown = capsys.readouterr().out
    assert f"run {trained.run.name}: fusion (fuses vgae and gat)" in shown
    assert str(trained.attack) in shown
    for name in SCORERS:
        assert f" {name} " in shown


def test_documents_on_stdout_take_the_place_of_the_table(
    trained: Trained, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["score", *trained.words, str(trained.attack)]
    assert main([*words, "--json", "-", "--csv", str(tmp_path / "w.csv")]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["run"] == trained.run.name
    assert list(document["thresholds"]) == ["vehicle_profile", *SCORERS]
    count = len(document["recordings"][0]["windows"]["start"])
    assert count == len(table(tmp_path / "w.csv"))
    assert main([*words, "--csv", "-"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == count + 1


def test_what_cannot_be_scored_is_named_after_the_rest_was(
    trained: Trained, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    shutil.copy(trained.attack, logs / "good.csv")
    lines = trained.attack.read_text().splitlines(keepends=True)
    (logs / "short.csv").write_text("".join(lines[:30]))
    (logs / "torn.csv").write_text("".join([*lines[:100], "12,\n", *lines[100:200]]))
    (logs / "notes.txt").write_text("none\n")
    out = tmp_path / "out.json"
    words = ["score", *trained.words, str(logs), str(tmp_path / "nosuch.log"), "--json", str(out)]
    assert main(words) == 5
    told = capsys.readouterr()
    assert "good.csv" in told.out and "torn.csv" not in told.out
    assert f"left out: {logs / 'notes.txt'}: of no known format" in told.err
    assert "short.csv: 29 frames are fewer than a window of 50" in told.err
    assert "torn.csv:101" in told.err and "nosuch.log: no such file in" in told.err
    document = json.loads(out.read_text())
    assert [Path(r["file"]).name for r in document["recordings"]] == ["good.csv"]
    assert len(document["problems"]) == 3
    assert main([*words[:4], str(logs / "torn.csv"), "--lenient", "--json", str(out)]) == 0
    assert (
        "torn.csv: 1 malformed line left out, none with an attack label" in capsys.readouterr().err
    )


def test_requests_that_cannot_be_met_write_nothing(
    trained: Trained, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    copy = tmp_path / "drive.csv"
    shutil.copy(trained.attack, copy)
    text, words = copy.read_text(), ["score", *trained.words, str(copy)]
    cases = {
        (*words, "--csv", str(tmp_path)): (2, f"--csv: {tmp_path} is a folder. Give a file"),
        (*words, "--json", str(copy / "x.json")): (3, "drive.csv is no folder"),
        (*words, "--json", str(copy)): (2, "that is one of the recordings"),
        (*words, "--json", "-", "--csv", "-"): (2, "--json and --csv can't both be written to -"),
        (*words, "--format", "canbump"): (5, "no such format; did you mean candump?"),
        ("score", "nosuch", *words[2:]): (3, "no run nosuch under"),
        ("score", str(tmp_path / "no.pth"), str(copy)): (6, "no such model file"),
    }
    for case, (code, message) in cases.items():
        assert main(case) == code, case
        told = capsys.readouterr()
        assert message in told.err and not told.out
    assert [path.name for path in tmp_path.iterdir()] == ["drive.csv"]
    assert copy.read_text() == text


def test_a_run_that_has_not_finished_scores_nothing(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained.lab.run_of(trained.lab.config("gat", seed=5))
    trained.lab.frozen(trained.lab.config("gat", seed=5))
    assert main(["score", str(run), str(trained.attack)]) == 3
    assert (
        f"run {run.name} is planned, so there is nothing to score with" in capsys.readouterr().err
    )


def test_evaluate_adds_recordings_and_leaves_the_run_as_it_is(
    trained: Trained, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["evaluate", *trained.words, "--data-root", str(trained.lab.data_root)]
    assert main(words) == 0
    own = json.loads(evaluation_path(trained.run).read_text())
    before = (
        evaluation_path(trained.run).read_bytes(),
        evaluation_table_path(trained.run).read_bytes(),
    )
    drives, out = tmp_path / "drives", tmp_path / "out"
    drives.mkdir()
    shutil.copy(trained.attack, drives)
    capsys.readouterr()
    assert main([*words, "--recordings", str(drives), "--out", str(out), "--json"]) == 0
    shown = capsys.readouterr().out
    assert (out / "evaluation.json").read_text() == shown
    assert "recordings/drives,DoS-bravo,fusion" in (out / "evaluation.csv").read_text()
    report = json.loads(shown)
    added = [row for row in report["rows"] if row["scenario"] == "recordings/drives"]
    assert [row for row in report["rows"] if row not in added] == own["rows"]
    same = {
        row["scorer"]: row["metrics"]
        for row in own["rows"]
        if (row["scenario"], row["file"]) == (KNOWN, "DoS-bravo")
    }
    assert {r["scorer"]: r["metrics"] for r in added if r["file"] == "DoS-bravo"} == same
    digest = report["recordings"].pop("recordings/drives/DoS-bravo")
    assert report["recordings"] == own["recordings"]
    assert own["recordings"][f"{KNOWN}/DoS-bravo"] == digest
    assert before == (
        evaluation_path(trained.run).read_bytes(),
        evaluation_table_path(trained.run).read_bytes(),
    )
    assert main([*words, "--out", str(trained.run)]) == 2
    assert "that is the run's own folder" in capsys.readouterr().err


def unnamed_columns(trained: Trained, path: Path) -> tuple[str, ...]:
    """The attack recording as a table of milliseconds that nobody can guess, and how it is read."""
    with trained.attack.open(newline="", encoding="utf-8") as file:
        rows = [
            f"{float(row['timestamp']) * 1e3:.6f},{row['arbitration_id']},{row['data_field']},"
            f"{row['attack']}\n"
            for row in csv.DictReader(file)
        ]
    path.write_text("p,q,r,s\n" + "".join(rows))
    return ("--columns", "time=p,id=q,data=r,label=s", "--time-unit", "ms")


def test_score_and_evaluate_read_what_import_reads(
    trained: Trained, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    drives = tmp_path / "drives"
    drives.mkdir()
    reading = unnamed_columns(trained, drives / "DoS-bravo.csv")
    shutil.copy(trained.attack, tmp_path / "DoS-bravo.csv")
    assert main(["score", *trained.words, str(tmp_path / "DoS-bravo.csv"), "--csv", "-"]) == 0
    plain = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert main(["score", *trained.words, str(drives), *reading, "--csv", "-"]) == 0
    told = capsys.readouterr()
    scores = list(csv.DictReader(told.out.splitlines()))
    assert [row["label"] for row in scores] == [row["label"] for row in plain]
    for name in SCORERS:
        found, wanted = (
            np.array([float(row[f"{name}_score"]) for row in rows]) for rows in (scores, plain)
        )
        assert np.abs(found - wanted).max() < 0.01
    assert "DoS-bravo.csv: time: p, " in told.err
    words = ["evaluate", *trained.words, "--data-root", str(trained.lab.data_root), "--json"]
    assert main([*words, "--recordings", str(drives), *reading]) == 0
    report = json.loads(capsys.readouterr().out)
    attacks = {
        row["metrics"]["attacks"]
        for row in report["rows"]
        if (row["file"], row["scorer"]) == ("DoS-bravo", "gat")
    }
    assert attacks == {sum(int(row["label"]) for row in plain)}
    assert main([*words, *reading]) == 2
    assert (
        "--columns, --time-unit: about recordings that aren't named. Add --recordings DIR or "
        in (capsys.readouterr().err)
    )


def test_a_finished_run_is_evaluated_on_test_files_that_changed(
    trained: Trained, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source, data = tmp_path / "csv", tmp_path / "data"
    shutil.copytree(trained.source, source)
    shutil.copytree(trained.lab.data_root, data)
    shutil.copy(source / KNOWN / "fuzzing-alpha.csv", source / KNOWN / "DoS-bravo.csv")
    prepare = ["data", "prepare", "--modality", "automotive", "--dataset", trained.lab.dataset,
               "--source", str(source), "--data-root", str(data)]  # fmt: skip
    assert main(prepare) == 5
    assert "only test files differ, so finished runs would stay usable" in capsys.readouterr().err
    assert main([*prepare, "--force"]) == 0
    assert "(only test files changed: finished runs stay usable)" in capsys.readouterr().out
    words = ["evaluate", *trained.words, "--data-root", str(data), "--json"]
    assert main(words) == 0
    report = json.loads(capsys.readouterr().out)
    same = (report["recordings"][f"{KNOWN}/{name}"] for name in ("DoS-bravo", "fuzzing-alpha"))
    assert len(set(same)) == 1
