"""`can-train report`, as its users see it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from can_train.cli.main import main
from can_train.runs.layout import evaluation_path, pictures_path, report_path, scored_windows_path
from can_train.runs.state import end_running
from tests.lab import Lab


@pytest.fixture(scope="module")
def roots(lab: Lab) -> list[str]:
    return ["--experiment-root", str(lab.experiments), "--data-root", str(lab.data_root)]


@pytest.fixture(scope="module")
def run(lab: Lab, roots: list[str]) -> Path:
    run = lab.train(lab.config("vgae"))
    end_running(run, "finished")
    assert main(["evaluate", run.name, *roots]) == 0
    return run


def commands_of(page: Path) -> str:
    """Its commands, without the marks between words."""
    found = re.findall(r"<code>(.*?)</code>", page.read_text(), re.DOTALL)
    return re.sub(r"</?span>", "", "".join(found))


def test_a_page_of_a_run_lies_in_its_folder(
    run: Path, roots: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", run.name, *roots]) == 0
    assert capsys.readouterr().out == f"report: {report_path(run)}\n"
    text = report_path(run).read_text()
    titles = re.findall(r"<h2[^>]*>([^<]+)</h2>", text)
    assert titles == [
        "How well it detects", "Margin over time", "ROC and precision-recall",
        "If the threshold were another", "Whether p-values hold", "Attacks and events",
        "How training went", "Settings", "Make it again", "Provenance",
    ]  # fmt: skip
    assert f"can-train evaluate {run.name}" in commands_of(report_path(run))


def test_an_evaluation_of_before_says_which_command_makes_the_pictures(
    run: Path, roots: list[str], tmp_path: Path
) -> None:
    kept = pictures_path(run).read_bytes()
    pictures_path(run).unlink()
    out = tmp_path / "page.html"
    assert main(["report", run.name, *roots, "--out", str(out)]) == 0
    pictures_path(run).write_bytes(kept)
    assert "kept no margins, curves and events" in out.read_text()
    assert f"can-train evaluate {run.name}" in commands_of(out)


def test_pictures_that_were_changed_are_refused(
    run: Path, roots: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    windows = scored_windows_path(run)
    kept = windows.read_bytes()
    windows.write_bytes(kept[:-1] + b"x")
    assert main(["report", run.name, *roots, "--out", str(tmp_path / "page.html")]) == 6
    windows.write_bytes(kept)
    assert "windows.parquet: changed since it was written" in capsys.readouterr().err


def test_pictures_of_another_evaluation_are_not_shown(
    run: Path, roots: list[str], tmp_path: Path
) -> None:
    path, out = evaluation_path(run), tmp_path / "page.html"
    kept = path.read_bytes()
    path.write_bytes(kept.rstrip() + b" \n")
    assert main(["report", run.name, *roots, "--out", str(out)]) == 0
    path.write_bytes(kept)
    assert "Margin over time" not in out.read_text()


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_a_figure_has_the_same_bytes_each_time(
    run: Path, roots: list[str], tmp_path: Path, kind: str
) -> None:
    paths = [tmp_path / f"{number}.{kind}" for number in range(2)]
    for path in paths:
        words = ["--figure", "training-loss", "--format", kind, "--out", str(path)]
        assert main(["report", run.name, *words, *roots]) == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_figure_that_is_not_there_is_answered_with_those_that_are(
    run: Path, roots: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "a.pdf")
    words = ["report", run.name, "--figure", "trainig-loss", "--format", "pdf", "--out", out]
    assert main([*words, *roots]) == 2
    told = capsys.readouterr().err
    assert "--figure trainig-loss: not in this report; did you mean training-loss?" in told
    assert "margin-test_01" in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "pdf"], "--format pdf: of one figure, and none is named. Add --figure NAME"),
        (["--figure", "x"], "--figure x: a figure isn't written as html. Add --format png"),
        (["--bus", "can0"], "--bus: about recordings, and"),
        (["--recording-format", "candump"], "--recording-format: about recordings, and"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    run: Path, roots: list[str], words: list[str], message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main(["report", run.name, *words, *roots]) == 2
    assert message in capsys.readouterr().err


def test_what_nobody_knows_is_answered_with_what_it_could_be(
    roots: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "nothing", *roots]) == 3
    told = capsys.readouterr().err
    assert "no run nothing under" in told
    assert "show the datasets: can-train data list" in told


def test_a_dataset_and_a_recording_have_pages(
    lab: Lab, roots: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "dataset.html"
    assert main(["report", f"automotive/{lab.dataset}", "--out", str(out), *roots]) == 0
    assert "What training and test share" in out.read_text()
    recording = next((lab.home / "csv" / lab.dataset).glob("test_01*/*.csv"))
    assert main(["report", str(recording), *roots]) == 0
    text = (tmp_path / f"report-{recording.stem}.html").read_text()
    assert "Payload bits that change" in text


def test_a_recording_with_a_hostile_name_stays_text(
    lab: Lab, roots: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = next((lab.home / "csv" / lab.dataset).glob("test_01*/*.csv"))
    hostile = tmp_path / "<img src=x onerror=alert(1)>$x^2$.csv"
    hostile.write_bytes(source.read_bytes())
    out = tmp_path / "page.html"
    assert main(["report", str(hostile), "--out", str(out), *roots]) == 0
    text = out.read_text()
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;$x^2$.csv" in text
