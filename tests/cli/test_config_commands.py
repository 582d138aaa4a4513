"""Requests in files, buckets, dry runs as JSON, and the commands that explain them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from can_train.cli.examples import EXAMPLES
from can_train.cli.main import main
from can_train.config.codec import Json
from can_train.config.explain import differences
from can_train.config.frozen import load_frozen
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate
from can_train.runs.layout import frozen_of_run, iter_runs

BASE = ("--modality", "automotive", "--dataset", "car")
FIVE = (*BASE, "--model", "vgae,gat,vgae,gat,dqn",
        "--model-size", "teacher,teacher,student,student,student",
        "--training-strategy", "autoencoder,curriculum,autoencoder,curriculum,fusion",
        "--distillation", "no-kd,no-kd,with-kd,with-kd,no-kd")  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a prepared dataset and nothing else."""
    home = tmp_path_factory.mktemp("home")
    generate(home / "source", scale=0.3)
    request = PrepareRequest(modality="automotive", dataset="car", data_root=home / "data",
                             source=home / "source")  # fmt: skip
    prepare_dataset(request, report=lambda line: None)
    return home


@pytest.fixture
def home(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAN_TRAIN_HOME", str(prepared))
    shutil.rmtree(prepared / "experimentruns", ignore_errors=True)
    return prepared


def tree(root: Path) -> list[tuple[str, float]]:
    return sorted((str(path), path.lstat().st_mtime) for path in root.rglob("*"))


def test_the_five_stage_plan_as_json_writes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(home)
    assert main(["pipeline", *FIVE, "--memory", "16G", "--dry-run", "--json"]) == 0
    assert tree(home) == before
    document = json.loads(capsys.readouterr().out)
    assert document["edges"] == [[1, 2], [1, 3], [2, 4], [3, 4], [3, 5], [4, 5]]
    assert document["warnings"] == []
    stage = document["stages"][3]
    words = ("modality", "dataset", "learning_type", "model", "model_size", "distillation",
             "training_strategy")  # fmt: skip
    assert [stage[word] for word in words] == [
        "automotive", "car", "supervised", "gat", "student", "with-kd", "curriculum",
    ]  # fmt: skip
    assert stage["seed"] == 0
    assert stage["distillation_settings"]["temperature"] == 4.0
    assert stage["teacher"]["from_stage"] == 2
    assert stage["resources"]["memory"] == "16G"
    assert stage["estimate"]["seconds"] is None and stage["estimate"]["memory_bytes"] > 0


def test_json_without_dry_run_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline", *FIVE, "--json"]) == 2
    assert "Add --dry-run" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_file_fills_the_request_and_flags_override_it(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    path = tmp_path / f"request.{suffix}"
    path.write_text(
        json.dumps({"dataset": "car", "model": ["vgae", "gat"], "epochs": [5, 6], "seed": 3,
                    "walltime": "02:00:00", "model-args": {"gat.heads": 2}})
        if suffix == "json"
        else "dataset: car\nmodel: [vgae, gat]\nepochs: 5,6\nseed: 3\nwalltime: 02:00:00\n"
        "model_args: {gat.heads: 2}\n"
    )  # fmt: skip
    words = ["pipeline", "--modality", "automotive", "--config", str(path)]
    assert main([*words, "--seed", "4", "--dry-run", "--json"]) == 0
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert [s["training"]["epochs"] for s in stages] == [5, 6]
    assert [s["seed"] for s in stages] == [4, 4]
    assert stages[0]["resources"]["walltime"] == "02:00:00"
    assert main([*words, "--dry-run", "--model-args", "gat.heads=1", "--json"]) == 0
    other = json.loads(capsys.readouterr().out)["stages"]
    assert other[0]["sha256"] != stages[0]["sha256"] and other[1]["run_id"] != stages[1]["run_id"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3\n", "unknown key epoch; did you mean epochs?"),
        ("- 1\n", "holds no keys"),
        ("a: [\n", "isn't YAML or JSON"),
        ("smoke: maybe\n", "smoke: maybe isn't allowed. Allowed: true, false"),
        ("epochs: {a: 1}\n", "isn't a word, a number or a list of them"),
    ],
)
def test_a_wrong_file_is_one_message(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path = tmp_path / "request.yaml"
    path.write_text(text)
    assert main(["validate", "--modality", "automotive", "--config", str(path)]) == 2
    assert message in capsys.readouterr().err


def test_lists_in_buckets_span_a_grid_that_is_only_shown(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "train",
        *BASE,
        "--model",
        "vgae",
        "--model-args",
        "learning_rate=[0.001,0.003],seed=[1,2]",
    ]
    assert main([*words, "--dry-run", "--json"]) == 0
    plans = json.loads(capsys.readouterr().out)["plans"]
    found = [(p["stages"][0]["training"]["learning_rate"], p["stages"][0]["seed"]) for p in plans]
    assert found == [(0.001, 1), (0.001, 2), (0.003, 1), (0.003, 2)]
    assert main(words) == 2
    assert "span a grid of 4 plans" in capsys.readouterr().err
    assert not (home / "experimentruns").exists()


@pytest.mark.parametrize(
    ("bucket", "message"),
    [
        ("learning_rat=1", "learning_rat isn't known; did you mean learning_rate?"),
        ("learning_rate", "learning_rate isn't key=value"),
        ("learning_rate=[1,2", "brackets in learning_rate=[1,2 don't match"),
        ("learning_rate=[1,,2]", "without empty items"),
        ("seed=1,seed=2", "seed is given twice"),
        ("seed=[1,1]", "holds a value twice"),
        ("memory=16G", "memory isn't known"),
        ("layers=3", "no stage takes layers; it belongs to gat, this plan trains vgae"),
        ("latent_channels=0", "--model-args: latent_channels: 0 isn't allowed"),
        ("epochs=3", "epochs is also given by --epochs"),
    ],
)
def test_a_wrong_bucket_is_one_message(
    home: Path, capsys: pytest.CaptureFixture[str], bucket: str, message: str
) -> None:
    words = ["train", *BASE, "--model", "vgae", "--epochs", "4", "--model-args", bucket]
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_smoke_is_short_and_says_what_it_replaces(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", *BASE, "--model", "vgae", "--smoke", "--epochs", "50", "--dry-run"]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "at most 300 windows per side" in shown.out
    assert shown.out.splitlines()[2].split()[-4:-1] == ["2", "unknown", "0.7"]
    assert shown.err == "warning: --smoke: --epochs is 2, not 50\n"


def test_resources_without_a_cluster_are_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", *BASE, "--model", "dqn", "--walltime", "2h", "--memory", "lots"]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "--walltime: stage 1 (dqn): 2h isn't a time limit" in error
    assert "--memory: stage 1 (dqn): lots isn't an amount" in error
    assert "it needs a vgae of size teacher" in error and "it needs a gat of size teacher" in error


def test_twice_the_same_stage_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline", *BASE, "--model", "gat,gat", "--dry-run"]) == 2
    assert "are the same run" in capsys.readouterr().err


def test_validate_checks_a_frozen_config_and_its_data(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from can_train.config.typed import Typed
    from can_train.pipeline.plan import make_plan
    from can_train.pipeline.record import write_plan
    from can_train.runs.layout import roots_from

    words = {"modality": "automotive", "dataset": "car", "model": "vgae"}
    write_plan(make_plan(Typed(text=words), roots_from()))
    (run,) = iter_runs(home / "experimentruns")
    frozen = frozen_of_run(run)
    command = ["validate", "--modality", "automotive", "--config", str(frozen)]
    assert main(command) == 0
    assert f"valid: run {run.name}" in capsys.readouterr().out
    assert load_frozen(frozen).provenance["given"] == dict.fromkeys(words, "flag")
    assert main([*command, "--epochs", "3"]) == 2
    assert "a frozen config is never changed by flags" in capsys.readouterr().err
    manifest = home / "data" / "automotive" / "car" / "dataset.json"
    text = manifest.read_text()
    manifest.write_text("{")
    code = main(command)
    manifest.write_text(text)
    assert code == 5


def test_explain_tells_flag_file_preset_and_default(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("patience: 3\n")
    words = [*BASE, "--model", "vgae,gat,dqn", "--config", str(path), "--learning-rate", "0.01"]
    expected = {
        "learning-rate": ["0.01", "flag"],
        "patience": ["3", f"file {path}"],
        "epochs": ["200", "preset dqn teacher_fusion"],
        "weight-decay": ["0.0001", "default"],
        "hidden_channels": ["576", "preset dqn teacher"],
    }
    for name, columns in expected.items():
        assert main(["config", "explain", name, *words]) == 0
        last = capsys.readouterr().out.splitlines()[-1]
        assert [part.strip() for part in last.split("  ") if part][1:] == columns
    words = [*BASE, "--model", "gat", "--training-strategy", "distillation"]
    assert main(["config", "explain", "distillation", *words]) == 0
    assert "what the training strategy or --use-kd means" in capsys.readouterr().out
    assert main(["config", "explain", "learning-rat"]) == 2
    assert "did you mean learning_rate?" in capsys.readouterr().err


def test_two_runs_differ_in_what_was_asked_for(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from can_train.config.typed import Typed
    from can_train.pipeline.plan import make_plan
    from can_train.pipeline.record import write_plan
    from can_train.runs.layout import roots_from

    words = {"modality": "automotive", "dataset": "car", "model": "vgae"}
    runs = []
    for seed in ("1", "2"):
        plan = make_plan(Typed(text={**words, "seed": seed}), roots_from())
        write_plan(plan)
        runs.append(plan.stages[0].run_id)
    assert main(["config", "diff", *runs]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [f"seed  {'1':12}  2"]


def test_groups_of_settings_differ_by_their_values() -> None:
    teacher: dict[str, Json] = {"path": None, "run_id": "0123456789ab"}
    kd: dict[str, Json] = {"alpha": 0.7, "teacher": teacher}
    rows = [("distillation.alpha", "absent", "0.7"),
            ("distillation.teacher.run_id", "absent", "0123456789ab")]  # fmt: skip
    assert list(differences({"distillation": None}, {"distillation": kd})) == rows
    assert list(differences({}, {"distillation": kd})) == rows
    other: dict[str, Json] = {"distillation": {**kd, "alpha": 0.5}}
    assert list(differences({"distillation": kd}, other)) == [("distillation.alpha", "0.7", "0.5")]


def test_models_say_what_their_counts_depend_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "--ids", "66"]) == 0
    shown = capsys.readouterr().out
    assert "with relational features no number of known IDs (--ids) changes a preset" in shown
    assert "1,245,501" in shown  # no ID is fed or told
    assert main(["models", "--features", "classic", "--ids", "66"]) == 0
    assert "counted for 66 known arbitration IDs (--ids N)" in capsys.readouterr().out
    counts = []
    for ids in ("66", "67"):
        assert main(["models", "--features", "classic", "--ids", ids, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)["models"]
        counts.append([row["parameters"] for row in rows if row["model"] == "vgae"])
    assert all(one < other for one, other in zip(*counts, strict=True))


def test_models_and_env_speak_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["models"]
    students = sum(r["parameters"] for r in rows if r["model_size"] == "student")
    assert len(rows) == 6 and students <= 91_000
    assert main(["env", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert None not in facts["package"].values()
    assert facts["folder"]["data"] == str(home / "data")


def test_list_configs_shows_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list-configs"]) == 0
    shown = capsys.readouterr().out
    assert all(example.line in shown for example in EXAMPLES)


def test_the_completion_script_completes_in_bash(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    ask = 'COMP_WORDS=(can-train train --mod); COMP_CWORD=2; _can_train; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"--modality", "--model", "--model-size", "--model-args"}


def test_a_login_node_is_for_submitting(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "site.toml"
    profile.write_text("login_node = true\n")
    monkeypatch.setenv("CAN_TRAIN_SITE", str(profile))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    programs = tmp_path / "bin"
    programs.mkdir()
    ping = programs / "scontrol"
    ping.write_text("#!/bin/sh\nexit 0\n")
    ping.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    words = ["train", *BASE, "--model", "dqn"]  # ends with 3 in any case: it has no parents
    assert main(words) == 3
    assert "this is a login node" in capsys.readouterr().err
    for flag in ("--local", "--smoke", "--dry-run"):
        assert main([*words, flag]) == 3
        assert "login node" not in capsys.readouterr().err
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    main(words)
    assert "login node" not in capsys.readouterr().err
    monkeypatch.delenv("SLURM_JOB_ID")
    ping.write_text("#!/bin/sh\nexit 1\n")
    main(words)
    assert "login node" not in capsys.readouterr().err


def test_env_installs_an_extra_from_its_lock_file(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAN_TRAIN_HOME", str(tmp_path))
    assert main(["env", "--install", "formats"]) == 2
    assert f"no file {tmp_path / 'requirements-formats.lock'}" in capfd.readouterr().err
    (tmp_path / "requirements-formats.lock").write_text("absent-package==1.0\n")
    assert main(["env", "--install", "formats"]) == 1  # pip refuses what has no hash
    (tmp_path / "requirements-formats.lock").write_text("# nothing\n")
    assert main(["env", "--install", "formats"]) == 0
