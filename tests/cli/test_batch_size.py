"""`can-train batch-size` as its users see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.cli.main import main
from can_train.config.batch_factors import load_factors
from can_train.config.frozen import freeze, run_id_of, write_frozen
from can_train.runs.job_views import OUT_OF_MEMORY
from can_train.runs.layout import batch_path, run_dir
from can_train.runs.state import RunStatus, end_running, write_status
from can_train.training.adaptive_batch_size import SafetyFactorDatabase
from can_train.training.batch_decision import decide, record_of, write_decision
from tests.lab import Lab

BASE = ("--modality", "automotive", "--dataset", "small", "--threads", "1")
WINDOWS = ("--window", "50", "--stride", "50", "--windows-per-side", "60", "--augment", "off")

Say = Callable[..., str]


@pytest.fixture
def say(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """What a command says; it must go well."""

    def saying(*words: str) -> str:
        roots = ["--experiment-root", str(tmp_path)]
        if words[:2] == ("batch-size", "explain"):
            roots += ["--data-root", str(lab.data_root)]
        assert main([*words, *roots]) == 0
        return capsys.readouterr().out

    return saying


def test_a_request_is_measured_and_the_factor_counts_once(say: Say) -> None:
    request = (*BASE, *WINDOWS, "--model", "vgae,gat,gat,dqn", "--model-size", "student")
    words = ("--distillation", "no-kd,no-kd,with-kd,no-kd", "--seed", "0,0,1,0")
    said = say("batch-size", "explain", *request, *words, "--json")
    vgae, plain, taught = json.loads(said)  # a fusion is fitted on scores
    assert [row["model"] for row in (vgae, plain, taught)] == ["vgae", "gat", "gat"]
    for row in (vgae, plain, taught):
        assert row["largest"] > 100
        enough = row["epoch_windows"] >= 50
        assert row["bound"] == ("50 steps per epoch" if enough else "one window")
        assert (row["windows"], row["steps"]) == (1, row["epoch_windows"])
        assert (row["source"], row["factor_base"]) == ("default", 0.5)
    assert (plain["factor"], taught["factor"]) == (0.5, 0.375)
    assert taught["factor_multiplier"] == 0.75


def test_the_table_says_where_numbers_come_from(say: Say) -> None:
    said = say(
        "batch-size", "explain", *BASE, *WINDOWS, "--model", "gat", "--model-size", "student"
    )
    assert "factor 0.5: default 0.5 (" in said and "batch_size_factors.json)" in said
    assert "windows per epoch bound the batch: at least 50 steps" in said
    assert "the same batches anywhere: --batch-size 1 --batch-nodes " in said
    explicit = (*BASE, *WINDOWS, "--model", "gat", "--batch-size", "12")
    said = say("batch-size", "explain", *explicit)
    assert "nothing was measured: --batch-size 12 (explicit)" in said


def test_a_fusion_alone_and_no_request_are_refused(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ("--data-root", str(lab.data_root))
    assert main(["batch-size", "explain", *BASE, *WINDOWS, "--model", "dqn", *root]) == 2
    assert "no stage trains on graphs" in capsys.readouterr().err
    assert main(["batch-size", "explain"]) == 2
    assert "--model: missing" in capsys.readouterr().err


def made_run(lab: Lab, root: Path, *, decided: bool = True) -> Path:
    """The folder of a run whose batch was decided, as its worker leaves it."""
    config = lab.config("gat")
    run = run_dir(root, config, run_id_of(config))
    write_frozen(freeze(config, run, replace(lab.roots, experiments=root), register=False))
    if decided:
        found = decide(config, epoch_windows=60, usual=8, device_class="cpu 16 GiB")
        write_decision(run, replace(found, bound="safety factor", factor=0.5))
    return run


def test_a_run_shows_what_was_decided(
    lab: Lab, tmp_path: Path, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made_run(lab, tmp_path, decided=False)
    assert main(["batch-size", "explain", run.name, "--experiment-root", str(tmp_path)]) == 3
    assert "no batch was decided yet" in capsys.readouterr().err
    made_run(lab, tmp_path)
    said = say("batch-size", "explain", run.name[:6])
    assert f"run {run.name}" in said and "--batch-size 16 (explicit)" in said


def test_a_run_that_was_killed_for_memory_is_recorded_by_the_next_command_once(
    lab: Lab, tmp_path: Path, say: Say
) -> None:
    run = made_run(lab, tmp_path)
    end_running(run, "failed", exit_code=-9, message=OUT_OF_MEMORY)
    database = SafetyFactorDatabase(tmp_path)
    assert main(["status", "--experiment-root", str(tmp_path)]) == 1
    assert [record.kind for record in database.records()] == ["out of memory"]
    said = say("batch-size", "history")
    assert len(database.records()) == 1
    assert "not finished, out of memory 1 x" in said
    (key,) = {record.key for record in database.records()}
    assert database.factor(key, load_factors()).value == pytest.approx(0.35)
    assert "0.350" in said and "0.500" in said
    again = RunStatus(state="failed", exit_code=-9, message=OUT_OF_MEMORY, started_at=2.0)
    write_status(run, again)
    for _ in range(2):
        assert "not finished, out of memory 2 x" in say("batch-size", "history")
    end_running(run, "failed", exit_code=1, message="out of memory in a step of epoch 1")
    say("batch-size", "history")
    assert len(database.records()) == 2  # its worker recorded that itself


def test_a_damaged_decision_of_a_killed_run_stops_no_command(
    lab: Lab, tmp_path: Path, say: Say, caplog: pytest.LogCaptureFixture
) -> None:
    run = made_run(lab, tmp_path)
    end_running(run, "failed", exit_code=-9, message=OUT_OF_MEMORY)
    batch_path(run).write_text("{")
    assert "no records under" in say("batch-size", "history")
    assert str(batch_path(run)) in caplog.text


def test_history_export_and_reset(lab: Lab, tmp_path: Path, say: Say) -> None:
    assert "no records under" in say("batch-size", "history")
    decision = decide(lab.config("gat"), epoch_windows=60, usual=8, device_class="cpu 16 GiB")
    database = SafetyFactorDatabase(tmp_path)
    database.record(record_of(decision, "0123", "finished", peak_share=0.4567))
    assert "45.7 %  finished; batch not by the factor" in say("batch-size", "history")
    assert "no records" in say("batch-size", "history", "--dataset", "other")
    document = json.loads(say("batch-size", "export"))
    (row,) = document["records"]
    assert document["version"] == 1 and row["peak_share"] == 0.4567
    assert row["key"]["device_class"] == "cpu 16 GiB"
    say("batch-size", "export", "--out", str(tmp_path / "all.json"))
    assert json.loads((tmp_path / "all.json").read_text()) == document
    assert "removed: 0 records of other" in say("batch-size", "reset", "--dataset", "other")
    assert "removed: 1 record;" in say("batch-size", "reset")
    assert database.records() == ()


def test_auto_is_a_word_of_the_batch_and_a_switch_needs_no_value() -> None:
    from can_train.cli.main import build_parser
    from can_train.cli.options import typed_from
    from can_train.config.build import build_request

    line = ["train", *BASE, "--model", "gat", "--batch-size", "auto", "--scale-lr"]
    built = build_request(typed_from(build_parser("train").parse_args(line), one_stage=True))
    assert built.problems == [] and built.request is not None
    settings = built.request.stages[0].settings
    assert (settings["batch_size"], settings["scale_lr"]) == (0, True)
